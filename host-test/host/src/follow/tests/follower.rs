//! Requests followed to their end, against the simulator.

use std::time::Duration;

use qualtrics_component::CONNECTOR;
use qualtrics_simulator::{
    self as simulator, Brand, Endpoint, Fault, FaultRule, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON,
    SAMPLE_STRANGER, Simulator,
};

use crate::contract::{Attempts, DeletionMode, ErrorKind, Identifier, Outcome, Remedy, Request, Setting};
use crate::{
    Clock, Connector, ConnectorError, ConnectorOptions, Entry, Event, Follower, Host, HostError, Operation, Options,
    Update,
};

const ERASE: Operation = Operation::Deletion(DeletionMode::Erase);

async fn simulator() -> Simulator {
    Simulator::start(Brand::sample(), simulator::Options::default()).await.unwrap()
}

async fn connector(simulator: &Simulator) -> Connector {
    let plugin = Host::new(Options { max_instances: 4, ..Options::default() }).unwrap().load(CONNECTOR).unwrap();
    let settings = [
        ("datacenter-id", "fra1"),
        ("client-id", SAMPLE_CLIENT_ID),
        ("client-secret", SAMPLE_CLIENT_SECRET),
        ("base-url", &simulator.origin()),
    ];
    let settings = settings.map(|(key, value)| Setting::new(key, value)).to_vec();
    let options = ConnectorOptions {
        extra_origins: vec![simulator.origin()],
        clock: simulator.clock(),
        ..ConnectorOptions::default()
    };
    Connector::new(plugin, settings, options).await.unwrap()
}

/// A handwritten connector whose `poll` runs this WAT, and whose other calls for requests trap.
async fn polling_connector(poll: &str) -> Connector {
    let functions = [("describe", "i32.const 64"), ("configure", "i32.const 0"), ("poll", poll)];
    let component = crate::tests::connector_with("", &functions);
    let plugin = Host::new(Options { max_instances: 2, ..Options::default() }).unwrap().load(&component).unwrap();
    let options = ConnectorOptions { clock: Clock::simulated(1_750_000_000), ..ConnectorOptions::default() };
    Connector::new(plugin, Vec::new(), options).await.unwrap()
}

/// The body of a `poll` that traps where `condition` holds for a call or for one of its tasks, whose address is `$task`. Otherwise every
/// task is done: `found`, without documents.
fn poll_unless(of_call: &str, of_task: &str) -> String {
    // A task takes 56 bytes, with the address of its ticket at 48. A result takes 128: its progress begins at 8, where 1 means done.
    // Results begin at 32768, and the list of them lies at 512.
    format!(
        "(local $task i32) (local $end i32) (local $result i32)
        (if {of_call} (then unreachable))
        (i32.store (i32.const 512) (i32.const 32768))
        (i32.store (i32.const 516) (local.get 1))
        (local.set $task (local.get 0))
        (local.set $end (i32.add (local.get 0) (i32.mul (local.get 1) (i32.const 56))))
        (local.set $result (i32.const 32768))
        (loop
            (if {of_task} (then unreachable))
            (i32.store8 offset=8 (local.get $result) (i32.const 1))
            (local.set $result (i32.add (local.get $result) (i32.const 128)))
            (local.set $task (i32.add (local.get $task) (i32.const 56)))
            (br_if 0 (i32.lt_u (local.get $task) (local.get $end))))
        (global.set $free (i32.const 1024))
        (i32.const 512)"
    )
}

/// Access requests in progress with these tickets, whose IDs are their tickets.
fn in_progress<'t>(tickets: impl IntoIterator<Item = &'t str>) -> Vec<Entry> {
    let entry = |ticket: &str| Entry::new(request(ticket), Operation::Access).with_ticket(ticket.to_owned());
    tickets.into_iter().map(entry).collect()
}

fn request(id: &str) -> Request {
    Request::new(id, [Identifier::email(SAMPLE_PERSON)])
}

/// The outcome of the last report, the error of the last failure, and the entry at the end.
async fn follow(follower: &mut Follower<'_>) -> (Vec<Outcome>, Vec<ErrorKind>, Option<Entry>) {
    let (mut outcomes, mut errors, mut last) = (Vec::new(), Vec::new(), None);
    while let Some(update) = follower.next().await.unwrap() {
        last = Some(update.entry.clone());
        match update.event {
            Event::Reported(report) => {
                outcomes.push(report.outcome);
                follower.confirm();
            }
            Event::Failed(error) => errors.push(error.kind),
            _ => {}
        }
    }
    (outcomes, errors, last)
}

/// How many erasures of the person there were.
fn erasures(simulator: &Simulator) -> usize {
    let of_person = |email: &String| email == SAMPLE_PERSON;
    simulator.erasures().iter().filter(|job| !job.search_only && job.emails.iter().any(of_person)).count()
}

#[tokio::test]
async fn requests_are_followed_to_their_reports() {
    let simulator = simulator().await;
    let connector = connector(&simulator).await;
    let mut follower = connector.follow(Operation::Access, [request("dsr-1"), request("dsr-2")]);
    let (outcomes, errors, _) = follow(&mut follower).await;
    assert_eq!(outcomes, [Outcome::Found, Outcome::Found]);
    assert_eq!(errors, []);
    for entry in follower.entries() {
        assert_eq!(entry.end().unwrap().result, Ok(Outcome::Found));
        assert!(entry.subject().is_empty());
    }
}

#[tokio::test]
async fn an_attempt_is_returned_for_storage_before_its_call() {
    let simulator = simulator().await;
    let connector = connector(&simulator).await;
    let mut follower = connector.follow(ERASE, [request("dsr-1")]);
    let update = follower.next().await.unwrap().unwrap();
    assert!(matches!(update.event, Event::Starting), "{:?}", update.event);
    let stored = update.entry.clone();
    assert_eq!(simulator.calls().len(), 0);
    drop(follower);

    let (outcomes, ..) = follow(&mut connector.resume([stored])).await;
    assert_eq!(outcomes, [Outcome::Deleted]);
    assert_eq!(erasures(&simulator), 1);
}

#[tokio::test]
async fn deletions_start_in_one_call_after_each_attempt_was_returned_for_storage() {
    let simulator = simulator().await;
    let connector = connector(&simulator).await;
    let request = |n: u32| Request::new(format!("dsr-{n}"), [Identifier::email(format!("person-{n}@example.org"))]);
    let mut follower = connector.follow(ERASE, (0..5).map(request));
    follower.group_size = 4;
    let mut starting = Vec::new();
    while let Some(Update { entry, event: Event::Starting }) = follower.next().await.unwrap() {
        starting.push(entry.clone());
        assert_eq!(erasures(&simulator), 0);
    }
    assert_eq!(starting.iter().map(Entry::request_id).collect::<Vec<_>>(), ["dsr-0", "dsr-1", "dsr-2", "dsr-3"]);
    assert!(starting.iter().all(|entry| entry.attempts().is_none()), "its own attempt is none of the earlier ones");
    let (outcomes, errors, _) = follow(&mut follower).await;
    assert_eq!((outcomes, errors), (vec![Outcome::NotFound; 5], Vec::new()));
    // After a crash, each stored attempt leads to a look-up, not to a second deletion.
    let submitted: usize = simulator.erasures().iter().map(|job| job.emails.len()).sum();
    let (outcomes, errors, _) = follow(&mut connector.resume(starting.into_iter().map(resumed))).await;
    assert_eq!((outcomes, errors), (vec![Outcome::NotFound; 4], Vec::new()));
    assert_eq!(simulator.erasures().iter().map(|job| job.emails.len()).sum::<usize>(), submitted);
}

/// The entry as another process continues it.
fn resumed(stored: Entry) -> Entry {
    let request = Request::new(stored.request_id(), stored.subject().to_vec());
    Entry::new(request, stored.operation()).resume(stored)
}

#[tokio::test]
async fn a_lost_response_is_reconciled_without_a_second_erasure() {
    let simulator = simulator().await;
    let connector = connector(&simulator).await;
    simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetAfterEffect)]);
    let (outcomes, errors, _) = follow(&mut connector.follow(ERASE, [request("dsr-1")])).await;
    assert_eq!(outcomes, [Outcome::Deleted]);
    assert!(errors.iter().all(|kind| *kind == ErrorKind::OutcomeUnknown), "{errors:?}");
    assert_eq!(erasures(&simulator), 1);
}

#[tokio::test]
async fn a_call_whose_future_is_dropped_counts_as_an_attempt() {
    let simulator = simulator().await;
    let connector = connector(&simulator).await;
    simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::SilenceAfterEffect)]);
    let mut follower = connector.follow(ERASE, [request("dsr-1")]);
    assert!(matches!(follower.next().await.unwrap().unwrap().event, Event::Starting));
    let interrupted = tokio::time::timeout(Duration::from_secs(1), follower.next()).await;
    assert!(interrupted.is_err(), "the call was in progress");
    let entries = follower.interrupt();
    assert!(entries[0].attempts().is_some());
    let stored = entries[0].clone();
    drop(follower);

    let (outcomes, ..) = follow(&mut connector.resume([stored])).await;
    assert_eq!(outcomes, [Outcome::Deleted]);
    assert_eq!(erasures(&simulator), 1);
}

#[tokio::test]
async fn a_report_that_was_not_confirmed_is_returned_again() {
    let simulator = simulator().await;
    let connector = connector(&simulator).await;
    let mut follower = connector.follow(ERASE, [request("dsr-1")]);
    let stored = loop {
        let update = follower.next().await.unwrap().unwrap();
        if matches!(update.event, Event::Reported(_)) {
            break update.entry.clone();
        }
    };
    drop(follower);
    assert!(stored.end().is_none());

    let (outcomes, _, last) = follow(&mut connector.resume([stored])).await;
    assert_eq!(outcomes, [Outcome::Deleted]);
    assert_eq!(last.unwrap().end().unwrap().result, Ok(Outcome::Deleted));
    assert_eq!(erasures(&simulator), 1);
}

#[tokio::test]
async fn a_failure_to_read_documents_takes_the_place_of_the_confirmation() {
    let simulator = simulator().await;
    let connector = connector(&simulator).await;
    let mut follower = connector.follow(Operation::Access, [request("dsr-1")]);
    let mut reports = 0;
    while let Some(update) = follower.next().await.unwrap() {
        if matches!(update.event, Event::Reported(_)) {
            reports += 1;
            match reports {
                1 => follower.fail(super::error(ErrorKind::Unavailable, Remedy::Retry(1_000))),
                2 => follower.lose(HostError::TimedOut),
                _ => follower.confirm(),
            }
        }
    }
    assert_eq!(reports, 3);
}

#[tokio::test]
async fn a_connector_that_keeps_trapping_ends_with_an_error_for_the_operator() {
    let connector = polling_connector("unreachable").await;
    for (operation, kind) in [(Operation::Access, ErrorKind::UnexpectedResponse), (ERASE, ErrorKind::OutcomeUnknown)] {
        let mut follower = connector.follow(operation, [request("dsr-1")]);
        let mut lost = 0;
        while let Some(update) = follower.next().await.unwrap() {
            lost += u32::from(matches!(update.event, Event::Lost(_)));
        }
        assert_eq!(lost, 5);
        let end = follower.entries().next().unwrap().end().unwrap().clone();
        let error = end.result.unwrap_err();
        assert_eq!((error.kind, error.remedy), (kind, Remedy::Operator));
    }
}

#[tokio::test]
async fn invalid_settings_are_reported_before_any_request() {
    let simulator = simulator().await;
    let plugin = Host::new(Options { max_instances: 2, ..Options::default() }).unwrap().load(CONNECTOR).unwrap();
    let error = Connector::new(plugin, Vec::new(), ConnectorOptions::default()).await.unwrap_err();
    assert!(matches!(error, ConnectorError::Contract(_)), "{error}");
    assert_eq!(simulator.calls().len(), 0);
}

#[tokio::test]
async fn a_stored_attempt_that_has_grown_old_is_stored_again_before_its_call() {
    let simulator = simulator().await;
    let connector = connector(&simulator).await;
    let mut follower = connector.follow(ERASE, [request("dsr-1")]);
    assert!(matches!(follower.next().await.unwrap().unwrap().event, Event::Starting));
    simulator.advance(Duration::from_secs(150));
    let now_s = simulator.clock().since_epoch().as_secs();
    let update = follower.next().await.unwrap().unwrap();
    assert!(matches!(update.event, Event::Starting), "{:?}", update.event);
    let mut stored = update.entry.clone();
    assert_eq!(simulator.calls().len(), 0);
    assert_eq!(stored.start_attempt(now_s).attempts.unwrap().last_at, now_s);
    let (outcomes, ..) = follow(&mut follower).await;
    assert_eq!(outcomes, [Outcome::Deleted]);
    assert_eq!(erasures(&simulator), 1);
}

#[tokio::test]
async fn two_requests_with_the_same_id_are_not_polled_in_one_call() {
    let simulator = simulator().await;
    let connector = connector(&simulator).await;
    let stranger = Request::new("dsr-1", [Identifier::email(SAMPLE_STRANGER)]);
    let preview = Operation::Deletion(DeletionMode::Preview);
    let entries = [Entry::new(request("dsr-1"), Operation::Access), Entry::new(stranger, preview)];
    let (outcomes, errors, _) = follow(&mut connector.resume(entries)).await;
    assert!(outcomes.contains(&Outcome::Found) && outcomes.contains(&Outcome::NotFound), "{outcomes:?}");
    assert_eq!(errors, []);
}

#[tokio::test]
async fn a_deletion_waits_for_the_access_request_of_the_same_person() {
    let simulator = simulator().await;
    let connector = connector(&simulator).await;
    let entries = [Entry::new(request("delete"), ERASE), Entry::new(request("access"), Operation::Access)];
    let (outcomes, ..) = follow(&mut connector.resume(entries)).await;
    assert_eq!(outcomes, [Outcome::Found, Outcome::Deleted]);
}

#[tokio::test]
async fn an_attempt_in_the_far_future_needs_an_operator_and_keeps_the_identifiers() {
    let simulator = simulator().await;
    let connector = connector(&simulator).await;
    let now_s = simulator.clock().since_epoch().as_secs();
    let request = Request { attempts: Some(Attempts::at(now_s + 2 * 86_400)), ..request("dsr-1") };
    let mut follower = connector.follow(ERASE, [request]);
    let (_, errors, last) = follow(&mut follower).await;
    assert_eq!(errors, [ErrorKind::OutcomeUnknown]);
    assert_eq!(last.unwrap().subject().len(), 1);
    assert_eq!(simulator.calls().len(), 0);
}

#[tokio::test]
async fn a_request_in_progress_is_polled_before_another_is_started() {
    let simulator = simulator().await;
    let connector = connector(&simulator).await;
    let mut follower = connector.follow(ERASE, [request("in-progress")]);
    let in_progress = loop {
        let update = follower.next().await.unwrap().unwrap();
        if matches!(update.event, Event::Pending(_)) {
            break update.entry.clone();
        }
    };
    simulator.advance(Duration::from_secs(600));
    let new = Request::new("new", [Identifier::email(SAMPLE_STRANGER)]);
    let mut follower = connector.resume([Entry::new(new, ERASE), in_progress]);
    assert_eq!(follower.next().await.unwrap().unwrap().entry.request_id(), "in-progress");
}

#[tokio::test]
async fn a_request_whose_poll_traps_is_polled_alone_and_does_not_affect_the_others() {
    // The connector cannot cope with a ticket that begins with an x.
    let is_poison = "(i32.eq (i32.load8_u (i32.load offset=48 (local.get $task))) (i32.const 120))";
    let connector = polling_connector(&poll_unless("(i32.const 0)", is_poison)).await;
    let mut follower = connector.resume(in_progress(["a", "b", "x", "c"]));
    let mut lost = Vec::new();
    while let Some(update) = follower.next().await.unwrap() {
        match update.event {
            Event::Lost(_) => lost.push(update.entry.request_id().to_owned()),
            Event::Reported(_) => follower.confirm(),
            _ => {}
        }
    }
    assert_eq!(lost, ["a", "b", "x", "c", "x", "x", "x", "x"]);
    for entry in follower.entries() {
        let result = entry.end().unwrap().result.clone();
        match entry.request_id() {
            "x" => assert_eq!(result.unwrap_err().remedy, Remedy::Operator),
            other => assert_eq!(result, Ok(Outcome::Found), "{other}"),
        }
    }
}

#[tokio::test]
async fn many_requests_are_polled_fifty_at_a_time() {
    let is_other_count = "(i32.and (i32.ne (local.get 1) (i32.const 50)) (i32.ne (local.get 1) (i32.const 20)))";
    let connector = polling_connector(&poll_unless(is_other_count, "(i32.const 0)")).await;
    let tickets: Vec<String> = (0..120).map(|number| format!("t-{number}")).collect();
    let mut follower = connector.resume(in_progress(tickets.iter().map(String::as_str)));
    let (outcomes, ..) = follow(&mut follower).await;
    assert_eq!(outcomes, [Outcome::Found; 120]);
}
