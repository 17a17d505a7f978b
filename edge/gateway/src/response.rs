//! Responses.

use serde::Serialize;

use crate::document::Document;
use crate::problem::Details;

/// A response.
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values, including the headers that every response has.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub payload: Payload,
}

/// The body of a response.
pub enum Payload {
    /// All of it.
    Full(Vec<u8>),
    /// A document, read chunk by chunk while it is sent.
    Streamed(Document),
}

impl Response {
    /// A response with this body.
    #[must_use]
    pub fn new(status: u16, media_type: &str, payload: Payload) -> Self {
        let headers = vec![
            ("content-type", media_type.to_owned()),
            // Responses contain personal data, or tickets and references to it.
            ("cache-control", "no-store".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ];
        Self { status, headers, payload }
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// The value cannot be serialised. No value of this crate causes this.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self, Details> {
        let text = serde_json::to_vec(value).map_err(|_| Details::not_serializable())?;
        Ok(Self::new(status, "application/json", Payload::Full(text)))
    }

    /// The headers as runtimes take them, with `content-length` where it is known.
    #[must_use]
    pub fn header_fields(&self) -> Vec<(String, Vec<u8>)> {
        let field = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        let mut fields: Vec<_> = self.headers.iter().map(|(name, value)| field(name, value)).collect();
        if let Payload::Full(bytes) = &self.payload {
            fields.push(field("content-length", &bytes.len().to_string()));
        }
        fields
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl From<Details> for Response {
    fn from(details: Details) -> Self {
        // Serialisation fails only for maps with keys that are not text. `Details` has no such map.
        let text = serde_json::to_vec(&details).unwrap_or_default();
        let mut response = Self::new(details.status, "application/problem+json", Payload::Full(text));
        response.headers.extend(details.headers);
        response
    }
}
