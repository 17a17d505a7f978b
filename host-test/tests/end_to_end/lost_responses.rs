//! Faults of the request that starts an erasure. Each case ends with exactly one erasure, whose result is reported.

use std::time::Duration;

use privacy_host::contract::{DeletionMode, ErrorKind, Outcome, Remedy, Request};
use qualtrics_simulator::{Endpoint, Fault, FaultRule, ForeignBody, SAMPLE_PERSON, WaitHint};

use crate::fault_cases::{ids_of_others, is_silent};
use crate::faults::faults;
use crate::fixture::{Fixture, assert_outcome, attempted_at, pending, request_for};
use crate::host::{Host, LONGER_THAN_TIMEOUT};
use crate::remedies::{Purpose, Row, assert_row, rows};
use crate::statuses::{AT_EVERY_CALL, errors};

const ERASE: DeletionMode = DeletionMode::Erase;

/// Every fault that leaves the start of an erasure unknown, before and after the request takes effect.
fn losses() -> Vec<Fault> {
    let statuses = AT_EVERY_CALL.into_iter().flat_map(|status| errors(status, Endpoint::ErasureCreate));
    let faults = faults().into_iter().chain(statuses);
    let is_loss =
        |fault: &Fault| rows(fault, Endpoint::ErasureCreate, Purpose::StartErasure, false) == [Row::OutcomeUnknown];
    faults.filter(is_loss).collect()
}

/// Runs a deletion, with a new instance for every call. The fault affects its first request.
async fn assert_one_erasure(dialects: &str, fault: &Fault, mode: DeletionMode) {
    let case = format!("{fault:?} in {dialects:?}");
    let mut fixture = Fixture::with_dialects(dialects).await;
    let before = ids_of_others(&fixture.simulator);
    fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone())]);
    let mut host = Host::new(&mut fixture).renewing_instances(true);
    host.fault_delay = Some(if is_silent(fault) { LONGER_THAN_TIMEOUT } else { Duration::ZERO });
    let report = host.delete_report(&request_for(SAMPLE_PERSON), mode).await;
    let kinds: Vec<ErrorKind> = host.errors.iter().map(|error| error.kind).collect();
    assert!(kinds.iter().all(|kind| *kind == ErrorKind::OutcomeUnknown), "{case}: {kinds:?}");
    let outcome = if mode == ERASE { Outcome::Deleted } else { Outcome::Verified };
    assert_eq!(report.outcome, outcome, "{case}: {:?}", report.findings);
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "{case}");
    assert!(fixture.simulator.holdings(SAMPLE_PERSON).is_empty(), "{case}");
    assert_eq!(ids_of_others(&fixture.simulator), before, "{case}");
    let erasures = fixture.simulator.erasures();
    let erasure = erasures.iter().find(|job| job.emails == [SAMPLE_PERSON]).expect("the erasure");
    assert_eq!(report.receipt.jobs[0].id, erasure.id, "{case}");
}

#[tokio::test]
async fn a_lost_erasure_response_is_reconciled_and_not_repeated() {
    let losses = losses();
    assert!(losses.len() > 80, "{}", losses.len());
    for fault in losses {
        assert_one_erasure("", &fault, ERASE).await;
    }
}

#[tokio::test]
async fn a_lost_erasure_is_found_in_every_form_of_the_list() {
    let dialects = [
        "erasure-list-oldest-first",
        "erasure-cursor-skip-token,erasure-list-oldest-first,next-page-token,last-page-absent",
        "erasure-at-work-no-addresses",
        "erasure-at-work-sparse,early-erasure-500",
        "erasure-lag-20-s,erasure-list-oldest-first",
        "email-list-lower-case,search-only-string,erasure-id-id,dates-epoch-ms,early-erasure-400",
        "erasure-id-request-id,dates-fraction,early-erasure-409,erasure-pending-null,next-page-links",
    ];
    for dialects in dialects {
        for fault in [
            Fault::ResetBeforeEffect,
            Fault::ResetAfterEffect,
            Fault::SilenceAfterEffect,
            Fault::EmptyBody,
            Fault::StatusAfterEffect(504, WaitHint::None),
            Fault::ForeignAfterEffect(503, ForeignBody::Text),
        ] {
            assert_one_erasure(dialects, &fault, ERASE).await;
        }
        assert_one_erasure(dialects, &Fault::ResetAfterEffect, DeletionMode::EraseAndVerify).await;
    }
}

/// `statuses.rs` covers the default form of the envelope.
#[tokio::test]
async fn a_rejection_in_any_envelope_proves_that_nothing_was_started() {
    let cases = [
        (403, ErrorKind::Forbidden),
        (400, ErrorKind::UnexpectedResponse),
        (404, ErrorKind::UnexpectedResponse),
        (413, ErrorKind::UnexpectedResponse),
        (415, ErrorKind::UnexpectedResponse),
        (422, ErrorKind::UnexpectedResponse),
        (429, ErrorKind::RateLimited),
    ];
    let envelopes = ["error-envelope-old", "error-envelope-instance,http-status-number"];
    for (dialects, (status, kind)) in
        envelopes.into_iter().flat_map(|dialects| cases.iter().map(move |case| (dialects, case)))
    {
        let case = format!("{status} in {dialects:?}");
        let mut fixture = Fixture::with_dialects(dialects).await;
        let fault = Fault::Status(*status, WaitHint::None);
        fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault)]);
        let mut host = Host::new(&mut fixture);
        let report = host.delete_report(&request_for(SAMPLE_PERSON), ERASE).await;
        let kinds: Vec<ErrorKind> = host.errors.iter().map(|error| error.kind).collect();
        assert_eq!(kinds, [*kind], "{case}");
        assert_outcome(&report, Outcome::Deleted);
        assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "{case}");
    }
}

/// Starts an erasure whose host stops once Qualtrics has received the request.
async fn erase_and_stop(fixture: &mut Fixture, request: &Request, fault: Fault) {
    fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault)]);
    let Fixture { simulator, instance, .. } = &mut *fixture;
    let is_received = async {
        while !simulator.calls().iter().any(|call| call.endpoint == Endpoint::ErasureCreate && !call.body.0.is_null()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        results = instance.delete(std::slice::from_ref(request), ERASE) => panic!("no result is expected: {results:?}"),
        () = is_received => {}
    }
    fixture.simulator.set_faults(Vec::new());
    fixture.renew_instance().await;
}

#[tokio::test]
async fn an_erasure_of_a_stopped_host_is_resumed_or_started_once() {
    for fault in [Fault::SilenceBeforeEffect, Fault::SilenceAfterEffect] {
        let mut fixture = Fixture::new().await;
        let request = request_for(SAMPLE_PERSON);
        let attempted = attempted_at(&request, fixture.now());
        erase_and_stop(&mut fixture, &request, fault.clone()).await;
        fixture.advance(Duration::from_secs(5));
        let report = Host::new(&mut fixture).delete_report(&attempted, ERASE).await;
        assert_outcome(&report, Outcome::Deleted);
        assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn no_second_erasure_is_sent_while_the_list_may_lag() {
    let mut fixture = Fixture::with_dialects("erasure-lag-20-s").await;
    let request = request_for(SAMPLE_PERSON);
    let attempted = attempted_at(&request, fixture.now());
    erase_and_stop(&mut fixture, &request, Fault::SilenceAfterEffect).await;
    fixture.advance(Duration::from_secs(10));
    let error = fixture.delete(&attempted, ERASE).await.expect_err("not listed yet");
    assert_row(Row::OutcomeUnknown, &error);
    let Remedy::Retry(ms) = error.remedy else { panic!("{error:?}") };
    fixture.advance(Duration::from_millis(ms));
    pending(fixture.delete(&attempted, ERASE).await);
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1);
}
