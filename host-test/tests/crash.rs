//! A command that is killed at any point and started again completes each request once.

#![cfg(unix)]

mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::StreamExt;
use qualtrics_simulator::{
    Brand, Call, Dialects, Endpoint, Fault, FaultRule, Person, SAMPLE_CUSTOMERS, SAMPLE_PERSON, Simulator, WaitHint,
};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use shell::{Shell, code, files};

/// How many commands run concurrently. Commands are idle for about half of their time.
const CONCURRENCY: usize = 3;
/// The time-out of a test. A command that is not killed takes much less.
const MAX_DURATION: Duration = Duration::from_secs(60);

fn arguments(shell: &Shell, command: &[&str]) -> Vec<String> {
    let own = ["--id", "dsr-1", "--email", SAMPLE_PERSON, "--wait", "--json"];
    let paths =
        ["--journal".to_owned(), shell.directory.path("journal"), "--out".to_owned(), shell.directory.path("out")];
    command.iter().chain(&own).map(|&word| word.to_owned()).chain(paths).collect()
}

/// Whether the command has made its nth call. A call that starts a job must also have taken effect.
fn has_arrived(simulator: &Simulator, n: u32) -> bool {
    let writes = |call: &Call| matches!(call.endpoint, Endpoint::ErasureCreate | Endpoint::ExportCreate);
    simulator.calls().get(n as usize - 1).is_some_and(|call| call.took_effect || !writes(call))
}

/// Runs the command, kills it during its nth call before it receives the response, and runs it again to its end. `None` if it ended before
/// that call.
async fn kill_at_call(n: u32, fault: &Fault, command: &[&str]) -> Option<(Shell, Value)> {
    let shell = Shell::new(Brand::sample()).await;
    let output = kill_and_repeat(&shell, n, fault, &arguments(&shell, command)).await?;
    Some((shell, output))
}

async fn kill_and_repeat(shell: &Shell, n: u32, fault: &Fault, arguments: &[String]) -> Option<Value> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    shell.simulator.set_faults(vec![FaultRule::nth_of_any(n, fault.clone())]);
    let mut running = shell.spawn(&arguments);
    let started = Instant::now();
    let arrived = || match fault {
        Fault::SilenceAfterEffect => has_arrived(&shell.simulator, n),
        _ => shell.simulator.calls().len() >= n as usize,
    };
    while !arrived() {
        if running.has_ended() {
            return None;
        }
        assert!(started.elapsed() < MAX_DURATION, "call {n} of {arguments:?} was not made");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    running.kill();
    shell.simulator.set_faults(Vec::new());
    let ended = shell.run(&arguments).await;
    assert_eq!(code(&ended), 0, "{arguments:?}, killed at call {n}: {}", String::from_utf8_lossy(&ended.stdout));
    Some(serde_json::from_slice(&ended.stdout).unwrap())
}

/// Kills the command at each of its calls: once after the call took effect and, if the call starts a job, once before.
async fn kill_at_each_call(command: &[&str], check: impl Fn(&Shell, &Value)) {
    let uninterrupted = Shell::new(Brand::sample()).await;
    let arguments = arguments(&uninterrupted, command);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = uninterrupted.run(&arguments).await;
    assert_eq!(code(&ended), 0, "{}", String::from_utf8_lossy(&ended.stdout));
    check(&uninterrupted, &serde_json::from_slice(&ended.stdout).unwrap());
    let mut kills = Vec::new();
    for (call, n) in uninterrupted.simulator.calls().iter().zip(1..) {
        kills.push((n, Fault::SilenceAfterEffect));
        if matches!(call.endpoint, Endpoint::ErasureCreate | Endpoint::ExportCreate) {
            kills.push((n, Fault::SilenceBeforeEffect));
        }
    }
    assert!(kills.len() > 4, "{kills:?}");
    let killed = futures::stream::iter(kills).map(async |(n, fault)| kill_at_call(n, &fault, command).await);
    let planned = uninterrupted.simulator.calls().len();
    let killed: Vec<_> = killed.buffer_unordered(CONCURRENCY).filter_map(async |end| end).collect().await;
    println!("{command:?}: {planned} calls, killed {} times", killed.len());
    // The number of polls varies slightly between runs.
    assert!(killed.len() + 3 >= planned, "{} of {planned}", killed.len());
    for (shell, output) in &killed {
        check(shell, output);
    }
}

/// The outcome of a request that this run or an earlier one completed.
fn outcome(output: &Value) -> &Value {
    let member = if output["done"].is_null() { "ended" } else { "done" };
    &output[member]["outcome"]
}

fn erasures_of(simulator: &Simulator, address: &str) -> usize {
    simulator
        .erasures()
        .iter()
        .filter(|job| !job.search_only && job.emails.iter().any(|email| email == address))
        .count()
}

/// Checks that the saved exports of a request are identical to those that the simulator served.
fn assert_export(simulator: &Simulator, address: &str, files: &[(String, Vec<u8>)]) {
    let saved = files.iter().filter(|(name, _)| name.starts_with("export-")).map(|(_, bytes)| bytes.clone());
    let served: Vec<_> = simulator.expected_export(&[address]).iter().map(|file| file.content.to_vec()).collect();
    assert!(!served.is_empty());
    assert_eq!(saved.collect::<Vec<_>>(), served);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_request_killed_at_any_call_saves_all_documents() {
    kill_at_each_call(&["access"], |shell, output| {
        assert_eq!(outcome(output), "found");
        let files = files(&shell.directory.path("out"));
        assert_export(&shell.simulator, SAMPLE_PERSON, &files);
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.iter().filter(|name| name.starts_with("contact")).count(), 2, "{names:?}");
        assert!(names.contains(&"receipt.json"), "{names:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_killed_at_any_call_deletes_nothing() {
    kill_at_each_call(&["delete", "--mode", "preview"], |shell, output| {
        assert_eq!(outcome(output), "previewed");
        assert_eq!(erasures_of(&shell.simulator, SAMPLE_PERSON), 0);
        assert!(!shell.simulator.holdings(SAMPLE_PERSON).is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_killed_at_any_call_deletes_once() {
    kill_at_each_call(&["delete", "--mode", "erase"], |shell, output| {
        assert_eq!(outcome(output), "deleted");
        assert_eq!(erasures_of(&shell.simulator, SAMPLE_PERSON), 1);
        assert!(shell.simulator.holdings(SAMPLE_PERSON).is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_deletion_killed_at_any_call_deletes_once_and_is_verified() {
    kill_at_each_call(&["delete", "--mode", "erase-and-verify"], |shell, output| {
        assert_eq!(outcome(output), "verified");
        assert_eq!(erasures_of(&shell.simulator, SAMPLE_PERSON), 1);
        assert!(shell.simulator.holdings(SAMPLE_PERSON).is_empty());
    })
    .await;
}

/// The deletions that start in one call.
const GROUP: u32 = 4;

/// A batch of verified deletions, and its arguments.
async fn group() -> (Shell, Vec<String>) {
    let mut brand = Brand::sample();
    let mut lines = String::from("id,right,mode,email\n");
    for n in 0..GROUP {
        brand = brand.person(&Person::new("Person", "Of Many").email(&address(n)).responses(1), &[SAMPLE_CUSTOMERS]);
        lines.push_str(&format!("dsr-{n},deletion,erase-and-verify,{}\n", address(n)));
    }
    let shell = Shell::new(brand).await;
    let path = |name| shell.directory.path(name);
    std::fs::write(path("requests.csv"), lines).unwrap();
    let (input, journal, out) = (path("requests.csv"), path("journal"), path("out"));
    let arguments = ["batch", &input, "--journal", &journal, "--out", &out, "--json"].map(str::to_owned).to_vec();
    (shell, arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_that_start_together_are_killed_at_any_call_and_deleted_once() {
    let (uninterrupted, arguments) = group().await;
    let ended = uninterrupted.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(code(&ended), 0, "{}", String::from_utf8_lossy(&ended.stdout));
    let mut kills = Vec::new();
    for (call, n) in uninterrupted.simulator.calls().iter().zip(1..) {
        kills.push((n, Fault::SilenceAfterEffect));
        if call.endpoint == Endpoint::ErasureCreate {
            kills.push((n, Fault::SilenceBeforeEffect));
        }
    }
    let killed = futures::stream::iter(kills).map(async |(n, fault)| {
        let (shell, arguments) = group().await;
        let output = kill_and_repeat(&shell, n, &fault, &arguments).await?;
        Some((shell, output))
    });
    let killed: Vec<_> = killed.buffer_unordered(CONCURRENCY).filter_map(async |end| end).collect().await;
    assert!(killed.len() > 6, "{}", killed.len());
    for (shell, output) in &killed {
        assert_eq!(output["batch"]["states"]["verified"], GROUP, "{output}");
        for n in 0..GROUP {
            let jobs = shell.simulator.erasures();
            let erasures = jobs.iter().filter(|job| !job.search_only && job.emails.contains(&address(n))).count();
            assert_eq!(erasures, 1, "{}", address(n));
            assert!(shell.simulator.holdings(&address(n)).is_empty());
        }
    }
}

/// The number of requests in the batch, unless `BATCH_REQUESTS` is set.
const REQUESTS: u32 = 1_000;
/// On average, one of this many calls fails.
const CALLS_PER_FAULT: u32 = 40;
/// Each run of the batch is killed after at most this many calls.
const MAX_CALLS_PER_RUN: usize = 300;

fn address(n: u32) -> String {
    format!("person-{n:05}@example.org")
}

/// Alternating access requests and deletions, each for a different person.
fn batch(requests: u32) -> (Brand, String) {
    let mut brand = Brand::sample().past_erasures(0);
    let mut lines = String::from("id,right,mode,email\n");
    for n in 0..requests {
        let person = Person::new("Person", "Of Many").email(&address(n)).responses(1);
        brand = brand.person(&person, &[SAMPLE_CUSTOMERS]);
        let right = match n % 20 {
            n if n % 2 == 0 => "access,",
            19 => "deletion,erase-and-verify",
            _ => "deletion,erase",
        };
        lines.push_str(&format!("dsr-{n},{right},{}\n", address(n)));
    }
    (brand, lines)
}

fn faults(random: &mut SmallRng) -> Vec<FaultRule> {
    let faults = [
        Fault::ResetBeforeRead,
        Fault::ResetBeforeEffect,
        Fault::ResetAfterEffect,
        Fault::SilenceBeforeEffect,
        Fault::SilenceAfterEffect,
        Fault::HalfAnswer,
        Fault::ChunksCutOff,
        Fault::Status(503, WaitHint::None),
        Fault::Status(429, WaitHint::Seconds(2)),
        Fault::StatusAfterEffect(504, WaitHint::None),
    ];
    let mut calls = 0;
    let mut next = || {
        calls += random.random_range(1..2 * CALLS_PER_FAULT);
        FaultRule::nth_of_any(calls, faults.choose(random).unwrap().clone())
    };
    (0..MAX_CALLS_PER_RUN as u32 / CALLS_PER_FAULT).map(|_| next()).collect()
}

/// How many attempts to collect a person's data failed because of a fault: in a search for the person, in a file, or in the calls that
/// every attempt starts with.
fn failed_collections(simulator: &Simulator, log: &[Call], address: &str) -> usize {
    let exports = simulator.exports().into_iter().filter(|export| export.emails == [address]);
    let jobs: Vec<String> = exports.map(|export| export.id).collect();
    let is_of_job = |call: &Call| jobs.iter().any(|job| call.path.contains(job));
    let collections =
        log.iter().filter(|call| call.endpoint == Endpoint::ExportProgress && !call.faulty && is_of_job(call));
    let collections: Vec<Duration> = collections.map(|call| call.at).collect();
    let failures = log.iter().filter(|call| match call.endpoint {
        Endpoint::ContactSearch => call.faulty && call.body.0.to_string().contains(address),
        Endpoint::ExportFile => call.faulty && is_of_job(call),
        endpoint => call.faulty && matches!(endpoint, Endpoint::Token | Endpoint::Directories),
    });
    // An attempt is made in one call of the connector, which takes a little more than a minute.
    let collection_of = |failure: Duration| {
        let index = collections.iter().rposition(|started| *started <= failure)?;
        (failure - collections[index] < Duration::from_secs(75)).then_some(index)
    };
    failures.filter_map(|call| collection_of(call.at)).collect::<BTreeSet<_>>().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_with_faults_and_kills_loses_no_request_and_repeats_no_deletion() {
    let requests = std::env::var("BATCH_REQUESTS").map_or(REQUESTS, |count| count.parse().unwrap());
    let (brand, lines) = batch(requests);
    let shell = Shell::new(brand).await;
    let path = |name| shell.directory.path(name);
    std::fs::write(path("requests.csv"), lines).unwrap();
    let (input, journal, out, results) = (path("requests.csv"), path("journal"), path("out"), path("results.csv"));
    let arguments = ["batch", &input, "--journal", &journal, "--out", &out, "--results", &results, "--json"];

    let mut random = SmallRng::seed_from_u64(7);
    let (mut kills, mut runs, mut log) = (0, 0, Vec::new());
    let simulator = &shell.simulator;
    let last = loop {
        runs += 1;
        assert!(runs < requests, "the batch does not complete");
        log.extend(simulator.calls());
        simulator.clear_calls();
        simulator.set_faults(faults(&mut random));
        let calls_of_run = random.random_range(1..=MAX_CALLS_PER_RUN);
        let mut running = shell.spawn(&arguments);
        while simulator.calls().len() < calls_of_run && !running.has_ended() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if !running.has_ended() {
            running.kill();
            kills += 1;
            continue;
        }
        let ended = running.end().await;
        // Requests may end with errors that an operator must fix, and the next run retries them. The batch itself must not fail.
        let output: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert!(output["batch"].is_object(), "run {runs}: {output:#}");
        if code(&ended) != 1 {
            break code(&ended);
        }
    };
    log.extend(simulator.calls());
    // 5: an access request is partial if several attempts to collect its data failed.
    assert!(last == 0 || last == 5, "{last}: {}", std::fs::read_to_string(&results).unwrap());
    assert!(kills >= requests / 50, "{kills} kills");
    let (calls, faulty) = (log.len(), log.iter().filter(|call| call.faulty).count());
    println!("{requests} requests, {kills} kills, {runs} runs, {calls} calls, {faulty} of them faulty");

    let mut reader = csv::Reader::from_path(&results).unwrap();
    let mut ends: BTreeMap<String, Vec<(String, String, String)>> = BTreeMap::new();
    for line in reader.records() {
        let line = line.unwrap();
        let column = |n: usize| line.get(n).unwrap().to_owned();
        ends.entry(column(0)).or_default().push((column(3), column(7), column(9)));
    }
    assert_eq!(ends.len(), requests as usize);
    for n in 0..requests {
        let expected = match n % 20 {
            n if n % 2 == 0 => "found",
            19 => "verified",
            _ => "deleted",
        };
        let [(outcome, jobs, findings)] = ends[&format!("dsr-{n}")].as_slice() else {
            panic!("dsr-{n}: not one result")
        };
        let partial = n % 2 == 0 && outcome == "partial";
        if partial {
            assert!(findings.split(';').all(|finding| finding.ends_with("unavailable")), "dsr-{n}: {findings}");
            let failed = failed_collections(simulator, &log, &address(n));
            assert!(failed >= 3, "dsr-{n}: {findings}, but only {failed} attempts to collect failed");
            println!("dsr-{n}: {findings}, because {failed} attempts to collect failed");
        } else {
            assert_eq!(outcome, expected, "dsr-{n}: {findings}");
            assert!(findings.is_empty(), "dsr-{n}: {findings}");
        }
        assert!(!jobs.is_empty());
        let erasures = erasures_of(simulator, &address(n));
        if n % 2 == 0 {
            assert_eq!(erasures, 0);
            if !partial {
                let files = files(&format!("{out}/dsr-{n}"));
                assert_export(simulator, &address(n), &files);
                let contacts: Vec<_> = files.iter().filter(|(name, _)| name.starts_with("contact")).collect();
                assert_eq!(contacts.len(), 1, "dsr-{n}");
                let contact: Value = serde_json::from_slice(&contacts[0].1).unwrap();
                assert_eq!(contact["email"], address(n));
            }
        } else {
            assert_eq!(erasures, 1, "dsr-{n}");
            assert!(simulator.holdings(&address(n)).is_empty());
        }
    }
    let results = std::fs::read_to_string(&results).unwrap();
    assert!(!results.contains('@'), "the results contain no address");
}

#[tokio::test]
async fn start_anyway_applies_to_one_start_of_a_deletion() {
    let shell = Shell::new(Brand::sample()).await;
    let arguments = arguments(&shell, &["delete", "--mode", "erase"]);
    let again: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let anyway = [&again[..], &["--start-anyway"]].concat();
    let simulator = &shell.simulator;
    // The list masks the addresses of jobs, so the connector cannot reconcile and an operator must decide.
    simulator.set_dialects(Dialects::parse("email-list-masked").unwrap());
    let inject = |fault| simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault)]);
    inject(Fault::ResetAfterEffect);
    assert_eq!(code(&shell.run(&again).await), 6);
    assert_eq!(code(&shell.run(&again).await), 6);
    assert_eq!(erasures_of(simulator, SAMPLE_PERSON), 1);
    inject(Fault::SilenceAfterEffect);
    let mut running = shell.spawn(&anyway);
    while erasures_of(simulator, SAMPLE_PERSON) < 2 {
        assert!(!running.has_ended());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    running.kill();
    simulator.set_faults(Vec::new());
    assert_eq!(code(&shell.run(&anyway).await), 6);
    assert_eq!(erasures_of(simulator, SAMPLE_PERSON), 2);
}
