//! Downloads of documents, with ranges.
//!
//! The contract's `read` does not return the size of a document, but the report usually does. A caller that repeats that `size` in the
//! query gets a `Content-Length` and can request ranges. Without it, the body is sent in chunks, starting at `offset`.

use crate::connector::Connector;
use crate::document::{Document, Part};
use crate::http::Head;
use crate::problem::Details;
use crate::response::{Payload, Response};
use crate::route::{Query, parse_number};

/// Responds with a document, or the requested range of it.
///
/// # Errors
/// The connector's error; 416; 409 if the query's size differs from that of the document.
pub fn open(
    reference: String,
    query: &Query,
    head: &Head,
    connector: &mut impl Connector,
) -> Result<Response, Details> {
    let offset = query.offset.unwrap_or(0);
    let size = match query.size {
        Some(size) => Some(size.checked_sub(offset).ok_or_else(|| Details::range_not_satisfiable(size))?),
        None => None,
    };
    let range = match size {
        Some(size) => Range::requested(head, size)?,
        None => None,
    };
    let (first, length) = range.as_ref().map_or((0, size), |range| (range.first, Some(range.length)));
    let part = Part {
        position: offset.saturating_add(first),
        length,
        reaches_end: size.is_some_and(|size| length == size.checked_sub(first)),
    };
    let document = Document::open(reference, &part, connector)?;
    let length = document.remaining();
    let status = if range.is_some() { 206 } else { 200 };
    let mut response = Response::new(status, "application/octet-stream", Payload::Streamed(document))
        .with_header("content-disposition", "attachment".to_owned());
    if let Some(length) = length {
        response = response.with_header("content-length", length.to_string());
    }
    if size.is_some() {
        response = response.with_header("accept-ranges", "bytes".to_owned());
    }
    if let (Some(range), Some(size)) = (range, size) {
        response = response.with_header("content-range", range.content_range(size));
    }
    Ok(response)
}

/// The requested range of a document.
struct Range {
    first: u64,
    /// At least 1.
    length: u64,
}

impl Range {
    /// The range that a request for a document of this size asks for. The header is ignored, as RFC 9110 permits, if it has several ranges,
    /// another unit, or a condition on a validator: documents have no validator.
    fn requested(head: &Head, size: u64) -> Result<Option<Self>, Details> {
        let Some(range) = head.header("range").filter(|_| !head.has("if-range")) else { return Ok(None) };
        let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
            return Ok(None);
        };
        let (first, length) = match (parse_number(first), parse_number(last)) {
            (Some(first), None) if last.is_empty() => (first, u64::MAX),
            (Some(first), Some(last)) if first <= last => (first, last.saturating_sub(first).saturating_add(1)),
            (None, Some(suffix)) if first.is_empty() => (size.saturating_sub(suffix), suffix),
            _ => return Ok(None),
        };
        match length.min(size.saturating_sub(first)) {
            0 => Err(Details::range_not_satisfiable(size)),
            length => Ok(Some(Self { first, length })),
        }
    }

    /// The value of `Content-Range` for a document of this size.
    fn content_range(&self, size: u64) -> String {
        let last = self.first.saturating_add(self.length).saturating_sub(1);
        format!("bytes {}-{last}/{size}", self.first)
    }
}
