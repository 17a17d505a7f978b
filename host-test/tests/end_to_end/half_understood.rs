//! A member of a response that is filled and not understood is never empty, zero or the end.

use std::time::Duration;

use privacy_host::contract::{Amount, DeletionMode, ErrorKind, Outcome, Remedy, SourceState};
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, JobEnd, Options, SAMPLE_PERSON, SAMPLE_STRANGER,
};
use serde_json::{Value, json};

use crate::access::{RESPONSES, contacts};
use crate::fixture::{Fixture, assert_outcome, attempted_at, finding, pending, request_for};

const ERASE: DeletionMode = DeletionMode::Erase;

/// Forms of the list of erasures in which a job does not show whom it is about, when, or which one it is.
const UNCLEAR_LISTS: [&str; 9] = [
    "email-list-masked",
    "email-list-letters",
    "email-list-hashed",
    "email-list-objects",
    "erasure-id-other",
    "dates-no-zone,erasure-times-hidden",
    "dates-no-zone,erasure-pending-number",
    "dates-epoch-s,erasure-pending-number",
    "erasure-id-other,email-list-objects,dates-no-zone,erasure-pending-null",
];

#[tokio::test]
async fn an_unclear_list_of_erasures_never_leads_to_a_second_erasure() {
    for dialects in UNCLEAR_LISTS {
        for end in [JobEnd::Completes, JobEnd::NeverEnds] {
            let mut fixture = Fixture::with_dialects(dialects).await;
            fixture.simulator.set_next_jobs(end);
            let lost = FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetAfterEffect);
            fixture.simulator.set_faults(vec![lost]);
            let started_at = fixture.now();
            let request = attempted_at(&request_for(SAMPLE_PERSON), started_at);
            let mut result = fixture.delete(&request_for(SAMPLE_PERSON), ERASE).await;
            while let Err(error) = &result {
                assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{dialects}: {error:?}");
                let Remedy::Retry(ms) = error.remedy else { break };
                fixture.advance(Duration::from_millis(ms));
                assert!(fixture.now() - started_at < 24 * 3_600, "{dialects}: no operator within a day");
                result = fixture.delete(&request, ERASE).await;
            }
            assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "{dialects}, {end:?}");
            assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 1, "{dialects}, {end:?}");
        }
    }
}

#[tokio::test]
async fn a_list_whose_ids_are_not_understood_does_not_mean_that_a_job_vanished() {
    let mut fixture = Fixture::with_dialects("erasure-id-other").await;
    fixture.simulator.set_next_jobs(JobEnd::NeverEnds);
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.delete(&request, ERASE).await);
    fixture.advance(Duration::from_secs(24 * 3_600));
    let waiting = pending(fixture.poll(&request, &started.ticket).await);
    pending(fixture.poll(&request, &waiting.ticket).await);
}

/// The report of an access request with this result of a completed export.
async fn with_export(result: Value) -> privacy_host::contract::Report {
    let mut fixture = Fixture::new().await;
    let fault = Fault::Member("/result".to_owned(), result);
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportProgress, fault)]);
    fixture.access_report(&request_for(SAMPLE_STRANGER)).await
}

#[tokio::test]
async fn an_export_whose_files_are_not_understood_makes_the_report_partial() {
    for files in [
        json!({"files": [{"fileID": "F-1"}]}),
        json!({"fileID": "F-1"}),
        json!({"files": {"first": "F-1"}}),
        json!({"fileId": true}),
        json!({"fileId": ".."}),
        json!({"fileIds": [null]}),
        json!({"output": {"downloadUrl": "https://example.org/1"}}),
        json!({"fileId": null, "fileCount": 2}),
    ] {
        let mut result = files.clone();
        result["status"] = json!("complete");
        let report = with_export(result).await;
        assert_outcome(&report, Outcome::Partial);
        let export = finding(&report, RESPONSES);
        assert_eq!((export.state, &export.amount), (SourceState::Unavailable, &Amount::Unknown), "{files}");
    }
    for files in [json!({}), json!({"fileId": null}), json!({"files": []}), json!({"fileIds": [], "fileCount": 0})] {
        let mut result = files.clone();
        result["status"] = json!("complete");
        assert_outcome(&with_export(result).await, Outcome::NotFound);
    }
}

#[tokio::test]
async fn an_export_without_data_is_not_found_in_every_format() {
    for no_data in ["no-data-empty-file", "no-data-hollow-file"] {
        for format in ["json", "ndjson", "csv", "zip", "zip-csv", "gzip", "octet-stream"] {
            let dialects = format!("{no_data},file-format-{format}");
            let mut fixture = Fixture::with_dialects(&dialects).await;
            let report = fixture.access_report(&request_for(SAMPLE_STRANGER)).await;
            assert_outcome(&report, Outcome::NotFound);
            assert!(report.documents.is_empty(), "{dialects}");
            assert_outcome(&fixture.access_report(&request_for(SAMPLE_PERSON)).await, Outcome::Found);
        }
    }
}

#[tokio::test]
async fn an_error_with_a_success_status_is_not_an_export() {
    let mut fixture = Fixture::with_dialects("file-format-json").await;
    let started = pending(fixture.access(&request_for(SAMPLE_PERSON)).await);
    fixture.advance(Duration::from_secs(3_600));
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::EnvelopedError(404))]);
    let report = fixture.poll(&request_for(SAMPLE_PERSON), &started.ticket).await;
    let report = fixture.follow(&request_for(SAMPLE_PERSON), report).await.expect("a report");
    assert_outcome(&report, Outcome::Partial);
    assert_eq!(finding(&report, RESPONSES).code.as_deref(), Some("file-gone"));
}

#[tokio::test]
async fn a_list_of_directories_that_is_not_understood_makes_the_report_partial() {
    for (place, value) in [
        ("/result/elements", json!(null)),
        ("/result/elements", json!({})),
        ("/result/elements", json!("none")),
        ("/result/elements", json!([{"name": "Customers"}])),
        ("/result/nextPage", json!({"offset": 100})),
        ("/result/links", json!("/API/v3/directories?offset=100")),
        ("/result", json!(null)),
    ] {
        let mut fixture = Fixture::new().await;
        let fault = Fault::Member(place.to_owned(), value.clone());
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::Directories, fault)]);
        let report = fixture.access_report(&request_for(SAMPLE_STRANGER)).await;
        assert_outcome(&report, Outcome::Partial);
        assert_eq!(finding(&report, "directories").amount, Amount::Unknown, "{place} {value}");
    }
}

#[tokio::test]
async fn an_empty_page_with_a_cursor_is_not_the_end_of_a_search() {
    for dialects in ["search-empty-page", "search-cursor-number"] {
        let mut fixture = Fixture::with_options(
            Brand::sample(),
            Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() },
            &[],
        )
        .await;
        let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
        assert_outcome(&report, Outcome::Found);
        assert_eq!(contacts(&report).len(), 2, "{dialects}");
    }
}
