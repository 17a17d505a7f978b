//! Access requests: the export, the contacts and the findings of a data subject.

use std::collections::BTreeSet;

use privacy_host::contract::{
    Amount, Content, DeletionMode, Document, ErrorKind, Finding, Identifier, Outcome, Remedy, Report, SourceState,
    Stage,
};
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, Options, Person, SAMPLE_CUSTOMERS, SAMPLE_PARTNERS, SAMPLE_PERSON,
    SAMPLE_PHONE, SAMPLE_REFERENCE, SAMPLE_SHARED_PHONE, SAMPLE_SHARED_REFERENCE, SAMPLE_STRANGER,
    SAMPLE_TWO_ADDRESSES, WaitHint,
};
use serde_json::Value;

use crate::fixture::{Fixture, assert_outcome, done, email, finding, pending, request, request_for};
use crate::sources::report_with_running_clock;

/// The source of the documents of an export.
pub const RESPONSES: &str = "survey-responses";
const CROWD_PHONE: &str = "+12025559999";

/// The source of a directory.
pub fn directory(id: &str) -> String {
    format!("directory:{id}")
}

pub fn phone(number: &str) -> Identifier {
    Identifier::phone(number)
}

pub fn external_id(id: &str) -> Identifier {
    Identifier::external_id(id)
}

/// A contact from its document.
fn contact_of(document: &Document) -> Value {
    let Content::Inline(bytes) = &document.content else { panic!("an inline contact") };
    serde_json::from_slice(bytes).expect("JSON")
}

/// The contacts of a report.
pub fn contacts(report: &Report) -> Vec<Value> {
    let documents = report.documents.iter().filter(|document| document.source.starts_with("directory:"));
    documents.map(contact_of).collect()
}

/// The codes of all findings.
pub fn codes(report: &Report) -> Vec<&str> {
    report.findings.iter().filter_map(|finding| finding.code.as_deref()).collect()
}

/// The finding of a source about these identifiers, which are indices into the request's subject.
#[track_caller]
pub fn finding_about<'r>(report: &'r Report, source: &str, identifiers: &[u32]) -> &'r Finding {
    let found = report.findings.iter().find(|finding| finding.source == source && finding.identifiers == identifiers);
    found.unwrap_or_else(|| panic!("no finding of {source} about {identifiers:?} among {:#?}", report.findings))
}

#[tokio::test]
async fn an_access_request_returns_the_export_and_the_contacts_of_every_directory() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let started = fixture.access(&request).await;
    assert_eq!(pending(started.clone()).stage, Stage::Exporting);
    let report = fixture.follow(&request, started).await.expect("a report");
    assert_outcome(&report, Outcome::Found);
    let sources: Vec<&str> = report.documents.iter().map(|document| document.source.as_str()).collect();
    let directories = [SAMPLE_CUSTOMERS, SAMPLE_PARTNERS].map(|id| format!("directory:{id}"));
    // A person who responded has a history of messages and one of responses in each directory.
    let histories = [SAMPLE_CUSTOMERS, SAMPLE_PARTNERS].map(|id| format!("contact-history:{id}"));
    let [one, other] = &directories;
    let [of_one, of_other] = &histories;
    assert_eq!(sources, ["survey-responses", one, of_one, of_one, other, of_other, of_other]);
    let expected = fixture.simulator.expected_export(&[SAMPLE_PERSON]).remove(0);
    assert_eq!(fixture.bytes(&report.documents[0], 1_000).await, expected.content.to_vec());
    for contact in contacts(&report) {
        assert_eq!(contact["email"], SAMPLE_PERSON);
        assert_eq!(contact["phone"], SAMPLE_PHONE);
        assert_eq!(contact["extRef"], SAMPLE_REFERENCE);
        assert_eq!(contact["embeddedData"]["Loyalty tier"], "Gold");
    }
    let found = report.findings.iter().find(|finding| finding.source == directories[0]).expect("a finding");
    assert_eq!(
        (found.state, found.amount, found.identifiers.clone()),
        (SourceState::Searched, Amount::Count(1), vec![0])
    );
    assert_eq!(report.discovered.len(), 2, "the phone number and the external ID");
    assert!(!report.gaps.is_empty());
    assert_eq!(report.receipt.jobs.len(), 1);
}

#[tokio::test]
async fn every_identifier_is_searched_in_every_directory_and_contacts_are_deduplicated() {
    let mut fixture = Fixture::new().await;
    let [one, other] = SAMPLE_TWO_ADDRESSES;
    let subject = vec![
        email(one),
        phone(SAMPLE_SHARED_PHONE),
        email(&format!(" {} ", other.to_uppercase())),
        external_id(SAMPLE_SHARED_REFERENCE),
        email(&one.to_uppercase()),
    ];
    let report = fixture.access_report(&request("r", subject)).await;
    assert_outcome(&report, Outcome::Found);
    for id in [SAMPLE_CUSTOMERS, SAMPLE_PARTNERS] {
        for (identifiers, count) in [(vec![0, 4], 1), (vec![1], 2), (vec![2], 1), (vec![3], 2)] {
            let finding = finding_about(&report, &directory(id), &identifiers);
            assert_eq!(
                (finding.state, &finding.amount),
                (SourceState::Searched, &Amount::Count(count)),
                "{identifiers:?}"
            );
        }
    }
    let export = finding(&report, RESPONSES);
    assert_eq!((&export.amount, export.identifiers.as_slice()), (&Amount::Present, &[0, 2, 4][..]));
    assert_eq!(contacts(&report).len(), 4);
    let names: BTreeSet<&str> = report.documents.iter().map(|document| document.name.as_str()).collect();
    assert_eq!(names.len(), report.documents.len(), "unique names: {names:?}");
    assert!(report.discovered.is_empty(), "every identifier was given");
    // One job for all addresses, in lower case and as given, each spelling once.
    let jobs = fixture.simulator.exports();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].emails, [other, &other.to_uppercase(), one, &one.to_uppercase()]);
    assert_eq!(report.receipt.jobs[0].id, jobs[0].id);
    let expected = fixture.simulator.expected_export(&[other, one]).remove(0).content.to_vec();
    assert_eq!(fixture.bytes(&report.documents[0], 100_000).await, expected);
}

/// In how many spellings a number of North America is searched for.
const PHONE_SPELLINGS: usize = 12;

#[tokio::test]
async fn all_pages_of_a_search_are_read() {
    // A page has a hundred contacts, and a full last page is followed by an empty one.
    for (count, pages) in [(150, 2), (200, 3)] {
        let brand = Brand::sample().crowd(SAMPLE_CUSTOMERS, count, CROWD_PHONE);
        let mut fixture = Fixture::with_brand(brand, "").await;
        let report = fixture.access_report(&request("r", vec![phone(CROWD_PHONE)])).await;
        assert_outcome(&report, Outcome::Partial);
        assert_eq!(codes(&report), ["no-email"]);
        assert_eq!(finding(&report, &directory(SAMPLE_CUSTOMERS)).amount, Amount::Count(count.into()));
        assert_eq!(finding(&report, &directory(SAMPLE_PARTNERS)).amount, Amount::Count(0));
        let ids: BTreeSet<String> = contacts(&report).iter().map(|contact| contact["contactId"].to_string()).collect();
        assert_eq!(ids.len(), count as usize);
        // The other spellings of the number, and the other directory, have one page each.
        assert_eq!(fixture.calls_of(Endpoint::ContactSearch), pages - 1 + 2 * PHONE_SPELLINGS);
        assert!(report.discovered.iter().all(|identifier| matches!(identifier, Identifier::Email(_))));
        assert_eq!(fixture.calls_of(Endpoint::ExportCreate), 0, "without an address there is no export");
    }
}

#[tokio::test]
async fn the_first_thousand_contacts_are_returned_and_large_ones_are_remote() {
    let brand = Brand::sample().crowd(SAMPLE_CUSTOMERS, 1_050, CROWD_PHONE);
    let mut fixture = Fixture::with_brand(brand, "").await;
    fixture.simulator.with_brand(|brand| {
        for (n, contact) in brand.directories[0].contacts.iter_mut().enumerate() {
            // One contact alone exceeds the limit of a document, and all together exceed that of a report.
            let length = if n == 30 { 70_000 } else { 1_500 };
            contact.embedded_data.insert("Notes".to_owned(), "x".repeat(length));
        }
    });
    let report = fixture.access_report(&request("r", vec![phone(CROWD_PHONE)])).await;
    assert_outcome(&report, Outcome::Partial);
    let found = finding(&report, &directory(SAMPLE_CUSTOMERS));
    assert_eq!((found.code.as_deref(), &found.amount), (Some("too-many"), &Amount::Present));
    assert_eq!(report.documents.len(), 1_000);
    let is_inline = |document: &&Document| matches!(document.content, Content::Inline(_));
    let lengths = report.documents.iter().filter_map(|document| match &document.content {
        Content::Inline(bytes) => Some(bytes.len()),
        Content::Remote(_) => None,
    });
    let lengths: Vec<usize> = lengths.collect();
    assert!(lengths.iter().all(|length| *length <= 64 * 1024));
    let total: usize = lengths.iter().sum();
    assert!((900_000..=1024 * 1024).contains(&total), "{total} bytes inline");
    let names: BTreeSet<&str> = report.documents.iter().map(|document| document.name.as_str()).collect();
    assert_eq!(names.len(), 1_000);
    // A remote contact has the same shape as an inline one.
    let inline_contact = report.documents.iter().find(is_inline).expect("an inline contact");
    let shape = |contact: &Value| -> Vec<String> { contact.as_object().expect("an object").keys().cloned().collect() };
    let inline_contact = contact_of(inline_contact);
    fixture.renew_instance().await;
    let remote: Vec<&Document> = report.documents.iter().filter(|document| !is_inline(document)).collect();
    for document in [remote[0], remote[remote.len() / 2], remote[remote.len() - 1]] {
        let contact: Value = serde_json::from_slice(&fixture.bytes(document, 1_000).await).expect("JSON");
        assert_eq!(shape(&contact), shape(&inline_contact));
        assert_eq!(contact["phone"], CROWD_PHONE);
        assert_eq!(directory(contact["directoryId"].as_str().expect("an id")), document.source);
    }
}

#[tokio::test]
async fn a_remote_contact_is_the_same_document_as_an_inline_one() {
    for dialects in
        ["contact-dates-epoch-ms", "contact-dates-iso,dates-fraction", "dates-epoch-ms", "contact-nulls-absent"]
    {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let inline = contacts(&fixture.access_report(&request_for(SAMPLE_PERSON)).await);
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::Contact, Fault::Status(503, WaitHint::None))]);
        let (report, _) = report_with_running_clock(&mut fixture, &request_for(SAMPLE_PERSON)).await;
        assert_outcome(&report, Outcome::Found);
        fixture.simulator.set_faults(Vec::new());
        let of_directories = report.documents.iter().filter(|document| document.source.starts_with("directory:"));
        for (document, inline) in of_directories.zip(inline) {
            assert!(matches!(document.content, Content::Remote(_)), "it can be read later");
            let remote: Value = serde_json::from_slice(&fixture.bytes(document, 100).await).expect("JSON");
            assert_eq!(remote, inline, "{dialects}");
        }
    }
}

#[tokio::test]
async fn a_remote_contact_that_changed_or_vanished_requires_a_restart() {
    let mut fixture = Fixture::new().await;
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::Contact, Fault::Status(503, WaitHint::None))]);
    let (report, _) = report_with_running_clock(&mut fixture, &request_for(SAMPLE_PERSON)).await;
    fixture.simulator.set_faults(Vec::new());
    let Content::Remote(remote) = report.documents[1].content.clone() else { panic!("remote") };
    let first = fixture.read(&remote, 0, 10).await.expect("a chunk");
    assert_eq!((first.bytes.len(), first.last), (10, false));
    fixture.simulator.with_brand(|brand| {
        for contact in &mut brand.directories[0].contacts {
            contact.modified += 1_000;
        }
    });
    fixture.renew_instance().await;
    let error = fixture.read(&remote, 10, 10).await.expect_err("changed");
    assert_eq!((error.kind, error.remedy), (ErrorKind::JobNotFound, Remedy::Restart));
    fixture.simulator.with_brand(|brand| brand.directories[0].contacts.clear());
    let error = fixture.read(&remote, 10, 10).await.expect_err("gone");
    assert_eq!((error.kind, error.remedy), (ErrorKind::JobNotFound, Remedy::Restart));
}

#[tokio::test]
async fn discovered_identifiers_are_reported_and_not_searched() {
    let mut fixture = Fixture::new().await;
    let report = fixture.access_report(&request_for(SAMPLE_TWO_ADDRESSES[0])).await;
    assert_outcome(&report, Outcome::Found);
    assert_eq!(report.discovered, [phone(SAMPLE_SHARED_PHONE), external_id(SAMPLE_SHARED_REFERENCE)]);
    assert!(contacts(&report).iter().all(|contact| contact["email"] == SAMPLE_TWO_ADDRESSES[0]));
    let report = fixture.access_report(&request("r", vec![external_id(SAMPLE_SHARED_REFERENCE)])).await;
    assert_outcome(&report, Outcome::Partial);
    for address in SAMPLE_TWO_ADDRESSES {
        assert!(report.discovered.contains(&email(address)), "{:?}", report.discovered.len());
    }
    assert_eq!(fixture.simulator.exports().len(), 1, "no export was started for a discovered address");
}

/// Two people have external IDs that differ in case alone, as Salesforce's IDs do. Qualtrics' search returns both.
#[tokio::test]
async fn an_external_id_that_differs_in_case_alone_belongs_to_another_person() {
    const ADA: (&str, &str) = ("ada@victim.example", "0035e00000AbCdE");
    const BOB: (&str, &str) = ("bob@victim.example", "0035e00000aBcDe");
    for ((address, id), other) in [(ADA, BOB), (BOB, ADA)] {
        let person = |name, (address, id)| Person::new(name, "Victim").email(address).reference(id);
        let brand = Brand::sample()
            .person(&person("Ada", ADA), &[SAMPLE_CUSTOMERS])
            .person(&person("Bob", BOB), &[SAMPLE_CUSTOMERS]);
        let mut fixture = Fixture::with_options(brand, Options::default(), &[]).await;
        let request = request("r", vec![external_id(id)]);
        let report = fixture.access_report(&request).await;
        let contacts = contacts(&report);
        assert_eq!(contacts.len(), 1, "{contacts:?}");
        assert_eq!((&contacts[0]["email"], &contacts[0]["extRef"]), (&address.into(), &id.into()));
        assert_eq!(report.discovered, [email(address)]);
        let found = finding_about(&report, &directory(SAMPLE_CUSTOMERS), &[0]);
        assert_eq!((found.state, found.amount), (SourceState::Searched, Amount::Count(1)));
        assert_eq!(found.code.as_deref(), Some("similar-identifier"));
        // The search of the other directory returns nothing.
        assert_eq!(finding_about(&report, &directory(SAMPLE_PARTNERS), &[0]).code, None);
        // A deletion discovers the same person only.
        let refused = done(fixture.delete(&request, DeletionMode::Erase).await);
        assert_outcome(&refused, Outcome::Refused);
        assert_eq!(refused.discovered, [email(address)]);
        assert!(codes(&refused).contains(&"similar-identifier"));
        assert!(!fixture.simulator.holdings(other.0).is_empty());
    }
}

#[tokio::test]
async fn a_similar_external_id_alone_finds_nothing_and_is_reported() {
    let mut fixture = Fixture::new().await;
    let report = fixture.access_report(&request("r", vec![external_id(&SAMPLE_REFERENCE.to_lowercase())])).await;
    assert!(report.documents.is_empty() && report.discovered.is_empty());
    let found = finding_about(&report, &directory(SAMPLE_CUSTOMERS), &[0]);
    assert_eq!((found.amount, found.code.as_deref()), (Amount::Count(0), Some("similar-identifier")));
}

#[tokio::test]
async fn contacts_of_others_are_left_out_if_the_filter_is_ignored() {
    let brand = Brand::sample().crowd(SAMPLE_CUSTOMERS, 150, CROWD_PHONE);
    let mut fixture = Fixture::with_brand(brand, "").await;
    for dialects in ["", "contact-nulls-absent"] {
        fixture.simulator.set_dialects(Dialects::parse(dialects).unwrap());
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ContactSearch, Fault::IgnoredFilter)]);
        let of_person = |contact: &Value| contact["email"] == SAMPLE_PERSON;
        for identifier in [email(SAMPLE_PERSON), phone(SAMPLE_PHONE), external_id(SAMPLE_REFERENCE)] {
            let report = fixture.access_report(&request("r", vec![identifier])).await;
            assert_outcome(&report, Outcome::Partial);
            assert!(contacts(&report).iter().all(of_person), "a contact of somebody else was returned");
            assert!(report.discovered.len() <= 2, "{}", report.discovered.len());
            assert!(codes(&report).contains(&"unreliable-search"));
        }
        let report = fixture.access_report(&request_for(SAMPLE_STRANGER)).await;
        assert_outcome(&report, Outcome::Partial);
        assert!(report.documents.is_empty() && report.discovered.is_empty());
    }
}
