//! Bodies of requests.

use super::fake::{Fake, post, request};
use crate::arguments::MAX_BYTES;

const REQUEST: &str = r#"{"id": "dsr-1", "subject": [{"email": "ada@example.org"}]}"#;

/// The detail of the problem for a malformed body.
fn rejection_detail(target: &str, body: &str) -> String {
    let mut connector = Fake::default();
    let response = post(target, body).send(&mut connector);
    assert_eq!((response.status, response.problem().as_str()), (400, "malformed-request"), "{body}");
    assert!(connector.calls.is_empty(), "{:?}", connector.calls);
    response.value()["detail"].as_str().expect("a detail").to_owned()
}

#[test]
fn missing_misspelled_and_repeated_members_are_rejected() {
    let with = |members: &str| rejection_detail("/deletions", &format!(r#"{{"requests": [{REQUEST}]{members}}}"#));
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
fn members_of_the_wrong_type_are_rejected() {
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
        rejection_detail("/accesses", &format!(r#"{{"requests": [{wrong}]}}"#));
        rejection_detail("/polls", &format!(r#"{{"tasks": [{{"request": {wrong}, "ticket": "t"}}]}}"#));
    }
    for wrong in ["", "[]", "{}", "{", r#"{"rights": ["access"]} {}"#, r#"{"rights": ["Access"]}"#, r#"[["access"]]"#] {
        rejection_detail("/checks", wrong);
    }
}

#[test]
fn whole_numbers_are_accepted_in_every_json_notation() {
    let body = |number: &str| {
        let attempts = format!(r#"{{"first-at": {number}, "last-at": {number}}}"#);
        format!(r#"{{"requests": [{{"id": "1", "subject": [], "attempts": {attempts}}}]}}"#)
    };
    for (written, parsed) in [("7", 7_u64), ("7.0", 7), ("7e3", 7000), ("-0.0", 0), ("18446744073709551615", u64::MAX)]
    {
        let mut connector = Fake::default();
        post("/accesses", &body(written)).send(&mut connector);
        assert_eq!(connector.calls[1], format!("access 1  {:?} []", Some((parsed, parsed))), "{written}");
    }
    for wrong in ["1.5", "-1.0", "1e30", "18446744073709551615.0", "true"] {
        let detail = rejection_detail("/accesses", &body(wrong));
        assert!(detail.ends_with("expected a whole number."), "{detail}");
    }
}

#[test]
fn errors_do_not_repeat_the_body() {
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
        let detail = rejection_detail("/accesses", private);
        assert!(!detail.contains("ada"), "{detail}");
        let has_position = detail.starts_with("The body, line 1, column ");
        assert!(has_position || detail == "The body must be a JSON object.", "{detail}");
    }
}

#[test]
fn a_body_is_read_up_to_the_limit() {
    let part = vec![b' '; 64 * 1024];
    let send = |parts: usize, length: Option<usize>| {
        let request = post("/checks", "").body(vec![part.clone(); parts], false);
        let request = match length {
            Some(length) => request.header("content-length", &length.to_string()),
            None => request,
        };
        let mut gateway = super::fake::gateway(&[("GATEWAY_TOKEN_SHA256", super::fake::TOKEN_SHA256)]);
        let (response, reads) = request.send_to(&mut gateway, &mut Fake::default());
        (response.problem(), reads)
    };
    assert_eq!(MAX_BYTES, 16 * part.len());
    assert_eq!(send(16, None), ("malformed-request".to_owned(), 17), "only spaces");
    assert_eq!(send(1_000, None), ("body-too-large".to_owned(), 17));
    assert_eq!(send(16, Some(MAX_BYTES)), ("malformed-request".to_owned(), 17));
    assert_eq!(send(17, Some(MAX_BYTES + 1)), ("body-too-large".to_owned(), 0), "the announced length is too large");
}

#[test]
fn an_interrupted_body_is_rejected_even_if_it_is_valid_json() {
    let mut connector = Fake::default();
    let body = r#"{"rights": ["access"]}"#;
    let response = post("/checks", "").body(vec![body.into()], true).send(&mut connector);
    assert_eq!((response.status, response.problem().as_str()), (408, "body-interrupted"));
    assert!(connector.calls.is_empty());
    let parts = body.bytes().map(|byte| vec![byte]).collect();
    assert_eq!(post("/checks", "").body(parts, false).send(&mut connector).status, 200);
}

#[test]
fn only_json_without_a_content_encoding_is_accepted() {
    let body = r#"{"rights": []}"#;
    for media_type in ["application/json", "Application/JSON; charset=utf-8", " application/json ;q=1"] {
        let response = post("/checks", body).header("content-type", media_type).send(&mut Fake::default());
        assert_eq!(response.status, 200, "{media_type}");
    }
    for media_type in ["", "text/plain", "application/jsonp", "application/x-www-form-urlencoded", "json"] {
        let response = post("/checks", body).header("content-type", media_type).send(&mut Fake::default());
        assert_eq!((response.status, response.problem().as_str()), (415, "unsupported-media-type"), "{media_type}");
    }
    assert_eq!(post("/checks", body).without("content-type").send(&mut Fake::default()).status, 415);
    let encoded = post("/checks", body).header("content-encoding", "gzip");
    assert_eq!(encoded.send(&mut Fake::default()).status, 415);
    assert_eq!(request("POST", "/checks").send(&mut Fake::default()).status, 415);
    assert_eq!(post("/checks?offset=1", body).send(&mut Fake::default()).status, 400);
}
