//! One request that a command starts or continues.

use std::path::{Path, PathBuf};

use clap::Args;
use host_test::journal::Journal;
use privacy_host::contract::{DeletionMode, ErrorKind, Outcome, Report, Request, SourceState};
use privacy_host::follow::End;
use privacy_host::{Entry, Operation};

use super::connection::ConnectionOptions;
use super::errors::CommandError;
use super::evidence::EvidenceSource;
use super::exit::Exit;
use super::follow::{self, EarlierAttempts, FollowOptions, Record, State};
use super::output::{Ended, Output};
use super::request::{AttemptOptions, RequestOptions};
use super::state::{Continuation, StateDirectory};
use super::terminal::{self, Format};
use super::{print, save};

/// What all commands for one request have in common.
#[derive(Args)]
pub(super) struct CallOptions {
    #[command(flatten)]
    request: RequestOptions,
    #[command(flatten)]
    follow: FollowArguments,
    #[command(flatten)]
    pub(super) connection: ConnectionOptions,
}

/// How far a command follows a request, and where its files go.
#[derive(Args)]
pub(super) struct FollowArguments {
    /// Waits for the final result; Ctrl-C prints how to continue
    #[arg(long)]
    pub(super) wait: bool,
    /// A new directory for the documents, the receipt and the report
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

/// Where the state of a request outlives the command.
#[derive(Args)]
pub(super) struct JournalOptions {
    /// A file for the state of the request, instead of the state directory. It holds the identifiers until the request has ended; only you
    /// can read it
    #[arg(long, value_name = "FILE")]
    pub(super) journal: Option<PathBuf>,
}

impl JournalOptions {
    /// The journal for a request with this ID.
    fn open(&self, id: &str, connection: &ConnectionOptions) -> Result<Journal, CommandError> {
        match &self.journal {
            Some(file) => Ok(Journal::open(file)?),
            None => StateDirectory::find()?.open(id, &connection.identity()?),
        }
    }

    /// The journal of a request that was started before.
    pub(super) fn existing(&self, id: &str) -> Result<Journal, CommandError> {
        match &self.journal {
            Some(file) if file.exists() => Ok(Journal::open(file)?),
            Some(file) => Err(CommandError::usage(format!("there is no journal {}", file.display()))),
            None => StateDirectory::find()?.existing(id),
        }
    }
}

impl CallOptions {
    /// Starts the request, or continues it if its state is stored.
    pub(super) async fn start(
        self,
        operation: Operation,
        attempts: Option<AttemptOptions>,
        journal: JournalOptions,
    ) -> Result<Exit, CommandError> {
        let earlier = attempts.as_ref().map_or(EarlierAttempts::Find, AttemptOptions::earlier_attempts);
        let attempts = attempts.and_then(|options| options.attempts());
        let request = Request { attempts, ..self.request.request() };
        // Nothing is stored or started with a connection that cannot be used.
        let connector = self.connection.connector().await?;
        let evidence = EvidenceSource::new(connector, self.connection.component_sha256());
        let stored = Stored {
            journal: journal.open(&request.id, &self.connection)?,
            continuation: Continuation::resume(&request.id, journal.journal.as_deref(), &self.follow, &self.connection),
        };
        stored.follow(Entry::new(request, operation), earlier, self.follow, evidence).await
    }

    /// Continues a request from a ticket, without a journal.
    pub(super) async fn poll(self, ticket: String) -> Result<Exit, CommandError> {
        let request = self.request.request();
        let connector = self.connection.connector().await?;
        let out = absolute(self.follow.out.as_deref())?;
        out.as_deref().map_or(Ok(()), save::prepare)?;
        let record = Record::of_ticket(request, ticket, out, self.connection.arguments());
        let evidence = EvidenceSource::new(connector, self.connection.component_sha256());
        Run { evidence, record, wait: self.follow.wait }.follow().await
    }
}

/// Where a request is stored, and how another command continues it.
pub(super) struct Stored {
    pub(super) journal: Journal,
    pub(super) continuation: Continuation,
}

impl Stored {
    /// Follows the request from its stored state.
    pub(super) async fn follow(
        self,
        entry: Entry,
        earlier: EarlierAttempts,
        arguments: FollowArguments,
        evidence: EvidenceSource,
    ) -> Result<Exit, CommandError> {
        let out = absolute(arguments.out.as_deref())?;
        let record = self.resume(entry, earlier, out.as_deref())?;
        let id = record.entry().request_id();
        if let Some(End { at, result: Ok(outcome), jobs, .. }) = record.entry().end() {
            let saved_to = record.entry().directory.as_ref().map(|directory| directory.display().to_string());
            let ended = Ended { outcome: *outcome, jobs, finished_at: *at };
            Output::Ended { request_id: id, ended, saved_to }
                .print_or(|| println!("{id} ended in an earlier run: {}", print::outcome(*outcome)));
            return Ok((*outcome).into());
        }
        if let Some(End { result: Err(error), .. }) = record.entry().end() {
            return Err(error.clone().into());
        }
        Run { evidence, record, wait: arguments.wait }.follow().await
    }

    /// The request's record in the journal. The directory may have been created by an earlier run of the same request, and by no
    /// other program.
    fn resume(self, entry: Entry, earlier: EarlierAttempts, out: Option<&Path>) -> Result<Record, CommandError> {
        let mut entry = match self.journal.get(&entry.key())? {
            None => entry,
            Some(stored) if is_invalid(&stored) && !entry.is_same_request(&stored) => entry,
            Some(stored) if !entry.is_same_request(&stored) => {
                return Err(CommandError::usage("the journal holds another request with this ID"));
            }
            Some(stored) if out.is_some() && has_unsaved_documents(&stored) => match stored.ticket() {
                Some(ticket) => entry.with_ticket(ticket.to_owned()),
                None => entry,
            },
            Some(stored) => follow::continue_from(entry, stored, earlier),
        };
        if let Some(out) = out.filter(|out| entry.end().is_none() && entry.directory.as_deref() != Some(*out)) {
            save::prepare(out)?;
            entry.directory = Some(out.to_owned());
        }
        Ok(Record::store(self.journal, entry, self.continuation)?)
    }
}

/// Whether a request ended because the connector refused it as it was written: nothing was started, and its ID is free for the corrected one.
fn is_invalid(entry: &Entry) -> bool {
    entry.end().is_some_and(|end| matches!(&end.result, Err(error) if error.kind == ErrorKind::InvalidRequest))
}

/// Whether a request that only reads has ended without its documents on disk. Its last ticket leads to the same report again.
fn has_unsaved_documents(entry: &Entry) -> bool {
    let reads = matches!(entry.operation(), Operation::Access | Operation::Deletion(DeletionMode::Preview));
    let has_ended = entry.end().is_some_and(|end| end.result.is_ok());
    reads && has_ended && entry.directory.is_none()
}

/// A connection, and the request that it follows.
struct Run {
    evidence: EvidenceSource,
    record: Record,
    wait: bool,
}

impl Run {
    async fn follow(mut self) -> Result<Exit, CommandError> {
        let mut follower = self.evidence.connector.resume([self.record.entry().clone()]);
        let quiet = terminal::is_quiet() || terminal::format() != Format::Table;
        match follow::follow(&mut follower, &mut self.record, FollowOptions { wait: self.wait, quiet }).await? {
            State::Pending(pending) => {
                let (request_id, command) = (self.record.entry().request_id(), self.record.command());
                let output = Output::Pending { request_id, pending: &pending, command: command.as_deref() };
                output.print_or(|| {
                    println!("{}", print::pending(&pending));
                    print::hint("To continue:", command.as_deref());
                });
                Ok(Exit::Pending)
            }
            State::Done(report, polled_ticket) => {
                if let Some(directory) = &self.record.entry().directory {
                    let instance = follower.instance().await?;
                    let saved = save::save(instance, &self.evidence, self.record.entry(), &report, directory).await;
                    saved.map_err(|error| self.record.not_saved(error))?;
                }
                self.record.change(|entry| entry.complete(&report))?;
                self.print(&report, polled_ticket.as_deref());
                Ok(report.outcome.into())
            }
        }
    }

    fn print(&self, report: &Report, polled_ticket: Option<&str>) {
        let request_id = self.record.entry().request_id();
        let saved_to = self.record.entry().directory.as_ref().map(|directory| directory.display().to_string());
        if terminal::format() != Format::Table {
            return Output::Done { request_id, done: report, polled_ticket, saved_to }.print();
        }
        print::report(report);
        if let Some(ticket) = &report.ticket {
            let command = format!("privacy poll --id {request_id} --ticket {ticket}");
            print::hint(
                "To follow the job, with the connection and the identifiers of this command added:",
                Some(&command),
            );
        }
        match saved_to {
            Some(directory) => println!("\nSaved to {directory}."),
            None if report.documents.is_empty() => {}
            None => print::hint(
                &format!("To save the documents, run the same command again with `--id {request_id} --out DIR`."),
                None,
            ),
        }
        if report.outcome == Outcome::Refused {
            for code in overridable(report) {
                let hint = format!(
                    "After an operator has confirmed it, run the same command again with `--id {request_id} --override {code}`."
                );
                print::hint(&hint, None);
            }
        }
    }
}

/// The guards of a refused report that an operator may override: the finding says so.
fn overridable(report: &Report) -> Vec<&str> {
    let guards = report.findings.iter().filter(|finding| finding.state == SourceState::Guarded);
    let says_so = |note: &str, code: &str| note.contains(&format!("override {code}"));
    let mut codes: Vec<&str> = guards
        .filter_map(|finding| Some((finding.code.as_deref()?, finding.note.as_deref()?)))
        .filter(|(code, note)| says_so(note, code))
        .map(|(code, _)| code)
        .collect();
    codes.dedup();
    codes
}

/// The absolute path of `--out`.
pub(super) fn absolute(path: Option<&Path>) -> Result<Option<PathBuf>, CommandError> {
    let path = path.map(std::path::absolute).transpose();
    path.map_err(|error| CommandError::usage(format!("--out is not a path: {error}")))
}
