//! Deletion requests: guarded, submitted once, followed to their end, and verified.
//!
//! | module | what it holds |
//! |---|---|
//! | [`start`] | `delete`: reconciling, guarding and submitting the requests of a call |
//! | [`grouping`] | which requests of a call share a job |
//! | [`group_submission`] | submitting the jobs of a call, each at most once, and narrowing those that Qualtrics rejects |
//! | [`separation`] | which requests wait for jobs that run or may run |
//! | [`submission`] | the call that starts a job |
//! | [`job_request`] | the job that requests ask for: addresses, and erasure or search |
//! | [`reconciliation`] | finding the jobs of attempts whose outcome is unknown |
//! | [`follow`] | the next step of a deletion, given what Qualtrics shows of its job |
//! | [`preview`] | what would be deleted |
//! | [`verifying_search`] | starting the searches that verify deletions |
//! | [`verification`] | what these searches show |
//! | [`mod@job_findings`] | what a job reports, as findings and as evidence |

pub mod follow;
pub mod group_submission;
pub mod grouping;
pub mod job_findings;
pub mod job_request;
pub mod preview;
pub mod reconciliation;
pub mod separation;
pub mod start;
pub mod submission;
pub mod verification;
pub mod verifying_search;

pub use self::follow::LookUp;
use self::follow::Step;
use super::api::client::Call;
use super::api::erasures::{ErasureJob, JobKind};
use super::api::error::ApiError;
use super::contact_search::resumable::{self, Progressed};
use super::contact_search::{self, OnTransientError, SearchResult};
use super::context::Context;
use super::in_flight::{IMMEDIATE_MS, InFlight, MAX_ATTEMPTS};
use super::ticket::{Operation, Ticket};
use crate::contract::{Error, Pending, Progress, Right, Stage};
use crate::privacy::subject::Subject;

/// A preview submits a search, every other mode an erasure.
fn job_kind(operation: Operation) -> JobKind {
    if operation == Operation::Preview { JobKind::Search } else { JobKind::Erasure }
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

/// Advances deletions, given what Qualtrics shows of their decisive jobs. `None` as a look-up is for a request between two verifying
/// searches. Returns a result for each, in order.
///
/// Searches of directories are limited by the time of the call and by the connection's share. Requests for which there is none stay
/// pending until there is enough for all of them.
///
/// # Errors
/// For a request: `job-not-found` if Qualtrics no longer lists its job; the errors of [`preview::collect`], [`verifying_search`] and
/// [`verification`]. Never `outcome-unknown`.
pub fn advance(
    context: &mut Context<'_>,
    requests: Vec<(InFlight<'_>, Option<LookUp>)>,
) -> Vec<Result<Progress, Error>> {
    let next = |(in_flight, look_up)| match look_up {
        Some(look_up) => follow::next(context, in_flight, look_up),
        None => Step::StartSearch(Box::new(in_flight)),
    };
    let mut steps: Vec<Step<'_>> = requests.into_iter().map(next).collect();
    start_searches(context, &mut steps);
    let mut alone = steps.iter().filter(|step| matches!(step, Step::PreviewAlone(..))).count();
    let mut results = Vec::with_capacity(steps.len());
    // The requests that wait for their share, by position.
    let mut waiting: Vec<(usize, &Subject)> = Vec::new();
    for (index, step) in steps.into_iter().enumerate() {
        let (result, subject) = match step {
            Step::Settled(result) => (*result, None),
            // `start_searches` has replaced it.
            Step::StartSearch(one) => (one.still_pending(context, Stage::Verifying), None),
            Step::PreviewAlone(one, job) => {
                let result = search_alone_in_turn(context, *one, &job, alone);
                alone = alone.saturating_sub(1);
                (result, None)
            }
            Step::Preview(one, job) => {
                let subject = one.subject;
                (in_turn(context, *one, |c, one| preview::collect(c, one, &job)), Some(subject))
            }
            Step::Conclude(one, search) => {
                let subject = one.subject;
                (in_turn(context, *one, |c, one| verification::conclude(c, one, search.as_deref())), Some(subject))
            }
        };
        let is_waiting = context.call_cache.is_search_share_exhausted && matches!(result, Ok(Progress::Pending(_)));
        waiting.extend(subject.filter(|_| is_waiting).map(|subject| (index, subject)));
        results.push(result);
    }
    wait_together(context, &waiting, &mut results);
    results
}

/// Replaces the steps that start verifying searches by those that follow.
fn start_searches<'r>(context: &mut Context<'_>, steps: &mut [Step<'r>]) {
    let mut indices = Vec::new();
    let mut requests: Vec<InFlight<'r>> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        if let Step::StartSearch(in_flight) = step {
            indices.push(index);
            requests.push(InFlight { ticket: in_flight.ticket.clone(), ..**in_flight });
        }
    }
    for (index, step) in indices.into_iter().zip(verifying_search::start_all(context, requests)) {
        if let Some(slot) = steps.get_mut(index) {
            *slot = step;
        }
    }
}

/// Makes the calls of one request, if the call has time and share for them.
fn in_turn<'r>(
    context: &mut Context<'_>,
    in_flight: InFlight<'r>,
    run: impl FnOnce(&mut Context<'_>, InFlight<'r>) -> Result<Progress, Error>,
) -> Result<Progress, Error> {
    if context.client.is_late() || context.call_cache.is_search_share_exhausted {
        let stage = stage(&in_flight.ticket);
        return in_flight.pending_for(context, stage, IMMEDIATE_MS);
    }
    run(context, in_flight)
}

/// Starts a search for one request of a preview. If there is no time or share for it, it waits until there is enough for all of the
/// requests that are left.
fn search_alone_in_turn(
    context: &mut Context<'_>,
    in_flight: InFlight<'_>,
    job: &ErasureJob,
    left: usize,
) -> Result<Progress, Error> {
    let wait_ms = submission::wait_for(context, u64::try_from(left).unwrap_or(u64::MAX));
    match wait_ms.or_else(|| context.client.is_late().then_some(IMMEDIATE_MS)) {
        Some(wait_ms) => in_flight.pending_for(context, Stage::Searching, wait_ms),
        None => preview::search_alone(context, in_flight, job),
    }
}

/// Searches the directories for a request, from the position in its ticket. Another call can be sent `beside` the first one.
///
/// # Errors
/// [`ApiError::ShareExhausted`] if there is no room for all of it: then the ticket has the next position. Otherwise as for
/// [`contact_search::search`].
fn search_contacts(
    context: &mut Context<'_>,
    in_flight: &mut InFlight<'_>,
    beside: Option<Call>,
) -> Result<SearchResult, ApiError> {
    let on_error = on_transient_error(&in_flight.ticket);
    let position = in_flight.ticket.contacts.take();
    let subject = in_flight.subject;
    let found = match resumable::advance(context, Right::Deletion, subject, on_error, beside, position.as_ref()) {
        Ok(Progressed::Complete(found)) => return Ok(*found),
        Ok(Progressed::More(position, wait_ms)) => {
            in_flight.ticket.contacts = Some(position);
            ApiError::ShareExhausted(wait_ms)
        }
        Err(error) => {
            in_flight.ticket.contacts = position;
            error
        }
    };
    if matches!(found, ApiError::ShareExhausted(_)) {
        context.call_cache.is_search_share_exhausted = true;
    }
    Err(found)
}

/// Requests that wait for the share of contact searches are polled together, once it is enough for all of them.
fn wait_together(context: &Context<'_>, waiting: &[(usize, &Subject)], results: &mut [Result<Progress, Error>]) {
    let needed = waiting.iter().filter_map(|(_, subject)| contact_search::first_calls(context, subject));
    let wait_ms = contact_search::wait_for(context, needed.fold(0, u64::saturating_add));
    for (index, _) in waiting {
        if let Some(Ok(Progress::Pending(Pending { poll_after_ms, .. }))) = results.get_mut(*index) {
            *poll_after_ms = wait_ms.max(*poll_after_ms);
        }
    }
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
mod group_tests;
#[cfg(test)]
mod tests;
