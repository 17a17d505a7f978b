//! Requests in progress.

use serde::{Deserialize, Serialize};
#[cfg(feature = "wasmtime")]
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::{Problem, Report};

/// The state of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// Work continues: call `poll` with this ticket.
    #[cfg_attr(feature = "wasmtime", component(name = "pending"))]
    Pending(Pending),
    /// The final result. Starting the request again yields the same outcome while the vendor's data is unchanged.
    #[cfg_attr(feature = "wasmtime", component(name = "done"))]
    Done(Report),
}

/// The phases of a request, in order. A request need not pass through all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(enum))]
#[cfg_attr(feature = "wasmtime", repr(u8))]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Searching.
    #[cfg_attr(feature = "wasmtime", component(name = "searching"))]
    Searching,
    /// Exporting.
    #[cfg_attr(feature = "wasmtime", component(name = "exporting"))]
    Exporting,
    /// Collecting.
    #[cfg_attr(feature = "wasmtime", component(name = "collecting"))]
    Collecting,
    /// Deleting.
    #[cfg_attr(feature = "wasmtime", component(name = "deleting"))]
    Deleting,
    /// Opting out.
    #[cfg_attr(feature = "wasmtime", component(name = "opting-out"))]
    OptingOut,
    /// Verifying.
    #[cfg_attr(feature = "wasmtime", component(name = "verifying"))]
    Verifying,
}

/// Work in progress at the vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Pending {
    /// What `poll` needs to continue, on any instance, for as long as the vendor keeps the job. At most 4 KiB of printable
    /// ASCII, free of personal data and secrets, hence safe to log. Store it before polling again. Older tickets of the
    /// same request remain valid.
    pub ticket: String,
    /// Stage.
    pub stage: Stage,
    /// The minimum delay before the next `poll`.
    #[cfg_attr(feature = "wasmtime", component(name = "poll-after-ms"))]
    pub poll_after_ms: u64,
    /// Requests with the same value share a vendor job: poll them together. Safe to log.
    pub group: Option<String>,
    /// When the vendor accepted the request, once it has.
    #[cfg_attr(feature = "wasmtime", component(name = "submitted-at"))]
    pub submitted_at: Option<u64>,
    /// The vendor's own word for the job's status.
    #[cfg_attr(feature = "wasmtime", component(name = "vendor-status"))]
    pub vendor_status: Option<String>,
    /// Progress of this stage, 0 to 100, where the vendor reports it.
    pub percent: Option<u8>,
    /// Set when an operator should look although work continues: `overdue`, `unknown-status`.
    pub attention: Option<Problem>,
}
