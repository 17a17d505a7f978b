//! Gzip files whose bytes can be computed from any offset.

use flate2::Crc;

use super::content::{CHUNK_SIZE, Content};

/// The CRC-32 of the content.
pub(crate) fn checksum(content: &Content) -> u32 {
    let mut crc = Crc::new();
    content.chunks(CHUNK_SIZE).for_each(|chunk| crc.update(&chunk));
    crc.sum()
}

/// A gzip file of uncompressed blocks.
pub(crate) fn gzip(content: &Content) -> Content {
    const MAX_BLOCK: u64 = 0xffff;
    let mut file = Content::from_bytes(&b"\x1f\x8b\x08\0\0\0\0\0\0\xff"[..]);
    let mut at = 0;
    loop {
        let block = content.slice(at..at + MAX_BLOCK);
        at += block.len();
        let is_last = at == content.len();
        let len = block.len() as u16;
        let mut head = vec![u8::from(is_last)];
        head.extend(len.to_le_bytes());
        head.extend((!len).to_le_bytes());
        file = file.followed_by(&Content::from_bytes(head)).followed_by(&block);
        if is_last {
            break;
        }
    }
    let tail = [checksum(content).to_le_bytes(), (content.len() as u32).to_le_bytes()].concat();
    file.followed_by(&Content::from_bytes(tail))
}
