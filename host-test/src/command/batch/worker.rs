//! Those who make the calls of a batch, each with an instance of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host_test::host::contract::{Error, ErrorKind, Progress as Answer, Remedy, Report, Task};
use host_test::host::{HostError, Instance};
use host_test::journal::{Aim, Entry, Journal, JournalError, Next, Turn};
use tokio::sync::Notify;

use super::super::connection::Connector;
use super::super::save;
use super::super::trouble::{Cause, Trouble};
use super::board::{Board, Call, Job};
use super::progress::Progress;

/// After a call without an answer, in milliseconds.
const UNANSWERED_MS: u64 = 30_000;
/// So many calls in a row without an answer, and a person has to look into it.
const MOST_UNANSWERED: u32 = 5;

/// What all workers share.
pub(super) struct Crew {
    pub(super) connector: Connector,
    pub(super) journal: Journal,
    pub(super) progress: Progress,
    board: Mutex<Board>,
    /// Something was given back, or all are to stop.
    changed: Notify,
    stopping: AtomicBool,
    refused: AtomicBool,
}

impl Crew {
    pub(super) fn new(connector: Connector, journal: Journal, board: Board, progress: Progress) -> Self {
        let (changed, stopping, refused) = (Notify::new(), AtomicBool::new(false), AtomicBool::new(false));
        Self { connector, journal, progress, board: Mutex::new(board), changed, stopping, refused }
    }

    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the calls end that are under way, and begins no other.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Whether it stopped because the vendor does not accept the credentials.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::SeqCst)
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.connector.clock().since_epoch().as_millis()).unwrap_or(u64::MAX)
    }

    /// Makes calls until there are none to be made.
    ///
    /// # Errors
    /// What concerns the whole batch: the journal or the directory for documents cannot be written, the settings are refused.
    pub(super) async fn work(&self) -> Result<(), Trouble> {
        let mut instance = self.connector.instance().await?;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on, so that nothing is missed between the look at the board and the wait.
            changed.as_mut().enable();
            if self.stopping.load(Ordering::SeqCst) {
                return Ok(());
            }
            let job = self.board().next(self.now_ms());
            let answered = match job {
                Job::Nothing => {
                    // The others may be waiting for something to change.
                    self.changed.notify_waiters();
                    return Ok(());
                }
                Job::Wait(until) => {
                    let wait = until.map(|until| Duration::from_millis(until.saturating_sub(self.now_ms()).max(1)));
                    // A clock that others can move is looked at again.
                    let wait = wait.unwrap_or(Duration::from_secs(3_600));
                    tokio::select! {
                        () = tokio::time::sleep(self.connector.clock().in_real_time(wait)) => {}
                        () = &mut changed => {}
                    }
                    continue;
                }
                Job::Begin(index, entry) => self.begin(&mut instance, index, *entry).await?,
                Job::Poll(entries) => self.poll(&mut instance, entries).await?,
            };
            if !answered {
                instance = self.connector.instance().await?;
            }
        }
    }

    /// `access` or `delete`. Returns whether there was an answer.
    async fn begin(&self, instance: &mut Instance, index: usize, mut entry: Entry) -> Result<bool, Trouble> {
        let request = entry.begins(self.now_ms() / 1_000);
        self.keep([&entry])?;
        let answer = match entry.aim() {
            Aim::Access => instance.access(&request).await,
            Aim::Deletion(mode) => instance.delete(&request, mode).await,
        };
        match answer {
            Ok(answer) => self.answered(instance, vec![(index, entry)], vec![answer]).await,
            Err(error) => {
                self.unanswered(index, entry, &error)?;
                Ok(false)
            }
        }
    }

    /// One `poll` for all of them. Returns whether there was an answer.
    async fn poll(&self, instance: &mut Instance, entries: Vec<(usize, Entry)>) -> Result<bool, Trouble> {
        let tasks: Vec<Task> = entries
            .iter()
            .filter_map(|(_, entry)| match entry.next() {
                Next::Poll(task) => Some(task),
                Next::Begin(_) | Next::Nothing => None,
            })
            .collect();
        match instance.poll(&tasks).await {
            // One answer a task is what the contract says; a connector that does not keep to it has trapped, in effect.
            Ok(answers) if answers.len() != entries.len() => self.all_unanswered(entries, &HostError::Trap(None)),
            Ok(answers) => self.answered(instance, entries, answers).await,
            Err(error) => self.all_unanswered(entries, &error),
        }
    }

    /// Notes the answers of a call, and saves what they report. Returns whether the instance is still good.
    async fn answered(
        &self,
        instance: &mut Instance,
        mut entries: Vec<(usize, Entry)>,
        answers: Vec<Result<Answer, Error>>,
    ) -> Result<bool, Trouble> {
        let now_ms = self.now_ms();
        let mut turns = Vec::with_capacity(answers.len());
        for ((_, entry), answer) in entries.iter_mut().zip(answers) {
            self.watch(entry, &answer);
            let call = Call::of(&answer);
            turns.push((entry.answered(answer, now_ms), call));
        }
        // Before any document is read: that may take long.
        self.keep(entries.iter().map(|(_, entry)| entry))?;
        let mut reported = Vec::new();
        for ((index, entry), (turn, call)) in entries.into_iter().zip(turns) {
            match turn {
                Turn::Reported(report) => reported.push((index, entry, report)),
                Turn::Waits | Turn::Failed => self.give_back(index, entry, &call),
            }
        }
        let mut good = true;
        for (index, entry, report) in reported {
            good = self.report(instance, index, entry, &report).await? && good;
        }
        Ok(good)
    }

    /// Tells a person what only a person can do something about.
    fn watch(&self, entry: &Entry, answer: &Result<Answer, Error>) {
        match answer {
            Ok(Answer::Pending(pending)) => {
                if let Some(attention) = &pending.attention {
                    self.progress.say_at_times(&format!("{}: {}", entry.key(), attention.message));
                }
            }
            Ok(Answer::Done(_)) => {}
            // Whatever is asked next, the answer would be the same.
            Err(error) if error.kind == ErrorKind::Unauthorized => {
                self.progress.say_at_times(&format!("{} Nothing more is begun.", error.message));
                self.refused.store(true, Ordering::SeqCst);
                self.stop();
            }
            Err(error) if error.kind == ErrorKind::RateLimited => {}
            Err(error) => self.progress.say_at_times(&error.message),
        }
    }

    /// Saves a report's documents; then, and only then, the request has ended. Returns whether the instance is still good.
    async fn report(
        &self,
        instance: &mut Instance,
        index: usize,
        mut entry: Entry,
        report: &Report,
    ) -> Result<bool, Trouble> {
        if let Some(directory) = &entry.directory
            && let Err(trouble) = save::save(instance, self.connector.clock(), report, directory).await
        {
            match trouble.into_cause() {
                Cause::Connector(error) => {
                    let answer = Err(*error);
                    self.watch(&entry, &answer);
                    let call = Call::of(&answer);
                    if let Err(error) = answer {
                        entry.failed(error, self.now_ms());
                    }
                    self.keep([&entry])?;
                    self.give_back(index, entry, &call);
                    return Ok(true);
                }
                Cause::Host(error) => {
                    self.unanswered(index, entry, &error)?;
                    return Ok(false);
                }
                Cause::Own(exit, message) => return Err(Trouble::own(exit, message)),
            }
        }
        entry.ends(report);
        self.keep([&entry])?;
        self.give_back(index, entry, &Call::Answered);
        Ok(true)
    }

    /// A call that ended without an answer is made again, a few times.
    fn unanswered(&self, index: usize, mut entry: Entry, error: &HostError) -> Result<(), Trouble> {
        self.progress.say_at_times(&error.to_string());
        entry.unanswered(self.now_ms(), UNANSWERED_MS);
        if self.board().works()[index].unanswered + 1 >= MOST_UNANSWERED {
            let error = Error {
                kind: ErrorKind::Protocol,
                remedy: Remedy::Operator,
                message: error.to_string(),
                problems: Vec::new(),
                http_status: None,
                vendor_code: None,
                vendor_request_id: None,
                extra: Vec::new(),
            };
            entry.failed(error, self.now_ms());
        }
        self.keep([&entry])?;
        self.give_back(index, entry, &Call::Unanswered);
        Ok(())
    }

    fn all_unanswered(&self, entries: Vec<(usize, Entry)>, error: &HostError) -> Result<bool, Trouble> {
        for (index, entry) in entries {
            self.unanswered(index, entry, error)?;
        }
        Ok(false)
    }

    fn keep<'e>(&self, entries: impl IntoIterator<Item = &'e Entry>) -> Result<(), JournalError> {
        tokio::task::block_in_place(|| self.journal.put(entries))
    }

    fn give_back(&self, index: usize, entry: Entry, call: &Call) {
        let now_ms = self.now_ms();
        let mut board = self.board();
        board.give_back(index, entry, now_ms, call);
        self.progress.show(&board, index);
        drop(board);
        self.changed.notify_waiters();
    }
}
