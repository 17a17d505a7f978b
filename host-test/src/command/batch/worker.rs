//! The workers of a batch. Each has an instance of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host_test::journal::{Journal, JournalError};
use privacy_host::Entry;
use privacy_host::contract::{Error, ErrorKind, Progress, Report, Task};
use privacy_host::follow::{LOST_CALL_DELAY_MS, MAX_LOST_CALLS, Next, Transition, lost_call_error, start};
use privacy_host::{Connector, HostError, Instance};
use tokio::sync::Notify;

use super::super::errors::{Cause, CommandError};
use super::super::save;
use super::progress::ProgressDisplay;
use super::schedule::{Action, CallEffect, Schedule};

/// How long a worker waits when there is nothing to do until another worker returns a request.
const IDLE_WAIT: Duration = Duration::from_secs(3_600);

/// What all workers share.
pub(super) struct Workers {
    pub(super) connector: Connector,
    pub(super) journal: Journal,
    pub(super) display: ProgressDisplay,
    schedule: Mutex<Schedule>,
    /// A request was returned, or all workers are to stop.
    changed: Notify,
    stopping: AtomicBool,
    unauthorized: AtomicBool,
}

/// Whether the instance of a worker can be used for another call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InstanceState {
    Usable,
    Spent,
}

impl Workers {
    pub(super) fn new(connector: Connector, journal: Journal, schedule: Schedule, display: ProgressDisplay) -> Self {
        Self {
            connector,
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
        let mut instance = self.connector.instance().await?;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Before the schedule is asked, so that no change between the two is missed.
            changed.as_mut().enable();
            if self.stopping.load(Ordering::SeqCst) {
                return Ok(());
            }
            let action = self.schedule().next(self.now_ms());
            let state = match action {
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
                    continue;
                }
                Action::Start(index, entry) => self.start(&mut instance, index, *entry).await?,
                Action::Poll(entries) => self.poll(&mut instance, entries).await?,
            };
            if state == InstanceState::Spent {
                instance = self.connector.instance().await?;
            }
        }
    }

    /// `access`, `delete` or `opt-out`, for one request. Its attempt is stored before the call.
    async fn start(
        &self,
        instance: &mut Instance,
        index: usize,
        mut entry: Entry,
    ) -> Result<InstanceState, CommandError> {
        let request = entry.start_attempt(self.now_ms() / 1_000);
        self.store([&entry])?;
        let results = start(instance, entry.operation(), &[request]).await;
        self.record(instance, vec![(index, entry)], results).await
    }

    /// One `poll` for all of these requests.
    async fn poll(&self, instance: &mut Instance, entries: Vec<(usize, Entry)>) -> Result<InstanceState, CommandError> {
        let tasks: Vec<Task> = entries
            .iter()
            .filter_map(|(_, entry)| match entry.next() {
                Next::Poll(task) => Some(task),
                Next::Start | Next::Nothing => None,
            })
            .collect();
        let results = instance.poll(&tasks).await;
        self.record(instance, entries, results).await
    }

    /// Records the results of a call, and saves the documents of reports.
    async fn record(
        &self,
        instance: &mut Instance,
        mut entries: Vec<(usize, Entry)>,
        results: Result<Vec<Result<Progress, Error>>, HostError>,
    ) -> Result<InstanceState, CommandError> {
        let results = match results {
            Ok(results) => results,
            Err(error) => {
                for (index, entry) in entries {
                    self.record_lost_call(index, entry, &error)?;
                }
                return Ok(InstanceState::Spent);
            }
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
        let mut reported = Vec::new();
        for ((index, entry), (transition, effect)) in entries.into_iter().zip(transitions) {
            match transition {
                Transition::Reported(report) => reported.push((index, entry, report)),
                Transition::Waiting | Transition::Failed => self.put_back(index, entry, &effect),
            }
        }
        let mut state = InstanceState::Usable;
        for (index, entry, report) in reported {
            if self.complete(instance, index, entry, &report).await? == InstanceState::Spent {
                state = InstanceState::Spent;
            }
        }
        Ok(state)
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

    /// Saves the documents of a report. Only then the request has ended.
    async fn complete(
        &self,
        instance: &mut Instance,
        index: usize,
        mut entry: Entry,
        report: &Report,
    ) -> Result<InstanceState, CommandError> {
        if let Some(directory) = &entry.directory
            && let Err(error) = save::save(instance, self.connector.clock(), report, directory).await
        {
            match error.into_cause() {
                Cause::Connector(error) => {
                    let result = Err(*error);
                    self.inform(&entry, &result);
                    let effect = CallEffect::of(&result);
                    if let Err(error) = result {
                        entry.record_error(error, self.now_ms());
                    }
                    self.store([&entry])?;
                    self.put_back(index, entry, &effect);
                    return Ok(InstanceState::Usable);
                }
                Cause::Host(error) => {
                    self.record_lost_call(index, entry, &error)?;
                    return Ok(InstanceState::Spent);
                }
                Cause::Local(exit, message) => return Err(CommandError::local(exit, message)),
            }
        }
        entry.complete(report);
        self.store([&entry])?;
        self.put_back(index, entry, &CallEffect::Completed);
        Ok(InstanceState::Usable)
    }

    /// A call without a result is repeated, a few times.
    fn record_lost_call(&self, index: usize, mut entry: Entry, error: &HostError) -> Result<(), CommandError> {
        self.display.throttled_message(&error.to_string());
        entry.record_lost_call(self.now_ms(), LOST_CALL_DELAY_MS);
        if self.schedule().items()[index].lost_calls + 1 >= MAX_LOST_CALLS {
            let error = lost_call_error(&entry, error);
            entry.record_error(error, self.now_ms());
        }
        self.store([&entry])?;
        self.put_back(index, entry, &CallEffect::Lost);
        Ok(())
    }

    fn store<'e>(&self, entries: impl IntoIterator<Item = &'e Entry>) -> Result<(), JournalError> {
        tokio::task::block_in_place(|| self.journal.put(entries))
    }

    fn put_back(&self, index: usize, entry: Entry, effect: &CallEffect) {
        let now_ms = self.now_ms();
        let mut schedule = self.schedule();
        schedule.put_back(index, entry, now_ms, effect);
        self.display.update(&schedule, index);
        drop(schedule);
        self.changed.notify_waiters();
    }
}
