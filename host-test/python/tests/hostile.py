"""Files that are no good, in WebAssembly's own words."""

from __future__ import annotations

from wasmtime import wat2wasm

from privacy_host.plugin import FUNCTIONS


def plugin(
    body: str,
    interface: str = "privacy:connector/connector@0.1.0",
    imports: str = "",
    result: str = "",
    more: str = "",
) -> bytes:
    """A file that exports the interface; each function has this body, and no parameter."""
    functions = " ".join(f'(export "{name}" (func $run))' for name in FUNCTIONS)
    return bytes(
        wat2wasm(
            f"""(component
                {imports}
                (core module $code (memory (export "memory") 64) (func (export "run") {body}))
                (core instance $made (instantiate $code))
                (func $run {result} (canon lift (core func $made "run") (memory (core memory $made "memory"))))
                (instance $interface {functions})
                (export "{interface}" (instance $interface))
                {more})"""
        )
    )


def answering(size: int) -> bytes:
    """A file whose functions answer so many bytes."""
    # A list is told by where it is and how long it is; the memory begins with that, and is the list.
    length = f"(i32.store (i32.const 4) (i32.const {size}))"
    return plugin(f"(result i32) {length} (i32.const 0)", result="(result (list u8))")
