//! Error codes of failed requests.

use std::error::Error as StdError;
use std::{fmt, io};

use hyper_util::client::legacy;
use wasmtime_wasi_http::Error;

use super::proxy::ProxyError;

/// Why a name has no address to connect to.
#[derive(Clone, Copy, Debug)]
pub(super) enum NameError {
    /// It does not resolve.
    Unknown,
    /// It resolves to addresses that are not permitted.
    Prohibited,
}

impl fmt::Display for NameError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unknown => "the name does not resolve",
            Self::Prohibited => "the name resolves to addresses that are not permitted",
        })
    }
}

impl StdError for NameError {}

/// The error code of a request without a response.
///
/// A connector concludes from it whether the server may have seen the request. Therefore failures to connect have codes that do not
/// occur later, except for time-outs and TLS alerts, which have one code for all phases.
///
/// Two codes are a proxy's alone, because this host is an intermediary as in RFC 9209: `destination-not-found` if the proxy refuses to
/// connect to the destination, and `destination-unavailable` if it fails to.
pub(super) fn error_code(error: &legacy::Error) -> Error {
    if error.is_connect() {
        // The peer closed the connection before the handshake ended.
        causes(error).find_map(connect_error_code).unwrap_or(Error::ConnectionRefused)
    } else {
        // TLS 1.3: the server rejects the client certificate, or its absence, after the client's handshake has ended.
        let alert = causes(error).find_map(alert_received);
        alert.or_else(|| causes(error).find_map(response_error_code)).unwrap_or(Error::HttpProtocolError)
    }
}

fn connect_error_code(cause: &(dyn StdError + 'static)) -> Option<Error> {
    if cause.is::<tokio::time::error::Elapsed>() {
        return Some(Error::ConnectionTimeout);
    }
    if let Some(error) = cause.downcast_ref::<ProxyError>() {
        let code = if error.is_transient() { Error::DestinationUnavailable } else { Error::DestinationNotFound };
        return Some(code);
    }
    if let Some(failure) = cause.downcast_ref() {
        return Some(match failure {
            NameError::Unknown => Error::DnsError { rcode: None, info_code: None },
            NameError::Prohibited => Error::DestinationIpProhibited,
        });
    }
    if let Some(error) = cause.downcast_ref() {
        return Some(match error {
            rustls::Error::InvalidCertificate(_) => Error::TlsCertificateError,
            error => alert_received(error).unwrap_or(Error::TlsProtocolError),
        });
    }
    match cause.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::ConnectionRefused => Some(Error::ConnectionRefused),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(Error::DestinationIpUnroutable),
        io::ErrorKind::TimedOut => Some(Error::ConnectionTimeout),
        _ => None,
    }
}

fn response_error_code(cause: &(dyn StdError + 'static)) -> Option<Error> {
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

fn alert_received(cause: &(dyn StdError + 'static)) -> Option<Error> {
    match cause.downcast_ref() {
        Some(rustls::Error::AlertReceived(alert)) => {
            Some(Error::TlsAlertReceived { alert_id: Some((*alert).into()), alert_message: None })
        }
        _ => None,
    }
}

/// The error code of a response whose body ended early.
pub(super) fn body_error_code(error: &hyper::Error) -> Error {
    let kind = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => Error::HttpProtocolError,
        Some(io::ErrorKind::UnexpectedEof) | None => Error::HttpResponseIncomplete,
        Some(_) => Error::ConnectionTerminated,
    }
}

/// An error and its causes.
pub(super) fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    fn cause<'a>(&error: &&'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
        // `source` of an I/O error skips the error that it wraps.
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error), cause)
}
