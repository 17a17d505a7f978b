//! Compiles a package of the workspace to a component.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::sections::without_component_name;
use super::variable;

/// The target that the components are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The environment variable that keeps function names in the files, for profilers.
pub const KEEP_NAMES: &str = "KEEP_NAMES";

/// What the guard permits without configuration: the egress of the connector's manifest.
const ORIGINS: &str = "https://*.qualtrics.com";

/// Compiles packages of one checkout.
pub struct Compiler<'p> {
    workspace: &'p Path,
    target_dir: &'p Path,
    flags: String,
}

impl<'p> Compiler<'p> {
    /// A compiler with its own target directory: the outer cargo holds the lock of its directory while the build script runs.
    ///
    /// # Errors
    /// The toolchain does not have the target.
    pub fn new(workspace: &'p Path, target_dir: &'p Path) -> Result<Self, Box<dyn Error>> {
        check_target()?;
        Ok(Self { workspace, target_dir, flags: remap_flags(workspace)? })
    }

    /// The package, with these features, as a component.
    ///
    /// # Errors
    /// It does not compile.
    pub fn component(&self, package: &str, features: &[&str]) -> Result<Vec<u8>, Box<dyn Error>> {
        let module = fs::read(self.module(package, features)?)?;
        without_component_name(&wit_component::ComponentEncoder::default().validate(true).module(&module)?.encode()?)
    }

    /// The path of the package as a core module: a `cdylib` only, because cargo does no link-time optimisation for
    /// `cdylib` and `rlib` together.
    fn module(&self, package: &str, features: &[&str]) -> Result<PathBuf, Box<dyn Error>> {
        let keep_names = env::var_os(KEEP_NAMES).is_some();
        let status = Command::new(variable("CARGO")?)
            .current_dir(self.workspace)
            .args(["rustc", "--quiet", "--locked", "--lib", "--crate-type", "cdylib", "--profile", "component"])
            .args(["--package", package, "--features", &features.join(","), "--target", TARGET, "--target-dir"])
            .arg(self.target_dir)
            .args(keep_names.then_some(["--config", "profile.component.strip='debuginfo'"]).into_iter().flatten())
            // These belong to the outer build: clippy's driver, a compiler cache, flags of the host's platform.
            .env_remove("RUSTC_WRAPPER")
            .env_remove("RUSTC_WORKSPACE_WRAPPER")
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_BUILD_TARGET")
            .env("CARGO_ENCODED_RUSTFLAGS", &self.flags)
            .env("EGRESS_GUARD_ORIGINS", ORIGINS)
            .status()?;
        if !status.success() {
            return Err(format!("{package} does not compile for {TARGET}: see above.").into());
        }
        let name = format!("{}.wasm", package.replace('-', "_"));
        Ok(self.target_dir.join(TARGET).join("component").join(name))
    }
}

/// Without the target, cargo reports a page of errors about a missing `core`.
fn check_target() -> Result<(), Box<dyn Error>> {
    let output = Command::new(variable("RUSTC")?).args(["--print", "target-libdir", "--target", TARGET]).output()?;
    let libraries = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    if output.status.success() && libraries.is_dir() {
        return Ok(());
    }
    Err(format!(
        "The connector is compiled for {TARGET}, which this Rust toolchain does not have. Install it with\n\n    rustup target add {TARGET}\n"
    )
    .into())
}

/// Flags that keep paths of this machine out of the component: the same source gives the same bytes everywhere.
fn remap_flags(workspace: &Path) -> Result<String, Box<dyn Error>> {
    let cargo_home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => env::home_dir().ok_or("There is no home directory, and CARGO_HOME is not set.")?.join(".cargo"),
    };
    let remap = |place: &Path, name: &str| format!("--remap-path-prefix={}={name}", place.display());
    let mut flags = vec![remap(workspace, "/connector")];
    // One directory for each registry, named after the registry's address.
    for registry in fs::read_dir(cargo_home.join("registry").join("src")).into_iter().flatten() {
        flags.push(remap(&registry?.path(), "/dependencies"));
    }
    Ok(flags.join("\u{1f}"))
}
