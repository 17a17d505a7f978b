//! TLS.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::HostError;

/// A TLS configuration that trusts Mozilla's root certificates, and those in this PEM text.
///
/// # Errors
/// [`HostError::Options`]: a certificate does not parse.
pub(crate) fn trusted_roots(extra_root_certificates: &[u8]) -> Result<ClientConfig, HostError> {
    let invalid = |why: String| HostError::Options(format!("the extra root certificates: {why}"));
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(extra_root_certificates) {
        let certificate = certificate.map_err(|error| invalid(error.to_string()))?;
        roots.add(certificate).map_err(|error| invalid(error.to_string()))?;
    }
    if !extra_root_certificates.is_empty() && roots.len() == webpki_roots::TLS_SERVER_ROOTS.len() {
        return Err(invalid("no certificate in PEM form".to_owned()));
    }
    Ok(ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| HostError::Options(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
