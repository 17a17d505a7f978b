use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Amount, Attempts, Chunk, Content, DeletionMode, Document, Error, ErrorKind, Finding, Identifier, Outcome, Progress,
    Remedy, Request, Setting, SourceState, Task,
};

fn json_of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("data")
}

fn error() -> Error {
    Error {
        kind: ErrorKind::RateLimited,
        remedy: Remedy::Retry(5),
        message: "NotKebabCase".to_owned(),
        problems: Vec::new(),
        http_status: Some(429),
        vendor_code: None,
        vendor_request_id: None,
    }
}

#[test]
fn records_have_all_members_named_as_in_the_contract() {
    let expected = json!({ "kind": "rate-limited", "remedy": { "retry": 5 }, "message": "NotKebabCase", "problems": [],
        "http-status": 429, "vendor-code": null, "vendor-request-id": null });
    assert_eq!(json_of(&error()), expected);
    let finding = Finding {
        source: "SomeSource".to_owned(),
        state: SourceState::NotPermitted,
        amount: Amount::Present,
        identifiers: vec![0],
        code: None,
        note: None,
    };
    let expected = json!({ "source": "SomeSource", "state": "not-permitted", "amount": "present", "identifiers": [0],
        "code": null, "note": null });
    assert_eq!(json_of(&finding), expected);
}

#[test]
fn cases_are_names_or_objects_with_one_member() {
    assert_eq!(json_of(&Amount::Count(2)), json!({ "count": 2 }));
    assert_eq!(json_of(&Identifier::external_id("E-1")), json!({ "external-id": "E-1" }));
    assert_eq!(json_of(&Identifier::other("loyalty", "7")), json!({ "other": ["loyalty", "7"] }));
    assert_eq!(json_of(&DeletionMode::EraseAndVerify), json!("erase-and-verify"));
    assert_eq!(json_of(&Content::Inline(b"ab".to_vec())), json!({ "inline": "YWI=" }));
    assert_eq!(json_of(&Chunk { bytes: b"ab".to_vec(), last: true }), json!({ "bytes": "YWI=", "last": true }));
}

#[test]
fn values_round_trip_through_json() {
    let request = Request { attempts: Some(Attempts::at(7)), ..Request::new("r-1", [Identifier::email("a@x.org")]) };
    let task = Task::new(request.clone(), "t1.A.A");
    assert_eq!(serde_json::from_value::<Task>(json_of(&task)).expect("a task"), task);
    let failed: Result<Progress, Error> = Err(error());
    assert_eq!(serde_json::from_value::<Result<Progress, Error>>(json_of(&failed)).expect("a result"), failed);
}

#[test]
fn attempts_and_overrides_are_optional_in_a_request() {
    let request = json!({ "id": "r-1", "subject": [{ "email": "a@x.org" }] });
    let expected = Request::new("r-1", [Identifier::email("a@x.org")]);
    assert_eq!(serde_json::from_value::<Request>(request).expect("a request"), expected);
}

#[test]
fn debug_output_contains_no_private_values() {
    let request = Request::new("r-1", [Identifier::email("s3cret"), Identifier::other("s3cret", "s3cret")]);
    let document = Document {
        name: "contact.json".to_owned(),
        media_type: "application/json".to_owned(),
        source: "directory:POOL_1".to_owned(),
        size: None,
        content: Content::Inline(b"s3cret".to_vec()),
    };
    let chunk = Chunk { bytes: b"s3cret".to_vec(), last: true };
    let printed = format!("{request:?} {:?} {document:?} {chunk:?}", Setting::new("client-secret", "s3cret"));
    assert!(!printed.contains("s3cret") && !printed.contains("115"), "{printed}");
}

#[test]
fn display_of_a_case_is_its_json_name() {
    assert_eq!(Outcome::DataRemaining.to_string(), "data-remaining");
    assert_eq!(ErrorKind::JobNotFound.to_string(), "job-not-found");
}
