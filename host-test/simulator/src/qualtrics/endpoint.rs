//! The endpoints of Qualtrics that the simulator knows.

use serde::{Deserialize, Serialize};

use crate::faults;
use crate::server::Request;

/// An endpoint of the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// `POST /oauth2/token`, also below `/API/v3`
    Token,
    /// `GET /API/v3/whoami`
    #[serde(rename = "whoami")]
    WhoAmI,
    /// `GET /API/v3/users`
    Users,
    /// `GET /API/v3/users/{id}`
    User,
    /// `PUT /API/v3/users/{id}`
    UserUpdate,
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
    /// `GET /API/v3/directories/{id}/contacts/{id}/transactions`
    ContactTransactions,
    /// `POST /API/v3/directories/{id}/contacts`
    ContactCreate,
    /// `PUT /API/v3/directories/{id}/contacts/{id}`
    ContactUpdate,
    /// `DELETE /API/v3/directories/{id}/contacts/{id}`
    ContactDelete,
    /// `GET /API/v3/directories/{id}/contacts/optedOutContacts`
    OptedOutContacts,
    /// `GET /API/v3/directories/{id}/mailinglists`
    MailingLists,
    /// `POST /API/v3/directories/{id}/mailinglists`
    MailingListCreate,
    /// `GET /API/v3/directories/{id}/mailinglists/{id}`
    MailingList,
    /// `PUT /API/v3/directories/{id}/mailinglists/{id}`
    MailingListUpdate,
    /// `DELETE /API/v3/directories/{id}/mailinglists/{id}`
    MailingListDelete,
    /// `GET /API/v3/directories/{id}/mailinglists/{id}/contacts`
    ListContacts,
    /// `POST /API/v3/directories/{id}/mailinglists/{id}/contacts`
    ListContactCreate,
    /// `GET /API/v3/directories/{id}/mailinglists/{id}/contacts/{id}`
    ListContact,
    /// `PUT /API/v3/directories/{id}/mailinglists/{id}/contacts/{id}`
    ListContactUpdate,
    /// `DELETE /API/v3/directories/{id}/mailinglists/{id}/contacts/{id}`
    ListContactDelete,
    /// `GET /API/v3/directories/{id}/mailinglists/{id}/optedOutContacts`
    ListOptedOutContacts,
    /// `GET /API/v3/directories/{id}/mailinglists/{id}/bouncedContacts`
    ListBouncedContacts,
    /// `POST /API/v3/directories/{id}/mailinglists/{id}/transactioncontacts`
    ContactImportCreate,
    /// `GET /API/v3/directories/{id}/mailinglists/{id}/transactioncontacts/{id}`
    ContactImport,
    /// `GET /API/v3/directories/{id}/imports/api-imports/jobs/{id}/report`
    ContactImportReport,
    /// `POST /API/v3/directories/{id}/transactions`
    TransactionsCreate,
    /// `GET /API/v3/directories/{id}/transactions/{id}`
    Transaction,
    /// `POST /API/v3/directories/{id}/transactions/{id}`
    TransactionAppend,
    /// `PUT /API/v3/directories/{id}/transactions/{id}`
    TransactionUpdate,
    /// `DELETE /API/v3/directories/{id}/transactions/{id}`
    TransactionDelete,
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
    pub const ALL: [Self; 42] = [
        Self::Token,
        Self::WhoAmI,
        Self::Users,
        Self::User,
        Self::UserUpdate,
        Self::Directories,
        Self::ContactSearch,
        Self::Contacts,
        Self::Contact,
        Self::ContactHistory,
        Self::ContactTransactions,
        Self::ContactCreate,
        Self::ContactUpdate,
        Self::ContactDelete,
        Self::OptedOutContacts,
        Self::MailingLists,
        Self::MailingListCreate,
        Self::MailingList,
        Self::MailingListUpdate,
        Self::MailingListDelete,
        Self::ListContacts,
        Self::ListContactCreate,
        Self::ListContact,
        Self::ListContactUpdate,
        Self::ListContactDelete,
        Self::ListOptedOutContacts,
        Self::ListBouncedContacts,
        Self::ContactImportCreate,
        Self::ContactImport,
        Self::ContactImportReport,
        Self::TransactionsCreate,
        Self::Transaction,
        Self::TransactionAppend,
        Self::TransactionUpdate,
        Self::TransactionDelete,
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
        match (request.method.as_str(), request.segments().as_slice()) {
            ("POST", ["oauth2", "token"] | ["API", "v3", "oauth2", "token"]) => Self::Token,
            (method, ["API", "v3", "directories", _, path @ ..]) => Self::of_directory(method, path),
            (method, ["API", "v3", path @ ..]) => Self::of_brand(method, path),
            _ => Self::Unknown,
        }
    }

    fn of_brand(method: &str, path: &[&str]) -> Self {
        match (method, path) {
            ("GET", ["whoami"]) => Self::WhoAmI,
            ("GET", ["users"]) => Self::Users,
            ("GET", ["users", _]) => Self::User,
            ("PUT", ["users", _]) => Self::UserUpdate,
            ("GET", ["directories"]) => Self::Directories,
            ("POST", ["op-erase-personal-data"]) => Self::ErasureCreate,
            ("GET", ["op-erase-personal-data"]) => Self::ErasureList,
            ("GET", ["op-erase-personal-data", _]) => Self::ErasureGet,
            ("POST", ["customer-data-requests"]) => Self::ExportCreate,
            ("GET", ["customer-data-requests", _]) => Self::ExportProgress,
            ("GET", ["customer-data-requests", _, "files", _]) => Self::ExportFile,
            _ => Self::Unknown,
        }
    }

    /// The endpoint of a path below that of a directory.
    fn of_directory(method: &str, path: &[&str]) -> Self {
        match (method, path) {
            ("POST", ["contacts", "search"]) => Self::ContactSearch,
            ("GET", ["contacts", "optedOutContacts"]) => Self::OptedOutContacts,
            ("GET", ["contacts"]) => Self::Contacts,
            ("POST", ["contacts"]) => Self::ContactCreate,
            ("GET", ["contacts", _]) => Self::Contact,
            ("PUT", ["contacts", _]) => Self::ContactUpdate,
            ("DELETE", ["contacts", _]) => Self::ContactDelete,
            ("GET", ["contacts", _, "history"]) => Self::ContactHistory,
            ("GET", ["contacts", _, "transactions"]) => Self::ContactTransactions,
            ("GET", ["mailinglists"]) => Self::MailingLists,
            ("POST", ["mailinglists"]) => Self::MailingListCreate,
            ("GET", ["mailinglists", _]) => Self::MailingList,
            ("PUT", ["mailinglists", _]) => Self::MailingListUpdate,
            ("DELETE", ["mailinglists", _]) => Self::MailingListDelete,
            ("GET", ["mailinglists", _, "contacts"]) => Self::ListContacts,
            ("POST", ["mailinglists", _, "contacts"]) => Self::ListContactCreate,
            ("GET", ["mailinglists", _, "contacts", _]) => Self::ListContact,
            ("PUT", ["mailinglists", _, "contacts", _]) => Self::ListContactUpdate,
            ("DELETE", ["mailinglists", _, "contacts", _]) => Self::ListContactDelete,
            ("GET", ["mailinglists", _, "optedOutContacts"]) => Self::ListOptedOutContacts,
            ("GET", ["mailinglists", _, "bouncedContacts"]) => Self::ListBouncedContacts,
            ("POST", ["mailinglists", _, "transactioncontacts"]) => Self::ContactImportCreate,
            ("GET", ["mailinglists", _, "transactioncontacts", _]) => Self::ContactImport,
            ("GET", ["imports", "api-imports", "jobs", _, "report"]) => Self::ContactImportReport,
            ("POST", ["transactions"]) => Self::TransactionsCreate,
            ("GET", ["transactions", _]) => Self::Transaction,
            ("POST", ["transactions", _]) => Self::TransactionAppend,
            ("PUT", ["transactions", _]) => Self::TransactionUpdate,
            ("DELETE", ["transactions", _]) => Self::TransactionDelete,
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

/// The second ID in a path: `/API/v3/directories/…/contacts/{id}`, and that of a mailing list or a transaction.
pub(super) fn sub_resource_id(request: &Request) -> &str {
    request.segment(5)
}
