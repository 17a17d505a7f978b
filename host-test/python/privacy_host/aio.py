"""A connector for `asyncio`."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType

from .connector import CHUNK_SIZE, Connector
from .contract import (
    Chunk,
    Connection,
    DeletionMode,
    Document,
    Error,
    Manifest,
    Progress,
    Request,
    Right,
    Task,
)
from .entry import Entry, Operation
from .follow import AsyncFollower
from .plugin import Plugin


class AsyncConnector:
    """The functions of `Connector`, each as a coroutine.

    A call runs in a thread of the event loop's executor, because the runtime blocks. A connector makes one call at a time; use
    several connectors to make calls concurrently. A call whose task is cancelled continues in its thread, and its result is
    lost: a cancelled `delete` counts as `outcome-unknown`, as after `CallLost`.
    """

    def __init__(self, plugin: Plugin, origins: Sequence[str] | None) -> None:
        """As for `Connector`."""
        self._connector = Connector(plugin, origins)

    async def describe(self) -> Manifest:
        """Describes the connector. Makes no network call."""
        return await to_thread(self._connector.describe)

    async def configure(self, settings: Mapping[str, str]) -> None:
        """Applies settings: all of them or none. Makes no network call."""
        await to_thread(self._connector.configure, settings)

    async def check(self, rights: Sequence[Right]) -> Connection:
        """Tests the connection and every permission that these rights need."""
        return await to_thread(self._connector.check, rights)

    async def access(self, requests: Sequence[Request]) -> list[Progress | Error]:
        """Starts access requests."""
        return await to_thread(self._connector.access, requests)

    async def delete(self, requests: Sequence[Request], mode: DeletionMode) -> list[Progress | Error]:
        """Starts deletion requests: see `Connector.delete`."""
        return await to_thread(self._connector.delete, requests, mode)

    async def opt_out(self, requests: Sequence[Request]) -> list[Progress | Error]:
        """Carries out opt-out requests."""
        return await to_thread(self._connector.opt_out, requests)

    async def poll(self, tasks: Sequence[Task]) -> list[Progress | Error]:
        """Advances pending requests. Poll requests with the same `Pending.group` in one call."""
        return await to_thread(self._connector.poll, tasks)

    async def read(self, reference: str, offset: int, limit: int = CHUNK_SIZE) -> Chunk:
        """Reads a piece of a remote document."""
        return await to_thread(self._connector.read, reference, offset, limit)

    async def bytes_of(self, document: Document, offset: int = 0) -> AsyncIterator[bytes]:
        """The bytes of a document from this offset, in pieces. After an error, continue from the offset reached."""
        pieces = self._connector.bytes_of(document, offset)
        while (piece := await to_thread(next, pieces, None)) is not None:
            yield piece

    def follow(self, requests: Iterable[Request], operation: Operation = Right.ACCESS) -> AsyncFollower:
        """Follows new requests to their end: see `Follower`."""
        return self.resume(Entry(request, operation) for request in requests)

    def resume(self, entries: Iterable[Entry]) -> AsyncFollower:
        """Follows requests from their stored state to their end."""
        return AsyncFollower(self._connector, entries)

    async def close(self) -> None:
        """Drops the instance and closes its connections, after the call in progress. Another call creates a new instance."""
        await to_thread(self._connector.close)

    async def __aenter__(self) -> AsyncConnector:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
