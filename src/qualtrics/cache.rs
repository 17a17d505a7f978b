//! What an instance caches between calls, and what one call uses for several requests.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::account_guard::AccountGuard;
use super::api::contact_lists::ListReader;
use super::api::erasures::ErasureJob;
use super::api::error::ApiError;
use super::api::users::Users;
use super::ticket::Reference;
use crate::contract::Error;
use crate::privacy::document_stream::DocumentStream;
use crate::secret::Secret;

/// The accounts of a brand, as far as an instance has cached them.
#[derive(Default)]
pub struct Accounts {
    /// The connection's own account.
    pub own: Option<OwnAccount>,
    /// All users.
    pub users: Users,
}

/// The connection's own account.
#[derive(Clone)]
pub struct OwnAccount {
    /// When it was fetched, by the monotonic clock, in milliseconds.
    pub fetched_at_ms: u64,
    /// Every address and user name of the account, as keys.
    pub names: Vec<Secret>,
    /// Its user ID.
    pub user_id: Option<String>,
}

/// A document that is being read: the connection stays open between two calls of `read`.
pub struct OpenDocument {
    /// How to read it.
    pub reference: Reference,
    /// The rest of it.
    pub stream: DocumentStream,
    /// The position in the list that its parts come from, if it is one.
    pub list: Option<ListReader>,
}

/// What one call of the contract has read, and uses for all its requests.
#[derive(Default)]
pub struct CallCache {
    /// The IDs of all directories.
    pub directories: Option<Vec<String>>,
    /// The erasures that were requested by ID, for receipts. `None` if the response cannot be read.
    pub erasures: BTreeMap<String, Result<Option<Rc<ErasureJob>>, ApiError>>,
    /// Why accounts could not be loaded, by what was needed of them.
    pub account_failures: BTreeMap<AccountGuard, Error>,
    /// Whether the share of contact searches was too small for a request. Later requests do not search, so that each comes first once.
    pub is_search_share_exhausted: bool,
}
