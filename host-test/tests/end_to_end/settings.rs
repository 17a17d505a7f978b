//! What a connector says of itself, and how it is set up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use host_test::host::contract::{Content, DeletionMode, ErrorKind, Outcome, Remedy, Right, SettingKind, Task};
use host_test::host::{EgressPolicy, InstanceOptions};
use host_test::simulator::{
    Brand, Endpoint, Fault, FaultRule, Options, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, SCOPES,
    Simulator,
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::markers::assert_nothing_leaks;
use crate::world::{World, about, assert_no_leak, expect, in_passing_time, plugin, settings_of};

const GOOD: [(&str, &str); 3] =
    [("datacenter-id", "fra1"), ("client-id", SAMPLE_CLIENT_ID), ("client-secret", SAMPLE_CLIENT_SECRET)];

#[tokio::test]
async fn the_manifest_says_all_that_a_host_needs_to_set_a_connection_up() {
    let mut instance = plugin().instantiate(InstanceOptions::default()).await.unwrap();
    let manifest = instance.describe().await.unwrap();
    assert_eq!((manifest.name.as_str(), manifest.title.as_str()), ("qualtrics", "Qualtrics"));
    let keys: Vec<&str> = manifest.settings.iter().map(|field| field.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "datacenter-id",
            "client-id",
            "client-secret",
            "deletion-behavior",
            "account-guard",
            "verify-window",
            "rate-share",
            "response-timeout",
            "base-url"
        ]
    );
    for field in &manifest.settings {
        assert_eq!(field.kind == SettingKind::Secret, field.key == "client-secret");
        assert_eq!(field.required, field.default.is_none() && field.key != "base-url", "{}", field.key);
        assert_eq!(field.kind == SettingKind::Choice, !field.choices.is_empty(), "{}", field.key);
        assert!(!field.label.is_empty() && !field.help.is_empty());
        if let (SettingKind::Choice, Some(default)) = (field.kind, &field.default) {
            assert!(field.choices.iter().any(|(value, _)| value == default), "{}", field.key);
        }
    }
    let permissions: Vec<&str> = manifest.permissions.iter().map(|permission| permission.name.as_str()).collect();
    assert_eq!(permissions, SCOPES);
    let of = |right| manifest.permissions.iter().filter(|permission| permission.needed_for.contains(&right)).count();
    assert_eq!((of(Right::Access), of(Right::Deletion)), (3, 4));
    let [access, deletion] = manifest.capabilities.as_slice() else { panic!("two rights") };
    assert_eq!((access.right, access.identifiers.len()), (Right::Access, 3));
    assert_eq!((deletion.right, deletion.identifiers.as_slice()), (Right::Deletion, &["email".to_owned()][..]));
    assert_eq!(manifest.egress, ["https://*.qualtrics.com"]);
    assert!(manifest.gaps.iter().all(|gap| !gap.description.is_empty() && !gap.advice.is_empty()));
    let limit =
        |name: &str| manifest.limits.iter().find(|limit| limit.name == name).map(|limit| limit.calls_per_minute);
    assert_eq!((limit("erasure-create"), limit("contact-search"), limit("brand")), (Some(20), Some(500), Some(3_000)));
}

#[tokio::test]
async fn every_default_of_the_manifest_is_a_setting_that_is_taken() {
    let mut instance = plugin().instantiate(InstanceOptions::default()).await.unwrap();
    let manifest = instance.describe().await.unwrap();
    let mut settings = settings_of(&GOOD);
    for field in manifest.settings.iter().filter(|field| !field.required) {
        let value = field.default.clone().unwrap_or_default();
        settings.extend(settings_of(&[(&field.key, &value)]));
    }
    instance.configure(&settings).await.unwrap().expect("the defaults");
    for field in manifest.settings.iter().filter(|field| field.kind == SettingKind::Choice) {
        for (value, _) in &field.choices {
            let settings = [settings_of(&GOOD), settings_of(&[(&field.key, value)])].concat();
            instance.configure(&settings).await.unwrap().expect("a choice");
        }
    }
}

#[tokio::test]
async fn everything_that_is_wrong_with_settings_is_told_at_once() {
    let mut instance = plugin().instantiate(InstanceOptions::default()).await.unwrap();
    let error = instance
        .configure(&settings_of(&[
            ("datacenter-id", "qualtrics.example.org"),
            ("client-id", "an:id"),
            ("deletion-behavior", "sometimes"),
            ("account-guard", "everyone"),
            ("verify-window", "an hour"),
            ("rate-share", "101"),
            ("response-timeout", "0"),
            ("base-url", "http://10.0.0.1"),
            ("api-token", "s3cr3t-token"),
            ("rate-share", "5"),
        ]))
        .await
        .unwrap()
        .expect_err("nothing about them is right");
    assert_eq!((error.kind, &error.remedy), (ErrorKind::InvalidSettings, &Remedy::Operator));
    let mut subjects: Vec<&str> = error.problems.iter().map(|problem| problem.subject.as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(
        subjects,
        [
            "account-guard",
            "api-token",
            "base-url",
            "client-id",
            "client-secret",
            "datacenter-id",
            "deletion-behavior",
            "rate-share",
            "rate-share",
            "response-timeout",
            "verify-window"
        ]
    );
    for problem in &error.problems {
        assert_eq!(problem.code, "setting");
        assert_eq!(problem.blocks, [Right::Access, Right::Deletion]);
        assert!(error.message.contains(&problem.message));
    }
    assert_no_leak(&format!("{error:?}"), &["s3cr3t", "an:id", "qualtrics.example.org", "an hour", "10.0.0.1"]);
}

#[tokio::test]
async fn the_secret_can_only_ever_be_sent_to_qualtrics() {
    let mut instance = plugin().instantiate(InstanceOptions::default()).await.unwrap();
    for datacenter in [
        "evil.example",
        "qualtrics.com",
        "fra1.qualtrics.com.evil.example",
        "evil.example/.qualtrics.com",
        "https://evil.example#.qualtrics.com",
        "fra1@evil.example",
        "fra1.qualtrics.com:8443",
        "127.0.0.1",
        "fra1/../evil",
        "xqualtrics.com",
        "fra1\n.evil.example",
        "fra1%2eevil.example",
        "",
        " ",
    ] {
        let settings = [&GOOD[1..], &[("datacenter-id", datacenter)]].concat();
        let error = instance.configure(&settings_of(&settings)).await.unwrap().expect_err(datacenter);
        assert_eq!(error.problems[0].subject, "datacenter-id", "{datacenter:?}");
    }
    for datacenter in ["fra1", "FRA1", "brand.fra1.qualtrics.com", "https://fra1.qualtrics.com/admin", " ca1 "] {
        let settings = [&GOOD[1..], &[("datacenter-id", datacenter)]].concat();
        instance.configure(&settings_of(&settings)).await.unwrap().expect(datacenter);
        // No origin is permitted to this instance, and the error names the one that was wanted.
        let error = instance.check(&[Right::Access]).await.unwrap().expect_err("no egress");
        let origin = &error.problems[0].subject;
        assert!(origin.starts_with("https://") && origin.ends_with(".qualtrics.com"), "{datacenter}: {origin}");
    }
}

#[tokio::test]
async fn configuring_again_replaces_everything() {
    let mut world = World::with(&[("deletion-behavior", "complete-on-submission")]).await;
    world.check(&[Right::Access, Right::Deletion]).await.expect("the first brand");
    let mut other = Brand::sample();
    other.id = "otherbrand".to_owned();
    other.clients[0].secret = "the-other-secret".to_owned();
    let options = Options { clock: world.clock(), ..Options::default() };
    let second = Simulator::start(other, options).await.unwrap();
    let egress = EgressPolicy::deny_all().allow(&second.origin()).unwrap().allow(&world.simulator.origin()).unwrap();
    let options = InstanceOptions { egress, clock: world.clock(), ..InstanceOptions::default() };
    world.instance = plugin().instantiate(options).await.unwrap();
    world.instance.configure(&world.settings).await.unwrap().unwrap();
    world.check(&[Right::Deletion]).await.expect("the first brand");
    let first_calls = world.simulator.calls().len();
    let origin = second.origin();
    let settings = [("datacenter-id", "fra1"), ("client-id", SAMPLE_CLIENT_ID), ("client-secret", "the-other-secret")];
    let settings = settings_of(&[&settings[..], &[("base-url", &origin)]].concat());
    world.instance.configure(&settings).await.unwrap().unwrap();
    let connection = world.check(&[Right::Deletion]).await.expect("the second brand");
    assert_eq!(connection.tenant, "otherbrand");
    assert_eq!(world.simulator.calls().len(), first_calls, "no token and no call of the first is left");
    // The default is back, too: what was set before is not remembered.
    let begun = world.delete(&about(SAMPLE_PERSON), DeletionMode::Erase).await;
    crate::world::pending(begun);
    // Settings that are refused leave the ones before in force.
    world.instance.configure(&settings_of(&[("colour", "red")])).await.unwrap().expect_err("nonsense");
    assert_eq!(world.check(&[Right::Deletion]).await.expect("the second brand").tenant, "otherbrand");
}

#[tokio::test]
async fn silence_is_borne_for_as_long_as_the_setting_says() {
    for (set, seconds) in [("1", 1), ("7", 7), ("", 30)] {
        for fault in [Fault::SilenceBeforeEffect, Fault::StalledAnswer] {
            let mut world = World::with(&[("response-timeout", set)]).await;
            world.simulator.set_faults(vec![FaultRule::every(Endpoint::Token, fault.clone())]);
            let (clock, began) = (world.clock(), world.clock().monotonic());
            let call = world.instance.check(&[Right::Access]);
            let error = in_passing_time(&clock, call).await.expect("an answer").expect_err("silence");
            assert_eq!(error.kind, ErrorKind::Unavailable, "{fault:?}");
            // After the pause before it, there is no time for a second try.
            let passed = clock.monotonic() - began;
            let seconds = Duration::from_secs(seconds);
            assert!((seconds..seconds + Duration::from_secs(1)).contains(&passed), "{set:?}, {fault:?}: {passed:?}");
            assert_eq!(world.calls_of(Endpoint::Token), 1);
        }
    }
}

#[tokio::test]
async fn a_whole_call_takes_twice_the_time_of_an_answer_at_most() {
    for (set, seconds) in [("1", 1), ("10", 10)] {
        let mut world = World::with(&[("response-timeout", set)]).await;
        // Each byte comes within the time, and the last one never would.
        let late = Fault::Drip(Duration::from_millis(500 * seconds));
        world.simulator.set_faults(vec![FaultRule::every(Endpoint::Token, late)]);
        let began = world.clock().monotonic();
        let error = world.check(&[Right::Access]).await.expect_err("never a whole answer");
        assert_eq!(error.kind, ErrorKind::Unavailable);
        let passed = world.clock().monotonic() - began;
        assert!(passed >= Duration::from_secs(2 * seconds), "each byte comes in time: {passed:?}");
        assert!(passed <= Duration::from_secs(3 * seconds), "{passed:?}");
    }
}

#[tokio::test]
async fn before_it_is_configured_an_instance_answers_that_it_is_not() {
    let mut instance = plugin().instantiate(InstanceOptions::default()).await.unwrap();
    let request = about(SAMPLE_PERSON);
    let task = Task { request: request.clone(), ticket: "t1.e30.AAAAAAAA".to_owned() };
    let mut errors = vec![
        instance.check(&[Right::Access]).await.unwrap().expect_err("check"),
        instance.access(&request).await.unwrap().expect_err("access"),
        instance.delete(&request, DeletionMode::Preview).await.unwrap().expect_err("delete"),
        instance.read("r1.e30.AAAAAAAA", 0, 1).await.unwrap().expect_err("read"),
    ];
    let polled = instance.poll(&[task.clone(), task]).await.unwrap();
    assert_eq!(polled.len(), 2, "one answer a task");
    errors.extend(polled.into_iter().map(|answer| answer.expect_err("poll")));
    for error in errors {
        assert_eq!(error.kind, ErrorKind::NotConfigured);
    }
    assert!(instance.poll(&[]).await.unwrap().is_empty());
    instance.configure(&settings_of(&[("client-id", "only")])).await.unwrap().expect_err("not enough");
    assert_eq!(instance.access(&request).await.unwrap().expect_err("access").kind, ErrorKind::NotConfigured);
}

#[tokio::test]
async fn a_data_centre_may_be_pasted_and_a_gateway_set_before_it() {
    let mut world = World::with(&[("datacenter-id", " https://BRAND.fra1.qualtrics.com/homepage/ui ")]).await;
    let connection = world.check(&[Right::Access]).await.expect("a connection");
    assert_eq!((connection.region.as_str(), connection.egress.as_slice()), ("fra1", &[world.simulator.origin()][..]));
    assert!(connection.warnings.is_empty(), "{:?}", connection.warnings);
    let report = world.accessed(&about(SAMPLE_PERSON)).await;
    expect(&report, Outcome::Found);
}

/// A server that answers nothing but 404, and keeps what it was sent.
struct Eavesdropper {
    origin: String,
    heard: Arc<Mutex<String>>,
}

impl Eavesdropper {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let heard: Arc<Mutex<String>> = Arc::default();
        let ears = heard.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let ears = ears.clone();
                tokio::spawn(async move {
                    let (mut piece, mut request) = ([0; 4_096], String::new());
                    while let Ok(bytes @ 1..) = stream.read(&mut piece).await {
                        let text = String::from_utf8_lossy(&piece[..bytes]).into_owned();
                        ears.lock().expect("no panic").push_str(&text);
                        request.push_str(&text);
                        // A form, or JSON, or no body.
                        let body = request.split_once("\r\n\r\n").map(|(_, body)| body);
                        let whole = body.is_some_and(|body| {
                            request.starts_with("GET") || body.contains("grant_type") || body.ends_with('}')
                        });
                        let not_found = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
                        if whole && stream.write_all(not_found).await.is_err() {
                            return;
                        }
                        if whole {
                            request.clear();
                        }
                    }
                });
            }
        });
        Self { origin, heard }
    }

    fn heard(&self) -> String {
        self.heard.lock().expect("no panic").clone()
    }
}

#[tokio::test]
async fn a_token_is_good_for_the_host_that_gave_it_and_goes_to_no_other_whatever_is_set() {
    let elsewhere = Eavesdropper::start().await;
    let mut world = World::new().await;
    let egress = EgressPolicy::deny_all().allow(&world.simulator.origin()).unwrap().allow(&elsewhere.origin).unwrap();
    let options = InstanceOptions { egress, clock: world.clock(), ..InstanceOptions::default() };
    world.instance = plugin().instantiate(options).await.unwrap();
    world.instance.configure(&world.settings).await.unwrap().unwrap();
    let request = about(SAMPLE_PERSON);
    let report = world.accessed(&request).await;
    let ticket = crate::world::pending(world.delete(&request, DeletionMode::Erase).await).ticket;
    let reference = report.documents.iter().find_map(|document| match &document.content {
        Content::Remote(reference) => Some(reference.clone()),
        Content::Inline(_) => None,
    });
    let reference = reference.expect("a remote document");
    world.read(&reference, 0, 1).await.expect("it holds a token, and a document that is open");
    assert_eq!(elsewhere.heard(), "");

    // Another connection is set, with a gateway in front of it, or a data centre that nobody answers for.
    let other = [("client-id", "another"), ("client-secret", "another-secret")];
    let gateway = settings_of(&[&other[..], &[("datacenter-id", "fra1"), ("base-url", &elsewhere.origin)]].concat());
    let centre = settings_of(&[&other[..], &[("datacenter-id", "nowhere1")]].concat());
    for settings in [gateway, centre] {
        world.instance.configure(&world.settings).await.unwrap().unwrap();
        world.read(&reference, 0, 1).await.expect("signed in again");
        let calls = world.simulator.calls().len();
        world.instance.configure(&settings).await.unwrap().unwrap();
        world.check(&[Right::Access, Right::Deletion]).await.expect_err("no answer that is one");
        world.access(&request).await.expect_err("no answer that is one");
        world.delete(&request, DeletionMode::Erase).await.expect_err("no answer that is one");
        world.poll(&request, &ticket).await.expect_err("no answer that is one");
        world.read(&reference, 1, 1).await.expect_err("no answer that is one");
        assert_eq!(world.simulator.calls().len(), calls, "nor does the first host hear of the second");
    }
    let heard = elsewhere.heard();
    assert!(heard.contains("POST /oauth2/token"), "it was asked for a token of its own: {heard}");
    assert!(!heard.to_lowercase().contains("bearer"), "{heard}");
    assert_nothing_leaks("said to another host", &[heard], &[]);
}
