//! Whatever befalls any call: a typed error or the right result, and by its remedy alone the request comes to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use host_test::host::contract::{DeletionMode, Outcome, Remedy, Right};
use host_test::simulator::{
    Brand, Call, Dialects, Endpoint, Fault, FaultRule, Options, SAMPLE_PERSON, Simulator, WaitHint,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::host::{Host, LONG, in_time};
use crate::leaks::{assert_nothing_leaks, telling_of_check};
use crate::world::{World, about};

/// What a host asks a connector to do, from its first call to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Check,
    Access,
    Delete(DeletionMode),
}

const FLOWS: [Flow; 5] = [
    Flow::Check,
    Flow::Access,
    Flow::Delete(DeletionMode::Preview),
    Flow::Delete(DeletionMode::Erase),
    Flow::Delete(DeletionMode::EraseAndVerify),
];

/// Every fault that an answer of a few hundred bytes can meet in a moment.
fn faults() -> Vec<Fault> {
    let mut faults = vec![
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
        Fault::Redirect(302, "http://127.0.0.1:9/elsewhere".to_owned()),
        Fault::Redirect(308, "https://example.org/".to_owned()),
        Fault::Html,
        Fault::EmptyBody,
        Fault::JsonArray,
        Fault::JsonString,
        Fault::JsonNumber,
        Fault::DeepJson,
        Fault::InvalidUtf8,
        Fault::DuplicateKeys,
        Fault::NumbersAsStrings,
        Fault::RepeatedCursor,
        Fault::UnaskedGzip,
    ];
    let hints = [WaitHint::None, WaitHint::Seconds(2), WaitHint::Seconds(90), WaitHint::Date(40), WaitHint::Absurd];
    faults.extend(hints.map(|hint| Fault::Status(429, hint)));
    faults.extend([WaitHint::None, WaitHint::Seconds(1)].map(|hint| Fault::Status(503, hint)));
    faults.extend([400, 401, 403, 404, 408, 409, 413, 418, 500, 502, 504].map(|s| Fault::Status(s, WaitHint::None)));
    faults.extend([408, 500, 502, 504].map(|status| Fault::StatusAfterEffect(status, WaitHint::None)));
    faults.extend([400, 401, 403, 404, 429, 500, 503].map(Fault::MetaStatus));
    faults
}

fn keeps_silent(fault: &Fault) -> bool {
    matches!(fault, Fault::SilenceBeforeEffect | Fault::SilenceAfterEffect | Fault::StalledAnswer)
}

/// A host does not repeat what is done: a source that refused was left out, and the report says so.
fn may_be_partial(befallen: &[Call]) -> bool {
    let of_a_source = |call: &Call| {
        matches!(
            call.endpoint,
            Endpoint::Directories
                | Endpoint::ContactSearch
                | Endpoint::Contact
                | Endpoint::ExportProgress
                | Endpoint::ExportFile
        )
    };
    befallen.iter().any(of_a_source)
}

/// A file may hold anything: another answer in its place, whole and under a good status, cannot be told from it.
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
    World::of(Brand::sample().past_erasures(120), options, &[]).await
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

/// Sees a request through, and looks at what it came to.
async fn see_through(flow: Flow, dialects: &str, faults: Vec<FaultRule>, silence: Duration, case: &str) -> Vec<Call> {
    let mut world = world_of(dialects).await;
    let before = others(&world.simulator);
    world.simulator.set_faults(faults.clone());
    let mut said = Vec::new();
    let mut problems = 0;
    match flow {
        Flow::Check => loop {
            let World { simulator, instance, .. } = &mut world;
            let call = instance.check(&[Right::Access, Right::Deletion]);
            let answer = in_time(simulator, silence, call).await;
            let answer = answer.unwrap_or_else(|error| panic!("{case}: {error:?}"));
            said.push(telling_of_check(&answer));
            let Err(error) = answer else { break };
            problems += 1;
            assert!(problems < 20, "{case}: {error:?}");
            match error.remedy {
                Remedy::Retry(ms) => world.advance(Duration::from_millis(ms)),
                Remedy::Operator => world.simulator.set_faults(Vec::new()),
                Remedy::Restart | Remedy::GiveUp => panic!("{case}: {error:?}"),
            }
        },
        Flow::Access => {
            let expected = world.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content.to_vec();
            let mut host = Host::new(&mut world);
            host.silence = Some(silence);
            let (report, bytes) = loop {
                let report = host.accessed(&about(SAMPLE_PERSON)).await;
                let Some(export) = report.documents.iter().find(|document| document.source == "survey-responses")
                else {
                    break (report, None);
                };
                if let Some(bytes) = host.bytes(export).await {
                    break (report, Some(bytes));
                }
            };
            said.append(&mut host.said);
            let befallen: Vec<Call> = world.simulator.calls().into_iter().filter(|call| call.faulty).collect();
            let partial = report.outcome == Outcome::Partial && may_be_partial(&befallen);
            assert!(partial || report.outcome == Outcome::Found, "{case}: {:?} {:#?}", report.outcome, report.findings);
            if !passes_for_a_file(&befallen, &faults) {
                assert!(partial || report.documents.len() == 3, "{case}: {:?}", report.findings);
                assert!(partial || bytes.is_some(), "{case}: no export");
                assert!(bytes.is_none_or(|bytes| bytes == expected), "{case}: not what Qualtrics holds");
            }
        }
        Flow::Delete(mode) => {
            let mut host = Host::new(&mut world);
            host.silence = Some(silence);
            let report = host.deleted(&about(SAMPLE_PERSON), mode).await;
            said.append(&mut host.said);
            let expected = match mode {
                DeletionMode::Preview => Outcome::Previewed,
                DeletionMode::Erase => Outcome::Erased,
                DeletionMode::EraseAndVerify => Outcome::Verified,
            };
            let befallen: Vec<Call> = world.simulator.calls().into_iter().filter(|call| call.faulty).collect();
            let partial = report.outcome == Outcome::Partial && may_be_partial(&befallen);
            assert!(partial || report.outcome == expected, "{case}: {:?} {:#?}", report.outcome, report.findings);
            let erasures = usize::from(mode != DeletionMode::Preview);
            assert_eq!(world.erasures_of(SAMPLE_PERSON), erasures, "{case}");
            assert_eq!(world.simulator.holdings(SAMPLE_PERSON).is_empty(), erasures == 1, "{case}");
        }
    }
    assert_eq!(others(&world.simulator), before, "{case}");
    let calls = world.simulator.calls();
    assert_nothing_leaks(case, &said, &calls);
    calls
}

/// Runs cases side by side, and tells how many there were and how long they took.
async fn side_by_side(name: &str, cases: Vec<(Flow, &'static str, Vec<FaultRule>, Duration, String)>) {
    let began = Instant::now();
    let count = cases.len();
    let room = Arc::new(Semaphore::new(12));
    let mut running = JoinSet::new();
    for (flow, dialects, faults, silence, case) in cases {
        let place = room.clone().acquire_owned().await.expect("never closed");
        running.spawn(async move {
            see_through(flow, dialects, faults, silence, &case).await;
            drop(place);
        });
    }
    let mut failed = Vec::new();
    while let Some(ended) = running.join_next().await {
        failed.extend(ended.err());
    }
    println!("{name}: {count} cases in {:.1} s", began.elapsed().as_secs_f64());
    assert!(failed.is_empty(), "{} of {count} cases failed", failed.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_fault_of_any_call_is_got_over_by_the_remedy_alone() {
    let mut cases = Vec::new();
    for flow in FLOWS {
        let calls = see_through(flow, "", Vec::new(), Duration::ZERO, "nothing amiss").await;
        let mut of_endpoint: BTreeMap<Endpoint, u32> = BTreeMap::new();
        for call in calls {
            *of_endpoint.entry(call.endpoint).or_default() += 1;
        }
        assert_eq!(of_endpoint.get(&Endpoint::Unknown), None, "only what Qualtrics has is called");
        for (endpoint, count) in of_endpoint {
            for n in 1..=count {
                for fault in faults() {
                    let case = format!("{flow:?}, call {n} of {endpoint:?}: {fault:?}");
                    let silence = if keeps_silent(&fault) { LONG } else { Duration::ZERO };
                    cases.push((flow, "", vec![FaultRule::nth(endpoint, n, fault)], silence, case));
                }
            }
        }
    }
    side_by_side("one fault", cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_that_lasts_is_told_and_got_over_once_it_ends() {
    let mut cases = Vec::new();
    for flow in FLOWS {
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
                let case = format!("{flow:?}, the first {calls} calls: {fault:?}");
                let rules = (1..=calls).map(|n| FaultRule::nth_of_any(n, fault.clone())).collect();
                cases.push((flow, "", rules, Duration::ZERO, case));
            }
        }
    }
    side_by_side("lasting faults", cases).await;
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
            for n in 1..=14 {
                for fault in [
                    Fault::ResetAfterEffect,
                    Fault::EmptyBody,
                    Fault::Status(429, WaitHint::None),
                    Fault::StatusAfterEffect(504, WaitHint::None),
                ] {
                    let case = format!("{flow:?}, call {n}: {fault:?} in {dialects}");
                    cases.push((flow, dialects, vec![FaultRule::nth_of_any(n, fault)], Duration::ZERO, case));
                }
            }
        }
    }
    side_by_side("faults in dialects", cases).await;
}

#[tokio::test]
async fn an_answer_of_a_hundred_megabytes_is_cut_off() {
    for (flow, endpoint) in [
        (Flow::Check, Endpoint::Token),
        (Flow::Delete(DeletionMode::Erase), Endpoint::Users),
        (Flow::Delete(DeletionMode::Erase), Endpoint::ErasureCreate),
        (Flow::Access, Endpoint::ContactSearch),
    ] {
        let case = format!("{flow:?}, {endpoint:?}");
        see_through(flow, "", vec![FaultRule::nth(endpoint, 1, Fault::HugeBody)], Duration::ZERO, &case).await;
    }
}

#[tokio::test]
async fn an_answer_that_drips_is_waited_for() {
    let drip = Fault::Drip(Duration::from_millis(10));
    for endpoint in [Endpoint::Token, Endpoint::ErasureCreate] {
        let rules = vec![FaultRule::nth(endpoint, 1, drip.clone())];
        see_through(Flow::Delete(DeletionMode::Erase), "", rules, Duration::ZERO, "a drip").await;
    }
}
