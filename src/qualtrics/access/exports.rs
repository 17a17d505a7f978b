//! Exports: one customer data request for all e-mail addresses, or one for each spelling where Qualtrics does not accept a list. Every
//! spelling of an address is sent, because how Qualtrics compares is unconfirmed.

use super::SourceFailure;
use crate::contract::{
    Amount, Content, Document, Error, ErrorKind, Finding, Problem, Remedy, Right, SourceState, VendorJob,
};
use crate::privacy::email::EmailAddress;
use crate::privacy::file_format::Format;
use crate::privacy::report::invalid_request;
use crate::privacy::subject::Subject;
use crate::qualtrics::api::customer_data::{self, Export};
use crate::qualtrics::api::erasures::{Spellings, sent};
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::api::job::JobState;
use crate::qualtrics::contact_search::OnTransientError;
use crate::qualtrics::context::Context;
use crate::qualtrics::documents;
use crate::qualtrics::error_mapping;
use crate::qualtrics::findings::SPELLING_NOT_SEARCHED;
use crate::qualtrics::scopes::Scope;
use crate::qualtrics::ticket::{Reference, Ticket};
use crate::secret::Secret;

/// The source of what an export holds.
const SOURCE: &str = "survey-responses";

/// The most exports of a request: a ticket holds no more IDs.
const MAX_EXPORTS: usize = 64;

/// The operation of an export in receipts.
const OPERATION: &str = "customer-data-request";

/// The code of a finding about an export that failed.
pub(super) const FAILED: &str = "export-failed";

/// What the exports of a request hold.
pub struct Exported {
    /// One finding for each export, or for the lack of one.
    pub findings: Vec<Finding>,
    /// The files, as remote documents.
    pub documents: Vec<Document>,
}

/// The exports that a request has started.
#[derive(Default)]
pub struct Started {
    /// The IDs of the jobs.
    pub jobs: Vec<String>,
    /// How many spellings of addresses they were started for.
    pub sent: u64,
}

/// Starts the export of everything under the e-mail addresses. A request without an address has none. If Qualtrics rejects the
/// spellings, perhaps because it accepts ASCII only, those in ASCII are exported.
///
/// # Errors
/// `unavailable` if Qualtrics did not confirm the start, never `outcome-unknown`: an export only reads data and can be started
/// again. `rate-limited` if the share has no room for all calls. Any other error of a token request or a call.
pub fn start(context: &mut Context<'_>, subject: &Subject) -> Result<Started, Error> {
    let emails = subject.emails();
    if emails.is_empty() {
        return Ok(Started::default());
    }
    let scopes = context.scopes(Right::Access);
    // If authentication fails, it is certain that no export was started.
    context.client.sign_in(&scopes).map_err(|error| context.error(&error, Scope::CustomerData))?;
    let all = sent(&emails, Spellings::All);
    let ascii = Some(sent(&emails, Spellings::Ascii)).filter(|ascii| !ascii.is_empty() && ascii.len() < all.len());
    let lists: Vec<Vec<Secret>> = [all].into_iter().chain(ascii).collect();
    for spellings in &lists {
        let response = context.client.call(&scopes, customer_data::start(spellings));
        match response.and_then(|response| customer_data::parse_id(&response)) {
            Ok(id) => return Ok(Started { jobs: vec![id], sent: count(spellings) }),
            Err(error) if is_rejected(&error) => {}
            Err(error) => return Err(start_error(context, &error)),
        }
    }
    // Which form the body must have is unconfirmed.
    start_one_for_each(context, &sent(&emails, Spellings::All), lists.len())
}

/// Whether Qualtrics rejects what the body of a request holds, or its form.
fn is_rejected(error: &ApiError) -> bool {
    matches!(error.own_status(), Some(400 | 422)) && error.is_provably_not_started()
}

fn count<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

/// Starts all exports or none: partial starts would consume the calls of the next attempt, which first sends this number of lists.
/// Spellings beyond ASCII that Qualtrics rejects are left out.
fn start_one_for_each(context: &mut Context<'_>, emails: &[Secret], lists: usize) -> Result<Started, Error> {
    if emails.len() > MAX_EXPORTS {
        let message = "Qualtrics exports one address at a time, and the addresses have more spellings than one request can export: give \
                       fewer addresses per request.";
        return Err(invalid_request(vec![Problem::new("request", "subject", &[Right::Access], message)]));
    }
    let calls: Vec<_> = emails.iter().map(customer_data::start_singular).collect();
    let wait_for = |count| calls.first().map_or(0, |call| context.client.wait_for(call, count));
    let wait_ms = wait_for(count(&calls));
    if wait_ms > 0 {
        // The next attempt sends the lists first, which are more calls.
        let with_lists = count(&calls).saturating_add(u64::try_from(lists).unwrap_or(u64::MAX));
        if calls.first().is_some_and(|call| context.client.share(call) < with_lists) {
            return Err(error_mapping::share_too_small());
        }
        return Err(context.error(&ApiError::ShareExhausted(wait_for(with_lists)), Scope::CustomerData));
    }
    let scopes = context.scopes(Right::Access);
    let responses = context.client.send_all(&scopes, &calls).into_iter();
    let mut started: Vec<(&Secret, Result<String, ApiError>)> = emails
        .iter()
        .zip(responses.map(|response| response.and_then(|response| customer_data::parse_id(&response))))
        .collect();
    let is_beyond_ascii = |one: &(&Secret, Result<String, ApiError>)| !one.0.reveal().is_ascii();
    let has_rejected = started.iter().any(|one| is_beyond_ascii(one) && one.1.as_ref().is_err_and(is_rejected));
    if has_rejected && !started.iter().all(is_beyond_ascii) {
        started.retain(|one| !is_beyond_ascii(one));
    }
    let (ids, failed): (Vec<_>, Vec<_>) = started.into_iter().map(|(_, result)| result).partition(Result::is_ok);
    let failed: Vec<ApiError> = failed.into_iter().filter_map(Result::err).collect();
    // A permanent error takes precedence over a transient one.
    match failed.iter().find(|error| !error.is_transient()).or(failed.first()) {
        None => Ok(Started { sent: count(&ids), jobs: ids.into_iter().flatten().collect() }),
        Some(error) => Err(start_error(context, error)),
    }
}

/// The error of an export that was not started, or for which that is unknown.
fn start_error(context: &Context<'_>, error: &ApiError) -> Error {
    let mapped = context.error(error, Scope::CustomerData);
    match mapped.remedy {
        Remedy::Retry(_) if !error.is_provably_not_started() => Error {
            kind: ErrorKind::Unavailable,
            message:
                "Qualtrics did not confirm that it started the export, which only reads data: start the request again."
                    .to_owned(),
            ..mapped
        },
        _ => mapped,
    }
}

/// Opens the files of the exports of a request.
///
/// # Errors
/// A transient error, if it is to be retried. Missing scopes, rejected credentials and denied egress in any case: an operator has to
/// change something first, and a partial report would hide that.
pub fn collect(
    context: &mut Context<'_>,
    subject: &Subject,
    ticket: &Ticket,
    exports: &[Export],
    on_error: OnTransientError,
) -> Result<Exported, ApiError> {
    let mut collected = Exported { findings: Vec::new(), documents: Vec::new() };
    if exports.is_empty() {
        let note = "Qualtrics exports by e-mail address only, and the request contains none.";
        let identifiers = subject.not_emails.clone();
        let finding = Finding::incomplete(SOURCE, SourceState::NotUsable, identifiers, "no-email", note);
        collected.findings.push(finding);
    }
    let exported = exported(subject, ticket);
    let emails: Vec<&EmailAddress> = exported.iter().map(|(email, _)| email).collect();
    // As many exports as spellings: one for each.
    let by_spelling: Vec<&EmailAddress> =
        exported.iter().flat_map(|(email, spellings)| std::iter::repeat_n(email, *spellings)).collect();
    for (index, (export, job)) in exports.iter().zip(&ticket.jobs).enumerate() {
        let email = by_spelling.get(index).filter(|_| exports.len() > 1 && exports.len() == by_spelling.len());
        let identifiers = indices_of(subject, email.map_or(emails.as_slice(), std::slice::from_ref));
        let mut files = Files { job, documents: &mut collected.documents, has_data: false, failure: None };
        if export.state != JobState::Failed {
            for file in &export.files {
                files.open(context, file, on_error)?;
            }
        }
        collected.findings.push(finding(export, identifiers, files.has_data, files.failure));
    }
    if has_only_ascii(subject, ticket) {
        let is_beyond_ascii = |email: &EmailAddress| email.spellings().iter().any(|one| !one.reveal().is_ascii());
        let identifiers = subject.indices(&|known| known.identifier.as_email().is_some_and(is_beyond_ascii));
        let note = "Qualtrics rejects the spelling of this address that has characters beyond ASCII, so that responses under it are not \
                    exported: look for them by hand.";
        let state = SourceState::Unavailable;
        collected.findings.push(Finding::incomplete(SOURCE, state, identifiers, SPELLING_NOT_SEARCHED, note));
    }
    Ok(collected)
}

/// Whether exports were started for the spellings in ASCII only.
fn has_only_ascii(subject: &Subject, ticket: &Ticket) -> bool {
    let emails = subject.emails();
    let ascii = sent(&emails, Spellings::Ascii).len();
    ascii < sent(&emails, Spellings::All).len() && ticket.sent == u64::try_from(ascii).ok()
}

/// The addresses that exports were started for, and for how many spellings of each.
fn exported(subject: &Subject, ticket: &Ticket) -> Vec<(EmailAddress, usize)> {
    let spellings = if has_only_ascii(subject, ticket) { Spellings::Ascii } else { Spellings::All };
    let counted = subject.emails().into_iter().map(|email| {
        let count = sent(std::slice::from_ref(&email), spellings).len();
        (email, count)
    });
    counted.filter(|(_, count)| *count > 0).collect()
}

fn indices_of(subject: &Subject, emails: &[&EmailAddress]) -> Vec<u32> {
    subject.indices(&|known| known.identifier.as_email().is_some_and(|email| emails.contains(&email)))
}

/// The files of one export.
struct Files<'e> {
    /// The ID of the export.
    job: &'e str,
    /// The documents of all exports.
    documents: &'e mut Vec<Document>,
    /// Whether a file of this export holds data.
    has_data: bool,
    /// Why a file of this export is missing.
    failure: Option<SourceFailure>,
}

const EXPORT_FAILED: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: FAILED,
    note: "The export failed: the receipt holds the reason as a code.",
};
const EXPORT_INCOMPLETE: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "export-incomplete",
    note: "Qualtrics completed the export for a part of the data only.",
};
const FILES_NOT_UNDERSTOOD: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "export-incomplete",
    note: "The export lists files in a form that this connector does not know: download them in Qualtrics.",
};
const FILE_UNAVAILABLE: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "file-unavailable",
    note: "A file of the export could not be opened, after several attempts: its document may be readable later.",
};
const NOT_A_FILE: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "file-unavailable",
    note: "A web page was returned in place of a file of the export: check the proxies and firewalls between this host and \
           Qualtrics, then start the request again.",
};
const FILE_NOT_PERMITTED: SourceFailure = SourceFailure {
    state: SourceState::NotPermitted,
    code: "not-permitted",
    note: "The account may not read a file of the export.",
};
const FILE_GONE: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "file-gone",
    note: "Qualtrics no longer has a file of the export: start the request again.",
};

impl Files<'_> {
    /// Opens a file to detect what it is, and adds it to the documents unless it is empty.
    fn open(&mut self, context: &mut Context<'_>, file: &str, on_error: OnTransientError) -> Result<(), ApiError> {
        let error = match documents::open_file(context, self.job, file) {
            Ok(file) if file.is_empty => return Ok(()),
            Ok(file) => {
                self.has_data = true;
                return self.add(file.format, file.size, &file.reference);
            }
            Err(error) => error,
        };
        let failure = match &error {
            // A rate limit clears by itself, however long that takes.
            _ if error.status() == Some(429) => return Err(error),
            _ if error.is_transient() && on_error == OnTransientError::Retry => return Err(error),
            _ if error.is_transient() => {
                // The file may be readable later. The document tells how to read it.
                let reference =
                    Reference::File { job: self.job.to_owned(), file: file.to_owned(), size: None, etag: None };
                self.add(Format::UNKNOWN, None, &reference)?;
                FILE_UNAVAILABLE
            }
            ApiError::MissingScopes(_)
            | ApiError::TokenRejected(_)
            | ApiError::Transport(_)
            | ApiError::Redirect(_) => return Err(error),
            ApiError::Response(response) if response.is_from_proxy() => match response.status {
                401 | 403 | 407 => return Err(error),
                _ => NOT_A_FILE,
            },
            ApiError::Response(response) if matches!(response.status, 401 | 403) => FILE_NOT_PERMITTED,
            _ => FILE_GONE,
        };
        self.failure = Some(failure);
        Ok(())
    }

    fn add(&mut self, format: Format, size: Option<u64>, reference: &Reference) -> Result<(), ApiError> {
        let number = self.documents.len().saturating_add(1);
        self.documents.push(Document {
            name: format!("export-{number:02}.{}", format.extension),
            media_type: format.media_type.to_owned(),
            source: SOURCE.to_owned(),
            size,
            // It is only too long if the IDs are longer than any of Qualtrics'.
            content: Content::Remote(reference.format().map_err(|_| ApiError::Malformed)?),
        });
        Ok(())
    }
}

/// What is reported about one export.
fn finding(export: &Export, identifiers: Vec<u32>, has_data: bool, missing_file: Option<SourceFailure>) -> Finding {
    let failure = match export.state {
        JobState::Failed => Some(EXPORT_FAILED),
        _ if missing_file.is_some() => missing_file,
        // The field is present but was not understood: that is not an empty export.
        _ if export.has_unknown_files => Some(FILES_NOT_UNDERSTOOD),
        JobState::PartiallyCompleted => Some(EXPORT_INCOMPLETE),
        JobState::Completed | JobState::Running { .. } => None,
    };
    match (failure, has_data) {
        (None, true) => Finding::searched(SOURCE, Amount::Present, identifiers),
        (None, false) => Finding::searched(SOURCE, Amount::Count(0), identifiers),
        (Some(failure), true) => failure.finding(SOURCE, identifiers, Amount::Present),
        (Some(failure), false) => failure.finding(SOURCE, identifiers, Amount::Unknown),
    }
}

/// The exports as evidence.
#[must_use]
pub fn vendor_jobs(subject: &Subject, ticket: &Ticket, exports: &[Export]) -> Vec<VendorJob> {
    let emails = u32::try_from(exported(subject, ticket).len()).ok();
    let identifiers = if exports.len() > 1 { Some(1) } else { emails };
    let pairs = exports.iter().zip(&ticket.jobs);
    let vendor_job = |(export, id): (&Export, &String)| VendorJob {
        operation: OPERATION.to_owned(),
        id: id.clone(),
        status: export.status.clone().unwrap_or_default(),
        created: export.created.clone(),
        updated: export.updated.clone(),
        identifiers,
        failure: export.failure.clone(),
    };
    pairs.map(vendor_job).collect()
}
