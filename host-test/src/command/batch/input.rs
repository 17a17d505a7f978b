//! The CSV file of a batch.

use std::collections::HashSet;
use std::path::Path;

use privacy_host::contract::{DeletionMode, Identifier, Request};
use privacy_host::{Entry, Operation};
use serde::Deserialize;

use super::super::errors::CommandError;

/// The limits of the contract: identifiers of a request, and characters of an identifier.
const MAX_IDENTIFIERS: usize = 64;
const MAX_CHARACTERS: usize = 320;

/// The columns; the first two are required.
const COLUMNS: [&str; 7] = ["id", "right", "mode", "email", "phone", "external-id", "overrides"];

/// A line of the file. Semicolons separate several values of one column.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Line {
    id: String,
    right: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    external_id: String,
    #[serde(default)]
    overrides: String,
}

/// Parses all requests of a file, in its order. The error lists every wrong line, without any value.
pub(super) fn parse(path: &Path) -> Result<Vec<Entry>, CommandError> {
    let unreadable =
        |error: csv::Error| CommandError::usage(format!("{} cannot be read: {}", path.display(), reason(&error)));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(unreadable)?;
    let columns = reader.headers().map_err(unreadable)?.clone();
    if !is_header(&columns) {
        let optional = COLUMNS[2..].join(", ");
        let message = format!(
            "the first line of {} must name its columns, separated by commas: id, right, and any of {optional}",
            path.display()
        );
        return Err(CommandError::usage(message));
    }
    let mut entries = Vec::new();
    let mut ids = HashSet::new();
    let mut wrong = Vec::new();
    for record in reader.records() {
        let record = match record {
            Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => return Err(unreadable(error)),
            record => record,
        };
        let position = match &record {
            Ok(record) => record.position(),
            Err(error) => error.position(),
        };
        let number = position.map_or(0, csv::Position::line);
        match record.and_then(|record| record.deserialize::<Line>(Some(&columns))) {
            Err(error) => wrong.push(format!("  line {number}: {}", reason(&error))),
            Ok(line) => {
                // Some file systems ignore case: the documents of two such IDs would share a directory.
                let is_duplicate = !ids.insert(line.id.to_ascii_lowercase());
                let problems = problems(&line, is_duplicate);
                if problems.is_empty() {
                    entries.push(entry(line));
                } else {
                    wrong.push(format!("  line {number}: {}", problems.join("; ")));
                }
            }
        }
    }
    if entries.is_empty() && wrong.is_empty() {
        return Err(CommandError::usage(format!("{} lists no request", path.display())));
    }
    if !wrong.is_empty() {
        let message = format!("no request was started; correct {} first:\n{}", path.display(), wrong.join("\n"));
        return Err(CommandError::usage(message));
    }
    Ok(entries)
}

/// Whether the columns are known ones, each at most once, with the required ones among them.
fn is_header(columns: &csv::StringRecord) -> bool {
    let count = |column: &str| columns.iter().filter(|other| *other == column).count();
    columns.iter().all(|column| COLUMNS.contains(&column) && count(column) == 1)
        && COLUMNS[..2].iter().all(|column| count(column) == 1)
}

/// Why a file cannot be read. The library's own texts repeat values.
fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{len} columns instead of {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => "not readable".to_owned(),
    }
}

fn problems(line: &Line, is_duplicate: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let mut require = |is_met: bool, problem: &str| {
        if !is_met {
            problems.push(problem.to_owned());
        }
    };
    let is_id_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    let is_id = (1..=128).contains(&line.id.len()) && line.id.bytes().all(is_id_byte);
    require(is_id, "id must be 1 to 128 of A-Z a-z 0-9 . _ : -");
    require(!line.id.starts_with('.'), "id must not start with a dot");
    require(!is_duplicate, "id is that of an earlier line");
    require(
        matches!(line.right.as_str(), "access" | "deletion" | "opt-out"),
        "right must be access, deletion or opt-out",
    );
    if line.right == "deletion" {
        require(mode(&line.mode).is_some(), "mode must be preview, erase or erase-and-verify");
    } else {
        require(line.mode.is_empty(), "mode is for deletions");
    }
    let is_text = |value: &&str| value.chars().count() <= MAX_CHARACTERS && !value.chars().any(char::is_control);
    require(values(&line.email).all(|value| is_text(&value) && is_address(value)), "email is not an address");
    require(values(&line.phone).all(is_phone), "phone is not a number in E.164 format, such as +4989…");
    require(values(&line.external_id).all(|value| is_text(&value)), "external-id is too long or not text");
    let identifiers =
        [&line.email, &line.phone, &line.external_id].map(|column| values(column).count()).into_iter().sum::<usize>();
    require((1..=MAX_IDENTIFIERS).contains(&identifiers), "there must be 1 to 64 identifiers");
    problems
}

fn is_address(value: &str) -> bool {
    let is_foreign = |character: char| character.is_whitespace() || ",;<>\"()\\".contains(character);
    let parts = value.split_once('@');
    parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
        && !value.chars().any(is_foreign)
}

fn is_phone(value: &str) -> bool {
    let digits = value.strip_prefix('+').unwrap_or_default();
    (2..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn entry(line: Line) -> Entry {
    let emails = values(&line.email).map(Identifier::email);
    let phones = values(&line.phone).map(Identifier::phone);
    let external_ids = values(&line.external_id).map(Identifier::external_id);
    let overrides = values(&line.overrides).map(str::to_owned).collect();
    let request = Request { overrides, ..Request::new(&line.id, emails.chain(phones).chain(external_ids)) };
    let operation = match mode(&line.mode) {
        Some(mode) => Operation::Deletion(mode),
        None if line.right == "opt-out" => Operation::OptOut,
        None => Operation::Access,
    };
    Entry::new(request, operation)
}

fn mode(word: &str) -> Option<DeletionMode> {
    match word {
        "preview" => Some(DeletionMode::Preview),
        "erase" => Some(DeletionMode::Erase),
        "erase-and-verify" => Some(DeletionMode::EraseAndVerify),
        _ => None,
    }
}

fn values(column: &str) -> impl Iterator<Item = &str> {
    column.split(';').map(str::trim).filter(|value| !value.is_empty())
}
