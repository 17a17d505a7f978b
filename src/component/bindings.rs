//! What `wit/` says, as Rust: the imports, and the world's description for whoever makes a component of the module. Where
//! the exported interface meets the host is `boundary`.
#![allow(unsafe_code)]

wit_bindgen::generate!({
    path: "wit",
    world: "plugin",
    generate_all,
});
