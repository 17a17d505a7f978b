//! A host that deletes several requests in one call, and applies the remedies of each.

use std::time::Duration;

use privacy_host::contract::{
    Attempts, DeletionMode, Error, ErrorKind, Pending, Progress, Remedy, Report, Request, Task,
};

use crate::fixture::{Fixture, without_leaks};

/// A request without a final result after this many rounds fails the test.
const MAX_ROUNDS: usize = 400;

/// How the host passes the open requests to `delete` again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// All in one call.
    Together,
    /// Each in a call of its own.
    Alone,
    /// In calls of so many, in reverse order.
    Regrouped(usize),
}

/// A request, and how far it is.
pub struct Followed {
    pub request: Request,
    ticket: Option<String>,
    due_ms: u64,
    pub result: Option<Result<Report, Error>>,
    /// Every error.
    pub errors: Vec<ErrorKind>,
}

pub struct GroupHost<'f> {
    pub fixture: &'f mut Fixture,
    pub mode: DeletionMode,
    pub retry: Retry,
    pub requests: Vec<Followed>,
    pub polls: usize,
}

impl<'f> GroupHost<'f> {
    pub fn new(fixture: &'f mut Fixture, mode: DeletionMode, retry: Retry, requests: Vec<Request>) -> Self {
        let followed = |request| Followed { request, ticket: None, due_ms: 0, result: None, errors: Vec::new() };
        Self { fixture, mode, retry, requests: requests.into_iter().map(followed).collect(), polls: 0 }
    }

    /// Runs all requests to their ends. A request that only an operator can settle ends with its error.
    pub async fn run(&mut self) {
        let mut is_first = true;
        for _ in 0..MAX_ROUNDS {
            let now_ms = self.now_ms();
            let is_due = |one: &Followed| one.result.is_none() && one.due_ms <= now_ms;
            let start: Vec<usize> = self.positions(|one| is_due(one) && one.ticket.is_none());
            let poll: Vec<usize> = self.positions(|one| is_due(one) && one.ticket.is_some());
            let calls = if is_first { vec![start] } else { self.calls(start) };
            is_first = false;
            for call in calls {
                self.start(&call).await;
            }
            if !poll.is_empty() {
                self.poll(&poll).await;
            }
            let open = self.requests.iter().filter(|one| one.result.is_none());
            // Requests that are due soon are polled together.
            let Some(next_ms) = open.map(|one| one.due_ms).min() else { return };
            let wait_ms = next_ms.saturating_sub(self.now_ms()).max(1_000);
            self.fixture.advance(Duration::from_millis(wait_ms));
        }
        panic!("no end after {MAX_ROUNDS} rounds");
    }

    /// The reports, in order.
    pub fn reports(&self) -> Vec<&Report> {
        for one in &self.requests {
            if let Some(Err(error)) = &one.result {
                panic!("{error:?}");
            }
        }
        self.requests.iter().filter_map(|one| one.result.as_ref()?.as_ref().ok()).collect()
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.fixture.clock().since_epoch().as_millis()).expect("within the calendar")
    }

    fn positions(&self, is_wanted: impl Fn(&Followed) -> bool) -> Vec<usize> {
        (0..self.requests.len()).filter(|index| is_wanted(&self.requests[*index])).collect()
    }

    fn calls(&self, start: Vec<usize>) -> Vec<Vec<usize>> {
        match self.retry {
            _ if start.is_empty() => Vec::new(),
            Retry::Together => vec![start],
            Retry::Alone => start.into_iter().map(|one| vec![one]).collect(),
            Retry::Regrouped(size) => {
                let reversed: Vec<usize> = start.into_iter().rev().collect();
                reversed.chunks(size).map(<[usize]>::to_vec).collect()
            }
        }
    }

    async fn start(&mut self, positions: &[usize]) {
        self.fixture.renew_instance().await;
        let started_at = self.fixture.now();
        let requests: Vec<Request> = positions.iter().map(|one| self.requests[*one].request.clone()).collect();
        let results = self.fixture.instance.delete(&requests, self.mode).await.expect("a result");
        assert_eq!(results.len(), requests.len());
        for (position, result) in positions.iter().zip(results) {
            self.take(*position, result, started_at);
        }
    }

    async fn poll(&mut self, positions: &[usize]) {
        self.polls += 1;
        let task = |one: &usize| {
            let Followed { request, ticket, .. } = &self.requests[*one];
            Task::new(request.clone(), ticket.clone().expect("a ticket"))
        };
        let tasks: Vec<Task> = positions.iter().map(task).collect();
        let results = self.fixture.instance.poll(&tasks).await.expect("a result");
        let now_s = self.fixture.now();
        for (position, result) in positions.iter().zip(results) {
            assert!(!result.as_ref().is_err_and(|error| error.kind == ErrorKind::OutcomeUnknown), "a poll");
            self.take(*position, result, now_s);
        }
    }

    fn take(&mut self, position: usize, result: Result<Progress, Error>, started_at: u64) {
        let now_ms = self.now_ms();
        let one = &mut self.requests[position];
        match without_leaks(&one.request, result) {
            Ok(Progress::Done(report)) => one.result = Some(Ok(report)),
            Ok(Progress::Pending(Pending { ticket, poll_after_ms, .. })) => {
                assert!(poll_after_ms >= 1_000);
                one.ticket = Some(ticket);
                one.due_ms = now_ms + poll_after_ms;
            }
            Err(error) => {
                one.errors.push(error.kind);
                let is_unknown = error.kind == ErrorKind::OutcomeUnknown;
                if is_unknown || error.remedy == Remedy::Restart {
                    let first_at = one.request.attempts.as_ref().map_or(started_at, |attempts| attempts.first_at);
                    one.request.attempts = Some(Attempts { first_at, last_at: started_at });
                    one.ticket = None;
                }
                match error.remedy {
                    Remedy::Retry(ms) => one.due_ms = now_ms + ms,
                    Remedy::Restart => one.due_ms = now_ms,
                    Remedy::Operator | Remedy::GiveUp => one.result = Some(Err(error)),
                }
            }
        }
    }
}
