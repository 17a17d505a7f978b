//! The OAuth 2.0 client credentials grant (RFC 6749, section 4.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::json::count;
use super::{Method, Origin, Request};
use crate::secret::Secret;

/// The credentials of an OAuth client.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The client ID. Contains no colon.
    pub client_id: Secret,
    /// The client secret.
    pub client_secret: Secret,
}

/// An access token.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The value of the `authorization` header.
    pub header: Secret,
    /// The names of the granted scopes, if the response lists them: a server may grant fewer than were requested (section 5.1).
    pub scope: Option<Vec<String>>,
    /// When to request another token, on the monotonic clock: a minute before this one expires.
    pub stale_at_ms: u64,
}

/// The longest lifetime of a token that is trusted, and the lifetime if the response names none, in seconds.
const MAX_LIFETIME_S: u64 = 3_600;

/// How long before its expiry a token is stale, in seconds. Of a token that lives shorter than twice this, half the lifetime.
const MARGIN_S: u64 = 60;

/// What is encoded in a form body.
const FORM_ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// The request for a token with these scopes: HTTP Basic authentication and a form body.
#[must_use]
pub fn token_request(origin: &Origin, path: &str, credentials: &Credentials, scopes: &[&str]) -> Request {
    let pair = Secret::new(format!("{}:{}", credentials.client_id.reveal(), credentials.client_secret.reveal()));
    let names: Vec<String> = scopes.iter().map(|name| utf8_percent_encode(name, FORM_ENCODED).to_string()).collect();
    Request {
        method: Method::Post,
        origin: origin.clone(),
        path: path.to_owned(),
        headers: vec![
            ("authorization", Secret::new(format!("Basic {}", STANDARD.encode(pair.reveal())))),
            ("content-type", Secret::new("application/x-www-form-urlencoded")),
            ("accept", Secret::new("application/json")),
        ],
        body: format!("grant_type=client_credentials&scope={}", names.join("+")).into_bytes(),
    }
}

/// The token in a successful response (section 5.1). `None` if there is none, or it could not be sent in a header.
#[must_use]
pub fn parse_token(body: &Value, now_ms: u64) -> Option<AccessToken> {
    let token = body.get("access_token")?.as_str()?;
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let lifetime_s = body.get("expires_in").and_then(count).filter(|seconds| *seconds > 0);
    let lifetime_s = lifetime_s.unwrap_or(MAX_LIFETIME_S).min(MAX_LIFETIME_S);
    let fresh_s = lifetime_s.saturating_sub(MARGIN_S.min(lifetime_s / 2));
    let scope = body.get("scope").and_then(Value::as_str);
    Some(AccessToken {
        header: Secret::new(format!("Bearer {token}")),
        scope: scope.map(|names| names.split([' ', ',']).map(str::to_owned).collect()),
        stale_at_ms: now_ms.saturating_add(fresh_s.saturating_mul(1_000)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_request_authenticates_with_basic_and_encodes_the_scopes() {
        let credentials = Credentials { client_id: Secret::new("id"), client_secret: Secret::new("s>?é") };
        let origin = Origin::new(true, "a.example".to_owned());
        let request = token_request(&origin, "/token", &credentials, &["read:a", "read:b"]);
        assert_eq!(request.headers[0].1.reveal(), "Basic aWQ6cz4/w6k=");
        assert_eq!(request.body, b"grant_type=client_credentials&scope=read%3Aa+read%3Ab");
    }

    #[test]
    fn a_token_is_stale_a_minute_before_it_expires() {
        let stale = |body| parse_token(&body, 1_000).map(|token| token.stale_at_ms);
        assert_eq!(stale(json!({"access_token": "t", "expires_in": 600})), Some(541_000));
        assert_eq!(stale(json!({"access_token": "t", "expires_in": "600"})), Some(541_000));
        assert_eq!(stale(json!({"access_token": "t", "expires_in": 30})), Some(16_000));
        assert_eq!(stale(json!({"access_token": "t"})), Some(3_541_000));
        assert_eq!(stale(json!({"access_token": "t", "expires_in": -1})), Some(3_541_000));
        assert_eq!(stale(json!({"access_token": "t", "expires_in": 99_999_999_999_u64})), Some(3_541_000));
    }

    #[test]
    fn a_token_that_would_break_a_header_is_rejected() {
        for token in [json!("a\r\nx: y"), json!(""), json!("a b"), json!(7), json!(null)] {
            assert!(parse_token(&json!({ "access_token": token }), 0).is_none(), "{token}");
        }
    }

    #[test]
    fn granted_scopes_are_taken_from_the_response() {
        let scope = |body| parse_token(&body, 0).and_then(|token| token.scope);
        assert_eq!(
            scope(json!({"access_token": "t", "scope": "read:a openid"})),
            Some(vec!["read:a".into(), "openid".into()])
        );
        assert_eq!(scope(json!({"access_token": "t"})), None);
    }
}
