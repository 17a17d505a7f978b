"""The program that simulates Qualtrics and writes the connector's files, for all tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from privacy_host import Plugin

from .scenario import Brand
from .silent_server import SilentServer

WORKSPACE = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def host_test() -> Path:
    """The program: `PRIVACY`, or that of the debug build."""
    return Path(os.environ.get("PRIVACY", WORKSPACE / "target/debug/privacy"))


@pytest.fixture(scope="session")
def control(host_test: Path) -> Iterator[str]:
    """The origin of the simulator's control API."""
    command = [str(host_test), "simulate", "--control", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdout is not None
        line = simulator.stdout.readline()
        yield json.loads(line)["control"]
        simulator.send_signal(signal.SIGINT)
    assert simulator.returncode == 0


@pytest.fixture(scope="session")
def plain_file(host_test: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The connector alone."""
    return _component(host_test, tmp_path_factory.mktemp("plain") / "qualtrics.wasm")


@pytest.fixture(scope="session")
def guarded_file(host_test: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The connector, composed with the egress guard."""
    return _component(host_test, tmp_path_factory.mktemp("guarded") / "qualtrics.wasm", "--guarded")


@pytest.fixture(scope="session")
def plugin(guarded_file: bytes) -> Plugin:
    return Plugin(guarded_file)


@pytest.fixture
def brand(control: str) -> Iterator[Brand]:
    """A brand that holds data about one person."""
    people = [{"emails": ["ada@example.org"], "responses": 2}]
    with Brand.create(control, {"brand": {"people": people}}) as brand:
        yield brand


@pytest.fixture
def silent_server() -> Iterator[SilentServer]:
    server = SilentServer()
    yield server
    server.close()


def _component(host_test: Path, file: Path, *options: str) -> bytes:
    subprocess.run([str(host_test), "component", "--out", str(file), *options], check=True)
    return file.read_bytes()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    passed = [report for report in terminalreporter.getreports("passed") if "scenario_passes" in report.nodeid]
    if passed:
        terminalreporter.write_line(f"{len(passed)} scenarios passed on the Python host")
