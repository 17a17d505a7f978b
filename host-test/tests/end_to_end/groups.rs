//! Deletions of several requests that share jobs.

use std::time::Duration;

use privacy_host::contract::{Amount, DeletionMode, ErrorKind, Finding, Outcome, Report, Request, Right};
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, ForeignBody, JobEnd, Options, Person, SAMPLE_CUSTOMERS, WaitHint,
};

use crate::fixture::{Fixture, email, finding, request};
use crate::group_host::{GroupHost, Retry};
use crate::tasks::{address, brand_with_customers};

const VERIFY: DeletionMode = DeletionMode::EraseAndVerify;
const ERASE: DeletionMode = DeletionMode::Erase;

fn customers(count: usize) -> Vec<Request> {
    (0..count).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect()
}

async fn fixture_with(count: usize, dialects: &str, settings: &[(&str, &str)]) -> Fixture {
    let options = Options {
        dialects: Dialects::parse(dialects).expect("dialects"),
        erasure_duration: Duration::from_secs(40),
        ..Options::default()
    };
    Fixture::with_options(brand_with_customers(count).past_erasures(120), options, settings).await
}

fn has_code(report: &Report, code: &str) -> bool {
    report.findings.iter().any(|finding| finding.code.as_deref() == Some(code))
}

/// How many erasure jobs, and how many searches, have started.
fn jobs(fixture: &Fixture) -> (usize, usize) {
    let jobs: Vec<bool> = fixture
        .simulator
        .erasures()
        .iter()
        .filter(|job| job.emails.iter().any(|email| email.starts_with("customer")))
        .map(|job| job.search_only)
        .collect();
    let searches = jobs.iter().filter(|is_search| **is_search).count();
    (jobs.len() - searches, searches)
}

#[tokio::test]
async fn a_group_is_erased_by_one_job_and_verified_by_one_search() {
    for (count, expected) in [(1, (1, 1)), (2, (1, 1)), (7, (1, 1)), (120, (2, 2))] {
        let mut fixture = fixture_with(count, "", &[]).await;
        let mut host = GroupHost::new(&mut fixture, VERIFY, Retry::Together, customers(count));
        host.run().await;
        for report in host.reports() {
            assert_eq!(report.outcome, Outcome::Verified, "{:?}", report.findings);
            let identifiers: Vec<Option<u32>> = report.receipt.jobs.iter().map(|job| job.identifiers).collect();
            assert!(identifiers.iter().all(|one| one.is_some_and(|one| one as usize <= count.min(100))));
        }
        assert_eq!(jobs(&fixture), expected);
        assert!((0..count).all(|n| fixture.simulator.holdings(&address(n)).is_empty()));
        assert_eq!(fixture.simulator.ratelimited_count(), 0);
    }
}

#[tokio::test]
async fn a_group_of_a_hundred_ends_as_fast_as_the_rate_of_contact_searches_allows() {
    // Five directories: 600 searches for 100 people, of which the share allows 375 a minute.
    let brand = (1..=4).fold(brand_with_customers(100), |brand, n| brand.directory(&format!("POOL_{n}"), "More"));
    let options = Options { erasure_duration: Duration::from_secs(40), ..Options::default() };
    let mut fixture = Fixture::with_options(brand, options, &[]).await;
    let started_at = fixture.now();
    let mut host = GroupHost::new(&mut fixture, VERIFY, Retry::Together, customers(100));
    host.run().await;
    assert!(host.reports().iter().all(|report| report.outcome == Outcome::Verified));
    let polls = host.polls;
    let searches = fixture.calls_of(Endpoint::ContactSearch);
    let seconds = fixture.now() - started_at;
    println!("100 people: {searches} contact searches in {polls} polls, {seconds} simulated seconds");
    assert_eq!(fixture.simulator.ratelimited_count(), 0);
    assert!(searches >= 500);
    assert!(seconds < 300, "{seconds} s");
    assert!(polls < 30, "{polls} polls");
}

#[tokio::test]
async fn a_search_that_is_larger_than_the_share_continues_with_the_next_polls() {
    let person = Person::new("Ada", "Everywhere").email("ada@many.example").phone("+49301234567");
    let brand = Brand::sample().many_directories(450);
    let brand = brand.person(&person, &["POOL_crowd00001", "POOL_crowd00450"]);
    let options = Options { erasure_duration: Duration::from_secs(40), ..Options::default() };
    let mut fixture = Fixture::with_options(brand, options, &[]).await;
    let requests = || vec![request("ada", vec![email("ada@many.example")])];
    let mut host = GroupHost::new(&mut fixture, DeletionMode::Preview, Retry::Together, requests());
    host.run().await;
    let report = host.reports()[0].clone();
    assert_eq!(report.outcome, Outcome::Previewed, "{:?}", report.findings);
    for directory in ["directory:POOL_crowd00001", "directory:POOL_crowd00450"] {
        assert_eq!(finding(&report, directory).amount, Amount::Count(1));
    }
    assert_eq!(report.discovered.len(), 1, "the telephone number of a contact that an earlier poll found");
    let mut host = GroupHost::new(&mut fixture, VERIFY, Retry::Together, requests());
    host.run().await;
    let report = host.reports()[0].clone();
    assert_eq!(report.outcome, Outcome::Verified);
    assert!(report.findings.iter().filter(|one| one.source.starts_with("directory:")).count() >= 450);
    assert_eq!(fixture.simulator.ratelimited_count(), 0);
}

#[tokio::test]
async fn erasures_share_a_job_only_with_an_explicit_group_size_of_which_check_warns() {
    for (settings, expected) in [(&[][..], 3), (&[("group-size", "100")], 1)] {
        let mut fixture = fixture_with(3, "", settings).await;
        let connection = fixture.check(&[Right::Deletion]).await.expect("a connection");
        let warns = connection.warnings.iter().any(|one| (&*one.code, &*one.target) == ("unproven", "group-size"));
        assert_eq!(warns, expected == 1);
        let mut host = GroupHost::new(&mut fixture, ERASE, Retry::Together, customers(3));
        host.run().await;
        for report in host.reports() {
            assert_eq!(report.outcome, Outcome::Deleted);
            let Finding { amount, code, .. } = finding(report, "personal-data");
            let itemised =
                if expected == 3 { (Amount::Present, None) } else { (Amount::Unknown, Some("not-itemised")) };
            assert_eq!((*amount, code.as_deref()), itemised);
        }
        assert_eq!(jobs(&fixture).0, expected);
    }
}

#[tokio::test]
async fn a_number_for_the_group_makes_each_request_search_alone() {
    let mut fixture = fixture_with(3, "emails-not-found-number", &[]).await;
    let mut host = GroupHost::new(&mut fixture, VERIFY, Retry::Together, customers(3));
    host.run().await;
    assert!(host.reports().iter().all(|report| report.outcome == Outcome::Verified));
    assert_eq!(jobs(&fixture), (1, 4));
}

#[tokio::test]
async fn what_a_job_of_several_addresses_leaves_is_reported_with_what_to_do() {
    let people = ["ada@first.example", "bob@second.example"];
    let brand = people.iter().fold(Brand::sample(), |brand, address| {
        brand.person(&Person::new("A", "Person").email(address).responses(1), &[SAMPLE_CUSTOMERS])
    });
    let dialects = Dialects::parse("addresses-done-first").expect("dialects");
    let options = Options { dialects, erasure_duration: Duration::from_secs(40), ..Options::default() };
    let mut fixture = Fixture::with_options(brand, options, &[("verify-window", "0")]).await;
    let requests: Vec<Request> = people.iter().map(|one| request(&one[..3], vec![email(one)])).collect();
    let mut host = GroupHost::new(&mut fixture, VERIFY, Retry::Together, requests.clone());
    host.run().await;
    let reports = host.reports();
    assert_eq!([reports[0].outcome, reports[1].outcome], [Outcome::Verified, Outcome::DataRemaining]);
    assert!(has_code(reports[1], "shared-job") && !has_code(reports[0], "shared-job"));
    // As the finding says: alone, and without attempts.
    let mut host = GroupHost::new(&mut fixture, VERIFY, Retry::Together, requests[1..].to_vec());
    host.run().await;
    assert_eq!(host.reports()[0].outcome, Outcome::Verified);
}

#[tokio::test]
async fn a_failed_job_is_reported_to_each_request_and_their_repetition_succeeds() {
    let mut fixture = fixture_with(2, "", &[]).await;
    fixture.simulator.set_next_jobs(JobEnd::Fails);
    let mut host = GroupHost::new(&mut fixture, VERIFY, Retry::Together, customers(2));
    host.run().await;
    assert!(host.reports().iter().all(|one| one.outcome == Outcome::Failed && has_code(one, "shared-job")));
    fixture.simulator.set_next_jobs(JobEnd::Completes);
    let mut host = GroupHost::new(&mut fixture, VERIFY, Retry::Alone, customers(2));
    host.run().await;
    assert!(host.reports().iter().all(|one| one.outcome == Outcome::Verified));
}

/// Faults after which it is unknown whether the job of a group was started: it was, or it was not.
fn losses() -> [(Fault, usize); 5] {
    [
        (Fault::ResetAfterEffect, 1),
        (Fault::ResetBeforeEffect, 0),
        (Fault::StatusAfterEffect(504, WaitHint::None), 1),
        (Fault::ForeignAfterEffect(503, ForeignBody::Text), 1),
        (Fault::EmptyBody, 1),
    ]
}

/// Runs a group whose first submission is lost, also to the search for it within the call.
async fn assert_erased_once(dialects: &str, count: usize, fault: &Fault, retry: Retry) -> usize {
    let case = format!("{count} requests, {fault:?}, {retry:?}, {dialects:?}");
    let mut fixture = fixture_with(count, dialects, &[("verify-window", "0")]).await;
    let hidden = Fault::Status(500, WaitHint::None);
    fixture.simulator.set_faults(vec![
        FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone()),
        FaultRule::nth(Endpoint::ErasureList, 1, hidden.clone()),
        FaultRule::nth(Endpoint::ErasureList, 2, hidden),
    ]);
    let mut host = GroupHost::new(&mut fixture, VERIFY, retry, customers(count));
    host.run().await;
    let undecided = host.requests.iter().filter(|one| matches!(one.result, Some(Err(_)))).count();
    for one in &host.requests {
        assert!(one.errors.contains(&ErrorKind::OutcomeUnknown), "{case}");
        match &one.result {
            Some(Ok(report)) => assert_eq!(report.outcome, Outcome::Verified, "{case}: {:?}", report.findings),
            Some(Err(error)) => assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{case}: {error:?}"),
            None => panic!("{case}"),
        }
    }
    for n in 0..count {
        assert!(fixture.erasures_of(&address(n)) <= 1, "{case}: {n}");
    }
    undecided
}

#[tokio::test]
async fn a_lost_group_is_found_by_every_retry_in_every_grouping() {
    for (fault, _) in losses() {
        for (count, retry) in [
            (1, Retry::Together),
            (2, Retry::Alone),
            (7, Retry::Together),
            (7, Retry::Alone),
            (7, Retry::Regrouped(3)),
            (100, Retry::Together),
            (100, Retry::Regrouped(37)),
        ] {
            assert_eq!(assert_erased_once("", count, &fault, retry).await, 0);
        }
    }
}

#[tokio::test]
async fn a_lost_group_is_found_in_every_form_of_the_list_that_shows_addresses() {
    for dialects in [
        "erasure-list-oldest-first",
        "erasure-list-oldest-first,erasure-cursor-skip-token,next-page-token",
        "erasure-lag-20-s,erasure-at-work-no-addresses",
        "email-list-lower-case,search-only-string,erasure-id-id,dates-epoch-ms",
    ] {
        for fault in [Fault::ResetAfterEffect, Fault::ResetBeforeEffect] {
            for retry in [Retry::Together, Retry::Alone, Retry::Regrouped(2)] {
                assert_eq!(assert_erased_once(dialects, 7, &fault, retry).await, 0);
            }
        }
    }
}

#[tokio::test]
async fn a_group_whose_list_hides_addresses_is_never_erased_twice() {
    for dialects in [
        "email-list-masked",
        "email-list-letters",
        "email-list-hashed",
        "email-list-objects",
        "email-list-first",
        "email-list-first,erasure-list-oldest-first",
        "erasure-at-work-sparse,email-list-masked",
    ] {
        for retry in [Retry::Together, Retry::Alone, Retry::Regrouped(3)] {
            let undecided = assert_erased_once(dialects, 7, &Fault::ResetAfterEffect, retry).await;
            // The first address of a list that is cut off is found.
            assert!(undecided >= 6, "{dialects}: {undecided}");
        }
    }
}
