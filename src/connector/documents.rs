//! Remote documents: the files of exports, and contacts that did not fit into a report.
//!
//! A file is read as it comes. At no time is more than one piece of it in memory, and between two pieces its connection
//! stays open, so that reading on costs nothing. Everything else is derived from the reference: on another instance, or
//! when the kept connection has died, the file is opened again where reading goes on.

use super::call::Call;
use super::contract::{Chunk, Error, ErrorKind, Problem, Remedy, Right};
use super::ticket::{Reference, check_of};
use crate::http::{Body, Clock, Failure, Head, Limits, Transport};
use crate::prelude::*;
use crate::qualtrics::customer_data;
use crate::qualtrics::directories::{self, Contact};
use crate::qualtrics::envelope::Trouble;
use crate::qualtrics::oauth::Scope;
use crate::qualtrics::word::mentions;

/// The longest piece, in bytes.
pub const PIECE: usize = 64 * 1024;
/// How many bytes of a file are looked at to tell what it is.
const SNIFFED: usize = 512;

/// A document on its way: what was received and not yet handed out, and the connection that it comes from.
pub struct Kept<B> {
    reference: Reference,
    /// The offset of the first byte that was not handed out.
    position: u64,
    received: Vec<u8>,
    /// None once the document has ended.
    body: Option<B>,
    size: Option<u64>,
}

/// What a file is.
pub struct Opened {
    /// How to read it.
    pub reference: Reference,
    /// Its media type.
    pub media_type: &'static str,
    /// The ending of its name, without a dot.
    pub extension: &'static str,
    /// Its size, where it is known.
    pub size: Option<u64>,
    /// Whether it holds nothing: no byte, or an empty JSON list or object.
    pub empty: bool,
}

/// Opens a file of a customer data request, to tell what it is. The connection is kept for `read`, unless one is kept
/// already.
///
/// # Errors
/// What went wrong.
pub fn open_file<T: Transport, C: Clock>(call: &mut Call<'_, T, C>, job: &str, file: &str) -> Result<Opened, Trouble> {
    let need = call.need(Right::Access);
    let (head, body) = call.client.open(need, &customer_data::file_path(job, file), &[])?;
    let size = length(&head);
    let tag = head.header("etag").map(check_of);
    let reference = Reference::File { job: job.to_owned(), file: file.to_owned(), size, tag };
    let mut kept = Kept { reference, position: 0, received: Vec::new(), body: Some(body), size };
    kept.fill(SNIFFED, call.client.limits()).map_err(Trouble::NoAnswer)?;
    let (media_type, extension) = kind(&head, &kept.received);
    let opened = Opened {
        reference: kept.reference.clone(),
        media_type,
        extension,
        size: if kept.body.is_none() { u64::try_from(kept.received.len()).ok() } else { size },
        empty: kept.body.is_none() && is_empty(&kept.received),
    };
    if call.kept.is_none() && !opened.empty {
        *call.kept = Some(kept);
    }
    Ok(opened)
}

/// `read`.
///
/// # Errors
/// As the contract says.
pub fn read<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    text: &str,
    offset: u64,
    limit: u32,
) -> Result<Chunk, Error> {
    let reference = Reference::read(text)?;
    if limit == 0 {
        return Err(invalid("limit", "limit must be 1 or more."));
    }
    if let Reference::File { size: Some(size), .. } = reference {
        if offset > size {
            return Err(past_the_end());
        }
        if offset == size {
            return Ok(Chunk { bytes: Vec::new(), last: true });
        }
    }
    let limit = usize::try_from(limit).unwrap_or(PIECE).min(PIECE);
    let kept = call.kept.take().filter(|kept| kept.reference == reference && kept.position == offset);
    let mut fresh = kept.is_none();
    let mut document = match kept {
        Some(kept) => kept,
        None => open_at(call, &reference, offset)?,
    };
    loop {
        match document.fill(limit, call.client.limits()) {
            Ok(()) => break,
            // What came before the failure is good; the failure is told when it happens again.
            Err(_) if !document.received.is_empty() => {
                return Ok(Chunk { bytes: document.received, last: false });
            }
            // It may have died while nobody read: that is no reason to give up.
            Err(_) if !fresh => {
                fresh = true;
                document = open_at(call, &reference, offset)?;
            }
            Err(failure) => return Err(call.error(&Trouble::NoAnswer(failure), Scope::CustomerData)),
        }
    }
    let (chunk, rest) = document.hand_out(limit);
    *call.kept = rest;
    Ok(chunk)
}

impl<B: Body> Kept<B> {
    /// Receives until there are `limit` bytes to hand out, or the document has ended.
    fn fill(&mut self, limit: usize, limits: Limits) -> Result<(), Failure> {
        while self.received.len() < limit {
            let Some(body) = &mut self.body else { return Ok(()) };
            let piece = body.read(limit.saturating_sub(self.received.len()), limits)?;
            if piece.is_empty() {
                if self.size.is_some_and(|size| self.end() < size) {
                    return Err(Failure::lost(crate::http::Cause::Broken));
                }
                self.body = None;
            } else if self.received.is_empty() {
                self.received = piece;
            } else {
                self.received.extend_from_slice(&piece);
            }
        }
        if self.size == Some(self.end()) {
            self.body = None;
        }
        Ok(())
    }

    /// The offset behind everything that was received.
    fn end(&self) -> u64 {
        self.position.saturating_add(u64::try_from(self.received.len()).unwrap_or(u64::MAX))
    }

    /// At most `limit` bytes, and what is left of the document.
    fn hand_out(mut self, limit: usize) -> (Chunk, Option<Self>) {
        let rest = self.received.split_off(limit.min(self.received.len()));
        let bytes = core::mem::replace(&mut self.received, rest);
        self.position = self.position.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let last = self.body.is_none() && self.received.is_empty();
        (Chunk { bytes, last }, (!last).then_some(self))
    }

    /// Passes over bytes that were handed out before, on another connection.
    fn skip_to(&mut self, offset: u64, limits: Limits) -> Result<(), Failure> {
        while self.position < offset {
            let left = usize::try_from(offset.saturating_sub(self.position)).unwrap_or(PIECE).min(PIECE);
            self.fill(left, limits)?;
            if self.received.is_empty() {
                break;
            }
            let passed = left.min(self.received.len());
            self.received.drain(..passed);
            self.position = self.position.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
        }
        Ok(())
    }
}

fn open_at<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    reference: &Reference,
    offset: u64,
) -> Result<Kept<T::Body>, Error> {
    match reference {
        Reference::File { job, file, size, tag } => {
            let kept = open_file_at(call, reference, &customer_data::file_path(job, file), offset)?;
            if changed(*size, kept.0.size) || changed(*tag, kept.1) {
                return Err(begin_anew("The file has changed since the report was made: begin anew."));
            }
            Ok(kept.0)
        }
        Reference::Contact { directory, contact, changed: before } => {
            let need = call.need(Right::Access);
            let answer = call.client.call(need, directories::contact(directory, contact));
            let answer = answer.map_err(|trouble| document_error(call, &trouble, Scope::Contacts))?;
            let contact =
                Contact::read(answer.result).ok_or_else(|| call.error(&Trouble::Unreadable, Scope::Contacts))?;
            if changed(*before, contact.changed_s().map(check_of_instant)) {
                return Err(begin_anew("The contact has changed since the report was made: begin anew."));
            }
            let bytes = contact.document(directory);
            let size = u64::try_from(bytes.len()).ok();
            let received =
                bytes.get(usize::try_from(offset).unwrap_or(usize::MAX)..).ok_or_else(past_the_end)?.to_vec();
            Ok(Kept { reference: reference.clone(), position: offset, received, body: None, size })
        }
    }
}

/// Opens a file where reading goes on: by a range if Qualtrics serves ranges, which is unconfirmed, else by passing over
/// what comes before. Also returns the check value of its entity tag.
fn open_file_at<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    reference: &Reference,
    path: &str,
    offset: u64,
) -> Result<(Kept<T::Body>, Option<u32>), Error> {
    let range = match offset {
        0 => Vec::new(),
        offset => vec![("range", ["bytes=", &offset.to_string(), "-"].concat())],
    };
    let need = call.need(Right::Access);
    let mut opened = call.client.open(need, path, &range);
    if opened.as_ref().is_err_and(|trouble| trouble.status() == Some(416)) {
        // No byte is there: `offset` may be the very end, of which a range cannot tell.
        opened = call.client.open(need, path, &[]);
    }
    let (head, body) = opened.map_err(|trouble| document_error(call, &trouble, Scope::CustomerData))?;
    let (position, size) = if head.status == 206 {
        content_range(&head).ok_or_else(|| call.error(&Trouble::Unreadable, Scope::CustomerData))?
    } else {
        (0, length(&head))
    };
    // A body that was whole when the report was made, and is coded now, has other bytes at the same place.
    let coded = matches!(reference, Reference::File { size: Some(_), .. }) && is_coded(&head);
    if position > offset || coded {
        return Err(call.error(&Trouble::Unreadable, Scope::CustomerData));
    }
    let mut kept = Kept { reference: reference.clone(), position, received: Vec::new(), body: Some(body), size };
    kept.skip_to(offset, call.client.limits())
        .map_err(|failure| call.error(&Trouble::NoAnswer(failure), Scope::CustomerData))?;
    if kept.position < offset {
        return Err(past_the_end());
    }
    Ok((kept, head.header("etag").map(check_of)))
}

/// A short check value of the instant, in seconds, at which something was last changed.
pub(super) fn check_of_instant(second: u64) -> u32 {
    check_of(&second.to_string())
}

/// Whether two check values contradict each other. What is not known does not.
fn changed<V: PartialEq>(before: Option<V>, now: Option<V>) -> bool {
    before.is_some() && now.is_some() && before != now
}

fn document_error<T: Transport, C: Clock>(call: &Call<'_, T, C>, trouble: &Trouble, scope: Scope) -> Error {
    let error = call.error(trouble, scope);
    match trouble.status() {
        Some(400 | 404 | 410) => Error {
            kind: ErrorKind::UnknownJob,
            remedy: Remedy::Restart,
            message: "Qualtrics no longer has this document: begin anew.".to_owned(),
            ..error
        },
        _ => error,
    }
}

fn begin_anew(message: &str) -> Error {
    Error::new(ErrorKind::UnknownJob, Remedy::Restart, message)
}

fn past_the_end() -> Error {
    invalid("offset", "offset lies behind the end of the document.")
}

fn invalid(subject: &str, message: &str) -> Error {
    Error::invalid_request(vec![Problem {
        code: "request",
        subject: subject.to_owned(),
        blocks: Vec::new(),
        message: message.to_owned(),
    }])
}

/// The length of a body that is sent as it is. Of one that is coded, which nobody asked for, it is not known: the host may
/// have decoded it.
fn length(head: &Head) -> Option<u64> {
    if is_coded(head) {
        return None;
    }
    head.header("content-length").and_then(|length| length.trim().parse().ok())
}

fn is_coded(head: &Head) -> bool {
    head.header("content-encoding").is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity"))
}

/// Where a range begins, and how long the whole document is.
fn content_range(head: &Head) -> Option<(u64, Option<u64>)> {
    let (range, whole) = head.header("content-range")?.trim().strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, whole.parse().ok()))
}

/// What a file is, by its bytes first and by its content type where these leave it open (fact sheet 7).
fn kind(head: &Head, bytes: &[u8]) -> (&'static str, &'static str) {
    let told = head.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let start = bytes.trim_ascii_start();
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start);
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        ("application/zip", "zip")
    } else if bytes.starts_with(b"\x1F\x8B") {
        ("application/gzip", "gz")
    } else if mentions(&told, "ndjson") || mentions(&told, "jsonl") || is_lines(start) {
        ("application/x-ndjson", "ndjson")
    } else if start.starts_with(b"{") || start.starts_with(b"[") {
        ("application/json", "json")
    } else if mentions(&told, "csv") {
        ("text/csv", "csv")
    } else if told.starts_with("text/plain") {
        ("text/plain", "txt")
    } else {
        ("application/octet-stream", "bin")
    }
}

/// Whether an object ends at the end of a line, and another begins with the next.
fn is_lines(start: &[u8]) -> bool {
    let mut lines = start.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let whole = |line: &[u8]| line.starts_with(b"{") && line.ends_with(b"}");
    lines.next().is_some_and(whole) && lines.next().is_some_and(|line| line.starts_with(b"{"))
}

fn is_empty(bytes: &[u8]) -> bool {
    let bytes: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    matches!(bytes.as_slice(), b"" | b"[]" | b"{}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(content_type: &str, bytes: &[u8]) -> &'static str {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        kind(&Head { status: 200, headers }, bytes).1
    }

    #[test]
    fn the_bytes_of_a_file_count_for_more_than_its_content_type() {
        assert_eq!(told("application/json", b"PK\x03\x04..."), "zip");
        assert_eq!(told("application/octet-stream", b"\x1f\x8b\x08"), "gz");
        assert_eq!(told("application/octet-stream", b" [{\"a\":1}]"), "json");
        assert_eq!(told("application/json", b"{\"a\":1}\n{\"a\":2}\n"), "ndjson");
        assert_eq!(told("application/json", b"{\n\"a\":1}"), "json");
        assert_eq!(told("text/csv; charset=utf-8", b"a,b"), "csv");
        assert_eq!(told("application/octet-stream", b"a,b"), "bin");
    }

    #[test]
    fn a_range_says_where_it_begins_and_how_long_the_whole_is() {
        let range = |text: &str| {
            content_range(&Head { status: 206, headers: vec![("content-range".to_owned(), text.to_owned())] })
        };
        assert_eq!(range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(range("bytes */10"), None);
    }

    #[test]
    fn an_export_of_nothing_is_empty() {
        assert!(is_empty(b" [ ]\n") && is_empty(b"{}") && is_empty(b""));
        assert!(!is_empty(b"[0]"));
    }
}
