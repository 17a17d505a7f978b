//! Hosts that pass malformed or extreme input. The connector returns a typed error, without a trap, without an unnecessary call to
//! Qualtrics, and without repeating the input.

#[path = "../end_to_end/fixture.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod fixture;

mod documents;
mod in_progress;
mod lists;
mod requests;
mod settings;
mod tickets;

use std::fmt::Debug;

use privacy_host::contract::{Error, ErrorKind, Remedy, Request, Setting, Task};
use privacy_host::{EgressPolicy, InstanceOptions};
use qualtrics_simulator::{SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON};

use crate::fixture::{plugin, request_for, settings_of};

/// A marker in the input. No output may contain it.
const MARK: &str = "GIVEN-5d1f";

/// A megabyte that contains [`MARK`].
fn huge() -> String {
    MARK.repeat((1 << 20) / MARK.len())
}

/// Texts that are invalid in every part of a request.
fn absurd_texts() -> Vec<String> {
    let mut texts = vec![String::new(), " ".repeat(1 << 20), huge(), format!("{MARK}\u{202e}\n\0\r\n\tHost: x")];
    let bad = ["\0", "\u{7f}", "\u{85}", "\r\n\r\n", "\u{2028}\u{0}", "\u{1b}[2J", "\u{200b}", "\u{feff}", "\u{202e}"];
    texts.extend(bad.map(|bad| format!("{MARK}{bad}@{MARK}")));
    texts
}

#[track_caller]
fn assert_nothing_repeated(output: &impl Debug) {
    let output = format!("{output:?}");
    assert!(!output.contains(MARK), "{}", output.chars().take(2_000).collect::<String>());
}

/// Returns the error of a result. Asserts that it has one of these kinds and does not repeat the input.
#[track_caller]
fn rejected<T: Debug>(result: Result<T, Error>, kinds: &[ErrorKind]) -> Error {
    assert_nothing_repeated(&result);
    let error = result.expect_err("an error");
    assert!(kinds.contains(&error.kind), "{error:?}");
    assert!(!error.message.is_empty());
    assert!(!matches!(error.remedy, Remedy::Retry(ms) if ms < 1_000), "{error:?}");
    error
}

fn setting(key: impl Into<String>, value: impl Into<String>) -> Setting {
    Setting { key: key.into(), value: value.into() }
}

fn task(request: &Request, ticket: impl Into<String>) -> Task {
    Task { request: request.clone(), ticket: ticket.into() }
}

#[tokio::test]
async fn a_base_url_that_the_policy_denies_is_named_and_never_contacted() {
    let mut instance = plugin()
        .instantiate(InstanceOptions { egress: EgressPolicy::deny_all(), ..InstanceOptions::default() })
        .await
        .expect("an instance");
    let settings = settings_of(&[
        ("datacenter-id", "fra1"),
        ("client-id", SAMPLE_CLIENT_ID),
        ("client-secret", SAMPLE_CLIENT_SECRET),
        ("base-url", "http://[::1]:9"),
    ]);
    instance.configure(&settings).await.expect("a result").expect("valid settings");
    let error =
        instance.access(&[request_for(SAMPLE_PERSON)]).await.expect("a result").remove(0).expect_err("an error");
    assert_eq!((error.kind, error.remedy), (ErrorKind::Unavailable, Remedy::Operator));
    assert_eq!(error.problems[0].target, "http://[::1]:9");
}
