use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use tokio::sync::{oneshot, watch};
use wasmtime::Store;
use wasmtime::component::Component;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::bindings::{Proxy, ProxyPre};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView};

use super::epoch::Epoch;
use super::error::HostError;
use super::instance::State;
use super::outbound::Outbound;
use super::plugin::InstanceOptions;
use super::{Host, Options};

/// A gateway that is loaded, ready to serve. Clones are the same gateway.
#[derive(Clone)]
pub struct Gateway(Arc<Loaded>);

struct Loaded {
    pre: ProxyPre<State>,
    imports: Vec<String>,
    outbound: Arc<Outbound>,
    options: Options,
    epoch: Arc<Epoch>,
}

/// A gateway's instances, and what they may do. Clones are the same service.
///
/// **Instances are used again**, one request after the other: so a connector within signs in once for as long as its
/// instance lives, and not once for each request. The one that was used last comes first, so that there are no more of
/// them than there ever were requests at once. An instance that traps, or does not go on for as long as a call may take, is
/// thrown away.
///
/// **A request that has begun goes on** when its caller does not wait for the answer: a deletion is not torn in two.
#[derive(Clone)]
pub struct Service(Arc<Serving>);

struct Serving {
    gateway: Gateway,
    of: InstanceOptions,
    idle: Mutex<Vec<Live>>,
}

/// An instance.
struct Live {
    proxy: Proxy,
    store: Store<State>,
}

impl Gateway {
    pub(super) fn new(component: &Component, host: &Host) -> Result<Self, HostError> {
        let pre =
            host.linker.instantiate_pre(component).and_then(ProxyPre::new).map_err(|error| HostError::unfit(&error))?;
        let mut imports: Vec<_> =
            component.component_type().imports(component.engine()).map(|(name, _)| name.to_owned()).collect();
        imports.sort_unstable();
        let options = host.options.clone();
        let outbound = Arc::new(Outbound::new(&host.tls, options.connect_timeout));
        Ok(Self(Arc::new(Loaded { pre, imports, outbound, options, epoch: host.epoch.clone() })))
    }

    /// The interfaces that the component imports, as for [`Plugin::imports`](super::Plugin::imports).
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.0.imports
    }

    /// A service whose instances may each do this. It has none yet.
    #[must_use]
    pub fn service(&self, of: InstanceOptions) -> Service {
        Service(Arc::new(Serving { gateway: self.clone(), of, idle: Mutex::default() }))
    }
}

impl Service {
    /// How many instances wait for a request.
    #[must_use]
    pub fn idle_instances(&self) -> usize {
        self.idle().len()
    }

    /// Answers a request with what the gateway says. Where it says nothing, the host does: that no further instance is allowed
    /// (503), that there was an error (500), or that the time was over (504). After those two it is not known what the
    /// vendor has begun.
    ///
    /// To be called within a tokio runtime.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<WasiBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if request.uri().authority().is_none() && host.is_none() {
            return problem(StatusCode::BAD_REQUEST, "The request does not say which host it is for.");
        }
        let mut live = match self.instance().await {
            Ok(live) => live,
            Err(error) => return failure(&error),
        };
        let (answer, mut answered) = oneshot::channel();
        let (moved, moves) = watch::channel(());
        let service = self.clone();
        let limit = self.0.of.call_timeout;
        let epoch = self.0.gateway.0.epoch.clone();
        // A task of its own: it goes on while the body is read, and when nobody reads it.
        let call = tokio::spawn(async move {
            let end = tokio::select! {
                biased;
                end = epoch.drive(handle(&mut live, request, answer)) => end.map_err(|error| HostError::of_call(&error)),
                () = stalled(moves, limit) => Err(HostError::TimedOut),
            };
            match end {
                Ok(()) => service.idle().push(live),
                Err(ref error) => tracing::warn!(%error, "an instance of the gateway is thrown away"),
            }
            end
        });
        // A guest that keeps the place for its answer and puts nothing there is noticed when its call ends.
        let answer = tokio::select! {
            biased;
            Ok(answer) = &mut answered => answer.map_err(|_| HostError::Trap(None)),
            end = call => match (answered.try_recv(), end) {
                (Ok(Ok(answer)), _) => Ok(answer),
                (_, Ok(Err(error))) => Err(error),
                _ => Err(HostError::Trap(None)),
            },
        };
        match answer {
            Ok(answer) => answer.map(|body| {
                let moves = move |frame| {
                    moved.send_replace(());
                    frame
                };
                body.map_frame(moves).boxed_unsync()
            }),
            Err(error) => failure(&error),
        }
    }

    async fn instance(&self) -> Result<Live, HostError> {
        let idle = self.idle().pop();
        if let Some(live) = idle {
            return Ok(live);
        }
        let Serving { gateway, of, .. } = &*self.0;
        let Loaded { pre, outbound, options, epoch, .. } = &*gateway.0;
        let mut store = State::store(pre.engine(), of.clone(), options, outbound.clone());
        match tokio::time::timeout(of.call_timeout, epoch.drive(pre.instantiate_async(&mut store))).await {
            Ok(Ok(proxy)) => Ok(Live { proxy, store }),
            Ok(Err(error)) => Err(HostError::of_call(&error)),
            Err(_) => Err(HostError::TimedOut),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Live>> {
        // Nothing panics while the lock is held.
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn handle<B>(
    live: &mut Live,
    request: Request<B>,
    answer: oneshot::Sender<Result<Response<HyperOutgoingBody>, ErrorCode>>,
) -> wasmtime::Result<()>
where
    B: Body<Data = Bytes> + Send + 'static,
{
    let request = request.map(|body| body.map_err(|_| Error::ConnectionTerminated));
    let request = live.store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
    let answered = Arc::new(AtomicBool::new(false));
    let place = {
        let answered = answered.clone();
        move |response| {
            answered.store(true, Ordering::SeqCst);
            // Nobody may be waiting for it any more.
            let _ = answer.send(response);
        }
    };
    let place = live.store.data_mut().http().new_response_outparam_from_callback(place)?;
    live.proxy.wasi_http_incoming_handler().call_handle(&mut live.store, request, place).await?;
    if answered.load(Ordering::SeqCst) { Ok(()) } else { Err(wasmtime::Error::msg("it ended without an answer")) }
}

/// Comes to its end when nothing has moved for so long. What moves is the answer's body; once that is gone, nothing does.
async fn stalled(mut moves: watch::Receiver<()>, limit: Duration) {
    loop {
        match tokio::time::timeout(limit, moves.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return tokio::time::sleep(limit).await,
            Err(_) => return,
        }
    }
}

fn failure(error: &HostError) -> Response<WasiBody> {
    match error {
        HostError::Exhausted => {
            let mut answer = problem(StatusCode::SERVICE_UNAVAILABLE, "Too many requests are under way.");
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            answer
        }
        HostError::TimedOut => {
            problem(StatusCode::GATEWAY_TIMEOUT, "There was no answer in time. What the vendor has begun is not known.")
        }
        _ => {
            let detail = "The gateway stopped without an answer. What the vendor has begun is not known.";
            problem(StatusCode::INTERNAL_SERVER_ERROR, detail)
        }
    }
}

/// Problem details (RFC 9457) that mean no more than their status.
fn problem(status: StatusCode, detail: &'static str) -> Response<WasiBody> {
    let title = status.canonical_reason().unwrap_or_default();
    let details =
        serde_json::json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    let body = Full::from(details.to_string()).map_err(|never| match never {}).boxed_unsync();
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    answer
}
