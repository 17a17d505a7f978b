//! TLS.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};

use super::client_certificate::ClientCertificate;
use crate::error::HostError;

/// The TLS configurations of a host. All trust the same root certificates.
#[derive(Clone)]
pub(super) struct Tls {
    /// Of connections to the permitted origins. Only it presents the client certificate.
    pub(super) to_origins: Arc<ClientConfig>,
    /// Of all other connections.
    pub(super) anonymous: Arc<ClientConfig>,
}

impl Tls {
    /// Trusts Mozilla's root certificates, and those in this PEM text.
    ///
    /// # Errors
    /// [`HostError::Options`]: a root certificate does not parse.
    pub(super) fn new(
        extra_root_certificates: &[u8],
        client_certificate: Option<&ClientCertificate>,
    ) -> Result<Self, HostError> {
        let roots = Arc::new(trusted_roots(extra_root_certificates)?);
        let builder = || {
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map(|builder| builder.with_root_certificates(roots.clone()))
                .map_err(|error| HostError::Options(error.to_string()))
        };
        let anonymous = Arc::new(builder()?.with_no_client_auth());
        let to_origins = match client_certificate {
            None => anonymous.clone(),
            Some(ClientCertificate(certificate)) => {
                let resolver = Arc::new(SingleCertAndKey::from(certificate.clone()));
                Arc::new(builder()?.with_client_cert_resolver(resolver))
            }
        };
        Ok(Self { to_origins, anonymous })
    }
}

fn trusted_roots(extra_root_certificates: &[u8]) -> Result<RootCertStore, HostError> {
    let invalid = |why: String| HostError::Options(format!("the extra root certificates: {why}"));
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(extra_root_certificates) {
        let certificate = certificate.map_err(|error| invalid(error.to_string()))?;
        roots.add(certificate).map_err(|error| invalid(error.to_string()))?;
    }
    if !extra_root_certificates.is_empty() && roots.len() == webpki_roots::TLS_SERVER_ROOTS.len() {
        return Err(invalid("no certificate in PEM form".to_owned()));
    }
    Ok(roots)
}
