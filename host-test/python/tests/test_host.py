"""The host survives what a plugin does, and says what happened."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from privacy_host import (
    CallLost,
    Connector,
    ConnectorError,
    DeletionMode,
    Email,
    ErrorKind,
    Inline,
    Limits,
    NotAPlugin,
    Pending,
    Plugin,
    Remote,
    Report,
    Request,
    Right,
    Setting,
    Task,
)

from . import hostile
from .scenario import Brand
from .waiting import Waiting

ADA = Request("dsr-1", [Email("ada@example.org")])


def finished(connector: Connector, brand: Brand, request: Request) -> Report:
    """The last word on an access request."""
    progress = connector.access(request)
    while isinstance(progress, Pending):
        brand.change({"advance": progress.poll_after_ms / 1000})
        [answer] = connector.poll([Task(request, progress.ticket)])
        assert isinstance(answer, (Pending, Report)), answer
        progress = answer
    return progress


def test_after_a_trap_the_next_call_is_made_on_a_fresh_instance(guarded_file: bytes, brand: Brand) -> None:
    plugin = Plugin(guarded_file, limits=Limits(memory=4 << 20))
    with Connector(plugin, [brand.names["origin"]]) as connector:
        connector.configure(brand.settings)
        progress = connector.access(ADA)
        assert isinstance(progress, Pending)
        task = Task(ADA, progress.ticket)
        with pytest.raises(CallLost, match="poll ended without an answer"):
            # More than its memory holds.
            connector.poll([task] * 10_000)
        [answer] = connector.poll([task])
        assert isinstance(answer, Pending)
        assert connector.check([Right.ACCESS]).tenant


def test_a_trap_is_told_each_time_and_does_not_end_the_process() -> None:
    connector = Connector(Plugin(hostile.plugin("unreachable"), guarded=False), None)
    for _ in range(2):
        with pytest.raises(CallLost, match="describe ended without an answer"):
            connector.describe()


def test_a_call_that_computes_for_ever_is_stopped() -> None:
    plugin = Plugin(hostile.plugin("(loop $on (br $on))"), guarded=False, limits=Limits(call_seconds=0))
    with pytest.raises(CallLost, match="describe ended without an answer"):
        Connector(plugin, None).describe()


def test_an_answer_that_is_too_large_for_the_runtime_is_no_answer() -> None:
    connector = Connector(Plugin(hostile.answering(3 << 20), guarded=False), None)
    for _ in range(2):
        with pytest.raises(CallLost, match="describe ended without an answer") as lost:
            connector.describe()
        # Each time for its size, so each time on a fresh instance.
        assert "too much data" in str(lost.value.__cause__)
    with pytest.raises(CallLost, match="what the contract does not have"):
        Connector(Plugin(hostile.answering(1 << 10), guarded=False), None).describe()


def test_an_answer_that_is_not_in_the_contract_is_no_answer() -> None:
    with pytest.raises(CallLost, match="describe answered what the contract does not have"):
        Connector(Plugin(hostile.plugin(""), guarded=False), None).describe()


@pytest.mark.parametrize("more", ["wasi:sockets/tcp-create-socket@0.2.0", "wasi:filesystem/preopens@0.2.0", "acme:x/y"])
def test_a_file_that_asks_for_more_than_a_connector_may_have_is_refused(more: str) -> None:
    file = hostile.plugin("", imports=f'(import "{more}" (instance))')
    for guarded in (True, False):
        with pytest.raises(NotAPlugin, match=f"asks for more than a connector may have: {more.partition('@')[0]}"):
            Plugin(file, guarded=guarded)


def test_a_file_without_a_guard_is_loaded_only_where_the_network_limits_egress(
    plain_file: bytes, guarded_file: bytes
) -> None:
    with pytest.raises(NotAPlugin, match="has no egress guard"):
        Plugin(plain_file)
    with pytest.raises(NotAPlugin, match="has an egress guard"):
        Plugin(guarded_file, guarded=False)


def test_what_is_no_connector_is_refused(plain_file: bytes) -> None:
    with pytest.raises(NotAPlugin, match="this is no component"):
        Plugin(plain_file[:1000])
    with pytest.raises(NotAPlugin, match="exports no connector at all"):
        Plugin(hostile.plugin("", interface="acme:x/y"))


def test_a_file_that_does_not_fit_into_its_limits_is_told_as_such(guarded_file: bytes) -> None:
    plugin = Plugin(guarded_file, limits=Limits(memory=1 << 16))
    with pytest.raises(NotAPlugin, match="within the limits"):
        Connector(plugin, []).describe()


def test_settings_that_are_refused_leave_those_before_in_force(plugin: Plugin, brand: Brand) -> None:
    with Connector(plugin, [brand.names["origin"]]) as connector:
        with pytest.raises(ConnectorError) as refused:
            connector.configure({"datacenter-id": "fra1"})
        assert refused.value.error.kind is ErrorKind.INVALID_SETTINGS
        assert str(refused.value) == refused.value.error.message
        connector.configure(brand.settings)
        with pytest.raises(ConnectorError):
            connector.configure({"datacenter-id": "fra1"})
        connector.close()
        assert connector.check([Right.ACCESS]).tenant


def test_connectors_in_threads_serve_their_own_connections(plugin: Plugin, control: str) -> None:
    names = [f"person{number}@example.org" for number in range(8)]
    together = threading.Barrier(len(names))

    def serve(name: str) -> tuple[list[str], Report]:
        with Brand.order(control, {"brand": {"people": [{"emails": [name]}]}}) as brand:
            with Connector(plugin, [brand.names["origin"]]) as connector:
                connector.configure(brand.settings)
                together.wait()
                # An earlier attempt is looked for, which changes nothing here.
                report = finished(connector, brand, Request("dsr-1", [Email(name)], first_attempt_at=0))
                return [name for job in brand.seen()["exports"] for name in job["emails"]], report

    with ThreadPoolExecutor(len(names)) as threads:
        served = list(threads.map(serve, names))
    assert [exported for exported, _ in served] == [[name] for name in names]


def test_a_call_that_waits_keeps_no_other_thread_waiting(plugin: Plugin, brand: Brand, waiting: Waiting) -> None:
    taken, until = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as threads, Connector(plugin, [waiting.origin]) as slow:
        slow.configure({**brand.settings, "base-url": waiting.origin})
        threads.submit(waiting.hang_up, taken, until)
        checked = threads.submit(slow.check, [Right.ACCESS])
        assert taken.wait(30)
        with Connector(plugin, [brand.names["origin"]]) as connector:
            connector.configure(brand.settings)
            assert connector.check([Right.ACCESS]).tenant
        assert not checked.done()
        until.set()
        with pytest.raises(ConnectorError):
            checked.result()


def test_threads_that_share_a_connector_take_turns(plugin: Plugin, brand: Brand) -> None:
    with Connector(plugin, [brand.names["origin"]]) as connector, ThreadPoolExecutor(8) as threads:
        connector.configure(brand.settings)
        checks = [threads.submit(connector.check, [Right.ACCESS]) for _ in range(32)]
        accounts = {check.result().account for check in checks}
    assert len(accounts) == 1
    assert brand.seen()["calls"]["token"] == 1


def test_a_document_is_read_to_its_end_from_any_offset(plugin: Plugin, control: str) -> None:
    people = [{"emails": ["ada@example.org"], "export-bytes": 200_000}]
    with Brand.order(control, {"brand": {"people": people}}) as brand:
        with Connector(plugin, [brand.names["origin"]]) as connector:
            connector.configure(brand.settings)
            documents = finished(connector, brand, ADA).documents
            assert {type(document.content) for document in documents} == {Remote, Inline}
            for document in documents:
                whole = b"".join(connector.bytes_of(document))
                assert len(whole) == document.size
                assert b"".join(connector.bytes_of(document, 100)) == whole[100:]


def test_the_largest_answer_that_the_contract_has_comes_across(plugin: Plugin, control: str) -> None:
    directories = [f"POOL_{number:02}" for number in range(40)]
    people = [{"emails": ["ada@example.org"], "embedded-data": {"note": "a" * 30_000}}]
    with Brand.order(control, {"brand": {"directories": directories, "people": people}}) as brand:
        with Connector(plugin, [brand.names["origin"]]) as connector:
            connector.configure(brand.settings)
            documents = finished(connector, brand, ADA).documents
    inline = [len(document.content.data) for document in documents if isinstance(document.content, Inline)]
    # One more would be more than 1 MiB, so others are remote.
    assert sum(inline) <= 1 << 20 < sum(inline) + max(inline)
    assert len(documents) == len(directories) > len(inline)


def test_numbers_that_do_not_fit_are_refused_before_they_are_cut_off(plugin: Plugin) -> None:
    connector = Connector(plugin, [])
    for offset, limit in ((-1, 1), (1 << 64, 1), (0, -1), (0, 1 << 32)):
        with pytest.raises(ValueError, match="an offset has 64 bits"):
            connector.read("reference", offset, limit)
    for second in (-1, 1 << 64):
        with pytest.raises(ValueError, match="whole seconds"):
            Request("dsr-1", [], first_attempt_at=second)


def test_what_is_printed_holds_no_name_and_no_secret(plugin: Plugin, brand: Brand) -> None:
    with Connector(plugin, [brand.names["origin"]]) as connector:
        connector.configure(brand.settings)
        report = finished(connector, brand, ADA)
        shown = repr((ADA, report, Setting("client-secret", brand.names["client-secret"]), connector, vars(connector)))
    assert "ada@" not in shown
    assert brand.names["client-secret"] not in shown


def test_a_deletion_is_asked_for_in_so_many_words(plugin: Plugin, brand: Brand) -> None:
    with Connector(plugin, [brand.names["origin"]]) as connector:
        connector.configure(brand.settings)
        with pytest.raises(TypeError):
            connector.delete(ADA)  # type: ignore[call-arg]
        assert isinstance(connector.delete(ADA, DeletionMode.PREVIEW), Pending)
    assert [job["search-only"] for job in brand.seen()["erasures"]] == [True]
