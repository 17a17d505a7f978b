//! What `wit/` says, as Rust: the imports, the exported interface, and the glue between them and the host.
#![allow(unsafe_code)]

wit_bindgen::generate!({
    path: "wit",
    world: "plugin",
    generate_all,
});

use super::exports::Component;

/// What only one thread can reach, since a component has no other.
pub(super) struct OnlyThread<T>(pub(super) T);

// SAFETY: nothing is shared between threads where there is one.
unsafe impl<T> Sync for OnlyThread<T> {}

export!(Component);
