"""A server that answers nothing."""

from __future__ import annotations

import socket
from threading import Event


class Waiting:
    """A server that nobody is to call."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def was_called(self) -> bool:
        """Whether a connection waits. It would, whether anybody takes it or not."""
        self._socket.setblocking(False)
        try:
            self._socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def hang_up(self, taken: Event | None = None, until: Event | None = None) -> None:
        """Takes one connection, says so, ends it when it may, and takes no other."""
        self._socket.settimeout(30)
        with self._socket.accept()[0]:
            if taken is not None:
                taken.set()
            if until is not None:
                until.wait(30)
        self._socket.close()

    def close(self) -> None:
        self._socket.close()
