//! Tickets and references: everything that is needed to continue, on any instance and in any later version.
//!
//! They hold IDs from Qualtrics and times, no personal data and no secret, so that they are safe to log. A ticket's JSON members have
//! names of one letter, because a ticket holds up to 64 job IDs within 4 KiB.

use serde::{Deserialize, Serialize};

mod opt_out;

pub use self::opt_out::{
    ContactPlace, FailedUpdate, MAX_FAILED, MAX_OPEN, OpenUpdate, OptOutProgress, ReachedStage, UpdateFailure,
};
use super::api::contact_lists::ContactList;
use super::api::envelope::is_id;
use crate::contract::{DeletionMode, Error, Right};
use crate::privacy::email::{EmailAddress, SPELLING_RULE};
use crate::privacy::ticket::{Kind, damaged, open, seal};

const fn first_rule() -> u8 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_first_rule(rule: &u8) -> bool {
    *rule == 1
}

/// What a request does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Operation {
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
    /// Opt-out.
    #[serde(rename = "o")]
    OptOut,
}

impl Operation {
    /// The right that it serves.
    #[must_use]
    pub const fn right(self) -> Right {
        match self {
            Self::Access => Right::Access,
            Self::Preview | Self::Erase | Self::EraseAndVerify => Right::Deletion,
            Self::OptOut => Right::OptOut,
        }
    }

    /// The mode of a deletion.
    #[must_use]
    pub const fn mode(self) -> Option<DeletionMode> {
        match self {
            Self::Access | Self::OptOut => None,
            Self::Preview => Some(DeletionMode::Preview),
            Self::Erase => Some(DeletionMode::Erase),
            Self::EraseAndVerify => Some(DeletionMode::EraseAndVerify),
        }
    }

    /// Its name in check values.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Preview => "preview",
            Self::Erase => "erase",
            Self::EraseAndVerify => "erase-and-verify",
            Self::OptOut => "opt-out",
        }
    }
}

impl From<DeletionMode> for Operation {
    fn from(mode: DeletionMode) -> Self {
        match mode {
            DeletionMode::Preview => Self::Preview,
            DeletionMode::Erase => Self::Erase,
            DeletionMode::EraseAndVerify => Self::EraseAndVerify,
        }
    }
}

/// The state of a request in progress.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ticket {
    /// What the request does.
    #[serde(rename = "o")]
    pub operation: Operation,
    /// The request's check value: [`crate::privacy::subject::request_check`].
    #[serde(rename = "c")]
    pub request_check: u32,
    /// The jobs at Qualtrics: exports, or one erasure or search. One job covers all addresses; several cover one spelling of
    /// an address each, in the order of the sorted addresses. A preview that searches alone has its own search after the shared one.
    /// Empty: only directories are searched.
    #[serde(rename = "j")]
    pub jobs: Vec<String>,
    /// When Qualtrics accepted the request, in seconds of the host's clock.
    #[serde(rename = "s")]
    pub submitted_at: u64,
    /// How many look-ups in a row did not show the job; or, while a verifying search is to be started, how many submissions failed.
    #[serde(rename = "m", default)]
    pub misses: u8,
    /// How many times the current step failed.
    #[serde(rename = "t", default)]
    pub attempts: u8,
    /// Whether Qualtrics has finished and its results are being collected.
    #[serde(rename = "g", default)]
    pub collecting: bool,
    /// Where in the list of erasure jobs the job was last seen.
    #[serde(rename = "p", default)]
    pub position: Option<String>,
    /// How many spellings of addresses the exports, or the decisive job of a deletion, were started for; absent if an earlier call
    /// started it. A request that is polled in other spellings usually has another number.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    /// The version of the rule by which the spellings were made: [`SPELLING_RULE`].
    #[serde(rename = "r", default = "first_rule", skip_serializing_if = "is_first_rule")]
    pub spelling_rule: u8,
    /// What the erasure or search covers if other requests share it; absent if they do not, as far as is known.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedJob>,
    /// Where the search of the directories continues, while it needs several calls.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<SearchPosition>,
    /// Set once the deletion is complete and is being verified.
    #[serde(rename = "v", default)]
    pub verification: Option<Verification>,
    /// How far an opt-out has come; absent before its first update.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub opt_out: Option<OptOutProgress>,
}

/// The state of a verification.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Verification {
    /// When the deletion was seen to be complete, in seconds of the host's clock.
    #[serde(rename = "e")]
    pub deleted_at: u64,
    /// Only searches that were started after this second of Qualtrics' clock count.
    #[serde(rename = "a")]
    pub search_after: u64,
    /// The search in progress.
    #[serde(rename = "i", default)]
    pub search: Option<String>,
    /// Whether Qualtrics no longer lists the erasure, so that only the searches can show that it was done.
    #[serde(rename = "x", default)]
    pub job_vanished: bool,
    /// For how many spellings of the request's addresses the search was started; absent if it was found in the list.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    /// What the search covers if other requests share it.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedJob>,
    /// Whether the request searches alone, because a search that it shared does not tell its result.
    #[serde(rename = "l", default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
}

/// A job that several requests share: how much it covers, including what other requests brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SharedJob {
    /// How many spellings of addresses it was started for.
    #[serde(rename = "n")]
    pub spellings: u64,
    /// How many addresses these are.
    #[serde(rename = "a")]
    pub addresses: u32,
}

/// What is known of a job, apart from what Qualtrics reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Coverage {
    /// For how many spellings of the request's addresses it was started; absent if an earlier call or someone else started it.
    pub sent: Option<u64>,
    /// What it covers, if other requests share it.
    pub shared: Option<SharedJob>,
}

impl SharedJob {
    /// A job for these addresses, of which so many spellings were sent.
    #[must_use]
    pub fn new(emails: &[EmailAddress], spellings: u64) -> Self {
        Self { spellings, addresses: u32::try_from(emails.len()).unwrap_or(u32::MAX) }
    }
}

/// How far the search of the directories has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SearchPosition {
    /// A check value of the directories: if they change, the search starts again.
    #[serde(rename = "k")]
    pub check: u32,
    /// How many searches have ended, in their order.
    #[serde(rename = "n")]
    pub ended: usize,
    /// Those that found or reported something.
    #[serde(rename = "r", default)]
    pub records: Vec<SearchRecord>,
}

/// How the search for one spelling in one directory ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SearchRecord {
    /// Its position.
    #[serde(rename = "s")]
    pub search: usize,
    /// The IDs of the contacts that it found.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Whether it left out a contact with a similar identifier.
    #[serde(rename = "a", default, skip_serializing_if = "std::ops::Not::not")]
    pub has_similar: bool,
    /// Why it failed: a position in the list of the search.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<usize>,
}

/// Where the bytes of a remote document are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "k")]
pub enum Reference {
    /// A file of a customer data request.
    #[serde(rename = "f")]
    File {
        /// The ID of the customer data request.
        #[serde(rename = "j")]
        job: String,
        /// The file's ID.
        #[serde(rename = "f")]
        file: String,
        /// Its size in bytes, if it was known.
        #[serde(rename = "s", default)]
        size: Option<u64>,
        /// A check value of its entity tag, if it had one.
        #[serde(rename = "e", default)]
        etag: Option<u32>,
    },
    /// A contact.
    #[serde(rename = "c")]
    Contact {
        /// The directory's ID.
        #[serde(rename = "d")]
        directory: String,
        /// The contact's ID.
        #[serde(rename = "c")]
        contact: String,
        /// A check value of its last modification, if it was known.
        #[serde(rename = "m", default)]
        changed: Option<u32>,
    },
    /// A list of a contact.
    #[serde(rename = "l")]
    List {
        /// The directory's ID.
        #[serde(rename = "d")]
        directory: String,
        /// The contact's ID.
        #[serde(rename = "c")]
        contact: String,
        /// Which list.
        #[serde(rename = "l")]
        list: ContactList,
        /// A check value of its first page.
        #[serde(rename = "p")]
        first_page: u32,
    },
}

impl Ticket {
    /// The state of a request that was just submitted.
    #[must_use]
    pub const fn new(operation: Operation, request_check: u32, jobs: Vec<String>, submitted_at: u64) -> Self {
        Self {
            operation,
            request_check,
            jobs,
            submitted_at,
            misses: 0,
            attempts: 0,
            collecting: false,
            position: None,
            sent: None,
            spelling_rule: SPELLING_RULE,
            shared: None,
            contacts: None,
            verification: None,
            opt_out: None,
        }
    }

    /// What is known of the erasure or search that the request started.
    #[must_use]
    pub const fn coverage(&self) -> Coverage {
        Coverage { sent: self.known(self.sent), shared: self.shared }
    }

    /// What is known of the verifying search.
    #[must_use]
    pub fn search_coverage(&self) -> Coverage {
        let verification = self.verification.as_ref();
        let sent = self.known(verification.and_then(|verification| verification.sent).or(self.sent));
        Coverage { sent, shared: verification.and_then(|verification| verification.shared) }
    }

    /// How many spellings were sent. Another rule makes other spellings: then no number of present ones is enough.
    const fn known(&self, sent: Option<u64>) -> Option<u64> {
        if self.spelling_rule == SPELLING_RULE { sent } else { Some(0) }
    }

    /// The job whose state decides how a deletion continues.
    #[must_use]
    pub fn decisive_job(&self) -> Option<&str> {
        match &self.verification {
            Some(verification) => verification.search.as_deref(),
            None => self.jobs.last().map(String::as_str),
        }
    }

    /// When the [decisive job](Self::decisive_job) was started, or a little earlier, in seconds of the host's clock.
    #[must_use]
    pub fn decisive_job_started_at(&self) -> u64 {
        self.verification.as_ref().map_or(self.submitted_at, |verification| verification.deleted_at)
    }

    /// The value that requests of one job at Qualtrics share.
    #[must_use]
    pub fn group(&self) -> Option<String> {
        match self.operation.right() {
            Right::Deletion => self.jobs.first().cloned(),
            Right::Access | Right::OptOut => None,
        }
    }

    /// As text: printable ASCII.
    ///
    /// # Errors
    /// `unexpected-response` if it would be too long: Qualtrics' IDs are longer than any that were seen.
    pub fn format(&self) -> Result<String, Error> {
        seal(Kind::Ticket, self)
    }

    /// Parses a ticket.
    ///
    /// # Errors
    /// `invalid-ticket` if it is damaged, `unsupported` if it is of another version.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let ticket: Self = open(Kind::Ticket, text)?;
        let search = ticket.verification.as_ref().and_then(|verification| verification.search.as_ref());
        let records = ticket.contacts.iter().flat_map(|position| &position.records);
        let found = records.flat_map(|record| &record.contacts).map(String::as_str);
        let updated = ticket.opt_out.iter().flat_map(OptOutProgress::ids);
        let are_ids = ticket.jobs.iter().chain(search).map(String::as_str).chain(found).chain(updated).all(is_id);
        if are_ids { Ok(ticket) } else { Err(damaged()) }
    }
}

impl Reference {
    /// As text: printable ASCII.
    ///
    /// # Errors
    /// As for [`Ticket::format`].
    pub fn format(&self) -> Result<String, Error> {
        seal(Kind::Reference, self)
    }

    /// Parses a reference.
    ///
    /// # Errors
    /// As for [`Ticket::parse`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let reference: Self = open(Kind::Reference, text)?;
        let (Self::File { job: one, file: other, .. }
        | Self::Contact { directory: one, contact: other, .. }
        | Self::List { directory: one, contact: other, .. }) = &reference;
        if is_id(one) && is_id(other) { Ok(reference) } else { Err(damaged()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::ticket::MAX_BYTES;

    fn ticket() -> Ticket {
        Ticket {
            misses: 1,
            position: Some("offset=300".to_owned()),
            verification: Some(Verification {
                deleted_at: 1_700_000_600,
                search_after: 1_700_000_600,
                search: None,
                job_vanished: false,
                sent: None,
                shared: None,
                alone: false,
            }),
            ..Ticket::new(
                Operation::EraseAndVerify,
                0xABCDE,
                vec!["OP-0d2c7b7e-0f3e-4b55-9d57-5b9c2c1c6a11".to_owned()],
                1_700_000_000,
            )
        }
    }

    #[test]
    fn the_format_of_version_1_tickets_is_pinned() {
        let published = concat!(
            "t1.eyJvIjoidiIsImMiOjcwMzcxMCwiaiI6WyJPUC0wZDJjN2I3ZS0wZjNlLTRiNTUtOWQ1Ny01YjljMmMxYzZhMTEiXSwicyI6MTcwMDAwMDA",
            "wMCwibSI6MSwidCI6MCwiZyI6ZmFsc2UsInAiOiJvZmZzZXQ9MzAwIiwidiI6eyJlIjoxNzAwMDAwNjAwLCJhIjoxNzAwMDAwNjAwLCJpIjpudWxsLCJ4IjpmYWxzZX19.3SJSrDMa"
        );
        assert_eq!(ticket().format().expect("a ticket"), published);
        assert_eq!(Ticket::parse(published).expect("a ticket"), ticket());
        // Members that were added later are absent from earlier tickets.
        let shared = Some(SharedJob { spellings: 4, addresses: 3 });
        let verification = ticket().verification.map(|known| Verification { shared, alone: true, ..known });
        let later = Ticket { sent: Some(2), spelling_rule: 2, shared, verification, ..ticket() };
        let formatted = later.format().expect("a ticket");
        assert_eq!(Ticket::parse(&formatted).expect("a ticket"), later);
    }

    #[test]
    fn spellings_of_another_rule_are_not_those_that_were_sent() {
        let sent = Ticket { sent: Some(2), ..ticket() };
        assert_eq!(sent.coverage().sent, Some(2));
        assert_eq!(Ticket { spelling_rule: 2, ..sent }.coverage().sent, Some(0));
    }

    #[test]
    fn the_format_of_version_1_references_is_pinned() {
        let file = Reference::File { job: "CDR_1".to_owned(), file: "F 1".to_owned(), size: Some(565), etag: None };
        let contact =
            Reference::Contact { directory: "POOL_1".to_owned(), contact: "CID_1".to_owned(), changed: Some(7) };
        let list = Reference::List {
            directory: "POOL_1".to_owned(),
            contact: "CID_1".to_owned(),
            list: ContactList::EmailHistory,
            first_page: 7,
        };
        for (reference, published) in [
            (list, "r1.eyJrIjoibCIsImQiOiJQT09MXzEiLCJjIjoiQ0lEXzEiLCJsIjoiZSIsInAiOjd9.hC8R8yc9"),
            (file, "r1.eyJrIjoiZiIsImoiOiJDRFJfMSIsImYiOiJGIDEiLCJzIjo1NjUsImUiOm51bGx9.NbWQCZgM"),
            (contact, "r1.eyJrIjoiYyIsImQiOiJQT09MXzEiLCJjIjoiQ0lEXzEiLCJtIjo3fQ.uRjCAKU2"),
        ] {
            assert_eq!(reference.format().expect("a reference"), published);
            assert_eq!(Reference::parse(published).expect("a reference"), reference);
        }
    }

    #[test]
    fn an_id_that_would_name_another_path_is_rejected() {
        for id in ["", "..", "."] {
            let forged = Ticket { jobs: vec![id.to_owned()], ..ticket() };
            assert!(Ticket::parse(&forged.format().expect("a ticket")).is_err(), "{id:?}");
            let record = SearchRecord { search: 0, contacts: vec![id.to_owned()], has_similar: false, failure: None };
            let contacts = Some(SearchPosition { check: 0, ended: 1, records: vec![record] });
            let forged = Ticket { contacts, ..ticket() };
            assert!(Ticket::parse(&forged.format().expect("a ticket")).is_err(), "{id:?}");
            let forged = Reference::File { job: "CDR_1".to_owned(), file: id.to_owned(), size: None, etag: None };
            assert!(Reference::parse(&forged.format().expect("a reference")).is_err(), "{id:?}");
        }
    }

    #[test]
    fn a_ticket_holds_64_exports() {
        let jobs = vec!["0d2c7b7e-0f3e-4b55-9d57-5b9c2c1c6a11".to_owned(); 64];
        let many = Ticket { jobs, verification: None, position: None, ..ticket() };
        let text = many.format().expect("a ticket");
        assert!(text.len() <= MAX_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic()));
    }
}
