//! Errors and warnings.

use serde::{Deserialize, Serialize};
#[cfg(feature = "wasmtime")]
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::Right;

/// An error. It contains no personal data, no secret, and nothing of the vendor's response but codes. Unless the kind is
/// `outcome-unknown`, the call did not start this request's deletion; earlier tickets remain valid unless the remedy is
/// `restart`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Error {
    /// Kind.
    pub kind: ErrorKind,
    /// Remedy.
    pub remedy: Remedy,
    /// One sentence for a person.
    pub message: String,
    /// Every problem found, so that all can be fixed together.
    pub problems: Vec<Problem>,
    /// The HTTP status of the response that caused the error, if there is one.
    #[cfg_attr(feature = "wasmtime", component(name = "http-status"))]
    pub http_status: Option<u16>,
    /// The vendor's error code, if the response contains one.
    #[cfg_attr(feature = "wasmtime", component(name = "vendor-code"))]
    pub vendor_code: Option<String>,
    /// The vendor's ID of the failed HTTP request, for its support, if the response contains one.
    #[cfg_attr(feature = "wasmtime", component(name = "vendor-request-id"))]
    pub vendor_request_id: Option<String>,
}

/// The kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(enum))]
#[cfg_attr(feature = "wasmtime", repr(u8))]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// `configure` has not succeeded on this instance.
    #[cfg_attr(feature = "wasmtime", component(name = "not-configured"))]
    NotConfigured,
    /// A setting is missing, unknown or malformed.
    #[cfg_attr(feature = "wasmtime", component(name = "invalid-settings"))]
    InvalidSettings,
    /// The request cannot be served as written.
    #[cfg_attr(feature = "wasmtime", component(name = "invalid-request"))]
    InvalidRequest,
    /// The ticket or reference is damaged, or belongs to another request.
    #[cfg_attr(feature = "wasmtime", component(name = "invalid-ticket"))]
    InvalidTicket,
    /// Not supported by this connector or this version of it.
    #[cfg_attr(feature = "wasmtime", component(name = "unsupported"))]
    Unsupported,
    /// The vendor rejects the credentials.
    #[cfg_attr(feature = "wasmtime", component(name = "unauthorized"))]
    Unauthorized,
    /// The credentials lack a permission, a role or a licence.
    #[cfg_attr(feature = "wasmtime", component(name = "forbidden"))]
    Forbidden,
    /// The vendor throttles, or the instance has no calls left in its share of the rate limit (see `rate-limit`).
    #[cfg_attr(feature = "wasmtime", component(name = "rate-limited"))]
    RateLimited,
    /// The vendor cannot be reached, or fails temporarily.
    #[cfg_attr(feature = "wasmtime", component(name = "unavailable"))]
    Unavailable,
    /// Deletion only: the vendor may or may not have started it. Repeat the call with `attempts`.
    #[cfg_attr(feature = "wasmtime", component(name = "outcome-unknown"))]
    OutcomeUnknown,
    /// The vendor no longer has the job or file.
    #[cfg_attr(feature = "wasmtime", component(name = "job-not-found"))]
    JobNotFound,
    /// The vendor's response was not understood.
    #[cfg_attr(feature = "wasmtime", component(name = "unexpected-response"))]
    UnexpectedResponse,
}

/// What the caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Repeat the call after at least this many milliseconds.
    #[cfg_attr(feature = "wasmtime", component(name = "retry"))]
    Retry(u64),
    /// The ticket or reference is spent: start the request again, a deletion with `attempts`.
    #[cfg_attr(feature = "wasmtime", component(name = "restart"))]
    Restart,
    /// An operator must change something first; the message says what.
    #[cfg_attr(feature = "wasmtime", component(name = "operator"))]
    Operator,
    /// Nothing: no retry will help.
    #[cfg_attr(feature = "wasmtime", component(name = "give-up"))]
    GiveUp,
}

/// One cause of an error, or one warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Problem {
    /// A stable code. Errors: `setting`, `request`, `permission`, `role`, `egress`, `proxy`, `narrowing`. Warnings: `not-licensed`,
    /// `not-searchable`, `unproven`, `role`, `datacenter`, `notice`. `attention`: `overdue`, `unknown-status`.
    pub code: String,
    /// What it concerns: a setting's key, a permission, an origin, a source, a place such as `subject[2]`. Never a value.
    pub target: String,
    /// The rights it affects.
    pub affects: Vec<Right>,
    /// One or more sentences for a person: what happened, then what to do.
    pub message: String,
}

/// The message, which is safe to log.
impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
