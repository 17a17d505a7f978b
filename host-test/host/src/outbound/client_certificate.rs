//! Client certificates.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;
use webpki::{EndEntityCert, KeyUsage};

/// A client certificate with its private key, for vendors that require mutual TLS.
///
/// It is presented to the origins that the egress policy permits, and to nothing else: not to a proxy, and not by
/// [`Pool`](crate::Pool). `Debug` prints neither certificate nor key.
#[derive(Clone)]
pub struct ClientCertificate(pub(super) Arc<CertifiedKey>);

/// Why a client certificate cannot be used. The text holds nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificateError(String);

impl ClientCertificate {
    /// A certificate, followed by the intermediate certificates of its chain, and its private key: PKCS#8, PKCS#1 or SEC1. Both are
    /// PEM text.
    ///
    /// # Errors
    /// One of them does not parse, the key is encrypted, the two do not belong together, or the certificate is not valid now.
    pub fn new(certificate: &[u8], key: &[u8]) -> Result<Self, ClientCertificateError> {
        let chain = chain(certificate)?;
        let key = any_supported_type(&private_key(key)?).map_err(|_| {
            error("the key is of a kind that is not supported: use RSA, ECDSA (P-256 or P-384) or Ed25519")
        })?;
        let leaf = chain.first().ok_or_else(no_certificate)?;
        check_validity(leaf, UnixTime::now())?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) => Ok(Self(Arc::new(certified))),
            Err(rustls::Error::InconsistentKeys(_)) => {
                Err(error("the key does not belong to the certificate, which must be the first one of its file"))
            }
            Err(why) => Err(unusable(&why)),
        }
    }
}

fn error(why: &str) -> ClientCertificateError {
    ClientCertificateError(why.to_owned())
}

fn no_certificate() -> ClientCertificateError {
    error("the file of the certificate holds no certificate in PEM form")
}

fn unusable(why: &dyn fmt::Display) -> ClientCertificateError {
    ClientCertificateError(format!("the certificate cannot be used: {why}"))
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ClientCertificateError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    chain
        .map_err(|_| no_certificate())
        .and_then(|chain| if chain.is_empty() { Err(no_certificate()) } else { Ok(chain) })
}

/// Errors of the parser are dropped: they quote the text.
fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, ClientCertificateError> {
    let is_encrypted = |line: &[u8]| {
        line.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || line.starts_with(b"Proc-Type: 4,ENCRYPTED")
    };
    if pem.split(|byte| *byte == b'\n').any(is_encrypted) {
        return Err(error(
            "the key is encrypted: decrypt it with `openssl pkey -in KEY -out DECRYPTED-KEY`, in a file that \
                          only this program's user can read",
        ));
    }
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| error("the file of the key holds no private key in PEM form (PKCS#8, PKCS#1 or SEC1)"))
}

fn check_validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), ClientCertificateError> {
    let date = |time: UnixTime| httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(time.as_secs()));
    let parsed = EndEntityCert::try_from(certificate).map_err(|why| unusable(&why))?;
    // The validity is checked before an issuer is looked for, and there is none.
    match parsed.verify_for_usage(&[], &[], &[], now, KeyUsage::client_auth(), None, None).err() {
        Some(webpki::Error::CertExpired { not_after, .. }) => {
            Err(ClientCertificateError(format!("the certificate expired on {}: renew it", date(not_after))))
        }
        Some(webpki::Error::CertNotValidYet { not_before, .. }) => {
            let why =
                format!("the certificate is not valid before {}: check the clock of this machine", date(not_before));
            Err(ClientCertificateError(why))
        }
        _ => Ok(()),
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}

impl fmt::Display for ClientCertificateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ClientCertificateError {}
