//! Machine code on disk, so that a program that starts often compiles each component once.
//!
//! wasmtime's own cache is not used: it would build a compression library in C and a TOML parser, for files of a few megabytes.

#![allow(unsafe_code)]

use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::precompiled::Precompiled;

/// Older files are removed when a new one is written: nobody uses the machine code of a component or a host that was replaced.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A directory with the machine code of components.
pub(crate) struct CodeCache<'d>(&'d Path);

impl<'d> CodeCache<'d> {
    pub(crate) fn new(directory: &'d Path) -> Self {
        Self(directory)
    }

    /// The machine code of a component, if it is here and only this user could have written it.
    pub(crate) fn get(&self, engine: &Engine, component: &[u8]) -> Option<Component> {
        let file = self.file(engine, component);
        if !private::is_private(self.0) || !private::is_private(&file) {
            return None;
        }
        // SAFETY: nobody but this user can change the directory or the file. `put` wrote the file as a whole, under a name that
        // states its contents, and never writes to it again.
        let code = unsafe { Precompiled::in_file(file) };
        code.load(engine).ok()
    }

    /// Stores the machine code of a component. Failures are logged: the next start compiles the component again.
    pub(crate) fn put(&self, engine: &Engine, component: &[u8], compiled: &Component) {
        if let Err(error) = self.write(&self.file(engine, component), compiled) {
            tracing::debug!(%error, "the machine code of a component was not stored");
        }
    }

    fn write(&self, file: &Path, compiled: &Component) -> io::Result<()> {
        private::create(self.0)?;
        if !private::is_private(self.0) {
            return Err(io::Error::other("the directory can be changed by other users"));
        }
        let code = Precompiled::of(compiled).map_err(|error| io::Error::other(format!("{error:#}")))?;
        // Other processes may write the same file at this time.
        let temporary = file.with_extension(format!("{:016x}", RandomState::new().build_hasher().finish()));
        code.write_to(temporary.clone())?;
        // After a power failure, the name must not stand for a file that was not written as a whole.
        std::fs::File::open(&temporary)?.sync_all()?;
        std::fs::rename(&temporary, file).inspect_err(|_| drop(std::fs::remove_file(&temporary)))?;
        self.remove_old_files()
    }

    fn remove_old_files(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(self.0)? {
            let entry = entry?;
            let modified = entry.metadata()?.modified()?;
            if SystemTime::now().duration_since(modified).is_ok_and(|age| age > MAX_AGE) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// The name states the component, and the version and options of the engine.
    fn file(&self, engine: &Engine, component: &[u8]) -> PathBuf {
        let mut compatibility = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut compatibility);
        self.0.join(format!("{:x}-{:016x}", Sha256::digest(component), compatibility.finish()))
    }
}

#[cfg(unix)]
mod private {
    use std::fs::DirBuilder;
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    use std::path::Path;

    const WRITABLE_BY_OTHERS: u32 = 0o022;

    /// Whether only this user can change the file or directory.
    pub(super) fn is_private(path: &Path) -> bool {
        let is_own = |metadata: std::fs::Metadata| {
            metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & WRITABLE_BY_OTHERS == 0
        };
        std::fs::symlink_metadata(path).is_ok_and(is_own)
    }

    pub(super) fn create(directory: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)
    }
}

/// Where owners of files are not known, nothing is stored.
#[cfg(not(unix))]
mod private {
    use std::io;
    use std::path::Path;

    pub(super) fn is_private(_: &Path) -> bool {
        false
    }

    pub(super) fn create(_: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, unix))]
mod tests;
