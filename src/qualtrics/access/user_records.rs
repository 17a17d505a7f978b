//! The records of users with the addresses of the request.
//!
//! The list of users has no filter, so it is read to its end, or as far as a few calls get. It needs a scope that is optional for an
//! access request: without it, there is no finding, and the gap `user-accounts` applies.

use crate::contract::{Amount, Content, Document, Finding, SourceState};
use crate::privacy::email::EmailAddress;
use crate::privacy::subject::Subject;
use crate::qualtrics::api::client::Call;
use crate::qualtrics::api::envelope::ApiResponse;
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::api::user_record;
use crate::qualtrics::api::users::Users;
use crate::qualtrics::contact_search::{OnTransientError, source_failure};
use crate::qualtrics::context::Context;
use crate::qualtrics::findings::SourceFailure;
use crate::qualtrics::scopes::{Scope, Scopes};

/// The source of what is known of users.
const SOURCE: &str = "user-accounts";

/// The most records of one request.
const MAX_RECORDS: usize = 10;

/// The longest record, in bytes: far longer than any of Qualtrics'.
const MAX_RECORD_BYTES: usize = 16 * 1024;

const TOO_MANY: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "too-many",
    note: "The brand has more users than one request can search: look the person up under Admin, Users.",
};
const REJECTED: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "unavailable",
    note: "Qualtrics does not show its users: look the person up under Admin, Users.",
};
const NO_RECORD: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "unavailable",
    note: "The person is a user of Qualtrics whose record could not be read: look it up under Admin, Users.",
};

/// What the list of users shows.
pub enum FoundUsers {
    /// It was not searched: the request has no address, or the optional scope is not granted.
    NotSearched,
    /// It was not searched to its end, or does not show the IDs of users with the addresses.
    Failed(SourceFailure, Amount),
    /// The IDs of the users with the addresses.
    Found(Vec<String>),
}

/// The call for the first page of the list of users, unless it is cached, refused, or not needed.
pub fn first_page(context: &Context<'_>, subject: &Subject) -> Option<Call> {
    let is_known = context.accounts.users.are_fresh(context.client.monotonic_ms());
    let is_needed = !subject.emails().is_empty() && !is_known && !context.client.is_refused(Scope::Users);
    is_needed.then(|| Users::call().with_optional(Scope::Users))
}

/// Looks for users with the addresses of the request, given the response to [`first_page`] if it was called.
///
/// # Errors
/// As for [`source_failure`].
pub fn find(
    context: &mut Context<'_>,
    subject: &Subject,
    first_page: Option<Result<ApiResponse, ApiError>>,
    on_error: OnTransientError,
) -> Result<FoundUsers, ApiError> {
    if subject.emails().is_empty() || (first_page.is_none() && context.client.is_refused(Scope::Users)) {
        return Ok(FoundUsers::NotSearched);
    }
    match read_list(context, first_page) {
        Ok(()) => {}
        Err(error) if error.is_refused() => {
            context.client.note_refused(Scope::Users);
            return Ok(FoundUsers::NotSearched);
        }
        Err(error @ (ApiError::ShareExhausted(_) | ApiError::DeadlineExceeded)) => {
            return match on_error {
                // The next call continues where this instance stopped.
                OnTransientError::Retry => Err(error),
                OnTransientError::Report => Ok(FoundUsers::Failed(TOO_MANY, Amount::Unknown)),
            };
        }
        Err(error) => {
            return Ok(FoundUsers::Failed(source_failure(error, on_error, REJECTED)?, Amount::Unknown));
        }
    }
    let users = &context.accounts.users;
    let emails = subject.emails();
    let mut ids: Vec<Option<&str>> = emails.iter().flat_map(|email| users.ids_of(email.key().reveal())).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(match ids.into_iter().map(|id| id.map(str::to_owned)).collect::<Option<Vec<String>>>() {
        Some(ids) if ids.len() <= MAX_RECORDS => FoundUsers::Found(ids),
        Some(_) | None => FoundUsers::Failed(NO_RECORD, Amount::Present),
    })
}

fn read_list(context: &mut Context<'_>, first_page: Option<Result<ApiResponse, ApiError>>) -> Result<(), ApiError> {
    let now_ms = context.client.monotonic_ms();
    if let Some(first_page) = first_page {
        context.accounts.users.start(&first_page?, now_ms)?;
    }
    let scopes = Scopes::from([Scope::Users]);
    while !context.accounts.users.are_complete() {
        // The rest of the call is for the other sources.
        if context.client.is_half_over() {
            return Err(ApiError::DeadlineExceeded);
        }
        context.accounts.users.read_page(&mut context.client, &scopes)?;
    }
    Ok(())
}

impl FoundUsers {
    /// The calls for the records.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        let Self::Found(ids) = self else { return Vec::new() };
        ids.iter().map(|id| user_record::call(id).with_optional(Scope::Users)).collect()
    }

    /// The bytes that the records may take inline: they have no reference to read them by.
    #[must_use]
    pub fn reserved_bytes(&self) -> usize {
        let Self::Found(ids) = self else { return 0 };
        ids.len().saturating_mul(MAX_RECORD_BYTES)
    }

    /// The records as documents, given the responses to [`Self::calls`]. Adds the finding.
    ///
    /// # Errors
    /// As for [`source_failure`].
    pub fn report(
        self,
        subject: &Subject,
        responses: Vec<Result<ApiResponse, ApiError>>,
        on_error: OnTransientError,
        findings: &mut Vec<Finding>,
    ) -> Result<Vec<Document>, ApiError> {
        let indices = subject.email_indices();
        let ids = match self {
            Self::Found(ids) => ids,
            Self::NotSearched => return Ok(Vec::new()),
            Self::Failed(failure, amount) => {
                findings.push(failure.finding(SOURCE, indices, amount));
                return Ok(Vec::new());
            }
        };
        let emails = subject.emails();
        let (mut documents, mut failure) = (Vec::new(), None);
        for (id, response) in ids.iter().zip(responses) {
            let names = emails.iter().map(EmailAddress::key);
            match response.map(|response| user_record::document(response, id, names)) {
                Ok(Some(bytes)) if bytes.len() <= MAX_RECORD_BYTES => {
                    documents.push(document(documents.len().saturating_add(1), bytes));
                }
                Ok(_) => failure = Some(NO_RECORD),
                // The user was deleted after the list was read.
                Err(error) if error.is_not_found() => {}
                Err(ApiError::MissingScopes(_)) => failure = Some(NO_RECORD),
                Err(error) => failure = Some(source_failure(error, on_error, NO_RECORD)?),
            }
        }
        findings.push(match failure {
            Some(failure) => failure.finding(SOURCE, indices, Amount::Present),
            None => Finding::searched(SOURCE, Amount::Count(documents.len() as u64), indices),
        });
        Ok(documents)
    }
}

fn document(number: usize, bytes: Vec<u8>) -> Document {
    Document {
        name: format!("user-{number:02}.json"),
        media_type: "application/json".to_owned(),
        source: SOURCE.to_owned(),
        size: Some(bytes.len() as u64),
        content: Content::Inline(bytes),
    }
}
