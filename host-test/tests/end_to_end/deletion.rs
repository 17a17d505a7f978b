//! Deleting what Qualtrics holds on a person: guarded, once, and shown.

use std::time::Duration;

use host_test::host::contract::{
    Amount, DeletionMode, ErrorKind, Finding, Identifier, Outcome, Progress, Remedy, Report, SourceState, Stage,
};
use host_test::simulator::{
    Brand, Contact, Dialects, Endpoint, Fault, FaultRule, JobEnd, MESSAGE_CANARY, Options, SAMPLE_ADMINISTRATOR,
    SAMPLE_CUSTOMERS, SAMPLE_PERSON, SAMPLE_PHONE, SAMPLE_REFERENCE, SAMPLE_SHARED_PHONE, SAMPLE_STAFF,
    SAMPLE_STAFF_CONTACT, SAMPLE_STRANGER, SAMPLE_TWO_ADDRESSES, WaitHint,
};

use crate::world::{World, about, done, email, expect, pending, request};

const MODES: [DeletionMode; 3] = [DeletionMode::Preview, DeletionMode::Erase, DeletionMode::EraseAndVerify];

async fn world_that_speaks(dialects: &str) -> World {
    let dialects = Dialects::parse(dialects).expect("dialects");
    World::of(Brand::sample(), Options { dialects, ..Options::default() }, &[]).await
}

/// The finding of a source, or of a code.
#[track_caller]
fn finding<'r>(report: &'r Report, word: &str) -> &'r Finding {
    let found = report.findings.iter().find(|one| one.source == word || one.code.as_deref() == Some(word));
    found.unwrap_or_else(|| panic!("{word} in {:#?}", report.findings))
}

fn operations(report: &Report) -> Vec<&str> {
    report.receipt.jobs.iter().map(|job| job.operation.as_str()).collect()
}

/// How many jobs of either kind these tests had Qualtrics begin.
fn begun(world: &World) -> usize {
    world.calls_of(Endpoint::ErasureCreate)
}

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

#[tokio::test]
async fn a_preview_tells_what_an_erasure_would_reach() {
    let mut world = World::new().await;
    let report = world.deleted(&about(SAMPLE_PERSON), DeletionMode::Preview).await;
    let directory = finding(&report, &format!("directory:{SAMPLE_CUSTOMERS}"));
    assert_eq!((directory.amount, directory.names.as_slice()), (Amount::Exactly(1), &[0][..]));
    assert_eq!(finding(&report, "personal-data").amount, Amount::SomeData);
    assert_eq!(operations(&report), ["erasure-search"]);
    assert!(report.documents.is_empty());
    assert!(report.also_known_as.contains(&Identifier::Phone(SAMPLE_PHONE.to_owned())));
}

#[tokio::test]
async fn a_preview_of_a_guarded_name_says_so_and_goes_on() {
    let mut world = World::new().await;
    let request = request("r", vec![email(SAMPLE_PERSON), email(SAMPLE_STAFF_CONTACT)]);
    let report = world.deleted(&request, DeletionMode::Preview).await;
    expect(&report, Outcome::Previewed);
    let guarded = finding(&report, "staff-account");
    assert_eq!((guarded.state, guarded.names.as_slice()), (SourceState::Guarded, &[1][..]));
    assert!(finding(&report, &format!("directory:{SAMPLE_CUSTOMERS}")).amount != Amount::Nothing);
    let report = world.deleted(&about(SAMPLE_ADMINISTRATOR), DeletionMode::Preview).await;
    assert_eq!(finding(&report, "own-account").state, SourceState::Guarded);
}

#[tokio::test]
async fn completion_on_submission_ends_with_a_ticket_that_can_still_be_followed() {
    let mut world = World::with(&[("deletion-behavior", "complete-on-submission")]).await;
    let request = about(SAMPLE_PERSON);
    let report = done(world.delete(&request, DeletionMode::Erase).await);
    expect(&report, Outcome::Submitted);
    assert!(report.receipt.submitted_at.is_some());
    assert_eq!(operations(&report), ["erasure"]);
    assert!(!report.gaps.is_empty());
    let ticket = report.ticket.expect("a ticket");
    let first = world.poll(&request, &ticket).await;
    assert_eq!(pending(first.clone()).stage, Stage::Erasing);
    let end = world.follow(&request, first).await.expect("a report");
    expect(&end, Outcome::Erased);
    assert_eq!(end.ticket, None);
    assert_eq!(end.receipt.jobs[0].id, report.receipt.jobs[0].id);
    assert_eq!(world.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn previews_and_verified_deletions_are_followed_whatever_the_settings_say() {
    for mode in [DeletionMode::Preview, DeletionMode::EraseAndVerify] {
        let mut world = World::with(&[("deletion-behavior", "complete-on-submission")]).await;
        let request = about(SAMPLE_PERSON);
        let begun = world.delete(&request, mode).await;
        pending(begun.clone());
        let report = world.follow(&request, begun).await.expect("a report");
        assert_ne!(report.outcome, Outcome::Submitted);
        assert_eq!(report.ticket, None);
    }
}

#[tokio::test]
async fn a_guard_refuses_the_whole_request_and_says_which_name_it_was() {
    for dialects in ["", "user-name-brand,user-email-null", "next-page-token", "whoami-needs-read-users"] {
        for (guard, own, staff) in [("all-users", true, true), ("own-account", true, false), ("off", false, false)] {
            for (address, guarded) in [(SAMPLE_ADMINISTRATOR, own), (SAMPLE_STAFF, staff), (SAMPLE_STRANGER, false)] {
                for mode in [DeletionMode::Erase, DeletionMode::EraseAndVerify] {
                    let dialects = Dialects::parse(dialects).expect("dialects");
                    let options = Options { dialects, ..Options::default() };
                    let mut world = World::of(Brand::sample(), options, &[("account-guard", guard)]).await;
                    let request = request("r", vec![email(SAMPLE_PERSON), email(&address.to_uppercase())]);
                    let answer = world.delete(&request, mode).await;
                    if guarded {
                        let report = done(answer);
                        expect(&report, Outcome::Refused);
                        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
                        assert_eq!(report.findings[0].names, [1]);
                        assert!(report.receipt.jobs.is_empty() && !report.gaps.is_empty());
                        assert_eq!(begun(&world), 0, "{guard}, {address}");
                    } else {
                        pending(answer);
                        assert_eq!(begun(&world), 1, "{guard}, {address}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn confirming_one_guard_lifts_no_other() {
    let mut world = World::new().await;
    for confirmed in ["own-account", "STAFF", "staff-account-2", ""] {
        let mut request = about(SAMPLE_STAFF_CONTACT);
        request.confirmed = vec![confirmed.to_owned()];
        expect(&done(world.delete(&request, DeletionMode::Erase).await), Outcome::Refused);
    }
    assert_eq!(begun(&world), 0);
}

#[tokio::test]
async fn a_guard_that_cannot_be_tried_is_an_error_and_nothing_is_sent() {
    for (status, kind) in [(403, ErrorKind::Forbidden), (500, ErrorKind::Unavailable), (404, ErrorKind::Protocol)] {
        for endpoint in [Endpoint::Users, Endpoint::WhoAmI] {
            for mode in MODES {
                let mut world = World::new().await;
                let fault = Fault::Status(status, WaitHint::None);
                world.simulator.set_faults(vec![FaultRule::every(endpoint, fault)]);
                let error = world.delete(&about(SAMPLE_PERSON), mode).await.expect_err("no guard");
                assert_eq!(error.kind, kind, "{status} of {endpoint:?}");
                assert_eq!(begun(&world), 0);
            }
        }
    }
}

#[tokio::test]
async fn a_list_of_users_that_breaks_off_proves_nothing() {
    let mut world = World::of(Brand::sample().staff(250), Options::default(), &[]).await;
    for fault in [Fault::RepeatedCursor, Fault::EmptyBody, Fault::JsonArray, Fault::Status(500, WaitHint::None)] {
        world.simulator.set_faults(vec![
            FaultRule::nth(Endpoint::Users, 2, fault.clone()),
            FaultRule::nth(Endpoint::Users, 3, fault.clone()),
        ]);
        world.change_instance().await;
        let error = world.delete(&about(SAMPLE_PERSON), DeletionMode::Erase).await.expect_err("no guard");
        assert!(matches!(error.remedy, Remedy::Retry(_)), "{fault:?}: {error:?}");
        assert_eq!(begun(&world), 0, "{fault:?}");
    }
}

#[tokio::test]
async fn every_page_of_the_users_is_read_once_in_ten_minutes() {
    for dialects in ["", "next-page-token,last-page-absent", "next-page-links", "next-page-other-host"] {
        let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
        let mut world = World::of(Brand::sample().staff(250), options, &[]).await;
        expect(&done(world.delete(&about("Staff-00250@example.org"), DeletionMode::Erase).await), Outcome::Refused);
        assert_eq!(world.calls_of(Endpoint::Users), 3, "{dialects}");
        world.advance(Duration::from_secs(590));
        pending(world.delete(&about(SAMPLE_STRANGER), DeletionMode::Erase).await);
        assert_eq!(world.calls_of(Endpoint::Users), 3, "{dialects}");
        world.advance(Duration::from_secs(20));
        pending(world.delete(&about(SAMPLE_PERSON), DeletionMode::Erase).await);
        assert_eq!(world.calls_of(Endpoint::Users), 6, "{dialects}");
    }
}

#[tokio::test]
async fn a_phone_or_a_reference_never_widens_a_deletion() {
    let names =
        [Identifier::Phone(SAMPLE_PHONE.to_owned()), Identifier::ExternalReference(SAMPLE_REFERENCE.to_owned())];
    for mode in MODES {
        for name in &names {
            let mut world = World::new().await;
            let report = done(world.delete(&request("r", vec![name.clone()]), mode).await);
            expect(&report, Outcome::Refused);
            assert!(report.also_known_as.contains(&email(SAMPLE_PERSON)), "{:?}", report.also_known_as);
            assert_eq!(finding(&report, "no-address").state, SourceState::NotUsable);
            assert_eq!(begun(&world), 0);
        }
    }
    let mut world = World::new().await;
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    let request = request("r", vec![email(one), Identifier::Phone(SAMPLE_SHARED_PHONE.to_owned())]);
    let report = world.deleted(&request, DeletionMode::Erase).await;
    expect(&report, Outcome::Partial);
    assert_eq!(finding(&report, "no-address").names, [1]);
    assert!(world.simulator.holdings(one).is_empty());
    assert!(!world.simulator.holdings(two).is_empty(), "nobody asked for this address");
}

#[tokio::test]
async fn what_a_phone_still_finds_after_a_deletion_is_residue() {
    let mut world = World::new().await;
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    let request = request("r", vec![email(one), Identifier::Phone(SAMPLE_SHARED_PHONE.to_owned())]);
    let report = world.deleted(&request, DeletionMode::EraseAndVerify).await;
    expect(&report, Outcome::Residue);
    assert!(report.also_known_as.contains(&email(two)));
    assert!(!world.simulator.holdings(two).is_empty());
}

#[tokio::test]
async fn all_addresses_of_a_person_are_one_job() {
    let mut world = World::new().await;
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    let request = request("r", vec![email(two), email(&format!(" {}\t", one.to_uppercase())), email(one)]);
    let report = world.deleted(&request, DeletionMode::EraseAndVerify).await;
    expect(&report, Outcome::Verified);
    assert!(world.simulator.holdings(one).is_empty() && world.simulator.holdings(two).is_empty());
    let jobs: Vec<_> = world.simulator.erasures().into_iter().filter(|job| job.emails.len() == 2).collect();
    assert_eq!(jobs.len(), 2, "the erasure, and the search that verifies it");
}

#[tokio::test]
async fn a_failed_erasure_tells_its_reason_as_a_code_and_no_text() {
    for word in ["failed", "failure", "error", "cancelled", "rejected", "reason-only"] {
        for mode in MODES {
            let mut world = world_that_speaks(&format!("erasure-failed-{word}")).await;
            world.simulator.set_next_jobs(JobEnd::Fails);
            let report = world.deleted(&about(SAMPLE_PERSON), mode).await;
            expect(&report, Outcome::Failed);
            let failure = report.receipt.jobs[0].failure.as_deref().expect("a reason");
            assert!(failure.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{failure}");
            assert!(!format!("{report:?}").contains(MESSAGE_CANARY.split('@').next().unwrap_or_default()));
            assert!(!report.gaps.is_empty());
            assert!(!world.simulator.holdings(SAMPLE_PERSON).is_empty());
        }
    }
}

fn come_back(world: &World) {
    world.simulator.with_brand(|brand| {
        let contact = Contact {
            id: "CID_back00000000001".to_owned(),
            email: Some(SAMPLE_PERSON.to_owned()),
            ..Contact::default()
        };
        brand.directories[0].contacts.push(contact);
    });
}

/// Follows a verified deletion, in which the person comes back before the search that verifies it; tells how it ended,
/// and how long that took from the moment at which the erasure was seen to be over.
async fn verified_after_coming_back(world: &mut World, leave_again_after: Option<Duration>) -> (Report, Duration) {
    let request = about(SAMPLE_PERSON);
    let mut progress = world.delete(&request, DeletionMode::EraseAndVerify).await;
    let mut back_at = None;
    loop {
        let now = world.clock().since_epoch();
        match progress.expect("progress") {
            Progress::Done(report) => return (report, now - back_at.expect("it was verified")),
            Progress::Pending(pending) => {
                if pending.stage == Stage::Verifying && back_at.is_none() {
                    back_at = Some(now);
                    come_back(world);
                }
                if leave_again_after.zip(back_at).is_some_and(|(after, back)| now >= back + after) {
                    world.simulator.with_brand(|brand| {
                        brand.directories[0].contacts.retain(|contact| contact.email.as_deref() != Some(SAMPLE_PERSON));
                    });
                }
                world.advance(Duration::from_millis(pending.poll_after_ms));
                progress = world.poll(&request, &pending.ticket).await;
            }
        }
    }
}

#[tokio::test]
async fn what_is_still_there_when_the_window_is_over_is_residue() {
    for (minutes, shortest) in [("60", 3_600), ("10", 600), ("0", 0)] {
        let mut world = World::with(&[("verify-window", minutes)]).await;
        let (report, took) = verified_after_coming_back(&mut world, None).await;
        expect(&report, Outcome::Residue);
        assert!(took.as_secs() >= shortest && took.as_secs() < shortest + 2_400, "{minutes} minutes: {took:?}");
        assert_eq!(finding(&report, &format!("directory:{SAMPLE_CUSTOMERS}")).amount, Amount::Exactly(1));
        assert_eq!(operations(&report), ["erasure", "erasure-search"]);
        assert_eq!(world.erasures_of(SAMPLE_PERSON), 1, "searches alone are repeated");
    }
}

#[tokio::test]
async fn a_search_index_that_is_slow_is_given_time() {
    let mut world = World::new().await;
    let (report, _) = verified_after_coming_back(&mut world, Some(Duration::from_secs(1_200))).await;
    expect(&report, Outcome::Verified);
}

#[tokio::test]
async fn an_address_that_qualtrics_passed_over_is_residue_not_verified() {
    let mut world = world_that_speaks("addresses-done-first").await;
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    let report = world.deleted(&request("r", vec![email(one), email(two)]), DeletionMode::EraseAndVerify).await;
    expect(&report, Outcome::Residue);
}

#[tokio::test]
async fn not_saying_what_was_found_is_not_the_same_as_nothing() {
    let mut world = world_that_speaks("emails-not-found-null").await;
    let report = world.deleted(&about(SAMPLE_STRANGER), DeletionMode::Erase).await;
    expect(&report, Outcome::Erased);
    assert_eq!(finding(&report, "personal-data").amount, Amount::Unknown);
    let report = world.deleted(&about(SAMPLE_PERSON), DeletionMode::EraseAndVerify).await;
    expect(&report, Outcome::Erased);
    for dialects in ["emails-not-found-number", "emails-not-found-string", "emails-not-found-array"] {
        let mut world = world_that_speaks(dialects).await;
        let report = world.deleted(&about(SAMPLE_STRANGER), DeletionMode::Erase).await;
        expect(&report, Outcome::NothingFound);
        assert_eq!(finding(&report, "personal-data").amount, Amount::Nothing);
    }
}

#[tokio::test]
async fn counts_of_qualtrics_are_passed_on_as_findings() {
    for dialects in ["erasure-counters-members", "erasure-counters-nested"] {
        let mut world = world_that_speaks(dialects).await;
        let held = world.simulator.holdings(SAMPLE_PERSON);
        let report = world.deleted(&about(SAMPLE_PERSON), DeletionMode::Erase).await;
        let counted = |source: &str| finding(&report, source).amount;
        assert_eq!(counted("contacts"), Amount::Exactly(held.contacts as u64), "{dialects}");
        assert_eq!(counted("responses"), Amount::Exactly(held.responses as u64), "{dialects}");
        assert_eq!(counted("users"), Amount::Nothing, "{dialects}");
    }
}

#[tokio::test]
async fn the_receipt_tells_what_was_done_and_when() {
    for (mode, jobs) in MODES.into_iter().zip([1, 1, 2]) {
        let mut world = World::new().await;
        let began = world.now();
        let report = world.deleted(&request("Key-1.a:b_c", vec![email(SAMPLE_PERSON)]), mode).await;
        let receipt = &report.receipt;
        assert_eq!((receipt.request_key.as_str(), receipt.mode), ("Key-1.a:b_c", Some(mode)));
        assert!(receipt.connector.contains("qualtrics"), "{}", receipt.connector);
        assert_eq!(receipt.submitted_at, Some(began));
        assert_eq!(receipt.finished_at, world.now());
        assert_eq!(receipt.jobs.len(), jobs);
        for job in &receipt.jobs {
            let known = world.simulator.erasures().into_iter().find(|known| known.id == job.id).expect("its job");
            assert_eq!(known.search_only, job.operation == "erasure-search");
            assert_eq!((job.status.as_str(), &job.failure), ("Completed", &None));
            assert!(job.created.as_deref().is_some_and(|at| at.starts_with("2026-01-05T09:")), "{:?}", job.created);
            assert!(job.updated > job.created);
        }
        assert!(!report.gaps.is_empty());
    }
}

#[tokio::test]
async fn every_word_for_the_end_is_understood_and_every_other_one_is_not_the_end() {
    let done = ["completed", "completed-lower", "complete-upper", "done", "success", "succeeded", "finished"];
    let pending_words = ["pending", "queued", "in-progress", "in-progress-camel", "running", "null"];
    let names = done.iter().map(|word| format!("erasure-done-{word}"));
    for name in names.chain(pending_words.iter().map(|word| format!("early-erasure-200,erasure-pending-{word}"))) {
        let mut world = world_that_speaks(&name).await;
        let report = world.deleted(&about(SAMPLE_PERSON), DeletionMode::EraseAndVerify).await;
        expect(&report, Outcome::Verified);
    }
}

#[tokio::test]
async fn directories_that_cannot_be_searched_keep_a_deletion_from_being_verified() {
    let brand = Brand::sample().lite_directory("POOL_lite0000000001", "Lite");
    let mut world = World::of(brand, Options::default(), &[]).await;
    let report = world.deleted(&about(SAMPLE_PERSON), DeletionMode::EraseAndVerify).await;
    expect(&report, Outcome::Partial);
    assert_eq!(finding(&report, "directory:POOL_lite0000000001").state, SourceState::NotAvailable);
    assert!(world.simulator.holdings(SAMPLE_PERSON).is_empty());
}

/// A verified deletion that came to its verification, and an answer of Qualtrics to whoever wants to begin a search.
async fn verifying(world: &mut World, answer: Fault) -> Progress {
    let request = about(SAMPLE_PERSON);
    let begun = pending(world.delete(&request, DeletionMode::EraseAndVerify).await);
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ErasureCreate, answer)]);
    world.advance(Duration::from_secs(400));
    let waiting = pending(world.poll(&request, &begun.ticket).await);
    assert_eq!(waiting.stage, Stage::Verifying);
    Progress::Pending(waiting)
}

#[tokio::test]
async fn a_verifying_search_that_qualtrics_never_takes_ends_with_a_report_that_says_so() {
    let answers = [500, 503, 400, 404].map(|status| Fault::Status(status, WaitHint::None));
    let others = [Fault::ResetBeforeEffect, Fault::Status(404, WaitHint::Seconds(0))];
    for answer in answers.into_iter().chain(others) {
        for (minutes, shortest) in [("60", 3_600), ("0", 0)] {
            let mut world = World::with(&[("verify-window", minutes)]).await;
            let waiting = verifying(&mut world, answer.clone()).await;
            let Progress::Pending(pending) = &waiting else { panic!("given up: {waiting:?}") };
            assert!(pending.poll_after_ms >= 1_000, "{answer:?}: {} ms", pending.poll_after_ms);
            let over = world.simulator.erasures().last().expect("the erasure").updated.as_secs();
            let report = world.follow(&about(SAMPLE_PERSON), Ok(waiting)).await.expect("a report");
            expect(&report, Outcome::Partial);
            let search = finding(&report, "search-failed");
            assert_eq!((search.source.as_str(), search.state), ("personal-data", SourceState::NotAvailable));
            assert_eq!((search.amount, search.names.as_slice()), (Amount::Unknown, &[0][..]));
            assert_eq!(operations(&report), ["erasure"]);
            assert_eq!(report.receipt.jobs[0].status, "Completed");
            assert_eq!(finding(&report, &format!("directory:{SAMPLE_CUSTOMERS}")).amount, Amount::Nothing);
            let took = report.receipt.finished_at - over;
            assert!((shortest..shortest + 1_200).contains(&took), "{answer:?}, {minutes} minutes: {took} seconds");
            assert!((4..40).contains(&begun(&world)), "{answer:?}, {minutes} minutes: {} calls", begun(&world));
            assert_eq!(world.erasures_of(SAMPLE_PERSON), 1);
        }
    }
}

#[tokio::test]
async fn what_directories_still_hold_is_residue_though_qualtrics_never_takes_the_search() {
    let mut world = World::with(&[("verify-window", "10")]).await;
    let waiting = verifying(&mut world, Fault::Status(500, WaitHint::None)).await;
    come_back(&world);
    let report = world.follow(&about(SAMPLE_PERSON), Ok(waiting)).await.expect("a report");
    expect(&report, Outcome::Residue);
    assert_eq!(finding(&report, "search-failed").state, SourceState::NotAvailable);
    assert_eq!(finding(&report, &format!("directory:{SAMPLE_CUSTOMERS}")).amount, Amount::Exactly(1));
}

#[tokio::test]
async fn a_verifying_search_is_given_up_for_no_limit_and_not_before_the_window_is_over() {
    let busy = Fault::Status(429, WaitHint::Seconds(60));
    for (answer, minutes, polls) in [(busy, "0", 10), (Fault::Status(500, WaitHint::None), "60", 6)] {
        let mut world = World::with(&[("verify-window", minutes)]).await;
        let request = about(SAMPLE_PERSON);
        let mut waiting = verifying(&mut world, answer).await;
        for _ in 0..polls {
            let Progress::Pending(pending) = waiting else { panic!("given up: {waiting:?}") };
            world.change_instance().await;
            world.advance(Duration::from_millis(pending.poll_after_ms));
            waiting = world.poll(&request, &pending.ticket).await.expect("progress");
        }
        world.simulator.set_faults(Vec::new());
        let report = world.follow(&request, Ok(waiting)).await.expect("a report");
        expect(&report, Outcome::Verified);
        assert_eq!(operations(&report), ["erasure", "erasure-search"]);
    }
}

#[tokio::test]
async fn verifying_searches_that_qualtrics_forgets_one_after_another_end_with_a_report_that_says_so() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let mut progress = world.delete(&request, DeletionMode::EraseAndVerify).await.expect("begun");
    let mut polls = 0;
    let report = loop {
        match progress {
            Progress::Done(report) => break report,
            Progress::Pending(pending) => {
                if pending.stage == Stage::Verifying {
                    world.simulator.forget_jobs();
                }
                world.advance(Duration::from_millis(pending.poll_after_ms));
                progress = world.poll(&request, &pending.ticket).await.expect("progress");
            }
        }
        polls += 1;
        assert!(polls < 50, "no end");
    };
    expect(&report, Outcome::Partial);
    assert_eq!(finding(&report, "search-failed").state, SourceState::NotAvailable);
    assert_eq!(operations(&report), ["erasure"]);
    assert_eq!(world.simulator.holdings(SAMPLE_PERSON).contacts, 0);
}
