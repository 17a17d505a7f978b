//! Random groups: what they report, compared with the same requests one by one, and with what the brand holds.

use std::collections::BTreeSet;
use std::time::Duration;

use privacy_host::contract::{Amount, DeletionMode, Outcome, Report, Request};
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Erasure, Fault, FaultRule, ForeignBody, Holdings, JobStatus, Options, Person,
    SAMPLE_CUSTOMERS, SAMPLE_PERSON, WaitHint,
};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::fixture::{Fixture, assert_no_leak, email, request};
use crate::group_host::{GroupHost, Retry};

/// How many random groups are tested.
const GROUPS: u64 = 60;

/// How many addresses the requests choose from. Every third has no data.
const ADDRESSES: usize = 9;

fn address(n: usize) -> String {
    format!("member-{n}@people{n}.example")
}

/// A group, and the conditions under which it runs.
#[derive(Debug)]
struct Group {
    /// The addresses of each request.
    requests: Vec<Vec<String>>,
    dialects: Dialects,
    seed: u64,
    mode: DeletionMode,
    retry: Retry,
    group_size: &'static str,
    fault: Option<Fault>,
}

impl Group {
    fn random(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let count = *[1, 2, 3, 7].choose(&mut random).expect("a count");
        let requests = (0..count).map(|_| addresses(&mut random)).collect();
        let modes = [DeletionMode::Preview, DeletionMode::Erase, DeletionMode::EraseAndVerify];
        let faults = [
            None,
            None,
            Some(Fault::ResetAfterEffect),
            Some(Fault::ResetBeforeEffect),
            Some(Fault::StatusAfterEffect(503, WaitHint::None)),
            Some(Fault::ForeignAfterEffect(200, ForeignBody::Html)),
            Some(Fault::Status(413, WaitHint::None)),
            Some(Fault::Status(400, WaitHint::None)),
            Some(Fault::Status(429, WaitHint::Seconds(30))),
        ];
        Self {
            requests,
            dialects: if seed.is_multiple_of(3) { Dialects::default() } else { Dialects::random(seed) },
            seed,
            mode: *modes.choose(&mut random).expect("a mode"),
            retry: *[Retry::Together, Retry::Alone, Retry::Regrouped(2)].choose(&mut random).expect("a retry"),
            group_size: ["2", "4", "100"].choose(&mut random).expect("a size"),
            fault: faults.choose(&mut random).expect("a fault").clone(),
        }
    }

    async fn fixture(&self) -> Fixture {
        let brand = (0..ADDRESSES).fold(Brand::sample(), |brand, n| match n % 3 {
            0 => brand,
            responses => {
                let person = Person::new("M", "Member").email(&address(n)).responses(responses as u32 - 1);
                brand.person(&person, &[SAMPLE_CUSTOMERS])
            }
        });
        let options = Options {
            dialects: self.dialects.clone(),
            erasure_duration: Duration::from_secs(40),
            rate_limits: false,
            seed: self.seed,
            ..Options::default()
        };
        Fixture::with_options(brand, options, &[("group-size", self.group_size), ("verify-window", "0")]).await
    }

    fn to_requests(&self) -> Vec<Request> {
        let subject = |emails: &Vec<String>| emails.iter().map(|one| email(one)).collect();
        self.requests.iter().enumerate().map(|(n, emails)| request(&format!("r-{n}"), subject(emails))).collect()
    }
}

/// One to three addresses, some of which have capitals.
fn addresses(random: &mut SmallRng) -> Vec<String> {
    let count = random.random_range(1..=3);
    let chosen: BTreeSet<usize> = (0..count).map(|_| random.random_range(0..ADDRESSES)).collect();
    let spelled = |n: usize| if random.random_bool(0.2) { address(n).replacen('m', "M", 1) } else { address(n) };
    chosen.into_iter().map(spelled).collect()
}

/// What a report claims to be proved.
fn claims_that_nothing_is_there(report: &Report) -> bool {
    matches!(report.outcome, Outcome::Verified | Outcome::NotFound)
}

fn covers(job: &Erasure, address: &str) -> bool {
    job.emails.iter().any(|email| email.eq_ignore_ascii_case(address))
}

async fn check(group: &Group) {
    let case = format!("{group:?} in {}", group.dialects);
    let mut fixture = group.fixture().await;
    let strangers = strangers(&fixture);
    let initial: Vec<Holdings> = (0..ADDRESSES).map(|n| fixture.simulator.holdings(&address(n))).collect();
    if let Some(fault) = &group.fault {
        fixture.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone())]);
    }
    let mut host = GroupHost::new(&mut fixture, group.mode, group.retry, group.to_requests());
    host.run().await;
    let results: Vec<Option<Report>> =
        host.requests.iter().map(|one| one.result.as_ref().and_then(|result| result.as_ref().ok()).cloned()).collect();
    let alone = one_by_one(group).await;
    for (n, report) in results.iter().enumerate() {
        let Some(report) = report else { continue };
        let case = format!("request {n} with {:?} of {case}: {:?}", report.outcome, report.findings);
        check_report(&fixture, group, n, report, alone[n].as_ref(), &case);
        let is_itemised =
            report.findings.iter().filter(|one| one.source == "personal-data" && one.amount == Amount::Count(0));
        for index in is_itemised.flat_map(|one| &one.identifiers) {
            let known = &group.requests[n][*index as usize];
            let was_there = (0..ADDRESSES).any(|n| address(n).eq_ignore_ascii_case(known) && !initial[n].is_empty());
            // Data that is shared with another request may be gone by then.
            let is_exclusive =
                group.requests.iter().flatten().filter(|one| one.eq_ignore_ascii_case(known)).count() == 1;
            let is_erased = group.mode != DeletionMode::Preview;
            assert!(!was_there || !is_exclusive || is_erased && report.receipt.jobs.len() > 1, "{known} of {case}");
        }
    }
    check_jobs(&fixture, group, &case);
    assert_eq!(self::strangers(&fixture), strangers, "{case}");
}

/// What the brand holds of people whom no request names.
fn strangers(fixture: &Fixture) -> [Holdings; 2] {
    [SAMPLE_PERSON, "linus.staff@example.com"].map(|address| fixture.simulator.holdings(address))
}

/// The reports of the same requests in calls of their own, one after the other and without faults.
async fn one_by_one(group: &Group) -> Vec<Option<Report>> {
    let mut reports = Vec::new();
    for one in group.to_requests() {
        // A brand of its own, because an earlier request may have erased a shared address.
        let mut fixture = group.fixture().await;
        let mut host = GroupHost::new(&mut fixture, group.mode, Retry::Alone, vec![one]);
        host.run().await;
        reports.push(host.requests.remove(0).result.and_then(Result::ok));
    }
    reports
}

fn check_report(fixture: &Fixture, group: &Group, n: usize, report: &Report, alone: Option<&Report>, case: &str) {
    let own = &group.requests[n];
    let is_alone_as_certain = alone.is_some_and(claims_that_nothing_is_there);
    let remains = own.iter().any(|one| !fixture.simulator.holdings(one).is_empty());
    let is_preview = group.mode == DeletionMode::Preview;
    if claims_that_nothing_is_there(report) {
        assert!(!remains || is_alone_as_certain, "something remains: {case}");
        assert!(!is_preview || is_alone_as_certain, "alone: {:?}, {case}", alone.map(|one| one.outcome));
    }
    // A remainder that the request would find alone is found in a group, too.
    if remains
        && group.mode == DeletionMode::EraseAndVerify
        && alone.is_some_and(|one| one.outcome == Outcome::DataRemaining)
    {
        let is_reported = matches!(report.outcome, Outcome::DataRemaining | Outcome::Failed | Outcome::Partial);
        assert!(is_reported, "{case}");
    }
    let loggable = format!("{:?} {:?}", report.findings, report.receipt);
    let others: Vec<String> = (0..ADDRESSES).map(address).collect();
    assert_no_leak(&loggable, &others.iter().map(String::as_str).collect::<Vec<_>>());
    // The findings are those of the last job.
    let shares = fixture.simulator.erasures().into_iter().any(|job| {
        let is_reported = report.receipt.jobs.last().is_some_and(|one| one.id.eq_ignore_ascii_case(&job.id));
        is_reported && job.emails.iter().any(|email| !own.iter().any(|known| known.eq_ignore_ascii_case(email)))
    });
    if shares {
        let present = report.findings.iter().any(|one| one.source == "personal-data" && one.amount == Amount::Present);
        assert!(!present, "the presence of something that may be another's: {case}");
        let counts = report.findings.iter().any(|one| one.code.as_deref() == Some("vendor-count"));
        assert!(!counts, "the count of something that may be another's: {case}");
    }
}

/// An address of one request is erased by one job, unless the first one failed.
fn check_jobs(fixture: &Fixture, group: &Group, case: &str) {
    let is_of_group = |job: &Erasure| !job.search_only && (0..ADDRESSES).any(|n| covers(job, &address(n)));
    let erasures: Vec<Erasure> = fixture.simulator.erasures().into_iter().filter(is_of_group).collect();
    assert!(group.mode != DeletionMode::Preview || erasures.is_empty(), "{case}");
    for n in 0..ADDRESSES {
        let requests = group.requests.iter().flatten().filter(|one| one.eq_ignore_ascii_case(&address(n))).count();
        let jobs = erasures.iter().filter(|job| covers(job, &address(n)) && job.status != JobStatus::Failed).count();
        assert!(jobs <= requests, "{jobs} jobs for {} of {requests} requests: {case}", address(n));
        if group.fault.is_none() || group.retry == Retry::Together && group.fault == Some(Fault::ResetAfterEffect) {
            assert!(jobs <= 1, "{jobs} jobs for {}: {case}", address(n));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_group_never_claims_more_than_its_requests_one_by_one() {
    for seed in 1..=GROUPS {
        check(&Group::random(seed)).await;
    }
}
