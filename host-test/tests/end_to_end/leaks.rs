//! Results of the connector are safe to log: they contain no personal data, no secret and no vendor text.

use std::collections::HashSet;
use std::io::Write;
use std::sync::{LazyLock, Mutex, Once};
use std::time::Duration;

use privacy_host::contract::{
    Connection, Content, DeletionMode, Document, Error, Identifier, Progress, Report, Request, Right, Task,
};
use privacy_host::{EgressPolicy, Host as Plugins, HostError, InstanceOptions, Options as HostOptions};
use qualtrics_component::CONNECTOR;
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, JobEnd, Options, SAMPLE_ADMINISTRATOR, SAMPLE_PERSON, SAMPLE_PHONE,
    SAMPLE_REFERENCE, SAMPLE_STAFF_CONTACT, SAMPLE_TWO_ADDRESSES, WaitHint,
};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::fixture::{Fixture, email, request, request_for};
use crate::host::Host;
use crate::markers::{NAME_TO_ESCAPE, assert_no_leaks, with_markers};
use crate::opt_outs::WRITER;

/// A result as a host may log it: without `discovered` and without the contents of documents, which hold personal data.
pub fn loggable(result: &Result<Progress, Error>) -> String {
    match result {
        Ok(Progress::Done(report)) => {
            let without_bytes = |document: &Document| Document {
                content: match &document.content {
                    Content::Inline(_) => Content::Inline(Vec::new()),
                    remote @ Content::Remote(_) => remote.clone(),
                },
                ..document.clone()
            };
            let documents = report.documents.iter().map(without_bytes).collect();
            format!("{:?}", Report { discovered: Vec::new(), documents, ..report.clone() })
        }
        other => format!("{other:?}"),
    }
}

/// A result of `check` as a host may log it: without the account.
pub fn loggable_check(result: &Result<Connection, Error>) -> String {
    let without_account = |connection: &Connection| Connection { account: String::new(), ..connection.clone() };
    format!("{:?}", result.as_ref().map(without_account))
}

/// Every distinct line that was logged since [`capture_logs`].
static LOGGED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Captures all `tracing` output of the host, the HTTP client and the runtime, at every level.
pub fn capture_logs() {
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

/// Asserts that no captured line contains a marker. Returns the number of distinct lines.
#[track_caller]
pub fn assert_no_log_leaks() -> usize {
    let lines: Vec<String> = LOGGED.lock().expect("no panic").iter().cloned().collect();
    assert!(
        lines.iter().any(|line| line.contains("privacy_host::outbound") && line.contains("response")),
        "the host logs its own lines"
    );
    assert_no_leaks("the captured log", &[lines.concat()], &[]);
    lines.len()
}

fn request_with_every_identifier() -> Request {
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    request(
        "key-1",
        vec![
            email(SAMPLE_PERSON),
            email(one),
            email(two),
            Identifier::Phone(SAMPLE_PHONE.to_owned()),
            Identifier::ExternalId(SAMPLE_REFERENCE.to_owned()),
            Identifier::Other(("nickname".to_owned(), "Lovelace".to_owned())),
        ],
    )
}

#[tokio::test]
async fn results_of_every_kind_contain_no_personal_data_and_no_secret() {
    for dialects in [
        "",
        "erasure-counters-members,file-name-address,file-ids-files-name",
        "notice-proxied,extra-members-some",
        "notice-general,contact-search-similar",
    ] {
        for mode in [None, Some(DeletionMode::Preview), Some(DeletionMode::Erase), Some(DeletionMode::EraseAndVerify)] {
            let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
            let mut fixture = Fixture::with_options(with_markers(Brand::sample()), options, &[]).await;
            let mut host = Host::new(&mut fixture);
            match mode {
                None => host.access_report(&request_with_every_identifier()).await,
                Some(mode) => host.delete_report(&request_with_every_identifier(), mode).await,
            };
            let log = std::mem::take(&mut host.log);
            assert!(log.len() > 1);
            assert_no_leaks(&format!("{mode:?} in {dialects}"), &log, &fixture.simulator.calls());
        }
    }
}

#[tokio::test]
async fn results_of_opt_outs_contain_no_personal_data_and_no_secret() {
    for (dialects, status) in
        [("", None), ("", Some(403)), ("contact-lag-20-s", Some(503)), ("opt-out-ignored", Some(429))]
    {
        let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
        let mut fixture = Fixture::with_options(with_markers(Brand::sample()), options, &WRITER).await;
        let fault = |status| FaultRule::nth(Endpoint::ContactUpdate, 1, Fault::Status(status, WaitHint::None));
        fixture.simulator.set_faults(status.map(fault).into_iter().collect());
        let mut host = Host::new(&mut fixture);
        host.opt_out_report(&request_with_every_identifier()).await;
        let log = std::mem::take(&mut host.log);
        assert_no_leaks(&format!("{status:?} in {dialects}"), &log, &fixture.simulator.calls());
    }
}

#[tokio::test]
async fn rejections_and_failures_contain_no_personal_data() {
    let mut fixture = Fixture::new().await;
    let mut log = Vec::new();
    for mode in [DeletionMode::Preview, DeletionMode::Erase] {
        for identifier in [
            email(SAMPLE_ADMINISTRATOR),
            email(SAMPLE_STAFF_CONTACT),
            Identifier::Phone(SAMPLE_PHONE.to_owned()),
            // Errors must not quote malformed identifiers either.
            email("Ada Lovelace"),
            email("ada.lovelace@example.com@"),
            Identifier::Phone("(202) 555-0101 Lovelace".to_owned()),
            Identifier::ExternalId("Lovelace\n".repeat(50)),
        ] {
            log.push(loggable(&fixture.delete(&request("r", vec![identifier.clone()]), mode).await));
            log.push(loggable(&fixture.access(&request("r", vec![identifier])).await));
        }
    }
    log.push(loggable(
        &fixture.delete(&request("Ada Lovelace", vec![email(SAMPLE_PERSON)]), DeletionMode::Erase).await,
    ));
    log.push(loggable(&fixture.poll(&request_with_every_identifier(), "t1.Lovelace.ada").await));
    log.push(format!("{:?}", fixture.read("r1.Lovelace.ada", 0, 10).await));
    fixture.simulator.set_next_jobs(JobEnd::Fails);
    for mode in [DeletionMode::Preview, DeletionMode::Erase, DeletionMode::EraseAndVerify] {
        let mut host = Host::new(&mut fixture);
        host.delete_report(&request_with_every_identifier(), mode).await;
        log.append(&mut host.log);
    }
    assert_no_leaks("rejections and failures", &log, &fixture.simulator.calls());
}

#[tokio::test]
async fn errors_contain_no_text_of_a_response() {
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
            let mut fixture = Fixture::with_options(Brand::sample(), options, &[]).await;
            let mut log = Vec::new();
            for endpoint in endpoints {
                fixture.simulator.set_faults(vec![FaultRule::every(endpoint, Fault::Status(status, WaitHint::None))]);
                log.push(loggable_check(&fixture.check(&[Right::Access, Right::Deletion]).await));
                log.push(loggable(&fixture.access(&request_with_every_identifier()).await));
                log.push(loggable(&fixture.delete(&request_with_every_identifier(), DeletionMode::Erase).await));
                fixture.renew_instance().await;
            }
            assert_no_leaks(&format!("{status} in {envelope}"), &log, &fixture.simulator.calls());
        }
    }
}

#[tokio::test]
async fn traps_and_time_outs_reveal_nothing() {
    capture_logs();
    let fixture = Fixture::with_options(with_markers(Brand::sample()), Options::default(), &[]).await;
    let egress = EgressPolicy::deny_all().allow(&fixture.simulator.origin()).expect("an origin");
    for timeout in [Duration::from_secs(60), Duration::from_secs(1)] {
        let small = HostOptions { max_memory: 3 << 20, max_instances: 1, ..HostOptions::default() };
        let plugin = Plugins::new(small).expect("a host").load(CONNECTOR).expect("the connector");
        let options = InstanceOptions {
            egress: egress.clone(),
            clock: fixture.clock(),
            call_timeout: timeout,
            ..InstanceOptions::default()
        };
        let mut instance = plugin.instantiate(options).await.expect("an instance");
        instance.configure(&fixture.settings).await.expect("a result").expect("valid settings");
        let mut request = request_with_every_identifier();
        let requests = std::slice::from_ref(&request);
        let mut started = instance.delete(requests, DeletionMode::Preview).await.expect("a result");
        let Ok(Progress::Pending(started)) = started.remove(0) else { panic!("not pending") };
        // The instance holds a token and all identifiers when it runs out of memory or time.
        let error = if timeout > Duration::from_secs(1) {
            request.overrides.push(SAMPLE_PERSON.repeat(200_000));
            let error = instance.poll(&[Task::new(request, started.ticket)]).await.expect_err("no result");
            assert!(matches!(error, HostError::Trap(_)), "{error:?}");
            error
        } else {
            fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ErasureGet, Fault::SilenceAfterEffect)]);
            let error = instance.poll(&[Task::new(request, started.ticket)]).await.expect_err("no result");
            assert!(matches!(error, HostError::TimedOut), "{error:?}");
            error
        };
        let spent = instance.poll(&[]).await.expect_err("the instance is discarded");
        let log = [&error, &spent].map(|error| format!("{error} {error:?} {:?}", std::error::Error::source(error)));
        assert_no_leaks("traps and time-outs", &log, &fixture.simulator.calls());
    }
    assert_no_log_leaks();
}

#[tokio::test]
async fn debug_output_of_contract_types_is_redacted() {
    let mut fixture = Fixture::with_options(with_markers(Brand::sample()), Options::default(), &[]).await;
    let request = request_with_every_identifier();
    let report = fixture.access_report(&request).await;
    assert!(report.documents.iter().any(|document| matches!(&document.content, Content::Inline(_))));
    let remote = report.documents.iter().find_map(|document| match &document.content {
        Content::Remote(reference) => Some(reference.clone()),
        Content::Inline(_) => None,
    });
    let chunk = fixture.read(&remote.expect("a remote document"), 0, 65_536).await.expect("a chunk");
    let found = String::from_utf8_lossy(&chunk.bytes).into_owned();
    assert!(found.contains(SAMPLE_PERSON), "there is something to redact");
    let inline = report.documents.iter().filter_map(|document| match &document.content {
        Content::Inline(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Content::Remote(_) => None,
    });
    assert!(inline.collect::<String>().contains("Lovelace"));
    let connection = fixture.check(&[Right::Access]).await.expect("a connection");
    assert!(!connection.account.is_empty());
    let other = fixture.access_report(&request_for(SAMPLE_TWO_ADDRESSES[0])).await;
    assert!(!other.discovered.is_empty(), "there is an identifier to redact");
    let task = Task::new(request.clone(), "");
    let printed = [
        format!("{:?} {:#?}", fixture.settings, fixture.settings),
        format!("{request:?} {request:#?} {task:?} {:?}", request.subject),
        format!("{report:?} {:?} {:#?}", report.documents, other.discovered),
        format!("{:?} {:?}", Progress::Done(report.clone()), other),
        format!("{chunk:?} {connection:?}"),
    ];
    assert_no_leaks("Debug output", &printed, &[]);
    // `Debug` prints bytes as numbers.
    let numbers = |text: &str| format!("{:?}", text.as_bytes()).trim_matches(['[', ']']).to_owned();
    for (text, marker) in
        printed.iter().flat_map(|text| [SAMPLE_PERSON, NAME_TO_ESCAPE, "Lovelace"].map(|one| (text, one)))
    {
        assert!(!text.contains(&numbers(marker)), "{marker}");
    }
    let panic = std::panic::catch_unwind(|| panic!("{request:?}")).expect_err("a panic");
    assert_no_leaks("a panic message", &[panic.downcast_ref::<String>().expect("its text").clone()], &[]);
}
