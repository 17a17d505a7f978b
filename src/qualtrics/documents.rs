//! Remote documents: the files of exports, and contacts and their lists that did not fit into a report.
//!
//! A reference holds everything that reading needs. On another instance, or after the connection has failed, the document is opened
//! again at the requested offset.

use super::api::contact::Contact;
use super::api::contact_lists::ListReader;
use super::api::error::ApiError;
use super::api::{customer_data, directories, envelope};
use super::cache::OpenDocument;
use super::context::Context;
use super::scopes::Scope;
use super::ticket::Reference;
use crate::contract::{Chunk, Error, ErrorKind, Problem, Remedy, Right};
use crate::http::web_page::is_web_page;
use crate::http::{Response, ResponseHead};
use crate::privacy::document_stream::{DocumentStream, READ_BYTES};
use crate::privacy::file_format::{Format, is_empty};
use crate::privacy::report::invalid_request;
use crate::privacy::ticket::check_of;

/// The longest chunk that `read` returns, in bytes.
pub const MAX_CHUNK_BYTES: usize = 1024 * 1024;

/// How many bytes of a file decide what it is. A longer file is not empty.
const SNIFFED_BYTES: usize = 4 * 1024;

/// What a file is.
pub struct File {
    /// How to read it.
    pub reference: Reference,
    /// Its format.
    pub format: Format,
    /// Its size, if it is known.
    pub size: Option<u64>,
    /// Whether it [holds no data](is_empty).
    pub is_empty: bool,
}

/// Opens a file of a customer data request to detect what it is. The connection is kept for `read`, unless one is kept already.
///
/// # Errors
/// Why the file cannot be read. A web page is not a file of Qualtrics, and neither is an error in its envelope with a success status.
pub fn open_file(context: &mut Context<'_>, job: &str, file: &str) -> Result<File, ApiError> {
    let scopes = context.scopes(Right::Access);
    let (head, body) = context.client.open(&scopes, &customer_data::file_path(job, file), &[])?;
    let declared_size = body_length(&head);
    let mut stream = DocumentStream::new(body, 0, declared_size);
    stream.fill(SNIFFED_BYTES, context.client.limits()).map_err(ApiError::Transport)?;
    check_start(context, &head, &stream)?;
    let etag = head.header("etag").map(check_of);
    let reference = Reference::File { job: job.to_owned(), file: file.to_owned(), size: declared_size, etag };
    let is_received = stream.is_received();
    let size = if is_received { Some(stream.received().len() as u64) } else { declared_size };
    let format = Format::detect(&head, stream.received());
    let is_empty = is_received && is_empty(stream.received());
    if context.open_document.is_none() && !is_empty {
        *context.open_document = Some(OpenDocument { reference: reference.clone(), stream, list: None });
    }
    Ok(File { reference, format, size, is_empty })
}

/// Checks the start of a file.
///
/// # Errors
/// That of a proxy if it is a web page; Qualtrics' own if it is one in the envelope.
fn check_start(context: &Context<'_>, head: &ResponseHead, stream: &DocumentStream) -> Result<(), ApiError> {
    let now_s = context.client.now_s();
    if is_web_page(head, stream.received()) {
        return Err(envelope::foreign(head, now_s));
    }
    if !stream.is_received() {
        return Ok(());
    }
    let response = Response { head: head.clone(), body: stream.received().to_vec() };
    match envelope::parse(&response, now_s) {
        Err(error) if error.own_status().is_some() => Err(error),
        _ => Ok(()),
    }
}

/// `read`.
///
/// # Errors
/// `invalid-ticket` if the reference is damaged; `invalid-request` if `limit` is 0 or `offset` lies beyond the end; `job-not-found`
/// if the document no longer exists or has changed; any other error of a call.
pub fn read(context: &mut Context<'_>, reference: &str, offset: u64, limit: u32) -> Result<Chunk, Error> {
    let reference = Reference::parse(reference)?;
    if limit == 0 {
        return Err(invalid("limit", "limit must be 1 or more."));
    }
    if let Reference::File { size: Some(size), .. } = reference {
        if offset > size {
            return Err(beyond_the_end());
        }
        if offset == size {
            return Ok(Chunk { bytes: Vec::new(), last: true });
        }
    }
    let limit = usize::try_from(limit).unwrap_or(MAX_CHUNK_BYTES).min(MAX_CHUNK_BYTES);
    let open = context.open_document.take();
    let open = open.filter(|open| open.reference == reference && open.stream.position() == offset);
    let mut is_fresh = open.is_none();
    let mut open = match open {
        Some(open) => open,
        None => open_at(context, &reference, offset)?,
    };
    loop {
        match fill(context, &mut open, limit) {
            Ok(()) => break,
            // What came before the error is valid. The error is reported if it occurs again.
            Err(_) if !open.stream.received().is_empty() => {
                return Ok(Chunk { last: false, ..open.stream.hand_out(limit) });
            }
            // A connection that was kept may have been closed in between.
            Err(_) if !is_fresh => {
                is_fresh = true;
                open = open_at(context, &reference, offset)?;
            }
            Err(error) => return Err(document_error(context, &error, scope(&reference))),
        }
    }
    let chunk = open.stream.hand_out(limit);
    *context.open_document = (!chunk.last).then_some(open);
    Ok(chunk)
}

/// The scope that reading a document requires.
fn scope(reference: &Reference) -> Scope {
    match reference {
        Reference::File { .. } => Scope::CustomerData,
        Reference::Contact { .. } => Scope::Contacts,
        Reference::List { list, .. } => list.optional_scope().unwrap_or(Scope::Contacts),
    }
}

/// Receives a chunk. It is shorter than `limit` if the document ends, or if the call is late: a slow connection is kept for the next
/// call instead of being cut off by the deadline.
fn fill(context: &mut Context<'_>, open: &mut OpenDocument, limit: usize) -> Result<(), ApiError> {
    let OpenDocument { stream, list, .. } = open;
    loop {
        match list {
            Some(list) if stream.received().len() < limit && !stream.is_received() => add_page(context, list, stream)?,
            Some(_) => {}
            None => {
                let length = stream.received().len().saturating_add(READ_BYTES).min(limit);
                stream.fill(length, context.client.limits()).map_err(ApiError::Transport)?;
            }
        }
        if stream.received().len() >= limit || stream.is_received() || context.client.is_late() {
            return Ok(());
        }
    }
}

/// Reads the next page of a list.
fn add_page(context: &mut Context<'_>, list: &mut ListReader, stream: &mut DocumentStream) -> Result<(), ApiError> {
    let scopes = context.scopes(Right::Access);
    stream.add(list.read_page(&mut context.client, &scopes)?);
    if list.is_complete() {
        stream.end();
    }
    Ok(())
}

fn open_at(context: &mut Context<'_>, reference: &Reference, offset: u64) -> Result<OpenDocument, Error> {
    let (stream, list) = match reference {
        Reference::File { job, file, size, etag } => {
            let path = customer_data::file_path(job, file);
            (open_file_at(context, &path, &Expected { size: *size, etag: *etag }, offset)?, None)
        }
        Reference::Contact { directory, contact, changed } => {
            (open_contact_at(context, directory, contact, *changed, offset)?, None)
        }
        Reference::List { directory, contact, list, first_page } => {
            let mut reader = ListReader::new(*list, directory, contact);
            (open_list_at(context, &mut reader, *first_page, offset)?, Some(reader))
        }
    };
    Ok(OpenDocument { reference: reference.clone(), stream, list })
}

/// Opens a list at an offset: from its first page on, because the position of a page is not known before it is read.
fn open_list_at(
    context: &mut Context<'_>,
    list: &mut ListReader,
    first_page: u32,
    offset: u64,
) -> Result<DocumentStream, Error> {
    let scope = list.optional_scope().unwrap_or(Scope::Contacts);
    let failed = |context: &Context<'_>, error: &ApiError| document_error(context, error, scope);
    let mut stream = DocumentStream::in_parts();
    add_page(context, list, &mut stream).map_err(|error| failed(context, &error))?;
    if page_check(stream.received()) != first_page {
        return Err(changed_since(
            "The contact's list has changed since the report was made: start the request again.",
        ));
    }
    loop {
        // What was added can be skipped without a connection.
        stream
            .skip_to(offset, context.client.limits())
            .map_err(|error| failed(context, &ApiError::Transport(error)))?;
        if stream.position() >= offset {
            return Ok(stream);
        }
        if stream.is_received() {
            return Err(beyond_the_end());
        }
        add_page(context, list, &mut stream).map_err(|error| failed(context, &error))?;
    }
}

/// A short check value of the part of a document that the first page of a list makes.
#[must_use]
pub fn page_check(bytes: &[u8]) -> u32 {
    check_of(&String::from_utf8_lossy(bytes))
}

/// What the report said of a file.
struct Expected {
    size: Option<u64>,
    etag: Option<u32>,
}

/// Opens a file at an offset: with a range if Qualtrics supports ranges, which is unconfirmed, else by skipping what precedes it.
fn open_file_at(
    context: &mut Context<'_>,
    path: &str,
    expected: &Expected,
    offset: u64,
) -> Result<DocumentStream, Error> {
    let range = (offset > 0).then(|| ("range", format!("bytes={offset}-")));
    let scopes = context.scopes(Right::Access);
    let mut opened = context.client.open(&scopes, path, range.as_slice());
    if opened.as_ref().is_err_and(|error| error.status() == Some(416)) {
        // No byte is at `offset`. That may be the very end of the document, which no range can express.
        opened = context.client.open(&scopes, path, &[]);
    }
    let (head, body) = opened.map_err(|error| document_error(context, &error, Scope::CustomerData))?;
    let malformed = |context: &Context<'_>| context.error(&ApiError::Malformed, Scope::CustomerData);
    let (position, size) = match head.status {
        206 => parse_content_range(&head).ok_or_else(|| malformed(context))?,
        _ => (0, body_length(&head)),
    };
    let limits = context.client.limits();
    let transport_error = |error| context.error(&ApiError::Transport(error), Scope::CustomerData);
    let mut stream = DocumentStream::new(body, position, size);
    if position == 0
        && let Err(error) = stream.fill(SNIFFED_BYTES, limits)
        && stream.received().is_empty()
    {
        return Err(transport_error(error));
    }
    if position == 0 {
        check_start(context, &head, &stream).map_err(|error| document_error(context, &error, Scope::CustomerData))?;
    }
    // The bytes of an encoded body are not those that the report announced.
    let is_encoded_now = expected.size.is_some() && is_encoded(&head);
    if position > offset || is_encoded_now {
        return Err(malformed(context));
    }
    if contradicts(expected.size, size) || contradicts(expected.etag, head.header("etag").map(check_of)) {
        return Err(changed_since("The file has changed since the report was made: start the request again."));
    }
    stream.skip_to(offset, limits).map_err(transport_error)?;
    if stream.position() < offset { Err(beyond_the_end()) } else { Ok(stream) }
}

fn open_contact_at(
    context: &mut Context<'_>,
    directory: &str,
    contact: &str,
    changed: Option<u32>,
    offset: u64,
) -> Result<DocumentStream, Error> {
    let scopes = context.scopes(Right::Access);
    let response = context.client.call(&scopes, directories::contact(directory, contact));
    let response = response.map_err(|error| document_error(context, &error, Scope::Contacts))?;
    let contact =
        Contact::parse(response.result).ok_or_else(|| context.error(&ApiError::Malformed, Scope::Contacts))?;
    if contradicts(changed, modification_check(&contact)) {
        return Err(changed_since("The contact has changed since the report was made: start the request again."));
    }
    let bytes = contact.document(directory);
    let rest = bytes.get(usize::try_from(offset).unwrap_or(usize::MAX)..).ok_or_else(beyond_the_end)?;
    Ok(DocumentStream::in_memory(rest.to_vec(), offset))
}

/// A short check value of when a contact was last modified.
#[must_use]
pub fn modification_check(contact: &Contact) -> Option<u32> {
    contact.changed_s().map(|second| check_of(&second.to_string()))
}

/// Whether two values contradict each other. An unknown value does not.
fn contradicts<V: PartialEq>(before: Option<V>, now: Option<V>) -> bool {
    before.is_some() && now.is_some() && before != now
}

fn document_error(context: &Context<'_>, error: &ApiError, scope: Scope) -> Error {
    let mapped = context.error(error, scope);
    if error.is_not_found() {
        return Error {
            kind: ErrorKind::JobNotFound,
            remedy: Remedy::Restart,
            message: "Qualtrics no longer has this document: start the request again.".to_owned(),
            problems: Vec::new(),
            ..mapped
        };
    }
    mapped
}

fn changed_since(message: &str) -> Error {
    Error::new(ErrorKind::JobNotFound, Remedy::Restart, message)
}

fn beyond_the_end() -> Error {
    invalid("offset", "offset lies beyond the end of the document.")
}

fn invalid(target: &str, message: &str) -> Error {
    invalid_request(vec![Problem::new("request", target, &[], message)])
}

/// The length of a body that is not encoded. The length of an encoded one, which was not requested, is unknown: the host may have
/// decoded it.
fn body_length(head: &ResponseHead) -> Option<u64> {
    if is_encoded(head) {
        return None;
    }
    head.header("content-length").and_then(|length| length.trim().parse().ok())
}

fn is_encoded(head: &ResponseHead) -> bool {
    head.header("content-encoding").is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity"))
}

/// Where a range starts, and the size of the whole document.
fn parse_content_range(head: &ResponseHead) -> Option<(u64, Option<u64>)> {
    let (range, size) = head.header("content-range")?.trim().strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, size.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(name: &str, value: &str) -> ResponseHead {
        ResponseHead { status: 200, headers: vec![(name.to_owned(), value.to_owned())] }
    }

    #[test]
    fn a_range_names_its_start_and_the_size_of_the_document() {
        let range = |text: &str| parse_content_range(&head("content-range", text));
        assert_eq!(range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(range("bytes */10"), None);
    }

    #[test]
    fn the_length_of_an_encoded_body_is_unknown() {
        let mut encoded = head("content-length", "10");
        assert_eq!(body_length(&encoded), Some(10));
        encoded.headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
        assert_eq!(body_length(&encoded), None);
    }
}
