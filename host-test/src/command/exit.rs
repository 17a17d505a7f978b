//! Exit codes.

use std::process::ExitCode;

use privacy_host::contract::{Error, ErrorKind, Outcome, Remedy};

/// How a command ended, for scripts. The numbers are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    Done = 0,
    Error = 1,
    Usage = 2,
    Pending = 3,
    Refused = 4,
    Incomplete = 5,
    OutcomeUnknown = 6,
    TryLater = 7,
    Failed = 8,
}

/// The exit codes, for `--help`.
pub(super) const HELP: &str = "\
Exit codes:
  0  success: found, not-found, previewed, submitted, deleted, verified, opted-out
  1  an error that an operator has to fix
  2  the command line is wrong
  3  pending: run the printed command later
  4  refused: a guard forbids it, or no identifier can be used
  5  incomplete: partial, data-remaining
  6  the outcome is unknown: do what the message says, then run the printed command
  7  a temporary error: run the command again later
  8  failed: the vendor's job failed";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Found
            | Outcome::NotFound
            | Outcome::Previewed
            | Outcome::Submitted
            | Outcome::Deleted
            | Outcome::Verified
            | Outcome::OptedOut => Self::Done,
            Outcome::Refused => Self::Refused,
            Outcome::Partial | Outcome::DataRemaining => Self::Incomplete,
            Outcome::Failed => Self::Failed,
        }
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match (error.kind, &error.remedy) {
            (ErrorKind::OutcomeUnknown, _) => Self::OutcomeUnknown,
            (_, Remedy::Retry(_)) => Self::TryLater,
            _ => Self::Error,
        }
    }
}
