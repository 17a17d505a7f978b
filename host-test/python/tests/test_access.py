"""The example of an access request does what it promises, whatever goes wrong on the way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import access
from privacy_host import CallLost, Connector, ConnectorError, ErrorKind, Progress, Request

from .pattern import Json
from .scenario import Brand

Example = Callable[[], dict[str, bytes]]


@pytest.fixture
def example(guarded_file: bytes, brand: Brand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Example:
    """Runs the example against the brand, whose clock goes on while it sleeps; gives the files that it wrote."""
    plugin, settings, out = tmp_path / "qualtrics.wasm", tmp_path / "settings.json", tmp_path / "answer"
    plugin.write_bytes(guarded_file)
    settings.write_text(json.dumps(brand.settings))
    monkeypatch.setattr(time, "sleep", lambda seconds: brand.change({"advance": seconds}))
    arguments = [str(plugin), str(settings), "ada@example.org", "--origin", brand.names["origin"], "--out", str(out)]

    def run() -> dict[str, bytes]:
        access.main(arguments)
        return {file.name: file.read_bytes() for file in out.iterdir()}

    return run


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each time that the request is begun, whether an earlier attempt is to be looked for."""
    begun: list[bool] = []
    access_by = Connector.access

    def noting(connector: Connector, request: Request) -> Progress:
        begun.append(request.first_attempt_at is not None)
        return access_by(connector, request)

    monkeypatch.setattr(Connector, "access", noting)
    return begun


def test_it_ends_with_documents(example: Example, capsys: pytest.CaptureFixture[str]) -> None:
    documents = example()
    assert documents and all(b"ada@example.org" in content for content in documents.values())
    said = capsys.readouterr().out
    assert "connected to examplebrand\nexporting; next look in " in said
    assert "\nfound; " in said
    assert all(name in said for name in documents)


@pytest.mark.parametrize(
    ("endpoint", "fault", "expected_attempts"),
    [
        ("export-create", {"status": [429, {"seconds": 90}]}, [False, False, False, False]),
        ("export-create", "reset-after-effect", [False, True, True, True]),
        ("export-create", "html", [False, True, True, True]),
        ("export-progress", {"status": [503, "none"]}, [False]),
    ],
)
def test_it_gets_over_faults_that_pass(
    example: Example, brand: Brand, attempts: list[bool], endpoint: str, fault: Json, expected_attempts: list[bool]
) -> None:
    brand.change({"faults": [{"endpoint": endpoint, "occurrence": {"first": 3}, "fault": fault}]})
    assert example()
    assert brand.seen()["calls"][endpoint] >= 4
    assert attempts == expected_attempts


@pytest.mark.parametrize(
    ("endpoint", "nth", "status", "kind"),
    [("export-create", 1, 400, ErrorKind.PROTOCOL), ("export-progress", 2, 403, ErrorKind.FORBIDDEN)],
)
def test_it_tells_what_will_not_pass(
    example: Example, brand: Brand, endpoint: str, nth: int, status: int, kind: ErrorKind
) -> None:
    # The connection test has already asked once for the progress of an export.
    fault = {"endpoint": endpoint, "occurrence": {"nth": nth}, "fault": {"status": [status, "none"]}}
    brand.change({"faults": [fault]})
    with pytest.raises(ConnectorError) as told:
        example()
    assert told.value.error.kind is kind


def test_it_goes_on_after_calls_that_were_lost(
    example: Example, attempts: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []

    def lose_the_first(name: str) -> None:
        call = getattr(Connector, name)

        def losing(connector: Connector, *arguments: object) -> object:
            answer = call(connector, *arguments)
            if name not in lost:
                lost.append(name)
                connector.close()
                raise CallLost(f"{name} ended without an answer")
            return answer

        monkeypatch.setattr(Connector, name, losing)

    lose_the_first("access")
    lose_the_first("poll")
    assert example()
    assert lost == ["access", "poll"]
    assert attempts == [False, True]
