//! The users of a brand, for the account guard and for the records of users: `GET /users` (fact sheet 5).
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
    /// Each name, and the position of its user in `ids`. Several users may have the same address.
    names: BTreeSet<(u64, usize)>,
    /// The IDs of the users, as far as the list shows them.
    ids: Vec<Option<String>>,
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
        while self.next.is_some() {
            self.read_page(client, scopes)?;
        }
        Ok(())
    }

    /// Reads the next page, if there is one.
    ///
    /// # Errors
    /// As for [`Self::complete`].
    pub fn read_page(&mut self, client: &mut Client<'_>, scopes: &Scopes) -> Result<(), ApiError> {
        let Some(cursor) = &self.next else { return Ok(()) };
        let page = client.call(scopes, Call::get(format!("/users?{}", cursor.query())))?;
        self.add_page(&page)
    }

    /// Whether the list was read to its end.
    #[must_use]
    pub const fn are_complete(&self) -> bool {
        self.started_at_ms.is_some() && self.next.is_none()
    }

    /// Whether the key of a name is that of a user's address, or a user name with or without the brand.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.positions(name).next().is_some()
    }

    /// The IDs of the users with the key of a name: `None` for a user whose ID the list does not show.
    pub fn ids_of(&self, name: &str) -> impl Iterator<Item = Option<&str>> {
        self.positions(name).map(|position| self.ids.get(position)?.as_deref())
    }

    fn positions(&self, name: &str) -> impl Iterator<Item = usize> {
        let hash = hash(name);
        self.names.range((hash, 0)..=(hash, usize::MAX)).map(|(_, position)| *position)
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
            if !user.is_object() {
                return Err(ApiError::Malformed);
            }
            let position = self.ids.len();
            self.ids.push(first_of(user, &["id", "userId"]).and_then(envelope::id));
            self.names.extend(identifying_names(user)?.iter().map(|name| (hash(name.reveal()), position)));
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
    fn a_user_whose_names_are_not_understood_makes_the_list_malformed() {
        for user in [
            json!({"email": {"address": "ada@x.org"}, "username": "ada"}),
            json!({"email": "ada@x.org", "username": ["ada"]}),
            json!(null),
            json!("ada@x.org"),
        ] {
            let mut users = Users::default();
            assert_eq!(users.start(&page(json!({"elements": [user.clone()]})), 0), Err(ApiError::Malformed), "{user}");
            assert!(!users.are_fresh(0));
        }
    }

    #[test]
    fn all_users_with_an_address_are_known_by_their_ids() {
        let mut users = Users::default();
        let elements = json!([
            {"id": "UR_1", "email": "ada@x.org", "username": "Ada@X.org#brand"},
            {"id": "UR_2", "email": "bob@x.org"},
            {"userId": "UR_3", "username": "ada@x.org"},
            {"email": "ada@x.org"},
        ]);
        assert_eq!(users.start(&page(json!({ "elements": elements })), 0), Ok(()));
        let ids: Vec<_> = users.ids_of("ada@x.org").collect();
        assert_eq!(ids, [Some("UR_1"), Some("UR_3"), None]);
        assert_eq!(users.ids_of("carol@x.org").count(), 0);
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
