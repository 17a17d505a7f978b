//! Many requests, few calls; the same answer however often and wherever it is asked for.

use std::time::Duration;

use host_test::clock::Clock;
use host_test::host::contract::{
    DeletionMode, Error, ErrorKind, Outcome, Pending, Progress, Remedy, Request, Stage, Task,
};
use host_test::simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, JobEnd, JobStatus, Options, Person, SAMPLE_CUSTOMERS, SAMPLE_PERSON,
    SAMPLE_STRANGER, WaitHint,
};

use crate::host::{LONG, in_time};
use crate::remedies::{Row, assert_is_of};
use crate::world::{World, about, done, email, expect, pending, request};

const ERASE: DeletionMode = DeletionMode::Erase;
const VERIFY: DeletionMode = DeletionMode::EraseAndVerify;

async fn world_that_speaks(dialects: &str) -> World {
    let dialects = Dialects::parse(dialects).expect("dialects");
    World::of(Brand::sample(), Options { dialects, ..Options::default() }, &[]).await
}

fn address(n: usize) -> String {
    format!("customer-{n:04}@example.org")
}

/// A brand with so many customers more.
fn brand_of(customers: usize) -> Brand {
    (0..customers).fold(Brand::sample(), |brand, n| {
        brand.person(&Person::new("Cora", "Customer").email(&address(n)), &[SAMPLE_CUSTOMERS])
    })
}

/// A brand with so many respondents more.
fn brand_of_respondents(count: usize) -> Brand {
    (0..count).fold(Brand::sample(), |brand, n| {
        brand.person(&Person::new("Rita", "Respondent").email(&address(n)).responses(1), &[SAMPLE_CUSTOMERS])
    })
}

/// Begins requests, as fast as the limits allow: their tasks.
async fn begun(world: &mut World, requests: Vec<Request>, mode: Option<DeletionMode>) -> Vec<Task> {
    let mut tasks = Vec::new();
    for request in requests {
        let ticket = loop {
            let answer = match mode {
                Some(mode) => world.delete(&request, mode).await,
                None => world.access(&request).await,
            };
            match answer {
                Ok(Progress::Pending(pending)) => break pending.ticket,
                Err(Error { kind: ErrorKind::RateLimited, remedy: Remedy::Retry(ms), .. }) => {
                    world.advance(Duration::from_millis(ms));
                }
                other => panic!("begun, not {other:?}"),
            }
        };
        tasks.push(Task { request, ticket });
    }
    tasks
}

async fn poll_all(world: &mut World, tasks: &[Task]) -> Vec<Result<Progress, Error>> {
    world.instance.poll(tasks).await.expect("an answer")
}

/// What is still under way of the tasks, and the earliest instant at which they may be asked for again.
fn open(tasks: Vec<Task>, answers: Vec<Result<Progress, Error>>, ended: &mut Vec<Outcome>) -> (Vec<Task>, u64) {
    let mut wait = u64::MAX;
    let mut left = Vec::new();
    for (task, answer) in tasks.into_iter().zip(answers) {
        match answer {
            Ok(Progress::Done(report)) => ended.push(report.outcome),
            Ok(Progress::Pending(Pending { ticket, poll_after_ms, .. })) => {
                wait = wait.min(poll_after_ms);
                left.push(Task { ticket, ..task });
            }
            Err(Error { remedy: Remedy::Retry(ms), .. }) => {
                wait = wait.min(ms);
                left.push(task);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    (left, wait)
}

#[tokio::test]
async fn five_hundred_erasures_are_followed_by_the_list_alone() {
    for dialects in ["", "erasure-list-oldest-first", "erasure-list-oldest-first,erasure-cursor-skip-token"] {
        let dialects = Dialects::parse(dialects).expect("dialects");
        let options = Options { dialects, erasure_duration: Duration::from_secs(3_600), ..Options::default() };
        let mut world = World::of(brand_of(500), options, &[("account-guard", "own-account")]).await;
        let requests = (0..500).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
        let mut tasks = begun(&mut world, requests, Some(ERASE)).await;
        let people = (0..20).map(|n| request(&format!("a-{n}"), vec![email(&format!("stranger-{n}@example.org"))]));
        tasks.extend(begun(&mut world, people.collect(), None).await);
        world.change_instance().await;
        world.advance(Duration::from_secs(3_600));
        world.simulator.clear_calls();
        let mut ended = Vec::new();
        let answers = poll_all(&mut world, &tasks).await;
        assert!(world.calls_of(Endpoint::ErasureList) <= 7, "{}", world.calls_of(Endpoint::ErasureList));
        assert_eq!(world.calls_of(Endpoint::ErasureGet), 0);
        // One of them is gathered; until it is, there is no need to know of all the others.
        assert!((1..=20).contains(&world.calls_of(Endpoint::ExportProgress)));
        let (mut left, mut wait) = open(tasks, answers, &mut ended);
        assert!(ended.len() > 500, "all erasures, and an export: {}", ended.len());
        while !left.is_empty() {
            world.advance(Duration::from_millis(wait));
            let answers = poll_all(&mut world, &left).await;
            (left, wait) = open(left, answers, &mut ended);
        }
        assert_eq!(ended.iter().filter(|outcome| **outcome == Outcome::Erased).count(), 500);
        assert_eq!(ended.iter().filter(|outcome| **outcome == Outcome::NothingFound).count(), 20);
        assert_eq!(world.simulator.ratelimited_count(), 0);
    }
}

/// Requests that are followed by a host that asks for each when it was told to, and not before.
struct Followed {
    /// With the instant at which each may be asked for, in made milliseconds.
    open: Vec<(u64, Task)>,
    ended: Vec<Outcome>,
    /// How long a request waits for others to join, in milliseconds.
    gather_ms: u64,
    /// How many calls of `poll` it took.
    polls: usize,
}

impl Followed {
    fn new(world: &World, tasks: Vec<Task>, gather_ms: u64) -> Self {
        let now = now_ms(world);
        let open = tasks.into_iter().map(|task| (now, task)).collect();
        Self { open, ended: Vec::new(), gather_ms, polls: 0 }
    }

    /// One `poll` for all that may be asked for, once the first of them has waited for others.
    async fn poll(&mut self, world: &mut World) {
        let first = self.open.iter().map(|(due, _)| *due).min().expect("something is open");
        world.advance(Duration::from_millis((first + self.gather_ms).saturating_sub(now_ms(world))));
        let now = now_ms(world);
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.open).into_iter().partition(|(due, _)| *due <= now);
        self.open = later;
        let tasks: Vec<Task> = due.into_iter().map(|(_, task)| task).collect();
        let answers = poll_all(world, &tasks).await;
        self.polls += 1;
        let now = now_ms(world);
        for (task, answer) in tasks.into_iter().zip(answers) {
            match answer {
                Ok(Progress::Done(report)) => self.ended.push(report.outcome),
                Ok(Progress::Pending(Pending { ticket, poll_after_ms, .. })) => {
                    self.open.push((now + poll_after_ms, Task { ticket, ..task }));
                }
                Err(Error { remedy: Remedy::Retry(ms), .. }) => self.open.push((now + ms, task)),
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

fn now_ms(world: &World) -> u64 {
    u64::try_from(world.clock().since_epoch().as_millis()).expect("within the calendar")
}

#[tokio::test]
async fn two_thousand_erasures_at_work_are_all_seen_by_and_by() {
    const COUNT: usize = 2_000;
    for dialects in ["", "erasure-list-oldest-first", "erasure-cursor-skip-token"] {
        let options = Options {
            dialects: Dialects::parse(dialects).expect("dialects"),
            // All are still at work when the last is begun: fifteen a minute is what the share allows.
            erasure_duration: Duration::from_secs(4 * 3_600),
            ..Options::default()
        };
        let brand = Brand::sample().past_erasures(20_000);
        let mut world = World::of(brand, options, &[("account-guard", "off")]).await;
        let requests = (0..COUNT).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
        let tasks = begun(&mut world, requests, Some(ERASE)).await;
        assert_eq!(world.simulator.erasures().iter().filter(|job| job.status == JobStatus::Pending).count(), COUNT);
        world.simulator.clear_calls();
        let mut followed = Followed::new(&world, tasks, 15_000);
        let began = now_ms(&world);
        while now_ms(&world) < began + 30 * 60_000 {
            followed.poll(&mut world).await;
        }
        assert!(followed.ended.is_empty());
        world.advance(Duration::from_secs(4 * 3_600));
        let over = now_ms(&world);
        while !followed.open.is_empty() {
            followed.poll(&mut world).await;
            assert!(now_ms(&world) < over + 3_600_000, "{} were not seen within an hour", followed.open.len());
        }
        let minutes = (now_ms(&world) - over) as f64 / 60_000.0;
        let (list, get) = (world.calls_of(Endpoint::ErasureList), world.calls_of(Endpoint::ErasureGet));
        let (limited, polls) = (world.simulator.ratelimited_count(), followed.polls);
        let busiest = busiest_minute(&world);
        println!(
            "{COUNT} erasures among 20,000 older ones, {}: {polls} polls, {list} looks at the list and {get} by id, at most \
             {busiest} in a minute, {limited} answered 429; all were seen to be over within {minutes:.1} made minutes",
            if dialects.is_empty() { "newest first" } else { dialects },
        );
        assert_eq!(followed.ended.len(), COUNT);
        assert!(followed.ended.iter().all(|outcome| *outcome == Outcome::NothingFound));
        assert_eq!(limited, 0);
        assert!(minutes < 10.0, "{minutes}");
    }
}

/// The most reads of erasures within one minute.
fn busiest_minute(world: &World) -> usize {
    let reads = world.simulator.calls().into_iter();
    let reads = reads.filter(|call| matches!(call.endpoint, Endpoint::ErasureList | Endpoint::ErasureGet));
    let at: Vec<Duration> = reads.map(|call| call.at).collect();
    let within =
        |first: &Duration| at.iter().filter(|at| (*first..*first + Duration::from_secs(60)).contains(*at)).count();
    at.iter().map(within).max().unwrap_or(0)
}

#[tokio::test]
async fn two_hundred_exports_that_are_asked_for_together_are_all_answered_in_full() {
    const COUNT: usize = 200;
    let mut world = World::of(brand_of_respondents(COUNT), Options::default(), &[]).await;
    let requests = (0..COUNT).map(|n| request(&format!("a-{n}"), vec![email(&address(n))])).collect();
    let tasks = begun(&mut world, requests, None).await;
    world.simulator.clear_calls();
    let mut followed = Followed::new(&world, tasks, 0);
    world.advance(Duration::from_secs(180));
    let over = now_ms(&world);
    while !followed.open.is_empty() {
        followed.poll(&mut world).await;
        assert!(now_ms(&world) < over + 3_600_000, "{} are still open", followed.open.len());
    }
    let minutes = (now_ms(&world) - over) as f64 / 60_000.0;
    let (progress, files) = (world.calls_of(Endpoint::ExportProgress), world.calls_of(Endpoint::ExportFile));
    let (polls, limited) = (followed.polls, world.simulator.ratelimited_count());
    println!(
        "{COUNT} exports asked for together: {polls} polls, {progress} calls for their progress, {files} files, {limited} \
         answered 429; all were answered within {minutes:.1} made minutes"
    );
    assert!(followed.ended.iter().all(|outcome| *outcome == Outcome::Found), "{:?}", followed.ended);
    assert_eq!(followed.ended.len(), COUNT);
    assert_eq!((files, limited), (COUNT, 0));
    // Seventy-five reads a minute is the share; each needs two, and what is looked at beside it.
    assert!(minutes < 15.0, "{minutes}");
}

/// So many exports under way, and an instance that has not signed in.
async fn exports_under_way(count: usize) -> (World, Vec<Task>) {
    let mut world = World::of(brand_of_respondents(count), Options::default(), &[]).await;
    let requests = (0..count).map(|n| request(&format!("a-{n}"), vec![email(&address(n))])).collect();
    let tasks = begun(&mut world, requests, None).await;
    world.change_instance().await;
    world.simulator.clear_calls();
    (world, tasks)
}

#[tokio::test]
async fn a_sign_in_that_fails_is_tried_as_often_for_many_as_for_one() {
    let mut calls = Vec::new();
    for count in [1, 20] {
        let (mut world, tasks) = exports_under_way(count).await;
        world.simulator.set_faults(vec![FaultRule::every(Endpoint::Token, Fault::Status(503, WaitHint::None))]);
        for answer in poll_all(&mut world, &tasks).await {
            assert_eq!(answer.expect_err("no sign-in").kind, ErrorKind::Unavailable);
        }
        calls.push(world.calls_of(Endpoint::Token));
    }
    assert_eq!(calls[0], calls[1]);
}

/// An answer of `poll` to a task that it had neither time nor room for.
#[track_caller]
fn assert_unchanged(answer: Result<Progress, Error>, task: &Task) {
    let waiting = pending(answer);
    assert_eq!((waiting.ticket.as_str(), waiting.poll_after_ms), (task.ticket.as_str(), 1_000));
}

/// Polls until all have come to their end: how many came to which.
async fn ends_of(world: &mut World, tasks: Vec<Task>) -> Vec<Outcome> {
    let mut followed = Followed::new(world, tasks, 0);
    while !followed.open.is_empty() {
        followed.poll(world).await;
        assert!(followed.polls < 200, "{} are still open", followed.open.len());
    }
    followed.ended
}

#[tokio::test]
async fn tasks_that_a_poll_has_no_time_for_stay_as_they_are_and_end_with_later_ones() {
    let (mut world, mut tasks) = exports_under_way(12).await;
    let erasures = (0..5).map(|n| request(&format!("r-{n}"), vec![email(&format!("stranger-{n}@example.org"))]));
    tasks.extend(begun(&mut world, erasures.collect(), Some(ERASE)).await);
    world.advance(Duration::from_secs(400));
    world.simulator.clear_calls();
    // One export is asked for, then four at once: that is all the time of a call.
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportProgress, Fault::SilenceBeforeEffect)]);
    let World { simulator, instance, .. } = &mut world;
    let answers = in_time(simulator, LONG, instance.poll(&tasks)).await.expect("an answer");
    for (place, (answer, task)) in answers.into_iter().zip(&tasks).enumerate() {
        match place {
            0..5 => assert_is_of(Row::Passing, &answer.expect_err("silence")),
            _ => assert_unchanged(answer, task),
        }
    }
    let calls: Vec<Endpoint> = world.simulator.calls().into_iter().map(|call| call.endpoint).collect();
    assert_eq!(calls.iter().filter(|endpoint| **endpoint == Endpoint::ExportProgress).count(), 5);
    assert!(!calls.contains(&Endpoint::ErasureGet) && !calls.contains(&Endpoint::ErasureList), "{calls:?}");
    world.simulator.set_faults(Vec::new());
    let ended = ends_of(&mut world, tasks).await;
    assert_eq!(ended.iter().filter(|outcome| **outcome == Outcome::Found).count(), 12);
    assert_eq!(ended.iter().filter(|outcome| **outcome == Outcome::NothingFound).count(), 5);
}

#[tokio::test]
async fn a_poll_that_is_late_asks_for_no_more_and_leaves_the_others_as_they_are() {
    let (mut world, tasks) = exports_under_way(6).await;
    let began = now_ms(&world);
    world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ExportProgress, 1, Fault::Drip(SLOWLY))]);
    let mut answers = poll_all(&mut world, &tasks).await;
    let took = now_ms(&world) - began;
    assert!((40_000..60_000).contains(&took), "two thirds of a minute, and no more than one: {took} ms");
    let first = pending(answers.remove(0));
    assert!(first.vendor_status.is_some(), "it was answered");
    for (answer, task) in answers.into_iter().zip(&tasks[1..]) {
        assert_unchanged(answer, task);
    }
    assert_eq!(world.calls_of(Endpoint::ExportProgress), 1);
    assert_eq!(ends_of(&mut world, tasks).await, [Outcome::Found; 6]);
}

/// The pace of an answer of about 150 bytes, one by one, that takes most of the time of a call.
const SLOWLY: Duration = Duration::from_millis(320);

#[tokio::test]
async fn when_one_export_is_asked_for_too_soon_the_others_wait_as_long() {
    let (mut world, tasks) = exports_under_way(20).await;
    let busy = Fault::Status(429, WaitHint::Seconds(60));
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportProgress, busy)]);
    let mut answers = poll_all(&mut world, &tasks).await;
    let limited = answers.remove(0).expect_err("too many calls");
    assert_eq!((limited.kind, limited.remedy), (ErrorKind::RateLimited, Remedy::Retry(60_000)));
    for answer in answers {
        assert_eq!(pending(answer).poll_after_ms, 60_000);
    }
    assert_eq!(world.calls_of(Endpoint::ExportProgress), 1);
}

#[tokio::test]
async fn one_erasure_that_cannot_be_looked_up_does_not_keep_the_others_from_their_end() {
    let mut world = World::of(brand_of(3), Options::default(), &[]).await;
    let requests = (0..3).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
    let tasks = begun(&mut world, requests, Some(ERASE)).await;
    world.advance(Duration::from_secs(600));
    // The fourth call is the second try of the one that failed.
    let fails = |n| FaultRule::nth(Endpoint::ErasureGet, n, Fault::ResetBeforeEffect);
    world.simulator.set_faults(vec![fails(1), fails(4)]);
    let answers = poll_all(&mut world, &tasks).await;
    let (ended, failed): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((ended.len(), failed.len()), (2, 1));
    for answer in ended {
        expect(&done(answer), Outcome::Erased);
    }
}

#[tokio::test]
async fn a_poll_of_ten_thousand_erasures_costs_pages_of_the_list_within_the_limit() {
    let settings = [("account-guard", "off"), ("rate-share", "100")];
    let mut world = World::of(Brand::sample(), Options::default(), &settings).await;
    let requests = (0..10_000).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
    let tasks = begun(&mut world, requests, Some(ERASE)).await;
    world.advance(Duration::from_secs(600));
    // The list has the newest first, 100 on a page, and may be asked 20 times a minute; a poll asks 12 times at most.
    for (count, pages) in [(100, 1), (1_000, 10), (10_000, 12)] {
        world.change_instance().await;
        world.advance(Duration::from_secs(60));
        world.simulator.clear_calls();
        let answers = poll_all(&mut world, &tasks[tasks.len() - count..]).await;
        let calls: Vec<_> = world.simulator.calls().into_iter().map(|call| call.endpoint).collect();
        assert_eq!(calls, [&[Endpoint::Token][..], &vec![Endpoint::ErasureList; pages]].concat(), "{count} tasks");
        let done = answers.iter().filter(|answer| matches!(answer, Ok(Progress::Done(_)))).count();
        assert_eq!(done, pages * 100, "{count} tasks: all that the pages show");
    }
    let (mut left, mut ended, mut polls) = (tasks, Vec::new(), 0);
    world.simulator.clear_calls();
    while !left.is_empty() {
        world.advance(Duration::from_secs(60));
        let answers = poll_all(&mut world, &left).await;
        (left, _) = open(left, answers, &mut ended);
        polls += 1;
    }
    assert_eq!(ended, [Outcome::NothingFound; 10_000]);
    let pages = world.calls_of(Endpoint::ErasureList);
    assert!(pages <= 100 + polls, "a page more than once only where a poll goes on: {pages} pages in {polls} polls");
    assert_eq!((world.calls_of(Endpoint::ErasureGet), world.simulator.ratelimited_count()), (0, 0));
}

#[tokio::test]
async fn a_few_erasures_are_asked_for_by_their_ids() {
    let mut world = World::new().await;
    let requests = (0..3).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
    let tasks = begun(&mut world, requests, Some(ERASE)).await;
    world.advance(Duration::from_secs(400));
    world.simulator.clear_calls();
    for answer in poll_all(&mut world, &tasks).await {
        expect(&done(answer), Outcome::NothingFound);
    }
    assert_eq!((world.calls_of(Endpoint::ErasureGet), world.calls_of(Endpoint::ErasureList)), (3, 0));
}

#[tokio::test]
async fn jobs_that_the_list_has_dropped_are_still_known_by_their_ids() {
    let mut world = world_that_speaks("erasure-retention-30-days").await;
    let requests = (0..8).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
    let mut left = begun(&mut world, requests, Some(ERASE)).await;
    world.advance(Duration::from_secs(45 * 24 * 3_600));
    let mut ended = Vec::new();
    for _ in 0..8 {
        let answers = poll_all(&mut world, &left).await;
        let wait;
        (left, wait) = open(left, answers, &mut ended);
        if left.is_empty() {
            break;
        }
        world.advance(Duration::from_millis(wait));
    }
    assert_eq!(ended, [Outcome::NothingFound; 8]);
    assert_eq!(world.simulator.ratelimited_count(), 0);
}

/// How a list of erasures is kept from being read to its end.
#[derive(Clone, Copy, Debug)]
enum Unreadable {
    /// The first page points to itself.
    Turning,
    /// The second page is an error.
    Second,
    /// Every page is.
    All,
}

impl Unreadable {
    fn set(self, world: &World) {
        let error = |n| FaultRule::nth(Endpoint::ErasureList, n, Fault::Status(500, WaitHint::None));
        world.simulator.set_faults(match self {
            Self::Turning => vec![FaultRule::every(Endpoint::ErasureList, Fault::RepeatedCursor)],
            // The third call is the second try.
            Self::Second => vec![error(2), error(3)],
            Self::All => vec![FaultRule::every(Endpoint::ErasureList, Fault::Status(500, WaitHint::None))],
        });
    }
}

/// Twenty erasures behind the first page of the list, whichever end it begins with. Eight of them are over; twelve never
/// end.
async fn twenty_behind_the_first_page(dialects: &str, share: &str) -> (World, Vec<Task>) {
    let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
    let settings = [("account-guard", "off"), ("rate-share", share)];
    let mut world = World::of(Brand::sample().past_erasures(120), options, &settings).await;
    let requests = |numbers: std::ops::Range<usize>| {
        numbers.map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect::<Vec<_>>()
    };
    world.simulator.set_next_jobs(JobEnd::NeverEnds);
    let mut tasks = begun(&mut world, requests(0..12), Some(ERASE)).await;
    world.simulator.set_next_jobs(JobEnd::Completes);
    tasks.extend(begun(&mut world, requests(12..20), Some(ERASE)).await);
    begun(&mut world, requests(20..140), Some(ERASE)).await;
    world.advance(Duration::from_secs(600));
    world.change_instance().await;
    world.simulator.clear_calls();
    (world, tasks)
}

#[tokio::test]
async fn erasures_that_the_list_cannot_show_are_all_seen_by_their_ids_by_and_by() {
    for dialects in ["", "erasure-list-oldest-first", "early-erasure-500,erasure-cursor-skip-token"] {
        for unreadable in [Unreadable::Turning, Unreadable::Second, Unreadable::All] {
            let (mut world, mut left) = twenty_behind_the_first_page(dialects, "75").await;
            let (mut ended, mut polls) = (Vec::new(), 0);
            while ended.len() < 8 {
                unreadable.set(&world);
                let answers = poll_all(&mut world, &left).await;
                (left, _) = open(left, answers, &mut ended);
                polls += 1;
                assert!(polls < 60, "{dialects}, {unreadable:?}: only {} were seen in an hour", ended.len());
                // What an instance knows dies with it; the host asks every minute.
                world.change_instance().await;
                world.advance(Duration::from_secs(60));
            }
            assert_eq!((ended, left.len()), (vec![Outcome::NothingFound; 8], 12), "{dialects}, {unreadable:?}");
            let gets = world.calls_of(Endpoint::ErasureGet);
            // An error is asked for a second time.
            assert!(gets <= polls * 6, "{dialects}, {unreadable:?}: {gets} in {polls} polls");
            assert_eq!(world.simulator.ratelimited_count(), 0);
        }
    }
}

#[tokio::test]
async fn what_the_list_cannot_show_is_asked_for_within_the_share() {
    const A_MINUTE: usize = 4;
    let (mut world, mut left) = twenty_behind_the_first_page("", "20").await;
    Unreadable::Turning.set(&world);
    let (mut ended, mut wait) = (Vec::new(), 0);
    let began = now_ms(&world);
    while ended.len() < 8 {
        world.advance(Duration::from_millis(wait));
        let answers = poll_all(&mut world, &left).await;
        (left, wait) = open(left, answers, &mut ended);
        let minutes = usize::try_from((now_ms(&world) - began) / 60_000).expect("a few");
        let calls = world.calls_of(Endpoint::ErasureList) + world.calls_of(Endpoint::ErasureGet);
        assert!(calls <= A_MINUTE * (minutes + 2), "{calls} calls in {minutes} minutes");
        // To come back before there is room for more than the list itself would take twice as long.
        assert!(minutes < 18, "only {} were seen in {minutes} minutes", ended.len());
    }
    assert_eq!((ended, left.len()), (vec![Outcome::NothingFound; 8], 12));
}

#[tokio::test]
async fn an_error_instead_of_a_job_at_work_is_no_error() {
    for dialects in ["404", "400", "409", "500", "200"] {
        let mut world = world_that_speaks(&format!("early-erasure-{dialects}")).await;
        let request = about(SAMPLE_PERSON);
        let begun = pending(world.delete(&request, VERIFY).await);
        let waiting = pending(world.poll(&request, &begun.ticket).await);
        assert_eq!((waiting.stage, waiting.vendor_status.as_deref()), (Stage::Erasing, Some("Pending")));
        let report = world.follow(&request, Ok(Progress::Pending(waiting))).await.expect("a report");
        expect(&report, Outcome::Verified);
    }
}

#[tokio::test]
async fn answers_stand_in_the_order_of_their_tasks_whatever_is_among_them() {
    let mut world = World::new().await;
    let requests: Vec<_> = (0..6).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
    let tasks = begun(&mut world, requests, Some(ERASE)).await;
    world.advance(Duration::from_secs(400));
    let bad = Task { ticket: "t1.nonsense".to_owned(), ..tasks[0].clone() };
    let mixed = [4, 0, 0, 5, 2].map(|n: usize| tasks[n].clone());
    let mut mixed = mixed.to_vec();
    mixed.insert(2, bad);
    mixed.push(Task { ticket: tasks[1].ticket.clone(), ..tasks[3].clone() });
    let answers = poll_all(&mut world, &mixed).await;
    assert_eq!(answers.len(), mixed.len());
    for (answer, task) in answers.into_iter().zip(&mixed).enumerate().filter_map(|(place, pair)| match place {
        2 | 6 => {
            assert_eq!(pair.0.expect_err("a bad ticket").kind, ErrorKind::InvalidTicket);
            None
        }
        _ => Some(pair),
    }) {
        assert_eq!(done(answer).receipt.request_key, task.request.key);
    }
    assert!(poll_all(&mut world, &[]).await.is_empty());
}

#[tokio::test]
async fn one_request_is_gathered_in_a_call_and_the_others_keep_their_tickets() {
    let mut world = World::of(brand_of(5), Options::default(), &[]).await;
    for mode in [None, Some(DeletionMode::Preview), Some(VERIFY)] {
        let requests = (0..5).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
        let mut tasks = begun(&mut world, requests, mode).await;
        world.advance(Duration::from_secs(400));
        let answers = poll_all(&mut world, &tasks).await;
        let same = |(answer, task): (&Result<Progress, Error>, &Task)| matches!(answer, Ok(Progress::Pending(pending)) if pending.ticket == task.ticket);
        assert_eq!(answers.iter().zip(&tasks).filter(|pair| same(*pair)).count(), 4, "{mode:?}: {answers:?}");
        let mut ended = Vec::new();
        let (mut left, mut wait) = open(tasks, answers, &mut ended);
        for _ in 0..60 {
            world.advance(Duration::from_millis(wait));
            tasks = left;
            let answers = poll_all(&mut world, &tasks).await;
            (left, wait) = open(tasks, answers, &mut ended);
            if left.is_empty() {
                break;
            }
        }
        assert_eq!(ended.len(), 5, "{mode:?}");
    }
}

/// Follows a request, and keeps every ticket.
async fn tickets_of(world: &mut World, request: &Request, mode: DeletionMode) -> (Vec<String>, Outcome) {
    let mut progress = world.delete(request, mode).await;
    let mut tickets = Vec::new();
    loop {
        match progress.expect("progress") {
            Progress::Done(report) => return (tickets, report.outcome),
            Progress::Pending(pending) => {
                world.advance(Duration::from_millis(pending.poll_after_ms));
                progress = world.poll(request, &pending.ticket).await;
                tickets.push(pending.ticket);
            }
        }
    }
}

#[tokio::test]
async fn every_older_ticket_leads_to_the_same_outcome() {
    for dialects in ["", "erasure-list-oldest-first", "early-erasure-200,dates-epoch-ms", "emails-not-found-number"] {
        for (name, mode) in [(SAMPLE_PERSON, ERASE), (SAMPLE_PERSON, VERIFY), (SAMPLE_STRANGER, VERIFY)] {
            let mut world = world_that_speaks(dialects).await;
            let request = about(name);
            let (tickets, outcome) = tickets_of(&mut world, &request, mode).await;
            world.advance(Duration::from_secs(4 * 3_600));
            for ticket in &tickets {
                world.change_instance().await;
                let progress = world.poll(&request, ticket).await;
                let report = world.follow(&request, progress).await.expect("a report");
                expect(&report, outcome);
            }
            assert_eq!(world.erasures_of(name), 1);
            let searches = world.simulator.erasures().into_iter().filter(|job| job.search_only && job.emails == [name]);
            assert_eq!(searches.count(), usize::from(mode == VERIFY), "{dialects}: every search was adopted");
        }
    }
}

#[tokio::test]
async fn two_instances_that_poll_at_once_begin_one_search() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let begun = pending(world.delete(&request, VERIFY).await);
    world.advance(Duration::from_secs(400));
    let one = pending(world.poll(&request, &begun.ticket).await);
    assert_eq!(one.stage, Stage::Verifying);
    world.change_instance().await;
    let other = pending(world.poll(&request, &begun.ticket).await);
    assert_eq!(other.stage, Stage::Verifying);
    assert_eq!(world.calls_of(Endpoint::ErasureCreate), 2, "the erasure, and one search");
    for start in [one, other] {
        let report = world.follow(&request, Ok(Progress::Pending(start))).await.expect("a report");
        expect(&report, Outcome::Verified);
    }
}

#[tokio::test]
async fn a_verifying_search_whose_answer_is_lost_is_adopted() {
    for fault in [Fault::ResetAfterEffect, Fault::EmptyBody, Fault::StatusAfterEffect(504, WaitHint::None)] {
        let mut world = World::new().await;
        let request = about(SAMPLE_PERSON);
        let begun = world.delete(&request, VERIFY).await;
        world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone())]);
        let report = world.follow(&request, begun).await.expect("a report");
        expect(&report, Outcome::Verified);
        assert_eq!(world.calls_of(Endpoint::ErasureCreate), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_job_that_qualtrics_forgot_is_told_after_a_moment_of_grace() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let begun = pending(world.delete(&request, ERASE).await);
    world.simulator.forget_jobs();
    world.advance(Duration::from_secs(30));
    let waiting = pending(world.poll(&request, &begun.ticket).await);
    world.advance(Duration::from_millis(waiting.poll_after_ms));
    let error = world.poll(&request, &waiting.ticket).await.expect_err("it is gone");
    assert_eq!((error.kind, error.remedy), (ErrorKind::UnknownJob, Remedy::Restart));
    world.advance(Duration::from_secs(24 * 3_600));
    let error = world.poll(&request, &begun.ticket).await.expect_err("it is gone");
    assert_eq!(error.kind, ErrorKind::UnknownJob);
    assert_eq!(world.calls_of(Endpoint::ErasureCreate), 1, "poll begins nothing");
}

#[tokio::test]
async fn a_slow_list_loses_no_job() {
    for dialects in ["erasure-lag-20-s", "erasure-lag-20-s,erasure-list-oldest-first,early-erasure-500"] {
        let mut world = world_that_speaks(dialects).await;
        let requests = (0..5).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
        let tasks = begun(&mut world, requests, Some(ERASE)).await;
        let answers = poll_all(&mut world, &tasks).await;
        let (tasks, wait) = open(tasks, answers, &mut Vec::new());
        assert_eq!(tasks.len(), 5);
        world.advance(Duration::from_millis(wait));
        for answer in poll_all(&mut world, &tasks).await {
            assert_eq!(pending(answer).vendor_status.as_deref(), Some("Pending"));
        }
    }
}

#[tokio::test]
async fn a_job_that_takes_too_long_and_a_word_that_nobody_knows_call_for_a_person() {
    let mut world = world_that_speaks("erasure-pending-null").await;
    world.simulator.set_next_jobs(JobEnd::NeverEnds);
    let request = about(SAMPLE_PERSON);
    let begun = pending(world.delete(&request, ERASE).await);
    assert_eq!(begun.attention, None);
    world.advance(Duration::from_secs(60));
    let waiting = pending(world.poll(&request, &begun.ticket).await);
    assert_eq!(waiting.attention.expect("a word that is missing").code, "unknown-status");
    let overdue = world.instance.describe().await.expect("a manifest").capabilities;
    let overdue = overdue.iter().map(|capability| capability.overdue_after_ms).max().expect("capabilities");
    world.advance(Duration::from_millis(overdue));
    let waiting = pending(world.poll(&request, &waiting.ticket).await);
    assert_eq!(waiting.attention.expect("weeks").code, "overdue");
}

#[tokio::test]
async fn pauses_grow_with_the_age_of_a_job() {
    let mut world = World::new().await;
    world.simulator.set_next_jobs(JobEnd::NeverEnds);
    let mut shortest = u64::MAX;
    let mut longest = 0;
    for key in 0..12 {
        let request = request(&format!("key-{key}"), vec![email(&address(key))]);
        let mut waiting = pending(world.delete(&request, ERASE).await);
        let mut last = 0;
        shortest = shortest.min(waiting.poll_after_ms);
        for _ in 0..24 {
            assert!((25_500..=1_035_000).contains(&waiting.poll_after_ms), "{}", waiting.poll_after_ms);
            assert!(waiting.poll_after_ms >= last);
            last = waiting.poll_after_ms;
            world.advance(Duration::from_millis(last));
            waiting = pending(world.poll(&request, &waiting.ticket).await);
        }
        assert!(last >= 765_000, "{last}");
        longest = longest.max(last);
    }
    assert!(longest > 930_000 && shortest < 29_000, "they are spread: {shortest} to {longest}");
}

#[tokio::test]
async fn a_limit_that_is_used_up_leaves_requests_pending() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let mut waiting = pending(world.delete(&request, ERASE).await);
    for _ in 0..40 {
        waiting = pending(world.poll(&request, &waiting.ticket).await);
    }
    assert_eq!(world.simulator.ratelimited_count(), 0);
    let fault = Fault::Status(429, WaitHint::Seconds(120));
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ErasureGet, fault)]);
    world.advance(Duration::from_secs(60));
    let error = world.poll(&request, &waiting.ticket).await.expect_err("Qualtrics wants a pause");
    assert_eq!((error.kind, error.remedy), (ErrorKind::RateLimited, Remedy::Retry(120_000)));
}

#[tokio::test]
async fn a_host_whose_clock_is_wrong_follows_many_jobs_too() {
    for hours in [-26_i64, -1, 1, 26] {
        for dialects in ["", "erasure-list-oldest-first"] {
            let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
            let mut world = World::of(Brand::sample().past_erasures(700), options, &[]).await;
            let clock = Clock::made(world.now().saturating_add_signed(hours * 3_600));
            world.change_clock(clock.clone()).await;
            let requests = (0..5).map(|n| request(&format!("r-{n}"), vec![email(&address(n))])).collect();
            let tasks = begun(&mut world, requests, Some(ERASE)).await;
            // Others are busy, too: 150 jobs come after these.
            world.simulator.set_rate_limits(false);
            for n in 0..150 {
                let other = request(&format!("other-{n}"), vec![email(&format!("other-{n}@example.org"))]);
                if n % 10 == 0 {
                    world.advance(Duration::from_secs(60));
                    world.change_instance().await;
                }
                pending(world.delete(&other, ERASE).await);
            }
            clock.advance(Duration::from_secs(900));
            world.change_clock(clock).await;
            for answer in poll_all(&mut world, &tasks).await {
                let Ok(progress) = answer else { panic!("{hours} hours: {answer:?}") };
                assert!(matches!(progress, Progress::Done(_)), "{hours} hours: {progress:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_adopted_job_is_as_old_as_it_is() {
    let mut world = World::new().await;
    let attempt = world.now();
    pending(world.delete(&about(SAMPLE_PERSON), ERASE).await);
    world.advance(Duration::from_secs(200));
    let request = Request { first_attempt_at: Some(attempt), ..about(SAMPLE_PERSON) };
    world.change_instance().await;
    let adopted = pending(world.delete(&request, ERASE).await);
    assert_eq!(adopted.submitted_at, Some(attempt));
}
