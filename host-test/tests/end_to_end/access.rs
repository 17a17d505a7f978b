//! What Qualtrics holds on a person, found and read.

use std::collections::BTreeSet;
use std::time::Duration;

use host_test::host::contract::{
    Amount, Content, Document, ErrorKind, Finding, Identifier, Outcome, Progress, Remedy, Report, Request, SourceState,
    Stage, Task,
};
use host_test::simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, JobEnd, Options, SAMPLE_CUSTOMERS, SAMPLE_PARTNERS, SAMPLE_PERSON,
    SAMPLE_PHONE, SAMPLE_REFERENCE, SAMPLE_RESPONDENT, SAMPLE_SHARED_PHONE, SAMPLE_SHARED_REFERENCE, SAMPLE_STRANGER,
    SAMPLE_TWO_ADDRESSES, SAMPLE_TYPED_ADDRESS, WaitHint,
};
use serde_json::Value;

use crate::remedies::{Row, assert_is_of};
use crate::world::{World, about, discreet, done, email, expect, finding, in_passing_time, pending, request};

const RESPONSES: &str = "survey-responses";
const CROWD_PHONE: &str = "+12025559999";

fn directory(id: &str) -> String {
    format!("directory:{id}")
}

fn phone(number: &str) -> Identifier {
    Identifier::Phone(number.to_owned())
}

fn reference(text: &str) -> Identifier {
    Identifier::ExternalReference(text.to_owned())
}

fn contact_of(document: &Document) -> Value {
    let Content::Inline(bytes) = &document.content else { panic!("an inline contact") };
    serde_json::from_slice(bytes).expect("JSON")
}

fn contacts(report: &Report) -> Vec<Value> {
    let documents = report.documents.iter().filter(|document| document.source.starts_with("directory:"));
    documents.map(contact_of).collect()
}

fn codes(report: &Report) -> Vec<&str> {
    report.findings.iter().filter_map(|finding| finding.code.as_deref()).collect()
}

/// What a directory says about names, which are indices into the request's subject.
#[track_caller]
fn says_of<'r>(report: &'r Report, source: &str, names: &[u32]) -> &'r Finding {
    let found = report.findings.iter().find(|finding| finding.source == source && finding.names == names);
    found.unwrap_or_else(|| panic!("a finding of {source} about {names:?} among {:#?}", report.findings))
}

/// Follows a request to its last word while time passes even within a call, and counts the polls.
async fn patiently(world: &mut World, request: &Request) -> (Report, u32) {
    let mut progress = world.access(request).await;
    for polls in 0..30 {
        let pending = match progress.unwrap_or_else(|error| panic!("{error:#?}")) {
            Progress::Done(report) => return (report, polls),
            Progress::Pending(pending) => pending,
        };
        world.advance(Duration::from_millis(pending.poll_after_ms));
        let task = Task { request: request.clone(), ticket: pending.ticket };
        let clock = world.clock();
        let mut answers = in_passing_time(&clock, world.instance.poll(&[task])).await.expect("an answer");
        progress = discreet(request, answers.remove(0));
    }
    panic!("30 polls, and no last word");
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
    assert_eq!((found.state, found.amount, found.names.clone()), (SourceState::Searched, Amount::Exactly(1), vec![0]));
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

#[tokio::test]
async fn every_name_is_looked_for_in_every_directory_and_no_contact_is_told_twice() {
    let mut world = World::new().await;
    let [one, other] = SAMPLE_TWO_ADDRESSES;
    let subject = vec![
        email(one),
        phone(SAMPLE_SHARED_PHONE),
        email(&format!(" {} ", other.to_uppercase())),
        reference(SAMPLE_SHARED_REFERENCE),
        email(&one.to_uppercase()),
    ];
    let report = world.accessed(&request("r", subject)).await;
    expect(&report, Outcome::Found);
    for id in [SAMPLE_CUSTOMERS, SAMPLE_PARTNERS] {
        for (names, count) in [(vec![0, 4], 1), (vec![1], 2), (vec![2], 1), (vec![3], 2)] {
            let finding = says_of(&report, &directory(id), &names);
            assert_eq!((finding.state, &finding.amount), (SourceState::Searched, &Amount::Exactly(count)), "{names:?}");
        }
    }
    let export = finding(&report, RESPONSES);
    assert_eq!((&export.amount, export.names.as_slice()), (&Amount::SomeData, &[0, 2, 4][..]));
    assert_eq!(contacts(&report).len(), 4);
    let names: BTreeSet<&str> = report.documents.iter().map(|document| document.name.as_str()).collect();
    assert_eq!(names.len(), 5, "unique names: {names:?}");
    assert!(report.also_known_as.is_empty(), "every name was given");
    // One job for all addresses, each sent once, as they are compared.
    let jobs = world.simulator.exports();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].emails, [other, one]);
    assert_eq!(report.receipt.jobs[0].id, jobs[0].id);
    let expected = world.simulator.expected_export(&[other, one]).remove(0).content.to_vec();
    assert_eq!(world.bytes(&report.documents[0], 100_000).await, expected);
}

#[tokio::test]
async fn a_search_is_followed_through_all_its_pages() {
    // A page holds a hundred; a full last page leads to an empty one.
    for (count, pages) in [(150, 2), (200, 3)] {
        let brand = Brand::sample().crowd(SAMPLE_CUSTOMERS, count, CROWD_PHONE);
        let mut world = World::of_brand(brand, "").await;
        let report = world.accessed(&request("r", vec![phone(CROWD_PHONE)])).await;
        expect(&report, Outcome::Partial);
        assert_eq!(codes(&report), ["no-address"]);
        assert_eq!(finding(&report, &directory(SAMPLE_CUSTOMERS)).amount, Amount::Exactly(count.into()));
        assert_eq!(finding(&report, &directory(SAMPLE_PARTNERS)).amount, Amount::Nothing);
        let ids: BTreeSet<String> = contacts(&report).iter().map(|contact| contact["contactId"].to_string()).collect();
        assert_eq!(ids.len(), count as usize);
        assert_eq!(world.calls_of(Endpoint::ContactSearch), pages + 1);
        assert!(report.also_known_as.iter().all(|name| matches!(name, Identifier::Email(_))));
        assert_eq!(world.calls_of(Endpoint::ExportCreate), 0, "there is no export without an address");
    }
}

#[tokio::test]
async fn of_a_thousand_contacts_and_more_the_first_thousand_are_the_answer_and_what_does_not_fit_is_remote() {
    let brand = Brand::sample().crowd(SAMPLE_CUSTOMERS, 1_050, CROWD_PHONE);
    let mut world = World::of_brand(brand, "").await;
    world.simulator.with_brand(|brand| {
        for (n, contact) in brand.directories[0].contacts.iter_mut().enumerate() {
            // One is too long for a report by itself; all together they are, too.
            let length = if n == 30 { 70_000 } else { 1_500 };
            contact.embedded_data.insert("Notes".to_owned(), "x".repeat(length));
        }
    });
    let report = world.accessed(&request("r", vec![phone(CROWD_PHONE)])).await;
    expect(&report, Outcome::Partial);
    let found = finding(&report, &directory(SAMPLE_CUSTOMERS));
    assert_eq!((found.code.as_deref(), &found.amount), (Some("too-many"), &Amount::SomeData));
    assert_eq!(report.documents.len(), 1_000);
    let inline = |document: &&Document| matches!(document.content, Content::Inline(_));
    let lengths = report.documents.iter().filter_map(|document| match &document.content {
        Content::Inline(bytes) => Some(bytes.len()),
        Content::Remote(_) => None,
    });
    let lengths: Vec<usize> = lengths.collect();
    assert!(lengths.iter().all(|length| *length <= 64 * 1024));
    let together: usize = lengths.iter().sum();
    assert!((900_000..=1024 * 1024).contains(&together), "{together} bytes inline");
    let names: BTreeSet<&str> = report.documents.iter().map(|document| document.name.as_str()).collect();
    assert_eq!(names.len(), 1_000);
    // Read from afar, on another instance, a contact is told just as it is in a report.
    let near = report.documents.iter().find(inline).expect("an inline contact");
    let shape = |contact: &Value| -> Vec<String> { contact.as_object().expect("an object").keys().cloned().collect() };
    let near = contact_of(near);
    world.change_instance().await;
    let far: Vec<&Document> = report.documents.iter().filter(|document| !inline(document)).collect();
    for document in [far[0], far[far.len() / 2], far[far.len() - 1]] {
        let contact: Value = serde_json::from_slice(&world.bytes(document, 1_000).await).expect("JSON");
        assert_eq!(shape(&contact), shape(&near));
        assert_eq!(contact["phone"], CROWD_PHONE);
        assert_eq!(directory(contact["directoryId"].as_str().expect("an id")), document.source);
    }
}

#[tokio::test]
async fn a_remote_contact_is_the_same_document_as_an_inline_one() {
    for dialects in
        ["contact-dates-epoch-ms", "contact-dates-iso,dates-fraction", "dates-epoch-ms", "contact-nulls-absent"]
    {
        let mut world = World::speaking(dialects).await;
        let near = contacts(&world.accessed(&about(SAMPLE_PERSON)).await);
        world.simulator.set_faults(vec![FaultRule::every(Endpoint::Contact, Fault::Status(503, WaitHint::None))]);
        let (report, _) = patiently(&mut world, &about(SAMPLE_PERSON)).await;
        expect(&report, Outcome::Found);
        world.simulator.set_faults(Vec::new());
        for (document, near) in report.documents[1..].iter().zip(near) {
            assert!(matches!(document.content, Content::Remote(_)), "it is read when it can be");
            let far: Value = serde_json::from_slice(&world.bytes(document, 100).await).expect("JSON");
            assert_eq!(far, near, "{dialects}");
        }
    }
}

#[tokio::test]
async fn a_remote_contact_that_changed_or_went_away_is_not_mixed_up() {
    let mut world = World::new().await;
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::Contact, Fault::Status(503, WaitHint::None))]);
    let (report, _) = patiently(&mut world, &about(SAMPLE_PERSON)).await;
    world.simulator.set_faults(Vec::new());
    let Content::Remote(remote) = report.documents[1].content.clone() else { panic!("remote") };
    let first = world.read(&remote, 0, 10).await.expect("a piece");
    assert_eq!((first.bytes.len(), first.last), (10, false));
    world.simulator.with_brand(|brand| {
        for contact in &mut brand.directories[0].contacts {
            contact.created += 1_000;
        }
    });
    world.change_instance().await;
    let error = world.read(&remote, 10, 10).await.expect_err("changed");
    assert_eq!((error.kind, error.remedy), (ErrorKind::UnknownJob, Remedy::Restart));
    world.simulator.with_brand(|brand| brand.directories[0].contacts.clear());
    let error = world.read(&remote, 10, 10).await.expect_err("gone");
    assert_eq!((error.kind, error.remedy), (ErrorKind::UnknownJob, Remedy::Restart));
}

#[tokio::test]
async fn a_name_of_another_kind_is_said_to_be_of_no_use() {
    let mut world = World::new().await;
    let other = Identifier::Other(("loyalty-card".to_owned(), "LC-0042-17".to_owned()));
    let report = world.accessed(&request("r", vec![other.clone(), email(SAMPLE_PERSON)])).await;
    expect(&report, Outcome::Partial);
    let unusable = finding(&report, "all");
    assert_eq!((unusable.state, unusable.names.as_slice()), (SourceState::NotUsable, &[0][..]));
    assert_eq!(report.documents.len(), 3, "what can be used is used");
    let report = world.accessed(&request("r", vec![other])).await;
    expect(&report, Outcome::Partial);
    assert!(report.documents.is_empty());
}

#[tokio::test]
async fn malformed_names_are_told_by_their_place_and_not_by_their_value() {
    let mut world = World::new().await;
    let subject = vec![
        email("somebody.without.domain"),
        email(SAMPLE_PERSON),
        phone("0049-not-a-number"),
        reference(" \t "),
        Identifier::Other(("".to_owned(), "value-of-nothing".to_owned())),
        email("two@signs@example.org"),
    ];
    let error = world.access(&request("bad key!", subject)).await.expect_err("malformed");
    assert_eq!((error.kind, error.remedy), (ErrorKind::InvalidRequest, Remedy::GiveUp));
    let subjects: Vec<&str> = error.problems.iter().map(|problem| problem.subject.as_str()).collect();
    assert_eq!(subjects, ["key", "subject[0]", "subject[2]", "subject[3]", "subject[4]", "subject[5]"]);
    let nobody = world.access(&request("r", Vec::new())).await.expect_err("nobody");
    assert_eq!(nobody.kind, ErrorKind::InvalidRequest);
    let many = world.access(&request("r", vec![email(SAMPLE_PERSON); 65])).await.expect_err("too many");
    assert_eq!(many.kind, ErrorKind::InvalidRequest);
    assert!(world.simulator.calls().is_empty(), "nothing was asked of Qualtrics");
}

#[tokio::test]
async fn names_that_contacts_bear_are_offered_and_not_followed() {
    let mut world = World::new().await;
    let report = world.accessed(&about(SAMPLE_TWO_ADDRESSES[0])).await;
    expect(&report, Outcome::Found);
    assert_eq!(report.also_known_as, [phone(SAMPLE_SHARED_PHONE), reference(SAMPLE_SHARED_REFERENCE)]);
    assert!(contacts(&report).iter().all(|contact| contact["email"] == SAMPLE_TWO_ADDRESSES[0]));
    let report = world.accessed(&request("r", vec![reference(SAMPLE_SHARED_REFERENCE)])).await;
    expect(&report, Outcome::Partial);
    for address in SAMPLE_TWO_ADDRESSES {
        assert!(report.also_known_as.contains(&email(address)), "{:?}", report.also_known_as.len());
    }
    assert_eq!(world.simulator.exports().len(), 1, "no export was made for an address that was only offered");
}

#[tokio::test]
async fn strangers_whom_a_filter_that_is_ignored_lets_through_are_in_no_document() {
    let brand = Brand::sample().crowd(SAMPLE_CUSTOMERS, 150, CROWD_PHONE);
    let mut world = World::of_brand(brand, "").await;
    for dialects in ["", "contact-nulls-absent"] {
        world.simulator.set_dialects(Dialects::parse(dialects).unwrap());
        world.simulator.set_faults(vec![FaultRule::every(Endpoint::ContactSearch, Fault::IgnoredFilter)]);
        let of_person = |contact: &Value| contact["email"] == SAMPLE_PERSON;
        for name in [email(SAMPLE_PERSON), phone(SAMPLE_PHONE), reference(SAMPLE_REFERENCE)] {
            let report = world.accessed(&request("r", vec![name.clone()])).await;
            expect(&report, Outcome::Partial);
            assert!(contacts(&report).iter().all(of_person), "a stranger was found");
            assert!(report.also_known_as.len() <= 2, "{}", report.also_known_as.len());
            assert!(codes(&report).contains(&"unreliable-search"));
        }
        let report = world.accessed(&about(SAMPLE_STRANGER)).await;
        expect(&report, Outcome::Partial);
        assert!(report.documents.is_empty() && report.also_known_as.is_empty());
    }
}

#[tokio::test]
async fn a_directory_that_may_not_be_read_makes_the_answer_partial() {
    for (fault, state, code) in [
        (Fault::Status(403, WaitHint::None), SourceState::NotPermitted, "not-permitted"),
        (Fault::Status(400, WaitHint::None), SourceState::NotAvailable, "not-searchable"),
        (Fault::RepeatedCursor, SourceState::NotAvailable, "endless-search"),
    ] {
        let mut world = World::new().await;
        let twice = fault == Fault::RepeatedCursor;
        let rule = if twice { FaultRule::every } else { |endpoint, fault| FaultRule::nth(endpoint, 1, fault) };
        world.simulator.set_faults(vec![rule(Endpoint::ContactSearch, fault)]);
        let report = world.accessed(&about(SAMPLE_PERSON)).await;
        expect(&report, Outcome::Partial);
        let troubled = report.findings.iter().find(|finding| finding.code.as_deref() == Some(code));
        assert_eq!(troubled.map(|finding| finding.state), Some(state), "{:#?}", report.findings);
        assert!(contacts(&report).len() >= if twice { 2 } else { 1 }, "the rest is there");
        assert_eq!(finding(&report, RESPONSES).amount, Amount::SomeData);
    }
}

#[tokio::test]
async fn an_xm_directory_lite_is_said_to_be_out_of_reach() {
    for (dialects, state) in [
        ("lite-directory-400", SourceState::NotAvailable),
        ("lite-directory-403", SourceState::NotPermitted),
        ("lite-directory-404", SourceState::NotAvailable),
    ] {
        let brand = Brand::sample().lite_directory("POOL_2cLite00000003", "Lite");
        let mut world = World::of_brand(brand, dialects).await;
        let report = world.accessed(&about(SAMPLE_PERSON)).await;
        expect(&report, Outcome::Partial);
        let lite = finding(&report, "directory:POOL_2cLite00000003");
        assert_eq!((lite.state, &lite.amount), (state, &Amount::Unknown), "{dialects}");
        assert_eq!(contacts(&report).len(), 2);
    }
}

#[tokio::test]
async fn a_source_that_does_not_answer_is_asked_a_few_times_and_then_reported() {
    let down = |endpoint| vec![FaultRule::every(endpoint, Fault::Status(500, WaitHint::None))];
    for (endpoint, source, code) in [
        (Endpoint::ContactSearch, directory(SAMPLE_PARTNERS), "not-answering"),
        (Endpoint::Directories, "directories".to_owned(), "not-answering"),
        (Endpoint::ExportFile, RESPONSES.to_owned(), "file-not-answering"),
    ] {
        let mut world = World::new().await;
        world.simulator.set_faults(down(endpoint));
        let (report, polls) = patiently(&mut world, &about(SAMPLE_PERSON)).await;
        expect(&report, Outcome::Partial);
        let silent = finding(&report, &source);
        assert_eq!((silent.state, silent.code.as_deref()), (SourceState::NotAvailable, Some(code)));
        assert!((4..=10).contains(&polls), "{polls} polls");
        assert!(!report.documents.is_empty(), "what answered is there");
    }
    // Trouble that is over after a while leaves no trace.
    let mut world = World::new().await;
    world.simulator.set_faults(vec![FaultRule::first(Endpoint::ContactSearch, 6, Fault::Status(500, WaitHint::None))]);
    let (report, _) = patiently(&mut world, &about(SAMPLE_PERSON)).await;
    expect(&report, Outcome::Found);
    // A file that could not be looked at can be read when it answers again.
    let mut world = World::new().await;
    world.simulator.set_faults(down(Endpoint::ExportFile));
    let (report, _) = patiently(&mut world, &about(SAMPLE_PERSON)).await;
    world.simulator.set_faults(Vec::new());
    let expected = world.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content.to_vec();
    assert_eq!(world.bytes(&report.documents[0], 100_000).await, expected);
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_also_by_a_request_that_has_no_tries_left() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let mut ticket = pending(world.access(&request).await).ticket;
    world.advance(Duration::from_secs(300));
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ContactSearch, Fault::Status(500, WaitHint::None))]);
    for _ in 0..3 {
        ticket = pending(world.poll(&request, &ticket).await).ticket;
    }
    let limited = Fault::Status(429, WaitHint::Seconds(40));
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, limited)]);
    for _ in 0..3 {
        let error = world.poll(&request, &ticket).await.expect_err("a limit");
        assert_eq!((error.kind, error.remedy), (ErrorKind::RateLimited, Remedy::Retry(40_000)));
    }
    world.simulator.set_faults(Vec::new());
    let Ok(Progress::Done(report)) = world.poll(&request, &ticket).await else { panic!("no report") };
    expect(&report, Outcome::Found);
}

#[tokio::test]
async fn pages_that_repeat_are_no_list_of_directories() {
    let mut world = World::new().await;
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::Directories, Fault::RepeatedCursor)]);
    let (report, _) = patiently(&mut world, &about(SAMPLE_PERSON)).await;
    expect(&report, Outcome::Partial);
    assert_eq!(finding(&report, "directories").state, SourceState::NotAvailable);
}

#[tokio::test]
async fn trouble_while_an_export_is_asked_for_is_told_and_the_ticket_stays_good() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let begun = pending(world.access(&request).await);
    for (fault, kind) in [
        (Fault::Status(503, WaitHint::None), ErrorKind::Unavailable),
        (Fault::Status(429, WaitHint::Seconds(40)), ErrorKind::RateLimited),
        (Fault::Html, ErrorKind::Protocol),
        (Fault::ResetAfterEffect, ErrorKind::Unavailable),
    ] {
        world.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportProgress, fault.clone())]);
        let error = world.poll(&request, &begun.ticket).await.expect_err("trouble");
        assert_eq!(error.kind, kind, "{fault:?}");
        let Remedy::Retry(after) = error.remedy else { panic!("{fault:?}: {:?}", error.remedy) };
        assert!(after >= if kind == ErrorKind::RateLimited { 40_000 } else { 1_000 }, "{fault:?}: {after} ms");
    }
    world.simulator.set_faults(Vec::new());
    let report = world.follow(&request, Ok(Progress::Pending(begun))).await.expect("a report");
    expect(&report, Outcome::Found);
}

#[tokio::test]
async fn a_small_share_of_the_limits_makes_requests_slow_and_not_endless() {
    for share in ["1", "2", "10"] {
        let settings = [("rate-share", share)];
        let brand = Brand::sample().many_directories(20);
        let mut world = World::of(brand, Options::default(), &settings).await;
        let subject = vec![email(SAMPLE_PERSON), phone(SAMPLE_PHONE), reference(SAMPLE_REFERENCE)];
        let (report, polls) = patiently(&mut world, &request("r", subject)).await;
        assert!(matches!(report.outcome, Outcome::Found | Outcome::Partial), "{share} %: {:?}", report.outcome);
        assert!(polls <= 20, "{share} %: {polls} polls");
        assert_eq!(world.simulator.ratelimited_count(), 0, "{share} %");
        let expected = world.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content.to_vec();
        // The next one begins with nothing left of the share.
        let (_, polls) = patiently(&mut world, &request("s", vec![email(SAMPLE_PERSON), phone(SAMPLE_PHONE)])).await;
        assert!(polls <= 20, "{share} %: {polls} polls");
        world.advance(Duration::from_secs(120));
        assert_eq!(world.bytes(&report.documents[0], 100_000).await, expected, "{share} %");
    }
}

#[tokio::test]
async fn requests_that_share_a_small_budget_wait_for_each_other_and_come_to_an_end() {
    let brand = Brand::sample().many_directories(20);
    let mut world = World::of(brand, Options::default(), &[("rate-share", "10")]).await;
    let names = [email(SAMPLE_PERSON), phone(SAMPLE_PHONE), reference(SAMPLE_REFERENCE)];
    let requests: Vec<Request> = (0..3).map(|n| request(&format!("r{n}"), names.to_vec())).collect();
    let mut open = Vec::new();
    for request in requests {
        let begun = pending(world.access(&request).await);
        // So far apart that whoever comes finds half of the share.
        let due = world.clock().since_epoch() + Duration::from_secs(200 + 30 * open.len() as u64);
        open.push((due, Task { request, ticket: begun.ticket }));
    }
    for _ in 0..20 {
        let next = open.iter().map(|(due, _)| *due).min().expect("a task");
        world.advance(next.saturating_sub(world.clock().since_epoch()));
        let now = world.clock().since_epoch();
        let (ready, mut later): (Vec<_>, Vec<_>) = open.into_iter().partition(|(due, _)| *due <= now);
        let ready: Vec<Task> = ready.into_iter().map(|(_, task)| task).collect();
        let clock = world.clock();
        let answers = in_passing_time(&clock, world.instance.poll(&ready)).await.expect("answers");
        for (task, answer) in ready.into_iter().zip(answers) {
            if let Progress::Pending(pending) = answer.unwrap_or_else(|error| panic!("{error:#?}")) {
                let due = world.clock().since_epoch() + Duration::from_millis(pending.poll_after_ms);
                later.push((due, Task { ticket: pending.ticket, ..task }));
            }
        }
        open = later;
        if open.is_empty() {
            return;
        }
    }
    panic!("20 polls, and {} of three without a last word", open.len());
}

#[tokio::test]
async fn an_export_that_failed_leaves_the_contacts_and_a_receipt() {
    for dialects in [
        "export-words-camel",
        "export-words-snake",
        "export-words-title",
        "export-words-succeeded",
        "export-words-finished",
    ] {
        let mut world = World::speaking(dialects).await;
        world.simulator.set_next_jobs(JobEnd::Fails);
        let report = world.accessed(&about(SAMPLE_PERSON)).await;
        expect(&report, Outcome::Partial);
        let export = finding(&report, RESPONSES);
        assert_eq!((export.state, export.code.as_deref()), (SourceState::NotAvailable, Some("export-failed")));
        assert_eq!(contacts(&report).len(), 2);
        assert_eq!(report.receipt.jobs[0].failure.as_deref(), Some("unspecified"), "{dialects}");
        assert!(!report.receipt.jobs[0].status.is_empty());
    }
    // Where nothing else answers, the failure is the whole story.
    let mut world = World::speaking("xm-directory-404").await;
    world.simulator.set_next_jobs(JobEnd::Fails);
    let report = world.accessed(&about(SAMPLE_PERSON)).await;
    expect(&report, Outcome::Failed);
    assert!(report.receipt.jobs[0].failure.is_some());
}

#[tokio::test]
async fn a_file_that_is_gone_makes_the_answer_partial() {
    let mut world = World::new().await;
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::Status(404, WaitHint::None))]);
    let report = world.accessed(&about(SAMPLE_PERSON)).await;
    expect(&report, Outcome::Partial);
    assert_eq!(finding(&report, RESPONSES).code.as_deref(), Some("file-gone"));
    assert_eq!(contacts(&report).len(), 2);
    // As does one that may not be read.
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::Status(403, WaitHint::None))]);
    let report = world.accessed(&about(SAMPLE_PERSON)).await;
    expect(&report, Outcome::Partial);
    assert_eq!(finding(&report, RESPONSES).state, SourceState::NotPermitted);
}

#[tokio::test]
async fn every_file_of_an_export_is_a_document() {
    for names in ["file-ids-file-id", "file-ids-file-ids", "file-ids-files", "file-ids-files-id", "file-ids-files-name"]
    {
        let mut world = World::speaking(&format!("file-count-several,{names}")).await;
        let report = world.accessed(&about(SAMPLE_PERSON)).await;
        expect(&report, Outcome::Found);
        let expected = world.simulator.expected_export(&[SAMPLE_PERSON]);
        let files: Vec<&Document> = report.documents.iter().filter(|document| document.source == RESPONSES).collect();
        assert_eq!(files.len(), expected.len(), "{names}");
        for (file, expected) in files.iter().zip(expected) {
            assert_eq!(world.bytes(file, 50).await, expected.content.to_vec(), "{names}");
            assert_eq!(file.size, Some(expected.content.len()));
        }
    }
}

#[tokio::test]
async fn files_are_named_for_what_they_are() {
    for (dialects, extension, media_type) in [
        ("file-format-json", "json", "application/json"),
        ("file-format-octet-stream", "json", "application/json"),
        ("file-format-ndjson", "ndjson", "application/x-ndjson"),
        ("file-format-csv", "csv", "text/csv"),
        ("file-format-zip,file-name-address", "zip", "application/zip"),
        ("file-format-gzip,file-accept-octet-stream,file-transfer-chunked", "gz", "application/gzip"),
    ] {
        let mut world = World::speaking(dialects).await;
        let report = world.accessed(&about(SAMPLE_PERSON)).await;
        let file = &report.documents[0];
        assert_eq!((file.name.as_str(), file.media_type.as_str()), (&*format!("export-01.{extension}"), media_type));
        let expected = world.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content.to_vec();
        assert_eq!(world.bytes(file, 100).await, expected, "{dialects}");
    }
}

#[tokio::test]
async fn an_export_of_nothing_is_nothing_whether_it_has_a_file_or_not() {
    for dialects in
        ["no-data-no-files", "no-data-empty-file", "no-data-empty-file,file-format-ndjson,file-transfer-chunked"]
    {
        for address in [SAMPLE_STRANGER, SAMPLE_TYPED_ADDRESS] {
            let mut world = World::speaking(dialects).await;
            let report = world.accessed(&about(address)).await;
            expect(&report, Outcome::NothingFound);
            assert_eq!(finding(&report, RESPONSES).amount, Amount::Nothing, "{dialects}");
            assert!(report.documents.is_empty(), "{dialects}");
            assert!(report.gaps.iter().any(|gap| gap.code == "typed-addresses"), "what this cannot reach is said");
        }
    }
    let mut world = World::new().await;
    let report = world.accessed(&about(SAMPLE_RESPONDENT)).await;
    expect(&report, Outcome::Found);
    assert_eq!(report.documents.len(), 1, "an export, and no contact");
}

#[tokio::test]
async fn where_an_export_takes_one_address_there_is_one_for_each() {
    let mut world = World::speaking("export-body-email").await;
    let [one, other] = SAMPLE_TWO_ADDRESSES;
    let request = request("r", vec![email(one), email(SAMPLE_STRANGER), email(other)]);
    let report = world.accessed(&request).await;
    expect(&report, Outcome::Found);
    let jobs = world.simulator.exports();
    let addresses: BTreeSet<&str> = jobs.iter().flat_map(|job| &job.emails).map(String::as_str).collect();
    assert_eq!((jobs.len(), addresses), (3, BTreeSet::from([one, other, SAMPLE_STRANGER])));
    for (index, amount) in [(0, Amount::SomeData), (1, Amount::Nothing), (2, Amount::SomeData)] {
        assert_eq!(says_of(&report, RESPONSES, &[index]).amount, amount, "name {index}");
    }
    assert_eq!(report.receipt.jobs.len(), 3);
    let expected = world.simulator.expected_export(&[other]).remove(0).content.to_vec();
    assert_eq!(world.bytes(&report.documents[0], 100).await, expected, "in the order of the sorted addresses");
    // One of them is refused: others may have been begun, and nobody holds their tickets.
    world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ExportCreate, 3, Fault::Status(503, WaitHint::None))]);
    let error = world.access(&request).await.expect_err("a lost export");
    assert_eq!(error.kind, ErrorKind::OutcomeUnknown);
    let again = Request { first_attempt_at: Some(world.now()), ..request };
    expect(&world.accessed(&again).await, Outcome::Found);
}

/// A world whose exports take one address each, with a share of ten of them a minute.
async fn world_of_ten_exports_a_minute() -> World {
    let dialects = Dialects::parse("export-body-email").expect("a dialect");
    World::of(Brand::sample(), Options { dialects, ..Options::default() }, &[("rate-share", "10")]).await
}

fn request_of(key: &str, addresses: usize) -> Request {
    request(key, (0..addresses).map(|n| email(&format!("{key}-{n}@example.org"))).collect())
}

#[tokio::test]
async fn exports_of_one_address_each_are_begun_all_or_none_and_after_the_wait_that_is_told() {
    let mut world = world_of_ten_exports_a_minute().await;
    pending(world.access(&request_of("first", 6)).await);
    assert_eq!(world.simulator.exports().len(), 6);
    let second = request_of("second", 6);
    let error = world.access(&second).await.expect_err("four were left, and the list took one of them");
    assert_is_of(Row::RateLimited, &error);
    let Remedy::Retry(wait) = error.remedy else { panic!("{error:?}") };
    assert_eq!(world.simulator.exports().len(), 6, "nothing was begun in vain");
    world.advance(Duration::from_millis(wait));
    let begun = world.access(&second).await;
    assert_eq!(world.simulator.exports().len(), 12, "{begun:?}");
    expect(&world.follow(&second, begun).await.expect("a report"), Outcome::NothingFound);
    assert_eq!(world.simulator.ratelimited_count(), 0);
}

#[tokio::test]
async fn more_exports_than_the_share_ever_allows_at_once_call_for_a_person() {
    let mut world = world_of_ten_exports_a_minute().await;
    let error = world.access(&request_of("many", 10)).await.expect_err("the list takes one of ten");
    assert_is_of(Row::SmallShare, &error);
    assert_eq!((error.problems[0].code.as_str(), error.problems[0].subject.as_str()), ("setting", "rate-share"));
    assert!(world.simulator.exports().is_empty(), "nothing was begun in vain");
    world.advance(Duration::from_secs(60));
    pending(world.access(&request_of("nine", 9)).await);
    assert_eq!(world.simulator.exports().len(), 9);
}

#[tokio::test]
async fn an_export_that_may_or_may_not_have_begun_is_simply_begun_again() {
    for fault in [
        Fault::ResetAfterEffect,
        Fault::Status(500, WaitHint::None),
        Fault::StatusAfterEffect(504, WaitHint::None),
        Fault::EmptyBody,
        Fault::Html,
        Fault::HalfAnswer,
    ] {
        let mut world = World::new().await;
        world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ExportCreate, 1, fault.clone())]);
        let error = world.access(&about(SAMPLE_PERSON)).await.expect_err("lost");
        assert_eq!(error.kind, ErrorKind::OutcomeUnknown, "{fault:?}");
        assert!(matches!(error.remedy, Remedy::Retry(1..)), "{fault:?}");
        assert_eq!(world.calls_of(Endpoint::ExportCreate), 1, "{fault:?}: that is for the host to do");
        let again = Request { first_attempt_at: Some(world.now()), ..about(SAMPLE_PERSON) };
        expect(&world.accessed(&again).await, Outcome::Found);
    }
}

#[tokio::test]
async fn an_export_that_qualtrics_forgot_is_begun_anew_after_one_more_look() {
    for dialects in ["not-found-404", "not-found-400"] {
        let mut world = World::speaking(dialects).await;
        let request = about(SAMPLE_PERSON);
        let begun = pending(world.access(&request).await);
        let begun = pending(world.poll(&request, &begun.ticket).await);
        world.simulator.forget_jobs();
        world.advance(Duration::from_secs(60));
        let missed = pending(world.poll(&request, &begun.ticket).await);
        world.advance(Duration::from_secs(60));
        let error = world.poll(&request, &missed.ticket).await.expect_err("forgotten");
        assert_eq!((error.kind, error.remedy), (ErrorKind::UnknownJob, Remedy::Restart), "{dialects}");
        expect(&world.accessed(&request).await, Outcome::Found);
    }
}

#[tokio::test]
async fn an_export_that_takes_too_long_asks_for_a_person() {
    let mut world = World::new().await;
    world.simulator.set_next_jobs(JobEnd::NeverEnds);
    let request = about(SAMPLE_PERSON);
    let begun = pending(world.access(&request).await);
    assert_eq!(begun.submitted_at, Some(world.now()));
    world.advance(Duration::from_secs(23 * 3_600));
    let waiting = pending(world.poll(&request, &begun.ticket).await);
    assert_eq!((waiting.attention, waiting.vendor_status.as_deref()), (None, Some("inProgress")));
    world.advance(Duration::from_secs(2 * 3_600));
    let overdue = pending(world.poll(&request, &begun.ticket).await);
    assert_eq!(overdue.attention.expect("attention").code, "overdue");
    assert_eq!(overdue.submitted_at, begun.submitted_at);
}

#[tokio::test]
async fn a_state_that_nobody_knows_counts_as_unfinished_and_asks_for_a_person() {
    let mut world = World::speaking("export-words-unheard").await;
    let request = about(SAMPLE_PERSON);
    let begun = pending(world.access(&request).await);
    let waiting = pending(world.poll(&request, &begun.ticket).await);
    assert_eq!(waiting.attention.expect("attention").code, "unknown-status");
    assert_eq!((waiting.stage, waiting.vendor_status.as_deref()), (Stage::Exporting, Some("Simmering")));
    expect(&world.follow(&request, Ok(Progress::Pending(begun))).await.expect("a report"), Outcome::Found);
}

#[tokio::test]
async fn the_pause_between_polls_grows_with_the_age_of_a_request() {
    let mut world = World::new().await;
    world.simulator.set_next_jobs(JobEnd::NeverEnds);
    let request = about(SAMPLE_PERSON);
    let begun = pending(world.access(&request).await);
    let mut pauses = vec![begun.poll_after_ms];
    for minutes in [5, 20, 60, 24 * 60] {
        world.advance(Duration::from_secs(minutes * 60));
        pauses.push(pending(world.poll(&request, &begun.ticket).await).poll_after_ms);
    }
    assert!(pauses[0] >= 25_500 && pauses[4] <= 1_035_000, "{pauses:?}");
    assert!(pauses[..4].is_sorted_by(|one, next| one < next) && pauses[3] == pauses[4], "{pauses:?}");
}

#[tokio::test]
async fn progress_is_told_in_percent_however_qualtrics_writes_it() {
    for (dialects, percent) in [
        ("export-percent-number", Some(50)),
        ("export-percent-fraction", Some(50)),
        ("export-percent-string", Some(50)),
        ("export-percent-absent", None),
    ] {
        let mut world = World::speaking(dialects).await;
        let request = about(SAMPLE_PERSON);
        let begun = pending(world.access(&request).await);
        world.advance(Duration::from_secs(90));
        assert_eq!(pending(world.poll(&request, &begun.ticket).await).percent, percent, "{dialects}");
    }
}

#[tokio::test]
async fn another_instance_goes_on_with_the_same_ticket() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let begun = pending(world.access(&request).await);
    assert!(begun.ticket.len() <= 4_096 && begun.ticket.bytes().all(|byte| byte.is_ascii_graphic()));
    world.advance(Duration::from_secs(30 * 24 * 3_600));
    world.change_instance().await;
    let report = done(world.poll(&request, &begun.ticket).await);
    expect(&report, Outcome::Found);
    world.change_instance().await;
    let again = done(world.poll(&request, &begun.ticket).await);
    assert_eq!(
        (again.outcome, again.findings, again.also_known_as),
        (report.outcome, report.findings, report.also_known_as)
    );
}
