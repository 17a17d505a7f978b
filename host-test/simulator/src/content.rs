//! Bytes of any length, of which each can be told at any time: nothing long is ever kept whole.

use std::ops::Range;

use bytes::Bytes;

/// The length of an invented line.
pub(super) const LINE: u64 = 128;

/// A sequence of bytes, kept or invented. Clones are cheap.
#[derive(Clone, Debug, Default)]
pub struct Content {
    pieces: Vec<Piece>,
    len: u64,
}

#[derive(Clone, Debug)]
struct Piece {
    source: Source,
    /// Where in the source the piece begins.
    from: u64,
    /// Where in the content the piece begins.
    at: u64,
    len: u64,
}

#[derive(Clone, Debug)]
enum Source {
    Kept(Bytes),
    /// The same byte without end.
    Fill(u8),
    /// Lines of [`LINE`] bytes without end: text, the line's number, text.
    Lines(&'static str, &'static str),
}

impl Content {
    /// These bytes.
    pub(super) fn kept(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let len = bytes.len() as u64;
        Self::default().then(Source::Kept(bytes), 0, len)
    }

    /// One byte, many times.
    pub(super) fn fill(byte: u8, len: u64) -> Self {
        Self::default().then(Source::Fill(byte), 0, len)
    }

    /// Numbered lines, each [`LINE`] bytes long: `before`, a number of 12 digits, dots, `after`.
    pub(super) fn lines(before: &'static str, after: &'static str, count: u64) -> Self {
        Self::default().then(Source::Lines(before, after), 0, count * LINE)
    }

    /// This, followed by that.
    #[must_use]
    pub(super) fn followed_by(mut self, that: &Self) -> Self {
        for piece in &that.pieces {
            self = self.then(piece.source.clone(), piece.from, piece.len);
        }
        self
    }

    fn then(mut self, source: Source, from: u64, len: u64) -> Self {
        if len > 0 {
            self.pieces.push(Piece { source, from, at: self.len, len });
            self.len += len;
        }
        self
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes from `offset` on: at most `max`, and fewer only at the end.
    #[must_use]
    pub fn read(&self, offset: u64, max: usize) -> Bytes {
        let end = self.len.min(offset.saturating_add(max as u64));
        if offset >= end {
            return Bytes::new();
        }
        let mut bytes = Vec::with_capacity((end - offset) as usize);
        for piece in self.part(offset..end).pieces {
            piece.source.write(piece.from, piece.len as usize, &mut bytes);
        }
        bytes.into()
    }

    /// All bytes at once; for content that is known to be short.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.read(0, usize::MAX).to_vec()
    }

    /// The content of a range, which is cut to what there is.
    pub(super) fn part(&self, range: Range<u64>) -> Self {
        let (start, end) = (range.start.min(self.len), range.end.min(self.len));
        let mut part = Self::default();
        let first = self.pieces.partition_point(|piece| piece.at + piece.len <= start);
        for piece in self.pieces[first..].iter().take_while(|piece| piece.at < end) {
            let skipped = start.saturating_sub(piece.at);
            let len = piece.len.min(end - piece.at) - skipped;
            part = part.then(piece.source.clone(), piece.from + skipped, len);
        }
        part
    }

    /// The bytes in order, in pieces of this size.
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
            Self::Kept(bytes) => to.extend_from_slice(&bytes[from as usize..from as usize + len]),
            Self::Fill(byte) => to.resize(to.len() + len, *byte),
            Self::Lines(before, after) => {
                let end = to.len() + len;
                let mut number = from / LINE;
                let mut skip = (from % LINE) as usize;
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

/// An invented line: [`LINE`] bytes.
fn line(before: &str, number: u64, after: &str) -> String {
    let dots = LINE as usize - before.len() - 12 - after.len();
    format!("{before}{number:012}{empty:.>dots$}{after}", empty = "")
}
