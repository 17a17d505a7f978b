//! Entries and results that the tests share.

mod entry;
mod follower;

use super::{Entry, Operation};
use crate::contract::{
    DeletionMode, Error, ErrorKind, Identifier, Outcome, Pending, Progress, Receipt, Remedy, Report, Request, Right,
    Stage,
};

const ERASE: Operation = Operation::Deletion(DeletionMode::Erase);
const ADDRESS: &str = "ada.lovelace@example.com";

fn request() -> Request {
    Request::new("dsr-1", [Identifier::email(ADDRESS)])
}

fn deletion() -> Entry {
    Entry::new(request(), ERASE)
}

fn pending(ticket: &str) -> Result<Progress, Error> {
    Ok(Progress::Pending(Pending {
        ticket: ticket.to_owned(),
        stage: Stage::Deleting,
        poll_after_ms: 30_000,
        group: Some("job-1".to_owned()),
        submitted_at: None,
        vendor_status: None,
        percent: None,
        attention: None,
    }))
}

fn error(kind: ErrorKind, remedy: Remedy) -> Error {
    let message = "It did not work.".to_owned();
    let (http_status, vendor_code, vendor_request_id) = (None, None, None);
    Error { kind, remedy, message, problems: Vec::new(), http_status, vendor_code, vendor_request_id }
}

fn report(outcome: Outcome) -> Report {
    Report {
        right: Right::Deletion,
        outcome,
        findings: Vec::new(),
        documents: Vec::new(),
        discovered: Vec::new(),
        gaps: Vec::new(),
        receipt: Receipt {
            connector: "connector 1".to_owned(),
            request_id: "dsr-1".to_owned(),
            mode: None,
            jobs: Vec::new(),
            submitted_at: None,
            finished_at: 1_000,
        },
        ticket: None,
    }
}
