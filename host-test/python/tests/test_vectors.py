"""The scenarios of `host-test/vectors/`, which every host runs."""

from __future__ import annotations

import json

import pytest

from privacy_host import Plugin

from . import scenario
from .conftest import WORKSPACE
from .pattern import Json, mismatch

VECTORS = WORKSPACE / "host-test/vectors"
FILES = sorted(VECTORS.glob("*.json"))


@pytest.mark.parametrize("name", [file.stem for file in FILES])
def test_scenario_passes(control: str, plugin: Plugin, name: str) -> None:
    vector: Json = json.loads((VECTORS / f"{name}.json").read_text())
    scenario.run(control, plugin, vector)


def test_there_are_scenarios() -> None:
    assert FILES


def test_patterns_match_as_the_table_says() -> None:
    for pattern, value, matches in json.loads((VECTORS / "format/patterns.json").read_text()):
        difference = mismatch(pattern, value)
        assert (difference is None) == matches, f"{pattern} and {value}: {difference}"
