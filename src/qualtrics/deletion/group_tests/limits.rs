//! What groups cost: calls of the vendor's limits, time, and results that are lost for them.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{JOBS, Jobs, VERIFY, accepts, brand, code_of, codes, envelope, follow, person, persons};
use crate::contract::{Amount, DeletionMode, Error, Outcome, Progress, Remedy, Request, Task};
use crate::http;
use crate::privacy::connector::Connector;
use crate::privacy::email::EmailAddress;
use crate::qualtrics::deletion::grouping::pack;
use crate::qualtrics::tests::{World, finding};

/// The polls of a host that follows each delay, and polls everything once one request is due.
struct Polls {
    polls: usize,
    errors: usize,
}

fn poll_to_the_end(world: &mut World, requests: &[Request], started: Vec<Result<Progress, Error>>) -> Polls {
    let start_ms = world.now_ms.get();
    let mut result = Polls { polls: 0, errors: 0 };
    let open = |progress: Progress, now_ms: u64| match progress {
        Progress::Pending(pending) => Some((pending.ticket, now_ms.saturating_add(pending.poll_after_ms))),
        Progress::Done(_) => None,
    };
    let mut state: Vec<Option<(String, u64)>> = started
        .into_iter()
        .map(|one| open(one.unwrap_or_else(|error| panic!("{}", error.message)), start_ms))
        .collect();
    while let Some(due_ms) = state.iter().flatten().map(|(_, due_ms)| *due_ms).min() {
        world.now_ms.set(world.now_ms.get().max(due_ms));
        let indices: Vec<usize> = (0..state.len()).filter(|index| state[*index].is_some()).collect();
        let task = |index: &usize| {
            let ticket = state[*index].as_ref().map(|(ticket, _)| ticket.clone()).unwrap_or_default();
            Task { request: requests[*index].clone(), ticket }
        };
        let results = world.connector.poll(indices.iter().map(task).collect());
        let now_ms = world.now_ms.get();
        for (index, one) in indices.into_iter().zip(results) {
            match one {
                Ok(progress) => state[index] = open(progress, now_ms),
                Err(Error { remedy: Remedy::Retry(ms), .. }) => {
                    result.errors = result.errors.saturating_add(1);
                    if let Some((_, due_ms)) = &mut state[index] {
                        *due_ms = now_ms.saturating_add(ms);
                    }
                }
                Err(error) => panic!("{}", error.message),
            }
        }
        result.polls = result.polls.saturating_add(1);
        assert!(result.polls < 500, "it ends");
    }
    result
}

#[expect(clippy::disallowed_methods, reason = "this is about the time of the machine, which is not simulated")]
fn time_of(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn numbered(count: usize) -> Vec<Request> {
    (0..count).map(|n| person(&format!("n{n}"))).collect()
}

#[test]
fn searches_that_wait_for_their_share_are_polled_once_it_is_enough_for_all() {
    for (mode, shown) in [
        (DeletionMode::Preview, json!({"emailsNotFound": 60})),
        (VERIFY, json!({"emailsNotFound": 60})),
        (VERIFY, json!({})),
    ] {
        let mut world = World::new(brand(Jobs::default(), shown, accepts));
        let requests = numbered(60);
        let started = world.connector.delete(requests.clone(), mode);
        world.log.borrow_mut().clear();
        let polls = poll_to_the_end(&mut world, &requests, started);
        let count = |prefix: &str| world.log.borrow().iter().filter(|call| call.starts_with(prefix)).count();
        let contact_searches = count("POST /directories");
        assert!(polls.polls <= 20, "{mode:?}: {} polls", polls.polls);
        assert_eq!((polls.errors, contact_searches), (0, 60), "{mode:?}: none is thrown away");
    }
}

#[test]
fn directories_are_not_searched_without_a_share_for_the_receipt() {
    let settings = [("group-size", "1"), ("rate-share", "100")];
    let mut world = World::with_settings(brand(Jobs::default(), json!({}), accepts), &settings);
    let requests = numbered(40);
    let mut searching = Vec::new();
    let later = |world: &World| world.now_ms.set(world.now_ms.get().saturating_add(120_000));
    for part in requests.chunks(20) {
        let started = world.connector.delete(part.to_vec(), VERIFY);
        later(&world);
        let task = |(request, result): (&Request, Result<Progress, Error>)| match result {
            Ok(Progress::Pending(pending)) => Task { request: request.clone(), ticket: pending.ticket },
            _ => panic!("pending"),
        };
        searching.extend(world.connector.poll(part.iter().zip(started).map(task).collect()));
        later(&world);
    }
    // All searches are complete, and the share is enough for half of the receipts.
    world.log.borrow_mut().clear();
    poll_to_the_end(&mut world, &requests, searching);
    let searches = world.log.borrow().iter().filter(|call| call.starts_with("POST /directories")).count();
    assert_eq!(searches, 40, "none is thrown away");
}

#[test]
fn an_empty_list_of_addresses_without_data_is_a_list() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({"emailsNotFound": []}), accepts));
    let requests = persons(&["a", "b", "c", "d", "e"]);
    let started = world.connector.delete(requests.clone(), DeletionMode::Preview);
    let reports = follow(&mut world, &requests, started);
    assert_eq!(jobs.searches().len(), 1, "no search for each");
    for report in reports {
        assert_eq!(report.outcome, Outcome::Previewed);
        assert_eq!(finding(&report, "personal-data").amount, Amount::Unknown);
    }
}

#[test]
fn a_transient_error_of_a_search_alone_keeps_the_preview_pending() {
    for status in [503_u16, 429] {
        let jobs = Jobs::default();
        let inner = brand(jobs.clone(), json!({"emailsNotFound": 2}), accepts);
        let failures = Rc::new(Cell::new(0_u32));
        let left = Rc::clone(&failures);
        let mut world = World::new(move |request: &http::Request, path: &str| {
            if request.method.name() == "POST" && path == JOBS && left.get() > 0 {
                left.set(left.get().saturating_sub(1));
                return Some(envelope(status, "Q"));
            }
            inner(request, path)
        });
        let requests = persons(&["a", "b"]);
        let started = world.connector.delete(requests.clone(), DeletionMode::Preview);
        failures.set(2);
        follow(&mut world, &requests, started);
        assert_eq!(jobs.searches().len(), 3, "{status}: the shared one, and one for each");
    }
}

#[test]
fn a_search_alone_that_fails_for_long_is_given_up() {
    let jobs = Jobs::default();
    let inner = brand(jobs.clone(), json!({"emailsNotFound": 2}), accepts);
    let fails = Rc::new(Cell::new(false));
    let failing = Rc::clone(&fails);
    let mut world = World::new(move |request: &http::Request, path: &str| {
        let is_failing = request.method.name() == "POST" && path == JOBS && failing.get();
        if is_failing { Some(envelope(503, "Q")) } else { inner(request, path) }
    });
    let requests = persons(&["a", "b"]);
    let started = world.connector.delete(requests.clone(), DeletionMode::Preview);
    fails.set(true);
    let reports = follow(&mut world, &requests, started);
    assert!(reports.iter().all(|report| report.outcome == Outcome::Previewed));
}

#[test]
fn a_shared_job_that_qualtrics_completed_in_part_tells_to_start_the_request_again_alone() {
    for (names, is_shared) in [(vec!["a", "b"], true), (vec!["a"], false)] {
        let mut world = World::new(brand(Jobs::default(), json!({"status": "PartiallyCompleted"}), accepts));
        let requests = persons(&names);
        let started = world.connector.delete(requests.clone(), VERIFY);
        for report in follow(&mut world, &requests, started) {
            assert_eq!(report.outcome, Outcome::Partial);
            assert_eq!(code_of(&report, "shared-job").is_some(), is_shared);
        }
    }
}

#[test]
fn two_rejections_without_a_code_do_not_decide_about_other_requests() {
    let jobs = Jobs::default();
    let rejects = |emails: &[&str]| (emails.contains(&"a@x.org") || emails.contains(&"e@x.org")).then_some((422, ""));
    let mut world = World::new(brand(jobs.clone(), json!({}), rejects));
    let results = world.connector.delete(persons(&["a", "b", "c", "d", "e"]), VERIFY);
    let started: Vec<bool> = codes(&results).iter().map(|code| code.starts_with("OP-")).collect();
    assert_eq!(started, [false, true, true, true, false]);
}

#[test]
fn an_error_that_is_returned_for_all_names_no_call_of_another_request() {
    let mut world = World::new(brand(Jobs::default(), json!({}), |_: &[&str]| Some((422, "Q"))));
    let results = world.connector.delete(persons(&["a", "b", "c", "d", "e"]), VERIFY);
    let named: Vec<bool> =
        results.iter().map(|one| one.as_ref().is_err_and(|error| error.vendor_request_id.is_some())).collect();
    assert_eq!(named, [true, false, false, false, true]);
}

#[test]
fn a_guard_that_cannot_be_evaluated_is_evaluated_once_a_call() {
    let inner = brand(Jobs::default(), json!({}), accepts);
    let mut world = World::new(
        move |request: &http::Request, path: &str| {
            if path == "/whoami" { Some(envelope(403, "Q")) } else { inner(request, path) }
        },
    );
    let results = world.connector.delete(numbered(50), VERIFY);
    assert!(results.iter().all(Result::is_err));
    let calls = |world: &World| world.log.borrow().iter().filter(|call| call.contains("whoami")).count();
    assert_eq!(calls(&world), 1);
    world.connector.delete(numbered(2), VERIFY);
    assert_eq!(calls(&world), 2, "the next call evaluates it again");
}

#[test]
fn many_requests_are_packed_in_time_that_grows_with_their_number() {
    let emails: Vec<Vec<EmailAddress>> =
        (0..20_000).map(|n| vec![EmailAddress::parse(&format!("n{n}@x.org")).expect("an address")]).collect();
    let slices: Vec<&[EmailAddress]> = emails.iter().map(Vec::as_slice).collect();
    let mut jobs = 0;
    let time = time_of(|| jobs = pack(&slices, 100).jobs.len());
    assert_eq!(jobs, 200);
    assert!(time < Duration::from_secs(10), "{time:?}");
}

#[test]
fn a_poll_of_many_tasks_of_large_jobs_is_fast() {
    let mut world = World::with_settings(
        brand(Jobs::default(), json!({}), accepts),
        &[("group-size", "500"), ("rate-share", "100")],
    );
    let requests = numbered(500);
    let results = world.connector.delete(requests.clone(), VERIFY);
    let task = |(request, result): (&Request, Result<Progress, Error>)| match result {
        Ok(Progress::Pending(pending)) => Task { request: request.clone(), ticket: pending.ticket },
        _ => panic!("pending"),
    };
    let mut tasks: Vec<Task> = requests.iter().zip(results).map(task).collect();
    for _ in 0..2 {
        world.now_ms.set(world.now_ms.get().saturating_add(120_000));
        let mut results = Vec::new();
        let time = time_of(|| results = world.connector.poll(tasks));
        assert!(time < Duration::from_secs(5), "{time:?}");
        tasks =
            requests.iter().zip(results).filter(|(_, one)| matches!(one, Ok(Progress::Pending(_)))).map(task).collect();
    }
}
