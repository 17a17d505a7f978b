//! Reconciliation: the connector finds the job of an earlier attempt in Qualtrics' list and resumes it.

use std::time::Duration;

use privacy_host::contract::{Attempts, DeletionMode, ErrorKind, Outcome, Remedy, Request};
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, JobEnd, Options, SAMPLE_PERSON, SAMPLE_STAFF_CONTACT,
    SAMPLE_TWO_ADDRESSES, SCOPES,
};
use simulated_clock::Clock;

use crate::fixture::{Fixture, assert_outcome, attempted_at, done, email, pending, request, request_for};
use crate::host::Host;

const ERASE: DeletionMode = DeletionMode::Erase;

/// A second OAuth client of the brand, which acts as another brand administrator.
pub const OTHER_CLIENT: (&str, &str) = ("other-client", "other-client-secret");
const OTHER_ADMINISTRATOR: &str = "UR_4dSecondAdmin004";

/// After this time, a job that is not listed was never started.
pub const SETTLED: Duration = Duration::from_secs(120);

/// The sample brand with a second client, and this many earlier erasures of the connection's own user.
pub fn brand(past_erasures: u32) -> Brand {
    let (id, secret) = OTHER_CLIENT;
    Brand::sample().client(id, secret, &SCOPES, OTHER_ADMINISTRATOR).past_erasures(past_erasures)
}

/// A request for these addresses.
pub fn request_of(id: &str, addresses: &[&str]) -> Request {
    request(id, addresses.iter().map(|address| email(address)).collect())
}

#[tokio::test]
async fn a_job_since_the_first_attempt_is_resumed() {
    for dialects in ["", "erasure-list-oldest-first", "erasure-lag-20-s", "email-list-lower-case,search-only-string"] {
        let mut fixture = Fixture::with_brand(brand(3), dialects).await;
        let request = request_for(SAMPLE_PERSON);
        let first_at = fixture.now();
        let lost = pending(fixture.delete(&request, ERASE).await);
        fixture.advance(Duration::from_secs(90));
        fixture.renew_instance().await;
        let resumed = pending(fixture.delete(&attempted_at(&request, first_at), ERASE).await);
        assert_eq!(resumed.group, lost.group, "{dialects}: the same job");
        assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "{dialects}");
    }
}

#[tokio::test]
async fn a_reconciled_job_keeps_its_submission_time() {
    let mut fixture = Fixture::new().await;
    let first_at = fixture.now();
    pending(fixture.delete(&request_for(SAMPLE_PERSON), ERASE).await);
    fixture.advance(Duration::from_secs(200));
    fixture.renew_instance().await;
    let resumed = pending(fixture.delete(&attempted_at(&request_for(SAMPLE_PERSON), first_at), ERASE).await);
    assert_eq!(resumed.submitted_at, Some(first_at));
}

#[tokio::test]
async fn a_job_before_the_first_attempt_is_not_resumed() {
    for dialects in ["", "erasure-list-oldest-first"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let first = fixture.delete_report(&request_for(SAMPLE_PERSON), ERASE).await;
        assert_outcome(&first, Outcome::Deleted);
        fixture.advance(Duration::from_secs(600));
        fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetBeforeEffect)]);
        let again = request_of("request-2", &[SAMPLE_PERSON]);
        let second = Host::new(&mut fixture).renewing_instances(true).delete_report(&again, ERASE).await;
        assert_outcome(&second, Outcome::NotFound);
        assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 2);
        assert_ne!(second.receipt.jobs[0].id, first.receipt.jobs[0].id);
    }
}

#[tokio::test]
async fn a_failed_job_before_the_first_attempt_is_not_resumed() {
    let mut fixture = Fixture::new().await;
    fixture.simulator.set_next_jobs(JobEnd::Fails);
    let request = request_for(SAMPLE_PERSON);
    assert_outcome(&fixture.delete_report(&request, ERASE).await, Outcome::Failed);
    fixture.simulator.set_next_jobs(JobEnd::Completes);
    fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetBeforeEffect)]);
    let report = Host::new(&mut fixture).delete_report(&request, ERASE).await;
    assert_outcome(&report, Outcome::Deleted);
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 2);
}

#[tokio::test]
async fn later_attempts_do_not_hide_the_job_of_the_first() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let first_at = fixture.now();
    let lost = pending(fixture.delete(&request, ERASE).await);
    fixture.advance(Duration::from_secs(900));
    let attempts = Some(Attempts { first_at, last_at: fixture.now() });
    let resumed = pending(fixture.delete(&Request { attempts, ..request }, ERASE).await);
    assert_eq!(resumed.group, lost.group);
}

#[tokio::test]
async fn a_wrong_host_clock_is_corrected_by_the_date_of_responses() {
    for hours in [-26_i64, -1, 1, 26] {
        for fault in [Fault::ResetAfterEffect, Fault::ResetBeforeEffect] {
            let mut fixture = Fixture::with_brand(brand(500), "").await;
            let clock = Clock::simulated(fixture.now().saturating_add_signed(hours * 3_600));
            fixture.renew_instance_with_clock(clock.clone()).await;
            fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone())]);
            let request = request_for(SAMPLE_PERSON);
            let attempted = attempted_at(&request, clock.since_epoch().as_secs());
            let mut result = fixture.delete(&request, ERASE).await;
            while let Err(error) = &result {
                assert_eq!(error.kind, ErrorKind::OutcomeUnknown);
                let Remedy::Retry(ms) = error.remedy else { panic!("{error:?}") };
                fixture.advance(Duration::from_millis(ms));
                clock.advance(Duration::from_millis(ms));
                fixture.renew_instance_with_clock(clock.clone()).await;
                result = fixture.delete(&attempted, ERASE).await;
            }
            pending(result);
            assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "{fault:?}, {hours} hours");
        }
    }
}

#[tokio::test]
async fn a_search_is_not_resumed_as_an_erasure_nor_an_erasure_as_a_search() {
    for (one, other) in [(DeletionMode::Preview, ERASE), (ERASE, DeletionMode::Preview)] {
        let mut fixture = Fixture::new().await;
        let request = request_for(SAMPLE_PERSON);
        let first_at = fixture.now();
        pending(fixture.delete(&request, one).await);
        fixture.advance(SETTLED);
        pending(fixture.delete(&attempted_at(&request, first_at), other).await);
        assert_eq!(fixture.simulator.erasures().iter().filter(|job| job.emails == [SAMPLE_PERSON]).count(), 2);
        assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "{other:?} after {one:?}");
    }
}

#[tokio::test]
async fn a_job_that_contains_more_addresses_than_the_request_is_resumed() {
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    let mut fixture = Fixture::new().await;
    let first_at = fixture.now();
    let other = pending(fixture.delete(&request_of("both", &[one, two]), ERASE).await);
    let request = attempted_at(&request_of("one", &[one]), first_at);
    let resumed = pending(fixture.delete(&request, ERASE).await);
    assert_eq!(resumed.group, other.group);
    let report = fixture.delete_report(&request, ERASE).await;
    assert_outcome(&report, Outcome::Deleted);
    assert_eq!(report.receipt.jobs[0].identifiers, Some(2));
    assert_eq!(fixture.erasures_of(one), 1);
}

#[tokio::test]
async fn spellings_and_order_of_addresses_do_not_matter() {
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    let mut fixture = Fixture::new().await;
    let first_at = fixture.now();
    pending(fixture.delete(&request_of("r", &[one, two]), ERASE).await);
    fixture.renew_instance().await;
    let again = request_of("r", &[&two.to_uppercase(), &format!(" {one} "), two]);
    pending(fixture.delete(&attempted_at(&again, first_at), ERASE).await);
    assert_eq!(fixture.erasures_of(one), 1);
}

#[tokio::test]
async fn a_completed_job_is_resumed_in_every_date_format() {
    for dialects in ["dates-fraction", "dates-epoch-ms", "dates-epoch-ms-text"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let request = request_for(SAMPLE_PERSON);
        let attempted = attempted_at(&request, fixture.now());
        fixture.advance(Duration::from_secs(60));
        pending(fixture.delete(&request, ERASE).await);
        fixture.advance(Duration::from_secs(400));
        pending(fixture.delete(&attempted, ERASE).await);
        assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "{dialects}");
    }
}

#[tokio::test]
async fn a_job_is_found_among_twenty_thousand() {
    for dialects in
        ["", "erasure-list-oldest-first", "erasure-list-oldest-first,erasure-lag-20-s", "erasure-cursor-skip-token"]
    {
        for fault in [Fault::ResetAfterEffect, Fault::ResetBeforeEffect] {
            let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
            let mut fixture = Fixture::with_options(brand(20_000), options, &[]).await;
            fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone())]);
            let mut host = Host::new(&mut fixture).renewing_instances(true);
            let report = host.delete_report(&request_for(SAMPLE_PERSON), ERASE).await;
            assert_outcome(&report, Outcome::Deleted);
            assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "{fault:?} in {dialects:?}");
            assert_eq!(fixture.simulator.ratelimited_count(), 0, "{fault:?} in {dialects:?}");
        }
    }
}

#[tokio::test]
async fn attempts_do_not_bypass_guards() {
    let mut fixture = Fixture::new().await;
    let request = attempted_at(&request_for(SAMPLE_STAFF_CONTACT), fixture.now());
    fixture.advance(SETTLED);
    assert_outcome(&done(fixture.delete(&request, ERASE).await), Outcome::Refused);
    assert_eq!(fixture.erasures_of(SAMPLE_STAFF_CONTACT), 0);
    assert!(!fixture.simulator.holdings(SAMPLE_STAFF_CONTACT).is_empty());
}
