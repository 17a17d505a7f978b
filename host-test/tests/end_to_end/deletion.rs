//! Deletion requests: previews, erasures and their reports.

use privacy_host::contract::{Amount, DeletionMode, Finding, Identifier, Outcome, Report, SourceState};
use qualtrics_simulator::{
    Endpoint, JobEnd, MESSAGE_CANARY, SAMPLE_CUSTOMERS, SAMPLE_PERSON, SAMPLE_PHONE, SAMPLE_REFERENCE,
    SAMPLE_SHARED_PHONE, SAMPLE_STRANGER, SAMPLE_TWO_ADDRESSES,
};

use crate::fixture::{Fixture, assert_outcome, done, email, request, request_for};

const MODES: [DeletionMode; 3] = [DeletionMode::Preview, DeletionMode::Erase, DeletionMode::EraseAndVerify];

/// The first finding with this source or code.
#[track_caller]
pub fn finding<'r>(report: &'r Report, name: &str) -> &'r Finding {
    let found = report.findings.iter().find(|one| one.source == name || one.code.as_deref() == Some(name));
    found.unwrap_or_else(|| panic!("no finding {name} among {:#?}", report.findings))
}

/// The operations of the jobs in the receipt.
pub fn operations(report: &Report) -> Vec<&str> {
    report.receipt.jobs.iter().map(|job| job.operation.as_str()).collect()
}

#[tokio::test]
async fn an_erasure_is_polled_until_it_completes() {
    let mut fixture = Fixture::new().await;
    let report = fixture.delete_report(&request_for(SAMPLE_PERSON), DeletionMode::Erase).await;
    assert_outcome(&report, Outcome::Deleted);
    assert!(fixture.simulator.holdings(SAMPLE_PERSON).is_empty());
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn a_preview_reports_what_an_erasure_would_delete() {
    let mut fixture = Fixture::new().await;
    let report = fixture.delete_report(&request_for(SAMPLE_PERSON), DeletionMode::Preview).await;
    let directory = finding(&report, &format!("directory:{SAMPLE_CUSTOMERS}"));
    assert_eq!((directory.amount, directory.identifiers.as_slice()), (Amount::Count(1), &[0][..]));
    assert_eq!(finding(&report, "personal-data").amount, Amount::Present);
    assert_eq!(operations(&report), ["erasure-search"]);
    assert!(report.documents.is_empty());
    assert!(report.discovered.contains(&Identifier::Phone(SAMPLE_PHONE.to_owned())));
}

#[tokio::test]
async fn a_phone_number_or_external_id_never_widens_a_deletion() {
    let identifiers = [Identifier::Phone(SAMPLE_PHONE.to_owned()), Identifier::ExternalId(SAMPLE_REFERENCE.to_owned())];
    for mode in MODES {
        for identifier in &identifiers {
            let mut fixture = Fixture::new().await;
            let report = done(fixture.delete(&request("r", vec![identifier.clone()]), mode).await);
            assert_outcome(&report, Outcome::Refused);
            assert!(report.discovered.contains(&email(SAMPLE_PERSON)), "{:?}", report.discovered);
            assert_eq!(finding(&report, "no-email").state, SourceState::NotUsable);
            assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 0);
        }
    }
    let mut fixture = Fixture::new().await;
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    let request = request("r", vec![email(one), Identifier::Phone(SAMPLE_SHARED_PHONE.to_owned())]);
    let report = fixture.delete_report(&request, DeletionMode::Erase).await;
    assert_outcome(&report, Outcome::Partial);
    assert_eq!(finding(&report, "no-email").identifiers, [1]);
    assert!(fixture.simulator.holdings(one).is_empty());
    assert!(!fixture.simulator.holdings(two).is_empty(), "this address was not requested");
}

#[tokio::test]
async fn a_failed_erasure_reports_its_reason_as_a_code() {
    for status in ["failed", "failure", "error", "cancelled", "rejected", "reason-only"] {
        for mode in MODES {
            let mut fixture = Fixture::with_dialects(&format!("erasure-failed-{status}")).await;
            fixture.simulator.set_next_jobs(JobEnd::Fails);
            let report = fixture.delete_report(&request_for(SAMPLE_PERSON), mode).await;
            assert_outcome(&report, Outcome::Failed);
            let failure = report.receipt.jobs[0].failure.as_deref().expect("a reason");
            assert!(failure.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{failure}");
            assert!(!format!("{report:?}").contains(MESSAGE_CANARY.split('@').next().unwrap_or_default()));
            assert!(!report.gaps.is_empty());
            assert!(!fixture.simulator.holdings(SAMPLE_PERSON).is_empty());
        }
    }
}

#[tokio::test]
async fn an_unreported_amount_is_unknown_and_not_zero() {
    let mut fixture = Fixture::with_dialects("emails-not-found-null").await;
    let report = fixture.delete_report(&request_for(SAMPLE_STRANGER), DeletionMode::Erase).await;
    assert_outcome(&report, Outcome::Deleted);
    assert_eq!(finding(&report, "personal-data").amount, Amount::Unknown);
    let report = fixture.delete_report(&request_for(SAMPLE_PERSON), DeletionMode::EraseAndVerify).await;
    assert_outcome(&report, Outcome::Deleted);
    for dialects in ["emails-not-found-number", "emails-not-found-string", "emails-not-found-array"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let report = fixture.delete_report(&request_for(SAMPLE_STRANGER), DeletionMode::Erase).await;
        assert_outcome(&report, Outcome::NotFound);
        assert_eq!(finding(&report, "personal-data").amount, Amount::Count(0));
    }
}

#[tokio::test]
async fn counters_of_a_job_are_reported_as_findings() {
    for dialects in ["erasure-counters-members", "erasure-counters-nested"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let held = fixture.simulator.holdings(SAMPLE_PERSON);
        let report = fixture.delete_report(&request_for(SAMPLE_PERSON), DeletionMode::Erase).await;
        let counted = |source: &str| finding(&report, source).amount;
        assert_eq!(counted("contacts"), Amount::Count(held.contacts as u64), "{dialects}");
        assert_eq!(counted("responses"), Amount::Count(held.responses as u64), "{dialects}");
        assert_eq!(counted("users"), Amount::Count(0), "{dialects}");
    }
}

#[tokio::test]
async fn the_receipt_records_jobs_and_timestamps() {
    for (mode, jobs) in MODES.into_iter().zip([1, 1, 2]) {
        let mut fixture = Fixture::new().await;
        let started = fixture.now();
        let report = fixture.delete_report(&request("ID-1.a:b_c", vec![email(SAMPLE_PERSON)]), mode).await;
        let receipt = &report.receipt;
        assert_eq!((receipt.request_id.as_str(), receipt.mode), ("ID-1.a:b_c", Some(mode)));
        assert!(receipt.connector.contains("qualtrics"), "{}", receipt.connector);
        assert_eq!(receipt.submitted_at, Some(started));
        assert_eq!(receipt.finished_at, fixture.now());
        assert_eq!(receipt.jobs.len(), jobs);
        for job in &receipt.jobs {
            let known = fixture.simulator.erasures().into_iter().find(|known| known.id == job.id).expect("the job");
            assert_eq!(known.search_only, job.operation == "erasure-search");
            assert_eq!((job.status.as_str(), &job.failure), ("Completed", &None));
            assert!(job.created.as_deref().is_some_and(|at| at.starts_with("2026-01-05T09:")), "{:?}", job.created);
            assert!(job.updated > job.created);
        }
        assert!(!report.gaps.is_empty());
    }
}

#[tokio::test]
async fn every_known_status_is_recognized() {
    let completed_statuses =
        ["completed", "completed-lower", "complete-upper", "done", "success", "succeeded", "finished"];
    let running_statuses = ["pending", "queued", "in-progress", "in-progress-camel", "running", "null"];
    let completed = completed_statuses.iter().map(|status| format!("erasure-done-{status}"));
    for dialects in
        completed.chain(running_statuses.iter().map(|status| format!("early-erasure-200,erasure-pending-{status}")))
    {
        let mut fixture = Fixture::with_dialects(&dialects).await;
        let report = fixture.delete_report(&request_for(SAMPLE_PERSON), DeletionMode::EraseAndVerify).await;
        assert_outcome(&report, Outcome::Verified);
    }
}
