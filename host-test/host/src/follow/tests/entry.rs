//! What an entry makes of results: attempts, tickets, the end.

use super::super::{Entry, Next, Operation, Transition};
use super::{ADDRESS, ERASE, deletion, error, pending, report, request};
use crate::contract::{
    Amount, Attempts, DeletionMode, Error, ErrorKind, Finding, Identifier, Outcome, Progress, Remedy, Report, Request,
    SourceState,
};

fn attempts(first_at: u64, last_at: u64) -> Option<Attempts> {
    Some(Attempts { first_at, last_at })
}

fn outcome_unknown() -> Result<Progress, Error> {
    Err(error(ErrorKind::OutcomeUnknown, Remedy::Retry(1_000)))
}

fn reread(entry: &Entry) -> Entry {
    serde_json::from_slice(&serde_json::to_vec(entry).unwrap()).unwrap()
}

#[test]
fn a_call_is_given_only_the_attempts_before_its_own() {
    let mut entry = deletion();
    assert_eq!(entry.start_attempt(100).attempts, None);
    let mut after_a_crash = reread(&entry);
    assert_eq!(after_a_crash.start_attempt(200).attempts, attempts(100, 100));
}

#[test]
fn several_lost_calls_keep_the_first_attempt_and_move_the_last() {
    let mut entry = deletion();
    assert_eq!(entry.start_attempt(100).attempts, None);
    entry.record_lost_call(101_000, 30_000);
    assert_eq!(entry.due_at_ms(), 131_000);
    // The lost call may have reached the vendor until it was recorded.
    assert_eq!(entry.start_attempt(200).attempts, attempts(100, 101));
    // The process dies.
    let mut entry = reread(&entry);
    assert_eq!(entry.start_attempt(300).attempts, attempts(100, 200));
    entry.record_result(outcome_unknown(), 301_000);
    assert_eq!(entry.start_attempt(400).attempts, attempts(100, 300));
    entry.record_lost_call(401_000, 1);
    assert_eq!(entry.attempts(), attempts(100, 401).as_ref());
}

#[test]
fn a_result_other_than_outcome_unknown_removes_its_own_attempt_and_no_other() {
    let mut entry = deletion();
    entry.start_attempt(100);
    entry.record_result(Err(error(ErrorKind::RateLimited, Remedy::Retry(5_000))), 101_000);
    assert_eq!((entry.attempts(), entry.due_at_ms()), (None, 106_000));

    entry.start_attempt(200);
    entry.record_result(outcome_unknown(), 200_000);
    entry.start_attempt(300);
    entry.record_result(Err(error(ErrorKind::Unavailable, Remedy::Retry(1))), 300_000);
    assert_eq!(entry.start_attempt(400).attempts, attempts(200, 200));
}

#[test]
fn attempts_that_the_caller_knows_of_are_counted() {
    let request = Request { attempts: attempts(50, 70), ..request() };
    let mut entry = Entry::new(request, ERASE);
    assert_eq!(entry.start_attempt(100).attempts, attempts(50, 70));
    entry.record_lost_call(100_000, 1);
    assert_eq!(entry.attempts(), attempts(50, 100).as_ref());
}

#[test]
fn a_clock_that_was_set_back_leaves_the_attempts_in_order() {
    let mut entry = deletion();
    entry.start_attempt(200);
    entry.record_lost_call(200_000, 1);
    entry.start_attempt(100);
    entry.record_lost_call(100_000, 1);
    assert_eq!(entry.attempts(), attempts(100, 200).as_ref());
}

#[test]
fn a_spent_ticket_of_a_deletion_restarts_with_the_attempts_of_the_accepted_job() {
    let mut entry = deletion();
    entry.start_attempt(100);
    entry.record_lost_call(100_000, 1);
    entry.start_attempt(200);
    entry.record_result(pending("t1"), 200_000);
    assert_eq!((entry.due_at_ms(), entry.group()), (230_000, Some("job-1")));
    let Next::Poll(task) = reread(&entry).next() else { panic!("{entry:?}") };
    assert_eq!((task.ticket.as_str(), task.request.attempts), ("t1", None));
    entry.record_result(Err(error(ErrorKind::InvalidTicket, Remedy::Restart)), 300_000);
    assert_eq!((entry.next(), entry.group()), (Next::Start, None));
    assert_eq!(entry.start_attempt(301).attempts, attempts(100, 200));
}

#[test]
fn operations_that_are_safe_to_repeat_have_no_attempts() {
    for operation in [Operation::Access, Operation::OptOut] {
        let mut entry = Entry::new(request(), operation);
        entry.start_attempt(100);
        entry.record_lost_call(100_000, 1);
        entry.start_attempt(200);
        entry.record_result(pending("t1"), 200_000);
        entry.record_result(Err(error(ErrorKind::JobNotFound, Remedy::Restart)), 300_000);
        assert_eq!(entry.start_attempt(301).attempts, None, "{operation:?}");
    }
}

#[test]
fn a_crash_between_the_report_and_its_end_keeps_the_attempt() {
    let mut entry = deletion();
    entry.start_attempt(100);
    assert!(matches!(
        entry.record_result(Ok(Progress::Done(report(Outcome::Submitted))), 100_000),
        Transition::Reported(_)
    ));
    assert_eq!(reread(&entry).start_attempt(200).attempts, attempts(100, 100));
    entry.complete(&report(Outcome::Submitted));
    assert_eq!((entry.next(), entry.attempts()), (Next::Nothing, None));
}

#[test]
fn an_operator_who_looked_at_the_vendor_can_have_the_attempts_forgotten() {
    let mut entry = deletion();
    entry.start_attempt(100);
    entry.record_result(Err(error(ErrorKind::OutcomeUnknown, Remedy::Operator)), 100_000);
    let mut resumed = deletion().resume(reread(&entry));
    assert_eq!(resumed.attempts(), attempts(100, 100).as_ref());
    resumed.forget_attempts();
    assert_eq!(resumed.start_attempt(200).attempts, None);
}

#[test]
fn identifiers_are_removed_at_the_end_unless_the_request_may_continue() {
    let mut entry = deletion();
    entry.start_attempt(100);
    let mut failed = entry.clone();
    failed.record_result(Err(error(ErrorKind::Forbidden, Remedy::Operator)), 100_000);
    assert_eq!((failed.next(), failed.subject()), (Next::Nothing, request().subject.as_slice()));
    let mut resumed = deletion().resume(failed);
    assert_eq!((resumed.next(), resumed.start_attempt(200)), (Next::Start, request()));

    let mut given_up = entry.clone();
    given_up.record_result(Err(error(ErrorKind::InvalidRequest, Remedy::GiveUp)), 100_000);
    entry.complete(&report(Outcome::Deleted));
    for ended in [given_up, entry] {
        assert!(!serde_json::to_string(&ended).unwrap().contains(ADDRESS));
        assert_eq!(deletion().resume(ended).next(), Next::Nothing);
    }
}

#[test]
fn a_refused_request_continues_only_if_its_overrides_have_changed() {
    let refused = |mut entry: Entry| {
        entry.record_result(Ok(Progress::Done(report(Outcome::Refused))), 100_000);
        entry.complete(&report(Outcome::Refused));
        entry
    };
    let mut entry = deletion();
    entry.start_attempt(100);
    let entry = refused(entry);
    assert_eq!(deletion().resume(entry.clone()).next(), Next::Nothing);
    let overridden = Request { overrides: vec!["staff-account".to_owned()], ..request() };
    let mut again = Entry::new(overridden.clone(), ERASE).resume(entry);
    assert_eq!((again.next(), again.start_attempt(200)), (Next::Start, overridden.clone()));

    // A refusal does not settle the outcome of an earlier attempt.
    let mut entry = deletion();
    entry.start_attempt(100);
    entry.record_lost_call(100_000, 1);
    entry.start_attempt(150);
    let mut again = Entry::new(overridden, ERASE).resume(refused(entry));
    assert_eq!(again.start_attempt(200).attempts, attempts(100, 100));
}

#[test]
fn the_end_lists_the_findings_that_an_operator_has_to_see() {
    let finding = |state, code: Option<&str>| Finding {
        source: "all".to_owned(),
        state,
        amount: Amount::Unknown,
        identifiers: Vec::new(),
        code: code.map(str::to_owned),
        note: None,
    };
    let findings = vec![
        finding(SourceState::Searched, None),
        finding(SourceState::Searched, Some("vendor-count")),
        finding(SourceState::Searched, Some("similar-identifier")),
        finding(SourceState::NotPermitted, Some("not-permitted")),
    ];
    let mut entry = deletion();
    entry.complete(&Report { findings, ..report(Outcome::Partial) });
    let codes: Vec<_> = entry.end().unwrap().findings.iter().map(|(_, code)| code.as_str()).collect();
    assert_eq!(codes, ["not-permitted", "similar-identifier"]);
}

#[test]
fn a_request_is_the_same_in_any_spelling_of_its_addresses() {
    let entry = deletion();
    let of = |address: &str| Request { subject: vec![Identifier::Email(address.to_owned())], ..request() };
    assert!(entry.is_same_request(&Entry::new(of(&ADDRESS.to_uppercase()), ERASE)));
    assert!(!entry.is_same_request(&Entry::new(of("another@example.com"), ERASE)));
    assert!(!entry.is_same_request(&Entry::new(request(), Operation::Deletion(DeletionMode::EraseAndVerify))));
    assert_ne!(entry.key(), Entry::new(request(), Operation::Deletion(DeletionMode::Preview)).key());
}

#[test]
fn a_deletion_that_may_have_failed_for_others_starts_again_once_in_a_call_of_its_own() {
    for outcome in [Outcome::Failed, Outcome::DataRemaining] {
        let shared = || {
            let mut shared = report(outcome);
            shared.findings.push(Finding {
                source: "personal-data".to_owned(),
                state: SourceState::Searched,
                amount: Amount::Unknown,
                identifiers: vec![0],
                code: Some("shared-job".to_owned()),
                note: None,
            });
            shared
        };
        let mut entry = deletion();
        entry.start_attempt(10);
        entry.record_result(pending("ticket-1"), 11_000);
        entry.complete(&shared());
        assert_eq!((entry.end(), entry.is_alone(), entry.next()), (None, true, Next::Start));
        let request = entry.start_attempt(20);
        assert_eq!(
            (request.attempts, request.subject.len()),
            (None, 1),
            "the job of the first start is known to have ended"
        );
        entry.record_result(pending("ticket-2"), 21_000);
        entry.complete(&shared());
        assert_eq!(entry.end().map(|end| end.result.clone()), Some(Ok(outcome)));
    }
    let mut entry = deletion();
    entry.complete(&report(Outcome::Failed));
    assert!(entry.end().is_some(), "no other request explains it");
}
