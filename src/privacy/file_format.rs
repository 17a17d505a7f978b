//! What a file is, and whether it holds any data.

use serde_json::Value;

use super::archive::{gunzip, unzip};
use crate::http::web_page::text_start;
use crate::http::{ResponseHead, json};

/// The format of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Format {
    /// The media type.
    pub media_type: &'static str,
    /// The extension of a file name, without a dot.
    pub extension: &'static str,
}

impl Format {
    /// The format of a file that was not seen, or is of no known format.
    pub const UNKNOWN: Self = Self { media_type: "application/octet-stream", extension: "bin" };

    /// The format of a file: by its first bytes, and by its media type where they do not decide.
    #[must_use]
    pub fn detect(head: &ResponseHead, bytes: &[u8]) -> Self {
        let declared = head.media_type().unwrap_or_default();
        let text = text_start(bytes);
        let (media_type, extension) = if is_zip(bytes) {
            ("application/zip", "zip")
        } else if is_gzip(bytes) {
            ("application/gzip", "gz")
        } else if declared.contains("ndjson") || declared.contains("jsonl") || is_json_lines(text) {
            ("application/x-ndjson", "ndjson")
        } else if text.starts_with(b"{") || text.starts_with(b"[") {
            ("application/json", "json")
        } else if declared.contains("csv") {
            ("text/csv", "csv")
        } else if declared == "text/plain" {
            ("text/plain", "txt")
        } else {
            return Self::UNKNOWN;
        };
        Self { media_type, extension }
    }
}

fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1F\x8B")
}

/// Whether a line ends with the end of an object and the next line starts another.
fn is_json_lines(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let is_object = |line: &[u8]| line.starts_with(b"{") && line.ends_with(b"}");
    lines.next().is_some_and(is_object) && lines.next().is_some_and(|line| line.starts_with(b"{"))
}

/// Whether a file that was received as a whole holds no data: no byte, JSON without a value, CSV with nothing but column names, or an
/// archive of nothing else. A file that is not understood holds data.
#[must_use]
pub fn is_empty(bytes: &[u8]) -> bool {
    if is_zip(bytes) {
        return unzip(bytes).is_some_and(|contents| contents.iter().all(|content| is_empty_text(content)));
    }
    if is_gzip(bytes) {
        return gunzip(bytes).is_some_and(|content| is_empty_text(&content));
    }
    is_empty_text(bytes)
}

fn is_empty_text(bytes: &[u8]) -> bool {
    let text = text_start(bytes).trim_ascii_end();
    text.is_empty() || json::parse(text).is_some_and(|value| !has_value(&value)) || has_column_names_only(text)
}

fn has_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Array(elements) => elements.iter().any(has_value),
        Value::Object(members) => members.values().any(has_value),
    }
}

/// Names of columns in exports of survey responses, without case, spaces and punctuation. A row of data does not consist of names, two
/// of which are these.
const COLUMN_NAMES: [&str; 22] = [
    "answer",
    "contactid",
    "email",
    "enddate",
    "externalreference",
    "finished",
    "firstname",
    "id",
    "ipaddress",
    "lastname",
    "progress",
    "question",
    "recipientemail",
    "recipientfirstname",
    "recipientlastname",
    "recordeddate",
    "responseid",
    "startdate",
    "status",
    "survey",
    "surveyid",
    "value",
];

/// The longest name of a column, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Whether CSV has no row but that of the column names; or, as in exports of survey responses, three: the names, the questions and the
/// import IDs.
fn has_column_names_only(text: &[u8]) -> bool {
    let rows = rows(text);
    let Some((names, others)) = rows.split_first() else { return false };
    let is_names = has_column_names(names);
    let has_import_ids = |row: &[u8]| row.windows(8).any(|window| window == b"ImportId");
    match others {
        [] => is_names,
        [_, import_ids] => is_names && has_import_ids(import_ids),
        _ => false,
    }
}

/// The rows that are not blank. A line break within quotation marks does not end a row.
fn rows(text: &[u8]) -> Vec<&[u8]> {
    let mut is_quoted = false;
    let rows = text.split(|byte| {
        is_quoted ^= *byte == b'"';
        !is_quoted && matches!(byte, b'\n' | b'\r')
    });
    rows.filter(|row| !row.trim_ascii().is_empty()).collect()
}

fn has_column_names(row: &[u8]) -> bool {
    let cells = row.split(|byte| matches!(byte, b',' | b';' | b'\t'));
    let cells: Vec<&[u8]> = cells.map(|cell| cell.trim_ascii()).collect();
    let is_name = |cell: &&[u8]| {
        let name = cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell);
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-. ".contains(byte);
        name.len() <= MAX_NAME_BYTES && name.first().is_some_and(u8::is_ascii_alphabetic) && name.iter().all(is_plain)
    };
    let is_known = |cell: &&&[u8]| {
        let letters = cell.iter().filter(|byte| byte.is_ascii_alphanumeric());
        let letters: String = letters.map(|byte| char::from(byte.to_ascii_lowercase())).collect();
        COLUMN_NAMES.contains(&letters.as_str())
    };
    cells.iter().all(is_name) && cells.iter().filter(is_known).count() >= cells.len().min(2)
}

#[cfg(test)]
mod tests {
    use super::super::archive::tests::{gzip, zip};
    use super::*;

    fn head(name: &str, value: &str) -> ResponseHead {
        ResponseHead { status: 200, headers: vec![(name.to_owned(), value.to_owned())] }
    }

    #[test]
    fn the_first_bytes_of_a_file_decide_before_its_media_type() {
        for (media_type, bytes, expected) in [
            ("application/json", &b"PK\x03\x04..."[..], "zip"),
            ("application/octet-stream", b"\x1f\x8b\x08", "gz"),
            ("application/octet-stream", b" [{\"a\":1}]", "json"),
            ("application/octet-stream", b"\xEF\xBB\xBF {\"a\":1}", "json"),
            ("application/json", b"{\"a\":1}\n{\"a\":2}\n", "ndjson"),
            ("application/json", b"{\n\"a\":1}", "json"),
            ("Text/CSV; charset=utf-8", b"a,b", "csv"),
            ("text/plain;charset=utf-8", b"a b", "txt"),
            ("application/octet-stream", b"a,b", "bin"),
        ] {
            assert_eq!(Format::detect(&head("content-type", media_type), bytes).extension, expected, "{media_type}");
        }
    }

    const EMPTY: [&[u8]; 12] = [
        b"",
        b" \r\n",
        b"\xEF\xBB\xBF",
        b" [ ]\n",
        b"{}",
        b"null",
        b"{\"responses\":[]}",
        b"[{\"values\":{\"answer\":null}},{}]",
        b"responseId,surveyId,recipientEmail,question,answer\r\n",
        b"\xEF\xBB\xBF\"Start Date\";\"Response ID\";\"Q1\"\n",
        b"email",
        b"StartDate,ResponseId,Q1\n\"Start Date\",\"Response ID\",\"Who,\nare you?\"\n\"{\"\"ImportId\"\":\"\"startDate\"\"}\",x,y\n",
    ];

    const FULL: [&[u8]; 12] = [
        b"[0]",
        b"[false]",
        b"{\"a\":\"\"}",
        b"{\"a\":1,\"a\":[]}",
        b"ada@example.org",
        b"R_1,SV_1,email",
        b"Ada,email",
        b"responseId,surveyId\r\nR_1,SV_1\r\n",
        b"responseId,surveyId\r\nR_1,SV_1\r\nR_2,SV_1\r\n",
        b"email,recipientEmail,ada@example.org",
        b"email,status,2026-01-01",
        b"\xFF\xFEe\0m\0a\0i\0l\0",
    ];

    #[test]
    fn files_without_data_are_empty_packed_or_not() {
        for content in EMPTY {
            assert!(is_empty(content), "{}", content.escape_ascii());
            assert!(is_empty(&gzip(content)) && is_empty(&zip(&[content, b""])), "{}", content.escape_ascii());
        }
        assert!(is_empty(&zip(&[])));
    }

    #[test]
    fn files_with_data_and_files_that_are_not_understood_are_not_empty() {
        for content in FULL {
            assert!(!is_empty(content), "{}", content.escape_ascii());
            assert!(!is_empty(&gzip(content)) && !is_empty(&zip(&[b"[]", content])), "{}", content.escape_ascii());
        }
        for damaged in [&b"PK\x03\x04"[..], b"PK\x05\x06", b"\x1F\x8B\x08", b"\x1F\x8B"] {
            assert!(!is_empty(damaged), "{}", damaged.escape_ascii());
        }
    }
}
