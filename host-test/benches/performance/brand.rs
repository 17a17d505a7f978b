//! Simulated brands, in a process of their own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The person whom the requests are about.
pub const PERSON: &str = "ada.lovelace@example.com";

/// The process of the simulator, until it is dropped.
pub struct Simulation {
    process: Child,
    control: String,
    client: Client<HttpConnector, Full<Bytes>>,
    runtime: Runtime,
}

/// What it takes to connect to a brand.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Connection {
    pub origin: String,
    pub client_id: String,
    pub client_secret: String,
}

/// A brand, until it is dropped.
pub struct Brand<'s> {
    simulation: &'s Simulation,
    scenario: String,
    pub connection: Connection,
}

impl Simulation {
    pub fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_host-test"))
            .args(["simulate", "--control", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the simulator starts");
        let mut line = String::new();
        let output = process.stdout.as_mut().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let told: Value = serde_json::from_str(&line).expect("where it is");
        let control = told["control"].as_str().expect("an origin").to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { process, control, client: Client::builder(TokioExecutor::new()).build_http(), runtime }
    }

    /// A brand that holds this, whose jobs end at once, whose limits are not kept, and whose tokens are good for a hundred
    /// years.
    pub fn brand(&self, held: &Value, latency_ms: u64) -> Brand<'_> {
        let scenario = json!({
            "erasure-s": 0, "export-s": 0, "rate-limits": false, "latency-ms": latency_ms,
            "token-s": 36_500 * 86_400_u64, "brand": held,
        });
        let told = self.ask(Method::POST, "/scenarios", &scenario);
        let scenario = told["scenario"].as_str().expect("a path").to_owned();
        Brand { simulation: self, scenario, connection: Connection::deserialize(told).expect("a connection") }
    }

    fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.control));
        let request = request.body(Full::from(body.to_string())).expect("a request");
        let (status, body) = self.runtime.block_on(async {
            let answer = self.client.request(request).await.expect("an answer");
            (answer.status(), answer.into_body().collect().await.expect("its body").to_bytes())
        });
        assert!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&body));
        if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("JSON") }
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Brand<'_> {
    /// Makes the person known again, after an erasure.
    pub fn restore(&self) {
        self.simulation.ask(Method::POST, &self.scenario, &json!({ "people": [person()] }));
    }

    /// Lets a day pass, so that the jobs of one request are old news to the next. Its tokens stay good.
    pub fn pass_a_day(&self) {
        self.simulation.ask(Method::POST, &self.scenario, &json!({ "advance": 86_400 }));
    }

    /// How many calls it got so far, of every endpoint that was called.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        let seen = self.simulation.ask(Method::GET, &self.scenario, &Value::Null);
        BTreeMap::deserialize(&seen["calls"]).expect("numbers of calls")
    }

    /// How many calls it got so far.
    pub fn call_count(&self) -> u64 {
        self.calls().values().sum()
    }
}

impl Drop for Brand<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.simulation.ask(Method::DELETE, &self.scenario, &Value::Null);
        }
    }
}

/// What a small brand holds: two directories, and a person with a contact in each and three survey responses.
pub fn small() -> Value {
    json!({
        "staff": ["linus.staff@example.com"],
        "directories": ["POOL_customers", "POOL_partners"],
        "people": [person()],
    })
}

fn person() -> Value {
    json!({
        "first-name": "Ada", "last-name": "Lovelace", "emails": [PERSON], "phone": "+12025550101",
        "reference": "CUST-0001", "embedded-data": { "Loyalty tier": "Gold", "Store": "St. James's Square" },
        "responses": 3,
    })
}
