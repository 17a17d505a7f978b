//! The types of the contract `privacy:connector@0.2.0` for hosts and tools. They mirror `wit/connector.wit` item by item.
//!
//! The gateway, the command line, the journal, the scenarios and the Rust host use these types. With the feature `wasmtime` they cross the
//! component boundary without a conversion.
//!
//! **JSON.** A record is an object with all its members, named as in the WIT. An option without a value is `null`. A case without a payload
//! is its name; a case with a payload is an object with one member (`{"email": "ada@example.org"}`, `{"retry": 15000}`). A list or tuple is
//! an array. Bytes are Base64. A result is `{"ok": …}` or `{"error": …}` ([`CallResult`]). Input of hosts is parsed strictly: an unknown or
//! repeated member is an error.
//!
//! **Privacy.** `Debug` is redacted for the types that contain identifiers, setting values or documents.

mod base64_text;
mod constructors;
mod enumerations;
mod error;
mod manifest;
mod numbers;
mod progress;
mod redacted;
mod report;
mod request;
mod results;

pub use error::{Error, ErrorKind, Problem, Remedy};
pub use manifest::{Capability, Connection, Manifest, Permission, RateLimit, SettingField, SettingKind};
pub use progress::{Pending, Progress, Stage};
pub use report::{Amount, Chunk, Content, Document, Finding, Gap, Outcome, Receipt, Report, SourceState, VendorJob};
pub use request::{Attempts, DeletionMode, Identifier, Request, Right, Setting, Task};
pub use results::CallResult;

#[cfg(test)]
mod tests;
