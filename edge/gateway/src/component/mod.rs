//! The WebAssembly part: it connects the imports and the export of the world to the other modules. It contains no decisions, because it
//! cannot be tested natively.
//!
//! | module | content |
//! |---|---|
//! | [`bindings`] | generated from `wit/`; the only place with `unsafe` |
//! | [`exports`] | passes each request to the [`Gateway`](crate::gateway::Gateway) of this instance, and sends its response |
//! | [`body`] | the bodies of requests and responses over `wasi:http`, with an idle time-out |
//! | [`connector`] | the connector that this component is composed with |

mod bindings;
mod body;
mod connector;
mod exports;
