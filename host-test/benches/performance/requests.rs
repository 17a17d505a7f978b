//! Whole requests, one after the other: the component beside the same core compiled natively, a plain client, and the
//! component in other hosts.

use criterion::Criterion;
use host_test::performance::{Flow, Results, Served};

use crate::brand::{Brand, Simulation, small};
use crate::component::InHost;
use crate::foreign;
use crate::meter::{Sample, samples, wall_quantile};
use crate::native::NativeTransport;
use crate::scale::Scale;

/// Somebody who serves requests.
pub trait Contestant {
    /// As the results call it.
    fn name(&self) -> &'static str;

    /// Serves one request about the person whom the brand knows, to its end, as if it were the first: signs in, follows the
    /// jobs, reads all documents.
    ///
    /// # Panics
    /// If it does not come to what it should come to.
    fn serve(&mut self, brand: &Brand<'_>, flow: Flow) -> Sample;
}

/// Measures all contestants side by side.
pub fn measure(criterion: &mut Criterion, scale: Scale, simulation: &Simulation, results: &mut Results) {
    let mut contestants: Vec<Box<dyn Contestant>> = vec![Box::new(NativeTransport::new()), Box::new(InHost::new())];
    contestants.extend(foreign::contestants());
    for flow in Flow::ALL {
        let expected = calls(contestants[0].as_mut(), simulation, flow);
        let mut group = criterion.benchmark_group(format!("requests/{}", flow.name()));
        for contestant in &mut contestants {
            // Who does not make the same calls does not do the same. The plain client may leave out what only checks.
            let made = calls(contestant.as_mut(), simulation, flow);
            let same = |(made, expected): (&(String, u64), &(String, u64))| {
                made == expected || contestant.name() == "python-client" && made.1 < expected.1
            };
            assert!(made.iter().zip(&expected).all(same), "{}: {made:?}, not {expected:?}", contestant.name());
            let calls = made.iter().map(|(_, count)| count).sum();
            let brand = simulation.brand(&small(), 0);
            for _ in 0..scale.pick(0, 5, 20) {
                once(contestant.as_mut(), &brand, flow);
            }
            let name = contestant.name();
            let samples = samples(&mut group, name, || once(contestant.as_mut(), &brand, flow));
            if samples.is_empty() {
                continue;
            }
            let served = served(flow, name, calls, &samples);
            println!(
                "{:>16} {name:<14} {:8.1}/s  p50 {:7.3} ms  p99 {:7.3} ms  processor {:7.3} ms  {calls} calls",
                flow.name(),
                served.per_second,
                served.p50_ms,
                served.p99_ms,
                served.cpu_ms
            );
            results.served.retain(|old| (old.flow, old.by.as_str()) != (flow, name));
            results.served.push(served);
        }
        group.finish();
    }
}

fn once(contestant: &mut dyn Contestant, brand: &Brand<'_>, flow: Flow) -> Sample {
    let sample = contestant.serve(brand, flow);
    if matches!(flow, Flow::Erase | Flow::EraseAndVerify) {
        brand.restore();
    }
    brand.pass_a_day();
    sample
}

/// How many calls of which kind one request costs.
fn calls(contestant: &mut dyn Contestant, simulation: &Simulation, flow: Flow) -> Vec<(String, u64)> {
    let brand = simulation.brand(&small(), 0);
    contestant.serve(&brand, flow);
    brand.calls()
}

fn served(flow: Flow, by: &str, calls: u64, samples: &[Sample]) -> Served {
    let times = samples.len() as f64;
    let wall: f64 = samples.iter().map(|sample| sample.wall.as_secs_f64()).sum();
    let cpu: f64 = samples.iter().map(|sample| sample.cpu.as_secs_f64()).sum();
    Served {
        flow,
        by: by.to_owned(),
        times: samples.len() as u64,
        per_second: times / wall,
        p50_ms: wall_quantile(samples, 0.5) * 1e3,
        p99_ms: wall_quantile(samples, 0.99) * 1e3,
        cpu_ms: cpu / times * 1e3,
        calls,
    }
}
