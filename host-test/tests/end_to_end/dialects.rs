//! Whatever Qualtrics turns out to speak, the outcomes are the same; except where a dialect means another one.

use std::sync::Arc;

use host_test::host::contract::{Content, DeletionMode, ErrorKind, Outcome, Request, Right};
use host_test::simulator::{
    AddressesDone, Brand, Dialect, Dialects, EmailsNotFound, FileFormat, NoData, Options, Person, SAMPLE_PERSON,
    XmDirectory,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::world::{World, about, done, expect};

/// How many mixtures of dialects are tried.
const MIXTURES: u64 = 100;

/// What comes of a person's requests, from the connection test to the access request after the deletion.
#[derive(Clone, Debug, PartialEq)]
struct Course {
    check: Result<(), ErrorKind>,
    access: Outcome,
    preview: Outcome,
    deletion: Outcome,
    after: Outcome,
}

const USUAL: Course = Course {
    check: Ok(()),
    access: Outcome::Found,
    preview: Outcome::Previewed,
    deletion: Outcome::Verified,
    after: Outcome::NothingFound,
};

/// A dialect that means another outcome.
struct Exception {
    means: fn(&Dialects) -> bool,
    change: fn(&mut Course),
    why: &'static str,
}

const EXCEPTIONS: [Exception; 4] = [
    Exception {
        means: |dialects| dialects.emails_not_found == EmailsNotFound::Null,
        change: |course| course.deletion = Outcome::Erased,
        why: "The second search does not say what it found: that nothing is left is not shown.",
    },
    Exception {
        means: |dialects| {
            let packed = matches!(dialects.file_format, FileFormat::Csv | FileFormat::Zip | FileFormat::Gzip);
            packed && dialects.no_data == NoData::EmptyFile
        },
        change: |course| course.after = Outcome::Found,
        why: "A file that holds something is handed over; whether that is no record only its reader can tell.",
    },
    Exception {
        means: |dialects| matches!(dialects.xm_directory, XmDirectory::Status404 | XmDirectory::Status403),
        change: |course| {
            course.access = Outcome::Partial;
            course.preview = Outcome::Partial;
            course.deletion = Outcome::Partial;
            course.after = Outcome::Partial;
        },
        why: "The directories were not listed, so it is not known that they hold nothing.",
    },
    Exception {
        means: |dialects| dialects.xm_directory == XmDirectory::Status403,
        change: |course| course.check = Err(ErrorKind::Forbidden),
        why: "A directory that is not licensed cannot be told apart from a scope that is not granted.",
    },
];

fn expected(dialects: &Dialects) -> Course {
    let mut course = USUAL;
    for exception in EXCEPTIONS.iter().filter(|exception| (exception.means)(dialects)) {
        (exception.change)(&mut course);
    }
    course
}

/// Goes through a person's requests, and makes sure of what the outcomes stand for.
async fn course_of(dialects: &Dialects, seed: u64) -> Course {
    let options = Options { dialects: dialects.clone(), seed, ..Options::default() };
    // Lists of users and of erasures that go on on a second page.
    let brand = Brand::sample().staff(120).past_erasures(120);
    let mut world = World::of(brand, options, &[]).await;
    let mut request = about(SAMPLE_PERSON);
    let check = world.check(&[Right::Access, Right::Deletion]).await.map(drop).map_err(|error| error.kind);
    let file = world.simulator.expected_export(&[SAMPLE_PERSON]).remove(0);
    let access = world.accessed(&request).await;
    let document = access.documents.first().expect("an export");
    assert!(matches!(document.content, Content::Remote(_)));
    assert_eq!(world.bytes(document, 200).await, file.content.to_vec(), "the export, byte by byte");
    let contacts = access.documents.iter().filter(|document| document.source.starts_with("directory:"));
    assert_eq!(contacts.count(), if dialects.xm_directory == XmDirectory::Licensed { 2 } else { 0 });
    request.key = "request-2".to_owned();
    let preview = world.deleted(&request, DeletionMode::Preview).await;
    assert!(!world.simulator.holdings(SAMPLE_PERSON).is_empty(), "a preview deletes nothing");
    request.key = "request-3".to_owned();
    let deletion = world.deleted(&request, DeletionMode::EraseAndVerify).await;
    assert!(world.simulator.holdings(SAMPLE_PERSON).is_empty(), "a deletion deletes everything");
    assert_eq!(world.erasures_of(SAMPLE_PERSON), 1, "one erasure, and no second");
    request.key = "request-4".to_owned();
    let after = world.accessed(&request).await;
    Course { check, access: access.outcome, preview: preview.outcome, deletion: deletion.outcome, after: after.outcome }
}

/// Goes through all of these, a few at a time, and names each that takes another course than it should.
async fn all_take_their_course(all: Vec<(Dialects, u64)>) {
    let room = Arc::new(Semaphore::new(8));
    let mut courses = JoinSet::new();
    for (dialects, seed) in all {
        let room = Arc::clone(&room);
        courses.spawn(async move {
            let _place = room.acquire_owned().await.expect("room");
            let (wanted, spoken) = (expected(&dialects), dialects.to_string());
            let course = tokio::spawn(async move { course_of(&dialects, seed).await }).await;
            match course {
                Ok(course) if course == wanted => None,
                Ok(course) => Some(format!("{spoken}\n  {course:?}\n  and not\n  {wanted:?}")),
                Err(_) => Some(format!("{spoken}\n  panicked")),
            }
        });
    }
    let astray: Vec<String> = courses.join_all().await.into_iter().flatten().collect();
    assert!(astray.is_empty(), "{} of them:\n{}", astray.len(), astray.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dialect_alone_takes_its_course() {
    let spoken = Dialect::all().into_iter().filter(|dialect| !dialect.default).map(|dialect| dialect.name);
    let all = spoken.map(|name| (Dialects::parse(name).expect("a dialect"), 1));
    all_take_their_course(all.chain([(Dialects::default(), 1)]).collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixtures_of_dialects_take_their_course() {
    all_take_their_course((1..=MIXTURES).map(|seed| (Dialects::random(seed), seed)).collect()).await;
}

#[tokio::test]
async fn lists_are_read_to_their_last_page_however_they_point_to_it() {
    for next in ["next-page-url", "next-page-other-host", "next-page-token", "next-page-links"] {
        for last in ["last-page-null", "last-page-absent"] {
            for cursor in ["erasure-cursor-offset", "erasure-cursor-skip-token"] {
                let dialects = [next, last, cursor].join(",");
                let brand = Brand::sample().many_directories(150).staff(250).past_erasures(250);
                let brand =
                    brand.person(&Person::new("Last", "Of All").email("last@example.org"), &["POOL_crowd00150"]);
                let mut world = World::of_brand(brand, &dialects).await;
                let report = world.accessed(&about("last@example.org")).await;
                expect(&report, Outcome::Found);
                assert_eq!(report.documents.len(), 1, "{dialects}: the contact in the last directory");
                let request = Request { key: "request-2".to_owned(), ..about("staff-00250@example.org") };
                expect(&done(world.delete(&request, DeletionMode::Erase).await), Outcome::Refused);
                let request = Request { key: "request-3".to_owned(), ..about("last@example.org") };
                expect(&world.deleted(&request, DeletionMode::Erase).await, Outcome::Erased);
            }
        }
    }
}

#[test]
fn every_exception_is_met_and_has_its_reason() {
    let spoken: Vec<Dialects> = (1..=MIXTURES).map(Dialects::random).collect();
    for exception in EXCEPTIONS {
        assert!(spoken.iter().any(exception.means), "no mixture speaks it: {}", exception.why);
        assert!(!(exception.means)(&Dialects::default()), "{}", exception.why);
    }
    // What follows only one address of several cannot show with a person who has one.
    assert!(spoken.iter().any(|dialects| dialects.addresses_done == AddressesDone::First));
}
