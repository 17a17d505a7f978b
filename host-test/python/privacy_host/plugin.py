"""The file of a connector, compiled and ready to be instantiated."""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from time import sleep

from wasmtime import Config, Engine, Store, Trap, WasiConfig, WasmtimeError
from wasmtime.component import Component, Func, Linker

from .errors import NotAPlugin

INTERFACE = "privacy:connector/connector"
SERIES = "0.1"
"""The contract of a series is frozen: a host and a plugin of the same one understand each other, whichever is older."""

FUNCTIONS = ("describe", "configure", "check", "access", "delete", "poll", "read")

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
"""The egress guard reads here where requests may go. The connector behind it has no environment."""
GUARD_VARIABLE = "EGRESS_ORIGINS"


@dataclass(frozen=True)
class Limits:
    """What an instance may use."""

    memory: int = 64 << 20
    """How many bytes of memory each component of the file may use."""
    call_seconds: int = 120
    """How long a call may take. A connector keeps to about 60 seconds by itself; this stops one that does not come
    back. While it waits for an answer from outside it is not stopped, but as soon as it goes on."""


@dataclass
class Instance:
    """A fresh connector in a store of its own, and its functions."""

    store: Store
    functions: dict[str, Func]


class Plugin:
    """A connector's file, compiled.

    All that it can do is what it imports: this host refuses a file that imports more than HTTP, clocks and streams.
    Where its requests may go is up to the egress guard, a component that is composed before the connector in the same
    file; a file without it is loaded only if the caller says that the network takes care of that.
    """

    def __init__(self, file: bytes, *, guarded: bool = True, limits: Limits = Limits()) -> None:
        config = Config()
        config.epoch_interruption = True
        self._engine = Engine(config)
        try:
            self._component = Component(self._engine, file)
        except WasmtimeError as error:
            raise NotAPlugin(f"this is no component: {error}") from error
        component_type = self._component.type
        self.interface = _interface(list(component_type.exports(self._engine)))
        """The interface that the file exports, with its version."""
        _check_imports(list(component_type.imports(self._engine)), guarded)
        self.guarded = guarded
        self.limits = limits
        self._linker = Linker(self._engine)
        self._linker.add_wasip2()
        self._linker.add_wasi_http()
        self._ticks = False
        self._starting = threading.Lock()

    @classmethod
    def load(cls, path: str | PathLike[str], *, guarded: bool = True, limits: Limits = Limits()) -> Plugin:
        """Loads a file. `guarded=False` is for one without the egress guard, where the network limits egress."""
        return cls(Path(path).read_bytes(), guarded=guarded, limits=limits)

    def instantiate(self, origins: Sequence[str] | None) -> Instance:
        """A fresh instance that may reach these origins; `Connector` says more of them."""
        self._tick()
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
        """From now on the store has the time of a call."""
        store.set_epoch_deadline(self.limits.call_seconds + 1)

    def _tick(self) -> None:
        """Sets the engine's clock going, once."""
        with self._starting:
            if not self._ticks:
                threading.Thread(target=_tick_while_it_lives, args=(weakref.ref(self._engine),), daemon=True).start()
                self._ticks = True


def _tick_while_it_lives(engine: weakref.ref[Engine]) -> None:
    while (living := engine()) is not None:
        living.increment_epoch()
        del living
        sleep(1)


def _interface(exports: list[str]) -> str:
    """The newest one of the series. A plugin may be older or newer than this host, within the series."""
    versions = {
        int(found[1]): name
        for name in exports
        if (found := re.fullmatch(re.escape(f"{INTERFACE}@{SERIES}.") + r"(\d+)", name))
    }
    if versions:
        return versions[max(versions)]
    others = ", ".join(sorted(name for name in exports if name.startswith(f"{INTERFACE}@"))) or "no connector at all"
    raise NotAPlugin(f"this host speaks {INTERFACE}@{SERIES}, and the file exports {others}")


def _check_imports(imports: list[str], guarded: bool) -> None:
    names = {name.partition("@")[0] for name in imports}
    beyond = names - PERMITTED_IMPORTS - {GUARD_IMPORT}
    if beyond:
        raise NotAPlugin(f"the file asks for more than a connector may have: {', '.join(sorted(beyond))}")
    if guarded and GUARD_IMPORT not in names:
        raise NotAPlugin("the file has no egress guard: take one that has, or let the network limit egress")
    if not guarded and GUARD_IMPORT in names:
        raise NotAPlugin("the file has an egress guard: load it as guarded, and say where its requests may go")
