//! Searching every directory of the brand for the contacts of a data subject.

pub mod contacts;
mod directory;
pub mod resumable;

use std::collections::BTreeSet;

use self::contacts::{Contacts, FoundContact};
use self::directory::DirectorySearch;
use super::findings::SourceFailure;
use crate::contract::{self, Amount, Finding, Right, SourceState};
use crate::http::rate_limit::WINDOW_MS;
use crate::privacy::identifier::Identifier;
use crate::privacy::phone::PhoneNumber;
use crate::privacy::subject::Subject;
use crate::qualtrics::api::client::Call;
use crate::qualtrics::api::contact::Match;
use crate::qualtrics::api::directories;
use crate::qualtrics::api::envelope::ApiResponse;
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::context::Context;
use crate::qualtrics::scopes::Scopes;

/// The most calls that are prepared in one batch. The transport sends a few of them at a time.
pub const MAX_PREPARED_CALLS: usize = 40;

/// The searches per minute that one percent of Qualtrics' limit amounts to (fact sheet 3.3).
const SEARCHES_PER_PERCENT: usize = 5;

/// The time without calls after which the whole share is available again, in milliseconds.
const WHOLE_SHARE_MS: u64 = WINDOW_MS;

/// The most identifiers that a report offers.
const MAX_DISCOVERED: usize = 64;

/// What the search for all directories as a whole is called in findings.
const ALL_DIRECTORIES: &str = "directories";

/// What happens if a source fails with a transient error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnTransientError {
    /// The error is returned, and the caller retries the whole step later.
    Retry,
    /// The source is reported as unavailable.
    Report,
}

/// What the directories hold.
pub struct SearchResult {
    /// One finding for each directory and identifier; one for all directories if they cannot be searched.
    pub findings: Vec<Finding>,
    /// The contacts, each once.
    pub contacts: Contacts,
    /// Whether a contact is the person's for certain. One that was found by a telephone number without a country code alone may be
    /// another person's.
    pub has_certain_contact: bool,
    /// Identifiers of the contacts that the request does not name. Each is accepted in a request as it stands.
    pub discovered: Vec<contract::Identifier>,
    /// The response to the call that was sent beside the search, if there was one.
    pub beside: Option<Result<ApiResponse, ApiError>>,
}

/// Searches every directory for every identifier. Another call of the same right can be sent `beside` the first one, which saves a
/// round trip.
///
/// # Errors
/// A transient error, if it is to be retried. Missing scopes, rejected credentials and denied egress in any case: an operator has to
/// change something first, and a partial report would hide that.
pub fn search(
    context: &mut Context<'_>,
    right: Right,
    subject: &Subject,
    on_error: OnTransientError,
    beside: Option<Call>,
) -> Result<SearchResult, ApiError> {
    let scopes = context.scopes(right);
    let (directories, mut result) = begin(context, &scopes, subject, on_error, beside)?;
    let mut searches = searches(&directories, subject);
    run(context, &scopes, &mut searches, on_error, &mut result.contacts)?;
    Ok(result.conclude(&searches, subject))
}

/// Lists the directories. The result so far has what that shows, and the response to the other call.
fn begin(
    context: &mut Context<'_>,
    scopes: &Scopes,
    subject: &Subject,
    on_error: OnTransientError,
    beside: Option<Call>,
) -> Result<(Vec<String>, SearchResult), ApiError> {
    let (listed, beside) = list_directories(context, scopes, beside);
    let (directories, failure) = match listed {
        Ok(directories) if directories.is_empty() => (directories, Some(NO_DIRECTORIES)),
        Ok(directories) => (directories, None),
        Err(error) => (Vec::new(), Some(source_failure(error, on_error, NO_XM_DIRECTORY)?)),
    };
    let failed = |failure: SourceFailure| failure.finding(ALL_DIRECTORIES, subject.all_indices(), Amount::Unknown);
    let result = SearchResult {
        findings: failure.map(failed).into_iter().collect(),
        contacts: Contacts::default(),
        has_certain_contact: false,
        discovered: Vec::new(),
        beside,
    };
    Ok((directories, result))
}

/// A search for each spelling of each identifier in each directory.
fn searches<'s>(directories: &'s [String], subject: &'s Subject) -> Vec<DirectorySearch<'s>> {
    directories
        .iter()
        .flat_map(|directory| subject.identifiers.iter().map(move |known| (directory, known)))
        .flat_map(|(directory, known)| DirectorySearch::for_spellings(directory, &known.identifier, &known.indices))
        .collect()
}

impl SearchResult {
    /// With what these searches found.
    fn conclude(mut self, searches: &[DirectorySearch<'_>], subject: &Subject) -> Self {
        let by_finding = searches.chunk_by(DirectorySearch::has_same_finding);
        self.findings.extend(by_finding.filter_map(DirectorySearch::finding));
        self.has_certain_contact = self.contacts.iter().any(|found| is_certain(found, subject));
        self.discovered = discovered(&self.contacts, subject);
        self
    }
}

type Listed = Result<Vec<String>, ApiError>;

/// The IDs of all directories, and the response to the other call.
fn list_directories(
    context: &mut Context<'_>,
    scopes: &Scopes,
    beside: Option<Call>,
) -> (Listed, Option<Result<ApiResponse, ApiError>>) {
    let known = context.call_cache.directories.clone();
    let list = known.is_none().then(directories::list);
    let calls: Vec<Call> = list.into_iter().chain(beside).collect();
    let mut responses = context.client.send_all(scopes, &calls).into_iter();
    let listed = known.map_or_else(
        || {
            let first_page = responses.next().unwrap_or(Err(ApiError::DeadlineExceeded));
            first_page.and_then(|page| directories::read_all(&mut context.client, scopes, page))
        },
        Ok,
    );
    context.call_cache.directories = listed.as_ref().ok().cloned();
    (listed, responses.next())
}

/// How many calls the first pages of a search need. `None` while the directories are unknown.
#[must_use]
pub fn first_calls(context: &Context<'_>, subject: &Subject) -> Option<u64> {
    let directories = context.call_cache.directories.as_ref()?;
    let spellings = subject.identifiers.iter().map(|known| known.identifier.spellings().len());
    u64::try_from(spellings.sum::<usize>().saturating_mul(directories.len())).ok()
}

/// The delay until the share has room for so many searches, or for as many as it ever has, in milliseconds.
#[must_use]
pub fn wait_for(context: &Context<'_>, calls: u64) -> u64 {
    let directory = context.call_cache.directories.iter().flatten().next();
    directory.map_or(0, |directory| context.client.wait_for(&directories::probe(directory), calls))
}

/// Runs searches to their end, page by page.
fn run(
    context: &mut Context<'_>,
    scopes: &Scopes,
    searches: &mut [DirectorySearch<'_>],
    on_error: OnTransientError,
    contacts: &mut Contacts,
) -> Result<(), ApiError> {
    // Searches per call are capped at one minute's share.
    let mut calls_left = usize::from(context.settings.rate_share).saturating_mul(SEARCHES_PER_PERCENT);
    // Wait until all first pages fit; otherwise waiting requests consume the share without completing.
    if let Some(first) = searches.first() {
        let at_once = u64::try_from(searches.len().min(calls_left)).unwrap_or(u64::MAX);
        let wait_ms = context.client.wait_for(&first.call(), at_once);
        if wait_ms > 0 {
            return Err(ApiError::ShareExhausted(wait_ms));
        }
    }
    loop {
        let mut open: Vec<&mut DirectorySearch<'_>> = searches.iter_mut().filter(|search| search.is_open()).collect();
        // If there are not enough calls for all, the usual spellings of every identifier are searched for.
        open.sort_by_key(|search| search.rank());
        open.truncate(MAX_PREPARED_CALLS.min(calls_left));
        if open.is_empty() {
            break;
        }
        calls_left = calls_left.saturating_sub(open.len());
        let calls: Vec<Call> = open.iter().map(|search| search.call()).collect();
        for (search, response) in open.into_iter().zip(context.client.send_all(scopes, &calls)) {
            match response.and_then(directories::parse_search) {
                Ok((page, next)) => search.add_page(page, next, contacts),
                Err(error) => search.fail(source_failure(error, on_error, NOT_SEARCHABLE)?),
            }
        }
    }
    searches.iter_mut().filter(|search| search.is_open()).for_each(DirectorySearch::abandon);
    explain_rejections(searches);
    Ok(())
}

/// A directory that Qualtrics searches for something else is searchable.
fn explain_rejections(searches: &mut [DirectorySearch<'_>]) {
    let searchable: BTreeSet<&str> = searches.iter().filter_map(DirectorySearch::searchable_directory).collect();
    searches.iter_mut().for_each(|search| search.explain_rejection(&searchable));
}

const NO_DIRECTORIES: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "not-licensed",
    note: "Qualtrics shows this account no directory: either the brand has no XM Directory, or roles hide its directories. In that \
           case grant the account access to them, then start the request again.",
};
const NO_XM_DIRECTORY: SourceFailure =
    SourceFailure { state: SourceState::Unavailable, code: "not-licensed", note: "The brand has no XM Directory." };
const NOT_SEARCHABLE: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "not-searchable",
    note: "Qualtrics does not search this directory, as is the case for XM Directory Lite.",
};
const NOT_PERMITTED: SourceFailure = SourceFailure {
    state: SourceState::NotPermitted,
    code: "not-permitted",
    note: "The account may not read this source.",
};
const UNAVAILABLE: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "unavailable",
    note: "This source failed temporarily, after several attempts.",
};
const FOREIGN_RESPONSE: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "unavailable",
    note: "Something between this host and Qualtrics responded in place of this source: check the proxies and firewalls, then start \
           the request again.",
};

/// How an error is reported as a finding. `rejected` is what a permanent error means for this source.
///
/// # Errors
/// The error itself, if it ends the whole search.
pub fn source_failure(
    error: ApiError,
    on_error: OnTransientError,
    rejected: SourceFailure,
) -> Result<SourceFailure, ApiError> {
    match &error {
        // The whole search is repeated. An earlier attempt would exhaust the share again before the search completes.
        ApiError::ShareExhausted(wait_ms) => Err(ApiError::ShareExhausted((*wait_ms).max(WHOLE_SHARE_MS))),
        ApiError::Response(response) => {
            match response.status {
                // A rate limit clears by itself, however long that takes.
                429 => Err(error),
                // A proxy or a firewall: an operator has to change its rules.
                401 | 403 | 407 if response.is_from_proxy() => Err(error),
                401 | 403 => Ok(NOT_PERMITTED),
                _ if error.is_transient() && on_error == OnTransientError::Retry => Err(error),
                _ if error.is_transient() => Ok(UNAVAILABLE),
                _ if response.is_from_proxy() => Ok(FOREIGN_RESPONSE),
                _ => Ok(rejected),
            }
        }
        _ if error.is_transient() && on_error == OnTransientError::Report => Ok(UNAVAILABLE),
        _ => Err(error),
    }
}

/// Whether a contact was found by more than a telephone number without a country code.
fn is_certain(found: &FoundContact, subject: &Subject) -> bool {
    let matches =
        |kind: Match| subject.identifiers.iter().any(|known| found.contact.matches(&known.identifier) == kind);
    matches(Match::Same) || !matches(Match::WithoutCountry)
}

/// Identifiers of the contacts that the request does not name. They are offered, never acted upon. An identifier that a request would
/// not accept as it stands, such as a telephone number without a country code, is left out. So is a contact that was found by such a
/// number alone: it may be another person's.
fn discovered(contacts: &Contacts, subject: &Subject) -> Vec<contract::Identifier> {
    let mut known: Vec<Identifier> = subject.identifiers.iter().map(|known| known.identifier.clone()).collect();
    let given = known.len();
    for FoundContact { contact, .. } in contacts.iter().filter(|found| is_certain(found, subject)) {
        let email = contact.text("email").and_then(|text| Identifier::email(text).ok());
        let phone = contact.text("phone").and_then(|text| PhoneNumber::in_text(text).map(Identifier::Phone));
        let external_id = contact.text("extRef").and_then(|text| Identifier::external_id(text).ok());
        for identifier in [email, phone, external_id].into_iter().flatten() {
            if known.len() < given.saturating_add(MAX_DISCOVERED) && !known.contains(&identifier) {
                known.push(identifier);
            }
        }
    }
    known.iter().skip(given).map(Identifier::to_contract).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::qualtrics::api::contact::Contact;
    use crate::qualtrics::api::error::{ErrorForm, ErrorResponse};

    fn contact(value: Value) -> Contact {
        Contact::parse(value).expect("a contact")
    }

    fn contacts(values: &[Value]) -> Contacts {
        let mut contacts = Contacts::default();
        for value in values {
            contacts.add("POOL", contact(value.clone())).expect("room");
        }
        contacts
    }

    fn subject(subject: Vec<contract::Identifier>) -> Subject {
        let request = contract::Request { id: "r".to_owned(), subject, attempts: None, overrides: Vec::new() };
        Subject::parse(&request, 0).expect("a subject")
    }

    #[test]
    fn a_failed_source_is_a_finding_unless_a_retry_or_an_operator_can_help() {
        use OnTransientError::{Report, Retry};
        let code = |status, is_in_envelope, on_error| {
            let form = if is_in_envelope { ErrorForm::Envelope } else { ErrorForm::Foreign };
            let response = ErrorResponse { status, form, ..ErrorResponse::default() };
            source_failure(ApiError::Response(response), on_error, NOT_SEARCHABLE).ok().map(|failure| failure.code)
        };
        for on_error in [Retry, Report] {
            assert_eq!(code(403, true, on_error), Some("not-permitted"));
            assert_eq!(code(404, true, on_error), Some("not-searchable"));
            assert_eq!(code(404, false, on_error), Some("unavailable"), "a proxy's");
            for (status, is_in_envelope) in [(403, false), (407, false), (429, true)] {
                assert_eq!(code(status, is_in_envelope, on_error), None, "{status}");
            }
        }
        assert_eq!((code(503, true, Retry), code(503, true, Report)), (None, Some("unavailable")));
        let wait = source_failure(ApiError::ShareExhausted(5), Report, NOT_SEARCHABLE).err();
        assert_eq!(wait, Some(ApiError::ShareExhausted(WHOLE_SHARE_MS)));
    }

    #[test]
    fn only_identifiers_that_a_request_accepts_are_discovered() {
        let given = subject(vec![contract::Identifier::Email("ada@example.org".to_owned())]);
        let contacts = contacts(&[
            json!({"id": 1, "email": " Ada@Example.org", "phone": "111-111-1111", "extRef": " E-1 "}),
            json!({"id": 2, "email": "Ada Lovelace", "phone": "+1 555-0100", "extRef": "E\u{200B}2"}),
            json!({"id": 4, "email": "mailto:ada@x.org", "phone": "+15550100 x45", "extRef": "\u{E000}"}),
            json!({"id": 5, "email": "\"ada\"@x.org", "phone": "+1555\u{FF10}100"}),
            json!({"id": 3, "email": "Ada@Home.example", "phone": "+15550100", "extRef": "E-1"}),
        ]);
        let discovered = discovered(&contacts, &given);
        let expected = [
            contract::Identifier::ExternalId("E-1".to_owned()),
            contract::Identifier::Phone("+15550100".to_owned()),
            contract::Identifier::Email("Ada@Home.example".to_owned()),
        ];
        assert!(discovered == expected, "each once, and none that the request names");
        let all = subject(discovered);
        assert_eq!(all.identifiers.len(), 3);
    }

    #[test]
    fn nothing_is_discovered_from_a_contact_that_may_be_another_persons() {
        let given = subject(vec![contract::Identifier::Phone("+4930123456".to_owned())]);
        let austrian = json!({"id": 1, "email": "bob@x.org", "phone": "030 123456"});
        let german = json!({"id": 2, "email": "ada@x.org", "phone": "+49 30 123456"});
        let discovered = discovered(&contacts(&[austrian, german]), &given);
        assert!(discovered == [contract::Identifier::Email("ada@x.org".to_owned())]);
    }

    #[test]
    fn no_more_identifiers_are_discovered_than_a_request_can_hold() {
        let given = subject(vec![contract::Identifier::Phone("+15550100".to_owned())]);
        let values: Vec<Value> = (0..100).map(|id| json!({"id": id, "extRef": format!("E-{id}")})).collect();
        assert_eq!(discovered(&contacts(&values), &given).len(), MAX_DISCOVERED);
    }
}
