//! Updating contacts, a few at a time: read, update, read back.
//!
//! Each contact is read immediately before its update, never taken from a search result, which may be older. The update is not repeated
//! within a call: Qualtrics has no conditional update, so that a body that was read earlier could undo someone else's change.

use serde_json::Value;

use super::contact_update::{Untouched, fields_check, opt_out_body, other_fields, reason_to_leave};
use crate::contract::Right;
use crate::privacy::subject::Subject;
use crate::qualtrics::api::client::Call;
use crate::qualtrics::api::contact::Contact;
use crate::qualtrics::api::directories;
use crate::qualtrics::api::envelope::ApiResponse;
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::context::Context;
use crate::qualtrics::in_flight::{GRACE_PERIOD_S, MAX_ATTEMPTS};
use crate::qualtrics::ticket::{ContactPlace, OpenUpdate, UpdateFailure};

/// How many contacts are updated at a time: as many as the transport sends concurrently, so that no update waits for another one.
pub const AT_ONCE: usize = 4;

/// A contact to opt out.
#[derive(Clone)]
pub struct Target {
    /// The contact.
    pub place: ContactPlace,
    /// When it was last modified according to the search, in seconds.
    pub found_changed_s: Option<u64>,
    /// The earlier update, which was not read back yet.
    pub earlier: Option<OpenUpdate>,
}

/// What became of a contact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ContactResult {
    /// It is opted out, and its other fields are what they were.
    OptedOut,
    /// It was updated, and its update was not read back yet.
    Open(OpenUpdate),
    /// It was left as it is.
    Untouched(Untouched),
    /// Its update went wrong.
    Failed(UpdateFailure),
    /// It does not exist any more.
    Gone,
}

/// What a batch of updates has come to.
#[derive(Default)]
pub struct Batch {
    /// The contacts whose state is known. The others were not updated.
    pub results: Vec<(ContactPlace, ContactResult)>,
    /// Whether Qualtrics accepted an update.
    pub is_accepted: bool,
    /// The error that ends the step, if one does.
    pub error: Option<ApiError>,
}

/// An update that is due.
struct Update {
    place: ContactPlace,
    body: Value,
    /// The other fields before the update.
    fields: String,
    /// How many updates of the contact were sent before.
    attempts: u8,
}

/// What the latest read of a contact calls for.
enum Next {
    Done(ContactResult),
    Update(Update),
    Stop(ApiError),
}

/// Whether a transient error ends the step, which is then repeated, or counts as the result of the contact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnTransientError {
    /// It ends the step.
    Stop,
    /// It is the result.
    Report,
}

/// Opts out a few contacts.
pub fn run(
    context: &mut Context<'_>,
    subject: &Subject,
    request_id: &str,
    targets: &[Target],
    on_error: OnTransientError,
) -> Batch {
    let mut batch = Batch::default();
    // 1. Read.
    let places: Vec<&ContactPlace> = targets.iter().map(|target| &target.place).collect();
    let now_s = context.client.now_s();
    let mut due = Vec::new();
    for (target, read) in targets.iter().zip(read_all(context, &places)) {
        match next(target, read, subject, request_id, now_s, on_error) {
            Next::Done(result) => batch.results.push((target.place.clone(), result)),
            Next::Update(update) => due.push(update),
            Next::Stop(error) => {
                batch.error.get_or_insert(error);
            }
        }
    }
    // 2. Update.
    let scopes = context.scopes(Right::OptOut);
    let calls: Vec<Call> = due.iter().map(Update::call).collect();
    let sent_at = context.client.now_s();
    let responses = if calls.is_empty() { Vec::new() } else { context.client.send_all(&scopes, &calls) };
    let mut sent = Vec::new();
    for (update, response) in due.into_iter().zip(responses) {
        match response {
            Ok(_) => {
                batch.is_accepted = true;
                sent.push((update, None));
            }
            Err(error) if !error.is_provably_not_started() => sent.push((update, Some(error))),
            Err(error) => match failure_of(&error, on_error) {
                Some(failure) => batch.results.push((update.place, ContactResult::Failed(failure))),
                None => {
                    batch.error.get_or_insert(error);
                }
            },
        }
    }
    // 3. Read back.
    let places: Vec<&ContactPlace> = sent.iter().map(|(update, _)| &update.place).collect();
    let read_back = read_all(context, &places);
    for ((update, lost), read) in sent.into_iter().zip(read_back) {
        match lost {
            // An operator must change something first. The update is repeated then.
            Some(error) if error.is_from_proxy() && !read.as_ref().is_ok_and(Contact::is_opted_out) => {
                batch.error.get_or_insert(error);
            }
            lost => batch.results.push(update.after(read, request_id, sent_at, lost.is_none())),
        }
    }
    batch
}

/// Reads contacts, concurrently.
fn read_all(context: &mut Context<'_>, places: &[&ContactPlace]) -> Vec<Result<Contact, ApiError>> {
    if places.is_empty() {
        return Vec::new();
    }
    let scopes = context.scopes(Right::OptOut);
    let calls: Vec<Call> = places.iter().map(|place| directories::contact(&place.directory, &place.contact)).collect();
    let responses = context.client.send_all(&scopes, &calls);
    places.iter().zip(responses).map(|(place, response)| parse(response, &place.contact)).collect()
}

fn parse(response: Result<ApiResponse, ApiError>, id: &str) -> Result<Contact, ApiError> {
    let contact = Contact::parse(response?.result).filter(|contact| contact.id == id);
    contact.ok_or(ApiError::Malformed)
}

/// What a read before the update calls for.
fn next(
    target: &Target,
    read: Result<Contact, ApiError>,
    subject: &Subject,
    request_id: &str,
    now_s: u64,
    on_error: OnTransientError,
) -> Next {
    let contact = match read {
        Ok(contact) => contact,
        Err(error) if error.is_not_found() => return Next::Done(ContactResult::Gone),
        Err(error) => {
            let failed = failure_of(&error, on_error).map(ContactResult::Failed);
            return failed.map_or(Next::Stop(error), Next::Done);
        }
    };
    let attempts = match &target.earlier {
        Some(earlier) if contact.is_opted_out() => {
            return Next::Done(compared(&contact, request_id, |check, _| check == earlier.fields_check));
        }
        Some(earlier) if earlier.is_accepted && now_s.saturating_sub(earlier.sent_at) <= GRACE_PERIOD_S => {
            return Next::Done(ContactResult::Open(earlier.clone()));
        }
        Some(earlier) if earlier.is_accepted => return Next::Done(ContactResult::Failed(UpdateFailure::NotApplied)),
        Some(earlier) if earlier.attempts >= MAX_ATTEMPTS => {
            return Next::Done(ContactResult::Failed(UpdateFailure::Unavailable));
        }
        Some(earlier) => earlier.attempts,
        None => 0,
    };
    update_of(target, &contact, subject, attempts, on_error)
}

/// The update of a contact that is due, unless it must be left as it is.
fn update_of(target: &Target, contact: &Contact, subject: &Subject, attempts: u8, on_error: OnTransientError) -> Next {
    if let Some(reason) = reason_to_leave(contact, subject) {
        return Next::Done(ContactResult::Untouched(reason));
    }
    if contact.is_opted_out() {
        return Next::Done(ContactResult::OptedOut);
    }
    // The search showed a newer state, which an update with these fields would undo.
    if contact.changed_s() < target.found_changed_s && contact.changed_s().is_some() {
        return match on_error {
            OnTransientError::Stop => Next::Stop(ApiError::Malformed),
            OnTransientError::Report => Next::Done(ContactResult::Failed(UpdateFailure::Unavailable)),
        };
    }
    match opt_out_body(contact) {
        None => Next::Done(ContactResult::Untouched(Untouched::Unreadable)),
        Some(body) => {
            Next::Update(Update { place: target.place.clone(), body, fields: other_fields(contact), attempts })
        }
    }
}

/// The result of a contact that is opted out: whether its other fields are what they were.
fn compared(contact: &Contact, request_id: &str, is_same: impl FnOnce(u32, &str) -> bool) -> ContactResult {
    let fields = other_fields(contact);
    if is_same(fields_check(&fields, request_id, &contact.id), &fields) {
        ContactResult::OptedOut
    } else {
        ContactResult::Failed(UpdateFailure::OtherFieldsChanged)
    }
}

impl Update {
    fn call(&self) -> Call {
        directories::update(&self.place.directory, &self.place.contact, self.body.clone())
    }

    /// The result of the update, given what was read after it.
    fn after(
        self,
        read: Result<Contact, ApiError>,
        request_id: &str,
        sent_at: u64,
        is_accepted: bool,
    ) -> (ContactPlace, ContactResult) {
        let result = match read {
            Ok(contact) if contact.is_opted_out() => compared(&contact, request_id, |_, fields| fields == self.fields),
            _ => ContactResult::Open(OpenUpdate {
                place: self.place.clone(),
                fields_check: fields_check(&self.fields, request_id, &self.place.contact),
                sent_at,
                is_accepted,
                attempts: self.attempts.saturating_add(1),
            }),
        };
        (self.place, result)
    }
}

/// What an error of one contact amounts to. `None` if it ends the step: the step is repeated, or an operator must change something.
fn failure_of(error: &ApiError, on_error: OnTransientError) -> Option<UpdateFailure> {
    match error {
        ApiError::ShareExhausted(_) | ApiError::DeadlineExceeded => None,
        _ if error.is_from_proxy() || error.status() == Some(429) => None,
        _ if error.is_transient() => (on_error == OnTransientError::Report).then_some(UpdateFailure::Unavailable),
        ApiError::Response(response) if matches!(response.status, 401 | 403) => Some(UpdateFailure::NotPermitted),
        ApiError::Response(_) => Some(UpdateFailure::Rejected),
        _ => None,
    }
}
