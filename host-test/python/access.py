"""An access request, from its beginning to its end."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from privacy_host import (
    CallLost,
    Connector,
    ConnectorError,
    Email,
    Error,
    ErrorKind,
    Pending,
    Plugin,
    Progress,
    Report,
    Request,
    Retry,
    Right,
    Task,
)

MOST_TRIES = 10
"""After so many errors in a row a person is asked."""


def begun(connector: Connector, request: Request) -> Progress:
    """Begins the request, again where the remedy of an error is to try again."""
    for tries_left in reversed(range(MOST_TRIES)):
        # Noted before the call, and kept in a database by those who may be killed meanwhile.
        attempted_at = int(time.time())
        unknown = replace(request, first_attempt_at=request.first_attempt_at or attempted_at)
        try:
            return connector.access(request)
        except CallLost:
            if not tries_left:
                raise
            request = unknown
        except ConnectorError as refused:
            error = refused.error
            if not isinstance(error.remedy, Retry) or not tries_left:
                raise
            if error.kind is ErrorKind.OUTCOME_UNKNOWN:
                request = unknown
            time.sleep(error.remedy.after_ms / 1000)
    raise AssertionError("the last try returns or raises")


def finished(connector: Connector, request: Request, progress: Progress, say: Callable[[str], None]) -> Report:
    """Follows the request to its last word."""
    tries_left = MOST_TRIES
    while isinstance(progress, Pending):
        # A platform stores the ticket here: any instance can go on with it, also in a month.
        say(f"{progress.stage.value}; next look in {progress.poll_after_ms // 1000} s")
        time.sleep(progress.poll_after_ms / 1000)
        try:
            [answer] = connector.poll([Task(request, progress.ticket)])
        except CallLost:
            # To poll is safe to repeat.
            tries_left -= 1
            if not tries_left:
                raise
            continue
        if not isinstance(answer, Error):
            progress, tries_left = answer, MOST_TRIES
            continue
        tries_left -= 1
        if not isinstance(answer.remedy, Retry) or not tries_left:
            raise ConnectorError(answer)
        say(answer.message)
        time.sleep(answer.remedy.after_ms / 1000)
    return progress


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plugin", help="the file, with the egress guard")
    parser.add_argument("settings", type=Path, help="a JSON object of the connection's settings")
    parser.add_argument("email")
    parser.add_argument("--key", default="dsr-1", help="your own id for this request, the same on every retry")
    parser.add_argument("--origin", help="where requests may go, if it is not what the connector asks for")
    parser.add_argument("--out", type=Path, required=True, help="a new directory for the documents")
    given = parser.parse_args(arguments)

    plugin = Plugin.load(given.plugin)
    manifest = Connector(plugin, origins=[]).describe()
    origins = [given.origin] if given.origin else manifest.egress
    print(f"{manifest.title} connector {manifest.version}, which may reach {', '.join(origins)}")
    if given.out.exists():
        parser.error(f"{given.out} is there already")

    with Connector(plugin, origins) as connector:
        connector.configure(json.loads(given.settings.read_text()))
        connection = connector.check([Right.ACCESS])
        print(f"connected to {connection.tenant}")
        request = Request(given.key, [Email(given.email)])
        report = finished(connector, request, begun(connector, request), print)
        print(f"{report.outcome.value}; {len(report.findings)} findings")
        given.out.mkdir(mode=0o700)
        for document in report.documents:
            size = 0
            with open(given.out / document.name, "xb") as file:
                for piece in connector.bytes_of(document):
                    size += file.write(piece)
            print(f"  {document.name}: {size} bytes of {document.source}")


if __name__ == "__main__":
    try:
        main()
    except ConnectorError as told:
        sys.exit(f"{told.error.kind.value}: {told}")
