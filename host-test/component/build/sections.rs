//! Reads and writes the sections of a component.

use std::error::Error;

/// The component without its `component-name` section: names of its parts, which hosts do not use.
pub fn without_component_name(component: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let (head, mut rest) = component.split_at_checked(8).ok_or("A component has no header.")?;
    let mut kept = head.to_vec();
    while let Some((&kind, after)) = rest.split_first() {
        let (length, content) = take(after)?;
        let (content, others) = content.split_at_checked(length).ok_or("A section is truncated.")?;
        match kind {
            CUSTOM if named(content, b"component-name")? => {}
            _ => section(&mut kept, kind, content)?,
        }
        rest = others;
    }
    Ok(kept)
}

const CUSTOM: u8 = 0;

/// Appends a section.
pub fn section(to: &mut Vec<u8>, kind: u8, content: &[u8]) -> Result<(), Box<dyn Error>> {
    to.push(kind);
    put(to, content)
}

/// Appends the length of the bytes in LEB128, then the bytes.
pub fn put(to: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut left = u32::try_from(bytes.len())?;
    while left > 0x7F {
        to.push(u8::try_from(left & 0x7F)? | 0x80);
        left >>= 7;
    }
    to.push(u8::try_from(left)?);
    to.extend(bytes);
    Ok(())
}

/// Parses a number in LEB128, and returns it with the bytes after it.
fn take(bytes: &[u8]) -> Result<(usize, &[u8]), Box<dyn Error>> {
    let mut number = 0;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        number |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((number, &bytes[index + 1..]));
        }
    }
    Err("A number is not valid LEB128.".into())
}

fn named(content: &[u8], name: &[u8]) -> Result<bool, Box<dyn Error>> {
    let (length, rest) = take(content)?;
    Ok(rest.get(..length) == Some(name))
}
