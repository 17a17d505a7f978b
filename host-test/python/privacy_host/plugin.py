"""A connector's file, compiled and ready to be instantiated."""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from os import PathLike
from pathlib import Path
from time import sleep

from wasmtime import Config, Engine, Store, Trap, WasiConfig, WasmtimeError
from wasmtime.component import Component, Func, Linker

from . import byte_lists
from .errors import NotAPlugin

byte_lists.install()

INTERFACE = "privacy:connector/connector"
SERIES = "0.2"
"""The contract is frozen for each 0.N: this host loads connectors of every version 0.2.x."""

FUNCTIONS = ("describe", "configure", "check", "access", "delete", "opt-out", "poll", "read")

PERMITTED_IMPORTS = {
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:http/outgoing-handler",
    "wasi:http/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
}
GUARD_IMPORT = "wasi:cli/environment"
"""The egress guard reads the permitted origins from it. The connector behind the guard has no environment."""
GUARD_VARIABLE = "EGRESS_ORIGINS"

BUNDLED = "qualtrics.wasm"
"""The file in this package, which `hatch_build.py` adds."""


@dataclass(frozen=True)
class Limits:
    """What an instance may use."""

    memory: int = 64 << 20
    """Bytes of memory for each component in the file."""
    call_seconds: int = 120
    """The time limit of a call. It applies while the connector computes; a connector that waits for the network is stopped
    when it continues. Connectors limit their calls to about 60 seconds themselves."""


@dataclass
class Instance:
    """A new instance in a store of its own, and its functions."""

    store: Store
    functions: dict[str, Func]


class Plugin:
    """A connector's file, compiled.

    A component can use nothing except its imports. This class rejects a file that imports more than HTTP, clocks and
    streams. The egress guard, a component in the same file, limits where requests may go. A file without the guard is loaded
    only if the caller states that the network limits egress.
    """

    def __init__(self, file: bytes, *, guarded: bool = True, limits: Limits = Limits()) -> None:
        config = Config()
        config.epoch_interruption = True
        self._engine = Engine(config)
        try:
            self._component = Component(self._engine, file)
        except WasmtimeError as error:
            raise NotAPlugin(f"this file is not a component: {error}") from error
        component_type = self._component.type
        self.interface = _interface(list(component_type.exports(self._engine)))
        """The interface that the file exports, with its version."""
        _check_imports(list(component_type.imports(self._engine)), guarded)
        self.guarded = guarded
        self.limits = limits
        self._linker = Linker(self._engine)
        self._linker.add_wasip2()
        self._linker.add_wasi_http()
        self._ticking = False
        self._start = threading.Lock()

    @classmethod
    def load(cls, path: str | PathLike[str], *, guarded: bool = True, limits: Limits = Limits()) -> Plugin:
        """Loads a file. `guarded=False` is for a file without the egress guard, where the network limits egress."""
        return cls(Path(path).read_bytes(), guarded=guarded, limits=limits)

    @classmethod
    def bundled(cls, *, limits: Limits = Limits()) -> Plugin:
        """Loads the file of this package: the connector for Qualtrics, with the egress guard."""
        file = resources.files("privacy_host") / BUNDLED
        if not file.is_file():
            raise NotAPlugin(
                "this copy of the package contains no connector: install the built package, or use Plugin.load"
            )
        return cls(file.read_bytes(), limits=limits)

    def instantiate(self, origins: Sequence[str] | None) -> Instance:
        """Creates an instance that may call these origins: see `Connector`."""
        self._start_ticking()
        store = Store(self._engine)
        store.set_limits(memory_size=self.limits.memory)
        self.begin_call(store)
        wasi = WasiConfig()
        if origins is not None:
            wasi.env = [(GUARD_VARIABLE, ",".join(origins))]
        store.set_wasi(wasi)
        store.set_wasi_http()
        try:
            instance = self._linker.instantiate(store, self._component)
        except (Trap, WasmtimeError) as error:
            raise NotAPlugin("the file cannot be instantiated within the limits") from error
        interface = instance.get_export_index(store, self.interface)
        functions = {}
        for name in FUNCTIONS:
            index = instance.get_export_index(store, name, interface)
            function = index and instance.get_func(store, index)
            if not function:
                raise NotAPlugin(f"{self.interface} has no function {name}")
            functions[name] = function
        return Instance(store, functions)

    def begin_call(self, store: Store) -> None:
        """Starts the time limit of a call."""
        store.set_epoch_deadline(self.limits.call_seconds + 1)

    def _start_ticking(self) -> None:
        """Starts the thread that advances the engine's epoch each second. Before the first call, so that loading a plugin
        starts no thread and a process can fork after it."""
        with self._start:
            if not self._ticking:
                threading.Thread(target=_tick, args=(weakref.ref(self._engine),), daemon=True).start()
                self._ticking = True


def _tick(engine: weakref.ref[Engine]) -> None:
    while (existing := engine()) is not None:
        existing.increment_epoch()
        del existing
        sleep(1)


def _interface(exports: list[str]) -> str:
    """The newest version of the series that the file exports."""
    versions = {
        int(found[1]): name
        for name in exports
        if (found := re.fullmatch(re.escape(f"{INTERFACE}@{SERIES}.") + r"(\d+)", name))
    }
    if versions:
        return versions[max(versions)]
    others = ", ".join(sorted(name for name in exports if name.startswith(f"{INTERFACE}@"))) or "no connector"
    raise NotAPlugin(f"this host loads {INTERFACE}@{SERIES}.x, but the file exports {others}")


def _check_imports(imports: list[str], guarded: bool) -> None:
    names = {name.partition("@")[0] for name in imports}
    if forbidden := names - PERMITTED_IMPORTS - {GUARD_IMPORT}:
        raise NotAPlugin(f"the file imports what a connector may not use: {', '.join(sorted(forbidden))}")
    if guarded and GUARD_IMPORT not in names:
        raise NotAPlugin("the file has no egress guard: use a file that has one, or let the network limit egress")
    if not guarded and GUARD_IMPORT in names:
        raise NotAPlugin("the file has an egress guard: load it as guarded, and pass the permitted origins")
