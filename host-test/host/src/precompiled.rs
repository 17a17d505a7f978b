//! Machine code of a plugin, so that loading it needs no compilation.

#![allow(unsafe_code)]

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::error::HostError;

/// A plugin's machine code, for this version of the host on this kind of machine.
///
/// Machine code runs outside the sandbox, so it must come from a trusted place. Safe code can only get it from
/// [`Plugin::precompile`](crate::Plugin::precompile).
#[derive(Clone, Debug)]
pub struct Precompiled(Code);

#[derive(Clone, Debug)]
enum Code {
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl Precompiled {
    pub(crate) fn of(component: &Component) -> wasmtime::Result<Self> {
        component.serialize().map(|bytes| Self(Code::Bytes(bytes)))
    }

    /// The code, to be stored where only the host can write. `None` if it is in a file already.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Code::Bytes(bytes) => Some(bytes),
            Code::File(_) => None,
        }
    }

    /// Writes the code to a new file that only its owner can change. It is mapped into memory when it is loaded.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_to(&self, path: PathBuf) -> io::Result<Self> {
        let Code::Bytes(bytes) = &self.0 else { return Ok(self.clone()) };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o400);
        options.open(&path)?.write_all(bytes)?;
        Ok(Self(Code::File(path)))
    }

    /// Code that was stored before. Loading fails for code of another version of the host, of other
    /// [`Options`](crate::Options), or for another kind of machine.
    ///
    /// # Safety
    /// The bytes must come from [`Precompiled::as_bytes`], unchanged. Other bytes can run arbitrary machine code.
    #[must_use]
    pub unsafe fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Code::Bytes(bytes))
    }

    /// Code in a file, which is mapped into memory when it is loaded.
    ///
    /// # Safety
    /// The file must hold the bytes of [`Precompiled::as_bytes`], unchanged while anything that was loaded from it exists. Other
    /// bytes can run arbitrary machine code.
    #[must_use]
    pub unsafe fn in_file(path: PathBuf) -> Self {
        Self(Code::File(path))
    }

    pub(crate) fn load(&self, engine: &Engine) -> Result<Component, HostError> {
        // SAFETY: the bytes come from `Component::serialize`, unchanged: `of` got them there, or the caller of `from_bytes` or
        // `in_file` guarantees it.
        let loaded = unsafe {
            match &self.0 {
                Code::Bytes(bytes) => Component::deserialize(engine, bytes),
                Code::File(path) => Component::deserialize_file(engine, path),
            }
        };
        loaded.map_err(|error| HostError::unfit(&error))
    }
}
