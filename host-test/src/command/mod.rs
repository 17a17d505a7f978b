//! The command line.
//!
//! Standard output carries the result of a command, standard error everything else. Identifiers are printed only as part of a
//! report: those that were discovered and, as JSON or YAML, the contents of inline documents.

#[macro_use]
mod terminal;

mod batch;
mod call;
mod component;
mod configure;
mod connection;
mod connector;
mod demo;
mod errors;
mod evidence;
mod exit;
mod follow;
mod help;
mod network;
mod output;
mod print;
mod profile;
mod request;
mod save;
mod secret;
mod serve;
mod settings;
mod simulate;
mod state;
mod stored;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use privacy_host::Operation;
use privacy_host::contract::{DeletionMode, Right};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use batch::BatchOptions;
use call::{CallOptions, JournalOptions, absolute};
use component::ComponentOptions;
use configure::ConfigureOptions;
use connection::ConnectionOptions;
use connector::ChosenConnector;
use demo::DemoOptions;
use errors::CommandError;
use exit::Exit;
use help::{CompletionsOptions, ManOptions};
use output::Output;
use request::AttemptOptions;
use serve::ServeOptions;
use simulate::SimulateOptions;
use stored::{ResumeOptions, StatusOptions};
use terminal::{Format, Verbosity};

/// Fulfils data subject requests through a sandboxed connector: access, deletion, opt-out
#[derive(Parser)]
#[command(name = "privacy", version, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The connector: a component of the contract. Without it, the connector for Qualtrics in this program
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    plugin: Option<PathBuf>,
    /// The profile with the connection, instead of `default`; also the variable PRIVACY_PROFILE
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    profile: Option<String>,
    /// The form of the result
    #[arg(long, short, global = true, value_enum, value_name = "FORMAT", help_heading = "Global options")]
    output: Option<Format>,
    /// The same as `--output json`
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    /// Prints neither progress nor hints
    #[arg(long, short, global = true, help_heading = "Global options")]
    quiet: bool,
    /// Logs what the host does, without personal data
    #[arg(long, short, global = true, help_heading = "Global options")]
    verbose: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Describes the connector: settings, permissions, rate limits, egress, gaps
    Describe,
    /// Tests a connection: signs in, and exercises every permission
    Check {
        /// The rights to test for
        #[arg(long, value_enum, value_delimiter = ',', default_values_t = [RightArgument::Access, RightArgument::Deletion])]
        rights: Vec<RightArgument>,
        #[command(flatten)]
        connection: ConnectionOptions,
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
    Resume(ResumeOptions),
    /// Lists the requests whose state is stored
    List,
    Status(StatusOptions),
    Batch(BatchOptions),
    Configure(ConfigureOptions),
    Completions(CompletionsOptions),
    Man(ManOptions),
    /// Shows all operations on a simulated brand
    Demo(DemoOptions),
    /// Serves a simulated Qualtrics with sample data
    Simulate(SimulateOptions),
    /// Writes the component that this program contains
    Component(ComponentOptions),
    Serve(ServeOptions),
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

/// A parsed command line.
struct Invocation {
    cli: Cli,
    /// The connector, for commands that use one.
    connector: Option<Arc<ChosenConnector>>,
    /// The description of the command line.
    command: clap::Command,
}

/// What a command knows beside its own options.
struct Context {
    plugin: Option<PathBuf>,
    profile: Option<String>,
    connector: Option<Arc<ChosenConnector>>,
    /// The description of the whole command line.
    command: clap::Command,
}

/// Why a command line was not parsed.
enum ParseError {
    /// The parser's own message: an error or a help text.
    Message(clap::Error),
    Command(CommandError),
}

/// Runs the command of the command line.
pub(super) async fn run() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let exit = match Invocation::parse(&arguments).await {
        Ok(invocation) => invocation.run().await,
        Err(ParseError::Command(error)) => error.report(),
        Err(ParseError::Message(message)) => {
            if let Err(error) = message.print() {
                terminal::lost(&error);
            }
            if message.use_stderr() { Exit::Usage } else { Exit::Done }
        }
    };
    terminal::exit(exit).into()
}

impl Invocation {
    async fn parse(arguments: &[OsString]) -> Result<Self, ParseError> {
        let mut command = Cli::command();
        let mut connector = None;
        if needs_connector(arguments, &command) {
            let chosen = ChosenConnector::find(arguments, &command).await.map_err(ParseError::Command)?;
            command = chosen.add_options(command);
            connector = Some(chosen);
        }
        let command = help::grouped(command);
        let matches = command.clone().try_get_matches_from(arguments).map_err(ParseError::Message)?;
        let mut cli = Cli::from_arg_matches(&matches).map_err(ParseError::Message)?;
        let connector = connector.map(|mut connector| {
            connector.take(&matches);
            Arc::new(connector)
        });
        if let (Some(connector), Some(connection)) = (&connector, cli.command.connection_mut()) {
            connection.choose(Arc::clone(connector));
        }
        Ok(Self { cli, connector, command })
    }

    async fn run(self) -> Exit {
        let Self { cli: Cli { command: chosen, plugin, profile, output, json, quiet, verbose }, connector, command } =
            self;
        let format = if json { Format::Json } else { output.unwrap_or_default() };
        terminal::init(format, if quiet { Verbosity::Quiet } else { Verbosity::Normal });
        // Events of this program alone: at their finest level, libraries log headers and bodies.
        let level = if verbose { LevelFilter::DEBUG } else { LevelFilter::WARN };
        let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
        tracing_subscriber::registry()
            .with(log)
            .with(Targets::new().with_target("privacy", level).with_target("privacy_host", level))
            .init();
        chosen.run(Context { plugin, profile, connector, command }).await.unwrap_or_else(|error| error.report())
    }
}

/// Whether a word of the command line is a command that uses a connector.
fn needs_connector(arguments: &[OsString], command: &clap::Command) -> bool {
    let uses = |command: &clap::Command| {
        connection::is_option_of(command) || ["describe", "completions", "man"].contains(&command.get_name())
    };
    command
        .get_subcommands()
        .filter(|command| uses(command))
        .any(|command| arguments.iter().any(|word| word == command.get_name()))
}

impl Command {
    fn connection_mut(&mut self) -> Option<&mut ConnectionOptions> {
        match self {
            Self::Check { connection, .. } => Some(connection),
            Self::Access { options, .. }
            | Self::Delete { options, .. }
            | Self::OptOut { options, .. }
            | Self::Poll { options, .. } => Some(&mut options.connection),
            Self::Batch(options) => Some(options.connection_mut()),
            Self::Resume(options) => Some(&mut options.connection),
            Self::Configure(options) => Some(&mut options.connection),
            Self::Completions(_) | Self::Man(_) => None,
            Self::List
            | Self::Status(_)
            | Self::Describe
            | Self::Demo(_)
            | Self::Simulate(_)
            | Self::Component(_)
            | Self::Serve(_) => None,
        }
    }

    async fn run(self, context: Context) -> Result<Exit, CommandError> {
        let Context { plugin, profile, connector, command } = context;
        match self {
            Self::Describe => {
                if let Some(connector) = connector {
                    Output::Manifest { manifest: &connector.manifest }
                        .print_or(|| print::manifest(&connector.manifest));
                }
                Ok(Exit::Done)
            }
            Self::Check { connection, rights } => {
                let rights: Vec<_> = rights.into_iter().map(Right::from).collect();
                let connection = connection.connector().await?.check(&rights).await?;
                Output::Connection { connection: &connection }.print_or(|| print::connection(&connection));
                Ok(Exit::Done)
            }
            Self::Access { options, journal } => options.start(Operation::Access, None, journal).await,
            Self::Delete { mode, options, attempts, journal } => {
                options.start(Operation::Deletion(mode.into()), Some(attempts), journal).await
            }
            Self::OptOut { options, journal } => options.start(Operation::OptOut, None, journal).await,
            Self::Poll { ticket, options } => options.poll(ticket).await,
            Self::Resume(options) => options.run().await,
            Self::Configure(options) => options.run(profile).await,
            Self::Completions(options) => Ok(options.run(command)),
            Self::Man(options) => options.run(command),
            Self::List => stored::list(),
            Self::Status(options) => options.run(),
            Self::Batch(options) => options.run(terminal::format() != Format::Table).await,
            Self::Demo(options) => options.run(plugin).await,
            Self::Simulate(_) | Self::Component(_) | Self::Serve(_) if plugin.is_some() => {
                Err(CommandError::usage("this command works with the connector in this program, and takes no --plugin"))
            }
            Self::Simulate(options) => options.run().await,
            Self::Component(options) => options.run(),
            Self::Serve(options) => options.run().await,
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
