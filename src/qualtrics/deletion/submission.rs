//! Submitting an erasure or a search. An erasure is submitted at most once.

use super::job_request::{JobRequest, outcome_unknown};
use super::reconciliation::{self, MAX_LAG_S, Reconciled};
use crate::contract::{Attempts, Error, ErrorKind, Remedy, Right};
use crate::qualtrics::api::erasures::{self, JobKind};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::context::Context;
use crate::qualtrics::in_flight::SOON_MS;
use crate::qualtrics::scopes::Scope;

/// Submits a job and returns its ID. If it is unknown whether Qualtrics accepted it, the job is looked for in Qualtrics' list.
///
/// # Errors
/// For an erasure `outcome-unknown`, if the list does not show it. A search only reads and may be submitted again: `unavailable`.
/// Every other error proves that nothing was started.
pub fn submit(context: &mut Context<'_>, job: &JobRequest<'_>) -> Result<String, Error> {
    let scopes = context.scopes(Right::Deletion);
    let started_at = context.client.now_s();
    // If authentication fails, nothing was sent.
    context.client.sign_in(&scopes).map_err(|error| context.error(&error, Scope::Erasure))?;
    let response = context.client.call(&scopes, erasures::start(job.emails, job.kind));
    let error = match response.and_then(|response| erasures::parse_id(&response)) {
        Ok(id) => return Ok(id),
        Err(error) => error,
    };
    if error.is_provably_not_started() {
        return Err(context.error(&error, Scope::Erasure));
    }
    let attempts = Attempts { first_at: started_at, last_at: context.client.now_s() };
    match reconciliation::find_in_list(context, job, &attempts) {
        Ok(Reconciled::Found(found)) => Ok(found.id),
        _ => Err(unknown(context, job, &error)),
    }
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
