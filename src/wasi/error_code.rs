//! What an error code of `wasi:http` means to the connector.

use crate::http::{Cause, TransportError};
use crate::wit::wasi::http::types::ErrorCode;

/// The error behind the code with which an exchange ended.
///
/// Only a code that cannot arise once a byte of the request has reached the vendor proves that nothing was sent.
/// `connection-timeout` is not among them: hosts use it for other time-outs as well.
pub(super) fn after_start(code: &ErrorCode) -> TransportError {
    let before_sending = matches!(
        code,
        ErrorCode::HttpRequestDenied
            | ErrorCode::DnsTimeout
            | ErrorCode::DnsError(_)
            | ErrorCode::DestinationNotFound
            | ErrorCode::DestinationUnavailable
            | ErrorCode::DestinationIpProhibited
            | ErrorCode::DestinationIpUnroutable
            | ErrorCode::ConnectionRefused
            | ErrorCode::TlsCertificateError
    );
    TransportError { before_sending, cause: cause(code) }
}

/// The error behind the code with which the host rejected a request before it sent anything.
pub(super) fn at_start(code: &ErrorCode) -> TransportError {
    TransportError::before_sending(cause(code))
}

/// The match is exhaustive, so that a new code is a decision. The texts inside the codes are the vendor's and go nowhere.
fn cause(code: &ErrorCode) -> Cause {
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Cause::Denied,
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) => Cause::DnsFailure,
        ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionLimitReached => Cause::Unreachable,
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => Cause::Tls,
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => Cause::TimedOut,
        ErrorCode::HttpResponseBodySize(_) => Cause::BodyTooLarge,
        ErrorCode::HttpRequestLengthRequired
        | ErrorCode::HttpRequestBodySize(_)
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong
        | ErrorCode::HttpRequestHeaderSectionSize(_)
        | ErrorCode::HttpRequestHeaderSize(_)
        | ErrorCode::HttpRequestTrailerSectionSize(_)
        | ErrorCode::HttpRequestTrailerSize(_)
        | ErrorCode::ConfigurationError => Cause::InvalidRequest,
        ErrorCode::ConnectionTerminated
        | ErrorCode::HttpResponseIncomplete
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpResponseHeaderSize(_)
        | ErrorCode::HttpResponseTrailerSectionSize(_)
        | ErrorCode::HttpResponseTrailerSize(_)
        | ErrorCode::HttpResponseTransferCoding(_)
        | ErrorCode::HttpResponseContentCoding(_)
        | ErrorCode::HttpUpgradeFailed
        | ErrorCode::HttpProtocolError
        | ErrorCode::LoopDetected
        | ErrorCode::InternalError(_) => Cause::Interrupted,
    }
}
