//! What the world `gateway` says, as Rust: the imports, the exported interface, and the glue between them and the host.
#![allow(unsafe_code)]

wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "privacy:gateway/gateway",
    generate_all,
});

use super::exports::Component;

export!(Component);
