//! Checks that the components are reproducible: builds them from a copy of the source in another directory, and compares the bytes.
//! A step of `.ci/run` and not a test, because it takes more than a minute.
//!
//!     cargo run --package host-test --example reproducible

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use host_test::{COMPONENT, GATEWAY, GUARDED};

/// The files that the components depend on.
const SOURCE: [&str; 7] =
    ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "src", "wit", "edge", "host-test/Cargo.toml"];

fn main() -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let scratch = std::env::temp_dir().join(format!("a-place-with-another-name-{}", std::process::id()));
    let compared = build_in(&scratch, &workspace).and_then(|()| compare(&scratch));
    fs::remove_dir_all(&scratch)?;
    compared
}

fn compare(place: &Path) -> Result<(), Box<dyn Error>> {
    for (name, own) in [("qualtrics.wasm", COMPONENT), ("guarded.wasm", GUARDED), ("gateway.wasm", GATEWAY)] {
        if fs::read(place.join("out").join(name))? != own {
            return Err(format!("{name} is not the same when it is built elsewhere.").into());
        }
        println!("{name}: the same {} bytes, built elsewhere.", own.len());
    }
    Ok(())
}

fn build_in(place: &Path, workspace: &Path) -> Result<(), Box<dyn Error>> {
    for source in SOURCE {
        copy(&workspace.join(source), &place.join(source))?;
    }
    // The other members of the workspace must exist. They are not built.
    for entry in fs::read_dir(workspace.join("host-test"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            copy(&entry.path(), &place.join("host-test").join(entry.file_name()))?;
        }
    }
    for directory in ["src", "benches/performance"] {
        fs::create_dir_all(place.join("host-test").join(directory))?;
    }
    for file in ["build.rs", "src/lib.rs", "src/main.rs", "benches/performance/main.rs"] {
        fs::write(place.join("host-test").join(file), "")?;
    }
    let out = place.join("out");
    fs::create_dir(&out)?;
    let built = Command::new(env!("COMPONENT_BUILDER"))
        .env("CARGO_MANIFEST_DIR", place.join("host-test"))
        .env("OUT_DIR", out)
        .env("RUSTC", "rustc")
        .stdout(Stdio::null())
        .status()?;
    if built.success() { Ok(()) } else { Err("The components are not built elsewhere: see above.".into()) }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
