//! What went wrong, and what the caller can do: the README's table, which errors are held to.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use host_test::host::contract::{Error, Remedy};
use host_test::simulator::{Endpoint, Fault, WaitHint};

const README: &str = include_str!("../../../README.md");

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    Unauthorized,
    Forbidden,
    RateLimited,
    SmallShare,
    Passing,
    OutcomeUnknown,
    Undecided,
    Egress,
    Redirect,
    Unreadable,
    Refused,
    Gone,
}

impl Row {
    pub const ALL: [Self; 12] = [
        Self::Unauthorized,
        Self::Forbidden,
        Self::RateLimited,
        Self::SmallShare,
        Self::Passing,
        Self::OutcomeUnknown,
        Self::Undecided,
        Self::Egress,
        Self::Redirect,
        Self::Unreadable,
        Self::Refused,
        Self::Gone,
    ];

    /// Its first column.
    const fn what(self) -> &'static str {
        match self {
            Self::Unauthorized => {
                "401, also with a new token; client id and secret refused, with whatever 4xx; another data centre"
            }
            Self::Forbidden => {
                "403, or a scope that is not granted; for `check`, also a 401 to one of its calls alone, or a 4xx that hides \
                 whose account it is"
            }
            Self::RateLimited => "429, or this connection's share is used up",
            Self::SmallShare => {
                "an access request has more addresses, each of which needs a call, than the share ever allows at once"
            }
            Self::Passing => "408, 409, 425, 5xx, time-out, broken connection, on a read: after a second try",
            Self::OutcomeUnknown => {
                "the same, or an answer that cannot be read, on the call that begins a job, unless it proves that nothing \
                 was begun, and the job is not in Qualtrics' list"
            }
            Self::Undecided => "the list cannot show for ten minutes whether a job was begun",
            Self::Egress => "the host's egress policy forbids the origin",
            Self::Redirect => "a redirect",
            Self::Unreadable => "an answer that cannot be read, or is too large",
            Self::Refused => "another 4xx",
            Self::Gone => "the job or file is no longer known, or the file is another than the report told of",
        }
    }

    /// Whether an error is of the kind, and names the remedy, that the README promises.
    pub fn is_of(self, error: &Error) -> bool {
        let (kind, remedy) = &TABLE[self.what()];
        let told = match error.remedy {
            Remedy::Retry(_) => "retry",
            Remedy::Restart => "restart",
            Remedy::Operator => "operator",
            Remedy::GiveUp => "give-up",
        };
        let name = format!("{:?}", error.kind);
        let (_, name) = name.rsplit_once("::").unwrap_or(("", &name));
        *kind == kebab(name) && *remedy == told
    }
}

/// Kind and remedy by the first column.
static TABLE: LazyLock<BTreeMap<&str, (&str, &str)>> = LazyLock::new(|| {
    let (_, after) = README.split_once("### What went wrong, and what the caller can do\n").expect("a heading");
    let rows = after.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let rows = rows.skip(2).map(|row| {
        let [what, kind, remedy] = row.trim_matches('|').split(" | ").collect::<Vec<_>>()[..] else {
            panic!("three columns: {row}")
        };
        (what.trim(), (word(kind), word(remedy)))
    });
    rows.collect()
});

/// The first word in code.
fn word(column: &str) -> &str {
    column.split('`').nth(1).unwrap_or_else(|| panic!("a word in code: {column}"))
}

fn kebab(name: &str) -> String {
    let mut word = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.extend(letter.to_lowercase());
    }
    word
}

/// What may be told of a fault that befell a call of this endpoint, in a connection test or not. It need not be told: a
/// second try may do better.
pub fn rows(fault: &Fault, endpoint: Endpoint, testing: bool) -> Vec<Row> {
    let begins = matches!(endpoint, Endpoint::ErasureCreate | Endpoint::ExportCreate);
    // A file of another length is another file.
    let of_a_file = (endpoint == Endpoint::ExportFile).then_some(Row::Gone);
    let lost = |row| [if begins { Row::OutcomeUnknown } else { row }].into_iter().chain(of_a_file).collect();
    match fault {
        // A connection that was refused proves that nothing was begun.
        Fault::ShutBehind => vec![Row::Passing],
        Fault::ResetBeforeRead
        | Fault::ResetBeforeEffect
        | Fault::ResetAfterEffect
        | Fault::SilenceBeforeEffect
        | Fault::SilenceAfterEffect
        | Fault::HalfAnswer
        | Fault::StalledAnswer
        | Fault::ChunksCutOff
        | Fault::LengthTooLong
        | Fault::Drip(_) => lost(Row::Passing),
        Fault::LengthTooShort
        | Fault::Html
        | Fault::EmptyBody
        | Fault::JsonArray
        | Fault::JsonString
        | Fault::JsonNumber
        | Fault::DeepJson
        | Fault::HugeBody
        | Fault::InvalidUtf8
        | Fault::DuplicateKeys
        | Fault::NumbersAsStrings
        | Fault::RepeatedCursor
        | Fault::IgnoredFilter
        | Fault::UnaskedGzip
        // Half of it says that it went well.
        | Fault::MetaStatus(_) => lost(Row::Unreadable),
        // The list goes on where it began, whatever it says of another place.
        Fault::NextPageElsewhere(_) => Vec::new(),
        Fault::Redirect(..) => vec![Row::Redirect],
        Fault::Status(status, _) | Fault::StatusAfterEffect(status, _) => match (status, endpoint) {
            (400..=404, Endpoint::Token) => vec![Row::Unauthorized],
            (401, _) if testing => vec![Row::Unauthorized, Row::Forbidden],
            (401, _) => vec![Row::Unauthorized],
            (403, _) => vec![Row::Forbidden],
            (400 | 404 | 413 | 418, Endpoint::WhoAmI) if testing => vec![Row::Forbidden],
            (400 | 404, Endpoint::ExportProgress | Endpoint::ExportFile | Endpoint::Contact) => vec![Row::Gone],
            (429, _) => vec![Row::RateLimited],
            (409 | 425 | 503, _) => vec![Row::Passing],
            (408 | 500.., _) => lost(Row::Passing),
            _ => vec![Row::Refused],
        },
    }
}

/// Nobody is asked to wait for longer, whatever Qualtrics says.
const LONGEST_WAIT_MS: u64 = 3_600_000;

/// Whether a 429 is told with the wait that was asked for.
pub fn waits_as_asked(fault: &Fault, error: &Error) -> bool {
    match (fault, &error.remedy) {
        (Fault::Status(429, hint), Remedy::Retry(ms)) if error.http_status == Some(429) => match hint {
            WaitHint::Seconds(seconds) => *ms == seconds.saturating_mul(1_000).min(LONGEST_WAIT_MS),
            // Time may have passed since the answer was written.
            WaitHint::Date(seconds) => (1..=seconds * 1_000).contains(ms),
            WaitHint::None | WaitHint::Absurd => *ms == 15_000,
        },
        _ => true,
    }
}

/// An error is what a row of the README's table says.
#[track_caller]
pub fn assert_is_of(row: Row, error: &Error) {
    assert!(row.is_of(error), "{row:?}, says the README: {:?}, not {error:?}", TABLE[row.what()]);
}

#[test]
fn every_row_of_the_readme_is_one_that_errors_are_held_to() {
    let known: Vec<&str> = Row::ALL.map(Row::what).to_vec();
    for what in TABLE.keys() {
        assert!(known.contains(what), "nothing here knows of: {what}");
    }
    for what in known {
        assert!(TABLE.contains_key(what), "not in the README: {what}");
    }
    assert_eq!(TABLE[Row::Gone.what()], ("unknown-job", "restart"));
}
