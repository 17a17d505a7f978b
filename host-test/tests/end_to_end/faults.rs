//! Fault injection: every fault at every call.

use std::time::Duration;

use qualtrics_simulator::{Endpoint, Fault, FaultRule, ForeignBody, Occurrence, WaitHint};
use serde_json::{Value, json};

use crate::fault_cases::{Case, FLOWS, calls_of, counted, run_all, starts_a_job};
use crate::fixture::unrelated_origin;
use crate::remedies::{Row, contradicts_itself};

/// The delays that a response may request.
const HINTS: [WaitHint; 11] = [
    WaitHint::None,
    WaitHint::Fraction,
    WaitHint::Negative,
    WaitHint::Past(3_600),
    WaitHint::Date(0),
    WaitHint::Seconds(0),
    WaitHint::Seconds(2),
    WaitHint::Seconds(90),
    WaitHint::Date(40),
    WaitHint::Absurd,
    WaitHint::Seconds(u64::MAX),
];

/// Members of a response that are filled and not understood.
fn unknown_members() -> Vec<Fault> {
    let member = |pointer: &str, value: Value| Fault::Member(pointer.to_owned(), value);
    vec![
        member("/result", json!(null)),
        member("/result", json!("done")),
        member("/result/elements", json!(null)),
        member("/result/elements", json!({"0": {}})),
        member("/result/elements", json!("none")),
        member("/result/elements", json!([null])),
        member("/result/nextPage", json!(true)),
        member("/result/nextPage", json!({"offset": 100})),
        member("/result/skipToken", json!(["next"])),
        member("/result/links", json!("/API/v3/users?offset=100")),
        member("/result/status", json!(3)),
        member("/result/status", json!({"name": "Completed"})),
        member("/result/status", json!("Simmering")),
        member("/meta/notice", json!({"text": "Request proxied."})),
    ]
}

/// Every fault except the statuses that `statuses.rs` covers.
pub fn faults() -> Vec<Fault> {
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
        Fault::RepeatedKeys,
        Fault::CutJson,
        Fault::NumbersAsStrings,
        Fault::NumbersReplaced(json!(-1)),
        Fault::NumbersReplaced(json!(0.5)),
        Fault::NumbersReplaced(json!(1e300)),
        Fault::RepeatedCursor,
        Fault::NextPageElsewhere(unrelated_origin()),
        Fault::IgnoredFilter,
        Fault::UnaskedGzip,
    ];
    let elsewhere = || unrelated_origin() + "/API/v3/whoami";
    faults.extend([301, 302, 307, 308].map(|status| Fault::Redirect(status, elsewhere())));
    faults.extend([302, 307].map(|status| Fault::RedirectAfterEffect(status, elsewhere())));
    // `statuses.rs` covers these statuses without a delay, and all others.
    faults.extend(HINTS.map(|hint| Fault::Status(429, hint)));
    faults.extend([WaitHint::Seconds(1), WaitHint::Seconds(90)].map(|hint| Fault::Status(503, hint)));
    // A requested delay does not permit a second attempt, because the job may have been started.
    faults.extend([WaitHint::Seconds(1), WaitHint::Date(2)].map(|hint| Fault::StatusAfterEffect(503, hint)));
    faults.extend([400, 401, 403, 404, 429, 500, 503].map(Fault::MetaStatus));
    faults.extend(ForeignBody::ALL.map(|body| Fault::Foreign(200, body)));
    faults.extend(ForeignBody::ALL.map(|body| Fault::ForeignAfterEffect(200, body)));
    faults.extend(unknown_members());
    faults
}

/// Whether a fault can occur at this endpoint.
pub fn can_occur(fault: &Fault, endpoint: Endpoint) -> bool {
    !(starts_a_job(endpoint) && contradicts_itself(fault))
}

/// One fault of each kind that persists through a second attempt.
fn persistent_faults() -> Vec<Fault> {
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
        Fault::RepeatedKeys,
        Fault::CutJson,
        Fault::RepeatedCursor,
        Fault::UnaskedGzip,
        Fault::Redirect(307, unrelated_origin() + "/API/v3/whoami"),
        Fault::RedirectAfterEffect(307, unrelated_origin() + "/API/v3/whoami"),
        Fault::StatusAfterEffect(504, WaitHint::None),
        Fault::ForeignAfterEffect(401, ForeignBody::Json),
        Fault::ForeignAfterEffect(503, ForeignBody::Text),
        Fault::MetaStatus(500),
    ];
    faults.extend(HINTS.map(|hint| Fault::Status(429, hint)));
    faults.extend([400, 401, 403, 404, 408, 409, 413, 500, 503].map(|s| Fault::Status(s, WaitHint::None)));
    faults.extend(
        [200, 400, 401, 403, 404, 407, 416, 429, 503, 511].map(|status| Fault::Foreign(status, ForeignBody::Html)),
    );
    faults.extend([200, 400, 401, 403, 404].map(|status| Fault::Foreign(status, ForeignBody::Json)));
    faults.extend(unknown_members());
    faults
}

/// How long a fault persists: until an operator fixes it, or through a second attempt. A job whose start is unknown needs no operator.
fn persistence(endpoint: Endpoint, fault: &Fault) -> Occurrence {
    match fault {
        Fault::Status(401 | 403 | 413, _) => Occurrence::Every,
        Fault::Redirect(..)
        | Fault::RedirectAfterEffect(..)
        | Fault::Foreign(401 | 403 | 407 | 511, _)
        | Fault::ForeignAfterEffect(401, _)
            if !starts_a_job(endpoint) =>
        {
            Occurrence::Every
        }
        _ => Occurrence::First(3),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_recovers_from_any_fault_of_any_call_by_the_remedies_alone() {
    let mut cases = Vec::new();
    for flow in FLOWS {
        // This case refuses the first connection. `ShutBehind` refuses later ones.
        cases.push(Case { refuses_connections: true, ..Case::of(flow, Vec::new()) });
        for (endpoint, count) in counted(calls_of(flow).await) {
            for n in 1..=count {
                let faults = faults().into_iter().filter(|fault| can_occur(fault, endpoint));
                cases.extend(faults.map(|fault| Case::of(flow, vec![FaultRule::nth(endpoint, n, fault)])));
            }
        }
    }
    run_all("one fault", cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_recovers_from_a_persistent_fault_once_it_ends() {
    let mut cases = Vec::new();
    for flow in FLOWS {
        for endpoint in counted(calls_of(flow).await).into_keys() {
            for fault in persistent_faults().into_iter().filter(|fault| can_occur(fault, endpoint)) {
                let occurrence = persistence(endpoint, &fault);
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
    let found = run_all("persistent faults", cases).await;
    let tested_elsewhere = [Row::Undecided, Row::Egress, Row::ShareTooSmall, Row::Vanished];
    for row in Row::ALL.into_iter().filter(|row| !tested_elsewhere.contains(row)) {
        assert!(found.contains(&row), "no error matches {row:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_recovers_from_faults_in_every_dialect() {
    let mut cases = Vec::new();
    let dialects = [
        "erasure-list-oldest-first,erasure-lag-20-s,erasure-id-id,early-erasure-500",
        "error-envelope-old,request-id-null,http-status-number,erasure-at-work-no-addresses,dates-epoch-ms",
        "error-envelope-instance,retry-after-body,content-type-plain,erasure-at-work-sparse,early-erasure-400",
        "next-page-links,last-page-absent,erasure-cursor-skip-token,email-list-lower-case,search-only-string",
        "search-empty-page,erasure-pending-number,dates-epoch-ms-text,not-found-400,erasure-counters-nested",
        "address-case-exact,export-case-exact,contact-search-exact,notice-general",
    ];
    for dialects in dialects {
        for flow in FLOWS {
            for n in 1..=10 {
                for fault in [
                    Fault::ResetAfterEffect,
                    Fault::EmptyBody,
                    Fault::Status(429, WaitHint::None),
                    Fault::StatusAfterEffect(504, WaitHint::None),
                    Fault::ForeignAfterEffect(503, ForeignBody::Text),
                    Fault::ForeignAfterEffect(404, ForeignBody::Html),
                    Fault::Member("/result/elements".to_owned(), json!(null)),
                ] {
                    cases.push(Case { dialects, ..Case::of(flow, vec![FaultRule::nth_of_any(n, fault)]) });
                }
            }
        }
    }
    run_all("faults in dialects", cases).await;
}
