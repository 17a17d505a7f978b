"""Fulfils a request, or tests a connection.

    python -m privacy_host check  --settings settings.json
    python -m privacy_host access --settings settings.json --id dsr-1 --email ada@example.org --out dsr-1
    python -m privacy_host delete --settings settings.json --id dsr-2 --email ada@example.org --out dsr-2 --mode preview

`settings.json` is an object with the settings of the connection. The state of the request, its report and its documents are
stored in the directory `--out`. After an interruption, the same command continues. The exit codes are those of the project's
command line.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .connector import Connector
from .contract import (
    DeletionMode,
    Email,
    Error,
    ErrorKind,
    ExternalId,
    Identifier,
    Outcome,
    Pending,
    Phone,
    Report,
    Request,
    Right,
)
from .entry import End, Entry, Operation
from .errors import CallLost, ConnectorError, NotAPlugin
from .follow import Starting, Update
from .plugin import Plugin
from .request_directory import RequestDirectory

OUTCOME_CODES = {Outcome.REFUSED: 4, Outcome.PARTIAL: 5, Outcome.DATA_REMAINING: 5, Outcome.FAILED: 8}
FAILED, WRONG_ARGUMENTS, INTERRUPTED, OUTCOME_UNKNOWN = 1, 2, 3, 6


def follow(connector: Connector, directory: RequestDirectory, entry: Entry) -> End | None:
    """Follows the request to its end. This is what a platform does, with a database in place of the directory."""
    for update in connector.resume([entry]):
        directory.store(update.entry)
        if isinstance(update.event, Report):
            try:
                directory.save(connector, update.event)
            except (ConnectorError, CallLost) as failure:
                update.fail(failure)
            else:
                update.confirm()
        show(update)
    return entry.end


def show(update: Update) -> None:
    """Prints a change of the request. It contains no identifier."""
    match update.event:
        case Starting():
            print("starting")
        case Pending(stage=stage, poll_after_ms=delay_ms):
            print(f"{stage.value}; next poll in {delay_ms // 1_000} s")
        case Report(outcome=outcome, findings=findings):
            print(f"{outcome.value}; {len(findings)} findings")
        case Error(kind=kind, message=message):
            print(f"{kind.value}: {message}")
        case CallLost() as lost:
            print(lost)
        case _:
            pass


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m privacy_host", description=(__doc__ or "").partition("\n")[0])
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="test the connection and its permissions")
    check.add_argument("--right", action="append", choices=["access", "deletion"], help="by default both")
    access = commands.add_parser("access", help="fulfil an access request")
    delete = commands.add_parser("delete", help="fulfil a deletion request")
    delete.add_argument(
        "--mode",
        required=True,
        type=DeletionMode,
        choices=list(DeletionMode),
        metavar="MODE",
        help="preview, erase or erase-and-verify",
    )
    delete.add_argument(
        "--override", action="append", default=[], metavar="CODE", help="a guard that an operator has overridden"
    )
    for command in (access, delete):
        command.add_argument("--id", required=True, help="your ID of the request, the same on every retry")
        command.add_argument("--email", action="append", default=[], type=Email)
        command.add_argument("--phone", action="append", default=[], type=Phone, help="in E.164 format")
        command.add_argument("--external-id", action="append", default=[], type=ExternalId)
        command.add_argument(
            "--out", required=True, type=Path, help="the directory of this request; only you can read it"
        )
    for command in (check, access, delete):
        command.add_argument(
            "--settings", required=True, type=Path, help="a JSON file with the settings of the connection"
        )
        command.add_argument(
            "--origin", action="append", help="the origins that may be called; by default those of the manifest"
        )
        command.add_argument(
            "--plugin", type=Path, help="a connector with the egress guard; by default that of this package"
        )
    return made


def main(arguments: list[str] | None = None) -> int:
    """Runs the program and returns its exit code."""
    options = parser().parse_args(arguments)
    plugin = Plugin.load(options.plugin) if options.plugin else Plugin.bundled()
    settings = json.loads(options.settings.read_text())
    with Connector(plugin, origins=[]) as connector:
        origins = options.origin or connector.describe().egress
    with Connector(plugin, origins) as connector:
        connector.configure(settings)
        if options.command == "check":
            connection = connector.check([Right(right) for right in options.right or ("access", "deletion")])
            print(f"connected to {connection.tenant}")
            return 0
        with RequestDirectory(options.out) as directory:
            return code_of(follow(connector, directory, directory.resume(entry_of(options))))


def entry_of(options: argparse.Namespace) -> Entry:
    subject: list[Identifier] = [*options.email, *options.phone, *options.external_id]
    deletion = options.command == "delete"
    operation: Operation = options.mode if deletion else Right.ACCESS
    return Entry(Request(options.id, subject, overrides=options.override if deletion else []), operation)


def code_of(end: End | None) -> int:
    if end is None:
        return INTERRUPTED
    if isinstance(end.result, Error):
        print(f"{end.result.kind.value}: {end.result.message}", file=sys.stderr)
        return OUTCOME_UNKNOWN if end.result.kind is ErrorKind.OUTCOME_UNKNOWN else FAILED
    return OUTCOME_CODES.get(end.result, 0)


def run() -> None:
    """The program."""
    try:
        code = main()
    except ConnectorError as failed:
        print(f"{failed.error.kind.value}: {failed}", file=sys.stderr)
        code = FAILED
    except (NotAPlugin, CallLost) as failed:
        print(failed, file=sys.stderr)
        code = FAILED
    except (OSError, ValueError) as wrong:
        print(wrong, file=sys.stderr)
        code = WRONG_ARGUMENTS
    except KeyboardInterrupt:
        print("Interrupted. The same command continues.", file=sys.stderr)
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    run()
