//! Verification: after a deletion, searches show whether anything is left.

use super::job_findings::{SOURCE, job_findings, unseen_job, vendor_job};
use super::job_request::JobRequest;
use super::{Budget, on_transient_error, submission};
use crate::contract::{Error, Finding, Outcome, Pending, Progress, Report, Right, SourceState, Stage, VendorJob};
use crate::privacy::email::{EmailAddress, all_spellings};
use crate::qualtrics::api::envelope::ApiResponse;
use crate::qualtrics::api::erasure_list::{self, KnownPositions, Next};
use crate::qualtrics::api::erasures::{self, AddressResult, ErasureJob, JobKind};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::api::job::JobState;
use crate::qualtrics::contact_search::{self, OnTransientError, SearchResult};
use crate::qualtrics::context::Context;
use crate::qualtrics::findings::unsupported_identifiers;
use crate::qualtrics::in_flight::{IMMEDIATE_MS, InFlight, MAX_ATTEMPTS, SOON_MS, StatusClass, job_not_found};
use crate::qualtrics::scopes::Scope;
use crate::qualtrics::ticket::{Operation, Verification};

/// Starts a verifying search, or continues one that another poll started. A search that Qualtrics never accepts is given up after
/// [`MAX_ATTEMPTS`], though not before the verification window has passed.
///
/// # Errors
/// An error that needs an operator, such as a 401, a 403, a redirect or the response of a proxy; the errors of [`conclude`].
pub fn start_search(context: &mut Context<'_>, mut in_flight: InFlight<'_>) -> Result<Progress, Error> {
    let emails = in_flight.subject.emails();
    let Some(verification) = &mut in_flight.ticket.verification else {
        return in_flight.still_pending(context, Stage::Verifying);
    };
    let scopes = context.scopes(Right::Deletion);
    let started = match find_search(context, &emails, verification.search_after) {
        Ok(Some(id)) => Ok((id, u64::try_from(all_spellings(&emails).len()).ok())),
        Ok(None) => {
            let job = JobRequest { emails: &emails, kind: JobKind::Search };
            submission::start(context, &scopes, &job).map(|search| (search.id, Some(search.sent)))
        }
        Err(error) => Err(error),
    };
    match started {
        Ok((id, sent)) => {
            verification.search = Some(id);
            // That of the erasure stays: the receipt is judged by it, too.
            in_flight.ticket.sent = in_flight.ticket.sent.or(sent);
            in_flight.ticket.misses = 0;
            in_flight.still_pending(context, Stage::Verifying)
        }
        Err(error) if needs_no_operator(&error) => search_not_started(context, in_flight, error),
        Err(error) => Err(context.error(&error, Scope::Erasure)),
    }
}

/// Whether a search that could not be started may be started later, or be given up in the report. If it was started after all, the
/// next poll finds it in the list; if not, a second search only reads. A redirect, a 401, a 403 and the response of a proxy need an
/// operator.
fn needs_no_operator(error: &ApiError) -> bool {
    let is_lost = matches!(error, ApiError::Transport(error) if !error.before_sending);
    is_lost || error.is_transient() || matches!(error.own_status(), Some(400 | 402 | 404..))
}

fn search_not_started(
    context: &mut Context<'_>,
    mut in_flight: InFlight<'_>,
    error: ApiError,
) -> Result<Progress, Error> {
    let (wait_ms, is_failure) = match error {
        ApiError::ShareExhausted(wait_ms) => (wait_ms, false),
        ApiError::DeadlineExceeded => (SOON_MS, false),
        // A rate limit clears by itself, however long that takes.
        ApiError::Response(response) => {
            let named_ms = response.retry_after_ms.map(|ms| ms.max(IMMEDIATE_MS));
            (named_ms.unwrap_or(SOON_MS), response.status != 429)
        }
        _ => (SOON_MS, true),
    };
    let misses = in_flight.ticket.misses.saturating_add(u8::from(is_failure));
    in_flight.ticket.misses = misses;
    if is_failure && misses >= MAX_ATTEMPTS && window_has_passed(context, &in_flight) {
        return conclude(context, in_flight, None);
    }
    let pending = in_flight.pending(context, Stage::Verifying, None, StatusClass::NotSeen)?;
    let poll_after_ms = if misses < MAX_ATTEMPTS { wait_ms } else { wait_ms.max(pending.poll_after_ms) };
    Ok(Progress::Pending(Pending { poll_after_ms, ..pending }))
}

/// Qualtrics does not show the verifying search. The list may lag: wait for one poll, then start another search. After
/// [`MAX_ATTEMPTS`] searches, conclude without one.
///
/// # Errors
/// As for [`conclude`].
pub fn search_not_listed(
    context: &mut Context<'_>,
    mut in_flight: InFlight<'_>,
    budget: Budget,
) -> Result<Progress, Error> {
    if in_flight.ticket.attempts < MAX_ATTEMPTS {
        in_flight.ticket.misses = in_flight.ticket.misses.saturating_add(1);
        if in_flight.ticket.misses > 1 {
            in_flight.ticket.misses = 0;
            in_flight.ticket.attempts = in_flight.ticket.attempts.saturating_add(1);
            if let Some(verification) = &mut in_flight.ticket.verification {
                verification.search = None;
            }
        }
        return in_flight.still_pending(context, Stage::Verifying);
    }
    match budget {
        Budget::Available => conclude(context, in_flight, None),
        Budget::Spent => in_flight.pending_for(context, Stage::Verifying, IMMEDIATE_MS),
    }
}

/// The youngest search for exactly these addresses that was created after an instant of Qualtrics' clock. Timestamps are compared on
/// Qualtrics' clock, so that no search from before the deletion counts.
fn find_search(context: &mut Context<'_>, emails: &[EmailAddress], after_s: u64) -> Result<Option<String>, ApiError> {
    let scopes = context.scopes(Right::Deletion);
    let wanted = emails.iter().map(|email| email.key().clone()).collect();
    let spellings = u64::try_from(all_spellings(emails).len()).unwrap_or(u64::MAX);
    let mut youngest: Option<(u64, String)> = None;
    erasure_list::scan(&mut context.client, &scopes, after_s, KnownPositions::default(), &mut |listed, _| {
        let is_candidate =
            listed.created_s.is_some_and(|created_s| created_s > after_s) && listed.kind() == Some(JobKind::Search);
        let job = is_candidate.then(|| listed.parse()).filter(|job| {
            !job.id.is_empty()
                && job.addresses.as_ref().is_some_and(|addresses| addresses.readable == wanted)
                && job.requested.is_none_or(|requested| requested == spellings)
                && job.state != JobState::Failed
        });
        if let Some((created_s, id)) = job.and_then(|job| Some((job.created_s?, job.id)))
            && youngest.as_ref().is_none_or(|(known_s, _)| *known_s < created_s)
        {
            youngest = Some((created_s, id));
        }
        Next::Continue
    })?;
    Ok(youngest.map(|(_, id)| id))
}

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
    // The erasure is requested once more, for the receipt.
    let erasure_id = in_flight.ticket.jobs.first().filter(|_| !verification.job_vanished).cloned();
    let erasure_call = erasure_id.as_deref().map(erasures::get);
    let mut found = match contact_search::search(context, Right::Deletion, in_flight.subject, on_error, erasure_call) {
        Ok(found) => found,
        Err(error) => return in_flight.retry_step(context, Stage::Verifying, &error, Scope::Contacts),
    };
    let erasure =
        match found.beside.take().zip(erasure_id).map_or(Ok(None), |(response, id)| parse_erasure(response, &id)) {
            Ok(erasure) => erasure,
            Err(_) if on_error == OnTransientError::Report => None,
            Err(error) => return in_flight.retry_step(context, Stage::Verifying, &error, Scope::Erasure),
        };
    let matches =
        search.map(|search| job_findings(in_flight.subject, search, in_flight.ticket.sent).1).unwrap_or_default();
    let has_data = !found.contacts.is_empty() || matches.contains(&AddressResult::Found);
    if has_data && !window_has_passed(context, &in_flight) {
        in_flight.ticket.attempts = 0;
        return search_again(context, in_flight, verification, search);
    }
    let outcome = outcome(&in_flight, &found, completed, erasure.as_ref(), has_data, &matches);
    if verification.job_vanished && outcome != Outcome::Verified {
        return Err(job_not_found(Operation::EraseAndVerify));
    }
    Ok(Progress::Done(report(context, &in_flight, outcome, found, search, completed.is_some(), erasure.as_ref())))
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
    let was_never_there = erasure
        .is_some_and(|erasure| all_not_found(&job_findings(in_flight.subject, erasure, in_flight.ticket.sent).1));
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
    let mut findings = if is_completed {
        search.map(|search| job_findings(subject, search, ticket.sent).0).unwrap_or_default()
    } else {
        let note = "Qualtrics did not complete the search that verifies the deletion, after several attempts.";
        let identifiers = subject.email_indices();
        vec![Finding::incomplete(SOURCE, SourceState::Unavailable, identifiers, "search-failed", note)]
    };
    findings.extend(found.findings);
    findings.extend(unsupported_identifiers(subject));
    let erasure_job =
        |id: &String| erasure.map_or_else(|| unseen_job(id, subject), |job| vendor_job(job, JobKind::Erasure, subject));
    let mut jobs: Vec<VendorJob> = ticket.jobs.iter().map(erasure_job).collect();
    jobs.extend(search.map(|search| vendor_job(search, JobKind::Search, subject)));
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
fn window_has_passed(context: &Context<'_>, in_flight: &InFlight<'_>) -> bool {
    let deleted_at = in_flight.ticket.verification.as_ref().map_or(0, |verification| verification.deleted_at);
    context.client.now_s().saturating_sub(deleted_at) >= context.settings.verify_window_s
}

/// The erasure itself, from the response to [`erasures::get`]; `None` if it cannot be read.
fn parse_erasure(response: Result<ApiResponse, ApiError>, id: &str) -> Result<Option<ErasureJob>, ApiError> {
    match response {
        Ok(response) => Ok(erasures::parse(&response, id).ok()),
        // The response only completes the receipt: a permanent error must not keep the request open, whoever sent it.
        Err(error) if matches!(error.status(), Some(400 | 402..=428)) => Ok(None),
        Err(error) => Err(error),
    }
}
