//! The jobs of the list, as far as they can be those of earlier attempts.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::Reconciled;
use crate::privacy::email::EmailAddress;
use crate::qualtrics::api::erasure_list::{Next, Scan};
use crate::qualtrics::api::erasures::{ErasureJob, JobKind};
use crate::qualtrics::api::job::JobState;
use crate::secret::Secret;

/// What the list shows, and a window into it for each request.
pub(super) struct Windows<'e> {
    requests: Vec<Window<'e>>,
    /// The users of all jobs of the list.
    users: BTreeSet<String>,
    shows_addresses: bool,
    /// When the oldest job that was visited was created.
    oldest_s: Option<u64>,
    /// The connection's own user, if it is needed and known.
    pub(super) own_user: Option<String>,
}

impl<'e> Windows<'e> {
    /// Windows for requests: their addresses, and the first instant at which their jobs may have been started.
    pub(super) fn new(kind: JobKind, requests: impl Iterator<Item = (&'e [EmailAddress], u64)>) -> Self {
        Self {
            requests: requests.map(|(emails, since_s)| Window::new(emails, kind, since_s)).collect(),
            users: BTreeSet::new(),
            shows_addresses: false,
            oldest_s: None,
            own_user: None,
        }
    }

    pub(super) fn visit(&mut self, job: ErasureJob) -> Next {
        self.users.extend(job.user.clone());
        self.shows_addresses |= job.addresses.is_some();
        self.oldest_s = self.oldest_s.into_iter().chain(job.created_s).min();
        let job = Rc::new(job);
        self.requests.iter_mut().filter(|window| !window.is_settled()).for_each(|window| window.visit(&job));
        if self.requests.iter().all(Window::is_settled) { Next::Stop } else { Next::Continue }
    }

    /// Whether the connection's user ID can settle a request.
    pub(super) fn need_own_user(&self) -> bool {
        self.requests.iter().any(Window::needs_own_user)
    }

    /// What follows for each request, in order.
    pub(super) fn conclude(self, scan: &Scan) -> Vec<Reconciled> {
        let Self { requests, users, shows_addresses, oldest_s, own_user } = self;
        let own_user = own_user.as_ref().filter(|own| users.contains(*own));
        let list = List { own_user, shows_addresses, oldest_s, scan };
        requests.into_iter().map(|window| window.conclude(&list)).collect()
    }
}

/// What the list shows beyond the window of a request.
struct List<'l> {
    /// The connection's own user, if the list shows it.
    own_user: Option<&'l String>,
    shows_addresses: bool,
    oldest_s: Option<u64>,
    scan: &'l Scan,
}

/// The jobs of the list, as far as they can be a request's.
struct Window<'e> {
    /// The keys of the addresses: all spellings of one count once.
    emails: BTreeSet<&'e Secret>,
    /// How many of the addresses Qualtrics accepts for certain. It may reject an address that has no spelling in ASCII.
    accepted: u64,
    kind: JobKind,
    since_s: u64,
    found: Option<Rc<ErasureJob>>,
    /// Jobs that may be the request's.
    others: Vec<Rc<ErasureJob>>,
}

impl<'e> Window<'e> {
    fn new(emails: &'e [EmailAddress], kind: JobKind, since_s: u64) -> Self {
        let has_ascii = |email: &&EmailAddress| email.spellings().iter().any(|spelling| spelling.reveal().is_ascii());
        Self {
            emails: emails.iter().map(EmailAddress::key).collect(),
            accepted: u64::try_from(emails.iter().filter(has_ascii).count()).unwrap_or(u64::MAX),
            kind,
            since_s,
            found: None,
            others: Vec::new(),
        }
    }

    /// Whether its job was found. A job that runs or has done its work takes precedence over one that failed.
    fn is_settled(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.state != JobState::Failed)
    }

    fn visit(&mut self, job: &Rc<ErasureJob>) {
        if self.is_outside(job) {
            return;
        }
        let is_understood = !job.id.is_empty() && job.kind.is_some() && job.ended_before(self.since_s).is_some();
        if is_understood && self.contains_request(job) {
            if !self.is_settled() {
                self.found = Some(Rc::clone(job));
            }
        } else if !self.is_ruled_out(job) {
            self.others.push(Rc::clone(job));
        }
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
            .is_some_and(|addresses| self.emails.iter().all(|email| addresses.readable.contains_key(*email)))
    }

    fn overlaps_request(&self, job: &ErasureJob) -> bool {
        job.addresses
            .as_ref()
            .is_some_and(|addresses| self.emails.iter().any(|email| addresses.readable.contains_key(*email)))
    }

    /// Whether a job that does not contain the request cannot be the request's, judged by itself.
    fn is_ruled_out(&self, job: &ErasureJob) -> bool {
        if self.overlaps_request(job) {
            // It may be this connection's own: see `conclude`.
            return false;
        }
        let is_older = job.created_s.is_some_and(|created_s| created_s < self.since_s);
        let is_smaller = job.requested.is_some_and(|requested| requested < self.accepted);
        job.shows_every_address() || is_smaller || (is_older && job.addresses.is_none())
    }

    fn needs_own_user(&self) -> bool {
        self.found.is_none() && self.others.iter().any(|job| job.user.is_some())
    }

    fn conclude(mut self, list: &List<'_>) -> Reconciled {
        if let Some(found) = self.found.take() {
            return Reconciled::Found(found);
        }
        let is_user_of = |job: &ErasureJob, own: &String| job.user.as_ref() == Some(own);
        let is_foreign =
            |job: &ErasureJob| list.own_user.is_some_and(|own| job.user.is_some() && !is_user_of(job, own));
        let is_own = |job: &ErasureJob| list.own_user.is_some_and(|own| is_user_of(job, own));
        let open: Vec<&ErasureJob> = self.others.iter().map(Rc::as_ref).filter(|job| !is_foreign(job)).collect();
        if open.iter().any(|job| is_own(job) && self.overlaps_request(job) && !self.contains_request(job)) {
            return Reconciled::Overlapping;
        }
        // A complete job of an unknown user that covers only some of the addresses is another request's.
        let inconclusive: Vec<&&ErasureJob> =
            open.iter().filter(|job| self.contains_request(job) || !job.shows_every_address()).collect();
        let covers_window = list.scan.covers(self.since_s);
        let is_stuck = !covers_window && list.scan.stuck && !list.scan.may_recover;
        if !inconclusive.is_empty() || is_stuck {
            let is_running = inconclusive.iter().any(|job| job.is_running()) || inconclusive.is_empty();
            let shows_addresses = list.shows_addresses && !is_stuck;
            return Reconciled::Inconclusive { is_running, shows_addresses };
        }
        let reaches_back = list.oldest_s.is_some_and(|oldest_s| oldest_s < self.since_s);
        if covers_window { Reconciled::Absent { reaches_back } } else { Reconciled::NotRead }
    }
}
