"""The scenarios of `host-test/vectors/`, which every host runs alike, through this one."""

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
def test_every_scenario_takes_its_course_on_this_host(control: str, plugin: Plugin, name: str) -> None:
    vector: Json = json.loads((VECTORS / f"{name}.json").read_text())
    scenario.run(control, plugin, vector)


def test_there_are_scenarios() -> None:
    assert FILES


def test_patterns_match_what_they_say_and_nothing_else() -> None:
    for pattern, value, matches in json.loads((VECTORS / "format/patterns.json").read_text()):
        told = mismatch(pattern, value)
        assert (told is None) == matches, f"{pattern} and {value}: {told}"
