//! Outcomes do not depend on the dialect, except where a dialect implies another outcome.

use std::sync::Arc;

use privacy_host::contract::{Content, DeletionMode, ErrorKind, Outcome, Request, Right};
use qualtrics_simulator::{
    AddressesDone, Brand, Dialect, Dialects, EmailsNotFound, OptOutMark, Options, Person, SAMPLE_PERSON, XmDirectory,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::fixture::{Fixture, assert_outcome, done, request_for};
use crate::opt_outs::{WRITER, contacts_without_marks};

/// How many random mixtures of dialects are tested.
const MIXTURES: u64 = 100;

/// The results of a person's requests, from `check` to the access request after the deletion.
#[derive(Clone, Debug, PartialEq)]
struct Results {
    check: Result<(), ErrorKind>,
    access: Outcome,
    opt_out: Outcome,
    preview: Outcome,
    deletion: Outcome,
    after: Outcome,
}

const USUAL: Results = Results {
    check: Ok(()),
    access: Outcome::Found,
    opt_out: Outcome::OptedOut,
    preview: Outcome::Previewed,
    deletion: Outcome::Verified,
    after: Outcome::NotFound,
};

/// A dialect that implies other outcomes.
struct Exception {
    applies: fn(&Dialects) -> bool,
    change: fn(&mut Results),
    reason: &'static str,
}

const EXCEPTIONS: [Exception; 4] = [
    Exception {
        applies: |dialects| matches!(dialects.emails_not_found, EmailsNotFound::Null | EmailsNotFound::Masked),
        change: |results| results.deletion = Outcome::Deleted,
        reason: "The verifying search does not report its findings, so it cannot prove that no data remains.",
    },
    Exception {
        applies: |dialects| dialects.xm_directory != XmDirectory::Licensed,
        change: |results| {
            results.access = Outcome::Partial;
            results.opt_out = Outcome::Partial;
            results.preview = Outcome::Partial;
            results.deletion = Outcome::Partial;
            results.after = Outcome::Partial;
        },
        reason: "No directory was listed, so the contacts are unknown.",
    },
    Exception {
        applies: |dialects| dialects.opt_out_mark == OptOutMark::Ignored,
        change: |results| results.opt_out = Outcome::Partial,
        reason: "Qualtrics accepts the update, and no read shows that the contact is opted out.",
    },
    Exception {
        applies: |dialects| dialects.xm_directory == XmDirectory::Status403,
        change: |results| results.check = Err(ErrorKind::Forbidden),
        reason: "A missing licence cannot be distinguished from a missing scope.",
    },
];

/// The address of the sample person with capitals, which is sent in two spellings.
const CAPITALS: &str = "Ada.Lovelace@Example.com";

fn expected(dialects: &Dialects, given: &str) -> Results {
    let mut results = USUAL;
    for exception in EXCEPTIONS.iter().filter(|exception| (exception.applies)(dialects)) {
        (exception.change)(&mut results);
    }
    if given == CAPITALS && dialects.addresses_done == AddressesDone::First {
        // The verifying search reports nothing about the second spelling.
        results.deletion = Outcome::Deleted;
    }
    results
}

/// Runs all requests of a data subject, and asserts that the outcomes match the data of the simulator.
async fn results_of(dialects: &Dialects, seed: u64, given: &str) -> Results {
    let options = Options { dialects: dialects.clone(), seed, ..Options::default() };
    // The lists of users and of erasures have a second page.
    let brand = Brand::sample().staff(120).past_erasures(120);
    let mut fixture = Fixture::with_options(brand, options, &WRITER).await;
    let mut request = request_for(given);
    let check =
        fixture.check(&[Right::Access, Right::Deletion, Right::OptOut]).await.map(drop).map_err(|error| error.kind);
    let file = fixture.simulator.expected_export(&[SAMPLE_PERSON]).remove(0);
    let access = fixture.access_report(&request).await;
    let document = access.documents.first().expect("an export");
    assert!(matches!(document.content, Content::Remote(_)));
    assert_eq!(fixture.bytes(document, 200).await, file.content.to_vec(), "the export, byte by byte");
    let contacts = access.documents.iter().filter(|document| document.source.starts_with("directory:"));
    assert_eq!(contacts.count(), if dialects.xm_directory == XmDirectory::Licensed { 2 } else { 0 });
    request.id = "request-5".to_owned();
    let before = contacts_without_marks(&fixture.simulator);
    let opt_out = fixture.opt_out_report(&request).await;
    assert_eq!(contacts_without_marks(&fixture.simulator), before, "an opt-out changes nothing else");
    let marked = if opt_out.outcome == Outcome::OptedOut { 2 } else { 0 };
    assert_eq!(fixture.simulator.holdings(SAMPLE_PERSON).opted_out, marked);
    request.id = "request-2".to_owned();
    let preview = fixture.delete_report(&request, DeletionMode::Preview).await;
    assert!(!fixture.simulator.holdings(SAMPLE_PERSON).is_empty(), "a preview deletes nothing");
    request.id = "request-3".to_owned();
    let deletion = fixture.delete_report(&request, DeletionMode::EraseAndVerify).await;
    assert!(fixture.simulator.holdings(SAMPLE_PERSON).is_empty(), "a deletion deletes everything");
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1, "exactly one erasure");
    request.id = "request-4".to_owned();
    let after = fixture.access_report(&request).await;
    Results {
        check,
        access: access.outcome,
        opt_out: opt_out.outcome,
        preview: preview.outcome,
        deletion: deletion.outcome,
        after: after.outcome,
    }
}

/// Asserts the expected results of all dialects, several concurrently. A failure names each difference.
async fn assert_results(all: Vec<(Dialects, u64)>, given: &'static str) {
    let permits = Arc::new(Semaphore::new(8));
    let mut running = JoinSet::new();
    for (dialects, seed) in all {
        let permits = Arc::clone(&permits);
        running.spawn(async move {
            let _permit = permits.acquire_owned().await.expect("an open semaphore");
            let (expected, names) = (expected(&dialects, given), dialects.to_string());
            let results = tokio::spawn(async move { results_of(&dialects, seed, given).await }).await;
            match results {
                Ok(results) if results == expected => None,
                Ok(results) => Some(format!("{names}\n  {results:?}\n  instead of\n  {expected:?}")),
                Err(_) => Some(format!("{names}\n  panicked")),
            }
        });
    }
    let different: Vec<String> = running.join_all().await.into_iter().flatten().collect();
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_single_dialect_has_the_expected_outcomes() {
    assert_results(single_dialects(), SAMPLE_PERSON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_with_capitals_has_the_expected_outcomes_in_every_single_dialect() {
    assert_results(single_dialects(), CAPITALS).await;
}

fn single_dialects() -> Vec<(Dialects, u64)> {
    let names = Dialect::all().into_iter().filter(|dialect| !dialect.default).map(|dialect| dialect.name);
    let all = names.map(|name| (Dialects::parse(name).expect("a dialect"), 1));
    all.chain([(Dialects::default(), 1)]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_mixtures_of_dialects_have_the_expected_outcomes() {
    assert_results((1..=MIXTURES).map(|seed| (Dialects::random(seed), seed)).collect(), SAMPLE_PERSON).await;
}

#[tokio::test]
async fn lists_are_read_to_their_last_page_in_every_pagination_dialect() {
    for next in ["next-page-url", "next-page-other-host", "next-page-token", "next-page-links"] {
        for last in ["last-page-null", "last-page-absent"] {
            for cursor in ["erasure-cursor-offset", "erasure-cursor-skip-token"] {
                let dialects = [next, last, cursor].join(",");
                let brand = Brand::sample().many_directories(150).staff(250).past_erasures(250);
                let brand =
                    brand.person(&Person::new("Last", "Of All").email("last@example.org"), &["POOL_crowd00150"]);
                let mut fixture = Fixture::with_brand(brand, &dialects).await;
                let report = fixture.access_report(&request_for("last@example.org")).await;
                assert_outcome(&report, Outcome::Found);
                assert_eq!(report.documents.len(), 1, "{dialects}: the contact in the last directory");
                let request = Request { id: "request-2".to_owned(), ..request_for("staff-00250@example.org") };
                assert_outcome(&done(fixture.delete(&request, DeletionMode::Erase).await), Outcome::Refused);
                let request = Request { id: "request-3".to_owned(), ..request_for("last@example.org") };
                assert_outcome(&fixture.delete_report(&request, DeletionMode::Erase).await, Outcome::Deleted);
            }
        }
    }
}

#[test]
fn every_exception_occurs_in_a_mixture() {
    let mixtures: Vec<Dialects> = (1..=MIXTURES).map(Dialects::random).collect();
    for exception in EXCEPTIONS {
        assert!(mixtures.iter().any(exception.applies), "no mixture has it: {}", exception.reason);
        assert!(!(exception.applies)(&Dialects::default()), "{}", exception.reason);
    }
    // This dialect has no effect on a person with one address.
    assert!(mixtures.iter().any(|dialects| dialects.addresses_done == AddressesDone::First));
}
