//! `poll` resumes requests on any instance and from any ticket.

use std::time::Duration;

use privacy_host::contract::{DeletionMode, Error, ErrorKind, Outcome, Progress, Remedy, Request, Stage, Task};
use qualtrics_simulator::{Endpoint, Fault, FaultRule, JobEnd, Options, SAMPLE_PERSON, SAMPLE_STRANGER, WaitHint};

use crate::fixture::{Fixture, assert_outcome, done, email, pending, request, request_for};
use crate::host::{LONGER_THAN_TIMEOUT, with_delays};
use crate::remedies::{Row, assert_row};
use crate::tasks::{
    PollingHost, address, brand_with_customers, brand_with_respondents, now_ms, poll_all, start_all, still_open,
};

const ERASE: DeletionMode = DeletionMode::Erase;
const VERIFY: DeletionMode = DeletionMode::EraseAndVerify;

/// `count` exports in progress, and an instance without a token.
async fn running_exports(count: usize) -> (Fixture, Vec<Task>) {
    let mut fixture = Fixture::with_options(brand_with_respondents(count), Options::default(), &[]).await;
    let requests = (0..count).map(|n| request(&format!("a-{n}"), vec![email(&address(n))])).collect();
    let tasks = start_all(&mut fixture, requests, None).await;
    fixture.renew_instance().await;
    fixture.simulator.clear_calls();
    (fixture, tasks)
}

#[tokio::test]
async fn a_failed_authentication_is_attempted_as_often_for_many_tasks_as_for_one() {
    let mut calls = Vec::new();
    for count in [1, 20] {
        let (mut fixture, tasks) = running_exports(count).await;
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::Token, Fault::Status(503, WaitHint::None))]);
        for result in poll_all(&mut fixture, &tasks).await {
            assert_eq!(result.expect_err("no token").kind, ErrorKind::Unavailable);
        }
        calls.push(fixture.calls_of(Endpoint::Token));
    }
    assert_eq!(calls[0], calls[1]);
}

/// Asserts the result of a task that `poll` did not reach before its deadline.
#[track_caller]
fn assert_unchanged(result: Result<Progress, Error>, task: &Task) {
    let waiting = pending(result);
    assert_eq!((waiting.ticket.as_str(), waiting.poll_after_ms), (task.ticket.as_str(), 1_000));
}

/// Polls tasks until all are done, and returns their outcomes.
async fn outcomes_of(fixture: &mut Fixture, tasks: Vec<Task>) -> Vec<Outcome> {
    let mut host = PollingHost::new(fixture, tasks, 0);
    while !host.open.is_empty() {
        host.poll(fixture).await;
        assert!(host.polls < 200, "{} are still open", host.open.len());
    }
    host.ended
}

#[tokio::test]
async fn tasks_past_the_deadline_of_a_call_stay_pending_and_complete_later() {
    let (mut fixture, mut tasks) = running_exports(12).await;
    let erasures = (0..5).map(|n| request(&format!("r-{n}"), vec![email(&format!("stranger-{n}@example.org"))]));
    tasks.extend(start_all(&mut fixture, erasures.collect(), Some(ERASE)).await);
    fixture.advance(Duration::from_secs(400));
    fixture.simulator.clear_calls();
    // One export is looked up, then four concurrently. Then the call reaches its deadline.
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportProgress, Fault::SilenceBeforeEffect)]);
    let Fixture { simulator, instance, .. } = &mut fixture;
    let results = with_delays(simulator, LONGER_THAN_TIMEOUT, instance.poll(&tasks)).await.expect("a result");
    for (index, (result, task)) in results.into_iter().zip(&tasks).enumerate() {
        match index {
            0..5 => assert_row(Row::Transient, &result.expect_err("a time-out")),
            _ => assert_unchanged(result, task),
        }
    }
    let calls = fixture.endpoints();
    assert_eq!(calls.iter().filter(|endpoint| **endpoint == Endpoint::ExportProgress).count(), 5);
    assert!(!calls.contains(&Endpoint::ErasureGet) && !calls.contains(&Endpoint::ErasureList), "{calls:?}");
    fixture.simulator.set_faults(Vec::new());
    let ended = outcomes_of(&mut fixture, tasks).await;
    assert_eq!(ended.iter().filter(|outcome| **outcome == Outcome::Found).count(), 12);
    assert_eq!(ended.iter().filter(|outcome| **outcome == Outcome::NotFound).count(), 5);
}

#[tokio::test]
async fn a_poll_close_to_its_deadline_makes_no_further_calls() {
    let (mut fixture, tasks) = running_exports(6).await;
    let started_at = now_ms(&fixture);
    fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ExportProgress, 1, Fault::Drip(SLOW))]);
    let mut results = poll_all(&mut fixture, &tasks).await;
    let took = now_ms(&fixture) - started_at;
    assert!((40_000..60_000).contains(&took), "between two thirds of a minute and a minute: {took} ms");
    let first = pending(results.remove(0));
    assert!(first.vendor_status.is_some(), "the first export was looked up");
    for (result, task) in results.into_iter().zip(&tasks[1..]) {
        assert_unchanged(result, task);
    }
    assert_eq!(fixture.calls_of(Endpoint::ExportProgress), 1);
    assert_eq!(outcomes_of(&mut fixture, tasks).await, [Outcome::Found; 6]);
}

/// The delay between bytes with which a response of about 150 bytes takes most of the time of a call.
const SLOW: Duration = Duration::from_millis(320);

#[tokio::test]
async fn a_throttled_poll_delays_the_other_exports() {
    let (mut fixture, tasks) = running_exports(20).await;
    let throttled = Fault::Status(429, WaitHint::Seconds(60));
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportProgress, throttled)]);
    let mut results = poll_all(&mut fixture, &tasks).await;
    let limited = results.remove(0).expect_err("a rate limit");
    assert_eq!((limited.kind, limited.remedy), (ErrorKind::RateLimited, Remedy::Retry(60_000)));
    for result in results {
        assert_eq!(pending(result).poll_after_ms, 60_000);
    }
    assert_eq!(fixture.calls_of(Endpoint::ExportProgress), 1);
}

#[tokio::test]
async fn results_are_in_the_order_of_the_tasks() {
    let mut fixture = Fixture::new().await;
    let requests: Vec<_> = (0..6).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
    let tasks = start_all(&mut fixture, requests, Some(ERASE)).await;
    fixture.advance(Duration::from_secs(400));
    let mut mixed = [4, 0, 1, 5, 2, 3].map(|n: usize| tasks[n].clone());
    mixed[2].ticket = "t1.nonsense".to_owned();
    mixed[5].ticket.clone_from(&tasks[1].ticket);
    let results = poll_all(&mut fixture, &mixed).await;
    assert_eq!(results.len(), mixed.len());
    for (index, (result, task)) in results.into_iter().zip(&mixed).enumerate() {
        match index {
            2 | 5 => assert_eq!(result.expect_err("an invalid ticket").kind, ErrorKind::InvalidTicket),
            _ => assert_eq!(done(result).receipt.request_id, task.request.id),
        }
    }
}

#[tokio::test]
async fn one_access_request_is_collected_per_poll_and_the_others_keep_their_tickets() {
    let mut fixture = Fixture::with_options(brand_with_customers(5), Options::default(), &[]).await;
    let requests = (0..5).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
    let tasks = start_all(&mut fixture, requests, None).await;
    fixture.advance(Duration::from_secs(400));
    let results = poll_all(&mut fixture, &tasks).await;
    let keeps_ticket = |result: &Result<Progress, Error>, task: &Task| match result {
        Ok(Progress::Pending(pending)) => pending.ticket == task.ticket,
        _ => false,
    };
    let unchanged = results.iter().zip(&tasks).filter(|(result, task)| keeps_ticket(result, task));
    assert_eq!(unchanged.count(), 4, "{results:?}");
    assert_eq!(ended_of(&mut fixture, tasks, results, 60).await, 5);
}

#[tokio::test]
async fn deletions_with_jobs_of_their_own_advance_together_with_each_poll() {
    let mut fixture = Fixture::with_options(brand_with_customers(5), Options::default(), &[]).await;
    for (mode, open) in [(DeletionMode::Preview, 0), (VERIFY, 5)] {
        let requests = (0..5).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
        let tasks = start_all(&mut fixture, requests, Some(mode)).await;
        fixture.advance(Duration::from_secs(400));
        let results = poll_all(&mut fixture, &tasks).await;
        let is_pending = |result: &&Result<Progress, Error>| matches!(result, Ok(Progress::Pending(_)));
        assert_eq!(results.iter().filter(is_pending).count(), open, "{mode:?}");
        assert_eq!(ended_of(&mut fixture, tasks, results, 20).await, 5, "{mode:?}");
    }
}

/// How many requests end within so many polls, of which each is due for one of them.
async fn ended_of(
    fixture: &mut Fixture,
    tasks: Vec<Task>,
    results: Vec<Result<Progress, Error>>,
    polls: usize,
) -> usize {
    let mut ended = Vec::new();
    let (mut left, mut wait) = still_open(tasks, results, &mut ended);
    for _ in 0..polls {
        if left.is_empty() {
            break;
        }
        fixture.advance(Duration::from_millis(wait));
        let tasks = left;
        let results = poll_all(fixture, &tasks).await;
        (left, wait) = still_open(tasks, results, &mut ended);
    }
    ended.len()
}

/// Every ticket of a deletion, and its outcome.
async fn tickets_of(fixture: &mut Fixture, request: &Request, mode: DeletionMode) -> (Vec<String>, Outcome) {
    let mut progress = fixture.delete(request, mode).await;
    let mut tickets = Vec::new();
    loop {
        match progress.expect("progress") {
            Progress::Done(report) => return (tickets, report.outcome),
            Progress::Pending(pending) => {
                fixture.advance(Duration::from_millis(pending.poll_after_ms));
                progress = fixture.poll(request, &pending.ticket).await;
                tickets.push(pending.ticket);
            }
        }
    }
}

#[tokio::test]
async fn every_older_ticket_leads_to_the_same_outcome() {
    for dialects in ["", "erasure-list-oldest-first", "early-erasure-200,dates-epoch-ms", "emails-not-found-number"] {
        for (name, mode) in [(SAMPLE_PERSON, ERASE), (SAMPLE_PERSON, VERIFY), (SAMPLE_STRANGER, VERIFY)] {
            let mut fixture = Fixture::with_dialects(dialects).await;
            let request = request_for(name);
            let (tickets, outcome) = tickets_of(&mut fixture, &request, mode).await;
            fixture.advance(Duration::from_secs(4 * 3_600));
            for ticket in &tickets {
                fixture.renew_instance().await;
                let progress = fixture.poll(&request, ticket).await;
                let report = fixture.follow(&request, progress).await.expect("a report");
                assert_outcome(&report, outcome);
            }
            assert_eq!(fixture.erasures_of(name), 1);
            let searches =
                fixture.simulator.erasures().into_iter().filter(|job| job.search_only && job.emails == [name]);
            assert_eq!(searches.count(), usize::from(mode == VERIFY), "{dialects}: one search for all tickets");
        }
    }
}

#[tokio::test]
async fn two_instances_that_poll_concurrently_start_one_search() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.delete(&request, VERIFY).await);
    fixture.advance(Duration::from_secs(400));
    let one = pending(fixture.poll(&request, &started.ticket).await);
    assert_eq!(one.stage, Stage::Verifying);
    fixture.renew_instance().await;
    let other = pending(fixture.poll(&request, &started.ticket).await);
    assert_eq!(other.stage, Stage::Verifying);
    assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 2, "the erasure and one search");
    for waiting in [one, other] {
        let report = fixture.follow(&request, Ok(Progress::Pending(waiting))).await.expect("a report");
        assert_outcome(&report, Outcome::Verified);
    }
}

#[tokio::test]
async fn a_lost_verifying_search_is_reconciled() {
    for fault in [Fault::ResetAfterEffect, Fault::EmptyBody, Fault::StatusAfterEffect(504, WaitHint::None)] {
        let mut fixture = Fixture::new().await;
        let request = request_for(SAMPLE_PERSON);
        let started = fixture.delete(&request, VERIFY).await;
        fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone())]);
        let report = fixture.follow(&request, started).await.expect("a report");
        assert_outcome(&report, Outcome::Verified);
        assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn an_overdue_job_and_an_unknown_status_need_attention() {
    let mut fixture = Fixture::with_dialects("erasure-pending-null").await;
    fixture.simulator.set_next_jobs(JobEnd::NeverEnds);
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.delete(&request, ERASE).await);
    assert_eq!(started.attention, None);
    fixture.advance(Duration::from_secs(60));
    let waiting = pending(fixture.poll(&request, &started.ticket).await);
    assert_eq!(waiting.attention.expect("attention").code, "unknown-status");
    let overdue = fixture.instance.describe().await.expect("a manifest").capabilities;
    let overdue = overdue.iter().map(|capability| capability.overdue_after_ms).max().expect("capabilities");
    fixture.advance(Duration::from_millis(overdue));
    let waiting = pending(fixture.poll(&request, &waiting.ticket).await);
    assert_eq!(waiting.attention.expect("attention").code, "overdue");
}

#[tokio::test]
async fn poll_delays_grow_with_the_age_of_a_job() {
    for mode in [None, Some(ERASE)] {
        let mut fixture = Fixture::new().await;
        fixture.simulator.set_next_jobs(JobEnd::NeverEnds);
        let request = request_for(SAMPLE_PERSON);
        let started = pending(match mode {
            None => fixture.access(&request).await,
            Some(mode) => fixture.delete(&request, mode).await,
        });
        let mut delays = vec![started.poll_after_ms];
        for minutes in [5, 20, 60] {
            fixture.advance(Duration::from_secs(minutes * 60));
            delays.push(pending(fixture.poll(&request, &started.ticket).await).poll_after_ms);
        }
        assert!(delays.is_sorted_by(|one, next| one < next), "{mode:?}: {delays:?}");
    }
}

#[tokio::test]
async fn an_exhausted_rate_share_leaves_requests_pending() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let mut waiting = pending(fixture.delete(&request, ERASE).await);
    for _ in 0..40 {
        waiting = pending(fixture.poll(&request, &waiting.ticket).await);
    }
    assert_eq!(fixture.simulator.ratelimited_count(), 0);
    let fault = Fault::Status(429, WaitHint::Seconds(120));
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ErasureGet, fault)]);
    fixture.advance(Duration::from_secs(60));
    let error = fixture.poll(&request, &waiting.ticket).await.expect_err("a rate limit");
    assert_eq!((error.kind, error.remedy), (ErrorKind::RateLimited, Remedy::Retry(120_000)));
}
