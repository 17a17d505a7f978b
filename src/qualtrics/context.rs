//! One call of the contract: the client, the settings, and what the instance caches.

use super::api::client::Client;
use super::api::error::ApiError;
use super::cache::{Accounts, CallCache, OpenDocument};
use super::error_mapping;
use super::manifest;
use super::scopes::{Scope, Scopes, required_scopes};
use super::settings::Settings;
use super::ticket::Operation;
use crate::contract::{Error, Outcome, Receipt, Report, Request, Right};

/// What every part of the connector works with during a call.
pub struct Context<'a> {
    /// The API client.
    pub client: Client<'a>,
    /// The connection's settings.
    pub settings: &'a Settings,
    /// The accounts that a deletion must not reach, as far as they are cached.
    pub accounts: &'a mut Accounts,
    /// The document that is being read.
    pub open_document: &'a mut Option<OpenDocument>,
    /// What this call has read, for all its requests.
    pub call_cache: CallCache,
    /// The bytes of documents that this call may still return inline.
    pub inline_bytes_left: usize,
}

/// The bytes of documents that one call returns inline.
pub const MAX_INLINE_BYTES_PER_CALL: usize = 1024 * 1024;

impl Context<'_> {
    /// The scopes that a right requires, with these settings.
    #[must_use]
    pub fn scopes(&self, right: Right) -> Scopes {
        required_scopes(right, self.settings.account_guard)
    }

    /// The contract's error for an API error of a call that required `scope`.
    #[must_use]
    pub fn error(&self, error: &ApiError, scope: Scope) -> Error {
        error_mapping::to_contract_error(error, Some(scope), &self.settings.origin.to_text())
    }

    /// The final report of a request, without findings and documents.
    #[must_use]
    pub fn report(
        &self,
        request: &Request,
        operation: Operation,
        outcome: Outcome,
        submitted_at: Option<u64>,
    ) -> Report {
        Report {
            right: operation.right(),
            outcome,
            findings: Vec::new(),
            documents: Vec::new(),
            discovered: Vec::new(),
            gaps: manifest::gaps(operation.right()),
            receipt: Receipt {
                connector: manifest::CONNECTOR.to_owned(),
                request_id: request.id.clone(),
                mode: operation.mode(),
                jobs: Vec::new(),
                submitted_at,
                finished_at: self.client.now_s(),
            },
            ticket: None,
        }
    }
}
