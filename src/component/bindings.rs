//! What `wit/` says, as Rust: the imports, the exported interface, and the glue between them and the host.
#![allow(unsafe_code)]

wit_bindgen::generate!({
    path: "wit",
    world: "plugin",
    generate_all,
});

use super::exports::Component;

export!(Component);
