//! A response, before it is sent.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::Value;

use super::content::Content;

/// A response of the service.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// In the order in which they are sent. `content-type` is the first.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Content,
    /// Whether the body is sent in chunks, without `Content-Length`.
    pub(crate) is_chunked: bool,
}

impl Response {
    /// A response with a short body.
    pub(crate) fn new(status: u16, media_type: &str, body: impl Into<Bytes>) -> Self {
        Self::with_content(status, media_type, Content::from_bytes(body))
    }

    /// A response with a body of any length.
    pub(crate) fn with_content(status: u16, media_type: &str, body: Content) -> Self {
        Self { status, headers: vec![("content-type", media_type.to_owned())], body, is_chunked: false }
    }

    /// Adds a header after the others.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, if it is declared as JSON and is an object.
    pub(crate) fn json_object(&self) -> Option<Value> {
        let is_json = |(name, value): &(_, String)| *name == "content-type" && value.starts_with("application/json");
        if !self.headers.iter().any(is_json) {
            return None;
        }
        serde_json::from_slice(&self.body.to_vec()).ok().filter(Value::is_object)
    }
}

/// An instant since 1970 in the format of HTTP headers.
pub(crate) fn http_date(instant: Duration) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + instant)
}
