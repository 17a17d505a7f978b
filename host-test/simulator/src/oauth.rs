//! Signing in, and who may do what: the fact sheet, section 2.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Answered};
use super::ask::Ask;
use super::brand::User;
use super::dialects::{
    ExpiredToken, MissingScope, NotAdministrator, OauthError, OauthStatus, TokenMembers, TokenScope, WrongDatacenter,
};
use super::state::State;

/// Every token begins with this.
pub const TOKEN_CANARY: &str = "sample-token-that-nobody-may-see";

/// A token that was given out.
#[derive(Clone, Debug)]
pub(super) struct Token {
    user: String,
    scopes: BTreeSet<String>,
    expires: Duration,
}

/// The role that an endpoint needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Any,
    Administrator,
}

impl State {
    /// `POST /oauth2/token`
    pub(super) fn token(&mut self, ask: &Ask) -> Answered {
        let client = ask.basic().and_then(|(id, secret)| {
            let mut clients = self.brand.clients.iter();
            clients.find(|client| client.id == id && client.secret == secret).cloned()
        });
        let client = client.filter(|client| self.brand.users.iter().any(|user| user.id == client.user));
        let misplaced = self.wrong_datacenter && self.dialects.wrong_datacenter == WrongDatacenter::Token;
        let Some(client) = client.filter(|_| !misplaced) else {
            return Err(self.oauth_error(401, "invalid_client"));
        };
        let form = ask.form();
        let member = |name: &str| form.get(name).and_then(Value::as_str).unwrap_or_default();
        if !ask.is("application/x-www-form-urlencoded") {
            return Err(self.oauth_error(400, "invalid_request"));
        }
        if member("grant_type") != "client_credentials" {
            return Err(self.oauth_error(400, "unsupported_grant_type"));
        }
        let granted: BTreeSet<_> = client.scopes.iter().cloned().collect();
        let asked: BTreeSet<_> = member("scope").split_whitespace().map(str::to_owned).collect();
        let asked = if asked.is_empty() { granted.clone() } else { asked };
        let scopes: BTreeSet<_> = asked.intersection(&granted).cloned().collect();
        if scopes != asked && self.dialects.missing_scope == MissingScope::InvalidScope {
            return Err(self.oauth_error(400, "invalid_scope"));
        }
        let secret = format!("{TOKEN_CANARY}.{}.{}", self.uuid(), self.uuid());
        let seconds = self.token_lifetime.as_secs();
        let mut answer = match self.dialects.token_members {
            TokenMembers::All => json!({ "token_type": "Bearer", "expires_in": seconds }),
            TokenMembers::StringExpiry => json!({ "token_type": "Bearer", "expires_in": seconds.to_string() }),
            TokenMembers::Minimal => json!({}),
        };
        let told = |scopes: &BTreeSet<String>| scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        match self.dialects.token_scope {
            TokenScope::Echoed => answer["scope"] = told(&asked).into(),
            TokenScope::Absent => {}
            TokenScope::Reduced => answer["scope"] = told(&scopes).into(),
        }
        answer["access_token"] = secret.as_str().into();
        self.tokens.insert(secret, Token { user: client.user, scopes, expires: self.now() + self.token_lifetime });
        Ok(self.json(200, &answer).with_header("cache-control", "no-store"))
    }

    fn oauth_error(&mut self, status: u16, error: &str) -> Answer {
        let status = match self.dialects.oauth_status {
            OauthStatus::Rfc6749 => status,
            OauthStatus::Always400 => 400,
            OauthStatus::Always401 => 401,
        };
        let answer = match self.dialects.oauth_error {
            OauthError::Rfc6749 => {
                let description = format!("The client of {} is not served.", super::MESSAGE_CANARY);
                self.json(status, &json!({ "error": error, "error_description": description }))
            }
            OauthError::Envelope => self.refusal(status, error),
            OauthError::Empty => Answer::new(status, "text/plain", ""),
        };
        if status == 401 { answer.with_header("www-authenticate", "Basic realm=\"oauth2\"") } else { answer }
    }

    /// The user as whom a call is made, if it may be made: the token is good, and has this scope and its user this role.
    pub(super) fn authorize(&mut self, ask: &Ask, scope: Option<&str>, role: Role) -> Result<User, Answer> {
        if !ask.headers.contains_key("authorization") {
            return Err(self.refusal(400, "ATP_2"));
        }
        let token = ask.authorization("bearer").and_then(|secret| self.tokens.get(secret)).cloned();
        let user = token.as_ref().and_then(|token| self.brand.users.iter().find(|user| user.id == token.user)).cloned();
        let (Some(token), Some(user), false) = (token, user, self.wrong_datacenter) else {
            return Err(self.refusal(401, "DCD_7"));
        };
        if token.expires <= self.now() {
            let code = match self.dialects.expired_token {
                ExpiredToken::Dcd7 => "DCD_7",
                ExpiredToken::Auth6 => "AUTH_6.0",
            };
            return Err(self.refusal(401, code));
        }
        if scope.is_some_and(|scope| !token.scopes.contains(scope)) {
            let status = match self.dialects.missing_scope {
                MissingScope::Unauthorized => 401,
                MissingScope::InvalidScope | MissingScope::Forbidden => 403,
            };
            return Err(self.refusal(status, "AuthZ_2.0"));
        }
        if role == Role::Administrator && !user.administrator {
            let status = match self.dialects.not_administrator {
                NotAdministrator::Forbidden => 403,
                NotAdministrator::Unauthorized => 401,
            };
            return Err(self.refusal(status, "AuthZ_2.0"));
        }
        Ok(user)
    }
}
