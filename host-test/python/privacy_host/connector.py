"""One connection of a customer to one vendor, by a connector."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from .errors import CallLost, ConnectorError
from .plugin import Instance, Plugin
from .values import lifted, lifted_result, lowered

PIECE = 64 << 10
"""A connector hands no more than this over at once."""


class Connector:
    """The calls of the contract, on an instance of its own.

    What the connector answers as an error is raised as `ConnectorError`, but for `poll`, where each task has an answer
    of its own. When an instance ends without an answer, `CallLost` is raised, and the next call is made on a fresh one
    with the same settings; a ticket is good on either.

    An instance serves one call at a time: other threads wait for their turn. Threads that are not to wait take a
    connector each; calls of different ones run at the same time, without the interpreter's lock.
    """

    def __init__(self, plugin: Plugin, origins: Sequence[str] | None) -> None:
        """`origins` is where its requests may go, for a guarded plugin: `https://fra1.example.com`, say, or
        `https://*.example.com`; an empty list is nowhere. What the connector asks for is `describe().egress`. Where the
        network limits egress, it is None."""
        if plugin.guarded != (origins is not None):
            raise ValueError("a guarded plugin needs origins, and nothing would keep another to them")
        if isinstance(origins, str) or any("," in origin for origin in origins or ()):
            raise ValueError("origins are the elements of a list, each without a comma")
        self._plugin = plugin
        self._origins = None if origins is None else tuple(origins)
        self._settings: list[Setting] | None = None
        self._instance: Instance | None = None
        self._turn = threading.Lock()

    def describe(self) -> Manifest:
        """What the connector is and needs. It makes no call."""
        manifest: Manifest = self._asked(partial(lifted, Manifest), "describe")
        return manifest

    def configure(self, settings: Mapping[str, str]) -> None:
        """Takes the settings, all or none. It makes no call."""
        given = [Setting(key, value) for key, value in settings.items()]
        self._asked(partial(_lifted_or_raised, type(None)), "configure", given)
        self._settings = given

    def check(self, rights: Sequence[Right]) -> Connection:
        """Tests the connection: signs in, and tries every permission that these rights need."""
        connection: Connection = self._asked(partial(_lifted_or_raised, Connection), "check", list(rights))
        return connection

    def access(self, request: Request) -> Progress:
        """Begins an access request."""
        progress: Progress = self._asked(partial(_lifted_or_raised, Progress), "access", request)
        return progress

    def delete(self, request: Request, mode: DeletionMode) -> Progress:
        """Begins a deletion request."""
        progress: Progress = self._asked(partial(_lifted_or_raised, Progress), "delete", request, mode)
        return progress

    def poll(self, tasks: Sequence[Task]) -> list[Progress | Error]:
        """Asks how requests stand: one answer a task, in their order."""
        answers: list[Progress | Error] = self._asked(_lifted_results, "poll", list(tasks))
        return answers

    def read(self, reference: str, offset: int, limit: int = PIECE) -> Chunk:
        """Reads a piece of a remote document."""
        # The package cuts off what does not fit.
        if not (0 <= offset < 1 << 64 and 0 <= limit < 1 << 32):
            raise ValueError("an offset has 64 bits, a limit 32")
        chunk: Chunk = self._asked(partial(_lifted_or_raised, Chunk), "read", reference, offset, limit)
        return chunk

    def bytes_of(self, document: Document, offset: int = 0) -> Iterator[bytes]:
        """The bytes of a document from an offset on, piece by piece. After an error, go on at the offset reached."""
        if isinstance(document.content, Inline):
            yield document.content.data[offset:]
            return
        last = False
        while not last:
            chunk = self.read(document.content.reference, offset)
            offset += len(chunk.bytes)
            last = chunk.last
            if not chunk.bytes and not last:
                raise CallLost("read answered nothing, and more to come")
            yield chunk.bytes

    def close(self) -> None:
        """Drops the instance, and with it its connections. Another call begins a fresh one."""
        with self._turn:
            self._drop()

    def __enter__(self) -> Connector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _asked(self, read: Callable[[Any], Any], name: str, *arguments: Any) -> Any:
        """What a call answered, as `read` reads it."""
        with self._turn:
            if self._instance is None:
                self._instance = self._plugin.instantiate(self._origins)
                if self._settings is not None and name != "configure":
                    self._answer(self._instance, "configure", self._settings)
            answer = self._answer(self._instance, name, *arguments)
        try:
            return read(answer)
        except (TypeError, ValueError) as error:
            raise CallLost(f"{name} answered what the contract does not have") from error

    def _answer(self, instance: Instance, name: str, *arguments: Any) -> Any:
        function = instance.functions[name]
        self._plugin.begin_call(instance.store)
        try:
            return function(instance.store, *map(lowered, arguments))
        except (Trap, WasmtimeError) as error:
            self._drop()
            raise CallLost(f"{name} ended without an answer") from error

    def _drop(self) -> None:
        if self._instance is not None:
            self._instance.store.close()
            self._instance = None


def _lifted_results(answers: Any) -> Any:
    return [lifted_result(Progress, answer) for answer in answers]


def _lifted_or_raised(hint: Any, answer: Any) -> Any:
    made = lifted_result(hint, answer)
    if isinstance(made, Error):
        raise ConnectorError(made)
    return made
