//! Why a call to the API has no result.

use crate::http::TransportError;
use crate::http::retry::{
    Failure, is_of_proxies, is_throttled, is_transient_cause, is_transient_status, is_unauthorized,
};
use crate::qualtrics::scopes::Scopes;

/// Why a call has no result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ApiError {
    /// There is no response.
    Transport(TransportError),
    /// The response is an error.
    Response(ErrorResponse),
    /// The response is a redirect, by Qualtrics or by something between. Redirects are never followed.
    Redirect(u16),
    /// The response has a success status, and is incomplete, damaged, or lacks what it must hold.
    Malformed,
    /// This connection's share of a rate limit is exhausted for so many milliseconds. Nothing was sent.
    ShareExhausted(u64),
    /// The call of the contract has no time left. Nothing was sent.
    DeadlineExceeded,
    /// The OAuth client lacks these scopes. Only token requests were sent.
    MissingScopes(Scopes),
    /// The token request is rejected: nearly always because of the client ID and secret. Only token requests were sent.
    TokenRejected(ErrorResponse),
}

/// An error response, without its text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ErrorResponse {
    /// The decisive status: HTTP's, or the one in `meta.httpStatus` if HTTP's is a success.
    pub status: u16,
    /// Qualtrics' error code.
    pub code: Option<String>,
    /// `meta.requestId`.
    pub request_id: Option<String>,
    /// The delay that the response asks for, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// Who sent the response, and whether it is consistent.
    pub form: ErrorForm,
}

/// The form of an error response (fact sheet 3.1, 3.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ErrorForm {
    /// An HTTP error in Qualtrics' envelope.
    Envelope,
    /// An HTTP error in Qualtrics' envelope that contradicts itself: it holds a result, or a `meta.httpStatus` that is no rejection.
    Contradictory,
    /// An HTTP success whose envelope reports an error.
    #[default]
    BehindSuccess,
    /// A response that is not in Qualtrics' envelope: by a proxy, a gateway or a firewall.
    Foreign,
    /// An error of the token endpoint, as RFC 6749 defines it.
    OAuth,
    /// An HTTP error without a body, or with one that is damaged. It does not show who sent it.
    Blank,
}

/// The statuses with which Qualtrics rejects a request that it does not process.
#[must_use]
pub const fn is_rejection_status(status: u16) -> bool {
    matches!(status, 400 | 401 | 403 | 404 | 413 | 415 | 422)
}

impl ErrorResponse {
    /// Whether Qualtrics itself rejected the request, or throttled it: then it did not process it.
    ///
    /// 429 counts with any body, because hosts respond with 429 on Qualtrics' behalf. Every other status counts only in Qualtrics'
    /// envelope, and 408, 409, 425 and 5xx never count: they may be sent after Qualtrics has accepted the request. A response that
    /// contradicts itself never counts.
    const fn is_rejection(&self) -> bool {
        match self.status {
            429 => !matches!(self.form, ErrorForm::BehindSuccess),
            status => is_rejection_status(status) && matches!(self.form, ErrorForm::Envelope),
        }
    }
}

impl ErrorResponse {
    /// Whether a proxy or firewall responded instead of Qualtrics, whose own errors are in its envelope (fact sheet 3.1). Transient
    /// statuses do not count: they clear by themselves, whoever sends them.
    #[must_use]
    pub const fn is_from_proxy(&self) -> bool {
        let is_foreign = matches!(self.form, ErrorForm::Foreign | ErrorForm::Blank);
        is_of_proxies(self.status) || (is_foreign && !is_transient_status(self.status))
    }
}

impl ApiError {
    /// The status of the response to the call itself. The status of a token request is not that of the call.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Response(response) => Some(response.status),
            Self::Redirect(status) => Some(*status),
            _ => None,
        }
    }

    /// The status, if Qualtrics sent it and not a proxy or firewall.
    #[must_use]
    pub const fn own_status(&self) -> Option<u16> {
        match self {
            Self::Response(response) if !response.is_from_proxy() => Some(response.status),
            _ => None,
        }
    }

    /// Whether a proxy or firewall responded instead of Qualtrics, which never sends redirects (fact sheet 1).
    #[must_use]
    pub const fn is_from_proxy(&self) -> bool {
        match self {
            Self::Response(response) => response.is_from_proxy(),
            Self::Redirect(_) => true,
            _ => false,
        }
    }

    /// Whether Qualtrics itself responded with an error, whatever its status.
    #[must_use]
    pub const fn is_own_rejection(&self) -> bool {
        match self {
            Self::Response(response) => {
                !is_of_proxies(response.status) && !matches!(response.form, ErrorForm::Foreign | ErrorForm::Blank)
            }
            _ => false,
        }
    }

    /// Whether Qualtrics reports that the resource does not exist: 400, 404 or 410 in its envelope (fact sheet 3.2, unconfirmed).
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self.own_status(), Some(400 | 404 | 410))
    }

    /// Whether the call needs a permission that the client or its account lacks: a scope, or a role. A proxy's 403 is no proof.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        matches!(self, Self::MissingScopes(_)) || matches!(self.own_status(), Some(401 | 403))
    }

    /// Whether the same call can succeed later without anyone's intervention.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Transport(error) => is_transient_cause(error.cause),
            Self::Response(response) => is_transient_status(response.status),
            Self::ShareExhausted(_) | Self::DeadlineExceeded | Self::Malformed => true,
            Self::Redirect(_) | Self::MissingScopes(_) | Self::TokenRejected(_) => false,
        }
    }

    /// Whether the error concerns this call only: other calls may succeed.
    #[must_use]
    pub const fn is_specific_to_one_call(&self) -> bool {
        match self {
            Self::Response(response) => !is_unauthorized(response.status) && !is_throttled(response.status),
            Self::Malformed => true,
            _ => false,
        }
    }

    /// Whether it is proved that the request did not start a job. This is the only condition under which a call that starts a job is
    /// sent again.
    ///
    /// Only an error before sending, a rejection in Qualtrics' own envelope and a 429 prove it. Everything else may happen after
    /// Qualtrics has accepted the request: time-outs, resets, redirects, 5xx, and the responses of proxies.
    #[must_use]
    pub const fn is_provably_not_started(&self) -> bool {
        match self {
            Self::Transport(error) => error.before_sending,
            Self::Response(response) => response.is_rejection(),
            Self::Malformed | Self::Redirect(_) => false,
            Self::ShareExhausted(_) | Self::DeadlineExceeded | Self::MissingScopes(_) | Self::TokenRejected(_) => true,
        }
    }

    /// As the retry policy sees it. `None` if no repetition within the call can help.
    pub(super) const fn as_failure(&self) -> Option<Failure> {
        match self {
            Self::Transport(error) => Some(Failure::Transport(error.cause)),
            // The page of a proxy in place of a response.
            Self::Response(ErrorResponse { status: ..400, .. }) => Some(Failure::Malformed),
            Self::Response(ErrorResponse { status, retry_after_ms, .. }) => {
                Some(Failure::Status { status: *status, retry_after_ms: *retry_after_ms })
            }
            Self::Malformed => Some(Failure::Malformed),
            Self::Redirect(_)
            | Self::ShareExhausted(_)
            | Self::DeadlineExceeded
            | Self::MissingScopes(_)
            | Self::TokenRejected(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Cause, Response, ResponseHead};
    use crate::qualtrics::api::envelope;

    fn is_provably_not_started(status: u16, body: &str) -> bool {
        let head = ResponseHead { status, headers: Vec::new() };
        let response = Response { head, body: body.as_bytes().to_vec() };
        envelope::parse(&response, 0).err().is_some_and(|error| error.is_provably_not_started())
    }

    #[test]
    fn only_rejections_in_the_envelope_and_429_prove_that_nothing_was_started() {
        let envelopes = |status: u16| {
            [
                format!(r#"{{"meta":{{"httpStatus":"{status} - X","error":{{"errorCode":"E_1"}}}}}}"#),
                r#"{"meta":{"status":"Error","internalErrorCode":"GS_5"},"result":null}"#.to_owned(),
            ]
        };
        let foreign =
            ["", "<html>", "upstream connect error", "{}", r#"{"error":"invalid_request"}"#, r#"{"meta":{}}"#];
        let rejections = [400, 401, 403, 404, 413, 415, 422, 429];
        for status in (100..=599).filter(|status| !(200..300).contains(status)) {
            for body in envelopes(status) {
                assert_eq!(is_provably_not_started(status, &body), rejections.contains(&status), "{status} {body}");
            }
            for body in foreign {
                assert_eq!(is_provably_not_started(status, body), status == 429, "{status} {body}");
            }
        }
    }

    #[test]
    fn a_rejection_that_contradicts_itself_proves_nothing() {
        for body in [
            r#"{"meta":{"httpStatus":"200 - OK","error":{"errorCode":"E_1"}}}"#,
            r#"{"meta":{"httpStatus":"503 - Service Unavailable","error":{"errorCode":"E_1"}}}"#,
            r#"{"meta":{"httpStatus":"400 - Bad Request","error":{"errorCode":"E_1"}},"result":{"requestId":"OP-1"}}"#,
            r#"{"meta":{"httpStatus":"200 - OK"},"result":{"requestId":"OP-1"}}"#,
        ] {
            assert!(!is_provably_not_started(400, body), "{body}");
        }
        let consistent = r#"{"meta":{"httpStatus":"404 - Not Found","error":{"errorCode":"E_1"}},"result":null}"#;
        assert!(is_provably_not_started(400, consistent), "both halves are rejections");
    }

    #[test]
    fn an_error_behind_a_200_proves_nothing() {
        for status in [400, 404, 429, 503] {
            let body = format!(r#"{{"meta":{{"httpStatus":"{status}"}}}}"#);
            assert!(!is_provably_not_started(200, &body), "{status}");
        }
    }

    #[test]
    fn errors_without_a_response_prove_it_only_before_sending() {
        assert!(ApiError::Transport(TransportError::before_sending(Cause::TimedOut)).is_provably_not_started());
        assert!(!ApiError::Transport(TransportError::after_sending(Cause::Denied)).is_provably_not_started());
        assert!(!ApiError::Malformed.is_provably_not_started());
        assert!(!ApiError::Redirect(307).is_provably_not_started());
        assert!(ApiError::ShareExhausted(1).is_provably_not_started());
        assert!(ApiError::DeadlineExceeded.is_provably_not_started());
    }
}
