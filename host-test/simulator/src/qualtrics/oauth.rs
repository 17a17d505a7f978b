//! Access tokens, API tokens and authorization: the fact sheet, section 2.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::brand::{Client, User};
use super::dialects::{
    ExpiredToken, MissingScope, NotAdministrator, OauthError, OauthStatus, TokenMembers, TokenScope, WrongDatacenter,
};
use super::envelope::{EndpointResult, MESSAGE_CANARY};
use super::state::{State, Token};
use crate::server::{Request, Response};

/// The start of every access token.
pub const TOKEN_CANARY: &str = "sample-token-that-nobody-may-see";

/// The role that an endpoint requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Any,
    Administrator,
}

impl State {
    /// `POST /oauth2/token`, also below `/API/v3`
    pub(super) fn token(&mut self, request: &Request) -> EndpointResult {
        let client = self.authenticate(request)?;
        let form = request.form();
        let member = |name: &str| form.get(name).and_then(Value::as_str).unwrap_or_default();
        if !request.has_media_type("application/x-www-form-urlencoded") {
            return Err(self.oauth_error(400, "invalid_request"));
        }
        if member("grant_type") != "client_credentials" {
            return Err(self.oauth_error(400, "unsupported_grant_type"));
        }
        let granted: BTreeSet<_> = client.scopes.iter().cloned().collect();
        let requested: BTreeSet<_> = member("scope").split_whitespace().map(str::to_owned).collect();
        let requested = if requested.is_empty() { granted.clone() } else { requested };
        let scopes: BTreeSet<_> = requested.intersection(&granted).cloned().collect();
        if scopes != requested && self.dialects.missing_scope == MissingScope::InvalidScope {
            return Err(self.oauth_error(400, "invalid_scope"));
        }
        let secret = format!("{TOKEN_CANARY}.{}.{}", self.uuid(), self.uuid());
        let seconds = self.token_lifetime.as_secs();
        let mut body = match self.dialects.token_members {
            TokenMembers::All => json!({ "token_type": "Bearer", "expires_in": seconds }),
            TokenMembers::StringExpiry => json!({ "token_type": "Bearer", "expires_in": seconds.to_string() }),
            TokenMembers::Minimal => json!({}),
        };
        let joined = |scopes: &BTreeSet<String>| scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        match self.dialects.token_scope {
            TokenScope::Echoed => body["scope"] = joined(&requested).into(),
            TokenScope::Absent => {}
            TokenScope::Reduced => body["scope"] = joined(&scopes).into(),
        }
        body["access_token"] = secret.as_str().into();
        self.tokens.insert(secret, Token { user: client.user, scopes, expires: self.now() + self.token_lifetime });
        Ok(self.json(200, &body).with_header("cache-control", "no-store"))
    }

    /// The OAuth client whose credentials a token request has. Its user must exist.
    fn authenticate(&mut self, request: &Request) -> Result<Client, Response> {
        let client = request.basic_credentials().and_then(|(id, secret)| {
            let mut clients = self.brand.clients.iter();
            clients.find(|client| client.id == id && client.secret == secret).cloned()
        });
        let client = client.filter(|client| self.brand.users.iter().any(|user| user.id == client.user));
        let misplaced = self.wrong_datacenter && self.dialects.wrong_datacenter == WrongDatacenter::Token;
        match client {
            Some(client) if !misplaced => Ok(client),
            _ => Err(self.oauth_error(401, "invalid_client")),
        }
    }

    fn oauth_error(&mut self, status: u16, error: &str) -> Response {
        let status = match self.dialects.oauth_status {
            OauthStatus::Rfc6749 => status,
            OauthStatus::Always400 => 400,
            OauthStatus::Always401 => 401,
            OauthStatus::Always200 => 200,
        };
        let response = match self.dialects.oauth_error {
            OauthError::Rfc6749 => {
                let description = format!("The client of {MESSAGE_CANARY} is not served.");
                self.json(status, &json!({ "error": error, "error_description": description }))
            }
            OauthError::Envelope => self.error(status, error),
            OauthError::Empty => Response::new(status, "text/plain", ""),
        };
        if status == 401 { response.with_header("www-authenticate", "Basic realm=\"oauth2\"") } else { response }
    }

    /// The user for whom a call is made. The credential must be valid and have one of these scopes, and the user must have this
    /// role. No scope suffices if there are none to choose from.
    pub(super) fn authorize(&mut self, request: &Request, scopes: &[&str], role: Role) -> Result<User, Response> {
        let user = match request.header("x-api-token") {
            Some(token) => self.user_of_api_token(token)?,
            None => self.user_of_bearer(request, scopes)?,
        };
        if role == Role::Administrator && !user.administrator {
            let status = match self.dialects.not_administrator {
                NotAdministrator::Forbidden => 403,
                NotAdministrator::Unauthorized => 401,
            };
            return Err(self.error(status, "AuthZ_2.0"));
        }
        Ok(user)
    }

    /// The user with this API token, which has all scopes. Another data centre forwards the call: the fact sheet, section 1.
    fn user_of_api_token(&mut self, token: &str) -> Result<User, Response> {
        self.is_proxied = self.wrong_datacenter;
        let mut users = self.brand.users.iter();
        match users.find(|user| user.api_token.as_deref() == Some(token)).cloned() {
            Some(user) => Ok(user),
            None => Err(self.error(401, "DCD_7")),
        }
    }

    /// The user of an access token that has one of these scopes.
    fn user_of_bearer(&mut self, request: &Request, scopes: &[&str]) -> Result<User, Response> {
        if !request.has_header("authorization") {
            return Err(self.error(400, "ATP_2"));
        }
        let token = request.authorization("bearer").and_then(|secret| self.tokens.get(secret)).cloned();
        let user = token.as_ref().and_then(|token| self.brand.users.iter().find(|user| user.id == token.user)).cloned();
        let (Some(token), Some(user), false) = (token, user, self.wrong_datacenter) else {
            return Err(self.error(401, "DCD_7"));
        };
        if token.expires <= self.now() {
            let code = match self.dialects.expired_token {
                ExpiredToken::Dcd7 => "DCD_7",
                ExpiredToken::Auth6 => "AUTH_6.0",
            };
            return Err(self.error(401, code));
        }
        if !scopes.is_empty() && !scopes.iter().any(|&scope| token.scopes.contains(scope)) {
            let status = match self.dialects.missing_scope {
                MissingScope::Unauthorized => 401,
                MissingScope::InvalidScope | MissingScope::Forbidden => 403,
            };
            return Err(self.error(status, "AuthZ_2.0"));
        }
        Ok(user)
    }
}
