//! The report of an opt-out: what became of every contact that the search found.

use std::collections::{BTreeMap, BTreeSet};

use super::contact_update::Untouched;
use super::updates::ContactResult;
use crate::contract::{Amount, Finding, Outcome, Receipt, Report, SourceState, VendorJob};
use crate::privacy::subject::Subject;
use crate::qualtrics::api::contact::Match;
use crate::qualtrics::contact_search::SearchResult;
use crate::qualtrics::contact_search::contacts::FoundContact;
use crate::qualtrics::context::Context;
use crate::qualtrics::findings::{SourceFailure, unsupported_identifiers};
use crate::qualtrics::in_flight::InFlight;
use crate::qualtrics::ticket::{ContactPlace, Operation, OptOutProgress, UpdateFailure};

const SHARED_TELEPHONE: SourceFailure = SourceFailure {
    state: SourceState::NotUsable,
    code: "shared-telephone",
    note: "A contact has this telephone number, and an address that the request does not name: it was left as it is, because people share \
           telephones. If it is the person's, start another request with that address as well.",
};
const NO_COUNTRY_CODE: SourceFailure = SourceFailure {
    state: SourceState::NotUsable,
    code: "no-country-code",
    note: "The telephone number of a contact has no country code, so that it may belong to another country: the contact was left as it is. \
           If it is the person's, start another request with its address or external ID as well.",
};
const CHANGED_MEANWHILE: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "changed-meanwhile",
    note: "A contact that the search found is gone, or does not have the identifier any more: nothing was done with it. Start the request \
           again.",
};
const UNREADABLE: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "unreadable-contact",
    note: "A contact holds text that cannot be read exactly, and that an update would overwrite: it was left as it is. Opt it out in XM \
           Directory by hand.",
};
const OTHER_FIELDS_CHANGED: SourceFailure = SourceFailure {
    state: SourceState::Searched,
    code: "other-fields-changed",
    note: "A contact is opted out, and another of its fields differs from before: someone changed the contact at the same time, or \
           Qualtrics lost the field. Compare the contact in XM Directory with its source.",
};
const NOT_APPLIED: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "not-applied",
    note: "Qualtrics accepted the update of a contact, and still shows it without the opt-out: opt it out in XM Directory by hand.",
};
const REJECTED: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "update-rejected",
    note: "Qualtrics rejects the update of a contact, as may be the case for XM Directory Lite: opt it out in XM Directory by hand.",
};
const NOT_PERMITTED: SourceFailure = SourceFailure {
    state: SourceState::NotPermitted,
    code: "not-permitted",
    note: "The account may not update a contact of this directory: grant the OAuth client the scope manage:directory_contacts, and the \
           account a role that may edit the directory. Then start the request again.",
};
const UNAVAILABLE: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "unavailable",
    note: "The update of a contact failed temporarily, after several attempts, or could not be read back: start the request again later.",
};
const TOO_MANY: SourceFailure = SourceFailure {
    state: SourceState::Unavailable,
    code: "too-many",
    note: "Contacts were not reached, because there are more than one request can update, or because too many updates failed: start the \
           request again.",
};

impl From<Untouched> for SourceFailure {
    fn from(reason: Untouched) -> Self {
        match reason {
            Untouched::SharedTelephone => SHARED_TELEPHONE,
            Untouched::NoCountryCode => NO_COUNTRY_CODE,
            Untouched::ChangedMeanwhile => CHANGED_MEANWHILE,
            Untouched::Unreadable => UNREADABLE,
        }
    }
}

impl From<UpdateFailure> for SourceFailure {
    fn from(failure: UpdateFailure) -> Self {
        match failure {
            UpdateFailure::OtherFieldsChanged => OTHER_FIELDS_CHANGED,
            UpdateFailure::NotApplied => NOT_APPLIED,
            UpdateFailure::Rejected => REJECTED,
            UpdateFailure::NotPermitted => NOT_PERMITTED,
            UpdateFailure::Unavailable => UNAVAILABLE,
        }
    }
}

/// Contacts of one directory with the same result.
struct Group {
    failure: SourceFailure,
    contacts: u64,
    identifiers: BTreeSet<u32>,
}

/// The results of all contacts, by directory.
#[derive(Default)]
struct Summary {
    /// The identifiers of the contacts that are opted out.
    opted_out: BTreeMap<String, BTreeSet<u32>>,
    /// The contacts that are not, by directory and code.
    exceptions: BTreeMap<(String, &'static str), Group>,
}

/// The report of a request whose contacts were handled.
pub(super) fn conclude(
    context: &Context<'_>,
    in_flight: &InFlight<'_>,
    progress: &OptOutProgress,
    results: &BTreeMap<ContactPlace, ContactResult>,
    found: SearchResult,
) -> Report {
    let subject = in_flight.subject;
    let summary = Summary::new(subject, progress, results, &found);
    let mut findings = unsupported_identifiers(subject);
    findings.extend(found.findings);
    let is_complete = findings.iter().all(Finding::is_complete) && summary.exceptions.is_empty();
    let outcome = match (is_complete, summary.opted_out.is_empty()) {
        (false, _) => Outcome::Partial,
        (true, false) => Outcome::OptedOut,
        (true, true) => Outcome::NotFound,
    };
    findings.extend(summary.exceptions.into_iter().map(|((directory, _), group)| group.finding(&directory)));
    let report = context.report(in_flight.request, Operation::OptOut, outcome, progress.accepted_at);
    let jobs = summary.opted_out.into_iter().map(|(directory, identifiers)| vendor_job(directory, &identifiers));
    let receipt = Receipt { jobs: jobs.collect(), ..report.receipt };
    Report { findings, discovered: found.discovered, receipt, ..report }
}

impl Summary {
    fn new(
        subject: &Subject,
        progress: &OptOutProgress,
        results: &BTreeMap<ContactPlace, ContactResult>,
        found: &SearchResult,
    ) -> Self {
        let mut summary = Self::default();
        let mut failed: BTreeMap<&ContactPlace, UpdateFailure> =
            progress.failed.iter().map(|failed| (&failed.place, failed.failure)).collect();
        for FoundContact { directory, contact } in found.contacts.iter() {
            let place = ContactPlace { directory: directory.clone(), contact: contact.id.clone() };
            let is_match = |kind: Match| matches!(kind, Match::Same | Match::WithoutCountry);
            let identifiers = subject.indices(&|known| is_match(contact.matches(&known.identifier)));
            let failed = failed.remove(&place).map(ContactResult::Failed);
            let shown = contact.is_opted_out().then_some(ContactResult::OptedOut);
            match failed.or_else(|| results.get(&place).cloned()).or(shown) {
                Some(result) => summary.add(directory, &identifiers, &result),
                None => summary.add_exception(directory, TOO_MANY, &identifiers),
            }
        }
        // A contact that lost its identifiers is not found any more.
        for (place, failure) in failed {
            summary.add(&place.directory, &subject.all_indices(), &ContactResult::Failed(failure));
        }
        summary
    }

    fn add(&mut self, directory: &str, identifiers: &[u32], result: &ContactResult) {
        match result {
            ContactResult::OptedOut | ContactResult::Failed(UpdateFailure::OtherFieldsChanged) => {
                self.opted_out.entry(directory.to_owned()).or_default().extend(identifiers);
            }
            _ => {}
        }
        match result {
            ContactResult::OptedOut => {}
            ContactResult::Gone => self.add_exception(directory, CHANGED_MEANWHILE, identifiers),
            ContactResult::Untouched(reason) => self.add_exception(directory, (*reason).into(), identifiers),
            ContactResult::Failed(failure) => self.add_exception(directory, (*failure).into(), identifiers),
            ContactResult::Open(_) => self.add_exception(directory, UNAVAILABLE, identifiers),
        }
    }

    fn add_exception(&mut self, directory: &str, failure: SourceFailure, identifiers: &[u32]) {
        let group = Group { failure, contacts: 0, identifiers: BTreeSet::new() };
        let group = self.exceptions.entry((directory.to_owned(), failure.code)).or_insert(group);
        group.contacts = group.contacts.saturating_add(1);
        group.identifiers.extend(identifiers);
    }
}

impl Group {
    fn finding(self, directory: &str) -> Finding {
        let identifiers = self.identifiers.into_iter().collect();
        self.failure.finding(&format!("directory:{directory}"), identifiers, Amount::Count(self.contacts))
    }
}

/// What was done in one directory. Qualtrics has no job for it, and no status.
fn vendor_job(directory: String, identifiers: &BTreeSet<u32>) -> VendorJob {
    VendorJob {
        operation: "opt-out".to_owned(),
        id: directory,
        status: String::new(),
        created: None,
        updated: None,
        identifiers: u32::try_from(identifiers.len()).ok(),
        failure: None,
    }
}
