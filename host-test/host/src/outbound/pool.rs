//! Pooled connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, service_fn};
use wasmtime_wasi_http::{Error, WasiBody};

use super::body::ResponseBody;
use super::error::{NameError, error_code};
use crate::clocks::{Exchange, Exchanges};
use crate::egress::Addresses;

/// How long an idle connection is kept. Load balancers close theirs after about a minute.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The connections of one plugin.
pub(crate) struct Outbound {
    to_public_addresses: Client<Connector, WasiBody>,
    to_any_address: Client<Connector, WasiBody>,
}

type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;

impl Outbound {
    pub(crate) fn new(tls: &ClientConfig, connect_timeout: Duration) -> Self {
        Self::with_resolver(tls, connect_timeout, Arc::new(|name| Box::pin(resolve(name))))
    }

    pub(super) fn with_resolver(tls: &ClientConfig, connect_timeout: Duration, resolver: NameResolver) -> Self {
        let client = |addresses| {
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_TIMEOUT)
                // Repeats only requests of which nothing was written.
                .retry_canceled_requests(true)
                .build(connector(tls.clone(), connect_timeout, resolver.clone(), addresses))
        };
        Self { to_public_addresses: client(Addresses::Public), to_any_address: client(Addresses::Any) }
    }

    pub(super) async fn send(
        &self,
        request: Request<WasiBody>,
        addresses: Addresses,
        exchange: Exchange,
    ) -> Result<Response<WasiBody>, Error> {
        let client = match addresses {
            Addresses::Public => &self.to_public_addresses,
            Addresses::Any => &self.to_any_address,
        };
        // Paths and headers do not belong in a log.
        let (host, method) = (request.uri().host().map(str::to_owned), request.method().clone());
        let result = client.request(request).await.map_err(|error| error_code(&error));
        match &result {
            Ok(response) => tracing::debug!(host, %method, status = response.status().as_u16(), "response"),
            Err(error) => tracing::debug!(host, %method, %error, "no response"),
        }
        Ok(result?.map(|body| ResponseBody::new(body, exchange).boxed_unsync()))
    }
}

/// A connection pool for a program's own requests, which may go to any address.
pub struct Pool(Outbound);

impl Pool {
    pub(crate) fn new(tls: &ClientConfig, connect_timeout: Duration) -> Self {
        Self(Outbound::new(tls, connect_timeout))
    }

    /// Sends a request. Its connection is reused once the response's body was read, and closed if the body is dropped before
    /// its end.
    ///
    /// # Errors
    /// The error code that a component would get.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<WasiBody>, Error> {
        let request = request.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
        self.0.send(request, Addresses::Any, Exchanges::default().begin()).await
    }
}

fn connector(tls: ClientConfig, connect_timeout: Duration, resolver: NameResolver, addresses: Addresses) -> Connector {
    // Connections are made only to addresses from this resolver: the checked address is the one that is used.
    let resolver = service_fn(move |name: Name| {
        let found = resolver(name.as_str().to_owned());
        async move { permitted(found.await.map_err(|_| NameError::Unknown)?, addresses) }
    });
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    BoxCloneSyncService::new(ServiceBuilder::new().timeout(connect_timeout).service(https))
}

/// Resolves a name.
pub(super) type NameResolver = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

pub(super) async fn resolve(name: String) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
}

pub(super) fn permitted(found: Vec<IpAddr>, addresses: Addresses) -> Result<std::vec::IntoIter<SocketAddr>, NameError> {
    if found.is_empty() {
        return Err(NameError::Unknown);
    }
    let permitted: Vec<_> = found
        .into_iter()
        .filter(|address| addresses.permit(*address))
        .map(|address| SocketAddr::new(address, 0))
        .collect();
    if permitted.is_empty() { Err(NameError::Prohibited) } else { Ok(permitted.into_iter()) }
}
