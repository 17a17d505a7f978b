//! A search that continues across calls of the contract, from a position in the ticket.
//!
//! Qualtrics allows a few hundred searches per minute, for the whole brand. A search that is larger than the share at hand makes the calls
//! for which there is room, and the ticket holds what they found: the IDs of contacts, which are read again at the end.

use super::directory::{DirectorySearch, ENDLESS, SPELLING_REJECTED, TOO_MANY, UNRELIABLE};
use super::{
    FOREIGN_RESPONSE, MAX_PREPARED_CALLS, NOT_PERMITTED, NOT_SEARCHABLE, OnTransientError, SearchResult, UNAVAILABLE,
    begin, explain_rejections, run, searches, source_failure,
};
use crate::contract::Right;
use crate::privacy::subject::Subject;
use crate::privacy::ticket::check_of;
use crate::qualtrics::api::client::Call;
use crate::qualtrics::api::directories::{self, Contact};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::context::Context;
use crate::qualtrics::findings::SourceFailure;
use crate::qualtrics::scopes::Scopes;
use crate::qualtrics::ticket::{SearchPosition, SearchRecord};

/// The most contacts that a ticket holds.
const MAX_CONTACTS: usize = 40;

/// The most searches with a result that a ticket holds.
const MAX_RECORDS: usize = 60;

/// Why a search failed, by its position here: [`SearchRecord::failure`]. The order is part of the format of tickets.
const FAILURES: [SourceFailure; 8] =
    [NOT_SEARCHABLE, NOT_PERMITTED, UNAVAILABLE, FOREIGN_RESPONSE, TOO_MANY, UNRELIABLE, ENDLESS, SPELLING_REJECTED];

/// What a call achieved.
pub enum Progressed {
    /// The search is complete.
    Complete(Box<SearchResult>),
    /// It continues from this position after so many milliseconds.
    More(SearchPosition, u64),
}

/// Searches every directory for every identifier, as far as the share at hand allows. A search whose first pages fit into one batch is
/// made at once, as [`super::search`] makes it.
///
/// # Errors
/// As for [`super::search`].
pub fn advance(
    context: &mut Context<'_>,
    right: Right,
    subject: &Subject,
    on_error: OnTransientError,
    beside: Option<Call>,
    position: Option<&SearchPosition>,
) -> Result<Progressed, ApiError> {
    let scopes = context.scopes(right);
    let (directories, mut result) = begin(context, &scopes, subject, on_error, beside)?;
    let mut searches = searches(&directories, subject);
    let check = check_of(&directories.join(" "));
    let earlier = position.filter(|position| position.check == check && position.ended <= searches.len());
    if earlier.is_none() && searches.len() <= MAX_PREPARED_CALLS {
        run(context, &scopes, &mut searches, on_error, &mut result.contacts)?;
        return Ok(Progressed::Complete(Box::new(result.conclude(&searches, subject))));
    }
    let mut position = earlier.cloned().unwrap_or(SearchPosition { check, ended: 0, records: Vec::new() });
    position.restore(&mut searches);
    while let Some(open) = searches.get_mut(position.ended..).filter(|open| !open.is_empty()) {
        if position.is_full() {
            open.iter_mut().for_each(DirectorySearch::abandon);
            break;
        }
        let count = open.len().min(MAX_PREPARED_CALLS);
        let part = open.get_mut(..count).unwrap_or_default();
        match run_part(context, &scopes, part, on_error, &mut result)? {
            None => position.record(part, &result),
            Some(wait_ms) => return Ok(Progressed::More(position, wait_ms)),
        }
    }
    // A rejection of an earlier call may be that of a spelling.
    explain_rejections(&mut searches);
    fetch_contacts(context, &scopes, &position, &mut searches, &mut result, on_error)?;
    Ok(Progressed::Complete(Box::new(result.conclude(&searches, subject))))
}

/// Runs searches to their end. Returns the delay if there is no room for them.
fn run_part(
    context: &mut Context<'_>,
    scopes: &Scopes,
    part: &mut [DirectorySearch<'_>],
    on_error: OnTransientError,
    result: &mut SearchResult,
) -> Result<Option<u64>, ApiError> {
    if context.client.is_late() {
        return Ok(Some(0));
    }
    match run(context, scopes, part, on_error, &mut result.contacts) {
        Ok(()) => Ok(None),
        Err(ApiError::ShareExhausted(wait_ms)) => {
            part.iter_mut().for_each(DirectorySearch::restart);
            Ok(Some(wait_ms))
        }
        Err(error) => Err(error),
    }
}

/// Reads the contacts again that earlier calls found.
fn fetch_contacts(
    context: &mut Context<'_>,
    scopes: &Scopes,
    position: &SearchPosition,
    searches: &mut [DirectorySearch<'_>],
    result: &mut SearchResult,
    on_error: OnTransientError,
) -> Result<(), ApiError> {
    let is_known = |id: &str, directory: &str| {
        result.contacts.iter().any(|known| known.contact.id == id && known.directory == directory)
    };
    let found = position.records.iter().flat_map(|record| record.contacts.iter().map(|id| (record.search, id)));
    let missing: Vec<(usize, &String)> = found
        .filter(|(search, id)| searches.get(*search).is_some_and(|search| !is_known(id, search.directory())))
        .collect();
    let call = |(search, id): &(usize, &String)| Some(directories::contact(searches.get(*search)?.directory(), id));
    let calls: Vec<Call> = missing.iter().filter_map(call).collect();
    for ((search, _), response) in missing.iter().zip(context.client.send_all(scopes, &calls)) {
        let Some(search) = searches.get_mut(*search) else { continue };
        match response {
            Ok(response) => {
                let contact = Contact::parse(response.result).ok_or(ApiError::Malformed)?;
                search.add_restored(contact, &mut result.contacts);
            }
            // It has been deleted since.
            Err(error) if error.is_not_found() => {}
            Err(error) => search.fail(source_failure(error, on_error, UNAVAILABLE)?),
        }
    }
    Ok(())
}

impl SearchPosition {
    fn is_full(&self) -> bool {
        self.room_for_contacts() == 0 || self.records.len() >= MAX_RECORDS
    }

    fn room_for_contacts(&self) -> usize {
        let contacts: usize = self.records.iter().map(|record| record.contacts.len()).sum();
        MAX_CONTACTS.saturating_sub(contacts)
    }

    /// Ends the searches that have ended in earlier calls.
    fn restore(&self, searches: &mut [DirectorySearch<'_>]) {
        searches.iter_mut().take(self.ended).for_each(|search| search.restore(false, None));
        for record in &self.records {
            let failure = record.failure.map(|failure| FAILURES.get(failure).copied().unwrap_or(UNAVAILABLE));
            if let Some(search) = searches.get_mut(record.search) {
                search.restore(record.has_similar, failure);
            }
        }
    }

    /// Records how the next searches ended, until the ticket is full. Contacts that do not fit make their search incomplete.
    fn record(&mut self, part: &[DirectorySearch<'_>], result: &SearchResult) {
        for search in part {
            let Some((mut contacts, has_similar, failure)) = search.ended(&result.contacts) else { return };
            if self.is_full() {
                return;
            }
            let room = self.room_for_contacts();
            let failure = if contacts.len() > room { Some(TOO_MANY) } else { failure };
            contacts.truncate(room);
            let position = |failure| FAILURES.iter().position(|known| *known == failure).unwrap_or(FAILURES.len());
            let failure = failure.map(position);
            if !contacts.is_empty() || has_similar || failure.is_some() {
                self.records.push(SearchRecord { search: self.ended, contacts, has_similar, failure });
            }
            self.ended = self.ended.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contract::{Identifier, Request};
    use crate::qualtrics::contact_search::contacts::Contacts;
    use crate::qualtrics::ticket::{Operation, Ticket};

    fn subject(count: usize) -> Subject {
        let subject = (0..count).map(|n| Identifier::Email(format!("p{n}@x.org"))).collect();
        let request = Request { id: "r".to_owned(), subject, attempts: None, overrides: Vec::new() };
        Subject::parse(&request, 0).unwrap_or_else(|error| panic!("{}", error.message))
    }

    fn empty() -> SearchResult {
        let (findings, discovered) = (Vec::new(), Vec::new());
        SearchResult { findings, contacts: Contacts::default(), has_certain_contact: false, discovered, beside: None }
    }

    #[test]
    fn a_full_position_fits_into_a_ticket_and_leaves_the_rest_open() {
        let subject = subject(60);
        let directories = ["POOL_1".to_owned(), "POOL_2".to_owned()];
        let mut searches = searches(&directories, &subject);
        let mut result = empty();
        for (n, search) in searches.iter_mut().enumerate() {
            let address = format!("p{}@x.org", n % 60);
            let contact = |id: usize| Contact::parse(json!({"id": format!("CID_{n:07}{id:08}"), "email": address}));
            let page = (0..n % 3).filter_map(contact).collect();
            search.add_page(page, None, &mut result.contacts);
        }
        let mut position = SearchPosition { check: u32::MAX, ended: 0, records: Vec::new() };
        position.record(&searches, &result);
        assert!(position.is_full() && position.ended < searches.len());
        assert_eq!(position.records.iter().map(|record| record.contacts.len()).sum::<usize>(), MAX_CONTACTS);
        let jobs = vec!["OP-0d2c7b7e-0f3e-4b55-9d57-5b9c2c1c6a11".to_owned(); 2];
        let ticket = Ticket { contacts: Some(position), ..Ticket::new(Operation::Preview, 1 << 20, jobs, 1 << 40) };
        assert!(Ticket::parse(&ticket.format().expect("a ticket")).is_ok_and(|parsed| parsed == ticket));
    }

    #[test]
    fn contacts_that_do_not_fit_make_their_search_incomplete() {
        let subject = subject(1);
        let directories = ["POOL_1".to_owned()];
        let mut searches = searches(&directories, &subject);
        let mut result = empty();
        let contact = |id: usize| Contact::parse(json!({"id": format!("C{id}"), "email": "p0@x.org"}));
        searches[0].add_page((0..=MAX_CONTACTS).filter_map(contact).collect(), None, &mut result.contacts);
        let mut position = SearchPosition { check: 0, ended: 0, records: Vec::new() };
        position.record(&searches, &result);
        assert_eq!(position.ended, 1);
        assert_eq!(position.records[0].failure.map(|failure| FAILURES[failure].code), Some("too-many"));
    }
}
