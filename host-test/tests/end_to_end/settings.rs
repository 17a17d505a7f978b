//! The settings of a connection.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use privacy_host::contract::{Content, DeletionMode, ErrorKind, Outcome, Right};
use privacy_host::{EgressPolicy, InstanceOptions};
use qualtrics_simulator::{Brand, Endpoint, Fault, FaultRule, Options, SAMPLE_CLIENT_ID, SAMPLE_PERSON, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fixture::{Fixture, assert_outcome, pending, plugin, request_for, settings_of, with_running_clock};
use crate::markers::assert_no_leaks;

#[tokio::test]
async fn configure_replaces_all_earlier_settings() {
    let mut fixture = Fixture::with_settings(&[("deletion-behavior", "complete-on-submission")]).await;
    fixture.check(&[Right::Access, Right::Deletion]).await.expect("the first brand");
    let mut other = Brand::sample();
    other.id = "otherbrand".to_owned();
    other.clients[0].secret = "the-other-secret".to_owned();
    let options = Options { clock: fixture.clock(), ..Options::default() };
    let second = Simulator::start(other, options).await.unwrap();
    let egress = EgressPolicy::deny_all().allow(&second.origin()).unwrap().allow(&fixture.simulator.origin()).unwrap();
    let options = InstanceOptions { egress, clock: fixture.clock(), ..InstanceOptions::default() };
    fixture.instance = plugin().instantiate(options).await.unwrap();
    fixture.instance.configure(&fixture.settings).await.unwrap().unwrap();
    fixture.check(&[Right::Deletion]).await.expect("the first brand");
    let first_calls = fixture.simulator.calls().len();
    let origin = second.origin();
    let settings = [("datacenter-id", "fra1"), ("client-id", SAMPLE_CLIENT_ID), ("client-secret", "the-other-secret")];
    let settings = settings_of(&[&settings[..], &[("base-url", &origin)]].concat());
    fixture.instance.configure(&settings).await.unwrap().unwrap();
    let connection = fixture.check(&[Right::Deletion]).await.expect("the second brand");
    assert_eq!(connection.tenant, "otherbrand");
    assert_eq!(fixture.simulator.calls().len(), first_calls, "nothing is sent to the first brand");
    // Omitted settings have their defaults again.
    pending(fixture.delete(&request_for(SAMPLE_PERSON), DeletionMode::Erase).await);
    // Rejected settings do not replace the earlier ones.
    fixture.instance.configure(&settings_of(&[("colour", "red")])).await.unwrap().expect_err("an unknown setting");
    assert_eq!(fixture.check(&[Right::Deletion]).await.expect("the second brand").tenant, "otherbrand");
    // A token of the same client is not used with another secret.
    let wrong = settings_of(&[("client-secret", "wrong")]);
    let others = settings.into_iter().filter(|setting| setting.key != "client-secret");
    let settings: Vec<_> = others.chain(wrong).collect();
    fixture.instance.configure(&settings).await.unwrap().unwrap();
    let error = fixture.check(&[Right::Deletion]).await.expect_err("another secret");
    assert_eq!(error.kind, ErrorKind::Unauthorized);
}

#[tokio::test]
async fn the_response_timeout_bounds_the_wait_for_a_response() {
    for (set, seconds) in [("1", 1), ("7", 7), ("", 30)] {
        for fault in [Fault::SilenceBeforeEffect, Fault::StalledAnswer] {
            let mut fixture = Fixture::with_settings(&[("response-timeout", set)]).await;
            fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::Token, fault.clone())]);
            let (clock, started_at) = (fixture.clock(), fixture.clock().monotonic());
            let call = fixture.instance.check(&[Right::Access]);
            let error = with_running_clock(&clock, call).await.expect("a result").expect_err("a time-out");
            assert_eq!(error.kind, ErrorKind::Unavailable, "{fault:?}");
            // There is no time left for a second attempt.
            let elapsed = clock.monotonic() - started_at;
            let seconds = Duration::from_secs(seconds);
            assert!((seconds..seconds + Duration::from_secs(1)).contains(&elapsed), "{set:?}, {fault:?}: {elapsed:?}");
            assert_eq!(fixture.calls_of(Endpoint::Token), 1);
        }
    }
}

#[tokio::test]
async fn a_call_takes_at_most_twice_the_response_timeout() {
    for (set, seconds) in [("1", 1), ("10", 10)] {
        let mut fixture = Fixture::with_settings(&[("response-timeout", set)]).await;
        // Each byte arrives within the response time-out, but the whole body does not arrive within the call.
        let slow = Fault::Drip(Duration::from_millis(500 * seconds));
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::Token, slow)]);
        let started_at = fixture.clock().monotonic();
        let error = fixture.check(&[Right::Access]).await.expect_err("a time-out");
        assert_eq!(error.kind, ErrorKind::Unavailable);
        let elapsed = fixture.clock().monotonic() - started_at;
        assert!(
            elapsed >= Duration::from_secs(2 * seconds),
            "each byte arrives within the response time-out: {elapsed:?}"
        );
        assert!(elapsed <= Duration::from_secs(3 * seconds), "{elapsed:?}");
    }
}

#[tokio::test]
async fn the_data_centre_can_be_a_pasted_url_and_requests_can_go_to_a_gateway() {
    let mut fixture =
        Fixture::with_settings(&[("datacenter-id", " https://BRAND.fra1.qualtrics.com/homepage/ui ")]).await;
    let connection = fixture.check(&[Right::Access]).await.expect("a connection");
    assert_eq!((connection.region.as_str(), connection.egress.as_slice()), ("fra1", &[fixture.simulator.origin()][..]));
    assert!(connection.warnings.is_empty(), "{:?}", connection.warnings);
    let report = fixture.access_report(&request_for(SAMPLE_PERSON)).await;
    assert_outcome(&report, Outcome::Found);
}

/// A server that responds with 404 to everything and records what it receives.
struct Recorder {
    origin: String,
    received: Arc<Mutex<String>>,
}

impl Recorder {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let received: Arc<Mutex<String>> = Arc::default();
        let record = received.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let record = record.clone();
                tokio::spawn(async move {
                    let (mut buffer, mut request) = ([0; 4_096], String::new());
                    while let Ok(bytes @ 1..) = stream.read(&mut buffer).await {
                        let text = String::from_utf8_lossy(&buffer[..bytes]).into_owned();
                        record.lock().expect("no panic").push_str(&text);
                        request.push_str(&text);
                        // The body is a form, JSON, or empty.
                        let body = request.split_once("\r\n\r\n").map(|(_, body)| body);
                        let is_complete = body.is_some_and(|body| {
                            request.starts_with("GET") || body.contains("grant_type") || body.ends_with('}')
                        });
                        let not_found = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
                        if is_complete && stream.write_all(not_found).await.is_err() {
                            return;
                        }
                        if is_complete {
                            request.clear();
                        }
                    }
                });
            }
        });
        Self { origin, received }
    }

    fn received(&self) -> String {
        self.received.lock().expect("no panic").clone()
    }
}

#[tokio::test]
async fn a_token_is_sent_only_to_the_host_that_issued_it() {
    let recorder = Recorder::start().await;
    let mut fixture = Fixture::new().await;
    let egress = EgressPolicy::deny_all().allow(&fixture.simulator.origin()).unwrap().allow(&recorder.origin).unwrap();
    let options = InstanceOptions { egress, clock: fixture.clock(), ..InstanceOptions::default() };
    fixture.instance = plugin().instantiate(options).await.unwrap();
    fixture.instance.configure(&fixture.settings).await.unwrap().unwrap();
    let request = request_for(SAMPLE_PERSON);
    let report = fixture.access_report(&request).await;
    let ticket = pending(fixture.delete(&request, DeletionMode::Erase).await).ticket;
    let reference = report.documents.iter().find_map(|document| match &document.content {
        Content::Remote(reference) => Some(reference.clone()),
        Content::Inline(_) => None,
    });
    let reference = reference.expect("a remote document");
    fixture.read(&reference, 0, 1).await.expect("the instance holds a token and an open document");
    assert_eq!(recorder.received(), "");

    // Another connection is configured: with a gateway, or with a data centre that does not exist.
    let other = [("client-id", "another"), ("client-secret", "another-secret")];
    let gateway = settings_of(&[&other[..], &[("datacenter-id", "fra1"), ("base-url", &recorder.origin)]].concat());
    let unknown = settings_of(&[&other[..], &[("datacenter-id", "nowhere1")]].concat());
    for settings in [gateway, unknown] {
        fixture.instance.configure(&fixture.settings).await.unwrap().unwrap();
        fixture.read(&reference, 0, 1).await.expect("authenticated again");
        let calls = fixture.simulator.calls().len();
        fixture.instance.configure(&settings).await.unwrap().unwrap();
        fixture.check(&[Right::Access, Right::Deletion]).await.expect_err("not a Qualtrics host");
        fixture.access(&request).await.expect_err("not a Qualtrics host");
        fixture.delete(&request, DeletionMode::Erase).await.expect_err("not a Qualtrics host");
        fixture.poll(&request, &ticket).await.expect_err("not a Qualtrics host");
        fixture.read(&reference, 1, 1).await.expect_err("not a Qualtrics host");
        assert_eq!(fixture.simulator.calls().len(), calls, "nothing is sent to the first host");
    }
    let received = recorder.received();
    assert!(received.contains("POST /oauth2/token"), "a token of its own was requested: {received}");
    assert!(!received.to_lowercase().contains("bearer"), "{received}");
    assert_no_leaks("sent to another host", &[received], &[]);
}
