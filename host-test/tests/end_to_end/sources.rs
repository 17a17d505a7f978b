//! Failing sources of an access request, and small shares of the rate limits.

use std::time::Duration;

use privacy_host::contract::{Amount, ErrorKind, Outcome, Progress, Remedy, Report, Request, SourceState, Task};
use qualtrics_simulator::{
    Brand, Endpoint, Fault, FaultRule, Options, SAMPLE_PARTNERS, SAMPLE_PERSON, SAMPLE_PHONE, SAMPLE_REFERENCE,
    SAMPLE_STRANGER, WaitHint,
};

use crate::access::{RESPONSES, contacts, directory, external_id, phone};
use crate::fixture::{
    Fixture, assert_outcome, email, finding, pending, request, request_for, with_running_clock, without_leaks,
};

/// Polls an access request to its report. The clock also advances during calls. Returns the report and the number of polls.
pub async fn report_with_running_clock(fixture: &mut Fixture, request: &Request) -> (Report, u32) {
    let mut progress = fixture.access(request).await;
    for polls in 0..30 {
        let pending = match progress.unwrap_or_else(|error| panic!("{error:#?}")) {
            Progress::Done(report) => return (report, polls),
            Progress::Pending(pending) => pending,
        };
        fixture.advance(Duration::from_millis(pending.poll_after_ms));
        let task = Task::new(request.clone(), pending.ticket);
        let clock = fixture.clock();
        let mut results = with_running_clock(&clock, fixture.instance.poll(&[task])).await.expect("a result");
        progress = without_leaks(request, results.remove(0));
    }
    panic!("still pending after 30 polls");
}

#[tokio::test]
async fn a_directory_that_cannot_be_searched_makes_the_report_partial() {
    for (fault, state, code) in [
        (Fault::Status(403, WaitHint::None), SourceState::NotPermitted, "not-permitted"),
        (Fault::Status(400, WaitHint::None), SourceState::Unavailable, "not-searchable"),
        (Fault::RepeatedCursor, SourceState::Unavailable, "endless-search"),
    ] {
        let mut fixture = Fixture::new().await;
        let is_in_both = fault == Fault::RepeatedCursor;
        let rule = if is_in_both { FaultRule::every } else { |endpoint, fault| FaultRule::nth(endpoint, 1, fault) };
        fixture.simulator.set_faults(vec![rule(Endpoint::ContactSearch, fault)]);
        let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
        assert_outcome(&report, Outcome::Partial);
        let failed = report.findings.iter().find(|finding| finding.code.as_deref() == Some(code));
        assert_eq!(failed.map(|finding| finding.state), Some(state), "{:#?}", report.findings);
        assert!(contacts(&report).len() >= if is_in_both { 2 } else { 1 }, "the other results are returned");
        assert_eq!(finding(&report, RESPONSES).amount, Amount::Present);
    }
}

#[tokio::test]
async fn xm_directory_lite_is_reported_as_not_searchable() {
    for (dialects, state) in [
        ("lite-directory-400", SourceState::Unavailable),
        ("lite-directory-403", SourceState::NotPermitted),
        ("lite-directory-404", SourceState::Unavailable),
    ] {
        let brand = Brand::sample().lite_directory("POOL_2cLite00000003", "Lite");
        let mut fixture = Fixture::with_brand(brand, dialects).await;
        let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
        assert_outcome(&report, Outcome::Partial);
        let lite = finding(&report, "directory:POOL_2cLite00000003");
        assert_eq!((lite.state, &lite.amount), (state, &Amount::Unknown), "{dialects}");
        assert_eq!(contacts(&report).len(), 2);
    }
}

#[tokio::test]
async fn a_failing_source_is_retried_and_then_reported() {
    let down = |endpoint| vec![FaultRule::every(endpoint, Fault::Status(500, WaitHint::None))];
    for (endpoint, source, code) in [
        (Endpoint::ContactSearch, directory(SAMPLE_PARTNERS), "unavailable"),
        (Endpoint::Directories, "directories".to_owned(), "unavailable"),
        (Endpoint::ExportFile, RESPONSES.to_owned(), "file-unavailable"),
    ] {
        let mut fixture = Fixture::new().await;
        fixture.simulator.set_faults(down(endpoint));
        let (report, polls) = report_with_running_clock(&mut fixture, &request_for(SAMPLE_PERSON)).await;
        assert_outcome(&report, Outcome::Partial);
        let unavailable = finding(&report, &source);
        assert_eq!((unavailable.state, unavailable.code.as_deref()), (SourceState::Unavailable, Some(code)));
        assert!((4..=10).contains(&polls), "{polls} polls");
        assert!(!report.documents.is_empty(), "the other sources are returned");
    }
    // A source that recovers in time is complete.
    let mut fixture = Fixture::new().await;
    fixture.simulator.set_faults(vec![FaultRule::first(
        Endpoint::ContactSearch,
        6,
        Fault::Status(500, WaitHint::None),
    )]);
    let (report, _) = report_with_running_clock(&mut fixture, &request_for(SAMPLE_PERSON)).await;
    assert_outcome(&report, Outcome::Found);
    // A file that could not be opened can be read later.
    let mut fixture = Fixture::new().await;
    fixture.simulator.set_faults(down(Endpoint::ExportFile));
    let (report, _) = report_with_running_clock(&mut fixture, &request_for(SAMPLE_PERSON)).await;
    fixture.simulator.set_faults(Vec::new());
    let expected = fixture.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content.to_vec();
    assert_eq!(fixture.bytes(&report.documents[0], 100_000).await, expected);
}

#[tokio::test]
async fn a_rate_limit_after_the_last_attempt_is_retried() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let mut ticket = pending(fixture.access(&request).await).ticket;
    fixture.advance(Duration::from_secs(300));
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ContactSearch, Fault::Status(500, WaitHint::None))]);
    for _ in 0..3 {
        ticket = pending(fixture.poll(&request, &ticket).await).ticket;
    }
    let throttled = Fault::Status(429, WaitHint::Seconds(40));
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, throttled)]);
    for _ in 0..3 {
        let error = fixture.poll(&request, &ticket).await.expect_err("a rate limit");
        assert_eq!((error.kind, error.remedy), (ErrorKind::RateLimited, Remedy::Retry(40_000)));
    }
    fixture.simulator.set_faults(Vec::new());
    let Ok(Progress::Done(report)) = fixture.poll(&request, &ticket).await else { panic!("no report") };
    assert_outcome(&report, Outcome::Found);
}

#[tokio::test]
async fn a_repeating_list_of_directories_is_reported_as_unavailable() {
    let mut fixture = Fixture::new().await;
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::Directories, Fault::RepeatedCursor)]);
    let (report, _) = report_with_running_clock(&mut fixture, &request_for(SAMPLE_PERSON)).await;
    assert_outcome(&report, Outcome::Partial);
    assert_eq!(finding(&report, "directories").state, SourceState::Unavailable);
}

#[tokio::test]
async fn errors_while_polling_an_export_leave_the_ticket_valid() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.access(&request).await);
    for (fault, kind) in [
        (Fault::Status(503, WaitHint::None), ErrorKind::Unavailable),
        (Fault::Status(429, WaitHint::Seconds(40)), ErrorKind::RateLimited),
        (Fault::EmptyBody, ErrorKind::UnexpectedResponse),
        (Fault::ResetAfterEffect, ErrorKind::Unavailable),
    ] {
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportProgress, fault.clone())]);
        let error = fixture.poll(&request, &started.ticket).await.expect_err("an error");
        assert_eq!(error.kind, kind, "{fault:?}");
        let Remedy::Retry(after) = error.remedy else { panic!("{fault:?}: {:?}", error.remedy) };
        assert!(after >= if kind == ErrorKind::RateLimited { 40_000 } else { 1_000 }, "{fault:?}: {after} ms");
    }
    fixture.simulator.set_faults(Vec::new());
    let report = fixture.follow(&request, Ok(Progress::Pending(started))).await.expect("a report");
    assert_outcome(&report, Outcome::Found);
}

#[tokio::test]
async fn requests_complete_slowly_with_a_small_rate_share() {
    for share in ["1", "2", "10"] {
        let settings = [("rate-share", share)];
        let brand = Brand::sample().many_directories(20);
        let mut fixture = Fixture::with_options(brand, Options::default(), &settings).await;
        let subject = vec![email(SAMPLE_PERSON), phone(SAMPLE_PHONE), external_id(SAMPLE_REFERENCE)];
        let (report, polls) = report_with_running_clock(&mut fixture, &request("r", subject)).await;
        assert!(matches!(report.outcome, Outcome::Found | Outcome::Partial), "{share} %: {:?}", report.outcome);
        assert!(polls <= 20, "{share} %: {polls} polls");
        assert_eq!(fixture.simulator.ratelimited_count(), 0, "{share} %");
        let expected = fixture.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content.to_vec();
        // The next request starts with an exhausted share.
        let (_, polls) =
            report_with_running_clock(&mut fixture, &request("s", vec![email(SAMPLE_PERSON), phone(SAMPLE_PHONE)]))
                .await;
        assert!(polls <= 20, "{share} %: {polls} polls");
        fixture.advance(Duration::from_secs(120));
        assert_eq!(fixture.bytes(&report.documents[0], 100_000).await, expected, "{share} %");
    }
}

#[tokio::test]
async fn concurrent_requests_with_a_small_rate_share_all_complete() {
    let brand = Brand::sample().many_directories(20);
    let mut fixture = Fixture::with_options(brand, Options::default(), &[("rate-share", "10")]).await;
    let names = [email(SAMPLE_PERSON), phone(SAMPLE_PHONE), external_id(SAMPLE_REFERENCE)];
    let requests: Vec<Request> = (0..3).map(|n| request(&format!("r{n}"), names.to_vec())).collect();
    let mut open = Vec::new();
    for request in requests {
        let started = pending(fixture.access(&request).await);
        // Thirty seconds later, half of the share is available again.
        let due = fixture.clock().since_epoch() + Duration::from_secs(200 + 30 * open.len() as u64);
        open.push((due, Task::new(request, started.ticket)));
    }
    for _ in 0..20 {
        let next = open.iter().map(|(due, _)| *due).min().expect("a task");
        fixture.advance(next.saturating_sub(fixture.clock().since_epoch()));
        let now = fixture.clock().since_epoch();
        let (ready, mut later): (Vec<_>, Vec<_>) = open.into_iter().partition(|(due, _)| *due <= now);
        let ready: Vec<Task> = ready.into_iter().map(|(_, task)| task).collect();
        let clock = fixture.clock();
        let results = with_running_clock(&clock, fixture.instance.poll(&ready)).await.expect("a result");
        for (task, result) in ready.into_iter().zip(results) {
            if let Progress::Pending(pending) = result.unwrap_or_else(|error| panic!("{error:#?}")) {
                let due = fixture.clock().since_epoch() + Duration::from_millis(pending.poll_after_ms);
                later.push((due, Task { ticket: pending.ticket, ..task }));
            }
        }
        open = later;
        if open.is_empty() {
            return;
        }
    }
    panic!("{} of three requests are still pending after 20 polls", open.len());
}

/// An empty list may mean that the brand has no XM Directory, or that roles hide its directories.
#[tokio::test]
async fn an_empty_list_of_directories_makes_the_report_partial() {
    let mut fixture = Fixture::with_dialects("xm-directory-empty-list").await;
    for address in [SAMPLE_PERSON, SAMPLE_STRANGER] {
        let report = fixture.access_report(&request_for(address)).await;
        assert_outcome(&report, Outcome::Partial);
        let directories = finding(&report, "directories");
        assert_eq!((directories.amount, directories.code.as_deref()), (Amount::Unknown, Some("not-licensed")));
        assert!(report.gaps.iter().any(|gap| gap.code == "hidden-directories"));
    }
}
