//! What an erasure job reports: as findings for the request, and as evidence for the receipt.

use super::grouping::count_spellings;
use crate::contract::{Amount, Finding, SourceState, VendorJob};
use crate::privacy::email::{EmailAddress, all_spellings};
use crate::privacy::subject::Subject;
use crate::qualtrics::api::erasures::{AddressResult, ErasureJob, JobKind, NotFound};
use crate::qualtrics::api::timestamp;
use crate::qualtrics::findings::unsupported_identifiers;
use crate::qualtrics::ticket::{Coverage, SharedJob};
use crate::secret::Secret;

/// The source of everything that a job of Qualtrics covers.
pub const SOURCE: &str = "personal-data";

/// The status of a job that was not seen.
const UNKNOWN_STATUS: &str = "unknown";

/// The notes of `not-itemised`.
const SPELLINGS_MISSING: &str = "Qualtrics reports fewer addresses than the spellings that this request asks for: data under another \
                                 spelling may be left. Start a preview to see what is left.";
const NO_RESULT: &str = "Qualtrics completed the deletion, and reports no result for this address by itself.";

/// What a job reports for each address, as findings and as matches in the order of the sorted addresses. If the request is spelled
/// differently now, an address may have data that its present spellings do not show. A job that other requests share tells about
/// this one only where it lists an address as not found: that an address is absent from that list, a number of addresses and a count
/// of data may be due to the others.
#[must_use]
pub fn job_findings(
    subject: &Subject,
    job: &ErasureJob,
    kind: JobKind,
    coverage: Coverage,
) -> (Vec<Finding>, Vec<AddressResult>) {
    let emails = subject.emails();
    let is_shared = is_shared(subject, job, coverage);
    let has_one_address = emails.len() == 1 && !is_shared;
    // A job that reports fewer addresses than were sent has dropped some: a count says nothing about the others.
    let requested = job.requested.unwrap_or_default().max(spellings(subject));
    let is_respelled = coverage.sent.is_some_and(|sent| sent != spellings(subject));
    let is_listed = matches!(job.not_found, NotFound::Addresses(_));
    let result_of = |email: &EmailAddress| match job.match_of(email, requested) {
        AddressResult::NotFound if is_respelled || (is_shared && !is_listed) => AddressResult::Unreported,
        AddressResult::Found if is_shared => AddressResult::Unreported,
        result => result,
    };
    let matches: Vec<AddressResult> = emails.iter().map(result_of).collect();
    let covers = covers_every_spelling(subject, job, coverage);
    let reported = |result: AddressResult| match result {
        AddressResult::NotFound => (Amount::Count(0), None),
        _ if !covers => (Amount::Unknown, Some(SPELLINGS_MISSING)),
        // Qualtrics may process only the first address of a job (fact sheet 6.1).
        AddressResult::Found if has_one_address => (Amount::Present, None),
        AddressResult::Found | AddressResult::Unreported => {
            (Amount::Unknown, (kind == JobKind::Erasure).then_some(NO_RESULT))
        }
    };
    let mut findings: Vec<Finding> = Vec::new();
    for (email, result) in emails.iter().zip(&matches) {
        let (amount, note) = reported(*result);
        let indices = subject.indices_of(email);
        match findings.iter_mut().find(|finding| finding.amount == amount) {
            Some(finding) => finding.identifiers.extend(indices),
            None => {
                let finding = Finding::searched(SOURCE, amount, indices);
                findings.push(match note {
                    Some(note) => finding.with_code("not-itemised", note),
                    None => finding,
                });
            }
        }
    }
    findings.iter_mut().for_each(|finding| finding.identifiers.sort_unstable());
    for (source, count) in job.counts.iter().filter(|_| !is_shared) {
        let mut finding = Finding::searched(source, Amount::Count(*count), subject.email_indices());
        finding.code = Some("vendor-count".to_owned());
        findings.push(finding);
    }
    (findings, matches)
}

/// Whether a job covers other requests too.
#[must_use]
pub fn is_shared(subject: &Subject, job: &ErasureJob, coverage: Coverage) -> bool {
    coverage.shared.is_some() || (coverage.sent.is_none() && shared_with(&subject.emails(), job).is_some())
}

/// What a job covers that was found in the list, if that is more than the request.
#[must_use]
pub fn shared_with(emails: &[EmailAddress], job: &ErasureJob) -> Option<SharedJob> {
    let is_other = |key: &Secret| !emails.iter().any(|email| email.key() == key);
    let has_others = job.addresses.as_ref().is_some_and(|list| list.readable.keys().any(is_other));
    if !has_others && job.requested.is_none_or(|requested| requested <= count_spellings(emails)) {
        return None;
    }
    let entries = job.addresses.as_ref().map_or(0, |list| list.entries);
    let spellings = job.requested.unwrap_or(entries);
    let shown = job.addresses.as_ref().filter(|_| job.shows_every_address()).map(|list| list.readable.len());
    let addresses = shown.and_then(|count| u32::try_from(count).ok());
    let addresses = addresses.or_else(|| u32::try_from(spellings).ok()).unwrap_or(u32::MAX);
    Some(SharedJob { spellings, addresses })
}

/// A finding for a result that may be due to the other requests of a job.
#[must_use]
pub fn shared_job_finding(subject: &Subject) -> Finding {
    let note = "The job at Qualtrics covered other requests too, so that this result may be due to them: start this request again in a \
                call of its own, without attempts.";
    Finding::searched(SOURCE, Amount::Unknown, subject.email_indices()).with_code("shared-job", note)
}

/// Whether a job covers every spelling that the request has. It does not if Qualtrics accepted ASCII only, and it may not if it is of an
/// earlier attempt, of another version of this connector or of an administrator: then `sent` is absent, and a job that covers others as
/// well has to show each spelling.
#[must_use]
pub fn covers_every_spelling(subject: &Subject, job: &ErasureJob, coverage: Coverage) -> bool {
    let emails = subject.emails();
    let expected = coverage.shared.map_or(0, |shared| shared.spellings).max(spellings(subject));
    let is_enough = job.requested.is_none_or(|requested| requested >= expected);
    let shows_each = job.addresses.as_ref().is_none_or(|list| {
        let is_of_request = |key: &Secret| emails.iter().any(|email| email.key() == key);
        list.readable.keys().all(is_of_request) || all_spellings(&emails).iter().all(|one| list.texts.contains(one))
    });
    is_enough && coverage.sent.map_or(shows_each, |sent| sent >= spellings(subject))
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
pub fn vendor_job(job: &ErasureJob, kind: JobKind, subject: &Subject, coverage: Coverage) -> VendorJob {
    let (expected, addresses) = match coverage.shared {
        Some(shared) => (shared.spellings, Some(shared.addresses)),
        None => (spellings(subject), distinct_addresses(subject)),
    };
    let identifiers = match (job.addresses.as_ref().filter(|_| job.shows_every_address()), job.requested) {
        (Some(addresses), _) => u32::try_from(addresses.readable.len()).ok(),
        (None, Some(requested)) if requested == expected => addresses,
        (None, Some(requested)) => u32::try_from(requested).ok(),
        (None, None) => coverage.shared.and(addresses),
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
pub fn unseen_job(id: &str, subject: &Subject, coverage: Coverage) -> VendorJob {
    VendorJob {
        operation: operation(JobKind::Erasure).to_owned(),
        id: id.to_owned(),
        status: UNKNOWN_STATUS.to_owned(),
        created: None,
        updated: None,
        identifiers: coverage.shared.map(|shared| shared.addresses).or_else(|| distinct_addresses(subject)),
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

    fn completed(addresses: &[&str], not_found: serde_json::Value) -> ErasureJob {
        let result = json!({"id": "OP-1", "status": "completed", "emailList": addresses,
            "numEmailsRequested": addresses.len(), "emailsNotFound": not_found, "contacts": 7});
        erasures::parse(&ApiResponse { result, notice: Notice::None }, "OP-1").expect("a job")
    }

    fn sent(spellings: u64) -> Coverage {
        Coverage { sent: Some(spellings), shared: None }
    }

    fn shared(own: u64, spellings: u64) -> Coverage {
        Coverage { sent: Some(own), shared: Some(SharedJob { spellings, addresses: 2 }) }
    }

    #[test]
    fn a_job_that_covers_others_has_to_show_each_spelling_unless_this_request_started_it() {
        let ada = subject("Ada@x.org");
        let of_administrator = job(&["ada@x.org", "bob@x.org"]);
        let unknown = Coverage::default();
        assert!(!covers_every_spelling(&ada, &of_administrator, unknown));
        assert!(covers_every_spelling(&ada, &job(&["ada@x.org", "Ada@x.org", "bob@x.org"]), unknown));
        assert!(covers_every_spelling(&ada, &job(&["ada@x.org", "ada@x.org"]), unknown), "a list in lower case");
        assert!(covers_every_spelling(&ada, &of_administrator, sent(2)));
        assert!(!covers_every_spelling(&ada, &of_administrator, sent(1)), "Qualtrics accepted one spelling only");
        assert!(!covers_every_spelling(&ada, &job(&["ada@x.org"]), unknown));
    }

    #[test]
    fn a_shared_job_that_reports_fewer_addresses_than_were_sent_does_not_cover_every_spelling() {
        let ada = subject("ada@x.org");
        assert!(covers_every_spelling(&ada, &job(&["ada@x.org", "bob@x.org"]), shared(1, 2)));
        assert!(!covers_every_spelling(&ada, &job(&["ada@x.org", "bob@x.org"]), shared(1, 3)));
    }

    fn result_of(address: &str, job: &ErasureJob, coverage: Coverage) -> (Amount, Option<String>, usize) {
        let (findings, _) = job_findings(&subject(address), job, JobKind::Erasure, coverage);
        (findings[0].amount, findings[0].code.clone(), findings.len())
    }

    #[test]
    fn a_shared_job_tells_about_a_request_only_where_it_lists_an_address_exactly() {
        let both = ["ada@x.org", "bob@x.org"];
        let itemised = (Amount::Count(0), None, 1);
        let not_itemised = (Amount::Unknown, Some("not-itemised".to_owned()), 1);
        for (not_found, expected) in [
            (json!(["ada@x.org"]), itemised.clone()),
            (json!(["ada@x.org", "bob@x.org"]), itemised),
            (json!(["Ada@x.org"]), not_itemised.clone()),
            (json!(["bob@x.org"]), not_itemised.clone()),
            (json!([]), not_itemised.clone()),
            (json!(2), not_itemised.clone()),
            (json!(0), not_itemised.clone()),
            (json!(null), not_itemised),
        ] {
            let job = completed(&both, not_found.clone());
            assert_eq!(result_of("ada@x.org", &job, shared(1, 2)), expected, "{not_found}");
            assert_eq!(result_of("ada@x.org", &job, Coverage::default()), expected, "reconciled: {not_found}");
        }
    }

    #[test]
    fn counts_are_those_of_a_request_that_has_the_job_to_itself() {
        let alone = completed(&["ada@x.org"], json!([]));
        assert_eq!(result_of("ada@x.org", &alone, sent(1)), (Amount::Present, None, 2));
        assert_eq!(result_of("ada@x.org", &alone, Coverage::default()), (Amount::Present, None, 2));
    }

    #[test]
    fn evidence_counts_every_identifier_of_a_shared_job() {
        let ada = subject("Ada@x.org");
        let hidden = ErasureJob { addresses: None, requested: Some(4), ..job(&["ada@x.org"]) };
        let identifiers = |coverage| vendor_job(&hidden, JobKind::Erasure, &ada, coverage).identifiers;
        assert_eq!(identifiers(shared(2, 4)), Some(2));
        assert_eq!(identifiers(shared(2, 5)), Some(4), "Qualtrics accepted fewer spellings");
        assert_eq!(unseen_job("OP-1", &ada, shared(2, 4)).identifiers, Some(2));
        assert_eq!(unseen_job("OP-1", &ada, sent(2)).identifiers, Some(1));
    }
}
