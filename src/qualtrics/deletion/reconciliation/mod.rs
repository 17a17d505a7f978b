//! Reconciliation: finding the job of attempts whose outcome is unknown, in Qualtrics' own list.
//!
//! A job that had not ended before the first attempt, that erases (or searches) as the request does, and whose addresses contain every
//! address of the request, is the request's job, whatever else it contains. Another job is only started if the list proves that there
//! is no such job. The list is read once for all requests of a call, because the brand may read it only a few times a minute.

mod window;

use std::rc::Rc;

use self::window::Windows;
use super::job_request::outcome_unknown;
use crate::contract::{Attempts, Error, Remedy, Right};
use crate::privacy::email::EmailAddress;
use crate::qualtrics::api::erasure_list::{self, KnownPositions};
use crate::qualtrics::api::erasures::{ErasureJob, JobKind};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::context::Context;
use crate::qualtrics::guard;
use crate::qualtrics::scopes::Scope;

/// How long after an attempt its job may first appear in the list, in seconds: guards are evaluated before the job is submitted,
/// Qualtrics ends a call after 5 seconds (fact sheet 3.4), and the list may lag behind.
pub const MAX_LAG_S: u64 = 120;
/// If the first attempt is more recent than this, the list is assumed to reach back to it, in seconds.
const SHORT_WINDOW_S: u64 = 3_600;
/// How long after the first attempt a running job is expected to show its addresses, in seconds. Not measured from the last attempt,
/// because every repeated call is itself an attempt.
const LIST_GIVE_UP_S: u64 = 3_600;
/// The same for a list that shows no addresses at all.
const LIST_WITHOUT_ADDRESSES_GIVE_UP_S: u64 = 600;
/// How exact the correction of the clock by `Date` is, in seconds.
const CLOCK_SLACK_S: u64 = 5;
/// The delay before the list is read again, in milliseconds. Not shortened by the age of the last attempt, because repeating the call
/// is itself an attempt.
const NEXT_LOOK_MS: u64 = MAX_LAG_S * 1_000;
/// The delay before a list is read again that was not read to its end, in milliseconds.
const NEXT_SCAN_MS: u64 = 60_000;

/// A request whose earlier attempts may have started a job.
#[derive(Clone, Copy)]
pub struct Attempted<'e> {
    /// The e-mail addresses, sorted, each once.
    pub emails: &'e [EmailAddress],
    /// When it was attempted.
    pub attempts: Attempts,
}

/// What the list shows of the job of earlier attempts.
pub enum Reconciled {
    /// The job.
    Found(Rc<ErasureJob>),
    /// A job of this connection that covers only some of the addresses.
    Overlapping,
    /// No job of the window can be the one.
    Absent {
        /// Whether the list shows a job that is older than the window.
        reaches_back: bool,
    },
    /// Jobs of the window do not show whom they cover.
    Inconclusive {
        /// Whether one of them still runs: then it may show its addresses later.
        is_running: bool,
        /// Whether any job of the list shows addresses.
        shows_addresses: bool,
    },
    /// The list was not read to its end, for lack of calls.
    NotRead,
}

/// Looks for the jobs of earlier attempts. `None` proves that there is none for this request.
///
/// # Errors
/// For a request: `outcome-unknown` if the list is inconclusive (erasures only: a search can be repeated). For all of them: any error
/// that prevents reading the list.
pub fn find_earlier(
    context: &mut Context<'_>,
    kind: JobKind,
    requests: &[Attempted<'_>],
) -> Vec<Result<Option<Rc<ErasureJob>>, Error>> {
    if requests.is_empty() {
        return Vec::new();
    }
    let reconciled = match find_in_list(context, kind, requests) {
        Ok(reconciled) => reconciled,
        Err(ApiError::DeadlineExceeded | ApiError::ShareExhausted(_)) => {
            requests.iter().map(|_| Reconciled::NotRead).collect()
        }
        Err(error) => {
            let error = context.error(&error, Scope::Erasure);
            return requests.iter().map(|_| Err(error.clone())).collect();
        }
    };
    let now_s = context.client.now_s();
    let settle = |(request, reconciled): (&Attempted<'_>, Reconciled)| match (
        conclude(reconciled, &request.attempts, now_s),
        kind,
    ) {
        (Ok(found), _) => Ok(found),
        (Err(_), JobKind::Search) => Ok(None),
        (Err(remedy), JobKind::Erasure) => Err(unsettled(remedy)),
    };
    requests.iter().zip(reconciled).map(settle).collect()
}

/// What follows from the list: the job, the proof that there is none, or what the caller can do.
fn conclude(reconciled: Reconciled, attempts: &Attempts, now_s: u64) -> Result<Option<Rc<ErasureJob>>, Remedy> {
    let age_s = now_s.saturating_sub(attempts.last_at);
    let window_s = now_s.saturating_sub(attempts.first_at);
    let is_settled = age_s >= MAX_LAG_S;
    match reconciled {
        Reconciled::Found(job) => Ok(Some(job)),
        Reconciled::NotRead => Err(Remedy::Retry(NEXT_SCAN_MS)),
        Reconciled::Overlapping => Err(Remedy::Operator),
        Reconciled::Absent { .. } if !is_settled => Err(Remedy::Retry(NEXT_LOOK_MS)),
        Reconciled::Absent { reaches_back } if reaches_back || window_s < SHORT_WINDOW_S => Ok(None),
        Reconciled::Absent { .. } => Err(Remedy::Operator),
        Reconciled::Inconclusive { is_running, shows_addresses } => {
            let give_up_s = if shows_addresses { LIST_GIVE_UP_S } else { LIST_WITHOUT_ADDRESSES_GIVE_UP_S };
            let may_change = !is_settled || (is_running && window_s < give_up_s);
            Err(if may_change { Remedy::Retry(NEXT_LOOK_MS) } else { Remedy::Operator })
        }
    }
}

fn unsettled(remedy: Remedy) -> Error {
    match remedy {
        Remedy::Retry(ms) => outcome_unknown(ms),
        other => Error {
            remedy: other,
            message: "Qualtrics' list of erasures does not show whether an earlier attempt started this deletion: look under Data \
                      Privacy in Qualtrics. If the deletion is not there, repeat the call without attempts to start it."
                .to_owned(),
            ..outcome_unknown(0)
        },
    }
}

/// Reads the list once for the jobs of these attempts.
///
/// # Errors
/// What prevents the first page from being read.
pub fn find_in_list(
    context: &mut Context<'_>,
    kind: JobKind,
    requests: &[Attempted<'_>],
) -> Result<Vec<Reconciled>, ApiError> {
    let scopes = context.scopes(Right::Deletion);
    // The `Date` of a response corrects the clock; it has to be known before timestamps are compared.
    context.client.sign_in(&scopes)?;
    let since_s =
        |request: &Attempted<'_>| context.client.at_qualtrics(request.attempts.first_at).saturating_sub(CLOCK_SLACK_S);
    let mut windows = Windows::new(kind, requests.iter().map(|request| (request.emails, since_s(request))));
    let oldest_s = requests.iter().map(since_s).min().unwrap_or_default();
    let scan =
        erasure_list::scan(&mut context.client, &scopes, oldest_s, KnownPositions::default(), &mut |listed, _| {
            windows.visit(listed.parse())
        })?;
    if windows.need_own_user() {
        windows.own_user = guard::own_account(context).ok().and_then(|own| own.user_id);
    }
    Ok(windows.conclude(&scan))
}

#[cfg(test)]
mod tests;
