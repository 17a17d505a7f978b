//! Machine code of a plugin, kept so that loading it costs no compilation.

#![allow(unsafe_code)]

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::error::HostError;

/// A plugin's machine code, for this version of the host on this kind of machine.
///
/// Safe code can only get it from [`Plugin::precompile`](super::Plugin::precompile): machine code runs without a sandbox, so
/// where it comes from is all the safety there is.
#[derive(Clone, Debug)]
pub struct Precompiled(Code);

#[derive(Clone, Debug)]
enum Code {
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl Precompiled {
    pub(super) fn of(component: &Component) -> wasmtime::Result<Self> {
        component.serialize().map(|bytes| Self(Code::Bytes(bytes)))
    }

    /// The code, to be kept where nobody but the host can write. None if it is in a file already.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Code::Bytes(bytes) => Some(bytes),
            Code::File(_) => None,
        }
    }

    /// Keeps the code in a new file that only its owner can change, from where it is mapped into memory when it is loaded.
    /// Whoever acts as the owner could change this process as well.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep(&self, path: PathBuf) -> io::Result<Self> {
        let Code::Bytes(bytes) = &self.0 else { return Ok(self.clone()) };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o400);
        options.open(&path)?.write_all(bytes)?;
        Ok(Self(Code::File(path)))
    }

    /// Takes up code that was kept. Code of another version, of other [`Options`](super::Options) or for another machine is
    /// found out when it is loaded.
    ///
    /// # Safety
    /// These bytes come from [`Precompiled::as_bytes`], and nobody could change them since. Others can make the host run
    /// anything.
    #[must_use]
    pub unsafe fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Code::Bytes(bytes))
    }

    /// Takes up code that was kept in a file, which is mapped into memory when it is loaded, and not read.
    ///
    /// # Safety
    /// The file holds what [`Precompiled::as_bytes`] gave, and nobody can change it for as long as anything that was loaded
    /// from it lives. Others can make the host run anything.
    #[must_use]
    pub unsafe fn in_file(path: PathBuf) -> Self {
        Self(Code::File(path))
    }

    pub(super) fn load(&self, engine: &Engine) -> Result<Component, HostError> {
        // SAFETY: these bytes are what `Component::serialize` gave, unchanged: `of` made them, or the caller of
        // `from_bytes` or `in_file` vouches for them.
        let loaded = unsafe {
            match &self.0 {
                Code::Bytes(bytes) => Component::deserialize(engine, bytes),
                Code::File(path) => Component::deserialize_file(engine, path),
            }
        };
        loaded.map_err(|error| HostError::unfit(&error))
    }
}
