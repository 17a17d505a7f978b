//! What the connector says is safe to log: no name of a person, no secret, nothing of a vendor's text.

use std::collections::HashSet;
use std::io::Write;
use std::sync::{LazyLock, Mutex, Once};
use std::time::Duration;

use host_test::COMPONENT;
use host_test::host::contract::{
    Connection, Content, DeletionMode, Document, Error, Identifier, Progress, Report, Request, Right, Setting, Task,
};
use host_test::host::{EgressPolicy, Host as Plugins, HostError, InstanceOptions, Options as HostOptions};
use host_test::simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, JobEnd, Options, SAMPLE_ADMINISTRATOR, SAMPLE_PERSON, SAMPLE_PHONE,
    SAMPLE_REFERENCE, SAMPLE_STAFF_CONTACT, SAMPLE_TWO_ADDRESSES, WaitHint,
};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::host::Host;
use crate::markers::{NAME_TO_ESCAPE, assert_nothing_leaks, marked};
use crate::world::{World, about, email, request};

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
            let extra: Vec<_> = report.extra.iter().map(|setting| (&setting.key, &setting.value)).collect();
            format!("{report:?} {extra:?}")
        }
        other => format!("{other:?}"),
    }
}

/// What a connection test says, less the account that acts: the contract has it named.
pub fn telling_of_check(answer: &Result<Connection, Error>) -> String {
    let bare = |connection: &Connection| Connection { account: String::new(), ..connection.clone() };
    format!("{:?}", answer.as_ref().map(bare))
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

#[tokio::test]
async fn no_flow_says_a_name_or_a_secret() {
    for dialects in
        ["", "erasure-counters-members,file-name-address,file-ids-files-name", "notice-proxied,extra-members-some"]
    {
        for mode in [None, Some(DeletionMode::Preview), Some(DeletionMode::Erase), Some(DeletionMode::EraseAndVerify)] {
            let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
            let mut world = World::of(marked(Brand::sample()), options, &[]).await;
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

#[tokio::test]
async fn a_connector_that_stops_says_nothing_of_what_it_was_given() {
    listen();
    let world = World::of(marked(Brand::sample()), Options::default(), &[]).await;
    let egress = EgressPolicy::deny_all().allow(&world.simulator.origin()).expect("an origin");
    for timeout in [Duration::from_secs(60), Duration::from_secs(1)] {
        let small = HostOptions { max_memory: 3 << 20, max_instances: 1, ..HostOptions::default() };
        let plugin = Plugins::new(small).expect("a host").load(COMPONENT).expect("the connector");
        let options = InstanceOptions {
            egress: egress.clone(),
            clock: world.clock(),
            call_timeout: timeout,
            ..InstanceOptions::default()
        };
        let mut instance = plugin.instantiate(options).await.expect("an instance");
        instance.configure(&world.settings).await.expect("an answer").expect("good settings");
        let mut request = everything();
        let begun = instance.delete(&request, DeletionMode::Preview).await.expect("an answer");
        let Ok(Progress::Pending(begun)) = begun else { panic!("{begun:?}") };
        // It holds a token and all names, when it is given more than its memory has room for, or when its time is over.
        let stopped = if timeout > Duration::from_secs(1) {
            let much = Setting { key: "much".to_owned(), value: SAMPLE_PERSON.repeat(200_000) };
            request.extra.push(much);
            let task = Task { request, ticket: begun.ticket };
            let stopped = instance.poll(&[task]).await.expect_err("no answer");
            assert!(matches!(stopped, HostError::Trap(_)), "{stopped:?}");
            stopped
        } else {
            world.simulator.set_faults(vec![FaultRule::every(Endpoint::ErasureGet, Fault::SilenceAfterEffect)]);
            let task = Task { request, ticket: begun.ticket };
            let stopped = instance.poll(&[task]).await.expect_err("no answer");
            assert!(matches!(stopped, HostError::TimedOut), "{stopped:?}");
            stopped
        };
        let spent = instance.poll(&[]).await.expect_err("it is gone");
        let said = [&stopped, &spent].map(|error| format!("{error} {error:?} {:?}", std::error::Error::source(error)));
        assert_nothing_leaks("stopped", &said, &world.simulator.calls());
    }
    assert_no_line_leaks();
}

/// What a host has of a person cannot be printed by mistake: neither by a log nor by a panic.
#[tokio::test]
async fn what_a_host_holds_of_a_person_and_of_a_client_prints_as_nothing() {
    let mut world = World::of(marked(Brand::sample()), Options::default(), &[]).await;
    let request = everything();
    let report = world.accessed(&request).await;
    assert!(report.documents.iter().any(|document| matches!(&document.content, Content::Inline(_))));
    let remote = report.documents.iter().find_map(|document| match &document.content {
        Content::Remote(reference) => Some(reference.clone()),
        Content::Inline(_) => None,
    });
    let chunk = world.read(&remote.expect("a remote document"), 0, 65_536).await.expect("a chunk");
    let found = String::from_utf8_lossy(&chunk.bytes).into_owned();
    assert!(found.contains(SAMPLE_PERSON), "there is something to be printed");
    let inline = report.documents.iter().filter_map(|document| match &document.content {
        Content::Inline(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Content::Remote(_) => None,
    });
    assert!(inline.collect::<String>().contains("Lovelace"));
    let connection = world.check(&[Right::Access]).await.expect("a connection");
    assert!(!connection.account.is_empty());
    let aliases = world.accessed(&about(SAMPLE_TWO_ADDRESSES[0])).await;
    assert!(!aliases.also_known_as.is_empty(), "there is another name to be printed");
    let task = Task { request: request.clone(), ticket: String::new() };
    let printed = [
        format!("{:?} {:#?}", world.settings, world.settings),
        format!("{request:?} {request:#?} {task:?} {:?}", request.subject),
        format!("{report:?} {:?} {:#?}", report.documents, aliases.also_known_as),
        format!("{:?} {:?}", Progress::Done(report.clone()), aliases),
        format!("{chunk:?} {connection:?}"),
    ];
    assert_nothing_leaks("printed", &printed, &[]);
    // Bytes print as numbers.
    let numbers = |text: &str| format!("{:?}", text.as_bytes()).trim_matches(['[', ']']).to_owned();
    for (text, marker) in
        printed.iter().flat_map(|text| [SAMPLE_PERSON, NAME_TO_ESCAPE, "Lovelace"].map(|one| (text, one)))
    {
        assert!(!text.contains(&numbers(marker)), "{marker}");
    }
    let panic = std::panic::catch_unwind(|| panic!("{request:?}")).expect_err("a panic");
    assert_nothing_leaks("a panic", &[panic.downcast_ref::<String>().expect("its text").clone()], &[]);
}
