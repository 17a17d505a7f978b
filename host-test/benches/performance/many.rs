//! Many concurrent requests, through the component and natively.

use std::sync::Barrier;
use std::thread;

use host_test::host::contract::Outcome;
use host_test::performance::{Crowd, Flow, Results};
use qualtrics_connector::contract as core;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::alone::Errand;
use crate::brand::{Connection, Simulation, small};
use crate::component;
use crate::meter::{Sample, most_resident, resident};
use crate::native::{self, NativeTransport};
use crate::scale::Scale;

/// A number of access requests, and how many of them are concurrent.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Rush {
    /// A brand without latency for a first request, so that one-time costs are not measured.
    first: Connection,
    connection: Connection,
    at_once: u32,
    times: u32,
}

/// Runs the measurement.
pub fn measure(scale: Scale, simulation: &Simulation, results: &mut Results) {
    results.crowds.clear();
    let quick = simulation.brand(&small(), 0);
    for latency_ms in scale.pick(vec![0], vec![0, 50], vec![0, 50, 500]) {
        for at_once in scale.pick(vec![2], vec![1, 10, 100], vec![1, 10, 100, 1_000]) {
            // Enough rounds for stable figures in an acceptable time.
            let rounds = match (latency_ms, at_once) {
                (0, ..100) => 200 / at_once,
                (0, _) => 3,
                (50, 1) => 5,
                (50, _) => 2,
                _ => 1,
            };
            let times = scale.pick(at_once, at_once, at_once * rounds.max(1));
            for errand in [Errand::CrowdOfNatives, Errand::CrowdOfInstances] {
                let brand = simulation.brand(&small(), latency_ms);
                let rush =
                    Rush { first: quick.connection.clone(), connection: brand.connection.clone(), at_once, times };
                let crowd: Crowd = errand(rush).send();
                let crowd = Crowd { latency_ms, ..crowd };
                println!(
                    "{at_once:>5} at once, {latency_ms:>3} ms, {:<9}: {:8.1}/s, processor {:6.3} ms, {:6.1} KiB each",
                    crowd.by, crowd.per_second, crowd.cpu_ms, crowd.kib_each
                );
                results.crowds.push(crowd);
            }
        }
    }
}

impl Rush {
    /// How many requests each lane serves, one after the other.
    fn lanes(&self) -> impl Iterator<Item = u32> + use<> {
        let Self { at_once, times, .. } = *self;
        (0..at_once).map(move |lane| times / at_once + u32::from(lane < times % at_once))
    }

    /// The result. `resident_before` is the resident memory of the process before it served any of these.
    fn told(&self, by: &str, took: Sample, resident_before: u64) -> Crowd {
        Crowd {
            by: by.to_owned(),
            at_once: self.at_once.into(),
            latency_ms: 0,
            per_second: f64::from(self.times) / took.wall.as_secs_f64(),
            cpu_ms: took.cpu.as_secs_f64() * 1e3 / f64::from(self.times),
            kib_each: most_resident().saturating_sub(resident_before) as f64 / 1024.0 / f64::from(self.at_once),
        }
    }
}

/// A runtime with two threads.
fn two_threads() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Serves them through the component, each on an instance of its own, on two threads.
pub fn instances(rush: &Rush) -> Crowd {
    let runtime = two_threads();
    let plugin = component::plugin(rush.at_once);
    runtime.block_on(component::serve(&plugin, &rush.first, Flow::Access));
    let before = resident();
    let lane = |requests: u32| {
        let (plugin, connection) = (plugin.clone(), rush.connection.clone());
        runtime.spawn(async move {
            for _ in 0..requests {
                let report = component::serve(&plugin, &connection, Flow::Access).await;
                assert_eq!(report.outcome, Outcome::Found, "{:?}", report.findings);
            }
        })
    };
    let (took, ()) = Sample::of(|| {
        let lanes: Vec<_> = rush.lanes().map(lane).collect();
        runtime.block_on(async {
            for lane in lanes {
                lane.await.expect("every request is served");
            }
        });
    });
    rush.told("component", took, before)
}

/// Serves them natively. The core's calls block, so each concurrent request has a thread, which is started beforehand as in a
/// server. The connections are in one pool on two threads, as for the component.
pub fn natives(rush: &Rush) -> Crowd {
    let transport = NativeTransport::on(two_threads());
    native::serve(&transport, &rush.first, Flow::Access);
    let before = resident();
    let ready = Barrier::new(rush.at_once as usize + 1);
    let lane = |requests: u32| {
        ready.wait();
        for _ in 0..requests {
            let report = native::serve(&transport, &rush.connection, Flow::Access);
            assert_eq!(report.outcome, core::Outcome::Found, "{:?}", report.findings);
        }
    };
    let took = thread::scope(|scope| {
        let lane = &lane;
        let lanes: Vec<_> = rush.lanes().map(|requests| scope.spawn(move || lane(requests))).collect();
        let (took, ()) = Sample::of(|| {
            ready.wait();
            for lane in lanes {
                lane.join().expect("every request is served");
            }
        });
        took
    });
    rush.told("native", took, before)
}
