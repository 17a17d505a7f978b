//! Shows that the components are the same, byte for byte, wherever they are built: builds them from a copy of the source in
//! another place, and compares. A part of `.ci/run`, and no test, since it takes more than a minute.
//!
//!     cargo run --package host-test --example reproducible

#[path = "../build.rs"]
#[allow(dead_code, reason = "the rest is for cargo")]
mod build;

use std::error::Error;
use std::fs;
use std::path::Path;

use host_test::{COMPONENT, GATEWAY, GUARDED};

/// What the components depend on.
const SOURCE: [&str; 7] =
    ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "src", "wit", "edge", "host-test/Cargo.toml"];

fn main() -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let scratch = std::env::temp_dir().join(format!("a-place-with-another-name-{}", std::process::id()));
    let built = build_in(&scratch, &workspace);
    fs::remove_dir_all(&scratch)?;
    for (name, file) in built? {
        let own = match name {
            "qualtrics.wasm" => COMPONENT,
            "guarded.wasm" => GUARDED,
            "gateway.wasm" => GATEWAY,
            other => return Err(format!("{other} is not compared.").into()),
        };
        if file != own {
            return Err(format!("{name} is not the same when it is built elsewhere.").into());
        }
        println!("{name}: the same {} bytes, built elsewhere.", own.len());
    }
    Ok(())
}

fn build_in(place: &Path, workspace: &Path) -> Result<Vec<build::NamedFile>, Box<dyn Error>> {
    for source in SOURCE {
        copy(&workspace.join(source), &place.join(source))?;
    }
    // The other member of the workspace has to be there, and is not built.
    for directory in ["src", "benches/performance"] {
        fs::create_dir_all(place.join("host-test").join(directory))?;
    }
    for file in ["build.rs", "src/lib.rs", "src/main.rs", "benches/performance/main.rs"] {
        fs::write(place.join("host-test").join(file), "")?;
    }
    build::files(place, &place.join("target"))
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
