//! Whole requests in sequence: through the component, through the same core compiled natively, through a plain client, and
//! through the component in other hosts.

use std::collections::BTreeMap;

use criterion::Criterion;

use crate::brand::{Brand, Simulation, small_brand};
use crate::client::Client;
use crate::component::ComponentClient;
use crate::external;
use crate::meter::{Sample, samples, wall_quantile};
use crate::native::NativeClient;
use crate::results::{Flow, Results, Reuse, Served};
use crate::scale::Scale;

/// Measures all clients.
pub fn measure(criterion: &mut Criterion, scale: Scale, simulation: &Simulation, results: &mut Results) {
    let mut clients: Vec<Box<dyn Client>> = vec![Box::new(NativeClient::new()), Box::new(ComponentClient::new())];
    clients.extend(external::clients());
    for (flow, reuse) in Flow::ALL.into_iter().flat_map(|flow| Reuse::ALL.map(|reuse| (flow, reuse))) {
        let expected = calls_by_endpoint(clients[0].as_mut(), simulation, flow, reuse);
        let mut group = criterion.benchmark_group(format!("requests/{}/{}", flow.name(), reuse.name()));
        group.measurement_time(scale.request_measurement_time());
        for client in &mut clients {
            let name = client.name();
            let calls = calls_by_endpoint(client.as_mut(), simulation, flow, reuse);
            check_calls(name, &calls, &expected);
            let brand = simulation.brand(&small_brand(), 0);
            client.select_brand(&brand.connection, reuse);
            for _ in 0..scale.pick(0, 5, 20) {
                serve_and_restore(client.as_mut(), &brand, flow);
            }
            let samples = samples(&mut group, name, || serve_and_restore(client.as_mut(), &brand, flow));
            if samples.is_empty() {
                continue;
            }
            let served = served(flow, reuse, name, calls.values().sum(), &samples);
            println!(
                "{:>16} {:<5} {name:<14} {:8.1}/s  p50 {:7.3} ms  p99 {:7.3} ms  processor {:7.3} ms  {} calls",
                flow.name(),
                reuse.name(),
                served.per_second,
                served.p50_ms,
                served.p99_ms,
                served.cpu_ms,
                served.calls,
            );
            results.served.retain(|old| (old.flow, old.reuse, old.client.as_str()) != (flow, reuse, name));
            results.served.push(served);
        }
        group.finish();
    }
}

/// Serves a request, and prepares the brand for the next one.
fn serve_and_restore(client: &mut dyn Client, brand: &Brand<'_>, flow: Flow) -> Sample {
    let sample = client.serve(flow);
    if matches!(flow, Flow::Erase | Flow::EraseAndVerify) {
        brand.restore();
    }
    brand.advance_one_day();
    sample
}

/// The number of calls of the second request, by endpoint.
///
/// # Panics
/// If the request gets an access token on a reused connection, or none on a new one.
fn calls_by_endpoint(
    client: &mut dyn Client,
    simulation: &Simulation,
    flow: Flow,
    reuse: Reuse,
) -> BTreeMap<String, u64> {
    let brand = simulation.brand(&small_brand(), 0);
    client.select_brand(&brand.connection, reuse);
    serve_and_restore(client, &brand, flow);
    let before = brand.calls();
    client.serve(flow);
    let mut calls = brand.calls();
    for (endpoint, count) in &mut calls {
        *count -= before.get(endpoint).unwrap_or(&0);
    }
    calls.retain(|_, count| *count > 0);
    assert_eq!(calls.contains_key("token"), reuse == Reuse::Fresh, "{}: {calls:?}", client.name());
    calls
}

/// Checks that a client makes the expected calls. The plain client omits the two calls that look for an earlier verification: one
/// page of the list of erasures, and one erasure of that page.
///
/// # Panics
/// If the client makes other calls.
fn check_calls(client: &str, calls: &BTreeMap<String, u64>, expected: &BTreeMap<String, u64>) {
    let mut expected = expected.clone();
    if client == "python-client" && expected.remove("erasure-list").is_some() {
        expected.entry("erasure-get".to_owned()).and_modify(|count| *count -= 1);
    }
    assert_eq!(*calls, expected, "{client}");
}

fn served(flow: Flow, reuse: Reuse, client: &str, calls: u64, samples: &[Sample]) -> Served {
    let times = samples.len() as f64;
    let wall: f64 = samples.iter().map(|sample| sample.wall.as_secs_f64()).sum();
    let cpu: f64 = samples.iter().map(|sample| sample.cpu.as_secs_f64()).sum();
    Served {
        flow,
        reuse,
        client: client.to_owned(),
        times: samples.len() as u64,
        per_second: times / wall,
        p50_ms: wall_quantile(samples, 0.5) * 1e3,
        p99_ms: wall_quantile(samples, 0.99) * 1e3,
        cpu_ms: cpu / times * 1e3,
        calls,
    }
}
