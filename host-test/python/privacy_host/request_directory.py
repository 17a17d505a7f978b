"""The files of one request. Only their owner can read them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from .connector import Connector
from .contract import Inline, Report
from .entry import Entry
from .json_form import to_json

ENTRY, REPORT, DOCUMENTS, LOCK = "entry.json", "report.json", "documents", "lock"


class RequestDirectory:
    """A directory with the state of a request (`entry.json`, which contains its ticket), its report (`report.json`) and its
    documents (`documents/`).

    Directories have the mode 0700 and files 0600. A file is replaced as a whole, and is on disk when the call returns: a
    process or a machine that fails continues from what was stored. One process at a time can open a directory.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        self._path = path
        self._lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._lock)
        except OSError as error:
            os.close(self._lock)
            raise BlockingIOError(f"another process uses {path}: wait until it has ended") from error

    def __enter__(self) -> RequestDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    def resume(self, entry: Entry) -> Entry:
        """The new entry, continued from the stored state if there is one. Raises `ValueError` if that is another request."""
        file = self._path / ENTRY
        return entry.resume(Entry.from_json(file.read_text())) if file.exists() else entry

    def store(self, entry: Entry) -> None:
        """Stores the state of the request."""
        _replace(self._path / ENTRY, [entry.to_json().encode()])

    def save(self, connector: Connector, report: Report) -> None:
        """Stores the documents and the report, which then names the documents without their content."""
        documents = self._path / DOCUMENTS
        # Left over by a run that was interrupted.
        shutil.rmtree(documents, ignore_errors=True)
        documents.mkdir(mode=0o700)
        for document in report.documents:
            _replace(documents / document.name, connector.bytes_of(document))
        named = [replace(document, content=Inline(b"")) for document in report.documents]
        members = to_json(replace(report, documents=named))
        for document in members["documents"]:
            del document["content"]
        _replace(self._path / REPORT, [json.dumps(members, indent=2).encode()])


def _replace(path: Path, content: Iterable[bytes]) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync(path.parent)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _sync(directory: Path) -> None:
        del directory

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _sync(directory: Path) -> None:
        opened = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
