//! What an instance caches between calls.

use super::api::users::Users;
use super::ticket::Reference;
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
}
