//! Simulated brands, which run in a subprocess.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Child;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::connection::Connection;
use crate::subprocess;

/// The email address of the data subject.
pub const DATA_SUBJECT: &str = "ada.lovelace@example.com";

/// The subprocess of the simulator. It ends when this value is dropped.
pub struct Simulation {
    process: Child,
    control: String,
    client: Client<HttpConnector, Full<Bytes>>,
    runtime: Runtime,
}

/// A simulated brand. It ends when this value is dropped.
pub struct Brand<'s> {
    simulation: &'s Simulation,
    scenario: String,
    pub connection: Connection,
}

impl Simulation {
    pub fn start() -> Self {
        let mut process = subprocess::simulator().spawn().expect("failed to start the simulator");
        let mut line = String::new();
        let output = process.stdout.as_mut().expect("the output of the simulator is not piped");
        BufReader::new(output).read_line(&mut line).expect("failed to read the output of the simulator");
        let started: Value = serde_json::from_str(&line).expect("failed to parse the output of the simulator");
        let control = started["control"].as_str().expect("the simulator printed no origin").to_owned();
        let runtime = current_thread_runtime();
        Self { process, control, client: Client::builder(TokioExecutor::new()).build_http(), runtime }
    }

    /// Starts a brand with this data. Jobs complete at once, rate limits are not enforced, and access tokens do not expire during
    /// a benchmark. `latency_ms` is the delay before each response.
    pub fn brand(&self, data: &Value, latency_ms: u64) -> Brand<'_> {
        let scenario = json!({
            "erasure-s": 0, "export-s": 0, "rate-limits": false, "latency-ms": latency_ms,
            "token-s": 36_500 * 86_400_u64, "brand": data,
        });
        let started = self.send(Method::POST, "/scenarios", &scenario);
        let scenario = started["scenario"].as_str().expect("the response has no path").to_owned();
        let connection = Connection::deserialize(started).expect("the response has no connection");
        Brand { simulation: self, scenario, connection }
    }

    fn send(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.control));
        let request = request.body(Full::from(body.to_string())).expect("failed to build a request");
        let (status, body) = self.runtime.block_on(async {
            let response = self.client.request(request).await.expect("the simulator does not respond");
            let status = response.status();
            (status, response.into_body().collect().await.expect("failed to read a response").to_bytes())
        });
        assert!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&body));
        if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("failed to parse a response") }
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Brand<'_> {
    /// Adds the data subject again after an erasure.
    pub fn restore(&self) {
        self.simulation.send(Method::POST, &self.scenario, &json!({ "people": [data_subject()] }));
    }

    /// Advances the clock of the brand by one day, so that no request reuses the jobs of an earlier one.
    pub fn advance_one_day(&self) {
        self.simulation.send(Method::POST, &self.scenario, &json!({ "advance": 86_400 }));
    }

    /// The number of calls so far, by endpoint.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        let observations = self.simulation.send(Method::GET, &self.scenario, &Value::Null);
        BTreeMap::deserialize(&observations["calls"]).expect("the response has no numbers of calls")
    }

    /// The number of calls so far.
    pub fn call_count(&self) -> u64 {
        self.calls().values().sum()
    }
}

impl Drop for Brand<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.simulation.send(Method::DELETE, &self.scenario, &Value::Null);
        }
    }
}

/// The data of a small brand: two directories, and a data subject with a contact in each and three survey responses.
pub fn small_brand() -> Value {
    json!({
        "staff": ["linus.staff@example.com"],
        "directories": ["POOL_customers", "POOL_partners"],
        "people": [data_subject()],
    })
}

fn data_subject() -> Value {
    json!({
        "first-name": "Ada", "last-name": "Lovelace", "emails": [DATA_SUBJECT], "phone": "+12025550101",
        "reference": "CUST-0001", "embedded-data": { "Loyalty tier": "Gold", "Store": "St. James's Square" },
        "responses": 3,
    })
}

/// A Tokio runtime that runs on the calling thread.
pub fn current_thread_runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("failed to start a runtime")
}
