//! The connector for Qualtrics as component files.
//!
//! The build script compiles the connector, the egress guard and the gateway for `wasm32-unknown-unknown`, and composes the files.
//! They are reproducible: see `examples/reproducible.rs`.

/// The connector. For hosts that restrict egress themselves.
pub const CONNECTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/qualtrics.wasm"));

/// The connector behind the egress guard, in one file. For hosts that cannot restrict egress.
///
/// The guard permits the origins in the environment variable `EGRESS_ORIGINS`; without it, `https://*.qualtrics.com`.
pub const GUARDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guarded.wasm"));

/// The connector as an HTTP service: gateway, egress guard and connector in one file. For runtimes that serve
/// `wasi:http/incoming-handler@0.2.0`.
pub const GATEWAY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gateway.wasm"));

/// The same gateway for runtimes that serve `wasi:http/handler@0.3.0`. Such runtimes let an instance serve several requests, where they
/// create one for each request to [`GATEWAY`].
pub const GATEWAY_WASI_0_3: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gateway-wasi-0.3.wasm"));
