//! Starting and polling many requests.

use std::time::Duration;

use privacy_host::contract::{DeletionMode, Error, ErrorKind, Outcome, Pending, Progress, Remedy, Request, Task};
use qualtrics_simulator::{Brand, Person, SAMPLE_CUSTOMERS};

use crate::fixture::Fixture;

/// The address of a customer.
pub fn address(n: usize) -> String {
    format!("customer-{n:04}@example.org")
}

/// The sample brand with this many further customers.
pub fn brand_with_customers(customers: usize) -> Brand {
    (0..customers).fold(Brand::sample(), |brand, n| {
        brand.person(&Person::new("Cora", "Customer").email(&address(n)), &[SAMPLE_CUSTOMERS])
    })
}

/// The sample brand with this many further respondents.
pub fn brand_with_respondents(count: usize) -> Brand {
    (0..count).fold(Brand::sample(), |brand, n| {
        brand.person(&Person::new("Rita", "Respondent").email(&address(n)).responses(1), &[SAMPLE_CUSTOMERS])
    })
}

/// Starts requests as fast as the rate limits allow, and returns their tasks.
pub async fn start_all(fixture: &mut Fixture, requests: Vec<Request>, mode: Option<DeletionMode>) -> Vec<Task> {
    let mut tasks = Vec::new();
    for request in requests {
        let ticket = loop {
            let result = match mode {
                Some(mode) => fixture.delete(&request, mode).await,
                None => fixture.access(&request).await,
            };
            match result {
                Ok(Progress::Pending(pending)) => break pending.ticket,
                Err(Error { kind: ErrorKind::RateLimited, remedy: Remedy::Retry(ms), .. }) => {
                    fixture.advance(Duration::from_millis(ms));
                }
                other => panic!("not pending: {other:?}"),
            }
        };
        tasks.push(Task { request, ticket });
    }
    tasks
}

/// Polls tasks together.
pub async fn poll_all(fixture: &mut Fixture, tasks: &[Task]) -> Vec<Result<Progress, Error>> {
    fixture.instance.poll(tasks).await.expect("a result")
}

/// The tasks that are still open and the shortest delay before one of them may be polled. Outcomes of the others are added to `ended`.
pub fn still_open(
    tasks: Vec<Task>,
    results: Vec<Result<Progress, Error>>,
    ended: &mut Vec<Outcome>,
) -> (Vec<Task>, u64) {
    let mut wait = u64::MAX;
    let mut left = Vec::new();
    for (task, result) in tasks.into_iter().zip(results) {
        match result {
            Ok(Progress::Done(report)) => ended.push(report.outcome),
            Ok(Progress::Pending(Pending { ticket, poll_after_ms, .. })) => {
                wait = wait.min(poll_after_ms);
                left.push(Task { ticket, ..task });
            }
            Err(Error { remedy: Remedy::Retry(ms), .. }) => {
                wait = wait.min(ms);
                left.push(task);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    (left, wait)
}

/// A host that polls each request when it is due.
pub struct PollingHost {
    /// The open tasks, each with the simulated time in milliseconds at which it is due.
    pub open: Vec<(u64, Task)>,
    pub ended: Vec<Outcome>,
    /// How long the first due task waits for others to join its batch, in milliseconds.
    batch_ms: u64,
    pub polls: usize,
}

impl PollingHost {
    pub fn new(fixture: &Fixture, tasks: Vec<Task>, batch_ms: u64) -> Self {
        let now = now_ms(fixture);
        let open = tasks.into_iter().map(|task| (now, task)).collect();
        Self { open, ended: Vec::new(), batch_ms, polls: 0 }
    }

    /// Waits for a batch and polls its tasks together.
    pub async fn poll(&mut self, fixture: &mut Fixture) {
        let first = self.open.iter().map(|(due, _)| *due).min().expect("an open task");
        fixture.advance(Duration::from_millis((first + self.batch_ms).saturating_sub(now_ms(fixture))));
        let now = now_ms(fixture);
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.open).into_iter().partition(|(due, _)| *due <= now);
        self.open = later;
        let tasks: Vec<Task> = due.into_iter().map(|(_, task)| task).collect();
        let results = poll_all(fixture, &tasks).await;
        self.polls += 1;
        let now = now_ms(fixture);
        for (task, result) in tasks.into_iter().zip(results) {
            match result {
                Ok(Progress::Done(report)) => self.ended.push(report.outcome),
                Ok(Progress::Pending(Pending { ticket, poll_after_ms, .. })) => {
                    self.open.push((now + poll_after_ms, Task { ticket, ..task }));
                }
                Err(Error { remedy: Remedy::Retry(ms), .. }) => self.open.push((now + ms, task)),
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

/// The simulated time in milliseconds since the Unix epoch.
pub fn now_ms(fixture: &Fixture) -> u64 {
    u64::try_from(fixture.clock().since_epoch().as_millis()).expect("within the calendar")
}
