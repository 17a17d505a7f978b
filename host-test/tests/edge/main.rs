//! The connector composed with others: behind the egress guard, and as an HTTP service. Each test runs the very file that other
//! hosts load.

mod files;
mod gateway;
mod guard;
mod guests;
#[path = "../hostile_guests/server.rs"]
#[allow(dead_code, reason = "others use the rest")]
mod server;
