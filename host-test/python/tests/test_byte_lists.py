"""Lists of bytes are converted quickly, and to the same values as by the package `wasmtime`."""

from __future__ import annotations

import resource

import pytest

from privacy_host import Plugin, byte_lists

from . import hostile


def returned(size: int) -> bytes:
    """The list of so many bytes that a component returns: its own length, then what its memory contains."""
    instance = Plugin(hostile.returning(size), guarded=False).instantiate(None)
    value = instance.functions["describe"](instance.store)
    assert isinstance(value, bytes)
    return value


@pytest.mark.parametrize("size", [0, 1, byte_lists.SLOW_BELOW - 1, byte_lists.SLOW_BELOW, 1000, 65_536])
def test_a_list_is_what_the_memory_of_the_component_contains(size: int) -> None:
    memory = bytes(4) + size.to_bytes(4, "little") + bytes(65_536)
    assert returned(size) == memory[:size]


def test_the_conversion_of_the_package_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    from wasmtime.component import _types

    monkeypatch.setattr(_types.ListType, "convert_from_c", _types.ListType.convert_from_c)
    assert byte_lists.install()


def test_without_the_internals_of_the_package_its_own_conversion_remains(monkeypatch: pytest.MonkeyPatch) -> None:
    from wasmtime.component import _types

    before = _types.ListType.convert_from_c
    monkeypatch.delattr(_types.ListType, "_is_bytes")
    assert not byte_lists.install()
    assert _types.ListType.convert_from_c is before


def test_converted_lists_are_freed() -> None:
    instance = Plugin(hostile.returning(65_536), guarded=False).instantiate(None)
    call = instance.functions["describe"]
    call(instance.store)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(100):
        call(instance.store)
    # The runtime represents these lists with 200 MiB in total.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 << 10
