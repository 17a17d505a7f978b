//! One request and its response.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::apply_fault::{Delivery, Early, after_effect, before_effect};
use super::body::outgoing;
use super::counters::{Counted, Counter};
use super::listener::Port;
use super::request::Request;
use super::response::{Response, http_date};
use super::script::{End, LOOPBACK_DELAY, Script};
use super::service::{Outcome, Service};
use super::tls::Tls;
use crate::faults::Fault;

/// The largest body of a request.
const MAX_REQUEST_BODY: usize = 5 * 1024 * 1024;

/// How many [`LOOPBACK_DELAY`]s to wait for other connections to end, after connections are refused.
const MAX_SHUTDOWN_CHECKS: usize = 500;

/// What the connections of a server share.
pub(super) struct Shared<S> {
    pub(super) port: Port,
    pub(super) tls: Option<Tls>,
    pub(super) connections: Counter,
    pub(super) requests: Counter,
    /// Requests whose fault refuses all later connections.
    refusing: Counter,
    latency: Duration,
    service: Mutex<S>,
}

impl<S: Service> Shared<S> {
    pub(super) fn new(service: S, port: Port, tls: Option<Tls>, latency: Duration) -> Self {
        Self {
            port,
            tls,
            connections: Counter::default(),
            requests: Counter::default(),
            refusing: Counter::default(),
            latency,
            service: Mutex::new(service),
        }
    }

    /// Locks the service and brings it up to date.
    pub(super) fn service(&self) -> MutexGuard<'_, S> {
        let mut service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        service.update();
        service
    }

    /// Refuses new connections, and waits until the other open ones have ended.
    ///
    /// Without the wait, a client could send its next request on an open connection that is about to close. That proves less
    /// to it than a refused connection.
    async fn refuse_connections(&self) {
        let _refusing = self.refusing.add();
        self.port.refuse_connections().await;
        for _ in 0..MAX_SHUTDOWN_CHECKS {
            if self.connections.count() <= self.refusing.count() {
                break;
            }
            tokio::time::sleep(LOOPBACK_DELAY).await;
        }
        tokio::time::sleep(LOOPBACK_DELAY).await;
    }
}

/// Takes a request through its steps and returns what to send.
pub(super) async fn exchange<S: Service>(shared: &Shared<S>, request: hyper::Request<Incoming>) -> Delivery {
    let in_progress = shared.requests.add();
    // 1. Record the request and choose its fault.
    let (head, body) = request.into_parts();
    let mut request = Request::from_head(head);
    let call;
    (call, request.fault) = shared.service().begin(&request);
    match request.fault {
        Some(Fault::ShutBehind) => shared.refuse_connections().await,
        Some(Fault::ResetBeforeRead) => return Delivery::Broken(Script::empty(End::Reset, in_progress)),
        _ => {}
    }
    // 2. Receive the body.
    match receive(body).await {
        Body::Whole(body) => request.body = body,
        Body::Oversized => request.is_oversized = true,
        Body::Incomplete => return Delivery::Broken(Script::empty(End::Reset, in_progress)),
    }
    if !shared.latency.is_zero() {
        tokio::time::sleep(shared.latency).await;
    }
    // 3. Let the request take effect, apply the fault, and record the outcome.
    let mut service = shared.service();
    let requests = shared.requests.count();
    let (delivery, outcome) = respond(&mut *service, &request, requests, in_progress);
    service.end(call, &request, outcome);
    delivery
}

fn respond<S: Service>(
    service: &mut S,
    request: &Request,
    requests: usize,
    in_progress: Counted,
) -> (Delivery, Outcome) {
    match before_effect(service, request.fault.as_ref()) {
        Some(Early::Response(response)) => {
            let outcome = Outcome { took_effect: false, status: Some(response.status) };
            (Delivery::Whole(outgoing(&dated(service, response), in_progress)), outcome)
        }
        Some(Early::End(end)) => (Delivery::Broken(Script::empty(end, in_progress)), Outcome::default()),
        None => {
            let response = service.respond(request, requests);
            let took_effect = response.is_success();
            let response = dated(service, response);
            let delivery = after_effect(service, request.fault.as_ref(), response, in_progress);
            let outcome = Outcome { took_effect, status: delivery.status() };
            (delivery, outcome)
        }
    }
}

fn dated<S: Service>(service: &S, response: Response) -> Response {
    response.with_header("date", http_date(service.clock().since_epoch()))
}

/// The body of a request.
enum Body {
    Whole(Bytes),
    Oversized,
    /// The client disconnected, or its framing is invalid.
    Incomplete,
}

async fn receive(body: Incoming) -> Body {
    match Limited::new(body, MAX_REQUEST_BODY).collect().await {
        Ok(body) => Body::Whole(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Body::Oversized,
        Err(_) => Body::Incomplete,
    }
}
