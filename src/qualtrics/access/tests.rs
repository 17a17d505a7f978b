//! Access requests and reading documents.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::contract::{
    Amount, Content, ErrorKind, Finding, Identifier, Outcome, Progress, Remedy, Report, Request, SourceState, Task,
};
use crate::http;
use crate::privacy::connector::Connector;
use crate::qualtrics::tests::{World, ada, finding, request, result};

#[test]
fn every_source_without_data_makes_an_access_request_not_found() {
    let report = World::new(|_, _| None).access(&ada());
    assert_eq!(report.outcome, Outcome::NotFound);
    assert!(report.findings.iter().all(|finding| finding.amount == Amount::Count(0) && finding.identifiers == [0]));
    assert_eq!(report.receipt.jobs[0].identifiers, Some(1));
}

#[test]
fn an_empty_list_of_directories_is_unknown_and_never_not_found() {
    let report =
        World::new(|_, path| (path == "/directories").then(|| result(&json!({"elements": []})))).access(&ada());
    assert_eq!(report.outcome, Outcome::Partial);
    let directories = finding(&report, "directories");
    assert_eq!((directories.code.as_deref(), &directories.amount), (Some("not-licensed"), &Amount::Unknown));
}

#[test]
fn a_web_page_in_place_of_a_file_is_no_document() {
    for (media_type, body) in [("Text/HTML", "sign in"), ("application/octet-stream", "<!DOCTYPE html><html></html>")] {
        let page = move |_: &http::Request, path: &str| {
            path.contains("/files/").then(|| (200, media_type, body.as_bytes().to_vec()))
        };
        let report = World::new(page).access(&ada());
        assert_eq!(report.outcome, Outcome::Partial);
        assert!(report.documents.is_empty());
        let export = finding(&report, "survey-responses");
        assert_eq!((export.state, export.code.as_deref()), (SourceState::Unavailable, Some("file-unavailable")));
    }
}

#[test]
fn a_web_page_in_place_of_a_file_is_not_read_either() {
    let is_down = Rc::new(Cell::new(false));
    let down = Rc::clone(&is_down);
    let route = move |_: &http::Request, path: &str| match path.contains("/files/") {
        true if down.get() => Some((200, "", b"<html>".to_vec())),
        true => Some((200, "", vec![b'x'; 1_000])),
        false => None,
    };
    let mut world = World::new(route);
    let Content::Remote(reference) = world.access(&ada()).documents.remove(0).content else { panic!("a remote file") };
    assert_eq!(world.connector.read(reference.clone(), 0, 600).expect("a chunk").bytes.len(), 600);
    is_down.set(true);
    // The open connection is at another offset, so that the file is opened again.
    let error = world.connector.read(reference, 700, 10).expect_err("a web page");
    assert!(matches!(error.remedy, Remedy::Retry(_) | Remedy::Operator), "{error:?}");
}

#[test]
fn files_that_are_not_understood_are_not_the_same_as_no_files() {
    let progress = json!({"status": "complete", "files": [{"fileID": "F-1"}]});
    let report =
        World::new(move |_, path| (path == "/customer-data-requests/CDR-1").then(|| result(&progress))).access(&ada());
    assert_eq!(report.outcome, Outcome::Partial);
    let export = finding(&report, "survey-responses");
    assert_eq!((export.code.as_deref(), &export.amount), (Some("export-incomplete"), &Amount::Unknown));
}

#[test]
fn an_unconfirmed_export_is_started_again() {
    for answer in [(503, "text/plain", b"upstream".to_vec()), (202, "application/json", b"{\"result\":{}}".to_vec())] {
        let is_first = Cell::new(true);
        let route = move |request: &http::Request, path: &str| {
            let is_start = request.method == http::Method::Post && path == "/customer-data-requests";
            (is_start && is_first.replace(false)).then(|| answer.clone())
        };
        let mut world = World::new(route);
        let error = world.connector.access(vec![ada()]).remove(0).expect_err("an unknown start");
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(matches!(error.remedy, Remedy::Retry(1_000..)));
        assert_eq!(world.access(&ada()).outcome, Outcome::NotFound);
    }
}

#[test]
fn more_spellings_than_one_request_can_export_are_refused_and_nothing_is_started() {
    let rejected = r#"{"meta":{"httpStatus":"400 - Bad Request","error":{"errorCode":"QVAL_1"}}}"#;
    let route = move |request: &http::Request, path: &str| {
        let is_list = path == "/customer-data-requests" && request.body.windows(8).any(|part| part == b"\"emails\"");
        is_list.then(|| (400, "application/json", rejected.as_bytes().to_vec()))
    };
    let mut world = World::new(route);
    let subject = |count: usize| (0..count).map(|n| Identifier::Email(format!("Ada{n}@example.org"))).collect();
    let error = world.connector.access(vec![request("r", subject(33))]).remove(0).expect_err("66 spellings");
    assert_eq!((error.kind, error.remedy), (ErrorKind::InvalidRequest, Remedy::GiveUp));
    let starts = world.log.borrow().iter().filter(|line| *line == "POST /customer-data-requests").count();
    assert_eq!(starts, 1, "only the list, which was rejected");
}

/// A brand in which Ada has one contact, whose look-up by ID has this response.
fn with_contact(status: u16, body: &'static str) -> World {
    World::new(move |_, path| match path.split('/').skip(1).collect::<Vec<_>>()[..] {
        ["directories", _, "contacts", "search"] => Some(result(&json!({
            "elements": [{ "contactId": "CID_1", "email": "ada@example.org" }],
        }))),
        ["directories", _, "contacts", _] => Some((status, "application/json", body.as_bytes().to_vec())),
        _ => None,
    })
}

#[test]
fn only_qualtrics_can_say_that_a_contact_no_longer_exists() {
    let own = r#"{"meta":{"httpStatus":"404 - Not Found","error":{"errorCode":"CTC_1"}}}"#;
    let report = with_contact(404, own).access(&ada());
    assert_eq!(finding(&report, "directory:POOL").code, None);
    for foreign in ["<html>", "{}", ""] {
        let report = with_contact(404, foreign).access(&ada());
        assert_eq!(summary_state(&report), Some(SourceState::Unavailable), "{foreign}");
    }
}

/// The state of the finding about contacts that were not read in full.
fn summary_state(report: &Report) -> Option<SourceState> {
    let mut findings = report.findings.iter();
    findings.find(|finding| finding.code.as_deref() == Some("summary-only")).map(|finding| finding.state)
}

#[test]
fn a_contact_that_cannot_be_read_is_only_called_forbidden_if_it_is() {
    let forbidden = r#"{"meta":{"httpStatus":"403 - Forbidden","error":{"errorCode":"AuthZ_2.0"}}}"#;
    assert_eq!(summary_state(&with_contact(403, forbidden).access(&ada())), Some(SourceState::NotPermitted));
    for malformed in [r#"{"result":{"email":"ada@example.org"}}"#, r#"{"result":{"contactId":"CID_2"}}"#] {
        let report = with_contact(200, malformed).access(&ada());
        assert_eq!(summary_state(&report), Some(SourceState::Unavailable), "{malformed}");
    }
}

#[test]
fn a_directory_that_rejects_one_spelling_is_not_called_unsearchable() {
    let rejected = r#"{"meta":{"httpStatus":"400 - Bad Request","error":{"errorCode":"QVAL_1"}}}"#;
    let report = |is_rejected: fn(&[u8]) -> bool| {
        let route = move |request: &http::Request, path: &str| {
            let is_rejected = path.ends_with("/search") && is_rejected(&request.body);
            is_rejected.then(|| (400, "application/json", rejected.as_bytes().to_vec()))
        };
        World::new(route).access(&munich())
    };
    let directory = |report: &Report| finding(report, "directory:POOL").clone();
    let found = directory(&report(|body| !body.is_ascii()));
    assert_eq!((found.state, found.code.as_deref()), (SourceState::Unavailable, Some("spelling-not-searched")));
    assert_eq!(found.amount, Amount::Unknown);
    let found = directory(&report(|_| true));
    assert_eq!(found.code.as_deref(), Some("not-searchable"), "nothing can be searched for");
}

/// A request with an address that has spellings in ASCII and beyond.
fn munich() -> Request {
    request("ada", vec![Identifier::Email("ada@m\u{fc}nchen.example".to_owned())])
}

#[test]
fn an_address_beyond_ascii_that_qualtrics_rejects_is_exported_in_ascii_and_the_report_is_partial() {
    let rejected = r#"{"meta":{"httpStatus":"400 - Bad Request","error":{"errorCode":"QVAL_1"}}}"#;
    for form in ["\"emails\"", "\"email\""] {
        let route = move |request: &http::Request, path: &str| {
            let is_start = request.method == http::Method::Post && path == "/customer-data-requests";
            let body = String::from_utf8_lossy(&request.body).into_owned();
            let is_rejected = is_start && (!body.contains(form) || !body.is_ascii());
            is_rejected.then(|| (400, "application/json", rejected.as_bytes().to_vec()))
        };
        let report = World::new(route).access(&munich());
        assert_eq!(report.outcome, Outcome::Partial, "{form}");
        let exports: Vec<_> = report.findings.iter().filter(|one| one.source == "survey-responses").collect();
        assert_eq!((&exports[0].amount, &exports[0].identifiers), (&Amount::Count(0), &vec![0]));
        assert_eq!(exports[1].code.as_deref(), Some("spelling-not-searched"), "{form}");
        assert_eq!((&exports[1].amount, &exports[1].identifiers), (&Amount::Unknown, &vec![0]));
        assert_eq!((exports.len(), report.receipt.jobs.len()), (2, 1), "{form}");
    }
    assert_eq!(World::new(|_, _| None).access(&munich()).outcome, Outcome::NotFound, "every spelling is exported");
}

#[test]
fn a_proxys_404_for_an_export_needs_an_operator() {
    let mut world = World::new(|request, path| {
        let is_look_up = request.method == http::Method::Get && path.starts_with("/customer-data-requests/");
        is_look_up.then(|| (404, "text/html", b"<html>".to_vec()))
    });
    let Ok(Progress::Pending(pending)) = world.connector.access(vec![ada()]).remove(0) else { panic!("pending") };
    world.now_ms.set(60_000);
    let error =
        world.connector.poll(vec![Task { request: ada(), ticket: pending.ticket }]).remove(0).expect_err("error");
    assert_eq!((error.kind, error.remedy), (ErrorKind::Unavailable, Remedy::Operator));
    assert_eq!(error.problems[0].code, "proxy");
}

#[test]
fn an_identifier_that_no_source_supports_makes_the_result_partial() {
    let mut subject = ada().subject;
    subject.push(Identifier::Other(("loyalty-card".to_owned(), "7".to_owned())));
    let report = World::new(|_, _| None).access(&request("r", subject));
    assert_eq!(report.outcome, Outcome::Partial);
    let all = finding(&report, "all");
    assert_eq!((all.code.as_deref(), all.identifiers.as_slice()), (Some("unsupported-kind"), &[1][..]));
}

#[test]
fn requests_of_one_call_share_its_budget_of_inline_bytes() {
    const CONTACTS: usize = 12;
    let route = |_: &http::Request, path: &str| {
        let contact =
            |id: &str| json!({"contactId": id, "phone": "+15550100", "embeddedData": {"x": "x".repeat(60_000)}});
        if path.ends_with("/search") {
            let contacts: Vec<Value> = (0..CONTACTS).map(|id| contact(&format!("C{id}"))).collect();
            return Some(result(&json!({ "elements": contacts })));
        }
        let (_, id) = path.split_once("/contacts/").filter(|(_, id)| !id.contains('/'))?;
        Some(result(&contact(id)))
    };
    let mut world = World::new(route);
    let phone = || vec![Identifier::Phone("+15550100".to_owned())];
    let requests = ["a", "b"].map(|id| request(id, phone())).to_vec();
    let mut inline = Vec::new();
    for progress in world.connector.access(requests) {
        let Ok(Progress::Done(report)) = progress else { panic!("a report") };
        assert_eq!(report.documents.len(), CONTACTS);
        let lengths = report.documents.iter().filter_map(|document| match &document.content {
            Content::Inline(bytes) => Some(bytes.len()),
            Content::Remote(_) => None,
        });
        inline.push(lengths.collect::<Vec<_>>());
    }
    assert_eq!((inline[0].len(), inline[1].len()), (CONTACTS, 5));
    let total: usize = inline.iter().flatten().sum();
    assert!((900_000..=1024 * 1024).contains(&total), "{total} bytes");
    // The next call has a budget of its own.
    let Ok(Progress::Done(report)) = world.connector.access(vec![request("c", phone())]).remove(0) else {
        panic!("a report")
    };
    assert!(report.documents.iter().all(|document| matches!(document.content, Content::Inline(_))));
}

#[test]
fn a_chunk_is_as_long_as_requested_up_to_1_mib() {
    let file: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let expected = file.clone();
    let mut world =
        World::new(move |_, path| path.contains("/files/").then(|| (200, "application/octet-stream", file.clone())));
    let Content::Remote(reference) = world.access(&ada()).documents.remove(0).content else { panic!("a remote file") };
    let mut bytes = Vec::new();
    for (limit, length) in [(10, 10), (100_000, 100_000), (1 << 20, 1 << 20), (u32::MAX, 1 << 20)] {
        let chunk = world.connector.read(reference.clone(), bytes.len() as u64, limit).expect("a chunk");
        assert_eq!((chunk.bytes.len(), chunk.last), (length, false));
        bytes.extend(chunk.bytes);
    }
    let chunk = world.connector.read(reference, bytes.len() as u64, u32::MAX).expect("a chunk");
    bytes.extend(chunk.bytes);
    assert!(bytes == expected);
    let opened = world.log.borrow().iter().filter(|line| line.contains("/files/")).count();
    assert_eq!(opened, 1, "one connection for the whole file");
}

/// How often a request was made, by method and path.
fn count(world: &World, line: &str) -> usize {
    world.log.borrow().iter().filter(|logged| *logged == line).count()
}

#[test]
fn what_is_known_of_an_optional_scope_is_not_asked_for_again() {
    let without_transactions = |request: &http::Request, path: &str| {
        let is_refused = path == "/oauth2/token" && String::from_utf8_lossy(&request.body).contains("transactions");
        is_refused.then(|| (400, "application/json", br#"{"error":"invalid_scope"}"#.to_vec()))
    };
    let mut world = World::new(without_transactions);
    assert_eq!(world.access(&ada()).outcome, Outcome::NotFound);
    assert_eq!(count(&world, "POST /oauth2/token"), 3, "one for the right, and one for each optional scope");
    assert_eq!(world.access(&request("again", ada().subject)).outcome, Outcome::NotFound);
    assert_eq!((count(&world, "POST /oauth2/token"), count(&world, "GET /users")), (3, 1));
}

/// The finding about the history of Ada's two contacts, if Qualtrics rejects the history of responses of these.
fn history_without_responses(rejected: &'static [&'static str]) -> Finding {
    let rejection = r#"{"meta":{"httpStatus":"400 - Bad Request","error":{"errorCode":"GPR_1"}}}"#;
    let route = move |request: &http::Request, path: &str| match path.split('/').skip(1).collect::<Vec<_>>()[..] {
        ["directories", _, "contacts", "search"] => Some(result(&json!({
            "elements": [{ "id": "C1", "email": "ada@example.org" }, { "id": "C2", "email": "ada@example.org" }],
        }))),
        ["directories", _, "contacts", id] => Some(result(&json!({ "contactId": id }))),
        ["directories", _, "contacts", id, "history"]
            if rejected.contains(&id) && request.path.contains("type=response") =>
        {
            Some((400, "application/json", rejection.as_bytes().to_vec()))
        }
        ["directories", _, "contacts", _, "history"] => Some(result(&json!({"elements": [{"surveyId": "SV_1"}]}))),
        _ => None,
    };
    finding(&World::new(route).access(&ada()), "contact-history:POOL").clone()
}

#[test]
fn a_type_of_history_is_only_unknown_if_qualtrics_shows_it_for_no_contact() {
    let found = history_without_responses(&["C1", "C2"]);
    assert_eq!((found.code.as_deref(), found.amount), (None, Amount::Count(2)));
    for rejected in [&["C1"][..], &["C2"]] {
        let found = history_without_responses(rejected);
        assert_eq!((found.code.as_deref(), found.amount), (Some("unavailable"), Amount::Present));
    }
}
