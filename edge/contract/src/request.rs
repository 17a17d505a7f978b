//! Requests of hosts.

use serde::{Deserialize, Serialize};
#[cfg(feature = "wasmtime")]
use wasmtime::component::{ComponentType, Lift, Lower};

/// A privacy right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(enum))]
#[cfg_attr(feature = "wasmtime", repr(u8))]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Access.
    #[cfg_attr(feature = "wasmtime", component(name = "access"))]
    Access,
    /// Deletion.
    #[cfg_attr(feature = "wasmtime", component(name = "deletion"))]
    Deletion,
    /// Opt out.
    #[cfg_attr(feature = "wasmtime", component(name = "opt-out"))]
    OptOut,
}

/// An identifier of a data subject. Leading and trailing whitespace is ignored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
#[serde(rename_all = "kebab-case")]
pub enum Identifier {
    /// An e-mail address, compared without regard to case.
    #[cfg_attr(feature = "wasmtime", component(name = "email"))]
    Email(String),
    /// A telephone number in E.164 format.
    #[cfg_attr(feature = "wasmtime", component(name = "phone"))]
    Phone(String),
    /// The customer's own ID of the person, compared exactly.
    #[cfg_attr(feature = "wasmtime", component(name = "external-id"))]
    ExternalId(String),
    /// Any other kind: its name and the value.
    #[cfg_attr(feature = "wasmtime", component(name = "other"))]
    Other((String, String)),
}

/// A data subject request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Request {
    /// The host's ID of the request, the same on every retry: 1 to 128 of `A-Z a-z 0-9 . _ : -`. Hosts must not start the
    /// same request concurrently.
    pub id: String,
    /// All identifiers of one person: 1 to 64. A deletion or opt-out acts on these and on no others.
    pub subject: Vec<Identifier>,
    /// Deletion, after `outcome-unknown` or `restart`: the earlier attempts whose outcome is unknown, or that led to the spent
    /// ticket. The connector then looks for the vendor's job of any of them, and continues it instead of starting another. An
    /// attempt that ended in any other way does not count.
    #[serde(default)]
    pub attempts: Option<Attempts>,
    /// Codes of guards that an operator has overridden for this request: see `finding.code`.
    #[serde(default)]
    pub overrides: Vec<String>,
}

/// When attempts were started, by the clock that the connector sees. `invalid-request` if the latest lies before the
/// earliest, or more than 24 hours in the future, as a time in milliseconds does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attempts {
    /// The earliest; later attempts do not move it.
    #[cfg_attr(feature = "wasmtime", component(name = "first-at"))]
    #[serde(deserialize_with = "crate::numbers::deserialize")]
    pub first_at: u64,
    /// The latest.
    #[cfg_attr(feature = "wasmtime", component(name = "last-at"))]
    #[serde(deserialize_with = "crate::numbers::deserialize")]
    pub last_at: u64,
}

/// How far a deletion goes. There is no default, because deletion is irreversible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(enum))]
#[cfg_attr(feature = "wasmtime", repr(u8))]
#[serde(rename_all = "kebab-case")]
pub enum DeletionMode {
    /// Report what would be deleted; delete nothing. Guards are evaluated too.
    #[cfg_attr(feature = "wasmtime", component(name = "preview"))]
    Preview,
    /// Delete, and report what the vendor reports.
    #[cfg_attr(feature = "wasmtime", component(name = "erase"))]
    Erase,
    /// Delete, then search again; `verified` only if nothing is found.
    #[cfg_attr(feature = "wasmtime", component(name = "erase-and-verify"))]
    EraseAndVerify,
}

/// A request in progress, and its latest ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Task {
    /// Request.
    pub request: Request,
    /// Ticket.
    pub ticket: String,
}

/// A key and its value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Setting {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
}
