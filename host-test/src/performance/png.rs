//! Pictures of points as PNG (ISO/IEC 15948): true colour, one compressed stream.

use std::io::{self, Write};

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// A picture of so many points, each red, green and blue, row by row.
pub(super) fn encode(width: u32, height: u32, points: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = ZlibEncoder::new(Vec::new(), Compression::best());
    for row in points.chunks_exact(3 * width as usize) {
        // No filter: large areas of one colour are short as they are.
        stream.write_all(&[0])?;
        stream.write_all(row)?;
    }
    // Eight bits for each of three colours, and the only compression, filters and interlacing that need no word.
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", &head), (b"IDAT", &stream.finish()?), (b"IEND", &Vec::new())] {
        let mut checksum = Crc::new();
        checksum.update(kind);
        checksum.update(data);
        png.extend((data.len() as u32).to_be_bytes());
        png.extend_from_slice(kind);
        png.extend_from_slice(data);
        png.extend(checksum.sum().to_be_bytes());
    }
    Ok(png)
}
