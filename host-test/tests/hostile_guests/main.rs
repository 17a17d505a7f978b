//! Harmful plugins do not affect the host: its next instance works.
//!
//! Every guest is a handwritten component that does one harmful thing. Each test ends with a harmless guest on the same host.

mod computation;
mod guest;
mod loading;
mod network;
mod server;

use std::time::{Duration, Instant};

use guest::{connector, name};
use privacy_host::{EgressPolicy, Host, HostError, InstanceOptions, Options};
use server::Server;

/// The time limit of a harmful guest.
const SHORT: Duration = Duration::from_millis(300);
/// Far longer than any of these tests takes.
const LONG: Duration = Duration::from_secs(30);
/// One request to the target, and a report of its response.
const REQUEST: &str = "(call $report (call $await (call $send (call $to_target (call $fields)))))";

fn host() -> Host {
    let options = Options { max_instances: 2, max_requests: 8, max_request_body: 256 << 10, ..Options::default() };
    Host::new(options).expect("a host")
}

/// The result of a guest's `configure`: what it reports, or why it has no result.
async fn run(host: &Host, guest: &[u8], egress: &EgressPolicy, limit: Duration) -> Result<String, HostError> {
    let options = InstanceOptions { egress: egress.clone(), call_timeout: limit, ..InstanceOptions::default() };
    let mut instance = host.load(guest).expect("a plugin").instantiate(options).await?;
    let result = instance.configure(&[]).await;
    if result.is_err() {
        assert!(matches!(instance.configure(&[]).await, Err(HostError::Spent)), "its instance is discarded");
    }
    Ok(result?.map_or_else(|error| name(error.http_status.expect("a report")), |()| "nothing".to_owned()))
}

/// Asserts that the same host runs a guest that gets a response from a server.
async fn assert_still_works(host: &Host) {
    let server = Server::responding().await;
    let egress = allow(&server.origin());
    let report = run(host, &connector(&server.origin(), "", REQUEST), &egress, LONG).await;
    assert_eq!(report.expect("a result"), "response");
}

fn allow(origin: &str) -> EgressPolicy {
    EgressPolicy::deny_all().allow(origin).expect("an origin")
}

#[tokio::test]
async fn harmful_guests_do_not_affect_a_concurrent_harmless_one() {
    let host = Host::new(Options { max_instances: 9, ..Options::default() }).expect("a host");
    let silent = Server::silent().await;
    let (deny, open) = (EgressPolicy::deny_all(), allow(&silent.origin()));
    let looping = connector("", "", "(loop (br 0)) unreachable");
    let waiting = connector(&silent.origin(), "", REQUEST);
    let harmful = futures::future::join_all((0..8).map(|index| {
        let (guest, egress) = if index % 2 == 0 { (&looping, &deny) } else { (&waiting, &open) };
        run(&host, guest, egress, Duration::from_secs(2))
    }));
    let harmless = async {
        let started = Instant::now();
        assert_still_works(&host).await;
        started.elapsed()
    };
    let (results, harmless) = tokio::join!(harmful, harmless);
    assert!(results.iter().all(|result| matches!(result, Err(HostError::TimedOut))), "{results:?}");
    println!("a harmless guest beside eight harmful ones: {harmless:?}");
    silent.idle().await;
}
