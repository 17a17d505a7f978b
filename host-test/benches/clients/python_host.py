"""The component in the host of `host-test/python`: a new connector for each task, or one that is reused."""

import sys

from privacy_host import Connector, DeletionMode, Email, Outcome, Pending, Plugin, Report, Request, Task, unwrap

import errands

PLUGIN = Plugin.load(sys.argv[1])
OUTCOMES = {
    "access": Outcome.FOUND,
    "stream": Outcome.FOUND,
    "preview": Outcome.PREVIEWED,
    "erase": Outcome.DELETED,
    "erase-and-verify": Outcome.VERIFIED,
}


def complete(connector: Connector, errand: str, request: Request) -> Report:
    """Polls without delay: the jobs of the simulated brand end at once."""
    if errand in ("access", "stream"):
        [result] = connector.access([request])
    else:
        [result] = connector.delete([request], DeletionMode(errand))
    while isinstance(progress := unwrap(result), Pending):
        [result] = connector.poll([Task(request, progress.ticket)])
    return progress


def configured(errand: dict[str, str]) -> Connector:
    connector = Connector(PLUGIN, origins=[errand["origin"]])
    connector.configure(
        {
            "datacenter-id": "fra1",
            "client-id": errand["client-id"],
            "client-secret": errand["client-secret"],
            "base-url": errand["origin"],
            "rate-share": "100",
        }
    )
    return connector


class Host:
    def __init__(self) -> None:
        self.reuse = False
        self.reused: Connector | None = None

    def do(self, errand: dict[str, str]) -> int:
        name = errand["errand"]
        if name in ("fresh", "kept"):
            if self.reused:
                self.reused.close()
            self.reuse, self.reused = name == "kept", None
            return 0
        connector = self.reused or configured(errand)
        report = complete(connector, name, Request("request-1", [Email(errand["email"])]))
        assert report.outcome is OUTCOMES[name], report.outcome
        read = sum(len(piece) for document in report.documents for piece in connector.bytes_of(document))
        if self.reuse:
            self.reused = connector
        else:
            connector.close()
        return read


errands.run(Host().do)
