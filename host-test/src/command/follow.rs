//! One request, from its first call to its report.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use host_test::journal::{Journal, JournalError};
use indicatif::ProgressBar;
use privacy_host::contract::{Error, ErrorKind, Pending, Remedy, Report, Request};
use privacy_host::{Entry, Event, Follower, HostError, Operation, Update};

use super::errors::CommandError;
use super::exit::Exit;
use super::print;
use super::state::Continuation;

/// How to follow a request.
#[derive(Clone, Copy)]
pub(super) struct FollowOptions {
    /// Whether to wait for the end, with further calls at the times that the connector asks for.
    pub(super) wait: bool,
    /// Whether to print nothing meanwhile.
    pub(super) quiet: bool,
}

/// The state of a request when the command ends.
pub(super) enum State {
    Pending(Pending),
    /// The report, and the ticket that led to it.
    Done(Box<Report>, Option<String>),
}

/// What a deletion does about its earlier attempts whose outcome is unknown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EarlierAttempts {
    /// Search for their job before anything is started.
    Find,
    /// `--start-anyway`: an operator has seen in the vendor's own system that there is no such job.
    Forget,
}

/// Continues a request from its stored state. [`EarlierAttempts::Forget`] applies to a request that waits for the decision of an
/// operator, and to no other: the same command is also the one that continues.
pub(super) fn continue_from(entry: Entry, stored: Entry, attempts: EarlierAttempts) -> Entry {
    let waits_for_operator = stored.end().is_some_and(|end| end.result.is_err());
    let mut entry = entry.resume(stored);
    if waits_for_operator && attempts == EarlierAttempts::Forget {
        entry.forget_attempts();
    }
    entry
}

/// A request, the journal that keeps its state if there is one, and how another command continues it.
pub(super) struct Record {
    entry: Entry,
    origin: Origin,
}

/// How the command came to the request.
enum Origin {
    /// It is stored here, and this command continues it.
    Journal(Journal, Continuation),
    /// The command was given a ticket, which alone says what it belongs to. These options name the connection.
    Ticket(Vec<OsString>),
}

impl Record {
    /// A request that another process has started.
    pub(super) fn of_ticket(
        request: Request,
        ticket: String,
        directory: Option<PathBuf>,
        connection: Vec<OsString>,
    ) -> Self {
        // The operation matters for starting and for a journal. Neither happens here.
        let mut entry = Entry::new(request, Operation::Access).with_ticket(ticket);
        entry.directory = directory;
        Self { entry, origin: Origin::Ticket(connection) }
    }

    /// A request whose state is in this journal from now on.
    pub(super) fn store(journal: Journal, entry: Entry, continuation: Continuation) -> Result<Self, JournalError> {
        journal.put([&entry])?;
        Ok(Self { entry, origin: Origin::Journal(journal, continuation) })
    }

    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Changes the entry, and waits until it is stored.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut Entry) -> T) -> Result<T, JournalError> {
        let changed = change(&mut self.entry);
        if let Origin::Journal(journal, _) = &self.origin {
            journal.put([&self.entry])?;
        }
        Ok(changed)
    }

    /// The command that continues, as a line for a shell. Without identifiers: a log must not have them.
    pub(super) fn command(&self) -> Option<String> {
        match &self.origin {
            Origin::Journal(_, continuation) => Some(continuation.line()),
            Origin::Ticket(connection) => {
                let ticket = self.entry.ticket()?;
                Some(Continuation::poll(self.entry.request_id(), ticket, connection).line())
            }
        }
    }

    /// The error, with how to continue after `when`.
    fn with_command(&self, error: CommandError, when: &str) -> CommandError {
        let run = match &self.origin {
            Origin::Journal(..) => "run",
            Origin::Ticket(_) => "with the identifiers of this command added, run",
        };
        error.with_advice([when, run].concat()).with_command(self.command())
    }

    /// The error, with how to continue from here.
    fn error(&self, error: Error) -> CommandError {
        let when = match error.remedy {
            Remedy::Retry(delay_ms) => format!("in {} s, ", delay_ms.div_ceil(1_000)),
            _ if error.kind == ErrorKind::OutcomeUnknown => "do what the message says, then ".to_owned(),
            Remedy::Restart if matches!(self.origin, Origin::Journal(..)) => "the ticket is spent: ".to_owned(),
            Remedy::Operator => "fix the cause, then ".to_owned(),
            Remedy::Restart | Remedy::GiveUp => return error.into(),
        };
        self.with_command(error.into(), &when)
    }

    /// The files of a report cannot be written, or its documents cannot be read.
    pub(super) fn not_saved(&self, error: CommandError) -> CommandError {
        self.with_command(error, "correct the cause, then ")
    }

    /// The host has no result of the call.
    fn lost(&self, error: HostError) -> CommandError {
        if error.outcome_unknown() { self.stopped(Exit::TryLater, &error.to_string()) } else { error.into() }
    }

    fn interrupted(&self) -> CommandError {
        self.stopped(Exit::Pending, "interrupted; jobs that the vendor has started continue")
    }

    /// The command ends without a result. A ticket is as good as before; without one, a deletion may have been started.
    fn stopped(&self, exit_with_ticket: Exit, message: &str) -> CommandError {
        let exit = match (self.entry.ticket(), self.entry.attempts()) {
            (Some(_), _) => exit_with_ticket,
            (None, Some(_)) => Exit::OutcomeUnknown,
            (None, None) => Exit::TryLater,
        };
        self.with_command(CommandError::local(exit, message), "to continue, ")
    }
}

/// Makes the call that is due and, with `wait`, those that follow it, until there is a report.
pub(super) async fn follow(
    follower: &mut Follower<'_>,
    record: &mut Record,
    options: FollowOptions,
) -> Result<State, CommandError> {
    let display = Display::new(options.quiet);
    // One listener for the whole request: an interrupt between two listeners would be missed.
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let update = tokio::select! {
            update = follower.next() => Some(update?),
            _ = &mut interrupt => None,
        };
        let Some(update) = update else {
            if let Some(entry) = follower.interrupt().first() {
                let interrupted = (*entry).clone();
                record.change(|own| *own = interrupted)?;
            }
            return Err(record.interrupted());
        };
        // Only a request that has ended has no further update; the caller handles those.
        let Some(Update { entry, event }) = update else { return Err(record.interrupted()) };
        record.change(|own| *own = entry.clone())?;
        match event {
            Event::Reported(report) => {
                let polled_ticket = entry.ticket().map(str::to_owned);
                return Ok(State::Done(report, polled_ticket));
            }
            Event::Pending(pending) if !options.wait => return Ok(State::Pending(pending)),
            Event::Pending(pending) => display.show(&print::pending(&pending)),
            Event::Failed(error) => match error.remedy {
                Remedy::Retry(delay_ms) if options.wait => {
                    display.show(&format!("{} Next attempt in {} s.", error.message, delay_ms.div_ceil(1_000)));
                }
                _ => return Err(record.error(error)),
            },
            Event::Lost(error) => return Err(record.lost(error)),
            _ => {}
        }
    }
}

/// A line that changes on a terminal; a line for each message elsewhere.
struct Display {
    line: ProgressBar,
    quiet: bool,
}

impl Display {
    fn new(quiet: bool) -> Self {
        let line = if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        line.enable_steady_tick(Duration::from_millis(120));
        Self { line, quiet }
    }

    fn show(&self, message: &str) {
        if !self.line.is_hidden() {
            self.line.set_message(message.to_owned());
        } else if !self.quiet {
            eprintln!("{message}");
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}
