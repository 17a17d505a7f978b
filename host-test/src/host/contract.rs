//! What host and connector say to each other: the types of `wit/connector.wit`, where they are documented.
//!
//! Those that hold a secret or what is known of a person are written by hand, because the generated ones print all that
//! they hold: a log line, or the text of a panic, would tell it. These say only that something is there. The rest is as it
//! was generated.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::bindings::exports::privacy::connector::connector as wire;

pub use wire::{
    Amount, Capability, DeletionMode, Error, ErrorKind, Finding, Gap, Manifest, Outcome, Pending, Permission, Problem,
    RateLimit, Receipt, Remedy, Right, SettingField, SettingKind, SourceState, Stage, VendorJob,
};

/// Stands in print for what may not be printed.
const HIDDEN: &str = "..";

/// A key and its value, which is not printed, and is overwritten before its memory is given back: it may be a secret.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Which setting.
    pub key: String,
    /// What it is set to.
    pub value: String,
}

impl Drop for Setting {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Setting").field("key", &self.key).finish_non_exhaustive()
    }
}

/// One name under which a vendor may know a person. Of which kind it is, is printed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Identifier {
    /// An e-mail address.
    Email(String),
    /// A telephone number.
    Phone(String),
    /// The customer's own id of the person.
    ExternalReference(String),
    /// Any other kind: its name, and the value.
    Other((String, String)),
}

impl fmt::Debug for Identifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Email(_) => "Email",
            Self::Phone(_) => "Phone",
            Self::ExternalReference(_) => "ExternalReference",
            Self::Other(_) => "Other",
        };
        write!(formatter, "{kind}({HIDDEN})")
    }
}

/// One data-subject request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The host's own id for it.
    pub key: String,
    /// Every name of the person.
    pub subject: Vec<Identifier>,
    /// When an attempt began of which nobody knows what became.
    pub first_attempt_at: Option<u64>,
    /// The guards that a person has lifted.
    pub confirmed: Vec<String>,
    /// What later versions add.
    pub extra: Vec<Setting>,
}

/// A request that is under way, and its ticket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The request.
    pub request: Request,
    /// The ticket of the last answer, or an older one.
    pub ticket: String,
}

/// Where a request stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Progress {
    /// Work goes on.
    Pending(Pending),
    /// The last word.
    Done(Report),
}

/// The last word about a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The right that was exercised.
    pub right: Right,
    /// How it ended.
    pub outcome: Outcome,
    /// What each source answered.
    pub findings: Vec<Finding>,
    /// The documents of an access request.
    pub documents: Vec<Document>,
    /// Further names that were found through the given ones.
    pub also_known_as: Vec<Identifier>,
    /// What the request does not reach.
    pub gaps: Vec<Gap>,
    /// What was done.
    pub receipt: Receipt,
    /// Outcome `submitted`: a ticket that follows the job to its end.
    pub ticket: Option<String>,
    /// What later versions add.
    pub extra: Vec<Setting>,
}

/// A part of the answer to an access request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// A file name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// The source that it came from.
    pub source: String,
    /// Its size in bytes, where that is known.
    pub size: Option<u64>,
    /// Where its bytes are.
    pub content: Content,
}

/// Where the bytes of a document are. How many there are, is printed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// Here.
    Inline(Vec<u8>),
    /// To be [read](super::Instance::read) by this reference.
    Remote(String),
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(bytes) => write!(formatter, "Inline({} bytes)", bytes.len()),
            Self::Remote(reference) => formatter.debug_tuple("Remote").field(reference).finish(),
        }
    }
}

/// A piece of a remote document. How many bytes there are, is printed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether the document ends with this piece.
    pub last: bool,
}

impl fmt::Debug for Chunk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = format_args!("{}", self.bytes.len());
        formatter.debug_struct("Chunk").field("bytes", &bytes).field("last", &self.last).finish()
    }
}

/// What a connection test found. Whose account it is, is not printed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// The vendor's name for the customer's tenant.
    pub tenant: String,
    /// Where that is.
    pub region: String,
    /// The account that acts.
    pub account: String,
    /// Its role.
    pub role: String,
    /// The permissions that were proved.
    pub granted: Vec<String>,
    /// The origins that this connection reaches.
    pub egress: Vec<String>,
    /// What might be amiss.
    pub warnings: Vec<Problem>,
    /// What later versions add.
    pub extra: Vec<Setting>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("tenant", &self.tenant)
            .field("region", &self.region)
            .field("role", &self.role)
            .field("granted", &self.granted)
            .field("egress", &self.egress)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// Settings on their way into a connector, which are overwritten when they are there.
pub(super) struct Given(Vec<wire::Setting>);

impl Given {
    pub(super) fn new(settings: &[Setting]) -> Self {
        Self(settings.iter().map(wire::Setting::from).collect())
    }

    pub(super) fn settings(&self) -> &[wire::Setting] {
        &self.0
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|setting| setting.value.zeroize());
    }
}

fn all<T, U: From<T>>(list: impl IntoIterator<Item = T>) -> Vec<U> {
    list.into_iter().map(U::from).collect()
}

impl From<&Setting> for wire::Setting {
    fn from(setting: &Setting) -> Self {
        Self { key: setting.key.clone(), value: setting.value.clone() }
    }
}

impl From<wire::Setting> for Setting {
    fn from(wire::Setting { key, value }: wire::Setting) -> Self {
        Self { key, value }
    }
}

impl From<&Identifier> for wire::Identifier {
    fn from(identifier: &Identifier) -> Self {
        match identifier {
            Identifier::Email(value) => Self::Email(value.clone()),
            Identifier::Phone(value) => Self::Phone(value.clone()),
            Identifier::ExternalReference(value) => Self::ExternalReference(value.clone()),
            Identifier::Other(kind_and_value) => Self::Other(kind_and_value.clone()),
        }
    }
}

impl From<wire::Identifier> for Identifier {
    fn from(identifier: wire::Identifier) -> Self {
        match identifier {
            wire::Identifier::Email(value) => Self::Email(value),
            wire::Identifier::Phone(value) => Self::Phone(value),
            wire::Identifier::ExternalReference(value) => Self::ExternalReference(value),
            wire::Identifier::Other(kind_and_value) => Self::Other(kind_and_value),
        }
    }
}

impl From<&Request> for wire::Request {
    fn from(request: &Request) -> Self {
        Self {
            key: request.key.clone(),
            subject: all(&request.subject),
            first_attempt_at: request.first_attempt_at,
            confirmed: request.confirmed.clone(),
            extra: all(&request.extra),
        }
    }
}

impl From<&Task> for wire::Task {
    fn from(task: &Task) -> Self {
        Self { request: wire::Request::from(&task.request), ticket: task.ticket.clone() }
    }
}

impl From<wire::Progress> for Progress {
    fn from(progress: wire::Progress) -> Self {
        match progress {
            wire::Progress::Pending(pending) => Self::Pending(pending),
            wire::Progress::Done(report) => Self::Done(report.into()),
        }
    }
}

impl From<wire::Report> for Report {
    fn from(report: wire::Report) -> Self {
        Self {
            right: report.right,
            outcome: report.outcome,
            findings: report.findings,
            documents: all(report.documents),
            also_known_as: all(report.also_known_as),
            gaps: report.gaps,
            receipt: report.receipt,
            ticket: report.ticket,
            extra: all(report.extra),
        }
    }
}

impl From<wire::Document> for Document {
    fn from(document: wire::Document) -> Self {
        Self {
            name: document.name,
            media_type: document.media_type,
            source: document.source,
            size: document.size,
            content: match document.content {
                wire::Content::Inline(bytes) => Content::Inline(bytes),
                wire::Content::Remote(reference) => Content::Remote(reference),
            },
        }
    }
}

impl From<wire::Chunk> for Chunk {
    fn from(wire::Chunk { bytes, last }: wire::Chunk) -> Self {
        Self { bytes, last }
    }
}

impl From<wire::Connection> for Connection {
    fn from(connection: wire::Connection) -> Self {
        Self {
            tenant: connection.tenant,
            region: connection.region,
            account: connection.account,
            role: connection.role,
            granted: connection.granted,
            egress: connection.egress,
            warnings: connection.warnings,
            extra: all(connection.extra),
        }
    }
}
