"""The Python example of the project's README works as printed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from .conftest import WORKSPACE
from .scenario import Brand


def test_the_example_in_the_readme_returns_documents(
    guarded_file: bytes,
    brand: Brand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, _, section = (WORKSPACE / "README.md").read_text().partition("\n### Python\n")
    _, _, example = section.partition("```python\n")
    example, _, _ = example.partition("```")
    file = tmp_path / "qualtrics-guarded.wasm"
    file.write_bytes(guarded_file)
    for printed, actual in [
        ("qualtrics-guarded.wasm", str(file)),
        ("https://fra1.qualtrics.com", brand.names["origin"]),
        ('{"datacenter-id": "fra1", "client-id": "…", "client-secret": "…"}', json.dumps(brand.settings)),
    ]:
        assert example.count(printed) == 1
        example = example.replace(printed, actual)
    monkeypatch.setattr(time, "sleep", lambda seconds: brand.change({"advance": seconds}))
    exec(example, {})
    assert capsys.readouterr().out == "found ['export-01.json', 'contact-0001-POOLcustomers.json']\n"
