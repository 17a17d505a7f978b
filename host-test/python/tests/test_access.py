"""The example program `access.py` completes an access request, also after faults."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import access
from privacy_host import CallLost, Connector, ConnectorError, ErrorKind

from .pattern import Json
from .scenario import Brand

Program = Callable[[], dict[str, bytes]]


@pytest.fixture
def program(guarded_file: bytes, brand: Brand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Runs the program against the brand, whose clock advances while it sleeps; returns the files that it wrote."""
    plugin, settings, out = tmp_path / "qualtrics.wasm", tmp_path / "settings.json", tmp_path / "documents"
    plugin.write_bytes(guarded_file)
    settings.write_text(json.dumps(brand.settings))
    monkeypatch.setattr(time, "sleep", lambda seconds: brand.change({"advance": seconds}))
    arguments = [str(plugin), str(settings), "ada@example.org", "--origin", brand.names["origin"], "--out", str(out)]

    def run() -> dict[str, bytes]:
        access.main(arguments)
        return {file.name: file.read_bytes() for file in out.iterdir()}

    return run


def test_documents_are_saved(program: Program, capsys: pytest.CaptureFixture[str]) -> None:
    documents = program()
    assert documents and all(b"ada@example.org" in content for content in documents.values())
    printed = capsys.readouterr().out
    assert "connected to examplebrand\nexporting; next poll in " in printed
    assert "\nfound; " in printed
    assert all(name in printed for name in documents)


@pytest.mark.parametrize(
    ("endpoint", "fault"),
    [
        ("export-create", {"status": [429, {"seconds": 90}]}),
        ("export-create", "reset-after-effect"),
        ("export-progress", {"status": [503, "none"]}),
    ],
)
def test_transient_faults_are_retried(program: Program, brand: Brand, endpoint: str, fault: Json) -> None:
    brand.change({"faults": [{"endpoint": endpoint, "occurrence": {"first": 3}, "fault": fault}]})
    assert program()
    assert brand.seen()["calls"][endpoint] >= 4


@pytest.mark.parametrize(
    ("endpoint", "nth", "status", "kind"),
    [("export-create", 1, 400, ErrorKind.UNEXPECTED_RESPONSE), ("export-progress", 2, 403, ErrorKind.FORBIDDEN)],
)
def test_permanent_errors_end_the_program(
    program: Program, brand: Brand, endpoint: str, nth: int, status: int, kind: ErrorKind
) -> None:
    # The connection test has already requested the progress of an export once.
    fault = {"endpoint": endpoint, "occurrence": {"nth": nth}, "fault": {"status": [status, "none"]}}
    brand.change({"faults": [fault]})
    with pytest.raises(ConnectorError) as raised:
        program()
    assert raised.value.error.kind is kind


def test_lost_calls_are_repeated(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[str] = []

    def lose_first_call(name: str) -> None:
        call = getattr(Connector, name)

        def losing(connector: Connector, *arguments: object) -> object:
            result = call(connector, *arguments)
            if name not in lost:
                lost.append(name)
                connector.close()
                raise CallLost(f"{name} ended without a result")
            return result

        monkeypatch.setattr(Connector, name, losing)

    lose_first_call("access")
    lose_first_call("poll")
    assert program()
    assert lost == ["access", "poll"]
