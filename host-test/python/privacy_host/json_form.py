"""The JSON form of the contract's values: names as in the WIT, `null` for an absent value, Base64 for bytes."""

from __future__ import annotations

import base64
import types
from enum import Enum
from typing import Any, Union, get_args, get_origin

from . import contract
from .contract import Case
from .values import CASE_NAMES, FIELDS, wit_name


def to_json(value: Any) -> Any:
    """The JSON form of a value, for `json.dumps`. A `Pending` or a `Report` is its record."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Case):
        payload = [to_json(getattr(value, name)) for name in FIELDS[type(value)]]
        name = CASE_NAMES[type(value)]
        return {name: payload[0] if len(payload) == 1 else payload} if payload else name
    if type(value) in FIELDS:
        return {wit_name(name): to_json(getattr(value, name)) for name in FIELDS[type(value)]}
    if isinstance(value, (list, tuple)):
        return [to_json(element) for element in value]
    return value


def from_json(hint: Any, value: Any) -> Any:
    """The value of this type. Raises `ValueError` if the JSON has another form."""
    if hint in contract.CASES:
        return _case_from_json(contract.CASES[hint], value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else from_json(arguments[0], value)
    if origin is list and isinstance(value, list):
        return [from_json(arguments[0], element) for element in value]
    if origin is tuple and isinstance(value, list) and len(value) == len(arguments):
        return tuple(map(from_json, arguments, value))
    if hint in FIELDS and isinstance(value, dict):
        fields = FIELDS[hint]
        if value.keys() != {wit_name(name) for name in fields}:
            raise ValueError(f"{hint.__name__} has other members")
        return hint(**{name: from_json(of, value[wit_name(name)]) for name, of in fields.items()})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is bytes and isinstance(value, str):
        return base64.b64decode(value, validate=True)
    if type(value) is hint:
        return value
    raise ValueError(f"{getattr(hint, '__name__', hint)} has another form")


def _case_from_json(cases: dict[str, type], value: Any) -> Any:
    name, payload = next(iter(value.items())) if isinstance(value, dict) and len(value) == 1 else (value, None)
    case = cases.get(name) if isinstance(name, str) else None
    if case is None:
        raise ValueError("there is no such case")
    if not issubclass(case, Case):
        return from_json(case, payload)
    hints = list(FIELDS[case].values())
    if len(hints) > 1:
        return case(*[from_json(hint, part) for hint, part in zip(hints, payload or (), strict=True)])
    return case(*[from_json(hint, payload) for hint in hints])
