//! Documents, streamed: at most a few chunks of a document are in memory.

use privacy_contract::{Chunk, Error, ErrorKind, Remedy};

use crate::connector::Connector;
use crate::problem::Details;

/// How many bytes are read at once. A connector may return fewer.
const CHUNK_BYTES: u32 = 64 * 1024;

/// The part of a document that remains to be sent.
pub struct Document {
    reference: String,
    /// A chunk that was read and not yet sent.
    buffered: Option<Chunk>,
    /// The offset of the next read.
    position: u64,
    /// How many announced bytes remain to be sent. `None` if no length was announced.
    remaining: Option<u64>,
    /// Whether the document must end after the announced bytes.
    reaches_end: bool,
}

/// The document cannot be sent to its end. The body must not look complete.
#[derive(Debug)]
pub struct Truncated;

/// The part of a document that a caller requests.
pub struct Part {
    /// The offset of its first byte.
    pub position: u64,
    /// Its length, if it is known. The document must have as many bytes.
    pub length: Option<u64>,
    /// Whether the document ends after it.
    pub reaches_end: bool,
}

impl Document {
    /// Opens a document. The first chunk is read here, so that its errors are problem details and not a truncated body.
    ///
    /// # Errors
    /// The connector's error; 409 if the document has another length.
    pub fn open(reference: String, part: &Part, connector: &mut impl Connector) -> Result<Self, Details> {
        let Part { position, length: remaining, reaches_end } = *part;
        let mut document = Self { reference, buffered: None, position, remaining, reaches_end };
        let chunk = document.read(connector)?;
        if chunk.last && document.remaining.is_none() {
            document.remaining = Some(chunk.bytes.len() as u64);
        }
        document.buffered = Some(chunk);
        document.check_length(connector).map_err(|_| Details::size_mismatch())?;
        Ok(document)
    }

    /// How many bytes remain to be sent, if that is known.
    #[must_use]
    pub const fn remaining(&self) -> Option<u64> {
        self.remaining
    }

    /// The next chunk to send. It is empty only at the end.
    ///
    /// # Errors
    /// The document cannot be sent to its end.
    pub fn next_chunk(&mut self, connector: &mut impl Connector) -> Result<Vec<u8>, Truncated> {
        if self.buffered.is_none() && self.remaining != Some(0) {
            self.buffered = Some(self.read(connector).map_err(|_| Truncated)?);
        }
        self.check_length(connector)?;
        let Some(chunk) = self.buffered.take() else { return Ok(Vec::new()) };
        if let Some(remaining) = &mut self.remaining {
            *remaining = remaining.saturating_sub(chunk.bytes.len() as u64);
        }
        if chunk.last {
            self.remaining = Some(0);
        }
        Ok(chunk.bytes)
    }

    /// Checks before the buffered chunk is sent that the document ends exactly where the announced bytes end.
    fn check_length(&mut self, connector: &mut impl Connector) -> Result<(), Truncated> {
        let (Some(chunk), Some(remaining)) = (&self.buffered, self.remaining) else { return Ok(()) };
        let length = chunk.bytes.len() as u64;
        if length > remaining || (chunk.last && length < remaining) {
            return Err(Truncated);
        }
        if length == remaining && !chunk.last && self.reaches_end {
            let after_end = self.read(connector).map_err(|_| Truncated)?;
            if !after_end.bytes.is_empty() {
                return Err(Truncated);
            }
        }
        Ok(())
    }

    /// The next chunk: it has at least one byte, or is the last.
    fn read(&mut self, connector: &mut impl Connector) -> Result<Chunk, Error> {
        let remaining = self.remaining.and_then(|remaining| u32::try_from(remaining).ok()).unwrap_or(CHUNK_BYTES);
        let chunk = connector.read(&self.reference, self.position, remaining.clamp(1, CHUNK_BYTES))?;
        if chunk.bytes.is_empty() && !chunk.last {
            return Err(empty_chunk());
        }
        self.position = self.position.saturating_add(chunk.bytes.len() as u64);
        Ok(chunk)
    }
}

/// The error for an empty chunk that is not the last. Without it, a connector that violates the contract could loop forever.
fn empty_chunk() -> Error {
    Error {
        kind: ErrorKind::UnexpectedResponse,
        remedy: Remedy::GiveUp,
        message: "The connector returned an empty chunk that is not the last one.".to_owned(),
        problems: Vec::new(),
        http_status: None,
        vendor_code: None,
        vendor_request_id: None,
    }
}
