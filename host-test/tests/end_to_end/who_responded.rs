//! Proxies, firewalls and captive portals are told apart from Qualtrics, whatever they send and wherever they send it.

use std::time::Duration;

use privacy_host::contract::{Attempts, DeletionMode, Error, ErrorKind, Outcome, Remedy, Request, Right};
use qualtrics_simulator::{Endpoint, Fault, FaultRule, ForeignBody, SAMPLE_PERSON};
use serde_json::json;

use crate::fixture::{Fixture, assert_outcome, finding, pending, request_for, unrelated_origin};
use crate::reconciliation::brand;
use crate::remedies::{Row, assert_row};

const ERASE: DeletionMode = DeletionMode::Erase;

/// Every kind of response with a body that is not Qualtrics'.
const BODIES: [ForeignBody; 4] = [ForeignBody::Html, ForeignBody::Disguised, ForeignBody::Json, ForeignBody::Text];

/// The statuses of such responses that do not clear by themselves.
const STATUSES: [u16; 8] = [200, 400, 401, 403, 404, 407, 416, 511];

/// Every such response, and redirects, as to a login page.
fn responses() -> Vec<Fault> {
    let statuses = STATUSES.into_iter().flat_map(|status| BODIES.map(|body| Fault::Foreign(status, body)));
    let redirects = [302, 307].map(|status| Fault::Redirect(status, unrelated_origin() + "/login"));
    statuses.chain(redirects).collect()
}

#[track_caller]
fn assert_proxy(error: &Error, context: &str) {
    assert_row(Row::Proxy, error);
    assert!(error.problems.iter().all(|problem| problem.code == "proxy"), "{context}: {error:?}");
    assert!(error.message.contains("proxy"), "{context}: {error:?}");
}

/// A fault of every call to an endpoint but the first.
fn from_the_second_call(endpoint: Endpoint, fault: Fault) -> Vec<FaultRule> {
    let none = FaultRule::nth(endpoint, 1, Fault::Member("/no/such/place".to_owned(), json!(null)));
    vec![none, FaultRule::every(endpoint, fault)]
}

#[tokio::test]
async fn a_proxy_at_the_token_endpoint_is_neither_a_missing_scope_nor_a_wrong_secret() {
    let mut fixture = Fixture::new().await;
    for fault in responses() {
        fixture.renew_instance().await;
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::Token, fault.clone())]);
        let context = format!("{fault:?}");
        let error = fixture.check(&[Right::Access, Right::Deletion]).await.expect_err("a proxy");
        assert_proxy(&error, &context);
        assert_proxy(&fixture.access(&request_for(SAMPLE_PERSON)).await.expect_err("a proxy"), &context);
        let error = fixture.delete(&request_for(SAMPLE_PERSON), ERASE).await.expect_err("a proxy");
        assert_proxy(&error, &context);
    }
    assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 0);
}

#[tokio::test]
async fn a_rejection_of_the_token_endpoint_without_a_body_leaves_open_who_sent_it() {
    for status in [400, 401] {
        let mut fixture = Fixture::new().await;
        let fault = Fault::Foreign(status, ForeignBody::Empty);
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::Token, fault)]);
        let error = fixture.check(&[Right::Access]).await.expect_err("a rejection");
        assert_eq!((error.kind, &error.remedy), (ErrorKind::Unauthorized, &Remedy::Operator));
        let codes: Vec<&str> = error.problems.iter().map(|problem| problem.code.as_str()).collect();
        assert_eq!(codes, ["setting", "proxy"], "{status}");
    }
}

#[tokio::test]
async fn a_proxys_response_to_the_erasure_leaves_its_outcome_unknown_and_names_the_proxy() {
    for fault in responses() {
        for fault in [fault.clone(), after_effect(fault)] {
            let mut fixture = Fixture::new().await;
            // The list shows nothing yet, so that it does not settle the outcome.
            let hidden =
                FaultRule::every(Endpoint::ErasureList, Fault::Member("/result/elements".to_owned(), json!([])));
            fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ErasureCreate, fault.clone()), hidden]);
            let error = fixture.delete(&request_for(SAMPLE_PERSON), ERASE).await.expect_err("an unknown outcome");
            assert_row(Row::OutcomeUnknown, &error);
            assert!(error.problems.iter().any(|problem| problem.code == "proxy"), "{fault:?}: {error:?}");
            assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 1, "{fault:?}");
        }
    }
}

/// The same response after the call took effect.
fn after_effect(fault: Fault) -> Fault {
    match fault {
        Fault::Foreign(status, body) => Fault::ForeignAfterEffect(status, body),
        Fault::Redirect(status, location) => Fault::RedirectAfterEffect(status, location),
        other => other,
    }
}

#[tokio::test]
async fn a_proxys_response_to_a_look_up_does_not_mean_that_the_job_vanished() {
    for fault in responses() {
        let mut fixture = Fixture::new().await;
        let request = request_for(SAMPLE_PERSON);
        let started = pending(fixture.delete(&request, ERASE).await);
        fixture.simulator.forget_jobs();
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ErasureGet, fault.clone())]);
        fixture.advance(Duration::from_secs(24 * 3_600));
        for _ in 0..2 {
            let error = fixture.poll(&request, &started.ticket).await.expect_err("a proxy");
            assert_proxy(&error, &format!("{fault:?}"));
        }
        fixture.simulator.set_faults(Vec::new());
        let error = fixture.poll(&request, &started.ticket).await.expect_err("a vanished job");
        assert_row(Row::Vanished, &error);
    }
}

#[tokio::test]
async fn a_proxys_response_to_a_look_up_does_not_hide_a_job_that_the_list_shows() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let started = fixture.delete(&request, ERASE).await;
    let fault = Fault::Foreign(404, ForeignBody::Html);
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ErasureGet, fault)]);
    assert_outcome(&fixture.follow(&request, started).await.expect("a report"), Outcome::Deleted);
}

#[tokio::test]
async fn a_proxys_response_is_not_the_end_of_the_list_of_erasures() {
    for dialects in ["", "erasure-list-oldest-first", "erasure-list-oldest-first,erasure-cursor-skip-token"] {
        for fault in responses() {
            // The list has seven pages, and the window of the attempts reaches back over several of them.
            let mut fixture = Fixture::with_brand(brand(650), dialects).await;
            let first_at = fixture.now() - 3 * 24 * 3_600;
            let attempts = Some(Attempts { first_at, last_at: fixture.now() - 300 });
            let request = Request { attempts, ..request_for(SAMPLE_PERSON) };
            fixture.simulator.set_faults(from_the_second_call(Endpoint::ErasureList, fault.clone()));
            let context = format!("{dialects} {fault:?}");
            assert_proxy(&fixture.delete(&request, ERASE).await.expect_err("a proxy"), &context);
            assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 0, "{context}");
        }
    }
}

#[tokio::test]
async fn a_proxys_response_to_the_progress_of_an_export_does_not_mean_that_it_vanished() {
    for fault in responses() {
        let mut fixture = Fixture::new().await;
        let request = request_for(SAMPLE_PERSON);
        let started = pending(fixture.access(&request).await);
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportProgress, fault.clone())]);
        fixture.advance(Duration::from_secs(3_600));
        for _ in 0..2 {
            let error = fixture.poll(&request, &started.ticket).await.expect_err("a proxy");
            assert_proxy(&error, &format!("{fault:?}"));
        }
    }
}

#[tokio::test]
async fn a_page_in_place_of_a_file_is_not_an_export() {
    for body in [ForeignBody::Html, ForeignBody::Disguised] {
        let mut fixture = Fixture::new().await;
        let page = FaultRule::every(Endpoint::ExportFile, Fault::Foreign(200, body));
        fixture.simulator.set_faults(vec![page]);
        let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
        assert_outcome(&report, Outcome::Partial);
        assert_eq!(finding(&report, "survey-responses").code.as_deref(), Some("file-unavailable"), "{body:?}");
        assert!(report.documents.iter().all(|document| document.source != "survey-responses"), "{body:?}");
    }
}

#[tokio::test]
async fn a_proxys_response_to_a_read_needs_an_operator_and_not_a_restart() {
    for fault in responses() {
        // A file may hold any JSON or text.
        if matches!(fault, Fault::Foreign(200, ForeignBody::Json | ForeignBody::Text)) {
            continue;
        }
        let mut fixture = Fixture::new().await;
        let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
        let privacy_host::contract::Content::Remote(reference) = &report.documents[0].content else {
            panic!("a remote document")
        };
        fixture.renew_instance().await;
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, fault.clone())]);
        // 416 may mean that the document ends at the offset: it is read again without a range.
        let error = fixture.read(reference, 1, 1_000).await.expect_err("a proxy");
        assert_proxy(&error, &format!("{fault:?}"));
    }
}
