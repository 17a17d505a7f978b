//! Connections through an HTTP proxy.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt};

use super::error::causes;

/// A connection to an origin, before its own TLS: a TCP connection, or a tunnel.
pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Makes TCP connections.
pub(super) type Tcp = BoxCloneSyncService<Uri, TokioIo<TcpStream>, io::Error>;

/// An HTTP proxy. Every connection to an `https` origin is a tunnel through it (`CONNECT`); `http`, which is permitted for loopback
/// addresses only, connects directly.
///
/// The egress policy applies to the origins, not to the proxy, which may have any address. **The proxy resolves the names of the
/// origins**: the host cannot check to which addresses they lead.
#[derive(Clone, Debug)]
pub struct Proxy(Arc<Matcher>);

impl Proxy {
    /// The proxy at this URL, `http://HOST:PORT` or `https://HOST:PORT`. It may hold a user name and a password, percent-encoded.
    ///
    /// `exceptions` are the origins to connect to directly, as in `NO_PROXY`: names, which include the names below them, IP
    /// addresses and ranges of them, separated by commas; `*` is every origin.
    ///
    /// # Errors
    /// The URL is not of this form.
    pub fn new(url: &str, exceptions: &str) -> Result<Self, ProxyUrlError> {
        let sample = Uri::from_static("https://example.com");
        let proxy = Matcher::builder().https(url).build().intercept(&sample);
        if !proxy.is_some_and(|proxy| matches!(proxy.uri().scheme_str(), Some("http" | "https"))) {
            return Err(ProxyUrlError);
        }
        Ok(Self(Arc::new(Matcher::builder().https(url).no(exceptions).build())))
    }

    /// The proxy of the environment, if there is one: `HTTPS_PROXY`, else `ALL_PROXY`, with the exceptions in `NO_PROXY`. Each may be
    /// in lower case. An empty variable counts as absent.
    ///
    /// # Errors
    /// As for [`Proxy::new`].
    pub fn from_environment() -> Result<Option<Self>, ProxyUrlError> {
        let url = variable("HTTPS_PROXY").or_else(|| variable("ALL_PROXY"));
        url.map(|url| Self::new(&url, &Self::exceptions_of_environment())).transpose()
    }

    /// `NO_PROXY`.
    #[must_use]
    pub fn exceptions_of_environment() -> String {
        variable("NO_PROXY").unwrap_or_default()
    }

    /// How to reach this origin, if not directly.
    pub(super) fn intercept(&self, origin: &Uri) -> Option<Intercept> {
        self.0.intercept(origin)
    }
}

/// The URL of a proxy cannot be used. The text does not hold it, because it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyUrlError;

impl fmt::Display for ProxyUrlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "the proxy must be a URL such as `http://proxy.example.com:3128`, with special characters of user name and password \
             percent-encoded",
        )
    }
}

impl StdError for ProxyUrlError {}

fn variable(name: &str) -> Option<String> {
    let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    value(name).or_else(|| value(&name.to_ascii_lowercase()))
}

/// Opens tunnels.
#[derive(Clone)]
pub(super) struct Tunnels {
    proxy: Proxy,
    /// Connects to the proxy itself.
    connector: HttpsConnector<Tcp>,
    time_limit: Duration,
}

impl Tunnels {
    pub(super) fn new(proxy: Proxy, tls: ClientConfig, tcp: Tcp, time_limit: Duration) -> Self {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        Self { proxy, connector: connector.wrap_connector(tcp), time_limit }
    }

    /// A tunnel to this origin, or nothing if the proxy is not to be used for it.
    pub(super) fn open(&self, origin: &Uri) -> Option<impl Future<Output = io::Result<Stream>> + Send + use<>> {
        let proxy = self.proxy.intercept(origin)?;
        let (origin, connector, time_limit) = (origin.clone(), self.connector.clone(), self.time_limit);
        Some(async move {
            let opened = tokio::time::timeout(time_limit, open(&proxy, &origin, connector)).await;
            let opened = opened.unwrap_or(Err(ProxyError::TimedOut));
            if let Err(error) = &opened {
                tracing::warn!(host = origin.host(), proxy = %proxy.uri(), "the proxy opened no connection: {error}");
            }
            opened.map_err(io::Error::other)
        })
    }
}

/// Connects to the proxy and sends `CONNECT`.
async fn open(proxy: &Intercept, origin: &Uri, connector: HttpsConnector<Tcp>) -> Result<Stream, ProxyError> {
    let stream = connector.oneshot(proxy.uri().clone()).await.map_err(ProxyError::Unreachable)?;
    let request = connect(origin, proxy.basic_auth()).map_err(|error| ProxyError::Unreachable(error.into()))?;
    let (mut sender, connection) = http1::handshake(stream).await.map_err(|_| ProxyError::Interrupted)?;
    // The sender is dropped with its response: the connection then ends, unless it has become the tunnel.
    let response = async move { sender.send_request(request).await.map(|response| response.status()) };
    let (status, parts) = tokio::join!(response, connection.without_shutdown());
    match status.map_err(|_| ProxyError::Interrupted)? {
        status if status.is_success() => Ok(parts.map_err(|_| ProxyError::Interrupted)?.io),
        status => Err(ProxyError::Refused(status)),
    }
}

fn connect(origin: &Uri, credentials: Option<&HeaderValue>) -> http::Result<Request<Empty<Bytes>>> {
    let host = origin.host().unwrap_or_default();
    let authority = format!("{host}:{}", origin.port_u16().unwrap_or(443));
    let request = Request::connect(&authority).header(HOST, &authority);
    credentials
        .into_iter()
        .fold(request, |request, value| request.header(PROXY_AUTHORIZATION, value))
        .body(Empty::new())
}

/// Why a proxy opened no tunnel. Not a byte of the request was sent.
#[derive(Debug)]
pub(super) enum ProxyError {
    /// No connection to the proxy, or no TLS with it.
    Unreachable(BoxError),
    /// The proxy did not respond in time.
    TimedOut,
    /// The proxy closed the connection, or its response is not HTTP.
    Interrupted,
    /// The proxy responded with this status.
    Refused(StatusCode),
}

impl ProxyError {
    /// Whether the same attempt can succeed later without anyone's intervention.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(error) => untrusted(error.as_ref()).is_none(),
            Self::TimedOut | Self::Interrupted => true,
            Self::Refused(status) => status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429),
        }
    }
}

/// The error of a certificate that is not trusted.
fn untrusted<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let error = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())?;
    matches!(error, rustls::Error::InvalidCertificate(_)).then_some(error)
}

impl fmt::Display for ProxyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => match untrusted(error.as_ref()) {
                Some(error) => write!(formatter, "{error}: pass the root certificate of the proxy to this host"),
                None => match causes(error.as_ref()).last() {
                    Some(cause) => write!(formatter, "it cannot be reached: {cause}"),
                    None => formatter.write_str("it cannot be reached"),
                },
            },
            Self::TimedOut => formatter.write_str("it did not respond in time"),
            Self::Interrupted => formatter.write_str("it closed the connection, or it is not an HTTP proxy"),
            Self::Refused(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => formatter
                .write_str("it responded with 407: check the user name and the password in the URL of the proxy"),
            Self::Refused(status) if status.is_client_error() => {
                write!(formatter, "it responded with {}: check its allow-list", status.as_u16())
            }
            Self::Refused(status) => write!(formatter, "it responded with {}", status.as_u16()),
        }
    }
}

impl StdError for ProxyError {}
