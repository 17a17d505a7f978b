//! Bodies of any length. Long ones are computed from a rule and never stored.

use std::ops::Range;

use bytes::Bytes;

/// The length of a generated line.
pub(crate) const LINE_LENGTH: u64 = 128;

/// How many bytes of a body are made at a time.
pub(super) const CHUNK_SIZE: usize = 64 * 1024;

/// A sequence of bytes, stored or generated, of which any range can be read. Clones are cheap.
#[derive(Clone, Debug, Default)]
pub struct Content {
    pieces: Vec<Piece>,
    len: u64,
}

#[derive(Clone, Debug)]
struct Piece {
    source: Source,
    /// The offset in the source at which the piece starts.
    from: u64,
    /// The offset in the content at which the piece starts.
    at: u64,
    len: u64,
}

#[derive(Clone, Debug)]
enum Source {
    Stored(Bytes),
    /// One byte, repeated without end.
    Repeated(u8),
    /// Lines of [`LINE_LENGTH`] bytes without end, between these two texts.
    Lines(&'static str, &'static str),
}

impl Content {
    /// These bytes.
    pub(crate) fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let len = bytes.len() as u64;
        Self::default().with_piece(Source::Stored(bytes), 0, len)
    }

    /// One byte, `len` times.
    pub(crate) fn repeated(byte: u8, len: u64) -> Self {
        Self::default().with_piece(Source::Repeated(byte), 0, len)
    }

    /// Lines of [`LINE_LENGTH`] bytes: `before`, a number of 12 digits, dots, `after`.
    pub(crate) fn numbered_lines(before: &'static str, after: &'static str, count: u64) -> Self {
        Self::default().with_piece(Source::Lines(before, after), 0, count * LINE_LENGTH)
    }

    /// This content, followed by `next`.
    #[must_use]
    pub(crate) fn followed_by(mut self, next: &Self) -> Self {
        for piece in &next.pieces {
            self = self.with_piece(piece.source.clone(), piece.from, piece.len);
        }
        self
    }

    fn with_piece(mut self, source: Source, from: u64, len: u64) -> Self {
        if len > 0 {
            self.pieces.push(Piece { source, from, at: self.len, len });
            self.len += len;
        }
        self
    }

    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Up to `max` bytes from `offset` on. Returns fewer only at the end.
    #[must_use]
    pub fn read(&self, offset: u64, max: usize) -> Bytes {
        let end = self.len.min(offset.saturating_add(max as u64));
        if offset >= end {
            return Bytes::new();
        }
        let mut bytes = Vec::with_capacity((end - offset) as usize);
        for piece in self.slice(offset..end).pieces {
            piece.source.write(piece.from, piece.len as usize, &mut bytes);
        }
        bytes.into()
    }

    /// All bytes. Use it only for content that is known to be short.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.read(0, usize::MAX).to_vec()
    }

    /// The bytes of this range, as far as they exist.
    pub(crate) fn slice(&self, range: Range<u64>) -> Self {
        let (start, end) = (range.start.min(self.len), range.end.min(self.len));
        let mut slice = Self::default();
        let first = self.pieces.partition_point(|piece| piece.at + piece.len <= start);
        for piece in self.pieces[first..].iter().take_while(|piece| piece.at < end) {
            let skipped = start.saturating_sub(piece.at);
            let len = piece.len.min(end - piece.at) - skipped;
            slice = slice.with_piece(piece.source.clone(), piece.from + skipped, len);
        }
        slice
    }

    /// The bytes in chunks of this size. The last chunk may be shorter.
    pub(super) fn chunks(&self, size: usize) -> impl Iterator<Item = Bytes> + Send + use<> {
        let content = self.clone();
        let mut at = 0;
        std::iter::from_fn(move || {
            let chunk = content.read(at, size);
            at += chunk.len() as u64;
            (!chunk.is_empty()).then_some(chunk)
        })
    }
}

impl Source {
    fn write(&self, from: u64, len: usize, to: &mut Vec<u8>) {
        match self {
            Self::Stored(bytes) => to.extend_from_slice(&bytes[from as usize..from as usize + len]),
            Self::Repeated(byte) => to.resize(to.len() + len, *byte),
            Self::Lines(before, after) => {
                let end = to.len() + len;
                let mut number = from / LINE_LENGTH;
                let mut skip = (from % LINE_LENGTH) as usize;
                while to.len() < end {
                    let line = line(before, number, after);
                    let wanted = (line.len() - skip).min(end - to.len());
                    to.extend_from_slice(&line.as_bytes()[skip..skip + wanted]);
                    (number, skip) = (number + 1, 0);
                }
            }
        }
    }
}

/// A generated line of [`LINE_LENGTH`] bytes.
fn line(before: &str, number: u64, after: &str) -> String {
    let dots = LINE_LENGTH as usize - before.len() - 12 - after.len();
    format!("{before}{number:012}{empty:.>dots$}{after}", empty = "")
}
