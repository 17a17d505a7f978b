//! What would be deleted: by Qualtrics' own search, and by the directories.

use super::job_findings::{job_findings, vendor_job};
use super::on_transient_error;
use crate::contract::{Amount, Error, Finding, Outcome, Progress, Right, Stage};
use crate::qualtrics::api::erasures::{AddressResult, ErasureJob, JobKind};
use crate::qualtrics::contact_search;
use crate::qualtrics::context::Context;
use crate::qualtrics::findings::unsupported_identifiers;
use crate::qualtrics::guard;
use crate::qualtrics::in_flight::InFlight;
use crate::qualtrics::scopes::Scope;
use crate::qualtrics::ticket::Operation;

/// The report of a preview whose search is complete.
///
/// # Errors
/// If a guard cannot be evaluated, and a 429 or permanent error of the directory search.
pub fn collect(context: &mut Context<'_>, in_flight: InFlight<'_>, job: &ErasureJob) -> Result<Progress, Error> {
    let InFlight { request, subject, .. } = in_flight;
    let guards = guard::evaluate(context, request, subject)?;
    let on_error = on_transient_error(&in_flight.ticket);
    let found = match contact_search::search(context, Right::Deletion, subject, on_error, None) {
        Ok(found) => found,
        Err(error) => return in_flight.retry_step(context, Stage::Collecting, &error, Scope::Contacts),
    };
    let (mut findings, matches) = job_findings(subject, job, in_flight.ticket.sent);
    let is_complete = found.findings.iter().all(Finding::is_complete) && subject.unsupported.is_empty();
    let may_have_account = guards.findings.iter().any(|finding| finding.amount != Amount::Count(0));
    let has_data =
        !found.contacts.is_empty() || matches.iter().any(|one| *one != AddressResult::NotFound) || may_have_account;
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
    report.receipt.jobs = vec![vendor_job(job, JobKind::Search, subject)];
    Ok(Progress::Done(report))
}
