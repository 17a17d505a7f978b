//! The command line.
//!
//! What it prints on standard output is the answer; all else goes to standard error. Names of persons are printed
//! nowhere but in a report, as the further names that were found.

mod batch;
mod connection;
mod demo;
mod exit;
mod follow;
mod json;
mod print;
mod report;
mod save;
mod serve;
mod simulate;
mod subject;
mod trouble;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use host_test::host::contract::{DeletionMode, Request, Right};
use host_test::journal::{Aim, End, Entry, Journal};
use host_test::{COMPONENT, GATEWAY, GUARDED};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use batch::BatchOptions;
use connection::ConnectionOptions;
use demo::DemoOptions;
use exit::Exit;
use follow::{Record, Standing, Step};
use report::ReportOptions;
use serve::ServeOptions;
use simulate::SimulateOptions;
use subject::SubjectOptions;
use trouble::Trouble;

/// Finds and deletes what Qualtrics holds on a person, by a component that can do nothing else
#[derive(Parser)]
#[command(version, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Prints one JSON object
    #[arg(long, global = true)]
    json: bool,
    /// Logs what the host does, without personal data
    #[arg(long, short, global = true)]
    verbose: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Says what the connector is and needs
    Describe,
    /// Tests a connection: signs in, and tries every permission
    Check {
        #[command(flatten)]
        connection: ConnectionOptions,
        /// For which rights
        #[arg(long, value_enum, value_delimiter = ',', default_values_t = [RightArgument::Access, RightArgument::Deletion])]
        rights: Vec<RightArgument>,
    },
    /// Asks for what is held on a person
    Access {
        #[command(flatten)]
        asked: Asked,
        #[command(flatten)]
        kept: Kept,
    },
    /// Deletes what is held on a person
    Delete {
        /// How far it goes
        #[arg(long, value_enum)]
        mode: ModeArgument,
        #[command(flatten)]
        asked: Asked,
        #[command(flatten)]
        kept: Kept,
    },
    /// Asks how a request stands
    Poll {
        /// The ticket that was printed last
        #[arg(long)]
        ticket: String,
        #[command(flatten)]
        asked: Asked,
    },
    /// Serves many requests at once, whatever happens in between
    Batch(BatchOptions),
    /// Shows the whole job on a simulated brand
    Demo(DemoOptions),
    /// Serves a simulated Qualtrics with sample data
    Simulate(SimulateOptions),
    /// Writes the component that this program carries
    Component {
        /// Where to; nothing is overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// With the egress guard before it, for hosts that cannot say themselves where a component may send requests
        #[arg(long)]
        guarded: bool,
        /// As an HTTP service, for runtimes that serve `wasi:http/incoming-handler`; the egress guard is within
        #[arg(long, conflicts_with = "guarded")]
        gateway: bool,
    },
    /// Serves the connector over HTTP, on a loopback address
    Serve(ServeOptions),
    /// Draws the page of what `cargo bench` has measured
    Report(ReportOptions),
}

/// What all requests have in common.
#[derive(Args)]
struct Asked {
    #[command(flatten)]
    connection: ConnectionOptions,
    #[command(flatten)]
    subject: SubjectOptions,
    /// Waits for the end; Ctrl-C prints how to go on
    #[arg(long)]
    wait: bool,
    /// A new directory for the documents and the receipt
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Where a request is kept that is to survive the end of this command.
#[derive(Args)]
struct Kept {
    /// A file in which to note how far the request has come: whatever happens, the same command goes on from there, and
    /// nothing is begun twice. It holds the names until the request has ended; only you can read it
    #[arg(long, value_name = "FILE", requires = "key", requires = "wait")]
    journal: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum RightArgument {
    Access,
    Deletion,
}

#[derive(Clone, Copy, ValueEnum)]
enum ModeArgument {
    /// Searches only
    Preview,
    /// Deletes
    Erase,
    /// Deletes, and searches again until nothing is left
    EraseAndVerify,
}

/// Does what the command line asks for.
pub(super) async fn run() -> ExitCode {
    let Cli { command, json, verbose } = Cli::parse();
    // Nothing but this program's own events: at their finest, the libraries log headers and bodies.
    let level = if verbose { LevelFilter::DEBUG } else { LevelFilter::WARN };
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(log).with(Targets::new().with_target("host_test", level)).init();

    let exit = command.run(json).await.unwrap_or_else(|trouble| {
        trouble.print(json);
        trouble.exit()
    });
    exit.into()
}

impl Command {
    async fn run(self, json: bool) -> Result<Exit, Trouble> {
        match self {
            Self::Describe => {
                let manifest = connection::manifest().await?;
                if json {
                    print::json(&json::Answer::Manifest((&manifest).into()));
                } else {
                    print::manifest(&manifest);
                }
                Ok(Exit::Done)
            }
            Self::Check { connection, rights } => {
                let rights: Vec<_> = rights.into_iter().map(Right::from).collect();
                let connection = connection.connect().await?.check(&rights).await??;
                if json {
                    print::json(&json::Answer::Connection((&connection).into()));
                } else {
                    print::connection(&connection);
                }
                Ok(Exit::Done)
            }
            Self::Access { asked, kept } => asked.follow(Step::Access, kept.open()?, json).await,
            Self::Delete { mode, asked, kept } => asked.follow(Step::Delete(mode.into()), kept.open()?, json).await,
            Self::Poll { ticket, asked } => {
                if !asked.subject.has_key() {
                    return Err(Trouble::usage("a ticket belongs to a request: give its --key".to_owned()));
                }
                asked.follow(Step::Poll(ticket), None, json).await
            }
            Self::Batch(options) => options.run(json).await,
            Self::Demo(options) => options.run().await,
            Self::Simulate(options) => options.run().await,
            Self::Serve(options) => options.run().await,
            Self::Report(options) => options.run(),
            Self::Component { out, guarded, gateway } => {
                let component = if gateway {
                    GATEWAY
                } else if guarded {
                    GUARDED
                } else {
                    COMPONENT
                };
                let written = std::fs::File::create_new(&out)
                    .and_then(|mut file| std::io::Write::write_all(&mut file, component));
                written.map_err(|error| Trouble::usage(format!("{} cannot be written: {error}", out.display())))?;
                Ok(Exit::Done)
            }
        }
    }
}

impl Kept {
    fn open(&self) -> Result<Option<Journal>, Trouble> {
        Ok(self.journal.as_deref().map(Journal::open).transpose()?)
    }
}

impl Asked {
    async fn follow(self, step: Step, journal: Option<Journal>, json: bool) -> Result<Exit, Trouble> {
        let directory = self.out.as_deref().map(std::path::absolute).transpose();
        let directory = directory.map_err(|error| Trouble::usage(format!("--out is no path: {error}")))?;
        let request = self.subject.request();
        let mut record = match journal {
            Some(journal) => record(journal, &request, &step, directory.as_deref())?,
            None => {
                directory.as_deref().map_or(Ok(()), save::must_not_exist)?;
                Record::default()
            }
        };
        if let Some((entry, End { at, result: Ok(outcome), jobs, .. })) =
            record.entry().and_then(|entry| Some((entry, entry.end()?)))
        {
            let saved_to = entry.directory.as_ref().map(|directory| directory.display().to_string());
            let (key, outcome_word) = (entry.key(), words::outcome(*outcome));
            if json {
                let ended = json::EndedBefore { key, outcome: outcome_word, jobs, saved_to, finished_at: *at };
                print::json(&json::Answer::EndedBefore(ended));
            } else {
                println!("{key} has ended before: {outcome_word}");
            }
            return Ok((*outcome).into());
        }
        let connector = self.connection.connector().await?;
        let mut instance = connector.instance().await?;
        let clock = connector.clock();
        match follow::follow(&mut instance, clock, &mut record, request.clone(), step, self.wait, json).await? {
            Standing::Pending(pending) => {
                if json {
                    print::json(&json::Answer::Pending(json::Pending::new(&request.key, &pending)));
                } else {
                    println!("{}", print::progress(&pending));
                    println!("To look again, {}.", follow::poll_with(&request, &pending.ticket));
                }
                Ok(Exit::Pending)
            }
            Standing::Done(report, polled) => {
                let again = || advice_to_save(&request, polled.as_deref());
                if let Some(directory) = &directory {
                    save::save(&mut instance, clock, &report, directory)
                        .await
                        .map_err(|trouble| trouble.with_advice(again()))?;
                }
                record.change(|entry| entry.ends(&report))?;
                if json {
                    let (key, polled) = (request.key.as_str(), polled.as_deref());
                    let saved_to = self.out.as_ref().map(|directory| directory.display().to_string());
                    let report = json::Report::from(&*report);
                    print::json(&json::Answer::Done(json::Done { key, polled, saved_to, report }));
                } else {
                    print::report(&report);
                    match &self.out {
                        Some(directory) => println!("\nSaved to {}.", directory.display()),
                        None if report.documents.is_empty() => {}
                        None => println!("\nTo save the documents, {}.", again()),
                    }
                }
                Ok(report.outcome.into())
            }
        }
    }
}

/// The request's record in a journal. An earlier run may have made the directory; nobody else may.
fn record(journal: Journal, request: &Request, step: &Step, directory: Option<&Path>) -> Result<Record, Trouble> {
    let aim = match step {
        Step::Delete(mode) => Aim::Deletion(*mode),
        Step::Access | Step::Poll(_) => Aim::Access,
    };
    let mut record = Record::resume(journal, Entry::new(request.clone(), aim))?;
    let ended = record.entry().is_some_and(|entry| entry.end().is_some());
    let known = record.entry().and_then(|entry| entry.directory.as_deref());
    if let Some(directory) = directory.filter(|directory| !ended && known != Some(directory)) {
        save::must_not_exist(directory)?;
        record.change(|entry| entry.directory = Some(directory.to_owned()))?;
    }
    Ok(record)
}

/// A report can be had again, and with it the documents.
fn advice_to_save(request: &Request, polled: Option<&str>) -> String {
    match polled {
        Some(ticket) => format!("{}, and --out", follow::poll_with(request, ticket)),
        None => format!("run the same again with `--key {}` and --out", request.key),
    }
}

impl From<RightArgument> for Right {
    fn from(right: RightArgument) -> Self {
        match right {
            RightArgument::Access => Self::Access,
            RightArgument::Deletion => Self::Deletion,
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
