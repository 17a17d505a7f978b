//! The users of a brand, for the account guard: `GET /users` (fact sheet 5).
//!
//! An erasure deletes the account of a user with that address, too (fact sheet 6.4). There is no filter by address, so
//! the list is read to its end.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::account;
use super::client::{Call, Client};
use super::cursor::Cursor;
use super::envelope::{self, Trouble, member};
use super::oauth::Scopes;
use crate::http::{Clock, Transport};

/// How long a list of users is good for, in milliseconds.
const FRESH_MS: u64 = 600_000;

/// The names of a brand's users, as hashes: the list can be kept without keeping anyone's address.
#[derive(Default)]
pub struct Users {
    names: BTreeSet<u64>,
    /// Where the list goes on; none once it was read to its end.
    next: Option<Cursor>,
    seen: BTreeSet<String>,
    /// When the first page was read, on the monotonic clock; none while there is no list.
    begun_at_ms: Option<u64>,
}

impl Users {
    /// The call for the first page.
    #[must_use]
    pub fn call() -> Call {
        Call::get("/users")
    }

    /// Reads the list to its end, unless that was done within the last ten minutes. When a call runs out of time or of
    /// its share, what was read is kept, and the next one goes on from there.
    ///
    /// # Errors
    /// What went wrong: a list that is not whole proves nothing.
    pub fn read_all<T: Transport, C: Clock>(
        &mut self,
        client: &mut Client<'_, T, C>,
        need: Scopes,
    ) -> Result<(), Trouble> {
        let now = client.monotonic_ms();
        if self.begun_at_ms.is_none_or(|begun| now.saturating_sub(begun) > FRESH_MS) {
            let answer = client.call(need, Self::call())?;
            *self = Self { begun_at_ms: Some(now), ..Self::default() };
            if let Err(trouble) = self.take(&answer.result) {
                *self = Self::default();
                return Err(trouble);
            }
        }
        while let Some(cursor) = self.next.clone() {
            let answer = client.call(need, Call::get(["/users?", cursor.query()].concat()))?;
            if let Err(trouble) = self.take(&answer.result) {
                *self = Self::default();
                return Err(trouble);
            }
        }
        Ok(())
    }

    /// Whether a name, in lower case, is a user's address, or user name with or without the brand.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(&hash(name))
    }

    fn take(&mut self, result: &Value) -> Result<(), Trouble> {
        for user in envelope::elements(result)? {
            let text = |spellings: &[&str]| member(user, spellings).and_then(Value::as_str);
            let names = account::names(text(&["email"]), text(&["username", "userName"]));
            self.names.extend(names.iter().map(|name| hash(name.reveal())));
        }
        self.next = Cursor::next_page(result)?;
        if let Some(cursor) = &self.next
            && !self.seen.insert(cursor.query().to_owned())
        {
            return Err(Trouble::Unreadable);
        }
        Ok(())
    }
}

fn hash(name: &str) -> u64 {
    Sha256::digest(name.as_bytes()).iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}
