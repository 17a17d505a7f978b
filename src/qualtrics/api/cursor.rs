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
        match Self::link(result)? {
            Some(link) => Ok(Some(link)),
            None => Self::token_in(result),
        }
    }

    /// The cursor of a contact search: `result.skipToken`, which is sent back as `skipToken` (fact sheet 8.2, official).
    ///
    /// # Errors
    /// As for [`Self::next_page`].
    pub fn skip_token(result: &Value) -> Result<Option<Self>, ApiError> {
        match Self::token_in(result)? {
            Some(token) => Ok(Some(token)),
            None => Self::link(result),
        }
    }

    /// The cursor in `nextPage` or `links.next`.
    fn link(result: &Value) -> Result<Option<Self>, ApiError> {
        let link = match member(result, "links") {
            Some(Value::Object(links)) => links.get("next").map(|next| next.get("href").unwrap_or(next)),
            Some(Value::Array(links)) if links.is_empty() => None,
            Some(_) => return Err(ApiError::Malformed),
            None => None,
        };
        match member(result, "nextPage").or(link.filter(|link| is_filled(link))) {
            None => Ok(None),
            Some(Value::String(text)) => Self::parse(text).map(Some).ok_or(ApiError::Malformed),
            Some(offset) => offset.as_u64().map(|offset| Some(Self::offset(offset))).ok_or(ApiError::Malformed),
        }
    }

    /// The cursor in `skipToken`.
    fn token_in(result: &Value) -> Result<Option<Self>, ApiError> {
        match member(result, "skipToken") {
            None => Ok(None),
            Some(Value::String(token)) if token.len() <= MAX_BYTES => Ok(Some(Self::token(token))),
            Some(Value::Number(number)) if number.is_u64() => Ok(Some(Self::token(&number.to_string()))),
            Some(_) => Err(ApiError::Malformed),
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

/// A member that is neither `null` nor blank text.
fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|member| is_filled(member))
}

fn is_filled(value: &Value) -> bool {
    !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty())
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
            (json!({"skipToken": "200"}), "skipToken=200"),
            (json!({"nextPage": "", "skipToken": "t"}), "skipToken=t"),
            (json!({"nextPage": null, "links": {"next": " "}, "skipToken": 7}), "skipToken=7"),
        ] {
            assert_eq!(next(&value).as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn every_form_of_the_end_of_a_list_is_none() {
        for value in [
            json!({}),
            json!({"nextPage": null}),
            json!({"nextPage": " "}),
            json!({"links": {"next": null}}),
            json!({"links": null}),
            json!({"links": []}),
            json!({"links": {"self": "/users"}}),
            json!({"skipToken": ""}),
        ] {
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
            json!({"nextPage": 1.5}),
            json!({"nextPage": false}),
            json!({"nextPage": ["/users?offset=100"]}),
            json!({"nextPage": {"href": "/users?offset=100"}}),
            json!({"links": "/users?offset=100"}),
            json!({"links": [{"rel": "next"}]}),
            json!({"links": {"next": {}}}),
            json!({"skipToken": {}}),
            json!({"skipToken": true}),
            json!({"skipToken": -1}),
            json!({"nextPage": long}),
        ] {
            assert_eq!(Cursor::next_page(&value), Err(ApiError::Malformed), "{value}");
        }
        for value in [json!({ "skipToken": long }), json!({"skipToken": {}}), json!({"nextPage": {}})] {
            assert_eq!(Cursor::skip_token(&value), Err(ApiError::Malformed), "{value}");
        }
    }

    #[test]
    fn a_skip_token_is_sent_back_as_such() {
        let token = |value: Value| Cursor::skip_token(&value).expect("a cursor or none").map(|cursor| cursor.0);
        assert_eq!(token(json!({"skipToken": "200"})).as_deref(), Some("skipToken=200"));
        assert_eq!(token(json!({"skipToken": "/a?b"})).as_deref(), Some("skipToken=%2Fa%3Fb"));
        assert_eq!(token(json!({"skipToken": 200})).as_deref(), Some("skipToken=200"));
        assert_eq!(token(json!({"skipToken": "", "nextPage": "/a?skipToken=t"})).as_deref(), Some("skipToken=t"));
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
