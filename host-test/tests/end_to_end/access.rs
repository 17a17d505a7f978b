//! What Qualtrics holds on a person, found and read.

use host_test::host::contract::{Amount, Content, Outcome, Right, SourceState, Stage};
use host_test::simulator::{
    SAMPLE_CUSTOMERS, SAMPLE_PARTNERS, SAMPLE_PERSON, SAMPLE_PHONE, SAMPLE_REFERENCE, SAMPLE_STRANGER,
};

use crate::world::{World, about, email, expect, pending, request};
use host_test::host::contract::Identifier;

#[tokio::test]
async fn a_connection_with_every_permission_passes_its_test() {
    let mut world = World::new().await;
    let connection = world.check(&[Right::Access, Right::Deletion]).await.expect("a good connection");
    assert_eq!(connection.tenant, "examplebrand");
    assert_eq!(connection.role, "UT_BRANDADMIN");
    assert_eq!(connection.granted.len(), 5, "{:?}", connection.granted);
    assert_eq!(connection.egress, [world.simulator.origin()]);
    assert!(connection.warnings.is_empty(), "{:?}", connection.warnings);
}

#[tokio::test]
async fn an_access_request_finds_the_export_and_the_contacts_of_every_directory() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let begun = world.access(&request).await;
    assert_eq!(pending(begun.clone()).stage, Stage::Exporting);
    let report = world.follow(&request, begun).await.expect("a report");
    expect(&report, Outcome::Found);
    let sources: Vec<&str> = report.documents.iter().map(|document| document.source.as_str()).collect();
    let directories = [SAMPLE_CUSTOMERS, SAMPLE_PARTNERS].map(|id| format!("directory:{id}"));
    assert_eq!(sources, ["survey-responses", &directories[0], &directories[1]]);
    let expected = world.simulator.expected_export(&[SAMPLE_PERSON]).remove(0);
    assert_eq!(world.bytes(&report.documents[0], 1_000).await, expected.content.to_vec());
    for document in &report.documents[1..] {
        let Content::Inline(bytes) = &document.content else { panic!("a small contact is inline") };
        let contact: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
        assert_eq!(contact["email"], SAMPLE_PERSON);
        assert_eq!(contact["phone"], SAMPLE_PHONE);
        assert_eq!(contact["extRef"], SAMPLE_REFERENCE);
        assert_eq!(contact["embeddedData"]["Loyalty tier"], "Gold");
    }
    let found = report.findings.iter().find(|finding| finding.source == directories[0]).expect("a finding");
    assert_eq!(
        (found.state, found.amount.clone(), found.names.clone()),
        (SourceState::Searched, Amount::Exactly(1), vec![0])
    );
    assert_eq!(report.also_known_as.len(), 2, "the phone and the reference");
    assert!(!report.gaps.is_empty());
    assert_eq!(report.receipt.jobs.len(), 1);
}

#[tokio::test]
async fn nothing_is_found_of_a_stranger() {
    let mut world = World::new().await;
    let report = world.accessed(&about(SAMPLE_STRANGER)).await;
    expect(&report, Outcome::NothingFound);
    assert!(report.documents.is_empty());
}

#[tokio::test]
async fn a_phone_finds_contacts_and_offers_the_address_that_it_leads_to() {
    let mut world = World::new().await;
    let request = request("r", vec![Identifier::Phone(SAMPLE_PHONE.to_owned())]);
    let report = world.accessed(&request).await;
    expect(&report, Outcome::Partial);
    assert_eq!(report.documents.len(), 2);
    assert!(report.also_known_as.contains(&email(SAMPLE_PERSON)));
    assert!(report.findings.iter().any(|finding| finding.code.as_deref() == Some("no-address")));
}
