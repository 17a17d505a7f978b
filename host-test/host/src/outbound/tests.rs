//! The egress gate and the connection pool, against servers on loopback.

mod client_certificate;
mod proxy;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Empty, Full};
use qualtrics_simulator::{Authority, Identity, Validity};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::pool::{NameResolver, permitted, resolve};
use super::*;
use crate::egress::Addresses;
use crate::error::HostError;
use crate::options::Options;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server that does as it is told with each connection, and counts them.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start<F: Future<Output = io::Result<()>> + Send + 'static>(
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream));
            }
        });
        Self { address, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Reads the head of a request, and its body as far as it came along.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&request).into_owned())
}

async fn answer_for_ever(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) -> io::Result<()> {
    loop {
        request(&mut stream).await?;
        stream.write_all(answer).await?;
    }
}

struct Guest {
    gate: EgressGate,
}

impl Guest {
    fn new(policy: EgressPolicy) -> Self {
        Self::with(policy, Options::default(), Arc::new(|name| Box::pin(resolve(name))))
    }

    /// All names lead to this machine.
    fn where_names_lead_home(policy: EgressPolicy, options: Options) -> Self {
        Self::with(policy, options, Arc::new(|_| Box::pin(async { Ok(vec![Ipv4Addr::LOCALHOST.into()]) })))
    }

    fn with(policy: EgressPolicy, options: Options, names: NameResolver) -> Self {
        let options = Options { connect_timeout: Duration::from_millis(500), ..options };
        let outbound = Arc::new(Outbound::with_resolver(&Network::new(&options).unwrap(), names));
        Self {
            gate: EgressGate {
                policy,
                budget: None,
                outbound,
                exchanges: Exchanges::default(),
                max_requests: 4,
                max_request_body: 1 << 20,
            },
        }
    }

    async fn send(&mut self, request: http::request::Builder) -> Result<Response<WasiBody>, Error> {
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let sent = self.gate.send_request(request.body(body).unwrap(), None, Box::new(async { Ok(()) }));
        Ok(Box::into_pin(sent).await?.0)
    }

    async fn get(&mut self, url: &str) -> Result<Bytes, Error> {
        Ok(self.send(Request::get(url)).await?.collect().await?.to_bytes())
    }
}

fn allow(origin: &str) -> EgressPolicy {
    EgressPolicy::deny_all().allow(origin).unwrap()
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::start(|stream| answer_for_ever(stream, OK)).await;
    let mut guest = Guest::new(allow(&server.url()));
    for _ in 0..3 {
        assert_eq!(guest.get(&server.url()).await.unwrap(), "ok");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_origin_that_is_not_allowed_is_never_contacted() {
    let server = Server::start(|stream| answer_for_ever(stream, OK)).await;
    let mut guest = Guest::new(EgressPolicy::deny_all());
    assert!(matches!(guest.get(&server.url()).await, Err(Error::HttpRequestDenied)));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_connection_is_never_made_a_tunnel() {
    let server = Server::start(|stream| answer_for_ever(stream, OK)).await;
    let mut guest = Guest::new(allow(&server.url()));
    let tunnel = guest.send(Request::connect(server.url())).await;
    assert!(matches!(tunnel, Err(Error::HttpRequestMethodInvalid)));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_that_leads_to_the_machine_itself_is_contacted_only_where_that_is_allowed() {
    // Speaks first, so that the client finds out at once that this is no TLS.
    let server = Server::start(|mut stream| async move { stream.write_all(OK).await }).await;
    let url = format!("https://fra1.qualtrics.com:{}", server.address.port());
    let names_lead_home = |policy| Guest::where_names_lead_home(policy, Options::default());

    let denied = names_lead_home(allow(&url)).get(&url).await;
    assert!(matches!(denied, Err(Error::DestinationIpProhibited)), "{denied:?}");
    assert_eq!(server.connections(), 0);

    let allowed = names_lead_home(allow(&url).allow_private_addresses()).get(&url).await;
    assert!(matches!(allowed, Err(Error::TlsProtocolError)), "{allowed:?}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn only_the_addresses_that_are_permitted_are_tried() {
    let found = ["10.0.0.1", "8.8.8.8", "::1"].map(|address| address.parse().unwrap()).to_vec();
    let public: Vec<_> = permitted(found.clone(), Addresses::Public).unwrap().map(|address| address.ip()).collect();
    assert_eq!(public, [found[1]]);
    assert_eq!(permitted(found, Addresses::Any).unwrap().count(), 3);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_dns_error() {
    let nowhere: NameResolver = Arc::new(|_| Box::pin(async { Err(io::Error::other("no such host")) }));
    let policy = allow("https://fra1.qualtrics.com");
    let answer = Guest::with(policy, Options::default(), nowhere).get("https://fra1.qualtrics.com").await;
    assert!(matches!(answer, Err(Error::DnsError { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_port_at_which_nobody_listens_refuses_the_connection() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let answer = Guest::new(allow(&url)).get(&url).await;
    assert!(matches!(answer, Err(Error::ConnectionRefused)), "{answer:?}");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_a_connection_timeout() {
    let silent = Server::start(|stream| async move {
        let _open = stream;
        std::future::pending().await
    })
    .await;
    let url = format!("https://{}", silent.address);
    let answer = Guest::new(allow(&url)).get(&url).await;
    assert!(matches!(answer, Err(Error::ConnectionTimeout)), "{answer:?}");
    assert_eq!(silent.connections(), 1);
}

/// Certificates for `fra1.qualtrics.com`, the server that answers with one of them, and its root certificate.
async fn tls_server(answer: &'static [u8]) -> (Server, Vec<u8>) {
    let authority = Authority::new("servers").unwrap();
    let certificate = authority.issue("server", &["fra1.qualtrics.com"], Validity::Valid).unwrap();
    let acceptor = acceptor(&certificate, None, rustls::DEFAULT_VERSIONS);
    let server = Server::start(move |stream| {
        let handshake = acceptor.accept(stream);
        async move { answer_for_ever(handshake.await?, answer).await }
    });
    (server.await, authority.certificate().as_bytes().to_vec())
}

/// A server's side of TLS. With an authority, it requires client certificates of it.
fn acceptor(
    certificate: &Identity,
    client_authority: Option<&Authority>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        rustls::ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions).unwrap();
    let parse = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let config = match client_authority {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(parse(authority.certificate())).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
    TlsAcceptor::from(Arc::new(config.with_single_cert(vec![parse(&certificate.certificate)], key).unwrap()))
}

#[tokio::test]
async fn only_a_trusted_certificate_is_accepted() {
    let (server, root) = tls_server(OK).await;
    let port = server.address.port();
    let answer = async |host: &str, extra_root_certificates: Vec<u8>| {
        let url = format!("https://{host}:{port}");
        let policy = allow(&url).allow_private_addresses();
        let options = Options { extra_root_certificates, ..Options::default() };
        Guest::where_names_lead_home(policy, options).get(&url).await
    };
    assert_eq!(answer("fra1.qualtrics.com", root.clone()).await.unwrap(), "ok");
    for (host, trusted) in [("fra1.qualtrics.com", Vec::new()), ("iad1.qualtrics.com", root)] {
        let refused = answer(host, trusted).await;
        assert!(matches!(refused, Err(Error::TlsCertificateError)), "{host}: {refused:?}");
    }
}

#[tokio::test]
async fn text_that_holds_no_certificate_is_no_extra_root_certificate() {
    let network = |text: &[u8]| Network::new(&Options { extra_root_certificates: text.to_vec(), ..Options::default() });
    assert!(matches!(network(b"not a certificate"), Err(HostError::Options(_))));
    assert!(network(b"").is_ok());
}

#[tokio::test]
async fn a_request_whose_answer_is_lost_is_not_sent_again() {
    for answers_before in [0, 1] {
        let (seen, mut requests) = mpsc::unbounded_channel();
        let server = Server::start(move |mut stream| {
            let seen = seen.clone();
            async move {
                for _ in 0..answers_before {
                    request(&mut stream).await?;
                    stream.write_all(OK).await?;
                }
                // The connection is closed without an answer.
                seen.send(request(&mut stream).await?).unwrap();
                Ok(())
            }
        })
        .await;
        let mut guest = Guest::new(allow(&server.url()));
        for _ in 0..answers_before {
            guest.get(&server.url()).await.unwrap();
        }
        let lost = guest.send(Request::post(server.url())).await;
        assert!(matches!(lost, Err(Error::ConnectionTerminated)), "{lost:?}");
        assert!(requests.recv().await.unwrap().starts_with("POST / HTTP/1.1"));
        assert!(requests.try_recv().is_err());
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_server_has_closed_costs_no_request() {
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let server = Server::start(move |mut stream| {
        let closed = closed.clone();
        async move {
            request(&mut stream).await?;
            stream.write_all(OK).await?;
            drop(stream);
            closed.send(()).unwrap();
            Ok(())
        }
    })
    .await;
    let mut guest = Guest::new(allow(&server.url()));
    for connections in 1..=3 {
        assert_eq!(guest.get(&server.url()).await.unwrap(), "ok");
        was_closed.recv().await.unwrap();
        // While this test's only thread waits, the connection's own task learns of it from the system.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(server.connections(), connections);
    }
}

#[tokio::test]
async fn what_is_no_http_is_a_protocol_error() {
    let server = Server::start(|stream| answer_for_ever(stream, b"220 smtp ready\r\n\r\n")).await;
    let answer = Guest::new(allow(&server.url())).get(&server.url()).await;
    assert!(matches!(answer, Err(Error::HttpProtocolError)), "{answer:?}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_incomplete() {
    for beginning in ["content-length: 10\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n5\r\nab"] {
        let server = Server::start(move |mut stream| async move {
            request(&mut stream).await?;
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{beginning}").as_bytes()).await
        })
        .await;
        let answer = Guest::new(allow(&server.url())).get(&server.url()).await;
        assert!(matches!(answer, Err(Error::HttpResponseIncomplete)), "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_kept_waits_and_one_that_is_dropped_closes_its_connection_at_once() {
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let server = Server::start(move |mut stream| {
        let closed = closed.clone();
        async move {
            request(&mut stream).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n").await?;
            // Nobody reads so much: this ends when the connection does.
            let piece = [b'x'; 64 * 1024];
            while stream.write_all(&piece).await.is_ok() {}
            closed.send(()).unwrap();
            Ok(())
        }
    })
    .await;
    let mut guest = Guest::new(allow(&server.url()));
    let mut body = guest.send(Request::get(server.url())).await.unwrap().into_body();
    assert!(!body.frame().await.unwrap().unwrap().into_data().unwrap().is_empty());
    assert!(!guest.gate.exchanges.is_empty());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(was_closed.try_recv().is_err());
    assert!(!body.frame().await.unwrap().unwrap().into_data().unwrap().is_empty());
    drop(body);
    tokio::time::timeout(Duration::from_secs(10), was_closed.recv()).await.unwrap().unwrap();
    assert!(guest.gate.exchanges.is_empty());
}

#[tokio::test]
async fn an_exchange_is_under_way_until_its_answer_has_been_read() {
    let server = Server::start(|stream| answer_for_ever(stream, OK)).await;
    let mut guest = Guest::new(allow(&server.url()));
    let answer = guest.send(Request::get(server.url())).await.unwrap();
    assert!(!guest.gate.exchanges.is_empty());
    let mut body = answer.into_body();
    while body.frame().await.is_some() {}
    assert!(guest.gate.exchanges.is_empty());
}

#[tokio::test]
async fn a_body_is_sent_as_it_is() {
    let (seen, mut requests) = mpsc::unbounded_channel();
    let server = Server::start(move |mut stream| {
        let seen = seen.clone();
        async move {
            let mut text = request(&mut stream).await?;
            while !text.ends_with("erase") {
                let mut more = [0; 16];
                let length = stream.read(&mut more).await?;
                text += &String::from_utf8_lossy(&more[..length]);
            }
            seen.send(text).unwrap();
            stream.write_all(OK).await
        }
    })
    .await;
    let mut guest = Guest::new(allow(&server.url()));
    let body = Full::new(Bytes::from_static(b"erase")).map_err(|never| match never {}).boxed_unsync();
    let post = Request::post(format!("{}/a?b=c", server.url())).header("content-length", "5").body(body).unwrap();
    let sent = guest.gate.send_request(post, None, Box::new(async { Ok(()) }));
    let (answer, _) = Box::into_pin(sent).await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = requests.recv().await.unwrap().to_ascii_lowercase();
    assert!(text.starts_with("post /a?b=c http/1.1\r\n"), "{text}");
    assert!(text.contains("content-length: 5\r\n") && !text.contains("chunked"), "{text}");
}
