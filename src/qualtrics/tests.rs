//! A connection to a Qualtrics that is a function from requests to responses.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::{Value, json};

use crate::contract::{DeletionMode, Error, Finding, Identifier, Progress, Report, Request, Setting, Task};
use crate::http::{self, Body, Clock, ExchangeLimits, Response, ResponseHead, Transport, TransportError};
use crate::privacy::connector::Connector;
use crate::qualtrics::connector::QualtricsConnector;

/// A response: status, media type and body.
pub type ScriptedResponse = (u16, &'static str, Vec<u8>);

/// Responds to requests below `/API/v3`; `None` for the usual response.
type Route = dyn Fn(&http::Request, &str) -> Option<ScriptedResponse>;

/// A brand with one directory without contacts, and exports that complete with one file.
struct Qualtrics {
    route: Box<Route>,
    /// The methods and paths of the requests so far.
    log: Rc<RefCell<Vec<String>>>,
}

impl Qualtrics {
    fn answer(&self, request: &http::Request) -> Response {
        let path = request.path.trim_start_matches("/API/v3").split('?').next().unwrap_or_default();
        self.log.borrow_mut().push(format!("{} {path}", request.method.name()));
        let usual = || match path.split('/').skip(1).collect::<Vec<_>>()[..] {
            ["oauth2", "token"] => json_answer(&json!({"access_token": "t", "expires_in": 3600})),
            ["directories"] => result(&json!({"elements": [{"directoryId": "POOL"}]})),
            ["customer-data-requests"] => result(&json!({"requestId": "CDR-1"})),
            ["customer-data-requests", _] => result(&json!({"status": "complete", "fileIds": ["F-1"]})),
            ["customer-data-requests", _, "files", _] => (200, "application/json", b"[]".to_vec()),
            _ => result(&json!({"elements": []})),
        };
        let (status, media_type, body) = (self.route)(request, path).unwrap_or_else(usual);
        let headers = vec![("content-type".to_owned(), media_type.to_owned())];
        Response { head: ResponseHead { status, headers }, body }
    }
}

impl Transport for Qualtrics {
    fn exchange(&mut self, requests: Vec<http::Request>, _: ExchangeLimits) -> Vec<Result<Response, TransportError>> {
        requests.iter().map(|request| Ok(self.answer(request))).collect()
    }

    fn open(
        &mut self,
        request: http::Request,
        _: ExchangeLimits,
    ) -> Result<(ResponseHead, Box<dyn Body>), TransportError> {
        let response = self.answer(&request);
        Ok((response.head, Box::new(Bytes(response.body))))
    }
}

struct Bytes(Vec<u8>);

impl Body for Bytes {
    fn read(&mut self, limit: usize, _: ExchangeLimits) -> Result<Vec<u8>, TransportError> {
        let rest = self.0.split_off(limit.min(self.0.len()));
        Ok(std::mem::replace(&mut self.0, rest))
    }
}

#[derive(Default)]
struct SimulatedClock(Rc<Cell<u64>>);

impl Clock for SimulatedClock {
    fn wall_ms(&self) -> u64 {
        1_767_225_600_000_u64.saturating_add(self.0.get())
    }

    fn monotonic_ms(&self) -> u64 {
        self.0.get()
    }

    fn sleep(&self, ms: u64) {
        self.0.set(self.0.get().saturating_add(ms));
    }
}

pub fn json_answer(value: &Value) -> ScriptedResponse {
    (200, "application/json", value.to_string().into_bytes())
}

pub fn result(value: &Value) -> ScriptedResponse {
    json_answer(&json!({ "result": value }))
}

/// A connection and its Qualtrics.
pub struct World {
    pub connector: QualtricsConnector,
    pub log: Rc<RefCell<Vec<String>>>,
    pub now_ms: Rc<Cell<u64>>,
}

impl World {
    pub fn new(route: impl Fn(&http::Request, &str) -> Option<ScriptedResponse> + 'static) -> Self {
        Self::with_settings(route, &[])
    }

    pub fn with_settings(
        route: impl Fn(&http::Request, &str) -> Option<ScriptedResponse> + 'static,
        further: &[(&str, &str)],
    ) -> Self {
        let (log, now_ms) = (Rc::default(), Rc::default());
        let qualtrics = Qualtrics { route: Box::new(route), log: Rc::clone(&log) };
        let clock = SimulatedClock(Rc::clone(&now_ms));
        let mut connector = QualtricsConnector::new(Box::new(qualtrics), Box::new(clock));
        let settings = [("datacenter-id", "fra1"), ("client-id", "id"), ("client-secret", "secret")];
        let setting = |(key, value): (&str, &str)| Setting { key: key.to_owned(), value: value.to_owned() };
        let settings: Vec<Setting> = settings.into_iter().chain(further.iter().copied()).map(setting).collect();
        connector.configure(settings).expect("valid settings");
        Self { connector, log, now_ms }
    }

    /// Follows an access request to its end.
    pub fn access(&mut self, request: &Request) -> Report {
        let started = self.connector.access(vec![request.clone()]).remove(0);
        self.follow(request, started)
    }

    /// Follows a deletion to its end.
    pub fn delete(&mut self, request: &Request, mode: DeletionMode) -> Report {
        let started = self.connector.delete(vec![request.clone()], mode).remove(0);
        self.follow(request, started)
    }

    /// Follows an opt-out to its end.
    pub fn opt_out(&mut self, request: &Request) -> Report {
        let started = self.connector.opt_out(vec![request.clone()]).remove(0);
        self.follow(request, started)
    }

    /// Polls a request to its end.
    pub fn follow(&mut self, request: &Request, mut progress: Result<Progress, Error>) -> Report {
        for _ in 0..20 {
            match progress.expect("no error") {
                Progress::Done(report) => return report,
                Progress::Pending(pending) => {
                    self.now_ms.set(self.now_ms.get().saturating_add(pending.poll_after_ms));
                    let task = Task { request: request.clone(), ticket: pending.ticket };
                    progress = self.connector.poll(vec![task]).remove(0);
                }
            }
        }
        panic!("still pending after 20 polls");
    }
}

pub fn request(id: &str, subject: Vec<Identifier>) -> Request {
    Request { id: id.to_owned(), subject, attempts: None, overrides: Vec::new() }
}

pub fn ada() -> Request {
    request("ada", vec![Identifier::Email("ada@example.org".to_owned())])
}

pub fn finding<'r>(report: &'r Report, source: &str) -> &'r Finding {
    report.findings.iter().find(|finding| finding.source == source).expect("a finding")
}
