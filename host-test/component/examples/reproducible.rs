//! Checks that the component files are reproducible: builds them from a copy of the source in another directory, and compares the
//! bytes. This is a step of `.ci/run` and not a test, because it takes more than a minute.
//!
//!     cargo run --package qualtrics-component --example reproducible

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use qualtrics_component::{CONNECTOR, GATEWAY, GATEWAY_WASI_0_3, GUARDED};

/// The parts of a checkout that cargo needs to build any package of the workspace.
const SOURCE: [&str; 7] = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "src", "wit", "edge", "host-test"];

/// Directories that are not source.
const NOT_SOURCE: [&str; 3] = ["node_modules", "target", "__pycache__"];

fn main() -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let copy = std::env::temp_dir().join(format!("reproducible-build-{}", std::process::id()));
    let compared = build_in(&copy, &workspace).and_then(|()| compare(&copy));
    fs::remove_dir_all(&copy)?;
    compared
}

fn compare(copy: &Path) -> Result<(), Box<dyn Error>> {
    for (name, own) in [
        ("qualtrics.wasm", CONNECTOR),
        ("guarded.wasm", GUARDED),
        ("gateway.wasm", GATEWAY),
        ("gateway-wasi-0.3.wasm", GATEWAY_WASI_0_3),
    ] {
        if fs::read(copy.join("out").join(name))? != own {
            return Err(format!("{name} differs when it is built in another directory.").into());
        }
        println!("{name}: the same {} bytes in another directory.", own.len());
    }
    Ok(())
}

fn build_in(copy: &Path, workspace: &Path) -> Result<(), Box<dyn Error>> {
    for source in SOURCE {
        copy_source(&workspace.join(source), &copy.join(source))?;
    }
    let out = copy.join("out");
    fs::create_dir(&out)?;
    let status = Command::new(env!("COMPONENT_BUILDER"))
        .env("CARGO_MANIFEST_DIR", copy.join("host-test/component"))
        .env("OUT_DIR", out)
        .env("RUSTC", "rustc")
        .stdout(Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { Err("The build in another directory failed: see above.".into()) }
}

fn copy_source(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if !NOT_SOURCE.iter().any(|name| entry.file_name() == *name) {
            copy_source(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
