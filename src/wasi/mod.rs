//! `wasi:http` and `wasi:clocks` behind the traits of [`crate::http`]. No decision is made here.
//!
//! | module | what it does |
//! |---|---|
//! | [`transport`] | several requests at once, each within its time-outs |
//! | [`exchange`] | one request and its response, with the host's resources that they hold |
//! | [`error_code`] | the error codes of `wasi:http` |
//! | [`clock`] | `wasi:clocks` |

mod clock;
mod error_code;
mod exchange;
mod transport;

pub(crate) use clock::WasiClock;
pub(crate) use transport::WasiTransport;
