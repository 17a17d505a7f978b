//! HTTP and a clock for the connector without WebAssembly: hyper on a separate runtime, and the system clock.

use std::sync::{LazyLock, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use qualtrics_connector::http::{
    Body, Cause, Clock, ExchangeLimits, Request, Response, ResponseHead, Transport, TransportError,
};
use tokio::runtime::Runtime;

/// The runtime of all transports. The connector blocks its thread during a call, so this must not be the runtime of that thread.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// Runs a future on the runtime and blocks this thread, which may belong to another runtime.
fn block_on<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    RUNTIME.spawn(async move { sender.send(future.await) });
    receiver.recv().expect("the future ends")
}

/// A transport that uses hyper.
pub struct NativeTransport(Client<HttpConnector, Full<Bytes>>);

impl NativeTransport {
    pub fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    fn send(&self, request: Request, limits: ExchangeLimits) -> Result<(ResponseHead, Incoming), TransportError> {
        let uri = format!("{}{}", request.origin.to_text(), request.path);
        let mut outgoing = hyper::Request::builder().method(request.method.name()).uri(uri);
        for (name, value) in &request.headers {
            outgoing = outgoing.header(*name, value.reveal());
        }
        let outgoing = outgoing.body(Full::from(request.body));
        let outgoing = outgoing.map_err(|_| TransportError::before_sending(Cause::InvalidRequest))?;
        let response = self.0.request(outgoing);
        let response = async move { tokio::time::timeout(Duration::from_millis(limits.response_ms), response).await };
        let response = block_on(response).map_err(|_| TransportError::after_sending(Cause::TimedOut))?.map_err(
            |error| match error.is_connect() {
                true => TransportError::before_sending(Cause::Unreachable),
                false => TransportError::after_sending(Cause::Interrupted),
            },
        )?;
        let (parts, body) = response.into_parts();
        let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let headers = parts.headers.iter().filter_map(header).collect();
        Ok((ResponseHead { status: parts.status.as_u16(), headers }, body))
    }
}

impl Transport for NativeTransport {
    fn exchange(&mut self, requests: Vec<Request>, limits: ExchangeLimits) -> Vec<Result<Response, TransportError>> {
        let exchange = |request| {
            let (head, body) = self.send(request, limits)?;
            let collected = block_on(body.collect());
            let body = collected.map_err(|_| TransportError::after_sending(Cause::Interrupted))?.to_bytes();
            Ok(Response { head, body: body.to_vec() })
        };
        requests.into_iter().map(exchange).collect()
    }

    fn open(
        &mut self,
        request: Request,
        limits: ExchangeLimits,
    ) -> Result<(ResponseHead, Box<dyn Body>), TransportError> {
        let (head, body) = self.send(request, limits)?;
        Ok((head, Box::new(NativeBody { body: Some(body), rest: Bytes::new() })))
    }
}

struct NativeBody {
    body: Option<Incoming>,
    rest: Bytes,
}

impl Body for NativeBody {
    fn read(&mut self, limit: usize, _: ExchangeLimits) -> Result<Vec<u8>, TransportError> {
        while self.rest.is_empty() {
            let Some(mut body) = self.body.take() else { return Ok(Vec::new()) };
            let (body, frame) = block_on(async move {
                let frame = body.frame().await;
                (body, frame)
            });
            match frame {
                None => return Ok(Vec::new()),
                Some(Err(_)) => return Err(TransportError::after_sending(Cause::Interrupted)),
                Some(Ok(frame)) => {
                    self.body = Some(body);
                    self.rest = frame.into_data().unwrap_or_default();
                }
            }
        }
        Ok(self.rest.split_to(limit.min(self.rest.len())).to_vec())
    }
}

/// The system clock.
pub struct SystemClock(Instant);

impl SystemClock {
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn wall_ms(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, ms: u64) {
        std::thread::sleep(Duration::from_millis(ms));
    }
}
