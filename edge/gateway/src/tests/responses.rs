//! Responses for results and errors of the connector.

use serde_json::json;

use privacy_contract::{ErrorKind, Remedy};

use super::fake::{Fake, error, get, post};
use crate::gateway::OPENAPI;

const DELETION: &str = r#"{"requests": [{"id": "dsr-1", "subject": [{"email": "ada@example.org"}]}], "mode": "erase"}"#;

#[test]
fn every_call_reaches_the_connector_with_all_its_parameters() {
    let request = r#"{"id": "dsr-1", "subject": [{"email": "ada@example.org"}, {"other": ["cookie", "c"]}],
        "attempts": {"first-at": 1700000000, "last-at": 1700000001}, "overrides": ["staff-account"]}"#;
    let request_text = r#"dsr-1 {"email":"ada@example.org"} {"other":["cookie","c"]} Some((1700000000, 1700000001)) ["staff-account"]"#;
    let bare = r#"{"id": "2", "subject": [{"phone": "+1"}, {"external-id": "x"}], "attempts": null}"#;
    let bare_text = r#"2 {"phone":"+1"} {"external-id":"x"} None []"#;
    let both = format!(r#""requests": [{request}, {bare}]"#);
    let calls =
        |call: &str, mode: &str| vec![format!("{call} {request_text}{mode}"), format!("{call} {bare_text}{mode}")];
    for (request, expected) in [
        (post("/checks", r#"{"rights": ["access", "opt-out"]}"#), vec!["check [Access, OptOut]".to_owned()]),
        (post("/accesses", &format!("{{{both}}}")), calls("access", "")),
        (post("/opt-outs", &format!("{{{both}}}")), calls("opt-out", "")),
        (post("/deletions", &format!(r#"{{"mode": "erase-and-verify", {both}}}"#)), calls("delete", " EraseAndVerify")),
        (
            post("/polls", &format!(r#"{{"tasks": [{{"request": {bare}, "ticket": "t1"}}]}}"#)),
            vec![format!("poll {bare_text} t1")],
        ),
        (get("/documents/r1.x%2fy"), vec!["read r1.x/y".to_owned()]),
    ] {
        let mut connector = Fake::default();
        assert_eq!(request.send(&mut connector).status, 200);
        assert_eq!(connector.calls, [vec!["configure".to_owned()], expected].concat());
    }
}

#[test]
fn values_have_the_json_form_of_the_contract() {
    let mut connector = Fake::default();
    let report = post("/deletions", DELETION).send(&mut connector).value();
    let done = &report["results"][0]["ok"]["done"];
    assert_eq!((&done["right"], &done["outcome"]), (&json!("access"), &json!("found")));
    assert_eq!(done["findings"][0]["amount"], json!({ "count": 2 }));
    assert_eq!(done["findings"][1]["amount"], json!("present"));
    assert_eq!(done["documents"][0]["content"], json!({ "inline": "/3t9" }));
    assert_eq!(done["documents"][1]["content"], json!({ "remote": "r1.x" }));
    assert_eq!(done["discovered"][0], json!({ "email": "ada@example.org" }));
    assert_eq!(done["discovered"][3], json!({ "other": ["cookie", "c"] }));
    assert_eq!(done["receipt"]["mode"], json!("erase-and-verify"));
    assert_eq!(done["receipt"]["finished-at"], json!(2));

    let manifest = get("/manifest").send(&mut connector).value();
    assert_eq!(manifest["settings"][0]["choices"], json!([["a", "A"]]));
    assert_eq!(manifest["capabilities"][0]["overdue-after-ms"], json!(1));
    assert_eq!(post("/checks", r#"{"rights": []}"#).send(&mut connector).value()["tenant"], json!("tenant"));
}

#[test]
fn retry_after_is_that_of_the_first_pending_request() {
    for (ms, seconds) in [(0, "0"), (1, "1"), (30_000, "30"), (30_001, "31")] {
        let mut connector = Fake { pending: vec![Some(ms)], ..Fake::default() };
        let response = post("/deletions", DELETION).send(&mut connector);
        assert_eq!((response.status, response.header("retry-after")), (200, Some(seconds)));
        let pending = &response.value()["results"][0]["ok"]["pending"];
        assert_eq!((&pending["ticket"], &pending["poll-after-ms"]), (&json!("t1.x.y"), &json!(ms)));
    }
    let response = post("/deletions", DELETION).send(&mut Fake::default());
    assert_eq!((response.status, response.header("retry-after")), (200, None));
}

#[test]
fn retry_after_is_that_of_the_first_request_to_be_repeated() {
    let limited = error(ErrorKind::RateLimited, Remedy::Retry(30_001));
    let response = post("/deletions", DELETION).send(&mut Fake { error: Some(limited), ..Fake::default() });
    assert_eq!((response.status, response.header("retry-after")), (200, Some("31")));
}

#[test]
fn results_are_in_the_order_of_the_elements_and_independent_of_each_other() {
    let task = |ticket: &str| json!({ "request": { "id": ticket, "subject": [] }, "ticket": ticket });
    let polls = |tickets: &[&str]| {
        post("/polls", &json!({ "tasks": tickets.iter().map(|ticket| task(ticket)).collect::<Vec<_>>() }).to_string())
    };
    let mut connector = Fake { pending: vec![Some(60_000), None, Some(30_500)], ..Fake::default() };
    let response = polls(&["a", "b", "c", "bad"]).send(&mut connector);
    assert_eq!((response.status, response.header("retry-after")), (200, Some("31")));
    let results = response.value()["results"].clone();
    let pending: Vec<bool> = (0..3).map(|index| results[index]["ok"].get("pending").is_some()).collect();
    assert_eq!(pending, [true, false, true]);
    assert_eq!(results[3]["error"]["kind"], json!("invalid-ticket"));

    let response = polls(&["bad"]).send(&mut Fake::default());
    assert_eq!((response.status, response.header("retry-after")), (200, None));
    let response = polls(&[]).send(&mut Fake::default());
    assert_eq!((response.status, response.text()), (200, r#"{"results":[]}"#));
}

#[test]
fn every_kind_of_error_has_its_status() {
    for (kind, name, status) in [
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
        (ErrorKind::JobNotFound, "job-not-found", 410),
        (ErrorKind::UnexpectedResponse, "unexpected-response", 502),
    ] {
        for request in [post("/checks", r#"{"rights": []}"#), get("/documents/r1")] {
            let mut connector = Fake { error: Some(error(kind, Remedy::Operator)), ..Fake::default() };
            let response = request.send(&mut connector);
            assert_eq!((response.status, response.problem().as_str()), (status, name));
            assert_eq!(response.value()["kind"], json!(name));
            assert_eq!(response.header("retry-after"), None);
        }
        let mut connector = Fake { error: Some(error(kind, Remedy::Operator)), ..Fake::default() };
        let response = post("/deletions", DELETION).send(&mut connector);
        assert_eq!((response.status, &response.value()["results"][0]["error"]["kind"]), (200, &json!(name)));
    }
}

#[test]
fn errors_of_elements_are_contract_errors_and_errors_of_calls_are_problem_details() {
    let failing = || Fake { error: Some(error(ErrorKind::RateLimited, Remedy::Retry(1_001))), ..Fake::default() };
    let of_element = json!({
        "kind": "rate-limited",
        "remedy": { "retry": 1001 },
        "message": "What went wrong.",
        "problems": [{
            "code": "setting", "target": "client-id", "affects": ["access", "deletion"],
            "message": "client-id must be there.",
        }],
        "http-status": 429,
        "vendor-code": "RATE_1",
        "vendor-request-id": "id-1",
    });
    let response = post("/deletions", DELETION).send(&mut failing());
    assert_eq!(response.value()["results"][0]["error"], of_element);

    let response = post("/checks", r#"{"rights": []}"#).send(&mut failing());
    assert_eq!(response.header("retry-after"), Some("2"));
    let mut of_call = of_element;
    let members = of_call.as_object_mut().expect("an object");
    members.remove("message");
    members.extend([
        ("type".to_owned(), json!("urn:problem-type:privacy:rate-limited")),
        ("title".to_owned(), json!("The vendor throttles.")),
        ("status".to_owned(), json!(429)),
        ("detail".to_owned(), json!("What went wrong.")),
    ]);
    assert_eq!(response.value(), of_call);
}

#[test]
fn openapi_json_is_served() {
    let response = get("/openapi.json").send(&mut Fake::default());
    assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
    assert_eq!(response.text(), OPENAPI);
}
