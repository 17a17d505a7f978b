"""Files that are no good, in WebAssembly's own words."""

from __future__ import annotations

from wasmtime import wat2wasm

from privacy_host.plugin import FUNCTIONS


def plugin(
    body: str, interface: str = "privacy:connector/connector@0.1.0", imports: str = "", more: str = ""
) -> bytes:
    """A file that exports the interface; each function has no parameter and no result, and this body."""
    functions = " ".join(f'(export "{name}" (func $run))' for name in FUNCTIONS)
    return bytes(
        wat2wasm(
            f"""(component
                {imports}
                (core module $code (func (export "run") {body}))
                (core instance $made (instantiate $code))
                (func $run (canon lift (core func $made "run")))
                (instance $interface {functions})
                (export "{interface}" (instance $interface))
                {more})"""
        )
    )
