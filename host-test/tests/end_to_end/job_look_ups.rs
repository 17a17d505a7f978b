//! Look-ups of erasure jobs, by ID and in Qualtrics' list.

use std::time::Duration;

use privacy_host::contract::{DeletionMode, ErrorKind, Outcome, Progress, Remedy, Stage, Task};
use qualtrics_simulator::{Brand, Dialects, Endpoint, Fault, FaultRule, JobEnd, Options, SAMPLE_PERSON, WaitHint};
use simulated_clock::Clock;

use crate::fixture::{Fixture, assert_outcome, done, email, pending, request, request_for};
use crate::tasks::{address, brand_with_customers, now_ms, poll_all, start_all, still_open};

const ERASE: DeletionMode = DeletionMode::Erase;
const VERIFY: DeletionMode = DeletionMode::EraseAndVerify;

#[tokio::test]
async fn one_failed_look_up_does_not_affect_other_erasures() {
    let mut fixture = Fixture::with_options(brand_with_customers(3), Options::default(), &[]).await;
    let requests = (0..3).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
    let tasks = start_all(&mut fixture, requests, Some(ERASE)).await;
    fixture.advance(Duration::from_secs(600));
    // The fourth call is the second attempt of the first one.
    let fails = |n| FaultRule::nth(Endpoint::ErasureGet, n, Fault::ResetBeforeEffect);
    fixture.simulator.set_faults(vec![fails(1), fails(4)]);
    let results = poll_all(&mut fixture, &tasks).await;
    let (ended, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((ended.len(), failed.len()), (2, 1));
    for result in ended {
        assert_outcome(&done(result), Outcome::Deleted);
    }
}

#[tokio::test]
async fn a_few_erasures_are_looked_up_by_id() {
    let mut fixture = Fixture::new().await;
    let requests = (0..3).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
    let tasks = start_all(&mut fixture, requests, Some(ERASE)).await;
    fixture.advance(Duration::from_secs(400));
    fixture.simulator.clear_calls();
    for result in poll_all(&mut fixture, &tasks).await {
        assert_outcome(&done(result), Outcome::NotFound);
    }
    assert_eq!((fixture.calls_of(Endpoint::ErasureGet), fixture.calls_of(Endpoint::ErasureList)), (3, 0));
}

#[tokio::test]
async fn jobs_that_the_list_no_longer_shows_are_looked_up_by_id() {
    let mut fixture = Fixture::with_dialects("erasure-retention-30-days").await;
    let requests = (0..8).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
    let mut left = start_all(&mut fixture, requests, Some(ERASE)).await;
    fixture.advance(Duration::from_secs(45 * 24 * 3_600));
    let mut ended = Vec::new();
    for _ in 0..8 {
        let results = poll_all(&mut fixture, &left).await;
        let wait;
        (left, wait) = still_open(left, results, &mut ended);
        if left.is_empty() {
            break;
        }
        fixture.advance(Duration::from_millis(wait));
    }
    assert_eq!(ended, [Outcome::NotFound; 8]);
    assert_eq!(fixture.simulator.ratelimited_count(), 0);
}

/// Why the list of erasures cannot be read to its end.
#[derive(Clone, Copy, Debug)]
enum Unreadable {
    /// The first page points to itself.
    Endless,
    /// The second page is an error.
    SecondPage,
    /// Every page is an error.
    AllPages,
}

impl Unreadable {
    fn set(self, fixture: &Fixture) {
        let error = |n| FaultRule::nth(Endpoint::ErasureList, n, Fault::Status(500, WaitHint::None));
        fixture.simulator.set_faults(match self {
            Self::Endless => vec![FaultRule::every(Endpoint::ErasureList, Fault::RepeatedCursor)],
            // The third call is the second attempt.
            Self::SecondPage => vec![error(2), error(3)],
            Self::AllPages => vec![FaultRule::every(Endpoint::ErasureList, Fault::Status(500, WaitHint::None))],
        });
    }
}

/// Twenty erasures that are not on the first page of the list, in either order. Eight of them are completed, twelve never end.
async fn twenty_behind_the_first_page(dialects: &str, share: &str) -> (Fixture, Vec<Task>) {
    let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
    let settings = [("account-guard", "off"), ("rate-share", share)];
    let mut fixture = Fixture::with_options(Brand::sample().past_erasures(120), options, &settings).await;
    let requests = |numbers: std::ops::Range<usize>| {
        numbers.map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect::<Vec<_>>()
    };
    fixture.simulator.set_next_jobs(JobEnd::NeverEnds);
    let mut tasks = start_all(&mut fixture, requests(0..12), Some(ERASE)).await;
    fixture.simulator.set_next_jobs(JobEnd::Completes);
    tasks.extend(start_all(&mut fixture, requests(12..20), Some(ERASE)).await);
    start_all(&mut fixture, requests(20..140), Some(ERASE)).await;
    fixture.advance(Duration::from_secs(600));
    fixture.renew_instance().await;
    fixture.simulator.clear_calls();
    (fixture, tasks)
}

#[tokio::test]
async fn erasures_in_an_unreadable_list_are_looked_up_by_id_in_turns() {
    for dialects in ["", "erasure-list-oldest-first", "early-erasure-500,erasure-cursor-skip-token"] {
        for unreadable in [Unreadable::Endless, Unreadable::SecondPage, Unreadable::AllPages] {
            let (mut fixture, mut left) = twenty_behind_the_first_page(dialects, "75").await;
            let (mut ended, mut polls) = (Vec::new(), 0);
            while ended.len() < 8 {
                unreadable.set(&fixture);
                let results = poll_all(&mut fixture, &left).await;
                (left, _) = still_open(left, results, &mut ended);
                polls += 1;
                assert!(polls < 60, "{dialects}, {unreadable:?}: only {} were seen within an hour", ended.len());
                // The host polls every minute, with a new instance.
                fixture.renew_instance().await;
                fixture.advance(Duration::from_secs(60));
            }
            assert_eq!((ended, left.len()), (vec![Outcome::NotFound; 8], 12), "{dialects}, {unreadable:?}");
            let gets = fixture.calls_of(Endpoint::ErasureGet);
            // A look-up that fails is repeated once.
            assert!(gets <= polls * 6, "{dialects}, {unreadable:?}: {gets} in {polls} polls");
            assert_eq!(fixture.simulator.ratelimited_count(), 0);
        }
    }
}

#[tokio::test]
async fn look_ups_by_id_stay_within_the_rate_share() {
    const PER_MINUTE: usize = 4;
    let (mut fixture, mut left) = twenty_behind_the_first_page("", "20").await;
    Unreadable::Endless.set(&fixture);
    let (mut ended, mut wait) = (Vec::new(), 0);
    let started_at = now_ms(&fixture);
    while ended.len() < 8 {
        fixture.advance(Duration::from_millis(wait));
        let results = poll_all(&mut fixture, &left).await;
        (left, wait) = still_open(left, results, &mut ended);
        let minutes = usize::try_from((now_ms(&fixture) - started_at) / 60_000).expect("a few");
        for endpoint in [Endpoint::ErasureList, Endpoint::ErasureGet] {
            let calls = fixture.calls_of(endpoint);
            assert!(calls <= PER_MINUTE * (minutes + 2), "{calls} calls of {endpoint:?} in {minutes} minutes");
        }
        assert!(minutes < 18, "only {} were seen in {minutes} minutes", ended.len());
    }
    assert_eq!((ended, left.len()), (vec![Outcome::NotFound; 8], 12));
}

#[tokio::test]
async fn an_error_status_for_a_running_job_keeps_the_request_pending() {
    for dialects in ["404", "400", "409", "500", "200"] {
        let mut fixture = Fixture::with_dialects(&format!("early-erasure-{dialects}")).await;
        let request = request_for(SAMPLE_PERSON);
        let started = pending(fixture.delete(&request, VERIFY).await);
        let waiting = pending(fixture.poll(&request, &started.ticket).await);
        assert_eq!((waiting.stage, waiting.vendor_status.as_deref()), (Stage::Deleting, Some("Pending")));
        let report = fixture.follow(&request, Ok(Progress::Pending(waiting))).await.expect("a report");
        assert_outcome(&report, Outcome::Verified);
    }
}

#[tokio::test]
async fn a_vanished_job_is_reported_after_a_grace_period() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.delete(&request, ERASE).await);
    fixture.simulator.forget_jobs();
    fixture.advance(Duration::from_secs(30));
    let waiting = pending(fixture.poll(&request, &started.ticket).await);
    fixture.advance(Duration::from_millis(waiting.poll_after_ms));
    let error = fixture.poll(&request, &waiting.ticket).await.expect_err("a vanished job");
    assert_eq!((error.kind, error.remedy), (ErrorKind::JobNotFound, Remedy::Operator));
    fixture.advance(Duration::from_secs(24 * 3_600));
    let error = fixture.poll(&request, &started.ticket).await.expect_err("a vanished job");
    assert_eq!(error.kind, ErrorKind::JobNotFound);
    assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 1, "poll starts no deletion");
}

#[tokio::test]
async fn a_lagging_list_loses_no_job() {
    for dialects in ["erasure-lag-20-s", "erasure-lag-20-s,erasure-list-oldest-first,early-erasure-500"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let requests = (0..5).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
        let tasks = start_all(&mut fixture, requests, Some(ERASE)).await;
        let results = poll_all(&mut fixture, &tasks).await;
        let (tasks, wait) = still_open(tasks, results, &mut Vec::new());
        assert_eq!(tasks.len(), 5);
        fixture.advance(Duration::from_millis(wait));
        for result in poll_all(&mut fixture, &tasks).await {
            assert_eq!(pending(result).vendor_status.as_deref(), Some("Pending"));
        }
    }
}

#[tokio::test]
async fn polling_works_with_a_wrong_host_clock() {
    for hours in [-26_i64, -1, 1, 26] {
        for dialects in ["", "erasure-list-oldest-first"] {
            let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
            let mut fixture = Fixture::with_options(Brand::sample().past_erasures(700), options, &[]).await;
            let clock = Clock::simulated(fixture.now().saturating_add_signed(hours * 3_600));
            fixture.renew_instance_with_clock(clock.clone()).await;
            let requests = (0..5).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
            let tasks = start_all(&mut fixture, requests, Some(ERASE)).await;
            // 150 jobs of others follow.
            fixture.simulator.set_rate_limits(false);
            for n in 0..150 {
                let other = request(&format!("other-{n}"), vec![email(&format!("other-{n}@example.org"))]);
                if n % 10 == 0 {
                    fixture.advance(Duration::from_secs(60));
                    fixture.renew_instance().await;
                }
                pending(fixture.delete(&other, ERASE).await);
            }
            clock.advance(Duration::from_secs(900));
            fixture.renew_instance_with_clock(clock).await;
            for result in poll_all(&mut fixture, &tasks).await {
                let Ok(progress) = result else { panic!("{hours} hours: {result:?}") };
                assert!(matches!(progress, Progress::Done(_)), "{hours} hours: {progress:?}");
            }
        }
    }
}
