//! Jobs that Qualtrics no longer lists. A ticket proves that its job was accepted, so the connector never starts it again.

use std::time::Duration;

use privacy_host::contract::{DeletionMode, ErrorKind, Outcome, Remedy, Stage};
use qualtrics_simulator::{Endpoint, SAMPLE_PERSON, SAMPLE_STRANGER};

use crate::deletion::operations;
use crate::fixture::{Fixture, assert_outcome, pending, request_for};

#[tokio::test]
async fn a_vanished_erasure_is_never_started_again() {
    for mode in [DeletionMode::Erase, DeletionMode::EraseAndVerify] {
        let mut fixture = Fixture::with_settings(&[("verify-window", "0")]).await;
        let request = request_for(SAMPLE_PERSON);
        let started = pending(fixture.delete(&request, mode).await);
        fixture.simulator.forget_jobs();
        for _ in 0..5 {
            fixture.renew_instance().await;
            let progress = fixture.poll(&request, &started.ticket).await;
            let error = fixture.follow(&request, progress).await.expect_err("a vanished job");
            assert_eq!((error.kind, error.remedy), (ErrorKind::JobNotFound, Remedy::Operator), "{mode:?}");
            fixture.advance(Duration::from_secs(6 * 3_600));
        }
        assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 0, "{mode:?}: only searches were started");
        assert!(!fixture.simulator.holdings(SAMPLE_PERSON).is_empty());
    }
}

#[tokio::test]
async fn a_vanished_erasure_is_verified_if_a_search_finds_nothing() {
    for address in [SAMPLE_PERSON, SAMPLE_STRANGER] {
        let mut fixture = Fixture::new().await;
        let request = request_for(address);
        let started = pending(fixture.delete(&request, DeletionMode::EraseAndVerify).await);
        fixture.advance(Duration::from_secs(400));
        assert!(fixture.simulator.holdings(address).is_empty());
        fixture.simulator.forget_jobs();
        let progress = fixture.poll(&request, &started.ticket).await;
        let report = fixture.follow(&request, progress).await.expect("a report");
        assert_outcome(&report, Outcome::Verified);
        assert_eq!(operations(&report), ["erasure", "erasure-search"]);
        let erasure = &report.receipt.jobs[0];
        assert_eq!((Some(erasure.id.as_str()), erasure.status.as_str()), (started.group.as_deref(), "unknown"));
        assert_eq!((&erasure.created, &erasure.updated, &erasure.failure), (&None, &None, &None));
        assert_eq!(fixture.erasures_of(address), 0, "nothing was started again");
    }
}

#[tokio::test]
async fn a_vanished_erasure_needs_an_operator_if_a_search_finds_data() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.delete(&request, DeletionMode::EraseAndVerify).await);
    fixture.simulator.forget_jobs();
    let progress = fixture.poll(&request, &started.ticket).await;
    let error = fixture.follow(&request, progress).await.expect_err("data remains");
    assert_eq!((error.kind, error.remedy), (ErrorKind::JobNotFound, Remedy::Operator));
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 0);
}

#[tokio::test]
async fn an_erasure_that_vanishes_after_it_completed_does_not_stop_the_verification() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.delete(&request, DeletionMode::EraseAndVerify).await);
    fixture.advance(Duration::from_secs(400));
    let verifying = pending(fixture.poll(&request, &started.ticket).await);
    assert_eq!(verifying.stage, Stage::Verifying);
    fixture.simulator.forget_jobs();
    let progress = fixture.poll(&request, &verifying.ticket).await;
    let report = fixture.follow(&request, progress).await.expect("a report");
    assert_outcome(&report, Outcome::Verified);
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 0);
}

#[tokio::test]
async fn a_vanished_search_of_a_preview_requires_a_restart() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let started = fixture.delete(&request, DeletionMode::Preview).await;
    fixture.simulator.forget_jobs();
    let error = fixture.follow(&request, started).await.expect_err("a vanished search");
    assert_eq!((error.kind, error.remedy), (ErrorKind::JobNotFound, Remedy::Restart));
    assert_outcome(&fixture.delete_report(&request, DeletionMode::Preview).await, Outcome::Previewed);
    assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 2);
}
