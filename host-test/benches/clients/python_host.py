"""The component in the host of `host-test/python`: a connector for each errand, or one that is kept."""

import sys

from privacy_host import (
    Connector,
    ConnectorError,
    DeletionMode,
    Email,
    Error,
    Outcome,
    Pending,
    Plugin,
    Report,
    Request,
    Task,
)

import errands

PLUGIN = Plugin.load(sys.argv[1])
OUTCOMES = {
    "access": Outcome.FOUND,
    "stream": Outcome.FOUND,
    "preview": Outcome.PREVIEWED,
    "erase": Outcome.ERASED,
    "erase-and-verify": Outcome.VERIFIED,
}


def finished(connector: Connector, errand: str, request: Request) -> Report:
    """The jobs of the simulated brand end at once: there is nothing to wait for."""
    reads = errand in ("access", "stream")
    progress = connector.access(request) if reads else connector.delete(request, DeletionMode(errand))
    while isinstance(progress, Pending):
        [answer] = connector.poll([Task(request, progress.ticket)])
        if isinstance(answer, Error):
            raise ConnectorError(answer)
        progress = answer
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
        self.keeps = False
        self.kept: Connector | None = None

    def do(self, errand: dict[str, str]) -> int:
        name = errand["errand"]
        if name in ("fresh", "kept"):
            if self.kept:
                self.kept.close()
            self.keeps, self.kept = name == "kept", None
            return 0
        connector = self.kept or configured(errand)
        report = finished(connector, name, Request("request-1", [Email(errand["email"])]))
        assert report.outcome is OUTCOMES[name], report.outcome
        read = sum(len(piece) for document in report.documents for piece in connector.bytes_of(document))
        if self.keeps:
            self.kept = connector
        else:
            connector.close()
        return read


errands.run(Host().do)
