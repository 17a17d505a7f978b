//! The search for one spelling of an identifier in one directory, page by page.

use std::collections::BTreeSet;

use super::NOT_SEARCHABLE;
use super::contacts::Contacts;
use crate::contract::{Amount, Finding, SourceState};
use crate::privacy::identifier::Identifier;
use crate::qualtrics::api::client::Call;
use crate::qualtrics::api::contact::{Contact, Match};
use crate::qualtrics::api::cursor::Cursor;
use crate::qualtrics::api::directories;
use crate::qualtrics::findings::{SPELLING_NOT_SEARCHED, SourceFailure};
use crate::secret::Secret;

pub(super) const TOO_MANY: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "too-many",
    note: "There is more than one request can search: the results are incomplete.",
};
pub(super) const UNRELIABLE: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "unreliable-search",
    note: "This directory returned contacts that do not have this identifier: they were left out.",
};
pub(super) const ENDLESS: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "endless-search",
    note: "The pages of this search repeat, so that its end was not reached.",
};

pub(super) const SPELLING_REJECTED: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: SPELLING_NOT_SEARCHED,
    note: "Qualtrics rejects the search of this directory for a spelling of this identifier, and not for others: search the directory for \
           it by hand.",
};

const SIMILAR_IDENTIFIER: &str = "The external ID of another contact differs from this one in case alone: the contact was left out. If it \
                                  is the same person's, start another request with that spelling.";
const NO_COUNTRY_CODE: &str = "The telephone number of a contact has no country code, so that it may belong to another country: check \
                               that the contact is the person's before you use it.";

/// The search for one spelling of an identifier in one directory.
pub(super) struct DirectorySearch<'s> {
    directory: &'s str,
    identifier: &'s Identifier,
    spelling: Secret,
    /// The position of the spelling among those of the identifier: the usual ones come first.
    rank: usize,
    /// The identifier's indices in the request's subject.
    indices: &'s [u32],
    /// The next page.
    cursor: Option<Cursor>,
    /// The cursors of the pages so far.
    seen: Vec<Cursor>,
    /// The positions of the contacts found: a contact on two pages is one contact.
    found: BTreeSet<usize>,
    /// Whether Qualtrics has shown a page of results.
    has_page: bool,
    /// Whether a contact was left out whose external ID differs in case alone.
    has_similar: bool,
    /// Whether the telephone number of a contact has no country code.
    has_national: bool,
    end: Option<End>,
}

/// How a search ended.
enum End {
    Complete,
    Failed(SourceFailure),
}

impl<'s> DirectorySearch<'s> {
    /// One search for each spelling of an identifier.
    pub(super) fn for_spellings(
        directory: &'s str,
        identifier: &'s Identifier,
        indices: &'s [u32],
    ) -> impl Iterator<Item = Self> {
        identifier.spellings().into_iter().enumerate().map(move |(rank, spelling)| Self {
            directory,
            identifier,
            spelling,
            rank,
            indices,
            cursor: None,
            seen: Vec::new(),
            found: BTreeSet::new(),
            has_page: false,
            has_similar: false,
            has_national: false,
            end: None,
        })
    }

    /// Whether another search is for another spelling of the same identifier, in the same directory.
    pub(super) fn has_same_finding(&self, other: &Self) -> bool {
        self.directory == other.directory && self.identifier == other.identifier
    }

    /// The position of its spelling among those of the identifier.
    pub(super) const fn rank(&self) -> usize {
        self.rank
    }

    /// Whether it has a next page.
    pub(super) const fn is_open(&self) -> bool {
        self.end.is_none()
    }

    /// The call for the next page.
    pub(super) fn call(&self) -> Call {
        directories::search(self.directory, self.identifier, &self.spelling, self.cursor.as_ref())
    }

    /// Takes a page of results, and the position of the next one.
    pub(super) fn add_page(&mut self, page: Vec<Contact>, next: Option<Cursor>, contacts: &mut Contacts) {
        self.has_page = true;
        let mut has_others = false;
        for contact in page {
            let kind = contact.matches(self.identifier);
            match kind {
                Match::Same | Match::WithoutCountry => match contacts.add(self.directory, contact) {
                    Some(position) => {
                        self.found.insert(position);
                        self.has_national |= kind == Match::WithoutCountry;
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

    /// The directory, if Qualtrics has shown a page of results, perhaps an empty one.
    pub(super) fn searchable_directory(&self) -> Option<&'s str> {
        self.has_page.then_some(self.directory)
    }

    /// Corrects the reason of a rejected search, given the directories that Qualtrics searches for other spellings or identifiers.
    pub(super) fn explain_rejection(&mut self, searchable: &BTreeSet<&str>) {
        let is_rejected = matches!(&self.end, Some(End::Failed(failure)) if failure.code == NOT_SEARCHABLE.code);
        if is_rejected && searchable.contains(self.directory) {
            self.fail(SPELLING_REJECTED);
        }
    }

    /// What it found, once it has ended: the IDs of contacts, whether it left out a contact whose external ID is similar, and why it
    /// failed if it did.
    pub(super) fn ended(&self, contacts: &Contacts) -> Option<(Vec<String>, bool, Option<SourceFailure>)> {
        let failure = match self.end.as_ref()? {
            End::Complete => None,
            End::Failed(failure) => Some(*failure),
        };
        let ids = self.found.iter().filter_map(|position| Some(contacts.get(*position)?.contact.id.clone()));
        Some((ids.collect(), self.has_similar, failure))
    }

    /// Ends it as it ended in an earlier call, apart from its contacts.
    pub(super) fn restore(&mut self, has_similar: bool, failure: Option<SourceFailure>) {
        self.has_similar = has_similar;
        self.has_page = failure.is_none();
        self.end = Some(failure.map_or(End::Complete, End::Failed));
    }

    /// Adds a contact that an earlier call found.
    pub(super) fn add_restored(&mut self, contact: Contact, contacts: &mut Contacts) {
        self.has_national |= contact.matches(self.identifier) == Match::WithoutCountry;
        self.found.extend(contacts.add(self.directory, contact));
    }

    /// The ID of its directory.
    pub(super) const fn directory(&self) -> &'s str {
        self.directory
    }

    /// Begins again with the first page.
    pub(super) fn restart(&mut self) {
        self.cursor = None;
        self.seen.clear();
        self.end = None;
    }

    /// Ends it before its last page, because the request needs more searches than a call can make.
    pub(super) fn abandon(&mut self) {
        self.fail(TOO_MANY);
    }

    /// What the searches for all spellings of an identifier found, as one finding.
    pub(super) fn finding(spellings: &[Self]) -> Option<Finding> {
        let first = spellings.first()?;
        let source = format!("directory:{}", first.directory);
        let indices = first.indices.to_vec();
        let found: BTreeSet<usize> = spellings.iter().flat_map(|search| &search.found).copied().collect();
        let failure = spellings.iter().find_map(|search| match search.end {
            Some(End::Failed(failure)) => Some(failure),
            Some(End::Complete) | None => None,
        });
        if let Some(failure) = failure {
            let amount = if found.is_empty() { Amount::Unknown } else { Amount::Present };
            return Some(failure.finding(&source, indices, amount));
        }
        let finding = Finding::searched(&source, Amount::Count(found.len() as u64), indices);
        Some(if spellings.iter().any(|search| search.has_similar) {
            finding.with_code("similar-identifier", SIMILAR_IDENTIFIER)
        } else if spellings.iter().any(|search| search.has_national) {
            finding.with_code("no-country-code", NO_COUNTRY_CODE)
        } else {
            finding
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn contact(value: Value) -> Contact {
        Contact::parse(value).expect("a contact")
    }

    /// The search for the first spelling of an identifier.
    fn search(identifier: &Identifier) -> DirectorySearch<'_> {
        DirectorySearch::for_spellings("POOL", identifier, &[0]).next().expect("a spelling")
    }

    fn finding(search: DirectorySearch<'_>) -> Finding {
        DirectorySearch::finding(&[search]).expect("a finding")
    }

    fn next_page(token: &str) -> Option<Cursor> {
        Cursor::skip_token(&json!({ "skipToken": token })).expect("a cursor")
    }

    #[test]
    fn an_empty_page_with_a_next_page_does_not_end_a_search() {
        let identifier = Identifier::email("ada@example.org").expect("an address");
        let mut search = search(&identifier);
        let mut contacts = Contacts::default();
        search.add_page(Vec::new(), next_page("a"), &mut contacts);
        assert!(search.is_open());
        search.add_page(vec![contact(json!({"id": "C", "email": "Ada@Example.org"}))], next_page("b"), &mut contacts);
        search.add_page(Vec::new(), None, &mut contacts);
        assert_eq!(finding(search), Finding::searched("directory:POOL", Amount::Count(1), vec![0]));
    }

    #[test]
    fn a_search_whose_pages_repeat_is_incomplete() {
        let identifier = Identifier::email("ada@example.org").expect("an address");
        let mut search = search(&identifier);
        let mut contacts = Contacts::default();
        for token in ["a", "b", "a"] {
            search.add_page(Vec::new(), next_page(token), &mut contacts);
        }
        let finding = finding(search);
        assert_eq!((finding.code.as_deref(), finding.amount), (Some("endless-search"), Amount::Unknown));
    }

    #[test]
    fn contacts_of_other_people_are_left_out_and_make_a_search_unreliable() {
        let identifier = Identifier::email("ada@example.org").expect("an address");
        let mut search = search(&identifier);
        let mut contacts = Contacts::default();
        let page = ["ada@example.org", "bob@example.org"].map(|email| contact(json!({"id": email, "email": email})));
        search.add_page(page.to_vec(), None, &mut contacts);
        assert_eq!(contacts.into_found().len(), 1);
        let finding = finding(search);
        assert_eq!((finding.code.as_deref(), finding.amount), (Some("unreliable-search"), Amount::Present));
    }

    #[test]
    fn a_contact_whose_external_id_differs_in_case_alone_is_left_out_and_mentioned() {
        let identifier = Identifier::external_id("0035e00000AbCdE").expect("an ID");
        let mut search = search(&identifier);
        let mut contacts = Contacts::default();
        let page = ["0035e00000AbCdE", "0035e00000aBcDe"].map(|id| contact(json!({"id": id, "extRef": id})));
        search.add_page(page.to_vec(), None, &mut contacts);
        let ids: Vec<String> = contacts.into_found().into_iter().map(|found| found.contact.id).collect();
        assert_eq!(ids, ["0035e00000AbCdE"]);
        let finding = finding(search);
        assert_eq!((finding.code.as_deref(), finding.amount), (Some("similar-identifier"), Amount::Count(1)));
        assert_eq!(finding.state, SourceState::Searched);
    }

    #[test]
    fn a_number_without_country_code_is_found_and_mentioned_and_another_number_is_left_out() {
        let identifier = Identifier::phone("+11111111111").expect("a number");
        let mut searches: Vec<_> = DirectorySearch::for_spellings("POOL", &identifier, &[0]).collect();
        let mut contacts = Contacts::default();
        let numbers = ["+11111111111", "111-111-1111"].map(|phone| contact(json!({"id": phone, "phone": phone})));
        for (search, page) in searches.iter_mut().zip(numbers.iter().cycle()) {
            search.add_page(vec![page.clone()], None, &mut contacts);
        }
        let finding = DirectorySearch::finding(&searches).expect("a finding");
        assert_eq!((finding.code.as_deref(), finding.amount), (Some("no-country-code"), Amount::Count(2)));
        let other = contact(json!({"id": "B", "phone": "+44 111 111 1111"}));
        searches.iter_mut().for_each(|search| search.add_page(vec![other.clone()], None, &mut contacts));
        assert_eq!(contacts.into_found().len(), 2);
        let finding = DirectorySearch::finding(&searches).expect("a finding");
        assert_eq!(finding.code.as_deref(), Some("unreliable-search"));
    }
}
