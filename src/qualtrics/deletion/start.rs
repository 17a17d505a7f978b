//! `delete`: each request is reconciled and guarded by itself; what remains is submitted in jobs that requests share.

use super::group_submission::{self, Accepted};
use super::grouping::{self, Groups, share_address};
use super::job_findings::{SOURCE, no_email_finding, shared_with, unseen_job, unused_identifiers};
use super::job_kind;
use super::reconciliation::{self, Attempted};
use super::separation::{self, Earlier, Separation};
use crate::contract::{
    Amount, DeletionMode, Error, Finding, Outcome, Progress, Report, Request, Right, SourceState, Stage,
};
use crate::privacy::batch::{duplicate_id, duplicates};
use crate::privacy::email::EmailAddress;
use crate::privacy::subject::{Subject, request_check};
use crate::qualtrics::api::erasures::{ErasureJob, JobKind};
use crate::qualtrics::api::job::JobState;
use crate::qualtrics::contact_search::{self, OnTransientError};
use crate::qualtrics::context::Context;
use crate::qualtrics::findings::unsupported_identifiers;
use crate::qualtrics::guard;
use crate::qualtrics::in_flight::{InFlight, no_time_left};
use crate::qualtrics::scopes::Scope;
use crate::qualtrics::settings::DeletionCompletion;
use crate::qualtrics::ticket::{Operation, Ticket};

/// How many spellings a job has at most, unless the setting `group-size` says otherwise.
pub const DEFAULT_GROUP_SIZE: usize = 100;

type Results = Vec<Option<Result<Progress, Error>>>;

/// A well-formed request of the call.
struct Starting<'r> {
    /// Its position in the call.
    index: usize,
    request: &'r Request,
    subject: Subject,
    /// Its addresses, sorted, each once.
    emails: Vec<EmailAddress>,
    /// The findings of the guards.
    findings: Vec<Finding>,
}

/// `delete`. One result per request, in order.
///
/// # Errors
/// For a request: `invalid-request` if it is malformed or its ID occurs twice; `outcome-unknown` if Qualtrics may have started the
/// deletion. Any other error proves that this call did not start it: a guard could not be evaluated, the call had no time or share
/// left, or a call failed before the submission or was rejected.
pub fn delete(context: &mut Context<'_>, requests: &[Request], mode: DeletionMode) -> Vec<Result<Progress, Error>> {
    let operation = Operation::from(mode);
    let mut results: Results = requests.iter().map(|_| None).collect();
    let (with_email, without_email) = parse(context, requests, &mut results);
    let (open, earlier) = reconcile(context, with_email, operation, &mut results);
    let (open, refused) = evaluate_guards(context, open, operation, &mut results);
    let (open, separated) = separate(context, open, &earlier, operation, &mut results);
    submit(context, &open, operation, &mut results);
    let of_call = erased(open.iter().chain(&separated), &earlier, &results);
    let refused: Vec<_> = refused.iter().map(|one| (one, refuse(context, one, &of_call, operation))).collect();
    refused.into_iter().for_each(|(one, report)| set(&mut results, one.index, Ok(Progress::Done(report))));
    for starting in without_email {
        let has_time = starting.index == 0 || !context.client.is_late();
        let result = if has_time { refuse_without_email(context, &starting, operation) } else { Err(no_time_left()) };
        set(&mut results, starting.index, result);
    }
    results.into_iter().map(|result| result.unwrap_or_else(|| Err(no_time_left()))).collect()
}

fn set(results: &mut Results, index: usize, result: Result<Progress, Error>) {
    if let Some(slot) = results.get_mut(index) {
        *slot = Some(result);
    }
}

/// The well-formed requests: those with an e-mail address, and the others.
fn parse<'r>(
    context: &Context<'_>,
    requests: &'r [Request],
    results: &mut Results,
) -> (Vec<Starting<'r>>, Vec<Starting<'r>>) {
    let now_s = context.client.now_s();
    let mut parsed = Vec::with_capacity(requests.len());
    for (index, (request, is_duplicate)) in requests.iter().zip(duplicates(requests.iter())).enumerate() {
        match if is_duplicate { Err(duplicate_id()) } else { Subject::parse(request, now_s) } {
            Ok(subject) => {
                let emails = subject.emails();
                parsed.push(Starting { index, request, subject, emails, findings: Vec::new() });
            }
            Err(error) => set(results, index, Err(error)),
        }
    }
    parsed.into_iter().partition(|starting| !starting.emails.is_empty())
}

/// Continues the jobs of earlier attempts, with one reading of the list. Returns the requests that have none, and what is known of the
/// attempts of the others.
fn reconcile<'r>(
    context: &mut Context<'_>,
    requests: Vec<Starting<'r>>,
    operation: Operation,
    results: &mut Results,
) -> (Vec<Starting<'r>>, Vec<Earlier>) {
    let attempted: Vec<Attempted<'_>> = requests
        .iter()
        .filter_map(|starting| Some(Attempted { emails: &starting.emails, attempts: starting.request.attempts? }))
        .collect();
    let mut reconciled = reconciliation::find_earlier(context, job_kind(operation), &attempted).into_iter();
    let (mut open, mut attempts) = (Vec::with_capacity(requests.len()), Vec::new());
    for starting in requests {
        let earlier = if starting.request.attempts.is_some() { reconciled.next() } else { None };
        match earlier.unwrap_or(Ok(None)) {
            Ok(None) => open.push(starting),
            Ok(Some(job)) => {
                let result = continue_earlier(context, &starting, operation, &job);
                set(results, starting.index, result);
                attempts.push(Earlier { emails: starting.emails, job: Some(job) });
            }
            Err(error) => {
                set(results, starting.index, Err(error));
                attempts.push(Earlier { emails: starting.emails, job: None });
            }
        }
    }
    (open, attempts)
}

/// Keeps requests apart from jobs that run, or may run, for one of their addresses. Returns those that may start a job, and the others,
/// which have results. A search only reads, and may run beside others.
fn separate<'r>(
    context: &Context<'_>,
    requests: Vec<Starting<'r>>,
    earlier: &[Earlier],
    operation: Operation,
    results: &mut Results,
) -> (Vec<Starting<'r>>, Vec<Starting<'r>>) {
    if job_kind(operation) == JobKind::Search || earlier.is_empty() {
        return (requests, Vec::new());
    }
    requests.into_iter().partition(|starting| {
        let result = match separation::separate(&starting.emails, earlier) {
            Separation::Free => return true,
            Separation::Joins(job) => continue_earlier(context, starting, operation, &job),
            Separation::Waits(error) => Err(error),
        };
        set(results, starting.index, result);
        false
    })
}

fn continue_earlier(
    context: &Context<'_>,
    starting: &Starting<'_>,
    operation: Operation,
    job: &ErasureJob,
) -> Result<Progress, Error> {
    let now_s = context.client.now_s();
    let created_s = job.created_s.map(|created_s| context.client.at_host(created_s));
    let submitted_at = created_s.map_or(now_s, |created_s| created_s.min(now_s));
    let ticket = new_ticket(starting, operation, job.id.clone(), submitted_at);
    let shared = shared_with(&starting.emails, job);
    started(context, starting, Ticket { shared, ..ticket })
}

/// Evaluates the guards of each request by itself. Returns the requests that may go on, and those that are refused.
fn evaluate_guards<'r>(
    context: &mut Context<'_>,
    requests: Vec<Starting<'r>>,
    operation: Operation,
    results: &mut Results,
) -> (Vec<Starting<'r>>, Vec<Starting<'r>>) {
    let (mut open, mut refused) = (Vec::with_capacity(requests.len()), Vec::new());
    for (number, starting) in requests.into_iter().enumerate() {
        if number > 0 && context.client.is_late() {
            set(results, starting.index, Err(no_time_left()));
            continue;
        }
        match guard::evaluate(context, starting.request, &starting.subject) {
            Ok(guards) => {
                let starting = Starting { findings: guards.findings, ..starting };
                let is_refused = guards.is_refused && operation != Operation::Preview;
                if is_refused { &mut refused } else { &mut open }.push(starting);
            }
            Err(error) => set(results, starting.index, Err(error)),
        }
    }
    (open, refused)
}

const COVERS_REQUEST: &str = "The refusal covers this request, not an address that another request of the call includes: that address is \
                              deleted for the other request.";

/// The addresses of the requests of the call whose jobs Qualtrics accepted.
fn erased<'s>(
    started: impl Iterator<Item = &'s Starting<'s>>,
    earlier: &'s [Earlier],
    results: &Results,
) -> Vec<&'s [EmailAddress]> {
    let is_accepted = |starting: &&Starting<'_>| matches!(results.get(starting.index), Some(Some(Ok(_))));
    let did_not_fail = |one: &&Earlier| one.job.as_ref().is_some_and(|job| job.state != JobState::Failed);
    let continued = earlier.iter().filter(did_not_fail).map(|one| one.emails.as_slice());
    started.filter(is_accepted).map(|starting| starting.emails.as_slice()).chain(continued).collect()
}

/// A guard forbids the request. The report says so where another request of the call erases one of its addresses.
fn refuse(context: &Context<'_>, starting: &Starting<'_>, erased: &[&[EmailAddress]], operation: Operation) -> Report {
    let mut report = context.report(starting.request, operation, Outcome::Refused, None);
    report.findings.clone_from(&starting.findings);
    if erased.iter().any(|emails| share_address(emails, &starting.emails)) {
        for finding in report.findings.iter_mut().filter(|finding| finding.state == SourceState::Guarded) {
            let note = finding.note.take().unwrap_or_default();
            finding.note = Some(format!("{note} {COVERS_REQUEST}"));
        }
    }
    report
}

/// Submits what is left, in jobs that requests share.
fn submit(context: &mut Context<'_>, requests: &[Starting<'_>], operation: Operation, results: &mut Results) {
    let emails: Vec<&[EmailAddress]> = requests.iter().map(|starting| starting.emails.as_slice()).collect();
    let groups = groups(context, operation, &emails);
    let submitted = group_submission::submit(context, job_kind(operation), &emails, &groups);
    for (starting, accepted) in requests.iter().zip(submitted) {
        let result = accepted.and_then(|Accepted { id, sent, shared, submitted_at }| {
            let ticket = new_ticket(starting, operation, id, submitted_at);
            started(context, starting, Ticket { sent, shared, ..ticket })
        });
        set(results, starting.index, result);
    }
}

/// Groups are formed where searches show the result of each person, and in mode `erase` only if the settings ask for it: whether
/// Qualtrics processes every address of a job is unconfirmed (fact sheet 6.1). Requests that share an address have one job in any mode.
fn groups(context: &Context<'_>, operation: Operation, emails: &[&[EmailAddress]]) -> Groups {
    let default = if operation == Operation::Erase { 1 } else { DEFAULT_GROUP_SIZE };
    grouping::pack(emails, context.settings.group_size.unwrap_or(default))
}

fn new_ticket(starting: &Starting<'_>, operation: Operation, id: String, submitted_at: u64) -> Ticket {
    Ticket::new(operation, request_check(starting.request, operation.name()), vec![id], submitted_at)
}

/// Qualtrics has accepted the job of a request.
fn started(context: &Context<'_>, starting: &Starting<'_>, ticket: Ticket) -> Result<Progress, Error> {
    let waits = context.settings.deletion_completion == DeletionCompletion::WhenFinished;
    if ticket.operation == Operation::Erase && !waits {
        return submitted(context, starting, &ticket);
    }
    let stage = if ticket.operation == Operation::Preview { Stage::Searching } else { Stage::Deleting };
    InFlight { request: starting.request, subject: &starting.subject, ticket }.still_pending(context, stage)
}

/// The connection's settings ask not to wait for completion.
fn submitted(context: &Context<'_>, starting: &Starting<'_>, ticket: &Ticket) -> Result<Progress, Error> {
    let Starting { request, subject, findings, .. } = starting;
    let mut report = context.report(request, ticket.operation, Outcome::Submitted, Some(ticket.submitted_at));
    report.findings.clone_from(findings);
    report.findings.extend(unused_identifiers(subject));
    report.findings.push(Finding::searched(SOURCE, Amount::Unknown, subject.email_indices()));
    report.receipt.jobs = ticket.jobs.iter().map(|id| unseen_job(id, subject, ticket.coverage())).collect();
    report.ticket = Some(ticket.format()?);
    Ok(Progress::Done(report))
}

/// Telephone numbers and external IDs only discover addresses; the caller starts another request with them.
fn refuse_without_email(
    context: &mut Context<'_>,
    starting: &Starting<'_>,
    operation: Operation,
) -> Result<Progress, Error> {
    let subject = &starting.subject;
    let found = contact_search::search(context, Right::Deletion, subject, OnTransientError::Retry, None)
        .map_err(|error| context.error(&error, Scope::Contacts))?;
    let mut report = context.report(starting.request, operation, Outcome::Refused, None);
    report.findings = found.findings;
    report.findings.extend(unsupported_identifiers(subject));
    let note = "Qualtrics deletes by e-mail address only: confirm addresses of discovered, and start another request with them.";
    report.findings.push(no_email_finding(subject.not_emails.clone(), note));
    report.discovered = found.discovered;
    Ok(Progress::Done(report))
}
