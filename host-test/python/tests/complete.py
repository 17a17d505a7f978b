"""Completes an access request in the time of a simulated brand."""

from __future__ import annotations

from privacy_host import Connector, Pending, Report, Request, Task, unwrap

from .scenario import Brand


def complete(connector: Connector, brand: Brand, request: Request) -> Report:
    [result] = connector.access([request])
    while isinstance(progress := unwrap(result), Pending):
        brand.change({"advance": progress.poll_after_ms / 1000})
        [result] = connector.poll([Task(request, progress.ticket)])
    return progress
