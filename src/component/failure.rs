//! What an error code of `wasi:http` means to the connector.

use super::bindings::wasi::http::types::ErrorCode;
use crate::http::{Cause, Failure};

/// The failure behind the code with which an exchange ended.
///
/// Only a code that cannot arise once a byte of the request has reached the vendor proves that nothing was begun.
/// `connection-timeout` is not among them: hosts use it for other time limits as well.
pub(super) fn of_answer(code: &ErrorCode) -> Failure {
    let began_nothing = matches!(
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
    Failure { began_nothing, cause: cause(code) }
}

/// The failure behind the code with which the host turned a request down before it began.
pub(super) fn of_start(code: &ErrorCode) -> Failure {
    Failure::not_sent(cause(code))
}

/// Case by case and never by the code's `Debug`, which would cost 11 kB; the text in a code goes nowhere.
fn cause(code: &ErrorCode) -> Cause {
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Cause::Denied,
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) => Cause::NameNotFound,
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
        ErrorCode::HttpResponseBodySize(_) => Cause::TooLarge,
        ErrorCode::HttpRequestLengthRequired
        | ErrorCode::HttpRequestBodySize(_)
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong
        | ErrorCode::HttpRequestHeaderSectionSize(_)
        | ErrorCode::HttpRequestHeaderSize(_)
        | ErrorCode::HttpRequestTrailerSectionSize(_)
        | ErrorCode::HttpRequestTrailerSize(_)
        | ErrorCode::ConfigurationError => Cause::Refused,
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
        | ErrorCode::InternalError(_) => Cause::Broken,
    }
}
