//! Concurrent requests, through the component and natively.

use std::sync::Barrier;
use std::thread;

use privacy_host::contract::Outcome;
use qualtrics_connector::contract as native_contract;
use tokio::runtime::Runtime;

use crate::brand::{Simulation, small_brand};
use crate::meter::{Sample, peak_resident_bytes, resident_bytes};
use crate::native::{self, NativeTransport};
use crate::results::{Concurrent, Flow, Results};
use crate::scale::Scale;
use crate::subprocess::{Load, Measurement};

/// Runs the benchmark.
pub fn measure(scale: Scale, simulation: &Simulation, results: &mut Results) {
    results.concurrent.clear();
    let warm_up = simulation.brand(&small_brand(), 0);
    for latency_ms in scale.pick(vec![0], vec![0, 50], vec![0, 50, 500]) {
        for at_once in scale.pick(vec![2], vec![1, 10, 100], vec![1, 10, 100, 1_000]) {
            // More rounds where one is short, for stable figures in an acceptable time.
            let rounds = match (latency_ms, at_once) {
                (0, ..100) => 200 / at_once,
                (0, _) => 3,
                (50, 1) => 5,
                (50, _) => 2,
                _ => 1,
            };
            let requests = scale.pick(at_once, at_once, at_once * rounds);
            for measurement in [Measurement::ConcurrentNative, Measurement::ConcurrentComponent] {
                let brand = simulation.brand(&small_brand(), latency_ms);
                let (warm_up, connection) = (warm_up.connection.clone(), brand.connection.clone());
                let load = Load { warm_up, connection, at_once, requests };
                let result: Concurrent = measurement(load).run_in_subprocess();
                let result = Concurrent { latency_ms, ..result };
                println!(
                    "{at_once:>5} at once, {latency_ms:>3} ms, {:<9}: {:8.1}/s, processor {:6.3} ms, {:6.1} KiB each",
                    result.client, result.per_second, result.cpu_ms, result.kib_each
                );
                results.concurrent.push(result);
            }
        }
    }
}

impl Load {
    /// The number of requests for each of the concurrent workers. A worker serves one request after the other.
    fn requests_by_worker(&self) -> impl Iterator<Item = u32> + use<> {
        let Self { at_once, requests, .. } = *self;
        (0..at_once).map(move |worker| requests / at_once + u32::from(worker < requests % at_once))
    }

    /// The result. `resident_before` is the resident memory of the process before the first of these requests.
    fn result(&self, client: &str, sample: Sample, resident_before: u64) -> Concurrent {
        let added_bytes = peak_resident_bytes().saturating_sub(resident_before);
        Concurrent {
            client: client.to_owned(),
            at_once: self.at_once.into(),
            latency_ms: 0,
            per_second: f64::from(self.requests) / sample.wall.as_secs_f64(),
            cpu_ms: sample.cpu.as_secs_f64() * 1e3 / f64::from(self.requests),
            kib_each: added_bytes as f64 / 1024.0 / f64::from(self.at_once),
        }
    }
}

/// A runtime with two threads.
fn two_thread_runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("failed to start a runtime")
}

/// Serves the requests through the component on two threads, each request on a new instance.
pub fn component(load: &Load) -> Concurrent {
    let runtime = two_thread_runtime();
    let plugin = crate::component::plugin(load.at_once);
    runtime.block_on(crate::component::serve(&plugin, &load.warm_up, Flow::Access));
    let resident_before = resident_bytes();
    let spawn_worker = |requests: u32| {
        let (plugin, connection) = (plugin.clone(), load.connection.clone());
        runtime.spawn(async move {
            for _ in 0..requests {
                let report = crate::component::serve(&plugin, &connection, Flow::Access).await;
                assert_eq!(report.outcome, Outcome::Found, "{:?}", report.findings);
            }
        })
    };
    let (sample, ()) = Sample::of(|| {
        let workers: Vec<_> = load.requests_by_worker().map(spawn_worker).collect();
        runtime.block_on(async {
            for worker in workers {
                worker.await.expect("a worker failed");
            }
        });
    });
    load.result("component", sample, resident_before)
}

/// Serves the requests natively. Calls of the core block, so that each concurrent request has a thread, which starts before the
/// measurement. As for the component, the connections are in one pool on two threads.
pub fn native(load: &Load) -> Concurrent {
    let transport = NativeTransport::on(two_thread_runtime());
    native::serve(&transport, &load.warm_up, Flow::Access);
    let resident_before = resident_bytes();
    let ready = Barrier::new(load.at_once as usize + 1);
    let run_worker = |requests: u32| {
        ready.wait();
        for _ in 0..requests {
            let report = native::serve(&transport, &load.connection, Flow::Access);
            assert_eq!(report.outcome, native_contract::Outcome::Found, "{:?}", report.findings);
        }
    };
    let sample = thread::scope(|scope| {
        let run_worker = &run_worker;
        let workers: Vec<_> =
            load.requests_by_worker().map(|requests| scope.spawn(move || run_worker(requests))).collect();
        let (sample, ()) = Sample::of(|| {
            ready.wait();
            for worker in workers {
                worker.join().expect("a worker failed");
            }
        });
        sample
    });
    load.result("native", sample, resident_before)
}
