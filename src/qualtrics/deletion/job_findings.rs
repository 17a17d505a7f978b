//! What an erasure job reports: as findings for the request, and as evidence for the receipt.

use crate::contract::{Amount, Finding, SourceState, VendorJob};
use crate::privacy::email::{EmailAddress, all_spellings};
use crate::privacy::subject::Subject;
use crate::qualtrics::api::erasures::{AddressResult, ErasureJob, JobKind};
use crate::qualtrics::api::timestamp;
use crate::qualtrics::findings::unsupported_identifiers;
use crate::secret::Secret;

/// The source of everything that a job of Qualtrics covers.
pub const SOURCE: &str = "personal-data";

/// The status of a job that was not seen.
const UNKNOWN_STATUS: &str = "unknown";

/// What a job reports for each address, as findings and as matches in the order of the sorted addresses. `sent` is how many spellings
/// the job was started for, if that is known: if the request is spelled differently now, an address may have data that its present
/// spellings do not show.
#[must_use]
pub fn job_findings(subject: &Subject, job: &ErasureJob, sent: Option<u64>) -> (Vec<Finding>, Vec<AddressResult>) {
    let emails = subject.emails();
    // A job that reports fewer addresses than were sent has dropped some: a count says nothing about the others.
    let requested = job.requested.unwrap_or_default().max(spellings(subject));
    let is_respelled = sent.is_some_and(|sent| sent != spellings(subject));
    let result_of = |email: &EmailAddress| match job.match_of(email, requested) {
        AddressResult::NotFound if is_respelled => AddressResult::Unreported,
        result => result,
    };
    let matches: Vec<AddressResult> = emails.iter().map(result_of).collect();
    let mut findings = Vec::new();
    for (kind, amount) in [
        (AddressResult::Found, Amount::Present),
        (AddressResult::NotFound, Amount::Count(0)),
        (AddressResult::Unreported, Amount::Unknown),
    ] {
        let of_kind = emails.iter().zip(&matches).filter(|(_, one)| **one == kind);
        let mut identifiers: Vec<u32> = of_kind.flat_map(|(email, _)| subject.indices_of(email)).collect();
        identifiers.sort_unstable();
        if identifiers.is_empty() {
            continue;
        }
        let finding = Finding::searched(SOURCE, amount, identifiers);
        findings.push(match kind {
            AddressResult::NotFound => finding,
            _ if covers_every_spelling(subject, job, sent) => finding,
            _ => Finding { amount: Amount::Unknown, ..finding }.with_code(
                "not-itemised",
                "Qualtrics reports fewer addresses than the spellings that this request asks for: data under another spelling may be \
                 left. Start a preview to see what is left.",
            ),
        });
    }
    for (source, count) in &job.counts {
        let mut finding = Finding::searched(source, Amount::Count(*count), subject.email_indices());
        finding.code = Some("vendor-count".to_owned());
        findings.push(finding);
    }
    (findings, matches)
}

/// Whether a job covers every spelling that the request has. It does not if Qualtrics accepted ASCII only, and it may not if it is of an
/// earlier attempt, of another version of this connector or of an administrator: then `sent` is absent, and a job that covers others as
/// well has to show each spelling.
#[must_use]
pub fn covers_every_spelling(subject: &Subject, job: &ErasureJob, sent: Option<u64>) -> bool {
    let emails = subject.emails();
    let is_enough = job.requested.is_none_or(|requested| requested >= spellings(subject));
    let shows_each = job.addresses.as_ref().is_none_or(|list| {
        let is_of_request = |key: &Secret| emails.iter().any(|email| email.key() == key);
        list.readable.iter().all(is_of_request) || all_spellings(&emails).iter().all(|one| list.texts.contains(one))
    });
    is_enough && sent.map_or(shows_each, |sent| sent >= spellings(subject))
}

fn distinct_addresses(subject: &Subject) -> Option<u32> {
    u32::try_from(subject.emails().len()).ok()
}

/// How many spellings of addresses a request has.
#[must_use]
pub fn spellings(subject: &Subject) -> u64 {
    u64::try_from(all_spellings(&subject.emails()).len()).unwrap_or(u64::MAX)
}

/// Findings for the identifiers that an erasure without a second search does not use.
#[must_use]
pub fn unused_identifiers(subject: &Subject) -> Vec<Finding> {
    let mut findings = unsupported_identifiers(subject);
    let is_supported = |index: &u32| !subject.unsupported.contains(index);
    let others: Vec<u32> = subject.not_emails.iter().copied().filter(is_supported).collect();
    if !others.is_empty() {
        let note = "Qualtrics deletes by e-mail address only, so that this identifier was not used.";
        findings.push(no_email_finding(others, note));
    }
    findings
}

/// A finding for identifiers that are not e-mail addresses.
#[must_use]
pub fn no_email_finding(identifiers: Vec<u32>, note: &str) -> Finding {
    Finding::incomplete(SOURCE, SourceState::NotUsable, identifiers, "no-email", note)
}

/// A job as evidence. Spellings of one address count as one identifier, as far as the job shows its addresses.
#[must_use]
pub fn vendor_job(job: &ErasureJob, kind: JobKind, subject: &Subject) -> VendorJob {
    let identifiers = match (job.addresses.as_ref().filter(|_| job.shows_every_address()), job.requested) {
        (Some(addresses), _) => u32::try_from(addresses.readable.len()).ok(),
        (None, Some(requested)) if requested == spellings(subject) => distinct_addresses(subject),
        (None, requested) => requested.and_then(|requested| u32::try_from(requested).ok()),
    };
    let instant = |seconds: Option<u64>| seconds.and_then(|seconds| timestamp::format(seconds.saturating_mul(1_000)));
    VendorJob {
        operation: operation(kind).to_owned(),
        id: job.id.clone(),
        status: job.status.clone().unwrap_or_default(),
        created: instant(job.created_s),
        updated: instant(job.updated_s),
        identifiers,
        failure: job.failure.clone(),
    }
}

/// An erasure whose status was not seen, as evidence.
#[must_use]
pub fn unseen_job(id: &str, subject: &Subject) -> VendorJob {
    VendorJob {
        operation: operation(JobKind::Erasure).to_owned(),
        id: id.to_owned(),
        status: UNKNOWN_STATUS.to_owned(),
        created: None,
        updated: None,
        identifiers: distinct_addresses(subject),
        failure: None,
    }
}

const fn operation(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Erasure => "erasure",
        JobKind::Search => "erasure-search",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contract::{Identifier, Request};
    use crate::qualtrics::api::envelope::{ApiResponse, Notice};
    use crate::qualtrics::api::erasures;

    fn subject(address: &str) -> Subject {
        let subject = vec![Identifier::Email(address.to_owned())];
        let request = Request { id: "r".to_owned(), subject, attempts: None, overrides: Vec::new() };
        Subject::parse(&request, 0).unwrap_or_else(|error| panic!("{}", error.message))
    }

    fn job(addresses: &[&str]) -> ErasureJob {
        let result = json!({"id": "OP-1", "emailList": addresses, "numEmailsRequested": addresses.len()});
        erasures::parse(&ApiResponse { result, notice: Notice::None }, "OP-1").expect("a job")
    }

    #[test]
    fn a_job_that_covers_others_has_to_show_each_spelling_unless_this_request_started_it() {
        let ada = subject("Ada@x.org");
        let of_administrator = job(&["ada@x.org", "bob@x.org"]);
        assert!(!covers_every_spelling(&ada, &of_administrator, None));
        assert!(covers_every_spelling(&ada, &job(&["ada@x.org", "Ada@x.org", "bob@x.org"]), None));
        assert!(covers_every_spelling(&ada, &job(&["ada@x.org", "ada@x.org"]), None), "a list in lower case");
        assert!(covers_every_spelling(&ada, &of_administrator, Some(2)));
        assert!(!covers_every_spelling(&ada, &of_administrator, Some(1)), "Qualtrics accepted one spelling only");
        assert!(!covers_every_spelling(&ada, &job(&["ada@x.org"]), None));
    }
}
