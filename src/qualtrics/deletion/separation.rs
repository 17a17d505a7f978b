//! Keeping the requests of a call apart from jobs that run or may run: no address is erased by two jobs at a time.

use std::rc::Rc;

use super::grouping::share_address;
use crate::contract::{Error, ErrorKind, Remedy};
use crate::privacy::email::EmailAddress;
use crate::qualtrics::api::erasures::{Addresses, ErasureJob};

/// The delay before a request is repeated that waits for the end of a job with one of its addresses, in milliseconds. A repetition that
/// has no attempts does not look for that job.
pub const NEXT_TO_A_JOB_MS: u64 = 600_000;

/// What is known of the earlier attempts of a request of the call.
pub struct Earlier {
    /// The request's addresses, sorted, each once.
    pub emails: Vec<EmailAddress>,
    /// Their job; `None` if it is unknown whether they started one.
    pub job: Option<Rc<ErasureJob>>,
}

/// What follows for a request that has no earlier attempts.
pub enum Separation {
    /// It may start a job.
    Free,
    /// This job erases all its addresses, and runs.
    Joins(Rc<ErasureJob>),
    /// It starts nothing now.
    Waits(Error),
}

/// Compares a request with the earlier attempts of the other requests of the call.
#[must_use]
pub fn separate(emails: &[EmailAddress], earlier: &[Earlier]) -> Separation {
    let running =
        || earlier.iter().filter_map(|one| one.job.as_ref().filter(|job| job.is_running()).map(|job| (one, job)));
    let contains = |list: &Addresses| emails.iter().all(|email| list.contains(email));
    if let Some((_, job)) = running().find(|(_, job)| job.addresses.as_ref().is_some_and(contains)) {
        return Separation::Joins(Rc::clone(job));
    }
    if earlier.iter().any(|one| one.job.is_none() && share_address(&one.emails, emails)) {
        return Separation::Waits(beside_unsettled());
    }
    let overlaps = |list: &Addresses| emails.iter().any(|email| list.contains(email));
    let is_beside = |one: &Earlier, job: &ErasureJob| {
        share_address(&one.emails, emails) || job.addresses.as_ref().is_some_and(overlaps)
    };
    if running().any(|(one, job)| is_beside(one, job)) {
        return Separation::Waits(beside_running());
    }
    Separation::Free
}

fn beside_unsettled() -> Error {
    let message = "The request shares an address with another request of the call, and it is unknown whether an earlier attempt of that \
                   request started its deletion: nothing was started for this one. Settle that request first, then start this one again.";
    Error::new(ErrorKind::RateLimited, Remedy::Retry(NEXT_TO_A_JOB_MS), message)
}

fn beside_running() -> Error {
    let message = "The request shares an address with a job that another request of the call started earlier and that still runs: \
                   nothing was started for this one. Start it again once that job has ended.";
    Error::new(ErrorKind::RateLimited, Remedy::Retry(NEXT_TO_A_JOB_MS), message)
}
