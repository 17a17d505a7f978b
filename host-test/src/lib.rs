//! A wasmtime host for privacy connectors, and a simulator of Qualtrics to run it against.

pub mod host;
pub mod journal;
pub mod performance;

pub use qualtrics_simulator as simulator;
pub use simulated_clock as clock;

/// The connector for Qualtrics, as a component.
pub const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/qualtrics.wasm"));

/// The connector whose requests pass through the egress guard, as one component: for hosts that cannot say themselves where a
/// component may send requests. It permits what its environment variable `EGRESS_ORIGINS` says, and without one
/// `https://*.qualtrics.com`.
pub const GUARDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guarded.wasm"));

/// The connector as an HTTP service, as one component: the gateway, the connector, and the egress guard behind it. For runtimes
/// that serve `wasi:http/incoming-handler`.
pub const GATEWAY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gateway.wasm"));
