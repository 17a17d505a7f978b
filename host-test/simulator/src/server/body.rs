//! Response bodies in the form that hyper sends.

use std::convert::Infallible;
use std::iter;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::body::{Body, Frame, SizeHint};

use super::content::{CHUNK_SIZE, Content};
use super::counters::Counted;
use super::response::Response;

/// A body that is made chunk by chunk while hyper sends it.
pub(super) struct Outgoing {
    chunks: Box<dyn Iterator<Item = Bytes> + Send>,
    remaining: u64,
    is_chunked: bool,
    _in_progress: Counted,
}

impl Outgoing {
    fn new(body: &Content, is_chunked: bool, in_progress: Counted) -> Self {
        let chunks: Box<dyn Iterator<Item = Bytes> + Send> =
            if body.is_empty() { Box::new(iter::empty()) } else { Box::new(body.chunks(CHUNK_SIZE)) };
        Self { chunks, remaining: body.len(), is_chunked, _in_progress: in_progress }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = self.chunks.next();
        self.remaining -= chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_chunked && self.remaining > 0 { SizeHint::default() } else { SizeHint::with_exact(self.remaining) }
    }
}

/// A valid response for hyper.
pub(super) fn outgoing(response: &Response, in_progress: Counted) -> hyper::Response<Outgoing> {
    let mut outgoing = hyper::Response::new(Outgoing::new(&response.body, response.is_chunked, in_progress));
    *outgoing.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &response.headers {
        // Omit a value that is not valid in a header: a file name can contain any address.
        if let Ok(value) = value.parse() {
            outgoing.headers_mut().append(*name, value);
        }
    }
    outgoing
}
