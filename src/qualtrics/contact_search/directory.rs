//! The search for one identifier in one directory, page by page.

use std::collections::BTreeSet;

use super::contacts::Contacts;
use crate::contract::{Amount, Finding, SourceState};
use crate::privacy::identifier::Identifier;
use crate::qualtrics::api::client::Call;
use crate::qualtrics::api::contact::{Contact, Match};
use crate::qualtrics::api::cursor::Cursor;
use crate::qualtrics::api::directories;
use crate::qualtrics::findings::SourceFailure;

const TOO_MANY: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "too-many",
    note: "There is more than one request can search: the results are incomplete.",
};
const UNRELIABLE: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "unreliable-search",
    note: "This directory returned contacts that do not have this identifier: they were left out.",
};
const ENDLESS: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "endless-search",
    note: "The pages of this search repeat, so that its end was not reached.",
};

/// The search for one identifier in one directory.
pub(super) struct DirectorySearch<'s> {
    directory: &'s str,
    identifier: &'s Identifier,
    /// The identifier's indices in the request's subject.
    indices: &'s [u32],
    /// The next page.
    cursor: Option<Cursor>,
    /// The cursors of the pages so far.
    seen: Vec<Cursor>,
    /// The positions of the contacts found: a contact on two pages is one contact.
    found: BTreeSet<usize>,
    /// Whether a contact was left out whose external ID differs in case alone.
    has_similar: bool,
    end: Option<End>,
}

/// How a search ended.
enum End {
    Complete,
    Failed(SourceFailure),
}

impl<'s> DirectorySearch<'s> {
    pub(super) fn new(directory: &'s str, identifier: &'s Identifier, indices: &'s [u32]) -> Self {
        Self {
            directory,
            identifier,
            indices,
            cursor: None,
            seen: Vec::new(),
            found: BTreeSet::new(),
            has_similar: false,
            end: None,
        }
    }

    /// Whether it has a next page.
    pub(super) const fn is_open(&self) -> bool {
        self.end.is_none()
    }

    /// The call for the next page.
    pub(super) fn call(&self) -> Call {
        directories::search(self.directory, self.identifier, self.cursor.as_ref())
    }

    /// Takes a page of results, and the position of the next one.
    pub(super) fn add_page(&mut self, page: Vec<Contact>, next: Option<Cursor>, contacts: &mut Contacts) {
        let mut has_others = false;
        for contact in page {
            match contact.matches(self.identifier) {
                Match::Same => match contacts.add(self.directory, contact) {
                    Some(position) => {
                        self.found.insert(position);
                    }
                    None => {
                        self.end = Some(End::Failed(TOO_MANY));
                        return;
                    }
                },
                Match::DiffersInCase => self.has_similar = true,
                Match::Other => has_others = true,
            }
        }
        self.end = match &next {
            _ if has_others => Some(End::Failed(UNRELIABLE)),
            None => Some(End::Complete),
            Some(cursor) if self.seen.contains(cursor) => Some(End::Failed(ENDLESS)),
            Some(_) => None,
        };
        self.seen.extend(next.clone());
        self.cursor = next;
    }

    /// Ends it because of an error.
    pub(super) fn fail(&mut self, failure: SourceFailure) {
        self.end = Some(End::Failed(failure));
    }

    /// Ends it before its last page, because the request needs more searches than a call can make.
    pub(super) fn abandon(&mut self) {
        self.fail(TOO_MANY);
    }

    /// What it found, as a finding.
    pub(super) fn finding(self) -> Finding {
        let source = format!("directory:{}", self.directory);
        let indices = self.indices.to_vec();
        if let Some(End::Failed(failure)) = self.end {
            let amount = if self.found.is_empty() { Amount::Unknown } else { Amount::Present };
            return failure.finding(&source, indices, amount);
        }
        let finding = Finding::searched(&source, Amount::Count(self.found.len() as u64), indices);
        if !self.has_similar {
            return finding;
        }
        let note = "The external ID of another contact differs from this one in case alone: the contact was left out. If it is the \
                    same person's, start another request with that spelling.";
        finding.with_code("similar-identifier", note)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn contact(value: Value) -> Contact {
        Contact::parse(value).expect("a contact")
    }

    fn next_page(token: &str) -> Option<Cursor> {
        Cursor::skip_token(&json!({ "skipToken": token })).expect("a cursor")
    }

    #[test]
    fn an_empty_page_with_a_next_page_does_not_end_a_search() {
        let identifier = Identifier::email("ada@example.org").expect("an address");
        let mut search = DirectorySearch::new("POOL", &identifier, &[0]);
        let mut contacts = Contacts::default();
        search.add_page(Vec::new(), next_page("a"), &mut contacts);
        assert!(search.is_open());
        search.add_page(vec![contact(json!({"id": "C", "email": "Ada@Example.org"}))], next_page("b"), &mut contacts);
        search.add_page(Vec::new(), None, &mut contacts);
        assert_eq!(search.finding(), Finding::searched("directory:POOL", Amount::Count(1), vec![0]));
    }

    #[test]
    fn a_search_whose_pages_repeat_is_incomplete() {
        let identifier = Identifier::email("ada@example.org").expect("an address");
        let mut search = DirectorySearch::new("POOL", &identifier, &[0]);
        let mut contacts = Contacts::default();
        for token in ["a", "b", "a"] {
            search.add_page(Vec::new(), next_page(token), &mut contacts);
        }
        let finding = search.finding();
        assert_eq!((finding.code.as_deref(), finding.amount), (Some("endless-search"), Amount::Unknown));
    }

    #[test]
    fn contacts_of_other_people_are_left_out_and_make_a_search_unreliable() {
        let identifier = Identifier::email("ada@example.org").expect("an address");
        let mut search = DirectorySearch::new("POOL", &identifier, &[0]);
        let mut contacts = Contacts::default();
        let page = ["ada@example.org", "bob@example.org"].map(|email| contact(json!({"id": email, "email": email})));
        search.add_page(page.to_vec(), None, &mut contacts);
        assert_eq!(contacts.into_found().len(), 1);
        let finding = search.finding();
        assert_eq!((finding.code.as_deref(), finding.amount), (Some("unreliable-search"), Amount::Present));
    }

    #[test]
    fn a_contact_whose_external_id_differs_in_case_alone_is_left_out_and_mentioned() {
        let identifier = Identifier::external_id("0035e00000AbCdE").expect("an ID");
        let mut search = DirectorySearch::new("POOL", &identifier, &[0]);
        let mut contacts = Contacts::default();
        let page = ["0035e00000AbCdE", "0035e00000aBcDe"].map(|id| contact(json!({"id": id, "extRef": id})));
        search.add_page(page.to_vec(), None, &mut contacts);
        let ids: Vec<String> = contacts.into_found().into_iter().map(|found| found.contact.id).collect();
        assert_eq!(ids, ["0035e00000AbCdE"]);
        let finding = search.finding();
        assert_eq!((finding.code.as_deref(), finding.amount), (Some("similar-identifier"), Amount::Count(1)));
        assert_eq!(finding.state, SourceState::Searched);
    }
}
