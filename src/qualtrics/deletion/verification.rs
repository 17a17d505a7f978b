//! Verification: after a deletion, searches show whether anything is left.

use std::rc::Rc;

use super::job_findings::{SOURCE, is_shared, job_findings, shared_job_finding, unseen_job, vendor_job};
use super::{on_transient_error, search_contacts};
use crate::contract::{Error, Finding, Outcome, Progress, Report, SourceState, Stage, VendorJob};
use crate::qualtrics::api::envelope::ApiResponse;
use crate::qualtrics::api::erasures::{self, AddressResult, ErasureJob, JobKind};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::api::job::JobState;
use crate::qualtrics::contact_search::{OnTransientError, SearchResult};
use crate::qualtrics::context::Context;
use crate::qualtrics::findings::unsupported_identifiers;
use crate::qualtrics::in_flight::{InFlight, StatusClass, job_not_found};
use crate::qualtrics::scopes::Scope;
use crate::qualtrics::ticket::{Operation, Verification};

/// Concludes the verification from the verifying search, if Qualtrics completed one, and from what the directories still hold.
///
/// # Errors
/// `job-not-found` if Qualtrics no longer lists the erasure and the result is not `verified`; a 429 or permanent error of the
/// directory search or of the look-up of the erasure.
pub fn conclude(
    context: &mut Context<'_>,
    mut in_flight: InFlight<'_>,
    search: Option<&ErasureJob>,
) -> Result<Progress, Error> {
    let Some(verification) = in_flight.ticket.verification.clone() else {
        return in_flight.still_pending(context, Stage::Verifying);
    };
    let on_error = on_transient_error(&in_flight.ticket);
    let completed = search.filter(|search| search.state == JobState::Completed);
    if let Some(failed) = search.filter(|_| completed.is_none() && on_error == OnTransientError::Retry) {
        // The search failed, not the deletion: another search is started.
        in_flight.ticket.attempts = in_flight.ticket.attempts.saturating_add(1);
        return search_again(context, in_flight, verification, Some(failed));
    }
    // The erasure is requested once more, for the receipt: once for all requests that share it.
    let erasure_id = in_flight.ticket.jobs.first().filter(|_| !verification.job_vanished).cloned();
    let is_cached = |id: &String| context.call_cache.erasures.contains_key(id);
    let erasure_call = erasure_id.as_ref().filter(|id| !is_cached(id)).map(|id| erasures::get(id));
    if let Err(error) = cached_erasure(context, erasure_id.as_deref(), on_error) {
        return in_flight.retry_step(context, Stage::Verifying, &error, Scope::Erasure);
    }
    // Without a share for it, the results of the directory search would be lost.
    let wait_ms = erasure_call.as_ref().map_or(0, |call| context.client.wait_for(call, 1));
    if wait_ms > 0 {
        return in_flight.pending_for(context, Stage::Verifying, wait_ms);
    }
    let mut found = match search_contacts(context, &mut in_flight, erasure_call) {
        Ok(found) => found,
        Err(error) => return in_flight.retry_step(context, Stage::Verifying, &error, Scope::Contacts),
    };
    if let Some((response, id)) = found.beside.take().zip(erasure_id.clone()) {
        let erasure = parse_erasure(response, &id);
        context.call_cache.erasures.insert(id, erasure);
    }
    let erasure = match cached_erasure(context, erasure_id.as_deref(), on_error) {
        Ok(erasure) => erasure,
        Err(error) => return in_flight.retry_step(context, Stage::Verifying, &error, Scope::Erasure),
    };
    let coverage = in_flight.ticket.search_coverage();
    let matches = search.map(|search| job_findings(in_flight.subject, search, JobKind::Search, coverage).1);
    let matches = matches.unwrap_or_default();
    let has_data = found.has_certain_contact || matches.contains(&AddressResult::Found);
    if has_data && !window_has_passed(context, &in_flight) {
        in_flight.ticket.attempts = 0;
        return search_again(context, in_flight, verification, search);
    }
    let outcome = outcome(&in_flight, &found, completed, erasure.as_deref(), has_data, &matches);
    if verification.job_vanished && outcome != Outcome::Verified {
        return Err(job_not_found(Operation::EraseAndVerify));
    }
    Ok(Progress::Done(report(context, &in_flight, outcome, found, search, completed.is_some(), erasure.as_deref())))
}

/// What is left, and how certain that is.
fn outcome(
    in_flight: &InFlight<'_>,
    found: &SearchResult,
    completed: Option<&ErasureJob>,
    erasure: Option<&ErasureJob>,
    has_data: bool,
    matches: &[AddressResult],
) -> Outcome {
    let all_not_found = |matches: &[AddressResult]| matches.iter().all(|one| *one == AddressResult::NotFound);
    let is_complete = completed.is_some()
        && found.findings.iter().all(Finding::is_complete)
        && in_flight.subject.unsupported.is_empty();
    let of_erasure =
        |job: &ErasureJob| job_findings(in_flight.subject, job, JobKind::Erasure, in_flight.ticket.coverage()).1;
    let was_never_there = erasure.is_some_and(|erasure| all_not_found(&of_erasure(erasure)));
    match (has_data, is_complete) {
        (true, _) => Outcome::DataRemaining,
        (false, false) => Outcome::Partial,
        // Qualtrics does not report what the verifying search found, so that nothing proves the data is gone.
        (false, true) if !all_not_found(matches) => Outcome::Deleted,
        (false, true) if was_never_there => Outcome::NotFound,
        (false, true) => Outcome::Verified,
    }
}

fn report(
    context: &Context<'_>,
    in_flight: &InFlight<'_>,
    outcome: Outcome,
    found: SearchResult,
    search: Option<&ErasureJob>,
    is_completed: bool,
    erasure: Option<&ErasureJob>,
) -> Report {
    let InFlight { request, subject, ticket } = in_flight;
    let (coverage, search_coverage) = (ticket.coverage(), ticket.search_coverage());
    let mut findings = if is_completed {
        search.map(|search| job_findings(subject, search, JobKind::Search, search_coverage).0).unwrap_or_default()
    } else {
        let note = "Qualtrics did not complete the search that verifies the deletion, after several attempts.";
        let identifiers = subject.email_indices();
        vec![Finding::incomplete(SOURCE, SourceState::Unavailable, identifiers, "search-failed", note)]
    };
    findings.extend(found.findings);
    findings.extend(unsupported_identifiers(subject));
    let is_shared = erasure.map_or(coverage.shared.is_some(), |job| is_shared(subject, job, coverage));
    if outcome == Outcome::DataRemaining && is_shared {
        findings.push(shared_job_finding(subject));
    }
    let seen = |job| vendor_job(job, JobKind::Erasure, subject, coverage);
    let erasure_job = |id: &String| erasure.map_or_else(|| unseen_job(id, subject, coverage), seen);
    let mut jobs: Vec<VendorJob> = ticket.jobs.iter().map(erasure_job).collect();
    jobs.extend(search.map(|search| vendor_job(search, JobKind::Search, subject, search_coverage)));
    let mut report = context.report(request, Operation::EraseAndVerify, outcome, Some(ticket.submitted_at));
    report.findings = findings;
    report.discovered = found.discovered;
    report.receipt.jobs = jobs;
    report
}

/// Another search is started with the next poll.
fn search_again(
    context: &Context<'_>,
    mut in_flight: InFlight<'_>,
    verification: Verification,
    search: Option<&ErasureJob>,
) -> Result<Progress, Error> {
    let search_after = search.map_or(verification.search_after, |search| {
        let now_s = context.client.at_qualtrics(context.client.now_s());
        search.updated_s.max(search.created_s).unwrap_or(now_s)
    });
    in_flight.ticket.verification = Some(Verification { search_after, search: None, ..verification });
    let status = search.and_then(|search| search.status.clone());
    in_flight.pending(context, Stage::Verifying, status, StatusClass::NotSeen).map(Progress::Pending)
}

/// Whether the time has passed in which a search that still finds data is repeated.
#[must_use]
pub fn window_has_passed(context: &Context<'_>, in_flight: &InFlight<'_>) -> bool {
    let deleted_at = in_flight.ticket.verification.as_ref().map_or(0, |verification| verification.deleted_at);
    context.client.now_s().saturating_sub(deleted_at) >= context.settings.verify_window_s
}

/// The erasure of a request, as far as this call has requested it. An error is one to repeat the step for.
fn cached_erasure(
    context: &Context<'_>,
    id: Option<&str>,
    on_error: OnTransientError,
) -> Result<Option<Rc<ErasureJob>>, ApiError> {
    match id.and_then(|id| context.call_cache.erasures.get(id)) {
        Some(Ok(erasure)) => Ok(erasure.clone()),
        Some(Err(error)) if on_error == OnTransientError::Retry => Err(error.clone()),
        Some(Err(_)) | None => Ok(None),
    }
}

/// The erasure itself, from the response to [`erasures::get`]; `None` if it cannot be read.
fn parse_erasure(response: Result<ApiResponse, ApiError>, id: &str) -> Result<Option<Rc<ErasureJob>>, ApiError> {
    match response {
        Ok(response) => Ok(erasures::parse(&response, id).ok().map(Rc::new)),
        // The response only completes the receipt: a permanent error must not keep the request open, whoever sent it.
        Err(error) if matches!(error.status(), Some(400 | 402..=428)) => Ok(None),
        Err(error) => Err(error),
    }
}
