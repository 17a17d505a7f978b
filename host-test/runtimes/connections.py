"""Counts the connections to an origin."""

import socket
import threading
from urllib.parse import urlsplit


class ConnectionCounter:
    """A TCP proxy on another port."""

    def __init__(self, origin: str):
        parts = urlsplit(origin)
        self.target = (parts.hostname, parts.port)
        self.count = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def _accept(self) -> None:
        with self.listener:
            while True:
                try:
                    client = self.listener.accept()[0]
                except OSError:
                    return
                self.count += 1
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self.target) as server:
            sending = threading.Thread(target=self._forward, args=(client, server), daemon=True)
            sending.start()
            self._forward(server, client)
            sending.join()

    @staticmethod
    def _forward(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            # The other direction has ended with an error, too.
            pass

    def end(self) -> None:
        # Ends the wait of the thread that accepts.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
