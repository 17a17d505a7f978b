//! Requesting access tokens, and finding out which scopes are missing.

use super::Client;
use crate::http::{Request, Response, TransportError};
use crate::qualtrics::api::error::{ApiError, ErrorForm, ErrorResponse};
use crate::qualtrics::api::oauth::{self, Token};
use crate::qualtrics::scopes::{Scope, Scopes};

impl Client<'_> {
    /// Makes sure that there is a token for these scopes. Returns the scopes that the response names as granted, if it names any.
    ///
    /// # Errors
    /// [`ApiError::MissingScopes`] names the missing scopes if they can be found out.
    pub fn sign_in(&mut self, scopes: &Scopes) -> Result<Option<Scopes>, ApiError> {
        self.token(scopes).map(|token| token.granted)
    }

    /// A token for these scopes, from the cache or from Qualtrics.
    pub(super) fn token(&mut self, scopes: &Scopes) -> Result<Token, ApiError> {
        if let Some(token) = self.session.token(scopes, self.clock.monotonic_ms()) {
            return Ok(token);
        }
        match self.request_tokens(std::slice::from_ref(scopes)).pop().unwrap_or(Err(ApiError::DeadlineExceeded)) {
            Ok(token) => {
                self.session.cache_token(token.clone());
                Ok(token)
            }
            Err(error) => Err(self.find_missing(scopes, error)),
        }
    }

    /// Requests tokens for optional scopes beside the next calls, which saves a round trip. What is known about a scope is not asked for
    /// again.
    pub fn prepare_tokens(&mut self, optional: Scopes) {
        self.prepared = optional;
    }

    /// Whether Qualtrics refused a token or a call for an optional scope in the last minutes.
    #[must_use]
    pub fn is_refused(&self, scope: Scope) -> bool {
        self.session.is_refused(scope, self.clock.monotonic_ms())
    }

    /// Notes that Qualtrics refuses what an optional scope is for, so that it is not called for a while.
    pub fn note_refused(&mut self, scope: Scope) {
        self.session.note_refused(scope, self.clock.monotonic_ms());
    }

    /// A token for an optional scope, from the cache or from Qualtrics.
    ///
    /// # Errors
    /// [`ApiError::MissingScopes`] if the scope is not granted.
    pub(super) fn optional_token(&mut self, scope: Scope) -> Result<Token, ApiError> {
        let scopes = Scopes::from([scope]);
        if let Some(token) = self.session.token(&scopes, self.clock.monotonic_ms()) {
            return Ok(token);
        }
        if self.is_refused(scope) {
            return Err(ApiError::MissingScopes(scopes));
        }
        let requested = self.request_tokens(&[scopes]).pop().unwrap_or(Err(ApiError::DeadlineExceeded));
        self.note_optional(scope, requested)
    }

    /// Caches the token for an optional scope, or that the scope is refused.
    fn note_optional(&mut self, scope: Scope, token: Result<Token, ApiError>) -> Result<Token, ApiError> {
        let is_granted = |token: &Token| token.granted.as_ref().is_none_or(|granted| granted.contains(&scope));
        match token {
            Ok(token) if is_granted(&token) => {
                self.session.cache_token(token.clone());
                return Ok(token);
            }
            Ok(_) | Err(ApiError::MissingScopes(_)) => {}
            Err(ApiError::TokenRejected(response)) if may_be_about_scopes(&response) => {}
            Err(error) => return Err(error),
        }
        self.note_refused(scope);
        Err(ApiError::MissingScopes(Scopes::from([scope])))
    }

    /// Sends requests, and the prepared token requests beside them. Those are not repeated: a call that needs the token asks again.
    pub(super) fn exchange_with_tokens(&mut self, mut requests: Vec<Request>) -> Vec<Result<Response, TransportError>> {
        let calls = requests.len();
        let now_ms = self.clock.monotonic_ms();
        let unknown: Vec<Scope> = std::mem::take(&mut self.prepared)
            .into_iter()
            .filter(|scope| !self.is_refused(*scope) && self.session.token(&Scopes::from([*scope]), now_ms).is_none())
            .collect();
        let (origin, credentials) = (self.session.origin(), self.session.credentials());
        requests.extend(unknown.iter().map(|scope| oauth::request(origin, credentials, &Scopes::from([*scope]))));
        let mut responses = self.exchange(requests);
        let of_tokens = responses.split_off(calls.min(responses.len()));
        let (now_ms, now_s) = (self.clock.monotonic_ms(), self.now_s());
        for (scope, response) in unknown.into_iter().zip(of_tokens) {
            let Ok(response) = response else { continue };
            let token = oauth::parse(&response, &Scopes::from([scope]), now_ms, now_s);
            // An error leaves open whether the scope is granted.
            let _ = self.note_optional(scope, token);
        }
        responses
    }

    /// Requests tokens concurrently, one for each set of scopes.
    fn request_tokens(&mut self, sets: &[Scopes]) -> Vec<Result<Token, ApiError>> {
        self.with_retries(sets.len(), &|_, _| true, &mut |client, indices| {
            let attempted: Vec<&Scopes> = indices.iter().filter_map(|index| sets.get(*index)).collect();
            let (origin, credentials) = (client.session.origin(), client.session.credentials());
            let requests = attempted.iter().map(|scopes| oauth::request(origin, credentials, scopes)).collect();
            let responses = client.exchange(requests);
            let (now_ms, now_s) = (client.clock.monotonic_ms(), client.now_s());
            let tokens = attempted.into_iter().zip(responses).map(|(scopes, response)| {
                let response = response.map_err(ApiError::Transport)?;
                oauth::parse(&response, scopes, now_ms, now_s)
            });
            Ok(tokens.collect())
        })
    }

    /// The error of a rejected token request, with exactly the scopes that are missing.
    ///
    /// The error does not name the missing scope, so one token is requested per scope. If one succeeds, the credentials are valid.
    fn find_missing(&mut self, requested: &Scopes, error: ApiError) -> ApiError {
        let names_scopes = match &error {
            ApiError::MissingScopes(_) => true,
            ApiError::TokenRejected(response) if may_be_about_scopes(response) => false,
            _ => return error,
        };
        if requested.len() < 2 {
            return error;
        }
        let singles: Vec<Scopes> = requested.iter().map(|scope| Scopes::from([*scope])).collect();
        let mut missing = Scopes::new();
        for (scope, token) in requested.iter().zip(self.request_tokens(&singles)) {
            match token {
                Ok(_) => {}
                Err(ApiError::MissingScopes(_)) => {
                    missing.insert(*scope);
                }
                Err(ApiError::TokenRejected(response)) if !names_scopes && may_be_about_scopes(&response) => {
                    missing.insert(*scope);
                }
                Err(other) => return other,
            }
        }
        match names_scopes {
            false if missing.is_empty() || missing == *requested => error,
            // Each is granted alone, and not all together: it is unknown which are missing.
            true if missing.is_empty() => ApiError::MissingScopes(requested.clone()),
            _ => ApiError::MissingScopes(missing),
        }
    }
}

/// Whether a rejected token request may be one for a scope that is not granted, although the response names no reason. That of a proxy
/// is not.
const fn may_be_about_scopes(response: &ErrorResponse) -> bool {
    let is_possible = match response.form {
        ErrorForm::Foreign => false,
        ErrorForm::Blank => matches!(response.status, 400 | 401),
        _ => matches!(response.status, 400 | 401 | 403),
    };
    response.code.is_none() && is_possible
}
