//! The test fixture: a simulated brand, the composed gateway component on a port, and an HTTP client.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use privacy_host::{EgressPolicy, Gateway, Host, InstanceOptions, Options as HostOptions};
use qualtrics_component::GATEWAY;
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, MESSAGE_CANARY, Options, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON,
    Simulator,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// The token that callers send, and its SHA-256.
const TOKEN: &str = "a token for tests";
const TOKEN_SHA256: &str = "f51d1f1161f08134aeb2c8c955ce58de42d66d9f9db25546f12c83afab247782";

/// The memory limit of each component: gateway, connector and guard, in bytes.
const MEMORY: usize = 8 << 20;

/// Compiled once for all tests.
fn gateway() -> &'static Gateway {
    static LOADED: OnceLock<Gateway> = OnceLock::new();
    LOADED.get_or_init(|| {
        let options =
            HostOptions { max_instances: 64, max_components: 3, max_memory: MEMORY, ..HostOptions::default() };
        Host::new(options).unwrap().load_gateway(GATEWAY).unwrap()
    })
}

pub struct Service {
    pub simulator: Simulator,
    address: SocketAddr,
    serving: AbortHandle,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Service {
    /// Serves the sample brand.
    pub async fn new() -> Self {
        Self::of(Brand::sample(), "", &[]).await
    }

    /// Serves a brand with these dialects. `changed` replaces environment variables; an empty value unsets a variable.
    pub async fn of(brand: Brand, dialects: &str, changed: &[(&str, &str)]) -> Self {
        let options = Options { dialects: Dialects::parse(dialects).unwrap(), ..Options::default() };
        let simulator = Simulator::start(brand, options).await.unwrap();
        let origin = simulator.origin();
        let mut environment = BTreeMap::from([
            ("GATEWAY_TOKEN_SHA256", TOKEN_SHA256),
            ("EGRESS_ORIGINS", &origin),
            ("CONNECTOR_DATACENTER_ID", "fra1"),
            ("CONNECTOR_CLIENT_ID", SAMPLE_CLIENT_ID),
            ("CONNECTOR_CLIENT_SECRET", SAMPLE_CLIENT_SECRET),
            ("CONNECTOR_BASE_URL", &origin),
        ]);
        environment.extend(changed.iter().copied());
        environment.retain(|_, value| !value.is_empty());
        let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let egress = EgressPolicy::deny_all().allow(&origin).unwrap();
        let clock = simulator.clock();
        let service = gateway().service(InstanceOptions { egress, environment, clock, ..InstanceOptions::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { service.serve(listener, std::future::pending()).await }).abort_handle();
        Self { simulator, address, serving }
    }

    /// How many requests an endpoint received.
    pub fn calls_of(&self, endpoint: Endpoint) -> usize {
        self.simulator.calls().iter().filter(|call| call.endpoint == endpoint).count()
    }

    pub async fn get(&self, target: &str) -> Response {
        self.call("GET", target, &[], b"").await
    }

    pub async fn post(&self, target: &str, body: Value) -> Response {
        self.call("POST", target, &[("content-type", "application/json")], body.to_string().as_bytes()).await
    }

    /// A request with the token.
    pub async fn call(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let token = format!("Bearer {TOKEN}");
        let headers: Vec<_> = [("authorization", token.as_str())].into_iter().chain(headers.iter().copied()).collect();
        self.call_as(method, target, &headers, body).await
    }

    /// A request with these headers only, on a connection of its own.
    pub async fn call_as(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() || method == "POST" {
            text += &format!("content-length: {}\r\n", body.len());
        }
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(&[text.as_bytes(), b"\r\n", body].concat()).await.unwrap();
        Response::read(&mut stream).await
    }

    /// Starts a deletion with one request, and polls it to its report.
    pub async fn delete(&self, request: &Value, mode: &str) -> Value {
        let started = self.post("/deletions", json!({ "requests": [request], "mode": mode })).await;
        self.follow(request, started).await
    }

    /// Starts an access request, and polls it to its report.
    pub async fn access(&self, request: &Value) -> Value {
        let started = self.post("/accesses", json!({ "requests": [request] })).await;
        self.follow(request, started).await
    }

    /// Polls a started request to its report. The simulated clock advances by each `Retry-After`.
    pub async fn follow(&self, request: &Value, started: Response) -> Value {
        let mut response = started;
        for _ in 0..100 {
            let progress = response.progress();
            let pending = &progress["pending"];
            if pending.is_null() {
                assert_eq!(response.header("retry-after"), None);
                return progress["done"].clone();
            }
            let seconds: u64 = response.header("retry-after").unwrap().parse().unwrap();
            assert_eq!(seconds, pending["poll-after-ms"].as_u64().unwrap().div_ceil(1_000));
            self.simulator.advance(Duration::from_secs(seconds));
            let task = json!({ "request": request, "ticket": pending["ticket"] });
            response = self.post("/polls", json!({ "tasks": [task] })).await;
        }
        panic!("no report after 100 polls");
    }
}

/// A request for one address.
pub fn request_for(address: &str) -> Value {
    json!({ "id": "dsr-1", "subject": [{ "email": address }] })
}

/// A response, read until the connection closes.
pub struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body is complete according to `Content-Length` or its last chunk.
    pub is_complete: bool,
}

impl Response {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A connection reset may end a body early.
        let _ = stream.read_to_end(&mut bytes).await;
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let mut response = Self { status, headers, body: Vec::new(), is_complete: false };
        let rest = &bytes[end + 4..];
        if response.header("transfer-encoding") == Some("chunked") {
            (response.body, response.is_complete) = chunks(rest);
        } else {
            let length: usize = response.header("content-length").unwrap().parse().unwrap();
            response.body = rest.to_vec();
            response.is_complete = rest.len() == length;
        }
        response
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn value(&self) -> Value {
        assert!(self.is_complete);
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The only result of a call with a list.
    #[track_caller]
    pub fn result(&self) -> Value {
        let value = self.value();
        assert_eq!(self.status, 200, "{value}");
        let [result] = value["results"].as_array().unwrap().as_slice() else { panic!("one result, not {value}") };
        result.clone()
    }

    /// The progress in the only result of a call with a list.
    #[track_caller]
    pub fn progress(&self) -> Value {
        let result = self.result();
        assert!(result["ok"].is_object(), "{result}");
        result["ok"].clone()
    }

    /// The error in the only result of a call with a list. Asserts that it contains no personal data, no secret and no vendor text.
    #[track_caller]
    pub fn error(&self) -> Value {
        let error = self.result()["error"].clone();
        assert!(error.is_object(), "{}", self.value());
        assert_private(&error.to_string());
        error
    }

    /// The status, and the last part of the problem's type. Asserts that it contains no personal data, no secret and no vendor text.
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        let value = self.value();
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{value}");
        assert_eq!(value["status"], self.status);
        assert_private(&value.to_string());
        (self.status, value["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned())
    }
}

#[track_caller]
fn assert_private(text: &str) {
    for private in [MESSAGE_CANARY, SAMPLE_PERSON, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, TOKEN, "Lovelace"] {
        assert!(!text.contains(private), "{text}");
    }
}

/// Decodes chunks. Returns the data and whether the last chunk is present.
fn chunks(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(line) = rest.windows(2).position(|window| window == b"\r\n") else { return (body, false) };
        let length = usize::from_str_radix(str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        rest = &rest[line + 2..];
        if length == 0 {
            return (body, rest == b"\r\n");
        }
        body.extend_from_slice(&rest[..length.min(rest.len())]);
        let Some(next) = rest.get(length + 2..) else { return (body, false) };
        rest = next;
    }
}
