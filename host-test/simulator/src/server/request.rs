//! A parsed HTTP request.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, header::AUTHORIZATION};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::faults::Fault;

/// A request as the service sees it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The path as it was sent.
    pub(crate) path: String,
    /// The query as it was sent, without the question mark.
    pub(crate) query: String,
    /// Empty if the body is oversized.
    pub(crate) body: Bytes,
    /// Whether the body exceeds the server's limit.
    pub(crate) is_oversized: bool,
    /// The fault that is applied to this request.
    pub(crate) fault: Option<Fault>,
    headers: HeaderMap,
    segments: Vec<String>,
}

impl Request {
    /// A request of which only the head was received.
    pub(super) fn from_head(head: Parts) -> Self {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let path = head.uri.path();
        Self {
            segments: path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect(),
            path: path.to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            method: head.method,
            headers: head.headers,
            body: Bytes::new(),
            is_oversized: false,
            fault: None,
        }
    }

    /// The percent-decoded segments of the path. Empty ones, as after a trailing slash, are left out.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// A percent-decoded segment of the path, counted from 0. Empty if the path is shorter.
    pub(crate) fn segment(&self, n: usize) -> &str {
        self.segments.get(n).map_or("", String::as_str)
    }

    /// The value of the first query parameter of this name.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let mut parameters = form_urlencoded::parse(self.query.as_bytes());
        parameters.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// Whether a query parameter is `true`.
    pub(crate) fn has_flag(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value == "true")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether there is such a header, even with a value that is not text.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// Whether the body has this media type, with any parameters.
    pub(crate) fn has_media_type(&self, media_type: &str) -> bool {
        let content_type = self.header("content-type").unwrap_or_default();
        content_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
    }

    /// The body parsed as JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body parsed as a form: an object of strings.
    pub(crate) fn form(&self) -> Map<String, Value> {
        form_urlencoded::parse(&self.body)
            .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
            .collect()
    }

    /// The credentials of the `Authorization` header, if it has this scheme.
    pub(crate) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (known, credentials) = self.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        known.eq_ignore_ascii_case(scheme).then(|| credentials.trim())
    }

    /// The user name and password of basic authentication.
    pub(crate) fn basic_credentials(&self) -> Option<(String, String)> {
        let bytes = STANDARD.decode(self.authorization("basic")?).ok()?;
        let (user, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }
}
