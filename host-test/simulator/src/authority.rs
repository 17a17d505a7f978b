//! A certificate authority for tests of TLS.

use std::io;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// A certificate authority of its own.
pub struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, in PEM format.
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The private key (PKCS#8).
    pub key: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Now, and longer than any test.
    Valid,
    /// Until the end of 2020.
    Expired,
}

impl Authority {
    /// An authority with this name and a new key.
    ///
    /// # Errors
    /// There are no random numbers.
    pub fn new(name: &str) -> io::Result<Self> {
        let mut params = params(name, &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.self_signed(&key).map_err(io::Error::other)?.pem();
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    /// The root certificate, in PEM format.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for a server or a client with this name. A server needs its DNS names and IP addresses in it.
    ///
    /// # Errors
    /// A DNS name is malformed, or there are no random numbers.
    pub fn issue(&self, name: &str, addresses: &[&str], validity: Validity) -> io::Result<Identity> {
        let mut params = params(name, addresses)?;
        if validity == Validity::Expired {
            params.not_after = date_time_ymd(2020, 12, 31);
        }
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

fn params(name: &str, addresses: &[&str]) -> io::Result<CertificateParams> {
    let addresses: Vec<String> = addresses.iter().map(|&address| address.to_owned()).collect();
    let mut params = CertificateParams::new(addresses).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}
