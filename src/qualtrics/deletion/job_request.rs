//! The job that a deletion request asks for.

use super::grouping::count_spellings;
use crate::contract::{Error, ErrorKind, Remedy};
use crate::privacy::email::EmailAddress;
use crate::qualtrics::api::erasures::JobKind;

/// The job that one or several deletion requests ask for.
pub struct JobRequest<'e> {
    /// The e-mail addresses, sorted, each once.
    pub emails: &'e [EmailAddress],
    /// Whether the job deletes or searches.
    pub kind: JobKind,
}

impl JobRequest<'_> {
    /// How many spellings the job is for.
    #[must_use]
    pub fn spellings(&self) -> u64 {
        count_spellings(self.emails)
    }
}

/// The error of an attempt that Qualtrics may or may not have started.
#[must_use]
pub fn outcome_unknown(retry_after_ms: u64) -> Error {
    let message = "It is unknown whether Qualtrics started this deletion: repeat the call with attempts, and the connector looks for \
                   the job before it sends anything.";
    Error::new(ErrorKind::OutcomeUnknown, Remedy::Retry(retry_after_ms), message)
}
