//! Checks of every result against the contract.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use qualtrics_connector::contract::{
    Amount, Content, DeletionMode, Document, Error, ErrorKind, Finding, Identifier, Outcome, Pending, Problem, Remedy,
    Report, Request, Right, SourceState,
};
use qualtrics_connector::privacy::subject::Subject;

use crate::invariants::has_no_private_data;

/// The operation of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Access,
    Delete(DeletionMode),
    OptOut,
}

impl Operation {
    /// Whether it may start an erasure.
    pub fn erases(self) -> bool {
        matches!(self, Self::Delete(DeletionMode::Erase | DeletionMode::EraseAndVerify))
    }
}

/// The permitted delays: long enough to prevent a busy loop, and short enough to make progress.
const DELAYS_MS: std::ops::RangeInclusive<u64> = 1_000..=3_600_000;

/// The addresses of a request, as they are sent to Qualtrics.
pub fn emails(request: &Request) -> BTreeSet<String> {
    let email = |identifier: &Identifier| match identifier {
        Identifier::Email(address) => Some([address.trim().to_lowercase(), address.trim().to_owned()]),
        _ => None,
    };
    request.subject.iter().filter_map(email).flatten().collect()
}

/// Whether a request of a scenario is invalid. Only its attempts can be: the identifiers of scenarios are well-formed.
pub fn is_invalid(request: &Request, now_s: u64) -> bool {
    let is_future = |at_s: u64| at_s > now_s.saturating_add(24 * 3_600);
    request.attempts.is_some_and(|attempts| attempts.first_at > attempts.last_at || is_future(attempts.last_at))
}

/// For each request, whether its ID occurs more than once.
pub fn duplicates(requests: &[Request]) -> Vec<bool> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    requests.iter().for_each(|request| *counts.entry(request.id.as_str()).or_default() += 1);
    requests.iter().map(|request| counts[request.id.as_str()] > 1).collect()
}

/// Checks the state of a request in progress.
pub fn pending(operation: Operation, pending: &Pending, now_s: u64) -> Result<(), TestCaseError> {
    ticket(&pending.ticket)?;
    prop_assert!(pending.percent.is_none_or(|percent| percent <= 100));
    prop_assert!((1..=3_600_000).contains(&pending.poll_after_ms), "{}", pending.poll_after_ms);
    prop_assert!(pending.vendor_status.as_ref().is_none_or(|status| status.len() <= 40 && !status.contains('@')));
    prop_assert!(pending.submitted_at.is_none_or(|at_s| at_s <= now_s));
    prop_assert_eq!(pending.group.is_some(), matches!(operation, Operation::Delete(_)), "jobs of deletions are shared");
    prop_assert!(pending.group.as_deref().is_none_or(has_no_private_data));
    if let Some(Problem { code, message, .. }) = &pending.attention {
        prop_assert!(["overdue", "unknown-status"].contains(&code.as_str()) && !message.is_empty());
    }
    Ok(())
}

/// Checks that a ticket is printable ASCII and contains no private data, even after decoding.
fn ticket(ticket: &str) -> Result<(), TestCaseError> {
    prop_assert!((1..=4_096).contains(&ticket.len()));
    prop_assert!(ticket.bytes().all(|byte| byte.is_ascii_graphic()));
    let content = ticket.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    let content = String::from_utf8_lossy(&content);
    prop_assert!(has_no_private_data(ticket) && has_no_private_data(&content), "{}", content);
    Ok(())
}

/// Checks a final result. The call that returned it started at `called_at_s` and returned at `now_s`.
pub fn report(
    operation: Operation,
    request: &Request,
    report: &Report,
    (called_at_s, now_s): (u64, u64),
) -> Result<(), TestCaseError> {
    let (right, mode) = match operation {
        Operation::Access => (Right::Access, None),
        Operation::Delete(mode) => (Right::Deletion, Some(mode)),
        Operation::OptOut => (Right::OptOut, None),
    };
    prop_assert_eq!((report.right, report.receipt.mode), (right, mode));
    prop_assert_eq!(&report.receipt.request_id, &request.id);
    prop_assert!((called_at_s..=now_s).contains(&report.receipt.finished_at));
    prop_assert!(report.receipt.submitted_at.is_none_or(|at_s| at_s <= report.receipt.finished_at));
    let indices = report.findings.iter().flat_map(|finding| &finding.identifiers);
    prop_assert!(indices.into_iter().all(|index| (*index as usize) < request.subject.len()));
    prop_assert_eq!(report.ticket.is_some(), report.outcome == Outcome::Submitted);
    report.ticket.as_deref().map_or(Ok(()), ticket)?;
    let evidence = format!("{:?} {:?} {:?}", report.receipt, report.findings, report.gaps);
    prop_assert!(has_no_private_data(&evidence), "{}", evidence);
    outcome(operation, report)?;
    documents(operation, report)?;
    discovered(request, report, now_s)
}

/// Checks that the outcome is possible for the operation and supported by the findings and jobs.
fn outcome(operation: Operation, report: &Report) -> Result<(), TestCaseError> {
    let possible: &[Outcome] = match operation {
        Operation::Access => &[Outcome::Found, Outcome::NotFound, Outcome::Partial, Outcome::Failed],
        Operation::Delete(DeletionMode::Preview) => {
            &[Outcome::Previewed, Outcome::NotFound, Outcome::Partial, Outcome::Refused, Outcome::Failed]
        }
        Operation::Delete(DeletionMode::Erase) => &[
            Outcome::Submitted,
            Outcome::Deleted,
            Outcome::NotFound,
            Outcome::Partial,
            Outcome::Refused,
            Outcome::Failed,
        ],
        Operation::Delete(DeletionMode::EraseAndVerify) => &[
            Outcome::Verified,
            Outcome::Deleted,
            Outcome::DataRemaining,
            Outcome::NotFound,
            Outcome::Partial,
            Outcome::Refused,
            Outcome::Failed,
        ],
        Operation::OptOut => &[Outcome::OptedOut, Outcome::NotFound, Outcome::Partial, Outcome::Refused],
    };
    prop_assert!(possible.contains(&report.outcome), "{:?} of {:?}", report.outcome, operation);
    // Counters of a job are passed on unchanged, so they are not evidence of the outcome.
    let sources = || report.findings.iter().filter(|finding| finding.code.as_deref() != Some("vendor-count"));
    let holds_data = |finding: &Finding| matches!(finding.amount, Amount::Present | Amount::Count(1..));
    let is_searched = |finding: &Finding| finding.state == SourceState::Searched && finding.amount != Amount::Unknown;
    match report.outcome {
        Outcome::Found => prop_assert!(sources().all(is_searched) && sources().any(holds_data)),
        Outcome::NotFound | Outcome::Verified => {
            prop_assert!(sources().all(|finding| is_searched(finding) && !holds_data(finding)), "{:?}", report);
        }
        _ => {}
    }
    let has_job = !report.receipt.jobs.is_empty();
    let needs_job = matches!(
        report.outcome,
        Outcome::Submitted
            | Outcome::Deleted
            | Outcome::Verified
            | Outcome::DataRemaining
            | Outcome::Previewed
            | Outcome::OptedOut
    );
    prop_assert!(has_job || !needs_job);
    prop_assert!(report.outcome != Outcome::Refused || !report.findings.is_empty());
    Ok(())
}

fn documents(operation: Operation, report: &Report) -> Result<(), TestCaseError> {
    prop_assert!(operation == Operation::Access || report.documents.is_empty());
    let mut names: Vec<String> = report.documents.iter().map(|document| document.name.to_lowercase()).collect();
    let is_name = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    prop_assert!(names.iter().all(is_name));
    names.sort();
    names.dedup();
    prop_assert_eq!(names.len(), report.documents.len(), "a name is not unique");
    let mut inline_bytes = 0;
    for Document { source, size, content, .. } in &report.documents {
        prop_assert!(report.findings.iter().any(|finding| finding.source == *source), "{} has no finding", source);
        match content {
            Content::Inline(bytes) => {
                prop_assert!(bytes.len() <= 64 * 1_024);
                prop_assert_eq!(*size, Some(bytes.len() as u64));
                inline_bytes += bytes.len();
            }
            Content::Remote(reference) => ticket(reference)?,
        }
    }
    prop_assert!(inline_bytes <= 1_024 * 1_024);
    Ok(())
}

/// Checks that discovered identifiers are new, and that a request accepts them unchanged.
fn discovered(request: &Request, report: &Report, now_s: u64) -> Result<(), TestCaseError> {
    if report.discovered.is_empty() {
        return Ok(());
    }
    prop_assert!(report.discovered.len() <= 64);
    let parse = |subject: &[Identifier]| {
        let request =
            Request { id: "next".to_owned(), subject: subject.to_vec(), attempts: None, overrides: Vec::new() };
        Subject::parse(&request, now_s).ok()
    };
    let Some(subject) = parse(&report.discovered) else {
        return Err(TestCaseError::fail(format!("{:?} are not accepted", report.discovered)));
    };
    prop_assert_eq!(subject.identifiers.len(), report.discovered.len(), "no duplicates, and no unsupported kinds");
    for (accepted, shown) in subject.identifiers.iter().zip(&report.discovered) {
        prop_assert!(accepted.identifier.to_contract() == *shown, "{:?} is changed", shown);
    }
    let given = parse(&request.subject).map_or(Vec::new(), |subject| subject.identifiers);
    let is_given = |identifier| given.iter().any(|known| known.identifier == identifier);
    prop_assert!(
        !subject.identifiers.into_iter().any(|known| is_given(known.identifier)),
        "a given identifier is reported as discovered"
    );
    Ok(())
}

/// Checks that an error is typed, contains no private data and does not make a host loop.
pub fn error(error: &Error) -> Result<(), TestCaseError> {
    let text = format!("{error:?}");
    prop_assert!(has_no_private_data(&text), "{}", text);
    prop_assert!(!error.message.is_empty());
    prop_assert!(!matches!(error.remedy, Remedy::Retry(ms) if !DELAYS_MS.contains(&ms)), "{}", text);
    let codes = ["setting", "request", "permission", "role", "egress", "proxy", "narrowing"];
    prop_assert!(error.problems.iter().all(|problem| codes.contains(&problem.code.as_str())), "{}", text);
    let is_permanent = |kind| matches!(kind, ErrorKind::InvalidRequest | ErrorKind::InvalidTicket);
    prop_assert!(!is_permanent(error.kind) || error.remedy == Remedy::GiveUp, "{}", text);
    Ok(())
}
