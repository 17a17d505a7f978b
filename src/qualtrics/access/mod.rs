//! Access requests: Qualtrics' export of everything under the e-mail addresses, the contacts of every directory with their history and
//! their transactions, and the records of users.
//!
//! Users and transactions need scopes that are optional: without them, the report has no finding about these sources, and a gap names
//! them.
//!
//! | module | what it holds |
//! |---|---|
//! | [`exports`] | starting exports, and their files as documents |
//! | [`contact_documents`] | contacts as documents |
//! | [`contact_lists`] | the history and the transactions of contacts as documents |
//! | [`user_records`] | the records of users as documents |

pub mod contact_documents;
pub mod contact_lists;
pub mod exports;
#[cfg(test)]
mod tests;
pub mod user_records;

use super::api::customer_data::Export;
use super::api::error::ApiError;
use super::api::job::JobState;
use super::contact_search::{self, OnTransientError};
use super::context::Context;
use super::findings::{SourceFailure, unsupported_identifiers};
use super::in_flight::{Budget, IMMEDIATE_MS, InFlight, MAX_ATTEMPTS, StatusClass, job_not_found};
use super::scopes::{Scope, Scopes};
use super::ticket::{Operation, Ticket};
use crate::contract::{
    Amount, Document, Error, Finding, Identifier, Outcome, Pending, Progress, Receipt, Report, Request, Right,
    SourceState, Stage,
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
    match sources(context, &in_flight, exports) {
        Ok(sources) => Ok(Progress::Done(report(context, &in_flight, exports, sources))),
        Err((ApiError::ShareExhausted(wait_ms), Scope::Contacts)) => {
            in_flight.pending_for(context, Stage::Collecting, wait_ms)
        }
        Err((ApiError::ShareExhausted(wait_ms), _)) => {
            // Counts as an attempt: after `MAX_ATTEMPTS` what remains is reported as it is.
            in_flight.ticket.attempts = in_flight.ticket.attempts.saturating_add(1);
            in_flight.pending_for(context, Stage::Collecting, wait_ms)
        }
        Err((error, scope)) => in_flight.retry_step(context, Stage::Collecting, &error, scope),
    }
}

/// What all sources hold.
struct Sources {
    findings: Vec<Finding>,
    documents: Vec<Document>,
    discovered: Vec<Identifier>,
}

/// Collects the results of all sources.
///
/// # Errors
/// The error of a source that ends the step, and the scope that its call required.
fn sources(
    context: &mut Context<'_>,
    in_flight: &InFlight<'_>,
    exports: &[Export],
) -> Result<Sources, (ApiError, Scope)> {
    let InFlight { subject, ticket, .. } = in_flight;
    let on_error = if ticket.attempts < MAX_ATTEMPTS { OnTransientError::Retry } else { OnTransientError::Report };
    // 1. The contacts, beside the first page of the users.
    context.client.prepare_tokens(Scopes::from([Scope::Transactions]));
    let users = user_records::first_page(context, subject);
    let found = contact_search::search(context, Right::Access, subject, on_error, users)
        .map_err(|error| (error, Scope::Contacts))?;
    let users = user_records::find(context, subject, found.beside, on_error).map_err(|error| (error, Scope::Users))?;
    // 2. The files.
    let exported =
        exports::collect(context, subject, ticket, exports, on_error).map_err(|error| (error, Scope::CustomerData))?;
    // 3. The contacts in full, their lists, and the records of users.
    let mut findings = unsupported_identifiers(subject);
    findings.extend(exported.findings);
    findings.extend(found.findings);
    let mut documents = exported.documents;
    let reserved = users.reserved_bytes().min(context.inline_bytes_left);
    context.inline_bytes_left = context.inline_bytes_left.saturating_sub(reserved);
    let contacts = contact_documents::collect(context, found.contacts, users.calls(), on_error, &mut findings)
        .map_err(|error| (error, Scope::Contacts))?;
    documents.extend(contacts.documents);
    let records = users.report(subject, contacts.beside, on_error, &mut findings);
    documents.extend(records.map_err(|error| (error, Scope::Users))?);
    Ok(Sources { findings, documents, discovered: found.discovered })
}

fn report(context: &Context<'_>, in_flight: &InFlight<'_>, exports: &[Export], sources: Sources) -> Report {
    let Sources { findings, documents, discovered } = sources;
    let submitted_at = (!exports.is_empty()).then_some(in_flight.ticket.submitted_at);
    let report = context.report(in_flight.request, Operation::Access, outcome(&findings), submitted_at);
    let jobs = exports::vendor_jobs(in_flight.subject, &in_flight.ticket, exports);
    let receipt = Receipt { jobs, ..report.receipt };
    Report { findings, documents, discovered, receipt, ..report }
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
