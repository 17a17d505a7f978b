//! A fake connector, and requests of callers.

use serde_json::Value;

use crate::configuration::Configuration;
use privacy_contract::*;

use crate::connector::{Connector, Results};
use crate::gateway::Gateway;
use crate::http::{Body, Head, Interrupted};
use crate::response::{Payload, Response};

/// The accepted token, and its SHA-256.
pub const TOKEN: &str = "secret";
pub const TOKEN_SHA256: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

/// A connector that records its calls and returns configured results.
pub struct Fake {
    pub calls: Vec<String>,
    pub settings: Vec<Setting>,
    /// The error of every call except `describe`, `configure` and `poll`.
    pub error: Option<Error>,
    /// The error of `configure`.
    pub configure_error: Option<Error>,
    /// For each element of a list, in turn: the delay if it is pending, or `None` if it is done.
    pub pending: Vec<Option<u64>>,
    pub document: Vec<u8>,
    /// The maximum number of bytes per `read`.
    pub chunk_bytes: usize,
    /// The offset from which on every `read` fails.
    pub fails_at: Option<u64>,
    /// Whether the chunk with the last byte is marked as the last. Otherwise an empty chunk follows.
    pub marks_last_byte: bool,
    pub reads: Vec<(u64, u32)>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            calls: Vec::new(),
            settings: Vec::new(),
            error: None,
            configure_error: None,
            pending: vec![None],
            document: (0..200_000_u32).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect(),
            chunk_bytes: usize::MAX,
            fails_at: None,
            marks_last_byte: true,
            reads: Vec::new(),
        }
    }
}

impl Fake {
    fn record(&mut self, call: String) -> Result<(), Error> {
        self.calls.push(call);
        self.error.clone().map_or(Ok(()), Err)
    }

    fn progress(&self, index: usize) -> Progress {
        match self.pending[index % self.pending.len()] {
            Some(ms) => Progress::Pending(pending(ms)),
            None => Progress::Done(report()),
        }
    }

    fn start(&mut self, call: &str, requests: &[Request], mode: &str) -> Results {
        let start = |(index, request): (usize, &Request)| {
            self.record(format!("{call} {}{mode}", request_text(request)))?;
            Ok(self.progress(index))
        };
        requests.iter().enumerate().map(start).collect()
    }
}

/// The parts of a request as text.
fn request_text(request: &Request) -> String {
    let Request { id, subject, attempts, overrides } = request;
    let subject: Vec<String> =
        subject.iter().map(|identifier| serde_json::to_string(identifier).expect("JSON")).collect();
    let attempts = attempts.as_ref().map(|attempts| (attempts.first_at, attempts.last_at));
    format!("{id} {} {attempts:?} {overrides:?}", subject.join(" "))
}

impl Connector for Fake {
    fn describe(&mut self) -> Manifest {
        manifest()
    }

    fn configure(&mut self, settings: &[Setting]) -> Result<(), Error> {
        self.calls.push("configure".to_owned());
        self.settings = settings.to_vec();
        self.configure_error.clone().map_or(Ok(()), Err)
    }

    fn check(&mut self, rights: &[Right]) -> Result<Connection, Error> {
        self.record(format!("check {rights:?}"))?;
        Ok(connection())
    }

    fn access(&mut self, requests: &[Request]) -> Results {
        self.start("access", requests, "")
    }

    fn delete(&mut self, requests: &[Request], mode: DeletionMode) -> Results {
        self.start("delete", requests, &format!(" {mode:?}"))
    }

    fn opt_out(&mut self, requests: &[Request]) -> Results {
        self.start("opt-out", requests, "")
    }

    fn poll(&mut self, tasks: &[Task]) -> Results {
        let poll = |(index, Task { request, ticket }): (usize, &Task)| {
            self.calls.push(format!("poll {} {ticket}", request_text(request)));
            if ticket == "bad" {
                Err(error(ErrorKind::InvalidTicket, Remedy::GiveUp))
            } else {
                Ok(self.progress(index))
            }
        };
        tasks.iter().enumerate().map(poll).collect()
    }

    fn read(&mut self, reference: &str, offset: u64, limit: u32) -> Result<Chunk, Error> {
        self.record(format!("read {reference}"))?;
        self.reads.push((offset, limit));
        if self.fails_at.is_some_and(|first| offset >= first) {
            return Err(error(ErrorKind::Unavailable, Remedy::Retry(1_500)));
        }
        let start = usize::try_from(offset).expect("an offset").min(self.document.len());
        let end = self.document.len().min(start + (limit as usize).min(self.chunk_bytes));
        let last = if self.marks_last_byte { end == self.document.len() } else { start == self.document.len() };
        Ok(Chunk { bytes: self.document[start..end].to_vec(), last })
    }
}

/// A request to the gateway.
pub struct TestRequest {
    head: Head,
    body: TestBody,
}

/// A body that arrives in parts and may be interrupted after the last one.
#[derive(Default)]
pub struct TestBody {
    pub parts: Vec<Vec<u8>>,
    pub is_interrupted: bool,
    pub reads: usize,
}

impl Body for TestBody {
    fn read(&mut self) -> Result<Vec<u8>, Interrupted> {
        self.reads += 1;
        match self.parts.get(self.reads - 1) {
            Some(part) => Ok(part.clone()),
            None if self.is_interrupted => Err(Interrupted),
            None => Ok(Vec::new()),
        }
    }
}

pub fn get(target: &str) -> TestRequest {
    request("GET", target)
}

pub fn post(target: &str, body: &str) -> TestRequest {
    let mut request = request("POST", target).header("content-type", "application/json");
    request.body.parts = vec![body.as_bytes().to_vec()];
    request
}

/// A request with the token.
pub fn request(method: &str, target: &str) -> TestRequest {
    let head = Head { method: method.to_owned(), target: target.to_owned(), headers: Vec::new() };
    TestRequest { head, body: TestBody::default() }.header("authorization", &format!("Bearer {TOKEN}"))
}

impl TestRequest {
    /// Replaces a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.headers.retain(|(other, _)| other != name);
        self.head.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.head.headers.retain(|(other, _)| other != name);
        self
    }

    pub fn body(mut self, parts: Vec<Vec<u8>>, is_interrupted: bool) -> Self {
        self.body = TestBody { parts, is_interrupted, reads: 0 };
        self
    }

    /// The response of this gateway, and how often it read from the body.
    pub fn send_to(mut self, gateway: &mut Gateway, connector: &mut Fake) -> (Response, usize) {
        (gateway.handle(&self.head, &mut self.body, connector), self.body.reads)
    }

    /// The response of a configured gateway.
    pub fn send(self, connector: &mut Fake) -> Response {
        self.send_to(&mut gateway(&[("GATEWAY_TOKEN_SHA256", TOKEN_SHA256)]), connector).0
    }
}

pub fn gateway(environment: &[(&str, &str)]) -> Gateway {
    let variable = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Gateway::new(Configuration::from_environment(environment.iter().map(variable).collect()))
}

impl Response {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> &str {
        match &self.payload {
            Payload::Full(bytes) => str::from_utf8(bytes).expect("text"),
            Payload::Streamed(_) => panic!("a document"),
        }
    }

    pub(super) fn value(&self) -> Value {
        serde_json::from_str(self.text()).expect("JSON")
    }

    /// The last part of the problem's type.
    pub(super) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text());
        let value = self.value();
        assert_eq!(value["status"], self.status);
        value["type"].as_str().and_then(|text| text.rsplit(':').next()).expect("a type").to_owned()
    }
}

// Values of the contract with every option set.

pub fn error(kind: ErrorKind, remedy: Remedy) -> Error {
    Error {
        kind,
        remedy,
        message: "What went wrong.".to_owned(),
        problems: vec![problem()],
        http_status: Some(429),
        vendor_code: Some("RATE_1".to_owned()),
        vendor_request_id: Some("id-1".to_owned()),
    }
}

pub fn problem() -> Problem {
    Problem {
        code: "setting".to_owned(),
        target: "client-id".to_owned(),
        affects: vec![Right::Access, Right::Deletion],
        message: "client-id must be there.".to_owned(),
    }
}

pub fn pending(poll_after_ms: u64) -> Pending {
    Pending {
        ticket: "t1.x.y".to_owned(),
        stage: Stage::Deleting,
        poll_after_ms,
        group: Some("1".to_owned()),
        submitted_at: Some(1_700_000_000),
        vendor_status: Some("inProgress".to_owned()),
        percent: Some(50),
        attention: Some(problem()),
    }
}

pub fn report() -> Report {
    let document = |content| Document {
        name: "contact-1.json".to_owned(),
        media_type: "application/json".to_owned(),
        source: "directory:1".to_owned(),
        size: Some(3),
        content,
    };
    let finding = |amount| Finding {
        source: "directory:1".to_owned(),
        state: SourceState::Searched,
        amount,
        identifiers: vec![0, 2],
        code: Some("too-many".to_owned()),
        note: Some("A note.".to_owned()),
    };
    Report {
        right: Right::Access,
        outcome: Outcome::Found,
        findings: vec![finding(Amount::Count(2)), finding(Amount::Present)],
        documents: vec![document(Content::Inline(b"\xff{}".to_vec())), document(Content::Remote("r1.x".to_owned()))],
        discovered: vec![
            Identifier::Email("ada@example.org".to_owned()),
            Identifier::Phone("+1".to_owned()),
            Identifier::external_id("7"),
            Identifier::other("cookie", "c"),
        ],
        gaps: vec![gap()],
        receipt: Receipt {
            connector: "fake 1".to_owned(),
            request_id: "dsr-1".to_owned(),
            mode: Some(DeletionMode::EraseAndVerify),
            jobs: vec![VendorJob {
                operation: "erasure".to_owned(),
                id: "1".to_owned(),
                status: "completed".to_owned(),
                created: Some("then".to_owned()),
                updated: Some("now".to_owned()),
                identifiers: Some(1),
                failure: Some("E1".to_owned()),
            }],
            submitted_at: Some(1),
            finished_at: 2,
        },
        ticket: Some("t1.x.y".to_owned()),
    }
}

fn gap() -> Gap {
    Gap {
        code: "gap".to_owned(),
        rights: vec![Right::Access],
        description: "What.".to_owned(),
        advice: "How.".to_owned(),
    }
}

pub fn manifest() -> Manifest {
    let field = |key: &str| SettingField {
        key: key.to_owned(),
        label: "Label".to_owned(),
        help: "Help".to_owned(),
        kind: SettingKind::Choice,
        required: true,
        default: Some("a".to_owned()),
        choices: vec![("a".to_owned(), "A".to_owned())],
    };
    Manifest {
        name: "fake".to_owned(),
        title: "Fake".to_owned(),
        version: "1".to_owned(),
        capabilities: vec![Capability {
            right: Right::Deletion,
            asynchronous: true,
            whole_record: true,
            identifiers: vec!["email".to_owned()],
            group_size: 1,
            overdue_after_ms: 1,
        }],
        settings: vec![field("client-id"), field("Odd.Key")],
        permissions: vec![Permission {
            name: "read".to_owned(),
            required_for: vec![Right::Access],
            optional_for: vec![],
        }],
        limits: vec![RateLimit {
            name: "all".to_owned(),
            methods: vec!["GET".to_owned()],
            path: "/**".to_owned(),
            calls_per_minute: 3,
        }],
        egress: vec!["https://example.com".to_owned()],
        gaps: vec![gap()],
    }
}

pub fn connection() -> Connection {
    Connection {
        tenant: "tenant".to_owned(),
        region: "region".to_owned(),
        account: "account".to_owned(),
        role: "role".to_owned(),
        granted: vec!["read".to_owned()],
        egress: vec!["https://example.com".to_owned()],
        warnings: vec![problem()],
    }
}
