//! What `wit/` says, as Rust.
#![allow(unsafe_code)]

wit_bindgen::generate!({
    path: ["../../wit/deps/io", "../../wit/deps/clocks", "../../wit/deps/http", "wit"],
    world: "privacy:egress-guard/guard",
    generate_all,
});

use super::Guard;

export!(Guard);
