//! The sections of a component: their form, and those that are left out.

use std::error::Error;

/// The component without the names of its parts, which no host sees. (Its own name comes later, from `metadata`.)
pub fn without_names(component: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let (head, mut rest) = component.split_at_checked(8).ok_or("A component has no head.")?;
    let mut kept = head.to_vec();
    while let Some((&kind, after)) = rest.split_first() {
        let (length, content) = take(after)?;
        let (content, others) = content.split_at_checked(length).ok_or("A section is cut off.")?;
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

/// Appends bytes behind their number, in LEB128.
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

/// A number in LEB128, and what stands behind it.
fn take(bytes: &[u8]) -> Result<(usize, &[u8]), Box<dyn Error>> {
    let mut number = 0;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        number |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((number, &bytes[index + 1..]));
        }
    }
    Err("A number is no LEB128.".into())
}

fn named(content: &[u8], name: &[u8]) -> Result<bool, Box<dyn Error>> {
    let (length, rest) = take(content)?;
    Ok(rest.get(..length) == Some(name))
}
