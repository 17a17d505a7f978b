//! The contract's types, as the core uses them: `wit/connector.wit`, item by item, where each is explained.
//!
//! They are written out here, and not taken from the generated bindings, so that the core compiles and is tested
//! without WebAssembly. `component` converts between the two, and decides nothing.
//!
//! Names of a person and the content of documents are [`Secret`]s or plain bytes without `Debug`: no request and no
//! report can be printed by accident.

use crate::prelude::*;
use crate::secret::Secret;

/// `identifier`.
#[derive(Clone, PartialEq, Eq)]
pub enum Identifier {
    /// `email`.
    Email(Secret),
    /// `phone`.
    Phone(Secret),
    /// `external-reference`.
    ExternalReference(Secret),
    /// `other`: the kind's name, and the value.
    Other(Secret, Secret),
}

/// `right`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Right {
    /// `access`.
    Access,
    /// `deletion`.
    Deletion,
}

/// `request`.
#[derive(Clone)]
pub struct Request {
    /// `key`.
    pub key: String,
    /// `subject`.
    pub subject: Vec<Identifier>,
    /// `first-attempt-at`, in seconds.
    pub first_attempt_at: Option<u64>,
    /// `confirmed`.
    pub confirmed: Vec<String>,
    /// `extra`.
    pub extra: Vec<Setting>,
}

/// `deletion-mode`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeletionMode {
    /// `preview`.
    Preview,
    /// `erase`.
    Erase,
    /// `erase-and-verify`.
    EraseAndVerify,
}

/// `progress`. The larger case is boxed.
pub enum Progress {
    /// `pending`.
    Pending(Pending),
    /// `done`.
    Done(Box<Report>),
}

/// `stage`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// `resolving`.
    Resolving,
    /// `searching`.
    Searching,
    /// `exporting`.
    Exporting,
    /// `gathering`.
    Gathering,
    /// `erasing`.
    Erasing,
    /// `verifying`.
    Verifying,
}

/// `pending`.
#[derive(Clone, Debug)]
pub struct Pending {
    /// `ticket`.
    pub ticket: String,
    /// `stage`.
    pub stage: Stage,
    /// `poll-after-ms`.
    pub poll_after_ms: u64,
    /// `submitted-at`, in seconds.
    pub submitted_at: Option<u64>,
    /// `vendor-status`.
    pub vendor_status: Option<String>,
    /// `percent`, 0 to 100.
    pub percent: Option<u8>,
    /// `attention`.
    pub attention: Option<Problem>,
    /// `extra`.
    pub extra: Vec<Setting>,
}

/// `outcome`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// `found`.
    Found,
    /// `nothing-found`.
    NothingFound,
    /// `partial`.
    Partial,
    /// `previewed`.
    Previewed,
    /// `submitted`.
    Submitted,
    /// `erased`.
    Erased,
    /// `verified`.
    Verified,
    /// `residue`.
    Residue,
    /// `refused`.
    Refused,
    /// `failed`.
    Failed,
}

/// `finding`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// `source`.
    pub source: String,
    /// `state`.
    pub state: SourceState,
    /// `amount`.
    pub amount: Amount,
    /// `names`, as indices into the request's subject.
    pub names: Vec<u32>,
    /// `code`.
    pub code: Option<&'static str>,
    /// `note`.
    pub note: Option<&'static str>,
}

/// `source-state`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceState {
    /// `searched`.
    Searched,
    /// `not-available`.
    NotAvailable,
    /// `not-permitted`.
    NotPermitted,
    /// `not-usable`.
    NotUsable,
    /// `guarded`.
    Guarded,
}

/// `amount`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Amount {
    /// `nothing`.
    Nothing,
    /// `exactly`.
    Exactly(u64),
    /// `some-data`.
    SomeData,
    /// `unknown`.
    Unknown,
}

/// `document`.
#[derive(Clone)]
pub struct Document {
    /// `name`.
    pub name: String,
    /// `media-type`.
    pub media_type: String,
    /// `source`.
    pub source: String,
    /// `size`, in bytes.
    pub size: Option<u64>,
    /// `content`.
    pub content: Content,
}

/// `content`.
#[derive(Clone)]
pub enum Content {
    /// `inline`.
    Inline(Vec<u8>),
    /// `remote`.
    Remote(String),
}

/// `chunk`.
#[derive(Clone, PartialEq, Eq)]
pub struct Chunk {
    /// `bytes`.
    pub bytes: Vec<u8>,
    /// `last`.
    pub last: bool,
}

/// `gap`.
#[derive(Clone, Copy, Debug)]
pub struct Gap {
    /// `code`.
    pub code: &'static str,
    /// `description`.
    pub description: &'static str,
    /// `advice`.
    pub advice: &'static str,
}

/// `vendor-job`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VendorJob {
    /// `operation`.
    pub operation: &'static str,
    /// `id`.
    pub id: String,
    /// `status`.
    pub status: String,
    /// `created`.
    pub created: Option<String>,
    /// `updated`.
    pub updated: Option<String>,
    /// `failure`.
    pub failure: Option<String>,
}

/// `receipt`.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// `connector`.
    pub connector: &'static str,
    /// `request-key`.
    pub request_key: String,
    /// `mode`.
    pub mode: Option<DeletionMode>,
    /// `jobs`.
    pub jobs: Vec<VendorJob>,
    /// `submitted-at`, in seconds.
    pub submitted_at: Option<u64>,
    /// `finished-at`, in seconds.
    pub finished_at: u64,
}

/// `report`.
#[derive(Clone)]
pub struct Report {
    /// `right`.
    pub right: Right,
    /// `outcome`.
    pub outcome: Outcome,
    /// `findings`.
    pub findings: Vec<Finding>,
    /// `documents`.
    pub documents: Vec<Document>,
    /// `also-known-as`.
    pub also_known_as: Vec<Identifier>,
    /// `gaps`.
    pub gaps: Vec<Gap>,
    /// `receipt`.
    pub receipt: Receipt,
    /// `ticket`.
    pub ticket: Option<String>,
    /// `extra`.
    pub extra: Vec<Setting>,
}

/// `error-kind`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// `not-configured`.
    NotConfigured,
    /// `invalid-settings`.
    InvalidSettings,
    /// `invalid-request`.
    InvalidRequest,
    /// `invalid-ticket`.
    InvalidTicket,
    /// `unsupported`.
    Unsupported,
    /// `unauthorized`.
    Unauthorized,
    /// `forbidden`.
    Forbidden,
    /// `rate-limited`.
    RateLimited,
    /// `unavailable`.
    Unavailable,
    /// `outcome-unknown`.
    OutcomeUnknown,
    /// `unknown-job`.
    UnknownJob,
    /// `protocol`.
    Protocol,
}

/// `remedy`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remedy {
    /// `retry`, in milliseconds from now.
    Retry(u64),
    /// `restart`.
    Restart,
    /// `operator`.
    Operator,
    /// `give-up`.
    GiveUp,
}

/// `problem`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// `code`.
    pub code: &'static str,
    /// `subject`.
    pub subject: String,
    /// `blocks`.
    pub blocks: Vec<Right>,
    /// `message`.
    pub message: String,
}

/// `error`.
#[derive(Clone, Debug)]
pub struct Error {
    /// `kind`.
    pub kind: ErrorKind,
    /// `remedy`.
    pub remedy: Remedy,
    /// `message`.
    pub message: String,
    /// `problems`.
    pub problems: Vec<Problem>,
    /// `http-status`.
    pub http_status: Option<u16>,
    /// `vendor-code`.
    pub vendor_code: Option<String>,
    /// `vendor-request-id`.
    pub vendor_request_id: Option<String>,
    /// `extra`.
    pub extra: Vec<Setting>,
}

/// `setting`. The value may be a client secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setting {
    /// `key`.
    pub key: String,
    /// `value`.
    pub value: Secret,
}

/// `setting-kind`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettingKind {
    /// `text`.
    Text,
    /// `secret`.
    Secret,
    /// `choice`.
    Choice,
    /// `flag`.
    Flag,
    /// `number`.
    Number,
    /// `origin`.
    Origin,
}

/// `setting-field`.
#[derive(Clone, Copy, Debug)]
pub struct SettingField {
    /// `key`.
    pub key: &'static str,
    /// `label`.
    pub label: &'static str,
    /// `help`.
    pub help: &'static str,
    /// `kind`.
    pub kind: SettingKind,
    /// `required`.
    pub required: bool,
    /// `default`.
    pub default: Option<&'static str>,
    /// `choices`: value and label.
    pub choices: &'static [(&'static str, &'static str)],
}

/// `permission`.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// `name`.
    pub name: &'static str,
    /// `needed-for`.
    pub needed_for: &'static [Right],
}

/// `capability`.
#[derive(Clone, Copy, Debug)]
pub struct Capability {
    /// `right`.
    pub right: Right,
    /// `asynchronous`.
    pub asynchronous: bool,
    /// `whole-record`.
    pub whole_record: bool,
    /// `identifiers`.
    pub identifiers: &'static [&'static str],
    /// `overdue-after-ms`.
    pub overdue_after_ms: u64,
}

/// `rate-limit`.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// `name`.
    pub name: &'static str,
    /// `methods`.
    pub methods: Vec<&'static str>,
    /// `path-prefix`.
    pub path_prefix: &'static str,
    /// `calls-per-minute`.
    pub calls_per_minute: u32,
}

/// `manifest`.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// `name`.
    pub name: &'static str,
    /// `title`.
    pub title: &'static str,
    /// `version`.
    pub version: &'static str,
    /// `capabilities`.
    pub capabilities: &'static [Capability],
    /// `settings`.
    pub settings: &'static [SettingField],
    /// `permissions`.
    pub permissions: Vec<Permission>,
    /// `limits`.
    pub limits: Vec<RateLimit>,
    /// `egress`.
    pub egress: &'static [&'static str],
    /// `gaps`.
    pub gaps: Vec<Gap>,
    /// `extra`.
    pub extra: Vec<Setting>,
}

/// `connection`.
#[derive(Clone, Debug)]
pub struct Connection {
    /// `tenant`.
    pub tenant: String,
    /// `region`.
    pub region: String,
    /// `account`.
    pub account: String,
    /// `role`.
    pub role: String,
    /// `granted`.
    pub granted: Vec<String>,
    /// `egress`.
    pub egress: Vec<String>,
    /// `warnings`.
    pub warnings: Vec<Problem>,
    /// `extra`.
    pub extra: Vec<Setting>,
}

/// `task`.
#[derive(Clone)]
pub struct Task {
    /// `request`.
    pub request: Request,
    /// `ticket`.
    pub ticket: String,
}
