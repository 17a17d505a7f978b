"""Programs that run in the background, and their output."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

STARTED_WITHIN_S = 120


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """A program in a session of its own, so that its children end with it. It inherits PATH and HOME alone."""

    def __init__(self, command: list, environment: dict[str, str] | None = None, directory: Path | None = None):
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.log = tempfile.NamedTemporaryFile("w+")
        self.process = subprocess.Popen(
            [str(word) for word in command],
            env=inherited | (environment or {}),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def output(self) -> str:
        return Path(self.log.name).read_text()

    def wait_for_output(self, pattern: str) -> re.Match:
        """Waits for a line that matches, and returns the match."""
        deadline = time.monotonic() + STARTED_WITHIN_S
        while time.monotonic() < deadline:
            if match := re.search(pattern, self.output()):
                return match
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.process.args} ended with {self.process.returncode}:\n{self.output()}")
            time.sleep(0.05)
        raise TimeoutError(f"{self.process.args} did not print {pattern}:\n{self.output()}")

    def wait_for_port(self, port: int) -> None:
        deadline = time.monotonic() + STARTED_WITHIN_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.process.args} ended with {self.process.returncode}:\n{self.output()}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise TimeoutError(f"{self.process.args} does not listen on {port}:\n{self.output()}")

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()
