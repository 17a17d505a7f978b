//! One request, from its first call to its report.

use std::time::Duration;

use host_test::journal::{Journal, JournalError};
use indicatif::ProgressBar;
use privacy_host::contract::{Error, ErrorKind, Pending, Remedy, Report, Request};
use privacy_host::{Entry, Event, Follower, HostError, Operation, Update};

use super::errors::CommandError;
use super::exit::Exit;
use super::print;

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

/// A request, and the journal that keeps its state if there is one.
pub(super) struct Record {
    entry: Entry,
    journal: Option<Journal>,
    /// How the command came to the request.
    origin: Origin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The command starts it.
    Start,
    /// The command was given a ticket, which alone says what it belongs to.
    Ticket,
}

impl Record {
    /// A request whose state is lost with this process.
    pub(super) fn new(entry: Entry) -> Self {
        Self { entry, journal: None, origin: Origin::Start }
    }

    /// A request that another process has started.
    pub(super) fn of_ticket(request: Request, ticket: String) -> Self {
        // The operation matters for starting and for a journal. Neither happens here.
        let entry = Entry::new(request, Operation::Access).with_ticket(ticket);
        Self { entry, journal: None, origin: Origin::Ticket }
    }

    /// A request that continues from its state in a journal.
    pub(super) fn resume(journal: Journal, entry: Entry, attempts: EarlierAttempts) -> Result<Self, CommandError> {
        let entry = match journal.get(&entry.key())? {
            Some(stored) if entry.is_same_request(&stored) => continue_from(entry, stored, attempts),
            Some(_) => return Err(CommandError::usage("the journal holds another request with this ID")),
            None => entry,
        };
        journal.put([&entry])?;
        Ok(Self { entry, journal: Some(journal), origin: Origin::Start })
    }

    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Changes the entry, and waits until it is stored.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut Entry) -> T) -> Result<T, JournalError> {
        let changed = change(&mut self.entry);
        if let Some(journal) = &self.journal {
            journal.put([&self.entry])?;
        }
        Ok(changed)
    }

    /// Replaces the entry, and waits until it is stored.
    fn store(&mut self, entry: Entry) -> Result<(), JournalError> {
        self.change(|own| *own = entry)
    }

    /// How to continue, as the end of a sentence. Without identifiers: the operator knows them, and a log must not.
    fn continuation(&self) -> String {
        if self.journal.is_some() {
            return "run the same command again: the journal holds the state of the request".to_owned();
        }
        let id = self.entry.request_id();
        match (self.entry.ticket(), self.entry.attempts()) {
            (Some(ticket), _) => poll_command(id, ticket),
            (None, Some(attempts)) => {
                let mut options = format!("--id {id} --first-attempt-at {}", attempts.first_at);
                if attempts.last_at != attempts.first_at {
                    options.push_str(&format!(" --last-attempt-at {}", attempts.last_at));
                }
                format!("run the same command again with `{options}`")
            }
            (None, None) => format!("run the same command again with `--id {id}`"),
        }
    }

    /// The error, with how to continue from here.
    fn error(&self, error: Error) -> CommandError {
        let continuation = self.continuation();
        let advice = match error.remedy {
            _ if error.kind == ErrorKind::OutcomeUnknown => continuation,
            Remedy::Retry(delay_ms) => format!("in {} s, {continuation}", delay_ms.div_ceil(1_000)),
            Remedy::Restart if self.origin == Origin::Start => format!("the ticket is spent: {continuation}"),
            Remedy::Operator => format!("fix the cause, then {continuation}"),
            Remedy::Restart | Remedy::GiveUp => return error.into(),
        };
        CommandError::from(error).with_advice(advice)
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
        CommandError::local(exit, message).with_advice(self.continuation())
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
                record.store((*entry).clone())?;
            }
            return Err(record.interrupted());
        };
        // Only a request that has ended has no further update; the caller handles those.
        let Some(Update { entry, event }) = update else { return Err(record.interrupted()) };
        record.store(entry.clone())?;
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

/// The command that polls with a ticket, as the end of a sentence.
pub(super) fn poll_command(id: &str, ticket: &str) -> String {
    format!("run `host-test poll --id {id} --ticket {ticket}` with the connection and the identifiers of this command")
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
