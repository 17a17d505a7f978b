//! Opt-out requests: every contact of the person is marked, and nothing else of it changes.

use std::time::Duration;

use privacy_host::contract::{ErrorKind, Identifier, Outcome, Progress, Request, Right, Stage, VendorJob};
use qualtrics_simulator::{
    Brand, Contact, Dialects, Endpoint, Fault, FaultRule, Options, SAMPLE_CUSTOMERS, SAMPLE_PARTNERS, SAMPLE_PERSON,
    SAMPLE_SHARED_PHONE, SAMPLE_TWO_ADDRESSES, SAMPLE_WRITER_CLIENT_ID, SAMPLE_WRITER_CLIENT_SECRET, Simulator,
    WaitHint,
};

use crate::fixture::{Fixture, assert_outcome, email, finding, pending, request, request_for};

/// The settings of a client that may update contacts.
pub const WRITER: [(&str, &str); 2] =
    [("client-id", SAMPLE_WRITER_CLIENT_ID), ("client-secret", SAMPLE_WRITER_CLIENT_SECRET)];

async fn fixture(brand: Brand, dialects: &str) -> Fixture {
    let dialects = Dialects::parse(dialects).expect("dialects");
    Fixture::with_options(brand, Options { dialects, ..Options::default() }, &WRITER).await
}

/// Every contact of the brand, without what an opt-out changes.
pub fn contacts_without_marks(simulator: &Simulator) -> Vec<String> {
    let without_mark = |contact: &Contact| {
        let is_persons = contact.email.as_deref() == Some(SAMPLE_PERSON);
        let contact = contact.clone();
        let contact = if is_persons { Contact { opted_out: None, modified: 0, ..contact } } else { contact };
        format!("{contact:?}")
    };
    simulator.with_brand(|brand| {
        brand.directories.iter().flat_map(|directory| &directory.contacts).map(without_mark).collect()
    })
}

fn directories(jobs: &[VendorJob]) -> Vec<&str> {
    assert!(jobs.iter().all(|job| job.operation == "opt-out" && job.identifiers == Some(1)), "{jobs:?}");
    jobs.iter().map(|job| job.id.as_str()).collect()
}

#[tokio::test]
async fn every_contact_is_opted_out_and_nothing_else_changes() {
    for dialects in ["", "put-replaces", "put-replaces,contact-nulls-absent", "contact-dates-iso,dates-epoch-ms"] {
        let mut fixture = fixture(Brand::sample(), dialects).await;
        let before = contacts_without_marks(&fixture.simulator);
        let report = fixture.opt_out_report(&request_for(SAMPLE_PERSON)).await;
        assert_outcome(&report, Outcome::OptedOut);
        assert_eq!(report.right, Right::OptOut);
        assert_eq!(directories(&report.receipt.jobs), [SAMPLE_CUSTOMERS, SAMPLE_PARTNERS]);
        assert_eq!(fixture.simulator.holdings(SAMPLE_PERSON).opted_out, 2, "{dialects}");
        assert_eq!(contacts_without_marks(&fixture.simulator), before, "{dialects}");
    }
}

#[tokio::test]
async fn a_repeated_opt_out_has_the_same_outcome_and_updates_nothing() {
    let mut fixture = fixture(Brand::sample(), "").await;
    fixture.opt_out_report(&request_for(SAMPLE_PERSON)).await;
    fixture.simulator.clear_calls();
    fixture.renew_instance_as(SAMPLE_WRITER_CLIENT_ID, SAMPLE_WRITER_CLIENT_SECRET).await;
    let report = fixture.opt_out_report(&request_for(SAMPLE_PERSON)).await;
    assert_outcome(&report, Outcome::OptedOut);
    assert_eq!(fixture.calls_of(Endpoint::ContactUpdate), 0);
}

#[tokio::test]
async fn a_contact_that_shows_its_update_later_is_read_back_by_any_instance() {
    let mut fixture = fixture(Brand::sample(), "contact-lag-20-s").await;
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.opt_out(&request).await);
    assert_eq!(started.stage, Stage::Verifying);
    fixture.renew_instance_as(SAMPLE_WRITER_CLIENT_ID, SAMPLE_WRITER_CLIENT_SECRET).await;
    fixture.advance(Duration::from_millis(started.poll_after_ms));
    let later = fixture.poll(&request, &started.ticket).await;
    let report = fixture.follow(&request, later).await.expect("a report");
    assert_outcome(&report, Outcome::OptedOut);
    assert_eq!(fixture.calls_of(Endpoint::ContactUpdate), 2);
}

#[tokio::test]
async fn an_update_without_effect_is_never_reported_as_an_opt_out() {
    let mut fixture = fixture(Brand::sample(), "opt-out-ignored").await;
    let report = fixture.opt_out_report(&request_for(SAMPLE_PERSON)).await;
    assert_outcome(&report, Outcome::Partial);
    assert!(report.findings.iter().any(|finding| finding.code.as_deref() == Some("not-applied")));
    assert!(report.receipt.jobs.is_empty());
}

#[tokio::test]
async fn a_fault_between_two_directories_is_reported_with_what_was_reached() {
    for (fault, code) in
        [(Fault::Status(403, WaitHint::None), "not-permitted"), (Fault::Status(400, WaitHint::None), "update-rejected")]
    {
        let mut fixture = fixture(Brand::sample(), "").await;
        let before = contacts_without_marks(&fixture.simulator);
        fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ContactUpdate, 2, fault)]);
        let report = fixture.opt_out_report(&request_for(SAMPLE_PERSON)).await;
        assert_outcome(&report, Outcome::Partial);
        assert_eq!(report.receipt.jobs.len(), 1, "one directory was reached");
        assert!(report.findings.iter().any(|finding| finding.code.as_deref() == Some(code)));
        assert_eq!(fixture.simulator.holdings(SAMPLE_PERSON).opted_out, 1);
        assert_eq!(contacts_without_marks(&fixture.simulator), before);
    }
}

#[tokio::test]
async fn a_lost_response_to_an_update_is_read_back() {
    let mut fixture = fixture(Brand::sample(), "").await;
    fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ContactUpdate, 1, Fault::ResetAfterEffect)]);
    let report = fixture.opt_out_report(&request_for(SAMPLE_PERSON)).await;
    assert_outcome(&report, Outcome::OptedOut);
    assert_eq!(fixture.calls_of(Endpoint::ContactUpdate), 2, "one for each contact");
}

#[tokio::test]
async fn a_contact_found_by_a_telephone_number_alone_is_left_as_it_is_if_it_has_another_address() {
    let mut fixture = fixture(Brand::sample(), "").await;
    let by_phone = Identifier::Phone(SAMPLE_SHARED_PHONE.to_owned());
    let request = request("request-1", vec![email(SAMPLE_TWO_ADDRESSES[0]), by_phone]);
    let report = fixture.opt_out_report(&request).await;
    assert_outcome(&report, Outcome::Partial);
    let left = report.findings.iter().find(|one| one.code.as_deref() == Some("shared-telephone")).expect("a finding");
    assert_eq!(left.identifiers, [1]);
    let opted_out = SAMPLE_TWO_ADDRESSES.map(|address| fixture.simulator.holdings(address).opted_out);
    assert_eq!(opted_out, [2, 0]);
}

#[tokio::test]
async fn a_directory_that_cannot_be_searched_makes_an_opt_out_partial() {
    let brand = Brand::sample().lite_directory("POOL_lite", "Lite");
    let mut fixture = fixture(brand, "").await;
    let report = fixture.opt_out_report(&request_for(SAMPLE_PERSON)).await;
    assert_outcome(&report, Outcome::Partial);
    assert_eq!(finding(&report, "directory:POOL_lite").code.as_deref(), Some("not-searchable"));
    assert_eq!(fixture.simulator.holdings(SAMPLE_PERSON).opted_out, 2);
}

#[tokio::test]
async fn only_opt_outs_require_the_permission_to_update_contacts() {
    // The client of the default settings lacks it.
    let mut fixture = Fixture::new().await;
    fixture.check(&[Right::Access, Right::Deletion]).await.expect("a connection");
    assert_eq!(fixture.calls_of(Endpoint::ContactUpdate), 0);
    let error = fixture.check(&[Right::OptOut]).await.expect_err("a missing scope");
    let problems: Vec<(&str, &[Right])> =
        error.problems.iter().map(|problem| (problem.target.as_str(), problem.affects.as_slice())).collect();
    assert_eq!(problems, [("manage:directory_contacts", &[Right::OptOut][..])]);
    let error = fixture.opt_out(&request_for(SAMPLE_PERSON)).await.expect_err("a missing scope");
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(matches!(fixture.access(&request_for(SAMPLE_PERSON)).await, Ok(Progress::Pending(_))));
}

#[tokio::test]
async fn the_check_of_opt_outs_changes_nothing_and_says_what_it_does_not_prove() {
    for (dialects, is_proved) in [("", true), ("not-found-400", false)] {
        let mut fixture = fixture(Brand::sample(), dialects).await;
        let before = fixture.simulator.with_brand(|brand| format!("{:?}", brand.directories));
        let connection = fixture.check(&[Right::OptOut]).await.expect("a connection");
        let scope = "manage:directory_contacts";
        assert_eq!(connection.granted.iter().any(|granted| granted == scope), is_proved, "{dialects}");
        let is_unproven = connection.warnings.iter().any(|one| one.code == "unproven" && one.target == scope);
        assert_eq!(is_unproven, !is_proved, "{dialects}");
        assert_eq!(fixture.simulator.with_brand(|brand| format!("{:?}", brand.directories)), before);
    }
}

#[tokio::test]
async fn several_opt_outs_in_one_call_are_returned_in_order() {
    let mut fixture = fixture(Brand::sample(), "").await;
    let other = Request { id: "request-2".to_owned(), ..request_for(SAMPLE_TWO_ADDRESSES[0]) };
    let nobody = Request { id: "request-3".to_owned(), ..request_for("nobody.here@example.org") };
    let requests = [request_for(SAMPLE_PERSON), other, nobody];
    let results = fixture.instance.opt_out(&requests).await.expect("a result");
    let outcomes = results.into_iter().map(|result| match result {
        Ok(Progress::Done(report)) => report.outcome,
        other => panic!("not done: {other:?}"),
    });
    assert_eq!(outcomes.collect::<Vec<_>>(), [Outcome::OptedOut, Outcome::OptedOut, Outcome::NotFound]);
}
