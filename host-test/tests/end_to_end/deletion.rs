//! Deleting what Qualtrics holds on a person: guarded, once, and shown.

use host_test::host::contract::{DeletionMode, Outcome};
use host_test::simulator::{SAMPLE_ADMINISTRATOR, SAMPLE_PERSON, SAMPLE_STAFF_CONTACT, SAMPLE_STRANGER};

use crate::world::{World, about, done, expect};

#[tokio::test]
async fn a_preview_deletes_nothing() {
    let mut world = World::new().await;
    let report = world.deleted(&about(SAMPLE_PERSON), DeletionMode::Preview).await;
    expect(&report, Outcome::Previewed);
    assert!(!world.simulator.holdings(SAMPLE_PERSON).is_empty());
    assert_eq!(world.erasures_of(SAMPLE_PERSON), 0);
}

#[tokio::test]
async fn an_erasure_is_followed_until_it_is_done() {
    let mut world = World::new().await;
    let report = world.deleted(&about(SAMPLE_PERSON), DeletionMode::Erase).await;
    expect(&report, Outcome::Erased);
    assert!(world.simulator.holdings(SAMPLE_PERSON).is_empty());
    assert_eq!(world.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn a_verified_deletion_was_searched_for_again() {
    let mut world = World::new().await;
    let report = world.deleted(&about(SAMPLE_PERSON), DeletionMode::EraseAndVerify).await;
    expect(&report, Outcome::Verified);
    let operations: Vec<&str> = report.receipt.jobs.iter().map(|job| job.operation.as_str()).collect();
    assert_eq!(operations, ["erasure", "erasure-search"]);
    assert_eq!(world.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn nothing_to_delete_is_said_in_so_many_words() {
    let mut world = World::new().await;
    for mode in [DeletionMode::Preview, DeletionMode::Erase, DeletionMode::EraseAndVerify] {
        let report = world.deleted(&about(SAMPLE_STRANGER), mode).await;
        expect(&report, Outcome::NothingFound);
    }
}

#[tokio::test]
async fn the_connections_own_account_is_never_deleted_and_staff_only_when_confirmed() {
    let mut world = World::new().await;
    let mut request = about(SAMPLE_ADMINISTRATOR);
    request.confirmed = vec!["own-account".to_owned(), "staff-account".to_owned()];
    let report = done(world.delete(&request, DeletionMode::Erase).await);
    expect(&report, Outcome::Refused);
    let mut request = about(SAMPLE_STAFF_CONTACT);
    let report = done(world.delete(&request, DeletionMode::Erase).await);
    expect(&report, Outcome::Refused);
    assert_eq!(report.findings[0].code.as_deref(), Some("staff-account"));
    request.confirmed = vec!["staff-account".to_owned()];
    let report = world.deleted(&request, DeletionMode::Erase).await;
    expect(&report, Outcome::Erased);
}
