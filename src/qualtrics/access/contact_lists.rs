//! The history and the transactions of contacts: one document for each list that has entries.
//!
//! The first page of each list is read beside the contact. A list with further pages, or one that does not fit into the report, is a
//! remote document, which is read page by page.

use std::collections::BTreeMap;

use crate::contract::{Amount, Finding, SourceState};
use crate::qualtrics::api::contact_lists::{ContactList, ListReader};
use crate::qualtrics::api::envelope::ApiResponse;
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::contact_search::contacts::FoundContact;
use crate::qualtrics::contact_search::{OnTransientError, source_failure};
use crate::qualtrics::context::Context;
use crate::qualtrics::documents::page_check;
use crate::qualtrics::findings::SourceFailure;
use crate::qualtrics::ticket::Reference;

/// The lists per minute that one percent of Qualtrics' limit amounts to, if half of it is left to the other calls (fact sheet 3.3).
const LISTS_PER_PERCENT: usize = 15;

/// The most lists that a call of the contract has time for.
const MAX_LISTS: usize = 500;

const TOO_MANY: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "too-many",
    note: "There are more contacts than one request can read the history and the transactions of: start requests with fewer identifiers, \
           or open the contacts in XM Directory.",
};
const REJECTED: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "unavailable",
    note: "Qualtrics rejects the calls for this list of contacts: open the contacts in XM Directory, and add what is shown there.",
};

/// A list that has entries, before it becomes a document.
pub struct FoundList {
    /// Which list it is.
    pub list: ContactList,
    /// The source of its finding.
    pub source: String,
    /// The whole document; `None` if there are further pages.
    pub bytes: Option<Vec<u8>>,
    /// How to read it.
    pub reference: Reference,
}

/// What the lists of the contacts hold, by source.
pub struct ContactLists {
    on_error: OnTransientError,
    /// The lists that may still be called.
    left: usize,
    sources: BTreeMap<String, Source>,
    /// Whether Qualtrics permitted any call for transactions.
    shows_transactions: bool,
    /// Whether Qualtrics knows the type of the history of responses.
    shows_responses: bool,
}

/// One kind of lists in one directory.
#[derive(Default)]
struct Source {
    entries: u64,
    has_more: bool,
    failure: Option<SourceFailure>,
    /// Whether a call was refused.
    is_refused: bool,
    /// Whether Qualtrics rejected the history of responses of a contact that it shows the other history of.
    lacks_responses: bool,
}

impl ContactLists {
    /// Plans the calls for the lists of so many contacts.
    ///
    /// # Errors
    /// [`ApiError::ShareExhausted`] if the share has no room for them now, and it is to be retried.
    pub fn plan(context: &Context<'_>, contacts: usize, on_error: OnTransientError) -> Result<Self, ApiError> {
        let share = usize::from(context.settings.rate_share).saturating_mul(LISTS_PER_PERCENT);
        let left = share.min(MAX_LISTS);
        let needed = contacts.saturating_mul(wanted(context).len()).min(left);
        if let (1.., OnTransientError::Retry) = (needed, on_error) {
            let call = ContactList::EmailHistory.call("", "", None);
            let wait_ms = context.client.wait_for(&call, u64::try_from(needed).unwrap_or(u64::MAX));
            if wait_ms > 0 {
                source_failure(ApiError::ShareExhausted(wait_ms), on_error, TOO_MANY)?;
            }
        }
        Ok(Self { on_error, left, sources: BTreeMap::new(), shows_transactions: false, shows_responses: false })
    }

    /// The lists to call for the next contacts. None if that would be too many.
    ///
    /// # Errors
    /// [`ApiError::DeadlineExceeded`] if the call is late, and it is to be retried.
    pub fn next(&mut self, context: &Context<'_>, contacts: &[FoundContact]) -> Result<Vec<ContactList>, ApiError> {
        let lists = wanted(context);
        let is_late = context.client.is_late();
        if is_late && self.on_error == OnTransientError::Retry && !contacts.is_empty() {
            return Err(ApiError::DeadlineExceeded);
        }
        match self.left.checked_sub(contacts.len().saturating_mul(lists.len())) {
            Some(left) if !is_late => self.left = left,
            _ => {
                self.left = 0;
                for (found, list) in contacts.iter().flat_map(|found| lists.iter().map(move |list| (found, *list))) {
                    self.source(&found.directory, list).failure = Some(TOO_MANY);
                }
                return Ok(Vec::new());
            }
        }
        Ok(lists)
    }

    /// Takes the responses to the calls for the first pages of a contact's lists, and returns the lists that have entries.
    ///
    /// # Errors
    /// As for [`source_failure`].
    pub fn add(
        &mut self,
        found: &FoundContact,
        responses: Vec<(ContactList, Result<ApiResponse, ApiError>)>,
        is_gone: bool,
    ) -> Result<Vec<FoundList>, ApiError> {
        let mut has_history = false;
        let mut lists = Vec::new();
        for (list, response) in responses {
            let mut reader = ListReader::new(list, &found.directory, &found.contact.id);
            let page = response.and_then(|response| reader.add_page(response));
            self.shows_transactions |= list == ContactList::Transactions && page.is_ok();
            self.shows_responses |= list == ContactList::ResponseHistory && page.is_ok();
            match page {
                Ok(bytes) => {
                    has_history |= list == ContactList::EmailHistory;
                    lists.extend(self.add_list(&reader, list, found, bytes));
                }
                Err(error) => self.add_error(found, list, error, is_gone, has_history)?,
            }
        }
        Ok(lists)
    }

    fn add_list(
        &mut self,
        reader: &ListReader,
        list: ContactList,
        found: &FoundContact,
        bytes: Vec<u8>,
    ) -> Option<FoundList> {
        let source = self.source(&found.directory, list);
        source.entries = source.entries.saturating_add(reader.entries());
        source.has_more |= !reader.is_complete();
        if reader.is_complete() && reader.entries() == 0 {
            return None;
        }
        let reference = Reference::List {
            directory: found.directory.clone(),
            contact: found.contact.id.clone(),
            list,
            first_page: page_check(&bytes),
        };
        let source = source_name(&found.directory, list);
        Some(FoundList { list, source, bytes: reader.is_complete().then_some(bytes), reference })
    }

    fn add_error(
        &mut self,
        found: &FoundContact,
        list: ContactList,
        error: ApiError,
        is_gone: bool,
        has_history: bool,
    ) -> Result<(), ApiError> {
        let is_rejected = error.is_not_found() || error.own_status() == Some(422);
        if is_rejected && is_gone {
            return Ok(());
        }
        // Whether Qualtrics knows this type of history is unconfirmed.
        if is_rejected && list == ContactList::ResponseHistory && has_history {
            self.source(&found.directory, list).lacks_responses = true;
            return Ok(());
        }
        if list.optional_scope().is_some() && error.is_refused() {
            self.source(&found.directory, list).is_refused = true;
            return Ok(());
        }
        let failure = match error {
            ApiError::ShareExhausted(_) | ApiError::DeadlineExceeded if self.on_error == OnTransientError::Report => {
                TOO_MANY
            }
            error => source_failure(error, self.on_error, REJECTED)?,
        };
        self.source(&found.directory, list).failure = Some(failure);
        Ok(())
    }

    fn source(&mut self, directory: &str, list: ContactList) -> &mut Source {
        self.sources.entry(source_name(directory, list)).or_default()
    }

    /// One finding for each source. A scope that is optional and that every call was refused for is not granted: then there is none.
    pub fn findings(self, context: &mut Context<'_>, identifiers: &dyn Fn(&str) -> Vec<u32>) -> Vec<Finding> {
        let scope = ContactList::Transactions.optional_scope();
        let mut findings = Vec::new();
        for (name, source) in self.sources {
            let failure = match source {
                Source { is_refused: true, .. } if self.shows_transactions => Some(NOT_PERMITTED),
                Source { lacks_responses: true, failure: None, .. } if self.shows_responses => Some(REJECTED),
                Source { failure, .. } => failure,
            };
            if let (true, None, Some(scope)) = (source.is_refused, failure, scope) {
                context.client.note_refused(scope);
                continue;
            }
            let directory = name.split_once(':').map_or("", |(_, directory)| directory);
            let identifiers = identifiers(directory);
            let amount = match (source.entries, source.has_more) {
                (1.., _) if failure.is_some() => Amount::Present,
                (_, true) => Amount::Present,
                _ if failure.is_some() => Amount::Unknown,
                (entries, false) => Amount::Count(entries),
            };
            findings.push(match failure {
                Some(failure) => failure.finding(&name, identifiers, amount),
                None => Finding::searched(&name, amount, identifiers),
            });
        }
        findings
    }
}

const NOT_PERMITTED: SourceFailure = SourceFailure {
    state: SourceState::NotPermitted,
    code: "not-permitted",
    note: "The account may not read the transactions of some contacts of this directory.",
};

/// The lists that are called for each contact.
fn wanted(context: &Context<'_>) -> Vec<ContactList> {
    let is_refused = |list: &ContactList| list.optional_scope().is_some_and(|scope| context.client.is_refused(scope));
    ContactList::ALL.into_iter().filter(|list| !is_refused(list)).collect()
}

/// The source of a list: both kinds of history are one.
fn source_name(directory: &str, list: ContactList) -> String {
    match list {
        ContactList::EmailHistory | ContactList::ResponseHistory => format!("contact-history:{directory}"),
        ContactList::Transactions => format!("contact-transactions:{directory}"),
    }
}
