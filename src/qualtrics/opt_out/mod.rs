//! Opt-out requests: every contact of the person, in every directory, is marked so that Qualtrics no longer sends to it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`contact_update`] | one contact: whether it is the person's, its update, and the comparison afterwards |
//! | [`updates`] | reading, updating and reading back a few contacts |
//! | `conclusion` | the report |
//!
//! Each call searches again, and handles the contacts that the search does not show as opted out. So the report rests on one search, a
//! call can be repeated at any time, and a lost update is read back or repeated: the outcome is never unknown.
//!
//! The account guard does not apply. An opt-out deletes nothing, does not touch user accounts, and can be undone.

mod conclusion;
pub mod contact_update;
#[cfg(test)]
mod tests;
pub mod updates;

use std::collections::BTreeMap;

use self::conclusion::conclude;
use self::contact_update::reason_to_leave;
use self::updates::{AT_ONCE, ContactResult, OnTransientError as OnUpdateError, Target};
use super::api::error::ApiError;
use super::contact_search::contacts::FoundContact;
use super::contact_search::{self, OnTransientError, SearchResult};
use super::context::Context;
use super::error_mapping::DEFAULT_RATE_LIMIT_MS;
use super::findings::unsupported_identifiers;
use super::in_flight::{Budget, IMMEDIATE_MS, InFlight, SOON_MS};
use super::scopes::Scope;
use super::ticket::{
    ContactPlace, FailedUpdate, MAX_FAILED, MAX_OPEN, OpenUpdate, Operation, OptOutProgress, ReachedStage, Ticket,
};
use crate::contract::{Error, Outcome, Progress, Report, Request, Right, Stage};
use crate::privacy::subject::{Subject, request_check};

/// After so many failed attempts, a source that does not respond is reported as such. They are more than those of other rights: an opt-out
/// has no job at Qualtrics that runs meanwhile, so that nothing is lost by waiting.
const MAX_STEP_ATTEMPTS: u8 = 8;
/// The most contacts that one call handles.
const MAX_PER_CALL: usize = 60;
/// The most calls that a request may take if contacts remain after each of them. A contact that stays unhandled until then is reported.
const MAX_CALLS: u8 = 100;

/// `opt-out`, for one request.
///
/// # Errors
/// `invalid-request` if the request is malformed; the errors of [`proceed`].
pub fn start(context: &mut Context<'_>, request: &Request) -> Result<Progress, Error> {
    let now_s = context.client.now_s();
    let subject = Subject::parse(request, now_s)?;
    if subject.identifiers.is_empty() {
        let report = context.report(request, Operation::OptOut, Outcome::Refused, None);
        return Ok(Progress::Done(Report { findings: unsupported_identifiers(&subject), ..report }));
    }
    let check = request_check(request, Operation::OptOut.name());
    let ticket = Ticket::new(Operation::OptOut, check, Vec::new(), now_s);
    proceed(context, InFlight { request, subject: &subject, ticket }, Budget::Available)
}

/// Advances an opt-out.
///
/// # Errors
/// A permanent error that an operator has to resolve. Never `outcome-unknown`.
pub fn proceed(context: &mut Context<'_>, mut in_flight: InFlight<'_>, budget: Budget) -> Result<Progress, Error> {
    let progress = in_flight.ticket.opt_out.take().unwrap_or_default();
    let mut work = Work { in_flight, before: progress.clone(), progress, results: BTreeMap::new() };
    if budget == Budget::Spent {
        return work.pending_for(context, Stage::Searching, IMMEDIATE_MS);
    }
    // 1. Read back what earlier calls updated.
    let open = std::mem::take(&mut work.progress.open);
    let open: Vec<Target> = open.into_iter().map(Target::from).collect();
    if let Err(error) = work.update_all(context, &open) {
        return work.stopped(context, Stage::OptingOut, &error, Scope::ContactUpdates);
    }
    if !work.progress.open.is_empty() {
        return work.still_pending(context, Stage::OptingOut);
    }
    // 2. Search.
    let on_error = if work.has_attempts_left() { OnTransientError::Retry } else { OnTransientError::Report };
    let found = match contact_search::search(context, Right::OptOut, work.in_flight.subject, on_error, None) {
        Ok(found) => found,
        Err(error) => return work.stopped(context, Stage::Searching, &error, Scope::Contacts),
    };
    // 3. Opt out what the search does not show as opted out.
    work.leave_others(&found);
    let targets = work.targets(&found);
    let handled = match work.update_all(context, &targets) {
        Ok(handled) => handled,
        Err(error) => return work.stopped(context, Stage::OptingOut, &error, Scope::ContactUpdates),
    };
    // 4. Conclude, unless contacts remain.
    let may_continue = work.progress.failed.len() < MAX_FAILED && work.progress.calls < MAX_CALLS;
    if handled < targets.len() && may_continue {
        work.progress.calls = work.progress.calls.saturating_add(1);
        return work.pending_for(context, Stage::OptingOut, IMMEDIATE_MS);
    }
    if !work.progress.open.is_empty() {
        return work.still_pending(context, Stage::Verifying);
    }
    Ok(Progress::Done(conclude(context, &work.in_flight, &work.progress, &work.results, found)))
}

/// The work of one call on one request.
struct Work<'r> {
    in_flight: InFlight<'r>,
    progress: OptOutProgress,
    /// The progress of earlier calls.
    before: OptOutProgress,
    /// What became of the contacts that this call handled.
    results: BTreeMap<ContactPlace, ContactResult>,
}

fn place_of(found: &FoundContact) -> ContactPlace {
    ContactPlace { directory: found.directory.clone(), contact: found.contact.id.clone() }
}

impl From<OpenUpdate> for Target {
    fn from(open: OpenUpdate) -> Self {
        Self { place: open.place.clone(), found_changed_s: None, earlier: Some(open) }
    }
}

impl<'r> Work<'r> {
    const fn has_attempts_left(&self) -> bool {
        self.in_flight.ticket.attempts < MAX_STEP_ATTEMPTS
    }

    /// Leaves the contacts as they are that are not certainly the person's. Nothing more of them is read.
    fn leave_others(&mut self, found: &SearchResult) {
        for found in found.contacts.iter().filter(|found| !found.contact.is_opted_out()) {
            if let Some(reason) = reason_to_leave(&found.contact, self.in_flight.subject) {
                self.results.entry(place_of(found)).or_insert(ContactResult::Untouched(reason));
            }
        }
    }

    /// The contacts to update, starting after the position of the last call.
    fn targets(&self, found: &SearchResult) -> Vec<Target> {
        let is_failed = |place: &ContactPlace| self.progress.failed.iter().any(|failed| failed.place == *place);
        let target = |found: &FoundContact| Target {
            place: place_of(found),
            found_changed_s: found.contact.changed_s(),
            earlier: None,
        };
        let due = found.contacts.iter().filter(|found| !found.contact.is_opted_out()).map(target);
        let is_handled = |place: &ContactPlace| is_failed(place) || self.results.contains_key(place);
        let mut targets: Vec<Target> = due.filter(|target| !is_handled(&target.place)).collect();
        targets.sort_unstable_by(|one, other| one.place.cmp(&other.place));
        let position = self.progress.position.as_ref();
        let start = targets.partition_point(|target| Some(&target.place) <= position);
        targets.rotate_left(start);
        targets
    }

    /// Updates contacts, as long as the call has time and the ticket has room. Returns how many it handled.
    ///
    /// # Errors
    /// The error that ended the step. What was done before is recorded.
    fn update_all(&mut self, context: &mut Context<'_>, targets: &[Target]) -> Result<usize, ApiError> {
        let mut handled: usize = 0;
        for batch in targets.chunks(AT_ONCE) {
            let is_read_back = batch.iter().all(|target| target.earlier.is_some());
            let has_room = self.progress.open.len().saturating_add(batch.len()) <= MAX_OPEN
                && (is_read_back || self.progress.failed.len() < MAX_FAILED);
            let has_time = handled == 0 || (!context.client.is_late() && handled < MAX_PER_CALL);
            if !has_room || !has_time {
                break;
            }
            let updated = self.update(context, batch);
            if updated.is_err() {
                self.keep_open(targets);
            }
            updated?;
            handled = handled.saturating_add(batch.len());
        }
        self.keep_open(targets);
        Ok(handled)
    }

    /// Earlier updates that were not read back stay open.
    fn keep_open(&mut self, targets: &[Target]) {
        let unread = targets.iter().filter(|target| !self.results.contains_key(&target.place));
        let unread: Vec<OpenUpdate> = unread.filter_map(|target| target.earlier.clone()).collect();
        self.progress.open.extend(unread);
    }

    fn update(&mut self, context: &mut Context<'_>, targets: &[Target]) -> Result<(), ApiError> {
        let InFlight { request, subject, .. } = &self.in_flight;
        let on_error = if self.has_attempts_left() { OnUpdateError::Stop } else { OnUpdateError::Report };
        let batch = updates::run(context, subject, &request.id, targets, on_error);
        if batch.is_accepted {
            self.progress.accepted_at.get_or_insert(context.client.now_s());
        }
        for (place, result) in batch.results {
            match &result {
                ContactResult::Open(open) => self.progress.open.push(open.clone()),
                ContactResult::Failed(failure) => {
                    self.progress.failed.push(FailedUpdate { place: place.clone(), failure: *failure });
                }
                ContactResult::OptedOut | ContactResult::Untouched(_) | ContactResult::Gone => {}
            }
            self.results.insert(place, result);
        }
        match batch.error {
            Some(error) => Err(error),
            None => {
                self.progress.position = targets.last().map(|target| target.place.clone());
                Ok(())
            }
        }
    }

    /// The request, with the progress in its ticket. Its stage never goes back.
    fn in_flight(&mut self, current: Stage) -> (&mut InFlight<'r>, Stage) {
        let progress = &mut self.progress;
        progress.reached = progress.reached.max(match current {
            Stage::Verifying => ReachedStage::Verifying,
            Stage::OptingOut => ReachedStage::OptingOut,
            _ => ReachedStage::Searching,
        });
        let stage = match progress.reached {
            ReachedStage::Searching => Stage::Searching,
            ReachedStage::OptingOut => Stage::OptingOut,
            ReachedStage::Verifying => Stage::Verifying,
        };
        self.in_flight.ticket.opt_out = Some(progress.clone());
        (&mut self.in_flight, stage)
    }

    fn pending_for(mut self, context: &Context<'_>, current: Stage, poll_after_ms: u64) -> Result<Progress, Error> {
        let (in_flight, stage) = self.in_flight(current);
        in_flight.pending_for(context, stage, poll_after_ms)
    }

    /// Updates were not read back yet.
    fn still_pending(mut self, context: &Context<'_>, current: Stage) -> Result<Progress, Error> {
        let (in_flight, stage) = self.in_flight(current);
        in_flight.still_pending(context, stage)
    }

    /// An error ended the step.
    ///
    /// # Errors
    /// A permanent error, unless the call updated contacts: these are in the ticket first, and the error is returned if it occurs again.
    fn stopped(
        mut self,
        context: &Context<'_>,
        stage: Stage,
        error: &ApiError,
        scope: Scope,
    ) -> Result<Progress, Error> {
        if let ApiError::Response(response) = error
            && response.status == 429
        {
            return self.pending_for(context, stage, response.retry_after_ms.unwrap_or(DEFAULT_RATE_LIMIT_MS));
        }
        if !error.is_transient() && self.progress != self.before {
            return self.pending_for(context, stage, SOON_MS);
        }
        let (_, stage) = self.in_flight(stage);
        self.in_flight.retry_step(context, stage, error, scope)
    }
}
