//! Tickets and references: all that is needed to go on, on any instance, in any version to come.
//!
//! ```text
//! t1.<base64url of JSON>.<checksum>      a ticket, for `poll`
//! r1.<base64url of JSON>.<checksum>      a reference, for `read`
//! ```
//!
//! Both hold ids of Qualtrics' and times, no name of a person and no secret, so they may be logged. The checksum, the
//! first 48 bits of SHA-256 over all that stands before it, finds damage; it does not stop a forger, and need not: no
//! ticket can lead to an erasure.
//!
//! A version, once published, is read for ever. Members are added with a default; what has to change its meaning gets
//! the next number.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::contract::{DeletionMode, Error, ErrorKind, Remedy, Right};

/// The longest ticket, in bytes, that the contract allows.
pub const LONGEST: usize = 4_096;

/// What a request is after.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Aim {
    /// Access.
    #[serde(rename = "a")]
    Access,
    /// Deletion, `preview`.
    #[serde(rename = "p")]
    Preview,
    /// Deletion, `erase`.
    #[serde(rename = "e")]
    Erase,
    /// Deletion, `erase-and-verify`.
    #[serde(rename = "v")]
    EraseAndVerify,
}

impl Aim {
    /// The right that is exercised.
    #[must_use]
    pub const fn right(self) -> Right {
        match self {
            Self::Access => Right::Access,
            Self::Preview | Self::Erase | Self::EraseAndVerify => Right::Deletion,
        }
    }

    /// The mode of a deletion.
    #[must_use]
    pub const fn mode(self) -> Option<DeletionMode> {
        match self {
            Self::Access => None,
            Self::Preview => Some(DeletionMode::Preview),
            Self::Erase => Some(DeletionMode::Erase),
            Self::EraseAndVerify => Some(DeletionMode::EraseAndVerify),
        }
    }

    /// A letter for check values.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Access => "a",
            Self::Preview => "p",
            Self::Erase => "e",
            Self::EraseAndVerify => "v",
        }
    }
}

impl From<DeletionMode> for Aim {
    fn from(mode: DeletionMode) -> Self {
        match mode {
            DeletionMode::Preview => Self::Preview,
            DeletionMode::Erase => Self::Erase,
            DeletionMode::EraseAndVerify => Self::EraseAndVerify,
        }
    }
}

/// Where a request stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ticket {
    /// What the request is after.
    #[serde(rename = "a")]
    pub aim: Aim,
    /// The request's check value: [`super::subject::check_value`].
    #[serde(rename = "c")]
    pub check: u32,
    /// The jobs at Qualtrics: exports, or one erasure or search. One job is about all addresses; several are about one
    /// each, in the order of the sorted addresses. None: there is nothing but directories to search.
    #[serde(rename = "j", default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<String>,
    /// When Qualtrics took the request, in seconds.
    #[serde(rename = "s")]
    pub submitted_at: u64,
    /// How often Qualtrics did not know the job.
    #[serde(rename = "m", default, skip_serializing_if = "is_zero")]
    pub misses: u8,
    /// How often the last step was tried in vain.
    #[serde(rename = "t", default, skip_serializing_if = "is_zero")]
    pub tries: u8,
    /// Where in Qualtrics' list of erasures the job was last seen.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The deletion is over, and is being verified.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verification>,
}

/// How far the verification of a deletion is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Verification {
    /// When the deletion was seen to be over, in seconds of the host's clock.
    #[serde(rename = "e")]
    pub erased_at: u64,
    /// Only searches begun after this second of Qualtrics' clock count.
    #[serde(rename = "a")]
    pub after: u64,
    /// The search that is under way.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
}

/// Where the bytes of a remote document are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Reference {
    /// A file of a customer data request.
    #[serde(rename = "f")]
    File {
        /// The request's id.
        #[serde(rename = "j")]
        job: String,
        /// The file's id.
        #[serde(rename = "f")]
        file: String,
        /// Its size in bytes, where it was known.
        #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
        size: Option<u64>,
        /// A check value of its entity tag, where it had one.
        #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
        tag: Option<u32>,
    },
    /// A contact.
    #[serde(rename = "c")]
    Contact {
        /// The directory's id.
        #[serde(rename = "d")]
        directory: String,
        /// The contact's id.
        #[serde(rename = "c")]
        contact: String,
        /// A check value of its last change, where it was told.
        #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
        changed: Option<u32>,
    },
}

impl Ticket {
    /// As text: printable ASCII.
    ///
    /// # Errors
    /// `protocol` if it would be longer than [`LONGEST`]: Qualtrics' ids are longer than any that were seen.
    pub fn write(&self) -> Result<String, Error> {
        let text = write("t1.", self);
        if text.len() > LONGEST {
            let message = "Qualtrics' ids are too long for a ticket: ask the connector's makers.";
            return Err(Error::new(ErrorKind::Protocol, Remedy::GiveUp, message));
        }
        Ok(text)
    }

    /// Reads a ticket.
    ///
    /// # Errors
    /// `invalid-ticket` if it is damaged, `unsupported` if it is of a later version.
    pub fn read(text: &str) -> Result<Self, Error> {
        read(text, 't')
    }
}

impl Reference {
    /// As text: printable ASCII.
    #[must_use]
    pub fn write(&self) -> String {
        write("r1.", self)
    }

    /// Reads a reference.
    ///
    /// # Errors
    /// As [`Ticket::read`].
    pub fn read(text: &str) -> Result<Self, Error> {
        read(text, 'r')
    }
}

/// A short check value of something that should not change.
#[must_use]
pub fn check_of(text: &str) -> u32 {
    Sha256::digest(text.as_bytes()).iter().take(4).fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

fn write<V: Serialize>(prefix: &str, value: &V) -> String {
    // Plain structs of strings and numbers: writing them cannot fail.
    let json = serde_json::to_vec(value).unwrap_or_default();
    let mut text = [prefix, &URL_SAFE_NO_PAD.encode(json), "."].concat();
    text.push_str(&checksum(&text));
    text
}

fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.get(..6).unwrap_or_default())
}

fn read<V: DeserializeOwned>(text: &str, kind: char) -> Result<V, Error> {
    let text = text.trim_ascii();
    let damaged = || {
        let message = "The ticket or reference is damaged: use it exactly as it was given.";
        Error::new(ErrorKind::InvalidTicket, Remedy::GiveUp, message)
    };
    if text.len() > LONGEST || !text.is_ascii() {
        return Err(damaged());
    }
    let (body, _) = text.rsplit_once('.').ok_or_else(damaged)?;
    let body = text.get(..=body.len()).ok_or_else(damaged)?;
    if text.get(body.len()..) != Some(checksum(body).as_str()) {
        return Err(damaged());
    }
    let (version, json) = body.strip_prefix(kind).and_then(|rest| rest.split_once('.')).ok_or_else(damaged)?;
    if version != "1" {
        let message = "The ticket or reference was written by a later version of this connector: use that version.";
        return Err(Error::new(ErrorKind::Unsupported, Remedy::Operator, message));
    }
    let json = URL_SAFE_NO_PAD.decode(json.strip_suffix('.').unwrap_or(json)).map_err(|_| damaged())?;
    serde_json::from_slice(&json).map_err(|_| damaged())
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_zero(number: &u8) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            aim: Aim::EraseAndVerify,
            check: 0xABCDE,
            jobs: vec!["OP-0d2c7b7e-0f3e-4b55-9d57-5b9c2c1c6a11".to_owned()],
            submitted_at: 1_700_000_000,
            misses: 1,
            tries: 0,
            hint: Some("offset=300".to_owned()),
            verify: Some(Verification { erased_at: 1_700_000_600, after: 1_700_000_600, search: None }),
        }
    }

    #[test]
    fn a_ticket_of_version_one_is_read_for_ever() {
        let published = concat!(
            "t1.eyJhIjoidiIsImMiOjcwMzcxMCwiaiI6WyJPUC0wZDJjN2I3ZS0wZjNlLTRiNTUtOWQ1Ny01YjljMmMxYzZhMTEiXSwicyI6M",
            "TcwMDAwMDAwMCwibSI6MSwiaCI6Im9mZnNldD0zMDAiLCJ2Ijp7ImUiOjE3MDAwMDA2MDAsImEiOjE3MDAwMDA2MDB9fQ.BYGGlXF9"
        );
        assert_eq!(Ticket::read(published).ok(), Some(ticket()));
        assert_eq!(ticket().write().ok().as_deref(), Some(published));
    }

    #[test]
    fn damage_at_any_position_is_found() {
        let good = ticket().write().expect("a ticket");
        for position in 0..good.len() {
            for bit in 0..7 {
                let mut bytes = good.clone().into_bytes();
                bytes[position] ^= 1 << bit;
                if let Ok(text) = String::from_utf8(bytes) {
                    assert!(Ticket::read(&text).is_err() || text.trim_ascii() == good, "bit {bit} of byte {position}");
                }
            }
            assert!(Ticket::read(&good[..position]).is_err(), "cut at {position}");
        }
    }

    #[test]
    fn a_ticket_is_no_reference_and_a_later_version_is_told_apart_from_damage() {
        let good = ticket().write().expect("a ticket");
        assert!(Reference::read(&good).is_err_and(|error| error.kind == ErrorKind::InvalidTicket));
        let later = "t2.AAAA.";
        let later = [later, &checksum(later)].concat();
        assert!(Ticket::read(&later).is_err_and(|error| error.kind == ErrorKind::Unsupported));
    }

    #[test]
    fn sixty_four_exports_fit_into_a_ticket() {
        let jobs = vec!["0d2c7b7e-0f3e-4b55-9d57-5b9c2c1c6a11".to_owned(); 64];
        let many = Ticket { jobs, verify: None, hint: None, ..ticket() };
        assert!(
            many.write().is_ok_and(|text| text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic()))
        );
    }

    #[test]
    fn a_ticket_that_would_be_too_long_is_an_error() {
        let long = Ticket { hint: Some("x".repeat(4_000)), ..ticket() };
        assert!(long.write().is_err());
    }
}
