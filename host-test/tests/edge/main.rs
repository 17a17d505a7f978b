//! The connector composed with other components: behind the egress guard, and as an HTTP service. The tests run the files that
//! other hosts load.

mod files;
mod gateway;
mod guard;
mod guests;
#[path = "../hostile_guests/server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod server;
