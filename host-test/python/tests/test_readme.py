"""The Python example of the project's README works as printed."""

from __future__ import annotations

import json

import pytest

from privacy_host import Connector, Entry, Outcome, Plugin, Report

from .clock import Clock
from .conftest import WORKSPACE
from .scenario import Brand


def test_the_example_in_the_readme_returns_documents(
    plugin: Plugin, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, section = (WORKSPACE / "README.md").read_text().partition("\n### Python\n")
    _, _, example = section.partition("```python\n")
    example, _, _ = example.partition("```")
    for printed, actual in [
        ("https://fra1.qualtrics.com", brand.names["origin"]),
        ('{"datacenter-id": "fra1", "client-id": "…", "client-secret": "…"}', json.dumps(brand.settings)),
    ]:
        assert example.count(printed) == 1
        example = example.replace(printed, actual)
    monkeypatch.setattr(Plugin, "bundled", lambda: plugin)
    Clock(monkeypatch, brand)
    stored: list[Entry] = []
    saved: dict[str, bytes] = {}

    def save(connector: Connector, report: Report) -> None:
        for document in report.documents:
            saved[document.name] = b"".join(connector.bytes_of(document))

    exec(example, {"store": stored.append, "save": save})
    documents = {"export-01.json", "contact-0001-POOLcustomers.json"}
    histories = {"email-history-0002-POOLcustomers.json", "response-history-0003-POOLcustomers.json"}
    assert saved.keys() == documents | histories
    end = stored[-1].end
    assert end is not None
    assert end.result is Outcome.FOUND
