//! Machine code of a plugin, kept so that loading it costs no compilation.

#![allow(unsafe_code)]

use wasmtime::Engine;
use wasmtime::component::Component;

use super::error::HostError;

/// A plugin's machine code, for this version of the host on this kind of machine.
///
/// Safe code can only get it from [`Plugin::precompile`](super::Plugin::precompile): machine code runs without a sandbox, so
/// where it comes from is all the safety there is.
#[derive(Clone, Debug)]
pub struct Precompiled(Vec<u8>);

impl Precompiled {
    pub(super) fn of(component: &Component) -> wasmtime::Result<Self> {
        component.serialize().map(Self)
    }

    /// The code, to be kept where nobody but the host can write.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes up code that was kept. Code of another version, of other [`Options`](super::Options) or for another machine is
    /// found out when it is loaded.
    ///
    /// # Safety
    /// These bytes come from [`Precompiled::as_bytes`], and nobody could change them since. Others can make the host run
    /// anything.
    #[must_use]
    pub unsafe fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn load(&self, engine: &Engine) -> Result<Component, HostError> {
        // SAFETY: these bytes are what `Component::serialize` gave, unchanged: `of` made them, or the caller of
        // `from_bytes` vouches for them.
        unsafe { Component::deserialize(engine, &self.0) }.map_err(|error| HostError::unfit(&error))
    }
}
