"""This host loads every connector of its 0.N, older or newer, and no other."""

from __future__ import annotations

import pytest
from wasmtime import Engine, Store, WasiConfig
from wasmtime.component import Component, Instance, Linker

from privacy_host import Connector, Email, NotAPlugin, Outcome, Plugin, Request
from privacy_host.plugin import INTERFACE

from . import hostile
from .complete import complete
from .scenario import Brand


def with_version(file: bytes, version: str) -> bytes:
    """The same plugin, exporting this version of the interface."""
    current, other = (f"{INTERFACE}@{version}".encode() for version in ("0.2.0", version))
    assert len(current) == len(other) and current in file
    return file.replace(current, other)


def instantiate(file: bytes) -> tuple[Store, Instance]:
    """An instance without this host's checks."""
    engine = Engine()
    linker = Linker(engine)
    linker.add_wasip2()
    linker.add_wasi_http()
    store = Store(engine)
    store.set_wasi(WasiConfig())
    store.set_wasi_http()
    return store, linker.instantiate(store, Component(engine, file))


@pytest.mark.parametrize("version", ["0.2.0", "0.2.1", "0.2.9"])
def test_requests_are_served_with_any_plugin_of_the_series(guarded_file: bytes, brand: Brand, version: str) -> None:
    plugin = Plugin(with_version(guarded_file, version))
    assert plugin.interface == f"{INTERFACE}@{version}"
    with Connector(plugin, [brand.names["origin"]]) as connector:
        connector.configure(brand.settings)
        report = complete(connector, brand, Request("dsr-1", [Email("ada@example.org")]))
    assert report.outcome is Outcome.FOUND


@pytest.mark.parametrize("version", ["0.1.0", "0.3.0", "1.2.0"])
def test_a_plugin_of_another_series_is_rejected(guarded_file: bytes, version: str) -> None:
    with pytest.raises(NotAPlugin, match=rf"loads {INTERFACE}@0\.2\.x, but the file exports {INTERFACE}@{version}"):
        Plugin(with_version(guarded_file, version))


@pytest.mark.parametrize(
    ("requested", "exported", "found"),
    [
        ("0.2.0", "0.2.0", True),
        ("0.2.0", "0.2.1", True),
        ("0.2.1", "0.2.0", True),
        ("0.2.0", "0.3.0", False),
        ("0.3.0", "0.2.0", False),
    ],
)
def test_the_package_finds_another_patch_version_in_either_direction(
    plain_file: bytes, requested: str, exported: str, found: bool
) -> None:
    """A host that looks up one exact name works within the series, too."""
    store, instance = instantiate(with_version(plain_file, exported))
    interface = instance.get_export_index(store, f"{INTERFACE}@{requested}")
    assert (interface is not None) == found
    if interface is not None:
        index = instance.get_export_index(store, "describe", interface)
        assert index is not None
        describe = instance.get_func(store, index)
        assert describe is not None
        assert describe(store).name == "qualtrics"


def test_the_newest_of_several_versions_of_the_series_is_used() -> None:
    more = "".join(
        f'(instance $v{number} (export "describe" (func $run))) (export "{INTERFACE}@0.{number}" (instance $v{number}))'
        for number in ("2.2", "2.10", "3.0")
    )
    file = hostile.plugin("", interface=f"{INTERFACE}@0.2.9", more=more)
    assert Plugin(file, guarded=False).interface == f"{INTERFACE}@0.2.10"
