//! A privacy connector as an HTTP service, for runtimes that serve `wasi:http/incoming-handler` and nothing else.
//!
//! It is vendor-neutral: it can be composed with any component that exports `privacy:connector/connector`. It is stateless: requests and
//! tickets are in bodies, references of documents in the URL. `GET /openapi.json` describes its routes.
//!
//! The modules, in the order in which a request passes through them:
//!
//! | module | content |
//! |---|---|
//! | `component` | WebAssembly only: the bindings, `wasi:http`, the connector. It contains no decisions. |
//! | [`gateway`] | maps requests to calls of the connector, and results to responses |
//! | [`configuration`], [`callers`] | the environment: accepted tokens, and the connector's settings |
//! | [`route`], [`arguments`] | paths, queries and bodies |
//! | [`download`], [`document`] | downloads with ranges, and documents as streams |
//! | [`problem`] | errors as problem details |
//! | [`response`], [`http`] | responses and requests |
//! | [`connector`] | the trait of a connector |
//!
//! All modules except `component` compile natively, and their tests run natively.

pub mod arguments;
pub mod callers;
#[cfg(target_arch = "wasm32")]
mod component;
pub mod configuration;
pub mod connector;
pub mod document;
pub mod download;
pub mod gateway;
pub mod http;
pub mod problem;
pub mod response;
pub mod route;
#[cfg(test)]
mod tests;
