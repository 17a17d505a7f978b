//! Contacts as documents: inline as far as the call's budget of bytes allows, else by reference.

use crate::contract::{Amount, Content, Document, Error, Finding, Right, SourceState};
use crate::qualtrics::api::client::Call;
use crate::qualtrics::api::contact::Contact;
use crate::qualtrics::api::directories;
use crate::qualtrics::api::envelope::ApiResponse;
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::contact_search::MAX_PREPARED_CALLS;
use crate::qualtrics::contact_search::contacts::{Contacts, FoundContact};
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

/// Reads each contact in full, and adds findings for those that cannot be read.
///
/// A contact that does not fit into the report, or for which the call has no time left, becomes a remote document. One that cannot be
/// read is returned as the search showed it.
///
/// # Errors
/// If a reference would be too long.
pub fn collect(
    context: &mut Context<'_>,
    contacts: Contacts,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Document>, Error> {
    let mut documents = Vec::new();
    let mut is_reading = true;
    let mut contacts = contacts.into_found().into_iter();
    loop {
        let batch: Vec<FoundContact> = contacts.by_ref().take(MAX_PREPARED_CALLS).collect();
        if batch.is_empty() {
            return Ok(documents);
        }
        is_reading = is_reading && context.inline_bytes_left > 0 && !context.client.is_late();
        let readings = if is_reading { read_all(context, &batch) } else { postpone_all(&batch) };
        is_reading = is_reading && !readings.iter().any(|reading| matches!(reading, Reading::Postponed));
        for (found, reading) in batch.into_iter().zip(readings) {
            let source = format!("directory:{}", found.directory);
            if let Reading::Failed(failure) = &reading {
                add_summary_finding(*failure, &source, findings);
            }
            let name = file_name(documents.len().saturating_add(1), &found.directory);
            let reference = reference(&found);
            let content = content(context, found.into_bytes(reading), &reference)?;
            // A remote contact is read again, and may have other members then.
            let size = if let Content::Inline(bytes) = &content { Some(bytes.len() as u64) } else { None };
            documents.push(Document { name, media_type: "application/json".to_owned(), source, size, content });
        }
    }
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

/// Requests contacts in full, concurrently.
fn read_all(context: &mut Context<'_>, batch: &[FoundContact]) -> Vec<Reading> {
    let scopes = context.scopes(Right::Access);
    let call = |found: &FoundContact| directories::contact(&found.directory, &found.contact.id);
    let calls: Vec<Call> = batch.iter().map(call).collect();
    let responses = context.client.send_all(&scopes, &calls);
    batch.iter().zip(responses).map(|(found, response)| Reading::new(response, &found.contact.id)).collect()
}

fn postpone_all(batch: &[FoundContact]) -> Vec<Reading> {
    batch.iter().map(|_| Reading::Postponed).collect()
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
fn content(context: &mut Context<'_>, bytes: Option<Vec<u8>>, reference: &Reference) -> Result<Content, Error> {
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
    reference.format().map(Content::Remote)
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
fn file_name(number: usize, directory: &str) -> String {
    let directory: String = directory.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    format!("contact-{number:04}-{directory}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_valid_on_every_file_system() {
        assert_eq!(file_name(7, "POOL_2c/../x"), "contact-0007-POOL2cx.json");
        assert_eq!(file_name(12_345, "目"), "contact-12345-.json");
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
