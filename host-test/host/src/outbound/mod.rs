//! Outbound HTTP: the check of every request, and the connection pool behind it.
//!
//! **Connections** are pooled: HTTP/1.1 over TLS 1.2 or 1.3, with `TCP_NODELAY`. A pool belongs to one plugin, so that no component
//! reuses a connection of another, and to one set of permitted addresses, so that a connection to a private address is not
//! reused by an instance that may not make it.
//!
//! **No request is sent twice.** A request is repeated only if none of its bytes was written: a pooled connection was closed
//! before the request's turn. If the server closes the connection while the request is being written, the request fails with
//! `connection-terminated`: only the connector knows what may be repeated. To make that rare, idle connections are closed after
//! 20 seconds, before servers close them.
//!
//! **A body that stays open** between two calls keeps its connection. Unread bytes wait at the server, behind TCP's window.
//! Dropping an unread body, or the instance, closes the connection at once.
//!
//! **A proxy** is reached by connections of its own. It opens a tunnel to the origin (`CONNECT`), or the request was not sent. The TLS
//! of the origin, with the client certificate, is inside the tunnel.
//!
//! **Time-outs.** [`Options::connect_timeout`](crate::Options::connect_timeout) covers name resolution, connecting and the TLS
//! handshake. A tunnel through a proxy has the same limit beforehand. After that, the guest applies its own time-outs, within the time limit of the call. `request-options` are
//! ignored, because hosts interpret them differently.

mod body;
mod client_certificate;
mod error;
mod pool;
mod proxy;
mod tls;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::clocks::Exchanges;
use crate::egress::EgressPolicy;
use crate::rate_budget::{self, RateBudget};

pub use client_certificate::{ClientCertificate, ClientCertificateError};
pub use pool::Pool;
pub(crate) use pool::{Network, Outbound};
pub use proxy::{Proxy, ProxyUrlError};

/// Checks every request of one instance before it is sent.
pub(crate) struct EgressGate {
    pub(crate) policy: EgressPolicy,
    pub(crate) budget: Option<RateBudget>,
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) exchanges: Exchanges,
    pub(crate) max_requests: usize,
    pub(crate) max_request_body: usize,
}

type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for EgressGate {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        if !self.policy.permits(request.uri()) {
            // The path may hold personal data.
            tracing::warn!(host = request.uri().host(), "a request was denied: its origin is not allowed");
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        // CONNECT would open a tunnel that the policy cannot check.
        if request.method() == Method::CONNECT {
            return Box::new(async { Err(Error::HttpRequestMethodInvalid) });
        }
        if self.exchanges.count() >= self.max_requests {
            tracing::warn!(host = request.uri().host(), "a request was denied: too many are in progress");
            return Box::new(async { Err(Error::ConnectionLimitReached) });
        }
        let permit = match self.budget.as_ref().map(|budget| budget.take(request.method(), request.uri().path())) {
            Some(Err(wait)) => {
                tracing::debug!(
                    host = request.uri().host(),
                    ?wait,
                    "429 in place of the vendor: the rate budget is exhausted"
                );
                return Box::new(async move { Ok(done(rate_budget::too_many(wait))) });
            }
            permit => permit,
        };
        let request = limited(without_logged_credentials(request), self.max_request_body);
        let (outbound, addresses, exchange) = (self.outbound.clone(), self.policy.addresses(), self.exchanges.begin());
        Box::new(async move {
            let response = outbound.send(request, addresses, exchange).await.map(done);
            drop(permit);
            response
        })
    }
}

/// A response whose request needs no further work.
fn done(response: Response<WasiBody>) -> (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>) {
    (response, Box::new(async { Ok(()) }))
}

/// The request, with its credentials marked as sensitive so that they are not logged.
fn without_logged_credentials(mut request: Request<WasiBody>) -> Request<WasiBody> {
    if let Some(credentials) = request.headers_mut().get_mut(AUTHORIZATION) {
        credentials.set_sensitive(true);
    }
    request
}

/// The request, whose body fails after this many bytes.
fn limited(request: Request<WasiBody>, max_body: usize) -> Request<WasiBody> {
    let too_large = move || Error::HttpRequestBodySize(u64::try_from(max_body).ok());
    request.map(|body| {
        Limited::new(body, max_body)
            .map_err(move |error| error.downcast::<Error>().map_or_else(|_| too_large(), |error| *error))
            .boxed_unsync()
    })
}
