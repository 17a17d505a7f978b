//! Access requests: Qualtrics' export of everything under the e-mail addresses, and the contacts of every directory.
//!
//! | module | what it holds |
//! |---|---|
//! | [`exports`] | starting exports, and their files as documents |
//! | [`contact_documents`] | contacts as documents |

pub mod contact_documents;
pub mod exports;
#[cfg(test)]
mod tests;

use super::api::customer_data::Export;
use super::api::error::ApiError;
use super::api::job::JobState;
use super::contact_search::{self, OnTransientError};
use super::context::Context;
use super::findings::{SourceFailure, unsupported_identifiers};
use super::in_flight::{Budget, IMMEDIATE_MS, InFlight, MAX_ATTEMPTS, StatusClass, job_not_found};
use super::scopes::Scope;
use super::ticket::{Operation, Ticket};
use crate::contract::{
    Amount, Error, Finding, Outcome, Pending, Progress, Receipt, Report, Request, Right, SourceState, Stage,
};
use crate::privacy::subject::{Subject, request_check};

/// `access`, for one request. Starts the export; a request without an e-mail address has none, and the directories are searched
/// immediately.
///
/// # Errors
/// `invalid-request` if the request is malformed; the errors of [`exports::start`]; without an export, the errors of [`proceed`] that
/// concern the directories.
pub fn start(context: &mut Context<'_>, request: &Request) -> Result<Progress, Error> {
    let subject = Subject::parse(request, context.client.now_s())?;
    let started = exports::start(context, &subject)?;
    let check = request_check(request, Operation::Access.name());
    let mut ticket = Ticket::new(Operation::Access, check, started.jobs, context.client.now_s());
    ticket.sent = Some(started.sent);
    ticket.collecting = ticket.jobs.is_empty();
    let in_flight = InFlight { request, subject: &subject, ticket };
    if in_flight.ticket.collecting {
        collect(context, in_flight, &[])
    } else {
        in_flight.still_pending(context, Stage::Exporting)
    }
}

/// Advances an access request, given what Qualtrics shows of its exports.
///
/// # Errors
/// `job-not-found` if Qualtrics no longer shows an export; the error of a look-up, unless it lacked only time or share; a 429 or
/// permanent error of a directory search or a file.
pub fn proceed(
    context: &mut Context<'_>,
    mut in_flight: InFlight<'_>,
    look_ups: Vec<Result<Export, ApiError>>,
    budget: Budget,
) -> Result<Progress, Error> {
    let stage = if in_flight.ticket.collecting { Stage::Collecting } else { Stage::Exporting };
    let mut exports = Vec::with_capacity(look_ups.len());
    for look_up in look_ups {
        match look_up {
            Ok(export) => exports.push(export),
            Err(error) if error.is_not_found() => {
                let pending = in_flight.not_shown(context, stage)?;
                return pending.ok_or_else(|| job_not_found(Operation::Access));
            }
            Err(ApiError::ShareExhausted(wait_ms)) => return in_flight.pending_for(context, stage, wait_ms),
            Err(ApiError::DeadlineExceeded) => return in_flight.pending_for(context, stage, IMMEDIATE_MS),
            Err(error) => return Err(context.error(&error, Scope::CustomerData)),
        }
    }
    in_flight.ticket.misses = 0;
    if let Some((running, known)) = exports.iter().find_map(|export| match export.state {
        JobState::Running { known } => Some((export, known)),
        _ => None,
    }) {
        let word = if known { StatusClass::Known } else { StatusClass::Unknown };
        let percent = exports.iter().filter_map(|export| export.percent).min();
        let pending = in_flight.pending(context, stage, running.status.clone(), word)?;
        return Ok(Progress::Pending(Pending { percent, ..pending }));
    }
    in_flight.ticket.collecting = true;
    match budget {
        Budget::Available => collect(context, in_flight, &exports),
        Budget::Spent => in_flight.pending_for(context, Stage::Collecting, IMMEDIATE_MS),
    }
}

/// Collects the results of all sources, and reports them.
fn collect(context: &mut Context<'_>, mut in_flight: InFlight<'_>, exports: &[Export]) -> Result<Progress, Error> {
    let subject = in_flight.subject;
    let has_attempts_left = in_flight.ticket.attempts < MAX_ATTEMPTS;
    let on_error = if has_attempts_left { OnTransientError::Retry } else { OnTransientError::Report };
    let found = match contact_search::search(context, Right::Access, subject, on_error, None) {
        Ok(found) => found,
        Err(error) => return in_flight.retry_step(context, Stage::Collecting, &error, Scope::Contacts),
    };
    let exported = match exports::collect(context, subject, &in_flight.ticket, exports, on_error) {
        Ok(exported) => exported,
        Err(ApiError::ShareExhausted(wait_ms)) => {
            // Counts as an attempt: after `MAX_ATTEMPTS` the remaining files are reported unopened.
            in_flight.ticket.attempts = in_flight.ticket.attempts.saturating_add(1);
            return in_flight.pending_for(context, Stage::Collecting, wait_ms);
        }
        Err(error) => return in_flight.retry_step(context, Stage::Collecting, &error, Scope::CustomerData),
    };
    let mut findings = unsupported_identifiers(subject);
    findings.extend(exported.findings);
    findings.extend(found.findings);
    let mut documents = exported.documents;
    documents.extend(contact_documents::collect(context, found.contacts, &mut findings)?);
    let submitted_at = (!exports.is_empty()).then_some(in_flight.ticket.submitted_at);
    let report = context.report(in_flight.request, Operation::Access, outcome(&findings), submitted_at);
    let jobs = exports::vendor_jobs(subject, &in_flight.ticket, exports);
    let receipt = Receipt { jobs, ..report.receipt };
    Ok(Progress::Done(Report { findings, documents, discovered: found.discovered, receipt, ..report }))
}

/// What the findings amount to. A source whose amount is unknown never counts as one without data.
fn outcome(findings: &[Finding]) -> Outcome {
    let has_data = |finding: &Finding| matches!(finding.amount, Amount::Present | Amount::Count(1..));
    let is_searched = |finding: &Finding| finding.state == SourceState::Searched;
    if findings.iter().all(Finding::is_complete) {
        return if findings.iter().any(has_data) { Outcome::Found } else { Outcome::NotFound };
    }
    // If no source was searched at all, the failure of the export is all there is to report.
    let has_failed = findings.iter().any(|finding| finding.code.as_deref() == Some(exports::FAILED));
    if has_failed && !findings.iter().any(is_searched) { Outcome::Failed } else { Outcome::Partial }
}
