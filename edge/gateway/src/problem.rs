//! Errors as problem details (RFC 9457).
//!
//! | kind | status | |
//! |---|---|---|
//! | `invalid-request` | 422 | the request cannot be served as written |
//! | `invalid-ticket` | 404 | the ticket or reference is invalid |
//! | `job-not-found` | 410 | the vendor no longer has the job or file |
//! | `rate-limited` | 429 | with `Retry-After` |
//! | `unsupported` | 501 | the connector does not support the call |
//! | `unauthorized`, `forbidden`, `unexpected-response` | 502 | an error between connector and vendor; 401 and 403 are for the gateway's own callers |
//! | `not-configured`, `invalid-settings` | 503 | the operator must configure the gateway |
//! | `unavailable` | 503 | with `Retry-After` if a retry may help |
//! | `outcome-unknown` | 504 | the vendor may or may not have started the deletion |
//!
//! These have the members of the contract's error, in the JSON form of [`privacy_contract`]. Errors of the gateway itself have a fixed
//! `detail`, which does not repeat any part of the request.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::http::retry_after;
use privacy_contract::{Error, ErrorKind, Problem, Remedy};

/// An error for the caller.
pub struct Details {
    /// The status of the response.
    pub status: u16,
    /// The last part of the problem's `type`.
    kind: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    error: Option<Error>,
    /// Headers of the response beside its media type.
    pub headers: Vec<(&'static str, String)>,
}

impl Details {
    const fn new(status: u16, kind: &'static str, title: &'static str, detail: Cow<'static, str>) -> Self {
        Self { status, kind, title, detail, error: None, headers: Vec::new() }
    }

    fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// No valid token digest is configured.
    #[must_use]
    pub fn not_configured(detail: &'static str) -> Self {
        Self::new(503, "gateway-not-configured", "The gateway is not configured.", detail.into())
    }

    /// The request has no token.
    #[must_use]
    pub fn missing_token() -> Self {
        let detail = "Send Authorization: Bearer, and the token.";
        Self::unauthenticated(detail).with_header("www-authenticate", "Bearer realm=\"privacy gateway\"")
    }

    /// The token is unknown.
    #[must_use]
    pub fn invalid_token() -> Self {
        let challenge = "Bearer realm=\"privacy gateway\", error=\"invalid_token\"";
        Self::unauthenticated("The token is not valid for this gateway.").with_header("www-authenticate", challenge)
    }

    fn unauthenticated(detail: &'static str) -> Self {
        Self::new(401, "unauthenticated", "The caller is not known.", detail.into())
    }

    /// The path has no route.
    #[must_use]
    pub fn not_found() -> Self {
        let detail = "GET /openapi.json describes all paths.";
        Self::new(404, "not-found", "The path does not exist.", detail.into())
    }

    /// The route has a different method.
    #[must_use]
    pub fn method_not_allowed(allowed: &'static str) -> Self {
        let detail = "The header Allow has the method of this path.";
        Self::new(405, "method-not-allowed", "The method is not allowed.", detail.into()).with_header("allow", allowed)
    }

    /// The headers declare a body that is not JSON.
    #[must_use]
    pub fn unsupported_media_type() -> Self {
        let detail = "Send Content-Type: application/json, and no Content-Encoding.";
        Self::new(415, "unsupported-media-type", "The body is not JSON.", detail.into())
    }

    /// The body exceeds the maximum size.
    #[must_use]
    pub fn too_large() -> Self {
        Self::new(413, "body-too-large", "The body is too large.", "A body has at most 1 MiB.".into())
    }

    /// The body was not received to its end.
    #[must_use]
    pub fn interrupted() -> Self {
        let detail = "The transfer failed, or no byte was received for 30 seconds.";
        Self::new(408, "body-interrupted", "The body is incomplete.", detail.into())
    }

    /// The query or the body is malformed.
    #[must_use]
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "malformed-request", "The request is malformed.", detail.into())
    }

    /// The range contains no byte of a document of this length.
    #[must_use]
    pub fn range_not_satisfiable(length: u64) -> Self {
        let range = ["bytes */", &length.to_string()].concat();
        let detail = "The header Content-Range has the length of the document.";
        Self::new(416, "range-not-satisfiable", "The range is beyond the end of the document.", detail.into())
            .with_header("content-range", &range)
    }

    /// The size in the query differs from that of the document.
    #[must_use]
    pub fn size_mismatch() -> Self {
        let detail = "Send the size from the report.";
        Self::new(409, "other-size", "The size does not match the document.", detail.into())
    }

    /// A value cannot be serialised as JSON.
    #[must_use]
    pub fn not_serializable() -> Self {
        Self::new(500, "unwritable", "The response cannot be serialised.", "This is an error of the gateway.".into())
    }
}

impl From<Error> for Details {
    fn from(error: Error) -> Self {
        let (status, kind, title) = match error.kind {
            ErrorKind::NotConfigured => (503, "not-configured", "The connection is not configured."),
            ErrorKind::InvalidSettings => (503, "invalid-settings", "The settings are invalid."),
            ErrorKind::InvalidRequest => (422, "invalid-request", "The request cannot be served as written."),
            ErrorKind::InvalidTicket => (404, "invalid-ticket", "The ticket or reference is invalid."),
            ErrorKind::Unsupported => (501, "unsupported", "This connector does not support the call."),
            ErrorKind::Unauthorized => (502, "unauthorized", "The vendor rejects the credentials."),
            ErrorKind::Forbidden => (502, "forbidden", "The connection lacks a permission."),
            ErrorKind::RateLimited => (429, "rate-limited", "The vendor throttles."),
            ErrorKind::Unavailable => (503, "unavailable", "The vendor cannot be reached."),
            ErrorKind::OutcomeUnknown => {
                (504, "outcome-unknown", "It is unknown whether the vendor started the deletion.")
            }
            ErrorKind::JobNotFound => (410, "job-not-found", "The vendor no longer has the job or file."),
            ErrorKind::UnexpectedResponse => (502, "unexpected-response", "The vendor's response was not understood."),
        };
        let mut details = Self::new(status, kind, title, Cow::Owned(error.message.clone()));
        if let Remedy::Retry(ms) = error.remedy {
            details = details.with_header("retry-after", &retry_after(ms).to_string());
        }
        details.error = Some(error);
        details
    }
}

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Members<'a> {
            r#type: &'a str,
            title: &'a str,
            status: u16,
            detail: &'a str,
            #[serde(flatten)]
            error: Option<ConnectorError<'a>>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct ConnectorError<'a> {
            kind: ErrorKind,
            remedy: Remedy,
            problems: &'a [Problem],
            http_status: Option<u16>,
            vendor_code: Option<&'a str>,
            vendor_request_id: Option<&'a str>,
        }
        let error = self.error.as_ref().map(|error| ConnectorError {
            kind: error.kind,
            remedy: error.remedy,
            problems: &error.problems,
            http_status: error.http_status,
            vendor_code: error.vendor_code.as_deref(),
            vendor_request_id: error.vendor_request_id.as_deref(),
        });
        let members = Members {
            r#type: &["urn:problem-type:privacy:", self.kind].concat(),
            title: self.title,
            status: self.status,
            detail: &self.detail,
            error,
        };
        members.serialize(serializer)
    }
}
