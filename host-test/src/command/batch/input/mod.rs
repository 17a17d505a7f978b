//! The CSV file of a batch.

mod encoding;
mod table;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use privacy_host::contract::{DeletionMode, Identifier, Request};
use privacy_host::{Entry, Operation};

use self::table::{Fields, Row};
use super::super::errors::CommandError;
use super::listed;

/// The contract's limit for the identifiers of a request.
const MAX_IDENTIFIERS: usize = 64;

/// The requests of a file.
pub(super) struct Input {
    pub(super) path: PathBuf,
    pub(super) lines: Vec<Line>,
}

/// A line of the file: a request, or what is wrong with it.
pub(super) struct Line {
    pub(super) number: u64,
    /// Empty if the line is not readable.
    pub(super) request: Request,
    /// `None` if right or mode are wrong.
    pub(super) operation: Option<Operation>,
    /// Without any value.
    pub(super) problems: Vec<String>,
}

/// Reads the lines of a file that have a value, in its order.
///
/// # Errors
/// The file as a whole cannot be used.
pub(super) fn read(path: &Path) -> Result<Input, CommandError> {
    let unusable = |reason: String| CommandError::usage(format!("{} {reason}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| unusable(format!("cannot be read: {error}")))?;
    let rows = encoding::decode(&bytes).and_then(|text| table::parse(&text)).map_err(unusable)?;
    let mut ids = HashSet::new();
    let lines: Vec<Line> = rows.into_iter().map(|row| line(row, &mut ids)).collect();
    if lines.is_empty() {
        return Err(unusable("lists no request: add a line below the names of the columns".to_owned()));
    }
    Ok(Input { path: path.to_owned(), lines })
}

impl Input {
    /// The requests, in the order of the file.
    ///
    /// # Errors
    /// A line is wrong: no request must be started. The error lists such lines, without any value.
    pub(super) fn into_entries(self) -> Result<Vec<Entry>, CommandError> {
        let wrong = self.lines.iter().filter(|line| !line.problems.is_empty());
        let wrong: Vec<String> =
            wrong.map(|line| format!("  line {}: {}", line.number, line.problems.join("; "))).collect();
        if !wrong.is_empty() {
            let lines = listed(&wrong, "\n");
            let message = format!("no request was started; correct {} first:\n{lines}", self.path.display());
            return Err(CommandError::usage(message));
        }
        let entry = |line: Line| Some(Entry::new(line.request, line.operation?));
        Ok(self.lines.into_iter().filter_map(entry).collect())
    }
}

/// `ids` are those of the earlier lines, in lower case.
fn line((number, fields): Row, ids: &mut HashSet<String>) -> Line {
    let fields = match fields {
        Ok(fields) => fields,
        Err(problem) => {
            let request = Request::new("", []);
            return Line { number, request, operation: None, problems: vec![problem] };
        }
    };
    // Some file systems ignore case: the documents of two such IDs would share a directory.
    let is_duplicate = !ids.insert(fields.id.to_ascii_lowercase());
    let (request, operation) = (request(&fields), operation(&fields));
    let problems = problems(&fields, operation, request.subject.len(), is_duplicate);
    Line { number, request, operation, problems }
}

/// What is wrong, apart from the identifiers themselves: the connector validates those.
fn problems(fields: &Fields, operation: Option<Operation>, identifiers: usize, is_duplicate: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let mut require = |is_met: bool, problem: &str| {
        if !is_met {
            problems.push(problem.to_owned());
        }
    };
    let id = &fields.id;
    let is_id_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    let is_id = (1..=128).contains(&id.len()) && id.bytes().all(is_id_byte);
    require(is_id, "id must be 1 to 128 of A-Z a-z 0-9 . _ : -");
    require(!id.starts_with('.'), "id must not start with a dot");
    require(!is_duplicate, "id is that of an earlier line");
    if operation.is_none() {
        match fields.right.as_str() {
            "deletion" => require(false, "mode must be preview, erase or erase-and-verify"),
            "access" | "opt-out" => require(false, "mode is for deletions"),
            _ => require(false, "right must be access, deletion or opt-out"),
        }
    }
    require((1..=MAX_IDENTIFIERS).contains(&identifiers), "there must be 1 to 64 identifiers");
    let is_code = |code: &str| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    require(values(&fields.overrides).all(is_code), "overrides must be codes such as staff-account");
    problems
}

fn operation(fields: &Fields) -> Option<Operation> {
    match (fields.right.as_str(), fields.mode.as_str()) {
        ("access", "") => Some(Operation::Access),
        ("opt-out", "") => Some(Operation::OptOut),
        ("deletion", "preview") => Some(Operation::Deletion(DeletionMode::Preview)),
        ("deletion", "erase") => Some(Operation::Deletion(DeletionMode::Erase)),
        ("deletion", "erase-and-verify") => Some(Operation::Deletion(DeletionMode::EraseAndVerify)),
        _ => None,
    }
}

fn request(fields: &Fields) -> Request {
    let emails = values(&fields.email).map(Identifier::email);
    let phones = values(&fields.phone).map(Identifier::phone);
    let external_ids = values(&fields.external_id).map(Identifier::external_id);
    let overrides = values(&fields.overrides).map(str::to_owned).collect();
    Request { overrides, ..Request::new(&fields.id, emails.chain(phones).chain(external_ids)) }
}

fn values(field: &str) -> impl Iterator<Item = &str> {
    field.split(';').map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(text: &str) -> Vec<(u64, Vec<String>)> {
        let mut ids = HashSet::new();
        let rows = table::parse(text).expect("rows");
        rows.into_iter().map(|row| line(row, &mut ids)).map(|line| (line.number, line.problems)).collect()
    }

    #[test]
    fn every_wrong_field_of_a_line_is_named_without_its_value() {
        let text = "id,right,mode,email,overrides\n\
                    dsr-1,access,,a@b.c,\n\
                    dsr-2,acces,,a@b.c,\n\
                    DSR-1,deletion,,a@b.c,\n\
                    dsr 4,deletion,erase,a@b.c,\n\
                    .dsr,opt-out,erase,,Secret\n\
                    dsr-6,access\n\
                    dsr-7,deletion,erase,a@b.c,staff-account;incomplete-copy\n";
        let expected: [(u64, &[&str]); 7] = [
            (2, &[]),
            (3, &["right must be access, deletion or opt-out"]),
            (4, &["id is that of an earlier line", "mode must be preview, erase or erase-and-verify"]),
            (5, &["id must be 1 to 128 of A-Z a-z 0-9 . _ : -"]),
            (
                6,
                &[
                    "id must not start with a dot",
                    "mode is for deletions",
                    "there must be 1 to 64 identifiers",
                    "overrides must be codes such as staff-account",
                ],
            ),
            (7, &["2 columns instead of 5"]),
            (8, &[]),
        ];
        let expected = expected.map(|(line, problems)| (line, problems.iter().map(|&one| one.to_owned()).collect()));
        assert_eq!(problems_of(text), expected);
    }

    #[test]
    fn the_list_of_wrong_lines_ends_after_twenty() {
        let wrong = |number| Line {
            number,
            request: Request::new("", []),
            operation: None,
            problems: vec!["not readable".to_owned()],
        };
        let message = |lines: u64| {
            let input = Input { path: PathBuf::from("file.csv"), lines: (2..lines + 2).map(wrong).collect() };
            input.into_entries().err().map(|error| error.to_string()).expect("an error")
        };
        assert!(message(20).ends_with("  line 21: not readable"), "{}", message(20));
        assert!(message(1_248).ends_with("  line 21: not readable\n  and 1228 more"), "{}", message(1_248));
    }
}
