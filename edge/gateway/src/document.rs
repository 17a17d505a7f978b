//! Documents, streamed: at no time is there more of one than a few pieces.
//!
//! The contract's `read` does not say how long a document is; the report does, mostly. A caller who repeats that `size`
//! in the query gets a `Content-Length`, and ranges. Without it the body goes out in chunks, from `offset` on.

use privacy_contract::{Chunk, Error, ErrorKind, Remedy};

use crate::connector::Connector;
use crate::http::{Answer, Head, Payload};
use crate::problem::Details;
use crate::route::{Query, number};

/// How much is read at once, in bytes. A connector may give less.
const PIECE: u32 = 64 * 1024;

/// What is left of a document to be sent.
pub struct Document {
    reference: String,
    /// What was read and not yet sent.
    ahead: Option<Chunk>,
    /// The offset of what is read next.
    position: u64,
    /// How many bytes were promised and not yet sent.
    left: Option<u64>,
    /// Whether the document has to be over after those.
    to_its_end: bool,
}

/// The document cannot be sent to its end. The body must not look as if it had been.
#[derive(Debug)]
pub struct Broken;

/// Answers with a document, of which the first piece is read: what goes wrong there is a problem and no broken body.
///
/// # Errors
/// The connector's; 416; 409 where the query's size is not that of the document.
pub fn open(reference: String, query: &Query, head: &Head, connector: &mut impl Connector) -> Result<Answer, Details> {
    let offset = query.offset.unwrap_or(0);
    let size = match query.size {
        Some(size) => Some(size.checked_sub(offset).ok_or_else(|| Details::no_such_range(size))?),
        None => None,
    };
    let range = match size {
        Some(size) => Range::asked(head, size)?,
        None => None,
    };
    let (first, length) = range.as_ref().map_or((0, size), |range| (range.first, Some(range.length)));
    let mut document = Document {
        reference,
        ahead: None,
        position: offset.saturating_add(first),
        left: length,
        to_its_end: size.is_some_and(|size| length == size.checked_sub(first)),
    };
    let chunk = document.read(connector)?;
    if chunk.last && document.left.is_none() {
        document.left = Some(chunk.bytes.len() as u64);
    }
    document.ahead = Some(chunk);
    document.look_behind_the_end(connector).map_err(|_| Details::other_size())?;

    let length = document.left;
    let status = if range.is_some() { 206 } else { 200 };
    let mut answer = Answer::new(status, "application/octet-stream", Payload::Streamed(document))
        .with("content-disposition", "attachment".to_owned());
    if let Some(length) = length {
        answer = answer.with("content-length", length.to_string());
    }
    if size.is_some() {
        answer = answer.with("accept-ranges", "bytes".to_owned());
    }
    if let (Some(range), Some(size)) = (range, size) {
        answer = answer.with("content-range", range.of(size));
    }
    Ok(answer)
}

impl Document {
    /// The next piece to send: at least one byte, or none at the end.
    ///
    /// # Errors
    /// It cannot be sent to its end.
    pub fn piece(&mut self, connector: &mut impl Connector) -> Result<Vec<u8>, Broken> {
        if self.ahead.is_none() && self.left != Some(0) {
            self.ahead = Some(self.read(connector).map_err(|_| Broken)?);
        }
        self.look_behind_the_end(connector)?;
        let Some(chunk) = self.ahead.take() else { return Ok(Vec::new()) };
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(chunk.bytes.len() as u64);
        }
        if chunk.last {
            self.left = Some(0);
        }
        Ok(chunk.bytes)
    }

    /// Makes sure that the chunk ahead, where it is the last that was promised, is the last that there is, and the
    /// reverse, before it is sent.
    fn look_behind_the_end(&mut self, connector: &mut impl Connector) -> Result<(), Broken> {
        let (Some(chunk), Some(left)) = (&self.ahead, self.left) else { return Ok(()) };
        let length = chunk.bytes.len() as u64;
        if length > left || (chunk.last && length < left) {
            return Err(Broken);
        }
        if length == left && !chunk.last && self.to_its_end {
            let behind = self.read(connector).map_err(|_| Broken)?;
            if !behind.bytes.is_empty() {
                return Err(Broken);
            }
        }
        Ok(())
    }

    /// The next chunk: it has a byte, or is the last.
    fn read(&mut self, connector: &mut impl Connector) -> Result<Chunk, Error> {
        let left = self.left.and_then(|left| u32::try_from(left).ok()).unwrap_or(PIECE);
        let chunk = connector.read(&self.reference, self.position, left.clamp(1, PIECE))?;
        if chunk.bytes.is_empty() && !chunk.last {
            return Err(nothing_read());
        }
        self.position = self.position.saturating_add(chunk.bytes.len() as u64);
        Ok(chunk)
    }
}

/// A connector that breaks its contract could keep the gateway busy for ever.
fn nothing_read() -> Error {
    Error {
        kind: ErrorKind::UnexpectedResponse,
        remedy: Remedy::GiveUp,
        message: "The connector read nothing, and says that there is more.".to_owned(),
        problems: Vec::new(),
        http_status: None,
        vendor_code: None,
        vendor_request_id: None,
    }
}

/// The one range of a document that is asked for.
struct Range {
    first: u64,
    /// At least 1.
    length: u64,
}

impl Range {
    /// The range that the head asks for, if it asks for one, of a document of this size. What cannot be served is not asked
    /// for: several ranges, another unit, or a condition on a validator, of which documents have none.
    fn asked(head: &Head, size: u64) -> Result<Option<Self>, Details> {
        let Some(range) = head.header("range").filter(|_| !head.has("if-range")) else { return Ok(None) };
        let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
            return Ok(None);
        };
        let (first, length) = match (number(first), number(last)) {
            (Some(first), None) if last.is_empty() => (first, u64::MAX),
            (Some(first), Some(last)) if first <= last => (first, last.saturating_sub(first).saturating_add(1)),
            (None, Some(suffix)) if first.is_empty() => (size.saturating_sub(suffix), suffix),
            _ => return Ok(None),
        };
        match length.min(size.saturating_sub(first)) {
            0 => Err(Details::no_such_range(size)),
            length => Ok(Some(Self { first, length })),
        }
    }

    /// `Content-Range`, in a document of this size.
    fn of(&self, size: u64) -> String {
        let last = self.first.saturating_add(self.length).saturating_sub(1);
        format!("bytes {}-{last}/{size}", self.first)
    }
}
