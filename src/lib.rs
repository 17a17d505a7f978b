//! A privacy connector for Qualtrics: it fulfils access, deletion and opt-out requests of data subjects in one Qualtrics brand, and reports
//! evidence of what it did.
//!
//! Imports point downwards only:
//!
//! | module | what it holds |
//! |---|---|
//! | `guest` | the component's exports: one line for each function of the contract |
//! | [`qualtrics`] | the vendor: settings, permissions, flows, and [`qualtrics::api`] with one file for each resource |
//! | [`privacy`] | the vendor-neutral life cycle of a request: identifiers, tickets, reports |
//! | [`http`] | vendor-neutral HTTP: transport and clock traits, retry policy, rate limits, OAuth client credentials |
//! | [`secret`] | values that are redacted and zeroized |
//! | `wasi` | wasm32 only: `wasi:http` and `wasi:clocks` behind the traits of [`http`] |
//! | [`wit`] | generated from `wit/`; [`contract`] is the part that the others use |
//!
//! Everything but `guest` and `wasi` compiles natively. The decisions are tested there, without a runtime and without sockets.

#[cfg(target_arch = "wasm32")]
mod guest;
pub mod http;
pub mod privacy;
pub mod qualtrics;
pub mod secret;
#[cfg(any(target_arch = "wasm32", test))]
mod wasi;
pub mod wit;

pub use wit::exports::privacy::connector::connector as contract;
