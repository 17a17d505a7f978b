//! The bytes of a CSV file as text.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How to export a spreadsheet so that this program can read it.
const EXPORT: &str = "export it as CSV in UTF-8. Excel: Save As, type `CSV UTF-8 (Comma delimited)`. Google Sheets: Download, \
                      `Comma Separated Values (.csv)`. LibreOffice: Save As, type `Text CSV`, character set `Unicode (UTF-8)`";

/// The text of a file, without byte order mark, whose lines end with `\n` alone.
///
/// UTF-8 and UTF-16 prove themselves: other bytes do not decode to a header. In any other encoding, bytes stand for other letters than in
/// its neighbours, and a wrong letter is another person's address. Such files are refused.
///
/// # Errors
/// A predicate without subject, such as `is not UTF-8`, with what to do.
pub(super) fn decode(bytes: &[u8]) -> Result<String, String> {
    let (encoding, mark) = Encoding::for_bom(bytes).unwrap_or_else(|| (without_mark(bytes), 0));
    let bytes = bytes.get(mark..).unwrap_or_default();
    let text = if encoding == UTF_8 {
        std::str::from_utf8(bytes).map(Into::into).map_err(|error| {
            let line = line_of(&bytes[..error.valid_up_to()]);
            format!("is not UTF-8: see line {line}. To keep every letter of an address, {EXPORT}")
        })
    } else {
        let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
        text.ok_or_else(|| format!("is damaged UTF-16. To keep every letter of an address, {EXPORT}"))
    }?;
    if let Some((before, _)) = text.split_once('\0') {
        return Err(format!(
            "is not a CSV file: line {} has a NUL character. If it is a spreadsheet, {EXPORT}",
            line_of(before.as_bytes())
        ));
    }
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The encoding of a file without a mark. A header is ASCII, and every second byte of ASCII in UTF-16 is zero.
fn without_mark(bytes: &[u8]) -> &'static Encoding {
    match bytes {
        [letter, 0, ..] if *letter != 0 => UTF_16LE,
        [0, letter, ..] if *letter != 0 => UTF_16BE,
        _ => UTF_8,
    }
}

/// The number of the line that follows these bytes.
fn line_of(before: &[u8]) -> usize {
    let ends = before.iter().enumerate().filter(|(index, byte)| match **byte {
        b'\n' => true,
        b'\r' => before.get(index + 1) != Some(&b'\n'),
        _ => false,
    });
    ends.count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "id,right,email\nr-1,access,zoë@münchen.example\n";

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn utf_8_and_utf_16_are_recognised_with_and_without_a_mark() {
        let marked = format!("\u{feff}{TEXT}");
        for bytes in [
            TEXT.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            utf16(TEXT, u16::to_le_bytes),
            utf16(TEXT, u16::to_be_bytes),
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
        ] {
            assert_eq!(decode(&bytes).as_deref(), Ok(TEXT), "{bytes:?}");
        }
        assert_eq!(decode(b"").as_deref(), Ok(""));
    }

    #[test]
    fn every_other_encoding_is_refused_with_the_way_to_export_the_file() {
        let mut half = utf16(TEXT, u16::to_le_bytes);
        half.pop();
        let surrogate: Vec<u8> = [0x69, 0xd83d, 0x64].into_iter().flat_map(u16::to_le_bytes).collect();
        for (bytes, reason) in [
            // Windows-1252, Latin-1, and the same letter in the code page of a Western European DOS.
            (b"id,right,email\r\nr-1,access,zo\xeb@b.example\r\n".to_vec(), "is not UTF-8: see line 2."),
            (
                b"id,right,email\rr-1,access,ada@b.example\rr-2,access,zo\x89@b.example".to_vec(),
                "is not UTF-8: see line 3.",
            ),
            (b"\xef\xbb\xbfid,right,email\nr-1,access,zo\xeb@b.example".to_vec(), "is not UTF-8: see line 2."),
            (b"PK\x03\x04\x14\x00\x06\x00".to_vec(), "line 1 has a NUL character"),
            (b"id,right,email\nr-1,access,ada@b.example\n\0\0\0".to_vec(), "line 3 has a NUL character"),
            (b"\0\0\0\0".to_vec(), "line 1 has a NUL character"),
            // UTF-32 has a mark that begins like that of UTF-16.
            (b"\xff\xfe\0\0i\0\0\0d\0\0\0".to_vec(), "line 1 has a NUL character"),
            (half, "is damaged UTF-16"),
            (surrogate, "is damaged UTF-16"),
        ] {
            let message = decode(&bytes).expect_err(reason);
            assert!(message.contains(reason) && message.contains("CSV UTF-8 (Comma delimited)"), "{message}");
        }
    }

    #[test]
    fn every_kind_of_line_end_is_a_line_end() {
        assert_eq!(decode(b"a\r\nb\rc\nd\r\r\ne").as_deref(), Ok("a\nb\nc\nd\n\ne"));
    }
}
