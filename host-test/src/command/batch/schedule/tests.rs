use privacy_host::contract::{DeletionMode, Request};

use super::*;

const ERASE: Operation = Operation::Deletion(DeletionMode::Erase);

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

fn limited(delay_ms: u64) -> Result<Progress, Error> {
    Err(Error {
        kind: ErrorKind::RateLimited,
        remedy: Remedy::Retry(delay_ms),
        message: String::new(),
        problems: Vec::new(),
        http_status: None,
        vendor_code: None,
        vendor_request_id: None,
    })
}

/// Requests for as many people; some of them are in progress.
fn schedule(requests: &[(Operation, bool)]) -> Schedule {
    let subject = |index| vec![Identifier::email(format!("person-{index}@example.org"))];
    let entry = |(index, (operation, in_progress)): (usize, &(Operation, bool))| {
        let mut entry = Entry::new(Request::new(index.to_string(), subject(index)), *operation);
        if *in_progress {
            entry.start_attempt(0);
            entry.record_result(pending(Stage::Exporting, 0), 0);
        }
        entry
    };
    let subjects: Vec<_> = (0..requests.len()).map(subject).collect();
    Schedule::new(requests.iter().enumerate().map(entry).collect(), &subjects)
}

/// Returns a request with this result.
fn put_back(schedule: &mut Schedule, index: usize, result: Result<Progress, Error>, now_ms: u64) {
    let effect = CallEffect::of(&result);
    let mut entry = schedule.items()[index].entry.clone();
    entry.record_result(result, now_ms);
    schedule.put_back(index, entry, now_ms, &effect);
}

fn polled(action: Action) -> Vec<usize> {
    let Action::Poll(entries) = action else { panic!("{action:?}") };
    entries.into_iter().map(|(index, _)| index).collect()
}

#[test]
fn access_requests_are_polled_one_by_one_and_deletions_together() {
    let mut schedule = schedule(&[(ERASE, true), (Operation::Access, true), (ERASE, true), (Operation::Access, true)]);
    assert_eq!(polled(schedule.next(0)), [1]);
    assert_eq!(polled(schedule.next(0)), [3]);
    assert_eq!(polled(schedule.next(0)), [0, 2]);
    assert!(matches!(schedule.next(0), Action::Wait(None)));
}

#[test]
fn a_group_is_polled_together_when_its_last_request_is_due() {
    let mut schedule = schedule(&[(ERASE, true), (ERASE, true), (ERASE, true)]);
    for (index, delay_ms, group) in [(0, 5_000, "job-1"), (1, 5_000, "job-2"), (2, 90_000, "job-1")] {
        put_back(&mut schedule, index, in_group(Stage::Deleting, delay_ms, Some(group)), 0);
    }
    assert_eq!(polled(schedule.next(20_000)), [1]);
    assert!(matches!(schedule.next(89_999), Action::Wait(Some(90_000))));
    assert_eq!(polled(schedule.next(90_000)), [0, 2]);
}

#[test]
fn a_call_with_many_tasks_splits_no_group() {
    let mut schedule = schedule(&[(ERASE, true); 60]);
    for index in 0..60 {
        let group = if index % 2 == 0 { "job-1".to_owned() } else { format!("job-of-{index}") };
        put_back(&mut schedule, index, in_group(Stage::Deleting, 5_000, Some(&group)), 0);
    }
    let first = polled(schedule.next(5_000));
    assert_eq!(first.len(), MAX_TASKS);
    assert_eq!(first.iter().filter(|index| *index % 2 == 0).count(), 30);
    assert_eq!(polled(schedule.next(5_000)).len(), 10);
}

#[test]
fn a_limit_delays_the_same_calls_and_no_others() {
    let mut schedule = schedule(&[(ERASE, false), (ERASE, false), (Operation::Access, false), (ERASE, true)]);
    assert!(matches!(schedule.next(0), Action::Start(0, _)));
    put_back(&mut schedule, 0, limited(4_000), 0);
    assert!(matches!(schedule.next(0), Action::Start(2, _)));
    assert_eq!(polled(schedule.next(0)), [3]);
    assert!(matches!(schedule.next(3_999), Action::Wait(Some(4_000))));
    assert!(matches!(schedule.next(4_000), Action::Start(0, _)));
}

#[test]
fn a_call_that_used_up_the_share_is_repeated_as_the_only_call() {
    for result in [limited(1_000), pending(Stage::Collecting, 30_000)] {
        let mut schedule = schedule(&[(Operation::Access, true), (Operation::Access, true), (ERASE, false)]);
        assert_eq!(polled(schedule.next(0)), [0]);
        assert_eq!(polled(schedule.next(0)), [1]);
        put_back(&mut schedule, 1, result, 0);
        // Deletions continue meanwhile.
        assert!(matches!(schedule.next(0), Action::Start(2, _)));
        put_back(&mut schedule, 0, pending(Stage::Exporting, 0), 1_000);
        assert!(matches!(schedule.next(59_999), Action::Wait(Some(60_000))));
        assert!(matches!(schedule.next(60_000), Action::Wait(None)), "another call is in progress");
        put_back(&mut schedule, 2, pending(Stage::Deleting, 0), 60_000);
        assert_eq!(polled(schedule.next(60_000)), [1]);
        assert!(matches!(schedule.next(60_000), Action::Wait(None)), "it is the only call");
        put_back(&mut schedule, 1, pending(Stage::Exporting, 100_000), 61_000);
        assert_eq!(polled(schedule.next(61_000)), [0]);
    }
}

#[test]
fn a_limited_poll_of_many_requests_is_repeated_with_all_of_them() {
    let mut schedule = schedule(&[(ERASE, true), (ERASE, true)]);
    assert_eq!(polled(schedule.next(0)), [0, 1]);
    put_back(&mut schedule, 0, limited(1_000), 0);
    put_back(&mut schedule, 1, limited(1_000), 0);
    assert!(matches!(schedule.next(59_999), Action::Wait(Some(60_000))));
    assert_eq!(polled(schedule.next(60_000)), [0, 1]);
}
