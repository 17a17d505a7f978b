//! The rows of the error table in `docs/outcomes.md` that faults lead to. Every error of the fault tests matches one of them.

use privacy_host::contract::{Error, ErrorKind, Remedy};
use qualtrics_simulator::{Endpoint, Fault, ForeignBody, WaitHint};

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// 401 with a new token, rejected client credentials, or a wrong data centre.
    Unauthorized,
    /// 403 of Qualtrics, a missing scope or a missing role.
    Forbidden,
    /// 429, or this connection's share is exhausted.
    RateLimited,
    /// An access request needs more calls at once than the share ever allows.
    ShareTooSmall,
    /// 408, 409, 425, 5xx, a time-out or an interrupted connection, after a second attempt. Also a search or export whose start is
    /// unknown, because it only reads.
    Transient,
    /// The start of an erasure is unknown: a transient error, or a response that does not prove that nothing was started.
    OutcomeUnknown,
    /// The list of erasures does not show whether an earlier attempt started a job, and will not show it.
    Undecided,
    /// The host's egress policy denies the origin.
    Egress,
    /// 407, 511, or a success or another 4xx that is not in Qualtrics' envelope.
    Proxy,
    /// A redirect.
    Redirect,
    /// A response that is malformed or too large.
    Malformed,
    /// Another 4xx of Qualtrics.
    Rejected,
    /// An export or a file no longer exists, or the file has changed.
    Gone,
    /// An erasure job is no longer listed.
    Vanished,
}

/// The remedy of a row, without its delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RemedyKind {
    Retry,
    Restart,
    Operator,
}

impl Row {
    pub const ALL: [Self; 14] = [
        Self::Unauthorized,
        Self::Forbidden,
        Self::RateLimited,
        Self::ShareTooSmall,
        Self::Transient,
        Self::OutcomeUnknown,
        Self::Undecided,
        Self::Egress,
        Self::Proxy,
        Self::Redirect,
        Self::Malformed,
        Self::Rejected,
        Self::Gone,
        Self::Vanished,
    ];

    const fn kind_and_remedy(self) -> (ErrorKind, RemedyKind) {
        match self {
            Self::Unauthorized => (ErrorKind::Unauthorized, RemedyKind::Operator),
            Self::Forbidden => (ErrorKind::Forbidden, RemedyKind::Operator),
            Self::RateLimited => (ErrorKind::RateLimited, RemedyKind::Retry),
            Self::ShareTooSmall => (ErrorKind::RateLimited, RemedyKind::Operator),
            Self::Transient => (ErrorKind::Unavailable, RemedyKind::Retry),
            Self::OutcomeUnknown => (ErrorKind::OutcomeUnknown, RemedyKind::Retry),
            Self::Undecided => (ErrorKind::OutcomeUnknown, RemedyKind::Operator),
            Self::Egress | Self::Proxy | Self::Redirect => (ErrorKind::Unavailable, RemedyKind::Operator),
            Self::Rejected => (ErrorKind::UnexpectedResponse, RemedyKind::Operator),
            Self::Malformed => (ErrorKind::UnexpectedResponse, RemedyKind::Retry),
            Self::Gone => (ErrorKind::JobNotFound, RemedyKind::Restart),
            Self::Vanished => (ErrorKind::JobNotFound, RemedyKind::Operator),
        }
    }

    /// The code of the problem in the error.
    const fn problem(self) -> Option<&'static str> {
        match self {
            Self::Egress => Some("egress"),
            Self::Proxy | Self::Redirect => Some("proxy"),
            _ => None,
        }
    }

    /// Whether an error has the kind, the remedy and the problem of this row.
    pub fn matches(self, error: &Error) -> bool {
        let remedy = match error.remedy {
            Remedy::Retry(_) => RemedyKind::Retry,
            Remedy::Restart => RemedyKind::Restart,
            Remedy::Operator => RemedyKind::Operator,
            Remedy::GiveUp => return false,
        };
        let has_problem = |code| error.problems.iter().any(|problem| problem.code == code);
        self.kind_and_remedy() == (error.kind, remedy) && self.problem().is_none_or(has_problem)
    }
}

/// Asserts that an error matches this row.
#[track_caller]
pub fn assert_row(row: Row, error: &Error) {
    assert!(row.matches(error), "{row:?}, {:?}: {error:?}", row.kind_and_remedy());
}

/// The purpose of a request to Qualtrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Reads, and may be repeated.
    Read,
    /// Starts a search or an export, which only reads.
    StartReading,
    /// Starts an erasure.
    StartErasure,
}

/// The author of an error response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Author {
    /// Qualtrics: the response is in its envelope.
    Qualtrics,
    /// A proxy or gateway.
    Foreign(ForeignBody),
}

/// Whether a response proves that the request was not processed. Qualtrics rejects a request with these statuses before it processes the
/// request, and a host responds with 429 on its behalf.
const fn proves_no_start(status: u16, author: Author) -> bool {
    matches!((status, author), (429, _) | (400 | 401 | 403 | 404 | 413 | 415 | 422, Author::Qualtrics))
}

/// The status and the author of the response of a fault that is not the endpoint's, and whether the call took effect first.
const fn error_response(fault: &Fault) -> Option<(u16, Author, bool)> {
    match fault {
        Fault::Status(status, _) => Some((*status, Author::Qualtrics, false)),
        Fault::StatusAfterEffect(status, _) => Some((*status, Author::Qualtrics, true)),
        Fault::Foreign(status, body) => Some((*status, Author::Foreign(*body), false)),
        Fault::ForeignAfterEffect(status, body) => Some((*status, Author::Foreign(*body), true)),
        _ => None,
    }
}

/// Whether the fault contradicts itself for a request that starts a job: the job is started, and the response proves that it was not.
pub fn contradicts_itself(fault: &Fault) -> bool {
    error_response(fault).is_some_and(|(status, author, effect)| effect && proves_no_start(status, author))
}

/// The status of the error response of a fault.
pub fn status_of(fault: &Fault) -> Option<u16> {
    error_response(fault).map(|(status, ..)| status)
}

/// The rows of an error response to a request.
fn rows_of_response(status: u16, author: Author, endpoint: Endpoint, purpose: Purpose, in_check: bool) -> Vec<Row> {
    if purpose == Purpose::StartErasure && !proves_no_start(status, author) {
        return vec![Row::OutcomeUnknown];
    }
    let may_be_gone = matches!(
        endpoint,
        Endpoint::ExportProgress
            | Endpoint::ExportFile
            | Endpoint::Contact
            | Endpoint::ContactHistory
            | Endpoint::ContactTransactions
    );
    let is_file = endpoint == Endpoint::ExportFile;
    let is_needed = matches!(endpoint, Endpoint::Token | Endpoint::WhoAmI);
    let mut rows = match (status, endpoint, author) {
        // A file may have any content, but another size.
        (200, _, Author::Foreign(ForeignBody::Text | ForeignBody::Json | ForeignBody::Empty)) if is_file => {
            vec![Row::Gone]
        }
        (200, _, Author::Foreign(ForeignBody::Empty)) => vec![Row::Malformed],
        // A rejection without a body may be Qualtrics' own.
        (400 | 401, Endpoint::Token, Author::Foreign(ForeignBody::Empty)) => vec![Row::Unauthorized],
        (407 | 511, ..) => vec![Row::Proxy],
        // In a connection test, a response without a body proves nothing, unless the call is needed.
        (400 | 404 | 410, _, Author::Foreign(ForeignBody::Empty)) if in_check && !is_needed => Vec::new(),
        (..=407 | 410..=424 | 426..=428 | 430..=499, _, Author::Foreign(_)) => vec![Row::Proxy],
        (400 | 401 | 403 | 404, Endpoint::Token, _) => vec![Row::Unauthorized],
        (401, ..) if in_check => vec![Row::Unauthorized, Row::Forbidden],
        (401, ..) => vec![Row::Unauthorized],
        (429, ..) => vec![Row::RateLimited],
        // A file of another size has changed.
        (408 | 409 | 425 | 500.., Endpoint::ExportFile, _) => vec![Row::Transient, Row::Gone],
        (408 | 409 | 425 | 500.., ..) => vec![Row::Transient],
        (400 | 404 | 410, ..) if may_be_gone => vec![Row::Gone],
        // The account guard requires the account.
        (_, Endpoint::WhoAmI, _) if in_check => vec![Row::Forbidden],
        (403, ..) => vec![Row::Forbidden],
        _ => vec![Row::Rejected],
    };
    if purpose == Purpose::StartReading && !proves_no_start(status, author) {
        rows.push(Row::Transient);
    }
    rows
}

/// The rows of the errors that a fault of a request may lead to. There may be no error, because a second attempt may succeed.
pub fn rows(fault: &Fault, endpoint: Endpoint, purpose: Purpose, in_check: bool) -> Vec<Row> {
    match (fault, endpoint) {
        // The guard says that Qualtrics does not return the account.
        (Fault::Member(pointer, _), Endpoint::WhoAmI) if pointer == "/result" => return vec![Row::Rejected],
        // The result itself may be the ID of an export.
        (Fault::Member(..), Endpoint::ExportCreate) => return vec![Row::Malformed, Row::Transient, Row::Gone],
        _ => {}
    }
    if let Some((status, author, _)) = error_response(fault) {
        return rows_of_response(status, author, endpoint, purpose, in_check);
    }
    let mut rows = match fault {
        // A refused connection proves that nothing was started.
        Fault::ShutBehind => return vec![Row::Transient],
        // The connector requests the next page from the configured origin.
        Fault::NextPageElsewhere(_) => return Vec::new(),
        Fault::Redirect(..) | Fault::RedirectAfterEffect(..) => vec![Row::Redirect],
        Fault::Html => vec![Row::Proxy],
        Fault::LengthTooShort
        | Fault::EmptyBody
        | Fault::JsonArray
        | Fault::JsonString
        | Fault::JsonNumber
        | Fault::DeepJson
        | Fault::HugeBody
        | Fault::InvalidUtf8
        | Fault::DuplicateKeys
        | Fault::RepeatedKeys
        | Fault::CutJson
        | Fault::NumbersAsStrings
        | Fault::NumbersReplaced(_)
        | Fault::Member(..)
        | Fault::RepeatedCursor
        | Fault::IgnoredFilter
        | Fault::UnaskedGzip
        // The status reports success, and the envelope an error.
        | Fault::EnvelopedError(_)
        | Fault::MetaStatus(_) => vec![Row::Malformed],
        _ => vec![Row::Transient],
    };
    // The probes are of an export and a contact that do not exist: this is a 404 that is not in Qualtrics' envelope.
    let is_other = matches!(fault, Fault::JsonArray | Fault::JsonString | Fault::JsonNumber | Fault::UnaskedGzip);
    if in_check && matches!(endpoint, Endpoint::ExportProgress | Endpoint::ContactUpdate) && is_other {
        rows.push(Row::Proxy);
    }
    match purpose {
        Purpose::StartErasure => return vec![Row::OutcomeUnknown],
        Purpose::StartReading => rows.push(Row::Transient),
        // A file of another size has changed.
        Purpose::Read if endpoint == Endpoint::ExportFile => rows.push(Row::Gone),
        Purpose::Read => {}
    }
    rows
}

/// The longest delay that is accepted from Qualtrics, and the shortest.
const MAX_DELAY_MS: u64 = 3_600_000;
const MIN_DELAY_MS: u64 = 1_000;

/// Whether the error for a 429 has the delay that the response asks for.
pub fn has_requested_delay(fault: &Fault, error: &Error) -> bool {
    match (fault, &error.remedy) {
        (Fault::Status(429, hint), Remedy::Retry(ms)) if error.http_status == Some(429) => match hint {
            WaitHint::Seconds(seconds) => *ms == seconds.saturating_mul(1_000).clamp(MIN_DELAY_MS, MAX_DELAY_MS),
            // Time may have passed since the response was written.
            WaitHint::Date(seconds) => (MIN_DELAY_MS..=MIN_DELAY_MS.max(seconds * 1_000)).contains(ms),
            WaitHint::Past(_) => *ms == MIN_DELAY_MS,
            WaitHint::Fraction => *ms == 2_000,
            WaitHint::None | WaitHint::Negative | WaitHint::Absurd => *ms == 15_000,
        },
        (Fault::Foreign(429, _), Remedy::Retry(ms)) if error.http_status == Some(429) => *ms == 15_000,
        (_, Remedy::Retry(ms)) => *ms >= MIN_DELAY_MS,
        _ => true,
    }
}

/// The documented table: kind, remedy and problem of each row.
fn documented() -> Vec<(String, String, String)> {
    let page = include_str!("../../../docs/outcomes.md");
    let (_, table) = page.split_once("| what happened | kind | remedy | problem |").expect("the table");
    let code = |cell: &str| cell.trim().split('`').nth(1).unwrap_or_default().to_owned();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        (code(cells[1]), code(cells[2]), cells.get(3).map_or_else(String::new, |cell| (*cell).to_owned()))
    };
    table.lines().skip(2).take_while(|line| line.starts_with('|')).map(row).collect()
}

#[test]
fn every_row_is_documented() {
    let documented = documented();
    for row in Row::ALL {
        let (kind, remedy) = row.kind_and_remedy();
        let remedy = format!("{remedy:?}").to_lowercase();
        let problem = row.problem().map(|code| format!("`{code}`")).unwrap_or_default();
        let is_documented = documented.iter().any(|(other_kind, other_remedy, problems)| {
            *other_kind == kind.to_string() && *other_remedy == remedy && problems.contains(&problem)
        });
        assert!(is_documented, "{row:?}: {kind}, {remedy}, {problem}");
    }
}
