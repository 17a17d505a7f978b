"""The component in Python's host of WebAssembly: an instance for each errand."""

import sys

from wasmtime import Engine, Store, WasiConfig
from wasmtime.component import Component, Linker, Record, Variant

import errands

INTERFACE = "privacy:connector/connector@0.1.0"
ENGINE = Engine()
LINKER = Linker(ENGINE)
LINKER.add_wasip2()
LINKER.add_wasi_http()
COMPONENT = Component.from_file(ENGINE, sys.argv[1])


def record(**fields: object) -> Record:
    made = Record()
    for name, value in fields.items():
        setattr(made, name.replace("_", "-"), value)
    return made


class Connector:
    def __init__(self, errand: dict[str, str]) -> None:
        self.store = Store(ENGINE)
        self.store.set_wasi(WasiConfig())
        self.store.set_wasi_http()
        self.instance = LINKER.instantiate(self.store, COMPONENT)
        self.interface = self.instance.get_export_index(self.store, INTERFACE)
        settings = {
            "datacenter-id": "fra1",
            "client-id": errand["client-id"],
            "client-secret": errand["client-secret"],
            "base-url": errand["origin"],
            "rate-share": "100",
        }
        failed = self.call("configure", [record(key=key, value=value) for key, value in settings.items()])
        assert failed is None, failed.message

    def call(self, name: str, *arguments: object):
        function = self.instance.get_func(self.store, self.instance.get_export_index(self.store, name, self.interface))
        answer = function(self.store, *arguments)
        function.post_return(self.store)
        return answer

    def finished(self, request: Record, progress):
        # A variant keeps its case where the payloads of all cases are records; an error comes bare.
        while isinstance(progress, Variant) and progress.tag == "pending":
            [progress] = self.call("poll", [record(request=request, ticket=progress.payload.ticket)])
        assert isinstance(progress, Variant), progress.message
        return progress.payload

    def read(self, document) -> int:
        """How long it is: what is not inside the report is read to its end, in pieces."""
        if not isinstance(document.content, str):
            return len(document.content)
        offset, last = 0, False
        while not last:
            result = self.call("read", document.content, offset, 64 * 1024)
            assert result.tag == "ok", result.payload.message
            chunk = result.payload
            offset, last = offset + len(chunk.bytes), chunk.last
        return offset


OUTCOMES = {
    "access": "found", "stream": "found", "preview": "previewed", "erase": "erased", "erase-and-verify": "verified",
}


def do(errand: dict[str, str]) -> int:
    connector, name = Connector(errand), errand["errand"]
    request = record(
        key="request-1", subject=[Variant("email", errand["email"])], first_attempt_at=None, confirmed=[], extra=[]
    )
    begun = connector.call("access", request) if name in ("access", "stream") else connector.call("delete", request, name)
    report = connector.finished(request, begun)
    assert report.outcome == OUTCOMES[name], report.outcome
    return sum(connector.read(document) for document in report.documents)


errands.run(do)
