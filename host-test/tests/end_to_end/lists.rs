//! Functions that take a list return one result per element, in order.

use std::time::Duration;

use privacy_host::contract::{
    Attempts, DeletionMode, Error, ErrorKind, Outcome, Progress, Remedy, Request, SourceState, Task,
};
use qualtrics_simulator::{
    Endpoint, Fault, FaultRule, Options, SAMPLE_PERSON, SAMPLE_STAFF_CONTACT, SAMPLE_STRANGER, WaitHint,
};

use crate::fixture::{Fixture, assert_outcome, done, email, pending, request};
use crate::host::{LONGER_THAN_TIMEOUT, with_delays};
use crate::tasks::{address, brand_with_customers, poll_all, still_open};

const ERASE: DeletionMode = DeletionMode::Erase;

/// The functions that start requests.
#[derive(Clone, Copy, Debug)]
enum Function {
    Access,
    Delete,
}

type Results = Vec<Result<Progress, Error>>;

async fn call(fixture: &mut Fixture, function: Function, requests: &[Request]) -> Results {
    let instance = &mut fixture.instance;
    let results = match function {
        Function::Access => instance.access(requests).await,
        Function::Delete => instance.delete(requests, ERASE).await,
    };
    results.expect("a result")
}

/// A request for a customer.
fn customer(n: usize) -> Request {
    request(&format!("r-{n}"), vec![email(&address(n))])
}

/// A fixture with `count` customers and without account guards.
async fn fixture_with_customers(count: usize) -> Fixture {
    Fixture::with_options(brand_with_customers(count), Options::default(), &[("account-guard", "off")]).await
}

#[track_caller]
fn kind(result: &Result<Progress, Error>) -> Option<ErrorKind> {
    result.as_ref().err().map(|error| error.kind)
}

#[tokio::test]
async fn an_error_of_the_whole_call_is_returned_for_every_element() {
    let settings = [("client-secret", "not-the-secret")];
    let mut fixture = Fixture::with_settings(&settings).await;
    for function in [Function::Access, Function::Delete] {
        let results = call(&mut fixture, function, &[customer(0), customer(1), customer(2)]).await;
        assert_eq!(results.len(), 3);
        for result in results {
            assert_eq!(kind(&result), Some(ErrorKind::Unauthorized), "{function:?}");
        }
    }
}

#[tokio::test]
async fn every_deletion_of_a_call_has_its_own_guards_job_and_group() {
    let mut fixture = Fixture::new().await;
    let subjects = [SAMPLE_PERSON, SAMPLE_STAFF_CONTACT, SAMPLE_STRANGER];
    let requests = subjects.map(|address| request(address.split('@').next().unwrap_or_default(), vec![email(address)]));
    let mut results = call(&mut fixture, Function::Delete, &requests).await.into_iter();
    let mut next = || results.next().expect("three results");
    let (first, refused, last) = (pending(next()), done(next()), pending(next()));
    assert_outcome(&refused, Outcome::Refused);
    assert_eq!(refused.findings[0].state, SourceState::Guarded);
    let jobs = fixture.simulator.erasures();
    let job_of = |address: &str| jobs.iter().find(|job| job.emails == [address]).map(|job| job.id.clone());
    assert_eq!((first.group, last.group), (job_of(SAMPLE_PERSON), job_of(SAMPLE_STRANGER)));
    assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 2);
    assert_eq!(fixture.erasures_of(SAMPLE_STAFF_CONTACT), 0);
}

#[tokio::test]
async fn requests_beyond_the_rate_share_are_rate_limited_and_can_be_repeated() {
    const COUNT: usize = 40;
    let mut fixture = fixture_with_customers(COUNT).await;
    let mut left: Vec<Request> = (0..COUNT).map(customer).collect();
    let mut tasks = Vec::new();
    while !left.is_empty() {
        let results = call(&mut fixture, Function::Delete, &left).await;
        let mut repeated = Vec::new();
        let mut wait = 0;
        for (request, result) in left.into_iter().zip(results) {
            match result {
                Ok(Progress::Pending(pending)) => tasks.push(Task::new(request, pending.ticket)),
                Err(Error { kind: ErrorKind::RateLimited, remedy: Remedy::Retry(ms @ 1_000..), .. }) => {
                    wait = wait.max(ms);
                    repeated.push(request);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), tasks.len(), "nothing else was started");
        left = repeated;
        fixture.advance(Duration::from_millis(wait));
    }
    assert_eq!(fixture.simulator.ratelimited_count(), 0);
    assert!((0..COUNT).all(|n| fixture.erasures_of(&address(n)) == 1));
    let (mut ended, mut polls) = (Vec::new(), 0);
    while !tasks.is_empty() {
        fixture.advance(Duration::from_secs(60));
        let results = poll_all(&mut fixture, &tasks).await;
        (tasks, _) = still_open(tasks, results, &mut ended);
        polls += 1;
        assert!(polls < 60, "still pending");
    }
    assert_eq!(ended, [Outcome::Deleted; COUNT]);
}

#[tokio::test]
async fn requests_past_the_deadline_of_a_call_are_rate_limited_and_start_nothing() {
    for function in [Function::Access, Function::Delete] {
        let mut fixture = fixture_with_customers(6).await;
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::Token, Fault::SilenceBeforeEffect)]);
        let requests: Vec<Request> = (0..6).map(customer).collect();
        let Fixture { simulator, instance, .. } = &mut fixture;
        let call = async {
            match function {
                Function::Delete => instance.delete(&requests, ERASE).await,
                _ => instance.access(&requests).await,
            }
        };
        let results = with_delays(simulator, LONGER_THAN_TIMEOUT, call).await.expect("a result");
        assert_eq!(kind(&results[0]), Some(ErrorKind::Unavailable), "{function:?}");
        let last = results[5].as_ref().expect_err("past the deadline");
        assert!(matches!((last.kind, last.remedy), (ErrorKind::RateLimited, Remedy::Retry(1_000..))), "{last:?}");
        assert_eq!(fixture.calls_of(Endpoint::ErasureCreate) + fixture.calls_of(Endpoint::ExportCreate), 0);
    }
}

#[tokio::test]
async fn an_unknown_outcome_of_one_deletion_does_not_affect_the_others() {
    let brand = brand_with_customers(3);
    let mut fixture = Fixture::with_brand(brand, "erasure-lag-20-s").await;
    fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 2, Fault::ResetAfterEffect)]);
    let started_at = fixture.now();
    let requests = [customer(0), customer(1), customer(2)];
    let results = call(&mut fixture, Function::Delete, &requests).await;
    let kinds: Vec<_> = results.iter().map(kind).collect();
    assert_eq!(kinds, [None, Some(ErrorKind::OutcomeUnknown), None]);
    fixture.advance(Duration::from_secs(120));
    let repeated = Request { attempts: Some(Attempts::at(started_at)), ..customer(1) };
    pending(call(&mut fixture, Function::Delete, &[repeated]).await.remove(0));
    assert!((0..3).all(|n| fixture.erasures_of(&address(n)) == 1));
}

#[tokio::test]
async fn a_lost_call_is_reconciled_for_each_of_its_requests() {
    let mut fixture = fixture_with_customers(4).await;
    // The host is stopped while the third of four deletions is in progress.
    fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 3, Fault::SilenceAfterEffect)]);
    let started_at = fixture.now();
    let requests: Vec<Request> = (0..4).map(customer).collect();
    let Fixture { simulator, instance, .. } = &mut fixture;
    let third_is_submitted = async {
        while simulator.erasures().iter().filter(|job| job.emails[0].starts_with("customer")).count() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        results = instance.delete(&requests, ERASE) => panic!("no result is expected: {results:?}"),
        () = third_is_submitted => {}
    }
    fixture.simulator.set_faults(Vec::new());
    fixture.renew_instance().await;
    fixture.advance(Duration::from_secs(120));
    let attempts = Some(Attempts::at(started_at));
    let repeated: Vec<Request> =
        requests.into_iter().map(|request| Request { attempts: attempts.clone(), ..request }).collect();
    for result in call(&mut fixture, Function::Delete, &repeated).await {
        pending(result);
    }
    assert!((0..4).all(|n| fixture.erasures_of(&address(n)) == 1));
}

#[tokio::test]
async fn requests_after_a_throttled_one_are_started_at_most_once() {
    let mut fixture = fixture_with_customers(3).await;
    let throttled = Fault::Status(429, WaitHint::Seconds(60));
    fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, throttled)]);
    let mut left = vec![customer(0), customer(1), customer(2)];
    for _ in 0..5 {
        let results = call(&mut fixture, Function::Delete, &left).await;
        let rejected = left.into_iter().zip(&results).filter(|(_, result)| result.is_err());
        left = rejected.map(|(request, _)| request).collect();
        assert!(results.iter().all(|result| kind(result).is_none_or(|kind| kind == ErrorKind::RateLimited)));
        fixture.advance(Duration::from_secs(60));
    }
    assert!(left.is_empty());
    assert!((0..3).all(|n| fixture.erasures_of(&address(n)) == 1));
}
