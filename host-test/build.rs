//! Builds the components for `wasm32-unknown-unknown`, and makes the files of them that hosts load, in `$OUT_DIR`:
//!
//! | file | what it is |
//! |---|---|
//! | `qualtrics.wasm` | the connector |
//! | `guarded.wasm` | the connector, whose requests pass through the egress guard |
//! | `gateway.wasm` | the gateway, whose calls are served by that connector |
//!
//! With cargo alone: no further tool has to be installed. That target, and not `wasm32-wasip2`, because
//! there the standard library imports ten interfaces that the components neither need nor may have.
//!
//! This program can be run by itself as well, as cargo would run it: its path is `$COMPONENT_BUILDER` for whatever is compiled
//! with this package. With `KEEP_NAMES` in its environment, the functions in the files keep their names.

#[path = "build/bill_of_materials.rs"]
mod bill_of_materials;
#[path = "build/composition.rs"]
mod composition;
#[path = "build/metadata.rs"]
mod metadata;
#[path = "build/sections.rs"]
mod sections;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use composition::compose;
use metadata::Metadata;
use sections::without_names;

const CONNECTOR: &str = "qualtrics-connector";
const GUARD: &str = "egress-guard";
const GATEWAY: &str = "gateway";
const TARGET: &str = "wasm32-unknown-unknown";

/// The variable that has names kept.
const KEEP_NAMES: &str = "KEEP_NAMES";

/// What the guard permits where its environment says nothing: what the connector's manifest asks for.
const ORIGINS: &str = "https://*.qualtrics.com";

fn main() {
    if let Err(error) = build() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let out = variable("OUT_DIR")?;
    let workspace = variable("CARGO_MANIFEST_DIR")?.join("..").canonicalize()?;
    for source in ["src", "wit", "edge", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(source).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    for name in metadata::VARIABLES.into_iter().chain([KEEP_NAMES]) {
        println!("cargo::rerun-if-env-changed={name}");
    }
    println!("cargo::rustc-env=COMPONENT_BUILDER={}", env::current_exe()?.display());

    target_is_installed()?;
    for (name, file) in files(&workspace, &out.join("wasm"))? {
        fs::write(out.join(name), file)?;
    }
    Ok(())
}

/// A file's name, and its bytes.
type NamedFile = (&'static str, Vec<u8>);

/// The files, from the source in this checkout. Each component in them says what it is, and so does each file; the bill of
/// materials is the file's.
fn files(workspace: &Path, target_dir: &Path) -> Result<Vec<NamedFile>, Box<dyn Error>> {
    let metadata = Metadata::of_packages(workspace)?;
    let said_of =
        |package: &str| metadata.get(package).ok_or_else(|| format!("{package} is no package of the workspace."));
    let component = |package| said_of(package)?.attach(&component(package, workspace, target_dir)?);
    let composed = |name: &str, description: &str, file: &[u8]| {
        let (name, description) = (name.to_owned(), description.to_owned());
        Metadata { name, description, ..said_of(CONNECTOR)?.clone() }.attach(&without_names(file)?)
    };
    let with_bill = |file: &[u8], packages: &[&str]| bill_of_materials::attach(file, workspace, packages, TARGET);
    let (connector, guard, gateway) = (component(CONNECTOR)?, component(GUARD)?, component(GATEWAY)?);
    let guarded = compose((GUARD, &guard), (CONNECTOR, &connector))?;
    let guarded = composed(
        "guarded-qualtrics-connector",
        "The connector for Qualtrics behind an egress guard: its requests go to permitted origins or nowhere",
        &guarded,
    )?;
    let gateway = compose((CONNECTOR, &guarded), (GATEWAY, &gateway))?;
    let gateway = composed(
        "qualtrics-gateway",
        "The connector for Qualtrics as an HTTP service, behind an egress guard: for runtimes that serve wasi:http",
        &gateway,
    )?;
    Ok(vec![
        ("qualtrics.wasm", with_bill(&connector, &[CONNECTOR])?),
        ("guarded.wasm", with_bill(&guarded, &[CONNECTOR, GUARD])?),
        ("gateway.wasm", with_bill(&gateway, &[GATEWAY, CONNECTOR, GUARD])?),
    ])
}

fn component(package: &str, workspace: &Path, target_dir: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let keep_names = env::var_os(KEEP_NAMES).is_some();
    let module = fs::read(compile(package, workspace, target_dir, keep_names)?)?;
    without_names(&wit_component::ComponentEncoder::default().validate(true).module(&module)?.encode()?)
}

/// Where no target is installed, cargo's own message is a page of missing `core`.
fn target_is_installed() -> Result<(), Box<dyn Error>> {
    let answer = Command::new(variable("RUSTC")?).args(["--print", "target-libdir", "--target", TARGET]).output()?;
    let libraries = PathBuf::from(String::from_utf8(answer.stdout)?.trim());
    if answer.status.success() && libraries.is_dir() {
        return Ok(());
    }
    Err(format!(
        "The connector is built for {TARGET}, which this Rust toolchain lacks. Install it with\n\n    rustup target add {TARGET}\n"
    )
    .into())
}

/// The path of a package as a core module.
///
/// A target directory of its own, since the outer cargo holds the lock of the other one for as long as this runs. As a
/// `cdylib` only, since together with the `rlib` there is no link-time optimisation.
fn compile(package: &str, workspace: &Path, target_dir: &Path, keep_names: bool) -> Result<PathBuf, Box<dyn Error>> {
    let status = Command::new(variable("CARGO")?)
        .current_dir(workspace)
        .args(["rustc", "--quiet", "--locked", "--lib", "--crate-type", "cdylib", "--profile", "component"])
        .args(["--package", package, "--target", TARGET, "--target-dir"])
        .arg(target_dir)
        .args(keep_names.then_some(["--config", "profile.component.strip='debuginfo'"]).into_iter().flatten())
        // What belongs to the outer build: clippy's driver, a compiler cache, the flags of the host's platform.
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("CARGO_BUILD_TARGET")
        .env("CARGO_ENCODED_RUSTFLAGS", flags(workspace)?)
        .env("EGRESS_GUARD_ORIGINS", ORIGINS)
        .status()?;
    if !status.success() {
        return Err(format!("{package} does not compile for {TARGET}: see above.").into());
    }
    let name = format!("{}.wasm", package.replace('-', "_"));
    Ok(target_dir.join(TARGET).join("component").join(name))
}

/// Flags that keep the places of the checkout and of the dependencies out of the component: the same source gives the
/// same bytes on every machine.
fn flags(workspace: &Path) -> Result<String, Box<dyn Error>> {
    let cargo_home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => env::home_dir().ok_or("There is no home directory, and CARGO_HOME is not set.")?.join(".cargo"),
    };
    let remap = |place: &Path, name: &str| format!("--remap-path-prefix={}={name}", place.display());
    let mut flags = vec![remap(workspace, "/connector")];
    // One directory for each registry, named after where the registry is reached.
    for registry in fs::read_dir(cargo_home.join("registry").join("src")).into_iter().flatten() {
        flags.push(remap(&registry?.path(), "/dependencies"));
    }
    Ok(flags.join("\u{1f}"))
}

fn variable(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    Ok(env::var_os(name).ok_or_else(|| format!("Cargo did not set {name}."))?.into())
}
