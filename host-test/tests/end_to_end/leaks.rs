//! What the connector says is safe to log: no name of a person, no secret, nothing of a vendor's text.

use std::collections::HashSet;
use std::io::Write;
use std::sync::{LazyLock, Mutex, Once};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use host_test::host::contract::{
    Connection, Content, DeletionMode, Document, Error, Identifier, Progress, Report, Request, Right,
};
use host_test::simulator::{
    Brand, Call, Dialects, Endpoint, Fault, FaultRule, JobEnd, MESSAGE_CANARY, Options, SAMPLE_ADMINISTRATOR,
    SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, SAMPLE_PHONE, SAMPLE_REFERENCE, SAMPLE_STAFF_CONTACT, SAMPLE_TWO_ADDRESSES,
    WaitHint,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::host::Host;
use crate::world::{World, email, request};

/// What must not be said: names, contacts' contents, the secret, and a piece of every vendor message.
fn markers() -> Vec<String> {
    let whole = [
        SAMPLE_CLIENT_SECRET,
        MESSAGE_CANARY,
        SAMPLE_PERSON,
        SAMPLE_PHONE,
        SAMPLE_REFERENCE,
        SAMPLE_ADMINISTRATOR,
        SAMPLE_STAFF_CONTACT,
        SAMPLE_TWO_ADDRESSES[0],
        SAMPLE_TWO_ADDRESSES[1],
        "Lovelace",
        "Loyalty tier",
        "The staff were kind",
        "could not be looked up",
        "Bearer ",
    ];
    let parts = [MESSAGE_CANARY, SAMPLE_PERSON, SAMPLE_STAFF_CONTACT].map(|one| one.split('@').next().unwrap_or(one));
    let mut markers = Vec::new();
    for marker in whole.into_iter().chain(parts).chain([&SAMPLE_PHONE[1..]]) {
        markers.push(marker.to_lowercase());
        markers.push(utf8_percent_encode(marker, NON_ALPHANUMERIC).to_string().to_lowercase());
        markers.push(serde_json::to_string(marker).expect("JSON").trim_matches('"').to_lowercase());
        // Shorter ones stand in encoded ids by chance.
        if marker.len() >= 10 {
            for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                // At each of the three places where the bytes of a longer text can begin.
                for before in 0..3_usize {
                    let encoded = engine.encode([&vec![b'x'; before], marker.as_bytes()].concat());
                    let inner = &encoded[if before == 0 { 0 } else { 4 }..encoded.trim_end_matches('=').len() - 2];
                    markers.push(inner.to_lowercase());
                }
            }
        }
    }
    markers.sort();
    markers.dedup();
    markers
}

/// An answer as a host may log it: names may stand in `also-known-as`, and in the documents themselves.
pub fn telling(answer: &Result<Progress, Error>) -> String {
    match answer {
        Ok(Progress::Done(report)) => {
            let bare = |document: &Document| Document {
                content: match &document.content {
                    Content::Inline(_) => Content::Inline(Vec::new()),
                    remote @ Content::Remote(_) => remote.clone(),
                },
                ..document.clone()
            };
            let documents = report.documents.iter().map(bare).collect();
            let report = Report { also_known_as: Vec::new(), documents, ..report.clone() };
            format!("{report:?}")
        }
        other => format!("{other:?}"),
    }
}

/// What a connection test says, less the account that acts: the contract has it named.
pub fn telling_of_check(answer: &Result<Connection, Error>) -> String {
    let bare = |connection: &Connection| Connection { account: String::new(), ..connection.clone() };
    format!("{:?}", answer.as_ref().map(bare))
}

/// Neither what was said nor where it was asked for holds a name or a secret, in any encoding. Tickets and references
/// are looked into.
#[track_caller]
pub fn assert_nothing_leaks(case: &str, said: &[String], calls: &[Call]) {
    static MARKERS: LazyLock<Vec<String>> = LazyLock::new(markers);
    let urls = calls.iter().map(|call| format!("{}?{}", call.path, call.query));
    for text in said.iter().cloned().chain(urls) {
        let inside = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "-_".contains(letter)));
        let inside = inside.filter(|part| part.len() > 20).filter_map(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let inside = inside.map(|bytes| String::from_utf8_lossy(&bytes).to_lowercase());
        for text in std::iter::once(text.to_lowercase()).chain(inside) {
            for marker in MARKERS.iter() {
                assert!(!text.contains(marker), "{case}: {marker} in {text}");
            }
            assert!(!holds_a_token(&text), "{case}: a token in {text}");
        }
    }
}

/// The simulator's tokens are two UUIDs and a dot between them.
fn holds_a_token(text: &str) -> bool {
    let is_uuid = |part: &str| part.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    text.match_indices('.').any(|(dot, _)| {
        let before = dot.checked_sub(36).and_then(|start| text.get(start..dot));
        before.is_some_and(is_uuid) && text.get(dot + 1..dot + 37).is_some_and(is_uuid)
    })
}

/// Every different line that was logged since [`listen`].
static LOGGED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Keeps what host, HTTP client and runtime log from now on, at every level. They log through `tracing`; the compiler's own
/// log, which knows no request, goes elsewhere.
pub fn listen() {
    struct Line;
    impl Write for Line {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            LOGGED.lock().expect("no panic").insert(String::from_utf8_lossy(line).into_owned());
            Ok(line.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let lines = tracing_subscriber::fmt::layer().without_time().with_ansi(false).with_writer(|| Line);
        tracing_subscriber::registry().with(lines).init();
    });
}

/// Nothing that was logged holds a name or a secret. Says how many different lines there were.
#[track_caller]
pub fn assert_no_line_leaks() -> usize {
    let lines: Vec<String> = LOGGED.lock().expect("no panic").iter().cloned().collect();
    assert!(lines.iter().any(|line| line.contains("answered")), "the host's own lines are among them");
    assert_nothing_leaks("a line of the log", &[lines.concat()], &[]);
    lines.len()
}

fn everything() -> Request {
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    request(
        "key-1",
        vec![
            email(SAMPLE_PERSON),
            email(one),
            email(two),
            Identifier::Phone(SAMPLE_PHONE.to_owned()),
            Identifier::ExternalReference(SAMPLE_REFERENCE.to_owned()),
            Identifier::Other(("nickname".to_owned(), "Lovelace".to_owned())),
        ],
    )
}

#[test]
fn what_should_be_found_is_found() {
    let caught = |text: String| std::panic::catch_unwind(|| assert_nothing_leaks("a test", &[text], &[])).is_err();
    for marker in [SAMPLE_PERSON, SAMPLE_PHONE, SAMPLE_CLIENT_SECRET, MESSAGE_CANARY] {
        assert!(caught(format!("x {marker} y")));
        assert!(caught(marker.to_uppercase()));
        assert!(caught(utf8_percent_encode(marker, NON_ALPHANUMERIC).to_string()));
        for before in 0..3 {
            let text = format!("{}{marker} and more", "x".repeat(before));
            assert!(caught(STANDARD.encode(&text)), "{text}");
            assert!(caught(format!("t1.{}.checksum", URL_SAFE_NO_PAD.encode(&text))), "{text}");
        }
    }
    let uuid = "0d2c7b7e-0f3e-4b55-9d57-5b9c2c1c6a11";
    assert!(caught(format!("x{uuid}.{uuid}x")));
    assert!(!caught("a sentence of no harm, OP-0d2c7b7e-0f3e-4b55-9d57-5b9c2c1c6a11".to_owned()));
}

#[tokio::test]
async fn no_flow_says_a_name_or_a_secret() {
    for dialects in
        ["", "erasure-counters-members,file-name-address,file-ids-files-name", "notice-proxied,extra-members-some"]
    {
        for mode in [None, Some(DeletionMode::Preview), Some(DeletionMode::Erase), Some(DeletionMode::EraseAndVerify)] {
            let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
            let mut world = World::of(Brand::sample(), options, &[]).await;
            let mut host = Host::new(&mut world);
            match mode {
                None => host.accessed(&everything()).await,
                Some(mode) => host.deleted(&everything(), mode).await,
            };
            let said = std::mem::take(&mut host.said);
            assert!(said.len() > 1);
            assert_nothing_leaks(&format!("{mode:?} in {dialects}"), &said, &world.simulator.calls());
        }
    }
}

#[tokio::test]
async fn no_refusal_and_no_failure_says_a_name() {
    let mut world = World::new().await;
    let mut said = Vec::new();
    for mode in [DeletionMode::Preview, DeletionMode::Erase] {
        for name in [
            email(SAMPLE_ADMINISTRATOR),
            email(SAMPLE_STAFF_CONTACT),
            Identifier::Phone(SAMPLE_PHONE.to_owned()),
            // What is no name must not be repeated either.
            email("Ada Lovelace"),
            email("ada.lovelace@example.com@"),
            Identifier::Phone("(202) 555-0101 Lovelace".to_owned()),
            Identifier::ExternalReference("Lovelace\n".repeat(50)),
        ] {
            said.push(telling(&world.delete(&request("r", vec![name.clone()]), mode).await));
            said.push(telling(&world.access(&request("r", vec![name])).await));
        }
    }
    said.push(telling(&world.delete(&request("Ada Lovelace", vec![email(SAMPLE_PERSON)]), DeletionMode::Erase).await));
    said.push(telling(&world.poll(&everything(), "t1.Lovelace.ada").await));
    said.push(format!("{:?}", world.read("r1.Lovelace.ada", 0, 10).await));
    world.simulator.set_next_jobs(JobEnd::Fails);
    for mode in [DeletionMode::Preview, DeletionMode::Erase, DeletionMode::EraseAndVerify] {
        let mut host = Host::new(&mut world);
        host.deleted(&everything(), mode).await;
        said.append(&mut host.said);
    }
    assert_nothing_leaks("refused", &said, &world.simulator.calls());
}

#[tokio::test]
async fn no_error_repeats_what_qualtrics_says() {
    let endpoints = [
        Endpoint::Token,
        Endpoint::WhoAmI,
        Endpoint::Users,
        Endpoint::Directories,
        Endpoint::ContactSearch,
        Endpoint::Contact,
        Endpoint::ErasureCreate,
        Endpoint::ErasureList,
        Endpoint::ErasureGet,
        Endpoint::ExportCreate,
        Endpoint::ExportProgress,
        Endpoint::ExportFile,
    ];
    for envelope in ["error-envelope-modern", "error-envelope-old", "error-envelope-instance,oauth-error-envelope"] {
        for status in [400, 401, 403, 404, 409, 429, 500, 503] {
            let options = Options { dialects: Dialects::parse(envelope).expect("dialects"), ..Options::default() };
            let mut world = World::of(Brand::sample(), options, &[]).await;
            let mut said = Vec::new();
            for endpoint in endpoints {
                world.simulator.set_faults(vec![FaultRule::every(endpoint, Fault::Status(status, WaitHint::None))]);
                said.push(telling_of_check(&world.check(&[Right::Access, Right::Deletion]).await));
                said.push(telling(&world.access(&everything()).await));
                said.push(telling(&world.delete(&everything(), DeletionMode::Erase).await));
                world.change_instance().await;
            }
            assert_nothing_leaks(&format!("{status} in {envelope}"), &said, &world.simulator.calls());
        }
    }
}
