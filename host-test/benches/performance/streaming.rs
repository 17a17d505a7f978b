//! The speed and the memory of reading a long document.

use std::time::Instant;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use host_test::host::contract::Content;
use host_test::host::{Host, Options, Pool};
use host_test::performance::{Moment, Results, Streamed};
use http_body_util::BodyExt;
use hyper::{Method, Request};
use qualtrics_connector::contract as native_contract;
use qualtrics_connector::privacy::connector::Connector as _;
use serde_json::{Value, json};

use crate::alone::Errand;
use crate::brand::{Connection, PERSON, Simulation};
use crate::component::{self, InHost};
use crate::foreign;
use crate::meter::{cpu, resident};
use crate::native::{self, NativeTransport};
use crate::scale::Scale;

/// The bytes between two measurements of memory.
const STRETCH: u64 = 8 << 20;

/// Runs the measurement. Of three rounds, the fastest counts: interference only makes a stream slower.
pub fn measure(scale: Scale, simulation: &Simulation, results: &mut Results) {
    results.streamed.clear();
    let held = |bytes: u64| json!({ "people": [{ "first-name": "Ada", "emails": [PERSON], "export-bytes": bytes }] });
    let brand = simulation.brand(&held(scale.pick(1 << 20, 128 << 20, 1 << 30)), 0);
    let errands = [Errand::Download, Errand::StreamNatively, Errand::StreamThroughComponent]
        .map(|errand| errand(brand.connection.clone()));
    let mut rounds: Vec<Vec<Streamed>> = errands.iter().map(|_| Vec::new()).collect();
    for _ in 0..scale.pick(1, 1, 3) {
        for (errand, streamed) in errands.iter().zip(&mut rounds) {
            streamed.push(errand.send());
        }
    }
    let fastest = |streamed: Vec<Streamed>| {
        streamed.into_iter().max_by(|one, other| one.mb_per_second.total_cmp(&other.mb_per_second))
    };
    results.streamed.extend(rounds.into_iter().filter_map(fastest));
    let brand = simulation.brand(&held(scale.pick(1 << 16, 2 << 20, 64 << 20)), 0);
    results.streamed.extend(foreign::hosts().iter_mut().map(|host| host.stream(&brand.connection)));
    for streamed in &results.streamed {
        let most = |bytes: &dyn Fn(&Moment) -> Option<u64>| streamed.moments.iter().filter_map(bytes).max();
        println!(
            "{:<14} {:6.0} MiB: {:7.1} MB/s, processor {:6.3} s/GiB, linear memory {:?}, resident {:?}",
            streamed.by,
            streamed.mib,
            streamed.mb_per_second,
            streamed.cpu_s_per_gib,
            most(&|moment| moment.linear_bytes),
            most(&|moment| Some(moment.resident_bytes)),
        );
    }
}

/// A stream that is being measured.
struct Stopwatch {
    start: Instant,
    cpu: std::time::Duration,
    next: u64,
    moments: Vec<Moment>,
}

impl Stopwatch {
    fn start(linear_bytes: Option<u64>) -> Self {
        let mut stopwatch = Self { start: Instant::now(), cpu: cpu(), next: STRETCH, moments: Vec::new() };
        stopwatch.look(linear_bytes);
        stopwatch
    }

    fn look(&mut self, linear_bytes: Option<u64>) {
        let at_s = self.start.elapsed().as_secs_f64();
        self.moments.push(Moment { at_s, linear_bytes, resident_bytes: resident() });
    }

    /// Everything up to this offset was read.
    fn at(&mut self, offset: u64, linear_bytes: impl FnOnce() -> Option<u64>) {
        if offset >= self.next {
            self.next += STRETCH;
            self.look(linear_bytes());
        }
    }

    fn end(mut self, by: &str, bytes: u64, linear_bytes: Option<u64>) -> Streamed {
        let (wall, cpu) = (self.start.elapsed().as_secs_f64(), cpu() - self.cpu);
        self.look(linear_bytes);
        streamed(by, bytes, wall, cpu.as_secs_f64(), self.moments)
    }
}

/// The result for this many bytes in this many seconds.
pub fn streamed(by: &str, bytes: u64, wall_s: f64, cpu_s: f64, moments: Vec<Moment>) -> Streamed {
    Streamed {
        by: by.to_owned(),
        mib: bytes as f64 / f64::from(1 << 20),
        mb_per_second: bytes as f64 / 1e6 / wall_s,
        cpu_s_per_gib: cpu_s / bytes as f64 * f64::from(1 << 30),
        moments,
    }
}

/// Through `read` of the component.
pub fn component(connection: &Connection) -> Streamed {
    let InHost { runtime, plugin, .. } = InHost::new();
    runtime.block_on(async {
        let mut instance = component::configured(&plugin, connection).await;
        let request = component::request("request-1", PERSON);
        let started = component::single(instance.access(std::slice::from_ref(&request)).await);
        let report = component::finish(&mut instance, &request, started).await;
        let export = report.documents.into_iter().find_map(|document| match document.content {
            Content::Remote(reference) => Some(reference),
            Content::Inline(_) => None,
        });
        let linear = |instance: &host_test::host::Instance| instance.memory().map(|bytes| bytes as u64);
        let mut stopwatch = Stopwatch::start(linear(&instance));
        let each = |instance: &_, offset| stopwatch.at(offset, || linear(instance));
        let bytes = component::read_whole(&mut instance, &export.expect("an export"), each).await;
        stopwatch.end("component", bytes, linear(&instance))
    })
}

/// Through `read` of the same core, compiled natively.
pub fn native(connection: &Connection) -> Streamed {
    let transport = NativeTransport::new();
    let mut connector = native::configured(&transport, connection);
    let request = native::request("request-1", PERSON);
    let started = native::single(connector.access(vec![request.clone()]));
    let report = native::finish(&mut connector, &request, started);
    let export = report.documents.into_iter().find_map(|document| match document.content {
        native_contract::Content::Remote(reference) => Some(reference),
        native_contract::Content::Inline(_) => None,
    });
    let mut stopwatch = Stopwatch::start(None);
    let bytes = native::read_whole(&mut connector, &export.expect("an export"), |offset| stopwatch.at(offset, || None));
    stopwatch.end("native", bytes, None)
}

/// Without the connector: one GET request.
pub fn download(connection: &Connection) -> Streamed {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let pool = Host::new(Options { pooled: false, ..Options::default() }).expect("a host").pool();
    runtime.block_on(async {
        let pair = STANDARD.encode(format!("{}:{}", connection.client_id, connection.client_secret));
        let form = Bytes::from("grant_type=client_credentials&scope=manage:customer_data_requests");
        let token = Request::post(format!("{}/oauth2/token", connection.origin))
            .header("authorization", format!("Basic {pair}"))
            .header("content-type", "application/x-www-form-urlencoded");
        let token = ask(&pool, token.body(form).expect("a request")).await["access_token"].take();
        let authorization = format!("Bearer {}", token.as_str().expect("a token"));
        let exports = format!("{}/API/v3/customer-data-requests", connection.origin);
        let asked = |method: Method, url: &str, body: &Value| {
            let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
            let request = Request::builder().method(method).uri(url).header("authorization", &authorization);
            request.header("content-type", "application/json").body(body).expect("a request")
        };
        let begun = ask(&pool, asked(Method::POST, &exports, &json!({ "emails": [PERSON] }))).await;
        let job = begun["result"]["customerDataRequestId"].as_str().expect("an id").to_owned();
        let done = ask(&pool, asked(Method::GET, &format!("{exports}/{job}"), &Value::Null)).await;
        let file = done["result"]["fileId"].as_str().expect("a file").to_owned();
        let url = format!("{exports}/{job}/files/{file}");
        let mut stopwatch = Stopwatch::start(None);
        let mut bytes = 0;
        let mut body = pool.send(asked(Method::GET, &url, &Value::Null)).await.expect("an answer").into_body();
        while let Some(frame) = body.frame().await {
            bytes += frame.expect("a whole body").data_ref().map_or(0, Bytes::len) as u64;
            stopwatch.at(bytes, || None);
        }
        stopwatch.end("download", bytes, None)
    })
}

async fn ask(pool: &Pool, request: Request<Bytes>) -> Value {
    let answer = pool.send(request).await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
    let body = answer.into_body().collect().await.expect("its body").to_bytes();
    serde_json::from_slice(&body).expect("JSON")
}
