//! `wasi:http` and `wasi:clocks` behind the traits of [`crate::http`].
//!
//! The only decision here is which error codes prove that nothing was sent: [`error_code`], which is tested natively.
//!
//! | module | what it does |
//! |---|---|
//! | [`transport`] | concurrent requests, each within its time-outs |
//! | [`exchange`] | one request and its response, with the host's resources that they hold |
//! | [`error_code`] | the error codes of `wasi:http` |
//! | [`clock`] | `wasi:clocks` |

#[cfg(target_arch = "wasm32")]
mod clock;
mod error_code;
#[cfg(target_arch = "wasm32")]
mod exchange;
#[cfg(target_arch = "wasm32")]
mod transport;

#[cfg(target_arch = "wasm32")]
pub(crate) use clock::WasiClock;
#[cfg(target_arch = "wasm32")]
pub(crate) use transport::WasiTransport;
