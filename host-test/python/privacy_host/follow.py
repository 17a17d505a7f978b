"""Makes the calls of several requests, each when it is due, and repeats them as their remedies say."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .contract import DeletionMode, Error, Pending, Progress, Report, Request, Right, Task
from .entry import Entry, Operation
from .errors import CallLost, ConnectorError
from .rules import (
    LOST_CALL_DELAY_MS,
    MAX_LOST_CALLS,
    clock_was_set_back,
    held_by,
    is_due,
    is_from_the_future,
    lost_call_error,
    now_ms,
)

if TYPE_CHECKING:
    from .connector import Connector

MAX_TASKS = 50
"""The tasks of one call of `poll`. The runtime limits the size of a result."""

MAX_ATTEMPT_AGE_MS = 30_000
"""An attempt is only made if it was returned for storage less than this long ago. A connector concludes from the time of an
attempt since when the vendor must show its job."""


@dataclass(frozen=True)
class Starting:
    """The call that starts the request is about to be made."""


@dataclass(frozen=True)
class Completed:
    """The report was confirmed: `Entry.end` has the outcome."""


Event = Starting | Pending | Report | Completed | Error | CallLost
"""What happened to a request.

- `Starting`: the call that starts the request is about to be made.
- `Pending`: it is in progress, and polled at `Entry.due_at_ms`.
- `Report`: the final report. Save its documents, then call `Update.confirm`. A report that is not confirmed is returned again.
- `Completed`: the report was confirmed, and `Entry.end` has the outcome.
- `Error`: the call returned an error. It is repeated if the remedy says so; otherwise `Entry.end` has the error.
- `CallLost`: the call ended without a result. It is repeated; after several in a row, `Entry.end` has an error.
"""


class Update:
    """A change of a request. Store `entry` before the next update is requested."""

    def __init__(self, schedule: Schedule, index: int, event: Event) -> None:
        self._schedule = schedule
        self._index = index
        self.entry = schedule.followed[index].entry
        """The state of the request."""
        self.event: Event = event
        """What happened."""

    def confirm(self) -> None:
        """Confirms that the documents of this report are saved. The next update is `Completed`."""
        self._schedule.confirm(self._index)

    def fail(self, failure: ConnectorError | CallLost) -> None:
        """Records that the documents of this report could not be read, in place of `confirm`. The next update is the error;
        the request is polled again if the remedy says so."""
        self._schedule.fail(self._index, failure)


@dataclass
class Followed:
    entry: Entry
    held_by: list[Entry]
    """The access requests that a deletion waits for."""
    attempt: tuple[Request, int] | None = None
    """The request of the attempt that was returned for storage and whose call is next, and when it was returned."""
    confirmed: Entry | None = None
    """The entry as it will be once the returned report is confirmed."""
    lost_calls: int = 0

    @property
    def is_held(self) -> bool:
        """Whether the request waits for an access request: data must be collected before it is deleted."""
        return self.entry.ticket is None and any(access.is_open for access in self.held_by)


@dataclass(frozen=True)
class Wait:
    """The next step is to wait."""

    seconds: float


@dataclass(frozen=True)
class Start:
    """The next step is the call that starts a request."""

    operation: Operation
    request: Request

    def run(self, connector: Connector) -> list[Progress | Error]:
        """Makes the call."""
        if isinstance(self.operation, DeletionMode):
            return connector.delete([self.request], self.operation)
        return connector.access([self.request]) if self.operation is Right.ACCESS else connector.opt_out([self.request])


@dataclass(frozen=True)
class Poll:
    """The next step is a call of `poll`."""

    tasks: list[Task]

    def run(self, connector: Connector) -> list[Progress | Error]:
        """Makes the call."""
        return connector.poll(self.tasks)


class Schedule:
    """Decides what the next step is. Makes no call and does not wait."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        listed = list(entries)
        self.followed = [Followed(*pair) for pair in zip(listed, held_by(listed), strict=True)]
        self._events: deque[tuple[int, Event]] = deque()
        self._in_call: list[int] = []
        self._reported: int | None = None

    def resume(self) -> None:
        """To be called before the steps of each update. A call in progress was interrupted, and has no result. A report that
        was returned and not confirmed is requested again, after a while."""
        for index in self._take_call():
            self.followed[index].entry.record_lost_call(now_ms(), 0)
        if self._reported is not None:
            self._take_report(self._reported).entry.postpone(now_ms())

    def step(self) -> Update | Wait | Start | Poll | None:
        """The next step; None when every request has ended, or waits for an access request that ended with an error."""
        while not self._events:
            # The time of a stored attempt must not grow old before its call.
            choice: Poll | int | Wait | None = self._attempt_in_progress()
            if choice is None:
                choice = self._choose(now_ms())
            if not isinstance(choice, int):
                return choice
            if call := self._start(choice):
                return call
        index, event = self._events.popleft()
        self._reported = index if isinstance(event, Report) else None
        return Update(self, index, event)

    def record(self, results: list[Progress | Error]) -> None:
        """Records the results of the call that the last step demanded."""
        for index, result in zip(self._take_call(), results, strict=True):
            followed = self.followed[index]
            followed.lost_calls = 0
            followed.entry.record_result(result, now_ms())
            # Whatever delay the connector asks for, it cannot cause a busy loop.
            followed.entry.postpone(now_ms())
            if isinstance(result, Report):
                followed.confirmed = copy(followed.entry)
                followed.confirmed.complete(result)
            self._events.append((index, result))

    def record_lost_call(self, lost: CallLost) -> None:
        """Records that the call that the last step demanded returned no result."""
        for index in self._take_call():
            self._lose(index, lost)
            self._events.append((index, lost))

    def confirm(self, index: int) -> None:
        followed = self.followed[index]
        confirmed = followed.confirmed
        self._take_report(index)
        if confirmed is not None:
            vars(followed.entry).update(vars(confirmed))
            self._events.appendleft((index, Completed()))

    def fail(self, index: int, failure: ConnectorError | CallLost) -> None:
        entry = self._take_report(index).entry
        if isinstance(failure, CallLost):
            self._lose(index, failure)
            self._events.appendleft((index, failure))
        else:
            entry.record_error(failure.error, now_ms())
            entry.postpone(now_ms())
            self._events.appendleft((index, failure.error))

    def _take_call(self) -> list[int]:
        called, self._in_call = self._in_call, []
        return called

    def _take_report(self, index: int) -> Followed:
        if self._reported != index:
            raise RuntimeError("only the report of the latest update can be confirmed or fail")
        self._reported = None
        self.followed[index].confirmed = None
        return self.followed[index]

    def _lose(self, index: int, lost: CallLost) -> None:
        followed = self.followed[index]
        followed.lost_calls += 1
        followed.entry.record_lost_call(now_ms(), LOST_CALL_DELAY_MS)
        if followed.lost_calls >= MAX_LOST_CALLS:
            followed.entry.record_error(lost_call_error(followed.entry, lost), now_ms())

    def _attempt_in_progress(self) -> int | None:
        return next((index for index, followed in enumerate(self.followed) if followed.attempt), None)

    def _choose(self, now: int) -> Poll | int | Wait | None:
        """What is due: a poll, or the request that is started next."""
        due: list[int] = []
        single = start = earliest = None
        for index, followed in enumerate(self.followed):
            entry = followed.entry
            if entry.end or followed.is_held:
                continue
            if not is_due(entry.due_at_ms, now):
                earliest = min(entry.due_at_ms, earliest or entry.due_at_ms)
            elif entry.ticket is None:
                start = index if start is None else start
            elif followed.lost_calls:
                # Its ticket may be what the connector cannot cope with.
                single = index if single is None else single
            else:
                due.append(index)
        if due or single is not None:
            return self._poll(self._together(due) if due or single is None else [single])
        if start is not None:
            return start
        return None if earliest is None else Wait((earliest - now) / 1_000)

    def _together(self, due: list[int]) -> list[int]:
        """The requests of one call. All requests of a group are polled when one of them is due: that takes one look-up of their
        job, and one verifying search. The same request ID twice in a call is invalid."""
        chosen: list[int] = []
        for index in due:
            group = self.followed[index].entry.group
            members = [index] if group is None else self._members(group)
            if chosen and len({*chosen, *members}) > MAX_TASKS:
                break
            ids = {self.followed[other].entry.request.id for other in chosen}
            for member in members:
                request_id = self.followed[member].entry.request.id
                if member not in chosen and request_id not in ids and len(chosen) < MAX_TASKS:
                    chosen.append(member)
                    ids.add(request_id)
        return chosen

    def _members(self, group: str) -> list[int]:
        def is_member(followed: Followed) -> bool:
            return followed.entry.group == group and followed.entry.end is None and not followed.lost_calls

        return [index for index, followed in enumerate(self.followed) if is_member(followed)]

    def _start(self, index: int) -> Start | None:
        """First returns `Starting`, so that the attempt is stored; then the call."""
        followed, now = self.followed[index], now_ms()
        attempt, followed.attempt = followed.attempt, None
        if attempt is None or now - attempt[1] > MAX_ATTEMPT_AGE_MS:
            followed.attempt = followed.entry.start_attempt(now // 1_000), now
            self._events.append((index, Starting()))
            return None
        request, _ = attempt
        if is_from_the_future(request, now):
            error = clock_was_set_back()
            followed.entry.record_error(error, now)
            self._events.append((index, error))
            return None
        self._in_call = [index]
        return Start(followed.entry.operation, request)

    def _poll(self, indices: list[int]) -> Poll:
        self._in_call = indices
        return Poll([task for index in indices if (task := self.followed[index].entry.task())])


class Follower:
    """Follows requests to their end: iterate over it.

        for update in connector.follow([request]):
            store(update.entry)
            if isinstance(update.event, Report):
                save(connector, update.event)
                update.confirm()

    The program may stop at any point. `Connector.resume` continues from the stored entries, on any machine: nothing is started
    twice, and a report that was not confirmed is returned again.

    Requests in progress come before new ones. A deletion waits until an access request that shares an identifier has ended,
    with any outcome: a program that needs a complete copy first follows the deletion after it has seen that outcome. Each
    request is started by a call of its own.
    """

    def __init__(self, connector: Connector, entries: Iterable[Entry]) -> None:
        self._connector = connector
        self._schedule = Schedule(entries)

    @property
    def entries(self) -> list[Entry]:
        """The entries of all requests."""
        return [followed.entry for followed in self._schedule.followed]

    def __iter__(self) -> Follower:
        return self

    def __next__(self) -> Update:
        self._schedule.resume()
        while True:
            match self._schedule.step():
                case Update() as update:
                    return update
                case Wait(seconds):
                    time.sleep(seconds)
                case None:
                    raise StopIteration
                case call:
                    try:
                        results = call.run(self._connector)
                    except CallLost as lost:
                        self._schedule.record_lost_call(lost)
                    else:
                        self._schedule.record(results)


class AsyncFollower:
    """`Follower` for `async for`. If it is cancelled during a call, the call counts as lost."""

    def __init__(self, connector: Connector, entries: Iterable[Entry]) -> None:
        self._connector = connector
        self._schedule = Schedule(entries)

    @property
    def entries(self) -> list[Entry]:
        """The entries of all requests."""
        return [followed.entry for followed in self._schedule.followed]

    def __aiter__(self) -> AsyncFollower:
        return self

    async def __anext__(self) -> Update:
        self._schedule.resume()
        while True:
            match self._schedule.step():
                case Update() as update:
                    return update
                case Wait(seconds):
                    await asyncio.sleep(seconds)
                case None:
                    raise StopAsyncIteration
                case call:
                    try:
                        results = await asyncio.to_thread(call.run, self._connector)
                    except CallLost as lost:
                        self._schedule.record_lost_call(lost)
                    else:
                        self._schedule.record(results)
