//! Where a list goes on.
//!
//! Qualtrics sends an absolute URL, a bare token or nothing; a proxied answer even sends a URL of another host (fact
//! sheet 1, 8.1, 10). Only the query is taken, and asked of the configured host: a cursor can never lead elsewhere.

use super::envelope::Trouble;
use super::word::mentions;
use crate::json::Json;
use crate::prelude::*;

/// The next page of a list: a query that is safe in a URL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor(String);

/// Longer cursors are refused: nothing sensible is that long, and they go into tickets.
const LONGEST: usize = 2_048;

impl Cursor {
    /// The cursor in a list's `result`; none at the end of the list.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] if there is a next page, but no way to ask for it: the list would look shorter than it is.
    pub fn next_page(result: &Json) -> Result<Option<Self>, Trouble> {
        let next = result.get("nextPage").filter(|value| !value.is_null());
        let href = result.get("links").and_then(|links| links.get("next"));
        let href = href.map(|next| next.get("href").unwrap_or(next));
        let token = result.get("skipToken");
        match next.or(href).or(token) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Text(text)) if text.is_empty() => Ok(None),
            Some(Json::Text(text)) => Self::parse(text).map(Some).ok_or(Trouble::Unreadable),
            Some(offset @ Json::Number(_)) => {
                offset.as_u64().map(|offset| Some(Self::offset(offset))).ok_or(Trouble::Unreadable)
            }
            Some(_) => Err(Trouble::Unreadable),
        }
    }

    /// The cursor of a contact search: `result.skipToken`, to be given back as `skipToken` (fact sheet 8.2, official).
    ///
    /// # Errors
    /// As [`Self::next_page`].
    pub fn skip_token(result: &Json) -> Result<Option<Self>, Trouble> {
        match result.get("skipToken") {
            Some(Json::Text(token)) if !token.is_empty() && token.len() <= LONGEST => {
                Ok(Some(Self(["skipToken=", &encode(token)].concat())))
            }
            Some(Json::Text(token)) if token.len() > LONGEST => Err(Trouble::Unreadable),
            _ => Self::next_page(result),
        }
    }

    /// The page that begins at a position, in lists that count them.
    #[must_use]
    pub fn offset(offset: u64) -> Self {
        Self(["offset=", &offset.to_string()].concat())
    }

    /// A cursor from a ticket, which may be forged: it still is nothing but a query.
    #[must_use]
    pub fn from_hint(text: &str) -> Option<Self> {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%=&".contains(&byte);
        (!text.is_empty() && text.len() <= LONGEST && text.bytes().all(safe)).then(|| Self(text.to_owned()))
    }

    /// The query, percent-encoded.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.0
    }

    /// The position, where the list counts them.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        self.0.split('&').find_map(|pair| pair.strip_prefix("offset=")).and_then(|offset| offset.parse().ok())
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let Some((before, query)) = text.split_once('?') else {
            // A URL without a query names a page that cannot be asked of this host; anything else is a bare token.
            if mentions(text, "://") || text.starts_with('/') {
                return None;
            }
            let name = if text.bytes().all(|byte| byte.is_ascii_digit()) { "offset=" } else { "skipToken=" };
            return Some(Self([name, &encode(text)].concat()));
        };
        // A token could itself hold a question mark: only a URL or a path stands before a query.
        if !(before.is_empty() || before.as_bytes().contains(&b'/')) {
            return Some(Self(["skipToken=", &encode(text)].concat()));
        }
        let query = query.split('#').next().unwrap_or_default();
        let pairs: Vec<String> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(key, _)| !matches!(*key, "proxyDepth" | "proxyInfo" | "pageSize"))
            .map(|(key, value)| [&keep_encoding(key), "=", &keep_encoding(value)].concat())
            .collect();
        (!pairs.is_empty()).then(|| Self(pairs.join("&")))
    }
}

/// Percent-encodes everything that is not unreserved (RFC 3986).
#[must_use]
pub fn encode(text: &str) -> String {
    escape(text, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// Percent-encodes what may not stand in a query, and leaves what is encoded already.
fn keep_encoding(text: &str) -> String {
    escape(text, |byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
}

fn escape(text: &str, safe: impl Fn(u8) -> bool) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if safe(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            for nibble in [byte >> 4, byte & 15] {
                escaped.push(char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0')));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn next(value: serde_json::Value) -> Option<String> {
        Cursor::next_page(&value.into()).expect("readable").map(|cursor| cursor.query().to_owned())
    }

    #[test]
    fn every_form_of_a_next_page_is_a_query_and_no_host() {
        let url = "https://elsewhere.example/API/v3/users?offset=100&proxyDepth=1&proxyInfo=x&pageSize=100";
        assert_eq!(next(json!({ "nextPage": url })).as_deref(), Some("offset=100"));
        assert_eq!(next(json!({"nextPage": "abc+/="})).as_deref(), Some("skipToken=abc%2B%2F%3D"));
        assert_eq!(next(json!({"nextPage": 200})).as_deref(), Some("offset=200"));
        assert_eq!(
            next(json!({"links": {"next": {"href": "/users?skipToken=a%2B"}}})).as_deref(),
            Some("skipToken=a%2B")
        );
        assert_eq!(next(json!({"skipToken": "t"})).as_deref(), Some("skipToken=t"));
    }

    #[test]
    fn the_end_of_a_list_has_many_forms() {
        for value in [json!({}), json!({"nextPage": null}), json!({"nextPage": ""}), json!({"links": {"next": null}})] {
            assert_eq!(next(value), None);
        }
    }

    #[test]
    fn a_next_page_that_cannot_be_asked_for_is_no_end() {
        for value in
            [json!({"nextPage": "https://elsewhere.example/users/2"}), json!({"nextPage": {}}), json!({"nextPage": -1})]
        {
            assert!(Cursor::next_page(&value.clone().into()).is_err(), "{value}");
        }
    }

    #[test]
    fn a_cursor_cannot_break_out_of_its_query() {
        let cursor = next(json!({"nextPage": "/x?a=b c\r\nHost: d#e"})).expect("a cursor");
        assert_eq!(cursor, "a=b%20c%0D%0AHost%3A%20d");
        assert!(Cursor::from_hint("a=b\r\n").is_none());
        assert!(Cursor::from_hint("a=b#c").is_none());
    }

    #[test]
    fn positions_are_read_where_the_list_counts_them() {
        assert_eq!(Cursor::offset(300).position(), Some(300));
        assert_eq!(Cursor::parse("x/?skipToken=abc").and_then(|cursor| cursor.position()), None);
    }
}
