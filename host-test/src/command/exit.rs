use std::process::ExitCode;

use host_test::host::contract::{Error, ErrorKind, Outcome, Remedy};

/// How a command ended, for the script that called it. The numbers never change.
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

/// What `--help` says of them.
pub(super) const HELP: &str = "\
Exit codes:
  0  done: found, nothing found, previewed, submitted, erased, verified
  1  an error that a person has to look into
  2  the command line is wrong
  3  under way: poll with the ticket that was printed
  4  refused: a guard forbids the deletion
  5  done, but not the whole of it: partial, or a residue is left
  6  the outcome is unknown: run it again with --first-attempt-at, as the message says
  7  nothing was begun: run it again later
  8  the vendor gave the job up";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Found
            | Outcome::NothingFound
            | Outcome::Previewed
            | Outcome::Submitted
            | Outcome::Erased
            | Outcome::Verified => Self::Done,
            Outcome::Refused => Self::Refused,
            Outcome::Partial | Outcome::Residue => Self::Incomplete,
            Outcome::Failed => Self::Failed,
        }
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match (error.kind, error.remedy) {
            (ErrorKind::OutcomeUnknown, _) => Self::OutcomeUnknown,
            (_, Remedy::Retry(_)) => Self::TryLater,
            _ => Self::Error,
        }
    }
}
