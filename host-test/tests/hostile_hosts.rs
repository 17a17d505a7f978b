//! Whatever a host asks, the connector answers as the contract says: with a typed error, without a trap, without a call to
//! Qualtrics that is not needed, and without repeating a word of what it was given.

#[path = "end_to_end/world.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod world;

use std::fmt::Debug;

use host_test::COMPONENT;
use host_test::host::contract::{
    Content, DeletionMode, Error, ErrorKind, Identifier, Outcome, Progress, Remedy, Request, Right, Setting, Task,
};
use host_test::host::{EgressPolicy, Host, InstanceOptions, Options as HostOptions};
use host_test::simulator::{Brand, Options, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON};
use world::{World, about, done, email, expect, pending, plugin, request, settings_of};

/// Stands in everything that is given here and may not be repeated.
const GIVEN: &str = "GIVEN-5d1f";

/// A megabyte in which [`GIVEN`] stands.
fn huge() -> String {
    GIVEN.repeat((1 << 20) / GIVEN.len())
}

/// Texts that no part of a request may be.
fn absurd_texts() -> Vec<String> {
    let mut texts = vec![String::new(), " ".repeat(1 << 20), huge(), format!("{GIVEN}\u{202e}\n\0\r\n\tHost: x")];
    texts.extend(
        ["\0", "\u{7f}", "\u{85}", "\r\n\r\n", "\u{2028}\u{0}", "\u{1b}[2J"].map(|bad| format!("{GIVEN}{bad}@{GIVEN}")),
    );
    texts
}

#[track_caller]
fn assert_says_nothing_of_it(said: &impl Debug) {
    let said = format!("{said:?}");
    assert!(!said.contains(GIVEN), "{}", said.chars().take(2_000).collect::<String>());
}

#[track_caller]
fn refused<T: Debug>(answer: Result<T, Error>, kinds: &[ErrorKind]) -> Error {
    assert_says_nothing_of_it(&answer);
    let error = answer.expect_err("an error");
    assert!(kinds.contains(&error.kind), "{error:?}");
    assert!(!error.message.is_empty());
    error
}

fn setting(key: impl Into<String>, value: impl Into<String>) -> Setting {
    Setting { key: key.into(), value: value.into() }
}

fn task(request: &Request, ticket: impl Into<String>) -> Task {
    Task { request: request.clone(), ticket: ticket.into() }
}

/// A world in which an access request and two deletions are under way, and what they were given.
struct Busy {
    world: World,
    access: (Request, String),
    deletion: (Request, String),
    preview: (Request, String),
    reference: String,
}

impl Busy {
    async fn new() -> Self {
        let brand = Brand::sample();
        let mut world = World::of(brand, Options::default(), &[("account-guard", "off")]).await;
        let found = world.accessed(&request("first", vec![email(SAMPLE_PERSON)])).await;
        let mut references = found.documents.iter().filter_map(|document| match &document.content {
            Content::Remote(reference) => Some(reference.clone()),
            Content::Inline(_) => None,
        });
        let reference = references.next_back().expect("a remote document");
        let access = request("access", vec![email(SAMPLE_PERSON)]);
        let deletion = request("deletion", vec![email("b@example.org"), email(SAMPLE_PERSON)]);
        let preview = request("preview", vec![email("c@example.org")]);
        let tickets = [
            pending(world.access(&access).await).ticket,
            pending(world.delete(&deletion, DeletionMode::Erase).await).ticket,
            pending(world.delete(&preview, DeletionMode::Preview).await).ticket,
        ];
        let [of_access, of_deletion, of_preview] = tickets;
        world.simulator.clear_calls();
        Self {
            world,
            access: (access, of_access),
            deletion: (deletion, of_deletion),
            preview: (preview, of_preview),
            reference,
        }
    }

    fn tickets(&self) -> [&(Request, String); 3] {
        [&self.access, &self.deletion, &self.preview]
    }
}

#[tokio::test]
async fn every_call_before_configure_is_an_error_and_describe_is_not() {
    let mut instance = plugin().instantiate(InstanceOptions::default()).await.expect("an instance");
    let request = about(SAMPLE_PERSON);
    for _ in 0..2 {
        let errors = [
            instance.check(&[Right::Access]).await.expect("an answer").expect_err("an error"),
            instance.access(&request).await.expect("an answer").expect_err("an error"),
            instance.delete(&request, DeletionMode::Erase).await.expect("an answer").expect_err("an error"),
            instance.poll(&[task(&request, GIVEN)]).await.expect("an answer").remove(0).expect_err("an error"),
            instance.read(GIVEN, u64::MAX, 0).await.expect("an answer").expect_err("an error"),
        ];
        for error in errors {
            assert_eq!(error.kind, ErrorKind::NotConfigured);
            assert_says_nothing_of_it(&error);
        }
        assert_eq!(instance.describe().await.expect("an answer").name, "qualtrics");
        let refused = instance.configure(&[setting(GIVEN, GIVEN)]).await.expect("an answer").expect_err("an error");
        assert_eq!(refused.kind, ErrorKind::InvalidSettings);
    }
}

#[tokio::test]
async fn absurd_requests_are_invalid_and_qualtrics_never_hears_of_them() {
    let mut world = World::new().await;
    let mut absurd = Vec::new();
    for text in absurd_texts() {
        absurd.push(request(&text, vec![email(SAMPLE_PERSON)]));
        for name in [
            Identifier::Email(text.clone()),
            Identifier::Phone(text.clone()),
            Identifier::Other((text.clone(), GIVEN.to_owned())),
            Identifier::Other((GIVEN.to_owned(), text.clone())),
        ] {
            absurd.push(request("key", vec![name]));
        }
        // A reference may be any text but these.
        if text.trim().is_empty() || text.len() > 320 || text.chars().any(char::is_control) {
            absurd.push(request("key", vec![Identifier::ExternalReference(text)]));
        }
    }
    absurd.push(request("key", Vec::new()));
    absurd.push(request("key", vec![email(SAMPLE_PERSON); 65]));
    absurd.push(request("key", vec![email(GIVEN); 100_000]));
    absurd.push(request("key", vec![email(&huge()); 3]));
    for request in &absurd {
        refused(world.access(request).await, &[ErrorKind::InvalidRequest]);
        refused(world.delete(request, DeletionMode::Erase).await, &[ErrorKind::InvalidRequest]);
    }
    let tasks: Vec<Task> = absurd.iter().map(|request| task(request, huge())).take(20).collect();
    for answer in world.instance.poll(&tasks).await.expect("an answer") {
        refused(answer, &[ErrorKind::InvalidRequest]);
    }
    assert!(world.simulator.calls().is_empty());
    still_works(&mut world).await;
}

/// The same instance still does its work.
async fn still_works(world: &mut World) {
    expect(&world.accessed(&about(SAMPLE_PERSON)).await, Outcome::Found);
}

#[tokio::test]
async fn what_a_request_holds_beside_its_names_is_ignored_or_no_harm() {
    let mut world = World::new().await;
    let mut request = about(SAMPLE_PERSON);
    request.confirmed = vec![huge(), String::new(), "\0".to_owned()];
    request.extra = (0..10_000).map(|index| setting(format!("{GIVEN}{index}"), GIVEN)).collect();
    for attempt in [None, Some(0), Some(u64::MAX)] {
        request.first_attempt_at = attempt;
        let answer = world.access(&request).await;
        assert_says_nothing_of_it(&answer);
        pending(answer);
        let answer = world.delete(&request, DeletionMode::Preview).await;
        assert_says_nothing_of_it(&answer);
        if let Err(error) = answer {
            // An attempt that lies in the future, or whose job might still appear.
            assert_eq!((attempt, error.kind), (Some(u64::MAX), ErrorKind::OutcomeUnknown));
            assert!(matches!(error.remedy, Remedy::Retry(ms) if ms <= 60_000), "{error:?}");
        }
    }
}

#[tokio::test]
async fn absurd_settings_are_refused_all_at_once_and_no_value_is_repeated() {
    let mut world = World::new().await;
    let good = world.settings.clone();
    let mut absurd: Vec<Vec<Setting>> = vec![
        Vec::new(),
        (0..10_000).map(|index| setting(format!("{GIVEN}-{index}"), GIVEN)).collect(),
        (0..10_000).map(|_| setting("client-secret", GIVEN)).collect(),
        vec![setting(huge(), huge())],
    ];
    for text in absurd_texts() {
        for key in [
            "datacenter-id",
            "client-id",
            "client-secret",
            "deletion-behavior",
            "account-guard",
            "base-url",
            "rate-share",
            "response-timeout",
        ] {
            let blank = text.trim().is_empty();
            let required = ["datacenter-id", "client-id", "client-secret"].contains(&key);
            // A form sends blanks for what was left out.
            let malformed = if blank { required } else { key != "client-secret" || text.chars().any(char::is_control) };
            if malformed {
                let mut settings = good.clone();
                settings.retain(|setting| setting.key != key);
                settings.push(setting(key, text.clone()));
                absurd.push(settings);
            }
        }
    }
    for number in ["-1", "0", "101", "1e2", "1_0", "99999999999999999999999", "NaN", "１"] {
        let mut settings = good.clone();
        settings.push(setting("rate-share", number));
        absurd.push(settings.clone());
        settings.pop();
        settings.push(setting("response-timeout", number));
        absurd.push(settings);
    }
    for settings in &absurd {
        let error =
            refused(world.instance.configure(settings).await.expect("an answer"), &[ErrorKind::InvalidSettings]);
        assert_eq!(error.remedy, Remedy::Operator);
        assert!(!error.problems.is_empty());
        assert!(!format!("{error:?}").contains(SAMPLE_CLIENT_SECRET));
    }
    assert!(world.simulator.calls().is_empty());
    // What was configured before all this is still there.
    still_works(&mut world).await;
}

#[tokio::test]
async fn a_later_configuration_replaces_the_earlier_one_and_a_bad_one_does_not() {
    let mut world = World::new().await;
    let good = world.settings.clone();
    pending(world.access(&about(SAMPLE_PERSON)).await);
    let changed = |key: &str, value: &str| {
        let mut settings: Vec<_> = good.iter().filter(|setting| setting.key != key).cloned().collect();
        settings.push(setting(key, value));
        settings
    };
    world.instance.configure(&changed("client-secret", "another")).await.expect("an answer").expect("good settings");
    refused(world.access(&about(SAMPLE_PERSON)).await, &[ErrorKind::Unauthorized]);
    refused(
        world.instance.configure(&changed("rate-share", "0")).await.expect("an answer"),
        &[ErrorKind::InvalidSettings],
    );
    refused(world.access(&about(SAMPLE_PERSON)).await, &[ErrorKind::Unauthorized]);
    world.instance.configure(&good).await.expect("an answer").expect("good settings");
    pending(world.access(&about(SAMPLE_PERSON)).await);
    refused(world.instance.configure(&[]).await.expect("an answer"), &[ErrorKind::InvalidSettings]);
    pending(world.access(&about(SAMPLE_PERSON)).await);
}

/// The text with each bit of one byte flipped, but the one that makes it no text. Outer blanks never count.
fn flipped(text: &str, position: usize) -> impl Iterator<Item = String> {
    (0..7).filter_map(move |bit| {
        let mut bytes = text.to_owned().into_bytes();
        bytes[position] ^= 1 << bit;
        let inner = 0 < position && position + 1 < bytes.len();
        (inner || !bytes[position].is_ascii_whitespace()).then(|| String::from_utf8(bytes).expect("ASCII"))
    })
}

#[tokio::test]
async fn tickets_that_are_cut_spliced_or_flipped_are_damaged_and_nothing_is_asked() {
    let mut busy = Busy::new().await;
    let mut damaged: Vec<Task> = Vec::new();
    for (request, ticket) in busy.tickets() {
        for position in 0..ticket.len() {
            damaged.push(task(request, &ticket[..position]));
            damaged.push(task(request, &ticket[position + 1..]));
            damaged.extend(flipped(ticket, position).map(|flipped| task(request, flipped)));
            for (_, other) in busy.tickets() {
                let spliced = [&ticket[..position], &other[position.min(other.len())..]].concat();
                if !busy.tickets().iter().any(|(_, whole)| *whole == spliced) {
                    damaged.push(task(request, spliced));
                }
            }
        }
        damaged.push(task(request, huge()));
        damaged.push(task(request, busy.reference.clone()));
        damaged.push(task(request, ticket.repeat(2)));
        damaged.push(task(request, ticket.replace("t1.", "t2.")));
    }
    let count = damaged.len();
    let answers = busy.world.instance.poll(&damaged).await.expect("an answer");
    assert_eq!(answers.len(), count);
    for answer in answers {
        let error = refused(answer, &[ErrorKind::InvalidTicket]);
        assert_eq!(error.remedy, Remedy::GiveUp);
    }
    println!("{count} damaged tickets");
    assert!(busy.world.simulator.calls().is_empty());
}

#[tokio::test]
async fn the_tickets_of_others_are_refused_and_nothing_is_asked() {
    let mut busy = Busy::new().await;
    let mut tasks = Vec::new();
    for (index, (request, _)) in busy.tickets().into_iter().enumerate() {
        for (other, (_, ticket)) in busy.tickets().into_iter().enumerate() {
            if index != other {
                tasks.push(task(request, ticket.clone()));
            }
        }
    }
    // The same key with another person, and the same person with another key.
    let (deletion, ticket) = busy.deletion.clone();
    tasks.push(task(&Request { key: "another".to_owned(), ..deletion.clone() }, ticket.clone()));
    tasks.push(task(&Request { subject: vec![email("d@example.org")], ..deletion.clone() }, ticket.clone()));
    tasks.push(task(&Request { subject: deletion.subject[..1].to_vec(), ..deletion.clone() }, ticket.clone()));
    for answer in busy.world.instance.poll(&tasks).await.expect("an answer") {
        refused(answer, &[ErrorKind::InvalidTicket]);
    }
    assert!(busy.world.simulator.calls().is_empty());
    pending(busy.world.poll(&deletion, &ticket).await);
}

#[tokio::test]
async fn references_that_are_damaged_and_places_that_do_not_exist_are_errors() {
    let mut busy = Busy::new().await;
    let reference = busy.reference.clone();
    let mut damaged =
        vec![String::new(), huge(), busy.access.1.clone(), reference.repeat(2), "r2.AAAA.AAAA".to_owned()];
    for position in 0..reference.len() {
        damaged.push(reference[..position].to_owned());
        damaged.extend(flipped(&reference, position));
        damaged.push([&reference[..position], &busy.access.1[position.min(busy.access.1.len())..]].concat());
    }
    damaged.retain(|damaged| damaged.trim() != reference);
    println!("{} damaged references", damaged.len());
    for (damaged, (offset, limit)) in damaged.iter().zip([(0, 1), (u64::MAX, u32::MAX), (0, 0)].into_iter().cycle()) {
        let answer = busy.world.read(damaged, offset, limit).await;
        refused(answer, &[ErrorKind::InvalidTicket]);
    }
    assert!(busy.world.simulator.calls().is_empty());
    let whole = busy.world.read_all(&reference, u32::MAX).await;
    let size = whole.len() as u64;
    for (offset, limit) in
        [(0, 0), (size, 0), (size + 1, 1), (size + 1, u32::MAX), (u64::MAX - 1, 1), (u64::MAX, u32::MAX)]
    {
        refused(busy.world.read(&reference, offset, limit).await, &[ErrorKind::InvalidRequest]);
    }
    // Backwards, over and over, and at the very end.
    for offset in [size, size - 1, 0, size / 2, 0, size - 1, size] {
        let chunk = busy.world.read(&reference, offset, u32::MAX).await.expect("a chunk");
        assert_eq!(chunk.bytes, whole[usize::try_from(offset).expect("small")..][..chunk.bytes.len()]);
        assert!(chunk.last || !chunk.bytes.is_empty());
    }
}

#[tokio::test]
async fn a_hundred_thousand_tasks_have_a_hundred_thousand_answers() {
    let busy = Busy::new().await;
    let (request, ticket) = busy.deletion.clone();
    // The answers take up more than a host accepts at once by default.
    let host = Host::new(HostOptions { max_instances: 1, max_transfer: 64 << 20, ..HostOptions::default() });
    let plugin = host.expect("a host").load(COMPONENT).expect("the connector");
    let egress = EgressPolicy::deny_all().allow(&busy.world.simulator.origin()).expect("an origin");
    let options = InstanceOptions { egress, clock: busy.world.clock(), ..InstanceOptions::default() };
    let mut instance = plugin.instantiate(options).await.expect("an instance");
    instance.configure(&busy.world.settings).await.expect("an answer").expect("good settings");
    let small = about("a@example.org");
    let mut tasks: Vec<Task> = (0..100_000).map(|_| task(&small, "t1.A.A")).collect();
    tasks[77_777] = task(&request, &ticket);
    let answers = instance.poll(&tasks).await.expect("an answer");
    assert_eq!(answers.len(), tasks.len());
    for (index, answer) in answers.into_iter().enumerate() {
        if index == 77_777 {
            pending(answer);
        } else {
            assert_eq!(answer.expect_err("an error").kind, ErrorKind::InvalidTicket);
        }
    }
}

#[tokio::test]
async fn the_same_task_a_thousand_times_is_one_question() {
    let mut busy = Busy::new().await;
    let tasks: Vec<Task> =
        (0..1_000).flat_map(|_| busy.tickets().map(|(request, ticket)| task(request, ticket))).collect();
    let answers = busy.world.instance.poll(&tasks).await.expect("an answer");
    assert_eq!(answers.len(), 3_000);
    for answer in answers {
        pending(answer);
    }
    let calls = busy.world.simulator.calls();
    assert!(calls.len() <= 8, "{} calls", calls.len());
    assert_eq!(busy.world.instance.poll(&[]).await.expect("an answer"), []);
}

#[tokio::test]
async fn calls_in_any_order_and_on_any_instance_end_as_they_would_have() {
    let mut busy = Busy::new().await;
    let (request, ticket) = busy.deletion.clone();
    let reference = busy.reference.clone();
    for round in 0..4_u64 {
        busy.world.read(&reference, round, 1).await.expect("a chunk");
        refused(busy.world.check(&[]).await, &[ErrorKind::InvalidRequest]);
        busy.world.check(&[Right::Deletion, Right::Access, Right::Deletion]).await.expect("a connection");
        pending(busy.world.poll(&request, &ticket).await);
        busy.world.change_instance().await;
    }
    let begun = Ok(Progress::Pending(pending(busy.world.poll(&request, &ticket).await)));
    busy.world.follow(&request, begun).await.expect("a report");
    assert_eq!(busy.world.erasures_of(SAMPLE_PERSON), 1);
    // A ticket whose request is over is no way to another erasure.
    for _ in 0..3 {
        done(busy.world.poll(&request, &ticket).await);
    }
    assert_eq!(busy.world.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn a_base_url_that_the_policy_does_not_know_is_told_and_never_contacted() {
    let mut instance = plugin()
        .instantiate(InstanceOptions { egress: EgressPolicy::deny_all(), ..InstanceOptions::default() })
        .await
        .expect("an instance");
    let settings = settings_of(&[
        ("datacenter-id", "fra1"),
        ("client-id", SAMPLE_CLIENT_ID),
        ("client-secret", SAMPLE_CLIENT_SECRET),
        ("base-url", "http://[::1]:9"),
    ]);
    instance.configure(&settings).await.expect("an answer").expect("good settings");
    let error = instance.access(&about(SAMPLE_PERSON)).await.expect("an answer").expect_err("an error");
    assert_eq!((error.kind, error.remedy), (ErrorKind::Unavailable, Remedy::Operator));
    assert_eq!(error.problems[0].subject, "http://[::1]:9");
}
