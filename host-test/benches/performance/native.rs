//! The connector's core compiled natively, over the same pool of connections as the component: what the sandbox is measured
//! against.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use host_test::clock::Clock;
use host_test::host::{Host, Options, Pool, contract};
use host_test::performance::{Flow, Way};
use http_body_util::BodyExt;
use qualtrics_connector::connector::Connector;
use qualtrics_connector::connector::contract::{
    Content, DeletionMode, Identifier, Outcome, Progress, Report, Request, Setting, Task,
};
use qualtrics_connector::http::{self as core, Cause, Failure, Head, Limits, MAX_CONCURRENT};
use qualtrics_connector::secret::Secret;
use tokio::runtime::Runtime;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::brand::{Connection, PERSON};
use crate::component::{PIECE, made_clock};
use crate::meter::Sample;
use crate::requests::{Contestant, PAUSE};

/// The core's transport: hyper. Clones share its connections.
#[derive(Clone)]
pub struct NativeTransport {
    runtime: Arc<Runtime>,
    pool: Arc<Pool>,
    clock: NativeClock,
}

/// The connector over it.
pub type NativeConnector = Connector<NativeTransport, NativeClock>;

/// The machine's time, or a made one.
#[derive(Clone)]
pub struct NativeClock(Clock);

/// The body of an answer that is read piece by piece.
pub struct NativeBody {
    runtime: Arc<Runtime>,
    clock: NativeClock,
    body: WasiBody,
    /// What came beyond the piece that was asked for.
    rest: Bytes,
}

impl NativeTransport {
    /// On one thread.
    pub fn new() -> Self {
        Self::on(tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"))
    }

    /// Whose connections this runtime serves.
    pub fn on(runtime: Runtime) -> Self {
        let host = Host::new(Options { pooled: false, ..Options::default() }).expect("a host");
        Self { runtime: Arc::new(runtime), pool: Arc::new(host.pool()), clock: NativeClock(Clock::system()) }
    }

    fn with_clock(&self, clock: Clock) -> Self {
        Self { clock: NativeClock(clock), ..self.clone() }
    }

    async fn head(&self, request: core::Request, limits: Limits) -> Result<(Head, WasiBody), Failure> {
        let scheme = if request.origin.is_tls() { "https://" } else { "http://" };
        let uri = [scheme, request.origin.authority(), &request.path].concat();
        let method = match request.method {
            core::Method::Get => hyper::Method::GET,
            core::Method::Post => hyper::Method::POST,
        };
        let mut outgoing = hyper::Request::builder().method(method).uri(uri);
        for (name, value) in &request.headers {
            outgoing = outgoing.header(*name, value.reveal());
        }
        let outgoing = outgoing.body(Bytes::from(request.body)).map_err(|_| Failure::not_sent(Cause::Refused))?;
        let answer = in_time(limits.response_ms, limits, &self.clock, self.pool.send(outgoing)).await?;
        let (parts, body) = answer.map_err(|error| failure(&error))?.into_parts();
        let text = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        Ok((Head { status: parts.status.as_u16(), headers: parts.headers.iter().filter_map(text).collect() }, body))
    }

    async fn whole(&self, request: core::Request, limits: Limits) -> Result<core::Response, Failure> {
        let (head, mut incoming) = self.head(request, limits).await?;
        let mut body = Vec::new();
        while let Some(piece) = next(&mut incoming, limits, &self.clock).await? {
            if piece.len() > limits.body_bytes.saturating_sub(body.len()) {
                return Err(Failure::lost(Cause::TooLarge));
            }
            body.extend_from_slice(&piece);
        }
        Ok(core::Response { head, body })
    }
}

impl core::Transport for NativeTransport {
    type Body = NativeBody;

    fn exchange(&mut self, requests: Vec<core::Request>, limits: Limits) -> Vec<Result<core::Response, Failure>> {
        let this = &*self;
        self.runtime.block_on(async {
            let all = requests.into_iter().enumerate();
            let exchanges = all.map(|(place, request)| async move { (place, this.whole(request, limits).await) });
            let mut answers: Vec<_> = stream::iter(exchanges).buffer_unordered(MAX_CONCURRENT).collect().await;
            answers.sort_unstable_by_key(|(place, _)| *place);
            answers.into_iter().map(|(_, answer)| answer).collect()
        })
    }

    fn open(&mut self, request: core::Request, limits: Limits) -> Result<(Head, NativeBody), Failure> {
        let (head, body) = self.runtime.block_on(self.head(request, limits))?;
        Ok((head, NativeBody { runtime: self.runtime.clone(), clock: self.clock.clone(), body, rest: Bytes::new() }))
    }
}

impl core::Body for NativeBody {
    fn read(&mut self, limit: usize, limits: Limits) -> Result<Vec<u8>, Failure> {
        while self.rest.is_empty() {
            match self.runtime.block_on(next(&mut self.body, limits, &self.clock))? {
                Some(piece) => self.rest = piece,
                None => return Ok(Vec::new()),
            }
        }
        Ok(self.rest.split_to(limit.min(self.rest.len())).to_vec())
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

/// The next piece of a body; none at its end.
async fn next(body: &mut WasiBody, limits: Limits, clock: &NativeClock) -> Result<Option<Bytes>, Failure> {
    loop {
        return match in_time(limits.idle_ms, limits, clock, body.frame()).await? {
            None => Ok(None),
            Some(Err(_)) => Err(Failure::lost(Cause::Broken)),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) if !bytes.is_empty() => Ok(Some(bytes)),
                _ => continue,
            },
        };
    }
}

async fn in_time<T>(ms: u64, limits: Limits, clock: &NativeClock, work: impl Future<Output = T>) -> Result<T, Failure> {
    let left = limits.deadline_ms.saturating_sub(core::Clock::monotonic_ms(clock));
    let done = tokio::time::timeout(Duration::from_millis(ms.min(left)), work).await;
    done.map_err(|_| Failure::lost(Cause::TimedOut))
}

/// What the component's transport makes of the same code.
fn failure(error: &Error) -> Failure {
    match error {
        Error::HttpRequestDenied | Error::DestinationIpProhibited => Failure::not_sent(Cause::Denied),
        Error::DnsError { .. } => Failure::not_sent(Cause::NameNotFound),
        Error::ConnectionRefused | Error::DestinationUnavailable | Error::DestinationIpUnroutable => {
            Failure::not_sent(Cause::Unreachable)
        }
        Error::TlsCertificateError => Failure::not_sent(Cause::Tls),
        Error::ConnectionTimeout => Failure::lost(Cause::TimedOut),
        _ => Failure::lost(Cause::Broken),
    }
}

/// A connector that is ready to call this brand.
pub fn configured(transport: &NativeTransport, connection: &Connection) -> NativeConnector {
    let settings = crate::component::settings(connection);
    let core =
        |setting: &contract::Setting| Setting { key: setting.key.clone(), value: Secret::new(setting.value.clone()) };
    let settings: Vec<_> = settings.iter().map(core).collect();
    let mut connector = Connector::new(transport.clone(), transport.clock.clone());
    assert!(connector.configure(&settings).is_ok(), "good settings");
    connector
}

/// A request about one address.
pub fn about(key: &str, address: &str) -> Request {
    Request {
        key: key.to_owned(),
        subject: vec![Identifier::Email(Secret::new(address))],
        first_attempt_at: None,
        confirmed: Vec::new(),
        extra: Vec::new(),
    }
}

/// The core, on one thread.
pub struct Native {
    transport: NativeTransport,
    turned_to: Option<Connection>,
    kept: Option<Kept>,
}

/// A connector that serves one request after the other.
struct Kept {
    connector: NativeConnector,
    clock: Clock,
}

impl Native {
    pub fn new() -> Self {
        Self { transport: NativeTransport::new(), turned_to: None, kept: None }
    }
}

impl Contestant for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn turn_to(&mut self, connection: &Connection, way: Way) {
        self.turned_to = Some(connection.clone());
        self.kept = (way == Way::Kept).then(|| {
            let clock = made_clock();
            Kept { connector: configured(&self.transport.with_clock(clock.clone()), connection), clock }
        });
    }

    fn serve(&mut self, flow: Flow) -> Sample {
        let Self { transport, turned_to, kept } = self;
        let connection = turned_to.as_ref().expect("a brand");
        let (sample, report) = match kept {
            None => Sample::of(|| serve(transport, connection, flow)),
            Some(Kept { connector, clock }) => {
                clock.advance(PAUSE);
                Sample::of(|| serve_on(connector, flow))
            }
        };
        assert_eq!(report.outcome, expected(flow), "{:?}", report.findings);
        sample
    }
}

fn expected(flow: Flow) -> Outcome {
    match flow {
        Flow::Access => Outcome::Found,
        Flow::Preview => Outcome::Previewed,
        Flow::Erase => Outcome::Erased,
        Flow::EraseAndVerify => Outcome::Verified,
    }
}

/// Serves a request to its end with a connector of its own, and reads all documents.
pub fn serve(transport: &NativeTransport, connection: &Connection, flow: Flow) -> Report {
    serve_on(&mut configured(transport, connection), flow)
}

/// Serves a request to its end, and reads all documents.
fn serve_on(connector: &mut NativeConnector, flow: Flow) -> Report {
    let request = about("request-1", PERSON);
    let begun = match flow {
        Flow::Access => connector.access(&request),
        Flow::Preview => connector.delete(&request, DeletionMode::Preview),
        Flow::Erase => connector.delete(&request, DeletionMode::Erase),
        Flow::EraseAndVerify => connector.delete(&request, DeletionMode::EraseAndVerify),
    };
    let report = finish(connector, &request, begun.expect("progress"));
    for document in &report.documents {
        if let Content::Remote(reference) = &document.content {
            read_whole(connector, reference, |_| ());
        }
    }
    report
}

/// Follows a request to its last word, without waiting.
pub fn finish(connector: &mut NativeConnector, request: &Request, mut progress: Progress) -> Report {
    loop {
        match progress {
            Progress::Done(report) => return *report,
            Progress::Pending(pending) => {
                let task = Task { request: request.clone(), ticket: pending.ticket };
                progress = connector.poll(&[task]).remove(0).expect("progress");
            }
        }
    }
}

/// Reads a document to its end, piece by piece: its length. `each` sees every offset.
pub fn read_whole(connector: &mut NativeConnector, reference: &str, mut each: impl FnMut(u64)) -> u64 {
    let mut offset = 0;
    loop {
        let chunk = connector.read(reference, offset, PIECE).expect("a piece");
        offset += chunk.bytes.len() as u64;
        each(offset);
        if chunk.last {
            return offset;
        }
    }
}
