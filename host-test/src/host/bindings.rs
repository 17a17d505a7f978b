//! What wasmtime generates from `wit/connector.wit`, and nothing else.
//!
//! Bound is the interface `connector` alone, not the world `plugin`: what that world imports is implemented by
//! `wasmtime-wasi-http` and [`super::time`] against bindings of their own.

#![allow(missing_docs, unreachable_pub, unsafe_code, clippy::all)]

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "
        package privacy:host;

        world plugin-calls {
            export privacy:connector/connector@0.1.0;
        }
    ",
    world: "privacy:host/plugin-calls",
    exports: { default: async },
    // The journal keeps requests and how they ended.
    additional_derives: [PartialEq, serde::Deserialize, serde::Serialize],
});
