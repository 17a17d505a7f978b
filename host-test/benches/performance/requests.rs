//! Whole requests in sequence: through the component, the same core compiled natively, a plain client, and the component in other
//! hosts.

use std::collections::BTreeMap;
use std::time::Duration;

use criterion::Criterion;
use host_test::performance::{Flow, Results, Served, Way};

use crate::brand::{Brand, Connection, Simulation, small};
use crate::component::InHost;
use crate::foreign;
use crate::meter::{Sample, samples, wall_quantile};
use crate::native::Native;
use crate::scale::Scale;

/// The simulated time between two requests on a reused connection. With less, the connector would reach Qualtrics' limit of 20
/// erasures a minute. A token lasts for some 170 requests, and the cached list of users for 30.
pub const PAUSE: Duration = Duration::from_secs(20);

/// Something that serves requests.
pub trait Contestant {
    /// Its name in the results.
    fn name(&self) -> &'static str;

    /// Selects the brand of all further requests.
    fn turn_to(&mut self, connection: &Connection, way: Way);

    /// Serves one request for the person in the brand to its end: signs in unless the connection is reused, polls the jobs, reads all
    /// documents.
    ///
    /// # Panics
    /// If the outcome is not the expected one.
    fn serve(&mut self, flow: Flow) -> Sample;
}

/// Measures all contestants side by side.
pub fn measure(criterion: &mut Criterion, scale: Scale, simulation: &Simulation, results: &mut Results) {
    let mut contestants: Vec<Box<dyn Contestant>> = vec![Box::new(Native::new()), Box::new(InHost::new())];
    contestants.extend(foreign::contestants());
    for (flow, way) in Flow::ALL.into_iter().flat_map(|flow| Way::ALL.map(|way| (flow, way))) {
        let expected = calls(contestants[0].as_mut(), simulation, flow, way);
        let mut group = criterion.benchmark_group(format!("requests/{}/{}", flow.name(), way.name()));
        group.measurement_time(scale.of_a_request());
        for contestant in &mut contestants {
            let name = contestant.name();
            let made = calls(contestant.as_mut(), simulation, flow, way);
            check(name, &made, &expected);
            let brand = simulation.brand(&small(), 0);
            contestant.turn_to(&brand.connection, way);
            for _ in 0..scale.pick(0, 5, 20) {
                once(contestant.as_mut(), &brand, flow);
            }
            let samples = samples(&mut group, name, || once(contestant.as_mut(), &brand, flow));
            if samples.is_empty() {
                continue;
            }
            let served = served(flow, way, name, made.values().sum(), &samples);
            println!(
                "{:>16} {:<5} {name:<14} {:8.1}/s  p50 {:7.3} ms  p99 {:7.3} ms  processor {:7.3} ms  {} calls",
                flow.name(),
                way.name(),
                served.per_second,
                served.p50_ms,
                served.p99_ms,
                served.cpu_ms,
                served.calls,
            );
            results.served.retain(|old| (old.flow, old.way, old.by.as_str()) != (flow, way, name));
            results.served.push(served);
        }
        group.finish();
    }
}

fn once(contestant: &mut dyn Contestant, brand: &Brand<'_>, flow: Flow) -> Sample {
    let sample = contestant.serve(flow);
    if matches!(flow, Flow::Erase | Flow::EraseAndVerify) {
        brand.restore();
    }
    brand.pass_a_day();
    sample
}

/// The calls of a request that is not the first, by endpoint.
fn calls(contestant: &mut dyn Contestant, simulation: &Simulation, flow: Flow, way: Way) -> BTreeMap<String, u64> {
    let brand = simulation.brand(&small(), 0);
    contestant.turn_to(&brand.connection, way);
    once(contestant, &brand, flow);
    let before = brand.calls();
    contestant.serve(flow);
    let mut made = brand.calls();
    for (endpoint, count) in &mut made {
        *count -= before.get(endpoint).unwrap_or(&0);
    }
    made.retain(|_, count| *count > 0);
    assert_eq!(made.contains_key("token"), way == Way::Fresh, "{}: {made:?}", contestant.name());
    made
}

/// Checks that a contestant makes the same calls as the others.
///
/// # Panics
/// If it makes other calls. The plain client omits the two that look for an earlier verifying search: a page of the list, and a job
/// on it.
fn check(name: &str, made: &BTreeMap<String, u64>, expected: &BTreeMap<String, u64>) {
    let mut expected = expected.clone();
    if name == "python-client" && expected.remove("erasure-list").is_some() {
        expected.entry("erasure-get".to_owned()).and_modify(|count| *count -= 1);
    }
    assert_eq!(*made, expected, "{name}");
}

fn served(flow: Flow, way: Way, by: &str, calls: u64, samples: &[Sample]) -> Served {
    let times = samples.len() as f64;
    let wall: f64 = samples.iter().map(|sample| sample.wall.as_secs_f64()).sum();
    let cpu: f64 = samples.iter().map(|sample| sample.cpu.as_secs_f64()).sum();
    Served {
        flow,
        way,
        by: by.to_owned(),
        times: samples.len() as u64,
        per_second: times / wall,
        p50_ms: wall_quantile(samples, 0.5) * 1e3,
        p99_ms: wall_quantile(samples, 0.99) * 1e3,
        cpu_ms: cpu / times * 1e3,
        calls,
    }
}
