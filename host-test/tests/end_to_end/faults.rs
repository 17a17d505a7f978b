//! Whatever befalls any call: a typed error or the right result, and by its remedy alone the request comes to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use host_test::host::contract::{
    Content, DeletionMode, Document, Error, Finding, Outcome, Remedy, Report, Right, SourceState,
};
use host_test::simulator::{
    Brand, Call, Dialects, Endpoint, Fault, FaultRule, Occurrence, Options, SAMPLE_PERSON, Simulator, WaitHint,
};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::host::{Host, LONG, assert_in_time, in_time};
use crate::leaks::{assert_no_line_leaks, listen, telling_of_check};
use crate::markers::{assert_nothing_leaks, marked};
use crate::remedies::{Row, rows, waits_as_asked};
use crate::world::{World, about, another_origin, assert_another_waits, email, expect, request};

/// What a host asks a connector to do, from its first call to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Check,
    Access,
    /// The documents of an access request, each piece on an instance of its own.
    Read,
    Delete(DeletionMode),
}

const FLOWS: [Flow; 6] = [
    Flow::Check,
    Flow::Access,
    Flow::Read,
    Flow::Delete(DeletionMode::Preview),
    Flow::Delete(DeletionMode::Erase),
    Flow::Delete(DeletionMode::EraseAndVerify),
];

/// What is said of when to come back: nothing, soon, late, a date, nonsense, and longer than anybody lives.
const HINTS: [WaitHint; 6] = [
    WaitHint::None,
    WaitHint::Seconds(2),
    WaitHint::Seconds(90),
    WaitHint::Date(40),
    WaitHint::Absurd,
    WaitHint::Seconds(u64::MAX),
];

/// Everything that can befall a call.
fn faults() -> Vec<Fault> {
    let mut faults = vec![
        Fault::ShutBehind,
        Fault::ResetBeforeRead,
        Fault::ResetBeforeEffect,
        Fault::ResetAfterEffect,
        Fault::SilenceBeforeEffect,
        Fault::SilenceAfterEffect,
        Fault::HalfAnswer,
        Fault::StalledAnswer,
        Fault::ChunksCutOff,
        Fault::LengthTooLong,
        Fault::LengthTooShort,
        Fault::Drip(Duration::from_secs(1)),
        Fault::Html,
        Fault::EmptyBody,
        Fault::JsonArray,
        Fault::JsonString,
        Fault::JsonNumber,
        Fault::DeepJson,
        Fault::HugeBody,
        Fault::InvalidUtf8,
        Fault::DuplicateKeys,
        Fault::NumbersAsStrings,
        Fault::RepeatedCursor,
        Fault::NextPageElsewhere(another_origin()),
        Fault::IgnoredFilter,
        Fault::UnaskedGzip,
    ];
    faults.extend([301, 302, 307, 308].map(|status| Fault::Redirect(status, another_origin() + "/API/v3/whoami")));
    faults.extend(HINTS.map(|hint| Fault::Status(429, hint)));
    faults.extend([WaitHint::None, WaitHint::Seconds(1)].map(|hint| Fault::Status(503, hint)));
    faults
        .extend([400, 401, 403, 404, 408, 409, 413, 418, 425, 500, 502, 504].map(|s| Fault::Status(s, WaitHint::None)));
    faults.extend([408, 500, 502, 504].map(|status| Fault::StatusAfterEffect(status, WaitHint::None)));
    faults.extend([400, 401, 403, 404, 429, 500, 503].map(Fault::MetaStatus));
    faults
}

/// One fault of each kind that a second try does not get over.
fn lasting_faults() -> Vec<Fault> {
    let mut faults = vec![
        Fault::ShutBehind,
        Fault::ResetBeforeEffect,
        Fault::SilenceBeforeEffect,
        Fault::HalfAnswer,
        Fault::LengthTooLong,
        Fault::LengthTooShort,
        Fault::Drip(Duration::from_secs(1)),
        Fault::Html,
        Fault::EmptyBody,
        Fault::DeepJson,
        Fault::HugeBody,
        Fault::RepeatedCursor,
        Fault::UnaskedGzip,
        Fault::Redirect(307, another_origin() + "/API/v3/whoami"),
        Fault::StatusAfterEffect(504, WaitHint::None),
        Fault::MetaStatus(500),
    ];
    faults.extend(HINTS.map(|hint| Fault::Status(429, hint)));
    faults.extend([400, 401, 403, 404, 408, 409, 413, 500, 503].map(|s| Fault::Status(s, WaitHint::None)));
    faults
}

fn keeps_silent(fault: &Fault) -> bool {
    matches!(fault, Fault::SilenceBeforeEffect | Fault::SilenceAfterEffect | Fault::StalledAnswer)
}

/// A host does not repeat what is done. A source that refused, rather than failed for the moment, was left out, and the
/// report says so.
fn may_be_partial(befallen: &[Call], rules: &[FaultRule]) -> bool {
    let refuses = |rule: &FaultRule| match rule.fault {
        Fault::Status(400 | 403 | 404 | 413 | 418, _) => true,
        // A token may have been too old; of a new one it is a refusal.
        Fault::Status(401, _) => !matches!(rule.occurrence, Occurrence::Nth(_)),
        Fault::Redirect(..) | Fault::HugeBody | Fault::RepeatedCursor | Fault::IgnoredFilter => true,
        _ => false,
    };
    let of_a_source = |call: &Call| {
        matches!(
            call.endpoint,
            Endpoint::Directories | Endpoint::ContactSearch | Endpoint::Contact | Endpoint::ExportFile
        )
    };
    rules.iter().any(refuses) && befallen.iter().any(of_a_source)
}

/// A file may hold anything: another answer in its place, whole and under a good status, cannot be told from it when it is
/// seen first.
fn passes_for_a_file(befallen: &[Call], rules: &[FaultRule]) -> bool {
    let passes = |fault: &Fault| {
        matches!(
            fault,
            Fault::LengthTooShort
                | Fault::Html
                | Fault::EmptyBody
                | Fault::JsonArray
                | Fault::JsonString
                | Fault::JsonNumber
                | Fault::DeepJson
                | Fault::HugeBody
                | Fault::InvalidUtf8
                | Fault::UnaskedGzip
        )
    };
    rules.iter().any(|rule| passes(&rule.fault)) && befallen.iter().any(|call| call.endpoint == Endpoint::ExportFile)
}

async fn world_of(dialects: &str) -> World {
    let options = Options {
        dialects: Dialects::parse(dialects).expect("dialects"),
        erasure_duration: Duration::from_secs(40),
        export_duration: Duration::from_secs(40),
        ..Options::default()
    };
    World::of(marked(Brand::sample().past_erasures(120)), options, &[]).await
}

/// Everything about everybody else, to be compared.
fn others(simulator: &Simulator) -> Vec<String> {
    simulator.with_brand(|brand| {
        let contacts = brand.directories.iter().flat_map(|directory| &directory.contacts);
        let contacts = contacts.filter(|contact| contact.email.as_deref() != Some(SAMPLE_PERSON));
        let responses = brand.responses.iter().filter(|response| response.email.as_deref() != Some(SAMPLE_PERSON));
        let users = brand.users.iter().map(|user| user.id.clone());
        contacts.map(|one| one.id.clone()).chain(responses.map(|one| one.id.clone())).chain(users).collect()
    })
}

/// One thing that goes wrong on the way of a request.
#[derive(Clone, Debug)]
struct Case {
    flow: Flow,
    dialects: &'static str,
    /// Whether connections are refused from the beginning.
    shut: bool,
    faults: Vec<FaultRule>,
}

/// What came of a case.
struct Told {
    calls: Vec<Call>,
    /// Rows of the README's table of which an error was.
    rows: BTreeSet<Row>,
}

impl Case {
    fn of(flow: Flow, faults: Vec<FaultRule>) -> Self {
        Self { flow, dialects: "", shut: false, faults }
    }

    /// The request is seen through, and what it came to is looked at.
    async fn play(self) -> Told {
        let Self { flow, dialects, .. } = self;
        let mut world = world_of(dialects).await;
        let before = others(&world.simulator);
        let (mut said, mut errors, mut found) = (Vec::new(), Vec::new(), None);
        let ready = if flow == Flow::Read { Some(self.documents(&mut world).await) } else { None };
        world.simulator.clear_calls();
        world.simulator.set_faults(self.faults.clone());
        if self.shut {
            world.simulator.shut().await;
        }
        let silent = self.faults.iter().any(|rule| keeps_silent(&rule.fault));
        let mut host = Host::new(&mut world);
        host.silence = Some(if silent { LONG } else { Duration::ZERO });
        match flow {
            Flow::Check => {
                let silence = host.silence.take().unwrap_or_default();
                self.check(&mut world, silence, &mut said, &mut errors).await;
            }
            Flow::Access => {
                found = Some(self.access(&mut host).await);
                (said, errors) = (host.said, host.errors);
            }
            Flow::Read => {
                self.read(&mut host, ready.unwrap_or_default()).await;
                (said, errors) = (host.said, host.errors);
            }
            Flow::Delete(mode) => {
                self.delete(&mut host, mode).await;
                (said, errors) = (host.said, host.errors);
            }
        }
        assert_eq!(others(&world.simulator), before, "{self:?}");
        let calls = world.simulator.calls();
        assert_nothing_leaks(&format!("{self:?}"), &said, &calls);
        assert_another_waits();
        let told = Told { rows: self.rows(&calls, &errors), calls };
        if let Some(found) = found {
            self.is_whole_once_begun_anew(&mut world, &found).await;
        }
        told
    }

    /// With nothing amiss, all of it is there; and an answer that claimed to be whole told the same.
    async fn is_whole_once_begun_anew(&self, world: &mut World, found: &Report) {
        world.simulator.set_faults(Vec::new());
        world.simulator.open_up().await;
        let mut host = Host::new(world);
        host.silence = Some(Duration::ZERO);
        let anew = host.accessed(&request("request-2", vec![email(SAMPLE_PERSON)])).await;
        expect(&anew, Outcome::Found);
        assert_eq!(anew.documents.len(), 3, "{self:?}");
        if found.outcome == Outcome::Found {
            assert_eq!(contacts(&mut host, found).await, contacts(&mut host, &anew).await, "{self:?}");
        } else {
            let left_out = |finding: &Finding| finding.state != SourceState::Searched && finding.code.is_some();
            assert!(found.findings.iter().any(left_out), "{self:?}: {:?}", found.findings);
        }
    }

    /// Each error is of the kind, and names the remedy, that the README has for what befell a call.
    fn rows(&self, calls: &[Call], errors: &[Error]) -> BTreeSet<Row> {
        let mut allowed: BTreeSet<Row> = self.shut.then_some(Row::Passing).into_iter().collect();
        for call in calls.iter().filter(|call| call.faulty) {
            for rule in self.faults.iter().filter(|rule| rule.endpoint.is_none_or(|wanted| wanted == call.endpoint)) {
                allowed.extend(rows(&rule.fault, call.endpoint, self.flow == Flow::Check));
            }
        }
        let mut told = BTreeSet::new();
        for error in errors {
            let of: Vec<Row> = allowed.iter().copied().filter(|row| row.is_of(error)).collect();
            assert!(!of.is_empty(), "{self:?}: of none of {allowed:?}: {error:?}");
            told.extend(of);
            assert!(self.faults.iter().all(|rule| waits_as_asked(&rule.fault, error)), "{self:?}: {error:?}");
        }
        told
    }

    async fn check(&self, world: &mut World, silence: Duration, said: &mut Vec<String>, errors: &mut Vec<Error>) {
        loop {
            let World { simulator, instance, .. } = &mut *world;
            let call = instance.check(&[Right::Access, Right::Deletion]);
            let began = simulator.clock().monotonic();
            let answer = in_time(simulator, silence, call).await;
            assert_in_time(simulator, began);
            let answer = answer.unwrap_or_else(|error| panic!("{self:?}: {error:?}"));
            said.push(telling_of_check(&answer));
            let Err(error) = answer else { return };
            assert!(errors.len() < 20, "{self:?}: {error:?}");
            match error.remedy {
                Remedy::Retry(ms) => {
                    world.simulator.open_up().await;
                    world.advance(Duration::from_millis(ms));
                }
                Remedy::Operator => world.simulator.set_faults(Vec::new()),
                Remedy::Restart | Remedy::GiveUp => panic!("{self:?}: {error:?}"),
            }
            errors.push(error);
        }
    }

    fn befallen(&self, host: &Host<'_>) -> Vec<Call> {
        host.world.simulator.calls().into_iter().filter(|call| call.faulty).collect()
    }

    async fn access(&self, host: &mut Host<'_>) -> Report {
        let expected = host.world.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content.to_vec();
        loop {
            let report = host.accessed(&about(SAMPLE_PERSON)).await;
            let befallen = self.befallen(host);
            let partial = report.outcome == Outcome::Partial && may_be_partial(&befallen, &self.faults);
            assert!(
                partial || report.outcome == Outcome::Found,
                "{self:?}: {:?} {:#?}",
                report.outcome,
                report.findings
            );
            if passes_for_a_file(&befallen, &self.faults) {
                return report;
            }
            assert!(partial || report.documents.len() == 3, "{self:?}: {:?}", report.findings);
            let export = report.documents.iter().find(|document| document.source == "survey-responses");
            assert!(partial || export.is_some(), "{self:?}: no export");
            let Some(export) = export else { return report };
            if let Some(bytes) = host.bytes(export).await {
                assert!(bytes == expected, "{self:?}: not what Qualtrics holds");
                return report;
            }
        }
    }

    /// Remote documents, and what they hold.
    async fn documents(&self, world: &mut World) -> Vec<(Document, Vec<u8>)> {
        // What cannot be read when the report is made is read by the host.
        let busy = FaultRule::every(Endpoint::Contact, Fault::Status(503, WaitHint::None));
        world.simulator.set_faults(vec![busy]);
        let mut host = Host::new(world);
        host.silence = Some(Duration::ZERO);
        let report = host.accessed(&about(SAMPLE_PERSON)).await;
        host.world.simulator.set_faults(Vec::new());
        assert_eq!((report.outcome, report.documents.len()), (Outcome::Found, 3), "{self:?}");
        let mut documents = Vec::new();
        for document in report.documents {
            let bytes = host.bytes(&document).await.expect("nothing is amiss");
            documents.push((document, bytes));
        }
        documents
    }

    async fn read(&self, host: &mut Host<'_>, documents: Vec<(Document, Vec<u8>)>) {
        (host.fresh, host.piece) = (true, 700);
        let mut documents = documents;
        for number in 0..documents.len() {
            let (document, expected) = documents[number].clone();
            let bytes = match host.bytes(&document).await {
                Some(bytes) => bytes,
                None => {
                    // The reference is spent: the request is begun anew.
                    documents = self.documents(host.world).await;
                    host.world.change_instance().await;
                    host.bytes(&documents[number].0).await.expect("a new reference")
                }
            };
            // Numbers that Qualtrics writes as strings are what it holds.
            let as_strings = self.faults.iter().any(|rule| rule.fault == Fault::NumbersAsStrings);
            assert!(bytes == expected || as_strings, "{self:?}: not what Qualtrics holds");
        }
    }

    async fn delete(&self, host: &mut Host<'_>, mode: DeletionMode) {
        let expected = match mode {
            DeletionMode::Preview => Outcome::Previewed,
            DeletionMode::Erase => Outcome::Erased,
            DeletionMode::EraseAndVerify => Outcome::Verified,
        };
        let report = host.deleted(&about(SAMPLE_PERSON), mode).await;
        let partial = report.outcome == Outcome::Partial && may_be_partial(&self.befallen(host), &self.faults);
        assert!(partial || report.outcome == expected, "{self:?}: {:?} {:#?}", report.outcome, report.findings);
        let erasures = usize::from(mode != DeletionMode::Preview);
        assert_eq!(host.world.erasures_of(SAMPLE_PERSON), erasures, "{self:?}");
        assert_eq!(host.world.simulator.holdings(SAMPLE_PERSON).is_empty(), erasures == 1, "{self:?}");
    }
}

/// What a report tells of each contact: the members that make it up, whichever answer of Qualtrics they were read from.
async fn contacts(host: &mut Host<'_>, report: &Report) -> Vec<Vec<Value>> {
    let mut contacts = Vec::new();
    for document in report.documents.iter().filter(|document| document.source.starts_with("directory:")) {
        let bytes = match &document.content {
            Content::Inline(bytes) => bytes.clone(),
            Content::Remote(_) => host.bytes(document).await.expect("nothing is amiss"),
        };
        let contact: Value = serde_json::from_slice(&bytes).expect("JSON");
        let members = ["contactId", "directoryId", "firstName", "lastName", "email", "phone", "extRef", "embeddedData"];
        contacts.push(members.map(|member| contact[member].clone()).to_vec());
    }
    contacts
}

/// Plays cases side by side, and tells how many there were and how long they took. Returns the rows of the README's table
/// of which an error was.
async fn side_by_side(name: &str, cases: Vec<Case>) -> BTreeSet<Row> {
    listen();
    let began = Instant::now();
    let count = cases.len();
    let room = Arc::new(Semaphore::new(12));
    let mut running = JoinSet::new();
    for case in cases {
        let place = room.clone().acquire_owned().await.expect("never closed");
        running.spawn(async move {
            let told = case.play().await;
            drop(place);
            told
        });
    }
    let (mut failed, mut rows) = (0, BTreeSet::new());
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok(told) => rows.extend(told.rows),
            Err(_) => failed += 1,
        }
    }
    let lines = assert_no_line_leaks();
    // Past the harness, which keeps to itself what a test that passes prints.
    let _ = writeln!(
        std::io::stdout(),
        "{name}: {count} cases in {:.1} s, {lines} different lines logged",
        began.elapsed().as_secs_f64()
    );
    assert_eq!(failed, 0, "of {count} cases");
    rows
}

/// The calls of a flow that nothing befalls.
async fn calls_of(flow: Flow) -> Vec<Endpoint> {
    let calls = Case::of(flow, Vec::new()).play().await.calls;
    let endpoints: Vec<Endpoint> = calls.into_iter().map(|call| call.endpoint).collect();
    assert!(!endpoints.contains(&Endpoint::Unknown), "only what Qualtrics has is called");
    endpoints
}

fn counted(endpoints: Vec<Endpoint>) -> BTreeMap<Endpoint, u32> {
    let mut counted = BTreeMap::new();
    for endpoint in endpoints {
        *counted.entry(endpoint).or_default() += 1;
    }
    counted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_fault_of_any_call_is_got_over_by_the_remedy_alone() {
    let mut cases = Vec::new();
    for flow in FLOWS {
        // Nobody listens when the first call is made; each other call is refused behind the one before it.
        cases.push(Case { shut: true, ..Case::of(flow, Vec::new()) });
        for (endpoint, count) in counted(calls_of(flow).await) {
            for n in 1..=count {
                let rules = faults().into_iter().map(|fault| FaultRule::nth(endpoint, n, fault));
                cases.extend(rules.map(|rule| Case::of(flow, vec![rule])));
            }
        }
    }
    side_by_side("one fault", cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_that_lasts_is_told_and_got_over_once_it_ends() {
    let mut cases = Vec::new();
    for flow in FLOWS {
        for endpoint in counted(calls_of(flow).await).into_keys() {
            for fault in lasting_faults() {
                // Until the person who is called ends it, or for longer than a second try.
                let occurrence = match fault {
                    Fault::Status(401 | 403 | 413, _) | Fault::Redirect(..) => Occurrence::Every,
                    _ => Occurrence::First(3),
                };
                cases.push(Case::of(flow, vec![FaultRule { endpoint: Some(endpoint), occurrence, fault }]));
            }
        }
        for fault in [
            Fault::ResetBeforeRead,
            Fault::Html,
            Fault::Status(500, WaitHint::None),
            Fault::Status(429, WaitHint::Seconds(20)),
            Fault::Status(503, WaitHint::Date(20)),
            Fault::Status(401, WaitHint::None),
            Fault::Status(403, WaitHint::None),
        ] {
            for calls in [3, 8] {
                let rule = FaultRule { endpoint: None, occurrence: Occurrence::First(calls), fault: fault.clone() };
                cases.push(Case::of(flow, vec![rule]));
            }
        }
    }
    let told = side_by_side("lasting faults", cases).await;
    let elsewhere = [Row::Undecided, Row::Egress, Row::SmallShare];
    for row in Row::ALL.into_iter().filter(|row| !elsewhere.contains(row)) {
        assert!(told.contains(&row), "no error was of {row:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_are_got_over_in_every_dialect() {
    let mut cases = Vec::new();
    let dialects = [
        "erasure-list-oldest-first,erasure-lag-20-s,erasure-id-id,early-erasure-500",
        "error-envelope-old,request-id-null,http-status-number,erasure-at-work-no-addresses,dates-epoch-ms",
        "error-envelope-instance,retry-after-body,content-type-plain,erasure-at-work-sparse,early-erasure-400",
        "next-page-links,last-page-absent,erasure-cursor-skip-token,email-list-lower-case,search-only-string",
    ];
    for dialects in dialects {
        for flow in FLOWS {
            for n in 1..=10 {
                for fault in [
                    Fault::ResetAfterEffect,
                    Fault::EmptyBody,
                    Fault::Status(429, WaitHint::None),
                    Fault::StatusAfterEffect(504, WaitHint::None),
                ] {
                    cases.push(Case { dialects, ..Case::of(flow, vec![FaultRule::nth_of_any(n, fault)]) });
                }
            }
        }
    }
    side_by_side("faults in dialects", cases).await;
}
