//! The types of the contract `privacy:connector@0.2.0` outside the guest: `wit/connector.wit`, item by item, where each is
//! documented as well.
//!
//! Gateway, command line, journal, scenarios and the Rust host use these types. With the feature `wasmtime` they cross the component
//! boundary as they are.
//!
//! **JSON.** One spelling, by one rule: a record is an object with all its members, named as in the WIT; an option without a value is
//! `null`; a case without a payload is its name, a case with one an object with that one member (`{"email": "ada@example.org"}`,
//! `{"retry": 15000}`); a list or tuple is an array; bytes are Base64; a result is `{"ok": …}` or `{"error": …}` ([`CallResult`]).
//! What hosts send is parsed strictly: an unknown member, or one that occurs twice, is an error.
//!
//! **Privacy.** The types that hold identifiers, setting values or documents do not print them: their `Debug` is redacted.

mod base64_text;
mod constructors;
mod error;
mod manifest;
mod numbers;
mod progress;
mod redacted;
mod report;
mod request;
mod results;
mod words;

pub use error::{Error, ErrorKind, Problem, Remedy};
pub use manifest::{Capability, Connection, Manifest, Permission, RateLimit, SettingField, SettingKind};
pub use progress::{Pending, Progress, Stage};
pub use report::{Amount, Chunk, Content, Document, Finding, Gap, Outcome, Receipt, Report, SourceState, VendorJob};
pub use request::{Attempts, DeletionMode, Identifier, Request, Right, Setting, Task};
pub use results::CallResult;

#[cfg(test)]
mod tests;
