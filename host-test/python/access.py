"""An access request, from start to finish."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from privacy_host import (
    CallLost,
    Connector,
    ConnectorError,
    Email,
    Error,
    Pending,
    Plugin,
    Progress,
    Report,
    Request,
    Retry,
    Right,
    Task,
    unwrap,
)

MAX_TRIES = 10
"""After so many failed calls in a row, an operator must look."""


def repeat(call: Callable[[], list[Progress | Error]]) -> Progress:
    """The result of a call for one request. Repeats the call after an error that says so, and after a lost call: `access`
    and `poll` are safe to repeat."""
    for tries_left in reversed(range(MAX_TRIES)):
        try:
            [result] = call()
            return unwrap(result)
        except CallLost:
            if not tries_left:
                raise
        except ConnectorError as failed:
            if not isinstance(failed.error.remedy, Retry) or not tries_left:
                raise
            print(failed)
            time.sleep(failed.error.remedy.after_ms / 1000)
    raise AssertionError("the last try returns or raises")


def complete(connector: Connector, request: Request) -> Report:
    """Starts the request and polls until it is done."""
    progress = repeat(lambda: connector.access([request]))
    while isinstance(progress, Pending):
        # A platform stores the ticket here. Any instance can continue with it.
        task = Task(request, progress.ticket)
        print(f"{progress.stage.value}; next poll in {progress.poll_after_ms // 1000} s")
        time.sleep(progress.poll_after_ms / 1000)
        progress = repeat(lambda: connector.poll([task]))
    return progress


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plugin", help="the connector's file, with the egress guard")
    parser.add_argument("settings", type=Path, help="a JSON object with the connection's settings")
    parser.add_argument("email")
    parser.add_argument("--id", default="dsr-1", help="your ID of the request, the same on every retry")
    parser.add_argument("--origin", help="the origin that the connector may call; by default what its manifest lists")
    parser.add_argument("--out", type=Path, required=True, help="a new directory for the documents")
    options = parser.parse_args(arguments)

    plugin = Plugin.load(options.plugin)
    manifest = Connector(plugin, origins=[]).describe()
    origins = [options.origin] if options.origin else manifest.egress
    print(f"{manifest.title} connector {manifest.version}, allowed to call {', '.join(origins)}")
    if options.out.exists():
        parser.error(f"{options.out} already exists")

    with Connector(plugin, origins) as connector:
        connector.configure(json.loads(options.settings.read_text()))
        connection = connector.check([Right.ACCESS])
        print(f"connected to {connection.tenant}")
        report = complete(connector, Request(options.id, [Email(options.email)]))
        print(f"{report.outcome.value}; {len(report.findings)} findings")
        options.out.mkdir(mode=0o700)
        for document in report.documents:
            size = 0
            with open(options.out / document.name, "xb") as file:
                for piece in connector.bytes_of(document):
                    size += file.write(piece)
            print(f"  {document.name}: {size} bytes from {document.source}")


if __name__ == "__main__":
    try:
        main()
    except ConnectorError as failed:
        sys.exit(f"{failed.error.kind.value}: {failed}")
