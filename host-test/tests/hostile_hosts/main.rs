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
