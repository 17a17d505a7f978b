//! The content of small archives: enough to tell an empty one from data.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder};

/// The most bytes that are unpacked of one file. A longer one is not empty.
const MAX_UNPACKED_BYTES: u64 = 64 * 1024;

/// The lengths of the fixed parts of a ZIP archive, from APPNOTE.TXT, section 4.3.
const LOCAL_HEADER: usize = 30;
const DIRECTORY_HEADER: usize = 46;
const END_RECORD: usize = 22;

/// The content of a gzip file that was received as a whole. `None` if it is damaged or too long.
#[must_use]
pub fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    unpack(MultiGzDecoder::new(bytes))
}

/// The content of each file in a ZIP archive that was received as a whole. `None` if the archive is damaged, encrypted, or packed in a
/// way that is not common, or if a file is too long.
#[must_use]
pub fn unzip(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let end = bytes.get(bytes.windows(4).rposition(|window| window == b"PK\x05\x06")?..)?;
    if end.len().checked_sub(END_RECORD)? != number(end, 20, 2)? {
        return None;
    }
    let count = number(end, 10, 2)?;
    let mut directory = bytes.get(number(end, 16, 4)?..)?;
    let mut contents = Vec::new();
    for _ in 0..count {
        directory.strip_prefix(b"PK\x01\x02")?;
        let is_stored = match number(directory, 10, 2)? {
            0 => true,
            8 => false,
            _ => return None,
        };
        let local = bytes.get(number(directory, 42, 4)?..)?;
        local.strip_prefix(b"PK\x03\x04")?;
        let names = number(local, 26, 2)?.checked_add(number(local, 28, 2)?)?;
        let packed = local.get(LOCAL_HEADER..)?.get(names..)?.get(..number(directory, 20, 4)?)?;
        contents.push(if is_stored { packed.to_vec() } else { unpack(DeflateDecoder::new(packed))? });
        let names = number(directory, 28, 2)?.checked_add(number(directory, 30, 2)?)?;
        let names = names.checked_add(number(directory, 32, 2)?)?;
        directory = directory.get(DIRECTORY_HEADER..)?.get(names..)?;
    }
    Some(contents)
}

fn unpack(reader: impl Read) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let length = reader.take(MAX_UNPACKED_BYTES).read_to_end(&mut content).ok()?;
    (u64::try_from(length).ok()? < MAX_UNPACKED_BYTES).then_some(content)
}

/// A number of this many bytes, least significant first.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.get(..length)?;
    Some(bytes.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte)))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder};

    use super::*;

    pub fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).expect("memory");
        encoder.finish().expect("memory")
    }

    /// An archive of compressed files, each with this content.
    pub fn zip(contents: &[&[u8]]) -> Vec<u8> {
        let (mut archive, mut directory) = (Vec::new(), Vec::new());
        for content in contents {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(content).expect("memory");
            let packed = encoder.finish().expect("memory");
            let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("a short file").to_le_bytes();
            let common =
                [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &length(&packed), &length(content), &[1, 0, 0, 0]]
                    .concat();
            directory.extend([b"PK\x01\x02\x14\0", &common[..], &[0; 10], &length(&archive), b"a"].concat());
            archive.extend([b"PK\x03\x04", &common[..], b"a", &packed].concat());
        }
        let count = u8::try_from(contents.len()).expect("few files");
        let at = u32::try_from(archive.len()).expect("a short archive").to_le_bytes();
        let end = [b"PK\x05\x06\0\0\0\0", &[count, 0, count, 0][..], &[0; 4], &at, &[0; 2]].concat();
        [archive, directory, end].concat()
    }

    #[test]
    fn archives_are_unpacked() {
        assert_eq!(unzip(&zip(&[b"one", b""])), Some(vec![b"one".to_vec(), Vec::new()]));
        assert_eq!(unzip(&zip(&[])), Some(Vec::new()));
        assert_eq!(gunzip(&gzip(b"one")).as_deref(), Some(&b"one"[..]));
        assert_eq!(gunzip(&[gzip(b""), gzip(b"two")].concat()).as_deref(), Some(&b"two"[..]));
    }

    #[test]
    fn damaged_and_long_archives_are_not_unpacked() {
        let whole = zip(&[b"one"]);
        for length in 0..whole.len() {
            assert_eq!(unzip(&whole[..length]), None, "{length}");
        }
        let whole = gzip(b"one");
        for length in 1..whole.len() {
            assert_eq!(gunzip(&whole[..length]), None, "{length}");
        }
        let bomb = vec![b' '; 1 << 20];
        assert_eq!((unzip(&zip(&[&bomb])), gunzip(&gzip(&bomb))), (None, None));
        let mut encrypted = zip(&[b"one"]);
        encrypted[8] = 99;
        let at = encrypted.windows(4).position(|window| window == b"PK\x01\x02").expect("a directory");
        encrypted[at + 10] = 99;
        assert_eq!(unzip(&encrypted), None, "another method");
    }
}
