//! Deletion requests: guarded, submitted once, followed to their end, and verified.
//!
//! | module | what it holds |
//! |---|---|
//! | [`job_request`] | the job that a request asks for: addresses, and erasure or search |
//! | [`submission`] | submitting a job, at most once |
//! | [`reconciliation`] | finding the job of an attempt whose outcome is unknown |
//! | [`preview`] | what would be deleted |
//! | [`verification`] | searching again after the deletion |
//! | [`mod@job_findings`] | what a job reports, as findings and as evidence |

pub mod job_findings;
pub mod job_request;
pub mod preview;
pub mod reconciliation;
pub mod submission;
pub mod verification;

use self::job_findings::{
    SOURCE, covers_every_spelling, job_findings, no_email_finding, unseen_job, unused_identifiers, vendor_job,
};
use self::job_request::JobRequest;
use super::api::erasures::{AddressResult, ErasureJob, JobKind};
use super::api::error::ApiError;
use super::api::job::JobState;
use super::contact_search::{self, OnTransientError};
use super::context::Context;
use super::findings::unsupported_identifiers;
use super::guard;
use super::in_flight::{Budget, IMMEDIATE_MS, InFlight, MAX_ATTEMPTS, StatusClass, job_not_found};
use super::scopes::Scope;
use super::settings::DeletionCompletion;
use super::ticket::{Operation, Ticket, Verification};
use crate::contract::{
    Amount, DeletionMode, Error, Finding, Outcome, Pending, Progress, Report, Request, Right, Stage,
};
use crate::privacy::subject::{Subject, request_check};

/// The delay before a scan of the list that was cut short continues, in milliseconds.
const NEXT_SCAN_MS: u64 = 60_000;

/// A preview submits a search, every other mode an erasure.
fn job_kind(operation: Operation) -> JobKind {
    if operation == Operation::Preview { JobKind::Search } else { JobKind::Erasure }
}

/// `delete`, for one request.
///
/// # Errors
/// `invalid-request` if the request is malformed; `outcome-unknown` if Qualtrics may have started the deletion. Any other error
/// proves that this call did not start it: a guard could not be evaluated, or a call failed before the submission or was rejected.
pub fn start(context: &mut Context<'_>, request: &Request, mode: DeletionMode) -> Result<Progress, Error> {
    let subject = Subject::parse(request, context.client.now_s())?;
    let operation = Operation::from(mode);
    let emails = subject.emails();
    if emails.is_empty() {
        return refuse_without_email(context, request, &subject, operation);
    }
    let job = JobRequest { emails: &emails, kind: job_kind(operation) };
    let earlier = match &request.attempts {
        Some(attempts) => reconciliation::find_earlier(context, &job, attempts)?,
        None => None,
    };
    let mut findings = Vec::new();
    let (id, sent, submitted_at) = match earlier {
        Some(earlier) => {
            let now_s = context.client.now_s();
            let created_s = earlier.created_s.map(|created_s| context.client.at_host(created_s));
            (earlier.id, None, created_s.map_or(now_s, |created_s| created_s.min(now_s)))
        }
        None => {
            let guards = guard::evaluate(context, request, &subject)?;
            if guards.is_refused && operation != Operation::Preview {
                let report = context.report(request, operation, Outcome::Refused, None);
                return Ok(Progress::Done(Report { findings: guards.findings, ..report }));
            }
            findings = guards.findings;
            let submission = submission::submit(context, &job)?;
            (submission.id, Some(submission.sent), context.client.now_s())
        }
    };
    let check = request_check(request, operation.name());
    let ticket = Ticket { sent, ..Ticket::new(operation, check, vec![id], submitted_at) };
    if operation == Operation::Erase && context.settings.deletion_completion == DeletionCompletion::OnSubmission {
        return submitted(context, request, &subject, &ticket, findings);
    }
    let stage = if operation == Operation::Preview { Stage::Searching } else { Stage::Deleting };
    InFlight { request, subject: &subject, ticket }.still_pending(context, stage)
}

/// The connection's settings ask not to wait for completion.
fn submitted(
    context: &Context<'_>,
    request: &Request,
    subject: &Subject,
    ticket: &Ticket,
    mut findings: Vec<Finding>,
) -> Result<Progress, Error> {
    findings.extend(unused_identifiers(subject));
    findings.push(Finding::searched(SOURCE, Amount::Unknown, subject.email_indices()));
    let mut report = context.report(request, ticket.operation, Outcome::Submitted, Some(ticket.submitted_at));
    report.findings = findings;
    report.receipt.jobs = ticket.jobs.iter().map(|id| unseen_job(id, subject)).collect();
    report.ticket = Some(ticket.format()?);
    Ok(Progress::Done(report))
}

/// Telephone numbers and external IDs only discover addresses; the caller starts another request with them.
fn refuse_without_email(
    context: &mut Context<'_>,
    request: &Request,
    subject: &Subject,
    operation: Operation,
) -> Result<Progress, Error> {
    let found = contact_search::search(context, Right::Deletion, subject, OnTransientError::Retry, None)
        .map_err(|error| context.error(&error, Scope::Contacts))?;
    let mut report = context.report(request, operation, Outcome::Refused, None);
    report.findings = found.findings;
    report.findings.extend(unsupported_identifiers(subject));
    let note = "Qualtrics deletes by e-mail address only: confirm addresses of discovered, and start another request with them.";
    report.findings.push(no_email_finding(subject.not_emails.clone(), note));
    report.discovered = found.discovered;
    Ok(Progress::Done(report))
}

/// What Qualtrics shows of a job that is being followed.
pub enum LookUp {
    /// The job, and its position in the list if that does not change.
    Job(Box<ErasureJob>, Option<String>),
    /// Neither a look-up by its ID nor the list shows it.
    NotListed,
    /// The list was not read to its end; this is where to continue.
    Incomplete(Option<String>),
    /// It could not be looked up.
    Failed(ApiError),
}

/// Advances a deletion, given what Qualtrics shows of its decisive job.
///
/// # Errors
/// `job-not-found` if Qualtrics no longer lists the job; the error of the look-up, unless it lacked only time or share; the errors
/// of [`preview::collect`] and of [`verification`]. Never `outcome-unknown`.
pub fn proceed(
    context: &mut Context<'_>,
    mut in_flight: InFlight<'_>,
    look_up: LookUp,
    budget: Budget,
) -> Result<Progress, Error> {
    let stage = stage(&in_flight.ticket);
    let job = match look_up {
        LookUp::Job(job, position) => {
            in_flight.ticket.position = storable(position);
            *job
        }
        LookUp::NotListed => return not_listed(context, in_flight, stage, budget),
        LookUp::Incomplete(position) => {
            in_flight.ticket.position = storable(position);
            let pending = in_flight.pending(context, stage, None, StatusClass::NotSeen)?;
            // The scan continues as soon as there is a share for it, however old the job is.
            let poll_after_ms = pending.poll_after_ms.min(NEXT_SCAN_MS);
            return Ok(Progress::Pending(Pending { poll_after_ms, ..pending }));
        }
        LookUp::Failed(ApiError::ShareExhausted(wait_ms)) => return in_flight.pending_for(context, stage, wait_ms),
        LookUp::Failed(ApiError::DeadlineExceeded) => return in_flight.pending_for(context, stage, IMMEDIATE_MS),
        LookUp::Failed(error) => return Err(context.error(&error, Scope::Erasure)),
    };
    in_flight.ticket.misses = 0;
    if let JobState::Running { known } = job.state {
        let word = if known { StatusClass::Known } else { StatusClass::Unknown };
        return in_flight.pending(context, stage, job.status, word).map(Progress::Pending);
    }
    let operation = in_flight.ticket.operation;
    if budget == Budget::Spent && operation != Operation::Erase {
        return in_flight.pending_for(context, stage, IMMEDIATE_MS);
    }
    let is_completed = job.state == JobState::Completed;
    match (operation, stage) {
        (Operation::EraseAndVerify, Stage::Verifying) => verification::conclude(context, in_flight, Some(&job)),
        (Operation::EraseAndVerify, _) if is_completed => start_verification(context, in_flight, Some(&job)),
        (Operation::Preview, _) if is_completed => {
            in_flight.ticket.collecting = true;
            preview::collect(context, in_flight, &job)
        }
        _ => Ok(Progress::Done(ended(context, &in_flight, &job))),
    }
}

/// The stage of a deletion.
#[must_use]
pub const fn stage(ticket: &Ticket) -> Stage {
    match (ticket.operation, &ticket.verification) {
        (_, Some(_)) => Stage::Verifying,
        (Operation::Preview, None) if ticket.collecting => Stage::Collecting,
        (Operation::Preview, None) => Stage::Searching,
        (_, None) => Stage::Deleting,
    }
}

/// Qualtrics does not show the decisive job.
fn not_listed(
    context: &mut Context<'_>,
    mut in_flight: InFlight<'_>,
    stage: Stage,
    budget: Budget,
) -> Result<Progress, Error> {
    if in_flight.ticket.position.take().is_some() {
        // The list may have changed before the known position: the next scan starts from its beginning.
        return in_flight.still_pending(context, stage);
    }
    if stage == Stage::Verifying {
        return verification::search_not_listed(context, in_flight, budget);
    }
    if let Some(progress) = in_flight.not_shown(context, stage)? {
        return Ok(progress);
    }
    match in_flight.ticket.operation {
        Operation::EraseAndVerify if budget == Budget::Available => start_verification(context, in_flight, None),
        Operation::EraseAndVerify => in_flight.pending_for(context, stage, IMMEDIATE_MS),
        operation => Err(job_not_found(operation)),
    }
}

/// The deletion is complete, or Qualtrics no longer lists it: searches show what is left.
fn start_verification(
    context: &mut Context<'_>,
    mut in_flight: InFlight<'_>,
    job: Option<&ErasureJob>,
) -> Result<Progress, Error> {
    let now_s = context.client.now_s();
    let updated_s = job.and_then(|job| job.updated_s);
    let plausible = in_flight.ticket.submitted_at.saturating_sub(super::in_flight::GRACE_PERIOD_S)..=now_s;
    let shown = updated_s.map(|at_s| context.client.at_host(at_s)).filter(|at_s| plausible.contains(at_s));
    in_flight.ticket.verification = Some(Verification {
        deleted_at: shown.unwrap_or(now_s),
        search_after: updated_s.unwrap_or_else(|| context.client.at_qualtrics(now_s)),
        search: None,
        job_vanished: job.is_none(),
    });
    in_flight.ticket.position = None;
    in_flight.ticket.misses = 0;
    verification::start_search(context, in_flight)
}

/// The report of an erasure that ended, or of a search that failed.
fn ended(context: &Context<'_>, in_flight: &InFlight<'_>, job: &ErasureJob) -> Report {
    let (reported, matches) = job_findings(in_flight.subject, job, in_flight.ticket.sent);
    let unused = unused_identifiers(in_flight.subject);
    let outcome = match job.state {
        JobState::Failed => Outcome::Failed,
        JobState::Completed
            if unused.is_empty() && covers_every_spelling(in_flight.subject, job, in_flight.ticket.sent) =>
        {
            if matches.iter().all(|one| *one == AddressResult::NotFound) { Outcome::NotFound } else { Outcome::Deleted }
        }
        _ => Outcome::Partial,
    };
    let submitted_at = Some(in_flight.ticket.submitted_at);
    let mut report = context.report(in_flight.request, in_flight.ticket.operation, outcome, submitted_at);
    report.findings = if job.state == JobState::Failed { Vec::new() } else { reported };
    report.findings.extend(unused);
    report.receipt.jobs = vec![vendor_job(job, job_kind(in_flight.ticket.operation), in_flight.subject)];
    report
}

/// How a source that fails transiently is treated after so many failed attempts.
const fn on_transient_error(ticket: &Ticket) -> OnTransientError {
    if ticket.attempts < MAX_ATTEMPTS { OnTransientError::Retry } else { OnTransientError::Report }
}

/// A position that fits into a ticket beside everything else.
fn storable(position: Option<String>) -> Option<String> {
    position.filter(|position| position.len() <= 512)
}

#[cfg(test)]
mod tests;
