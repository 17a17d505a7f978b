//! A request in progress: its ticket, and what is reported until it is done.

use super::api::error::ApiError;
use super::context::Context;
use super::manifest::overdue_after_ms;
use super::scopes::Scope;
use super::ticket::{Operation, Ticket};
use crate::contract::{Error, ErrorKind, Pending, Problem, Progress, Remedy, Request, Right, Stage};
use crate::privacy::poll_schedule::poll_after_ms;
use crate::privacy::subject::Subject;

/// The delay before a poll that this call only had no time or no share for, in milliseconds.
pub const AT_ONCE_MS: u64 = 1_000;
/// The delay before a poll after something that is likely to be over soon, in milliseconds.
pub const SOON_MS: u64 = 30_000;
/// After so many failed attempts, a source that does not respond is reported as such.
pub const MAX_ATTEMPTS: u8 = 3;
/// For so long after Qualtrics accepted a job, look-ups may not show it yet, in seconds.
pub const GRACE_PERIOD_S: u64 = 600;

/// A request in progress.
pub struct InFlight<'r> {
    /// The request.
    pub request: &'r Request,
    /// Its identifiers.
    pub subject: &'r Subject,
    /// Its state.
    pub ticket: Ticket,
}

/// What Qualtrics' word for the status of a job is to this connector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatusWord {
    /// One that it knows.
    Known,
    /// One that it does not know. The job counts as running.
    Unknown,
    /// None was seen.
    NotSeen,
}

impl InFlight<'_> {
    /// How long ago Qualtrics accepted the request, in seconds.
    pub fn age_s(&self, context: &Context<'_>) -> u64 {
        context.client.now_s().saturating_sub(self.ticket.submitted_at)
    }

    /// Work continues at Qualtrics.
    ///
    /// # Errors
    /// If the ticket would be too long.
    pub fn pending(
        &self,
        context: &Context<'_>,
        stage: Stage,
        vendor_status: Option<String>,
        word: StatusWord,
    ) -> Result<Pending, Error> {
        let age_s = self.age_s(context);
        let is_submitted = !self.ticket.jobs.is_empty();
        Ok(Pending {
            ticket: self.ticket.format()?,
            stage,
            poll_after_ms: poll_after_ms(&self.request.id, age_s),
            group: self.ticket.group(),
            submitted_at: is_submitted.then_some(self.ticket.submitted_at),
            vendor_status,
            percent: None,
            attention: attention(self.ticket.operation.right(), age_s, word),
        })
    }

    /// As [`Self::pending`], when no status was seen.
    ///
    /// # Errors
    /// As for [`Self::pending`].
    pub fn still_pending(&self, context: &Context<'_>, stage: Stage) -> Result<Progress, Error> {
        self.pending(context, stage, None, StatusWord::NotSeen).map(Progress::Pending)
    }

    /// As [`Self::still_pending`], with another delay.
    ///
    /// # Errors
    /// As for [`Self::pending`].
    pub fn pending_for(&self, context: &Context<'_>, stage: Stage, poll_after_ms: u64) -> Result<Progress, Error> {
        let pending = self.pending(context, stage, None, StatusWord::NotSeen)?;
        Ok(Progress::Pending(Pending { poll_after_ms, ..pending }))
    }

    /// Qualtrics does not show the job. Once, and while the job is young, the look-up may lag behind: `None` if it can no longer be
    /// that.
    ///
    /// # Errors
    /// As for [`Self::pending`].
    pub fn not_shown(&mut self, context: &Context<'_>, stage: Stage) -> Result<Option<Progress>, Error> {
        if self.ticket.misses > 0 || self.age_s(context) > GRACE_PERIOD_S {
            return Ok(None);
        }
        self.ticket.misses = 1;
        self.still_pending(context, stage).map(Some)
    }

    /// The last step failed. A transient error is retried a few times; a rate limit, and everything that needs an operator, is an
    /// error.
    ///
    /// # Errors
    /// The error, if retrying soon does not help.
    pub fn retry_step(
        mut self,
        context: &Context<'_>,
        stage: Stage,
        error: &ApiError,
        scope: Scope,
    ) -> Result<Progress, Error> {
        match error {
            ApiError::ShareExhausted(wait_ms) => self.pending_for(context, stage, *wait_ms),
            _ if error.status() == Some(429) || !error.is_transient() => Err(context.error(error, scope)),
            _ => {
                self.ticket.attempts = self.ticket.attempts.saturating_add(1);
                self.pending_for(context, stage, SOON_MS)
            }
        }
    }
}

/// The error of a job that a ticket proves to have been accepted and that Qualtrics no longer shows.
#[must_use]
pub fn job_not_found(operation: Operation) -> Error {
    let (remedy, message) = match operation {
        Operation::Access | Operation::Preview => {
            (Remedy::Restart, "Qualtrics no longer has this job, which only read data: start the request again.")
        }
        Operation::Erase | Operation::EraseAndVerify => (
            Remedy::Operator,
            "Qualtrics accepted this deletion and no longer lists it, so that its result is unknown: look for the job under Data \
             Privacy in Qualtrics, or start the request again in mode preview to see what is left.",
        ),
    };
    Error::new(ErrorKind::JobNotFound, remedy, message)
}

/// Why an operator should look, if one should.
fn attention(right: Right, age_s: u64, word: StatusWord) -> Option<Problem> {
    let is_overdue = age_s.saturating_mul(1_000) > overdue_after_ms(right);
    let (code, message) = match word {
        _ if is_overdue => {
            ("overdue", "Qualtrics takes unusually long: ask Qualtrics' support, with the ID of the job.")
        }
        StatusWord::Unknown => (
            "unknown-status",
            "The job's status is a word that this connector does not know, so that it counts as running: look at the job in \
             Qualtrics.",
        ),
        StatusWord::Known | StatusWord::NotSeen => return None,
    };
    let target = match right {
        Right::Access => "customer-data-request",
        Right::Deletion => "erasure",
        Right::OptOut => "opt-out",
    };
    Some(Problem::new(code, target, &[right], message))
}
