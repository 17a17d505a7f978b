//! Requests that share an address: no two jobs for it at a time.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::{Value, json};

use super::{JOBS, Jobs, VERIFY, accepts, addresses, brand, code_of, codes, people, person};
use crate::contract::{Attempts, DeletionMode, Error, Progress, Remedy, Request, Task};
use crate::http;
use crate::privacy::connector::Connector;
use crate::qualtrics::tests::{ScriptedResponse, World, result};
use crate::qualtrics::ticket::Ticket;

/// An attempt in the first second of the simulated time.
const FIRST_SECOND: Option<Attempts> = Some(Attempts { first_at: 1_767_225_600, last_at: 1_767_225_600 });

fn again(request: Request) -> Request {
    Request { attempts: FIRST_SECOND, ..request }
}

/// A brand whose responses to submissions are lost while `loses`, and whose list is empty meanwhile.
fn losing(
    jobs: &Jobs,
    shown: Value,
    loses: Rc<Cell<bool>>,
) -> impl Fn(&http::Request, &str) -> Option<ScriptedResponse> + 'static {
    let inner = brand(jobs.clone(), shown, accepts);
    move |request, path| {
        let response = inner(request, path);
        match request.method.name() {
            _ if !loses.get() || path != JOBS => response,
            "POST" => Some((503, "text/plain", b"upstream".to_vec())),
            _ => Some(result(&json!({"elements": []}))),
        }
    }
}

fn ticket(result: &Result<Progress, Error>) -> Ticket {
    let Ok(Progress::Pending(pending)) = result else { panic!("pending") };
    Ticket::parse(&pending.ticket).unwrap_or_else(|_| panic!("a ticket"))
}

fn waits(result: &Result<Progress, Error>) -> &str {
    match result {
        Err(Error { remedy: Remedy::Retry(30_000..), message, .. }) => message,
        _ => panic!("it waits"),
    }
}

#[test]
fn a_request_waits_while_the_attempt_of_another_one_with_its_address_is_unsettled() {
    for mode in [VERIFY, DeletionMode::Erase] {
        let jobs = Jobs::default();
        let mut world = World::new(losing(&jobs, json!({"status": "Running"}), Rc::new(Cell::new(true))));
        world.connector.delete(vec![people("r1", &["a"])], mode);
        world.now_ms.set(5_000);
        let requests = vec![again(people("r1", &["a"])), people("r2", &["a", "b"]), person("c")];
        let results = world.connector.delete(requests, mode);
        assert_eq!(codes(&results)[1], "later");
        assert!(waits(&results[1]).contains("Settle that request first"), "{}", waits(&results[1]));
        assert_eq!(jobs.erasures(), [addresses(&["a"]), addresses(&["c"])]);
    }
}

#[test]
fn a_request_joins_the_running_job_of_another_one_or_waits_for_its_end() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({"status": "Running"}), accepts));
    world.connector.delete(vec![people("r1", &["a", "x"])], VERIFY);
    world.now_ms.set(5_000);
    // The second is contained, the third is not, and the fifth shares an address with the job alone.
    let requests = vec![
        again(people("r1", &["a"])),
        people("r2", &["a"]),
        people("r3", &["a", "c"]),
        people("r4", &["c"]),
        people("r5", &["x", "d"]),
    ];
    let results = world.connector.delete(requests, VERIFY);
    assert_eq!(codes(&results), ["OP-0", "OP-0", "later", "OP-1", "later"]);
    assert_eq!(jobs.erasures(), [addresses(&["a", "x"]), addresses(&["c"])]);
    assert_eq!(ticket(&results[1]).sent, None, "another call started it");
    assert_eq!(ticket(&results[1]).shared.map(|shared| shared.addresses), Some(2));
    assert!(waits(&results[2]).contains("has ended"), "{}", waits(&results[2]));
}

#[test]
fn a_request_starts_its_own_job_once_that_of_another_one_has_ended() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({}), accepts));
    world.connector.delete(vec![people("r1", &["a"])], VERIFY);
    world.now_ms.set(300_000);
    let results = world.connector.delete(vec![again(people("r1", &["a"])), people("r2", &["a", "b"])], VERIFY);
    assert_eq!(codes(&results), ["OP-0", "OP-1"]);
}

#[test]
fn a_preview_does_not_wait_for_other_searches() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({"status": "Running"}), accepts));
    world.connector.delete(vec![people("r1", &["a"])], DeletionMode::Preview);
    world.now_ms.set(300_000);
    let requests = vec![again(people("r1", &["a"])), people("r2", &["a", "b"])];
    assert_eq!(codes(&world.connector.delete(requests, DeletionMode::Preview)), ["OP-0", "OP-1"]);
}

#[test]
fn in_mode_erase_requests_that_share_an_address_share_a_job() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({"status": "Running"}), accepts));
    let requests = || vec![people("r1", &["a"]), people("r2", &["A", "b"]), person("c"), person("d")];
    let results = world.connector.delete(requests(), DeletionMode::Erase);
    assert_eq!(codes(&results), ["OP-0", "OP-0", "OP-1", "OP-2"]);
    assert_eq!(jobs.erasures().iter().map(Vec::len).collect::<Vec<_>>(), [3, 1, 1]);
    // A repetition after a kill finds them.
    world.now_ms.set(300_000);
    let results = world.connector.delete(requests().into_iter().map(again).collect(), DeletionMode::Erase);
    assert_eq!(codes(&results), ["OP-0", "OP-0", "OP-1", "OP-2"]);
}

#[test]
fn a_single_request_whose_response_was_lost_joins_a_job_of_others_as_one_of_others() {
    for (mine, other) in [("a", ["a", "b"]), ("Ada", ["ada", "b"])] {
        let other = addresses(&other);
        let mut world = World::new(move |request: &http::Request, path: &str| {
            let job = json!({"requestid": "OP-9", "status": "Running", "searchOnly": false, "emailList": other,
                "numEmailsRequested": 2, "user": "UR_7", "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z"});
            match (request.method.name(), path) {
                ("POST", JOBS) => Some((503, "text/plain", b"upstream".to_vec())),
                (_, JOBS) => Some(result(&json!({"elements": [job]}))),
                _ => brand(Jobs::default(), json!({}), accepts)(request, path),
            }
        });
        let started = world.connector.delete(vec![person(mine)], DeletionMode::Erase);
        assert_eq!(codes(&started), ["OP-9"]);
        let ticket = ticket(&started[0]);
        assert_eq!(ticket.sent, None, "which spellings it was started for is not known");
        assert_eq!(ticket.shared.map(|shared| (shared.spellings, shared.addresses)), Some((2, 2)));
    }
}

#[test]
fn a_verifying_search_says_nothing_about_an_erasure_that_was_found_in_the_list() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({}), accepts));
    world.connector.delete(vec![person("a")], VERIFY);
    world.now_ms.set(300_000);
    let request = again(person("a"));
    let found = world.connector.delete(vec![request.clone()], VERIFY);
    let Ok(Progress::Pending(pending)) = &found[0] else { panic!("pending") };
    let polled = world.connector.poll(vec![Task { request, ticket: pending.ticket.clone() }]);
    assert_eq!(jobs.searches().len(), 1);
    let ticket = ticket(&polled[0]);
    assert_eq!((ticket.coverage().sent, ticket.search_coverage().sent), (None, Some(1)));
}

#[test]
fn requests_that_share_an_address_stay_together_when_a_job_is_narrowed() {
    let requests = || {
        vec![people("one", &["a", "b"]), person("x"), people("two", &["b", "c"]), person("d"), person("e"), person("f")]
    };
    for (bad, expected) in [
        ("d@x.org", ["OP-0", "OP-2", "OP-0", "ErrorKind::UnexpectedResponse QVAL_1", "OP-3", "OP-1"]),
        (
            "a@x.org",
            [
                "ErrorKind::UnexpectedResponse QVAL_1",
                "OP-1",
                "ErrorKind::UnexpectedResponse QVAL_1",
                "OP-1",
                "OP-2",
                "OP-0",
            ],
        ),
    ] {
        let jobs = Jobs::default();
        let rejects = move |emails: &[&str]| emails.contains(&bad).then_some((400, "QVAL_1"));
        let mut world = World::new(brand(jobs.clone(), json!({"status": "Running"}), rejects));
        let results = world.connector.delete(requests(), VERIFY);
        assert_eq!(codes(&results), expected, "{bad}");
        let shared = jobs.erasures().concat().into_iter().filter(|one| one == "b@x.org").count();
        assert!(shared <= 1, "{bad}");
    }
}

#[test]
fn a_request_that_does_not_fit_beside_others_waits_for_their_end() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({"status": "Running"}), accepts));
    let names: Vec<String> = (0..540).map(|n| format!("n{n}")).collect();
    let own = |n: usize| names[n * 60..(n + 1) * 60].iter().map(String::as_str);
    let requests: Vec<Request> =
        (0..9).map(|n| people(&format!("r{n}"), &own(n).chain(["shared"]).collect::<Vec<_>>())).collect();
    let results = world.connector.delete(requests, VERIFY);
    assert!(waits(&results[8]).contains("have ended"), "{}", waits(&results[8]));
    assert!(matches!(&results[8], Err(Error { remedy: Remedy::Retry(600_000..), .. })));
}

/// Whether the note of a refusal says that another request deletes the address.
fn says_that_it_is_deleted(result: &Result<Progress, Error>) -> bool {
    let Ok(Progress::Done(report)) = result else { panic!("refused") };
    let finding = code_of(report, "staff-account").expect("a guard");
    finding.note.as_ref().is_some_and(|note| note.contains("is deleted for the other request"))
}

#[test]
fn the_note_of_a_refusal_about_another_request_says_what_became_of_that() {
    let refused = || people("a", &["staff", "home"]);
    // Qualtrics rejects the other one.
    let mut world = World::new(brand(Jobs::default(), json!({}), |_: &[&str]| Some((400, "Q"))));
    let results = world.connector.delete(vec![refused(), people("b", &["home"])], VERIFY);
    assert!(!says_that_it_is_deleted(&results[0]), "rejected");
    // An earlier attempt started it.
    let mut world = World::new(brand(Jobs::default(), json!({"status": "Running"}), accepts));
    world.connector.delete(vec![people("b", &["home"])], VERIFY);
    world.now_ms.set(300_000);
    let results = world.connector.delete(vec![refused(), again(people("b", &["home"]))], VERIFY);
    assert!(says_that_it_is_deleted(&results[0]), "continued");
}
