//! Submitting the jobs of a call. An erasure is submitted at most once.
//!
//! A job of several requests that Qualtrics rejects is narrowed: two of its requests are tried alone. If Qualtrics rejects both with the
//! same code, the rejection does not depend on a request, and is returned for all. Otherwise the rest is halved until every request has
//! a result, or the call has made eight submissions for that. Requests that share an address are narrowed as if they were
//! one: no address is erased by two jobs at a time.

use super::grouping::{Cluster, Groups, merge};
use super::job_findings::shared_with;
use super::job_request::{JobRequest, outcome_unknown};
use super::reconciliation::{self, Attempted, MAX_LAG_S, Reconciled};
use super::separation::NEXT_TO_A_JOB_MS;
use super::submission::{self, Submission};
use crate::contract::{Attempts, Error, ErrorKind, Remedy, Right};
use crate::privacy::email::EmailAddress;
use crate::qualtrics::api::erasures::JobKind;
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::context::Context;
use crate::qualtrics::in_flight::{IMMEDIATE_MS, SOON_MS, no_time_left};
use crate::qualtrics::scopes::Scope;
use crate::qualtrics::ticket::SharedJob;

/// The most submissions with which one call narrows rejected jobs.
const MAX_NARROWING: u8 = 8;

/// A job that Qualtrics accepted for a request.
#[derive(Clone)]
pub struct Accepted {
    /// Its ID.
    pub id: String,
    /// For how many spellings of the request's addresses it was started; absent if it was found in the list.
    pub sent: Option<u64>,
    /// What it covers, if other requests share it.
    pub shared: Option<SharedJob>,
    /// When it was submitted, in seconds of the host's clock.
    pub submitted_at: u64,
}

/// Submits the jobs of a call, and returns a result for each request, in order.
///
/// If it is unknown whether Qualtrics accepted a job, it is looked for in Qualtrics' list, for each of its requests.
///
/// # Errors
/// For a request of an erasure `outcome-unknown`, if the list does not show its job. A search only reads and may be submitted again:
/// `unavailable`. Every other error proves that nothing was started for the request.
pub fn submit(
    context: &mut Context<'_>,
    kind: JobKind,
    requests: &[&[EmailAddress]],
    groups: &Groups,
) -> Vec<Result<Accepted, Error>> {
    let results = requests.iter().map(|_| None).collect();
    let mut submitter = Submitter { kind, requests, results, narrowing_left: MAX_NARROWING, stop: None };
    for (number, clusters) in groups.jobs.iter().enumerate() {
        if number > 0 && context.client.is_late() {
            submitter.stop.get_or_insert_with(no_time_left);
        }
        if submitter.submit(context, clusters) == Submitted::Rejected {
            submitter.narrow(context, clusters);
        }
    }
    submitter.set_all(&groups.postponed, &Err(postponed()));
    submitter.results.into_iter().map(|result| result.unwrap_or_else(|| Err(no_time_left()))).collect()
}

/// What became of a job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Submitted {
    /// Each of its requests has a result.
    Settled,
    /// Qualtrics rejected it, and it can be narrowed: its requests have no result.
    Rejected,
}

struct Submitter<'e> {
    kind: JobKind,
    /// The addresses of each request.
    requests: &'e [&'e [EmailAddress]],
    results: Vec<Option<Result<Accepted, Error>>>,
    narrowing_left: u8,
    /// Why nothing more is submitted.
    stop: Option<Error>,
}

impl Submitter<'_> {
    fn emails_of(&self, member: usize) -> &[EmailAddress] {
        self.requests.get(member).copied().unwrap_or_default()
    }

    fn set(&mut self, member: usize, result: Result<Accepted, Error>) {
        if let Some(slot) = self.results.get_mut(member) {
            *slot = Some(result);
        }
    }

    fn set_all(&mut self, members: &[usize], result: &Result<Accepted, Error>) {
        members.iter().for_each(|member| self.set(*member, result.clone()));
    }

    /// Submits one job.
    fn submit(&mut self, context: &mut Context<'_>, clusters: &[Cluster]) -> Submitted {
        let members = &clusters.concat();
        if let Some(stop) = self.stop.clone() {
            self.set_all(members, &Err(stop));
            return Submitted::Settled;
        }
        let emails = merge(members.iter().map(|member| self.emails_of(*member)));
        let started_at = context.client.now_s();
        let scopes = context.scopes(Right::Deletion);
        // If authentication fails, nothing was sent.
        if let Err(error) = context.client.sign_in(&scopes) {
            self.set_all(members, &Err(context.error(&error, Scope::Erasure)));
            return Submitted::Settled;
        }
        match submission::start(context, &JobRequest { emails: &emails, kind: self.kind }) {
            Ok(job) => self.accept(members, &job, &emails, context.client.now_s()),
            Err(error) if clusters.len() > 1 && is_rejection(&error) => return Submitted::Rejected,
            Err(error) if error.is_provably_not_started() => {
                let result = context.error(&error, Scope::Erasure);
                match error {
                    ApiError::ShareExhausted(_) => self.stop = Some(result.clone()),
                    ApiError::DeadlineExceeded => self.stop = Some(no_time_left()),
                    _ => {}
                }
                self.set_all(members, &Err(self.stop.clone().unwrap_or(result)));
            }
            Err(error) => self.reconcile(context, members, &error, started_at),
        }
        Submitted::Settled
    }

    fn accept(&mut self, members: &[usize], job: &Submission, emails: &[EmailAddress], submitted_at: u64) {
        let shared = job.shared(emails, members.len());
        for member in members {
            let sent = Some(job.sent(self.emails_of(*member)));
            self.set(*member, Ok(Accepted { id: job.id.clone(), sent, shared, submitted_at }));
        }
    }

    /// It is unknown whether Qualtrics accepted the job: the list may show it, for each request.
    fn reconcile(&mut self, context: &mut Context<'_>, members: &[usize], error: &ApiError, started_at: u64) {
        let attempts = Attempts { first_at: started_at, last_at: context.client.now_s() };
        let attempted: Vec<Attempted<'_>> = members
            .iter()
            .map(|member| Attempted { emails: self.requests.get(*member).copied().unwrap_or_default(), attempts })
            .collect();
        let found = reconciliation::find_in_list(context, self.kind, &attempted).unwrap_or_default();
        let unknown = Err(unknown(context, self.kind, error));
        self.set_all(members, &unknown);
        for (member, reconciled) in members.iter().zip(found) {
            if let Reconciled::Found(job) = reconciled {
                // It may be another one: that of an administrator, or of a call that runs at the same time.
                let shared = shared_with(self.emails_of(*member), &job);
                let submitted_at = attempts.last_at;
                self.set(*member, Ok(Accepted { id: job.id.clone(), sent: None, shared, submitted_at }));
            }
        }
    }

    /// Finds the requests for which Qualtrics rejected a job.
    fn narrow(&mut self, context: &mut Context<'_>, clusters: &[Cluster]) {
        let [first, rest @ .., last] = clusters else { return };
        self.submit_part(context, std::slice::from_ref(first));
        self.submit_part(context, std::slice::from_ref(last));
        if let Some(error) = self.common_rejection(first, last) {
            // A request has no use for the ID of another one's call.
            self.set_all(&rest.concat(), &Err(Error { vendor_request_id: None, ..error }));
            return;
        }
        // The halves of a half come first, so that each call starts some of the requests.
        let mut open: Vec<Vec<Cluster>> = halves(rest);
        while let Some(part) = open.pop() {
            if self.submit_part(context, &part) == Submitted::Rejected {
                open.extend(halves(&part));
            }
        }
    }

    /// The rejection of two jobs, if it does not depend on their requests: Qualtrics gives the same code for both.
    fn common_rejection(&self, one: &Cluster, other: &Cluster) -> Option<Error> {
        let error_of = |cluster: &Cluster| self.results.get(*cluster.first()?)?.as_ref()?.as_ref().err();
        let (one, other) = (error_of(one)?, error_of(other)?);
        let is_same = matches!(one.http_status, Some(400 | 413 | 422))
            && one.vendor_code.is_some()
            && (one.http_status, &one.vendor_code) == (other.http_status, &other.vendor_code);
        is_same.then(|| one.clone())
    }

    /// Submits a part of a rejected job, if the call may make another submission.
    fn submit_part(&mut self, context: &mut Context<'_>, part: &[Cluster]) -> Submitted {
        let members = part.concat();
        let calls = submission::most_calls(&merge(members.iter().map(|member| self.emails_of(*member))));
        let left = self.narrowing_left.checked_sub(calls);
        match left.filter(|_| self.stop.is_none() && !context.client.is_late()) {
            Some(left) => {
                self.narrowing_left = left;
                self.submit(context, part)
            }
            None => {
                self.set_all(&members, &Err(narrowing()));
                Submitted::Settled
            }
        }
    }
}

/// Whether Qualtrics itself rejects the content of a job.
fn is_rejection(error: &ApiError) -> bool {
    matches!(error.own_status(), Some(400 | 413 | 422)) && error.is_provably_not_started()
}

/// The two halves of a job, the first one last; none if it is empty.
fn halves(clusters: &[Cluster]) -> Vec<Vec<Cluster>> {
    let (one, other) = clusters.split_at(clusters.len().div_ceil(2));
    [other, one].into_iter().filter(|half| !half.is_empty()).map(<[Cluster]>::to_vec).collect()
}

/// It is unknown whether Qualtrics accepted the job. What is known of the response is passed on, as codes.
fn unknown(context: &Context<'_>, kind: JobKind, error: &ApiError) -> Error {
    let cause = context.error(error, Scope::Erasure);
    let unknown = if kind == JobKind::Search {
        let message =
            "It is unknown whether Qualtrics started the search, which changes nothing: start the request again.";
        Error::new(ErrorKind::Unavailable, Remedy::Retry(SOON_MS), message)
    } else {
        outcome_unknown(MAX_LAG_S.saturating_mul(1_000))
    };
    let problems = cause.problems.into_iter().filter(|problem| problem.code == "proxy").collect();
    Error {
        problems,
        http_status: cause.http_status,
        vendor_code: cause.vendor_code,
        vendor_request_id: cause.vendor_request_id,
        ..unknown
    }
}

fn postponed() -> Error {
    let message = "The request shares an address with other requests of the call, which fill a job: nothing was started for it. Start it \
                   again once the others have ended.";
    Error::new(ErrorKind::RateLimited, Remedy::Retry(NEXT_TO_A_JOB_MS), message)
}

fn narrowing() -> Error {
    let message = "Qualtrics rejected the job that this request shared with others, and nothing was started for it: repeat all requests \
                   with this problem in one call, without other requests.";
    Error::new(ErrorKind::RateLimited, Remedy::Retry(IMMEDIATE_MS), message).with_problem(
        "narrowing",
        "group-size",
        &[Right::Deletion],
    )
}
