//! A request and an answer, as far as the gateway needs to know.

use serde::Serialize;

use crate::document::Document;
use crate::problem::Details;

/// A request without its body.
pub struct Head {
    /// The method, as it was sent.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// The value of a header that was sent once, and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.values(name);
        let value = values.next()?;
        if values.next().is_some() { None } else { str::from_utf8(value).ok() }
    }

    /// Whether a header was sent at all.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.headers.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_slice())
    }
}

/// The body of a request, on its way.
pub trait Body {
    /// The next piece: at least one byte, or none at the end.
    ///
    /// # Errors
    /// The rest will not come.
    fn read(&mut self) -> Result<Vec<u8>, Interrupted>;
}

/// A body broke off, or did not go on in time.
#[derive(Debug)]
pub struct Interrupted;

/// An answer.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values. What every answer has is among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub payload: Payload,
}

/// The body of an answer.
pub enum Payload {
    /// All of it.
    Whole(Vec<u8>),
    /// A document, to be had piece by piece.
    Streamed(Document),
}

impl Answer {
    /// An answer with this body.
    #[must_use]
    pub fn new(status: u16, media_type: &str, payload: Payload) -> Self {
        let headers = vec![
            ("content-type", media_type.to_owned()),
            // Answers are about people, or hold what leads to them.
            ("cache-control", "no-store".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ];
        Self { status, headers, payload }
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// None that this crate's values could cause.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self, Details> {
        let text = serde_json::to_vec(value).map_err(|_| Details::unwritable())?;
        Ok(Self::new(status, "application/json", Payload::Whole(text)))
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Milliseconds as `Retry-After` says them: whole seconds, and never too early.
#[must_use]
pub const fn retry_after(ms: u64) -> u64 {
    ms.div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use super::retry_after;

    #[test]
    fn nobody_is_asked_to_come_back_too_early() {
        assert_eq!([0, 1, 999, 1000, 1001, u64::MAX].map(retry_after), [0, 1, 1, 1, 2, 18_446_744_073_709_552]);
    }
}
