//! Requests and responses.

use std::fmt;
use std::time::UNIX_EPOCH;

use super::Origin;
use crate::secret::Secret;

/// The methods that the connector sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// Reads.
    Get,
    /// Searches, and starts jobs.
    Post,
    /// Updates.
    Put,
}

impl Method {
    /// Its name in HTTP.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// A request. Its headers and its body may hold personal data and secrets: `Debug` shows the method only.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The scheme and authority: always those of the connection's settings.
    pub origin: Origin,
    /// The path and query, percent-encoded, starting with `/`. Never holds personal data.
    pub path: String,
    /// Header names, in lower case, with their values. The transport adds `host` and `content-length`.
    pub headers: Vec<(&'static str, Secret)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Request({:?}, ..)", self.method)
    }
}

/// The status and headers of a response. `Debug` shows the status only.
#[derive(Clone, Default)]
pub struct ResponseHead {
    /// The HTTP status, 100 to 599.
    pub status: u16,
    /// Header names, in lower case, with the values that are text.
    pub headers: Vec<(String, String)>,
}

impl ResponseHead {
    /// The first header with this name, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// The values of all headers with this name, which is in lower case.
    pub fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h str> {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The media type in `content-type`, in lower case and without parameters. Media types compare without regard to case
    /// (RFC 9110, section 8.3.1).
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let essence = self.header("content-type")?.split(';').next()?;
        Some(essence.trim().to_ascii_lowercase())
    }

    /// The server's time in `date`, in seconds since 1970.
    #[must_use]
    pub fn date_s(&self) -> Option<u64> {
        self.header("date").and_then(parse_date_s)
    }
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ResponseHead({}, ..)", self.status)
    }
}

/// A response with its whole body, which may hold personal data: `Debug` shows the status only.
#[derive(Clone, Default)]
pub struct Response {
    /// The status and headers.
    pub head: ResponseHead,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Response({}, ..)", self.head.status)
    }
}

/// An HTTP date in any form of RFC 9110, section 5.6.7, as seconds since 1970.
pub(super) fn parse_date_s(text: &str) -> Option<u64> {
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    date.duration_since(UNIX_EPOCH).ok().map(|since_epoch| since_epoch.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(name: &str, value: &str) -> ResponseHead {
        ResponseHead { status: 200, headers: vec![(name.to_owned(), value.to_owned())] }
    }

    #[test]
    fn media_types_compare_without_case_and_without_parameters() {
        assert_eq!(head("content-type", " Text/HTML ; charset=utf-8").media_type().as_deref(), Some("text/html"));
        assert_eq!(head("content-length", "1").media_type(), None);
    }

    #[test]
    fn every_form_of_an_http_date_is_parsed() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            " Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(head("date", text).date_s(), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn malformed_dates_are_absent() {
        for text in [
            "",
            "120",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun; 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
        ] {
            assert_eq!(head("date", text).date_s(), None, "{text}");
        }
    }

    #[test]
    fn debug_output_shows_neither_headers_nor_bodies() {
        let response = Response { head: head("x", "ada"), body: b"ada".to_vec() };
        let request = Request {
            method: Method::Post,
            origin: Origin::new(true, "a.example".to_owned()),
            path: "/ada".to_owned(),
            headers: vec![("x", Secret::new("ada"))],
            body: b"ada".to_vec(),
        };
        let output = format!("{response:?} {:?} {request:?}", response.head);
        assert!(!output.contains("ada"), "{output}");
    }
}
