"""What an entry makes of results: attempts, tickets, the end. These are the rules of `host-test/host/src/follow/entry.rs`."""

from __future__ import annotations

import pytest

from privacy_host import (
    Attempts,
    DeletionMode,
    Email,
    Entry,
    Error,
    ErrorKind,
    Finding,
    GiveUp,
    Operation,
    Operator,
    Outcome,
    Pending,
    Present,
    Receipt,
    Remedy,
    Report,
    Request,
    Restart,
    Retry,
    Right,
    SourceState,
    Stage,
    Unknown,
    from_json,
    to_json,
)

REQUEST = Request("dsr-1", [Email("Ada@example.org")])


def deletion() -> Entry:
    return Entry(REQUEST, DeletionMode.ERASE)


def error(kind: ErrorKind, remedy: Remedy) -> Error:
    return Error(kind, remedy, "It did not work.", [], None, None, None)


def pending(ticket: str, group: str | None = "job-1", delay_ms: int = 30_000) -> Pending:
    return Pending(ticket, Stage.DELETING, delay_ms, group, None, None, None, None)


def report(outcome: Outcome, findings: list[Finding] | None = None) -> Report:
    receipt = Receipt("connector 1", "dsr-1", None, [], None, 1_000)
    return Report(Right.DELETION, outcome, findings or [], [], [], [], receipt, None)


def stored(entry: Entry) -> Entry:
    return Entry.from_json(entry.to_json())


OUTCOME_UNKNOWN = error(ErrorKind.OUTCOME_UNKNOWN, Retry(1_000))


def test_a_call_is_given_only_the_attempts_before_its_own() -> None:
    entry = deletion()
    assert entry.start_attempt(100).attempts is None
    assert stored(entry).start_attempt(200).attempts == Attempts(100, 100)


def test_several_lost_calls_keep_the_first_attempt_and_move_the_last() -> None:
    entry = deletion()
    entry.start_attempt(100)
    entry.record_lost_call(101_000, 30_000)
    assert entry.due_at_ms == 131_000
    # The lost call may have reached the vendor until it was recorded.
    assert entry.start_attempt(200).attempts == Attempts(100, 101)
    entry = stored(entry)
    assert entry.start_attempt(300).attempts == Attempts(100, 200)
    entry.record_result(OUTCOME_UNKNOWN, 301_000)
    assert entry.start_attempt(400).attempts == Attempts(100, 300)


def test_a_result_other_than_outcome_unknown_removes_its_own_attempt_and_no_other() -> None:
    entry = deletion()
    entry.start_attempt(100)
    entry.record_result(error(ErrorKind.RATE_LIMITED, Retry(5_000)), 101_000)
    assert (entry.request.attempts, entry.due_at_ms) == (None, 106_000)
    entry.start_attempt(200)
    entry.record_result(OUTCOME_UNKNOWN, 200_000)
    entry.start_attempt(300)
    entry.record_result(error(ErrorKind.UNAVAILABLE, Retry(1)), 300_000)
    assert entry.start_attempt(400).attempts == Attempts(200, 200)


def test_a_clock_that_was_set_back_leaves_the_attempts_in_order() -> None:
    entry = deletion()
    for second in (200, 100):
        entry.start_attempt(second)
        entry.record_lost_call(second * 1_000, 1)
    assert entry.request.attempts == Attempts(100, 200)


def test_a_spent_ticket_of_a_deletion_restarts_with_the_attempts_of_the_accepted_job() -> None:
    entry = deletion()
    entry.start_attempt(100)
    entry.record_lost_call(100_000, 1)
    entry.start_attempt(200)
    entry.record_result(pending("t1"), 200_000)
    assert (entry.due_at_ms, entry.group) == (230_000, "job-1")
    task = stored(entry).task()
    assert task is not None
    assert (task.ticket, task.request.attempts) == ("t1", None)
    entry.record_result(error(ErrorKind.INVALID_TICKET, Restart()), 300_000)
    assert (entry.task(), entry.group, entry.due_at_ms) == (None, None, 301_000)
    assert entry.start_attempt(301).attempts == Attempts(100, 200)


@pytest.mark.parametrize("operation", [Right.ACCESS, Right.OPT_OUT])
def test_operations_that_are_safe_to_repeat_have_no_attempts(operation: Operation) -> None:
    entry = Entry(REQUEST, operation)
    entry.start_attempt(100)
    entry.record_lost_call(100_000, 1)
    assert entry.start_attempt(200).attempts is None


def test_a_crash_between_the_report_and_its_end_keeps_the_attempt() -> None:
    entry = deletion()
    entry.start_attempt(100)
    entry.record_result(report(Outcome.SUBMITTED), 100_000)
    assert stored(entry).start_attempt(200).attempts == Attempts(100, 100)
    entry.complete(report(Outcome.SUBMITTED))
    assert entry.end is not None
    assert (entry.end.result, entry.request.attempts, entry.attempt_at) == (Outcome.SUBMITTED, None, None)


def test_identifiers_are_removed_at_the_end_unless_the_request_may_continue() -> None:
    failed, given_up, done = deletion(), deletion(), deletion()
    failed.record_result(error(ErrorKind.FORBIDDEN, Operator()), 100_000)
    resumed = deletion().resume(stored(failed))
    assert (failed.request.subject, resumed.end) == (REQUEST.subject, None)
    given_up.record_result(error(ErrorKind.INVALID_REQUEST, GiveUp()), 100_000)
    done.complete(report(Outcome.DELETED))
    for ended in (given_up, done):
        assert "example.org" not in ended.to_json()
        assert deletion().resume(stored(ended)).end is not None


def test_a_refused_request_continues_only_if_its_overrides_have_changed() -> None:
    refused = deletion()
    refused.start_attempt(100)
    refused.record_lost_call(100_000, 1)
    refused.record_result(pending("t1"), 100_000)
    refused.complete(report(Outcome.REFUSED))
    assert deletion().resume(stored(refused)).end is not None
    overridden = Request("dsr-1", REQUEST.subject, overrides=["staff-account"])
    resumed = Entry(overridden, DeletionMode.ERASE).resume(stored(refused))
    # A ticket of a refused request leads to the same refusal, and a refusal does not settle an earlier attempt.
    assert (resumed.end, resumed.ticket) == (None, None)
    assert resumed.request.attempts == Attempts(100, 100)


def test_a_stored_entry_of_another_request_is_rejected() -> None:
    spelled = Entry(Request("dsr-1", [Email("ADA@example.org ")]), DeletionMode.ERASE)
    assert spelled.resume(stored(deletion())) is spelled
    stranger = Request("dsr-1", [Email("stranger@example.org")])
    for other in (Entry(stranger, DeletionMode.ERASE), Entry(REQUEST, DeletionMode.ERASE_AND_VERIFY)):
        with pytest.raises(ValueError, match="another request"):
            other.resume(stored(deletion()))


def test_the_end_lists_the_findings_that_an_operator_has_to_see() -> None:
    findings = [
        Finding("all", SourceState.SEARCHED, Unknown(), [], None, None),
        Finding("all", SourceState.SEARCHED, Unknown(), [], "vendor-count", None),
        Finding("all", SourceState.SEARCHED, Unknown(), [], "similar-identifier", None),
        Finding("all", SourceState.NOT_PERMITTED, Unknown(), [], "not-permitted", None),
    ]
    entry = deletion()
    entry.complete(report(Outcome.PARTIAL, findings))
    end = stored(entry).end
    assert end is not None
    assert end.findings == [("all", "not-permitted"), ("all", "similar-identifier")]


def test_an_operator_who_looked_at_the_vendor_can_have_the_attempts_forgotten() -> None:
    entry = deletion()
    entry.start_attempt(100)
    entry.record_result(error(ErrorKind.OUTCOME_UNKNOWN, Operator()), 100_000)
    resumed = deletion().resume(stored(entry))
    assert resumed.request.attempts == Attempts(100, 100)
    resumed.forget_attempts()
    assert resumed.start_attempt(200).attempts is None


def test_a_deletion_requires_a_mode() -> None:
    with pytest.raises(ValueError, match="requires a mode"):
        Entry(REQUEST, Right.DELETION)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"request": {"id": "dsr-1"}, "operation": "access"}'])
def test_a_text_that_is_not_an_entry_is_rejected(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Entry.from_json(text)


def test_a_report_is_the_same_after_its_json_form() -> None:
    findings = [Finding("all", SourceState.SEARCHED, Present(), [0], "notice", "A note.")]
    whole = report(Outcome.FOUND, findings)
    assert from_json(Report, to_json(whole)) == whole
