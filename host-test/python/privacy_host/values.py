"""Conversion between the types of the contract and the values of the package `wasmtime`.

That package represents a record as `Record`, and a case of an enum as `str`. It represents a variant or a result as
`Variant` only if the Python classes of the payloads do not distinguish the cases, and otherwise as the bare payload:
`content` as `bytes` or `str`, `result<progress, error>` as the `Variant` of `progress` or the `Record` of the error,
`result<chunk, error>` as `Variant`. `lift` accepts all of these.
"""

from __future__ import annotations

import types
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from wasmtime.component import Record, Variant

from . import contract
from .contract import Case, Error

CASE_NAMES = {case: name for cases in contract.CASES.values() for name, case in cases.items()}
"""The name of each case in the contract."""

FIELDS: dict[Any, dict[str, Any]] = {
    made: get_type_hints(made) for made in vars(contract).values() if isinstance(made, type) and is_dataclass(made)
}
"""The fields of each record and case, and their types."""


def wit_name(name: str) -> str:
    """The name of a field in the contract."""
    return name.replace("_", "-")


def lower(value: Any) -> Any:
    """Converts a value of the contract to one of the package `wasmtime`."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Case):
        payload = tuple(lower(getattr(value, name)) for name in FIELDS[type(value)])
        return Variant(CASE_NAMES[type(value)], payload if len(payload) > 1 else next(iter(payload), None))
    if type(value) in FIELDS:
        record = Record()
        for name in FIELDS[type(value)]:
            setattr(record, wit_name(name), lower(getattr(value, name)))
        return record
    if isinstance(value, list):
        return [lower(element) for element in value]
    return value


def lift(hint: Any, value: Any) -> Any:
    """Converts a value of the package `wasmtime` to this type of the contract.

    Raises `TypeError` or `ValueError` if it is of another type, which means that the plugin does not implement the contract.
    """
    if hint in contract.CASES:
        return _lift_case(contract.CASES[hint], value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else lift(arguments[0], value)
    if origin is list and isinstance(value, list):
        return [lift(arguments[0], element) for element in value]
    if origin is tuple and isinstance(value, tuple):
        return tuple(lift(argument, element) for argument, element in zip(arguments, value, strict=True))
    if isinstance(value, Record) and hint in FIELDS:
        return _lift_record(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if type(value) is hint:
        return value
    raise TypeError(f"{getattr(hint, '__name__', hint)} is represented by {type(value).__name__}")


def lift_result(hint: Any, value: Any) -> Any:
    """Converts a `result` of the contract to this type or to an `Error`."""
    if isinstance(value, Variant) and value.tag in ("ok", "err"):
        return lift(hint if value.tag == "ok" else Error, value.payload)
    # A bare payload: the success type is not a record, so that a record is the error.
    return lift(Error if isinstance(value, Record) else hint, value)


def _lift_record(made: type, value: Record) -> Any:
    members, hints = vars(value), FIELDS[made]
    if missing := [name for name in hints if wit_name(name) not in members]:
        raise TypeError(f"{made.__name__} has no {', '.join(missing)}")
    return made(**{name: lift(hint, members[wit_name(name)]) for name, hint in hints.items()})


def _lift_case(cases: dict[str, type], value: Any) -> Any:
    if not isinstance(value, Variant):
        # A bare payload: its class determines the case.
        for made in cases.values():
            if list(FIELDS[made].values()) == [type(value)]:
                return made(value)
        raise TypeError(f"no case has the payload {type(value).__name__}")
    case = cases.get(value.tag)
    if case is None:
        raise TypeError(f"there is no case {value.tag}")
    if not issubclass(case, Case):
        return lift(case, value.payload)
    hints = list(FIELDS[case].values())
    payload: Any = value.payload if len(hints) > 1 else (value.payload,) * len(hints)
    return case(*[lift(hint, part) for hint, part in zip(hints, payload, strict=True)])
