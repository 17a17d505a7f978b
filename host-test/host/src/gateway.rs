//! Gateways: components that serve HTTP requests.

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

use crate::error::HostError;
use crate::options::InstanceOptions;
use crate::runtime::{Loaded, Runtime};
use crate::state::State;

/// A loaded gateway. Clones share the same code and connections.
#[derive(Clone)]
pub struct Gateway(Arc<LoadedGateway>);

struct LoadedGateway {
    loaded: Loaded,
    pre: ProxyPre<State>,
}

/// The instances of a gateway. Clones share the same instances.
///
/// **Instances are reused** for one request after the other, so that the connector inside signs in once in the lifetime of its
/// instance. The most recently used instance is taken first, so that there are never more of them than concurrent requests. An
/// instance that traps, or stalls for longer than a call may take, is discarded.
///
/// **A request continues** when its caller disconnects: a deletion is not interrupted half-way.
#[derive(Clone)]
pub struct Service(Arc<Shared>);

struct Shared {
    gateway: Gateway,
    options: InstanceOptions,
    idle: Mutex<Vec<GatewayInstance>>,
}

struct GatewayInstance {
    proxy: Proxy,
    store: Store<State>,
}

impl Gateway {
    pub(crate) fn new(component: Component, runtime: &Runtime) -> Result<Self, HostError> {
        let (loaded, pre) = runtime.load(component)?;
        let pre = ProxyPre::new(pre).map_err(|error| HostError::unfit(&error))?;
        Ok(Self(Arc::new(LoadedGateway { loaded, pre })))
    }

    /// The interfaces that the component imports, as for [`Plugin::imports`](crate::Plugin::imports).
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.0.loaded.imports
    }

    /// A service whose instances have these options. It creates them on demand.
    #[must_use]
    pub fn service(&self, options: InstanceOptions) -> Service {
        Service(Arc::new(Shared { gateway: self.clone(), options, idle: Mutex::default() }))
    }
}

impl Service {
    /// The number of instances that wait for a request.
    #[must_use]
    pub fn idle_instances(&self) -> usize {
        self.idle().len()
    }

    /// The gateway's response to a request. Without one, the host responds: there are too many instances (503), the gateway trapped
    /// (500), or it took too long (504). After 500 and 504 it is unknown what the vendor has started.
    ///
    /// Call it within a Tokio runtime.
    pub async fn respond<B>(&self, request: Request<B>) -> Response<WasiBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if request.uri().authority().is_none() && host.is_none() {
            return problem(StatusCode::BAD_REQUEST, "The request has no Host header.");
        }
        let mut instance = match self.instance().await {
            Ok(instance) => instance,
            Err(error) => return failure(&error),
        };
        let (response, mut responded) = oneshot::channel();
        let (frame_sent, frames_sent) = watch::channel(());
        let service = self.clone();
        let limit = self.0.options.call_timeout;
        let epoch = self.0.gateway.0.loaded.epoch.clone();
        // A task of its own, which continues while the body is read, and after the caller has disconnected.
        let call = tokio::spawn(async move {
            let end = tokio::select! {
                biased;
                end = epoch.drive(handle(&mut instance, request, response)) => end.map_err(|error| HostError::of_call(&error)),
                () = stalled(frames_sent, limit) => Err(HostError::TimedOut),
            };
            match end {
                Ok(()) => service.idle().push(instance),
                Err(ref error) => tracing::warn!(%error, "an instance of the gateway is discarded"),
            }
            end
        });
        // A guest may return without a response while it still holds the response's sender.
        let response = tokio::select! {
            biased;
            Ok(response) = &mut responded => response.map_err(|_| HostError::Trap(None)),
            end = call => match (responded.try_recv(), end) {
                (Ok(Ok(response)), _) => Ok(response),
                (_, Ok(Err(error))) => Err(error),
                _ => Err(HostError::Trap(None)),
            },
        };
        match response {
            Ok(response) => response.map(|body| {
                let report = move |frame| {
                    frame_sent.send_replace(());
                    frame
                };
                body.map_frame(report).boxed_unsync()
            }),
            Err(error) => failure(&error),
        }
    }

    async fn instance(&self) -> Result<GatewayInstance, HostError> {
        let idle = self.idle().pop();
        if let Some(instance) = idle {
            return Ok(instance);
        }
        let Shared { gateway, options, .. } = &*self.0;
        let LoadedGateway { loaded, pre } = &*gateway.0;
        let mut store = loaded.store(options.clone());
        let instantiate = loaded.epoch.drive(pre.instantiate_async(&mut store));
        match tokio::time::timeout(options.call_timeout, instantiate).await {
            Ok(Ok(proxy)) => Ok(GatewayInstance { proxy, store }),
            Ok(Err(error)) => Err(HostError::of_call(&error)),
            Err(_) => Err(HostError::TimedOut),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<GatewayInstance>> {
        // Nothing panics while the lock is held.
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn handle<B>(
    instance: &mut GatewayInstance,
    request: Request<B>,
    response: oneshot::Sender<Result<Response<HyperOutgoingBody>, ErrorCode>>,
) -> wasmtime::Result<()>
where
    B: Body<Data = Bytes> + Send + 'static,
{
    let request = request.map(|body| body.map_err(|_| Error::ConnectionTerminated));
    let request = instance.store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
    let responded = Arc::new(AtomicBool::new(false));
    let outparam = {
        let responded = responded.clone();
        move |result| {
            responded.store(true, Ordering::SeqCst);
            // The caller may have disconnected.
            let _ = response.send(result);
        }
    };
    let outparam = instance.store.data_mut().http().new_response_outparam_from_callback(outparam)?;
    instance.proxy.wasi_http_incoming_handler().call_handle(&mut instance.store, request, outparam).await?;
    if responded.load(Ordering::SeqCst) { Ok(()) } else { Err(wasmtime::Error::msg("the guest sent no response")) }
}

/// Completes when no frame of the response's body was sent for this long. A dropped body sends no more frames.
async fn stalled(mut frames_sent: watch::Receiver<()>, limit: Duration) {
    loop {
        match tokio::time::timeout(limit, frames_sent.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return tokio::time::sleep(limit).await,
            Err(_) => return,
        }
    }
}

fn failure(error: &HostError) -> Response<WasiBody> {
    match error {
        HostError::Exhausted => {
            let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, "Too many requests are in progress.");
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        HostError::TimedOut => {
            problem(StatusCode::GATEWAY_TIMEOUT, "The gateway took too long. What the vendor has started is unknown.")
        }
        _ => {
            let detail = "The gateway stopped without a response. What the vendor has started is unknown.";
            problem(StatusCode::INTERNAL_SERVER_ERROR, detail)
        }
    }
}

/// Problem details (RFC 9457) without a type of their own.
fn problem(status: StatusCode, detail: &'static str) -> Response<WasiBody> {
    let title = status.canonical_reason().unwrap_or_default();
    let details =
        serde_json::json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    let body = Full::from(details.to_string()).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
