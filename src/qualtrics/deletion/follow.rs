//! The next step of a deletion, given what Qualtrics shows of its job. Decides; makes no call.

use std::rc::Rc;

use super::job_findings::{
    covers_every_spelling, is_shared, job_findings, shared_job_finding, unused_identifiers, vendor_job,
};
use super::{job_kind, stage, storable};
use crate::contract::{Error, Outcome, Pending, Progress, Report, Stage};
use crate::qualtrics::api::erasures::{AddressResult, ErasureJob, JobKind, NotFound};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::api::job::JobState;
use crate::qualtrics::context::Context;
use crate::qualtrics::in_flight::{GRACE_PERIOD_S, IMMEDIATE_MS, InFlight, MAX_ATTEMPTS, StatusClass, job_not_found};
use crate::qualtrics::scopes::Scope;
use crate::qualtrics::ticket::{Operation, Verification};

/// The delay before a scan of the list that was cut short continues, in milliseconds.
const NEXT_SCAN_MS: u64 = 60_000;

/// What Qualtrics shows of a job that is being followed.
pub enum LookUp {
    /// The job, and its position in the list if that does not change.
    Job(Rc<ErasureJob>, Option<String>),
    /// Neither a look-up by its ID nor the list shows it.
    NotListed,
    /// The list was not read to its end; this is where to continue.
    Incomplete(Option<String>),
    /// It could not be looked up.
    Failed(ApiError),
}

/// What follows for a deletion.
pub enum Step<'r> {
    /// Nothing more in this call.
    Settled(Box<Result<Progress, Error>>),
    /// A verifying search is to be started, or one that another poll started is to be continued.
    StartSearch(Box<InFlight<'r>>),
    /// The job that a preview shares does not tell its result: it is to search alone.
    PreviewAlone(Box<InFlight<'r>>, Rc<ErasureJob>),
    /// The results of a preview are to be collected.
    Preview(Box<InFlight<'r>>, Rc<ErasureJob>),
    /// The verification is to be concluded, from a search if Qualtrics completed one.
    Conclude(Box<InFlight<'r>>, Option<Rc<ErasureJob>>),
}

impl Step<'_> {
    /// A result for this call.
    pub fn settled(result: Result<Progress, Error>) -> Self {
        Self::Settled(Box::new(result))
    }
}

/// The next step of a deletion, given what Qualtrics shows of its decisive job.
///
/// # Errors
/// In a settled step: `job-not-found` if Qualtrics no longer lists the job; the error of the look-up, unless it lacked only time or
/// share. Never `outcome-unknown`.
#[must_use]
pub fn next<'r>(context: &Context<'_>, mut in_flight: InFlight<'r>, look_up: LookUp) -> Step<'r> {
    let stage = stage(&in_flight.ticket);
    let job = match look_up {
        LookUp::Job(job, position) => {
            in_flight.ticket.position = storable(position);
            job
        }
        LookUp::NotListed => return not_listed(context, in_flight, stage),
        LookUp::Incomplete(position) => {
            in_flight.ticket.position = storable(position);
            let pending = in_flight.pending(context, stage, None, StatusClass::NotSeen);
            // The scan continues as soon as there is a share for it, however old the job is.
            let sooner = |pending: Pending| {
                Progress::Pending(Pending { poll_after_ms: pending.poll_after_ms.min(NEXT_SCAN_MS), ..pending })
            };
            return Step::settled(pending.map(sooner));
        }
        LookUp::Failed(ApiError::ShareExhausted(wait_ms)) => {
            return Step::settled(in_flight.pending_for(context, stage, wait_ms));
        }
        LookUp::Failed(ApiError::DeadlineExceeded) => {
            return Step::settled(in_flight.pending_for(context, stage, IMMEDIATE_MS));
        }
        LookUp::Failed(error) => return Step::settled(Err(context.error(&error, Scope::Erasure))),
    };
    in_flight.ticket.misses = 0;
    if let JobState::Running { known } = job.state {
        let word = if known { StatusClass::Known } else { StatusClass::Unknown };
        return Step::settled(in_flight.pending(context, stage, job.status.clone(), word).map(Progress::Pending));
    }
    after_end(context, in_flight, stage, job)
}

/// The decisive job has ended.
fn after_end<'r>(context: &Context<'_>, mut in_flight: InFlight<'r>, stage: Stage, job: Rc<ErasureJob>) -> Step<'r> {
    let is_completed = job.state == JobState::Completed;
    match (in_flight.ticket.operation, stage) {
        (Operation::EraseAndVerify, Stage::Verifying) if is_completed && hides_result(&in_flight, &job) => {
            if let Some(verification) = &mut in_flight.ticket.verification {
                verification.search = None;
                verification.alone = true;
            }
            Step::StartSearch(Box::new(in_flight))
        }
        (Operation::EraseAndVerify, Stage::Verifying) => Step::Conclude(Box::new(in_flight), Some(job)),
        (Operation::EraseAndVerify, _) if is_completed => begin_verification(context, in_flight, Some(&job)),
        (Operation::Preview, _) if is_completed => {
            let is_shared = is_shared(in_flight.subject, &job, in_flight.ticket.coverage());
            if is_shared && !in_flight.ticket.collecting && matches!(job.not_found, NotFound::Count(_)) {
                return Step::PreviewAlone(Box::new(in_flight), job);
            }
            in_flight.ticket.collecting = true;
            Step::Preview(Box::new(in_flight), job)
        }
        _ => Step::settled(Ok(Progress::Done(ended(context, &in_flight, &job)))),
    }
}

/// Whether a verifying search that is shared leaves it open whether this request has data, which a search of its own would show.
fn hides_result(in_flight: &InFlight<'_>, search: &ErasureJob) -> bool {
    let coverage = in_flight.ticket.search_coverage();
    let (_, matches) = job_findings(in_flight.subject, search, JobKind::Search, coverage);
    let is_open = matches.iter().any(|one| *one != AddressResult::NotFound);
    let reports = match &search.not_found {
        NotFound::Count(_) => true,
        NotFound::Addresses(listed) => listed.all_readable,
        NotFound::Unreported => false,
    };
    is_open && reports && is_shared(in_flight.subject, search, coverage)
}

/// Qualtrics does not show the decisive job.
fn not_listed<'r>(context: &Context<'_>, mut in_flight: InFlight<'r>, stage: Stage) -> Step<'r> {
    if in_flight.ticket.position.take().is_some() {
        // The list may have changed before the known position: the next scan starts from its beginning.
        return Step::settled(in_flight.still_pending(context, stage));
    }
    if stage == Stage::Verifying {
        return search_not_listed(context, in_flight);
    }
    match in_flight.not_shown(context, stage) {
        Ok(None) => {}
        Ok(Some(progress)) => return Step::settled(Ok(progress)),
        Err(error) => return Step::settled(Err(error)),
    }
    match in_flight.ticket.operation {
        Operation::EraseAndVerify => begin_verification(context, in_flight, None),
        operation => Step::settled(Err(job_not_found(operation))),
    }
}

/// Qualtrics does not show the verifying search. The list may lag: wait for one poll, then start another search. After
/// [`MAX_ATTEMPTS`] searches, conclude without one.
fn search_not_listed<'r>(context: &Context<'_>, mut in_flight: InFlight<'r>) -> Step<'r> {
    if in_flight.ticket.attempts >= MAX_ATTEMPTS {
        return Step::Conclude(Box::new(in_flight), None);
    }
    in_flight.ticket.misses = in_flight.ticket.misses.saturating_add(1);
    if in_flight.ticket.misses > 1 {
        in_flight.ticket.misses = 0;
        in_flight.ticket.attempts = in_flight.ticket.attempts.saturating_add(1);
        if let Some(verification) = &mut in_flight.ticket.verification {
            verification.search = None;
        }
    }
    Step::settled(in_flight.still_pending(context, Stage::Verifying))
}

/// The deletion is complete, or Qualtrics no longer lists it: searches show what is left.
fn begin_verification<'r>(context: &Context<'_>, mut in_flight: InFlight<'r>, job: Option<&ErasureJob>) -> Step<'r> {
    let now_s = context.client.now_s();
    let updated_s = job.and_then(|job| job.updated_s);
    let plausible = in_flight.ticket.submitted_at.saturating_sub(GRACE_PERIOD_S)..=now_s;
    let shown = updated_s.map(|at_s| context.client.at_host(at_s)).filter(|at_s| plausible.contains(at_s));
    in_flight.ticket.verification = Some(Verification {
        deleted_at: shown.unwrap_or(now_s),
        search_after: updated_s.unwrap_or_else(|| context.client.at_qualtrics(now_s)),
        search: None,
        job_vanished: job.is_none(),
        sent: None,
        shared: None,
        alone: false,
    });
    in_flight.ticket.position = None;
    in_flight.ticket.misses = 0;
    Step::StartSearch(Box::new(in_flight))
}

/// The report of an erasure that ended, or of a search that failed.
fn ended(context: &Context<'_>, in_flight: &InFlight<'_>, job: &ErasureJob) -> Report {
    let InFlight { request, subject, ticket } = in_flight;
    let (kind, coverage) = (job_kind(ticket.operation), ticket.coverage());
    let (reported, matches) = job_findings(subject, job, kind, coverage);
    let unused = unused_identifiers(subject);
    let outcome = match job.state {
        JobState::Failed => Outcome::Failed,
        JobState::Completed if unused.is_empty() && covers_every_spelling(subject, job, coverage) => {
            if matches.iter().all(|one| *one == AddressResult::NotFound) { Outcome::NotFound } else { Outcome::Deleted }
        }
        _ => Outcome::Partial,
    };
    let mut report = context.report(request, ticket.operation, outcome, Some(ticket.submitted_at));
    report.findings = if job.state == JobState::Failed { Vec::new() } else { reported };
    report.findings.extend(unused);
    if job.state != JobState::Completed && is_shared(subject, job, coverage) {
        report.findings.push(shared_job_finding(subject));
    }
    report.receipt.jobs = vec![vendor_job(job, kind, subject, coverage)];
    report
}
