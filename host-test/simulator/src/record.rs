//! What was called, for tests to look at.

use std::fmt;
use std::time::Duration;

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The endpoints of the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// `POST /oauth2/token`
    Token,
    /// `GET /API/v3/whoami`
    #[serde(rename = "whoami")]
    WhoAmI,
    /// `GET /API/v3/users`
    Users,
    /// `GET /API/v3/users/{id}`
    User,
    /// `GET /API/v3/directories`
    Directories,
    /// `POST /API/v3/directories/{id}/contacts/search`
    ContactSearch,
    /// `GET /API/v3/directories/{id}/contacts`
    Contacts,
    /// `GET /API/v3/directories/{id}/contacts/{id}`
    Contact,
    /// `GET /API/v3/directories/{id}/contacts/{id}/history`
    ContactHistory,
    /// `POST /API/v3/op-erase-personal-data`
    ErasureCreate,
    /// `GET /API/v3/op-erase-personal-data`
    ErasureList,
    /// `GET /API/v3/op-erase-personal-data/{id}`
    ErasureGet,
    /// `POST /API/v3/customer-data-requests`
    ExportCreate,
    /// `GET /API/v3/customer-data-requests/{id}`
    ExportProgress,
    /// `GET /API/v3/customer-data-requests/{id}/files/{id}`
    ExportFile,
    /// Anything else: 404.
    Unknown,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Token,
        Self::WhoAmI,
        Self::Users,
        Self::User,
        Self::Directories,
        Self::ContactSearch,
        Self::Contacts,
        Self::Contact,
        Self::ContactHistory,
        Self::ErasureCreate,
        Self::ErasureList,
        Self::ErasureGet,
        Self::ExportCreate,
        Self::ExportProgress,
        Self::ExportFile,
        Self::Unknown,
    ];

    /// Which endpoint a method and the decoded segments of a path lead to.
    pub(super) fn of(method: &Method, segments: &[&str]) -> Self {
        let post = method == Method::POST;
        let get = method == Method::GET;
        match segments {
            ["oauth2", "token"] if post => Self::Token,
            ["API", "v3", rest @ ..] => match rest {
                ["whoami"] if get => Self::WhoAmI,
                ["users"] if get => Self::Users,
                ["users", _] if get => Self::User,
                ["directories"] if get => Self::Directories,
                ["directories", _, "contacts", "search"] if post => Self::ContactSearch,
                ["directories", _, "contacts"] if get => Self::Contacts,
                ["directories", _, "contacts", _] if get => Self::Contact,
                ["directories", _, "contacts", _, "history"] if get => Self::ContactHistory,
                ["op-erase-personal-data"] if post => Self::ErasureCreate,
                ["op-erase-personal-data"] if get => Self::ErasureList,
                ["op-erase-personal-data", _] if get => Self::ErasureGet,
                ["customer-data-requests"] if post => Self::ExportCreate,
                ["customer-data-requests", _] if get => Self::ExportProgress,
                ["customer-data-requests", _, "files", _] if get => Self::ExportFile,
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }
}

/// One call that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Counts from 1, and goes on when the record is cleared.
    pub number: u64,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query as it was sent, without the question mark; empty if there is none.
    pub query: String,
    /// What was called.
    pub endpoint: Endpoint,
    /// The status that was sent; none where a fault sent none.
    pub status: Option<u16>,
    /// When it came, by the simulator's clock, since 1970.
    pub at: Duration,
    /// Whether the endpoint did what was asked, whatever became of its answer.
    pub took_effect: bool,
    /// Whether a fault befell it.
    pub faulty: bool,
    /// What was sent: JSON, or a form as an object of strings; null for anything else.
    pub body: Body,
}

/// A body that tests can look into and logs do not show.
#[derive(Clone, Default, PartialEq)]
pub struct Body(pub Value);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_null() { "none" } else { "hidden" })
    }
}

/// A simulator that runs for weeks forgets its oldest calls.
const LONGEST: usize = 200_000;

/// All calls since the record was cleared, or the newest of them.
#[derive(Default)]
pub(super) struct Record {
    next: u64,
    calls: Vec<Call>,
}

impl Record {
    /// Notes a call that has come, and gives its number.
    pub(super) fn begin(&mut self, mut call: Call) -> u64 {
        self.next += 1;
        call.number = self.next;
        if self.calls.len() == LONGEST {
            self.calls.drain(..LONGEST / 2);
        }
        self.calls.push(call);
        self.next
    }

    /// Notes more about a call, unless the record has been cleared since.
    pub(super) fn amend(&mut self, number: u64, change: impl FnOnce(&mut Call)) {
        if let Ok(at) = self.calls.binary_search_by_key(&number, |call| call.number) {
            change(&mut self.calls[at]);
        }
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.clone()
    }

    pub(super) fn clear(&mut self) {
        self.calls.clear();
    }
}
