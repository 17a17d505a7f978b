"""A request and its state. Everything that is decided between two calls is decided here, without I/O."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any, Literal

from .contract import (
    Attempts,
    DeletionMode,
    Email,
    Error,
    ErrorKind,
    ExternalId,
    Finding,
    GiveUp,
    Identifier,
    Operator,
    Outcome,
    Pending,
    Phone,
    Progress,
    Report,
    Request,
    Restart,
    Retry,
    Right,
    SourceState,
    Task,
)
from .json_form import from_json, to_json

Operation = Literal[Right.ACCESS, Right.OPT_OUT] | DeletionMode
"""What a request asks for: access, opt-out, or a deletion in this mode."""

MIN_DELAY_MS = 1_000
"""The shortest delay before a call is repeated: a connector that returns `restart` every time must not cause a busy loop."""

CODES_TO_REVIEW = {"similar-identifier", "no-country-code", "not-itemised", "shared-job"}
"""Codes of findings about searched sources that an operator has to see nevertheless."""


@dataclass(frozen=True)
class End:
    """How a request ended. It holds no personal data."""

    at: int
    """In seconds since the Unix epoch."""
    result: Outcome | Error
    """The outcome, or the error that no retry removes."""
    jobs: list[str]
    """The IDs of the vendor's jobs."""
    findings: list[tuple[str, str]]
    """Source and code of each finding that an operator has to see."""


class Entry:
    """A request and its state, as the host stores it: see `to_json`.

    `request.attempts` covers the earlier attempts that the next call has to know: those whose outcome is unknown and, while
    a ticket is followed, those that may have started its job. An attempt is stored before its call. Its call is given only
    the attempts before it. A result other than `outcome-unknown` removes it; a lost call keeps it.
    """

    def __init__(self, request: Request, operation: Operation) -> None:
        """A request that has not been started. Its `attempts` are those that the caller knows of."""
        given: object = operation
        if given is Right.DELETION:
            raise ValueError("a deletion requires a mode")
        self.request = request
        self.operation: Operation = operation
        self.subject_check = _subject_check(request.subject)
        """Tells whether another request with the same ID has the same identifiers, without holding them."""
        self.ticket: str | None = None
        """The latest ticket."""
        self.group: str | None = None
        """The vendor job that the ticket shares with other requests: they are polled together."""
        self.due_at_ms = 0
        """No call before this time, in milliseconds since the Unix epoch."""
        self.attempt_at: int | None = None
        """When the attempt in progress started. In an entry that was stored, its result was lost."""
        self.end: End | None = None
        """How the request ended, if it has."""

    def __repr__(self) -> str:
        return f"Entry({self.request!r}, {self.operation}, end={self.end!r})"

    @property
    def is_deletion(self) -> bool:
        """Whether the operation is a deletion, in any mode."""
        return isinstance(self.operation, DeletionMode)

    @property
    def is_open(self) -> bool:
        """Whether the request is in progress, or ended with an error that an operator can fix."""
        return self.end is None or (isinstance(self.end.result, Error) and self.end.result.remedy == Operator())

    def to_json(self) -> str:
        """The state as JSON. It contains the identifiers until the request has ended, and the ticket."""
        members = {
            "request": to_json(self.request),
            "operation": self.operation.value,
            "subject-check": self.subject_check,
            "ticket": self.ticket,
            "group": self.group,
            "due-at-ms": self.due_at_ms,
            "attempt-at": self.attempt_at,
            "end": self.end and _end_to_json(self.end),
        }
        return json.dumps(members)

    @classmethod
    def from_json(cls, text: str) -> Entry:
        """The entry that `to_json` wrote. Raises `ValueError` if it is none."""
        try:
            members: dict[str, Any] = json.loads(text)
            entry = cls(from_json(Request, members["request"]), _parse_operation(members["operation"]))
            entry.subject_check = from_json(int, members["subject-check"])
            entry.ticket = from_json(str | None, members["ticket"])
            entry.group = from_json(str | None, members["group"])
            entry.due_at_ms = from_json(int, members["due-at-ms"])
            entry.attempt_at = from_json(int | None, members["attempt-at"])
            entry.end = members["end"] and _end_from_json(members["end"])
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("the text is not an entry") from error
        return entry

    def is_same_request(self, other: Entry) -> bool:
        """Whether `other` asks for the same operation on the same identifiers. Overrides may differ."""
        return (self.request.id, self.operation, self.subject_check) == (
            other.request.id,
            other.operation,
            other.subject_check,
        )

    def resume(self, stored: Entry) -> Entry:
        """This new entry, continued from the state of `stored`, which must be the same request.

        A request that ended with an error that an operator can fix is open again; so is a refused one if its overrides have
        changed. Any other request that has ended stays as it is.
        """
        if not self.is_same_request(stored):
            raise ValueError("the stored entry is another request: the operation or an identifier has changed")
        # The process that made this attempt has no result of it.
        stored._count_attempt()
        is_refused = False
        if stored.end is not None:
            result = stored.end.result
            is_refused = result is Outcome.REFUSED and self.request.overrides != stored.request.overrides
            if not is_refused and not (isinstance(result, Error) and result.remedy != GiveUp()):
                return stored
        self.request = replace(self.request, attempts=stored.request.attempts or self.request.attempts)
        # A ticket of a refused request leads to the same refusal.
        if not is_refused:
            self.ticket, self.group = stored.ticket, stored.group
        self.due_at_ms = stored.due_at_ms if stored.end is None else 0
        return self

    def forget_attempts(self) -> None:
        """Forgets all attempts. Only an operator who has looked in the vendor's own system can decide this."""
        self.attempt_at = None
        self.request = replace(self.request, attempts=None)

    def task(self) -> Task | None:
        """The task of the next `poll`; None if the request has not been started."""
        return None if self.ticket is None else Task(replace(self.request, attempts=None), self.ticket)

    def start_attempt(self, now_s: int) -> Request:
        """Records that the call that starts the request is about to be made, and returns the request of that call: its
        attempts are those before this one. Only attempts of a deletion count; the other calls are safe to repeat."""
        self._count_attempt()
        if self.is_deletion:
            self.attempt_at = now_s
        return self.request

    def record_result(self, result: Progress | Error, now_ms: int) -> None:
        """Records the result of the call that was due. A report ends the request only with `complete`."""
        if isinstance(result, Pending):
            # This attempt or an earlier one started the job. `restart` has to find it.
            self._count_attempt()
            self.ticket, self.group = result.ticket, result.group
            self.due_at_ms = now_ms + result.poll_after_ms
        elif isinstance(result, Error):
            if result.kind is ErrorKind.OUTCOME_UNKNOWN:
                self._count_attempt()
            self.attempt_at = None
            self.record_error(result, now_ms)
        # After a report, the attempt stays until the end is stored: after a crash in between, the next start has to find its job.

    def record_error(self, error: Error, now_ms: int) -> None:
        """Records an error of the call that was due, or of reading the documents of its report."""
        match error.remedy:
            case Retry(after_ms):
                self.due_at_ms = now_ms + after_ms
            case Restart():
                self.ticket = self.group = None
                self.due_at_ms = now_ms + MIN_DELAY_MS
            case _:
                self._close(End(now_ms // 1_000, error, [], []))

    def record_lost_call(self, now_ms: int, delay_ms: int) -> None:
        """Records that the call that was due returned no result. Its attempt counts, and may have reached the vendor at any
        time until now."""
        self._count_attempt(now_ms // 1_000)
        self.due_at_ms = now_ms + delay_ms

    def postpone(self, now_ms: int) -> None:
        """Postpones the next call by at least a second from now."""
        self.due_at_ms = max(self.due_at_ms, now_ms + MIN_DELAY_MS)

    def complete(self, report: Report) -> None:
        """Records the final result, and removes the attempt in progress and the identifiers."""
        self.attempt_at = None
        findings = {
            (finding.source, finding.code) for finding in report.findings if finding.code if _is_to_review(finding)
        }
        jobs = [job.id for job in report.receipt.jobs]
        self._close(End(report.receipt.finished_at, report.outcome, jobs, sorted(findings)))

    def _count_attempt(self, until_s: int = 0) -> None:
        """The attempt in progress belongs to the attempts that the next start is given. A clock that was set back must not
        make the latest attempt earlier than the earliest one."""
        if self.attempt_at is None:
            return
        attempts = self.request.attempts or Attempts(self.attempt_at, self.attempt_at)
        first_at, last_at = min(attempts.first_at, self.attempt_at), max(attempts.last_at, self.attempt_at, until_s)
        self.request = replace(self.request, attempts=Attempts(first_at, last_at))
        self.attempt_at = None

    def _close(self, end: End) -> None:
        self.end = end
        if not self.is_open:
            self.request = replace(self.request, subject=[])


def comparable(identifier: Identifier) -> tuple[str, str]:
    """Equal for two identifiers that the contract compares as equal."""
    match identifier:
        case Email(value):
            return "email", value.strip().lower()
        case Phone(value):
            return "phone", value.strip()
        case ExternalId(value):
            return "external-id", value.strip()
        case _:
            return identifier.kind, identifier.value.strip()


def _subject_check(subject: list[Identifier]) -> int:
    """20 bits on purpose: enough to notice a mistake, too few to confirm a guessed identifier."""
    parts = [part.strip() for identifier in subject for part in comparable(identifier)]
    digest = hashlib.sha256(b"".join(part.encode() + b"\0" for part in parts)).digest()
    return int.from_bytes(digest[:3], "big") >> 4


def _is_to_review(finding: Finding) -> bool:
    return finding.state is not SourceState.SEARCHED or finding.code in CODES_TO_REVIEW


def _parse_operation(name: str) -> Operation:
    match name:
        case "access":
            return Right.ACCESS
        case "opt-out":
            return Right.OPT_OUT
    return DeletionMode(name)


def _end_to_json(end: End) -> Any:
    result = {"error": to_json(end.result)} if isinstance(end.result, Error) else {"ok": to_json(end.result)}
    return {"at": end.at, "result": result, "jobs": end.jobs, "findings": to_json(end.findings)}


def _end_from_json(members: dict[str, Any]) -> End:
    [(kind, value)] = members["result"].items()
    result = from_json({"ok": Outcome, "error": Error}[kind], value)
    findings = from_json(list[tuple[str, str]], members["findings"])
    return End(from_json(int, members["at"]), result, from_json(list[str], members["jobs"]), findings)
