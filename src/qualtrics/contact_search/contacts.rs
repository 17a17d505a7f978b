//! The contacts that a search has found.

use std::collections::BTreeMap;

use crate::qualtrics::api::contact::Contact;

/// The most contacts of one request. The finding of a source with more has the code `too-many`.
const MAX_CONTACTS: usize = 1_000;

/// Contacts, each once, in the order in which they were found.
#[derive(Default)]
pub struct Contacts {
    found: Vec<FoundContact>,
    /// Positions by directory and contact ID.
    positions: BTreeMap<(String, String), usize>,
}

/// A contact, and the directory that it is in.
pub struct FoundContact {
    /// The ID of the directory.
    pub directory: String,
    /// The contact, as the search shows it.
    pub contact: Contact,
}

impl Contacts {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The contact at a position.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&FoundContact> {
        self.found.get(position)
    }

    /// The contacts, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &FoundContact> {
        self.found.iter()
    }

    /// The contacts, in the order in which they were found.
    #[must_use]
    pub fn into_found(self) -> Vec<FoundContact> {
        self.found
    }

    /// The position of a contact, which is added if it is new. `None` if there is no room for it.
    pub fn add(&mut self, directory: &str, contact: Contact) -> Option<usize> {
        let key = (directory.to_owned(), contact.id.clone());
        if let Some(position) = self.positions.get(&key) {
            return Some(*position);
        }
        let position = self.found.len();
        if position >= MAX_CONTACTS {
            return None;
        }
        self.positions.insert(key, position);
        self.found.push(FoundContact { directory: directory.to_owned(), contact });
        Some(position)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn contact(value: Value) -> Contact {
        Contact::parse(value).expect("a contact")
    }

    #[test]
    fn a_contact_is_kept_once_however_often_it_is_found() {
        let mut contacts = Contacts::default();
        let found = [("POOL_2", "B"), ("POOL_1", "B"), ("POOL_2", "A"), ("POOL_1", "B"), ("POOL_2", "B")];
        let positions = found.map(|(directory, id)| contacts.add(directory, contact(json!({ "id": id }))));
        assert_eq!(positions, [Some(0), Some(1), Some(2), Some(1), Some(0)]);
        let kept: Vec<_> =
            contacts.found.iter().map(|found| (found.directory.as_str(), found.contact.id.as_str())).collect();
        assert_eq!(kept, found[..3]);
    }

    #[test]
    fn known_contacts_are_found_when_the_result_is_full() {
        let mut contacts = Contacts::default();
        for number in 0..MAX_CONTACTS {
            assert_eq!(contacts.add("POOL", contact(json!({ "id": number * 7_919 % 1_009 }))), Some(number));
        }
        assert_eq!(contacts.add("POOL", contact(json!({"id": "one more"}))), None);
        assert_eq!(contacts.add("POOL", contact(json!({"id": 0}))), Some(0));
    }
}
