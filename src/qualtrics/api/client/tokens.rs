//! Requesting access tokens, and finding out which scopes are missing.

use super::Client;
use crate::qualtrics::api::error::{ApiError, ErrorForm, ErrorResponse};
use crate::qualtrics::api::oauth::{self, Token};
use crate::qualtrics::scopes::Scopes;

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
