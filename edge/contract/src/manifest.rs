//! The manifest of a connector, and the result of `check`.

use serde::{Deserialize, Serialize};
#[cfg(feature = "wasmtime")]
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::{Gap, Problem, Right};

/// What a connector is and needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// The stable name of the connector, for programs.
    pub name: String,
    /// The name of the vendor system, for a person.
    pub title: String,
    /// The version of the connector.
    pub version: String,
    /// One for each supported right.
    pub capabilities: Vec<Capability>,
    /// The fields of the set-up form, in the order in which to show them.
    pub settings: Vec<SettingField>,
    /// The permissions that the connector may need. Settings can make some of them unnecessary.
    pub permissions: Vec<Permission>,
    /// The vendor's rate limits that apply to the connector's calls.
    pub limits: Vec<RateLimit>,
    /// Origins the connector may need to reach: `https://*.example.com`.
    pub egress: Vec<String>,
    /// The gaps of all rights. A report repeats those of its right.
    pub gaps: Vec<Gap>,
}

/// How a connector supports a right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Capability {
    /// Right.
    pub right: Right,
    /// Whether the vendor keeps working after the call returns.
    pub asynchronous: bool,
    /// Whether all data of the person is processed, without a choice of records.
    #[cfg_attr(feature = "wasmtime", component(name = "whole-record"))]
    pub whole_record: bool,
    /// The supported cases of `identifier`.
    pub identifiers: Vec<String>,
    /// How many identifiers one vendor job can serve; 1 where requests are never grouped.
    #[cfg_attr(feature = "wasmtime", component(name = "group-size"))]
    pub group_size: u32,
    /// After this long, a pending request is reported as `overdue`.
    #[cfg_attr(feature = "wasmtime", component(name = "overdue-after-ms"))]
    pub overdue_after_ms: u64,
}

/// A field of the connection's set-up form. A published key stays accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct SettingField {
    /// Key.
    pub key: String,
    /// Label.
    pub label: String,
    /// Help.
    pub help: String,
    /// Kind.
    pub kind: SettingKind,
    /// Required.
    pub required: bool,
    /// Default.
    pub default: Option<String>,
    /// The values of a choice, each with its label.
    pub choices: Vec<(String, String)>,
}

/// The type of a setting's value. A `secret` is never shown again; an `origin` is scheme, host and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(enum))]
#[cfg_attr(feature = "wasmtime", repr(u8))]
#[serde(rename_all = "kebab-case")]
pub enum SettingKind {
    /// Text.
    #[cfg_attr(feature = "wasmtime", component(name = "text"))]
    Text,
    /// Secret.
    #[cfg_attr(feature = "wasmtime", component(name = "secret"))]
    Secret,
    /// Choice.
    #[cfg_attr(feature = "wasmtime", component(name = "choice"))]
    Choice,
    /// Flag.
    #[cfg_attr(feature = "wasmtime", component(name = "flag"))]
    Flag,
    /// Number.
    #[cfg_attr(feature = "wasmtime", component(name = "number"))]
    Number,
    /// Origin.
    #[cfg_attr(feature = "wasmtime", component(name = "origin"))]
    Origin,
}

/// A permission that an administrator grants at the vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Permission {
    /// Name.
    pub name: String,
    /// Rights that fail without it.
    #[cfg_attr(feature = "wasmtime", component(name = "required-for"))]
    pub required_for: Vec<Right>,
    /// Rights that return more with it.
    #[cfg_attr(feature = "wasmtime", component(name = "optional-for"))]
    pub optional_for: Vec<Right>,
}

/// A rate limit that the vendor applies to the whole tenant. A host that runs several instances should enforce it across
/// them by responding to excess calls itself, with status 429 and `Retry-After`. Where it cannot, each instance keeps to its
/// own share (a setting). A call counts against every limit it matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct RateLimit {
    /// Name.
    pub name: String,
    /// Empty for every method.
    pub methods: Vec<String>,
    /// A path in which `*` stands for one segment and a final `**` for the rest, such as `/API/v3/users/*`.
    pub path: String,
    /// Calls per minute.
    #[cfg_attr(feature = "wasmtime", component(name = "calls-per-minute"))]
    pub calls_per_minute: u32,
}

/// The result of `check`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Connection {
    /// The vendor's name of the tenant. Empty if it is unknown, like `account` and `role`.
    pub tenant: String,
    /// The tenant's region.
    pub region: String,
    /// The account in use. May be personal data: do not log.
    pub account: String,
    /// The account's role.
    pub role: String,
    /// The permissions that were verified.
    pub granted: Vec<String>,
    /// The origins this connection uses, out of `manifest.egress`.
    pub egress: Vec<String>,
    /// Warnings.
    pub warnings: Vec<Problem>,
}
