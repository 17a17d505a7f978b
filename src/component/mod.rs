//! The part that exists in WebAssembly alone: what the world asks for, in terms of the core. No decision is made here.
//!
//! | module | what it does |
//! |---|---|
//! | [`bindings`] | the imports, generated from `wit/` |
//! | [`boundary`] | where the host's calls come in; with the bindings the only place with `unsafe` |
//! | [`lowering`] | how the contract's types lie in memory on their way out |
//! | [`exports`] | hands each call of the host to the one [`Connector`](crate::connector::Connector) of this instance |
//! | [`transport`] | requests over `wasi:http`, several at once, and their time limits |
//! | [`exchange`] | one request and its answer, with the host's resources that they hold |
//! | [`failure`] | `wasi:http`'s error codes: what went wrong, and whether the vendor may have begun |
//! | [`clock`] | `wasi:clocks` |
//! | [`runtime`] | memory, and an end for panics |

mod bindings;
mod boundary;
mod clock;
mod exchange;
mod exports;
mod failure;
mod lowering;
mod runtime;
mod transport;
