//! Contacts as documents: inline as far as the call's budget of bytes allows, else by reference.

use super::contact_lists::{ContactLists, FoundList};
use crate::contract::{Amount, Content, Document, Finding, Right, SourceState};
use crate::qualtrics::api::client::Call;
use crate::qualtrics::api::contact::Contact;
use crate::qualtrics::api::contact_lists::ContactList;
use crate::qualtrics::api::directories;
use crate::qualtrics::api::envelope::ApiResponse;
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::contact_search::contacts::{Contacts, FoundContact};
use crate::qualtrics::contact_search::{MAX_PREPARED_CALLS, OnTransientError};
use crate::qualtrics::context::Context;
use crate::qualtrics::documents::modification_check;
use crate::qualtrics::findings::SourceFailure;
use crate::qualtrics::ticket::Reference;

/// The longest document that is returned inline, in bytes.
const MAX_INLINE_BYTES: usize = 64 * 1024;

/// Contacts of which only the search result could be read.
const SUMMARY_ONLY: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "summary-only",
    note: "Contacts of this directory could not be read in full, because the responses were not usable: their documents hold what the \
           search showed.",
};
const NOT_PERMITTED: SourceFailure = SourceFailure {
    state: SourceState::NotPermitted,
    note: "The account may search the contacts of this directory, and not read them in full: their documents hold what the search showed.",
    ..SUMMARY_ONLY
};

/// How many contacts are read in one round of concurrent calls, with their lists.
const CONTACTS_PER_ROUND: usize = MAX_PREPARED_CALLS / 4;

/// What was read of contacts, and beside them.
#[derive(Default)]
pub struct Collected {
    /// The contacts and their lists.
    pub documents: Vec<Document>,
    /// The responses to the calls that were made beside the first contacts.
    pub beside: Vec<Result<ApiResponse, ApiError>>,
}

/// Reads each contact in full, and the first pages of its lists, and adds findings for those that cannot be read. Other calls are made
/// beside the first contacts.
///
/// A contact that does not fit into the report, or for which the call has no time left, becomes a remote document. One that cannot be
/// read is returned as the search showed it.
///
/// # Errors
/// As for [`ContactLists`].
pub fn collect(
    context: &mut Context<'_>,
    contacts: Contacts,
    mut beside: Vec<Call>,
    on_error: OnTransientError,
    findings: &mut Vec<Finding>,
) -> Result<Collected, ApiError> {
    let mut collected = Collected::default();
    let mut is_reading = true;
    let contacts = contacts.into_found();
    let mut lists = ContactLists::plan(context, contacts.len(), on_error)?;
    let mut contacts = contacts.into_iter();
    loop {
        let batch: Vec<FoundContact> = contacts.by_ref().take(CONTACTS_PER_ROUND).collect();
        if batch.is_empty() && beside.is_empty() {
            break;
        }
        is_reading = is_reading && context.inline_bytes_left > 0 && !context.client.is_late();
        let called = lists.next(context, &batch)?;
        let round = Round::send(context, &batch, is_reading, &called, std::mem::take(&mut beside));
        is_reading = is_reading && !round.contacts.iter().any(|one| matches!(one.reading, Reading::Postponed));
        collected.beside.extend(round.beside);
        for (found, ContactResponses { reading, lists: responses }) in batch.into_iter().zip(round.contacts) {
            let with_entries = lists.add(&found, responses, matches!(reading, Reading::Gone))?;
            add_contact(context, found, reading, findings, &mut collected.documents)?;
            for list in with_entries {
                add_list(context, list, &mut collected.documents)?;
            }
        }
    }
    let of_directories = |directory: &str| with_data(&format!("directory:{directory}"), findings);
    let of_lists = lists.findings(context, &of_directories);
    findings.extend(of_lists);
    Ok(collected)
}

/// The responses of one round of concurrent calls.
struct Round {
    contacts: Vec<ContactResponses>,
    beside: Vec<Result<ApiResponse, ApiError>>,
}

/// The responses about one contact.
struct ContactResponses {
    reading: Reading,
    lists: Vec<(ContactList, Result<ApiResponse, ApiError>)>,
}

impl Round {
    /// Requests contacts, the first pages of these lists of each, and what is to be called beside them.
    fn send(
        context: &mut Context<'_>,
        batch: &[FoundContact],
        is_reading: bool,
        lists: &[ContactList],
        beside: Vec<Call>,
    ) -> Self {
        let mut calls = Vec::new();
        for FoundContact { directory, contact } in batch {
            calls.extend(is_reading.then(|| directories::contact(directory, &contact.id)));
            calls.extend(lists.iter().map(|list| list.call(directory, &contact.id, None)));
        }
        calls.extend(beside);
        let scopes = context.scopes(Right::Access);
        let mut responses = context.client.send_all(&scopes, &calls).into_iter();
        let mut contacts = Vec::with_capacity(batch.len());
        for found in batch {
            let mut next = || responses.next().unwrap_or(Err(ApiError::DeadlineExceeded));
            let reading = if is_reading { Reading::new(next(), &found.contact.id) } else { Reading::Postponed };
            contacts.push(ContactResponses { reading, lists: lists.iter().map(|list| (*list, next())).collect() });
        }
        Self { contacts, beside: responses.collect() }
    }
}

fn add_contact(
    context: &mut Context<'_>,
    found: FoundContact,
    reading: Reading,
    findings: &mut Vec<Finding>,
    documents: &mut Vec<Document>,
) -> Result<(), ApiError> {
    let source = format!("directory:{}", found.directory);
    if let Reading::Failed(failure) = &reading {
        add_summary_finding(*failure, &source, findings);
    }
    let name = file_name("contact", documents.len().saturating_add(1), &found.directory);
    let reference = reference(&found);
    documents.push(document(context, name, source, found.into_bytes(reading), &reference)?);
    Ok(())
}

fn add_list(context: &mut Context<'_>, list: FoundList, documents: &mut Vec<Document>) -> Result<(), ApiError> {
    let directory = list.source.split_once(':').map_or("", |(_, directory)| directory);
    let name = file_name(list.list.name(), documents.len().saturating_add(1), directory);
    documents.push(document(context, name, list.source, list.bytes, &list.reference)?);
    Ok(())
}

fn document(
    context: &mut Context<'_>,
    name: String,
    source: String,
    bytes: Option<Vec<u8>>,
    reference: &Reference,
) -> Result<Document, ApiError> {
    let content = content(context, bytes, reference)?;
    // What is remote is read again, and may have another size then.
    let size = if let Content::Inline(bytes) = &content { Some(bytes.len() as u64) } else { None };
    Ok(Document { name, media_type: "application/json".to_owned(), source, size, content })
}

/// The result of reading one contact.
enum Reading {
    /// The contact in full.
    Whole(Contact),
    /// It was deleted after the search, whose result is all that is left.
    Gone,
    /// It cannot be read. The search result is a summary.
    Failed(SourceFailure),
    /// It was not read in this call, and can be read later.
    Postponed,
}

impl Reading {
    fn new(response: Result<ApiResponse, ApiError>, id: &str) -> Self {
        match response {
            Ok(response) => match Contact::parse(response.result) {
                Some(contact) if contact.id == id => Self::Whole(contact),
                _ => Self::Failed(SUMMARY_ONLY),
            },
            Err(error) if error.is_transient() => Self::Postponed,
            Err(error) if error.is_not_found() => Self::Gone,
            Err(error) if matches!(error.own_status(), Some(401 | 403)) => Self::Failed(NOT_PERMITTED),
            Err(_) => Self::Failed(SUMMARY_ONLY),
        }
    }
}

impl FoundContact {
    /// The contact as a document; `None` if it was not read.
    fn into_bytes(mut self, reading: Reading) -> Option<Vec<u8>> {
        match reading {
            Reading::Postponed => return None,
            Reading::Whole(other) => self.contact.complete(other),
            Reading::Gone | Reading::Failed(_) => {}
        }
        Some(self.contact.document(&self.directory))
    }
}

fn reference(found: &FoundContact) -> Reference {
    Reference::Contact {
        directory: found.directory.clone(),
        contact: found.contact.id.clone(),
        changed: modification_check(&found.contact),
    }
}

/// A document's bytes, if there are any and the call may return them; else a reference to them.
///
/// # Errors
/// [`ApiError::Malformed`] if the IDs are longer than any of Qualtrics'.
fn content(context: &mut Context<'_>, bytes: Option<Vec<u8>>, reference: &Reference) -> Result<Content, ApiError> {
    let left = &mut context.inline_bytes_left;
    match bytes.filter(|bytes| bytes.len() <= MAX_INLINE_BYTES) {
        Some(bytes) if bytes.len() <= *left => {
            *left = left.saturating_sub(bytes.len());
            return Ok(Content::Inline(bytes));
        }
        // A document that does not fit empties the budget: no further contact is read in this call.
        Some(_) => *left = 0,
        None => {}
    }
    reference.format().map(Content::Remote).map_err(|_| ApiError::Malformed)
}

/// Adds a finding about contacts of a directory that could not be read in full, once for each reason.
fn add_summary_finding(failure: SourceFailure, source: &str, findings: &mut Vec<Finding>) {
    let is_known = |finding: &Finding| {
        (finding.source == source) && finding.state == failure.state && finding.code.as_deref() == Some(failure.code)
    };
    if findings.iter().any(is_known) {
        return;
    }
    let identifiers = with_data(source, findings);
    findings.push(failure.finding(source, identifiers, Amount::Present));
}

/// The identifiers that a source holds data under.
fn with_data(source: &str, findings: &[Finding]) -> Vec<u32> {
    let of_source = findings.iter().filter(|finding| finding.source == source);
    let with_data = of_source.filter(|finding| matches!(finding.amount, Amount::Present | Amount::Count(1..)));
    let mut identifiers: Vec<u32> = with_data.flat_map(|finding| finding.identifiers.iter().copied()).collect();
    identifiers.sort_unstable();
    identifiers.dedup();
    identifiers
}

/// A file name: numbered, so that names differ on file systems that ignore case.
fn file_name(kind: &str, number: usize, directory: &str) -> String {
    let directory: String = directory.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    format!("{kind}-{number:04}-{directory}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_valid_on_every_file_system() {
        assert_eq!(file_name("contact", 7, "POOL_2c/../x"), "contact-0007-POOL2cx.json");
        assert_eq!(file_name("contact", 12_345, "目"), "contact-12345-.json");
    }

    #[test]
    fn one_finding_mentions_all_contacts_of_a_directory_that_were_not_read_in_full() {
        let mut findings = vec![
            Finding::searched("directory:A", Amount::Count(2), vec![3, 1]),
            Finding::searched("directory:A", Amount::Count(0), vec![2]),
            Finding::searched("directory:B", Amount::Count(1), vec![0]),
        ];
        add_summary_finding(SUMMARY_ONLY, "directory:A", &mut findings);
        add_summary_finding(SUMMARY_ONLY, "directory:A", &mut findings);
        assert_eq!(findings.len(), 4);
        assert_eq!((findings[3].identifiers.as_slice(), &findings[3].amount), (&[1, 3][..], &Amount::Present));
    }
}
