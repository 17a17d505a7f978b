//! Parsers of responses of Qualtrics.

use qualtrics_connector::http::retry::{MAX_DELAY_MS, MIN_DELAY_MS, retry_after_ms};
use qualtrics_connector::http::{Response, ResponseHead, json as http_json};
use qualtrics_connector::qualtrics::api::account::Account;
use qualtrics_connector::qualtrics::api::contact::Contact;
use qualtrics_connector::qualtrics::api::contact_lists::{ContactList, ListReader};
use qualtrics_connector::qualtrics::api::cursor::Cursor;
use qualtrics_connector::qualtrics::api::envelope::{self, ApiResponse, Notice};
use qualtrics_connector::qualtrics::api::erasures::NotFound;
use qualtrics_connector::qualtrics::api::error::{ApiError, ErrorForm};
use qualtrics_connector::qualtrics::api::{
    customer_data, directories, erasures, oauth, sanitize, timestamp, user_record,
};
use qualtrics_connector::qualtrics::scopes::{Scope, Scopes};
use qualtrics_connector::secret::Secret;
use serde_json::{Value, json};

use super::Headers;

fn response(status: u16, headers: &Headers, body: &[u8]) -> Response {
    Response { head: ResponseHead { status, headers: headers.clone() }, body: body.to_vec() }
}

/// Whether a response proves that the request was not processed: 429, or certain statuses in Qualtrics' own envelope.
///
/// This is an independent statement of the rule in the connector.
pub fn proves_rejection(status: u16, body: &[u8]) -> bool {
    let Some(body) = http_json::parse(body) else { return status == 429 };
    let meta = &body["meta"];
    let status_in_meta = match &meta["httpStatus"] {
        Value::String(text) => text.get(..3).and_then(|digits| digits.parse().ok()),
        other => other.as_u64(),
    };
    let is_envelope = meta["error"].is_object()
        || ["internalErrorCode", "errorMessage"].iter().any(|name| meta.get(name).is_some())
        || status_in_meta.is_some_and(|status: u64| (400..=u64::from(u16::MAX)).contains(&status));
    match status {
        429 => true,
        400 | 401 | 403 | 404 | 413 | 415 | 422 => is_envelope,
        _ => false,
    }
}

/// Checks that a response with any sign of an error is an error, that an error contains only short ASCII parts of the response, and that it
/// is a proof that nothing was started exactly if [`proves_rejection`] says so.
pub fn envelope(status: u16, headers: &Headers, body: &[u8], now_s: u64) {
    let parsed = envelope::parse(&response(status, headers, body), now_s);
    let proves = parsed.as_ref().err().is_some_and(ApiError::is_provably_not_started);
    assert_eq!(proves, proves_rejection(status, body), "{status}");
    match parsed {
        Ok(_) => assert!((200..300).contains(&status)),
        Err(ApiError::Response(error)) => {
            assert!(error.status >= 400 || error.is_from_proxy());
            assert_eq!(error.form != ErrorForm::BehindSuccess, error.status == status);
            assert!(error.retry_after_ms.is_none_or(|ms| (MIN_DELAY_MS..=MAX_DELAY_MS).contains(&ms)));
            assert!(error.code.is_none_or(|code| code.len() <= 40 && code.is_ascii()));
            assert!(error.request_id.is_none_or(|id| id.len() <= 64 && id.is_ascii()));
        }
        Err(ApiError::Redirect(redirect)) => assert!(redirect == status && (300..400).contains(&status)),
        Err(error) => assert_eq!(error, ApiError::Malformed),
    }
}

/// Checks that the tolerant JSON parser accepts all valid JSON without repeated names, with the same result as a strict parser. In
/// addition, it may only ignore a byte order mark and replace unpaired surrogates.
pub fn body(body: &[u8]) {
    let strict: Option<Value> = serde_json::from_slice(body).ok();
    let tolerant = http_json::parse(body);
    match strict {
        Some(_) if tolerant.is_some() => assert_eq!(tolerant, strict),
        Some(_) => {
            let colons = body.iter().filter(|byte| **byte == b':').count();
            assert!(colons > 1, "fewer than two members, and so no repeated name");
        }
        None => {
            let has_mark = body.starts_with(b"\xEF\xBB\xBF");
            let has_escape = body.windows(3).any(|part| part.eq_ignore_ascii_case(br"\ud"));
            assert!(tolerant.is_none() || has_mark || has_escape);
        }
    }
}

/// Checks that a token is a valid header value and is used for at most one hour.
pub fn token(status: u16, headers: &Headers, body: &[u8], now_ms: u64) {
    let scopes = Scopes::from([Scope::Users]);
    if let Ok(token) = oauth::parse(&response(status, headers, body), &scopes, now_ms, now_ms / 1_000) {
        assert!((200..300).contains(&status));
        assert!(token.header.reveal().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        assert!(token.stale_at_ms >= now_ms && token.stale_at_ms <= now_ms.saturating_add(3_600_000));
        assert_eq!(token.scopes, scopes);
    }
}

/// Checks that the parsers of all resources accept any `result` and return only valid values.
pub fn resources(result: Value, id: &str) {
    let response = ApiResponse { result, notice: Notice::None };
    erasure(&response, id);
    export(&response);
    let account = Account::parse(&response);
    assert!(account.names.iter().all(|name| name.reveal() == name.reveal().trim().to_lowercase()));
    assert!(account.user_id.is_none_or(|id| is_id(&id)));
    if let Ok(ids) = directories::parse_page(&response) {
        assert!(ids.iter().all(|id| is_id(id)));
    }
    lists_and_records(&response, id);
    if let Ok((contacts, cursor)) = directories::parse_search(response) {
        assert!(contacts.iter().all(|contact| is_id(&contact.id)));
        assert!(cursor.is_none_or(|cursor| is_safe_query(cursor.query())));
    }
}

/// A list that consists of one page, and the record of a user, are JSON documents.
fn lists_and_records(response: &ApiResponse, id: &str) {
    for list in ContactList::ALL {
        let mut reader = ListReader::new(list, "POOL_1", id);
        let page = reader.add_page(response.clone());
        if let (Ok(bytes), true) = (page, reader.is_complete()) {
            let document: Value = serde_json::from_slice(&bytes).expect("a document");
            assert_eq!(document["entries"].as_array().map(|entries| entries.len() as u64), Some(reader.entries()));
        }
    }
    let names = [Secret::new("ada@example.org")];
    if let Some(bytes) = user_record::document(response.clone(), id, names.iter()) {
        assert!(serde_json::from_slice::<Value>(&bytes).is_ok_and(|record| record.is_object()));
    }
}

fn erasure(response: &ApiResponse, id: &str) {
    assert!(erasures::parse_id(response).map_or(true, |id| is_id(&id)));
    let Ok(job) = erasures::parse(response, id) else { return };
    assert!(job.id.eq_ignore_ascii_case(id) && is_id(&job.id));
    if let Some(addresses) = &job.addresses {
        let plain = |address: &Secret| address.reveal() == address.reveal().trim().to_lowercase();
        assert!(addresses.readable.keys().all(plain));
        assert!(!addresses.readable.is_empty() || !addresses.all_readable, "an empty list shows nothing");
    }
    if let NotFound::Addresses(addresses) = &job.not_found {
        assert!(addresses.texts.iter().all(|address| address.reveal() == address.reveal().trim()));
    }
    assert!(job.status.is_none_or(|status| status.len() <= 40 && status.is_ascii()));
    assert!(job.failure.is_none_or(|failure| failure.len() <= 40 && !failure.contains('@')));
    assert!(job.counts.iter().all(|(name, _)| sanitize::kebab(name).as_ref() == Some(name)));
}

fn export(response: &ApiResponse) {
    assert!(customer_data::parse_id(response).map_or(true, |id| is_id(&id)));
    let Ok(export) = customer_data::parse_progress(response) else { return };
    assert!(export.percent.is_none_or(|percent| percent <= 100));
    let mut files = export.files.clone();
    files.sort();
    files.dedup();
    assert_eq!(files.len(), export.files.len(), "a file is repeated");
    for file in &export.files {
        assert!(is_id(file));
        let path = customer_data::file_path("job", file);
        assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte)), "{path}");
        assert_eq!(path.matches('/').count(), 4, "{path}");
    }
}

/// Checks that the document of a contact has the mandatory members and the directory that was searched.
pub fn contact(first: Value, second: Value) {
    let Some(mut contact) = Contact::parse(first) else { return };
    assert!(is_id(&contact.id));
    if let Some(second) = Contact::parse(second) {
        contact.complete(second);
    }
    let document: Value = serde_json::from_slice(&contact.document("POOL_1")).expect("JSON");
    assert_eq!(document["directoryId"], "POOL_1");
    for name in ["contactId", "firstName", "lastName", "email", "phone", "extRef", "language", "embeddedData"] {
        assert!(document.get(name).is_some(), "{name}");
    }
}

/// Checks that a cursor is a safe query and never contains a host.
pub fn cursor(result: &Value, text: &str) {
    let results = [
        result.clone(),
        json!({"nextPage": text}),
        json!({"links": {"next": {"href": text}}}),
        json!({"skipToken": text}),
    ];
    for result in &results {
        for cursor in [Cursor::next_page(result), Cursor::skip_token(result)].into_iter().flatten().flatten() {
            assert!(is_safe_query(cursor.query()), "{}", cursor.query());
            let _ = cursor.position();
        }
    }
    if let Some(cursor) = Cursor::from_hint(text) {
        assert!(is_safe_query(cursor.query()));
        assert_eq!(cursor.query(), text);
    }
}

/// Checks that a delay is from one second to one hour, or absent if `Retry-After` is malformed.
pub fn delay(text: &str, date: &str, now_s: u64) {
    let head =
        |name: &str, value: &str| ResponseHead { status: 429, headers: vec![(name.to_owned(), value.to_owned())] };
    let mut both = head("retry-after", text);
    both.headers.extend(head("date", date).headers);
    let delay_ms = retry_after_ms(&both, now_s);
    assert!(delay_ms.is_none_or(|ms| (MIN_DELAY_MS..=MAX_DELAY_MS).contains(&ms)));
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !whole.is_empty() && is_digits(whole) && is_digits(fraction) {
        let partial_second = u64::from(fraction.bytes().any(|digit| digit != b'0'));
        let seconds = whole.parse::<u64>().unwrap_or(u64::MAX).saturating_add(partial_second);
        assert_eq!(delay_ms, Some(seconds.saturating_mul(1_000).clamp(MIN_DELAY_MS, MAX_DELAY_MS)));
    } else {
        assert_eq!(delay_ms.is_some(), head("date", text).date_s().is_some());
    }
    let _ = timestamp::parse_ms(&text.into());
}

fn is_id(id: &str) -> bool {
    !id.trim().is_empty() && id.len() <= 128 && !id.chars().any(char::is_control)
}

/// Whether a text can follow `&` in a query without ending the query, the URL or the line.
fn is_safe_query(query: &str) -> bool {
    !query.is_empty() && query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%=&".contains(&byte))
}
