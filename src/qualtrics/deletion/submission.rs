//! Submitting an erasure or a search. An erasure is submitted at most once.

use super::job_request::{JobRequest, outcome_unknown};
use super::reconciliation::{self, MAX_LAG_S, Reconciled};
use crate::contract::{Attempts, Error, ErrorKind, Remedy, Right};
use crate::privacy::email::EmailAddress;
use crate::qualtrics::api::erasures::{self, JobKind, Spellings};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::context::Context;
use crate::qualtrics::in_flight::SOON_MS;
use crate::qualtrics::scopes::{Scope, Scopes};
use crate::secret::Secret;

/// A job that Qualtrics accepted.
pub struct Submission {
    /// Its ID.
    pub id: String,
    /// How many spellings of addresses it was started for.
    pub sent: u64,
}

/// Submits a job. If it is unknown whether Qualtrics accepted it, the job is looked for in Qualtrics' list.
///
/// # Errors
/// For an erasure `outcome-unknown`, if the list does not show it. A search only reads and may be submitted again: `unavailable`.
/// Every other error proves that nothing was started.
pub fn submit(context: &mut Context<'_>, job: &JobRequest<'_>) -> Result<Submission, Error> {
    let scopes = context.scopes(Right::Deletion);
    let started_at = context.client.now_s();
    // If authentication fails, nothing was sent.
    context.client.sign_in(&scopes).map_err(|error| context.error(&error, Scope::Erasure))?;
    let error = match start(context, &scopes, job) {
        Ok(started) => return Ok(started),
        Err(error) => error,
    };
    if error.is_provably_not_started() {
        return Err(context.error(&error, Scope::Erasure));
    }
    let attempts = Attempts { first_at: started_at, last_at: context.client.now_s() };
    match reconciliation::find_in_list(context, job, &attempts) {
        Ok(Reconciled::Found(found)) => Ok(Submission { id: found.id, sent: count(job.emails, Spellings::All) }),
        _ => Err(unknown(context, job, &error)),
    }
}

/// Makes the call that starts a job. If Qualtrics rejects it, perhaps because it accepts ASCII only, the call is made again for the
/// spellings in ASCII: a rejection proves that nothing was started.
///
/// # Errors
/// Those of the last call.
pub fn start(context: &mut Context<'_>, scopes: &Scopes, job: &JobRequest<'_>) -> Result<Submission, ApiError> {
    let mut start = |spellings| {
        let response = context.client.call(scopes, erasures::start(job.emails, job.kind, spellings))?;
        Ok(Submission { id: erasures::parse_id(&response)?, sent: count(job.emails, spellings) })
    };
    let started = start(Spellings::All);
    let is_rejected =
        |error: &ApiError| matches!(error.own_status(), Some(400 | 422)) && error.is_provably_not_started();
    if started.as_ref().is_err_and(is_rejected) && have_both(job.emails) { start(Spellings::Ascii) } else { started }
}

fn count(emails: &[EmailAddress], spellings: Spellings) -> u64 {
    u64::try_from(erasures::sent(emails, spellings).len()).unwrap_or(u64::MAX)
}

/// Whether each address has a spelling in ASCII, and one has another.
fn have_both(emails: &[EmailAddress]) -> bool {
    let is_ascii = |spelling: &Secret| spelling.reveal().is_ascii();
    emails.iter().all(|email| email.spellings().iter().any(is_ascii))
        && !emails.iter().all(|email| email.spellings().iter().all(is_ascii))
}

/// It is unknown whether Qualtrics accepted the job. What is known of the response is passed on, as codes.
fn unknown(context: &Context<'_>, job: &JobRequest<'_>, error: &ApiError) -> Error {
    let cause = context.error(error, Scope::Erasure);
    let unknown = if job.kind == JobKind::Search {
        let message =
            "It is unknown whether Qualtrics started the search, which changes nothing: start the request again.";
        Error::new(ErrorKind::Unavailable, Remedy::Retry(SOON_MS), message)
    } else {
        outcome_unknown(MAX_LAG_S.saturating_mul(1_000))
    };
    let problems = cause.problems.into_iter().filter(|problem| problem.code == "proxy").collect();
    Error {
        problems,
        http_status: cause.http_status,
        vendor_code: cause.vendor_code,
        vendor_request_id: cause.vendor_request_id,
        ..unknown
    }
}
