"""The component in the host of `host-test/python`. It has a new connector for each command, or reuses one."""

import sys

from privacy_host import Connector, DeletionMode, Email, Outcome, Pending, Plugin, Report, Request, Task, unwrap

import command_loop

PLUGIN = Plugin.load(sys.argv[1])
OUTCOMES = {
    "access": Outcome.FOUND,
    "stream": Outcome.FOUND,
    "preview": Outcome.PREVIEWED,
    "erase": Outcome.DELETED,
    "erase-and-verify": Outcome.VERIFIED,
}


def poll_until_done(connector: Connector, name: str, request: Request) -> Report:
    """Polls without delay: jobs of the simulated brand complete at once."""
    if name in ("access", "stream"):
        [result] = connector.access([request])
    else:
        [result] = connector.delete([request], DeletionMode(name))
    while isinstance(progress := unwrap(result), Pending):
        [result] = connector.poll([Task(request, progress.ticket)])
    return progress


def configured(command: dict[str, str]) -> Connector:
    connector = Connector(PLUGIN, origins=[command["origin"]])
    connector.configure(
        {
            "datacenter-id": "fra1",
            "client-id": command["client-id"],
            "client-secret": command["client-secret"],
            "base-url": command["origin"],
            "rate-share": "100",
        }
    )
    return connector


class Host:
    def __init__(self) -> None:
        self.reuse = False
        self.reused: Connector | None = None

    def execute(self, command: dict[str, str]) -> int:
        name = command["command"]
        if name in ("fresh", "kept"):
            if self.reused:
                self.reused.close()
            self.reuse, self.reused = name == "kept", None
            return 0
        connector = self.reused or configured(command)
        report = poll_until_done(connector, name, Request("request-1", [Email(command["email"])]))
        assert report.outcome is OUTCOMES[name], report.outcome
        document_bytes = sum(len(chunk) for document in report.documents for chunk in connector.bytes_of(document))
        if self.reuse:
            self.reused = connector
        else:
            connector.close()
        return document_bytes


command_loop.run(Host().execute)
