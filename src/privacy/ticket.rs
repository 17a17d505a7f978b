//! The envelope of tickets and references: printable ASCII that names its kind and version and detects damage.
//!
//! ```text
//! t1.<Base64url of JSON>.<checksum>      a ticket, for `poll`
//! r1.<Base64url of JSON>.<checksum>      a reference, for `read`
//! ```
//!
//! The checksum is the first 48 bits of SHA-256 over everything before it. It detects damage. It is not a signature. `poll` never
//! starts a deletion, so a forged ticket cannot cause one.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::contract::{Error, ErrorKind, Remedy};

/// The longest ticket or reference, in bytes.
pub const MAX_BYTES: usize = 4_096;

/// The version that this connector writes and reads.
const VERSION: char = '1';

/// What a text in the envelope is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A ticket.
    Ticket,
    /// A reference to a remote document.
    Reference,
}

impl Kind {
    const fn letter(self) -> char {
        match self {
            Self::Ticket => 't',
            Self::Reference => 'r',
        }
    }
}

/// Writes content into the envelope.
///
/// # Errors
/// `unexpected-response` if the result would be longer than [`MAX_BYTES`]: only IDs from a vendor can be that long.
pub fn seal(kind: Kind, content: &impl Serialize) -> Result<String, Error> {
    let json = serde_json::to_vec(content).unwrap_or_default();
    let mut text = format!("{}{VERSION}.{}.", kind.letter(), BASE64URL.encode(json));
    text.push_str(&checksum(&text));
    if text.len() > MAX_BYTES {
        let message = "The vendor's IDs are too long for a ticket: report this to the maintainers of the connector.";
        return Err(Error::new(ErrorKind::UnexpectedResponse, Remedy::GiveUp, message));
    }
    Ok(text)
}

/// Parses the envelope. Surrounding whitespace is ignored.
///
/// # Errors
/// `invalid-ticket` if the text is damaged or of another kind, `unsupported` if it is of another version.
pub fn open<C: DeserializeOwned>(kind: Kind, text: &str) -> Result<C, Error> {
    let text = text.trim_ascii();
    if text.len() > MAX_BYTES || !text.is_ascii() {
        return Err(damaged());
    }
    let (body, sum) = text.rsplit_once('.').ok_or_else(damaged)?;
    if checksum(&format!("{body}.")) != sum {
        return Err(damaged());
    }
    let (version, json) = body.strip_prefix(kind.letter()).and_then(|rest| rest.split_once('.')).ok_or_else(damaged)?;
    if version != VERSION.to_string() {
        let message = "The ticket or reference was written by another version of this connector: use that version.";
        return Err(Error::new(ErrorKind::Unsupported, Remedy::Operator, message));
    }
    let json = BASE64URL.decode(json).map_err(|_| damaged())?;
    serde_json::from_slice(&json).map_err(|_| damaged())
}

/// A short check value of something that must not change.
#[must_use]
pub fn check_of(text: &str) -> u32 {
    Sha256::digest(text.as_bytes()).iter().take(4).fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    BASE64URL.encode(digest.get(..6).unwrap_or_default())
}

/// The error of a text that is no ticket or reference.
#[must_use]
pub fn damaged() -> Error {
    let message = "The ticket or reference is damaged: pass it exactly as it was returned.";
    Error::new(ErrorKind::InvalidTicket, Remedy::GiveUp, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> String {
        seal(Kind::Ticket, &("OP-1", 7)).expect("a short ticket")
    }

    #[test]
    fn damage_at_any_position_is_detected() {
        let good = sealed();
        for position in 0..good.len() {
            for bit in 0..7 {
                let mut bytes = good.clone().into_bytes();
                bytes[position] ^= 1 << bit;
                if let Ok(text) = String::from_utf8(bytes) {
                    let opened = open::<(String, u32)>(Kind::Ticket, &text);
                    assert!(opened.is_err() || text.trim_ascii() == good, "bit {bit} of byte {position}");
                }
            }
            assert!(open::<(String, u32)>(Kind::Ticket, &good[..position]).is_err(), "cut at {position}");
        }
    }

    #[test]
    fn a_ticket_is_not_accepted_as_a_reference() {
        let opened = open::<(String, u32)>(Kind::Reference, &sealed());
        assert!(opened.is_err_and(|error| error.kind == ErrorKind::InvalidTicket));
    }

    #[test]
    fn another_version_is_told_apart_from_damage() {
        let later = "t2.AAAA.";
        let later = format!("{later}{}", checksum(later));
        assert!(open::<(String, u32)>(Kind::Ticket, &later).is_err_and(|error| error.kind == ErrorKind::Unsupported));
    }

    #[test]
    fn content_that_is_too_long_is_an_error() {
        assert!(seal(Kind::Ticket, &"x".repeat(4_000)).is_err());
    }
}
