//! Submitting an erasure or a search.

use super::grouping::count_spellings;
use super::job_request::JobRequest;
use crate::contract::Right;
use crate::privacy::email::EmailAddress;
use crate::qualtrics::api::erasures::{self, JobKind, Spellings};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::context::Context;
use crate::qualtrics::ticket::SharedJob;
use crate::secret::Secret;

/// A job that Qualtrics accepted.
pub struct Submission {
    /// Its ID.
    pub id: String,
    /// Which spellings it was started for.
    spellings: Spellings,
}

impl Submission {
    /// How many spellings of these addresses the job was started for.
    #[must_use]
    pub fn sent(&self, emails: &[EmailAddress]) -> u64 {
        match self.spellings {
            Spellings::All => count_spellings(emails),
            Spellings::Ascii => u64::try_from(erasures::sent(emails, self.spellings).len()).unwrap_or(u64::MAX),
        }
    }

    /// What a job for these addresses covers, if several requests share it.
    #[must_use]
    pub fn shared(&self, emails: &[EmailAddress], requests: usize) -> Option<SharedJob> {
        (requests > 1).then(|| SharedJob::new(emails, self.sent(emails)))
    }
}

/// Makes the call that starts a job. If Qualtrics rejects it, perhaps because it accepts ASCII only, the call is made again for the
/// spellings in ASCII: a rejection proves that nothing was started.
///
/// # Errors
/// Those of the last call.
pub fn start(context: &mut Context<'_>, job: &JobRequest<'_>) -> Result<Submission, ApiError> {
    let scopes = context.scopes(Right::Deletion);
    let mut start = |spellings| {
        let response = context.client.call(&scopes, erasures::start(job.emails, job.kind, spellings))?;
        Ok(Submission { id: erasures::parse_id(&response)?, spellings })
    };
    let started = start(Spellings::All);
    let is_rejected =
        |error: &ApiError| matches!(error.own_status(), Some(400 | 422)) && error.is_provably_not_started();
    if started.as_ref().is_err_and(is_rejected) && have_both(job.emails) { start(Spellings::Ascii) } else { started }
}

/// How many calls [`start`] makes for these addresses at most.
#[must_use]
pub fn most_calls(emails: &[EmailAddress]) -> u8 {
    if have_both(emails) { 2 } else { 1 }
}

/// The milliseconds until so many searches can be started together, if there is no share for one now.
#[must_use]
pub fn wait_for(context: &Context<'_>, searches: u64) -> Option<u64> {
    let call = erasures::start(&[], JobKind::Search, Spellings::All);
    (context.client.wait_for(&call, 1) > 0).then(|| context.client.wait_for(&call, searches))
}

/// Whether a search that could not be started may be started later. If it was started after all, a second one only reads.
#[must_use]
pub fn is_temporary(error: &ApiError) -> bool {
    let is_lost = matches!(error, ApiError::Transport(error) if !error.before_sending);
    is_lost || error.is_transient()
}

/// Whether each address has a spelling in ASCII, and one has another.
fn have_both(emails: &[EmailAddress]) -> bool {
    let is_ascii = |spelling: &Secret| spelling.reveal().is_ascii();
    emails.iter().all(|email| email.spellings().iter().any(is_ascii))
        && !emails.iter().all(|email| email.spellings().iter().all(is_ascii))
}
