//! Access tokens of Qualtrics' token endpoint, and what its errors mean (fact sheet 2).

use std::collections::BTreeSet;

use serde_json::Value;

use super::envelope;
use super::error::ApiError;
use crate::http::oauth::{parse_token, token_request};
use crate::http::{Origin, Request, Response, json};
use crate::qualtrics::scopes::{Scope, Scopes};
use crate::secret::Secret;

pub use crate::http::oauth::Credentials;

/// The token endpoint. It is not below `/API/v3`.
const PATH: &str = "/oauth2/token";

/// An access token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The scopes that were requested.
    pub scopes: Scopes,
    /// The scopes that the response names as granted, if it names any.
    pub granted: Option<Scopes>,
    /// The value of the `authorization` header.
    pub header: Secret,
    /// When to request another token, on the monotonic clock.
    pub stale_at_ms: u64,
}

/// The request for a token. It always names the scopes: what a token without them may do is unconfirmed.
#[must_use]
pub fn request(origin: &Origin, credentials: &Credentials, scopes: &Scopes) -> Request {
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
    token_request(origin, PATH, credentials, &names)
}

/// Parses the response to [`request`].
///
/// # Errors
/// [`ApiError::MissingScopes`] with all requested scopes if the response reports a missing scope without naming it;
/// [`ApiError::TokenRejected`] if the request is rejected; [`ApiError::Response`] for a transient status; [`ApiError::Redirect`];
/// [`ApiError::Malformed`] if a successful response holds no token.
pub fn parse(response: &Response, scopes: &Scopes, now_ms: u64, now_s: u64) -> Result<Token, ApiError> {
    let body = json::parse(&response.body);
    let is_success = (200..300).contains(&response.head.status);
    // A token inside Qualtrics' envelope was never seen, and costs nothing to accept.
    let places = [body.as_ref(), body.as_ref().and_then(|body| body.get("result"))];
    let token = places.into_iter().flatten().find_map(|place| parse_token(place, now_ms));
    let Some(token) = token.filter(|_| is_success) else {
        return Err(error(response, body.as_ref(), scopes, now_s));
    };
    Ok(Token {
        scopes: scopes.clone(),
        granted: token.scope.and_then(known_scopes),
        header: token.header,
        stale_at_ms: token.stale_at_ms,
    })
}

/// The scopes with these names. `None` if no name is known: then the list is ignored.
fn known_scopes(names: Vec<String>) -> Option<Scopes> {
    let names: BTreeSet<String> = names.into_iter().collect();
    let known: Scopes = Scope::ALL.into_iter().filter(|scope| names.contains(scope.name())).collect();
    (!known.is_empty()).then_some(known)
}

fn error(response: &Response, body: Option<&Value>, scopes: &Scopes, now_s: u64) -> ApiError {
    let is_web_page = envelope::is_web_page(response);
    let head = &response.head;
    let response = envelope::error_response(head, head.status, body, now_s);
    let names_scope = response.code.as_ref().is_some_and(|code| code.to_ascii_lowercase().contains("scope"));
    match head.status {
        400..=403 if names_scope => ApiError::MissingScopes(scopes.clone()),
        408 | 409 | 425 | 429 | 500.. => ApiError::Response(response),
        // The status of a token request must not be mistaken for that of the API call.
        400.. => ApiError::TokenRejected(response),
        300..=399 => ApiError::Redirect(head.status),
        // An error of RFC 6749 with status 200 was never seen, but it is no token.
        _ if is_web_page || response.code.is_some() => ApiError::TokenRejected(response),
        _ => ApiError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ResponseHead;

    fn parse_body(status: u16, body: &str) -> Result<Token, ApiError> {
        let response = Response { head: ResponseHead { status, headers: Vec::new() }, body: body.as_bytes().to_vec() };
        parse(&response, &Scopes::from([Scope::Users, Scope::Erasure]), 1_000, 0)
    }

    #[test]
    fn a_missing_scope_is_told_apart_from_wrong_credentials() {
        for body in [r#"{"error":"invalid_scope"}"#, r#"{"meta":{"error":{"errorCode":"invalid_scope"}}}"#] {
            assert!(matches!(parse_body(400, body), Err(ApiError::MissingScopes(_))));
        }
        for body in [r#"{"error":"invalid_client"}"#, "", "<html>"] {
            assert!(matches!(parse_body(401, body), Err(ApiError::TokenRejected(_))));
        }
    }

    #[test]
    fn other_errors_of_the_token_endpoint_are_no_rejection() {
        assert!(matches!(parse_body(503, ""), Err(ApiError::Response(response)) if response.status == 503));
        assert_eq!(parse_body(302, "").err(), Some(ApiError::Redirect(302)));
        assert_eq!(parse_body(200, "{}").err(), Some(ApiError::Malformed));
        assert!(matches!(parse_body(200, r#"{"error":"invalid_client"}"#), Err(ApiError::TokenRejected(_))));
    }

    #[test]
    fn token_errors_have_no_call_status() {
        for (status, body) in [(200, "<html>"), (404, ""), (410, ""), (418, "{}")] {
            let error = parse_body(status, body).expect_err("no token");
            assert_eq!(error.status(), None);
        }
    }

    #[test]
    fn a_token_is_accepted_with_and_without_an_envelope() {
        for body in [r#"{"access_token":"t"}"#, r#"{"result":{"access_token":"t"},"meta":{}}"#] {
            assert_eq!(parse_body(200, body).map(|token| token.header.reveal().to_owned()), Ok("Bearer t".into()));
        }
    }

    #[test]
    fn the_response_may_grant_fewer_scopes_than_requested() {
        let granted = |body| parse_body(200, body).ok().and_then(|token| token.granted);
        let users = Scopes::from([Scope::Users]);
        assert_eq!(granted(r#"{"access_token":"t","scope":"read:users openid"}"#), Some(users));
        assert_eq!(granted(r#"{"access_token":"t","scope":"all"}"#), None);
    }
}
