//! Faults of the request that starts an erasure. Each case ends with exactly one erasure, whose result is reported.

use std::time::Duration;

use privacy_host::contract::{DeletionMode, ErrorKind, Outcome, Remedy, Request};
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, ForeignBody, Options, Person, SAMPLE_CUSTOMERS, SAMPLE_PERSON,
    WaitHint,
};

use crate::fixture::{Fixture, assert_outcome, attempted_at, pending, request_for, unrelated_origin};
use crate::host::{Host, LONGER_THAN_TIMEOUT};
use crate::remedies::{Row, assert_row};

const ERASE: DeletionMode = DeletionMode::Erase;

/// Every fault that leaves the start of an erasure unknown, before and after the request takes effect.
fn losses() -> Vec<Fault> {
    let mut losses = vec![
        Fault::ResetBeforeRead,
        Fault::ResetBeforeEffect,
        Fault::ResetAfterEffect,
        Fault::SilenceBeforeEffect,
        Fault::SilenceAfterEffect,
        Fault::HalfAnswer,
        Fault::StalledAnswer,
        Fault::ChunksCutOff,
        Fault::LengthTooLong,
        Fault::LengthTooShort,
        Fault::Html,
        Fault::EmptyBody,
        Fault::JsonArray,
        Fault::JsonString,
        Fault::JsonNumber,
        Fault::DeepJson,
        Fault::InvalidUtf8,
        Fault::DuplicateKeys,
        Fault::NumbersAsStrings,
        Fault::UnaskedGzip,
    ];
    for status in [408, 409, 425, 500, 502, 503, 504] {
        losses.extend([Fault::Status(status, WaitHint::None), Fault::StatusAfterEffect(status, WaitHint::None)]);
    }
    // A requested delay does not permit a second attempt, because the job may have been started.
    losses.push(Fault::StatusAfterEffect(503, WaitHint::Seconds(1)));
    for status in [400, 401, 403, 404, 407, 413, 422, 503] {
        for body in [ForeignBody::Text, ForeignBody::Html] {
            losses.extend([Fault::Foreign(status, body), Fault::ForeignAfterEffect(status, body)]);
        }
    }
    for status in [302, 307] {
        let target = || unrelated_origin() + "/API/v3/op-erase-personal-data";
        losses.extend([Fault::Redirect(status, target()), Fault::RedirectAfterEffect(status, target())]);
    }
    losses.extend([400, 401, 404, 429, 500, 503].map(Fault::MetaStatus));
    losses
}

fn is_silent(fault: &Fault) -> bool {
    matches!(fault, Fault::SilenceBeforeEffect | Fault::SilenceAfterEffect | Fault::StalledAnswer)
}

/// The IDs of the contacts, responses and users of other people.
fn ids_of_others(fixture: &Fixture, address: &str) -> Vec<String> {
    fixture.simulator.with_brand(|brand| {
        let contacts = brand.directories.iter().flat_map(|directory| &directory.contacts);
        let contacts = contacts.filter(|contact| contact.email.as_deref() != Some(address)).map(|one| one.id.clone());
        let responses = brand.responses.iter().filter(|response| response.email.as_deref() != Some(address));
        let users = brand.users.iter().filter(|user| user.email != address).map(|user| user.id.clone());
        contacts.chain(responses.map(|one| one.id.clone())).chain(users).collect()
    })
}

async fn assert_one_erasure(dialects: &str, fault: &Fault, renews_instances: bool, mode: DeletionMode) {
    let case = format!("{fault:?} in {dialects:?}, a new instance for every call: {renews_instances}");
    let mut fixture = Fixture::with_dialects(dialects).await;
    let before = ids_of_others(&fixture, SAMPLE_PERSON);
    fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone())]);
    let mut host = Host::new(&mut fixture).renewing_instances(renews_instances);
    host.fault_delay = is_silent(fault).then_some(LONGER_THAN_TIMEOUT);
    let report = host.delete_report(&request_for(SAMPLE_PERSON), mode).await;
    let kinds: Vec<ErrorKind> = host.errors.iter().map(|error| error.kind).collect();
    assert!(kinds.iter().all(|kind| *kind == ErrorKind::OutcomeUnknown), "{case}: {kinds:?}");
    let outcome = if mode == ERASE { Outcome::Deleted } else { Outcome::Verified };
    assert_eq!(report.outcome, outcome, "{case}: {:?}", report.findings);
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "{case}");
    assert!(fixture.simulator.holdings(SAMPLE_PERSON).is_empty(), "{case}");
    assert_eq!(ids_of_others(&fixture, SAMPLE_PERSON), before, "{case}");
    let erasures = fixture.simulator.erasures();
    let erasure = erasures.iter().find(|job| job.emails == [SAMPLE_PERSON]).expect("the erasure");
    assert_eq!(report.receipt.jobs[0].id, erasure.id, "{case}");
}

#[tokio::test]
async fn a_lost_erasure_response_is_reconciled_and_not_repeated() {
    for fault in losses() {
        for renews_instances in [false, true] {
            assert_one_erasure("", &fault, renews_instances, ERASE).await;
        }
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
        ] {
            assert_one_erasure(dialects, &fault, true, ERASE).await;
        }
        assert_one_erasure(dialects, &Fault::ResetAfterEffect, false, DeletionMode::EraseAndVerify).await;
    }
}

#[tokio::test]
async fn a_response_that_proves_that_nothing_was_started_is_not_outcome_unknown() {
    let cases = [
        (Fault::Foreign(429, ForeignBody::Html), ErrorKind::RateLimited),
        (Fault::Status(429, WaitHint::None), ErrorKind::RateLimited),
        (Fault::Status(429, WaitHint::Seconds(60)), ErrorKind::RateLimited),
        (Fault::Status(429, WaitHint::Date(60)), ErrorKind::RateLimited),
        (Fault::Status(429, WaitHint::Absurd), ErrorKind::RateLimited),
        (Fault::Status(403, WaitHint::None), ErrorKind::Forbidden),
        (Fault::Status(400, WaitHint::None), ErrorKind::UnexpectedResponse),
        (Fault::Status(404, WaitHint::None), ErrorKind::UnexpectedResponse),
        (Fault::Status(413, WaitHint::None), ErrorKind::UnexpectedResponse),
        (Fault::Status(415, WaitHint::None), ErrorKind::UnexpectedResponse),
        (Fault::Status(422, WaitHint::None), ErrorKind::UnexpectedResponse),
    ];
    let envelopes = ["", "error-envelope-old", "error-envelope-instance,http-status-number"];
    for (dialects, (fault, kind)) in
        envelopes.into_iter().flat_map(|dialects| cases.iter().map(move |case| (dialects, case)))
    {
        let case = format!("{fault:?} in {dialects:?}");
        let mut fixture = Fixture::with_dialects(dialects).await;
        fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone())]);
        let mut host = Host::new(&mut fixture);
        let report = host.delete_report(&request_for(SAMPLE_PERSON), ERASE).await;
        let kinds: Vec<ErrorKind> = host.errors.iter().map(|error| error.kind).collect();
        assert_eq!(kinds, [*kind], "{case}");
        if let Fault::Status(429, WaitHint::Seconds(60) | WaitHint::Date(60)) = fault {
            let Remedy::Retry(ms) = host.errors[0].remedy else { panic!("{case}") };
            assert!((59_000..=61_000).contains(&ms), "{case}: {ms}");
        }
        assert_outcome(&report, Outcome::Deleted);
        assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "{case}");
    }
}

#[tokio::test]
async fn a_call_waits_for_a_short_retry_after_of_a_429() {
    let mut fixture = Fixture::new().await;
    let fault = Fault::Status(429, WaitHint::Seconds(3));
    fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault)]);
    let before = fixture.now();
    pending(fixture.delete(&request_for(SAMPLE_PERSON), ERASE).await);
    assert_eq!(fixture.now() - before, 3);
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1);
}

/// A proxy responds with 503 after Qualtrics has accepted the request.
#[tokio::test]
async fn a_503_of_a_proxy_after_the_erasure_was_accepted_leads_to_no_second_erasure() {
    const ADA: &str = "ada@victim.example";
    // The list shows the job within the call, or only later.
    for (dialects, is_found_at_once) in [("", true), ("erasure-lag-20-s", false)] {
        let ada = Person::new("Ada", "Victim").email(ADA).responses(1);
        let brand = Brand::sample().person(&ada, &[SAMPLE_CUSTOMERS]);
        let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
        let mut fixture = Fixture::with_options(brand, options, &[]).await;
        let fault = Fault::ForeignAfterEffect(503, ForeignBody::Text);
        fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault)]);
        let mut host = Host::new(&mut fixture);
        let report = host.delete_report(&request_for(ADA), ERASE).await;
        assert_eq!(host.errors.is_empty(), is_found_at_once, "{dialects:?}: {:?}", host.errors);
        for error in &host.errors {
            assert_row(Row::OutcomeUnknown, error);
        }
        assert_outcome(&report, Outcome::Deleted);
        let erasures = fixture.simulator.erasures();
        let erasures: Vec<&str> =
            erasures.iter().filter(|job| job.emails == [ADA]).map(|job| job.id.as_str()).collect();
        assert_eq!(erasures.len(), 1, "{dialects:?}");
        assert_eq!(report.receipt.jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), erasures);
        assert!(fixture.simulator.holdings(ADA).is_empty());
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
