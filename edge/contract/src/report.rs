//! Reports, and their parts.

use serde::{Deserialize, Serialize};
#[cfg(feature = "wasmtime")]
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::{DeletionMode, Identifier, Right};

/// The final result of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Right.
    pub right: Right,
    /// Outcome.
    pub outcome: Outcome,
    /// Findings.
    pub findings: Vec<Finding>,
    /// The data of an access request. Personal data: do not log the content of a document.
    pub documents: Vec<Document>,
    /// Further identifiers of the person, found through the given ones. Nothing was done with them: a person confirms
    /// them and starts another request. Each is accepted in `request.subject` as it stands. Personal data: do not log.
    pub discovered: Vec<Identifier>,
    /// Gaps.
    pub gaps: Vec<Gap>,
    /// Receipt.
    pub receipt: Receipt,
    /// With outcome `submitted`: a ticket that follows the job to its end.
    pub ticket: Option<String>,
}

/// How a request ended. Every outcome rests on evidence: the connector reports nothing it cannot show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(enum))]
#[cfg_attr(feature = "wasmtime", repr(u8))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Access: data was found, and every source was searched.
    #[cfg_attr(feature = "wasmtime", component(name = "found"))]
    Found,
    /// Every source was searched, and none holds data under these identifiers.
    #[cfg_attr(feature = "wasmtime", component(name = "not-found"))]
    NotFound,
    /// Incomplete: a source could not be searched, an identifier was not usable, or only some data could be processed. See
    /// `findings` for what is missing, and `receipt.jobs` for what was done.
    #[cfg_attr(feature = "wasmtime", component(name = "partial"))]
    Partial,
    /// Deletion, `preview`: what would be deleted.
    #[cfg_attr(feature = "wasmtime", component(name = "previewed"))]
    Previewed,
    /// Deletion in mode `erase`: accepted by the vendor; the connection's settings ask not to wait for completion.
    #[cfg_attr(feature = "wasmtime", component(name = "submitted"))]
    Submitted,
    /// Deletion: completed according to the vendor.
    #[cfg_attr(feature = "wasmtime", component(name = "deleted"))]
    Deleted,
    /// Deletion: completed according to the vendor, or no longer listed by it, and a second search found nothing.
    #[cfg_attr(feature = "wasmtime", component(name = "verified"))]
    Verified,
    /// Deletion: completed according to the vendor, but searches still find data.
    #[cfg_attr(feature = "wasmtime", component(name = "data-remaining"))]
    DataRemaining,
    /// Opt-out: set everywhere the person was found, and read back.
    #[cfg_attr(feature = "wasmtime", component(name = "opted-out"))]
    OptedOut,
    /// Not started: a guard forbids it, or no identifier can be used. See `findings`.
    #[cfg_attr(feature = "wasmtime", component(name = "refused"))]
    Refused,
    /// The vendor's job failed. `receipt` holds the reason as a code.
    #[cfg_attr(feature = "wasmtime", component(name = "failed"))]
    Failed,
}

/// What one source reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// The source: `survey-responses`, `directory:POOL_012`, `user-accounts`, …; `personal-data` for everything a vendor's
    /// deletion job covers; `all` for every source.
    pub source: String,
    /// State.
    pub state: SourceState,
    /// Amount.
    pub amount: Amount,
    /// The identifiers it is about, as indices into `request.subject`.
    pub identifiers: Vec<u32>,
    /// A stable code for programs. Guards, which `request.overrides` may lift where the note says so: `staff-account`,
    /// `own-account`. Unusable identifiers: `unsupported-kind`, `no-email`. Incomplete sources: `too-many`,
    /// `not-permitted`, `unavailable`, `not-searchable`, `not-licensed`. Data under an identifier that differs from the
    /// given one in case alone, and was left out: `similar-identifier`. A completed deletion for which the vendor reports no
    /// result per identifier: `not-itemised`. A result that may be due to other requests of the job: `shared-job`.
    /// Connectors may use further codes: show the note of a code that the host does not know.
    pub code: Option<String>,
    /// One sentence for a person.
    pub note: Option<String>,
}

/// Whether a source was searched, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(enum))]
#[cfg_attr(feature = "wasmtime", repr(u8))]
#[serde(rename_all = "kebab-case")]
pub enum SourceState {
    /// Searched.
    #[cfg_attr(feature = "wasmtime", component(name = "searched"))]
    Searched,
    /// Unavailable.
    #[cfg_attr(feature = "wasmtime", component(name = "unavailable"))]
    Unavailable,
    /// Not permitted.
    #[cfg_attr(feature = "wasmtime", component(name = "not-permitted"))]
    NotPermitted,
    /// Not usable.
    #[cfg_attr(feature = "wasmtime", component(name = "not-usable"))]
    NotUsable,
    /// Guarded.
    #[cfg_attr(feature = "wasmtime", component(name = "guarded"))]
    Guarded,
}

/// How much data a source holds. `unknown` is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
#[serde(rename_all = "kebab-case")]
pub enum Amount {
    /// Unknown.
    #[cfg_attr(feature = "wasmtime", component(name = "unknown"))]
    Unknown,
    /// Some, but the source does not say how much.
    #[cfg_attr(feature = "wasmtime", component(name = "present"))]
    Present,
    /// Count.
    #[cfg_attr(feature = "wasmtime", component(name = "count"))]
    Count(u64),
}

/// A document returned for an access request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Document {
    /// A file name: unique within the report, valid on every file system, free of personal data.
    pub name: String,
    /// The media type, without parameters; `application/octet-stream` if it is unknown.
    #[cfg_attr(feature = "wasmtime", component(name = "media-type"))]
    pub media_type: String,
    /// The `finding.source` it came from.
    pub source: String,
    /// The size in bytes, if known.
    pub size: Option<u64>,
    /// Content.
    pub content: Content,
}

/// Where a document's bytes are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(variant))]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// The bytes: up to 64 KiB per document and 1 MiB per call.
    #[cfg_attr(feature = "wasmtime", component(name = "inline"))]
    #[serde(with = "crate::base64_text")]
    Inline(Vec<u8>),
    /// A reference for `read`, safe to log. Read it soon: vendors let files expire.
    #[cfg_attr(feature = "wasmtime", component(name = "remote"))]
    Remote(String),
}

/// A piece of a remote document.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Chunk {
    /// Bytes.
    #[serde(with = "crate::base64_text")]
    pub bytes: Vec<u8>,
    /// Whether this is the end of the document.
    pub last: bool,
}

/// Data that a right does not reach, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Gap {
    /// A stable code for programs.
    pub code: String,
    /// The rights that do not reach the data.
    pub rights: Vec<Right>,
    /// One sentence for a person: which data is not reached.
    pub description: String,
    /// One sentence for a person: how to process that data.
    pub advice: String,
}

/// A job at the vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct VendorJob {
    /// `customer-data-request`, `erasure`, `erasure-search`, `opt-out`.
    pub operation: String,
    /// The vendor's ID of the job; for an opt-out, of the directory.
    pub id: String,
    /// The vendor's own word for the status, sanitized; in no defined format. Empty if the vendor sends none, `unknown`
    /// if the status was not read.
    pub status: String,
    /// When the vendor created the job, by its clock, such as `2026-01-31T12:00:00Z`. For display: the format is not
    /// defined.
    pub created: Option<String>,
    /// When the vendor last updated the job, likewise.
    pub updated: Option<String>,
    /// How many identifiers the job covers, including those of other requests that share it.
    pub identifiers: Option<u32>,
    /// Why it failed, as a code, never as the vendor's text.
    pub failure: Option<String>,
}

/// Evidence of what was done, for the audit trail. Free of personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "wasmtime", derive(ComponentType, Lift, Lower), component(record))]
#[serde(rename_all = "kebab-case")]
pub struct Receipt {
    /// The connector's name and version.
    pub connector: String,
    /// `request.id`.
    #[cfg_attr(feature = "wasmtime", component(name = "request-id"))]
    pub request_id: String,
    /// The mode of a deletion.
    pub mode: Option<DeletionMode>,
    /// The vendor's jobs for this request. Empty if there was none.
    pub jobs: Vec<VendorJob>,
    /// When the vendor accepted the request, if it did.
    #[cfg_attr(feature = "wasmtime", component(name = "submitted-at"))]
    pub submitted_at: Option<u64>,
    /// When the report was made.
    #[cfg_attr(feature = "wasmtime", component(name = "finished-at"))]
    pub finished_at: u64,
}
