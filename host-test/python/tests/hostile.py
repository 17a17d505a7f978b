"""Plugins that violate the contract, in WebAssembly's text format."""

from __future__ import annotations

from wasmtime import wat2wasm

from privacy_host.plugin import FUNCTIONS


def plugin(
    body: str,
    interface: str = "privacy:connector/connector@0.2.0",
    imports: str = "",
    signature: str = "",
    more: str = "",
) -> bytes:
    """A file that exports the interface. All functions have this body and this signature."""
    functions = " ".join(f'(export "{name}" (func $run))' for name in FUNCTIONS)
    return bytes(
        wat2wasm(
            f"""(component
                {imports}
                (core module $code
                    (memory (export "memory") 64)
                    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
                    (func (export "run") {body}))
                (core instance $core (instantiate $code))
                (func $run {signature}
                    (canon lift (core func $core "run")
                        (memory (core memory $core "memory")) (realloc (core func $core "realloc"))))
                (instance $interface {functions})
                (export "{interface}" (instance $interface))
                {more})"""
        )
    )


def returning(size: int) -> bytes:
    """A file whose functions return so many bytes."""
    # A list is returned as its address and length, which are stored at address 0 here; the list is at address 0, too.
    length = f"(i32.store (i32.const 4) (i32.const {size}))"
    return plugin(f"(result i32) {length} (i32.const 0)", signature="(result (list u8))")


def returning_results(count: int) -> bytes:
    """A file whose functions take a list and return a list with so many results, whatever they are given."""
    length = f"(i32.store (i32.const 4) (i32.const {count}))"
    signature = '(param "elements" (list string)) (result (list (result string)))'
    return plugin(f"(param i32 i32) (result i32) {length} (i32.const 0)", signature=signature)
