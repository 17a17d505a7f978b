"""Comparison of values with patterns, which `host-test/vectors/README.md` defines."""

from __future__ import annotations

import base64
import json
from typing import Any

Json = Any
"""What `json.loads` returns: objects, lists, strings, numbers, booleans and null."""


def mismatch(pattern: Json, value: Json, path: str = "") -> str | None:
    """Where and why a value does not match a pattern, or None if it matches."""
    if isinstance(pattern, dict) and pattern and all(key.startswith("$") for key in pattern):
        matches = all(_operator_matches(name, argument, value) for name, argument in pattern.items())
    elif isinstance(pattern, dict) and isinstance(value, dict):
        for key, expected in pattern.items():
            if key not in value:
                return f"at {path}: there is no member {key}"
            if difference := mismatch(expected, value[key], f"{path}/{key}"):
                return difference
        return None
    elif isinstance(pattern, list) and isinstance(value, list) and len(pattern) == len(value):
        for index, (expected, element) in enumerate(zip(pattern, value, strict=True)):
            if difference := mismatch(expected, element, f"{path}/{index}"):
                return difference
        return None
    else:
        matches = _is_equal(pattern, value)
    return None if matches else f"at {path}: expected {json.dumps(pattern)}, got {json.dumps(value)}"


def _operator_matches(name: str, argument: Json, value: Json) -> bool:
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
                return _is_equal(argument, len(value.encode()))
            return isinstance(value, list) and _is_equal(argument, len(value))
        case "$between":
            least, most = argument
            return _is_number(value) and bool(least <= value <= most)
        case "$base64":
            text = _decode(value)
            return text is not None and mismatch(argument, text) is None
    raise ValueError(f"there is no operator {name}")


def _decode(value: Json) -> str | None:
    """The text that standard Base64 with padding encodes."""
    if not isinstance(value, str):
        return None
    try:
        data = base64.b64decode(value, validate=True)
        text = data.decode()
    except ValueError:
        return None
    # Python accepts encodings whose unused bits are not zero.
    return text if base64.b64encode(data).decode() == value else None


def _is_equal(pattern: Json, value: Json) -> bool:
    # In Python, True equals 1.
    return bool(pattern == value) and (type(pattern) is type(value) or (_is_number(pattern) and _is_number(value)))


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
