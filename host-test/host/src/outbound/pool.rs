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
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt, service_fn};
use wasmtime_wasi_http::{Error, WasiBody};

use super::body::ResponseBody;
use super::error::{NameError, error_code};
use super::proxy::{Proxy, Stream, Tcp, Tunnels};
use super::tls::Tls;
use crate::clocks::{Exchange, Exchanges};
use crate::egress::Addresses;
use crate::error::HostError;
use crate::options::Options;

/// How long an idle connection is kept. Load balancers close theirs after about a minute.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The connections of one plugin.
pub(crate) struct Outbound {
    to_public_addresses: Client<Connector, WasiBody>,
    to_any_address: Client<Connector, WasiBody>,
}

type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<Stream>, BoxError>;

/// How connections are made.
#[derive(Clone)]
pub(crate) struct Network {
    tls: Tls,
    proxy: Option<Proxy>,
    connect_timeout: Duration,
}

impl Network {
    /// # Errors
    /// [`HostError::Options`]: a root certificate does not parse.
    pub(crate) fn new(options: &Options) -> Result<Self, HostError> {
        let tls = Tls::new(&options.extra_root_certificates, options.client_certificate.as_ref())?;
        Ok(Self { tls, proxy: options.proxy.clone(), connect_timeout: options.connect_timeout })
    }
}

impl Outbound {
    pub(crate) fn new(network: &Network) -> Self {
        Self::with_resolver(network, Arc::new(|name| Box::pin(resolve(name))))
    }

    pub(super) fn with_resolver(network: &Network, resolver: NameResolver) -> Self {
        let client = |addresses| {
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_TIMEOUT)
                // Repeats only requests of which nothing was written.
                .retry_canceled_requests(true)
                .build(connector(network, resolver.clone(), addresses))
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

/// A connection pool for a program's own requests, which may go to any address. It presents no client certificate.
pub struct Pool(Outbound);

impl Pool {
    pub(crate) fn new(network: &Network) -> Self {
        let Tls { anonymous, .. } = &network.tls;
        let tls = Tls { to_origins: anonymous.clone(), anonymous: anonymous.clone() };
        Self(Outbound::new(&Network { tls, ..network.clone() }))
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

fn connector(network: &Network, resolver: NameResolver, addresses: Addresses) -> Connector {
    let Network { tls, proxy, connect_timeout } = network.clone();
    let tunnels = proxy.clone().map(|proxy| {
        // The operator chose the address of the proxy.
        Tunnels::new(proxy, (*tls.anonymous).clone(), tcp(resolver.clone(), Addresses::Any), connect_timeout)
    });
    let direct = tcp(resolver, addresses);
    let stream = service_fn(move |origin: Uri| {
        let (direct, tunnel) = (direct.clone(), tunnels.as_ref().and_then(|tunnels| tunnels.open(&origin)));
        async move {
            match tunnel {
                Some(tunnel) => tunnel.await,
                None => Ok(MaybeHttpsStream::Http(direct.oneshot(origin).await?)),
            }
        }
    });
    let https = HttpsConnectorBuilder::new()
        .with_tls_config((*tls.to_origins).clone())
        .https_or_http()
        .enable_http1()
        .wrap_connector(stream);
    BoxCloneSyncService::new(service_fn(move |origin: Uri| {
        // A tunnel has a time limit of its own, so that the time-out of a proxy is known to be one.
        let is_tunnelled = proxy.as_ref().is_some_and(|proxy| proxy.intercept(&origin).is_some());
        let time_limit = if is_tunnelled { connect_timeout * 2 } else { connect_timeout };
        let connecting = https.clone().oneshot(origin);
        async move { tokio::time::timeout(time_limit, connecting).await? }
    }))
}

/// TCP connections to the addresses that a name may resolve to.
fn tcp(resolver: NameResolver, addresses: Addresses) -> Tcp {
    // Connections are made only to addresses from this resolver: the checked address is the one that is used.
    let resolver = service_fn(move |name: Name| {
        let found = resolver(name.as_str().to_owned());
        async move { permitted(found.await.map_err(|_| NameError::Unknown)?, addresses) }
    });
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    BoxCloneSyncService::new(tcp.map_err(io::Error::other))
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
