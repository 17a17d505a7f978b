//! A request, read.

use base64::Engine;
use bytes::Bytes;
use hyper::{HeaderMap, Method, header::AUTHORIZATION};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::record::Endpoint;

/// A request as the endpoints see it.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) endpoint: Endpoint,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether lists shall point to the same page again.
    pub(super) repeat_cursor: bool,
    /// The origin at which lists shall say that they go on, whether they do or not.
    pub(super) next_page_at: Option<String>,
    /// Whether a search shall find everyone.
    pub(super) ignore_filter: bool,
    segments: Vec<String>,
}

impl Ask {
    pub(super) fn new(method: &Method, path: &str, query: &str, headers: HeaderMap) -> Self {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let segments: Vec<_> = path.trim_start_matches('/').split('/').map(decode).collect();
        let endpoint = Endpoint::of(method, &segments.iter().map(String::as_str).collect::<Vec<_>>());
        Self {
            endpoint,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: Bytes::new(),
            repeat_cursor: false,
            next_page_at: None,
            ignore_filter: false,
            segments,
        }
    }

    /// The decoded segment of the path after `/API/v3`, counted from 0.
    pub(super) fn segment(&self, n: usize) -> &str {
        self.segments.get(n + 2).map_or("", String::as_str)
    }

    /// The value of a parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut parameters = form_urlencoded::parse(self.query.as_bytes());
        parameters.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the body is of this media type, whatever its parameters.
    pub(super) fn is(&self, media_type: &str) -> bool {
        let content_type = self.header("content-type").unwrap_or_default();
        content_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
    }

    /// The body, if it is JSON.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as a form.
    pub(super) fn form(&self) -> Map<String, Value> {
        form_urlencoded::parse(&self.body)
            .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
            .collect()
    }

    /// What is recorded of the body.
    pub(super) fn recorded_body(&self) -> Value {
        if self.is("application/x-www-form-urlencoded") {
            Value::Object(self.form())
        } else {
            self.json().unwrap_or_default()
        }
    }

    /// The credentials of an authorization of this scheme.
    pub(super) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (known, credentials) = self.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        known.eq_ignore_ascii_case(scheme).then(|| credentials.trim())
    }

    /// User and password of a basic authorization.
    pub(super) fn basic(&self) -> Option<(String, String)> {
        let bytes = base64::engine::general_purpose::STANDARD.decode(self.authorization("basic")?).ok()?;
        let (user, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }
}
