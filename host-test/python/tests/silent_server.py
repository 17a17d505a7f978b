"""A server that sends no response."""

from __future__ import annotations

import socket
from threading import Event


class SilentServer:
    """Accepts connections, and closes them without a response."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def was_called(self) -> bool:
        """Whether a connection is in the queue. The kernel completes connections before they are accepted."""
        self._socket.setblocking(False)
        try:
            self._socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def accept_one(self, accepted: Event | None = None, hang_up: Event | None = None) -> None:
        """Accepts one connection, sets `accepted`, closes it after `hang_up`, and stops listening."""
        self._socket.settimeout(30)
        with self._socket.accept()[0]:
            if accepted is not None:
                accepted.set()
            if hang_up is not None:
                hang_up.wait(30)
        self._socket.close()

    def close(self) -> None:
        self._socket.close()
