//! What is the same for one request and for many: calls, delays, and what waits for what.

use std::collections::BTreeMap;

use super::entry::{Entry, Operation, comparable};
use crate::contract::{Error, ErrorKind, Remedy, Request};
use crate::error::HostError;
use crate::instance::{Instance, Results};

/// The delay after a call without a result, in milliseconds.
pub const LOST_CALL_DELAY_MS: u64 = 30_000;

/// After this many calls in a row without a result, a request ends: an operator has to look.
pub const MAX_LOST_CALLS: u32 = 5;

/// The connector rejects attempts that are further in the future, in seconds. A clock that was set back causes that.
const MAX_CLOCK_SKEW_S: u64 = 24 * 3_600;

/// Calls `access`, `delete` or `opt-out`.
///
/// # Errors
/// The call returned no result.
pub async fn start(instance: &mut Instance, operation: Operation, requests: &[Request]) -> Result<Results, HostError> {
    match operation {
        Operation::Access => instance.access(requests).await,
        Operation::Deletion(mode) => instance.delete(requests, mode).await,
        Operation::OptOut => instance.opt_out(requests).await,
    }
}

/// For each deletion, the access requests that share an identifier.
pub(super) fn held_by(entries: &[Entry]) -> Vec<Vec<usize>> {
    let mut accesses: BTreeMap<(&str, String), Vec<usize>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.operation() == Operation::Access) {
        for identifier in entry.subject() {
            accesses.entry(comparable(identifier)).or_default().push(index);
        }
    }
    let of_entry = |entry: &Entry| match entry.operation() {
        Operation::Deletion(_) => {
            let same = entry.subject().iter().filter_map(|identifier| accesses.get(&comparable(identifier)));
            same.flatten().copied().collect()
        }
        Operation::Access | Operation::OptOut => Vec::new(),
    };
    entries.iter().map(of_entry).collect()
}

/// Whether a call is due. A time that is further ahead than any delay is due: the clock was set back.
pub(super) fn is_due(due_at_ms: u64, now_ms: u64) -> bool {
    due_at_ms <= now_ms || due_at_ms - now_ms > MAX_CLOCK_SKEW_S * 1_000
}

pub(super) fn clock_was_set_back() -> Error {
    Error {
        kind: ErrorKind::OutcomeUnknown,
        remedy: Remedy::Operator,
        message: "An earlier attempt of this deletion is more than a day in the future, because a clock was set back: look for the \
                  deletion at the vendor, and start the request again without attempts if it is not there."
            .to_owned(),
        problems: Vec::new(),
        http_status: None,
        vendor_code: None,
        vendor_request_id: None,
    }
}

/// The error with which a request ends after too many calls without a result.
#[must_use]
pub fn lost_call_error(entry: &Entry, error: &HostError) -> Error {
    let may_have_started = entry.ticket().is_none() && entry.attempts().is_some();
    Error {
        kind: if may_have_started { ErrorKind::OutcomeUnknown } else { ErrorKind::UnexpectedResponse },
        remedy: Remedy::Operator,
        message: error.to_string(),
        problems: Vec::new(),
        http_status: None,
        vendor_code: None,
        vendor_request_id: None,
    }
}

/// Whether an attempt is further in the future than the connector accepts.
pub(super) fn is_from_the_future(request: &Request, now_ms: u64) -> bool {
    request.attempts.as_ref().is_some_and(|attempts| attempts.last_at > now_ms / 1_000 + MAX_CLOCK_SKEW_S)
}
