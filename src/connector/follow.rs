//! A request on its way: its ticket, and what `poll` says while there is no last word.

use super::call::Call;
use super::contract::{Error, ErrorKind, Pending, Problem, Progress, Remedy, Request, Right, Stage};
use super::manifest::overdue_after_ms;
use super::pace::poll_after_ms;
use super::subject::Subject;
use super::ticket::Ticket;
use crate::http::{Clock, Transport};
use crate::prelude::*;
use crate::qualtrics::envelope::Trouble;
use crate::qualtrics::oauth::Scope;

/// When to ask again for what only this call had no room for, in milliseconds.
pub const AT_ONCE_MS: u64 = 1_000;
/// When to ask again after something that is likely to be over soon.
pub const SOON_MS: u64 = 30_000;
/// After so many tries in vain, a source that does not answer is reported as such.
pub const MOST_TRIES: u8 = 3;
/// For so long after Qualtrics took a job it may be slow to know it, in seconds.
pub const YOUNG_S: u64 = 600;

/// A request that is under way.
pub struct Following<'r> {
    /// The request.
    pub request: &'r Request,
    /// Its names.
    pub subject: &'r Subject,
    /// Where it stands.
    pub ticket: Ticket,
}

impl Following<'_> {
    /// How long ago Qualtrics took the request, in seconds.
    pub fn age_s<T: Transport, C: Clock>(&self, call: &Call<'_, T, C>) -> u64 {
        call.client.now_s().saturating_sub(self.ticket.submitted_at)
    }

    /// Work goes on at Qualtrics. `known` is whether its word for the state is one that is known.
    ///
    /// # Errors
    /// If no ticket can be written.
    pub fn pending<T: Transport, C: Clock>(
        &self,
        call: &Call<'_, T, C>,
        stage: Stage,
        vendor_status: Option<String>,
        known: Option<bool>,
    ) -> Result<Pending, Error> {
        let age_s = self.age_s(call);
        Ok(Pending {
            ticket: self.ticket.write()?,
            stage,
            poll_after_ms: poll_after_ms(&self.request.key, age_s),
            submitted_at: (!self.ticket.jobs.is_empty()).then_some(self.ticket.submitted_at),
            vendor_status,
            percent: None,
            attention: attention(self.ticket.aim.right(), age_s, known),
            extra: Vec::new(),
        })
    }

    /// This call had no time or room for it: nothing has changed.
    pub fn unchanged<T: Transport, C: Clock>(&self, call: &Call<'_, T, C>, stage: Stage, after_ms: u64) -> Pending {
        Pending {
            // A ticket that was read can be written.
            ticket: self.ticket.write().unwrap_or_default(),
            stage,
            poll_after_ms: after_ms,
            submitted_at: (!self.ticket.jobs.is_empty()).then_some(self.ticket.submitted_at),
            vendor_status: None,
            percent: None,
            attention: attention(self.ticket.aim.right(), self.age_s(call), None),
            extra: Vec::new(),
        }
    }

    /// Qualtrics does not know the job. Once, and while the job is young, that may be slowness.
    ///
    /// # Errors
    /// `unknown-job`.
    pub fn missed<T: Transport, C: Clock>(mut self, call: &Call<'_, T, C>, stage: Stage) -> Result<Progress, Error> {
        if self.ticket.misses > 0 || self.age_s(call) > YOUNG_S {
            let message = match self.ticket.aim.right() {
                Right::Access => "Qualtrics no longer knows this export: begin anew.",
                Right::Deletion => {
                    "Qualtrics no longer knows this job: begin anew with first-attempt-at, so that nothing is erased twice."
                }
            };
            return Err(Error::new(ErrorKind::UnknownJob, Remedy::Restart, message));
        }
        self.ticket.misses = 1;
        self.pending(call, stage, None, None).map(Progress::Pending)
    }

    /// The last step met with trouble. What is passing is tried again, a few times; a rate limit and everything that a
    /// person must mend is an error.
    ///
    /// # Errors
    /// The trouble, where trying again soon is no way out.
    pub fn set_back<T: Transport, C: Clock>(
        mut self,
        call: &Call<'_, T, C>,
        stage: Stage,
        trouble: &Trouble,
        scope: Scope,
    ) -> Result<Progress, Error> {
        match trouble {
            Trouble::OwnShare(wait) => Ok(Progress::Pending(self.unchanged(call, stage, *wait))),
            _ if trouble.status() == Some(429) || !trouble.is_passing() => Err(call.error(trouble, scope)),
            _ => {
                self.ticket.tries = self.ticket.tries.saturating_add(1);
                let pending = self.pending(call, stage, None, None)?;
                Ok(Progress::Pending(Pending { poll_after_ms: SOON_MS, ..pending }))
            }
        }
    }
}

/// Why a person should look, if one should.
fn attention(right: Right, age_s: u64, known: Option<bool>) -> Option<Problem> {
    let overdue = age_s.saturating_mul(1_000) > overdue_after_ms(right);
    let (code, message) = match known {
        _ if overdue => ("overdue", "Qualtrics takes unusually long: ask its support, with the id of the job."),
        Some(false) => (
            "unknown-status",
            "Qualtrics' word for the state of the job is not known: it counts as unfinished. Look at it in Qualtrics.",
        ),
        _ => return None,
    };
    Some(Problem {
        code,
        subject: match right {
            Right::Access => "customer-data-request".to_owned(),
            Right::Deletion => "erasure".to_owned(),
        },
        blocks: vec![right],
        message: message.to_owned(),
    })
}
