//! The part that exists in WebAssembly alone: the world's imports and its one export, in terms of the core. No decision
//! is made here.
//!
//! | module | what it does |
//! |---|---|
//! | [`bindings`] | generated from `wit/`; the only place with `unsafe` |
//! | [`exports`] | hands each request to the one [`Gateway`](crate::gateway::Gateway) of this instance, and sends its answer |
//! | [`caller`] | the bodies of request and answer over `wasi:http`, piece by piece and each within its time |
//! | [`connector`] | the connector that this component is composed with |

mod bindings;
mod caller;
mod connector;
mod exports;
