//! Many requests at once, and how cost grows with the work.

use std::time::Instant;

use host_test::host::contract::{Outcome, Progress, Task};
use host_test::performance::{Crowd, Flow, Growth, Results, Work};
use serde_json::{Value, json};

use crate::alone::Errand;
use crate::brand::{Connection, PERSON, Simulation, small};
use crate::component::{self, InHost, about, configured};
use crate::meter::{cpu, most_resident, resident};
use crate::native::{self, NativeTransport};
use crate::scale::Scale;

/// Measures both.
pub fn measure(scale: Scale, simulation: &Simulation, results: &mut Results) {
    results.crowds = crowds(scale, simulation);
    results.growth = growth(scale, simulation);
}

fn crowds(scale: Scale, simulation: &Simulation) -> Vec<Crowd> {
    let mut crowds = Vec::new();
    for latency_ms in scale.pick(vec![0], vec![0, 50], vec![0, 50, 500]) {
        for at_once in scale.pick(vec![2], vec![1, 10, 100], vec![1, 10, 100, 1_000]) {
            let brand = simulation.brand(&small(), latency_ms);
            // Long enough for the figures to settle, short enough for the patient.
            let rounds = match (latency_ms, at_once) {
                (0, ..100) => 200 / at_once,
                (0, _) => 3,
                (50, 1) => 5,
                (50, _) => 2,
                _ => 1,
            };
            let times = scale.pick(at_once, at_once, at_once * rounds.max(1));
            let crowd: Crowd = Errand::Crowd { connection: brand.connection.clone(), at_once, times }.send();
            let crowd = Crowd { latency_ms, ..crowd };
            println!(
                "{at_once:>5} at once, {latency_ms:>3} ms: {:8.1}/s, processor {:6.3} ms, {:6.1} KiB each",
                crowd.per_second, crowd.cpu_ms, crowd.kib_each
            );
            crowds.push(crowd);
        }
    }
    crowds
}

/// Serves so many access requests, so many of them at once, each on an instance of its own, on two threads.
pub fn crowd(connection: &Connection, at_once: u32, times: u32) -> Crowd {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let plugin = component::plugin(at_once);
    runtime.expect("a runtime").block_on(async {
        component::serve(&plugin, connection, Flow::Access).await;
        let (resident_before, cpu_before, start) = (resident(), cpu(), Instant::now());
        let lanes = (0..at_once).map(|lane| {
            let (plugin, connection) = (plugin.clone(), connection.clone());
            let requests = times / at_once + u32::from(lane < times % at_once);
            tokio::spawn(async move {
                for _ in 0..requests {
                    let report = component::serve(&plugin, &connection, Flow::Access).await;
                    assert_eq!(report.outcome, Outcome::Found, "{:?}", report.findings);
                }
            })
        });
        let lanes: Vec<_> = lanes.collect();
        for lane in lanes {
            lane.await.expect("every request is served");
        }
        let (wall, cpu) = (start.elapsed(), cpu() - cpu_before);
        Crowd {
            at_once: at_once.into(),
            latency_ms: 0,
            per_second: f64::from(times) / wall.as_secs_f64(),
            cpu_ms: cpu.as_secs_f64() * 1e3 / f64::from(times),
            kib_each: most_resident().saturating_sub(resident_before) as f64 / 1024.0 / f64::from(at_once),
        }
    })
}

fn growth(scale: Scale, simulation: &Simulation) -> Vec<Growth> {
    let in_host = InHost::new();
    let mut growth = Vec::new();
    let mut add = |grown: Growth| {
        println!("{:?} {:>6}: {:>5} calls, {:9.2} ms", grown.work, grown.amount, grown.calls, grown.ms);
        growth.push(grown);
    };
    for amount in scale.pick(vec![1], vec![1, 10, 100], vec![1, 10, 100, 1_000, 10_000]) {
        let emails = vec![PERSON; amount];
        let held = json!({ "people": [{ "first-name": "Ada", "emails": emails }] });
        add(accessed(&in_host, simulation, &held, Work::Contacts, amount));
    }
    for amount in scale.pick(vec![1], vec![1, 10], vec![1, 10, 50, 100, 200]) {
        let directories: Vec<String> = (0..amount).map(|n| format!("POOL_{n:05}")).collect();
        let person = json!({ "first-name": "Ada", "emails": [PERSON], "directories": directories[..1] });
        let held = json!({ "directories": directories, "people": [person] });
        add(accessed(&in_host, simulation, &held, Work::Directories, amount));
    }
    for amount in scale.pick(vec![5], vec![1, 10, 100], vec![1, 10, 100, 1_000, 10_000]) {
        add(polled(&in_host, simulation, amount));
    }
    growth
}

/// One access request to its end: the second of two, so that connections are there.
fn accessed(in_host: &InHost, simulation: &Simulation, held: &Value, work: Work, amount: usize) -> Growth {
    let brand = simulation.brand(held, 0);
    let serve = || in_host.runtime.block_on(component::serve(&in_host.plugin, &brand.connection, Flow::Access));
    serve();
    let before = brand.call_count();
    let start = Instant::now();
    let report = serve();
    let ms = start.elapsed().as_secs_f64() * 1e3;
    assert!(matches!(report.outcome, Outcome::Found | Outcome::Partial), "{:?}", report.findings);
    Growth { work, amount: amount as u64, calls: brand.call_count() - before, ms }
}

/// One `poll` about so many erasures, on an instance that has not asked about them before.
fn polled(in_host: &InHost, simulation: &Simulation, amount: usize) -> Growth {
    let brand = simulation.brand(&json!({}), 0);
    let tasks = begun(&brand.connection, amount);
    let before = brand.call_count();
    let (ms, answers) = in_host.runtime.block_on(async {
        let mut instance = configured(&in_host.plugin, &brand.connection).await;
        let start = Instant::now();
        let answers = instance.poll(&tasks).await.expect("an answer");
        (start.elapsed().as_secs_f64() * 1e3, answers)
    });
    assert!(answers.iter().all(Result::is_ok), "{:?}", answers.iter().find(|answer| answer.is_err()));
    let done = answers.iter().filter(|answer| matches!(answer, Ok(Progress::Done(_)))).count();
    println!("{done} of {amount} are seen at once");
    Growth { work: Work::PendingJobs, amount: amount as u64, calls: brand.call_count() - before, ms }
}

/// Begins so many erasures, natively, since their tickets are the same. A connector of its own for each: none comes to the
/// end of its share of Qualtrics' limits.
fn begun(connection: &Connection, amount: usize) -> Vec<Task> {
    use qualtrics_connector::connector::contract as core;

    let transport = NativeTransport::new();
    let begin = |n: usize| {
        let (key, address) = (format!("request-{n}"), format!("customer-{n:05}@example.org"));
        let mut connector = native::configured(&transport, connection);
        match connector.delete(&native::about(&key, &address), core::DeletionMode::Erase) {
            Ok(core::Progress::Pending(pending)) => {
                let request = host_test::host::contract::Request { key, ..about(&address) };
                Task { request, ticket: pending.ticket }
            }
            Ok(core::Progress::Done(report)) => panic!("pending, not {:?}", report.outcome),
            Err(error) => panic!("pending, not {error:?}"),
        }
    };
    (0..amount).map(begin).collect()
}
