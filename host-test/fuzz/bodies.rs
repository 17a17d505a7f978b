//! What no input may bring the connector's parts to. The fuzzing targets beside this and `tests/properties.rs` share it.

use std::cell::RefCell;
use std::rc::Rc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use qualtrics_connector::connector::Connector;
use qualtrics_connector::connector::contract::{
    Content, DeletionMode, Error, ErrorKind, Identifier, Progress, Remedy, Request, Right, Setting, Task,
};
use qualtrics_connector::connector::settings::Settings;
use qualtrics_connector::connector::ticket::{Reference, Ticket};
use qualtrics_connector::http::date::parse_http_date;
use qualtrics_connector::http::retry::{LONGEST_MS, retry_after_ms};
use qualtrics_connector::http::{self, Body, Clock, Failure, Head, Limits, Method, Response, Transport};
use qualtrics_connector::json::Json;
use qualtrics_connector::qualtrics::cursor::Cursor;
use qualtrics_connector::qualtrics::directories::Contact;
use qualtrics_connector::qualtrics::envelope::{self, Trouble};
use qualtrics_connector::qualtrics::oauth::{Scope, Scopes};
use qualtrics_connector::qualtrics::{
    Answer, account::Account, customer_data, directories, erasure, host, oauth, timestamp, word,
};
use qualtrics_connector::secret::Secret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Stands in what must not be repeated.
pub const MARK: &str = "MARK-7e";

/// Header names, in lower case, with their values.
pub type Headers = Vec<(String, String)>;

fn is_id(id: &str) -> bool {
    !id.trim().is_empty() && id.len() <= 128 && !id.chars().any(char::is_control)
}

/// Whether this may stand in a query behind a `&`, without ending it, the URL or the line.
fn is_safe_query(query: &str) -> bool {
    !query.is_empty() && query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%=&".contains(&byte))
}

/// An answer is good only if nothing in it says otherwise, and its error is told in few words of ASCII.
pub fn envelope(status: u16, headers: &Headers, body: &[u8], now_s: u64) {
    let response = Response { head: Head { status, headers: headers.clone() }, body: body.to_vec() };
    match envelope::read(&response, now_s) {
        Ok(_) => assert!((200..300).contains(&status)),
        Err(Trouble::Refused(refusal)) => {
            assert!(refusal.status >= 400);
            assert!(refusal.retry_after_ms.is_none_or(|wait| wait <= LONGEST_MS));
            assert!(refusal.code.is_none_or(|code| code.len() <= 40 && code.is_ascii()));
            assert!(refusal.request_id.is_none_or(|id| id.len() <= 64 && id.is_ascii()));
        }
        Err(Trouble::Redirected(told)) => assert!(told == status && (300..400).contains(&status)),
        Err(trouble) => assert_eq!(trouble, Trouble::Unreadable),
    }
}

/// A token never breaks a header, and never outlives an hour.
pub fn token(status: u16, headers: &Headers, body: &[u8], now_ms: u64) {
    let response = Response { head: Head { status, headers: headers.clone() }, body: body.to_vec() };
    if let Ok(token) = oauth::read(&response, Scopes::of(&[Scope::Users]), now_ms, now_ms / 1_000) {
        assert!(token.header.reveal().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        assert!(token.stale_at_ms >= now_ms && token.stale_at_ms <= now_ms.saturating_add(3_600_000));
    }
}

/// Whatever `result` holds, each reader takes what it can use and leaves the rest.
pub fn readers(result: Value, id: &str) {
    let result = Json::from(result);
    let answer = Answer { result, proxied: false };
    if let Ok(erasure) = erasure::read(&answer, id) {
        assert!(erasure::same_id(&erasure.id, id) && is_id(&erasure.id));
        let emails: Vec<&str> = erasure.emails.iter().flatten().map(Secret::reveal).collect();
        assert!(emails.is_sorted() && emails.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(erasure.emails.is_none_or(|emails| !emails.is_empty()));
        assert!(erasure.status.is_none_or(|status| status.len() <= 40 && status.is_ascii()));
        assert!(erasure.counts.iter().all(|(name, _)| word::kebab(name).as_ref() == Some(name)));
    }
    assert!(erasure::read_id(&answer).is_ok_and(|id| is_id(&id)) || erasure::read_id(&answer).is_err());
    assert!(customer_data::read_id(&answer).is_ok_and(|id| is_id(&id)) || customer_data::read_id(&answer).is_err());
    let export = customer_data::read_progress(&answer);
    assert!(export.percent.is_none_or(|percent| percent <= 100));
    let mut files = export.files.clone();
    files.sort();
    files.dedup();
    assert_eq!(files.len(), export.files.len(), "each file once");
    for file in &export.files {
        assert!(is_id(file));
        let path = customer_data::file_path("job", file);
        assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte)), "{path}");
        assert_eq!(path.matches('/').count(), 4, "{path}");
    }
    let account = Account::read(&answer);
    assert!(account.names.iter().all(|name| name.reveal() == name.reveal().trim().to_lowercase()));
    if let Ok(ids) = directories::read_page(&answer) {
        assert!(ids.iter().all(|id| is_id(id)));
    }
    if let Ok((contacts, cursor)) = directories::read_search(answer) {
        assert!(contacts.iter().all(|contact| is_id(&contact.id)));
        assert!(cursor.is_none_or(|cursor| !contacts.is_empty() && is_safe_query(cursor.query())));
    }
}

/// A contact's document is an object of the known members, and says in which directory it was found.
pub fn contact(told: Value, other: Value) {
    let Some(mut contact) = Contact::read(told.into()) else { return };
    assert!(is_id(&contact.id));
    if let Some(other) = Contact::read(other.into()) {
        contact.complete(other);
    }
    let bytes = contact.document("POOL_1");
    let document: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(document["directoryId"], "POOL_1");
    for name in ["contactId", "firstName", "lastName", "email", "phone", "extRef", "language", "embeddedData"] {
        assert!(document.get(name).is_some(), "{name}");
    }
}

/// A cursor is a safe query, and never a host.
pub fn cursor(result: &Value, text: &str) {
    let told = [
        result.clone(),
        json!({"nextPage": text}),
        json!({"links": {"next": {"href": text}}}),
        json!({"skipToken": text}),
    ];
    for result in told.map(Json::from) {
        for cursor in [Cursor::next_page(&result), Cursor::skip_token(&result)].into_iter().flatten().flatten() {
            assert!(is_safe_query(cursor.query()), "{}", cursor.query());
            let _ = cursor.position();
        }
    }
    if let Some(cursor) = Cursor::from_hint(text) {
        assert!(is_safe_query(cursor.query()));
        assert_eq!(cursor.query(), text);
    }
}

/// Settings are taken or refused without a word of their values, of which those that matter hold [`MARK`].
pub fn settings(pairs: &[(String, String)]) {
    let given: Vec<Setting> =
        pairs.iter().map(|(key, value)| Setting { key: key.clone(), value: Secret::new(value.clone()) }).collect();
    match Settings::read(&given) {
        Ok(settings) => {
            assert!((1..=100).contains(&settings.rate_share) && settings.verify_window_s <= 604_800);
            assert!((1_000..=30_000).contains(&settings.answer_ms));
            assert!(!settings.credentials.client_id.reveal().contains(':'));
            let said = format!("{settings:?}");
            assert!(!said.contains(MARK), "{said}");
        }
        Err(error) => {
            assert_eq!((error.kind, &error.remedy), (ErrorKind::InvalidSettings, &Remedy::Operator));
            assert!(!error.problems.is_empty());
            let said = format!("{error:?}");
            assert!(!said.contains(MARK), "{said}");
        }
    }
}

/// A data centre is below `qualtrics.com` or nothing; a base URL is `https`, or the machine itself.
pub fn origin(text: &str) {
    let is_host = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    if let Some(origin) = host::datacenter(text).map(|origin| origin.to_text()) {
        let host = origin.strip_prefix("https://").expect("TLS");
        let brand = host.strip_suffix(".qualtrics.com").expect("below qualtrics.com");
        assert!(is_host(brand) && !brand.is_empty() && !brand.starts_with('.'), "{origin}");
    }
    if let Some(origin) = host::base_url(text).map(|origin| origin.to_text()) {
        let (scheme, authority) = origin.split_once("://").expect("a scheme");
        assert!(!authority.is_empty() && !authority.contains(['/', '?', '#', '@', '\\', ' ']), "{origin}");
        let loopback =
            authority.starts_with("127.") || authority.starts_with("localhost") || authority.starts_with("[::1]");
        assert!(scheme == "https" || (scheme == "http" && loopback), "{origin}");
    }
}

/// What is read of a ticket or a reference can be written, and is read again as it was.
pub fn ticket(text: &str) {
    if let Ok(ticket) = Ticket::read(text) {
        match ticket.write() {
            Ok(written) => assert_eq!(Ticket::read(&written).ok(), Some(ticket)),
            Err(error) => assert_eq!(error.kind, ErrorKind::Protocol),
        }
    }
    if let Ok(reference) = Reference::read(text) {
        let written = reference.write();
        assert!(written.len() > 4_096 || Reference::read(&written).ok() == Some(reference));
    }
}

/// A ticket of this version and with this inside, whose checksum is right.
pub fn sealed(version: &str, inside: &[u8]) -> String {
    let body = [version, &URL_SAFE_NO_PAD.encode(inside), "."].concat();
    let digest = Sha256::digest(body.as_bytes());
    [&body, URL_SAFE_NO_PAD.encode(&digest[..6]).as_str()].concat()
}

/// A wait is understood or none, and never longer than an hour.
pub fn wait(told: &str, date: &str, now_s: u64) {
    let headers = vec![("retry-after".to_owned(), told.to_owned()), ("date".to_owned(), date.to_owned())];
    let wait = retry_after_ms(&Head { status: 429, headers }, now_s);
    assert!(wait.is_none_or(|wait| wait <= LONGEST_MS));
    let told = told.trim();
    let digits = !told.is_empty() && told.bytes().all(|byte| byte.is_ascii_digit());
    let model = told.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1_000).min(LONGEST_MS);
    assert!(!digits || wait == Some(model));
    assert!(digits || wait.is_some() == parse_http_date(told).is_some());
    let _ = (timestamp::read_ms(&told.into()), parse_http_date(date));
}

/// What answers a connector's requests, and the time.
#[derive(Clone)]
struct Vendor(Rc<RefCell<Stage>>);

/// The part that is played: what is answered to a request, head and body.
type Part = dyn FnMut(&http::Request) -> (Head, Vec<u8>);

struct Stage {
    now_ms: u64,
    answer: Box<Part>,
    /// How many bytes of a body come at once.
    piece: usize,
    erasures: usize,
}

struct Rest(Vec<u8>, usize);

impl Vendor {
    fn new(piece: usize, answer: impl FnMut(&http::Request) -> (Head, Vec<u8>) + 'static) -> Self {
        let stage = Stage { now_ms: 1_767_603_600_000, answer: Box::new(answer), piece: piece.max(1), erasures: 0 };
        Self(Rc::new(RefCell::new(stage)))
    }

    fn answer(&self, request: &http::Request) -> (Head, Vec<u8>) {
        let mut stage = self.0.borrow_mut();
        stage.now_ms += 7;
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        stage.erasures += usize::from(request.method == Method::Post && body["searchOnly"] == json!(false));
        assert_eq!(request.origin.to_text(), "https://fra1.qualtrics.com");
        assert!(request.path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{}", request.path);
        (stage.answer)(request)
    }

    fn connector(&self) -> Connector<Self, Self> {
        let mut connector = Connector::new(self.clone(), self.clone());
        let settings = [("datacenter-id", "fra1"), ("client-id", "client"), ("client-secret", MARK)];
        let settings = settings.map(|(key, value)| Setting { key: key.to_owned(), value: Secret::new(value) });
        assert!(connector.configure(&settings).is_ok());
        connector
    }
}

impl Transport for Vendor {
    type Body = Rest;

    fn exchange(&mut self, requests: Vec<http::Request>, _: Limits) -> Vec<Result<Response, Failure>> {
        let answers = requests.iter().map(|request| self.answer(request));
        answers.map(|(head, body)| Ok(Response { head, body })).collect()
    }

    fn open(&mut self, request: http::Request, _: Limits) -> Result<(Head, Rest), Failure> {
        let (head, body) = self.answer(&request);
        let piece = self.0.borrow().piece;
        Ok((head, Rest(body, piece)))
    }
}

impl Body for Rest {
    fn read(&mut self, limit: usize, _: Limits) -> Result<Vec<u8>, Failure> {
        let rest = self.0.split_off(limit.min(self.1).min(self.0.len()));
        Ok(std::mem::replace(&mut self.0, rest))
    }
}

impl Clock for Vendor {
    fn wall_ms(&self) -> u64 {
        self.0.borrow().now_ms
    }

    fn monotonic_ms(&self) -> u64 {
        self.0.borrow().now_ms
    }

    fn sleep(&self, ms: u64) {
        assert!(ms <= 5_000, "the connector never sleeps for long");
        self.0.borrow_mut().now_ms += ms;
    }
}

fn about_somebody() -> Request {
    let subject = vec![Identifier::Email(Secret::new(format!("{}@example.org", MARK.to_lowercase())))];
    Request { key: "request-1".to_owned(), subject, first_attempt_at: None, confirmed: Vec::new(), extra: Vec::new() }
}

/// A file is what its first bytes say, and comes out as it went in, in pieces of whatever size.
pub fn file(content_type: &str, length_told: bool, bytes: &[u8], piece: u8, limit: u16) {
    let content = bytes.to_vec();
    let mut headers = vec![("content-type".to_owned(), content_type.to_owned())];
    if length_told {
        headers.push(("content-length".to_owned(), bytes.len().to_string()));
    }
    let vendor = Vendor::new(usize::from(piece), move |request| {
        let good = |body: Value| (Head { status: 200, headers: Vec::new() }, body.to_string().into_bytes());
        match request.path.trim_start_matches("/API/v3").split('/').collect::<Vec<_>>()[..] {
            ["", "oauth2", "token"] => good(json!({"access_token": "token"})),
            ["", "customer-data-requests"] => good(json!({"result": {"requestId": "CDR-1"}})),
            ["", "customer-data-requests", _] => good(json!({"result": {"status": "complete", "fileIds": ["F-1"]}})),
            ["", "customer-data-requests", _, "files", _] => {
                (Head { status: 200, headers: headers.clone() }, content.clone())
            }
            _ => good(json!({"result": {"elements": []}})),
        }
    });
    let (mut connector, request) = (vendor.connector(), about_somebody());
    let Ok(Progress::Pending(pending)) = connector.access(&request) else { panic!("an export was begun") };
    let task = Task { request, ticket: pending.ticket };
    let answer = connector.poll(&[task]).pop().expect("an answer");
    let report = match answer {
        Ok(Progress::Done(report)) => report,
        // A page in place of a file is no file.
        _ => return assert!(content_type.trim_start().to_ascii_lowercase().starts_with("text/html")),
    };
    assert!(report.documents.len() <= 1);
    let Some(document) = report.documents.first() else {
        let blank = bytes.iter().all(|byte| byte.is_ascii_whitespace() || b"[]{}".contains(byte));
        return assert!(blank, "only nothing is left out");
    };
    let zip = bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06");
    assert_eq!(document.media_type == "application/zip", zip);
    assert_eq!(document.media_type == "application/gzip", bytes.starts_with(b"\x1f\x8b"));
    assert!(document.size.is_none_or(|size| size == bytes.len() as u64));
    let Content::Remote(reference) = &document.content else { panic!("files are remote") };
    let mut read = Vec::new();
    loop {
        // Every other piece is read by an instance that has nothing open.
        if read.len() % 2 == 1 {
            connector = vendor.connector();
        }
        let offset = read.len() as u64;
        let chunk = connector.read(reference, offset, u32::from(limit).max(1)).expect("a piece");
        assert!(chunk.last || !chunk.bytes.is_empty());
        read.extend(chunk.bytes);
        if chunk.last {
            break;
        }
    }
    assert!(read == bytes, "not what was sent");
}

/// What Qualtrics answers: status, wait, body.
pub type Answers = Vec<(u16, Option<u8>, Vec<u8>)>;

/// Whatever is answered, in whatever order, every call ends in a typed state, nothing private is told, and an erasure is
/// sent again only once the one before is refused.
pub fn calls(answers: Answers, steps: &[u8]) {
    if answers.is_empty() {
        return;
    }
    let mut next = 0;
    // A token as it should be: without one nothing else would be asked.
    let vendor = Vendor::new(1_000, move |request| {
        if request.path == "/oauth2/token" {
            let body = json!({"access_token": "token"}).to_string().into_bytes();
            return (Head { status: 200, headers: Vec::new() }, body);
        }
        let (status, wait, body) = &answers[next % answers.len()];
        next += 1;
        let headers = wait.map(|wait| ("retry-after".to_owned(), wait.to_string())).into_iter().collect();
        (Head { status: 100 + status % 500, headers }, body.clone())
    });
    let (mut connector, request) = (vendor.connector(), about_somebody());
    let mut tickets: Vec<String> = Vec::new();
    for step in steps.iter().take(12) {
        let before = vendor.0.borrow().erasures;
        let mut polling = false;
        let told: Vec<Result<Progress, Error>> = match step % 8 {
            0 => vec![connector.access(&request)],
            1 => vec![connector.delete(&request, DeletionMode::Preview)],
            2 => vec![connector.delete(&request, DeletionMode::Erase)],
            3 => {
                let earlier = Request { first_attempt_at: Some(vendor.wall_ms() / 1_000), ..request.clone() };
                vec![connector.delete(&earlier, DeletionMode::EraseAndVerify)]
            }
            4 => connector.check(&[Right::Access, Right::Deletion]).err().map(Err).into_iter().collect(),
            5 => {
                connector = vendor.connector();
                vendor.0.borrow_mut().now_ms += u64::from(*step) * 10_000;
                Vec::new()
            }
            _ => {
                polling = true;
                let task = |ticket: &String| Task { request: request.clone(), ticket: ticket.clone() };
                connector.poll(&tickets.iter().rev().take(3).map(task).collect::<Vec<_>>())
            }
        };
        let sent = vendor.0.borrow().erasures - before;
        assert!(sent <= if matches!(step % 8, 2 | 3) { 3 } else { 0 }, "{sent} erasures");
        for answer in told {
            match answer {
                Ok(Progress::Pending(pending)) => {
                    assert!(pending.poll_after_ms <= 3_600_000 && pending.percent.is_none_or(|percent| percent <= 100));
                    tickets.push(pending.ticket);
                }
                Ok(Progress::Done(report)) => tickets.extend(report.ticket),
                Err(error) => {
                    assert!(!polling || error.kind != ErrorKind::OutcomeUnknown, "poll never answers outcome-unknown");
                    let said = format!("{error:?}");
                    assert!(!said.to_uppercase().contains(&MARK.to_uppercase()), "{said}");
                }
            }
        }
    }
}
