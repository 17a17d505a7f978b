//! The users of a brand, for the account guard: `GET /users` (fact sheet 5).
//!
//! An erasure deletes the account of a user with that address, too (fact sheet 6.4). There is no filter by address, so
//! the list is read to its end.

use sha2::{Digest, Sha256};

use super::account;
use super::client::{Call, Client};
use super::cursor::Cursor;
use super::envelope::{self, Answer, Trouble, member};
use super::oauth::Scopes;
use crate::http::{Clock, Transport};
use crate::json::Json;
use crate::prelude::*;

/// How long a list of users is good for, in milliseconds.
const FRESH_MS: u64 = 600_000;

/// The names of a brand's users, as hashes: the list can be kept without keeping anyone's address.
#[derive(Default)]
pub struct Users {
    names: Vec<u64>,
    /// Where the list goes on; none once it was read to its end.
    next: Option<Cursor>,
    seen: Vec<Cursor>,
    /// When the first page was read, on the monotonic clock; none while there is no list.
    begun_at_ms: Option<u64>,
}

impl Users {
    /// The call for the first page.
    #[must_use]
    pub fn call() -> Call {
        Call::get("/users")
    }

    /// Whether a list is there that was begun within the last ten minutes. It may not have been read to its end.
    #[must_use]
    pub fn are_fresh(&self, now_ms: u64) -> bool {
        self.begun_at_ms.is_some_and(|begun| now_ms.saturating_sub(begun) <= FRESH_MS)
    }

    /// Begins the list anew, with its first page.
    ///
    /// # Errors
    /// What went wrong: then there is no list.
    pub fn begin(&mut self, first_page: &Answer, now_ms: u64) -> Result<(), Trouble> {
        *self = Self { begun_at_ms: Some(now_ms), ..Self::default() };
        self.take(first_page)
    }

    /// Reads the list to its end. When a call runs out of time or of its share, what was read is kept, and the next one
    /// goes on from there.
    ///
    /// # Errors
    /// What went wrong: a list that is not whole proves nothing.
    pub fn read_on<T: Transport, C: Clock>(
        &mut self,
        client: &mut Client<'_, T, C>,
        need: Scopes,
    ) -> Result<(), Trouble> {
        while let Some(cursor) = self.next.clone() {
            let page = client.call(need, Call::get(["/users?", cursor.query()].concat()))?;
            self.take(&page)?;
        }
        Ok(())
    }

    /// Whether a name, in lower case, is a user's address, or user name with or without the brand.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(&hash(name))
    }

    /// Takes a page. A page that cannot be read leaves no list.
    fn take(&mut self, page: &Answer) -> Result<(), Trouble> {
        let taken = self.add(&page.result);
        if taken.is_err() {
            *self = Self::default();
        }
        taken
    }

    fn add(&mut self, result: &Json) -> Result<(), Trouble> {
        for user in envelope::elements(result)? {
            let text = |spellings: &[&str]| member(user, spellings).and_then(Json::as_str);
            let names = account::names(text(&["email"]), text(&["username", "userName"]));
            self.names.extend(names.iter().map(|name| hash(name.reveal())));
        }
        self.next = Cursor::next_page(result)?;
        if let Some(cursor) = &self.next {
            if self.seen.contains(cursor) {
                return Err(Trouble::Unreadable);
            }
            self.seen.push(cursor.clone());
        }
        Ok(())
    }
}

fn hash(name: &str) -> u64 {
    Sha256::digest(name.as_bytes()).iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}
