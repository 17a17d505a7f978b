"""Adds to the package what the checkout has elsewhere: the version, the licences, and the connector with the egress guard.

A source distribution contains all of that, and needs neither the checkout nor cargo.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

COMPONENT = "privacy_host/qualtrics.wasm"
LICENSES = ("LICENSE-APACHE", "LICENSE-MIT")


class CustomMetadataHook(MetadataHookInterface):
    """The version is that of the workspace."""

    def update(self, metadata: dict[str, Any]) -> None:
        manifest = _workspace(self.root) / "Cargo.toml"
        found = re.search(r'^\[workspace\.package\]\nversion = "([^"]+)"$', manifest.read_text(), re.MULTILINE)
        if not found:
            raise RuntimeError(f"{manifest} has no version of the workspace")
        metadata["version"] = found[1]


class CustomBuildHook(BuildHookInterface[Any]):
    """The files of the checkout are copied into the project before they are packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version
        build_data["artifacts"] += [COMPONENT, *LICENSES]
        if Path(self.root, "PKG-INFO").exists():
            return
        workspace = _workspace(self.root)
        for name in LICENSES:
            shutil.copyfile(workspace / name, Path(self.root, name))
        component = Path(self.root, COMPONENT)
        component.unlink(missing_ok=True)
        # PRIVACY names the program, if it is already built.
        built = os.environ.get("PRIVACY")
        program = [built] if built else ["cargo", "run", "--locked", "--quiet", "--package", "host-test", "--"]
        command = [*program, "component", "--guarded", "--out", str(component)]
        subprocess.run(command, cwd=workspace, check=True)


def _workspace(root: str) -> Path:
    return Path(root).parents[1]
