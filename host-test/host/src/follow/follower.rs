//! Makes the calls of several requests, each when it is due.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::entry::{Entry, Next, Operation, Transition};
use super::grouping::{clusters, is_narrowing, suspects, whole_groups};
use super::rules::{self, LOST_CALL_DELAY_MS, MAX_LOST_CALLS};
use crate::connector::{Connector, ConnectorError};
use crate::contract::{Error, Pending, Progress, Report, Request, Task};
use crate::error::HostError;
use crate::instance::{Instance, Results};

/// The tasks of one call of `poll`, unless a group has more. Documents of many requests could exceed the limits of an instance.
const MAX_TASKS: usize = 50;

/// An attempt is only started if its time was stored less than this long ago, in milliseconds. A connector concludes from the time of an
/// attempt since when the vendor must show its job.
const MAX_ATTEMPT_AGE_MS: u64 = 30_000;

/// What happened to a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The call that starts the request is about to be made.
    Starting,
    /// The request is in progress. It is polled at [`Entry::due_at_ms`].
    Pending(Pending),
    /// The final report. Save its documents, which [`Follower::instance`] reads, then call [`Follower::confirm`]. A report that is
    /// not confirmed is returned again.
    Reported(Box<Report>),
    /// The report was confirmed: [`Entry::end`] has the outcome.
    Completed,
    /// The report was confirmed. Its deletion failed or left data, perhaps because of other requests of the same job (`shared-job`): the
    /// request starts again, in a call of its own.
    Reopened,
    /// The call returned an error. It is repeated if the remedy says so; otherwise [`Entry::end`] has the error.
    Failed(Error),
    /// The call returned no result. It is repeated; after several such calls in a row, [`Entry::end`] has an error.
    Lost(HostError),
}

/// A change of a request. Store the entry before the next call of [`Follower::next`].
#[derive(Debug)]
pub struct Update<'f> {
    /// The state of the request.
    pub entry: &'f Entry,
    /// What happened.
    pub event: Event,
}

/// Follows requests to their end: starts each, polls when due, and repeats calls as their remedies say.
///
/// The program may stop at any point. [`Connector::resume`] continues from the stored entries, on any machine: nothing is started
/// twice, and a report that was not confirmed is returned again. See the [crate's example](crate#example).
///
/// Requests in progress come before new ones, because vendors do not keep jobs and files for long. A deletion waits until an access
/// request that shares an identifier has ended, with any outcome: a program that needs a complete copy first follows the deletion after
/// it has seen that outcome. Deletions of one mode start in one call, as many as `capability.group-size` says, and those of one
/// `pending.group` are polled in one call. Every other request is started by a call of its own.
///
/// With a simulated clock, the follower moves the clock instead of waiting.
pub struct Follower<'c> {
    connector: &'c Connector,
    /// Absent before the first call, and after a call without a result.
    instance: Option<Instance>,
    followed: Vec<Followed>,
    /// How many deletions start in one call.
    pub(super) group_size: usize,
    /// Indices of requests, and what happened to them.
    events: VecDeque<(usize, Event)>,
    /// The requests of the call in progress.
    in_call: Vec<usize>,
    /// The request whose report was returned last.
    reported: Option<usize>,
}

struct Followed {
    entry: Entry,
    /// The attempt whose event was returned, and whose call is next.
    attempt: Option<Attempt>,
    /// The entry as it will be once the returned report is confirmed.
    confirmed: Option<Entry>,
    lost_calls: u32,
    /// It belongs to a rejected job whose cause the connector narrows down.
    narrowing: bool,
    /// The access requests that a deletion waits for.
    held_by: Vec<usize>,
    /// The first request of the same operation that it is connected to by shared identifiers.
    cluster: usize,
}

/// An attempt that is about to be made.
struct Attempt {
    request: Request,
    recorded_at_ms: u64,
}

/// The next step of a follower.
enum Step {
    Start(Vec<usize>),
    Poll(Vec<usize>),
    Wait(u64),
    Finish,
}

impl Connector {
    /// Follows new requests to their end.
    pub fn follow(&self, operation: Operation, requests: impl IntoIterator<Item = Request>) -> Follower<'_> {
        self.resume(requests.into_iter().map(|request| Entry::new(request, operation)))
    }

    /// Follows requests from their stored state to their end.
    pub fn resume(&self, entries: impl IntoIterator<Item = Entry>) -> Follower<'_> {
        let entries: Vec<Entry> = entries.into_iter().collect();
        let held_by = rules::held_by(&entries);
        let clusters = clusters(&entries);
        let followed = entries.into_iter().zip(held_by).zip(clusters).map(|((entry, held_by), cluster)| Followed {
            entry,
            attempt: None,
            confirmed: None,
            lost_calls: 0,
            narrowing: false,
            held_by,
            cluster,
        });
        Follower {
            connector: self,
            instance: None,
            followed: followed.collect(),
            group_size: usize::try_from(self.group_size()).unwrap_or(usize::MAX),
            events: VecDeque::new(),
            in_call: Vec::new(),
            reported: None,
        }
    }
}

impl Follower<'_> {
    /// Waits for the next change of any request, and makes the calls that are due. `None` when every request
    /// has ended, or waits for an access request that ended with an error.
    ///
    /// If the future is dropped during a call, the call counts as lost: see [`Self::interrupt`].
    ///
    /// # Errors
    /// There is no instance to make calls with. The next call of this function tries again.
    pub async fn next(&mut self) -> Result<Option<Update<'_>>, ConnectorError> {
        self.interrupt();
        self.reopen_unconfirmed();
        loop {
            if let Some((index, event)) = self.events.pop_front() {
                self.reported = matches!(event, Event::Reported(_)).then_some(index);
                return Ok(Some(Update { entry: &self.followed[index].entry, event }));
            }
            match self.step() {
                Step::Finish => return Ok(None),
                Step::Wait(until_ms) => {
                    let delay = Duration::from_millis(until_ms.saturating_sub(self.now_ms()));
                    self.wait(delay).await;
                }
                Step::Start(indices) => self.start(indices).await?,
                Step::Poll(indices) => self.poll(indices).await?,
            }
        }
    }

    /// Records that the call in progress will not return, because the future of [`Self::next`] was dropped. Returns the changed
    /// entries; store them.
    pub fn interrupt(&mut self) -> Vec<&Entry> {
        let now_ms = self.now_ms();
        let interrupted = std::mem::take(&mut self.in_call);
        for &index in &interrupted {
            self.followed[index].entry.record_lost_call(now_ms, 0);
        }
        interrupted.into_iter().map(|index| &self.followed[index].entry).collect()
    }

    /// The instance that makes the calls: use it to read documents.
    ///
    /// # Errors
    /// As for [`Connector::instance`].
    pub async fn instance(&mut self) -> Result<&mut Instance, ConnectorError> {
        match &mut self.instance {
            Some(instance) if instance.is_usable() => {}
            instance => *instance = Some(self.connector.instance().await?),
        }
        self.instance.as_mut().ok_or(ConnectorError::Host(HostError::Spent))
    }

    /// Confirms that the documents of the last report are saved. The next call of [`Self::next`] returns [`Event::Completed`] or
    /// [`Event::Reopened`].
    pub fn confirm(&mut self) {
        let Some(index) = self.reported.take() else { return };
        let followed = &mut self.followed[index];
        if let Some(confirmed) = followed.confirmed.take() {
            followed.entry = confirmed;
            let event = if followed.entry.end().is_some() { Event::Completed } else { Event::Reopened };
            self.events.push_front((index, event));
        }
    }

    /// Records an error of reading the documents of the last report, in place of [`Self::confirm`]. The next call of
    /// [`Self::next`] returns the error as an event; the request is polled again if the remedy says so.
    pub fn fail(&mut self, error: Error) {
        let now_ms = self.now_ms();
        if let Some(index) = self.reported.take() {
            let followed = &mut self.followed[index];
            followed.confirmed = None;
            followed.entry.record_error(error.clone(), now_ms);
            followed.entry.postpone(now_ms);
            self.events.push_front((index, Event::Failed(error)));
        }
    }

    /// Records that reading the documents of the last report returned no result, in place of [`Self::confirm`]. The next call of
    /// [`Self::next`] returns [`Event::Lost`].
    pub fn lose(&mut self, error: HostError) {
        let now_ms = self.now_ms();
        if let Some(index) = self.reported.take() {
            let followed = &mut self.followed[index];
            followed.confirmed = None;
            followed.record_lost_call(&error, now_ms);
            self.events.push_front((index, Event::Lost(error)));
        }
    }

    /// The entries of all requests.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.followed.iter().map(|followed| &followed.entry)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.connector.clock().since_epoch().as_millis()).unwrap_or(u64::MAX)
    }

    async fn wait(&self, delay: Duration) {
        let clock = self.connector.clock();
        if clock.is_simulated() {
            clock.advance(delay);
        } else {
            tokio::time::sleep(clock.in_real_time(delay)).await;
        }
    }

    /// A report that was returned and not confirmed is requested again, after a while.
    fn reopen_unconfirmed(&mut self) {
        let now_ms = self.now_ms();
        if let Some(index) = self.reported.take() {
            let followed = &mut self.followed[index];
            followed.confirmed = None;
            followed.entry.postpone(now_ms);
        }
    }

    fn step(&self) -> Step {
        let now_ms = self.now_ms();
        // The time of a stored attempt must not grow old before its call.
        let attempts: Vec<usize> =
            (0..self.followed.len()).filter(|index| self.followed[*index].attempt.is_some()).collect();
        if !attempts.is_empty() {
            return Step::Start(attempts);
        }
        let (mut polls, mut single, mut starts, mut earliest) = (Vec::new(), None, Vec::new(), None);
        for (index, followed) in self.followed.iter().enumerate() {
            let next = followed.entry.next();
            if next == Next::Nothing || self.is_held(index) {
                continue;
            }
            let due_at_ms = followed.entry.due_at_ms();
            if !rules::is_due(due_at_ms, now_ms) {
                earliest = Some(earliest.map_or(due_at_ms, |at: u64| at.min(due_at_ms)));
            } else if next == Next::Start {
                starts.push(index);
            } else if followed.lost_calls > 0 {
                // Its tickets may be what the connector cannot cope with.
                single = single.or(Some(index));
            } else {
                polls.push(index);
            }
        }
        if !polls.is_empty() {
            let polls = self.with_distinct_ids(polls);
            let group = |index: usize| self.followed[index].entry.group().map(str::to_owned);
            return Step::Poll(whole_groups(polls, MAX_TASKS, group));
        }
        match (single, starts.first(), earliest) {
            (Some(index), ..) => Step::Poll(vec![index]),
            (None, Some(&first), _) => Step::Start(self.group(first, &starts)),
            (None, None, Some(until_ms)) => Step::Wait(until_ms),
            (None, None, None) => Step::Finish,
        }
    }

    /// The requests that start in one call with the first one, out of those that are due.
    fn group(&self, first: usize, due: &[usize]) -> Vec<usize> {
        let operation = self.followed[first].entry.operation();
        if !matches!(operation, Operation::Deletion(_)) {
            return vec![first];
        }
        let of_mode = due.iter().copied().filter(|index| self.followed[*index].entry.operation() == operation);
        let of_mode = self.with_distinct_ids(of_mode);
        let narrowing: Vec<usize> = of_mode.iter().copied().filter(|index| self.followed[*index].narrowing).collect();
        if !narrowing.is_empty() {
            return narrowing;
        }
        let lost = suspects(&of_mode, self.group_size, |index| self.followed[index].lost_calls);
        if !lost.is_empty() {
            return lost;
        }
        if let Some(alone) = of_mode.iter().copied().find(|index| self.followed[*index].entry.is_alone()) {
            return vec![alone];
        }
        whole_groups(of_mode, self.group_size, |index| Some(self.followed[index].cluster))
    }

    /// Whether a request waits for an access request that shares an identifier: its data must be collected before it is deleted.
    fn is_held(&self, index: usize) -> bool {
        let Followed { entry, held_by, .. } = &self.followed[index];
        entry.ticket().is_none() && held_by.iter().any(|&access| self.followed[access].entry.is_open())
    }

    /// The requests whose ID no earlier one has: a call with the same ID twice is invalid.
    fn with_distinct_ids(&self, indices: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut ids = BTreeSet::new();
        indices.into_iter().filter(|index| ids.insert(self.followed[*index].entry.request_id())).collect()
    }

    /// The first step returns [`Event::Starting`] for each request, so that the attempts are stored; the second makes the call. An
    /// attempt that has grown old meanwhile is left to another call.
    async fn start(&mut self, indices: Vec<usize>) -> Result<(), ConnectorError> {
        // Without an instance there is no attempt.
        self.instance().await?;
        let now_ms = self.now_ms();
        let mut requests = Vec::with_capacity(indices.len());
        for &index in &indices {
            let attempt = self.followed[index].attempt.take();
            let is_fresh = |attempt: &Attempt| now_ms.saturating_sub(attempt.recorded_at_ms) <= MAX_ATTEMPT_AGE_MS;
            requests.extend(attempt.filter(is_fresh).map(|attempt| (index, attempt.request)));
        }
        if requests.is_empty() {
            self.record_attempts(indices, now_ms);
            return Ok(());
        }
        let (late, requests): (Vec<_>, Vec<_>) =
            requests.into_iter().partition(|(_, request)| rules::is_from_the_future(request, now_ms));
        for (index, _) in late {
            let error = rules::clock_was_set_back();
            self.followed[index].entry.record_error(error.clone(), now_ms);
            self.events.push_back((index, Event::Failed(error)));
        }
        let (indices, requests): (Vec<usize>, Vec<Request>) = requests.into_iter().unzip();
        let (Some(&first), Some(instance)) = (indices.first(), &mut self.instance) else { return Ok(()) };
        let operation = self.followed[first].entry.operation();
        self.in_call = indices;
        let results = rules::start(instance, operation, &requests).await;
        self.record(results);
        Ok(())
    }

    fn record_attempts(&mut self, indices: Vec<usize>, now_ms: u64) {
        for index in indices {
            let followed = &mut self.followed[index];
            let request = followed.entry.start_attempt(now_ms / 1_000);
            followed.attempt = Some(Attempt { request, recorded_at_ms: now_ms });
            self.events.push_back((index, Event::Starting));
        }
    }

    async fn poll(&mut self, indices: Vec<usize>) -> Result<(), ConnectorError> {
        self.instance().await?;
        let task = |index: &usize| match self.followed[*index].entry.next() {
            Next::Poll(task) => Some(task),
            Next::Start | Next::Nothing => None,
        };
        let tasks: Vec<Task> = indices.iter().filter_map(task).collect();
        self.in_call = indices;
        let Some(instance) = &mut self.instance else { return Ok(()) };
        let results = instance.poll(&tasks).await;
        self.record(results);
        Ok(())
    }

    fn record(&mut self, results: Result<Results, HostError>) {
        let now_ms = self.now_ms();
        let called = std::mem::take(&mut self.in_call);
        match results {
            Ok(results) => {
                for (index, result) in called.into_iter().zip(results) {
                    let event = self.followed[index].record_result(result, now_ms);
                    self.events.push_back((index, event));
                }
            }
            Err(error) => {
                self.instance = None;
                for index in called {
                    self.followed[index].record_lost_call(&error, now_ms);
                    self.events.push_back((index, Event::Lost(error.clone())));
                }
            }
        }
    }
}

impl Followed {
    fn record_result(&mut self, result: Result<Progress, Error>, now_ms: u64) -> Event {
        self.lost_calls = 0;
        self.narrowing = result.as_ref().is_err_and(is_narrowing);
        let event = match &result {
            Ok(Progress::Pending(pending)) => Event::Pending(pending.clone()),
            Ok(Progress::Done(report)) => Event::Reported(Box::new(report.clone())),
            Err(error) => Event::Failed(error.clone()),
        };
        let transition = self.entry.record_result(result, now_ms);
        // Whatever delay the connector asks for, it cannot cause a busy loop.
        self.entry.postpone(now_ms);
        if let Transition::Reported(report) = transition {
            let mut confirmed = self.entry.clone();
            confirmed.complete(&report);
            self.confirmed = Some(confirmed);
        }
        event
    }

    fn record_lost_call(&mut self, error: &HostError, now_ms: u64) {
        self.lost_calls += 1;
        self.entry.record_lost_call(now_ms, LOST_CALL_DELAY_MS);
        if self.lost_calls >= MAX_LOST_CALLS {
            let error = rules::lost_call_error(&self.entry, error);
            self.entry.record_error(error, now_ms);
        }
    }
}
