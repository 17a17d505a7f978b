//! The users of a brand, for the account guard: `GET /users` (fact sheet 5).
//!
//! An erasure also deletes the account of a user with the address (fact sheet 6.4). The list has no filter for addresses, so it is
//! read to its end.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::account::identifying_names;
use super::client::{Call, Client};
use super::cursor::Cursor;
use super::envelope::{self, ApiResponse, first_of};
use super::error::ApiError;
use crate::qualtrics::scopes::Scopes;

/// How long the list is cached, in milliseconds.
const TTL_MS: u64 = 600_000;

/// The names of a brand's users, as hashes: the cache holds no addresses.
#[derive(Default)]
pub struct Users {
    names: BTreeSet<u64>,
    /// The next page; `None` once the list was read to its end.
    next: Option<Cursor>,
    seen: Vec<Cursor>,
    /// When the first page was read, on the monotonic clock; `None` while nothing is cached.
    started_at_ms: Option<u64>,
}

impl Users {
    /// The call for the first page.
    #[must_use]
    pub fn call() -> Call {
        Call::get("/users")
    }

    /// Whether a list is cached that was started within the last ten minutes. It may be incomplete.
    #[must_use]
    pub fn are_fresh(&self, now_ms: u64) -> bool {
        self.started_at_ms.is_some_and(|started_at_ms| now_ms.saturating_sub(started_at_ms) <= TTL_MS)
    }

    /// Replaces the cached list by its first page.
    ///
    /// # Errors
    /// If the page is malformed: then nothing is cached.
    pub fn start(&mut self, first_page: &ApiResponse, now_ms: u64) -> Result<(), ApiError> {
        *self = Self { started_at_ms: Some(now_ms), ..Self::default() };
        self.add_page(first_page)
    }

    /// Reads the rest of the list. If the call has no time or share left, the pages that were read stay cached, and the next call
    /// continues.
    ///
    /// # Errors
    /// [`ApiError::Malformed`] if a page is malformed or the pages repeat, and any error of the call for a page. An incomplete list
    /// proves nothing.
    pub fn complete(&mut self, client: &mut Client<'_>, scopes: &Scopes) -> Result<(), ApiError> {
        while let Some(cursor) = &self.next {
            let page = client.call(scopes, Call::get(format!("/users?{}", cursor.query())))?;
            self.add_page(&page)?;
        }
        Ok(())
    }

    /// Whether the key of a name is that of a user's address, or a user name with or without the brand.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(&hash(name))
    }

    /// Adds a page. If it is malformed, the cache is discarded.
    fn add_page(&mut self, page: &ApiResponse) -> Result<(), ApiError> {
        let added = self.parse_page(&page.result);
        if added.is_err() {
            *self = Self::default();
        }
        added
    }

    fn parse_page(&mut self, result: &Value) -> Result<(), ApiError> {
        for user in envelope::elements(result)? {
            let text = |spellings: &[&str]| first_of(user, spellings).and_then(Value::as_str);
            let names = identifying_names(text(&["email"]), text(&["username", "userName"]));
            self.names.extend(names.iter().map(|name| hash(name.reveal())));
        }
        self.next = Cursor::next_page(result)?;
        if let Some(cursor) = &self.next {
            if self.seen.contains(cursor) {
                return Err(ApiError::Malformed);
            }
            self.seen.push(cursor.clone());
        }
        Ok(())
    }
}

fn hash(name: &str) -> u64 {
    Sha256::digest(name.as_bytes()).iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::qualtrics::api::envelope::Notice;

    fn page(result: Value) -> ApiResponse {
        ApiResponse { result, notice: Notice::None }
    }

    #[test]
    fn users_are_known_by_address_and_user_name() {
        let mut users = Users::default();
        let first =
            page(json!({"elements": [{"email": "Ada@x.org", "username": "ada.l@x.org#brand"}, {"id": "UR_2"}]}));
        assert_eq!(users.start(&first, 0), Ok(()));
        for name in ["ada@x.org", "ada.l@x.org", "ada.l@x.org#brand"] {
            assert!(users.contains(name), "{name}");
        }
        assert!(!users.contains("bob@x.org"));
    }

    #[test]
    fn the_list_is_cached_for_ten_minutes() {
        let mut users = Users::default();
        assert!(!users.are_fresh(0));
        assert_eq!(users.start(&page(json!({"elements": []})), 1_000), Ok(()));
        assert!(users.are_fresh(601_000) && !users.are_fresh(601_001));
    }

    #[test]
    fn a_malformed_or_repeated_page_discards_the_cache() {
        let repeated = page(json!({"elements": [{"email": "ada@x.org"}], "nextPage": "/users?offset=100"}));
        let mut users = Users::default();
        assert_eq!(users.start(&repeated, 0), Ok(()));
        assert_eq!(users.add_page(&repeated), Err(ApiError::Malformed));
        assert!(!users.are_fresh(0) && !users.contains("ada@x.org"));
        assert_eq!(users.start(&page(json!({})), 0), Err(ApiError::Malformed));
        assert!(!users.are_fresh(0));
    }
}
