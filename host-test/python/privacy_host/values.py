"""Between the contract's records and the values of the package `wasmtime`.

That package makes a `Record` of a record and a `str` of an enumeration's case. A variant or result becomes a `Variant`
only where the Python classes of what its cases carry do not tell them apart; elsewhere the payload comes bare. So
`content` is `bytes` or a `str`, `result<progress, error>` a `Variant` of `progress` or the error's `Record`, and
`result<chunk, error>` a `Variant`. What comes out of here is the same for all.
"""

from __future__ import annotations

import types
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from wasmtime.component import Record, Variant

from . import contract
from .contract import Case, Error

_CASE_NAMES = {made: name for cases in contract.CASES.values() for name, made in cases.items()}

_FIELDS: dict[Any, dict[str, Any]] = {
    made: get_type_hints(made) for made in vars(contract).values() if isinstance(made, type) and is_dataclass(made)
}
"""The fields of each record and case, and their types."""


def lowered(value: Any) -> Any:
    """A value of the contract as the package takes it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Case):
        carried = [lowered(getattr(value, name)) for name in _FIELDS[type(value)]]
        payload = None if not carried else carried[0] if len(carried) == 1 else tuple(carried)
        return Variant(_CASE_NAMES[type(value)], payload)
    if type(value) in _FIELDS:
        record = Record()
        for name in _FIELDS[type(value)]:
            setattr(record, _spelled(name), lowered(getattr(value, name)))
        return record
    if isinstance(value, (list, tuple)):
        return type(value)(map(lowered, value))
    return value


def lifted(hint: Any, value: Any) -> Any:
    """What the package made of a value of this type of the contract.

    Raises `TypeError` where it is of another type: the plugin does not keep to the contract.
    """
    if hint in contract.CASES:
        return _lifted_case(contract.CASES[hint], value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else lifted(arguments[0], value)
    if origin is list and isinstance(value, list):
        return [lifted(arguments[0], element) for element in value]
    if origin is tuple and isinstance(value, tuple) and len(value) == len(arguments):
        return tuple(map(lifted, arguments, value))
    if isinstance(value, Record) and hint in _FIELDS:
        return _lifted_record(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum) and value in [case.value for case in hint]:
        return hint(value)
    if type(value) is hint:
        return value
    raise TypeError(f"{getattr(hint, '__name__', hint)} does not come as {type(value).__name__}")


def lifted_result(hint: Any, answer: Any) -> Any:
    """What a call answered: a value of this type, or an `Error`."""
    if isinstance(answer, Variant) and answer.tag in ("ok", "err"):
        return lifted(hint if answer.tag == "ok" else Error, answer.payload)
    # It came bare, so success is no record: this is an error.
    return lifted(Error if isinstance(answer, Record) else hint, answer)


def _lifted_record(made: type, value: Record) -> Any:
    members, hints = vars(value), _FIELDS[made]
    missing = [name for name in hints if _spelled(name) not in members]
    if missing:
        raise TypeError(f"{made.__name__} comes without {', '.join(missing)}")
    return made(**{name: lifted(hint, members[_spelled(name)]) for name, hint in hints.items()})


def _lifted_case(cases: dict[str, type], value: Any) -> Any:
    if not isinstance(value, Variant):
        # It came bare: the class of what a case carries tells which one it is.
        fitting = [made for made in cases.values() if list(_FIELDS[made].values()) == [type(value)]]
        if not fitting:
            raise TypeError(f"no case carries {type(value).__name__}")
        return fitting[0](value)
    made = cases.get(value.tag)
    if made is None:
        raise TypeError(f"no case is called {value.tag}")
    if not issubclass(made, Case):
        return lifted(made, value.payload)
    hints = list(_FIELDS[made].values())
    carried: Any = () if not hints else (value.payload,) if len(hints) == 1 else value.payload
    return made(*[lifted(hint, part) for hint, part in zip(hints, carried, strict=True)])


def _spelled(name: str) -> str:
    return name.replace("_", "-")
