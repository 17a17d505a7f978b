//! A scripted transport and a simulated clock, which act as Qualtrics and record every request.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use qualtrics_connector::contract::Setting;
use qualtrics_connector::http::{
    Body, Cause, Clock, ExchangeLimits, Method, Request, Response, ResponseHead, Transport, TransportError,
};
use qualtrics_connector::privacy::connector::Connector;
use qualtrics_connector::qualtrics::connector::QualtricsConnector;
use serde_json::{Value, json};

use super::responses::proves_rejection;
use super::{MARK, has_no_private_data};

/// The time at the start of every script, in milliseconds.
pub const START_MS: u64 = 1_767_603_600_000;

/// The origin of every request.
pub const ORIGIN: &str = "https://fra1.qualtrics.com";

/// The result of a request.
pub struct Exchange {
    /// The response, or the error without one.
    pub result: Result<(ResponseHead, Vec<u8>), TransportError>,
    /// The duration in milliseconds. If it exceeds the limits, the request times out.
    pub duration_ms: u64,
    /// Whether the connection is lost before the end of the body.
    pub is_cut: bool,
}

impl Exchange {
    /// A response without headers.
    pub fn response(status: u16, body: Vec<u8>) -> Self {
        let head = ResponseHead { status, headers: Vec::new() };
        Self { result: Ok((head, body)), duration_ms: 7, is_cut: false }
    }

    /// A response with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::response(status, body.to_string().into_bytes())
    }

    /// A successful response in Qualtrics' envelope.
    pub fn success(result: &Value) -> Self {
        Self::json(200, &json!({"result": result, "meta": {"httpStatus": "200 - OK"}}))
    }

    /// An access token.
    pub fn token() -> Self {
        Self::json(200, &json!({"access_token": "token", "expires_in": 3_599}))
    }

    /// No response.
    pub fn lost(error: TransportError) -> Self {
        Self { result: Err(error), duration_ms: 7, is_cut: false }
    }

    /// Adds a header, if there is a response.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Ok((head, _)) = &mut self.result {
            head.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

/// A request that was sent.
#[derive(Clone)]
pub struct Sent {
    /// The request.
    pub request: Request,
    /// Whether the result proves that Qualtrics did not process it.
    pub is_provably_rejected: bool,
}

/// A job that a request asks Qualtrics to start, for these addresses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Start {
    Export(BTreeSet<String>),
    Search(BTreeSet<String>),
    Erasure(BTreeSet<String>),
}

impl Sent {
    /// The job that the request asks for. An erasure job that does not explicitly search is an erasure.
    pub fn start(&self) -> Option<Start> {
        let path = self.request.path.split('?').next().unwrap_or_default();
        if self.request.method != Method::Post || !path.starts_with("/API/v3/") || path.ends_with("/contacts/search") {
            return None;
        }
        let body: Value = serde_json::from_slice(&self.request.body).expect("the connector sends JSON");
        let texts = |value: &Value| match value {
            Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            other => other.as_str().map(str::to_owned).into_iter().collect::<Vec<String>>(),
        };
        let emails: Vec<String> = ["emails", "email"].iter().flat_map(|name| texts(&body[*name])).collect();
        let count = emails.len();
        let emails: BTreeSet<String> = emails.into_iter().collect();
        assert!(!emails.is_empty() && emails.len() == count, "the addresses are present and unique");
        Some(match path {
            "/API/v3/customer-data-requests" => Start::Export(emails),
            "/API/v3/op-erase-personal-data" if body["searchOnly"] == json!(true) => Start::Search(emails),
            "/API/v3/op-erase-personal-data" => Start::Erasure(emails),
            other => panic!("a job of an unknown kind: {other}"),
        })
    }

    /// The addresses of an erasure.
    pub fn erasure(&self) -> Option<BTreeSet<String>> {
        match self.start() {
            Some(Start::Erasure(emails)) => Some(emails),
            _ => None,
        }
    }
}

/// Returns the result of a request at a time in milliseconds.
type Script = dyn FnMut(&Request, u64) -> Exchange;

struct State {
    now_ms: u64,
    script: Box<Script>,
    /// The maximum number of bytes of a body that arrive at once.
    piece: usize,
    sent: Vec<Sent>,
}

/// A scripted Qualtrics, and the clock. Clones share both.
#[derive(Clone)]
pub struct Vendor(Rc<RefCell<State>>);

impl Vendor {
    /// A vendor whose responses come from `script`.
    pub fn new(script: impl FnMut(&Request, u64) -> Exchange + 'static) -> Self {
        let state = State { now_ms: START_MS, script: Box::new(script), piece: 1_000, sent: Vec::new() };
        Self(Rc::new(RefCell::new(state)))
    }

    /// Sets the number of bytes of a body that arrive at once.
    pub fn with_piece(self, piece: usize) -> Self {
        self.0.borrow_mut().piece = piece.max(1);
        self
    }

    /// A connector for this vendor, with the default settings.
    pub fn connector(&self) -> QualtricsConnector {
        self.connector_with(&[])
    }

    /// A connector for this vendor, with more settings.
    pub fn connector_with(&self, settings: &[(&str, &str)]) -> QualtricsConnector {
        let mut connector = QualtricsConnector::new(Box::new(self.clone()), Box::new(self.clone()));
        assert!(connector.configure(connection(settings)).is_ok(), "the settings are valid");
        connector
    }

    /// How many requests were sent so far.
    pub fn count(&self) -> usize {
        self.0.borrow().sent.len()
    }

    /// The requests after the first `count`.
    pub fn sent_since(&self, count: usize) -> Vec<Sent> {
        self.0.borrow().sent[count..].to_vec()
    }

    /// How many of the requests after the first `count` start an erasure.
    pub fn erasures_since(&self, count: usize) -> usize {
        self.sent_since(count).iter().filter(|sent| sent.erasure().is_some()).count()
    }

    /// The time in seconds.
    pub fn now_s(&self) -> u64 {
        self.wall_ms() / 1_000
    }

    /// Sets the clock.
    pub fn set_ms(&self, now_ms: u64) {
        self.0.borrow_mut().now_ms = now_ms;
    }

    /// Advances the clock.
    pub fn advance_ms(&self, ms: u64) {
        self.0.borrow_mut().now_ms += ms;
    }

    fn exchange_one(
        &self,
        request: Request,
        limits: ExchangeLimits,
        is_streamed: bool,
    ) -> Result<(ResponseHead, Vec<u8>, bool), TransportError> {
        assert_is_well_formed(&request);
        let mut state = self.0.borrow_mut();
        let now_ms = state.now_ms;
        let Exchange { result, duration_ms, is_cut } = (state.script)(&request, now_ms);
        let allowed_ms = limits.response_ms.min(limits.deadline_ms.saturating_sub(now_ms));
        state.now_ms += duration_ms.min(allowed_ms);
        let result = match result {
            Err(error) => Err(error),
            Ok(_) if duration_ms > allowed_ms => Err(TransportError::after_sending(Cause::TimedOut)),
            Ok(_) if is_cut && !is_streamed => Err(TransportError::after_sending(Cause::Interrupted)),
            Ok((head, body)) => Ok((head, body, is_cut)),
        };
        let is_provably_rejected = match &result {
            Err(error) => error.before_sending,
            Ok((head, body, _)) => proves_rejection(head.status, body),
        };
        state.sent.push(Sent { request, is_provably_rejected });
        result
    }
}

/// The settings of a connection, whose secret is [`MARK`]. Later ones replace earlier ones.
pub fn connection(settings: &[(&str, &str)]) -> Vec<Setting> {
    let mut pairs = vec![("datacenter-id", "fra1"), ("client-id", "client"), ("client-secret", MARK)];
    pairs.retain(|(key, _)| !settings.iter().any(|(other, _)| other == key));
    pairs.extend(settings);
    pairs.into_iter().map(|(key, value)| Setting { key: key.to_owned(), value: value.to_owned() }).collect()
}

/// Checks that a request has the configured origin, a path that is safe in a URL, and a token unless it requests one.
fn assert_is_well_formed(request: &Request) {
    assert_eq!(request.origin.to_text(), ORIGIN);
    assert!(request.path.starts_with('/'), "{}", request.path);
    assert!(request.path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{}", request.path);
    let is_token = request.path == "/oauth2/token";
    assert!(is_token || request.path.starts_with("/API/v3/"), "{}", request.path);
    for (name, value) in &request.headers {
        assert!(value.reveal().bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{name}");
        assert!(has_no_private_data(value.reveal()), "{name}");
        assert!(*name != "authorization" || is_token || value.reveal().starts_with("Bearer "), "{}", request.path);
    }
}

impl Transport for Vendor {
    fn exchange(&mut self, requests: Vec<Request>, limits: ExchangeLimits) -> Vec<Result<Response, TransportError>> {
        let one = |request| self.exchange_one(request, limits, false).map(|(head, body, _)| Response { head, body });
        requests.into_iter().map(one).collect()
    }

    fn open(
        &mut self,
        request: Request,
        limits: ExchangeLimits,
    ) -> Result<(ResponseHead, Box<dyn Body>), TransportError> {
        let (head, body, is_cut) = self.exchange_one(request, limits, true)?;
        let piece = self.0.borrow().piece;
        Ok((head, Box::new(Pieces { rest: body, piece, is_cut })))
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
        assert!(ms <= 5_000, "the connector sleeps for at most 5 seconds");
        self.advance_ms(ms);
    }
}

struct Pieces {
    rest: Vec<u8>,
    piece: usize,
    is_cut: bool,
}

impl Body for Pieces {
    fn read(&mut self, limit: usize, _: ExchangeLimits) -> Result<Vec<u8>, TransportError> {
        assert!(limit > 0, "a read with limit 0 is indistinguishable from the end");
        if self.rest.is_empty() && self.is_cut {
            return Err(TransportError::after_sending(Cause::Interrupted));
        }
        let rest = self.rest.split_off(limit.min(self.piece).min(self.rest.len()));
        Ok(std::mem::replace(&mut self.rest, rest))
    }
}
