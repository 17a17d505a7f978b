//! What went wrong, as problem details (RFC 9457).
//!
//! | kind | status | |
//! |---|---|---|
//! | `invalid-request` | 422 | the connector refuses the request as it is written |
//! | `invalid-ticket` | 404 | ticket or reference names nothing |
//! | `job-not-found` | 410 | what ticket or reference names is gone |
//! | `rate-limited` | 429 | with `Retry-After` |
//! | `unsupported` | 501 | this connector cannot do it |
//! | `unauthorized`, `forbidden`, `unexpected-response` | 502 | between connector and vendor; 401 and 403 are about the gateway's own callers |
//! | `not-configured`, `invalid-settings` | 503 | the operator has to set the gateway up |
//! | `unavailable` | 503 | with `Retry-After`, where a retry may help |
//! | `outcome-unknown` | 504 | the vendor may or may not have begun |
//!
//! Those have the members of the contract's error, spelled as [`privacy_contract`] does. What the gateway itself
//! refuses has a sentence that repeats nothing of what was sent.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::http::{Answer, Payload, retry_after};
use privacy_contract::{Error, ErrorKind, Problem, Remedy};

/// One thing that went wrong, for the caller.
pub struct Details {
    /// The status of an answer that says nothing else.
    pub status: u16,
    /// What sets this problem apart from others: the last part of its `type`.
    kind: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    error: Option<Error>,
    headers: Vec<(&'static str, String)>,
}

impl Details {
    const fn new(status: u16, kind: &'static str, title: &'static str, detail: Cow<'static, str>) -> Self {
        Self { status, kind, title, detail, error: None, headers: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Nobody may call, for it is not said who may.
    #[must_use]
    pub fn no_callers(detail: &'static str) -> Self {
        Self::new(503, "gateway-not-configured", "The gateway is not configured.", detail.into())
    }

    /// The caller does not say who it is.
    #[must_use]
    pub fn no_token() -> Self {
        let detail = "Send Authorization: Bearer, and the token.";
        Self::unauthenticated(detail).with("www-authenticate", "Bearer realm=\"privacy gateway\"")
    }

    /// The caller is not known.
    #[must_use]
    pub fn wrong_token() -> Self {
        let challenge = "Bearer realm=\"privacy gateway\", error=\"invalid_token\"";
        Self::unauthenticated("The token is not that of this gateway.").with("www-authenticate", challenge)
    }

    fn unauthenticated(detail: &'static str) -> Self {
        Self::new(401, "unauthenticated", "The caller is not known.", detail.into())
    }

    /// There is nothing at this path.
    #[must_use]
    pub fn not_found() -> Self {
        let detail = "GET /openapi.json describes all that there is.";
        Self::new(404, "not-found", "There is nothing at this path.", detail.into())
    }

    /// The path has another method.
    #[must_use]
    pub fn method_not_allowed(allowed: &'static str) -> Self {
        let detail = "The header Allow names the method.";
        Self::new(405, "method-not-allowed", "The path has another method.", detail.into()).with("allow", allowed)
    }

    /// The body is no JSON, to judge by its headers.
    #[must_use]
    pub fn not_json() -> Self {
        let detail = "Send Content-Type: application/json, and no Content-Encoding.";
        Self::new(415, "unsupported-media-type", "The body is not JSON.", detail.into())
    }

    /// The body is longer than what is read.
    #[must_use]
    pub fn too_large() -> Self {
        Self::new(413, "body-too-large", "The body is too large.", "At most 1 MiB is read.".into())
    }

    /// The body broke off.
    #[must_use]
    pub fn interrupted() -> Self {
        let detail = "It broke off, or did not go on for half a minute.";
        Self::new(408, "body-interrupted", "The body did not come to its end.", detail.into())
    }

    /// Query or body are not what the path takes.
    #[must_use]
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "malformed-request", "The request is not what this path takes.", detail.into())
    }

    /// No byte of a document of this length is within the range.
    #[must_use]
    pub fn no_such_range(length: u64) -> Self {
        let range = ["bytes */", &length.to_string()].concat();
        let detail = "The header Content-Range says how long the document is.";
        Self::new(416, "range-not-satisfiable", "The range lies behind the end.", detail.into())
            .with("content-range", &range)
    }

    /// The caller said another length than the document has.
    #[must_use]
    pub fn other_size() -> Self {
        let detail = "The query's size has to be that of the report.";
        Self::new(409, "other-size", "The document has another size.", detail.into())
    }

    /// A value that cannot be written as JSON.
    #[must_use]
    pub fn unwritable() -> Self {
        Self::new(500, "unwritable", "The answer cannot be written.", "This is an error of the gateway.".into())
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
            details = details.with("retry-after", &retry_after(ms).to_string());
        }
        details.error = Some(error);
        details
    }
}

impl From<Details> for Answer {
    fn from(details: Details) -> Self {
        // It has no map with other keys than text, the one thing that JSON cannot hold.
        let text = serde_json::to_vec(&details).unwrap_or_default();
        let mut answer = Self::new(details.status, "application/problem+json", Payload::Whole(text));
        answer.headers.extend(details.headers);
        answer
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
            error: Option<OfConnector<'a>>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct OfConnector<'a> {
            kind: ErrorKind,
            remedy: Remedy,
            problems: &'a [Problem],
            http_status: Option<u16>,
            vendor_code: Option<&'a str>,
            vendor_request_id: Option<&'a str>,
        }
        let error = self.error.as_ref().map(|error| OfConnector {
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
