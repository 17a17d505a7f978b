//! The second search that verifies a deletion.

use std::time::Duration;

use privacy_host::contract::{Amount, DeletionMode, Identifier, Outcome, Progress, Report, SourceState, Stage};
use qualtrics_simulator::{
    Brand, Contact, Endpoint, Fault, FaultRule, ForeignBody, Options, SAMPLE_CUSTOMERS, SAMPLE_PERSON,
    SAMPLE_SHARED_PHONE, SAMPLE_TWO_ADDRESSES, WaitHint,
};

use crate::deletion::{finding, operations};
use crate::fixture::{
    Fixture, assert_outcome, assert_unrelated_server_is_unused, email, pending, request, request_for, unrelated_origin,
};
use crate::remedies::{Row, assert_row};

#[tokio::test]
async fn a_deletion_is_verified_by_a_second_search() {
    let mut fixture = Fixture::new().await;
    let report = fixture.delete_report(&request_for(SAMPLE_PERSON), DeletionMode::EraseAndVerify).await;
    assert_outcome(&report, Outcome::Verified);
    let operations: Vec<&str> = report.receipt.jobs.iter().map(|job| job.operation.as_str()).collect();
    assert_eq!(operations, ["erasure", "erasure-search"]);
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn data_found_by_phone_after_a_deletion_is_reported_as_remaining() {
    let mut fixture = Fixture::new().await;
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    let request = request("r", vec![email(one), Identifier::Phone(SAMPLE_SHARED_PHONE.to_owned())]);
    let report = fixture.delete_report(&request, DeletionMode::EraseAndVerify).await;
    assert_outcome(&report, Outcome::DataRemaining);
    assert!(report.discovered.contains(&email(two)));
    assert!(!fixture.simulator.holdings(two).is_empty());
}

/// Adds a contact of the sample person again.
fn add_again(fixture: &Fixture) {
    fixture.simulator.with_brand(|brand| {
        let contact = Contact {
            id: "CID_again0000000001".to_owned(),
            email: Some(SAMPLE_PERSON.to_owned()),
            ..Contact::default()
        };
        brand.directories[0].contacts.push(contact);
    });
}

/// Polls a verified deletion to its report. Adds the person again before the verifying search, and removes them after
/// `removed_after`. Returns the report and the duration of the verification.
async fn verified_with_person_added_again(
    fixture: &mut Fixture,
    removed_after: Option<Duration>,
) -> (Report, Duration) {
    let request = request_for(SAMPLE_PERSON);
    let mut progress = fixture.delete(&request, DeletionMode::EraseAndVerify).await;
    let mut added_at = None;
    loop {
        let now = fixture.clock().since_epoch();
        match progress.expect("progress") {
            Progress::Done(report) => return (report, now - added_at.expect("a verification")),
            Progress::Pending(pending) => {
                if pending.stage == Stage::Verifying && added_at.is_none() {
                    added_at = Some(now);
                    add_again(fixture);
                }
                if removed_after.zip(added_at).is_some_and(|(after, added)| now >= added + after) {
                    fixture.simulator.with_brand(|brand| {
                        brand.directories[0].contacts.retain(|contact| contact.email.as_deref() != Some(SAMPLE_PERSON));
                    });
                }
                fixture.advance(Duration::from_millis(pending.poll_after_ms));
                progress = fixture.poll(&request, &pending.ticket).await;
            }
        }
    }
}

#[tokio::test]
async fn data_that_remains_after_the_verification_window_is_reported() {
    for (minutes, shortest) in [("60", 3_600), ("10", 600), ("0", 0)] {
        let mut fixture = Fixture::with_settings(&[("verify-window", minutes)]).await;
        let (report, took) = verified_with_person_added_again(&mut fixture, None).await;
        assert_outcome(&report, Outcome::DataRemaining);
        assert!(took.as_secs() >= shortest && took.as_secs() < shortest + 2_400, "{minutes} minutes: {took:?}");
        assert_eq!(finding(&report, &format!("directory:{SAMPLE_CUSTOMERS}")).amount, Amount::Count(1));
        assert_eq!(operations(&report), ["erasure", "erasure-search"]);
        assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "only searches are repeated");
    }
}

#[tokio::test]
async fn a_slow_search_index_does_not_fail_the_verification() {
    let mut fixture = Fixture::new().await;
    let (report, _) = verified_with_person_added_again(&mut fixture, Some(Duration::from_secs(1_200))).await;
    assert_outcome(&report, Outcome::Verified);
}

#[tokio::test]
async fn an_address_that_qualtrics_skipped_is_reported_as_remaining() {
    let mut fixture = Fixture::with_dialects("addresses-done-first").await;
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    let report = fixture.delete_report(&request("r", vec![email(one), email(two)]), DeletionMode::EraseAndVerify).await;
    assert_outcome(&report, Outcome::DataRemaining);
}

#[tokio::test]
async fn an_unsearchable_directory_prevents_verification() {
    let brand = Brand::sample().lite_directory("POOL_lite0000000001", "Lite");
    let mut fixture = Fixture::with_options(brand, Options::default(), &[]).await;
    let report = fixture.delete_report(&request_for(SAMPLE_PERSON), DeletionMode::EraseAndVerify).await;
    assert_outcome(&report, Outcome::Partial);
    assert_eq!(finding(&report, "directory:POOL_lite0000000001").state, SourceState::Unavailable);
    assert!(fixture.simulator.holdings(SAMPLE_PERSON).is_empty());
}

/// A deletion in verification. Every attempt to start a search gets this response.
async fn verifying(fixture: &mut Fixture, response: Fault) -> Progress {
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.delete(&request, DeletionMode::EraseAndVerify).await);
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ErasureCreate, response)]);
    fixture.advance(Duration::from_secs(400));
    let waiting = pending(fixture.poll(&request, &started.ticket).await);
    assert_eq!(waiting.stage, Stage::Verifying);
    Progress::Pending(waiting)
}

#[tokio::test]
async fn a_verifying_search_that_never_starts_ends_as_partial() {
    let responses = [500, 503, 400, 404].map(|status| Fault::Status(status, WaitHint::None));
    let others = [Fault::ResetBeforeEffect, Fault::Status(404, WaitHint::Seconds(0))];
    for response in responses.into_iter().chain(others) {
        for (minutes, shortest) in [("60", 3_600), ("0", 0)] {
            let mut fixture = Fixture::with_settings(&[("verify-window", minutes)]).await;
            let waiting = verifying(&mut fixture, response.clone()).await;
            let Progress::Pending(pending) = &waiting else { panic!("not pending: {waiting:?}") };
            assert!(pending.poll_after_ms >= 1_000, "{response:?}: {} ms", pending.poll_after_ms);
            let completed_at = fixture.simulator.erasures().last().expect("the erasure").updated.as_secs();
            let report = fixture.follow(&request_for(SAMPLE_PERSON), Ok(waiting)).await.expect("a report");
            assert_outcome(&report, Outcome::Partial);
            let search = finding(&report, "search-failed");
            assert_eq!((search.source.as_str(), search.state), ("personal-data", SourceState::Unavailable));
            assert_eq!((search.amount, search.identifiers.as_slice()), (Amount::Unknown, &[0][..]));
            assert_eq!(operations(&report), ["erasure"]);
            assert_eq!(report.receipt.jobs[0].status, "Completed");
            assert_eq!(finding(&report, &format!("directory:{SAMPLE_CUSTOMERS}")).amount, Amount::Count(0));
            let took = report.receipt.finished_at - completed_at;
            assert!((shortest..shortest + 1_200).contains(&took), "{response:?}, {minutes} minutes: {took} seconds");
            assert!(
                (4..40).contains(&fixture.calls_of(Endpoint::ErasureCreate)),
                "{response:?}, {minutes} minutes: {} calls",
                fixture.calls_of(Endpoint::ErasureCreate)
            );
            assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1);
        }
    }
}

/// A verifying search only reads, so an error that an operator can fix is reported at once. The same ticket resumes afterwards.
#[tokio::test]
async fn a_verifying_search_that_is_redirected_or_forbidden_needs_an_operator_at_once() {
    for (response, row) in [
        (Fault::Redirect(307, unrelated_origin()), Row::Redirect),
        (Fault::RedirectAfterEffect(307, unrelated_origin()), Row::Redirect),
        (Fault::Status(403, WaitHint::None), Row::Forbidden),
        (Fault::Foreign(403, ForeignBody::Html), Row::Proxy),
        (Fault::ForeignAfterEffect(403, ForeignBody::Html), Row::Proxy),
        (Fault::Foreign(401, ForeignBody::Json), Row::Proxy),
    ] {
        let mut fixture = Fixture::new().await;
        let request = request_for(SAMPLE_PERSON);
        let started = pending(fixture.delete(&request, DeletionMode::EraseAndVerify).await);
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ErasureCreate, response)]);
        fixture.advance(Duration::from_secs(400));
        assert_row(row, &fixture.poll(&request, &started.ticket).await.expect_err("an operator is needed"));
        fixture.simulator.set_faults(Vec::new());
        fixture.advance(Duration::from_secs(60));
        let progress = fixture.poll(&request, &started.ticket).await;
        assert_outcome(&fixture.follow(&request, progress).await.expect("a report"), Outcome::Verified);
        assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1);
    }
    assert_unrelated_server_is_unused();
}

#[tokio::test]
async fn remaining_contacts_are_reported_even_if_the_verifying_search_never_starts() {
    let mut fixture = Fixture::with_settings(&[("verify-window", "10")]).await;
    let waiting = verifying(&mut fixture, Fault::Status(500, WaitHint::None)).await;
    add_again(&fixture);
    let report = fixture.follow(&request_for(SAMPLE_PERSON), Ok(waiting)).await.expect("a report");
    assert_outcome(&report, Outcome::DataRemaining);
    assert_eq!(finding(&report, "search-failed").state, SourceState::Unavailable);
    assert_eq!(finding(&report, &format!("directory:{SAMPLE_CUSTOMERS}")).amount, Amount::Count(1));
}

#[tokio::test]
async fn a_verifying_search_is_retried_within_the_window_and_after_a_rate_limit() {
    let throttled = Fault::Status(429, WaitHint::Seconds(60));
    for (response, minutes, polls) in [(throttled, "0", 10), (Fault::Status(500, WaitHint::None), "60", 6)] {
        let mut fixture = Fixture::with_settings(&[("verify-window", minutes)]).await;
        let request = request_for(SAMPLE_PERSON);
        let mut waiting = verifying(&mut fixture, response).await;
        for _ in 0..polls {
            let Progress::Pending(pending) = waiting else { panic!("not pending: {waiting:?}") };
            fixture.renew_instance().await;
            fixture.advance(Duration::from_millis(pending.poll_after_ms));
            waiting = fixture.poll(&request, &pending.ticket).await.expect("progress");
        }
        fixture.simulator.set_faults(Vec::new());
        let report = fixture.follow(&request, Ok(waiting)).await.expect("a report");
        assert_outcome(&report, Outcome::Verified);
        assert_eq!(operations(&report), ["erasure", "erasure-search"]);
    }
}

#[tokio::test]
async fn verifying_searches_that_keep_vanishing_end_as_partial() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let mut progress = fixture.delete(&request, DeletionMode::EraseAndVerify).await.expect("progress");
    let mut polls = 0;
    let report = loop {
        match progress {
            Progress::Done(report) => break report,
            Progress::Pending(pending) => {
                if pending.stage == Stage::Verifying {
                    fixture.simulator.forget_jobs();
                }
                fixture.advance(Duration::from_millis(pending.poll_after_ms));
                progress = fixture.poll(&request, &pending.ticket).await.expect("progress");
            }
        }
        polls += 1;
        assert!(polls < 50, "still pending");
    };
    assert_outcome(&report, Outcome::Partial);
    assert_eq!(finding(&report, "search-failed").state, SourceState::Unavailable);
    assert_eq!(operations(&report), ["erasure"]);
    assert_eq!(fixture.simulator.holdings(SAMPLE_PERSON).contacts, 0);
}
