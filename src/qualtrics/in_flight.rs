//! A request in progress: its ticket, and what is reported until it is done.

use super::api::error::ApiError;
use super::context::Context;
use super::manifest::overdue_after_ms;
use super::scopes::Scope;
use super::ticket::{Operation, Ticket};
use crate::contract::{Error, ErrorKind, Pending, Problem, Progress, Remedy, Request, Right, Stage};
use crate::privacy::poll_schedule::poll_after_ms;
use crate::privacy::subject::Subject;

/// Poll delay when the call had no time or rate-limit share left, in milliseconds.
pub const IMMEDIATE_MS: u64 = 1_000;
/// Poll delay after a transient error, in milliseconds.
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

/// How the status of a job was classified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatusClass {
    /// A status that this connector knows.
    Known,
    /// A status that this connector does not know. The job counts as running.
    Unknown,
    /// No status was read.
    NotSeen,
}

/// Whether a poll may still make calls of its own for one request, beyond the look-ups that it makes for all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Budget {
    /// It may.
    Available,
    /// Another request has used it.
    Spent,
}

impl InFlight<'_> {
    /// How long ago Qualtrics accepted the request, in seconds.
    pub fn age_s(&self, context: &Context<'_>) -> u64 {
        context.client.now_s().saturating_sub(self.ticket.submitted_at)
    }

    /// What the jitter of the delay between polls depends on: requests that share a job are polled together.
    fn schedule(&self) -> &str {
        let job = self.ticket.jobs.first().filter(|_| self.ticket.shared.is_some());
        job.unwrap_or(&self.request.id)
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
        word: StatusClass,
    ) -> Result<Pending, Error> {
        let age_s = self.age_s(context);
        let is_submitted = !self.ticket.jobs.is_empty();
        Ok(Pending {
            ticket: self.ticket.format()?,
            stage,
            poll_after_ms: poll_after_ms(self.schedule(), age_s),
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
        self.pending(context, stage, None, StatusClass::NotSeen).map(Progress::Pending)
    }

    /// As [`Self::still_pending`], with another delay, which is at least a second.
    ///
    /// # Errors
    /// As for [`Self::pending`].
    pub fn pending_for(&self, context: &Context<'_>, stage: Stage, poll_after_ms: u64) -> Result<Progress, Error> {
        let pending = self.pending(context, stage, None, StatusClass::NotSeen)?;
        Ok(Progress::Pending(Pending { poll_after_ms: poll_after_ms.max(IMMEDIATE_MS), ..pending }))
    }

    /// Qualtrics does not show the job, perhaps because the look-up lags behind. Returns `None` if the grace period is over or was
    /// granted before.
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

    /// The last step failed. After a transient error the request stays pending and repeats the step with the next poll.
    ///
    /// # Errors
    /// A 429 or a permanent error is returned.
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

/// The error of a request for which the call has no time left. Nothing was started for it.
#[must_use]
pub fn no_time_left() -> Error {
    let message = "The call had no time left for this request, and started nothing for it: start it again.";
    Error::new(ErrorKind::RateLimited, Remedy::Retry(IMMEDIATE_MS), message)
}

/// The error of a job that a ticket proves to have been accepted and that Qualtrics no longer shows.
#[must_use]
pub fn job_not_found(operation: Operation) -> Error {
    let (remedy, message) = match operation {
        Operation::Access | Operation::Preview | Operation::OptOut => {
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
fn attention(right: Right, age_s: u64, word: StatusClass) -> Option<Problem> {
    let is_overdue = age_s.saturating_mul(1_000) > overdue_after_ms(right);
    let (code, message) = match word {
        _ if is_overdue => {
            ("overdue", "Qualtrics takes unusually long: ask Qualtrics' support, with the ID of the job.")
        }
        StatusClass::Unknown => (
            "unknown-status",
            "The job's status is a word that this connector does not know, so that it counts as running: look at the job in \
             Qualtrics.",
        ),
        StatusClass::Known | StatusClass::NotSeen => return None,
    };
    let target = match right {
        Right::Access => "customer-data-request",
        Right::Deletion => "erasure",
        Right::OptOut => "opt-out",
    };
    Some(Problem::new(code, target, &[right], message))
}
