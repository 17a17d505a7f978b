use privacy_host::contract::{Problem, Request};

use super::*;

const ERASE: Operation = Operation::Deletion(DeletionMode::Erase);
const PREVIEW: Operation = Operation::Deletion(DeletionMode::Preview);

fn pending(stage: Stage, poll_after_ms: u64) -> Result<Progress, Error> {
    in_group(stage, poll_after_ms, None)
}

fn in_group(stage: Stage, poll_after_ms: u64, group: Option<&str>) -> Result<Progress, Error> {
    Ok(Progress::Pending(Pending {
        ticket: "ticket".to_owned(),
        stage,
        poll_after_ms,
        group: group.map(str::to_owned),
        submitted_at: None,
        vendor_status: None,
        percent: None,
        attention: None,
    }))
}

fn error(delay_ms: u64, problem: Option<&str>) -> Result<Progress, Error> {
    let to_problem = |code: &str| Problem {
        code: code.to_owned(),
        target: String::new(),
        affects: Vec::new(),
        message: String::new(),
    };
    Err(Error {
        kind: ErrorKind::RateLimited,
        remedy: Remedy::Retry(delay_ms),
        message: String::new(),
        problems: problem.into_iter().map(to_problem).collect(),
        http_status: None,
        vendor_code: None,
        vendor_request_id: None,
    })
}

fn limited(delay_ms: u64) -> Result<Progress, Error> {
    error(delay_ms, None)
}

/// Requests for these people; some of them are in progress. Up to four start together.
fn of_people(requests: &[(Operation, bool, &str)], pace_s: u64) -> Schedule {
    let subject = |person: &str| vec![Identifier::email(format!("{person}@example.org"))];
    let entry = |(index, (operation, in_progress, person)): (usize, &(Operation, bool, &str))| {
        let mut entry = Entry::new(Request::new(index.to_string(), subject(person)), *operation);
        if *in_progress {
            entry.start_attempt(0);
            entry.record_result(pending(Stage::Exporting, 0), 0);
        }
        entry
    };
    let subjects: Vec<_> = requests.iter().map(|(_, _, person)| subject(person)).collect();
    Schedule::new(requests.iter().enumerate().map(entry).collect(), &subjects, 4, Duration::from_secs(pace_s))
}

/// Requests for as many people.
fn schedule(requests: &[(Operation, bool)]) -> Schedule {
    let people: Vec<String> = (0..requests.len()).map(|index| format!("person-{index}")).collect();
    let requests = requests.iter().zip(&people).map(|((operation, started), person)| (*operation, *started, &**person));
    of_people(&requests.collect::<Vec<_>>(), 0)
}

/// Returns requests with these results.
fn put_back(schedule: &mut Schedule, results: Vec<(usize, Result<Progress, Error>)>, now_ms: u64) {
    let result = |(index, result): (usize, Result<Progress, Error>)| {
        let effect = CallEffect::of(&result);
        let mut entry = schedule.items()[index].entry.clone();
        entry.record_result(result, now_ms);
        (index, entry, effect)
    };
    let results = results.into_iter().map(result).collect();
    schedule.put_back(results, now_ms);
}

fn lose(schedule: &mut Schedule, indices: &[usize]) {
    let lost = indices.iter().map(|&index| (index, schedule.items()[index].entry.clone(), CallEffect::Lost));
    let lost = lost.collect();
    schedule.put_back(lost, 0);
}

fn polled(action: Action) -> Vec<usize> {
    let Action::Poll(_, entries) = action else { panic!("{action:?}") };
    entries.into_iter().map(|(index, _)| index).collect()
}

fn started(action: Action) -> Vec<usize> {
    let Action::Start(_, entries) = action else { panic!("{action:?}") };
    entries.into_iter().map(|(index, _)| index).collect()
}

fn waits_until(action: Action) -> Option<u64> {
    let Action::Wait(until_ms) = action else { panic!("{action:?}") };
    until_ms
}

#[test]
fn access_requests_are_polled_one_by_one_and_deletions_together() {
    let mut schedule = schedule(&[(ERASE, true), (Operation::Access, true), (ERASE, true), (Operation::Access, true)]);
    assert_eq!(polled(schedule.next(0)), [0, 2]);
    assert_eq!(polled(schedule.next(0)), [1]);
    assert_eq!(polled(schedule.next(0)), [3]);
    assert_eq!(waits_until(schedule.next(0)), None);
}

#[test]
fn deletions_of_one_mode_start_together_with_one_call_in_progress() {
    let mut schedule = schedule(&[(ERASE, false), (PREVIEW, false), (ERASE, false), (Operation::Access, false)]);
    assert_eq!(started(schedule.next(0)), [3]);
    assert_eq!(started(schedule.next(0)), [0, 2]);
    assert_eq!(waits_until(schedule.next(0)), None, "a call of deletions is in progress");
    put_back(&mut schedule, vec![(0, pending(Stage::Deleting, 30_000)), (2, pending(Stage::Deleting, 30_000))], 0);
    assert_eq!(started(schedule.next(0)), [1]);
}

#[test]
fn deletions_that_share_an_identifier_start_in_the_same_call() {
    let people = ["ada", "bob", "cy", "dee", "eve", "Ada", "cy"];
    let mut schedule = of_people(&people.map(|person| (ERASE, false, person)), 0);
    assert_eq!(started(schedule.next(0)), [0, 5, 1, 3], "no more than four, and both of one person or none");
    let delayed = |index| (index, pending(Stage::Deleting, 30_000));
    put_back(&mut schedule, vec![delayed(0), delayed(5), delayed(1), delayed(3)], 0);
    assert_eq!(started(schedule.next(0)), [2, 6, 4]);
}

#[test]
fn a_call_with_many_tasks_splits_no_group() {
    let mut schedule = schedule(&[(ERASE, true); 600]);
    assert_eq!(polled(schedule.next(0)).len(), 300);
    let group = |index: usize| format!("job-{}", index % 7);
    let result = |index: usize| (index, in_group(Stage::Deleting, 5_000, Some(&group(index))));
    put_back(&mut schedule, (0..300).map(result).collect(), 0);
    assert_eq!(polled(schedule.next(0)).len(), 300);
    put_back(&mut schedule, (300..600).map(result).collect(), 0);
    let first = polled(schedule.next(5_000));
    let of_group = |group: usize| first.iter().filter(|index| *index % 7 == group).count();
    assert_eq!((0..7).map(of_group).collect::<Vec<_>>(), [86, 86, 86, 0, 0, 0, 0]);
    let rest = (0..600).filter(|index| index % 7 < 3).map(|index| (index, pending(Stage::Deleting, 90_000)));
    put_back(&mut schedule, rest.collect(), 5_000);
    assert_eq!(polled(schedule.next(5_000)).len(), 257);
}

#[test]
fn polls_of_deletions_keep_a_pace_unless_a_call_had_no_room() {
    let mut schedule = of_people(&[(ERASE, true, "ada"), (ERASE, true, "bob"), (ERASE, true, "cy")], 4);
    assert_eq!(polled(schedule.next(0)), [0, 1, 2]);
    let pending = |delay_ms| pending(Stage::Deleting, delay_ms);
    put_back(&mut schedule, vec![(0, pending(1_500)), (1, pending(3_000)), (2, pending(30_000))], 0);
    assert_eq!(waits_until(schedule.next(1_500)), Some(3_000));
    assert_eq!(waits_until(schedule.next(3_000)), Some(4_000));
    assert_eq!(polled(schedule.next(4_000)), [0, 1]);
    put_back(&mut schedule, vec![(0, pending(1_000)), (1, pending(30_000))], 4_000);
    assert_eq!(polled(schedule.next(5_000)), [0]);
    put_back(&mut schedule, vec![(0, pending(90_000))], 5_000);
    assert_eq!(polled(schedule.next(30_000)), [2], "an idle connection polls at once");
}

#[test]
fn a_limit_delays_the_same_calls_and_no_others() {
    let mut schedule = schedule(&[(PREVIEW, false), (ERASE, false), (Operation::Access, false), (ERASE, true)]);
    assert_eq!(polled(schedule.next(0)), [3]);
    put_back(&mut schedule, vec![(3, pending(Stage::Deleting, 90_000))], 0);
    assert_eq!(started(schedule.next(0)), [2]);
    assert_eq!(started(schedule.next(0)), [0]);
    put_back(&mut schedule, vec![(0, limited(4_000))], 0);
    assert_eq!(waits_until(schedule.next(3_999)), Some(4_000), "the other mode has the same limit");
    assert_eq!(started(schedule.next(4_000)), [0]);
}

#[test]
fn a_limit_of_some_requests_delays_those_alone() {
    let mut schedule = schedule(&[(ERASE, false); 6]);
    assert_eq!(started(schedule.next(0)), [0, 1, 2, 3]);
    let started_job = || pending(Stage::Deleting, 90_000);
    let results = vec![(0, started_job()), (1, started_job()), (2, started_job()), (3, limited(40_000))];
    put_back(&mut schedule, results, 0);
    assert_eq!(started(schedule.next(0)), [4, 5]);
    put_back(&mut schedule, vec![(4, limited(39_000)), (5, limited(39_000))], 0);
    assert_eq!(waits_until(schedule.next(0)), Some(39_000));
    assert_eq!(started(schedule.next(40_000)), [3, 4, 5]);
}

#[test]
fn a_call_starts_no_more_deletions_than_the_last_one_had_calls_for() {
    let mut schedule = schedule(&[(ERASE, false); 16]);
    let mut call = |now_ms: u64, limited_from: usize| {
        let indices = started(schedule.next(now_ms));
        let result = |(n, index): (usize, &usize)| {
            (*index, if n < limited_from { pending(Stage::Deleting, 900_000) } else { limited(1_000) })
        };
        let results = indices.iter().enumerate().map(result).collect();
        put_back(&mut schedule, results, now_ms);
        indices.len()
    };
    assert_eq!([call(0, 1), call(0, 9), call(1_000, 9)], [4, 1, 4]);
    assert_eq!([call(2_000, 0), call(3_000, 9)], [4, 4], "a call without any says nothing");
}

#[test]
fn requests_of_a_rejected_job_are_repeated_together_and_without_others() {
    let mut schedule = schedule(&[(ERASE, false); 6]);
    assert_eq!(started(schedule.next(0)), [0, 1, 2, 3]);
    let narrowing = || error(2_000, Some("narrowing"));
    let results = vec![(0, narrowing()), (1, limited(1_000)), (2, narrowing()), (3, pending(Stage::Deleting, 90_000))];
    put_back(&mut schedule, results, 0);
    assert_eq!(started(schedule.next(2_000)), [0, 2]);
    put_back(&mut schedule, vec![(0, pending(Stage::Deleting, 90_000)), (2, pending(Stage::Deleting, 90_000))], 2_000);
    assert_eq!(started(schedule.next(2_000)), [1, 4, 5]);
}

#[test]
fn an_erasure_starts_once_that_of_a_shared_identifier_has_ended() {
    let mut schedule = of_people(&[(ERASE, true, "ada"), (ERASE, false, "ada"), (ERASE, false, "bob")], 0);
    assert_eq!(polled(schedule.next(0)), [0]);
    put_back(&mut schedule, vec![(0, pending(Stage::Deleting, 90_000))], 0);
    assert_eq!(started(schedule.next(0)), [2]);
    put_back(&mut schedule, vec![(2, pending(Stage::Deleting, 600_000))], 0);
    assert_eq!(waits_until(schedule.next(0)), Some(90_000));
    assert_eq!(polled(schedule.next(90_000)), [0]);
    let vanished = Error { kind: ErrorKind::JobNotFound, remedy: Remedy::Operator, ..limited(0).unwrap_err() };
    put_back(&mut schedule, vec![(0, Err(vanished))], 90_000);
    assert_eq!(started(schedule.next(90_000)), [1]);
    // Searches only read.
    let mut schedule = of_people(&[(PREVIEW, true, "ada"), (PREVIEW, false, "ada")], 0);
    assert_eq!(polled(schedule.next(0)), [0]);
    put_back(&mut schedule, vec![(0, pending(Stage::Searching, 90_000))], 0);
    assert_eq!(started(schedule.next(0)), [1]);
}

#[test]
fn lost_calls_are_repeated_with_fewer_requests_down_to_one() {
    let mut schedule = schedule(&[(ERASE, true); 600]);
    let first = polled(schedule.next(0));
    assert_eq!(first.len(), 300);
    lose(&mut schedule, &first);
    for size in [37, 4, 1] {
        let next = polled(schedule.next(0));
        assert_eq!(next.len(), size);
        lose(&mut schedule, &next);
    }
}

#[test]
fn a_collection_that_used_up_the_share_is_repeated_as_the_only_one() {
    for result in [limited(1_000), pending(Stage::Collecting, 30_000)] {
        let mut schedule = schedule(&[(Operation::Access, true), (Operation::Access, true), (ERASE, false)]);
        assert_eq!(polled(schedule.next(0)), [0]);
        assert_eq!(polled(schedule.next(0)), [1]);
        put_back(&mut schedule, vec![(1, result)], 0);
        // Deletions continue meanwhile.
        assert_eq!(started(schedule.next(0)), [2]);
        assert_eq!(waits_until(schedule.next(60_000)), None, "another access request is polled");
        put_back(&mut schedule, vec![(0, limited(1_000))], 60_000);
        assert_eq!(polled(schedule.next(120_000)), [0]);
        assert_eq!(waits_until(schedule.next(120_000)), None, "it is the only one");
        put_back(&mut schedule, vec![(0, pending(Stage::Exporting, 90_000))], 120_000);
        assert_eq!(polled(schedule.next(120_000)), [1]);
    }
}
