//! Reconciliation: finding the job of attempts whose outcome is unknown, in Qualtrics' own list.
//!
//! A job that had not ended before the first attempt, that erases (or searches) as the request does, and whose addresses contain every
//! address of the request, is the request's job, whatever else it contains. Another job is only started if the list proves that there
//! is no such job.

use std::collections::BTreeSet;

use super::job_request::{JobRequest, outcome_unknown};
use crate::contract::{Attempts, Error, Remedy, Right};
use crate::privacy::email::EmailAddress;
use crate::qualtrics::api::erasure_list::{self, KnownPositions, Next, Scan};
use crate::qualtrics::api::erasures::{ErasureJob, JobKind};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::api::job::JobState;
use crate::qualtrics::context::Context;
use crate::qualtrics::guard;
use crate::qualtrics::scopes::Scope;
use crate::secret::Secret;

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

/// What the list shows of the job of earlier attempts.
pub enum Reconciled {
    /// The job.
    Found(Box<ErasureJob>),
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

/// Looks for the job of earlier attempts. `None` proves that there is none.
///
/// # Errors
/// `outcome-unknown` if the list is inconclusive (erasures only: a search can be repeated). Also any error that prevents reading the
/// list.
pub fn find_earlier(
    context: &mut Context<'_>,
    job: &JobRequest<'_>,
    attempts: &Attempts,
) -> Result<Option<ErasureJob>, Error> {
    let reconciled = match find_in_list(context, job, attempts) {
        Ok(reconciled) => reconciled,
        Err(ApiError::DeadlineExceeded | ApiError::ShareExhausted(_)) => Reconciled::NotRead,
        Err(error) => return Err(context.error(&error, Scope::Erasure)),
    };
    let now_s = context.client.now_s();
    match (conclude(reconciled, attempts, now_s), job.kind) {
        (Ok(found), _) => Ok(found.map(|job| *job)),
        (Err(_), JobKind::Search) => Ok(None),
        (Err(remedy), JobKind::Erasure) => Err(unsettled(remedy)),
    }
}

/// What follows from the list: the job, the proof that there is none, or what the caller can do.
fn conclude(reconciled: Reconciled, attempts: &Attempts, now_s: u64) -> Result<Option<Box<ErasureJob>>, Remedy> {
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

/// Reads the list for the job of these attempts.
///
/// # Errors
/// What prevents the first page from being read.
pub fn find_in_list(
    context: &mut Context<'_>,
    job: &JobRequest<'_>,
    attempts: &Attempts,
) -> Result<Reconciled, ApiError> {
    let scopes = context.scopes(Right::Deletion);
    // The `Date` of a response corrects the clock; it has to be known before timestamps are compared.
    context.client.sign_in(&scopes)?;
    let since_s = context.client.at_qualtrics(attempts.first_at).saturating_sub(CLOCK_SLACK_S);
    let mut window = Window::new(job, since_s);
    let scan =
        erasure_list::scan(&mut context.client, &scopes, since_s, KnownPositions::default(), &mut |listed, _| {
            window.visit(listed.parse())
        })?;
    if window.needs_own_user() {
        window.own_user = guard::own_account(context).ok().and_then(|own| own.user_id);
    }
    Ok(window.conclude(&scan))
}

/// The jobs of the list, as far as they can be the request's.
struct Window<'e> {
    /// The keys of the addresses: all spellings of one count once.
    emails: BTreeSet<&'e Secret>,
    kind: JobKind,
    since_s: u64,
    found: Option<Box<ErasureJob>>,
    /// Jobs that may be the request's.
    others: Vec<ErasureJob>,
    /// The users of all jobs of the list.
    users: BTreeSet<String>,
    shows_addresses: bool,
    own_user: Option<String>,
}

impl<'e> Window<'e> {
    fn new(job: &JobRequest<'e>, since_s: u64) -> Self {
        Self {
            emails: job.emails.iter().map(EmailAddress::key).collect(),
            kind: job.kind,
            since_s,
            found: None,
            others: Vec::new(),
            users: BTreeSet::new(),
            shows_addresses: false,
            own_user: None,
        }
    }

    fn visit(&mut self, job: ErasureJob) -> Next {
        self.users.extend(job.user.clone());
        self.shows_addresses |= job.addresses.is_some();
        if self.is_outside(&job) {
            return Next::Continue;
        }
        let is_understood = !job.id.is_empty() && job.kind.is_some() && job.ended_before(self.since_s).is_some();
        if is_understood && self.contains_request(&job) {
            // A job that runs or has done its work takes precedence over one that failed.
            let is_failed = job.state == JobState::Failed;
            if self.found.as_ref().is_none_or(|found| found.state == JobState::Failed) {
                self.found = Some(Box::new(job));
            }
            return if is_failed { Next::Continue } else { Next::Stop };
        }
        if !self.is_ruled_out(&job) {
            self.others.push(job);
        }
        Next::Continue
    }

    /// Whether a job is of the other kind (erasure or search), ended before the first attempt, or was created before it and failed.
    fn is_outside(&self, job: &ErasureJob) -> bool {
        let is_older = job.created_s.is_some_and(|created_s| created_s < self.since_s);
        job.kind.is_some_and(|kind| kind != self.kind)
            || job.ended_before(self.since_s) == Some(true)
            || (is_older && job.state == JobState::Failed)
    }

    fn contains_request(&self, job: &ErasureJob) -> bool {
        job.addresses
            .as_ref()
            .is_some_and(|addresses| self.emails.iter().all(|email| addresses.readable.contains(*email)))
    }

    fn overlaps_request(&self, job: &ErasureJob) -> bool {
        job.addresses
            .as_ref()
            .is_some_and(|addresses| self.emails.iter().any(|email| addresses.readable.contains(*email)))
    }

    /// Whether a job that does not contain the request cannot be the request's, judged by itself.
    fn is_ruled_out(&self, job: &ErasureJob) -> bool {
        if self.overlaps_request(job) {
            // It may be this connection's own: see `conclude`.
            return false;
        }
        let is_older = job.created_s.is_some_and(|created_s| created_s < self.since_s);
        let is_smaller = job.requested.is_some_and(|requested| requested < count(self.emails.len()));
        job.shows_every_address() || is_smaller || (is_older && job.addresses.is_none())
    }

    /// Whether the connection's user ID can settle it.
    fn needs_own_user(&self) -> bool {
        self.found.is_none() && self.others.iter().any(|job| job.user.is_some())
    }

    fn conclude(mut self, scan: &Scan) -> Reconciled {
        if let Some(found) = self.found.take() {
            return Reconciled::Found(found);
        }
        let own_user = self.own_user.as_ref().filter(|own| self.users.contains(*own));
        let is_foreign =
            |job: &ErasureJob| own_user.is_some_and(|own| job.user.as_ref().is_some_and(|user| user != own));
        let is_own = |job: &ErasureJob| own_user.is_some_and(|own| job.user.as_ref() == Some(own));
        let open: Vec<&ErasureJob> = self.others.iter().filter(|job| !is_foreign(job)).collect();
        if open.iter().any(|job| is_own(job) && self.overlaps_request(job) && !self.contains_request(job)) {
            return Reconciled::Overlapping;
        }
        // A complete job of an unknown user that covers only some of the addresses is another request's.
        let inconclusive: Vec<&&ErasureJob> =
            open.iter().filter(|job| self.contains_request(job) || !job.shows_every_address()).collect();
        let is_stuck = scan.stuck && !scan.may_recover;
        if !inconclusive.is_empty() || is_stuck {
            let is_running = inconclusive.iter().any(|job| job.is_running()) || inconclusive.is_empty();
            return Reconciled::Inconclusive { is_running, shows_addresses: self.shows_addresses && !is_stuck };
        }
        if scan.complete { Reconciled::Absent { reaches_back: scan.shows_older } } else { Reconciled::NotRead }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qualtrics::api::erasures::{Addresses, NotFound};

    const SINCE: u64 = 1_000_000;

    fn addresses(names: &[&str]) -> Vec<EmailAddress> {
        let address = |name: &&str| EmailAddress::parse(&format!("{name}@x.org")).expect("an address");
        names.iter().map(address).collect()
    }

    fn listed(names: &[&str]) -> Addresses {
        let readable = addresses(names).iter().map(|address| address.key().clone()).collect();
        let texts = addresses(names).iter().map(|address| address.given().clone()).collect();
        Addresses { readable, texts, entries: names.len() as u64, all_readable: true }
    }

    fn job(emails: Option<&[&str]>, requested: u64) -> ErasureJob {
        ErasureJob {
            id: "OP-1".to_owned(),
            state: JobState::Running { known: true },
            status: None,
            addresses: emails.map(listed),
            requested: Some(requested),
            not_found: NotFound::Unreported,
            kind: Some(JobKind::Erasure),
            user: Some("UR_1".to_owned()),
            failure: None,
            created_s: Some(SINCE + 10),
            updated_s: Some(SINCE + 10),
            counts: Vec::new(),
        }
    }

    fn scan() -> Scan {
        Scan { complete: true, stuck: false, may_recover: false, skipped: false, shows_older: true, position: None }
    }

    fn reconciled(request: &[&str], own_user: Option<&str>, jobs: Vec<ErasureJob>) -> Reconciled {
        let emails = addresses(request);
        let mut window = Window::new(&JobRequest { emails: &emails, kind: JobKind::Erasure }, SINCE);
        for job in jobs {
            if window.visit(job) == Next::Stop {
                break;
            }
        }
        window.own_user = own_user.map(str::to_owned);
        window.conclude(&scan())
    }

    #[test]
    fn a_job_with_every_address_is_found() {
        let found = reconciled(&["a", "b"], None, vec![job(Some(&["a", "b", "c"]), 3)]);
        assert!(matches!(found, Reconciled::Found(_)));
    }

    #[test]
    fn spellings_of_one_address_count_once() {
        let found = reconciled(&["Ada"], None, vec![job(Some(&["ada"]), 1)]);
        assert!(matches!(found, Reconciled::Found(_)));
        // The complete job of another person whose address was sent in two spellings.
        let other = reconciled(&["ada"], None, vec![job(Some(&["Bob", "bob"]), 2)]);
        assert!(matches!(other, Reconciled::Absent { .. }));
    }

    #[test]
    fn an_own_job_that_contains_some_of_the_addresses_needs_an_operator() {
        let overlapping = reconciled(&["a", "b"], Some("UR_1"), vec![job(Some(&["a"]), 1)]);
        assert!(matches!(overlapping, Reconciled::Overlapping));
    }

    #[test]
    fn complete_jobs_of_others_are_ruled_out() {
        for jobs in [
            vec![job(Some(&["x"]), 1)],
            vec![job(None, 1)],
            vec![ErasureJob { user: Some("UR_2".to_owned()), ..job(None, 2) }, job(Some(&["x", "y"]), 2)],
            vec![ErasureJob { user: Some("UR_2".to_owned()), ..job(Some(&["a"]), 1) }, job(Some(&["x", "y"]), 2)],
        ] {
            assert!(matches!(reconciled(&["a", "b"], Some("UR_1"), jobs), Reconciled::Absent { .. }));
        }
    }

    #[test]
    fn jobs_that_hide_addresses_are_inconclusive() {
        let masked = || {
            let mut job = job(Some(&["x"]), 2);
            job.addresses.as_mut().expect("addresses").all_readable = false;
            job
        };
        for (hiding, own_user) in [
            (job(None, 2), None),
            (job(None, 2), Some("UR_1")),
            (masked(), Some("UR_1")),
            // The list does not show the connection's own user.
            (ErasureJob { user: Some("UR_2".to_owned()), ..job(None, 2) }, Some("UR_1")),
            (ErasureJob { kind: None, ..job(Some(&["a", "b"]), 2) }, None),
            // The list names its ID otherwise.
            (ErasureJob { id: String::new(), ..job(Some(&["a", "b"]), 2) }, None),
        ] {
            let inconclusive = reconciled(&["a", "b"], own_user, vec![hiding]);
            assert!(matches!(inconclusive, Reconciled::Inconclusive { .. }));
        }
    }

    #[test]
    fn an_inconclusive_list_tells_whether_jobs_run_and_whether_it_shows_any_addresses() {
        let completed = ErasureJob { state: JobState::Completed, ..job(None, 2) };
        for (jobs, is_running, shows_addresses) in [
            (vec![job(None, 2)], true, false),
            (vec![completed], false, false),
            (vec![job(None, 2), job(Some(&["x"]), 1)], true, true),
        ] {
            let Reconciled::Inconclusive { is_running: runs, shows_addresses: shows } = reconciled(&["a"], None, jobs)
            else {
                panic!("an inconclusive list")
            };
            assert_eq!((runs, shows), (is_running, shows_addresses));
        }
    }

    #[test]
    fn a_job_without_timestamps_is_inconclusive() {
        let timeless =
            ErasureJob { created_s: None, updated_s: None, state: JobState::Completed, ..job(Some(&["a"]), 1) };
        assert!(matches!(reconciled(&["a"], None, vec![timeless]), Reconciled::Inconclusive { .. }));
    }

    #[test]
    fn a_job_from_before_the_first_attempt_with_an_unknown_status_is_inconclusive() {
        let state = JobState::Running { known: false };
        let unknown = |created_s| ErasureJob { state, created_s: Some(created_s), ..job(Some(&["a"]), 1) };
        let reconciled = |created_s| reconciled(&["a"], None, vec![unknown(created_s)]);
        assert!(matches!(reconciled(SINCE - 60), Reconciled::Inconclusive { .. }));
        assert!(matches!(reconciled(SINCE), Reconciled::Found(_)));
    }

    #[test]
    fn a_job_that_ended_before_the_first_attempt_is_ignored() {
        let ended = ErasureJob { updated_s: Some(SINCE - 1), state: JobState::Completed, ..job(Some(&["a"]), 1) };
        assert!(matches!(reconciled(&["a"], None, vec![ended]), Reconciled::Absent { .. }));
    }

    #[test]
    fn a_job_that_still_ran_at_the_first_attempt_is_found() {
        let older = ErasureJob { created_s: Some(SINCE - 60), ..job(Some(&["a"]), 1) };
        assert!(matches!(reconciled(&["a"], None, vec![older]), Reconciled::Found(_)));
    }

    fn remedy(reconciled: Reconciled, first_ago_s: u64, last_ago_s: u64) -> Option<Remedy> {
        let now_s = SINCE * 10;
        let attempts =
            Attempts { first_at: now_s.saturating_sub(first_ago_s), last_at: now_s.saturating_sub(last_ago_s) };
        conclude(reconciled, &attempts, now_s).err()
    }

    #[test]
    fn absence_is_proved_two_minutes_after_the_last_attempt_by_a_list_that_reaches_back() {
        let absent = |reaches_back| Reconciled::Absent { reaches_back };
        assert_eq!(remedy(absent(true), 500, 20), Some(Remedy::Retry(120_000)));
        assert_eq!(remedy(absent(true), 7_200, 120), None);
        assert_eq!(remedy(absent(false), 3_599, 120), None);
        assert_eq!(remedy(absent(false), 3_600, 120), Some(Remedy::Operator));
    }

    #[test]
    fn an_inconclusive_list_is_read_again_while_it_can_change_and_then_needs_an_operator() {
        let inconclusive = |is_running, shows_addresses| Reconciled::Inconclusive { is_running, shows_addresses };
        assert_eq!(remedy(inconclusive(true, true), 3_599, 120), Some(Remedy::Retry(NEXT_LOOK_MS)));
        assert_eq!(remedy(inconclusive(true, true), 3_600, 120), Some(Remedy::Operator));
        assert_eq!(remedy(inconclusive(true, false), 599, 120), Some(Remedy::Retry(NEXT_LOOK_MS)));
        assert_eq!(remedy(inconclusive(true, false), 600, 120), Some(Remedy::Operator));
        assert_eq!(remedy(inconclusive(false, true), 119, 119), Some(Remedy::Retry(NEXT_LOOK_MS)));
        assert_eq!(remedy(inconclusive(false, true), 120, 120), Some(Remedy::Operator));
    }

    #[test]
    fn a_list_that_was_not_read_never_needs_an_operator() {
        assert_eq!(remedy(Reconciled::NotRead, 90_000, 80_000), Some(Remedy::Retry(NEXT_SCAN_MS)));
        assert_eq!(remedy(Reconciled::Overlapping, 200, 200), Some(Remedy::Operator));
    }
}
