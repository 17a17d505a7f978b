"""The types of `privacy_host.contract` are those that the component exports."""

from __future__ import annotations

import types
from enum import Enum
from typing import Any, Union, get_args, get_origin

import pytest
from wasmtime import Engine
from wasmtime.component import (
    U8,
    U16,
    U32,
    U64,
    Bool,
    Component,
    ComponentInstanceType,
    EnumType,
    FuncType,
    ListType,
    OptionType,
    RecordType,
    String,
    TupleType,
    ValType,
    VariantType,
)

from privacy_host import Attempts, Email, Plugin, Request, contract
from privacy_host.plugin import FUNCTIONS
from privacy_host.values import FIELDS, wit_name

INTEGERS = (U8, U16, U32, U64)


def matches(hint: Any, exported: ValType) -> bool:
    """Whether a type of this package is the one that a component exports."""
    arguments = get_args(hint)
    if isinstance(exported, VariantType):
        cases = contract.CASES.get(hint, {})
        return list(cases) == [name for name, _ in exported.cases] and all(
            case_matches(cases[name], payload) for name, payload in exported.cases
        )
    if isinstance(exported, RecordType):
        fields = FIELDS.get(hint, {})
        return [wit_name(name) for name in fields] == [name for name, _ in exported.fields] and all(
            map(matches, fields.values(), (member for _, member in exported.fields))
        )
    if isinstance(exported, EnumType):
        return issubclass(hint, Enum) and [case.value for case in hint] == exported.names
    if isinstance(exported, OptionType):
        return get_origin(hint) in (Union, types.UnionType) and matches(arguments[0], exported.payload)
    if isinstance(exported, ListType):
        if isinstance(exported.element, U8):
            return hint is bytes
        return get_origin(hint) is list and matches(arguments[0], exported.element)
    if isinstance(exported, TupleType):
        return get_origin(hint) is tuple and all(map(matches, arguments, exported.elements))
    expected = int if isinstance(exported, INTEGERS) else {Bool: bool, String: str}[type(exported)]
    return hint is expected


def case_matches(case: type, payload: ValType | None) -> bool:
    if not issubclass(case, contract.Case):
        return payload is not None and matches(case, payload)
    hints = list(FIELDS[case].values())
    if payload is None or not hints:
        return payload is None and not hints
    return matches(hints[0], payload) if len(hints) == 1 else matches(tuple[tuple(hints)], payload)  # type: ignore[misc]


def test_every_type_is_that_of_the_component(plain_file: bytes) -> None:
    engine = Engine()
    interface = Component(engine, plain_file).type.exports(engine)[Plugin(plain_file, guarded=False).interface].ty
    assert isinstance(interface, ComponentInstanceType)
    exported = {name: item.ty for name, item in interface.exports(engine).items()}
    functions = {name for name, item in exported.items() if isinstance(item, FuncType)}
    assert functions == set(FUNCTIONS)
    compared = set()
    for name, item in exported.items():
        if isinstance(item, ValType):
            hint = getattr(contract, "".join(map(str.capitalize, name.split("-"))))
            assert matches(hint, item), name
            compared.add(hint)
    enums = {made for made in vars(contract).values() if isinstance(made, type) and issubclass(made, Enum)}
    records = {made for made in FIELDS if not issubclass(made, contract.Case)}
    assert compared == (enums | records | set(contract.CASES)) - {Enum}


def test_a_repeated_request_covers_all_attempts_with_unknown_outcome() -> None:
    request = Request("dsr-1", [Email("ada@example.org")], overrides=["own-account"])
    first = request.attempted(100)
    second = first.attempted(200)
    assert (request.attempts, first.attempts, second.attempts) == (None, Attempts(100, 100), Attempts(100, 200))
    assert (second.id, second.subject, second.overrides) == (request.id, request.subject, request.overrides)


def test_attempts_that_do_not_fit_into_64_bits_are_rejected() -> None:
    for first_at, last_at in ((-1, 1), (1, 1 << 64)):
        with pytest.raises(ValueError, match="whole seconds"):
            Attempts(first_at, last_at)
