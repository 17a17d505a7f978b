//! The contacts of a person, in every directory of the brand.

use super::call::Call;
use super::contract::{Amount, Content, Document, Finding, Identifier, Right, SourceState};
use super::documents::check_of_instant;
use super::subject::Subject;
use super::ticket::Reference;
use crate::http::{Clock, Transport};
use crate::letters::lower_case;
use crate::prelude::*;
use crate::qualtrics::client;
use crate::qualtrics::cursor::Cursor;
use crate::qualtrics::directories::{self, Contact, Key};
use crate::qualtrics::envelope::{Answer, Trouble};
use crate::secret::Secret;

/// More contacts than this are not answered: `too-many`.
const MOST_CONTACTS: usize = 1_000;
/// Calls that are described at once; the transport sends four at a time.
const WAVE: usize = 40;
/// The longest document inside a report, and the most of all of them together, in bytes.
const INLINE: usize = 64 * 1024;
const INLINE_TOGETHER: usize = 1024 * 1024;
/// The searches a minute that one percent of Qualtrics' limit is (fact sheet 3.3).
const SEARCHES_A_PERCENT: usize = 5;
/// After so long without a call the whole share is there again, in milliseconds.
const WHOLE_SHARE_MS: u64 = 60_000;
/// At most so many further names are offered.
const MOST_NAMES: usize = 64;

/// The code of a finding about contacts that were left out because their external reference differs in case alone.
const SIMILAR: &str = "similar-identifier";
const SIMILAR_NOTE: &str = "Another contact's external ID differs from this one in case alone: it was left out. If it is the same \
                            person's, make a request with that spelling.";

/// What the directories answered.
pub struct Searched {
    /// One finding for each directory and name; one for all directories if they could not be listed.
    pub findings: Vec<Finding>,
    /// The contacts, each once.
    pub contacts: Contacts,
    /// Names that the contacts bear beside those of the request.
    pub also_known_as: Vec<Identifier>,
    /// The answer to the call that went beside the search, if there was one.
    pub beside: Option<Result<Answer, Trouble>>,
}

/// Contacts, each once, in the order in which they were found.
#[derive(Default)]
pub struct Contacts {
    found: Vec<Found>,
    /// Their places, in the order of directories and ids.
    places: Vec<usize>,
}

/// A contact, and the directory that it is in.
struct Found {
    directory: String,
    contact: Contact,
}

impl Contacts {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The place of a contact, which is added if it is not there. None if there are so many that it cannot be.
    fn add(&mut self, directory: &str, contact: Contact) -> Option<usize> {
        let known = self.places.binary_search_by(|place| {
            let found = self.found.get(*place).map(|found| (found.directory.as_str(), found.contact.id.as_str()));
            found.cmp(&Some((directory, &contact.id)))
        });
        match known {
            Ok(at) => self.places.get(at).copied(),
            Err(_) if self.found.len() >= MOST_CONTACTS => None,
            Err(at) => {
                let place = self.found.len();
                self.places.insert(at, place);
                self.found.push(Found { directory: directory.to_owned(), contact });
                Some(place)
            }
        }
    }
}

/// One search: a name in a directory.
struct Search<'s> {
    directory: &'s str,
    key: &'s Key,
    names: &'s [u32],
    next: Option<Cursor>,
    seen: Vec<Cursor>,
    /// The places of what it found, in their order: a contact that stands on two pages is one contact.
    found: Vec<usize>,
    end: Option<End>,
    /// Whether it returned a contact whose external reference differs in case alone.
    similar: bool,
}

/// How a search ended.
enum End {
    Whole,
    TooMany,
    Failed(SourceState, &'static str, &'static str),
}

/// Searches every directory for every name. Another call of the same right can go `beside` it, and so costs no round trip
/// of its own: it is sent together with the first.
///
/// With `patience`, passing trouble is an error, and the whole can be tried again later; without, the source that it
/// struck counts as not available.
///
/// # Errors
/// Passing trouble, if there is patience. Missing scopes, a refused sign-in and forbidden egress always: nobody is served by
/// a partial answer that a right setting would make whole.
pub fn search<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    right: Right,
    subject: &Subject,
    patience: bool,
    beside: Option<client::Call>,
) -> Result<Searched, Trouble> {
    let need = call.need(right);
    let mut calls = vec![directories::list()];
    calls.extend(beside);
    let mut answers = call.client.wave(need, &calls);
    let beside = if calls.len() > 1 { answers.pop() } else { None };
    let listed = answers.pop().unwrap_or(Err(Trouble::OutOfTime));
    let mut searched =
        Searched { findings: Vec::new(), contacts: Contacts::default(), also_known_as: Vec::new(), beside };
    let listed = listed.and_then(|first| directories::read_all(&mut call.client, need, first));
    let directories = match listed {
        Ok(directories) => directories,
        Err(trouble) => {
            let (state, code, note) = failure(trouble, patience, "not-licensed", "The brand has no XM Directory.")?;
            searched.findings.push(Finding::unanswered("directories", state, subject.indices(&|_| true), code, note));
            return Ok(searched);
        }
    };
    if directories.is_empty() {
        searched.findings.push(Finding {
            code: Some("not-licensed"),
            note: Some("The brand has no XM Directory that this account can see."),
            ..Finding::searched("directories", Amount::Nothing, subject.indices(&|_| true))
        });
    }
    let mut searches: Vec<Search<'_>> = directories
        .iter()
        .flat_map(|directory| subject.names.iter().map(move |name| (directory, name)))
        .map(|(directory, name)| Search {
            directory,
            key: &name.key,
            names: &name.indices,
            next: None,
            seen: Vec::new(),
            found: Vec::new(),
            end: None,
            similar: false,
        })
        .collect();
    // What one connection may search in a minute; beyond that a request could never be answered in one call.
    let mut left = usize::from(call.settings.rate_share).saturating_mul(SEARCHES_A_PERCENT);
    // Requests that wait for the share must not use it up between them, each too little to come to an end.
    if let Some(first) = searches.first() {
        let together = u64::try_from(searches.len().min(left)).unwrap_or(u64::MAX);
        let wait = call.client.wait_for(&directories::search(first.directory, first.key, None), together);
        if wait > 0 {
            return Err(Trouble::OwnShare(wait));
        }
    }
    loop {
        let open = searches.iter_mut().filter(|search| search.end.is_none());
        let mut open: Vec<&mut Search<'_>> = open.take(WAVE.min(left)).collect();
        if open.is_empty() {
            break;
        }
        left = left.saturating_sub(open.len());
        let calls: Vec<client::Call> =
            open.iter().map(|search| directories::search(search.directory, search.key, search.next.as_ref())).collect();
        for (search, answer) in open.iter_mut().zip(call.client.wave(need, &calls)) {
            search.take(answer, patience, &mut searched.contacts)?;
        }
    }
    for search in searches.iter_mut().filter(|search| search.end.is_none()) {
        search.end = Some(End::TooMany);
    }
    searched.findings.extend(searches.into_iter().map(Search::finding));
    searched.also_known_as = further_names(&searched.contacts.found, subject);
    Ok(searched)
}

impl Search<'_> {
    fn take(
        &mut self,
        answer: Result<Answer, Trouble>,
        patience: bool,
        contacts: &mut Contacts,
    ) -> Result<(), Trouble> {
        let (page, next) = match answer.and_then(directories::read_search) {
            Ok(page) => page,
            Err(trouble) => {
                let note = "This directory cannot be searched; XM Directory Lite cannot.";
                let (state, code, note) = failure(trouble, patience, "not-searchable", note)?;
                self.end = Some(End::Failed(state, code, note));
                return Ok(());
            }
        };
        let mut strangers = false;
        for contact in page {
            if !self.key.fits(&contact) {
                let similar = self.key.differs_in_case_from(&contact);
                self.similar = self.similar || similar;
                strangers = strangers || !similar;
                continue;
            }
            let Some(place) = contacts.add(self.directory, contact) else {
                self.end = Some(End::TooMany);
                return Ok(());
            };
            if let Err(at) = self.found.binary_search(&place) {
                self.found.insert(at, place);
            }
        }
        let repeats = next.as_ref().is_some_and(|next| self.seen.contains(next));
        if strangers {
            let note = "This directory returned contacts that were not asked for; they were left out.";
            self.end = Some(End::Failed(SourceState::NotAvailable, "unreliable-search", note));
        } else if repeats {
            let note = "The pages of this directory's answer repeat, so it could not be read to its end.";
            self.end = Some(End::Failed(SourceState::NotAvailable, "endless-search", note));
        } else if next.is_none() {
            self.end = Some(End::Whole);
        }
        self.seen.extend(next.clone());
        self.next = next;
        Ok(())
    }

    fn finding(self) -> Finding {
        let source = ["directory:", self.directory].concat();
        let names = self.names.to_vec();
        match self.end {
            Some(End::TooMany) => Finding {
                amount: if !self.found.is_empty() { Amount::SomeData } else { Amount::Unknown },
                ..Finding::unanswered(
                    &source,
                    SourceState::NotAvailable,
                    names,
                    "too-many",
                    "There is more than one request can search: what is here is not all.",
                )
            },
            Some(End::Failed(state, code, note)) => Finding {
                amount: if !self.found.is_empty() { Amount::SomeData } else { Amount::Unknown },
                ..Finding::unanswered(&source, state, names, code, note)
            },
            Some(End::Whole) | None => {
                let amount = match self.found.len() {
                    0 => Amount::Nothing,
                    count => u64::try_from(count).map_or(Amount::SomeData, Amount::Exactly),
                };
                let finding = Finding::searched(&source, amount, names);
                if self.similar { Finding { code: Some(SIMILAR), note: Some(SIMILAR_NOTE), ..finding } } else { finding }
            }
        }
    }
}

/// What a source's failure is to the report; or the trouble itself, where it should end the call.
fn failure(
    trouble: Trouble,
    patience: bool,
    code: &'static str,
    note: &'static str,
) -> Result<(SourceState, &'static str, &'static str), Trouble> {
    match &trouble {
        Trouble::Refused(refusal) if matches!(refusal.status, 401 | 403) => {
            Ok((SourceState::NotPermitted, "not-permitted", "The account may not read this."))
        }
        Trouble::Refused(_) if !trouble.is_passing() => Ok((SourceState::NotAvailable, code, note)),
        // The limit clears by itself, however long that takes.
        Trouble::Refused(refusal) if refusal.status == 429 => Err(trouble),
        // A search begins anew, and whatever of the share came back sooner would be used up in vain.
        Trouble::OwnShare(wait) => Err(Trouble::OwnShare((*wait).max(WHOLE_SHARE_MS))),
        _ if trouble.is_passing() && !patience => {
            Ok((SourceState::NotAvailable, "not-answering", "This did not answer, though it was asked several times."))
        }
        _ => Err(trouble),
    }
}

/// The contacts as documents, each read whole; and what could not be read.
///
/// A contact that does not fit into the report, or for which no time is left, becomes a remote document. One that cannot
/// be read is told as the search told it.
pub fn documents<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    contacts: Contacts,
    findings: &mut Vec<Finding>,
) -> Vec<Document> {
    let need = call.need(Right::Access);
    let mut documents = Vec::with_capacity(contacts.found.len());
    let mut together = 0_usize;
    let mut hurry = false;
    let mut contacts = contacts.found.into_iter().peekable();
    while contacts.peek().is_some() {
        let wave: Vec<Found> = contacts.by_ref().take(WAVE).collect();
        hurry = hurry || together >= INLINE_TOGETHER || call.client.is_late();
        let answers: Vec<Option<Result<Answer, Trouble>>> = if hurry {
            wave.iter().map(|_| None).collect()
        } else {
            let calls: Vec<client::Call> =
                wave.iter().map(|found| directories::contact(&found.directory, &found.contact.id)).collect();
            call.client.wave(need, &calls).into_iter().map(Some).collect()
        };
        for (Found { directory, mut contact }, answer) in wave.into_iter().zip(answers) {
            let reference = Reference::Contact {
                directory: directory.clone(),
                contact: contact.id.clone(),
                changed: contact.changed_s().map(check_of_instant),
            };
            let source = ["directory:", &directory].concat();
            let mut whole = None;
            match answer {
                None => {}
                Some(Ok(answer)) => match Contact::read(answer.result) {
                    Some(other) if other.id == contact.id => {
                        contact.complete(other);
                        whole = Some(contact.document(&directory));
                    }
                    _ => whole = Some(incomplete(contact, &directory, &source, findings)),
                },
                Some(Err(trouble)) if trouble.is_passing() => hurry = true,
                // It went away between the search and now: the search told what there was.
                Some(Err(trouble)) if matches!(trouble.status(), Some(400 | 404 | 410)) => {
                    whole = Some(contact.document(&directory));
                }
                Some(Err(_)) => whole = Some(incomplete(contact, &directory, &source, findings)),
            }
            let fits =
                |bytes: &Vec<u8>| bytes.len() <= INLINE && together.saturating_add(bytes.len()) <= INLINE_TOGETHER;
            let inline = whole.filter(fits);
            together = together.saturating_add(inline.as_ref().map_or(0, Vec::len));
            documents.push(Document {
                name: name(documents.len().saturating_add(1), &directory),
                media_type: "application/json".to_owned(),
                source,
                // What a remote document holds is read anew, and may be told with more or fewer members then.
                size: inline.as_ref().and_then(|bytes| u64::try_from(bytes.len()).ok()),
                content: inline.map_or_else(|| Content::Remote(reference.write()), Content::Inline),
            });
        }
    }
    documents
}

/// A contact as the search told it, and a finding that says so.
fn incomplete(contact: Contact, directory: &str, source: &str, findings: &mut Vec<Finding>) -> Vec<u8> {
    if !findings.iter().any(|finding| finding.source == source && finding.code == Some("summary-only")) {
        let note = "Contacts of this directory could not be read whole: what the search told of them is here.";
        let mut finding = Finding::unanswered(source, SourceState::NotPermitted, Vec::new(), "summary-only", note);
        finding.amount = Amount::SomeData;
        findings.push(finding);
    }
    contact.document(directory)
}

/// A file name: numbered, so that no two are alike whatever the file system thinks of case.
fn name(number: usize, directory: &str) -> String {
    let number = number.to_string();
    let safe: String = directory.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    ["contact-", &"0".repeat(4_usize.saturating_sub(number.len())), &number, "-", &safe, ".json"].concat()
}

/// Names that contacts bear and the request does not give. They are offered, never acted upon.
fn further_names(contacts: &[Found], subject: &Subject) -> Vec<Identifier> {
    let mut known: Vec<(&str, String)> = subject.names.iter().map(|name| name.key.comparable()).collect();
    let mut keys: Vec<Key> = Vec::new();
    for Found { contact, .. } in contacts {
        let email = contact.text("email").map(|text| Key::Email(Secret::new(lower_case(text.trim()))));
        let phone = contact.text("phone").map(|text| Key::Phone(Secret::new(text.trim())));
        let reference = contact.text("extRef").map(|text| Key::Reference(Secret::new(text.trim())));
        for key in [email, phone, reference].into_iter().flatten() {
            let comparable = key.comparable();
            if keys.len() < MOST_NAMES && !known.contains(&comparable) {
                known.push(comparable);
                keys.push(key);
            }
        }
    }
    keys.into_iter()
        .map(|key| match key {
            Key::Email(value) => Identifier::Email(value),
            Key::Phone(value) => Identifier::Phone(value),
            Key::Reference(value) => Identifier::ExternalReference(value),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn contact(id: &str) -> Contact {
        Contact::read(json!({ "id": id }).into()).expect("a contact")
    }

    #[test]
    fn a_contact_is_there_once_however_often_it_is_found() {
        let mut contacts = Contacts::default();
        let found = [("POOL_2", "B"), ("POOL_1", "B"), ("POOL_2", "A"), ("POOL_1", "B"), ("POOL_2", "B")];
        let places = found.map(|(directory, id)| contacts.add(directory, contact(id)));
        assert_eq!(places, [Some(0), Some(1), Some(2), Some(1), Some(0)]);
        let kept: Vec<_> =
            contacts.found.iter().map(|found| (found.directory.as_str(), found.contact.id.as_str())).collect();
        assert_eq!(kept, found[..3]);
    }

    #[test]
    fn there_is_room_for_a_thousand_contacts_and_for_those_that_are_there() {
        let mut contacts = Contacts::default();
        for number in 0..MOST_CONTACTS {
            assert_eq!(contacts.add("POOL", contact(&format!("{}", number * 7_919 % 1_009))), Some(number));
        }
        assert_eq!(contacts.add("POOL", contact("one more")), None);
        assert_eq!(contacts.add("POOL", contact("0")), Some(0));
    }
}
