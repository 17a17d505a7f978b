//! Reconciliation: when the list of erasures proves that no earlier attempt started a job, and when an operator must decide.

use std::time::Duration;

use privacy_host::contract::{Attempts, DeletionMode, Error, ErrorKind, Outcome, Remedy, Request};
use qualtrics_simulator::{
    Endpoint, Fault, FaultRule, JobEnd, Options, SAMPLE_PERSON, SAMPLE_STRANGER, SAMPLE_TWO_ADDRESSES,
};

use crate::fixture::{Fixture, assert_outcome, attempted_at, pending, request_for};
use crate::host::Host;
use crate::reconciliation::{OTHER_CLIENT, SETTLED, brand, request_of};

const ERASE: DeletionMode = DeletionMode::Erase;

/// Starts an erasure with the other OAuth client.
async fn erase_as_other(fixture: &mut Fixture, addresses: &[&str]) {
    fixture.renew_instance_as(OTHER_CLIENT.0, OTHER_CLIENT.1).await;
    pending(fixture.delete(&request_of("of-other", addresses), ERASE).await);
    fixture.renew_instance().await;
}

/// Starts an erasure for another request with the connection's own OAuth client.
async fn erase(fixture: &mut Fixture, addresses: &[&str]) {
    pending(fixture.delete(&request_of("of-own", addresses), ERASE).await);
    fixture.renew_instance().await;
}

/// Asserts that an error is `outcome-unknown` with this remedy.
#[track_caller]
fn assert_unknown(error: &Error, remedy: fn(&Remedy) -> bool) {
    assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{error:?}");
    assert!(remedy(&error.remedy), "{error:?}");
}

fn is_retry(remedy: &Remedy) -> bool {
    matches!(remedy, Remedy::Retry(1_000..))
}

fn is_operator(remedy: &Remedy) -> bool {
    *remedy == Remedy::Operator
}

/// Repeats a deletion after each requested delay. Returns the seconds until an operator is needed, and the error.
async fn until_operator(fixture: &mut Fixture, request: &Request) -> (u64, Error) {
    let started_at = fixture.now();
    loop {
        let error = fixture.delete(request, ERASE).await.expect_err("an inconclusive list");
        assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{error:?}");
        match error.remedy {
            Remedy::Retry(ms) => fixture.advance(Duration::from_millis(ms)),
            Remedy::Operator => return (fixture.now() - started_at, error),
            _ => panic!("{error:?}"),
        }
        assert!(fixture.now() - started_at < 24 * 3_600, "no operator within a day");
    }
}

#[tokio::test]
async fn absence_is_proved_if_the_list_shows_a_job_older_than_the_window() {
    let mut fixture = Fixture::with_brand(brand(1), "").await;
    let request = attempted_at(&request_for(SAMPLE_PERSON), fixture.now());
    fixture.advance(Duration::from_secs(48 * 3_600));
    pending(fixture.delete(&request, ERASE).await);
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn a_list_that_does_not_reach_back_far_enough_needs_an_operator() {
    for (past_erasures, dialects, days) in [(0, "", 0), (3, "erasure-retention-30-days", 31)] {
        let mut fixture = Fixture::with_brand(brand(past_erasures), dialects).await;
        let request = attempted_at(&request_for(SAMPLE_PERSON), fixture.now());
        fixture.advance(Duration::from_secs(days * 24 * 3_600 + 3_700));
        assert_unknown(&fixture.delete(&request, ERASE).await.expect_err("no proof"), is_operator);
        assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 0, "{dialects}");
    }
}

#[tokio::test]
async fn a_job_that_hides_some_of_its_addresses_is_inconclusive() {
    for dialects in ["email-list-first", "email-list-masked", "email-list-hashed", "erasure-at-work-no-addresses"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        fixture.simulator.set_next_jobs(JobEnd::NeverEnds);
        let request = attempted_at(&request_for(SAMPLE_PERSON), fixture.now());
        erase(&mut fixture, &SAMPLE_TWO_ADDRESSES).await;
        fixture.advance(2 * SETTLED);
        assert_unknown(&fixture.delete(&request, ERASE).await.expect_err("no proof"), is_retry);
        assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 0, "{dialects}");
    }
}

#[tokio::test]
async fn a_job_of_another_user_is_ruled_out_if_the_list_shows_the_connections_own_user() {
    for (past_erasures, is_ruled_out) in [(3, true), (0, false)] {
        let mut fixture = Fixture::with_brand(brand(past_erasures), "email-list-masked").await;
        fixture.simulator.set_next_jobs(JobEnd::NeverEnds);
        let request = attempted_at(&request_for(SAMPLE_PERSON), fixture.now());
        erase_as_other(&mut fixture, &[SAMPLE_STRANGER]).await;
        fixture.advance(SETTLED);
        let result = fixture.delete(&request, ERASE).await;
        if is_ruled_out {
            pending(result);
        } else {
            assert_unknown(&result.expect_err("no proof"), is_retry);
        }
        assert_eq!(fixture.erasures_of(SAMPLE_PERSON), usize::from(is_ruled_out));
    }
}

#[tokio::test]
async fn the_error_names_the_page_to_check_and_how_to_start_anyway() {
    let mut fixture = Fixture::with_brand(brand(0), "erasure-at-work-sparse").await;
    fixture.simulator.set_next_jobs(JobEnd::NeverEnds);
    fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetAfterEffect)]);
    let request = request_for(SAMPLE_PERSON);
    let attempted = attempted_at(&request, fixture.now());
    assert_unknown(&fixture.delete(&request, ERASE).await.expect_err("a lost response"), is_retry);
    let (_, error) = until_operator(&mut fixture, &attempted).await;
    assert!(error.message.contains("Data Privacy"), "{}", error.message);
    assert!(error.message.contains("without attempts"), "{}", error.message);
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1);
    pending(fixture.delete(&request, ERASE).await);
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 2, "the operator started it anyway");
}

#[tokio::test]
async fn a_list_that_the_rate_limit_cuts_short_is_retried_and_never_needs_an_operator() {
    let settings = [("rate-share", "5")];
    let mut fixture = Fixture::with_options(brand(500), Options::default(), &settings).await;
    let request = attempted_at(&request_for(SAMPLE_PERSON), fixture.now() - 80 * 3_600);
    for _ in 0..120 {
        let error = fixture.delete(&request, ERASE).await.expect_err("an incomplete list");
        assert_unknown(&error, is_retry);
        let Remedy::Retry(ms) = error.remedy else { unreachable!("a retry") };
        fixture.advance(Duration::from_millis(ms));
    }
    assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 0);
}

/// A host cannot know whether a call with the error `outcome-unknown` sent a request, so it counts each such call as an attempt.
#[tokio::test]
async fn a_host_that_counts_every_call_as_an_attempt_gets_a_final_result() {
    // The host crashed, and repeats the call 10 seconds later.
    let mut fixture = Fixture::new().await;
    let request = attempted_at(&request_for(SAMPLE_PERSON), fixture.now());
    fixture.advance(Duration::from_secs(10));
    let report = Host::new(&mut fixture).delete_report(&request, ERASE).await;
    assert_outcome(&report, Outcome::Deleted);
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1);
    // A job that never shows its addresses needs an operator within a few hours.
    let mut fixture = Fixture::with_dialects("erasure-at-work-no-addresses").await;
    fixture.simulator.set_next_jobs(JobEnd::NeverEnds);
    let first_at = fixture.now();
    let mut request = attempted_at(&request_for(SAMPLE_PERSON), first_at);
    erase(&mut fixture, &[SAMPLE_STRANGER]).await;
    loop {
        let last_at = fixture.now();
        let error = fixture.delete(&request, ERASE).await.expect_err("an inconclusive list");
        request.attempts = Some(Attempts { first_at, last_at });
        match error.remedy {
            Remedy::Retry(ms) => fixture.advance(Duration::from_millis(ms)),
            remedy => break assert_eq!(remedy, Remedy::Operator),
        }
        assert!(fixture.now() - first_at < 4 * 3_600, "no operator within four hours");
    }
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 0);
}
