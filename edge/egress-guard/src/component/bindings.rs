//! The generated bindings of the world `guard`.
#![allow(unsafe_code)]

wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "privacy:egress-guard/guard",
    generate_all,
});

use super::Guard;

export!(Guard);
