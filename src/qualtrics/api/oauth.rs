//! Access tokens of Qualtrics' token endpoint, and what its errors mean (fact sheet 2).

use std::collections::BTreeSet;

use serde_json::Value;

use super::envelope;
use super::error::{ApiError, ErrorForm, ErrorResponse};
use super::sanitize;
use crate::http::oauth::{parse_token, token_request};
use crate::http::retry::is_transient_status;
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
    let head = &response.head;
    let is_success = (200..300).contains(&head.status);
    if is_success && body.is_some_and(|body| body.get("access_token").is_some()) {
        // There is a token, and it is not understood.
        return ApiError::Malformed;
    }
    let rejection = match envelope::parse(response, now_s) {
        // A success with the error of the token endpoint, or with one in the envelope that names no status.
        Err(ApiError::Response(rejection)) if is_success && matches!(rejection.status, 200..=299 | 500) => {
            envelope::error_response(head, head.status, body, now_s)
        }
        Err(ApiError::Response(rejection)) => rejection,
        Err(other) => return other,
        Ok(_) => return ApiError::Malformed,
    };
    let rejection = match body.filter(|_| rejection.form == ErrorForm::Foreign).and_then(oauth_code) {
        Some(code) => ErrorResponse { form: ErrorForm::OAuth, code: sanitize::code(code), ..rejection },
        None => rejection,
    };
    let form = rejection.form;
    let names_scope = rejection.code.as_ref().is_some_and(|code| code.to_ascii_lowercase().contains("scope"));
    let may_be_about_scopes = matches!(head.status, 200..=299 | 400..=403) && form != ErrorForm::Foreign;
    match rejection.status {
        _ if names_scope && may_be_about_scopes => ApiError::MissingScopes(scopes.clone()),
        status if is_transient_status(status) => ApiError::Response(rejection),
        // The status of a token request must not be mistaken for that of the API call.
        _ => ApiError::TokenRejected(rejection),
    }
}

/// The code of an error as RFC 6749, section 5.2, defines it. Whether Qualtrics' token endpoint follows it is unconfirmed (fact sheet 2).
/// Proxies and gateways have a member `error` as well, with a sentence or a word (`Forbidden`): all codes of the RFC are several words,
/// and other codes come with a description.
fn oauth_code(body: &Value) -> Option<&str> {
    let code = body.get("error").and_then(Value::as_str)?;
    let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (is_code && (code.contains('_') || body.get("error_description").is_some())).then_some(code)
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
            for status in [200, 400, 401, 403] {
                assert!(matches!(parse_body(status, body), Err(ApiError::MissingScopes(_))), "{status} {body}");
            }
        }
        for body in [r#"{"error":"invalid_client"}"#, "", "<html>"] {
            assert!(matches!(parse_body(401, body), Err(ApiError::TokenRejected(_))));
        }
    }

    #[test]
    fn other_errors_of_the_token_endpoint_are_no_rejection() {
        assert!(matches!(parse_body(503, ""), Err(ApiError::Response(response)) if response.status == 503));
        assert_eq!(parse_body(302, "").err(), Some(ApiError::Redirect(302)));
        assert!(matches!(parse_body(200, r#"{"error":"invalid_client"}"#), Err(ApiError::TokenRejected(_))));
    }

    fn form(status: u16, body: &str) -> Option<ErrorForm> {
        match parse_body(status, body) {
            Err(ApiError::TokenRejected(response)) => Some(response.form),
            _ => None,
        }
    }

    #[test]
    fn errors_of_the_token_endpoint_are_told_apart_from_those_of_proxies() {
        for status in [200, 400, 401, 403, 404] {
            for body in [
                r#"{"error":"invalid_client"}"#,
                r#"{"error":"unauthorized","error_description":"Full authentication is required"}"#,
            ] {
                assert_eq!(form(status, body), Some(ErrorForm::OAuth), "{status} {body}");
            }
            for body in [
                "<html>",
                "\u{FEFF}<!doctype html>",
                "{}",
                r#"{"message":"Forbidden"}"#,
                r#"{"error":"Unauthorized","status":401}"#,
                r#"{"error":"proxy authentication required"}"#,
                r#"{"error":{"code":403,"message":"insufficient scope"}}"#,
            ] {
                assert_eq!(form(status, body), Some(ErrorForm::Foreign), "{status} {body}");
            }
        }
        for status in [400, 401, 403, 404] {
            assert_eq!(form(status, " "), Some(ErrorForm::Blank));
            assert_eq!(form(status, "Access denied"), Some(ErrorForm::Foreign));
            assert_eq!(form(status, r#"{"meta":{"error":{"errorCode":"X_1"}}}"#), Some(ErrorForm::Envelope));
        }
    }

    #[test]
    fn a_token_that_is_not_understood_is_no_rejection() {
        for body in [r#"{"access_token":7}"#, r#"{"result":{"access_token":null}}"#, r#"{"access_token":"a"#, ""] {
            assert_eq!(parse_body(200, body).err(), Some(ApiError::Malformed), "{body}");
        }
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
