//! Compiles the components for `wasm32-unknown-unknown`, and writes the files that hosts load to `$OUT_DIR`:
//!
//! | file | contents |
//! |---|---|
//! | `qualtrics.wasm` | the connector |
//! | `guarded.wasm` | the connector behind the egress guard |
//! | `gateway.wasm` | the gateway, with the guarded connector inside |
//! | `gateway-wasi-0.3.wasm` | the same for runtimes that serve `wasi:http/handler@0.3.0` |
//!
//! Nothing but cargo is needed. The target is not `wasm32-wasip2`: there, std imports ten `wasi:cli` interfaces.
//!
//! The build script is a program of its own, too: `examples/reproducible.rs` runs it on a copy of the source.

#[path = "build/bill_of_materials.rs"]
mod bill_of_materials;
#[path = "build/compile.rs"]
mod compile;
#[path = "build/compose.rs"]
mod compose;
#[path = "build/metadata.rs"]
mod metadata;
#[path = "build/sections.rs"]
mod sections;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use compile::{Compiler, KEEP_NAMES, TARGET};
use compose::compose;
use metadata::Metadata;
use sections::without_component_name;

const CONNECTOR: &str = "qualtrics-connector";
const GUARD: &str = "egress-guard";
const GATEWAY: &str = "gateway";

fn main() {
    if let Err(error) = build() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let out = variable("OUT_DIR")?;
    let workspace = variable("CARGO_MANIFEST_DIR")?.join("../..").canonicalize()?;
    for source in ["src", "wit", "edge", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(source).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    for name in metadata::VARIABLES.into_iter().chain([KEEP_NAMES]) {
        println!("cargo::rerun-if-env-changed={name}");
    }
    println!("cargo::rustc-env=COMPONENT_BUILDER={}", env::current_exe()?.display());

    for (name, file) in files(&workspace, &target_dir(&out))? {
        fs::write(out.join(name), file)?;
    }
    Ok(())
}

/// The target directory for the components. Cargo runs this script once for builds and once for clippy, each with an `OUT_DIR` of
/// its own: next to the outer target directory, the components are compiled once.
fn target_dir(out: &Path) -> PathBuf {
    let is_of_cargo = out.ancestors().nth(2).is_some_and(|directory| directory.ends_with("build"));
    let outer = out.ancestors().nth(4).filter(|_| is_of_cargo);
    outer.unwrap_or(out).join("components")
}

/// A file's name, and its bytes.
type NamedFile = (&'static str, Vec<u8>);

/// The files. Each component in them carries its package's metadata; each file carries its own, and a bill of materials.
fn files(workspace: &Path, target_dir: &Path) -> Result<Vec<NamedFile>, Box<dyn Error>> {
    let compiler = Compiler::new(workspace, target_dir)?;
    let metadata = Metadata::of_packages(workspace)?;
    let metadata_of =
        |package: &str| metadata.get(package).ok_or_else(|| format!("{package} is not a package of the workspace."));
    let component = |package, features: &[&str]| metadata_of(package)?.attach(&compiler.component(package, features)?);
    let composed = |name: &str, description: &str, file: &[u8]| {
        let (name, description) = (name.to_owned(), description.to_owned());
        Metadata { name, description, ..metadata_of(CONNECTOR)?.clone() }.attach(&without_component_name(file)?)
    };
    let with_bill = |file: &[u8], packages: &[&str]| bill_of_materials::attach(file, workspace, packages, TARGET);
    let (connector, guard) = (component(CONNECTOR, &[])?, component(GUARD, &[])?);
    let guarded = compose((GUARD, &guard), (CONNECTOR, &connector))?;
    let guarded = composed(
        "guarded-qualtrics-connector",
        "The connector for Qualtrics behind an egress guard, which permits requests to configured origins only",
        &guarded,
    )?;
    let gateway = |features: &[&str], served: &str| {
        let gateway = compose((CONNECTOR, &guarded), (GATEWAY, &component(GATEWAY, features)?))?;
        let description = format!(
            "The connector for Qualtrics as an HTTP service, behind an egress guard: for runtimes that serve {served}"
        );
        with_bill(&composed("qualtrics-gateway", &description, &gateway)?, &[GATEWAY, CONNECTOR, GUARD])
    };
    Ok(vec![
        ("qualtrics.wasm", with_bill(&connector, &[CONNECTOR])?),
        ("guarded.wasm", with_bill(&guarded, &[CONNECTOR, GUARD])?),
        ("gateway.wasm", gateway(&[], "wasi:http 0.2")?),
        ("gateway-wasi-0.3.wasm", gateway(&["wasi-0-3"], "wasi:http 0.3")?),
    ])
}

fn variable(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    Ok(env::var_os(name).ok_or_else(|| format!("Cargo did not set {name}."))?.into())
}
