//! The speed and the memory of reading a long document.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{Method, Request};
use privacy_host::contract::Content;
use privacy_host::{Host, Instance, Options, Pool};
use qualtrics_connector::contract as native_contract;
use qualtrics_connector::privacy::connector::Connector as _;
use serde_json::{Value, json};

use crate::brand::{DATA_SUBJECT, Simulation, current_thread_runtime};
use crate::component::ComponentClient;
use crate::connection::Connection;
use crate::external;
use crate::meter::{cpu_time, resident_bytes};
use crate::native::NativeTransport;
use crate::results::{Results, Streamed};
use crate::scale::Scale;
use crate::subprocess::Measurement;

/// The number of bytes between two measurements of memory.
const MEMORY_INTERVAL: u64 = 8 << 20;

/// Runs the benchmark. The result is the fastest of three rounds: interference only makes a stream slower.
pub fn measure(scale: Scale, simulation: &Simulation, results: &mut Results) {
    results.streamed.clear();
    let data =
        |bytes: u64| json!({ "people": [{ "first-name": "Ada", "emails": [DATA_SUBJECT], "export-bytes": bytes }] });
    let brand = simulation.brand(&data(scale.pick(1 << 20, 128 << 20, 1 << 30)), 0);
    let measurements = [Measurement::Download, Measurement::StreamNative, Measurement::StreamComponent]
        .map(|measurement| measurement(brand.connection.clone()));
    let mut rounds: Vec<Vec<Streamed>> = measurements.iter().map(|_| Vec::new()).collect();
    for _ in 0..scale.pick(1, 1, 3) {
        for (measurement, streamed) in measurements.iter().zip(&mut rounds) {
            streamed.push(measurement.run_in_subprocess());
        }
    }
    let fastest = |streamed: Vec<Streamed>| {
        streamed.into_iter().max_by(|one, other| one.mb_per_second.total_cmp(&other.mb_per_second))
    };
    results.streamed.extend(rounds.into_iter().filter_map(fastest));
    // The other hosts are slower, so that a shorter document suffices.
    let brand = simulation.brand(&data(scale.pick(1 << 16, 2 << 20, 64 << 20)), 0);
    results.streamed.extend(external::hosts().iter_mut().map(|host| host.stream(&brand.connection)));
    for streamed in &results.streamed {
        println!(
            "{:<14} {:6.0} MiB: {:7.1} MB/s, processor {:6.3} s/GiB, linear memory {:?}, resident {:?}",
            streamed.client,
            streamed.mib,
            streamed.mb_per_second,
            streamed.cpu_s_per_gib,
            streamed.linear_bytes,
            streamed.resident_bytes,
        );
    }
}

impl Streamed {
    /// The result for this number of bytes and seconds, without memory.
    pub fn new(client: &str, bytes: u64, wall_s: f64, cpu_s: f64) -> Self {
        Self {
            client: client.to_owned(),
            mib: bytes as f64 / f64::from(1 << 20),
            mb_per_second: bytes as f64 / 1e6 / wall_s,
            cpu_s_per_gib: cpu_s / bytes as f64 * f64::from(1 << 30),
            linear_bytes: None,
            resident_bytes: None,
        }
    }
}

/// The measurement of a stream.
struct StreamMeter {
    start: Instant,
    cpu_before: Duration,
    /// The offset of the next measurement of memory.
    next_offset: u64,
    max_linear_bytes: Option<u64>,
    max_resident_bytes: u64,
}

impl StreamMeter {
    fn start(linear_bytes: Option<u64>) -> Self {
        Self {
            start: Instant::now(),
            cpu_before: cpu_time(),
            next_offset: MEMORY_INTERVAL,
            max_linear_bytes: linear_bytes,
            max_resident_bytes: resident_bytes(),
        }
    }

    /// Notes that the stream was read up to this offset.
    fn advance(&mut self, offset: u64, linear_bytes: impl FnOnce() -> Option<u64>) {
        if offset >= self.next_offset {
            self.next_offset += MEMORY_INTERVAL;
            self.measure_memory(linear_bytes());
        }
    }

    fn measure_memory(&mut self, linear_bytes: Option<u64>) {
        self.max_linear_bytes = self.max_linear_bytes.max(linear_bytes);
        self.max_resident_bytes = self.max_resident_bytes.max(resident_bytes());
    }

    fn finish(mut self, client: &str, bytes: u64, linear_bytes: Option<u64>) -> Streamed {
        let (wall, cpu) = (self.start.elapsed().as_secs_f64(), cpu_time() - self.cpu_before);
        self.measure_memory(linear_bytes);
        Streamed {
            linear_bytes: self.max_linear_bytes,
            resident_bytes: Some(self.max_resident_bytes),
            ..Streamed::new(client, bytes, wall, cpu.as_secs_f64())
        }
    }
}

/// Reads the export with `read` of the component.
pub fn component(connection: &Connection) -> Streamed {
    use crate::component::{configured, poll_until_done, read_to_end, request, single};

    let ComponentClient { runtime, plugin, .. } = ComponentClient::new();
    runtime.block_on(async {
        let mut instance = configured(&plugin, connection).await;
        let request = request("request-1", DATA_SUBJECT);
        let started = single(instance.access(std::slice::from_ref(&request)).await);
        let report = poll_until_done(&mut instance, &request, started).await;
        let export = report.documents.into_iter().find_map(|document| match document.content {
            Content::Remote(reference) => Some(reference),
            Content::Inline(_) => None,
        });
        let export = export.expect("the report has no export");
        let linear_bytes = |instance: &Instance| instance.memory().map(|bytes| bytes as u64);
        let mut meter = StreamMeter::start(linear_bytes(&instance));
        let after_chunk = |instance: &_, offset| meter.advance(offset, || linear_bytes(instance));
        let bytes = read_to_end(&mut instance, &export, after_chunk).await;
        meter.finish("component", bytes, linear_bytes(&instance))
    })
}

/// Reads the export with `read` of the same core, compiled natively.
pub fn native(connection: &Connection) -> Streamed {
    use crate::native::{configured, poll_until_done, read_to_end, request, single};
    use native_contract::Content;

    let transport = NativeTransport::new();
    let mut connector = configured(&transport, connection);
    let request = request("request-1", DATA_SUBJECT);
    let started = single(connector.access(vec![request.clone()]));
    let report = poll_until_done(&mut connector, &request, started);
    let export = report.documents.into_iter().find_map(|document| match document.content {
        Content::Remote(reference) => Some(reference),
        Content::Inline(_) => None,
    });
    let export = export.expect("the report has no export");
    let mut meter = StreamMeter::start(None);
    let bytes = read_to_end(&mut connector, &export, |offset| meter.advance(offset, || None));
    meter.finish("native", bytes, None)
}

/// Downloads the export with one GET request, without the connector.
pub fn download(connection: &Connection) -> Streamed {
    let pool = Host::new(Options { pooled: false, ..Options::default() }).expect("failed to set up a host").pool();
    current_thread_runtime().block_on(async {
        let authorization = authorize(&pool, connection).await;
        let request = |method: Method, url: &str, body: Bytes| {
            let request = Request::builder().method(method).uri(url).header("authorization", &authorization);
            request.header("content-type", "application/json").body(body).expect("failed to build a request")
        };
        let exports = format!("{}/API/v3/customer-data-requests", connection.origin);
        let query = Bytes::from(json!({ "emails": [DATA_SUBJECT] }).to_string());
        let started = send(&pool, request(Method::POST, &exports, query)).await;
        let job = started["result"]["customerDataRequestId"].as_str().expect("the response has no job ID");
        let job = format!("{exports}/{job}");
        let completed = send(&pool, request(Method::GET, &job, Bytes::new())).await;
        let file = completed["result"]["fileId"].as_str().expect("the response has no file ID");
        let file = request(Method::GET, &format!("{job}/files/{file}"), Bytes::new());
        let mut meter = StreamMeter::start(None);
        let mut bytes = 0;
        let mut body = pool.send(file).await.expect("the request failed").into_body();
        while let Some(frame) = body.frame().await {
            bytes += frame.expect("the body is incomplete").data_ref().map_or(0, Bytes::len) as u64;
            meter.advance(bytes, || None);
        }
        meter.finish("download", bytes, None)
    })
}

/// Gets an access token, and returns the header `authorization`.
async fn authorize(pool: &Pool, connection: &Connection) -> String {
    let credentials = STANDARD.encode(format!("{}:{}", connection.client_id, connection.client_secret));
    let form = Bytes::from("grant_type=client_credentials&scope=manage:customer_data_requests");
    let request = Request::post(format!("{}/oauth2/token", connection.origin))
        .header("authorization", format!("Basic {credentials}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .expect("failed to build a request");
    let response = send(pool, request).await;
    format!("Bearer {}", response["access_token"].as_str().expect("the response has no access token"))
}

/// Sends a request, and parses the body of the response.
async fn send(pool: &Pool, request: Request<Bytes>) -> Value {
    let response = pool.send(request).await.expect("the request failed");
    assert!(response.status().is_success(), "{}", response.status());
    let body = response.into_body().collect().await.expect("the body is incomplete").to_bytes();
    serde_json::from_slice(&body).expect("failed to parse the response")
}
