"""The egress guard limits where a connector's requests may go, as this host configures it."""

from __future__ import annotations

import threading

import pytest

from privacy_host import Connector, ConnectorError, Error, ErrorKind, Operator, Plugin, Right

from .scenario import Brand
from .silent_server import SilentServer


def check(plugin: Plugin, settings: dict[str, str], origins: list[str] | None) -> Error | None:
    """The error of the connection test."""
    with Connector(plugin, origins) as connector:
        connector.configure(settings)
        try:
            connector.check([Right.ACCESS, Right.DELETION])
        except ConnectorError as error:
            return error.error
    return None


def assert_denied(error: Error | None, origin: str) -> None:
    assert error is not None, "the call succeeded"
    assert (error.kind, error.remedy) == (ErrorKind.UNAVAILABLE, Operator())
    assert [(problem.code, problem.target) for problem in error.problems] == [("egress", origin)]


def test_permitted_origins_are_called(plugin: Plugin, brand: Brand) -> None:
    origin = brand.names["origin"]
    for origins in ([origin], ["https://*.qualtrics.com", origin]):
        assert check(plugin, brand.settings, origins) is None


def test_another_origin_is_never_called(plugin: Plugin, brand: Brand, silent_server: SilentServer) -> None:
    settings = {**brand.settings, "base-url": silent_server.origin}
    assert_denied(check(plugin, settings, [brand.names["origin"]]), silent_server.origin)
    assert not silent_server.was_called()
    assert brand.seen()["calls"]["token"] == 0


@pytest.mark.parametrize(
    "origins", [[], ["*"], ["http://127.0.0.1"], ["http://127.0.0.1:1"], ["https://*.qualtrics.com"]]
)
def test_origins_that_are_not_listed_are_denied(
    plugin: Plugin, brand: Brand, silent_server: SilentServer, origins: list[str]
) -> None:
    settings = {**brand.settings, "base-url": silent_server.origin}
    assert_denied(check(plugin, settings, origins), silent_server.origin)
    assert not silent_server.was_called()


def test_one_malformed_origin_denies_all(plugin: Plugin, brand: Brand, silent_server: SilentServer) -> None:
    settings = {**brand.settings, "base-url": silent_server.origin}
    origins = [silent_server.origin, f"{silent_server.origin}/"]
    assert_denied(check(plugin, settings, origins), silent_server.origin)
    assert not silent_server.was_called()


def test_a_plugin_without_a_guard_calls_any_origin(
    plain_file: bytes, brand: Brand, silent_server: SilentServer
) -> None:
    plugin = Plugin(plain_file, guarded=False)
    assert check(plugin, brand.settings, None) is None
    accepting = threading.Thread(target=silent_server.accept_one)
    accepting.start()
    error = check(plugin, {**brand.settings, "base-url": silent_server.origin}, None)
    accepting.join()
    assert error is not None and error.kind is ErrorKind.UNAVAILABLE and not error.problems


def test_a_list_that_would_be_split_at_a_comma_is_rejected(plugin: Plugin) -> None:
    for origins in (["https://fra1.qualtrics.com,https://example.org"], "https://fra1.qualtrics.com"):
        with pytest.raises(ValueError, match="without commas"):
            Connector(plugin, origins)


def test_origins_are_for_guarded_plugins_only(plugin: Plugin, plain_file: bytes) -> None:
    with pytest.raises(ValueError, match="origins are required"):
        Connector(plugin, None)
    with pytest.raises(ValueError, match="origins are required"):
        Connector(Plugin(plain_file, guarded=False), ["https://*.qualtrics.com"])
