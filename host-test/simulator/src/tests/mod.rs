//! The simulator, called as anybody would call it: with bytes over a socket.

mod caller;
mod dialects;
mod endpoints;
mod faults;

use super::*;
