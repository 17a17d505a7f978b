//! Tests of the simulator over a socket.

mod client;
mod contacts;
mod control;
mod customer_data;
mod dialects;
mod directories;
mod erasures;
mod faults;
mod mailing_lists;
mod oauth;
mod simulator;
mod users;

use super::*;
