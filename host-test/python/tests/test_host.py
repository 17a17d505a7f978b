"""The host survives defective plugins, and reports what happened."""

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
    Request,
    Right,
    Setting,
    Task,
    unwrap,
)

from . import hostile
from .complete import complete
from .scenario import Brand
from .silent_server import SilentServer

ADA = Request("dsr-1", [Email("ada@example.org")])


def test_after_a_trap_the_next_call_uses_a_new_instance(guarded_file: bytes, brand: Brand) -> None:
    plugin = Plugin(guarded_file, limits=Limits(memory=4 << 20))
    with Connector(plugin, [brand.names["origin"]]) as connector:
        connector.configure(brand.settings)
        [progress] = connector.access([ADA])
        assert isinstance(progress, Pending)
        task = Task(ADA, progress.ticket)
        with pytest.raises(CallLost, match="poll ended without a result"):
            # The arguments need more memory than the instance may use.
            connector.poll([task] * 10_000)
        [progress] = connector.poll([task])
        assert isinstance(progress, Pending)
        assert connector.check([Right.ACCESS]).tenant


def test_a_trap_is_reported_each_time_and_does_not_end_the_process() -> None:
    connector = Connector(Plugin(hostile.plugin("unreachable"), guarded=False), None)
    for _ in range(2):
        with pytest.raises(CallLost, match="describe ended without a result"):
            connector.describe()


def test_an_endless_computation_is_stopped() -> None:
    plugin = Plugin(hostile.plugin("(loop $on (br $on))"), guarded=False, limits=Limits(call_seconds=0))
    with pytest.raises(CallLost, match="describe ended without a result"):
        Connector(plugin, None).describe()


def test_a_result_that_is_too_large_for_the_runtime_is_a_lost_call() -> None:
    connector = Connector(Plugin(hostile.returning(3 << 20), guarded=False), None)
    for _ in range(2):
        with pytest.raises(CallLost, match="describe ended without a result") as lost:
            connector.describe()
        # The cause is the same each time, hence each call had a new instance.
        assert "too much data" in str(lost.value.__cause__)
    with pytest.raises(CallLost, match="the contract does not allow"):
        Connector(Plugin(hostile.returning(1 << 10), guarded=False), None).describe()


def test_a_result_of_another_type_is_a_lost_call() -> None:
    with pytest.raises(CallLost, match="describe returned a value that the contract does not allow"):
        Connector(Plugin(hostile.plugin(""), guarded=False), None).describe()


def test_a_list_with_another_number_of_results_is_a_lost_call() -> None:
    connector = Connector(Plugin(hostile.returning_results(1), guarded=False), None)
    for call in (connector.access, connector.opt_out, connector.poll):
        with pytest.raises(CallLost, match="the contract does not allow") as lost:
            call([])
        assert str(lost.value.__cause__) == "1 results for 0 elements"
    assert Connector(Plugin(hostile.returning_results(0), guarded=False), None).access([]) == []


@pytest.mark.parametrize(
    "import_name", ["wasi:sockets/tcp-create-socket@0.2.0", "wasi:filesystem/preopens@0.2.0", "acme:x/y"]
)
def test_a_file_that_imports_what_a_connector_may_not_use_is_rejected(import_name: str) -> None:
    file = hostile.plugin("", imports=f'(import "{import_name}" (instance))')
    for guarded in (True, False):
        with pytest.raises(NotAPlugin, match=f"imports what a connector may not use: {import_name.partition('@')[0]}"):
            Plugin(file, guarded=guarded)


def test_a_file_is_loaded_as_guarded_only_if_it_has_a_guard(plain_file: bytes, guarded_file: bytes) -> None:
    with pytest.raises(NotAPlugin, match="has no egress guard"):
        Plugin(plain_file)
    with pytest.raises(NotAPlugin, match="has an egress guard"):
        Plugin(guarded_file, guarded=False)


def test_a_copy_of_the_package_without_a_connector_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privacy_host.plugin.BUNDLED", "absent.wasm")
    with pytest.raises(NotAPlugin, match=r"install the built package, or use Plugin\.load"):
        Plugin.bundled()


def test_a_file_that_is_not_a_connector_is_rejected(plain_file: bytes) -> None:
    with pytest.raises(NotAPlugin, match="not a component"):
        Plugin(plain_file[:1000])
    with pytest.raises(NotAPlugin, match="exports no connector"):
        Plugin(hostile.plugin("", interface="acme:x/y"))


def test_a_file_that_exceeds_the_limits_is_rejected(guarded_file: bytes) -> None:
    plugin = Plugin(guarded_file, limits=Limits(memory=1 << 16))
    with pytest.raises(NotAPlugin, match="within the limits"):
        Connector(plugin, []).describe()


def test_rejected_settings_leave_the_previous_ones_in_force(plugin: Plugin, brand: Brand) -> None:
    with Connector(plugin, [brand.names["origin"]]) as connector:
        with pytest.raises(ConnectorError) as raised:
            connector.configure({"datacenter-id": "fra1"})
        assert raised.value.error.kind is ErrorKind.INVALID_SETTINGS
        assert str(raised.value) == raised.value.error.message
        connector.configure(brand.settings)
        with pytest.raises(ConnectorError):
            connector.configure({"datacenter-id": "fra1"})
        connector.close()
        assert connector.check([Right.ACCESS]).tenant


def test_connectors_in_threads_serve_their_own_connections(plugin: Plugin, control: str) -> None:
    emails = [f"person{number}@example.org" for number in range(8)]
    together = threading.Barrier(len(emails))

    def serve(email: str) -> list[str]:
        with Brand.create(control, {"brand": {"people": [{"emails": [email]}]}}) as brand:
            with Connector(plugin, [brand.names["origin"]]) as connector:
                connector.configure(brand.settings)
                together.wait()
                complete(connector, brand, Request("dsr-1", [Email(email)]))
                return [email for job in brand.seen()["exports"] for email in job["emails"]]

    with ThreadPoolExecutor(len(emails)) as threads:
        exported = list(threads.map(serve, emails))
    assert exported == [[email] for email in emails]


def test_a_call_that_waits_does_not_block_other_threads(
    plugin: Plugin, brand: Brand, silent_server: SilentServer
) -> None:
    accepted, hang_up = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as threads, Connector(plugin, [silent_server.origin]) as slow:
        slow.configure({**brand.settings, "base-url": silent_server.origin})
        threads.submit(silent_server.accept_one, accepted, hang_up)
        checked = threads.submit(slow.check, [Right.ACCESS])
        assert accepted.wait(30)
        with Connector(plugin, [brand.names["origin"]]) as connector:
            connector.configure(brand.settings)
            assert connector.check([Right.ACCESS]).tenant
        assert not checked.done()
        hang_up.set()
        with pytest.raises(ConnectorError):
            checked.result()


def test_threads_that_share_a_connector_wait_for_each_other(plugin: Plugin, brand: Brand) -> None:
    with Connector(plugin, [brand.names["origin"]]) as connector, ThreadPoolExecutor(8) as threads:
        connector.configure(brand.settings)
        checks = [threads.submit(connector.check, [Right.ACCESS]) for _ in range(32)]
        accounts = {check.result().account for check in checks}
    assert len(accounts) == 1
    # One token for the right, and one for each optional scope.
    assert brand.seen()["calls"]["token"] == 3


def test_a_document_is_read_to_its_end_from_any_offset(plugin: Plugin, control: str) -> None:
    people = [{"emails": ["ada@example.org"], "export-bytes": 200_000}]
    with Brand.create(control, {"brand": {"people": people}}) as brand:
        with Connector(plugin, [brand.names["origin"]]) as connector:
            connector.configure(brand.settings)
            documents = complete(connector, brand, ADA).documents
            assert {type(document.content) for document in documents} == {Remote, Inline}
            for document in documents:
                whole = b"".join(connector.bytes_of(document))
                assert len(whole) == document.size
                assert b"".join(connector.bytes_of(document, 100)) == whole[100:]


def test_the_largest_report_that_the_contract_allows_is_returned(plugin: Plugin, control: str) -> None:
    directories = [f"POOL_{number:02}" for number in range(40)]
    people = [{"emails": ["ada@example.org"], "embedded-data": {"note": "a" * 30_000}}]
    with Brand.create(control, {"brand": {"directories": directories, "people": people}}) as brand:
        with Connector(plugin, [brand.names["origin"]]) as connector:
            connector.configure(brand.settings)
            documents = complete(connector, brand, ADA).documents
    inline = [len(document.content.data) for document in documents if isinstance(document.content, Inline)]
    # One more would exceed 1 MiB, so others are remote.
    assert sum(inline) <= 1 << 20 < sum(inline) + max(inline)
    assert len(documents) == len(directories) > len(inline)


def test_numbers_that_do_not_fit_are_rejected_instead_of_truncated(plugin: Plugin) -> None:
    connector = Connector(plugin, [])
    for offset, limit in ((-1, 1), (1 << 64, 1), (0, -1), (0, 1 << 32)):
        with pytest.raises(ValueError, match="an offset has 64 bits"):
            connector.read("reference", offset, limit)


def test_repr_contains_no_identifier_and_no_secret(plugin: Plugin, brand: Brand) -> None:
    with Connector(plugin, [brand.names["origin"]]) as connector:
        connector.configure(brand.settings)
        report = complete(connector, brand, ADA)
        shown = repr((ADA, report, Setting("client-secret", brand.names["client-secret"]), connector, vars(connector)))
    assert "ada@" not in shown
    assert brand.names["client-secret"] not in shown


def test_a_deletion_requires_a_mode(plugin: Plugin, brand: Brand) -> None:
    with Connector(plugin, [brand.names["origin"]]) as connector:
        connector.configure(brand.settings)
        with pytest.raises(TypeError):
            connector.delete([ADA])  # type: ignore[call-arg]
        [progress] = connector.delete([ADA], DeletionMode.PREVIEW)
        assert isinstance(progress, Pending)
    assert [job["search-only"] for job in brand.seen()["erasures"]] == [True]


def test_an_error_of_one_request_is_returned_in_its_place(plugin: Plugin, brand: Brand) -> None:
    with Connector(plugin, [brand.names["origin"]]) as connector:
        connector.configure(brand.settings)
        malformed, progress = connector.access([Request("dsr-2", []), ADA])
    assert isinstance(progress, Pending) and unwrap(progress) is progress
    with pytest.raises(ConnectorError) as raised:
        unwrap(malformed)
    assert raised.value.error is malformed
    assert raised.value.error.kind is ErrorKind.INVALID_REQUEST
