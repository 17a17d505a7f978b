"""Requests followed to their end, against the simulator. These are the rules of `host-test/host/src/follow/follower.rs`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from privacy_host import (
    AsyncConnector,
    CallLost,
    Completed,
    Connector,
    ConnectorError,
    DeletionMode,
    Email,
    End,
    Entry,
    Error,
    ErrorKind,
    Follower,
    Operation,
    Operator,
    Outcome,
    Pending,
    Plugin,
    Report,
    Request,
    Retry,
    Right,
    Starting,
    Update,
)
from privacy_host.follow import Poll, Schedule

from .clock import Clock
from .pattern import Json
from .scenario import Brand
from .test_entry import error, pending

ADA = [Email("ada@example.org")]
ERASE = DeletionMode.ERASE


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, brand: Brand) -> Clock:
    return Clock(monkeypatch, brand)


@pytest.fixture
def connector(plugin: Plugin, brand: Brand, clock: Clock) -> Iterator[Connector]:
    del clock
    with Connector(plugin, [brand.names["origin"]]) as connector:
        connector.configure(brand.settings)
        yield connector


def request(id: str = "dsr-1") -> Request:
    return Request(id, [*ADA])


def complete(follower: Follower) -> list[Outcome | ErrorKind]:
    """The outcomes and errors, in order. Each entry is stored and read again, as in a database."""
    seen: list[Outcome | ErrorKind] = []
    for update in follower:
        assert Entry.from_json(update.entry.to_json()).to_json() == update.entry.to_json()
        match update.event:
            case Report(outcome=outcome):
                seen.append(outcome)
                update.confirm()
            case Error(kind=kind):
                seen.append(kind)
            case _:
                pass
    return seen


def result_of(entry: Entry) -> Outcome | Error:
    assert isinstance(entry.end, End)
    return entry.end.result


def erasures(brand: Brand) -> int:
    return sum(not job["search-only"] for job in brand.seen()["erasures"])


def script(brand: Brand, endpoint: str, fault: Json, occurrence: Json) -> None:
    brand.change({"faults": [{"endpoint": endpoint, "occurrence": occurrence, "fault": fault}]})


def test_requests_are_followed_to_their_reports(connector: Connector) -> None:
    follower = connector.follow([request("dsr-1"), request("dsr-2")])
    assert complete(follower) == [Outcome.FOUND, Outcome.FOUND]
    for entry in follower.entries:
        assert (result_of(entry), entry.request.subject) == (Outcome.FOUND, [])


def test_requests_are_followed_in_asyncio(plugin: Plugin, brand: Brand, clock: Clock) -> None:
    async def follow() -> list[Outcome]:
        outcomes = []
        async with AsyncConnector(plugin, [brand.names["origin"]]) as connector:
            await connector.configure(brand.settings)
            assert (await connector.check([Right.ACCESS])).tenant == "examplebrand"
            assert (await connector.describe()).name == "qualtrics"
            async for update in connector.follow([request()]):
                if isinstance(update.event, Report):
                    for document in update.event.documents:
                        pieces = [piece async for piece in connector.bytes_of(document)]
                        content = b"".join(pieces)
                        # The documents of a history name the contact, and not its address.
                        assert b"ada@example.org" in content or b"CID_" in content
                    outcomes.append(update.event.outcome)
                    update.confirm()
        return outcomes

    assert asyncio.run(follow()) == [Outcome.FOUND]
    assert clock.waits


def test_calls_of_several_connectors_run_concurrently_in_asyncio(plugin: Plugin, brand: Brand) -> None:
    async def check_all() -> list[str]:
        connectors = [AsyncConnector(plugin, [brand.names["origin"]]) for _ in range(4)]
        await asyncio.gather(*(connector.configure(brand.settings) for connector in connectors))
        connections = await asyncio.gather(*(connector.check([Right.ACCESS]) for connector in connectors))
        await asyncio.gather(*(connector.close() for connector in connectors))
        return [connection.tenant for connection in connections]

    assert asyncio.run(check_all()) == ["examplebrand"] * 4
    # One token for what is required, and one for each optional scope.
    assert brand.seen()["calls"]["token"] == 4 * 3


def test_a_lost_response_is_reconciled_without_a_second_erasure(connector: Connector, brand: Brand) -> None:
    script(brand, "erasure-create", "reset-after-effect", {"nth": 1})
    seen = complete(connector.follow([request()], ERASE))
    assert seen[-1] is Outcome.DELETED
    assert set(seen[:-1]) <= {ErrorKind.OUTCOME_UNKNOWN}
    assert erasures(brand) == 1


def test_a_lost_erasure_is_repeated_with_its_attempts(
    connector: Connector, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Request] = []
    delete = Connector.delete

    def losing(connector: Connector, requests: list[Request], mode: DeletionMode) -> object:
        made.extend(requests)
        results = delete(connector, requests, mode)
        if len(made) == 1:
            raise CallLost("delete ended without a result")
        return results

    monkeypatch.setattr(Connector, "delete", losing)
    events = []
    follower = connector.follow([request()], DeletionMode.ERASE_AND_VERIFY)
    for update in follower:
        events.append(type(update.event))
        if isinstance(update.event, Report):
            update.confirm()
    assert events[:4] == [Starting, CallLost, Starting, Pending]
    assert result_of(follower.entries[0]) is Outcome.VERIFIED
    assert made[0].attempts is None
    assert made[1].attempts is not None
    assert erasures(brand) == 1


def test_an_attempt_is_returned_for_storage_before_its_call(connector: Connector, brand: Brand) -> None:
    update = next(connector.follow([request()], ERASE))
    assert (update.event, erasures(brand)) == (Starting(), 0)
    stored = Entry.from_json(update.entry.to_json())
    # The component reads the clock of the machine, which no test advances: the attempt was stored long before.
    assert stored.attempt_at is not None
    stored.attempt_at -= 150
    assert complete(connector.resume([Entry(request(), ERASE).resume(stored)])) == [Outcome.DELETED]
    assert erasures(brand) == 1


def test_a_stored_attempt_that_has_grown_old_is_stored_again_before_its_call(
    connector: Connector, brand: Brand, clock: Clock
) -> None:
    follower = connector.follow([request()], ERASE)
    first = next(follower).entry.attempt_at
    clock.advance(150)
    update = next(follower)
    assert update.event == Starting()
    assert (first, update.entry.attempt_at) == (clock.now_ns // 10**9 - 150, clock.now_ns // 10**9)
    assert erasures(brand) == 0


def test_an_interrupted_call_counts_as_an_attempt(
    connector: Connector, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = Connector.delete

    def interrupted(*arguments: object) -> None:
        delete(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(Connector, "delete", interrupted)
    follower = connector.follow([request()], ERASE)
    with pytest.raises(KeyboardInterrupt):
        complete(follower)
    monkeypatch.setattr(Connector, "delete", delete)
    assert complete(follower) == [Outcome.DELETED]
    assert erasures(brand) == 1


def test_a_cancelled_call_counts_as_an_attempt(
    plugin: Plugin, brand: Brand, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    del clock
    delete, made, cancelled = Connector.delete, threading.Event(), threading.Event()

    def slow(*arguments: object) -> object:
        results = delete(*arguments)  # type: ignore[arg-type]
        made.set()
        cancelled.wait(30)
        return results

    async def follow() -> list[object]:
        async with AsyncConnector(plugin, [brand.names["origin"]]) as connector:
            await connector.configure(brand.settings)
            follower = connector.follow([request()], ERASE)
            await anext(follower)
            monkeypatch.setattr(Connector, "delete", slow)
            call = asyncio.ensure_future(anext(follower))
            await asyncio.to_thread(made.wait, 30)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            cancelled.set()
            monkeypatch.setattr(Connector, "delete", delete)
            events: list[object] = []
            async for update in follower:
                events.append(type(update.event))
                if isinstance(update.event, Report):
                    update.confirm()
            assert result_of(follower.entries[0]) is Outcome.DELETED
            return events

    assert asyncio.run(follow())[0] is Starting
    assert erasures(brand) == 1


def test_a_call_is_repeated_after_the_delay_of_its_remedy(connector: Connector, brand: Brand, clock: Clock) -> None:
    script(brand, "export-create", {"status": [429, {"seconds": 90}]}, {"first": 2})
    assert complete(connector.follow([request()])) == [ErrorKind.RATE_LIMITED] * 2 + [Outcome.FOUND]
    assert all(89 <= wait <= 91 for wait in clock.waits[:2])


def test_a_spent_ticket_starts_the_request_again(connector: Connector, brand: Brand) -> None:
    follower = connector.follow([request()])
    assert [type(next(follower).event) for _ in range(2)] == [Starting, Pending]
    brand.change("forget-jobs")
    assert complete(follower) == [ErrorKind.JOB_NOT_FOUND, Outcome.FOUND]
    assert len(brand.seen()["exports"]) == 1


def test_a_report_that_was_not_confirmed_is_returned_again_after_a_while(connector: Connector, clock: Clock) -> None:
    follower = connector.follow([request()])
    returned: list[int] = []
    for update in follower:
        if isinstance(update.event, Report):
            returned.append(clock.now_ns)
            clock.advance(5)
            if len(returned) == 2:
                update.confirm()
    first, second = returned
    assert second - first >= 6 * 10**9


def test_a_failure_to_read_documents_takes_the_place_of_the_confirmation(connector: Connector) -> None:
    failures: list[ConnectorError | CallLost] = [
        ConnectorError(error(ErrorKind.UNAVAILABLE, Retry(1_000))),
        CallLost("read ended without a result"),
    ]
    events = []
    for update in connector.follow([request()]):
        events.append(type(update.event))
        if isinstance(update.event, Report):
            update.fail(failures.pop(0)) if failures else update.confirm()
    assert [event for event in events if event not in (Starting, Pending)] == [
        Report,
        Error,
        Report,
        CallLost,
        Report,
        Completed,
    ]


def test_only_the_latest_report_can_be_confirmed(connector: Connector) -> None:
    with pytest.raises(RuntimeError, match="latest"):
        next(connector.follow([request()])).confirm()


def test_a_deletion_waits_for_the_access_request_of_the_same_person(connector: Connector, brand: Brand) -> None:
    ended = []
    for update in connector.resume([Entry(request("delete"), ERASE), Entry(request("access"), Right.ACCESS)]):
        if isinstance(update.event, Report):
            ended.append((update.event.outcome, erasures(brand)))
            update.confirm()
    assert ended == [(Outcome.FOUND, 0), (Outcome.DELETED, 1)]


def test_a_connector_that_keeps_trapping_ends_with_an_error_for_the_operator(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trap(*_: object) -> None:
        raise CallLost("the call ended without a result")

    for name in ("access", "delete"):
        monkeypatch.setattr(Connector, name, trap)
    cases: list[tuple[Operation, ErrorKind]] = [
        (Right.ACCESS, ErrorKind.UNEXPECTED_RESPONSE),
        (ERASE, ErrorKind.OUTCOME_UNKNOWN),
    ]
    for operation, kind in cases:
        follower = connector.follow([request()], operation)
        lost = [update for update in follower if isinstance(update.event, CallLost)]
        result = result_of(follower.entries[0])
        assert isinstance(result, Error)
        assert (len(lost), result.kind, result.remedy) == (5, kind, Operator())


def test_an_attempt_in_the_far_future_needs_an_operator(connector: Connector, brand: Brand, clock: Clock) -> None:
    future = request().attempted(clock.now_ns // 10**9 + 2 * 86_400)
    follower = connector.follow([future], ERASE)
    assert complete(follower) == [ErrorKind.OUTCOME_UNKNOWN]
    assert follower.entries[0].request.subject == ADA
    assert erasures(brand) == 0


def in_progress(id: str, group: str | None) -> Entry:
    """A deletion whose poll is due."""
    entry = Entry(request(id), ERASE)
    entry.record_result(pending(f"ticket of {id}", group, 0), 0)
    return entry


def polled(schedule: Schedule) -> list[str]:
    step = schedule.step()
    assert isinstance(step, Poll)
    return [task.request.id for task in step.tasks]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], int]:
    """A time in milliseconds so many seconds from now."""
    clock = Clock(monkeypatch)
    return lambda seconds: clock.now_ns // 10**6 + int(seconds * 1_000)


def test_requests_of_a_group_are_polled_in_one_call_when_one_is_due(later: Callable[[float], int]) -> None:
    entries = [in_progress("a", "1"), in_progress("b", None), in_progress("c", "1"), in_progress("d", "2")]
    for entry in entries[2:]:
        entry.due_at_ms = later(10)
    assert polled(Schedule(entries)) == ["a", "c", "b"]


def test_a_group_is_not_divided_between_two_calls() -> None:
    alone = [in_progress(f"a{number}", None) for number in range(40)]
    group = [in_progress(f"g{number}", "1") for number in range(30)]
    schedule = Schedule([*alone, *group])
    assert len(polled(schedule)) == 40
    schedule = Schedule([*alone[:20], *group])
    assert len(polled(schedule)) == 50


def test_two_requests_with_the_same_id_are_not_polled_in_one_call() -> None:
    assert polled(Schedule([in_progress("a", None), in_progress("a", None), in_progress("b", None)])) == ["a", "b"]


def test_a_request_whose_poll_was_lost_is_polled_alone(later: Callable[[float], int]) -> None:
    entries = [in_progress(id, None) for id in ("a", "b")]
    schedule = Schedule(entries)
    assert polled(schedule) == ["a", "b"]
    schedule.record_lost_call(CallLost("poll ended without a result"))
    for entry in entries:
        entry.due_at_ms = later(0)
    assert [type(update.event) for update in (schedule.step(), schedule.step()) if isinstance(update, Update)] == [
        CallLost,
        CallLost,
    ]
    for entry in entries:
        entry.due_at_ms = later(0)
    assert polled(schedule) == ["a"]
    schedule.record([pending("ticket of a", None)])
    assert isinstance(schedule.step(), Update)
    assert polled(schedule) == ["b"]
