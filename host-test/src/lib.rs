//! A wasmtime host for privacy connectors, and a simulator of Qualtrics to run it against.

pub mod clock;
pub mod host;
pub mod journal;
pub mod simulator;

/// The connector for Qualtrics, as a component.
pub const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/qualtrics.wasm"));
