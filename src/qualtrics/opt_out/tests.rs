use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::contact_update::{Untouched, fields_check, opt_out_body, other_fields, reason_to_leave};
use crate::contract::{Amount, Identifier, Outcome, Progress, Report, Task};
use crate::http::{self, Method};
use crate::privacy::connector::Connector;
use crate::privacy::subject::Subject;
use crate::qualtrics::api::contact::Contact;
use crate::qualtrics::tests::{ScriptedResponse, World, ada, request, result};

fn contact(value: Value) -> Contact {
    Contact::parse(value).expect("a contact")
}

fn subject(identifiers: Vec<Identifier>) -> Subject {
    Subject::parse(&request("r", identifiers), 0).expect("a subject")
}

fn email(text: &str) -> Identifier {
    Identifier::Email(text.to_owned())
}

fn phone(text: &str) -> Identifier {
    Identifier::Phone(text.to_owned())
}

/// Ada as the endpoint of a single contact shows her.
fn record() -> Value {
    json!({
        "contactId": "C-1", "firstName": "Ada", "lastName": null, "email": "ada@example.org", "emailDomain": "example.org",
        "phone": "+4930123456", "extRef": "E-1", "language": "en", "embeddedData": {"Tier": "Gold", "Age": "36"},
        "lastModified": 1_700_000_000_000_u64, "directoryUnsubscribed": false, "stats": {"EmailCount": "1"},
        "mailingListMembership": {"CG_1": {"name": "News", "unsubscribed": true, "unsubscribeDate": 1_600_000_000_000_u64}},
    })
}

/// How a directory with one contact behaves.
#[derive(Clone, Copy, Default)]
struct Behaviour {
    /// An update clears what its body lacks.
    replaces: bool,
    /// An update does not set the mark.
    ignores_mark: bool,
    /// An update also changes this field.
    spoils: Option<&'static str>,
    /// So many updates are carried out and their responses lost.
    lost: usize,
    /// So many updates are lost before they are carried out.
    dropped: usize,
    /// So many reads after an update show the contact as before.
    lag: usize,
}

/// A directory with one contact.
struct Directory {
    now: Rc<RefCell<Value>>,
    puts: Rc<Cell<usize>>,
}

impl Directory {
    fn world(behaviour: Behaviour) -> (World, Self) {
        Self::world_of(record(), behaviour)
    }

    fn world_of(record: Value, behaviour: Behaviour) -> (World, Self) {
        let (now, puts) = (Rc::new(RefCell::new(record.clone())), Rc::new(Cell::new(0_usize)));
        let directory = Self { now: Rc::clone(&now), puts: Rc::clone(&puts) };
        let (before, lag) = (RefCell::new(record), Cell::new(0_usize));
        let world = World::new(move |request, path| match (request.method, path) {
            (Method::Post, "/directories/POOL/contacts/search") => {
                Some(result(&json!({"elements": [now.borrow().clone()]})))
            }
            (Method::Get, "/directories/POOL/contacts/C-1") if lag.get() > 0 => {
                lag.set(lag.get().saturating_sub(1));
                Some(result(&before.borrow()))
            }
            (Method::Get, "/directories/POOL/contacts/C-1") => Some(result(&now.borrow())),
            (Method::Put, "/directories/POOL/contacts/C-1") => {
                puts.set(puts.get().saturating_add(1));
                if puts.get() <= behaviour.dropped {
                    return Some((504, "text/plain", b"upstream timed out".to_vec()));
                }
                before.replace(now.borrow().clone());
                put(&mut now.borrow_mut(), request, behaviour);
                lag.set(behaviour.lag);
                let is_lost = puts.get() <= behaviour.lost;
                Some(if is_lost { (502, "text/plain", Vec::new()) } else { success() })
            }
            _ => None,
        });
        (world, directory)
    }

    fn field(&self, name: &str) -> Value {
        self.now.borrow()[name].clone()
    }
}

fn success() -> ScriptedResponse {
    (200, "application/json", br#"{"meta":{"httpStatus":"200 - OK"}}"#.to_vec())
}

fn put(contact: &mut Value, request: &http::Request, behaviour: Behaviour) {
    let mut body: Map<String, Value> = serde_json::from_slice(&request.body).expect("JSON");
    let mark = body.remove("unsubscribed");
    if behaviour.replaces {
        for name in ["firstName", "lastName", "email", "phone", "extRef", "language", "embeddedData"] {
            contact[name] = Value::Null;
        }
    }
    for (name, value) in body {
        contact[name] = value;
    }
    if let Some(name) = behaviour.spoils {
        contact[name] = Value::Null;
    }
    if !behaviour.ignores_mark {
        contact["directoryUnsubscribed"] = mark.expect("the mark");
        contact["directoryUnsubscribeDate"] = json!(1_767_225_600_000_u64);
    }
    contact["lastModified"] = json!(1_767_225_600_000_u64);
}

#[track_caller]
fn assert_ended(report: &Report, outcome: Outcome, code: Option<&str>) {
    assert_eq!(report.outcome, outcome, "{:?}", report.findings);
    let codes: Vec<&str> = report.findings.iter().filter_map(|finding| finding.code.as_deref()).collect();
    assert_eq!(codes, code.into_iter().collect::<Vec<_>>());
}

#[test]
fn a_contact_is_opted_out_and_keeps_every_other_field_whether_an_update_merges_or_replaces() {
    for replaces in [false, true] {
        let (mut world, directory) = Directory::world(Behaviour { replaces, ..Behaviour::default() });
        let report = world.opt_out(&ada());
        assert_ended(&report, Outcome::OptedOut, None);
        let [job] = &report.receipt.jobs[..] else { panic!("one job") };
        assert_eq!((job.operation.as_str(), job.id.as_str(), job.identifiers), ("opt-out", "POOL", Some(1)));
        assert!(report.receipt.submitted_at.is_some());
        let expected = other_fields(&contact(record()));
        assert_eq!(other_fields(&contact(directory.now.borrow().clone())), expected, "replaces: {replaces}");
        assert_eq!(directory.field("directoryUnsubscribed"), true);
        assert_eq!(directory.puts.get(), 1);
    }
}

#[test]
fn an_opt_out_that_is_repeated_updates_nothing() {
    let (mut world, directory) = Directory::world(Behaviour::default());
    world.opt_out(&ada());
    let report = world.opt_out(&ada());
    assert_ended(&report, Outcome::OptedOut, None);
    assert_eq!((directory.puts.get(), report.receipt.submitted_at), (1, None));
    assert_eq!(report.receipt.jobs.len(), 1);
}

#[test]
fn each_update_follows_a_read_of_the_contact_and_is_read_back() {
    let (mut world, _) = Directory::world(Behaviour::default());
    world.opt_out(&ada());
    let log = world.log.borrow();
    let single = "/directories/POOL/contacts/C-1";
    let calls: Vec<&str> = log.iter().filter(|call| call.ends_with(single)).map(String::as_str).collect();
    assert_eq!(calls, [format!("GET {single}"), format!("PUT {single}"), format!("GET {single}")]);
}

#[test]
fn a_lost_response_to_an_update_is_read_back_and_not_repeated() {
    let (mut world, directory) = Directory::world(Behaviour { lost: 1, ..Behaviour::default() });
    assert_ended(&world.opt_out(&ada()), Outcome::OptedOut, None);
    assert_eq!(directory.puts.get(), 1);
}

#[test]
fn a_lost_update_is_repeated_after_another_read() {
    let (mut world, directory) = Directory::world(Behaviour { dropped: 2, ..Behaviour::default() });
    assert_ended(&world.opt_out(&ada()), Outcome::OptedOut, None);
    assert_eq!(directory.puts.get(), 3);
}

#[test]
fn an_update_that_is_always_lost_is_given_up_after_three_attempts() {
    let (mut world, directory) = Directory::world(Behaviour { dropped: usize::MAX, ..Behaviour::default() });
    let report = world.opt_out(&ada());
    assert_ended(&report, Outcome::Partial, Some("unavailable"));
    assert_eq!((directory.puts.get(), report.receipt.jobs.len()), (3, 0));
}

#[test]
fn a_read_back_that_lags_keeps_the_request_pending_and_compares_later() {
    for (spoils, outcome, code) in
        [(None, Outcome::OptedOut, None), (Some("phone"), Outcome::Partial, Some("other-fields-changed"))]
    {
        let (mut world, directory) = Directory::world(Behaviour { lag: 3, spoils, ..Behaviour::default() });
        let started = world.connector.opt_out(vec![ada()]).remove(0).expect("no error");
        let Progress::Pending(pending) = started else { panic!("pending") };
        assert_eq!(pending.stage, crate::contract::Stage::Verifying);
        // Another instance continues.
        let task = Task { request: ada(), ticket: pending.ticket };
        let later = world.connector.poll(vec![task]).remove(0);
        assert_ended(&world.follow(&ada(), later), outcome, code);
        assert_eq!(directory.puts.get(), 1);
    }
}

#[test]
fn an_update_that_ignores_the_mark_is_never_reported_as_an_opt_out() {
    let (mut world, directory) = Directory::world(Behaviour { ignores_mark: true, ..Behaviour::default() });
    let report = world.opt_out(&ada());
    assert_ended(&report, Outcome::Partial, Some("not-applied"));
    assert_eq!((directory.puts.get(), report.receipt.jobs.len()), (1, 0));
}

#[test]
fn another_field_that_changed_is_reported() {
    for name in ["firstName", "embeddedData", "mailingListMembership", "emailDomain"] {
        let (mut world, _) = Directory::world(Behaviour { spoils: Some(name), ..Behaviour::default() });
        assert_ended(&world.opt_out(&ada()), Outcome::Partial, Some("other-fields-changed"));
    }
}

#[test]
fn a_contact_that_loses_its_address_to_the_update_is_reported_although_no_search_finds_it() {
    let (mut world, _) = Directory::world(Behaviour { spoils: Some("email"), ..Behaviour::default() });
    let report = world.opt_out(&ada());
    assert_eq!(report.outcome, Outcome::Partial);
    assert!(report.findings.iter().any(|one| one.code.as_deref() == Some("other-fields-changed")));
}

#[test]
fn a_rejected_update_is_reported() {
    for (status, code) in [(400, "update-rejected"), (403, "not-permitted"), (404, "update-rejected")] {
        let mut world = World::new(move |request, path| match (request.method, path) {
            (Method::Put, _) => {
                let body = json!({"meta": {"httpStatus": status.to_string(), "error": {"errorCode": "E_1"}}});
                Some((status, "application/json", body.to_string().into_bytes()))
            }
            (Method::Get, "/directories/POOL/contacts/C-1") => Some(result(&record())),
            (_, "/directories/POOL/contacts/search") => Some(result(&json!({"elements": [record()]}))),
            _ => None,
        });
        assert_ended(&world.opt_out(&ada()), Outcome::Partial, Some(code));
        let puts = world.log.borrow().iter().filter(|call| call.starts_with("PUT")).count();
        assert_eq!(puts, 1, "{status}");
    }
}

#[test]
fn a_contact_that_changed_since_the_search_is_left_as_it_is() {
    let mut changed = record();
    changed["email"] = json!("bob@example.org");
    let mut world = World::new(move |request, path| match (request.method, path) {
        (Method::Get, "/directories/POOL/contacts/C-1") => Some(result(&changed)),
        (Method::Post, "/directories/POOL/contacts/search") => Some(result(&json!({"elements": [record()]}))),
        _ => None,
    });
    assert_ended(&world.opt_out(&ada()), Outcome::Partial, Some("changed-meanwhile"));
    assert!(!world.log.borrow().iter().any(|call| call.starts_with("PUT")));
}

#[test]
fn a_contact_that_is_older_than_the_search_showed_it_is_not_written_back() {
    let mut older = record();
    older["lastModified"] = json!(1_600_000_000_000_u64);
    let mut world = World::new(move |request, path| match (request.method, path) {
        (Method::Get, "/directories/POOL/contacts/C-1") => Some(result(&older)),
        (Method::Post, "/directories/POOL/contacts/search") => Some(result(&json!({"elements": [record()]}))),
        _ => None,
    });
    assert_ended(&world.opt_out(&ada()), Outcome::Partial, Some("unavailable"));
    assert!(!world.log.borrow().iter().any(|call| call.starts_with("PUT")));
}

/// A directory with so many contacts of Ada, which are updated and read one by one, or whose updates are rejected.
fn crowd(size: usize, rejects: bool) -> (World, Rc<RefCell<Vec<Value>>>) {
    let one = |number: usize| {
        let mut one = record();
        one["contactId"] = json!(format!("C-{number:04}"));
        one
    };
    let all = Rc::new(RefCell::new((0..size).map(one).collect::<Vec<Value>>()));
    let contacts = Rc::clone(&all);
    let world = World::new(move |request, path| {
        let id = path.strip_prefix("/directories/POOL/contacts/")?;
        let mut contacts = contacts.borrow_mut();
        match (request.method, contacts.iter_mut().find(|one| one["contactId"] == id)) {
            (Method::Put, _) if rejects => {
                Some((400, "application/json", br#"{"meta":{"error":{"errorCode":"QVAL_1"}}}"#.to_vec()))
            }
            (Method::Put, Some(one)) => {
                put(one, request, Behaviour::default());
                Some(success())
            }
            (_, Some(one)) => Some(result(one)),
            (..) => Some(result(&json!({"elements": *contacts}))),
        }
    });
    (world, all)
}

#[test]
fn many_contacts_are_opted_out_over_several_calls_and_each_is_updated_once() {
    let (mut world, contacts) = crowd(200, false);
    let started = world.connector.opt_out(vec![ada()]).remove(0).expect("no error");
    let marked = || contacts.borrow().iter().filter(|one| one["directoryUnsubscribed"] == true).count();
    let Progress::Pending(pending) = started else { panic!("pending") };
    assert_eq!(marked(), 60, "the work of a call is bounded");
    let task = Task { request: ada(), ticket: pending.ticket };
    let later = world.connector.poll(vec![task]).remove(0);
    assert_ended(&world.follow(&ada(), later), Outcome::OptedOut, None);
    assert_eq!(marked(), 200);
    let puts = world.log.borrow().iter().filter(|call| call.starts_with("PUT")).count();
    assert_eq!(puts, 200);
}

#[test]
fn updates_that_keep_failing_are_given_up() {
    let (mut world, _) = crowd(30, true);
    let report = world.opt_out(&ada());
    assert_eq!((report.outcome, report.receipt.jobs.len()), (Outcome::Partial, 0));
    let counts = report.findings.iter().filter_map(|one| Some((one.code.as_deref()?, one.amount)));
    let expected = [("too-many", Amount::Count(14)), ("update-rejected", Amount::Count(16))];
    assert_eq!(counts.collect::<Vec<_>>(), expected);
    assert_eq!(world.log.borrow().iter().filter(|call| call.starts_with("PUT")).count(), 16);
}

#[test]
fn a_request_without_a_usable_identifier_is_refused_without_a_call() {
    let (mut world, _) = Directory::world(Behaviour::default());
    let other = request("r", vec![Identifier::Other(("loyalty".to_owned(), "7".to_owned()))]);
    assert_ended(&world.opt_out(&other), Outcome::Refused, Some("unsupported-kind"));
    assert!(world.log.borrow().is_empty());
}

#[test]
fn a_contact_found_by_telephone_alone_is_the_persons_unless_it_has_another_address() {
    let reason = |record: Value, identifiers: Vec<Identifier>| reason_to_leave(&contact(record), &subject(identifiers));
    let number = || phone("+4930123456");
    let with_email = |email: Value| json!({"id": "C", "phone": "+49 30 123456", "email": email, "extRef": "E-1"});
    assert_eq!(reason(with_email(json!("ada@x.org")), vec![number(), email("Ada@x.org")]), None);
    assert_eq!(
        reason(with_email(json!("bob@x.org")), vec![number(), email("ada@x.org")]),
        Some(Untouched::SharedTelephone)
    );
    assert_eq!(reason(with_email(json!("bob@x.org")), vec![number()]), Some(Untouched::SharedTelephone));
    assert_eq!(reason(with_email(Value::Null), vec![number(), email("ada@x.org")]), None);
    let by_id = vec![number(), Identifier::ExternalId("E-1".to_owned())];
    assert_eq!(reason(with_email(json!("bob@x.org")), by_id), None);
    let national = json!({"id": "C", "phone": "030 123456"});
    assert_eq!(reason(national, vec![number()]), Some(Untouched::NoCountryCode));
    assert_eq!(reason(json!({"id": "C"}), vec![number()]), Some(Untouched::ChangedMeanwhile));
}

#[test]
fn a_shared_telephone_leaves_the_contact_as_it_is() {
    let (mut world, directory) = Directory::world(Behaviour::default());
    let by_phone = request("r", vec![email("bob@example.org"), phone("+4930123456")]);
    let report = world.opt_out(&by_phone);
    assert_eq!(report.outcome, Outcome::Partial);
    let left = report.findings.iter().find(|one| one.code.as_deref() == Some("shared-telephone")).expect("a finding");
    assert_eq!((left.identifiers.as_slice(), &left.amount), (&[1][..], &Amount::Count(1)));
    assert_eq!((directory.puts.get(), report.receipt.jobs.len()), (0, 0));
}

#[test]
fn a_contact_that_was_not_read_exactly_has_no_update() {
    assert!(opt_out_body(&contact(record())).is_some());
    for unreadable in [
        json!({"id": "C", "firstName": "Zo\u{FFFD}"}),
        json!({"id": "C", "embeddedData": {"a\u{FFFD}": "1"}}),
        json!({"id": "C", "phone": "1", "phoneNumber": "2"}),
    ] {
        assert!(opt_out_body(&contact(unreadable)).is_none());
    }
}

#[test]
fn the_comparison_ignores_the_mark_what_qualtrics_computes_and_null() {
    let before = json!({"id": "C", "firstName": "Ada", "phone": null, "embeddedData": {}, "unsubscribed": false, "stats": {"a": "1"},
        "mailingListMembership": {"CG_1": {"name": "News", "unsubscribed": false}}});
    let after = json!({"id": "C", "firstName": "Ada", "lastName": null, "unsubscribed": true, "lastModified": 1_700_000_000_000_u64,
        "mailingListMembership": {"CG_1": {"name": "News", "unsubscribed": true, "unsubscribeDate": "now"}}});
    assert_eq!(other_fields(&contact(before.clone())), other_fields(&contact(after)));
    let mut fewer = before.clone();
    fewer["mailingListMembership"] = json!({});
    assert_ne!(other_fields(&contact(before)), other_fields(&contact(fewer)), "a list was lost");
}

#[test]
fn the_check_of_the_other_fields_is_short_and_salted() {
    let check = |request: &str, id: &str| fields_check("{\"firstName\":\"Ada\"}", request, id);
    assert!(check("r", "C") < 1 << 20);
    assert_ne!(check("r", "C"), check("s", "C"));
    assert_ne!(check("r", "C"), check("r", "D"));
}
