"""One connection of a customer to one vendor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any

from wasmtime import Trap, WasmtimeError

from .contract import (
    Chunk,
    Connection,
    DeletionMode,
    Document,
    Error,
    Inline,
    Manifest,
    Progress,
    Request,
    Right,
    Setting,
    Task,
)
from .entry import Entry, Operation
from .errors import CallLost, ConnectorError
from .follow import Follower
from .plugin import Instance, Plugin
from .values import lift, lift_result, lower

CHUNK_SIZE = 64 << 10
"""How many bytes `read` requests by default. A connector may return fewer."""


class Connector:
    """The functions of the contract, on an instance of its own.

    `access`, `delete`, `opt_out` and `poll` return one result per element, in the same order: a `Pending`, a `Report` or an
    `Error`. The other functions raise an error of the contract as `ConnectorError`.

    If a call ends without a result, `CallLost` is raised. The next call creates a new instance with the same settings.
    Tickets remain valid.

    An instance serves one call at a time: other threads wait. Use one `Connector` per thread to make calls concurrently.
    """

    def __init__(self, plugin: Plugin, origins: Sequence[str] | None) -> None:
        """`origins` are the origins that a guarded plugin may call: `https://fra1.example.com` or `https://*.example.com`;
        an empty list denies all. `describe().egress` lists what the connector may need. For a plugin without a guard,
        `origins` is None."""
        if plugin.guarded != (origins is not None):
            raise ValueError("origins are required for a guarded plugin, and have no effect on any other")
        if isinstance(origins, str) or any("," in origin for origin in origins or ()):
            raise ValueError("origins must be a list of strings without commas")
        self._plugin = plugin
        self._origins = None if origins is None else tuple(origins)
        self._settings: list[Setting] | None = None
        self._instance: Instance | None = None
        self._lock = threading.Lock()

    def describe(self) -> Manifest:
        """Describes the connector. Makes no network call."""
        manifest: Manifest = self._call(partial(lift, Manifest), "describe")
        return manifest

    def configure(self, settings: Mapping[str, str]) -> None:
        """Applies settings: all of them or none. Makes no network call."""
        applied = [Setting(key, value) for key, value in settings.items()]
        self._call(partial(_lift_or_raise, type(None)), "configure", applied)
        self._settings = applied

    def check(self, rights: Sequence[Right]) -> Connection:
        """Tests the connection and every permission that these rights need."""
        connection: Connection = self._call(partial(_lift_or_raise, Connection), "check", list(rights))
        return connection

    def access(self, requests: Sequence[Request]) -> list[Progress | Error]:
        """Starts access requests."""
        return self._call_for_each("access", requests)

    def delete(self, requests: Sequence[Request], mode: DeletionMode) -> list[Progress | Error]:
        """Starts deletion requests. Note the second before the call: after `CallLost` or `outcome-unknown`, pass it to
        `Request.attempted`, and repeat the call with the requests that this returns."""
        return self._call_for_each("delete", requests, mode)

    def opt_out(self, requests: Sequence[Request]) -> list[Progress | Error]:
        """Carries out opt-out requests."""
        return self._call_for_each("opt-out", requests)

    def poll(self, tasks: Sequence[Task]) -> list[Progress | Error]:
        """Advances pending requests. Poll requests with the same `Pending.group` in one call."""
        return self._call_for_each("poll", tasks)

    def read(self, reference: str, offset: int, limit: int = CHUNK_SIZE) -> Chunk:
        """Reads a piece of a remote document."""
        # The package `wasmtime` truncates larger numbers silently.
        if not (0 <= offset < 1 << 64 and 0 <= limit < 1 << 32):
            raise ValueError("an offset has 64 bits, a limit 32")
        chunk: Chunk = self._call(partial(_lift_or_raise, Chunk), "read", reference, offset, limit)
        return chunk

    def bytes_of(self, document: Document, offset: int = 0) -> Iterator[bytes]:
        """The bytes of a document from this offset, in pieces. After an error, continue from the offset reached."""
        if isinstance(document.content, Inline):
            yield document.content.data[offset:]
            return
        last = False
        while not last:
            chunk = self.read(document.content.reference, offset)
            offset += len(chunk.bytes)
            last = chunk.last
            if not chunk.bytes and not last:
                raise CallLost("read returned no byte before the end of the document")
            yield chunk.bytes

    def follow(self, requests: Iterable[Request], operation: Operation = Right.ACCESS) -> Follower:
        """Follows new requests to their end: see `Follower`. A deletion is followed if `operation` is its mode."""
        return self.resume(Entry(request, operation) for request in requests)

    def resume(self, entries: Iterable[Entry]) -> Follower:
        """Follows requests from their stored state to their end."""
        return Follower(self, entries)

    def close(self) -> None:
        """Drops the instance and closes its connections. Another call creates a new instance."""
        with self._lock:
            self._drop()

    def __enter__(self) -> Connector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call_for_each(self, name: str, elements: Sequence[Request | Task], *more: Any) -> list[Progress | Error]:
        """Calls a function that takes a list and returns one result per element."""
        given = list(elements)

        def lift_results(values: Any) -> list[Progress | Error]:
            if len(values) != len(given):
                raise ValueError(f"{len(values)} results for {len(given)} elements")
            return [lift_result(Progress, value) for value in values]

        results: list[Progress | Error] = self._call(lift_results, name, given, *more)
        return results

    def _call(self, lift_returned: Callable[[Any], Any], name: str, *arguments: Any) -> Any:
        """Calls a function, on a new instance if there is none."""
        lowered = [lower(argument) for argument in arguments]
        with self._lock:
            if self._instance is None:
                self._instance = self._plugin.instantiate(self._origins)
                if self._settings is not None and name != "configure":
                    self._call_instance(self._instance, "configure", lower(self._settings))
            returned = self._call_instance(self._instance, name, *lowered)
        try:
            return lift_returned(returned)
        except (TypeError, ValueError) as error:
            raise CallLost(f"{name} returned a value that the contract does not allow") from error

    def _call_instance(self, instance: Instance, name: str, *lowered: Any) -> Any:
        self._plugin.begin_call(instance.store)
        try:
            return instance.functions[name](instance.store, *lowered)
        except (Trap, WasmtimeError) as error:
            self._drop()
            raise CallLost(f"{name} ended without a result") from error

    def _drop(self) -> None:
        if self._instance is not None:
            self._instance.store.close()
            self._instance = None


def _lift_or_raise(hint: Any, returned: Any) -> Any:
    lifted = lift_result(hint, returned)
    if isinstance(lifted, Error):
        raise ConnectorError(lifted)
    return lifted
