//! A remote document that is read chunk by chunk.
//!
//! At most one chunk is in memory. The connection stays open between two chunks, so that reading in order costs one request.

use crate::contract::Chunk;
use crate::http::{Body, Cause, ExchangeLimits, TransportError};

/// The most bytes that are read from the connection, or skipped, in one step.
pub const READ_BYTES: usize = 64 * 1024;

/// A document from some offset on: what was received and not handed out yet, and the connection that the rest comes from.
pub struct DocumentStream {
    /// The offset of the first byte that was not handed out.
    position: u64,
    received: Vec<u8>,
    rest: Rest,
    size: Option<u64>,
}

/// The part of a document that was not received yet.
enum Rest {
    /// It comes from this body.
    Open(Box<dyn Body>),
    /// It cannot be received. After an error the body is not read again, because the next read could return an empty chunk, which
    /// means the end.
    Failed(TransportError),
    /// The caller [adds](DocumentStream::add) it.
    Added,
    /// There is none.
    Received,
}

impl DocumentStream {
    /// A document whose bytes from `position` on come from `body`. `size` is that of the whole document, if it is known.
    #[must_use]
    pub fn new(body: Box<dyn Body>, position: u64, size: Option<u64>) -> Self {
        Self { position, received: Vec::new(), rest: Rest::Open(body), size }
    }

    /// A document whose bytes from `position` on are in memory.
    #[must_use]
    pub fn in_memory(bytes: Vec<u8>, position: u64) -> Self {
        Self { position, received: bytes, rest: Rest::Received, size: None }
    }

    /// A document whose parts the caller adds, from its beginning.
    #[must_use]
    pub fn in_parts() -> Self {
        Self { position: 0, received: Vec::new(), rest: Rest::Added, size: None }
    }

    /// Adds a part of a document that comes [in parts](Self::in_parts).
    pub fn add(&mut self, bytes: Vec<u8>) {
        let length = bytes.len();
        self.append(bytes, length);
    }

    /// Ends a document that comes [in parts](Self::in_parts).
    pub fn end(&mut self) {
        self.rest = Rest::Received;
    }

    /// The offset of the first byte that was not handed out.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// The bytes that were received and not handed out.
    #[must_use]
    pub fn received(&self) -> &[u8] {
        &self.received
    }

    /// The size of the whole document, if it is known.
    #[must_use]
    pub const fn size(&self) -> Option<u64> {
        self.size
    }

    /// Whether everything up to the end of the document was received.
    #[must_use]
    pub const fn is_received(&self) -> bool {
        matches!(self.rest, Rest::Received)
    }

    /// Receives until `length` bytes can be handed out, or the document has ended. What was received before an error is kept.
    ///
    /// # Errors
    /// The connection failed, or ended before the document did.
    pub fn fill(&mut self, length: usize, limits: ExchangeLimits) -> Result<(), TransportError> {
        while self.received.len() < length {
            let missing = length.saturating_sub(self.received.len());
            let read = match &mut self.rest {
                Rest::Open(body) => body.read(missing.min(READ_BYTES), limits),
                Rest::Failed(error) => Err(*error),
                Rest::Added | Rest::Received => return Ok(()),
            };
            match read {
                Ok(bytes) if !bytes.is_empty() => self.append(bytes, missing),
                Ok(_) if self.size.is_none_or(|size| self.received_to() >= size) => self.rest = Rest::Received,
                Ok(_) => return Err(self.fail(TransportError::after_sending(Cause::Interrupted))),
                Err(error) => return Err(self.fail(error)),
            }
        }
        if self.size == Some(self.received_to()) {
            self.rest = Rest::Received;
        }
        Ok(())
    }

    fn append(&mut self, bytes: Vec<u8>, missing: usize) {
        if self.received.is_empty() {
            self.received = bytes;
            return;
        }
        // One allocation for the whole chunk: growing by doubling would take up to three times its size.
        let left = self.size.map_or(u64::MAX, |size| size.saturating_sub(self.received_to()));
        let expected = usize::try_from(left).unwrap_or(missing).min(missing);
        self.received.reserve_exact(expected.max(bytes.len()));
        self.received.extend_from_slice(&bytes);
    }

    fn fail(&mut self, error: TransportError) -> TransportError {
        self.rest = Rest::Failed(error);
        error
    }

    /// Skips what precedes `offset`. The document may end before: then [`position`](Self::position) is its end.
    ///
    /// # Errors
    /// As for [`fill`](Self::fill).
    pub fn skip_to(&mut self, offset: u64, limits: ExchangeLimits) -> Result<(), TransportError> {
        while self.position < offset {
            let step = usize::try_from(offset.saturating_sub(self.position)).unwrap_or(READ_BYTES).min(READ_BYTES);
            self.fill(step, limits)?;
            let skipped = step.min(self.received.len());
            if skipped == 0 {
                break;
            }
            self.received.drain(..skipped);
            self.advance(skipped);
        }
        Ok(())
    }

    /// Hands out at most `limit` of the bytes that were received.
    pub fn hand_out(&mut self, limit: usize) -> Chunk {
        let rest = self.received.split_off(limit.min(self.received.len()));
        let bytes = std::mem::replace(&mut self.received, rest);
        self.advance(bytes.len());
        Chunk { bytes, last: self.is_received() && self.received.is_empty() }
    }

    /// The offset behind everything that was received.
    fn received_to(&self) -> u64 {
        self.position.saturating_add(self.received.len() as u64)
    }

    fn advance(&mut self, bytes: usize) {
        self.position = self.position.saturating_add(bytes as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ExchangeLimits = ExchangeLimits { response_ms: 1, idle_ms: 1, deadline_ms: u64::MAX, body_bytes: 1 };

    /// A body of given chunks, each cut to what is asked for.
    struct Chunks(Vec<Vec<u8>>);

    impl Body for Chunks {
        fn read(&mut self, limit: usize, _: ExchangeLimits) -> Result<Vec<u8>, TransportError> {
            assert!((1..=READ_BYTES).contains(&limit), "{limit} bytes at once");
            let Some(first) = self.0.first_mut() else { return Ok(Vec::new()) };
            let rest = first.split_off(limit.min(first.len()));
            let bytes = std::mem::replace(first, rest);
            if first.is_empty() {
                self.0.remove(0);
            }
            Ok(bytes)
        }
    }

    fn stream(chunks: &[&str], size: Option<u64>) -> DocumentStream {
        DocumentStream::new(Box::new(Chunks(chunks.iter().map(|chunk| chunk.as_bytes().to_vec()).collect())), 0, size)
    }

    fn read(stream: &mut DocumentStream, limit: usize) -> (String, bool) {
        stream.fill(limit, LIMITS).expect("bytes");
        let chunk = stream.hand_out(limit);
        (String::from_utf8(chunk.bytes).expect("text"), chunk.last)
    }

    #[test]
    fn chunks_have_the_requested_length_whatever_length_arrives() {
        let mut stream = stream(&["ab", "cdefg", "h"], None);
        assert_eq!(read(&mut stream, 3), ("abc".to_owned(), false));
        assert_eq!(read(&mut stream, 4), ("defg".to_owned(), false));
        assert_eq!(read(&mut stream, 4), ("h".to_owned(), true));
        assert_eq!(stream.position(), 8);
    }

    #[test]
    fn the_last_chunk_is_known_at_once_if_the_size_is_known() {
        assert_eq!(read(&mut stream(&["abc"], Some(3)), 3), ("abc".to_owned(), true));
        let mut unknown = stream(&["abc"], None);
        assert_eq!(read(&mut unknown, 3), ("abc".to_owned(), false));
        assert_eq!(read(&mut unknown, 3), (String::new(), true));
    }

    #[test]
    fn a_body_that_ends_early_is_an_error_and_what_came_before_is_kept() {
        let mut stream = stream(&["abc"], Some(5));
        for _ in 0..2 {
            assert!(stream.fill(5, LIMITS).is_err());
        }
        assert_eq!(stream.hand_out(5), Chunk { bytes: b"abc".to_vec(), last: false });
    }

    #[test]
    fn a_body_that_failed_is_not_taken_for_one_that_ended() {
        struct FailsOnce(bool);
        impl Body for FailsOnce {
            fn read(&mut self, _: usize, _: ExchangeLimits) -> Result<Vec<u8>, TransportError> {
                let error = TransportError::after_sending(Cause::Interrupted);
                if std::mem::replace(&mut self.0, true) { Ok(Vec::new()) } else { Err(error) }
            }
        }
        let mut stream = DocumentStream::new(Box::new(FailsOnce(false)), 0, None);
        for _ in 0..2 {
            assert!(stream.fill(1, LIMITS).is_err());
            assert!(!stream.hand_out(1).last);
        }
    }

    #[test]
    fn skipping_stops_at_the_offset_or_at_the_end() {
        let mut stream = stream(&["abc", "def"], None);
        stream.skip_to(4, LIMITS).expect("bytes");
        assert_eq!(stream.position(), 4);
        assert_eq!(read(&mut stream, 10), ("ef".to_owned(), true));
        stream.skip_to(9, LIMITS).expect("the end");
        assert_eq!(stream.position(), 6);
    }

    #[test]
    fn a_document_in_memory_is_handed_out_from_its_position() {
        let mut stream = DocumentStream::in_memory(b"cdef".to_vec(), 2);
        assert_eq!(read(&mut stream, 3), ("cde".to_owned(), false));
        assert_eq!(stream.position(), 5);
        assert_eq!(read(&mut stream, 3), ("f".to_owned(), true));
    }

    #[test]
    fn a_document_in_parts_ends_only_where_the_caller_says_so() {
        let mut stream = DocumentStream::in_parts();
        stream.add(b"abc".to_vec());
        assert_eq!(read(&mut stream, 5), ("abc".to_owned(), false));
        stream.add(b"de".to_vec());
        stream.add(b"f".to_vec());
        stream.skip_to(4, LIMITS).expect("bytes");
        assert_eq!((stream.position(), read(&mut stream, 5)), (4, ("ef".to_owned(), false)));
        stream.end();
        assert_eq!(read(&mut stream, 5), (String::new(), true));
    }

    #[test]
    fn no_more_memory_is_allocated_than_one_chunk_takes() {
        let small = "x".repeat(1_000);
        let mut stream = stream(&vec![small.as_str(); 300], None);
        stream.fill(100_000, LIMITS).expect("bytes");
        assert_eq!((stream.received().len(), stream.received.capacity()), (100_000, 100_000));
    }
}
