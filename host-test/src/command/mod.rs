//! The command line.
//!
//! Standard output carries the result of a command, standard error everything else. Identifiers are printed only as part of a
//! report: those that were discovered and, with `--json`, the contents of inline documents.

mod batch;
mod connection;
mod demo;
mod errors;
mod exit;
mod follow;
mod network;
mod output;
mod print;
mod request;
mod save;
mod serve;
mod simulate;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use host_test::journal::Journal;
use privacy_host::contract::{DeletionMode, Report, Request, Right};
use privacy_host::follow::End;
use privacy_host::{Entry, Operation};
use qualtrics_component::{CONNECTOR, GATEWAY, GATEWAY_WASI_0_3, GUARDED};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use batch::BatchOptions;
use connection::ConnectionOptions;
use demo::DemoOptions;
use errors::CommandError;
use exit::Exit;
use follow::{EarlierAttempts, FollowOptions, Record, State};
use output::{Ended, Output};
use request::{AttemptOptions, RequestOptions};
use serve::ServeOptions;
use simulate::SimulateOptions;

/// Fulfils data subject requests in Qualtrics through a sandboxed component
#[derive(Parser)]
#[command(version, after_help = exit::HELP, after_long_help = format!("{}\n\n{}", exit::HELP, output::HELP))]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Prints one JSON object: see --help
    #[arg(long, global = true)]
    json: bool,
    /// Logs what the host does, without personal data
    #[arg(long, short, global = true)]
    verbose: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Describes the connector: settings, permissions, rate limits, egress, gaps
    Describe,
    /// Tests a connection: signs in, and exercises every permission
    Check {
        #[command(flatten)]
        connection: ConnectionOptions,
        /// The rights to test for
        #[arg(long, value_enum, value_delimiter = ',', default_values_t = [RightArgument::Access, RightArgument::Deletion])]
        rights: Vec<RightArgument>,
    },
    /// Requests a copy of a person's data
    Access {
        #[command(flatten)]
        options: CallOptions,
        #[command(flatten)]
        journal: JournalOptions,
    },
    /// Deletes a person's data
    Delete {
        /// How far the deletion goes
        #[arg(long, value_enum)]
        mode: ModeArgument,
        #[command(flatten)]
        options: CallOptions,
        #[command(flatten)]
        attempts: AttemptOptions,
        #[command(flatten)]
        journal: JournalOptions,
    },
    /// Opts a person out: the vendor must no longer contact the person
    OptOut {
        #[command(flatten)]
        options: CallOptions,
        #[command(flatten)]
        journal: JournalOptions,
    },
    /// Polls a request in progress
    Poll {
        /// The latest ticket of the request
        #[arg(long, requires = "id")]
        ticket: String,
        #[command(flatten)]
        options: CallOptions,
    },
    Batch(BatchOptions),
    /// Shows all operations on a simulated brand
    Demo(DemoOptions),
    /// Serves a simulated Qualtrics with sample data
    Simulate(SimulateOptions),
    /// Writes the component that this program contains
    Component {
        /// The file to write; an existing file is not overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Composed with the egress guard, for hosts that cannot restrict the origins of requests themselves
        #[arg(long)]
        guarded: bool,
        /// As an HTTP service behind the egress guard, for runtimes that serve `wasi:http`
        #[arg(long, conflicts_with = "guarded")]
        gateway: bool,
        /// The version of `wasi:http` that the service exports
        #[arg(long, requires = "gateway", default_value = "0.2")]
        wasi: ServedWasi,
    },
    Serve(ServeOptions),
}

/// What all requests have in common.
#[derive(Args)]
struct CallOptions {
    #[command(flatten)]
    connection: ConnectionOptions,
    #[command(flatten)]
    request: RequestOptions,
    /// Waits for the final result; Ctrl-C prints how to continue
    #[arg(long)]
    wait: bool,
    /// A new directory for the documents and the receipt
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Where the state of a request outlives the command.
#[derive(Args)]
struct JournalOptions {
    /// A file for the state of the request: after any interruption, the same command continues, and no deletion is started
    /// twice. It holds the identifiers until the request has ended; only you can read it
    #[arg(long, value_name = "FILE", requires = "id", requires = "wait")]
    journal: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum RightArgument {
    Access,
    Deletion,
    OptOut,
}

#[derive(Clone, Copy, ValueEnum)]
enum ModeArgument {
    /// Reports what would be deleted; deletes nothing
    Preview,
    /// Deletes
    Erase,
    /// Deletes, then searches again
    EraseAndVerify,
}

/// Runs the command of the command line.
pub(super) async fn run() -> ExitCode {
    let Cli { command, json, verbose } = Cli::parse();
    // Events of this program alone: at their finest level, libraries log headers and bodies.
    let level = if verbose { LevelFilter::DEBUG } else { LevelFilter::WARN };
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(log)
        .with(Targets::new().with_target("host_test", level).with_target("privacy_host", level))
        .init();

    let exit = command.run(json).await.unwrap_or_else(|error| {
        error.print(json);
        error.exit()
    });
    exit.into()
}

impl Command {
    async fn run(self, json: bool) -> Result<Exit, CommandError> {
        match self {
            Self::Describe => {
                let manifest = connection::manifest().await?;
                if json {
                    Output::Manifest { manifest: &manifest }.print();
                } else {
                    print::manifest(&manifest);
                }
                Ok(Exit::Done)
            }
            Self::Check { connection, rights } => {
                let rights: Vec<_> = rights.into_iter().map(Right::from).collect();
                let connection = connection.connector().await?.check(&rights).await?;
                if json {
                    Output::Connection { connection: &connection }.print();
                } else {
                    print::connection(&connection);
                }
                Ok(Exit::Done)
            }
            Self::Access { options, journal } => options.start(Operation::Access, None, &journal, json).await,
            Self::Delete { mode, options, attempts, journal } => {
                options.start(Operation::Deletion(mode.into()), Some(attempts), &journal, json).await
            }
            Self::OptOut { options, journal } => options.start(Operation::OptOut, None, &journal, json).await,
            Self::Poll { ticket, options } => options.poll(ticket, json).await,
            Self::Batch(options) => options.run(json).await,
            Self::Demo(options) => options.run().await,
            Self::Simulate(options) => options.run().await,
            Self::Serve(options) => options.run().await,
            Self::Component { out, guarded, gateway, wasi } => {
                let component = match (gateway, wasi) {
                    (true, ServedWasi::Version0_2) => GATEWAY,
                    (true, ServedWasi::Version0_3) => GATEWAY_WASI_0_3,
                    (false, _) if guarded => GUARDED,
                    (false, _) => CONNECTOR,
                };
                let written = std::fs::File::create_new(&out)
                    .and_then(|mut file| std::io::Write::write_all(&mut file, component));
                written
                    .map_err(|error| CommandError::usage(format!("{} cannot be written: {error}", out.display())))?;
                Ok(Exit::Done)
            }
        }
    }
}

/// A version of `wasi:http` that runtimes serve.
#[derive(Clone, Copy, ValueEnum)]
enum ServedWasi {
    /// `wasi:http/incoming-handler@0.2.0`
    #[value(name = "0.2")]
    Version0_2,
    /// `wasi:http/handler@0.3.0`
    #[value(name = "0.3")]
    Version0_3,
}

impl CallOptions {
    async fn start(
        self,
        operation: Operation,
        attempts: Option<AttemptOptions>,
        journal: &JournalOptions,
        json: bool,
    ) -> Result<Exit, CommandError> {
        let Self { connection, request, wait, out } = self;
        let earlier = attempts.as_ref().map_or(EarlierAttempts::Find, AttemptOptions::earlier_attempts);
        let attempts = attempts.and_then(|options| options.attempts());
        let request = Request { attempts, ..request.request() };
        let out = absolute(out.as_deref())?;
        let entry = Entry::new(request.clone(), operation);
        let record = match &journal.journal {
            Some(file) => resume(Journal::open(file)?, entry, earlier, out.as_deref())?,
            None => {
                out.as_deref().map_or(Ok(()), save::must_not_exist)?;
                Record::new(entry)
            }
        };
        if let Some(End { at, result: Ok(outcome), jobs, .. }) = record.entry().end() {
            let saved_to = record.entry().directory.as_ref().map(|directory| directory.display().to_string());
            if json {
                let ended = Ended { outcome: *outcome, jobs, finished_at: *at };
                Output::Ended { request_id: &request.id, ended, saved_to }.print();
            } else {
                println!("{} ended in an earlier run: {}", request.id, outcome);
            }
            return Ok((*outcome).into());
        }
        if let Some(End { result: Err(error), .. }) = record.entry().end() {
            return Err(error.clone().into());
        }
        Run { connection, request, record, wait, out, json }.follow().await
    }

    async fn poll(self, ticket: String, json: bool) -> Result<Exit, CommandError> {
        let Self { connection, request, wait, out } = self;
        let request = request.request();
        let out = absolute(out.as_deref())?;
        out.as_deref().map_or(Ok(()), save::must_not_exist)?;
        let record = Record::of_ticket(request.clone(), ticket);
        Run { connection, request, record, wait, out, json }.follow().await
    }
}

fn absolute(path: Option<&Path>) -> Result<Option<PathBuf>, CommandError> {
    let path = path.map(std::path::absolute).transpose();
    path.map_err(|error| CommandError::usage(format!("--out is not a path: {error}")))
}

/// The request's record in a journal. The directory may have been created by an earlier run of the same request, and by no
/// other program.
fn resume(
    journal: Journal,
    entry: Entry,
    earlier: EarlierAttempts,
    out: Option<&Path>,
) -> Result<Record, CommandError> {
    let mut record = Record::resume(journal, entry, earlier)?;
    let has_ended = record.entry().end().is_some();
    let known = record.entry().directory.as_deref();
    if let Some(directory) = out.filter(|directory| !has_ended && known != Some(directory)) {
        save::must_not_exist(directory)?;
        record.change(|entry| entry.directory = Some(directory.to_owned()))?;
    }
    Ok(record)
}

/// One request that a command starts or continues.
struct Run {
    connection: ConnectionOptions,
    request: Request,
    record: Record,
    wait: bool,
    out: Option<PathBuf>,
    json: bool,
}

impl Run {
    async fn follow(mut self) -> Result<Exit, CommandError> {
        let connector = self.connection.connector().await?;
        let mut follower = connector.resume([self.record.entry().clone()]);
        let options = FollowOptions { wait: self.wait, quiet: self.json };
        match follow::follow(&mut follower, &mut self.record, options).await? {
            State::Pending(pending) => {
                let request_id = self.request.id.as_str();
                if self.json {
                    Output::Pending { request_id, pending: &pending }.print();
                } else {
                    println!("{}", print::pending(&pending));
                    println!("To continue, {}.", follow::poll_command(request_id, &pending.ticket));
                }
                Ok(Exit::Pending)
            }
            State::Done(report, polled_ticket) => {
                if let Some(directory) = &self.out {
                    let instance = follower.instance().await?;
                    save::save(instance, connector.clock(), &report, directory)
                        .await
                        .map_err(|error| error.with_advice(self.advice_to_save(polled_ticket.as_deref())))?;
                }
                self.record.change(|entry| entry.complete(&report))?;
                self.print(&report, polled_ticket.as_deref());
                Ok(report.outcome.into())
            }
        }
    }

    fn print(&self, report: &Report, polled_ticket: Option<&str>) {
        let request_id = self.request.id.as_str();
        let saved_to = self.out.as_ref().map(|directory| directory.display().to_string());
        if self.json {
            return Output::Done { request_id, done: report, polled_ticket, saved_to }.print();
        }
        print::report(report);
        if let Some(ticket) = &report.ticket {
            println!("\nTo follow the job, {}.", follow::poll_command(request_id, ticket));
        }
        match saved_to {
            Some(directory) => println!("\nSaved to {directory}."),
            None if report.documents.is_empty() => {}
            None => println!("\nTo save the documents, {}.", self.advice_to_save(polled_ticket)),
        }
    }

    /// The same call returns the same report, and with it the documents.
    fn advice_to_save(&self, polled_ticket: Option<&str>) -> String {
        let id = &self.request.id;
        match polled_ticket {
            Some(ticket) => format!("{}, and --out", follow::poll_command(id, ticket)),
            None => format!("run the same command again with `--id {id}` and --out"),
        }
    }
}

impl From<RightArgument> for Right {
    fn from(right: RightArgument) -> Self {
        match right {
            RightArgument::Access => Self::Access,
            RightArgument::Deletion => Self::Deletion,
            RightArgument::OptOut => Self::OptOut,
        }
    }
}

impl From<ModeArgument> for DeletionMode {
    fn from(mode: ModeArgument) -> Self {
        match mode {
            ModeArgument::Preview => Self::Preview,
            ModeArgument::Erase => Self::Erase,
            ModeArgument::EraseAndVerify => Self::EraseAndVerify,
        }
    }
}
