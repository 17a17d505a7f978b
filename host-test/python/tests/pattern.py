"""What a scenario expects, compared with what came: `host-test/vectors/README.md` says how."""

from __future__ import annotations

import json
from typing import Any

Json = Any
"""What `json.loads` makes: objects, lists, texts, numbers, booleans and null."""


def mismatch(pattern: Json, value: Json, at: str = "") -> str | None:
    """Where and why a value does not match a pattern; none if it does."""
    if isinstance(pattern, dict) and pattern and all(key.startswith("$") for key in pattern):
        fits = all(_holds(name, argument, value) for name, argument in pattern.items())
    elif isinstance(pattern, dict) and isinstance(value, dict):
        for key, wanted in pattern.items():
            if key not in value:
                return f"at {at}: there is no {key}"
            if difference := mismatch(wanted, value[key], f"{at}/{key}"):
                return difference
        return None
    elif isinstance(pattern, list) and isinstance(value, list) and len(pattern) == len(value):
        for index, (wanted, element) in enumerate(zip(pattern, value)):
            if difference := mismatch(wanted, element, f"{at}/{index}"):
                return difference
        return None
    else:
        fits = _equal(pattern, value)
    return None if fits else f"at {at}: expected {json.dumps(pattern)}, came {json.dumps(value)}"


def _holds(name: str, argument: Json, value: Json) -> bool:
    match name:
        case "$not":
            return mismatch(argument, value) is not None
        case "$all":
            return all(mismatch(pattern, value) is None for pattern in argument)
        case "$contains" if isinstance(value, str):
            return isinstance(argument, str) and argument in value
        case "$contains":
            return isinstance(value, list) and any(mismatch(argument, element) is None for element in value)
        case "$length":
            if isinstance(value, str):
                return _equal(argument, len(value.encode()))
            return isinstance(value, list) and _equal(argument, len(value))
        case "$between":
            least, most = argument
            return _is_number(value) and bool(least <= value <= most)
    raise ValueError(f"there is no matcher {name}")


def _equal(pattern: Json, value: Json) -> bool:
    # To Python, true is 1.
    return bool(pattern == value) and (type(pattern) is type(value) or (_is_number(pattern) and _is_number(value)))


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
