//! Help: commands in groups, completions for shells, and manual pages.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::errors::CommandError;
use super::exit::Exit;
use super::terminal;

/// The commands, in the groups and the order in which they are listed.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Requests", &["access", "delete", "opt-out", "batch"]),
    ("Requests in progress", &["resume", "list", "status", "poll"]),
    ("Connection", &["configure", "check", "describe"]),
    ("Tools", &["demo", "simulate", "serve", "component", "completions", "man", "help"]),
];

/// The width of the names of commands.
const NAME_WIDTH: usize = 12;

/// Prints the completions of this command line for a shell.
#[derive(Args)]
pub(super) struct CompletionsOptions {
    /// The shell
    shell: Shell,
}

/// Writes the manual pages of all commands.
#[derive(Args)]
pub(super) struct ManOptions {
    /// The directory for the pages, which is created if it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// The command line with its commands listed in groups.
pub(super) fn grouped(command: Command) -> Command {
    let about = |name: &str| match (name, command.find_subcommand(name)) {
        ("help", _) => "Prints this message or the help of a command".to_owned(),
        (_, Some(command)) => command.get_about().map(ToString::to_string).unwrap_or_default(),
        (_, None) => String::new(),
    };
    let mut list = String::new();
    for (title, names) in GROUPS {
        list.push_str(&format!("\n{title}:\n"));
        for name in names {
            list.push_str(&format!("  {name:NAME_WIDTH$} {}\n", about(name)));
        }
    }
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{list}\nOptions:\n{{options}}{{after-help}}\n"
    ))
}

impl CompletionsOptions {
    pub(super) fn run(self, mut command: Command) -> Exit {
        let mut text = Vec::new();
        generate(self.shell, &mut command, "privacy", &mut text);
        terminal::output(format_args!("{}", String::from_utf8_lossy(&text).trim_end()));
        Exit::Done
    }
}

impl ManOptions {
    pub(super) fn run(self, command: Command) -> Result<Exit, CommandError> {
        let written = std::fs::create_dir_all(&self.out).and_then(|()| clap_mangen::generate_to(command, &self.out));
        let failed = |error: std::io::Error| not_written(&self.out, &error);
        written.map_err(failed)?;
        println!("The manual pages are in {}.", self.out.display());
        Ok(Exit::Done)
    }
}

fn not_written(directory: &Path, error: &std::io::Error) -> CommandError {
    CommandError::usage(format!("{} cannot be written: {error}", directory.display()))
}
