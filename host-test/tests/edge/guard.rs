//! The egress guard denies requests that its host would permit.

use std::sync::OnceLock;

use http::Method;
use privacy_host::contract::{Connection, Error, ErrorKind, RateLimit, Remedy, Right, Setting};
use privacy_host::{EgressPolicy, Environment, Host, InstanceOptions, Options, Plugin, RateBudget};
use qualtrics_component::GUARDED;
use qualtrics_simulator::{Brand, Options as SimulatorOptions, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::Server;

/// Compiled once for all tests.
fn guarded() -> &'static Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    PLUGIN.get_or_init(|| {
        Host::new(Options { max_components: 2, ..Options::default() }).expect("a host").load(GUARDED).expect("a plugin")
    })
}

async fn simulator() -> Simulator {
    Simulator::start(Brand::sample(), SimulatorOptions::default()).await.expect("a free port")
}

/// The options of a host that permits this origin. `list` is the list of the guard.
fn permissive(origin: &str, list: Option<&str>) -> InstanceOptions {
    let environment: Environment =
        list.map(|list| ("EGRESS_ORIGINS".to_owned(), list.to_owned())).into_iter().collect();
    let egress = EgressPolicy::deny_all().allow(origin).expect("an origin");
    InstanceOptions { egress, environment, ..InstanceOptions::default() }
}

/// Calls `check` with this origin, or with that of the data centre.
async fn check(base_url: Option<&str>, options: InstanceOptions) -> Result<Connection, Error> {
    let mut instance = guarded().instantiate(options).await.expect("an instance");
    let mut settings =
        vec![("datacenter-id", "fra1"), ("client-id", SAMPLE_CLIENT_ID), ("client-secret", SAMPLE_CLIENT_SECRET)];
    settings.extend(base_url.map(|origin| ("base-url", origin)));
    let settings: Vec<_> = settings.into_iter().map(|(key, value)| Setting::new(key, value)).collect();
    instance.configure(&settings).await.expect("a result").expect("valid settings");
    instance.check(&[Right::Access, Right::Deletion]).await.expect("a result")
}

#[track_caller]
fn assert_denied(checked: Result<Connection, Error>, origin: &str) {
    let error = checked.expect_err("the guard denies it");
    assert_eq!((error.kind, error.remedy), (ErrorKind::Unavailable, Remedy::Operator), "{error:?}");
    let problems: Vec<_> =
        error.problems.iter().map(|problem| (problem.code.as_str(), problem.target.as_str())).collect();
    assert_eq!(problems, [("egress", origin)]);
}

#[tokio::test]
async fn a_request_to_a_permitted_origin_is_sent() {
    let simulator = simulator().await;
    let origin = simulator.origin();
    for list in [origin.clone(), origin.to_uppercase(), format!("https://*.qualtrics.com, {origin}")] {
        let options = InstanceOptions { clock: simulator.clock(), ..permissive(&origin, Some(&list)) };
        check(Some(&origin), options).await.expect("a connection");
    }
}

#[tokio::test]
async fn a_request_to_another_origin_is_denied_before_a_byte_is_sent() {
    let (permitted, elsewhere) = (Server::responding().await, Server::responding().await);
    let origin = elsewhere.origin();
    assert_denied(check(Some(&origin), permissive(&origin, Some(&permitted.origin()))).await, &origin);
    assert_eq!((permitted.connections(), elsewhere.connections()), (0, 0));
}

#[tokio::test]
async fn a_malformed_list_denies_everything() {
    let server = Server::responding().await;
    let origin = server.origin();
    for list in ["", " ", "*", "127.0.0.1", "{origin}/", "{origin},", "{origin},https://*", "{origin};{origin}"] {
        let list = list.replace("{origin}", &origin);
        assert_denied(check(Some(&origin), permissive(&origin, Some(&list))).await, &origin);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::responding().await;
    let target = elsewhere.origin();
    let redirecting = Server::start(move |mut stream| {
        let target = target.clone();
        async move {
            let mut head = [0; 16 << 10];
            while stream.read(&mut head).await? > 0 {
                let response =
                    format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {target}/\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(response.as_bytes()).await?;
            }
            Ok(())
        }
    })
    .await;
    let origin = redirecting.origin();
    check(Some(&origin), permissive(&origin, Some(&origin))).await.expect_err("no connection");
    assert!(redirecting.connections() > 0);
    assert_eq!(elsewhere.connections(), 0);
}

/// The host responds in place of the vendor, so no request leaves this machine. Its response shows that the guard permitted the request.
#[tokio::test]
async fn without_a_list_the_origins_of_the_manifest_are_permitted() {
    let limit = RateLimit {
        name: "all".to_owned(),
        methods: ["GET", "POST"].map(str::to_owned).to_vec(),
        path: "/**".to_owned(),
        calls_per_minute: 1,
    };
    let with_exhausted_budget = |options: InstanceOptions| {
        let budget = RateBudget::new(std::slice::from_ref(&limit), 100, options.clock.clone());
        budget.take(&Method::POST, "/oauth2/token").expect("one call");
        InstanceOptions { budget: Some(budget), ..options }
    };
    let options = with_exhausted_budget(permissive("https://fra1.qualtrics.com", None));
    assert_eq!(check(None, options).await.expect_err("a response of the host").kind, ErrorKind::RateLimited);

    let server = Server::responding().await;
    let origin = server.origin();
    assert_denied(check(Some(&origin), with_exhausted_budget(permissive(&origin, None))).await, &origin);
    let listed = with_exhausted_budget(permissive("https://fra1.qualtrics.com", Some(&origin)));
    assert_denied(check(None, listed).await, "https://fra1.qualtrics.com");
    assert_eq!(server.connections(), 0);
}
