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

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use super::contract::{DeletionMode, Error, ErrorKind, Remedy, Right};
use crate::json::{Json, Object};
use crate::prelude::*;

/// The longest ticket, in bytes, that the contract allows.
pub const LONGEST: usize = 4_096;

/// What a request is after.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Aim {
    /// Access.
    Access,
    /// Deletion, `preview`.
    Preview,
    /// Deletion, `erase`.
    Erase,
    /// Deletion, `erase-and-verify`.
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

    /// The aim with this letter.
    fn from_letter(letter: &str) -> Option<Self> {
        [Self::Access, Self::Preview, Self::Erase, Self::EraseAndVerify].into_iter().find(|aim| aim.letter() == letter)
    }

    /// A letter, for tickets and check values.
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
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ticket {
    /// What the request is after.
    pub aim: Aim,
    /// The request's check value: [`super::subject::check_value`].
    pub check: u32,
    /// The jobs at Qualtrics: exports, or one erasure or search. One job is about all addresses; several are about one
    /// each, in the order of the sorted addresses. None: there is nothing but directories to search.
    pub jobs: Vec<String>,
    /// When Qualtrics took the request, in seconds.
    pub submitted_at: u64,
    /// How often Qualtrics did not know the job; or, while a search that verifies is to be begun, how often it did not take
    /// it.
    pub misses: u8,
    /// How often the last step was tried in vain.
    pub tries: u8,
    /// Qualtrics has done its part, and what was found is being read: there is no way back from here.
    pub gathering: bool,
    /// Where in Qualtrics' list of erasures the job was last seen.
    pub hint: Option<String>,
    /// The deletion is over, and is being verified.
    pub verify: Option<Verification>,
}

/// How far the verification of a deletion is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verification {
    /// When the deletion was seen to be over, in seconds of the host's clock.
    pub erased_at: u64,
    /// Only searches begun after this second of Qualtrics' clock count.
    pub after: u64,
    /// The search that is under way.
    pub search: Option<String>,
}

/// Where the bytes of a remote document are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reference {
    /// A file of a customer data request.
    File {
        /// The request's id.
        job: String,
        /// The file's id.
        file: String,
        /// Its size in bytes, where it was known.
        size: Option<u64>,
        /// A check value of its entity tag, where it had one.
        tag: Option<u32>,
    },
    /// A contact.
    Contact {
        /// The directory's id.
        directory: String,
        /// The contact's id.
        contact: String,
        /// A check value of its last change, where it was told.
        changed: Option<u32>,
    },
}

impl Ticket {
    /// As text: printable ASCII.
    ///
    /// # Errors
    /// `protocol` if it would be longer than [`LONGEST`]: Qualtrics' ids are longer than any that were seen.
    pub fn write(&self) -> Result<String, Error> {
        let text = write("t1.", &self.to_json());
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
        Self::from_json(&read(text, 't')?).ok_or_else(damaged)
    }

    fn to_json(&self) -> Object {
        let mut members = Object::default()
            .with("a", self.aim.letter().into())
            .with("c", u64::from(self.check).into())
            .with("j", Json::texts(self.jobs.iter().map(String::as_str)))
            .with("s", self.submitted_at.into())
            .with("m", u64::from(self.misses).into())
            .with("t", u64::from(self.tries).into())
            .with("h", self.hint.as_deref().into())
            .with("v", self.verify.as_ref().map(Verification::to_json).into());
        if self.gathering {
            members.set("g", 1_u64.into());
        }
        members
    }

    fn from_json(json: &Json) -> Option<Self> {
        let count = |name| u8::try_from(json.get(name).map_or(Some(0), Json::as_u64)?).ok();
        Some(Self {
            aim: Aim::from_letter(json.get("a")?.as_str()?)?,
            check: u32::try_from(json.get("c")?.as_u64()?).ok()?,
            jobs: json.get("j")?.as_list()?.iter().map(|id| Some(id.as_str()?.to_owned())).collect::<Option<_>>()?,
            submitted_at: json.get("s")?.as_u64()?,
            misses: count("m")?,
            tries: count("t")?,
            gathering: count("g").is_some_and(|gathering| gathering > 0),
            hint: text(json, "h"),
            verify: match json.get("v") {
                None | Some(Json::Null) => None,
                Some(verify) => Some(Verification::from_json(verify)?),
            },
        })
    }
}

impl Verification {
    fn to_json(&self) -> Object {
        Object::default()
            .with("e", self.erased_at.into())
            .with("a", self.after.into())
            .with("i", self.search.as_deref().into())
    }

    fn from_json(json: &Json) -> Option<Self> {
        Some(Self { erased_at: json.get("e")?.as_u64()?, after: json.get("a")?.as_u64()?, search: text(json, "i") })
    }
}

impl Reference {
    /// As text: printable ASCII.
    #[must_use]
    pub fn write(&self) -> String {
        let members = match self {
            Self::File { job, file, size, tag } => Object::default()
                .with("j", job.as_str().into())
                .with("f", file.as_str().into())
                .with("s", (*size).into())
                .with("e", tag.map(u64::from).into()),
            Self::Contact { directory, contact, changed } => Object::default()
                .with("d", directory.as_str().into())
                .with("c", contact.as_str().into())
                .with("m", changed.map(u64::from).into()),
        };
        write("r1.", &members)
    }

    /// Reads a reference.
    ///
    /// # Errors
    /// As [`Ticket::read`].
    pub fn read(text: &str) -> Result<Self, Error> {
        Self::from_json(&read(text, 'r')?).ok_or_else(damaged)
    }

    fn from_json(json: &Json) -> Option<Self> {
        let number = |name| json.get(name).and_then(Json::as_u64);
        let check = |name| number(name).and_then(|check| u32::try_from(check).ok());
        match text(json, "j") {
            Some(job) => Some(Self::File { job, file: text(json, "f")?, size: number("s"), tag: check("e") }),
            None => Some(Self::Contact { directory: text(json, "d")?, contact: text(json, "c")?, changed: check("m") }),
        }
    }
}

fn text(json: &Json, name: &str) -> Option<String> {
    json.get(name)?.as_str().map(str::to_owned)
}

/// A short check value of something that should not change.
#[must_use]
pub fn check_of(text: &str) -> u32 {
    Sha256::digest(text.as_bytes()).iter().take(4).fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

fn write(prefix: &str, json: &Object) -> String {
    let mut text = [prefix, &Base64UrlUnpadded::encode_string(&json.to_bytes()), "."].concat();
    text.push_str(&checksum(&text));
    text
}

fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    Base64UrlUnpadded::encode_string(digest.get(..6).unwrap_or_default())
}

fn read(text: &str, kind: char) -> Result<Json, Error> {
    let text = text.trim_ascii();
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
    let json = Base64UrlUnpadded::decode_vec(json.strip_suffix('.').unwrap_or(json)).map_err(|_| damaged())?;
    Json::read(&json).ok_or_else(damaged)
}

fn damaged() -> Error {
    let message = "The ticket or reference is damaged: use it exactly as it was given.";
    Error::new(ErrorKind::InvalidTicket, Remedy::GiveUp, message)
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
            gathering: false,
            hint: Some("offset=300".to_owned()),
            verify: Some(Verification { erased_at: 1_700_000_600, after: 1_700_000_600, search: None }),
        }
    }

    #[test]
    fn a_ticket_of_version_one_is_read_for_ever() {
        let published = concat!(
            "t1.eyJhIjoidiIsImMiOjcwMzcxMCwiaCI6Im9mZnNldD0zMDAiLCJqIjpbIk9QLTBkMmM3YjdlLTBmM2UtNGI1NS05ZDU3LTViOWMyY",
            "zFjNmExMSJdLCJtIjoxLCJzIjoxNzAwMDAwMDAwLCJ0IjowLCJ2Ijp7ImEiOjE3MDAwMDA2MDAsImUiOjE3MDAwMDA2MDAsImkiOm51bGx9fQ.ll12SrHf"
        );
        assert_eq!(Ticket::read(published).ok(), Some(ticket()));
        assert_eq!(ticket().write().ok().as_deref(), Some(published));
    }

    #[test]
    fn references_of_version_one_are_read_for_ever() {
        let file = Reference::File { job: "CDR_1".to_owned(), file: "F 1".to_owned(), size: Some(565), tag: None };
        let contact =
            Reference::Contact { directory: "POOL_1".to_owned(), contact: "CID_1".to_owned(), changed: Some(7) };
        for (reference, published) in [
            (file, "r1.eyJlIjpudWxsLCJmIjoiRiAxIiwiaiI6IkNEUl8xIiwicyI6NTY1fQ.gXv6lGZi"),
            (contact, "r1.eyJjIjoiQ0lEXzEiLCJkIjoiUE9PTF8xIiwibSI6N30.98Divyoa"),
        ] {
            assert_eq!(reference.write(), published);
            assert_eq!(Reference::read(published).ok(), Some(reference));
        }
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
