//! Why a command failed, and what to do about it.

use std::fmt;

use host_test::journal::JournalError;
use privacy_host::contract::{Error, ErrorKind, Remedy};
use privacy_host::{ConnectorError, HostError};

use super::exit::Exit;
use super::output::{Failure, Output};
use super::print;
use super::terminal::{self, Format};

/// An error, without personal data and secrets.
pub(super) struct CommandError {
    cause: Cause,
    /// What to do, where the error's own remedy does not say enough.
    advice: Option<String>,
    /// The command that continues, for a shell.
    command: Option<String>,
}

/// Where an error comes from.
pub(super) enum Cause {
    Connector(Box<Error>),
    Host(HostError),
    /// This program itself.
    Local(Exit, String),
}

impl CommandError {
    /// The command line is wrong.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::local(Exit::Usage, message)
    }

    /// An error of this program itself.
    pub(super) fn local(exit: Exit, message: impl Into<String>) -> Self {
        Self { cause: Cause::Local(exit, message.into()), advice: None, command: None }
    }

    /// The same error, with what to do about it as the end of a sentence.
    pub(super) fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// The same error, with the command that continues. The advice introduces it.
    pub(super) fn with_command(mut self, command: Option<String>) -> Self {
        self.command = command;
        self
    }

    pub(super) fn into_cause(self) -> Cause {
        self.cause
    }

    pub(super) fn exit(&self) -> Exit {
        match &self.cause {
            Cause::Connector(error) => error.as_ref().into(),
            Cause::Host(_) => Exit::Error,
            Cause::Local(exit, _) => *exit,
        }
    }

    /// The kind of error, in one word.
    fn kind(&self) -> String {
        let kind = match &self.cause {
            Cause::Connector(error) => return error.kind.to_string(),
            Cause::Host(_) => "host",
            Cause::Local(Exit::Usage, _) => "usage",
            Cause::Local(Exit::Pending, _) => "interrupted",
            Cause::Local(Exit::TryLater, _) => "unavailable",
            Cause::Local(Exit::OutcomeUnknown, _) => "outcome-unknown",
            Cause::Local(..) => "local",
        };
        kind.to_owned()
    }

    /// What to do about it, as the end of a sentence.
    fn advice(&self) -> Option<String> {
        if self.advice.is_some() {
            return self.advice.clone();
        }
        let Cause::Connector(error) = &self.cause else { return None };
        Some(match error.remedy {
            Remedy::Retry(delay_ms) => format!("run the same command again in {} s", delay_ms.div_ceil(1_000)),
            Remedy::Restart => {
                "the ticket is spent: start the request again, a deletion with --first-attempt-at and --last-attempt-at"
                    .to_owned()
            }
            Remedy::Operator => "fix the cause, then run the same command again".to_owned(),
            Remedy::GiveUp if error.kind == ErrorKind::InvalidRequest => "correct the request".to_owned(),
            Remedy::GiveUp => "no retry will help".to_owned(),
        })
    }

    /// Prints the error, and returns the exit code.
    pub(super) fn report(&self) -> Exit {
        self.print();
        self.exit()
    }

    /// Prints the error: as an object on standard output, or as text on standard error.
    fn print(&self) {
        if terminal::format() != Format::Table {
            return self.print_object();
        }
        let text = format!("{}: {}", terminal::failure(&self.kind()), with_numbers(&self.to_string()));
        eprintln!("{}", terminal::wrap_message(&text, 0));
        if let Cause::Connector(error) = &self.cause {
            // The message of the error often has those of its problems.
            for problem in error.problems.iter().filter(|problem| !error.message.contains(&problem.message)) {
                let text = format!("- {}", with_numbers(&print::problem(problem)));
                eprintln!("{}", terminal::wrap_message(&text, 2));
            }
            let details = [
                error.http_status.map(|status| format!("HTTP {status}")),
                error.vendor_code.clone(),
                error.vendor_request_id.as_ref().map(|id| format!("request {id}")),
            ];
            let details: Vec<_> = details.into_iter().flatten().collect();
            if !details.is_empty() {
                eprintln!("  ({})", details.join(", "));
            }
        }
        match (self.advice(), &self.command) {
            (Some(advice), Some(command)) => eprintln!("What to do: {advice}\n  {command}"),
            (Some(advice), None) => eprintln!("{}", terminal::wrap_message(&format!("What to do: {advice}."), 0)),
            (None, _) => {}
        }
    }

    fn print_object(&self) {
        let (advice, command) = (self.advice(), self.command.as_deref());
        match &self.cause {
            Cause::Connector(error) => Output::Error { error, advice, command }.print(),
            Cause::Host(_) | Cause::Local(..) => {
                let failure = Failure { kind: &self.kind(), message: self.to_string() };
                Output::Failure { failure, advice, command }.print();
            }
        }
    }
}

/// The text with identifiers as the options number them, from 1, instead of the contract's indices.
fn with_numbers(text: &str) -> String {
    let mut parts = text.split("subject[");
    let mut numbered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let position = part.split_once(']').and_then(|(index, rest)| Some((index.parse::<usize>().ok()?, rest)));
        match position {
            Some((index, rest)) => numbered.push_str(&format!("identifier {}{rest}", index.saturating_add(1))),
            None => numbered.extend(["subject[", part]),
        }
    }
    numbered
}

impl fmt::Display for CommandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Connector(error) => formatter.write_str(&error.message),
            Cause::Host(error) => error.fmt(formatter),
            Cause::Local(_, message) => formatter.write_str(message),
        }
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        Self { cause: Cause::Connector(Box::new(error)), advice: None, command: None }
    }
}

impl From<HostError> for CommandError {
    fn from(error: HostError) -> Self {
        Self { cause: Cause::Host(error), advice: None, command: None }
    }
}

impl From<ConnectorError> for CommandError {
    fn from(error: ConnectorError) -> Self {
        match error {
            ConnectorError::Contract(error) => (*error).into(),
            ConnectorError::Host(error) => error.into(),
            other => Self::usage(other.to_string()),
        }
    }
}

impl From<JournalError> for CommandError {
    fn from(error: JournalError) -> Self {
        Self::local(Exit::Error, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::with_numbers;

    #[test]
    fn identifiers_are_numbered_from_one() {
        let text = "subject[0] is empty, subject[11] too, and subject[x] is no index: subject[";
        assert_eq!(
            with_numbers(text),
            "identifier 1 is empty, identifier 12 too, and subject[x] is no index: subject["
        );
    }
}
