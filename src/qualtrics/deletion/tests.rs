//! Deletions.

use serde_json::json;

use crate::contract::{DeletionMode, Identifier, Outcome};
use crate::http;
use crate::qualtrics::tests::{ScriptedResponse, World, finding, request, result};

/// A Qualtrics that rejects addresses beyond ASCII, and shows one completed job.
fn ascii_only(request: &http::Request, path: &str) -> Option<ScriptedResponse> {
    let created = "2026-01-01T00:00:10Z";
    let job = json!({"id": "OP-1", "status": "completed", "searchOnly": false, "numEmailsRequested": 1,
        "emailList": ["ada@xn--mnchen-3ya.example"], "created": created, "updated": created});
    match (request.method.name(), path) {
        ("POST", "/op-erase-personal-data") if !request.body.is_ascii() => {
            let error =
                json!({"meta": {"httpStatus": "400 - Bad Request", "requestId": "r", "error": {"errorCode": "E"}}});
            Some((400, "application/json", error.to_string().into_bytes()))
        }
        ("POST", "/op-erase-personal-data") => Some(result(&json!({"requestId": "OP-1"}))),
        (_, "/op-erase-personal-data/OP-1") => Some(result(&job)),
        (_, "/op-erase-personal-data") => Some(result(&json!({"elements": [job]}))),
        (_, "/whoami") => Some(result(&json!({"userId": "UR_1", "brandId": "b", "userName": "admin@b.example"}))),
        _ => None,
    }
}

#[test]
fn a_spelling_that_qualtrics_rejects_does_not_keep_the_others_from_being_erased() {
    let mut world = World::new(ascii_only);
    let person = request("ada", vec![Identifier::Email("ada@münchen.example".to_owned())]);
    let report = world.delete(&person, DeletionMode::Erase);
    let log = world.log.borrow();
    let posts = log.iter().filter(|call| *call == "POST /op-erase-personal-data").count();
    assert_eq!(posts, 2, "all spellings, and then those in ASCII: {log:?}");
    assert_eq!(report.outcome, Outcome::Partial);
    assert_eq!(finding(&report, "personal-data").code.as_deref(), Some("not-itemised"));
}
