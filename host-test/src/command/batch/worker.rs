//! The workers of a batch.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host_test::journal::{Journal, JournalError};
use host_test::schedule::{Action, CallEffect, Schedule};
use privacy_host::contract::{Error, ErrorKind, Progress, Report, Request, Right, Task};
use privacy_host::follow::{LOST_CALL_DELAY_MS, MAX_LOST_CALLS, Next, Transition, lost_call_error, start};
use privacy_host::{Connector, Entry, HostError, Instance, Operation};
use tokio::sync::Notify;

use super::super::errors::{Cause, CommandError};
use super::super::evidence::EvidenceSource;
use super::super::save;
use super::progress::ProgressDisplay;

/// How long a worker waits when there is nothing to do until another worker returns a request.
const IDLE_WAIT: Duration = Duration::from_secs(3_600);

/// What all workers share.
pub(super) struct Workers {
    pub(super) connector: Connector,
    evidence: EvidenceSource,
    pub(super) journal: Journal,
    pub(super) display: ProgressDisplay,
    schedule: Mutex<Schedule>,
    /// The instance for deletions, which have one call in progress at a time. It knows all calls that they made, and names exact delays.
    deletions: tokio::sync::Mutex<Slot>,
    /// A request was returned, or all workers are to stop.
    changed: Notify,
    stopping: AtomicBool,
    unauthorized: AtomicBool,
}

/// An instance, which is replaced after a call without a result.
struct Slot {
    connector: Connector,
    instance: Option<Instance>,
}

impl Slot {
    fn new(connector: &Connector) -> Self {
        Self { connector: connector.clone(), instance: None }
    }

    async fn instance(&mut self) -> Result<&mut Instance, CommandError> {
        let usable = self.instance.take().filter(Instance::is_usable);
        let instance = match usable {
            Some(instance) => instance,
            None => self.connector.instance().await?,
        };
        Ok(self.instance.insert(instance))
    }
}

impl Workers {
    pub(super) fn new(
        evidence: EvidenceSource,
        journal: Journal,
        schedule: Schedule,
        display: ProgressDisplay,
    ) -> Self {
        Self {
            deletions: tokio::sync::Mutex::new(Slot::new(&evidence.connector)),
            connector: evidence.connector.clone(),
            evidence,
            journal,
            display,
            schedule: Mutex::new(schedule),
            changed: Notify::new(),
            stopping: AtomicBool::new(false),
            unauthorized: AtomicBool::new(false),
        }
    }

    pub(super) fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the calls in progress end, and makes no other.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Whether the workers stopped because the vendor rejects the credentials.
    pub(super) fn is_unauthorized(&self) -> bool {
        self.unauthorized.load(Ordering::SeqCst)
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.connector.clock().since_epoch().as_millis()).unwrap_or(u64::MAX)
    }

    /// One worker: makes calls until no call is left.
    ///
    /// # Errors
    /// Errors that concern the whole batch: the journal or the directory for documents cannot be written, the settings are
    /// invalid.
    pub(super) async fn work(&self) -> Result<(), CommandError> {
        let mut own = Slot::new(&self.connector);
        own.instance().await?;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Before the schedule is asked, so that no change between the two is missed.
            changed.as_mut().enable();
            if self.stopping.load(Ordering::SeqCst) {
                return Ok(());
            }
            let action = self.schedule().next(self.now_ms());
            match action {
                Action::Finish => {
                    // The other workers may be waiting for a change.
                    self.changed.notify_waiters();
                    return Ok(());
                }
                Action::Wait(until_ms) => {
                    let wait = until_ms.map(|until| Duration::from_millis(until.saturating_sub(self.now_ms()).max(1)));
                    let wait = self.connector.clock().in_real_time(wait.unwrap_or(IDLE_WAIT));
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = &mut changed => {}
                    }
                }
                Action::Start(operation @ Operation::Deletion(_), entries) => {
                    self.start(&mut *self.deletions.lock().await, operation, entries).await?;
                }
                Action::Start(operation, entries) => self.start(&mut own, operation, entries).await?,
                Action::Poll(Right::Deletion, entries) => {
                    self.poll(&mut *self.deletions.lock().await, entries).await?;
                }
                Action::Poll(_, entries) => self.poll(&mut own, entries).await?,
            }
        }
    }

    /// `access`, `delete` or `opt-out`. The attempts are stored before the call.
    async fn start(
        &self,
        slot: &mut Slot,
        operation: Operation,
        mut entries: Vec<(usize, Entry)>,
    ) -> Result<(), CommandError> {
        // Without an instance there is no attempt.
        let instance = slot.instance().await?;
        let now_s = self.now_ms() / 1_000;
        let requests: Vec<Request> = entries.iter_mut().map(|(_, entry)| entry.start_attempt(now_s)).collect();
        self.store(entries.iter().map(|(_, entry)| entry))?;
        let results = start(instance, operation, &requests).await;
        self.record(slot, entries, results).await
    }

    /// One `poll` for all of these requests.
    async fn poll(&self, slot: &mut Slot, entries: Vec<(usize, Entry)>) -> Result<(), CommandError> {
        let tasks: Vec<Task> = entries
            .iter()
            .filter_map(|(_, entry)| match entry.next() {
                Next::Poll(task) => Some(task),
                Next::Start | Next::Nothing => None,
            })
            .collect();
        let results = slot.instance().await?.poll(&tasks).await;
        self.record(slot, entries, results).await
    }

    /// Records the results of a call, and saves the documents of reports.
    async fn record(
        &self,
        slot: &mut Slot,
        mut entries: Vec<(usize, Entry)>,
        results: Result<Vec<Result<Progress, Error>>, HostError>,
    ) -> Result<(), CommandError> {
        let results = match results {
            Ok(results) => results,
            Err(error) => return self.record_lost_call(entries, &error),
        };
        let now_ms = self.now_ms();
        let mut transitions = Vec::with_capacity(results.len());
        for ((_, entry), result) in entries.iter_mut().zip(results) {
            self.inform(entry, &result);
            let effect = CallEffect::of(&result);
            transitions.push((entry.record_result(result, now_ms), effect));
        }
        // Before any document is read, because that may take long.
        self.store(entries.iter().map(|(_, entry)| entry))?;
        let (mut reported, mut others) = (Vec::new(), Vec::new());
        for ((index, entry), (transition, effect)) in entries.into_iter().zip(transitions) {
            match transition {
                Transition::Reported(report) => reported.push((index, entry, report)),
                Transition::Waiting | Transition::Failed => others.push((index, entry, effect)),
            }
        }
        self.put_back(others);
        self.complete(slot, reported).await
    }

    /// Shows what an operator has to know. Rejected credentials stop the batch: every other call would fail in the same way.
    fn inform(&self, entry: &Entry, result: &Result<Progress, Error>) {
        match result {
            Ok(Progress::Pending(pending)) => {
                if let Some(attention) = &pending.attention {
                    self.display.throttled_message(&format!("{}: {}", entry.request_id(), attention.message));
                }
            }
            Ok(Progress::Done(_)) => {}
            Err(error) if error.kind == ErrorKind::Unauthorized => {
                self.display.throttled_message(&format!("{} No further request is started.", error.message));
                self.unauthorized.store(true, Ordering::SeqCst);
                self.stop();
            }
            Err(error) if error.kind == ErrorKind::RateLimited => {}
            Err(error) => self.display.throttled_message(&error.message),
        }
    }

    /// Saves the documents of reports. Only then the requests have ended.
    async fn complete(&self, slot: &mut Slot, reported: Vec<(usize, Entry, Box<Report>)>) -> Result<(), CommandError> {
        let mut ended = Vec::with_capacity(reported.len());
        for (index, mut entry, report) in reported {
            match self.save(slot, &entry, &report).await? {
                Ok(()) => {
                    entry.complete(&report);
                    if entry.end().is_none() {
                        self.display.message(&format!(
                            "{}: {}, perhaps because of other requests of the same job (`shared-job`). The request starts again in a \
                             job of its own.",
                            entry.request_id(),
                            report.outcome
                        ));
                    }
                    ended.push((index, entry, CallEffect::Completed));
                }
                Err(Ok(error)) => {
                    let result = Err(error);
                    self.inform(&entry, &result);
                    let effect = CallEffect::of(&result);
                    if let Err(error) = result {
                        entry.record_error(error, self.now_ms());
                    }
                    ended.push((index, entry, effect));
                }
                Err(Err(error)) => self.record_lost_call(vec![(index, entry)], &error)?,
            }
        }
        self.store(ended.iter().map(|(_, entry, _)| entry))?;
        self.put_back(ended);
        Ok(())
    }

    /// Saves the documents of a report. The inner error is the connector's own, or that of the host.
    async fn save(
        &self,
        slot: &mut Slot,
        entry: &Entry,
        report: &Report,
    ) -> Result<Result<(), Result<Error, HostError>>, CommandError> {
        let Some(directory) = &entry.directory else { return Ok(Ok(())) };
        let saved = save::save(slot.instance().await?, &self.evidence, entry, report, directory).await;
        Ok(match saved.map_err(CommandError::into_cause) {
            Ok(()) => Ok(()),
            Err(Cause::Connector(error)) => Err(Ok(*error)),
            Err(Cause::Host(error)) => Err(Err(error)),
            Err(Cause::Local(exit, message)) => return Err(CommandError::local(exit, message)),
        })
    }

    /// A call without a result is repeated, a few times.
    fn record_lost_call(&self, mut entries: Vec<(usize, Entry)>, error: &HostError) -> Result<(), CommandError> {
        self.display.throttled_message(&error.to_string());
        let now_ms = self.now_ms();
        for (index, entry) in &mut entries {
            entry.record_lost_call(now_ms, LOST_CALL_DELAY_MS);
            if self.schedule().items()[*index].lost_calls + 1 >= MAX_LOST_CALLS {
                let error = lost_call_error(entry, error);
                entry.record_error(error, now_ms);
            }
        }
        self.store(entries.iter().map(|(_, entry)| entry))?;
        self.put_back(entries.into_iter().map(|(index, entry)| (index, entry, CallEffect::Lost)).collect());
        Ok(())
    }

    fn store<'e>(&self, entries: impl IntoIterator<Item = &'e Entry>) -> Result<(), JournalError> {
        tokio::task::block_in_place(|| self.journal.put(entries))
    }

    fn put_back(&self, requests: Vec<(usize, Entry, CallEffect)>) {
        let indices: Vec<usize> = requests.iter().map(|(index, ..)| *index).collect();
        let mut schedule = self.schedule();
        schedule.put_back(requests, self.now_ms());
        indices.into_iter().for_each(|index| self.display.update(&schedule, index));
        drop(schedule);
        self.changed.notify_waiters();
    }
}
