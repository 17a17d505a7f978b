//! A privacy connector for Qualtrics: it finds what Qualtrics holds on a person, deletes it, and proves what it did.
//!
//! The map, in the direction in which data flows:
//!
//! | module | what it knows |
//! |---|---|
//! | `component` | wasm only: the contract's bindings, `wasi:http` and `wasi:clocks`. No decision is made there. |
//! | [`connector`] | what the contract promises: settings, requests, tickets, reports. |
//! | [`qualtrics`] | what Qualtrics speaks: sign-in, envelope, erasures, customer data requests, directories, users. |
//! | [`http`] | what both need of HTTP: a request, an answer, a [`http::Transport`], retries and pacing. |
//! | [`json`], [`digits`], [`letters`], [`order`] | values of JSON; decimal numbers; lower case; sorting: all in few bytes. |
//! | [`secret`] | values that cannot be printed. |
//!
//! Nothing points back. All but `component` compiles natively; that is how it is tested, fuzzed and benchmarked.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
mod component;
pub mod connector;
pub mod digits;
pub mod http;
pub mod json;
pub mod letters;
pub mod order;
mod prelude;
pub mod qualtrics;
pub mod secret;
