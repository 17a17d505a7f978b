//! Bodies.

use super::fake::{Fake, call, post};
use crate::arguments::MAX_BYTES;

const REQUEST: &str = r#"{"id": "dsr-1", "subject": [{"email": "ada@example.org"}]}"#;

/// What is wrong with a body, where something is.
fn refused(target: &str, body: &str) -> String {
    let mut connector = Fake::default();
    let answer = post(target, body).answer(&mut connector);
    assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed-request"), "{body}");
    assert!(connector.calls.is_empty(), "{:?}", connector.calls);
    answer.value()["detail"].as_str().expect("a detail").to_owned()
}

#[test]
fn a_slip_of_the_pen_is_no_member_left_out() {
    let with = |members: &str| refused("/deletions", &format!(r#"{{"requests": [{REQUEST}]{members}}}"#));
    assert!(with("").ends_with("missing field `mode`."));
    assert!(with(r#", "mood": "erase""#).ends_with("expected `requests` or `mode`."));
    assert!(with(r#", "mode": "erase", "Mode": "preview""#).ends_with("expected `requests` or `mode`."));
    assert!(with(r#", "mode": "preview", "mode": "erase""#).ends_with("duplicate field `mode`."));
    let modes = "expected one of `preview`, `erase`, `erase-and-verify`.";
    assert!(with(r#", "mode": "erase-and-verfy""#).ends_with(modes), "{}", with(r#", "mode": "erase-and-verfy""#));
    assert!(with(r#", "mode": "Erase""#).ends_with(modes));
    for wrong in ["null", "0", r#"["erase"]"#, r#"{"erase": null, "mode": 1}"#, r#""""#] {
        with(&format!(r#", "mode": {wrong}"#));
    }
}

#[test]
fn every_member_is_what_the_contract_says() {
    for wrong in [
        r#"{"id": "1"}"#,
        r#"{"subject": []}"#,
        r#"{"id": 1, "subject": []}"#,
        r#"{"id": "1", "subject": {}}"#,
        r#"{"id": "1", "subject": ["ada@example.org"]}"#,
        r#"{"id": "1", "subject": [{"mail": "ada@example.org"}]}"#,
        r#"{"id": "1", "subject": [{}]}"#,
        r#"{"id": "1", "subject": [{"email": "a", "phone": "b"}]}"#,
        r#"{"id": "1", "subject": [{"email": null}]}"#,
        r#"{"id": "1", "subject": [{"other": ["kind"]}]}"#,
        r#"{"id": "1", "subject": [{"other": ["kind", "value", "more"]}]}"#,
        r#"{"id": "1", "subject": [{"other": {"0": "kind", "1": "value"}}]}"#,
        r#"{"id": "1", "subject": [], "attempts": {"first-at": -1, "last-at": 1}}"#,
        r#"{"id": "1", "subject": [], "attempts": {"first-at": 1, "last-at": 1.5}}"#,
        r#"{"id": "1", "subject": [], "attempts": "1"}"#,
        r#"{"id": "1", "subject": [], "attempts": {"first-at": 1}}"#,
        r#"{"id": "1", "subject": [], "overrides": null}"#,
        r#"{"id": "1", "subject": [], "overrides": [1]}"#,
        r#"{"id": "1", "subject": [], "extra": []}"#,
        r#"{"id": "1", "id": "2", "subject": []}"#,
        "null",
        "7",
    ] {
        refused("/accesses", &format!(r#"{{"requests": [{wrong}]}}"#));
        refused("/polls", &format!(r#"{{"tasks": [{{"request": {wrong}, "ticket": "t"}}]}}"#));
    }
    for wrong in ["", "[]", "{}", "{", r#"{"rights": ["access"]} {}"#, r#"{"rights": ["Access"]}"#, r#"[["access"]]"#] {
        refused("/checks", wrong);
    }
}

#[test]
fn a_whole_number_may_be_written_as_json_writes_numbers() {
    let body = |number: &str| {
        let attempts = format!(r#"{{"first-at": {number}, "last-at": {number}}}"#);
        format!(r#"{{"requests": [{{"id": "1", "subject": [], "attempts": {attempts}}}]}}"#)
    };
    for (written, read) in [("7", 7_u64), ("7.0", 7), ("7e3", 7000), ("-0.0", 0), ("18446744073709551615", u64::MAX)] {
        let mut connector = Fake::default();
        post("/accesses", &body(written)).answer(&mut connector);
        assert_eq!(connector.calls[1], format!("access 1  {:?} []", Some((read, read))), "{written}");
    }
    for wrong in ["1.5", "-1.0", "1e30", "18446744073709551615.0", "true"] {
        let detail = refused("/accesses", &body(wrong));
        assert!(detail.ends_with("expected a whole number."), "{detail}");
    }
}

#[test]
fn what_was_sent_is_not_repeated() {
    for private in [
        r#"{"requests": [{"id": 1, "ada@example.org": 1}]}"#,
        r#"{"ada@example.org": 1}"#,
        r#"{"requests": "ada@example.org"}"#,
        r#"{"requests": [{"id": "1", "subject": "ada@example.org"}]}"#,
        r#"{"requests": [{"id": "1", "subject": [{"ada@example.org": 1}]}]}"#,
        r#"{"requests": [{"id": "1", "subject": ["ada@example.org"]}]}"#,
        r#"{"requests": [{"id": "1", "subject": [], "attempts": "ada@example.org, expected ada@example.org"}]}"#,
        r#"{"requests": [{"id": "1", "subject": [], "attempts": "x at line ada@example.org"}]}"#,
        r#"{"requests": [{"id": "1", "subject": [{"other": ["a, ada@example.org"]}]}]}"#,
        r#"{"missing field ada@example.org": 1}"#,
        r#"{"requests": "missing field ada@example.org"}"#,
        "ada@example.org",
        r#"{"requests": 'ada@example.org'}"#,
    ] {
        let detail = refused("/accesses", private);
        assert!(!detail.contains("ada"), "{detail}");
        let has_place = detail.starts_with("The body, line 1, column ");
        assert!(has_place || detail == "The body must be a JSON object.", "{detail}");
    }
}

#[test]
fn a_body_is_read_to_the_limit_and_no_further() {
    let piece = vec![b' '; 64 * 1024];
    let sent = |pieces: usize, length: Option<usize>| {
        let caller = post("/checks", "").body(vec![piece.clone(); pieces], false);
        let caller = match length {
            Some(length) => caller.header("content-length", &length.to_string()),
            None => caller,
        };
        let mut gateway = super::fake::gateway(&[("GATEWAY_TOKEN_SHA256", super::fake::TOKEN_SHA256)]);
        let (answer, reads) = caller.of(&mut gateway, &mut Fake::default());
        (answer.problem(), reads)
    };
    assert_eq!(MAX_BYTES, 16 * piece.len());
    assert_eq!(sent(16, None), ("malformed-request".to_owned(), 17), "all blanks");
    assert_eq!(sent(1_000, None), ("body-too-large".to_owned(), 17));
    assert_eq!(sent(16, Some(MAX_BYTES)), ("malformed-request".to_owned(), 17));
    assert_eq!(sent(17, Some(MAX_BYTES + 1)), ("body-too-large".to_owned(), 0), "what was announced is not even read");
}

#[test]
fn a_body_that_breaks_off_is_not_taken_for_a_whole_one() {
    let mut connector = Fake::default();
    let body = r#"{"rights": ["access"]}"#;
    let answer = post("/checks", "").body(vec![body.into()], true).answer(&mut connector);
    assert_eq!((answer.status, answer.problem().as_str()), (408, "body-interrupted"));
    assert!(connector.calls.is_empty());
    let pieces = body.bytes().map(|byte| vec![byte]).collect();
    assert_eq!(post("/checks", "").body(pieces, false).answer(&mut connector).status, 200);
}

#[test]
fn a_body_is_said_to_be_json() {
    let body = r#"{"rights": []}"#;
    for media_type in ["application/json", "Application/JSON; charset=utf-8", " application/json ;q=1"] {
        let answer = post("/checks", body).header("content-type", media_type).answer(&mut Fake::default());
        assert_eq!(answer.status, 200, "{media_type}");
    }
    for media_type in ["", "text/plain", "application/jsonp", "application/x-www-form-urlencoded", "json"] {
        let answer = post("/checks", body).header("content-type", media_type).answer(&mut Fake::default());
        assert_eq!((answer.status, answer.problem().as_str()), (415, "unsupported-media-type"), "{media_type}");
    }
    assert_eq!(post("/checks", body).without("content-type").answer(&mut Fake::default()).status, 415);
    let coded = post("/checks", body).header("content-encoding", "gzip");
    assert_eq!(coded.answer(&mut Fake::default()).status, 415);
    assert_eq!(call("POST", "/checks").answer(&mut Fake::default()).status, 415);
    assert_eq!(post("/checks?offset=1", body).answer(&mut Fake::default()).status, 400);
}
