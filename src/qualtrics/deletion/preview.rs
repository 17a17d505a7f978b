//! What would be deleted: by Qualtrics' own search, and by the directories.

use super::job_findings::{job_findings, vendor_job};
use super::job_request::JobRequest;
use super::{in_turn, search_contacts, submission};
use crate::contract::{Amount, Error, Finding, Outcome, Progress, Stage};
use crate::qualtrics::api::erasures::{AddressResult, ErasureJob, JobKind};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::context::Context;
use crate::qualtrics::findings::unsupported_identifiers;
use crate::qualtrics::guard;
use crate::qualtrics::in_flight::{IMMEDIATE_MS, InFlight, MAX_ATTEMPTS, SOON_MS};
use crate::qualtrics::scopes::Scope;
use crate::qualtrics::ticket::Operation;

/// The report of a preview whose search is complete.
///
/// # Errors
/// If a guard cannot be evaluated, and a 429 or permanent error of the directory search.
pub fn collect(context: &mut Context<'_>, mut in_flight: InFlight<'_>, job: &ErasureJob) -> Result<Progress, Error> {
    let (request, subject) = (in_flight.request, in_flight.subject);
    let guards = guard::evaluate(context, request, subject)?;
    let found = match search_contacts(context, &mut in_flight, None) {
        Ok(found) => found,
        Err(error) => return in_flight.retry_step(context, Stage::Collecting, &error, Scope::Contacts),
    };
    let coverage = in_flight.ticket.coverage();
    let (mut findings, matches) = job_findings(subject, job, JobKind::Search, coverage);
    let is_complete = found.findings.iter().all(Finding::is_complete) && subject.unsupported.is_empty();
    let may_have_account = guards.findings.iter().any(|finding| finding.amount != Amount::Count(0));
    let has_data =
        found.has_certain_contact || matches.iter().any(|one| *one != AddressResult::NotFound) || may_have_account;
    let outcome = match (is_complete, has_data) {
        (false, _) => Outcome::Partial,
        (true, true) => Outcome::Previewed,
        (true, false) => Outcome::NotFound,
    };
    findings.extend(found.findings);
    findings.extend(guards.findings);
    findings.extend(unsupported_identifiers(subject));
    let mut report = context.report(request, Operation::Preview, outcome, Some(in_flight.ticket.submitted_at));
    report.findings = findings;
    report.discovered = found.discovered;
    report.receipt.jobs = vec![vendor_job(job, JobKind::Search, subject, coverage)];
    Ok(Progress::Done(report))
}

/// Starts a search for this request alone, because the one that it shares gives only a number for all of them. If Qualtrics rejects it,
/// or does not take it after several attempts, the preview is collected without.
///
/// # Errors
/// As for [`collect`].
pub fn search_alone(
    context: &mut Context<'_>,
    mut in_flight: InFlight<'_>,
    job: &ErasureJob,
) -> Result<Progress, Error> {
    let emails = in_flight.subject.emails();
    match submission::start(context, &JobRequest { emails: &emails, kind: JobKind::Search }) {
        Ok(search) => {
            in_flight.ticket.sent = Some(search.sent(&emails));
            in_flight.ticket.shared = None;
            in_flight.ticket.jobs.push(search.id);
            in_flight.ticket.position = None;
            in_flight.ticket.attempts = 0;
            in_flight.still_pending(context, Stage::Searching)
        }
        Err(ApiError::ShareExhausted(wait_ms)) => in_flight.pending_for(context, Stage::Searching, wait_ms),
        Err(ApiError::DeadlineExceeded) => in_flight.pending_for(context, Stage::Searching, IMMEDIATE_MS),
        // A rate limit clears by itself, however long that takes.
        Err(ApiError::Response(response)) if response.status == 429 => {
            in_flight.pending_for(context, Stage::Searching, response.retry_after_ms.unwrap_or(SOON_MS))
        }
        Err(error) if submission::is_temporary(&error) && in_flight.ticket.attempts < MAX_ATTEMPTS => {
            in_flight.ticket.attempts = in_flight.ticket.attempts.saturating_add(1);
            in_flight.pending_for(context, Stage::Searching, SOON_MS)
        }
        Err(_) => {
            in_flight.ticket.collecting = true;
            in_flight.ticket.attempts = 0;
            in_turn(context, in_flight, |context, in_flight| collect(context, in_flight, job))
        }
    }
}
