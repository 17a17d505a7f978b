//! What `--json` prints: the contract's records, key by key.

use std::collections::BTreeMap;

use host_test::host::contract;
use serde::Serialize;
use serde_json::{Value, json};

use super::words;

/// The one object that a command prints.
#[derive(Serialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(super) enum Answer<'a> {
    Manifest(Manifest<'a>),
    Connection(Connection<'a>),
    Pending(Pending<'a>),
    Done(Done<'a>),
    EndedBefore(EndedBefore<'a>),
    Batch(Batch),
    Error(Error<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Done<'a> {
    pub(super) key: &'a str,
    /// The ticket that led here: polling with it gives the same report.
    pub(super) polled: Option<&'a str>,
    pub(super) saved_to: Option<String>,
    pub(super) report: Report<'a>,
}

/// What the journal says of a request that an earlier run brought to its end.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct EndedBefore<'a> {
    pub(super) key: &'a str,
    pub(super) outcome: &'a str,
    pub(super) jobs: &'a [String],
    pub(super) saved_to: Option<String>,
    pub(super) finished_at: u64,
}

/// How many requests of a batch ended in which way: with an outcome, or a kind of error.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Batch {
    pub(super) requests: usize,
    pub(super) ended: BTreeMap<&'static str, usize>,
    /// Requests of the journal that are not among these, and not at their end.
    pub(super) left_out: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Manifest<'a> {
    name: &'a str,
    title: &'a str,
    version: &'a str,
    capabilities: Vec<Value>,
    settings: Vec<Value>,
    permissions: Vec<Value>,
    limits: Vec<Value>,
    egress: &'a [String],
    gaps: Vec<Gap<'a>>,
}

impl<'a> From<&'a contract::Manifest> for Manifest<'a> {
    fn from(manifest: &'a contract::Manifest) -> Self {
        let capability = |capability: &contract::Capability| {
            json!({
                "right": words::right(capability.right),
                "asynchronous": capability.asynchronous,
                "whole-record": capability.whole_record,
                "identifiers": capability.identifiers,
                "overdue-after-ms": capability.overdue_after_ms,
            })
        };
        let setting = |field: &contract::SettingField| {
            let choices: Vec<_> =
                field.choices.iter().map(|(value, label)| json!({ "value": value, "label": label })).collect();
            json!({
                "key": field.key,
                "label": field.label,
                "help": field.help,
                "kind": words::setting_kind(field.kind),
                "required": field.required,
                "default": field.default,
                "choices": choices,
            })
        };
        let permission = |permission: &contract::Permission| json!({ "name": permission.name, "needed-for": rights(&permission.needed_for) });
        let limit = |limit: &contract::RateLimit| {
            json!({
                "name": limit.name,
                "methods": limit.methods,
                "path-prefix": limit.path_prefix,
                "calls-per-minute": limit.calls_per_minute,
            })
        };
        Self {
            name: &manifest.name,
            title: &manifest.title,
            version: &manifest.version,
            capabilities: manifest.capabilities.iter().map(capability).collect(),
            settings: manifest.settings.iter().map(setting).collect(),
            permissions: manifest.permissions.iter().map(permission).collect(),
            limits: manifest.limits.iter().map(limit).collect(),
            egress: &manifest.egress,
            gaps: manifest.gaps.iter().map(Gap::from).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Connection<'a> {
    tenant: &'a str,
    region: &'a str,
    account: &'a str,
    role: &'a str,
    granted: &'a [String],
    egress: &'a [String],
    warnings: Vec<Problem<'a>>,
}

impl<'a> From<&'a contract::Connection> for Connection<'a> {
    fn from(connection: &'a contract::Connection) -> Self {
        Self {
            tenant: &connection.tenant,
            region: &connection.region,
            account: &connection.account,
            role: &connection.role,
            granted: &connection.granted,
            egress: &connection.egress,
            warnings: connection.warnings.iter().map(Problem::from).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Pending<'a> {
    key: &'a str,
    ticket: &'a str,
    stage: &'a str,
    poll_after_ms: u64,
    submitted_at: Option<u64>,
    vendor_status: Option<&'a str>,
    percent: Option<u8>,
    attention: Option<Problem<'a>>,
}

impl<'a> Pending<'a> {
    pub(super) fn new(key: &'a str, pending: &'a contract::Pending) -> Self {
        Self {
            key,
            ticket: &pending.ticket,
            stage: words::stage(pending.stage),
            poll_after_ms: pending.poll_after_ms,
            submitted_at: pending.submitted_at,
            vendor_status: pending.vendor_status.as_deref(),
            percent: pending.percent,
            attention: pending.attention.as_ref().map(Problem::from),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Report<'a> {
    right: &'a str,
    outcome: &'a str,
    findings: Vec<Finding<'a>>,
    documents: Vec<Value>,
    also_known_as: Vec<Value>,
    gaps: Vec<Gap<'a>>,
    receipt: Receipt<'a>,
    ticket: Option<&'a str>,
}

impl<'a> From<&'a contract::Report> for Report<'a> {
    fn from(report: &'a contract::Report) -> Self {
        let document = |document: &contract::Document| {
            let (size, reference) = match &document.content {
                contract::Content::Inline(bytes) => (Some(bytes.len() as u64), None),
                contract::Content::Remote(reference) => (document.size, Some(reference)),
            };
            json!({
                "name": document.name,
                "media-type": document.media_type,
                "source": document.source,
                "size": size,
                "reference": reference,
            })
        };
        let name = |identifier| {
            let (kind, value) = words::identifier(identifier);
            json!({ "kind": kind, "value": value })
        };
        Self {
            right: words::right(report.right),
            outcome: words::outcome(report.outcome),
            findings: report.findings.iter().map(Finding::from).collect(),
            documents: report.documents.iter().map(document).collect(),
            also_known_as: report.also_known_as.iter().map(name).collect(),
            gaps: report.gaps.iter().map(Gap::from).collect(),
            receipt: Receipt::from(&report.receipt),
            ticket: report.ticket.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Finding<'a> {
    source: &'a str,
    state: &'a str,
    amount: Value,
    names: &'a [u32],
    code: Option<&'a str>,
    note: Option<&'a str>,
}

impl<'a> From<&'a contract::Finding> for Finding<'a> {
    fn from(finding: &'a contract::Finding) -> Self {
        Self {
            source: &finding.source,
            state: words::source_state(finding.state),
            amount: match finding.amount {
                contract::Amount::Nothing => json!("nothing"),
                contract::Amount::Exactly(count) => json!(count),
                contract::Amount::SomeData => json!("some-data"),
                contract::Amount::Unknown => json!("unknown"),
            },
            names: &finding.names,
            code: finding.code.as_deref(),
            note: finding.note.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Gap<'a> {
    code: &'a str,
    description: &'a str,
    advice: &'a str,
}

impl<'a> From<&'a contract::Gap> for Gap<'a> {
    fn from(gap: &'a contract::Gap) -> Self {
        Self { code: &gap.code, description: &gap.description, advice: &gap.advice }
    }
}

/// The receipt, as it goes into the customer's audit file.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Receipt<'a> {
    connector: &'a str,
    request_key: &'a str,
    mode: Option<&'a str>,
    jobs: Vec<Value>,
    submitted_at: Option<u64>,
    finished_at: u64,
}

impl<'a> From<&'a contract::Receipt> for Receipt<'a> {
    fn from(receipt: &'a contract::Receipt) -> Self {
        let job = |job: &contract::VendorJob| {
            json!({
                "operation": job.operation,
                "id": job.id,
                "status": job.status,
                "created": job.created,
                "updated": job.updated,
                "failure": job.failure,
            })
        };
        Self {
            connector: &receipt.connector,
            request_key: &receipt.request_key,
            mode: receipt.mode.map(words::mode),
            jobs: receipt.jobs.iter().map(job).collect(),
            submitted_at: receipt.submitted_at,
            finished_at: receipt.finished_at,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Problem<'a> {
    code: &'a str,
    subject: &'a str,
    blocks: Vec<&'static str>,
    message: &'a str,
}

impl<'a> From<&'a contract::Problem> for Problem<'a> {
    fn from(problem: &'a contract::Problem) -> Self {
        Self {
            code: &problem.code,
            subject: &problem.subject,
            blocks: rights(&problem.blocks),
            message: &problem.message,
        }
    }
}

/// An error of the connector, or of the host: then it has a kind and a message alone.
#[derive(Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Error<'a> {
    kind: &'a str,
    message: String,
    pub(super) advice: Option<String>,
    remedy: Option<&'static str>,
    retry_after_ms: Option<u64>,
    problems: Vec<Problem<'a>>,
    http_status: Option<u16>,
    vendor_code: Option<&'a str>,
    vendor_request_id: Option<&'a str>,
}

impl<'a> Error<'a> {
    pub(super) fn own(kind: &'a str, message: String) -> Self {
        Self { kind, message, ..Self::default() }
    }
}

impl<'a> From<&'a contract::Error> for Error<'a> {
    fn from(error: &'a contract::Error) -> Self {
        let (remedy, retry_after_ms) = match error.remedy {
            contract::Remedy::Retry(wait) => ("retry", Some(wait)),
            contract::Remedy::Restart => ("restart", None),
            contract::Remedy::Operator => ("operator", None),
            contract::Remedy::GiveUp => ("give-up", None),
        };
        Self {
            kind: words::error_kind(error.kind),
            message: error.message.clone(),
            advice: None,
            remedy: Some(remedy),
            retry_after_ms,
            problems: error.problems.iter().map(Problem::from).collect(),
            http_status: error.http_status,
            vendor_code: error.vendor_code.as_deref(),
            vendor_request_id: error.vendor_request_id.as_deref(),
        }
    }
}

fn rights(rights: &[contract::Right]) -> Vec<&'static str> {
    rights.iter().map(|right| words::right(*right)).collect()
}
