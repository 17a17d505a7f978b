//! Many requests are polled with few calls.

use std::time::Duration;

use privacy_host::contract::{DeletionMode, Outcome, Progress};
use qualtrics_simulator::{Brand, Dialects, Endpoint, JobStatus, Options};

use crate::fixture::{Fixture, email, request};
use crate::tasks::{
    PollingHost, address, brand_with_customers, brand_with_respondents, now_ms, poll_all, start_all, still_open,
};

const ERASE: DeletionMode = DeletionMode::Erase;

#[tokio::test]
async fn five_hundred_erasures_are_polled_through_the_list_only() {
    for dialects in ["", "erasure-list-oldest-first", "erasure-list-oldest-first,erasure-cursor-skip-token"] {
        let dialects = Dialects::parse(dialects).expect("dialects");
        let options = Options { dialects, erasure_duration: Duration::from_secs(3_600), ..Options::default() };
        let mut fixture =
            Fixture::with_options(brand_with_customers(500), options, &[("account-guard", "own-account")]).await;
        let requests = (0..500).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
        let mut tasks = start_all(&mut fixture, requests, Some(ERASE)).await;
        let people = (0..20).map(|n| request(&format!("a-{n}"), vec![email(&format!("stranger-{n}@example.org"))]));
        tasks.extend(start_all(&mut fixture, people.collect(), None).await);
        fixture.renew_instance().await;
        fixture.advance(Duration::from_secs(3_600));
        fixture.simulator.clear_calls();
        let mut ended = Vec::new();
        let results = poll_all(&mut fixture, &tasks).await;
        assert!(fixture.calls_of(Endpoint::ErasureList) <= 7, "{}", fixture.calls_of(Endpoint::ErasureList));
        assert_eq!(fixture.calls_of(Endpoint::ErasureGet), 0);
        // One export is collected per poll; the others need not be looked up.
        assert!((1..=20).contains(&fixture.calls_of(Endpoint::ExportProgress)));
        let (mut left, mut wait) = still_open(tasks, results, &mut ended);
        assert!(ended.len() > 500, "all erasures and one export: {}", ended.len());
        while !left.is_empty() {
            fixture.advance(Duration::from_millis(wait));
            let results = poll_all(&mut fixture, &left).await;
            (left, wait) = still_open(left, results, &mut ended);
        }
        assert_eq!(ended.iter().filter(|outcome| **outcome == Outcome::Deleted).count(), 500);
        assert_eq!(ended.iter().filter(|outcome| **outcome == Outcome::NotFound).count(), 20);
        assert_eq!(fixture.simulator.ratelimited_count(), 0);
    }
}

#[tokio::test]
async fn two_thousand_erasures_are_seen_as_completed_within_ten_minutes() {
    const COUNT: usize = 2_000;
    for dialects in ["", "erasure-list-oldest-first", "erasure-cursor-skip-token"] {
        let options = Options {
            dialects: Dialects::parse(dialects).expect("dialects"),
            // All are still running when the last one starts: the share allows fifteen per minute.
            erasure_duration: Duration::from_secs(4 * 3_600),
            ..Options::default()
        };
        let brand = Brand::sample().past_erasures(20_000);
        let mut fixture = Fixture::with_options(brand, options, &[("account-guard", "off")]).await;
        let requests = (0..COUNT).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
        let tasks = start_all(&mut fixture, requests, Some(ERASE)).await;
        assert_eq!(fixture.simulator.erasures().iter().filter(|job| job.status == JobStatus::Pending).count(), COUNT);
        fixture.simulator.clear_calls();
        let mut host = PollingHost::new(&fixture, tasks, 15_000);
        let started_at = now_ms(&fixture);
        while now_ms(&fixture) < started_at + 30 * 60_000 {
            host.poll(&mut fixture).await;
        }
        assert!(host.ended.is_empty());
        fixture.advance(Duration::from_secs(4 * 3_600));
        let completed_at = now_ms(&fixture);
        while !host.open.is_empty() {
            host.poll(&mut fixture).await;
            assert!(now_ms(&fixture) < completed_at + 3_600_000, "{} were not seen within an hour", host.open.len());
        }
        let minutes = (now_ms(&fixture) - completed_at) as f64 / 60_000.0;
        let (list, get) = (fixture.calls_of(Endpoint::ErasureList), fixture.calls_of(Endpoint::ErasureGet));
        let (limited, polls) = (fixture.simulator.ratelimited_count(), host.polls);
        let busiest = busiest_minute(&fixture);
        println!(
            "{COUNT} erasures among 20,000 older ones, {}: {polls} polls, {list} list calls and {get} by ID, at most {busiest} per \
             minute, {limited} throttled; all were seen completed within {minutes:.1} simulated minutes",
            if dialects.is_empty() { "newest first" } else { dialects },
        );
        assert_eq!(host.ended.len(), COUNT);
        assert!(host.ended.iter().all(|outcome| *outcome == Outcome::NotFound));
        assert_eq!(limited, 0);
        assert!(minutes < 10.0, "{minutes}");
    }
}

/// The highest number of erasure look-ups within a minute.
fn busiest_minute(fixture: &Fixture) -> usize {
    let reads = fixture.simulator.calls().into_iter();
    let reads = reads.filter(|call| matches!(call.endpoint, Endpoint::ErasureList | Endpoint::ErasureGet));
    let at: Vec<Duration> = reads.map(|call| call.at).collect();
    let within =
        |first: &Duration| at.iter().filter(|at| (*first..*first + Duration::from_secs(60)).contains(*at)).count();
    at.iter().map(within).max().unwrap_or(0)
}

#[tokio::test]
async fn two_hundred_exports_polled_together_all_complete() {
    const COUNT: usize = 200;
    let mut fixture = Fixture::with_options(brand_with_respondents(COUNT), Options::default(), &[]).await;
    let requests = (0..COUNT).map(|n| request(&format!("a-{n}"), vec![email(&address(n))])).collect();
    let tasks = start_all(&mut fixture, requests, None).await;
    fixture.simulator.clear_calls();
    let mut host = PollingHost::new(&fixture, tasks, 0);
    fixture.advance(Duration::from_secs(180));
    let completed_at = now_ms(&fixture);
    while !host.open.is_empty() {
        host.poll(&mut fixture).await;
        assert!(now_ms(&fixture) < completed_at + 3_600_000, "{} are still open", host.open.len());
    }
    let minutes = (now_ms(&fixture) - completed_at) as f64 / 60_000.0;
    let (progress, files) = (fixture.calls_of(Endpoint::ExportProgress), fixture.calls_of(Endpoint::ExportFile));
    let (polls, limited) = (host.polls, fixture.simulator.ratelimited_count());
    println!(
        "{COUNT} exports polled together: {polls} polls, {progress} progress calls, {files} files, {limited} throttled; all \
         completed within {minutes:.1} simulated minutes"
    );
    assert!(host.ended.iter().all(|outcome| *outcome == Outcome::Found), "{:?}", host.ended);
    assert_eq!(host.ended.len(), COUNT);
    assert_eq!((files, limited), (COUNT, 0));
    // The share is 75 reads per minute, and each export needs two.
    assert!(minutes < 15.0, "{minutes}");
}

#[tokio::test]
async fn polling_ten_thousand_erasures_stays_within_the_rate_limit() {
    let settings = [("account-guard", "off"), ("rate-share", "100")];
    let mut fixture = Fixture::with_options(Brand::sample(), Options::default(), &settings).await;
    let requests = (0..10_000).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
    let tasks = start_all(&mut fixture, requests, Some(ERASE)).await;
    fixture.advance(Duration::from_secs(600));
    // The list begins with the newest job, has 100 per page, and may be read 20 times per minute. A poll reads at most 12 pages.
    for (count, pages) in [(100, 1), (1_000, 10), (10_000, 12)] {
        fixture.renew_instance().await;
        fixture.advance(Duration::from_secs(60));
        fixture.simulator.clear_calls();
        let results = poll_all(&mut fixture, &tasks[tasks.len() - count..]).await;
        assert_eq!(
            fixture.endpoints(),
            [&[Endpoint::Token][..], &vec![Endpoint::ErasureList; pages]].concat(),
            "{count} tasks"
        );
        let done = results.iter().filter(|result| matches!(result, Ok(Progress::Done(_)))).count();
        assert_eq!(done, pages * 100, "{count} tasks: all jobs on these pages");
    }
    let (mut left, mut ended, mut polls) = (tasks, Vec::new(), 0);
    fixture.simulator.clear_calls();
    while !left.is_empty() {
        fixture.advance(Duration::from_secs(60));
        let results = poll_all(&mut fixture, &left).await;
        (left, _) = still_open(left, results, &mut ended);
        polls += 1;
    }
    assert_eq!(ended, [Outcome::NotFound; 10_000]);
    let pages = fixture.calls_of(Endpoint::ErasureList);
    assert!(pages <= 100 + polls, "at most one page is read twice per poll: {pages} pages in {polls} polls");
    assert_eq!((fixture.calls_of(Endpoint::ErasureGet), fixture.simulator.ratelimited_count()), (0, 0));
}
