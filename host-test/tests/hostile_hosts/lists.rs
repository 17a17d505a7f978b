//! Lists of requests and tasks: empty, long, mixed, and with the same ID twice.

use privacy_host::contract::{DeletionMode, Error, ErrorKind, Progress, Remedy, Request, Task};
use privacy_host::{EgressPolicy, Host, InstanceOptions, Options as HostOptions};
use qualtrics_component::CONNECTOR;
use qualtrics_simulator::{Brand, Endpoint, Options, SAMPLE_PERSON};

use crate::fixture::{Fixture, email, pending, request, request_for};
use crate::in_progress::InProgress;
use crate::{rejected, task};

type Results = Vec<Result<Progress, Error>>;

async fn unguarded() -> Fixture {
    Fixture::with_options(Brand::sample(), Options::default(), &[("account-guard", "off")]).await
}

/// The number of started requests. Asserts that the others are rate-limited.
#[track_caller]
fn started(results: Results) -> usize {
    let is_started = |result: Result<Progress, Error>| match result {
        Ok(Progress::Pending(_)) => true,
        other => {
            let error = rejected(other, &[ErrorKind::RateLimited]);
            assert!(matches!(error.remedy, Remedy::Retry(ms) if ms >= 1_000), "{error:?}");
            false
        }
    };
    results.into_iter().map(is_started).filter(|is_started| *is_started).count()
}

#[tokio::test]
async fn tasks_of_the_same_request_are_invalid_and_nothing_is_sent() {
    let mut in_progress = InProgress::new().await;
    let tasks: Vec<Task> =
        (0..1_000).flat_map(|_| in_progress.tickets().map(|(request, ticket)| task(request, ticket))).collect();
    let results = in_progress.fixture.instance.poll(&tasks).await.expect("a result");
    assert_eq!(results.len(), 3_000);
    results.into_iter().for_each(|result| drop(rejected(result, &[ErrorKind::InvalidRequest])));
    assert!(in_progress.fixture.simulator.calls().is_empty());
    // Without duplicates, the tasks are looked up together.
    let tasks: Vec<Task> = in_progress.tickets().map(|(request, ticket)| task(request, ticket)).to_vec();
    let results = in_progress.fixture.instance.poll(&tasks).await.expect("a result");
    results.into_iter().for_each(|result| drop(pending(result)));
    let calls = in_progress.fixture.simulator.calls();
    assert!(calls.len() <= 8, "{} calls", calls.len());
}

#[tokio::test]
async fn each_request_of_a_long_list_starts_one_job_or_is_rate_limited() {
    let mut fixture = unguarded().await;
    let requests: Vec<Request> =
        (0..200).map(|index| request(&format!("id-{index}"), vec![email(&format!("p{index}@example.org"))])).collect();
    let results = fixture.instance.access(&requests).await.expect("a result");
    assert_eq!(results.len(), requests.len());
    let count = started(results);
    assert!((1..200).contains(&count), "{count}");
    assert_eq!(fixture.calls_of(Endpoint::ExportCreate), count);
    let results = fixture.instance.delete(&requests, DeletionMode::Erase).await.expect("a result");
    assert_eq!(results.len(), requests.len());
    let is_started: Vec<bool> = results.iter().map(Result::is_ok).collect();
    let count = started(results);
    assert!((1..200).contains(&count), "{count}");
    for (index, is_started) in is_started.into_iter().enumerate() {
        assert_eq!(fixture.erasures_of(&format!("p{index}@example.org")), usize::from(is_started), "request {index}");
    }
}

#[tokio::test]
async fn a_hundred_thousand_tasks_have_a_hundred_thousand_results() {
    let in_progress = InProgress::new().await;
    let (deletion, ticket) = in_progress.deletion.clone();
    let simulator = &in_progress.fixture.simulator;
    // The results exceed the default limits of a host for memory and transfers.
    let limit = 128 << 20;
    let options = HostOptions { max_instances: 1, max_memory: limit, max_transfer: limit, ..HostOptions::default() };
    let host = Host::new(options);
    let plugin = host.expect("a host").load(CONNECTOR).expect("the connector");
    let egress = EgressPolicy::deny_all().allow(&simulator.origin()).expect("an origin");
    let options = InstanceOptions { egress, clock: simulator.clock(), ..InstanceOptions::default() };
    let mut instance = plugin.instantiate(options).await.expect("an instance");
    instance.configure(&in_progress.fixture.settings).await.expect("a result").expect("valid settings");
    let numbered = |index: usize| Request { id: format!("id-{index}"), ..request_for(SAMPLE_PERSON) };
    let mut tasks: Vec<Task> = (0..100_000).map(|index| task(&numbered(index), "t1.A.A")).collect();
    tasks[77_777] = task(&deletion, &ticket);
    let results = instance.poll(&tasks).await.expect("a result");
    assert_eq!(results.len(), tasks.len());
    for (index, result) in results.into_iter().enumerate() {
        if index == 77_777 {
            pending(result);
        } else {
            assert_eq!(result.expect_err("an error").kind, ErrorKind::InvalidTicket);
        }
    }
}
