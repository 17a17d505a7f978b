//! The evidence of a request, beside its documents: `report.json` for programs, and `report.html` to read and to print.

use askama::Template;
use privacy_host::contract::{
    Amount, Connection, DeletionMode, Document, Finding, Gap, Identifier, Outcome, Receipt, Report, Right, VendorJob,
};
use privacy_host::{Connector, Entry, Operation};
use serde::Serialize;
use tokio::sync::OnceCell;

use super::print;

/// What the evidence of all requests of a command has in common.
pub(super) struct EvidenceSource {
    pub(super) connector: Connector,
    /// The SHA-256 of the component, in hexadecimal.
    component_sha256: String,
    /// Found out once, when the first report is saved.
    connection: OnceCell<Option<Connection>>,
}

/// The contents of `report.json`. It holds no identifier that the request named, and those that were discovered.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Evidence<'a> {
    request_id: &'a str,
    right: Right,
    mode: Option<DeletionMode>,
    /// The kinds of the identifiers. Findings name them by their positions, from 0.
    identifiers: Vec<&'a str>,
    overrides: &'a [String],
    outcome: Outcome,
    submitted_at: Option<String>,
    finished_at: String,
    /// The tenant and the account that acted; none if the vendor did not name them.
    connection: Option<Account<'a>>,
    connector: Component<'a>,
    findings: &'a [Finding],
    discovered: &'a [Identifier],
    documents: Vec<SavedDocument<'a>>,
    gaps: &'a [Gap],
    receipt: &'a Receipt,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Account<'a> {
    tenant: &'a str,
    region: &'a str,
    account: &'a str,
    role: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Component<'a> {
    name: &'a str,
    version: &'a str,
    /// Of the component.
    sha256: &'a str,
}

/// A document, whose contents are in the file of this name.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct SavedDocument<'a> {
    name: &'a str,
    media_type: &'a str,
    source: &'a str,
    explanation: String,
}

impl EvidenceSource {
    pub(super) fn new(connector: Connector, component_sha256: String) -> Self {
        Self { connector, component_sha256, connection: OnceCell::new() }
    }

    /// The evidence of a report.
    pub(super) async fn of<'a>(&'a self, entry: &'a Entry, report: &'a Report) -> Evidence<'a> {
        // A connection that cannot be tested now is unknown. The request itself has ended.
        let check = async || self.connector.check(&[report.right]).await.ok();
        let connection = self.connection.get_or_init(check).await.as_ref();
        let manifest = self.connector.manifest();
        Evidence {
            request_id: &report.receipt.request_id,
            right: report.right,
            mode: report.receipt.mode.or(match entry.operation() {
                Operation::Deletion(mode) if report.right == Right::Deletion => Some(mode),
                _ => None,
            }),
            identifiers: entry.subject().iter().map(kind).collect(),
            overrides: entry.overrides(),
            outcome: report.outcome,
            submitted_at: report.receipt.submitted_at.map(print::time),
            finished_at: print::time(report.receipt.finished_at),
            connection: connection.map(|it| Account {
                tenant: &it.tenant,
                region: &it.region,
                account: &it.account,
                role: &it.role,
            }),
            connector: Component { name: &manifest.title, version: &manifest.version, sha256: &self.component_sha256 },
            findings: &report.findings,
            discovered: &report.discovered,
            documents: report.documents.iter().map(SavedDocument::new).collect(),
            gaps: &report.gaps,
            receipt: &report.receipt,
        }
    }
}

impl<'a> SavedDocument<'a> {
    fn new(document: &'a Document) -> Self {
        let form = match document.media_type.as_str() {
            "application/json" => "A text file with names and values, which every editor shows.",
            "text/csv" => "A table, which every spreadsheet program opens.",
            "application/zip" => "An archive with files in it.",
            "text/plain" => "A text file.",
            _ => "A file as the vendor sent it.",
        };
        let explanation = format!("What {} holds. {form}", document.source);
        Self { name: &document.name, media_type: &document.media_type, source: &document.source, explanation }
    }
}

/// The kind of an identifier, as the contract names it.
fn kind(identifier: &Identifier) -> &str {
    match identifier {
        Identifier::Email(_) => "email",
        Identifier::Phone(_) => "phone",
        Identifier::ExternalId(_) => "external-id",
        Identifier::Other((kind, _)) => kind,
    }
}

fn value(identifier: &Identifier) -> &str {
    match identifier {
        Identifier::Email(value) | Identifier::Phone(value) | Identifier::ExternalId(value) => value,
        Identifier::Other((_, value)) => value,
    }
}

/// `report.html`: one page without scripts and without anything that is loaded.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    evidence: &'a Evidence<'a>,
}

impl Evidence<'_> {
    /// `report.json`.
    pub(super) fn json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// `report.html`.
    pub(super) fn html(&self) -> String {
        Page { evidence: self }.render().unwrap_or_default()
    }

    /// What was asked, in words.
    fn asked(&self) -> &'static str {
        match (self.right, self.mode) {
            (Right::Access, _) => "A copy of all data of a person.",
            (Right::Deletion, Some(DeletionMode::Preview)) => {
                "What a deletion of all data of a person would delete. Nothing was deleted."
            }
            (Right::Deletion, Some(DeletionMode::EraseAndVerify)) => {
                "The deletion of all data of a person, and a search for what is left afterwards."
            }
            (Right::Deletion, _) => "The deletion of all data of a person.",
            (Right::OptOut, _) => "That the vendor no longer contacts a person.",
        }
    }

    /// What was deleted, and how that was verified: of a deletion.
    fn deleted(&self) -> Option<&'static str> {
        let is_deletion = self.right == Right::Deletion && self.mode != Some(DeletionMode::Preview);
        is_deletion.then_some(match self.outcome {
            Outcome::Verified => {
                "The vendor deleted what its job covers. After its end, the same sources were searched again, and nothing was found."
            }
            Outcome::Deleted => "The vendor deleted what its job covers. It was not verified by a later search that is conclusive.",
            Outcome::DataRemaining => {
                "The vendor reports that it deleted what its job covers. A later search still finds the data below."
            }
            Outcome::NotFound => "The vendor's job ran and found nothing to delete.",
            Outcome::Partial => "A part was deleted, or a part of the result is unknown: see the remarks below.",
            Outcome::Submitted => "The vendor accepted the deletion. Its end was not awaited, so that nothing is verified.",
            _ => "Nothing is known to be deleted.",
        })
    }

    /// What the outcome rests on.
    fn meaning(&self) -> &'static str {
        match self.outcome {
            Outcome::Found => "Every source responded, and at least one holds data.",
            Outcome::NotFound => "Every source responded, and none holds data under these identifiers.",
            Outcome::Partial => {
                "Incomplete: at least one source was not searched to its end, or an identifier was not usable."
            }
            Outcome::Previewed => "Data was found that a deletion would delete. Nothing was deleted.",
            Outcome::Submitted => "The vendor accepted the deletion. Whether it has ended was not observed.",
            Outcome::Deleted => "The vendor reports the deletion as completed. No later search confirmed it.",
            Outcome::Verified => {
                "The vendor completed the deletion, or no longer lists it. A search that was started afterwards found nothing."
            }
            Outcome::DataRemaining => "The vendor reports the deletion as completed, but searches still find data.",
            Outcome::OptedOut => "The opt-out was set wherever the person was found, and read back.",
            Outcome::Refused => "Nothing was started: a guard forbids it, or no identifier can be used.",
            Outcome::Failed => "The vendor's job failed.",
        }
    }
}

/// The amount of a finding, in words.
fn amount(amount: &Amount) -> String {
    match amount {
        Amount::Unknown => "unknown".to_owned(),
        Amount::Present => "some".to_owned(),
        Amount::Count(count) => count.to_string(),
    }
}

/// The positions of the identifiers of a finding, from 1.
fn numbers(finding: &Finding) -> String {
    let numbers: Vec<String> = finding.identifiers.iter().map(|index| (u64::from(*index) + 1).to_string()).collect();
    numbers.join(", ")
}

fn failure(job: &VendorJob) -> &str {
    job.failure.as_deref().unwrap_or_default()
}
