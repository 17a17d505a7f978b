//! How a connector's requests reach the network: the policy's gate, and a pool of connections behind it.
//!
//! **Connections** are kept and used again, HTTP/1.1, over TLS 1.2 or 1.3, without Nagle's delay. A pool belongs to one
//! plugin, so that no component meets the connections of another, and to one answer to the question which addresses a
//! name may lead to, so that no connection that was permitted for one instance serves another for which it is not.
//!
//! **Nothing is sent twice.** A request is tried again only while not a byte of it has been written: when a kept
//! connection turns out to be closed before the request's turn comes. Where the server closes the connection while the
//! request is being written, that is an error, `connection-terminated`: only the connector knows what may be repeated. Kept
//! connections are closed after 20 seconds without use, before the servers at the other end do so, to make it rare.
//!
//! **A body that the guest keeps** between two calls keeps its connection, and nothing else: what has not been read
//! waits at the server, behind TCP's own window. Dropping the body, or the instance, closes the connection at once if
//! anything is unread.
//!
//! **Time limits.** Looking the name up, connecting and the TLS handshake together are limited by
//! [`Options::connect_timeout`](super::Options::connect_timeout). Everything after is the guest's own business, within
//! the time limit of the call; `request-options` are not looked at, because hosts differ in what they mean by them.

use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, service_fn};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::budget::{self, Budget};
use super::egress::{Addresses, EgressPolicy};
use super::error::HostError;
use super::time::{Exchange, UnderWay};

/// How long a connection without use is kept. Load balancers close theirs after a minute or so.
const KEPT_WITHOUT_USE: Duration = Duration::from_secs(20);

/// Which certificates are trusted: those that browsers trust, and those of this PEM text.
pub(super) fn tls(extra_root_certificates: &[u8]) -> Result<ClientConfig, HostError> {
    let wrong = |why: String| HostError::Options(format!("the extra root certificates: {why}"));
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(extra_root_certificates) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if !extra_root_certificates.is_empty() && roots.len() == webpki_roots::TLS_SERVER_ROOTS.len() {
        return Err(wrong("no certificate in PEM form".to_owned()));
    }
    Ok(ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| HostError::Options(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// The connections of one plugin.
pub(super) struct Outbound {
    to_public_addresses: Client<Connector, WasiBody>,
    to_any_address: Client<Connector, WasiBody>,
}

type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;

impl Outbound {
    pub(super) fn new(tls: &ClientConfig, connect_timeout: Duration) -> Self {
        Self::with_names(tls, connect_timeout, Arc::new(|name| Box::pin(look_up(name))))
    }

    fn with_names(tls: &ClientConfig, connect_timeout: Duration, names: Names) -> Self {
        let client = |addresses| {
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(KEPT_WITHOUT_USE)
                // Means requests of which nothing has been written, as the module promises.
                .retry_canceled_requests(true)
                .build(connector(tls.clone(), connect_timeout, names.clone(), addresses))
        };
        Self { to_public_addresses: client(Addresses::Public), to_any_address: client(Addresses::Any) }
    }

    async fn send(
        &self,
        request: Request<WasiBody>,
        addresses: Addresses,
        exchange: Exchange,
    ) -> Result<Response<WasiBody>, Error> {
        let client = match addresses {
            Addresses::Public => &self.to_public_addresses,
            Addresses::Any => &self.to_any_address,
        };
        // Paths and headers are nobody's business in a log.
        let (host, method) = (request.uri().host().map(str::to_owned), request.method().clone());
        let answer = client.request(request).await.map_err(|error| failure(&error));
        match &answer {
            Ok(response) => tracing::debug!(host, %method, status = response.status().as_u16(), "answered"),
            Err(error) => tracing::debug!(host, %method, %error, "no answer"),
        }
        let response = answer?;
        Ok(response.map(|body| Answer { body, exchange: Some(exchange) }.boxed_unsync()))
    }
}

/// The connections of one plugin, for a program that sends its own requests through them: to any address.
pub struct Pool(Outbound);

impl Pool {
    pub(super) fn new(tls: &ClientConfig, connect_timeout: Duration) -> Self {
        Self(Outbound::new(tls, connect_timeout))
    }

    /// Sends a request. The answer's connection is free for others once its body has been read, and closed if that is
    /// dropped before its end.
    ///
    /// # Errors
    /// The code that a component would be told.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<WasiBody>, Error> {
        let request = request.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
        self.0.send(request, Addresses::Any, UnderWay::default().begin()).await
    }
}

fn connector(tls: ClientConfig, connect_timeout: Duration, names: Names, addresses: Addresses) -> Connector {
    // Connecting goes through this resolver's answer and no other: the address that is checked is the one that is used.
    let resolver = service_fn(move |name: Name| {
        let found = names(name.as_str().to_owned());
        async move { permitted(found.await.map_err(|_| NameFailure::Unknown)?, addresses) }
    });
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    BoxCloneSyncService::new(ServiceBuilder::new().timeout(connect_timeout).service(https))
}

/// What looks a name up.
type Names = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

async fn look_up(name: String) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
}

fn permitted(found: Vec<IpAddr>, addresses: Addresses) -> Result<std::vec::IntoIter<SocketAddr>, NameFailure> {
    if found.is_empty() {
        return Err(NameFailure::Unknown);
    }
    let permitted: Vec<_> = found
        .into_iter()
        .filter(|address| addresses.permit(*address))
        .map(|address| SocketAddr::new(address, 0))
        .collect();
    if permitted.is_empty() { Err(NameFailure::Prohibited) } else { Ok(permitted.into_iter()) }
}

/// Why a name leads nowhere.
#[derive(Clone, Copy, Debug)]
enum NameFailure {
    /// It does not resolve.
    Unknown,
    /// It resolves to addresses that are not permitted.
    Prohibited,
}

impl fmt::Display for NameFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unknown => "the name does not resolve",
            Self::Prohibited => "the name resolves to addresses that are not permitted",
        })
    }
}

impl StdError for NameFailure {}

/// What one instance's requests pass through.
pub(super) struct Gate {
    pub(super) policy: EgressPolicy,
    pub(super) budget: Option<Budget>,
    pub(super) outbound: Arc<Outbound>,
    pub(super) under_way: UnderWay,
    pub(super) max_requests: usize,
    pub(super) max_request_body: usize,
}

type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Gate {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        if !self.policy.permits(request.uri()) {
            // Its path might say more than where it was to go.
            tracing::warn!(host = request.uri().host(), "a request was denied: its origin is not allowed");
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        // It would make a tunnel of the connection, and what goes through that is no longer HTTP.
        if request.method() == Method::CONNECT {
            return Box::new(async { Err(Error::HttpRequestMethodInvalid) });
        }
        if self.under_way.count() >= self.max_requests {
            tracing::warn!(host = request.uri().host(), "a request was denied: too many are under way");
            return Box::new(async { Err(Error::ConnectionLimitReached) });
        }
        if let Some(Err(wait)) = self.budget.as_ref().map(|budget| budget.take(request.method(), request.uri().path()))
        {
            tracing::debug!(host = request.uri().host(), ?wait, "answered for the vendor: the budget is used up");
            return Box::new(async move { Ok(done(budget::too_many(wait))) });
        }
        let request = limited(discreet(request), self.max_request_body);
        let (outbound, addresses, exchange) = (self.outbound.clone(), self.policy.addresses(), self.under_way.begin());
        Box::new(async move { outbound.send(request, addresses, exchange).await.map(done) })
    }
}

/// An answer beside which nothing is left to do.
fn done(response: Response<WasiBody>) -> (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>) {
    (response, Box::new(async { Ok(()) }))
}

/// The request, whose credentials are not printed with it.
fn discreet(mut request: Request<WasiBody>) -> Request<WasiBody> {
    if let Some(credentials) = request.headers_mut().get_mut(AUTHORIZATION) {
        credentials.set_sensitive(true);
    }
    request
}

/// The request, whose body breaks off beyond so many bytes.
fn limited(request: Request<WasiBody>, max_body: usize) -> Request<WasiBody> {
    let too_large = move || Error::HttpRequestBodySize(u64::try_from(max_body).ok());
    request.map(|body| {
        Limited::new(body, max_body)
            .map_err(move |error| error.downcast::<Error>().map_or_else(|_| too_large(), |error| *error))
            .boxed_unsync()
    })
}

/// The body of an answer. Its exchange is under way until it has been read, or is dropped.
struct Answer {
    body: Incoming,
    exchange: Option<Exchange>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(pin!(&mut self.body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.exchange = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|error| broken_body(&error))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The reason for which there is no answer.
///
/// Whether the server may have seen the request hangs on it. So every failure to connect is told by a code that cannot arise
/// later on, except for the time limit, which has one name for all phases.
fn failure(error: &legacy::Error) -> Error {
    if error.is_connect() {
        causes(error).find_map(not_connected).unwrap_or(Error::DestinationUnavailable)
    } else {
        causes(error).find_map(no_answer).unwrap_or(Error::HttpProtocolError)
    }
}

fn not_connected(cause: &(dyn StdError + 'static)) -> Option<Error> {
    if cause.is::<tower::timeout::error::Elapsed>() {
        return Some(Error::ConnectionTimeout);
    }
    if let Some(failure) = cause.downcast_ref() {
        return Some(match failure {
            NameFailure::Unknown => Error::DnsError { rcode: None, info_code: None },
            NameFailure::Prohibited => Error::DestinationIpProhibited,
        });
    }
    if let Some(error) = cause.downcast_ref() {
        return Some(match error {
            rustls::Error::InvalidCertificate(_) => Error::TlsCertificateError,
            rustls::Error::AlertReceived(alert) => {
                Error::TlsAlertReceived { alert_id: Some(u8::from(*alert)), alert_message: None }
            }
            _ => Error::TlsProtocolError,
        });
    }
    match cause.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::ConnectionRefused => Some(Error::ConnectionRefused),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(Error::DestinationIpUnroutable),
        io::ErrorKind::TimedOut => Some(Error::ConnectionTimeout),
        _ => None,
    }
}

fn no_answer(cause: &(dyn StdError + 'static)) -> Option<Error> {
    if let Some(Error::HttpRequestBodySize(size)) = cause.downcast_ref() {
        return Some(Error::HttpRequestBodySize(*size));
    }
    if cause.is::<io::Error>() {
        return Some(Error::ConnectionTerminated);
    }
    let error = cause.downcast_ref::<hyper::Error>()?;
    if error.is_parse_too_large() {
        Some(Error::HttpResponseHeaderSectionSize(None))
    } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        Some(Error::ConnectionTerminated)
    } else {
        None
    }
}

fn broken_body(error: &hyper::Error) -> Error {
    let kind = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => Error::HttpProtocolError,
        Some(io::ErrorKind::UnexpectedEof) | None => Error::HttpResponseIncomplete,
        Some(_) => Error::ConnectionTerminated,
    }
}

/// An error, and all that it was caused by.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    fn cause<'a>(&error: &&'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
        // An I/O error that wraps another passes it over when asked for its source.
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error), cause)
}

#[cfg(test)]
mod tests;
