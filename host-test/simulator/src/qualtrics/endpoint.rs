//! The endpoints of Qualtrics that the simulator knows.

use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::faults;
use crate::server::Request;

/// An endpoint of the simulator.
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
    /// Any other method or path. The response is 404.
    Unknown,
}

impl Endpoint {
    /// All endpoints.
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

    /// The endpoint of a request.
    pub(super) fn of(request: &Request) -> Self {
        let post = request.method == Method::POST;
        let get = request.method == Method::GET;
        match request.segments().as_slice() {
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

/// A fault, and the requests to which it is applied.
pub type FaultRule = faults::FaultRule<Endpoint>;

/// The first ID in a path: `/API/v3/users/{id}`.
pub(super) fn resource_id(request: &Request) -> &str {
    request.segment(3)
}

/// The second ID in a path: `/API/v3/directories/…/contacts/{id}`.
pub(super) fn sub_resource_id(request: &Request) -> &str {
    request.segment(5)
}
