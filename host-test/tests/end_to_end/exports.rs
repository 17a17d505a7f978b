//! Exports: customer data requests, their files and their progress.

use std::collections::BTreeSet;
use std::time::Duration;

use privacy_host::contract::{Amount, Document, ErrorKind, Outcome, Progress, Remedy, Request, SourceState, Stage};
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, ForeignBody, JobEnd, Options, SAMPLE_PERSON, SAMPLE_RESPONDENT,
    SAMPLE_STRANGER, SAMPLE_TWO_ADDRESSES, SAMPLE_TYPED_ADDRESS, WaitHint,
};

use crate::access::{RESPONSES, contacts, finding_about};
use crate::check::USERS;
use crate::fixture::{Fixture, assert_outcome, done, email, finding, pending, request, request_for, unrelated_origin};
use crate::remedies::{Row, assert_row};

#[tokio::test]
async fn a_failed_export_leaves_the_contacts_and_a_receipt() {
    for dialects in [
        "export-words-camel",
        "export-words-snake",
        "export-words-title",
        "export-words-succeeded",
        "export-words-finished",
    ] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        fixture.simulator.set_next_jobs(JobEnd::Fails);
        let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
        assert_outcome(&report, Outcome::Partial);
        let export = finding(&report, RESPONSES);
        assert_eq!((export.state, export.code.as_deref()), (SourceState::Unavailable, Some("export-failed")));
        assert_eq!(contacts(&report).len(), 2);
        assert_eq!(report.receipt.jobs[0].failure.as_deref(), Some("unspecified"), "{dialects}");
        assert!(!report.receipt.jobs[0].status.is_empty());
    }
    // Without any other source, the request fails.
    let mut fixture = Fixture::with_dialects("xm-directory-404").await;
    fixture.grant_all_except(&[USERS]);
    fixture.simulator.set_next_jobs(JobEnd::Fails);
    let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
    assert_outcome(&report, Outcome::Failed);
    assert!(report.receipt.jobs[0].failure.is_some());
}

#[tokio::test]
async fn a_vanished_file_makes_the_report_partial() {
    let mut fixture = Fixture::new().await;
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::Status(404, WaitHint::None))]);
    let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
    assert_outcome(&report, Outcome::Partial);
    assert_eq!(finding(&report, RESPONSES).code.as_deref(), Some("file-gone"));
    assert_eq!(contacts(&report).len(), 2);
    // A forbidden file makes the report partial as well.
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::Status(403, WaitHint::None))]);
    let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
    assert_outcome(&report, Outcome::Partial);
    assert_eq!(finding(&report, RESPONSES).state, SourceState::NotPermitted);
}

#[tokio::test]
async fn every_file_of_an_export_is_a_document() {
    for names in ["file-ids-file-id", "file-ids-file-ids", "file-ids-files", "file-ids-files-id", "file-ids-files-name"]
    {
        let mut fixture = Fixture::with_dialects(&format!("file-count-several,{names}")).await;
        let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
        assert_outcome(&report, Outcome::Found);
        let expected = fixture.simulator.expected_export(&[SAMPLE_PERSON]);
        let files: Vec<&Document> = report.documents.iter().filter(|document| document.source == RESPONSES).collect();
        assert_eq!(files.len(), expected.len(), "{names}");
        for (file, expected) in files.iter().zip(expected) {
            assert_eq!(fixture.bytes(file, 50).await, expected.content.to_vec(), "{names}");
            assert_eq!(file.size, Some(expected.content.len()));
        }
    }
}

#[tokio::test]
async fn files_are_named_after_their_format() {
    for (dialects, extension, media_type) in [
        ("file-format-json", "json", "application/json"),
        ("file-format-octet-stream", "json", "application/json"),
        ("file-format-ndjson", "ndjson", "application/x-ndjson"),
        ("file-format-csv", "csv", "text/csv"),
        ("file-format-zip,file-name-address", "zip", "application/zip"),
        ("file-format-gzip,file-accept-octet-stream,file-transfer-chunked", "gz", "application/gzip"),
    ] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
        let file = &report.documents[0];
        assert_eq!((file.name.as_str(), file.media_type.as_str()), (&*format!("export-01.{extension}"), media_type));
        let expected = fixture.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content.to_vec();
        assert_eq!(fixture.bytes(file, 100).await, expected, "{dialects}");
    }
}

#[tokio::test]
async fn an_empty_export_reports_not_found_with_or_without_a_file() {
    for dialects in
        ["no-data-no-files", "no-data-empty-file", "no-data-empty-file,file-format-ndjson,file-transfer-chunked"]
    {
        for address in [SAMPLE_STRANGER, SAMPLE_TYPED_ADDRESS] {
            let mut fixture = Fixture::with_dialects(dialects).await;
            let report = fixture.access_report(&request_for(address)).await;
            assert_outcome(&report, Outcome::NotFound);
            assert_eq!(finding(&report, RESPONSES).amount, Amount::Count(0), "{dialects}");
            assert!(report.documents.is_empty(), "{dialects}");
            assert!(report.gaps.iter().any(|gap| gap.code == "typed-addresses"), "the report names the gap");
        }
    }
    let mut fixture = Fixture::new().await;
    let report = fixture.access_report(&request_for(SAMPLE_RESPONDENT)).await;
    assert_outcome(&report, Outcome::Found);
    assert_eq!(report.documents.len(), 1, "an export and no contact");
}

#[tokio::test]
async fn one_export_per_address_is_started_if_qualtrics_accepts_one_address_only() {
    let mut fixture = Fixture::with_dialects("export-body-email").await;
    let [one, other] = SAMPLE_TWO_ADDRESSES;
    let request = request("r", vec![email(one), email(SAMPLE_STRANGER), email(other)]);
    let report = fixture.access_report(&request).await;
    assert_outcome(&report, Outcome::Found);
    let jobs = fixture.simulator.exports();
    let addresses: BTreeSet<&str> = jobs.iter().flat_map(|job| &job.emails).map(String::as_str).collect();
    assert_eq!((jobs.len(), addresses), (3, BTreeSet::from([one, other, SAMPLE_STRANGER])));
    for (index, amount) in [(0, Amount::Present), (1, Amount::Count(0)), (2, Amount::Present)] {
        assert_eq!(finding_about(&report, RESPONSES, &[index]).amount, amount, "identifier {index}");
    }
    assert_eq!(report.receipt.jobs.len(), 3);
    let expected = fixture.simulator.expected_export(&[other]).remove(0).content.to_vec();
    assert_eq!(fixture.bytes(&report.documents[0], 100).await, expected, "in the order of the sorted addresses");
    // If one of them fails, others may have started. They only read, so the request is started again.
    fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ExportCreate, 3, Fault::Status(503, WaitHint::None))]);
    let error = fixture.access(&request).await.expect_err("a failed export");
    assert!(matches!((error.kind, error.remedy), (ErrorKind::Unavailable, Remedy::Retry(1_000..))), "{error:?}");
    assert_outcome(&fixture.access_report(&request).await, Outcome::Found);
}

/// A fixture whose exports take one address each, with a share of ten exports per minute.
async fn fixture_with_ten_exports_per_minute() -> Fixture {
    let dialects = Dialects::parse("export-body-email").expect("a dialect");
    Fixture::with_options(Brand::sample(), Options { dialects, ..Options::default() }, &[("rate-share", "10")]).await
}

/// A request for this many addresses.
fn request_for_addresses(id: &str, addresses: usize) -> Request {
    request(id, (0..addresses).map(|n| email(&format!("{id}-{n}@example.org"))).collect())
}

#[tokio::test]
async fn exports_of_one_address_each_are_started_all_or_none() {
    let mut fixture = fixture_with_ten_exports_per_minute().await;
    pending(fixture.access(&request_for_addresses("first", 6)).await);
    assert_eq!(fixture.simulator.exports().len(), 6);
    let second = request_for_addresses("second", 6);
    let error =
        fixture.access(&second).await.expect_err("four exports were left, and the attempt with a list used one");
    assert_row(Row::RateLimited, &error);
    let Remedy::Retry(wait) = error.remedy else { panic!("{error:?}") };
    assert_eq!(fixture.simulator.exports().len(), 6, "no export was started");
    fixture.advance(Duration::from_millis(wait));
    let started = fixture.access(&second).await;
    assert_eq!(fixture.simulator.exports().len(), 12, "{started:?}");
    assert_outcome(&fixture.follow(&second, started).await.expect("a report"), Outcome::NotFound);
    assert_eq!(fixture.simulator.ratelimited_count(), 0);
}

#[tokio::test]
async fn more_exports_than_the_rate_share_allows_need_an_operator() {
    let mut fixture = fixture_with_ten_exports_per_minute().await;
    let error =
        fixture.access(&request_for_addresses("many", 10)).await.expect_err("the attempt with a list uses one of ten");
    assert_row(Row::ShareTooSmall, &error);
    assert_eq!((error.problems[0].code.as_str(), error.problems[0].target.as_str()), ("setting", "rate-share"));
    assert!(fixture.simulator.exports().is_empty(), "no export was started");
    fixture.advance(Duration::from_secs(60));
    pending(fixture.access(&request_for_addresses("nine", 9)).await);
    assert_eq!(fixture.simulator.exports().len(), 9);
}

#[tokio::test]
async fn an_unconfirmed_export_is_started_again() {
    for fault in [
        Fault::ResetAfterEffect,
        Fault::Status(500, WaitHint::None),
        Fault::StatusAfterEffect(504, WaitHint::None),
        Fault::ForeignAfterEffect(503, ForeignBody::Text),
        Fault::EmptyBody,
        Fault::HalfAnswer,
    ] {
        let mut fixture = Fixture::new().await;
        fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ExportCreate, 1, fault.clone())]);
        let error = fixture.access(&request_for(SAMPLE_PERSON)).await.expect_err("an unknown start");
        assert_eq!(error.kind, ErrorKind::Unavailable, "{fault:?}");
        assert!(matches!(error.remedy, Remedy::Retry(1_000..)), "{fault:?}");
        assert_eq!(fixture.calls_of(Endpoint::ExportCreate), 1, "{fault:?}: the host repeats it");
        assert_outcome(&fixture.access_report(&request_for(SAMPLE_PERSON)).await, Outcome::Found);
    }
}

#[tokio::test]
async fn a_proxy_response_or_a_redirect_at_the_start_of_an_export_needs_an_operator() {
    for (fault, row) in [
        // In Qualtrics' envelope it would mean that an export takes one address only.
        (Fault::ForeignAfterEffect(400, ForeignBody::Json), Row::Proxy),
        (Fault::Html, Row::Proxy),
        (Fault::ForeignAfterEffect(422, ForeignBody::Html), Row::Proxy),
        (Fault::ForeignAfterEffect(401, ForeignBody::Html), Row::Proxy),
        (Fault::RedirectAfterEffect(302, unrelated_origin()), Row::Redirect),
    ] {
        let mut fixture = Fixture::new().await;
        fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ExportCreate, 1, fault.clone())]);
        let error = fixture.access(&request_for(SAMPLE_PERSON)).await.expect_err("an operator is needed");
        assert_row(row, &error);
        assert_eq!(fixture.calls_of(Endpoint::ExportCreate), 1, "{fault:?}: it is not repeated");
        assert_outcome(&fixture.access_report(&request_for(SAMPLE_PERSON)).await, Outcome::Found);
    }
}

#[tokio::test]
async fn a_vanished_export_requires_a_restart_after_a_second_look_up() {
    for dialects in ["not-found-404", "not-found-400"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let request = request_for(SAMPLE_PERSON);
        let started = pending(fixture.access(&request).await);
        let started = pending(fixture.poll(&request, &started.ticket).await);
        fixture.simulator.forget_jobs();
        fixture.advance(Duration::from_secs(60));
        let missed = pending(fixture.poll(&request, &started.ticket).await);
        fixture.advance(Duration::from_secs(60));
        let error = fixture.poll(&request, &missed.ticket).await.expect_err("a vanished export");
        assert_eq!((error.kind, error.remedy), (ErrorKind::JobNotFound, Remedy::Restart), "{dialects}");
        assert_outcome(&fixture.access_report(&request).await, Outcome::Found);
    }
}

#[tokio::test]
async fn an_overdue_export_needs_attention() {
    let mut fixture = Fixture::new().await;
    fixture.simulator.set_next_jobs(JobEnd::NeverEnds);
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.access(&request).await);
    assert_eq!(started.submitted_at, Some(fixture.now()));
    fixture.advance(Duration::from_secs(23 * 3_600));
    let waiting = pending(fixture.poll(&request, &started.ticket).await);
    assert_eq!((waiting.attention, waiting.vendor_status.as_deref()), (None, Some("inProgress")));
    fixture.advance(Duration::from_secs(2 * 3_600));
    let overdue = pending(fixture.poll(&request, &started.ticket).await);
    assert_eq!(overdue.attention.expect("attention").code, "overdue");
    assert_eq!(overdue.submitted_at, started.submitted_at);
}

#[tokio::test]
async fn an_unknown_export_status_counts_as_running_and_needs_attention() {
    let mut fixture = Fixture::with_dialects("export-words-unheard").await;
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.access(&request).await);
    let waiting = pending(fixture.poll(&request, &started.ticket).await);
    assert_eq!(waiting.attention.expect("attention").code, "unknown-status");
    assert_eq!((waiting.stage, waiting.vendor_status.as_deref()), (Stage::Exporting, Some("Simmering")));
    assert_outcome(&fixture.follow(&request, Ok(Progress::Pending(started))).await.expect("a report"), Outcome::Found);
}

#[tokio::test]
async fn progress_is_reported_in_percent_in_every_format() {
    for (dialects, percent) in [
        ("export-percent-number", Some(50)),
        ("export-percent-fraction", Some(50)),
        ("export-percent-string", Some(50)),
        ("export-percent-absent", None),
    ] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let request = request_for(SAMPLE_PERSON);
        let started = pending(fixture.access(&request).await);
        fixture.advance(Duration::from_secs(90));
        assert_eq!(pending(fixture.poll(&request, &started.ticket).await).percent, percent, "{dialects}");
    }
}

#[tokio::test]
async fn another_instance_continues_with_the_same_ticket() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.access(&request).await);
    assert!(started.ticket.len() <= 4_096 && started.ticket.bytes().all(|byte| byte.is_ascii_graphic()));
    fixture.advance(Duration::from_secs(30 * 24 * 3_600));
    fixture.renew_instance().await;
    let report = done(fixture.poll(&request, &started.ticket).await);
    assert_outcome(&report, Outcome::Found);
    fixture.renew_instance().await;
    let again = done(fixture.poll(&request, &started.ticket).await);
    assert_eq!((again.outcome, again.findings, again.discovered), (report.outcome, report.findings, report.discovered));
}
