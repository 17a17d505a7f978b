//! The guard holds back what its host would let through.

use std::sync::OnceLock;

use host_test::GUARDED;
use host_test::host::contract::{Connection, Error, ErrorKind, RateLimit, Remedy, Right, Setting};
use host_test::host::{Budget, EgressPolicy, Environment, Host, InstanceOptions, Options, Plugin};
use host_test::simulator::{Brand, Options as SimulatorOptions, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, Simulator};
use http::Method;
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

/// A host that would let the connector go wherever it is told to.
fn permissive(origin: &str, list: Option<&str>) -> InstanceOptions {
    let environment: Environment =
        list.map(|list| ("EGRESS_ORIGINS".to_owned(), list.to_owned())).into_iter().collect();
    let egress = EgressPolicy::deny_all().allow(origin).expect("an origin");
    InstanceOptions { egress, environment, ..InstanceOptions::default() }
}

/// What the connection test says of a connection to this origin. `None` is the one that the data centre has.
async fn check(base_url: Option<&str>, options: InstanceOptions) -> Result<Connection, Error> {
    let mut instance = guarded().instantiate(options).await.expect("an instance");
    let mut settings =
        vec![("datacenter-id", "fra1"), ("client-id", SAMPLE_CLIENT_ID), ("client-secret", SAMPLE_CLIENT_SECRET)];
    settings.extend(base_url.map(|origin| ("base-url", origin)));
    let settings: Vec<_> =
        settings.into_iter().map(|(key, value)| Setting { key: key.to_owned(), value: value.to_owned() }).collect();
    instance.configure(&settings).await.expect("an answer").expect("good settings");
    instance.check(&[Right::Access, Right::Deletion]).await.expect("an answer")
}

#[track_caller]
fn assert_stopped(checked: Result<Connection, Error>, origin: &str) {
    let error = checked.expect_err("it is stopped");
    assert_eq!((error.kind, error.remedy), (ErrorKind::Unavailable, Remedy::Operator), "{error:?}");
    let problems: Vec<_> =
        error.problems.iter().map(|problem| (problem.code.as_str(), problem.subject.as_str())).collect();
    assert_eq!(problems, [("egress", origin)]);
}

#[tokio::test]
async fn a_plugin_that_calls_where_it_may_is_not_hindered() {
    let simulator = simulator().await;
    let origin = simulator.origin();
    for list in [origin.clone(), origin.to_uppercase(), format!("https://*.qualtrics.com, {origin}")] {
        let options = InstanceOptions { clock: simulator.clock(), ..permissive(&origin, Some(&list)) };
        check(Some(&origin), options).await.expect("a connection");
    }
}

#[tokio::test]
async fn a_plugin_that_calls_elsewhere_is_stopped_before_a_byte_has_left() {
    let (permitted, elsewhere) = (Server::good().await, Server::good().await);
    let origin = elsewhere.origin();
    assert_stopped(check(Some(&origin), permissive(&origin, Some(&permitted.origin()))).await, &origin);
    assert_eq!((permitted.connections(), elsewhere.connections()), (0, 0));
}

#[tokio::test]
async fn another_port_scheme_or_spelling_of_the_same_machine_is_elsewhere() {
    let server = Server::good().await;
    let origin = server.origin();
    let port = origin.rsplit(':').next().expect("a port").to_owned();
    for list in [
        "http://127.0.0.1:1".to_owned(),
        "http://127.0.0.1".to_owned(),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.2:{port}"),
        format!("http://[::1]:{port}"),
        format!("https://localhost:{port}"),
        format!("https://*.0.0.1:{port}"),
    ] {
        assert_stopped(check(Some(&origin), permissive(&origin, Some(&list))).await, &origin);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_malformed_list_denies_all() {
    let server = Server::good().await;
    let origin = server.origin();
    for list in ["", " ", "*", "127.0.0.1", "{origin}/", "{origin},", "{origin},https://*", "{origin};{origin}"] {
        let list = list.replace("{origin}", &origin);
        assert_stopped(check(Some(&origin), permissive(&origin, Some(&list))).await, &origin);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let elsewhere = Server::good().await;
    let target = elsewhere.origin();
    let redirecting = Server::start(move |mut stream| {
        let target = target.clone();
        async move {
            let mut head = [0; 16 << 10];
            while stream.read(&mut head).await? > 0 {
                let answer =
                    format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {target}/\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await?;
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

/// Its own host answers in the place of the vendor, since nothing is to leave this machine: an answer of its own is how it is
/// known that the guard has let a request through.
#[tokio::test]
async fn without_a_list_it_is_what_the_manifest_asks_for() {
    let limit = RateLimit {
        name: "all".to_owned(),
        methods: ["GET", "POST"].map(str::to_owned).to_vec(),
        path_prefix: "/".to_owned(),
        calls_per_minute: 1,
    };
    let used_up = |options: InstanceOptions| {
        let budget = Budget::new(std::slice::from_ref(&limit), 100, options.clock.clone());
        budget.take(&Method::POST, "/oauth2/token").expect("one call");
        InstanceOptions { budget: Some(budget), ..options }
    };
    let options = used_up(permissive("https://fra1.qualtrics.com", None));
    assert_eq!(check(None, options).await.expect_err("an answer of the host").kind, ErrorKind::RateLimited);

    let server = Server::good().await;
    let origin = server.origin();
    assert_stopped(check(Some(&origin), used_up(permissive(&origin, None))).await, &origin);
    let listed = used_up(permissive("https://fra1.qualtrics.com", Some(&origin)));
    assert_stopped(check(None, listed).await, "https://fra1.qualtrics.com");
    assert_eq!(server.connections(), 0);
}
