//! The jobs of a brand: erasures and customer data requests.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::brand::{Brand, Holdings};
use super::export::ExportFile;

/// The status of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobStatus {
    /// In progress.
    Pending,
    /// Successful.
    Completed,
    /// Failed without any effect.
    Failed,
}

/// How a job will end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobEnd {
    /// It completes after its duration.
    #[default]
    Completes,
    /// It fails after its duration.
    Fails,
    /// It stays in progress.
    NeverEnds,
}

/// An erasure job, or a search, which erases nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The job ID, `OP-…`.
    pub id: String,
    /// The ID of the user who submitted the job.
    pub user: String,
    /// The addresses, as they were sent.
    pub emails: Vec<String>,
    /// Whether the job only searches.
    pub search_only: bool,
    /// The status.
    pub status: JobStatus,
    /// When the job was submitted, since 1970.
    pub created: Duration,
    /// When the status last changed, since 1970.
    pub updated: Duration,
    /// What the job found. Unless it only searches, this is what it erased.
    pub found: Holdings,
    /// The addresses that it did not find.
    pub not_found: Vec<String>,
    /// When the job ends. `None` for a job that never ends, and for a past one.
    pub(super) due: Option<Duration>,
    pub(super) end: JobEnd,
}

/// A customer data request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The job ID, `CDR_…`.
    pub id: String,
    /// The addresses, as they were sent.
    pub emails: Vec<String>,
    /// The status.
    pub status: JobStatus,
    /// When the job was submitted, since 1970.
    pub created: Duration,
    /// The IDs of its files.
    pub files: Vec<String>,
}

/// A customer data request with its files.
#[derive(Clone, Debug)]
pub(crate) struct ExportJob {
    pub(super) id: String,
    pub(super) emails: Vec<String>,
    pub(super) status: JobStatus,
    pub(super) created: Duration,
    /// When the job ends. `None` for a job that never ends.
    pub(super) due: Option<Duration>,
    pub(super) end: JobEnd,
    /// When the job ended.
    pub(super) ended: Duration,
    /// Whether a client has polled the job.
    pub(super) was_polled: bool,
    /// The files by ID.
    pub(super) files: Vec<(String, ExportFile)>,
}

impl ExportJob {
    /// The public view of the job.
    pub(crate) fn summary(&self) -> Export {
        Export {
            id: self.id.clone(),
            emails: self.emails.clone(),
            status: self.status,
            created: self.created,
            files: self.files.iter().map(|(id, _)| id.clone()).collect(),
        }
    }
}

/// The completed erasures from before the start of the simulator, oldest first.
pub(super) fn past_erasures(brand: &Brand, now: Duration) -> Vec<Erasure> {
    let user = brand.users.first().map(|user| user.id.clone()).unwrap_or_default();
    (0..brand.past_erasures)
        .map(|n| {
            let created = now.saturating_sub(Duration::from_secs(600) * (brand.past_erasures - n));
            Erasure {
                id: format!("OP-00000000-0000-4000-8000-{n:012}"),
                user: user.clone(),
                emails: vec![format!("former-{n:05}@example.org")],
                search_only: n % 2 == 0,
                status: JobStatus::Completed,
                created,
                updated: created + Duration::from_secs(300),
                found: Holdings { contacts: 1, ..Holdings::default() },
                not_found: Vec::new(),
                due: None,
                end: JobEnd::Completes,
            }
        })
        .collect()
}
