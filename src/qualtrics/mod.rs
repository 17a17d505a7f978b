//! What Qualtrics speaks: hosts, sign-in, the envelope, and the endpoints that a privacy request needs.
//!
//! "Fact sheet" in this module's documentation means the collection of what is publicly known of the Qualtrics API, on
//! which the simulator is built as well. What is UNCONFIRMED there is read tolerantly here.

pub mod account;
pub mod client;
pub mod cursor;
pub mod customer_data;
pub mod directories;
pub mod envelope;
pub mod erasure;
pub mod host;
pub mod job;
pub mod limits;
pub mod oauth;
pub mod timestamp;
pub mod users;
pub mod word;

pub use client::{Client, Session};
pub use envelope::{Answer, Trouble};
