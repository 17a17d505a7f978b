//! The contract, as this crate and its callers see it.
//!
//! In JSON a value is spelled as the WIT spells it, by one rule: a record is an object with all its members; an option
//! without a value is `null`; a case without a payload is its word, and one with a payload an object with that one
//! member (`{"email": "ada@example.org"}`, `{"retry": 15000}`); a list or tuple is an array; bytes are Base64.

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize, Serializer};

/// What the gateway is composed with: `privacy:connector/connector`.
pub trait Connector {
    /// `describe`.
    fn describe(&mut self) -> Manifest;

    /// `configure`.
    ///
    /// # Errors
    /// As the contract says.
    fn configure(&mut self, settings: Vec<Setting>) -> Result<(), Error>;

    /// `check`.
    ///
    /// # Errors
    /// As the contract says.
    fn check(&mut self, rights: Vec<Right>) -> Result<Connection, Error>;

    /// `access`.
    ///
    /// # Errors
    /// As the contract says.
    fn access(&mut self, request: Request) -> Result<Progress, Error>;

    /// `delete`.
    ///
    /// # Errors
    /// As the contract says.
    fn delete(&mut self, request: Request, mode: DeletionMode) -> Result<Progress, Error>;

    /// `poll`: one answer for each task, in their order.
    fn poll(&mut self, tasks: Vec<Task>) -> Vec<Result<Progress, Error>>;

    /// `read`.
    ///
    /// # Errors
    /// As the contract says.
    fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Chunk, Error>;
}

/// `identifier`.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identifier {
    /// `email`.
    Email(String),
    /// `phone`.
    Phone(String),
    /// `external-reference`.
    ExternalReference(String),
    /// `other`.
    Other(String, String),
}

/// `right`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// `access`.
    Access,
    /// `deletion`.
    Deletion,
}

/// `request`.
#[derive(Clone, PartialEq, Eq)]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeletionMode {
    /// `preview`.
    Preview,
    /// `erase`.
    Erase,
    /// `erase-and-verify`.
    EraseAndVerify,
}

/// `progress`. The larger case is boxed.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// `pending`.
    Pending(Pending),
    /// `done`.
    Done(Box<Report>),
}

/// `stage`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// `source`.
    pub source: String,
    /// `state`.
    pub state: SourceState,
    /// `amount`.
    pub amount: Amount,
    /// `names`.
    pub names: Vec<u32>,
    /// `code`.
    pub code: Option<String>,
    /// `note`.
    pub note: Option<String>,
}

/// `source-state`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// `inline`, in JSON as Base64.
    #[serde(serialize_with = "base64")]
    Inline(Vec<u8>),
    /// `remote`.
    Remote(String),
}

/// `chunk`.
pub struct Chunk {
    /// `bytes`.
    pub bytes: Vec<u8>,
    /// `last`.
    pub last: bool,
}

/// `gap`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Gap {
    /// `code`.
    pub code: String,
    /// `description`.
    pub description: String,
    /// `advice`.
    pub advice: String,
}

/// `vendor-job`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct VendorJob {
    /// `operation`.
    pub operation: String,
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
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Receipt {
    /// `connector`.
    pub connector: String,
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
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Problem {
    /// `code`.
    pub code: String,
    /// `subject`.
    pub subject: String,
    /// `blocks`.
    pub blocks: Vec<Right>,
    /// `message`.
    pub message: String,
}

/// `error`. Callers get it as [`Details`](crate::problem::Details).
#[derive(Clone)]
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

/// `setting`. The value may be a secret: there is no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Setting {
    /// `key`.
    pub key: String,
    /// `value`.
    pub value: String,
}

/// `setting-kind`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SettingField {
    /// `key`.
    pub key: String,
    /// `label`.
    pub label: String,
    /// `help`.
    pub help: String,
    /// `kind`.
    pub kind: SettingKind,
    /// `required`.
    pub required: bool,
    /// `default`.
    pub default: Option<String>,
    /// `choices`.
    pub choices: Vec<(String, String)>,
}

/// `permission`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Permission {
    /// `name`.
    pub name: String,
    /// `needed-for`.
    pub needed_for: Vec<Right>,
}

/// `capability`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Capability {
    /// `right`.
    pub right: Right,
    /// `asynchronous`.
    pub asynchronous: bool,
    /// `whole-record`.
    pub whole_record: bool,
    /// `identifiers`.
    pub identifiers: Vec<String>,
    /// `overdue-after-ms`.
    pub overdue_after_ms: u64,
}

/// `rate-limit`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RateLimit {
    /// `name`.
    pub name: String,
    /// `methods`.
    pub methods: Vec<String>,
    /// `path-prefix`.
    pub path_prefix: String,
    /// `calls-per-minute`.
    pub calls_per_minute: u32,
}

/// `manifest`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// `name`.
    pub name: String,
    /// `title`.
    pub title: String,
    /// `version`.
    pub version: String,
    /// `capabilities`.
    pub capabilities: Vec<Capability>,
    /// `settings`.
    pub settings: Vec<SettingField>,
    /// `permissions`.
    pub permissions: Vec<Permission>,
    /// `limits`.
    pub limits: Vec<RateLimit>,
    /// `egress`.
    pub egress: Vec<String>,
    /// `gaps`.
    pub gaps: Vec<Gap>,
    /// `extra`.
    pub extra: Vec<Setting>,
}

/// `connection`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, PartialEq, Eq)]
pub struct Task {
    /// `request`.
    pub request: Request,
    /// `ticket`.
    pub ticket: String,
}

fn base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&Base64::encode_string(bytes))
}
