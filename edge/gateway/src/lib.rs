//! A privacy connector as an HTTP service, for runtimes that serve `wasi:http/incoming-handler` and nothing else.
//!
//! It knows no vendor: whatever exports `privacy:connector/connector` can be composed with it. It keeps no state:
//! requests and tickets travel in bodies, references of documents in the URL. What it serves is described by
//! `openapi.json`, which it serves, too.
//!
//! The map, in the direction in which a request goes:
//!
//! | module | what it knows |
//! |---|---|
//! | `component` | wasm only: the bindings, `wasi:http`, the connector. No decision is made there. |
//! | [`gateway`] | which call a request is, and how its result is answered |
//! | [`configuration`], [`callers`] | the environment: who may call, and the connector's settings |
//! | [`route`], [`arguments`] | paths, queries and bodies |
//! | [`document`] | documents, streamed |
//! | [`problem`] | what went wrong, as problem details |
//! | [`http`] | a request and an answer |
//! | [`connector`] | the trait of a connector |
//!
//! All but `component` compiles natively; that is how it is tested.

pub mod arguments;
pub mod callers;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod configuration;
pub mod connector;
pub mod document;
pub mod gateway;
pub mod http;
pub mod problem;
pub mod route;
#[cfg(test)]
mod tests;
