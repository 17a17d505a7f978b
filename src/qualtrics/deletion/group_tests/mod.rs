//! Deletions of several requests in one call.

mod limits;
mod narrowing;
mod shared_addresses;

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::contract::{
    Attempts, DeletionMode, Error, ErrorKind, Finding, Identifier, Outcome, Progress, Report, Request, Task,
};
use crate::http;
use crate::privacy::connector::Connector;
use crate::qualtrics::tests::{ScriptedResponse, World, finding, request, result};

const VERIFY: DeletionMode = DeletionMode::EraseAndVerify;
const JOBS: &str = "/op-erase-personal-data";

/// How Qualtrics responds to the submission of a job with these addresses: the status of a rejection and its code, if it is rejected.
type Rejects = dyn Fn(&[&str]) -> Option<(u16, &'static str)>;

/// The jobs of a brand: the bodies of their submissions.
#[derive(Clone, Default)]
struct Jobs(Rc<RefCell<Vec<Value>>>);

impl Jobs {
    fn erasures(&self) -> Vec<Vec<String>> {
        self.of_kind(false)
    }

    fn searches(&self) -> Vec<Vec<String>> {
        self.of_kind(true)
    }

    fn of_kind(&self, search_only: bool) -> Vec<Vec<String>> {
        let jobs = self.0.borrow();
        let of_kind = jobs.iter().filter(|job| job["searchOnly"] == search_only);
        of_kind.map(|job| serde_json::from_value(job["emails"].clone()).expect("addresses")).collect()
    }

    /// A job in the list: completed, with the members of `shown` in place of the usual ones.
    fn listed(&self, index: usize, shown: &Value) -> Value {
        let jobs = self.0.borrow();
        let job = &jobs[index];
        let at = format!("2026-01-01T00:{:02}:00Z", index.saturating_add(1));
        let count = job["emails"].as_array().map_or(0, Vec::len);
        let mut listed = json!({"requestid": format!("OP-{index}"), "status": "Completed", "searchOnly": job["searchOnly"],
            "emailList": job["emails"], "emailsNotFound": job["emails"], "numEmailsRequested": count, "user": "UR_1",
            "created": at, "updated": at});
        for (name, value) in shown.as_object().into_iter().flatten() {
            listed[name] = value.clone();
        }
        listed
    }
}

fn envelope(status: u16, code: &str) -> ScriptedResponse {
    let error =
        json!({"meta": {"httpStatus": format!("{status} - X"), "requestId": "r", "error": {"errorCode": code}}});
    (status, "application/json", error.to_string().into_bytes())
}

fn brand(
    jobs: Jobs,
    shown: Value,
    rejects: impl Fn(&[&str]) -> Option<(u16, &'static str)> + 'static,
) -> impl Fn(&http::Request, &str) -> Option<ScriptedResponse> + 'static {
    let rejects: Box<Rejects> = Box::new(rejects);
    move |request, path| match (request.method.name(), path) {
        ("POST", JOBS) => {
            let body: Value = serde_json::from_slice(&request.body).expect("JSON");
            let emails: Vec<&str> = body["emails"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if let Some((status, code)) = rejects(&emails) {
                return Some(envelope(status, code));
            }
            let mut all = jobs.0.borrow_mut();
            let id = format!("OP-{}", all.len());
            all.push(body.clone());
            Some(result(&json!({ "requestId": id })))
        }
        (_, JOBS) => {
            let count = jobs.0.borrow().len();
            let elements: Vec<Value> = (0..count).rev().map(|index| jobs.listed(index, &shown)).collect();
            Some(result(&json!({ "elements": elements })))
        }
        (_, path) if path.starts_with(JOBS) => {
            let index: usize = path.rsplit('-').next()?.parse().ok()?;
            Some(result(&jobs.listed(index, &shown)))
        }
        (_, "/whoami") => Some(result(&json!({"userId": "UR_1", "brandId": "b", "userName": "admin@b.example"}))),
        (_, "/users") => Some(result(&json!({"elements": [{"email": "staff@x.org", "username": "staff@x.org"}]}))),
        _ => None,
    }
}

fn accepts(_: &[&str]) -> Option<(u16, &'static str)> {
    None
}

fn person(name: &str) -> Request {
    people(name, &[name])
}

fn people(id: &str, names: &[&str]) -> Request {
    request(id, names.iter().map(|name| Identifier::Email(format!("{name}@x.org"))).collect())
}

fn persons(names: &[&str]) -> Vec<Request> {
    names.iter().map(|name| person(name)).collect()
}

fn addresses(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{name}@x.org")).collect()
}

/// Polls all pending requests together until each has a report.
fn follow(world: &mut World, requests: &[Request], started: Vec<Result<Progress, Error>>) -> Vec<Report> {
    let mut reports: Vec<Option<Report>> = requests.iter().map(|_| None).collect();
    let mut open: Vec<(usize, Result<Progress, Error>)> = started.into_iter().enumerate().collect();
    for _ in 0..20 {
        let mut tasks = Vec::new();
        let mut delay_ms = 0;
        for (index, progress) in std::mem::take(&mut open) {
            match progress.unwrap_or_else(|error| panic!("{}", error.message)) {
                Progress::Done(report) => reports[index] = Some(report),
                Progress::Pending(pending) => {
                    delay_ms = delay_ms.max(pending.poll_after_ms);
                    tasks.push((index, Task { request: requests[index].clone(), ticket: pending.ticket }));
                }
            }
        }
        if tasks.is_empty() {
            return reports.into_iter().flatten().collect();
        }
        world.now_ms.set(world.now_ms.get().saturating_add(delay_ms));
        let (indices, tasks): (Vec<usize>, Vec<Task>) = tasks.into_iter().unzip();
        open = indices.into_iter().zip(world.connector.poll(tasks)).collect();
    }
    panic!("still pending");
}

fn codes(results: &[Result<Progress, Error>]) -> Vec<String> {
    let code = |result: &Result<Progress, Error>| match result {
        Ok(Progress::Pending(pending)) => pending.group.clone().unwrap_or_default(),
        Ok(Progress::Done(report)) => format!("{:?}", report.outcome),
        Err(Error { problems, kind: ErrorKind::RateLimited, .. }) => {
            problems.first().map_or_else(|| "later".to_owned(), |problem| problem.code.clone())
        }
        Err(error) => format!("{:?} {}", error.kind, error.vendor_code.clone().unwrap_or_default()),
    };
    results.iter().map(code).collect()
}

fn code_of<'r>(report: &'r Report, code: &str) -> Option<&'r Finding> {
    report.findings.iter().find(|finding| finding.code.as_deref() == Some(code))
}

#[test]
fn requests_of_a_call_share_a_job_and_a_verifying_search() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({}), accepts));
    let requests = [person("a"), people("b", &["b", "c"]), person("d")];
    let started = world.connector.delete(requests.to_vec(), VERIFY);
    assert_eq!(codes(&started), ["OP-0", "OP-0", "OP-0"]);
    let reports = follow(&mut world, &requests, started);
    assert_eq!(jobs.erasures(), [addresses(&["a", "b", "c", "d"])]);
    assert_eq!(jobs.searches(), [addresses(&["a", "b", "c", "d"])]);
    for report in &reports {
        assert_eq!(report.outcome, Outcome::NotFound, "nothing was there");
        let identifiers: Vec<Option<u32>> = report.receipt.jobs.iter().map(|job| job.identifiers).collect();
        assert_eq!(identifiers, [Some(4), Some(4)], "those of others are counted");
    }
    let log = world.log.borrow();
    let gets = log.iter().filter(|call| call.starts_with("GET /op-erase-personal-data/")).count();
    assert_eq!(gets, 3, "one look-up for each poll, and one of the erasure for the receipts: {log:?}");
}

#[test]
fn in_mode_erase_requests_share_a_job_only_if_the_settings_ask_for_it() {
    for (settings, expected) in [(&[][..], 3), (&[("group-size", "100")], 1), (&[("group-size", "2")], 2)] {
        let jobs = Jobs::default();
        let mut world = World::with_settings(brand(jobs.clone(), json!({}), accepts), settings);
        world.connector.delete(persons(&["a", "b", "c"]), DeletionMode::Erase);
        assert_eq!(jobs.erasures().len(), expected);
    }
}

#[test]
fn a_preview_shares_its_search() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({}), accepts));
    let requests = persons(&["a", "b"]);
    let started = world.connector.delete(requests.clone(), DeletionMode::Preview);
    let reports = follow(&mut world, &requests, started);
    assert_eq!((jobs.searches().len(), jobs.erasures().len()), (1, 0));
    assert!(reports.iter().all(|report| report.outcome == Outcome::NotFound));
}

#[test]
fn a_search_that_gives_a_number_for_the_group_makes_each_request_search_alone() {
    for (mode, searches) in [(DeletionMode::Preview, 3), (VERIFY, 3)] {
        let jobs = Jobs::default();
        let mut world = World::new(brand(jobs.clone(), json!({"emailsNotFound": 2}), accepts));
        let requests = persons(&["a", "b"]);
        let started = world.connector.delete(requests.clone(), mode);
        follow(&mut world, &requests, started);
        assert_eq!(jobs.searches().len(), searches, "the shared one, and one for each");
        assert!(jobs.searches()[1..].iter().all(|search| search.len() == 1));
    }
}

#[test]
fn a_search_of_another_poll_is_continued_if_it_contains_the_request() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({}), accepts));
    let requests = persons(&["a", "b"]);
    let started = world.connector.delete(requests.clone(), VERIFY);
    let task = |index: usize| {
        let Ok(Progress::Pending(pending)) = &started[index] else { panic!("pending") };
        Task { request: requests[index].clone(), ticket: pending.ticket.clone() }
    };
    world.now_ms.set(600_000);
    world.connector.poll(vec![task(0), task(1)]);
    // An older ticket, on its own.
    world.connector.poll(vec![task(1)]);
    assert_eq!(jobs.searches().len(), 1);
}

#[test]
fn a_guard_refuses_a_request_and_not_an_address_that_another_includes() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({}), accepts));
    let requests = vec![people("a", &["staff", "home"]), people("b", &["home"]), person("c")];
    let results = world.connector.delete(requests.clone(), VERIFY);
    assert_eq!(codes(&results), ["Outcome::Refused", "OP-0", "OP-0"]);
    assert_eq!(jobs.erasures(), [addresses(&["c", "home"])]);
    let note = |results: &[Result<Progress, Error>]| match &results[0] {
        Ok(Progress::Done(report)) => {
            code_of(report, "staff-account").and_then(|one| one.note.clone()).expect("a note")
        }
        _ => panic!("refused"),
    };
    assert!(note(&results).contains("another request of the call"));
    let alone = world.connector.delete(vec![requests[0].clone(), person("c")], VERIFY);
    assert!(!note(&alone).contains("another request of the call"));
}

#[test]
fn requests_that_share_an_address_and_do_not_fit_into_one_job_are_started_one_after_the_other() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({}), accepts));
    let names: Vec<String> = (0..520).map(|n| format!("n{n}")).collect();
    let requests: Vec<Request> = (0..9)
        .map(|n| {
            let own = names[n * 60..((n + 1) * 60).min(520)].iter().map(String::as_str);
            people(&format!("r{n}"), &own.chain(["shared"]).collect::<Vec<_>>())
        })
        .collect();
    let results = world.connector.delete(requests, VERIFY);
    assert_eq!(codes(&results), [&["OP-0"; 8][..], &["later"]].concat());
    assert_eq!(jobs.erasures().iter().map(Vec::len).collect::<Vec<_>>(), [481]);
}

#[test]
fn the_list_is_read_once_for_all_requests_with_attempts() {
    let jobs = Jobs::default();
    let mut world = World::new(brand(jobs.clone(), json!({}), accepts));
    let requests = persons(&["a", "b", "c", "d"]);
    let attempts = Some(Attempts { first_at: 1_767_225_600, last_at: 1_767_225_600 });
    world.connector.delete(requests[..3].to_vec(), VERIFY);
    world.now_ms.set(300_000);
    world.log.borrow_mut().clear();
    let retried: Vec<Request> = requests.iter().rev().map(|request| Request { attempts, ..request.clone() }).collect();
    let results = world.connector.delete(retried, VERIFY);
    // The fourth was never started.
    assert_eq!(codes(&results), ["OP-1", "OP-0", "OP-0", "OP-0"]);
    assert_eq!(jobs.erasures(), [addresses(&["a", "b", "c"]), addresses(&["d"])]);
    assert_eq!(world.log.borrow().iter().filter(|call| *call == &format!("GET {JOBS}")).count(), 1);
}

#[test]
fn a_request_of_a_group_is_found_whatever_else_the_retry_contains() {
    for retried in [vec!["b"], vec!["c", "x", "a"], vec!["a", "b", "c", "x"]] {
        let jobs = Jobs::default();
        let mut world = World::new(brand(jobs.clone(), json!({}), accepts));
        world.connector.delete(persons(&["a", "b", "c"]), VERIFY);
        world.now_ms.set(300_000);
        let attempts = Some(Attempts { first_at: 1_767_225_600, last_at: 1_767_225_600 });
        let requests: Vec<Request> = persons(&retried);
        let requests: Vec<Request> = requests.into_iter().map(|one| Request { attempts, ..one }).collect();
        for (request, code) in retried.iter().zip(codes(&world.connector.delete(requests, VERIFY))) {
            assert_eq!(code, if *request == "x" { "OP-1" } else { "OP-0" });
        }
    }
}

#[test]
fn nothing_is_started_twice_if_the_response_to_a_group_is_lost() {
    let jobs = Jobs::default();
    let inner = brand(jobs.clone(), json!({}), accepts);
    let mut world = World::new(move |request, path| {
        let response = inner(request, path);
        let is_lost = request.method.name() == "POST" && path == JOBS;
        if is_lost { Some((503, "text/plain", b"upstream connect error".to_vec())) } else { response }
    });
    let results = world.connector.delete(persons(&["a", "b", "c"]), VERIFY);
    assert_eq!(codes(&results), ["OP-0"; 3], "reconciled within the call");
    assert_eq!(jobs.erasures().len(), 1);
    let Ok(Progress::Pending(pending)) = &results[1] else { panic!("pending") };
    let ticket = crate::qualtrics::ticket::Ticket::parse(&pending.ticket).unwrap_or_else(|_| panic!("a ticket"));
    assert_eq!(ticket.shared.map(|shared| shared.addresses), Some(3));
}

#[test]
fn the_failure_of_a_shared_job_tells_to_start_the_request_again_alone() {
    let failed = json!({"status": "Failed", "failureReason": "E_1", "emailsNotFound": null});
    for (names, is_shared) in [(vec!["a", "b"], true), (vec!["a"], false)] {
        let mut world = World::new(brand(Jobs::default(), failed.clone(), accepts));
        let requests = persons(&names);
        let started = world.connector.delete(requests.clone(), VERIFY);
        for report in follow(&mut world, &requests, started) {
            assert_eq!(report.outcome, Outcome::Failed);
            assert_eq!(code_of(&report, "shared-job").is_some(), is_shared);
        }
    }
}

#[test]
fn an_address_that_a_shared_erasure_does_not_list_is_not_itemised() {
    let shown = json!({"emailsNotFound": ["b@x.org"], "contacts": 9});
    let settings = [("group-size", "10")];
    let mut world = World::with_settings(brand(Jobs::default(), shown, accepts), &settings);
    let requests = persons(&["a", "b"]);
    let started = world.connector.delete(requests.clone(), DeletionMode::Erase);
    let reports = follow(&mut world, &requests, started);
    assert_eq!([reports[0].outcome, reports[1].outcome], [Outcome::Deleted, Outcome::NotFound]);
    assert_eq!(finding(&reports[0], "personal-data").code.as_deref(), Some("not-itemised"));
    assert!(reports.iter().all(|report| report.findings.len() == 1), "no count of the whole job");
}

#[test]
fn a_shared_job_that_reports_fewer_addresses_than_were_sent_makes_an_erasure_partial() {
    let shown = json!({"emailsNotFound": ["a@x.org"], "numEmailsRequested": 2});
    let settings = [("group-size", "10")];
    let mut world = World::with_settings(brand(Jobs::default(), shown, accepts), &settings);
    let requests = persons(&["a", "b", "c"]);
    let started = world.connector.delete(requests.clone(), DeletionMode::Erase);
    for (report, code) in
        follow(&mut world, &requests, started).iter().zip([None, Some("not-itemised"), Some("not-itemised")])
    {
        assert_eq!(report.outcome, Outcome::Partial);
        assert_eq!(finding(report, "personal-data").code.as_deref(), code);
    }
}

#[test]
fn a_contact_found_by_a_number_without_country_code_is_no_remaining_data() {
    let inner = brand(Jobs::default(), json!({}), accepts);
    let mut world = World::new(move |request, path| {
        if !path.ends_with("/contacts/search") {
            return inner(request, path);
        }
        let is_phone = String::from_utf8_lossy(&request.body).contains("\"phone\"");
        let stranger = json!({"id": "CID_1", "email": "stranger@x.org", "phoneNumber": "030 123456"});
        Some(result(&json!({"elements": if is_phone { vec![stranger] } else { vec![] }})))
    });
    let mut person = person("a");
    person.subject.push(Identifier::Phone("+4930123456".to_owned()));
    for (mode, outcome) in [(VERIFY, Outcome::NotFound), (DeletionMode::Preview, Outcome::NotFound)] {
        let report = world.delete(&person, mode);
        assert_eq!(report.outcome, outcome);
        assert!(code_of(&report, "no-country-code").is_some());
        assert!(report.discovered.is_empty());
    }
}
