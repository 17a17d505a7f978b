//! TLS of a server.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::authority::Identity;

/// How a simulator serves HTTPS.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl Tls {
    /// Serves with this certificate. With the root certificate of an authority, in PEM format, a client must present a certificate of it:
    /// otherwise the server ends the handshake with an alert.
    ///
    /// # Errors
    /// A certificate or a key does not parse.
    pub fn new(identity: &Identity, client_authority: Option<&str>) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let config = match client_authority {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots
                    .add(CertificateDer::from_pem_slice(authority.as_bytes()).map_err(io::Error::other)?)
                    .map_err(io::Error::other)?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build().map_err(io::Error::other)?)
            }
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(identity.certificate.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(io::Error::other)?;
        let config = config.with_single_cert(chain.map_err(io::Error::other)?, key).map_err(io::Error::other)?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// A connection, with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the end of the connection a reset.
    fn reset_on_close(&self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn reset_on_close(&self) -> io::Result<()> {
        self.set_zero_linger()
    }
}

impl Stream for TlsStream<TcpStream> {
    fn reset_on_close(&self) -> io::Result<()> {
        self.get_ref().0.set_zero_linger()
    }
}

/// The connection after its handshake, if it has one.
///
/// # Errors
/// The handshake failed.
pub(super) async fn accept(stream: TcpStream, tls: Option<&Tls>) -> io::Result<Box<dyn Stream>> {
    match tls {
        None => Ok(Box::new(stream)),
        Some(Tls(acceptor)) => Ok(Box::new(acceptor.accept(stream).await?)),
    }
}
