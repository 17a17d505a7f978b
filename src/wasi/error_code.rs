//! What an error code of `wasi:http` means to the connector.

use crate::http::{Cause, TransportError};
use crate::wit::wasi::http::types::{ErrorCode, TlsAlertReceivedPayload};

/// The alerts that a TLS server sends about the client's certificate (RFC 8446, 6.2; `no_certificate` is that of older versions):
/// `no_certificate` to `certificate_unknown`, `unknown_ca`, `access_denied` and `certificate_required`. `handshake_failure` has other
/// causes as well.
const CLIENT_CERTIFICATE_ALERTS: [u8; 9] = [41, 42, 43, 44, 45, 46, 48, 49, 116];

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

/// The match is exhaustive: a new code must be classified. Text inside a code is dropped.
fn cause(code: &ErrorCode) -> Cause {
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Cause::Denied,
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) => Cause::DnsFailure,
        // Of these two, an intermediary is the source (RFC 9209).
        ErrorCode::DestinationNotFound => Cause::ProxyRefusal,
        ErrorCode::DestinationUnavailable => Cause::ProxyFailure,
        ErrorCode::DestinationIpUnroutable | ErrorCode::ConnectionRefused | ErrorCode::ConnectionLimitReached => {
            Cause::Unreachable
        }
        // It proves nothing: with TLS 1.3 it may arrive after the request was written.
        ErrorCode::TlsAlertReceived(TlsAlertReceivedPayload { alert_id: Some(alert), .. })
            if CLIENT_CERTIFICATE_ALERTS.contains(alert) =>
        {
            Cause::ClientCertificate
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wit::wasi::http::types::{DnsErrorPayload, FieldSizePayload, TlsAlertReceivedPayload};

    #[test]
    fn only_failures_to_connect_prove_that_nothing_was_sent() {
        let field = FieldSizePayload { field_name: None, field_size: None };
        let dns = DnsErrorPayload { rcode: None, info_code: None };
        let alert = TlsAlertReceivedPayload { alert_id: None, alert_message: None };
        let before_sending = [
            ErrorCode::HttpRequestDenied,
            ErrorCode::DnsTimeout,
            ErrorCode::DnsError(dns),
            ErrorCode::DestinationNotFound,
            ErrorCode::DestinationUnavailable,
            ErrorCode::DestinationIpProhibited,
            ErrorCode::DestinationIpUnroutable,
            ErrorCode::ConnectionRefused,
            ErrorCode::TlsCertificateError,
        ];
        for code in before_sending {
            assert!(after_start(&code).before_sending, "{code:?}");
        }
        let after_sending = [
            ErrorCode::ConnectionTerminated,
            ErrorCode::ConnectionTimeout,
            ErrorCode::ConnectionReadTimeout,
            ErrorCode::ConnectionWriteTimeout,
            ErrorCode::ConnectionLimitReached,
            ErrorCode::TlsProtocolError,
            ErrorCode::TlsAlertReceived(alert),
            ErrorCode::HttpRequestLengthRequired,
            ErrorCode::HttpRequestBodySize(None),
            ErrorCode::HttpRequestMethodInvalid,
            ErrorCode::HttpRequestUriInvalid,
            ErrorCode::HttpRequestUriTooLong,
            ErrorCode::HttpRequestHeaderSectionSize(None),
            ErrorCode::HttpRequestHeaderSize(None),
            ErrorCode::HttpRequestTrailerSectionSize(None),
            ErrorCode::HttpRequestTrailerSize(field.clone()),
            ErrorCode::HttpResponseIncomplete,
            ErrorCode::HttpResponseHeaderSectionSize(None),
            ErrorCode::HttpResponseHeaderSize(field.clone()),
            ErrorCode::HttpResponseBodySize(None),
            ErrorCode::HttpResponseTrailerSectionSize(None),
            ErrorCode::HttpResponseTrailerSize(field),
            ErrorCode::HttpResponseTransferCoding(None),
            ErrorCode::HttpResponseContentCoding(None),
            ErrorCode::HttpResponseTimeout,
            ErrorCode::HttpUpgradeFailed,
            ErrorCode::HttpProtocolError,
            ErrorCode::LoopDetected,
            ErrorCode::ConfigurationError,
            ErrorCode::InternalError(None),
        ];
        for code in after_sending {
            assert!(!after_start(&code).before_sending, "{code:?}");
        }
    }

    #[test]
    fn a_request_that_the_host_rejects_was_not_sent() {
        for code in [ErrorCode::HttpRequestDenied, ErrorCode::ConnectionTimeout, ErrorCode::InternalError(None)] {
            assert!(at_start(&code).before_sending, "{code:?}");
        }
    }

    #[test]
    fn an_alert_about_the_client_certificate_is_told_apart_and_proves_nothing() {
        let received = |alert_id| {
            let alert = TlsAlertReceivedPayload { alert_id, alert_message: None };
            after_start(&ErrorCode::TlsAlertReceived(alert))
        };
        for alert in CLIENT_CERTIFICATE_ALERTS {
            assert_eq!(received(Some(alert)), TransportError::after_sending(Cause::ClientCertificate), "{alert}");
        }
        let [handshake_failure, protocol_version, internal_error] = [40, 70, 80];
        for alert in [None, Some(handshake_failure), Some(protocol_version), Some(internal_error)] {
            assert_eq!(received(alert), TransportError::after_sending(Cause::Tls), "{alert:?}");
        }
    }

    #[test]
    fn the_two_codes_of_a_proxy_prove_that_nothing_was_sent() {
        let refused = after_start(&ErrorCode::DestinationNotFound);
        assert_eq!(refused, TransportError::before_sending(Cause::ProxyRefusal));
        let failed = after_start(&ErrorCode::DestinationUnavailable);
        assert_eq!(failed, TransportError::before_sending(Cause::ProxyFailure));
    }

    #[test]
    fn text_in_an_error_code_is_dropped() {
        let error = after_start(&ErrorCode::InternalError(Some("ada@example.org".to_owned())));
        assert_eq!(error, TransportError::after_sending(Cause::Interrupted));
    }
}
