//! One call of the contract: the client, the settings, and what an instance happens to remember.

use super::contract::{Amount, Error, Finding, Outcome, Receipt, Report, Request, Right, SourceState};
use super::documents::Kept;
use super::errors;
use super::guard::Accounts;
use super::manifest;
use super::settings::{AccountGuard, Settings};
use super::ticket::Aim;
use crate::http::{Clock, Transport};
use crate::prelude::*;
use crate::qualtrics::Client;
use crate::qualtrics::envelope::Trouble;
use crate::qualtrics::oauth::{Scope, Scopes};

/// What every part of the connector works with during a call.
pub struct Call<'a, T: Transport, C: Clock> {
    /// The way to Qualtrics.
    pub client: Client<'a, T, C>,
    /// The connection's settings.
    pub settings: &'a Settings,
    /// The accounts that a deletion must not touch, as far as they were read.
    pub accounts: &'a mut Accounts,
    /// The document that is being read.
    pub kept: &'a mut Option<Kept<T::Body>>,
}

impl<T: Transport, C: Clock> Call<'_, T, C> {
    /// The scopes that a right needs, with these settings.
    #[must_use]
    pub fn need(&self, right: Right) -> Scopes {
        scopes_for(right, self.settings)
    }

    /// The contract's error for trouble with something that needed `scope`.
    #[must_use]
    pub fn error(&self, trouble: &Trouble, scope: Scope) -> Error {
        errors::from_trouble(trouble, Some(scope), &self.settings.origin.to_text())
    }

    /// The last word about a request.
    #[must_use]
    pub fn report(&self, request: &Request, aim: Aim, outcome: Outcome, submitted_at: Option<u64>) -> Report {
        Report {
            right: aim.right(),
            outcome,
            findings: Vec::new(),
            documents: Vec::new(),
            also_known_as: Vec::new(),
            gaps: manifest::gaps(aim.right()),
            receipt: Receipt {
                connector: manifest::CONNECTOR,
                request_key: request.key.clone(),
                mode: aim.mode(),
                jobs: Vec::new(),
                submitted_at,
                finished_at: self.client.now_s(),
            },
            ticket: None,
            extra: Vec::new(),
        }
    }
}

/// The scopes that a right needs, with these settings.
#[must_use]
pub fn scopes_for(right: Right, settings: &Settings) -> Scopes {
    match right {
        Right::Access => Scopes::of(&[Scope::CustomerData, Scope::Directories, Scope::Contacts]),
        Right::Deletion => {
            let guard = match settings.account_guard {
                AccountGuard::Off => Scopes::default(),
                AccountGuard::AllUsers | AccountGuard::OwnAccount => Scopes::of(&[Scope::Users]),
            };
            Scopes::of(&[Scope::Erasure, Scope::Directories, Scope::Contacts]).and(guard)
        }
    }
}

impl Finding {
    /// A source that was searched for these names.
    #[must_use]
    pub fn searched(source: &str, amount: Amount, names: Vec<u32>) -> Self {
        Self { source: source.to_owned(), state: SourceState::Searched, amount, names, code: None, note: None }
    }

    /// A source that did not answer for these names.
    #[must_use]
    pub fn unanswered(
        source: &str,
        state: SourceState,
        names: Vec<u32>,
        code: &'static str,
        note: &'static str,
    ) -> Self {
        Self { source: source.to_owned(), state, amount: Amount::Unknown, names, code: Some(code), note: Some(note) }
    }
}
