"""Where a connector's requests may go is up to the guard, and the guard does what this host tells it."""

from __future__ import annotations

import threading

import pytest

from privacy_host import Connector, ConnectorError, Error, ErrorKind, Operator, Plugin, Right

from .scenario import Brand
from .waiting import Waiting


def checked(plugin: Plugin, settings: dict[str, str], origins: list[str] | None) -> Error | None:
    """What the connection test says is wrong."""
    with Connector(plugin, origins) as connector:
        connector.configure(settings)
        try:
            connector.check([Right.ACCESS, Right.DELETION])
        except ConnectorError as error:
            return error.error
    return None


def assert_stopped(error: Error | None, origin: str) -> None:
    assert error is not None, "it was not stopped"
    assert (error.kind, error.remedy) == (ErrorKind.UNAVAILABLE, Operator())
    assert [(problem.code, problem.subject) for problem in error.problems] == [("egress", origin)]


def test_a_plugin_that_calls_where_it_may_is_not_hindered(plugin: Plugin, brand: Brand) -> None:
    origin = brand.names["origin"]
    for origins in ([origin], ["https://*.qualtrics.com", origin]):
        assert checked(plugin, brand.settings, origins) is None


def test_a_plugin_that_calls_elsewhere_is_stopped(plugin: Plugin, brand: Brand, waiting: Waiting) -> None:
    settings = {**brand.settings, "base-url": waiting.origin}
    assert_stopped(checked(plugin, settings, [brand.names["origin"]]), waiting.origin)
    assert not waiting.was_called()
    assert brand.seen()["calls"]["token"] == 0


@pytest.mark.parametrize(
    "origins", [[], ["*"], ["http://127.0.0.1"], ["http://127.0.0.1:1"], ["https://*.qualtrics.com"]]
)
def test_what_the_list_does_not_say_is_denied(
    plugin: Plugin, brand: Brand, waiting: Waiting, origins: list[str]
) -> None:
    assert_stopped(checked(plugin, {**brand.settings, "base-url": waiting.origin}, origins), waiting.origin)
    assert not waiting.was_called()


def test_one_wrong_origin_denies_all(plugin: Plugin, brand: Brand, waiting: Waiting) -> None:
    origins = [waiting.origin, f"{waiting.origin}/"]
    assert_stopped(checked(plugin, {**brand.settings, "base-url": waiting.origin}, origins), waiting.origin)
    assert not waiting.was_called()


def test_without_the_guard_nothing_but_the_network_would_stop_it(
    plain_file: bytes, brand: Brand, waiting: Waiting
) -> None:
    plugin = Plugin(plain_file, guarded=False)
    assert checked(plugin, brand.settings, None) is None
    called = threading.Thread(target=waiting.hang_up)
    called.start()
    error = checked(plugin, {**brand.settings, "base-url": waiting.origin}, None)
    called.join()
    assert error is not None and error.kind is ErrorKind.UNAVAILABLE and not error.problems


def test_an_origin_that_would_be_two_is_refused(plugin: Plugin) -> None:
    for origins in (["https://fra1.qualtrics.com,https://example.org"], "https://fra1.qualtrics.com"):
        with pytest.raises(ValueError, match="elements of a list"):
            Connector(plugin, origins)


def test_origins_are_for_a_guarded_plugin_and_no_other(plugin: Plugin, plain_file: bytes) -> None:
    with pytest.raises(ValueError, match="needs origins"):
        Connector(plugin, None)
    with pytest.raises(ValueError, match="needs origins"):
        Connector(Plugin(plain_file, guarded=False), ["https://*.qualtrics.com"])
