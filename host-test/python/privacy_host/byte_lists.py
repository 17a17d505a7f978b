"""Converts lists of bytes quickly.

The package `wasmtime` converts the elements of a list one by one, and creates several Python objects for each byte. Here the
bytes are cut out of the array of values that the runtime returns. This relies on internals of the package, which the pinned range
of its versions covers. If they are different, the package's own conversion remains in place.
"""

from __future__ import annotations

import ctypes
from typing import Any

SLOW_BELOW = 64
"""Shorter lists are left to the package."""


def install() -> bool:
    """Replaces the conversion in the package `wasmtime`, and returns whether that was possible."""
    try:
        from wasmtime import _ffi as ffi
        from wasmtime.component import _types as types

        value: Any = ffi.wasmtime_component_val_t
        union: Any = ffi.wasmtime_component_valunion_t
        size, offset = ctypes.sizeof(value), value.of.offset + union.u8.offset
        delete = ffi.wasmtime_component_vallist_delete
        original: Any = types.ListType.convert_from_c
        is_bytes = types.ListType._is_bytes
    except (ImportError, AttributeError):
        return False

    def convert_from_c(self: Any, c: Any) -> Any:
        count = c.of.list.size
        if count < SLOW_BELOW or not is_bytes(self):
            return original(self, c)
        try:
            return ctypes.string_at(c.of.list.data, count * size)[offset::size]
        finally:
            delete(ctypes.byref(c.of.list))

    types.ListType.convert_from_c = convert_from_c  # type: ignore[method-assign]
    return True
