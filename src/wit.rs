//! What `wit/` declares, as Rust: the contract's types, the trait of its functions, and the WASI imports.
//!
//! The only generated code of the connector, and the only module that allows `unsafe`. It compiles natively as well: the
//! connector uses the contract's types, and native tests construct them.
#![allow(unsafe_code, missing_docs)]
#![allow(clippy::pedantic, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

wit_bindgen::generate!({
    path: "wit",
    world: "plugin",
    generate_all,
    additional_derives: [PartialEq],
    // Its `last-operation-failed` holds a resource.
    additional_derives_ignore: ["stream-error"],
});

// `export!` must be invoked here, because it expands to `unsafe`, which only this module allows.
#[cfg(target_arch = "wasm32")]
use super::guest::Component;
#[cfg(target_arch = "wasm32")]
export!(Component);
