"""An old host with a newer plugin of the same 0.N, and the reverse."""

from __future__ import annotations

import pytest
from wasmtime import Engine, Store, WasiConfig
from wasmtime.component import Component, Instance, Linker

from privacy_host import Connector, NotAPlugin, Pending, Plugin, Report, Request, Task
from privacy_host.contract import Email, Outcome
from privacy_host.plugin import INTERFACE

from . import hostile
from .scenario import Brand


def of_version(file: bytes, version: str) -> bytes:
    """The same plugin, as it is when it exports this version of the interface."""
    name, other = (f"{INTERFACE}@{version}".encode() for version in ("0.1.0", version))
    assert len(name) == len(other) and name in file
    return file.replace(name, other)


def instantiated(file: bytes) -> tuple[Store, Instance]:
    """The plugin as the package `wasmtime` loads it by itself."""
    engine = Engine()
    linker = Linker(engine)
    linker.add_wasip2()
    linker.add_wasi_http()
    store = Store(engine)
    store.set_wasi(WasiConfig())
    store.set_wasi_http()
    return store, linker.instantiate(store, Component(engine, file))


@pytest.mark.parametrize("version", ["0.1.0", "0.1.1", "0.1.9"])
def test_this_host_serves_requests_with_any_plugin_of_its_series(
    guarded_file: bytes, brand: Brand, version: str
) -> None:
    plugin = Plugin(of_version(guarded_file, version))
    assert plugin.interface == f"{INTERFACE}@{version}"
    request = Request("dsr-1", [Email("ada@example.org")])
    with Connector(plugin, [brand.names["origin"]]) as connector:
        connector.configure(brand.settings)
        progress = connector.access(request)
        while isinstance(progress, Pending):
            brand.change({"advance": progress.poll_after_ms / 1000})
            [answer] = connector.poll([Task(request, progress.ticket)])
            assert isinstance(answer, (Pending, Report))
            progress = answer
    assert progress.outcome is Outcome.FOUND


def test_a_plugin_of_another_series_is_refused(guarded_file: bytes) -> None:
    with pytest.raises(NotAPlugin, match=r"speaks privacy:connector/connector@0\.1, .* exports .*@0\.2\.0"):
        Plugin(of_version(guarded_file, "0.2.0"))


@pytest.mark.parametrize(
    ("asked", "exported", "found"),
    [
        ("0.1.0", "0.1.0", True),
        ("0.1.0", "0.1.1", True),
        ("0.1.1", "0.1.0", True),
        ("0.1.0", "0.2.0", False),
        ("0.2.0", "0.1.0", False),
    ],
)
def test_the_package_finds_another_patch_version_in_either_direction(
    plain_file: bytes, asked: str, exported: str, found: bool
) -> None:
    """A host that looks for one exact name gets along within the series, too."""
    store, instance = instantiated(of_version(plain_file, exported))
    interface = instance.get_export_index(store, f"{INTERFACE}@{asked}")
    assert (interface is not None) == found
    if interface is not None:
        index = instance.get_export_index(store, "describe", interface)
        assert index is not None
        describe = instance.get_func(store, index)
        assert describe is not None
        assert describe(store).name == "qualtrics"


def test_of_several_versions_the_newest_of_the_series_is_taken() -> None:
    several = "".join(
        f'(instance $v{number} (export "describe" (func $run))) (export "{INTERFACE}@0.{number}" (instance $v{number}))'
        for number in ("1.2", "1.10", "2.0")
    )
    with_several = hostile.plugin("", interface=f"{INTERFACE}@0.1.9", more=several)
    assert Plugin(with_several, guarded=False).interface == f"{INTERFACE}@0.1.10"
