//! How results and errors of the connector are answered.

use serde_json::json;

use super::fake::{Fake, error, get, post};
use crate::contract::{ErrorKind, Remedy};
use crate::gateway::OPENAPI;

const DELETION: &str = r#"{"request": {"key": "dsr-1", "subject": [{"email": "ada@example.org"}]}, "mode": "erase"}"#;

#[test]
fn every_call_reaches_the_connector_with_all_that_was_said() {
    let request = r#"{"key": "dsr-1", "subject": [{"email": "ada@example.org"}, {"other": ["cookie", "c"]}],
        "first-attempt-at": 1700000000, "confirmed": ["staff-account"], "extra": [{"key": "a", "value": "b"}]}"#;
    let in_words =
        r#"dsr-1 {"email":"ada@example.org"} {"other":["cookie","c"]} Some(1700000000) ["staff-account"] ["a=b"]"#;
    let bare = r#"{"key": "2", "subject": [{"phone": "+1"}, {"external-reference": "x"}], "first-attempt-at": null}"#;
    let bare_in_words = r#"2 {"phone":"+1"} {"external-reference":"x"} None [] []"#;
    for (caller, call) in [
        (post("/checks", r#"{"rights": ["access", "deletion"]}"#), "check [Access, Deletion]".to_owned()),
        (post("/accesses", &format!(r#"{{"request": {request}}}"#)), format!("access {in_words}")),
        (post("/accesses", &format!(r#"{{"request": {bare}}}"#)), format!("access {bare_in_words}")),
        (
            post("/deletions", &format!(r#"{{"mode": "erase-and-verify", "request": {request}}}"#)),
            format!("delete {in_words} EraseAndVerify"),
        ),
        (
            post("/polls", &format!(r#"{{"tasks": [{{"request": {bare}, "ticket": "t1"}}]}}"#)),
            format!("poll {bare_in_words} t1"),
        ),
        (get("/documents/r1.x%2fy"), "read r1.x/y".to_owned()),
    ] {
        let mut connector = Fake::default();
        assert_eq!(caller.answer(&mut connector).status, 200);
        assert_eq!(connector.calls, ["configure".to_owned(), call]);
    }
}

#[test]
fn values_are_spelled_as_the_contract_spells_them() {
    let mut connector = Fake::default();
    let report = post("/deletions", DELETION).answer(&mut connector).value();
    let done = &report["done"];
    assert_eq!((&done["right"], &done["outcome"]), (&json!("access"), &json!("found")));
    assert_eq!(done["findings"][0]["amount"], json!({ "exactly": 2 }));
    assert_eq!(done["findings"][1]["amount"], json!("some-data"));
    assert_eq!(done["documents"][0]["content"], json!({ "inline": "/3t9" }));
    assert_eq!(done["documents"][1]["content"], json!({ "remote": "r1.x" }));
    assert_eq!(done["also-known-as"][0], json!({ "email": "ada@example.org" }));
    assert_eq!(done["also-known-as"][3], json!({ "other": ["cookie", "c"] }));
    assert_eq!(done["receipt"]["mode"], json!("erase-and-verify"));
    assert_eq!(done["receipt"]["finished-at"], json!(2));

    let manifest = get("/manifest").answer(&mut connector).value();
    assert_eq!(manifest["settings"][0]["choices"], json!([["a", "A"]]));
    assert_eq!(manifest["capabilities"][0]["overdue-after-ms"], json!(1));
    assert_eq!(post("/checks", r#"{"rights": []}"#).answer(&mut connector).value()["tenant"], json!("tenant"));
}

#[test]
fn what_is_pending_is_accepted_and_says_when_to_ask_again() {
    for (ms, seconds) in [(0, "0"), (1, "1"), (30_000, "30"), (30_001, "31")] {
        let mut connector = Fake { pending: vec![Some(ms)], ..Fake::default() };
        let answer = post("/deletions", DELETION).answer(&mut connector);
        assert_eq!((answer.status, answer.header("retry-after")), (202, Some(seconds)));
        assert_eq!(answer.value()["pending"]["ticket"], json!("t1.x.y"));
        assert_eq!(answer.value()["pending"]["poll-after-ms"], json!(ms));
    }
    let answer = post("/deletions", DELETION).answer(&mut Fake::default());
    assert_eq!((answer.status, answer.header("retry-after")), (200, None));
}

#[test]
fn tasks_are_answered_in_their_order_each_for_itself() {
    let task = |ticket: &str| json!({ "request": { "key": "1", "subject": [] }, "ticket": ticket });
    let polls = |tickets: &[&str]| {
        post("/polls", &json!({ "tasks": tickets.iter().map(|ticket| task(ticket)).collect::<Vec<_>>() }).to_string())
    };
    let mut connector = Fake { pending: vec![Some(60_000), None, Some(30_500)], ..Fake::default() };
    let answer = polls(&["a", "b", "c", "bad"]).answer(&mut connector);
    assert_eq!((answer.status, answer.header("retry-after")), (202, Some("31")), "the first to ask for again");
    let value = answer.value();
    let cases: Vec<_> = value.as_array().expect("a list").iter().map(|one| one.as_object().expect("one")).collect();
    let cases: Vec<_> = cases.iter().map(|one| one.keys().map(String::as_str).collect::<Vec<_>>()).collect();
    assert_eq!(cases, [["pending"], ["done"], ["pending"], ["error"]]);
    assert_eq!(value[3]["error"]["status"], json!(404));
    assert_eq!(value[3]["error"]["kind"], json!("invalid-ticket"));

    let answer = polls(&["bad"]).answer(&mut Fake::default());
    assert_eq!((answer.status, answer.header("retry-after")), (200, None));
    let answer = polls(&[]).answer(&mut Fake::default());
    assert_eq!((answer.status, answer.text()), (200, "[]"));
}

#[test]
fn every_kind_of_error_has_its_status() {
    for (kind, word, status) in [
        (ErrorKind::NotConfigured, "not-configured", 503),
        (ErrorKind::InvalidSettings, "invalid-settings", 503),
        (ErrorKind::InvalidRequest, "invalid-request", 422),
        (ErrorKind::InvalidTicket, "invalid-ticket", 404),
        (ErrorKind::Unsupported, "unsupported", 501),
        (ErrorKind::Unauthorized, "unauthorized", 502),
        (ErrorKind::Forbidden, "forbidden", 502),
        (ErrorKind::RateLimited, "rate-limited", 429),
        (ErrorKind::Unavailable, "unavailable", 503),
        (ErrorKind::OutcomeUnknown, "outcome-unknown", 504),
        (ErrorKind::UnknownJob, "unknown-job", 410),
        (ErrorKind::Protocol, "protocol", 502),
    ] {
        for caller in [post("/deletions", DELETION), post("/checks", r#"{"rights": []}"#), get("/documents/r1")] {
            let mut connector = Fake { error: Some(error(kind, Remedy::Operator)), ..Fake::default() };
            let answer = caller.answer(&mut connector);
            assert_eq!((answer.status, answer.problem().as_str()), (status, word));
            assert_eq!(answer.value()["kind"], json!(word));
            assert_eq!(answer.header("retry-after"), None);
        }
    }
}

#[test]
fn an_error_has_all_that_the_contract_says() {
    let mut connector = Fake { error: Some(error(ErrorKind::RateLimited, Remedy::Retry(1_001))), ..Fake::default() };
    let answer = post("/deletions", DELETION).answer(&mut connector);
    assert_eq!(answer.header("retry-after"), Some("2"));
    let expected = json!({
        "type": "urn:problem-type:privacy:rate-limited",
        "title": "The vendor asks for fewer calls.",
        "status": 429,
        "detail": "What went wrong.",
        "kind": "rate-limited",
        "remedy": { "retry": 1001 },
        "problems": [{
            "code": "setting", "subject": "client-id", "blocks": ["access", "deletion"],
            "message": "client-id must be there.",
        }],
        "http-status": 429,
        "vendor-code": "RATE_1",
        "vendor-request-id": "id-1",
        "extra": [{ "key": "later", "value": "more" }],
    });
    assert_eq!(answer.value(), expected);
}

#[test]
fn the_gateway_describes_itself() {
    let answer = get("/openapi.json").answer(&mut Fake::default());
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.text(), OPENAPI);
}
