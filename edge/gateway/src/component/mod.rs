//! The WebAssembly part: it connects the imports and the export of the world to the other modules. It contains no decisions, because it
//! cannot be tested natively.
//!
//! | module | content |
//! |---|---|
//! | [`bindings`] | generated from `wit/`; the only place with `unsafe` |
//! | `blocking` | the export `wasi:http/incoming-handler@0.2.0`, and bodies that are received and sent by blocking |
//! | `asynchronous` | with the feature `wasi-0-3`: the export `wasi:http/handler@0.3.0`, and bodies that are streams |
//! | [`connector`] | the connector that this component is composed with |
//! | [`instance`] | the gateway of this instance |

#[cfg(feature = "wasi-0-3")]
mod asynchronous;
mod bindings;
#[cfg(not(feature = "wasi-0-3"))]
mod blocking;
mod connector;
mod instance;
