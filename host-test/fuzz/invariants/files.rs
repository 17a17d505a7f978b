//! Reading documents.

use qualtrics_connector::contract::{Content, Document, Identifier, Progress, Report, Request, Task};
use qualtrics_connector::http::json as http_json;
use qualtrics_connector::privacy::connector::Connector;
use qualtrics_connector::qualtrics::connector::QualtricsConnector;
use serde_json::{Value, json};

use super::vendor::{Exchange, Vendor};
use super::{MARK, PRIVATE_DOMAIN};

/// A request with one address.
pub fn request(id: &str) -> Request {
    let subject = vec![Identifier::Email(format!("{MARK}@{PRIVATE_DOMAIN}"))];
    Request { id: id.to_owned(), subject, attempts: None, overrides: Vec::new() }
}

/// Checks that the media type of a file follows from its first bytes, and that the file is read unchanged: in chunks of any size, on one
/// instance and on several.
pub fn file(content_type: &str, declares_length: bool, bytes: &[u8], piece: u8, limit: u16) {
    let content = bytes.to_vec();
    let content_type = content_type.to_owned();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_declared_page = ["text/html", "application/xhtml+xml"].contains(&essence.as_str());
    let start = bytes.trim_ascii_start();
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start).trim_ascii_start();
    // UTF-16 pages have a byte order mark of their own. An error in Qualtrics' envelope is no file either.
    let is_utf_16 = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
    let is_error = http_json::parse(bytes).is_some_and(|json| json["meta"].is_object());
    let may_be_page = is_declared_page || start.starts_with(b"<") || is_utf_16 || is_error;
    let vendor = Vendor::new(move |request, _| {
        match request.path.trim_start_matches("/API/v3").split('/').collect::<Vec<_>>()[..] {
            ["", "oauth2", "token"] => Exchange::token(),
            ["", "customer-data-requests"] => Exchange::success(&json!({"requestId": "CDR-1"})),
            ["", "customer-data-requests", _] => Exchange::success(&json!({"status": "complete", "fileIds": ["F-1"]})),
            ["", "customer-data-requests", _, "files", _] => {
                let file = Exchange::response(200, content.clone()).with_header("content-type", &content_type);
                let length = content.len().to_string();
                if declares_length { file.with_header("content-length", &length) } else { file }
            }
            _ => Exchange::success(&json!({"elements": []})),
        }
    });
    let vendor = vendor.with_piece(usize::from(piece));
    let mut connector = vendor.connector();
    let report = poll_export(&vendor, &mut connector, may_be_page);
    assert!(report.documents.len() <= 1);
    let Some(document) = report.documents.first() else {
        return assert!(may_be_empty(bytes) || may_be_page, "only an empty file or a web page may be omitted");
    };
    assert!(!is_declared_page, "a web page is not a file");
    if is_error {
        // Its document may be readable later.
        return;
    }
    assert_describes(document, bytes);
    let Content::Remote(reference) = &document.content else { panic!("files are remote") };
    let mut read = Vec::new();
    loop {
        // After an odd number of bytes, a new instance continues, which has no open document.
        if read.len() % 2 == 1 {
            connector = vendor.connector();
        }
        let offset = read.len() as u64;
        let limit = u32::from(limit).max(1);
        let chunk = connector.read(reference.clone(), offset, limit).expect("a chunk");
        assert!(chunk.bytes.len() <= limit as usize && (chunk.last || !chunk.bytes.is_empty()));
        read.extend(chunk.bytes);
        if chunk.last {
            break;
        }
    }
    assert!(read == bytes, "the file differs from the sent bytes");
}

/// Whether a file may hold no data: an archive, JSON without a value, or names of columns, which have no `@`.
fn may_be_empty(bytes: &[u8]) -> bool {
    fn has_value(json: &Value) -> bool {
        match json {
            Value::Null => false,
            Value::Array(elements) => elements.iter().any(has_value),
            Value::Object(members) => members.values().any(has_value),
            _ => true,
        }
    }
    let is_archive = bytes.starts_with(b"PK") || bytes.starts_with(b"\x1f\x8b");
    let is_json = b"[{".iter().any(|first| bytes.trim_ascii_start().starts_with(&[*first]));
    is_archive || http_json::parse(bytes).map_or(!is_json && !bytes.contains(&b'@'), |json| !has_value(&json))
}

/// Polls an export to its report. Only a web page in place of a file may need a second attempt.
fn poll_export(vendor: &Vendor, connector: &mut QualtricsConnector, may_be_page: bool) -> Report {
    let request = request("file-1");
    let mut progress = connector.access(vec![request.clone()]).pop();
    for poll in 0..6 {
        let pending = match progress {
            Some(Ok(Progress::Pending(pending))) => pending,
            Some(Ok(Progress::Done(report))) => return report,
            _ => panic!("an export starts and remains pending"),
        };
        assert!(poll == 0 || may_be_page, "a file is opened with the first poll");
        vendor.advance_ms(pending.poll_after_ms);
        progress = connector.poll(vec![Task { request: request.clone(), ticket: pending.ticket }]).pop();
    }
    panic!("an export ends in a report")
}

fn assert_describes(document: &Document, bytes: &[u8]) {
    let is_zip = bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06");
    assert_eq!(document.media_type == "application/zip", is_zip);
    assert_eq!(document.media_type == "application/gzip", bytes.starts_with(b"\x1f\x8b"));
    assert!(document.size.is_none_or(|size| size == bytes.len() as u64));
    assert_eq!(document.source, "survey-responses");
}
