//! Pagination: the position at which a list continues.
//!
//! Qualtrics sends an absolute URL, a bare token or nothing; a proxied response even sends a URL of another host (fact sheet 1, 8.1,
//! 10). Only the query is used, and sent to the configured host: a cursor never leads to another host.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::error::ApiError;

/// The position of the next page: a query that is safe in a URL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor(String);

/// The longest cursor that is accepted, in bytes. Cursors are part of tickets.
const MAX_BYTES: usize = 2_048;

/// What is encoded: everything that is not unreserved (RFC 3986, section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same for text that is encoded already.
const ENCODED_AGAIN: &AsciiSet = &ENCODED.remove(b'%');

/// Query parameters that are not part of a position.
const IGNORED_PARAMETERS: [&str; 3] = ["proxyDepth", "proxyInfo", "pageSize"];

impl Cursor {
    /// The cursor in a list's `result`; `None` at the end of the list.
    ///
    /// # Errors
    /// [`ApiError::Malformed`] if there is a next page that cannot be requested: otherwise the list would look shorter than it is.
    pub fn next_page(result: &Value) -> Result<Option<Self>, ApiError> {
        let next_page = result.get("nextPage").filter(|value| !value.is_null());
        let link = result.get("links").and_then(|links| links.get("next"));
        let link = link.map(|next| next.get("href").unwrap_or(next));
        match next_page.or(link).or_else(|| result.get("skipToken")) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Self::parse(text).map(Some).ok_or(ApiError::Malformed),
            Some(offset) => offset.as_u64().map(|offset| Some(Self::offset(offset))).ok_or(ApiError::Malformed),
        }
    }

    /// The cursor of a contact search: `result.skipToken`, which is sent back as `skipToken` (fact sheet 8.2, official).
    ///
    /// # Errors
    /// As for [`Self::next_page`].
    pub fn skip_token(result: &Value) -> Result<Option<Self>, ApiError> {
        match result.get("skipToken").and_then(Value::as_str) {
            Some(token) if token.len() > MAX_BYTES => Err(ApiError::Malformed),
            Some(token) if !token.is_empty() => Ok(Some(Self::token(token))),
            _ => Self::next_page(result),
        }
    }

    /// The page that starts at a position, in lists that count positions.
    #[must_use]
    pub fn offset(offset: u64) -> Self {
        Self(format!("offset={offset}"))
    }

    /// A cursor from a ticket. The ticket may be forged: `None` unless the text is a plain query.
    #[must_use]
    pub fn from_hint(text: &str) -> Option<Self> {
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%=&".contains(&byte);
        (!text.is_empty() && text.len() <= MAX_BYTES && text.bytes().all(is_safe)).then(|| Self(text.to_owned()))
    }

    /// The query, percent-encoded.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.0
    }

    /// The position, in lists that count positions.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        self.0.split('&').find_map(|pair| pair.strip_prefix("offset=")).and_then(|offset| offset.parse().ok())
    }

    fn token(token: &str) -> Self {
        Self(format!("skipToken={}", encode(token)))
    }

    /// A cursor from a URL, a path with a query, or a bare token.
    fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let Some((before, query)) = text.split_once('?') else {
            if text.contains("://") || text.starts_with('/') {
                // A page that cannot be requested from the configured host.
                return None;
            }
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            return Some(if is_number { Self(format!("offset={text}")) } else { Self::token(text) });
        };
        // A token may contain a question mark. Only a URL, a path or nothing precedes a query.
        if !before.is_empty() && !before.contains('/') {
            return Some(Self::token(text));
        }
        let query = query.split('#').next().unwrap_or_default();
        let pairs: Vec<String> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| !IGNORED_PARAMETERS.contains(name))
            .map(|(name, value)| format!("{}={}", encode_again(name), encode_again(value)))
            .collect();
        (!pairs.is_empty()).then(|| Self(pairs.join("&")))
    }
}

/// Percent-encodes text for a segment of a path or a value of a query.
#[must_use]
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Percent-encodes what is not allowed in a query, and keeps what is encoded already.
fn encode_again(text: &str) -> String {
    utf8_percent_encode(text, ENCODED_AGAIN).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn next(value: &Value) -> Option<String> {
        Cursor::next_page(value).expect("a cursor or none").map(|cursor| cursor.query().to_owned())
    }

    #[test]
    fn every_form_of_a_next_page_becomes_a_query_without_a_host() {
        let url = "https://elsewhere.example/API/v3/users?offset=100&proxyDepth=1&proxyInfo=x&pageSize=100";
        for (value, expected) in [
            (json!({ "nextPage": url }), "offset=100"),
            (json!({"nextPage": "abc+/="}), "skipToken=abc%2B%2F%3D"),
            (json!({"nextPage": "ab?c=d"}), "skipToken=ab%3Fc%3Dd"),
            (json!({"nextPage": 200}), "offset=200"),
            (json!({"nextPage": "200"}), "offset=200"),
            (json!({"links": {"next": {"href": "/users?skipToken=a%2B"}}}), "skipToken=a%2B"),
            (json!({"skipToken": "t"}), "skipToken=t"),
        ] {
            assert_eq!(next(&value).as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn every_form_of_the_end_of_a_list_is_none() {
        for value in [json!({}), json!({"nextPage": null}), json!({"nextPage": ""}), json!({"links": {"next": null}})] {
            assert_eq!(next(&value), None, "{value}");
        }
    }

    #[test]
    fn a_next_page_that_cannot_be_requested_is_an_error_and_not_the_end() {
        let long = "x".repeat(MAX_BYTES + 1);
        for value in [
            json!({"nextPage": "https://elsewhere.example/users/2"}),
            json!({"nextPage": {}}),
            json!({"nextPage": -1}),
            json!({"nextPage": long}),
        ] {
            assert_eq!(Cursor::next_page(&value), Err(ApiError::Malformed), "{value}");
        }
        assert_eq!(Cursor::skip_token(&json!({ "skipToken": long })), Err(ApiError::Malformed));
    }

    #[test]
    fn a_skip_token_is_sent_back_as_such() {
        let token = |value: Value| Cursor::skip_token(&value).expect("a cursor or none").map(|cursor| cursor.0);
        assert_eq!(token(json!({"skipToken": "200"})).as_deref(), Some("skipToken=200"));
        assert_eq!(token(json!({"skipToken": "/a?b"})).as_deref(), Some("skipToken=%2Fa%3Fb"));
        assert_eq!(token(json!({"skipToken": ""})), None);
    }

    #[test]
    fn a_cursor_cannot_end_its_query() {
        let cursor = next(&json!({"nextPage": "/x?a=b c\r\nHost: d#e"})).expect("a cursor");
        assert_eq!(cursor, "a=b%20c%0D%0AHost%3A%20d");
        assert!(Cursor::from_hint("a=b\r\n").is_none());
        assert!(Cursor::from_hint("a=b#c").is_none());
    }

    #[test]
    fn positions_are_known_in_lists_that_count_them() {
        assert_eq!(Cursor::offset(300).position(), Some(300));
        assert_eq!(Cursor::parse("x/?skipToken=abc").and_then(|cursor| cursor.position()), None);
    }
}
