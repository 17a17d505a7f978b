"""The program `python -m privacy_host` fulfils access and deletion requests, also after interruptions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from privacy_host import Connector, Entry, ErrorKind, Plugin
from privacy_host.__main__ import main
from privacy_host.request_directory import RequestDirectory

from .clock import Clock
from .pattern import Json
from .scenario import Brand

Program = Callable[..., int]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "dsr"


@pytest.fixture
def program(plugin: Plugin, brand: Brand, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Runs the program against the brand, whose clock advances while it waits; returns its exit code."""
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps(brand.settings))
    Clock(monkeypatch, brand)
    monkeypatch.setattr(Plugin, "bundled", lambda: plugin)
    connection = ["--settings", str(settings), "--origin", brand.names["origin"]]
    request = ["--id", "dsr-1", "--email", "ada@example.org", "--out", str(out)]

    def run(command: str, *more: str) -> int:
        return main([command, *connection, *more, *(request if command != "check" else [])])

    return run


def script(brand: Brand, endpoint: str, occurrence: Json, fault: Json) -> None:
    brand.change({"faults": [{"endpoint": endpoint, "occurrence": occurrence, "fault": fault}]})


def test_check_names_the_tenant(program: Program, capsys: pytest.CaptureFixture[str]) -> None:
    assert program("check", "--right", "access") == 0
    assert capsys.readouterr().out == "connected to examplebrand\n"


def test_an_access_request_stores_ticket_report_and_documents(program: Program, out: Path) -> None:
    assert program("access") == 0
    names = sorted(str(file.relative_to(out)) for file in out.rglob("*"))
    assert names == [
        "documents",
        "documents/contact-0001-POOLcustomers.json",
        "documents/email-history-0002-POOLcustomers.json",
        "documents/export-01.json",
        "documents/response-history-0003-POOLcustomers.json",
        "entry.json",
        "lock",
        "report.json",
    ]
    assert b"The staff were kind." in (out / "documents/export-01.json").read_bytes()
    report = json.loads((out / "report.json").read_text())
    assert report["outcome"] == "found"
    assert [document["name"] for document in report["documents"]] == [
        "export-01.json",
        "contact-0001-POOLcustomers.json",
        "email-history-0002-POOLcustomers.json",
        "response-history-0003-POOLcustomers.json",
    ]
    assert "ada@example.org" not in (out / "entry.json").read_text()


def test_files_are_readable_by_their_owner_only(program: Program, out: Path) -> None:
    before = os.umask(0)
    try:
        assert program("access") == 0
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in out.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (out, out / "documents")} == {0o700}


def test_a_deletion_is_verified_after_its_preview(program: Program, brand: Brand, out: Path) -> None:
    assert program("delete", "--mode", "preview") == 0
    assert json.loads((out / "report.json").read_text())["outcome"] == "previewed"
    # Each operation has a directory of its own.
    with pytest.raises(ValueError, match="another request"):
        program("delete", "--mode", "erase-and-verify")
    assert [job["search-only"] for job in brand.seen()["erasures"]] == [True]


def test_an_interrupted_deletion_continues_without_a_second_erasure(
    program: Program, brand: Brand, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = Connector.delete

    def interrupted(*arguments: object) -> None:
        delete(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(Connector, "delete", interrupted)
    with pytest.raises(KeyboardInterrupt):
        program("delete", "--mode", "erase-and-verify")
    monkeypatch.setattr(Connector, "delete", delete)
    assert Entry.from_json((out / "entry.json").read_text()).attempt_at is not None
    assert program("delete", "--mode", "erase-and-verify") == 0
    assert json.loads((out / "report.json").read_text())["outcome"] == "verified"
    assert len([job for job in brand.seen()["erasures"] if not job["search-only"]]) == 1
    # The finished request is not started again.
    assert program("delete", "--mode", "erase-and-verify") == 0
    assert len([job for job in brand.seen()["erasures"] if not job["search-only"]]) == 1


def test_transient_errors_are_retried_and_permanent_ones_end_the_program(
    program: Program, brand: Brand, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(brand, "export-create", {"nth": 1}, {"status": [403, "none"]})
    assert program("access") == 1
    assert ErrorKind.FORBIDDEN.value in capsys.readouterr().err
    script(brand, "export-create", {"first": 2}, {"status": [429, {"seconds": 90}]})
    # An operator has corrected the cause: the same command continues.
    assert program("access") == 0
    assert (out / "documents/export-01.json").exists()


def test_a_directory_is_used_by_one_process_at_a_time(program: Program, out: Path) -> None:
    with RequestDirectory(out), pytest.raises(BlockingIOError, match="another process"):
        program("access")
