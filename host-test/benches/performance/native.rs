//! The core of the connector, compiled natively, with the connection pool of the host. The comparison with the component shows
//! the cost of the sandbox.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::BodyExt;
use privacy_host::{Host, Options, Pool};
use qualtrics_connector::contract::{
    Content, DeletionMode, Error, Identifier, Outcome, Progress, Report, Request, Setting, Task,
};
use qualtrics_connector::http::{
    self as core, Cause, ExchangeLimits, MAX_CONCURRENT, Response, ResponseHead, TransportError,
};
use qualtrics_connector::privacy::connector::Connector;
use qualtrics_connector::qualtrics::connector::QualtricsConnector;
use simulated_clock::Clock;
use tokio::runtime::Runtime;
use wasmtime_wasi_http::WasiBody;

use crate::brand::{DATA_SUBJECT, current_thread_runtime};
use crate::client::{Client, REQUEST_INTERVAL};
use crate::component::{self, CHUNK_BYTES, simulated_clock};
use crate::connection::Connection;
use crate::meter::Sample;
use crate::results::{Flow, Reuse};

/// A transport of the core on hyper. Clones share its connections.
#[derive(Clone)]
pub struct NativeTransport {
    runtime: Arc<Runtime>,
    pool: Arc<Pool>,
    clock: NativeClock,
}

/// The system clock, or a simulated one.
#[derive(Clone)]
struct NativeClock(Clock);

/// The body of a response that is read chunk by chunk.
struct NativeBody {
    runtime: Arc<Runtime>,
    clock: NativeClock,
    body: WasiBody,
    /// Received bytes that were not read yet.
    unread: Bytes,
}

impl NativeTransport {
    /// A transport on one thread.
    pub fn new() -> Self {
        Self::on(current_thread_runtime())
    }

    /// A transport with connections on this runtime.
    pub fn on(runtime: Runtime) -> Self {
        let host = Host::new(Options { pooled: false, ..Options::default() }).expect("failed to set up a host");
        Self { runtime: Arc::new(runtime), pool: Arc::new(host.pool()), clock: NativeClock(Clock::system()) }
    }

    fn with_clock(&self, clock: Clock) -> Self {
        Self { clock: NativeClock(clock), ..self.clone() }
    }

    /// Sends a request, and returns the head of the response and its unread body.
    async fn send(
        &self,
        request: core::Request,
        limits: ExchangeLimits,
    ) -> Result<(ResponseHead, WasiBody), TransportError> {
        let scheme = if request.origin.is_tls() { "https://" } else { "http://" };
        let uri = [scheme, request.origin.authority(), &request.path].concat();
        let mut outgoing = hyper::Request::builder().method(request.method.name()).uri(uri);
        for (name, value) in &request.headers {
            outgoing = outgoing.header(*name, value.reveal());
        }
        let outgoing = outgoing.body(Bytes::from(request.body));
        let outgoing = outgoing.map_err(|_| TransportError::before_sending(Cause::InvalidRequest))?;
        let response = within(limits.response_ms, limits, &self.clock, self.pool.send(outgoing)).await?;
        let (parts, body) = response.map_err(|_| interrupted())?.into_parts();
        let text = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let headers = parts.headers.iter().filter_map(text).collect();
        Ok((ResponseHead { status: parts.status.as_u16(), headers }, body))
    }

    /// Sends a request, and reads the whole response.
    async fn exchange_one(&self, request: core::Request, limits: ExchangeLimits) -> Result<Response, TransportError> {
        let (head, mut incoming) = self.send(request, limits).await?;
        let mut body = Vec::new();
        while let Some(chunk) = next_chunk(&mut incoming, limits, &self.clock).await? {
            if chunk.len() > limits.body_bytes.saturating_sub(body.len()) {
                return Err(TransportError::after_sending(Cause::BodyTooLarge));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { head, body })
    }
}

impl core::Transport for NativeTransport {
    fn exchange(
        &mut self,
        requests: Vec<core::Request>,
        limits: ExchangeLimits,
    ) -> Vec<Result<Response, TransportError>> {
        let this = &*self;
        self.runtime.block_on(async {
            let all = requests.into_iter().enumerate();
            let exchanges =
                all.map(|(index, request)| async move { (index, this.exchange_one(request, limits).await) });
            let mut results: Vec<_> = stream::iter(exchanges).buffer_unordered(MAX_CONCURRENT).collect().await;
            results.sort_unstable_by_key(|(index, _)| *index);
            results.into_iter().map(|(_, result)| result).collect()
        })
    }

    fn open(
        &mut self,
        request: core::Request,
        limits: ExchangeLimits,
    ) -> Result<(ResponseHead, Box<dyn core::Body>), TransportError> {
        let (head, body) = self.runtime.block_on(self.send(request, limits))?;
        let (runtime, clock) = (self.runtime.clone(), self.clock.clone());
        Ok((head, Box::new(NativeBody { runtime, clock, body, unread: Bytes::new() })))
    }
}

impl core::Body for NativeBody {
    fn read(&mut self, limit: usize, limits: ExchangeLimits) -> Result<Vec<u8>, TransportError> {
        while self.unread.is_empty() {
            match self.runtime.block_on(next_chunk(&mut self.body, limits, &self.clock))? {
                Some(chunk) => self.unread = chunk,
                None => return Ok(Vec::new()),
            }
        }
        Ok(self.unread.split_to(limit.min(self.unread.len())).to_vec())
    }
}

impl core::Clock for NativeClock {
    fn wall_ms(&self) -> u64 {
        self.0.since_epoch().as_millis() as u64
    }

    fn monotonic_ms(&self) -> u64 {
        self.0.monotonic().as_millis() as u64
    }

    fn sleep(&self, ms: u64) {
        std::thread::sleep(Duration::from_millis(ms));
    }
}

/// The next chunk of a body. `None` at its end.
async fn next_chunk(
    body: &mut WasiBody,
    limits: ExchangeLimits,
    clock: &NativeClock,
) -> Result<Option<Bytes>, TransportError> {
    loop {
        return match within(limits.idle_ms, limits, clock, body.frame()).await? {
            None => Ok(None),
            Some(Err(_)) => Err(interrupted()),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) if !bytes.is_empty() => Ok(Some(bytes)),
                _ => continue,
            },
        };
    }
}

/// Applies a time-out of `ms`, and the deadline of the exchange.
async fn within<T>(
    ms: u64,
    limits: ExchangeLimits,
    clock: &NativeClock,
    work: impl Future<Output = T>,
) -> Result<T, TransportError> {
    let remaining_ms = limits.deadline_ms.saturating_sub(core::Clock::monotonic_ms(clock));
    let result = tokio::time::timeout(Duration::from_millis(ms.min(remaining_ms)), work).await;
    result.map_err(|_| TransportError::after_sending(Cause::TimedOut))
}

/// The error for every failure on the network. The simulator injects no faults here, so that the cause does not matter.
const fn interrupted() -> TransportError {
    TransportError::after_sending(Cause::Interrupted)
}

/// A connector that is configured for this brand.
pub fn configured(transport: &NativeTransport, connection: &Connection) -> QualtricsConnector {
    let setting =
        |setting: &privacy_host::contract::Setting| Setting { key: setting.key.clone(), value: setting.value.clone() };
    let settings = component::settings(connection).iter().map(setting).collect();
    let clock = transport.clock.clone();
    let mut connector = QualtricsConnector::new(Box::new(transport.clone()), Box::new(clock));
    assert!(connector.configure(settings).is_ok(), "the settings are invalid");
    connector
}

/// A request with one email address.
pub fn request(id: &str, address: &str) -> Request {
    Request {
        id: id.to_owned(),
        subject: vec![Identifier::Email(address.to_owned())],
        attempts: None,
        overrides: Vec::new(),
    }
}

/// The core compiled natively, on one thread.
pub struct NativeClient {
    transport: NativeTransport,
    connection: Option<Connection>,
    reused: Option<Reused>,
}

/// A connector that serves one request after the other.
struct Reused {
    connector: QualtricsConnector,
    clock: Clock,
}

impl NativeClient {
    pub fn new() -> Self {
        Self { transport: NativeTransport::new(), connection: None, reused: None }
    }
}

impl Client for NativeClient {
    fn name(&self) -> &'static str {
        "native"
    }

    fn select_brand(&mut self, connection: &Connection, reuse: Reuse) {
        self.connection = Some(connection.clone());
        self.reused = (reuse == Reuse::Kept).then(|| {
            let clock = simulated_clock();
            Reused { connector: configured(&self.transport.with_clock(clock.clone()), connection), clock }
        });
    }

    fn serve(&mut self, flow: Flow) -> Sample {
        let Self { transport, connection, reused } = self;
        let connection = connection.as_ref().expect("no brand is selected");
        let (sample, report) = match reused {
            None => Sample::of(|| serve(transport, connection, flow)),
            Some(Reused { connector, clock }) => {
                clock.advance(REQUEST_INTERVAL);
                Sample::of(|| serve_on(connector, flow))
            }
        };
        assert_eq!(report.outcome, expected_outcome(flow), "{:?}", report.findings);
        sample
    }
}

/// The outcome of a request for [`DATA_SUBJECT`].
fn expected_outcome(flow: Flow) -> Outcome {
    match flow {
        Flow::Access => Outcome::Found,
        Flow::Preview => Outcome::Previewed,
        Flow::Erase => Outcome::Deleted,
        Flow::EraseAndVerify => Outcome::Verified,
    }
}

/// Serves a request with a new connector until it is done, and reads all documents.
pub fn serve(transport: &NativeTransport, connection: &Connection, flow: Flow) -> Report {
    serve_on(&mut configured(transport, connection), flow)
}

/// Serves a request with this connector until it is done, and reads all documents.
fn serve_on(connector: &mut QualtricsConnector, flow: Flow) -> Report {
    let request = request("request-1", DATA_SUBJECT);
    let requests = vec![request.clone()];
    let started = match flow {
        Flow::Access => connector.access(requests),
        Flow::Preview => connector.delete(requests, DeletionMode::Preview),
        Flow::Erase => connector.delete(requests, DeletionMode::Erase),
        Flow::EraseAndVerify => connector.delete(requests, DeletionMode::EraseAndVerify),
    };
    let report = poll_until_done(connector, &request, single(started));
    for document in &report.documents {
        if let Content::Remote(reference) = &document.content {
            read_to_end(connector, reference, |_| ());
        }
    }
    report
}

/// Polls a request until it is done, without delay between polls.
pub fn poll_until_done(connector: &mut QualtricsConnector, request: &Request, mut progress: Progress) -> Report {
    loop {
        match progress {
            Progress::Done(report) => return report,
            Progress::Pending(pending) => {
                let task = Task { request: request.clone(), ticket: pending.ticket };
                progress = single(connector.poll(vec![task]));
            }
        }
    }
}

/// The result of a call with one element.
///
/// # Panics
/// If the element failed.
pub fn single(mut results: Vec<Result<Progress, Error>>) -> Progress {
    results.remove(0).expect("the request failed")
}

/// Reads a document to its end, chunk by chunk, and returns its length. Calls `after_chunk` with the offset after each chunk.
pub fn read_to_end(connector: &mut QualtricsConnector, reference: &str, mut after_chunk: impl FnMut(u64)) -> u64 {
    let mut offset = 0;
    loop {
        let chunk = connector.read(reference.to_owned(), offset, CHUNK_BYTES).expect("failed to read the document");
        offset += chunk.bytes.len() as u64;
        after_chunk(offset);
        if chunk.last {
            return offset;
        }
    }
}
