//! The requests of a batch, as a file lists them.

use std::collections::HashSet;
use std::path::Path;

use host_test::host::contract::{DeletionMode, Identifier, Request};
use host_test::journal::{Aim, Entry};
use serde::Deserialize;

use super::super::trouble::Trouble;

/// Names a request may hold, and characters a name.
const MOST_NAMES: usize = 64;
const MOST_CHARACTERS: usize = 320;

/// What a line may hold; the first two it must.
const COLUMNS: [&str; 7] = ["key", "right", "mode", "email", "phone", "external_reference", "confirmed"];

/// A line, as it stands there. Several values of one column have semicolons between them.
#[derive(Deserialize)]
struct Line {
    key: String,
    right: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    external_reference: String,
    #[serde(default)]
    confirmed: String,
}

/// All requests of a file, in its order; or all that is wrong with it, line by line, without any value.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, Trouble> {
    let unreadable = |error: csv::Error| Trouble::usage(format!("{} cannot be read: {}", path.display(), what(&error)));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(unreadable)?;
    let columns = reader.headers().map_err(unreadable)?.clone();
    let twice = |column: &str| columns.iter().filter(|other| *other == column).count() > 1;
    let needed = |column: &str| columns.iter().any(|other| other == column);
    if !needed("key") || !needed("right") || columns.iter().any(|column| !COLUMNS.contains(&column) || twice(column)) {
        let columns = COLUMNS[2..].join(", ");
        let message = format!(
            "the first line of {} must name its columns, with commas between them: key, right, and what it needs of {columns}",
            path.display()
        );
        return Err(Trouble::usage(message));
    }
    let mut entries = Vec::new();
    let mut keys = HashSet::new();
    let mut wrong = Vec::new();
    for record in reader.records() {
        let record = match record {
            Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => return Err(unreadable(error)),
            record => record,
        };
        let place = match &record {
            Ok(record) => record.position(),
            Err(error) => error.position(),
        };
        let place = place.map_or(0, csv::Position::line);
        match record.and_then(|record| record.deserialize::<Line>(Some(&columns))) {
            Err(error) => wrong.push(format!("  line {place}: {}", what(&error))),
            Ok(line) => {
                // Documents of keys that differ in case alone would be one directory on some machines.
                let twice = !keys.insert(line.key.to_ascii_lowercase());
                let problems = problems(&line, twice);
                if problems.is_empty() {
                    entries.push(entry(line));
                } else {
                    wrong.push(format!("  line {place}: {}", problems.join("; ")));
                }
            }
        }
    }
    if entries.is_empty() && wrong.is_empty() {
        return Err(Trouble::usage(format!("{} lists no request", path.display())));
    }
    if !wrong.is_empty() {
        let message = format!("nothing was begun; {} is to be mended first:\n{}", path.display(), wrong.join("\n"));
        return Err(Trouble::usage(message));
    }
    Ok(entries)
}

/// What is wrong with a file, without anything of what it holds: the library's own words repeat values.
fn what(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{len} columns instead of {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => "not readable".to_owned(),
    }
}

fn problems(line: &Line, twice: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let mut unless = |good: bool, problem: &str| {
        if !good {
            problems.push(problem.to_owned());
        }
    };
    let of_key = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    let key_is_good = (1..=128).contains(&line.key.len()) && line.key.bytes().all(of_key);
    unless(key_is_good, "key must be 1 to 128 of A-Z a-z 0-9 . _ : -");
    unless(!line.key.starts_with('.'), "key must not begin with a dot");
    unless(!twice, "key is that of an earlier line");
    unless(matches!(line.right.as_str(), "access" | "deletion"), "right must be access or deletion");
    if line.right == "deletion" {
        unless(mode(&line.mode).is_some(), "mode must be preview, erase or erase-and-verify");
    } else {
        unless(line.mode.is_empty(), "mode is for deletions");
    }
    let good = |value: &&str| value.chars().count() <= MOST_CHARACTERS && !value.chars().any(char::is_control);
    let is_address = |value: &str| {
        let foreign = |letter: char| letter.is_whitespace() || ",;<>\"()\\".contains(letter);
        let parts = value.split_once('@');
        parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
            && !value.chars().any(foreign)
    };
    let is_phone = |value: &str| {
        let digits = value.strip_prefix('+').unwrap_or_default();
        (2..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    unless(values(&line.email).all(|value| good(&value) && is_address(value)), "email is not an address");
    unless(values(&line.phone).all(is_phone), "phone is not a number in E.164 form, as +4989…");
    unless(values(&line.external_reference).all(|value| good(&value)), "external_reference is too long or no text");
    let names = values(&line.email).count() + values(&line.phone).count() + values(&line.external_reference).count();
    unless((1..=MOST_NAMES).contains(&names), "there must be 1 to 64 names");
    problems
}

fn entry(line: Line) -> Entry {
    let emails = values(&line.email).map(|value| Identifier::Email(value.to_owned()));
    let phones = values(&line.phone).map(|value| Identifier::Phone(value.to_owned()));
    let references = values(&line.external_reference).map(|value| Identifier::ExternalReference(value.to_owned()));
    let request = Request {
        subject: emails.chain(phones).chain(references).collect(),
        confirmed: values(&line.confirmed).map(str::to_owned).collect(),
        first_attempt_at: None,
        extra: Vec::new(),
        key: line.key,
    };
    Entry::new(request, mode(&line.mode).map_or(Aim::Access, Aim::Deletion))
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
