//! What would be deleted: by Qualtrics' own search, and by the directories.

use super::findings::{job_findings, unsupported_identifiers, vendor_job};
use super::on_transient_error;
use crate::contract::{Amount, Error, Finding, Outcome, Progress, Right, Stage};
use crate::qualtrics::access::contacts;
use crate::qualtrics::api::erasures::{ErasureJob, Match};
use crate::qualtrics::context::Context;
use crate::qualtrics::guard;
use crate::qualtrics::in_flight::InFlight;
use crate::qualtrics::scopes::Scope;
use crate::qualtrics::ticket::Operation;

/// The report of a preview whose search is complete.
///
/// # Errors
/// As the contract says.
pub fn collect(context: &mut Context<'_>, in_flight: InFlight<'_>, job: &ErasureJob) -> Result<Progress, Error> {
    let InFlight { request, subject, .. } = in_flight;
    let guards = guard::evaluate(context, request, subject)?;
    let on_error = on_transient_error(&in_flight.ticket);
    let found = match contacts::search(context, Right::Deletion, subject, on_error, None) {
        Ok(found) => found,
        Err(error) => return in_flight.retry_step(context, Stage::Collecting, &error, Scope::Contacts),
    };
    let (mut findings, matches) = job_findings(subject, job);
    let is_complete = found.findings.iter().all(Finding::is_complete) && subject.unsupported.is_empty();
    let may_have_account = guards.findings.iter().any(|finding| finding.amount != Amount::Count(0));
    let has_data = !found.contacts.is_empty() || matches.iter().any(|one| *one != Match::NotFound) || may_have_account;
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
    report.receipt.jobs = vec![vendor_job(job, true)];
    Ok(Progress::Done(report))
}
