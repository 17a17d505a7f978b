"""What is the same for one request and for many: delays, and what waits for what."""

from __future__ import annotations

import time

from .contract import Error, ErrorKind, Operator, Request, Right
from .entry import Entry, comparable
from .errors import CallLost

LOST_CALL_DELAY_MS = 30_000
"""The delay after a call without a result."""

MAX_LOST_CALLS = 5
"""After this many calls in a row without a result, a request ends: an operator has to look."""

MAX_CLOCK_SKEW_S = 24 * 3_600
"""The connector rejects attempts that are further in the future. A clock that was set back causes that."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def held_by(entries: list[Entry]) -> list[list[Entry]]:
    """For each entry, the access requests that a deletion waits for: those that share an identifier."""
    accesses: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        if entry.operation is Right.ACCESS:
            for identifier in entry.request.subject:
                accesses.setdefault(comparable(identifier), []).append(entry)

    def of(entry: Entry) -> list[Entry]:
        shared = (accesses.get(comparable(identifier), []) for identifier in entry.request.subject)
        return [access for group in shared for access in group] if entry.is_deletion else []

    return [of(entry) for entry in entries]


def is_due(due_at_ms: int, now: int) -> bool:
    """Whether a call is due. A time that is further ahead than any delay is due: the clock was set back."""
    return due_at_ms <= now or due_at_ms - now > MAX_CLOCK_SKEW_S * 1_000


def is_from_the_future(request: Request, now: int) -> bool:
    """Whether an attempt is further in the future than the connector accepts."""
    return request.attempts is not None and request.attempts.last_at > now // 1_000 + MAX_CLOCK_SKEW_S


def clock_was_set_back() -> Error:
    message = (
        "An earlier attempt of this deletion is more than a day in the future, because a clock was set back: look for the "
        "deletion at the vendor, and start the request again without attempts if it is not there."
    )
    return Error(ErrorKind.OUTCOME_UNKNOWN, Operator(), message, [], None, None, None)


def lost_call_error(entry: Entry, lost: CallLost) -> Error:
    """The error with which a request ends after too many calls without a result."""
    may_have_started = entry.ticket is None and entry.request.attempts is not None
    kind = ErrorKind.OUTCOME_UNKNOWN if may_have_started else ErrorKind.UNEXPECTED_RESPONSE
    return Error(kind, Operator(), f"{lost}.", [], None, None, None)
