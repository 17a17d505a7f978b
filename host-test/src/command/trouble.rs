//! Why a command did not do what it was asked for, and what a person can do about it.

use std::fmt;

use host_test::host::HostError;
use host_test::host::contract::{Error, ErrorKind, Remedy};
use host_test::journal::JournalError;

use super::exit::Exit;
use super::{json, words};

/// An error, told without personal data and secrets.
pub(super) struct Trouble {
    cause: Cause,
    /// How to go on, where the error's own remedy does not say enough.
    advice: Option<String>,
}

pub(super) enum Cause {
    Connector(Box<Error>),
    Host(HostError),
    /// What this program itself found wrong.
    Own(Exit, String),
}

impl Trouble {
    pub(super) fn usage(message: String) -> Self {
        Self { cause: Cause::Own(Exit::Usage, message), advice: None }
    }

    pub(super) fn own(exit: Exit, message: impl Into<String>) -> Self {
        Self { cause: Cause::Own(exit, message.into()), advice: None }
    }

    pub(super) fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    pub(super) fn into_cause(self) -> Cause {
        self.cause
    }

    pub(super) fn exit(&self) -> Exit {
        match &self.cause {
            Cause::Connector(error) => error.as_ref().into(),
            Cause::Host(_) => Exit::Error,
            Cause::Own(exit, _) => *exit,
        }
    }

    /// The kind of error, in one word.
    fn kind(&self) -> &'static str {
        match &self.cause {
            Cause::Connector(error) => words::error_kind(error.kind),
            Cause::Host(_) => "host",
            Cause::Own(Exit::Usage, _) => "usage",
            Cause::Own(Exit::Pending, _) => "pending",
            Cause::Own(Exit::TryLater, _) => words::error_kind(ErrorKind::Unavailable),
            Cause::Own(Exit::OutcomeUnknown, _) => words::error_kind(ErrorKind::OutcomeUnknown),
            Cause::Own(..) => "local",
        }
    }

    /// Whether polling with the same ticket may succeed later on.
    pub(super) fn leaves_the_ticket_good(&self) -> bool {
        matches!(&self.cause, Cause::Connector(error) if matches!(error.remedy, Remedy::Retry(_) | Remedy::Operator))
    }

    /// What to do about it, as the end of a sentence.
    pub(super) fn advice(&self) -> Option<String> {
        if self.advice.is_some() {
            return self.advice.clone();
        }
        let Cause::Connector(error) = &self.cause else { return None };
        Some(match error.remedy {
            Remedy::Retry(wait) => format!("run the same again in {} s", wait.div_ceil(1_000)),
            Remedy::Restart => "the ticket is spent: begin the request anew".to_owned(),
            Remedy::Operator => "a person has to change something first".to_owned(),
            Remedy::GiveUp => "running it again will not help".to_owned(),
        })
    }

    pub(super) fn print(&self, json: bool) {
        if json {
            let mut error = match &self.cause {
                Cause::Connector(error) => json::Error::from(error.as_ref()),
                Cause::Host(_) | Cause::Own(..) => json::Error::own(self.kind(), self.to_string()),
            };
            error.advice = self.advice();
            return super::print::json(&json::Answer::Error(error));
        }
        eprintln!("{}: {self}", self.kind());
        if let Cause::Connector(error) = &self.cause {
            // A problem that stands alone is told by the error itself.
            for problem in error.problems.iter().filter(|problem| problem.message != error.message) {
                eprintln!("  - {}", super::print::problem(problem));
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
        if let Some(advice) = self.advice() {
            eprintln!("What to do: {advice}.");
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Connector(error) => formatter.write_str(&error.message),
            Cause::Host(error) => error.fmt(formatter),
            Cause::Own(_, message) => formatter.write_str(message),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self { cause: Cause::Connector(Box::new(error)), advice: None }
    }
}

impl From<HostError> for Trouble {
    fn from(error: HostError) -> Self {
        Self { cause: Cause::Host(error), advice: None }
    }
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        Self::own(Exit::Error, error.to_string())
    }
}
