//! The simulator as a whole: limits, the record of calls, changes and its end.

use std::time::Duration;

use super::client::{ApiClient, request_token, sample_simulator};
use super::erasures::erase;
use super::*;

#[tokio::test]
async fn twenty_first_call_of_an_erasure_endpoint_within_a_minute_is_rejected() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    for _ in 0..20 {
        assert_eq!(client.get("/op-erase-personal-data").await.status, 200);
    }
    let rejected = client.get("/op-erase-personal-data").await;
    assert_eq!((rejected.status, rejected.header("retry-after")), (429, Some("3")));
    assert_eq!(client.get("/op-erase-personal-data/OP-x").await.status, 404, "each endpoint has a limit of its own");
    simulator.advance(Duration::from_secs(3));
    assert_eq!(client.get("/op-erase-personal-data").await.status, 200);
    assert_eq!(client.get("/op-erase-personal-data").await.status, 429);
    assert_eq!(simulator.ratelimited_count(), 2);
    simulator.set_rate_limits(false);
    assert_eq!(client.get("/op-erase-personal-data").await.status, 200);
}

#[tokio::test]
async fn calls_are_recorded_and_debug_output_hides_their_bodies() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    simulator.clear_calls();
    client.post("/op-erase-personal-data", erase(&[SAMPLE_PERSON])).await.result();
    assert_eq!(client.get("/nothing?x=1").await.status, 404);
    let calls = simulator.calls();
    let recorded: Vec<_> =
        calls.iter().map(|call| (call.number, call.endpoint, call.status, call.took_effect)).collect();
    assert_eq!(recorded, [(2, Endpoint::ErasureCreate, Some(200), true), (3, Endpoint::Unknown, Some(404), false)]);
    assert_eq!((calls[1].path.as_str(), calls[1].query.as_str()), ("/API/v3/nothing", "x=1"));
    assert_eq!(calls[0].body.0["emails"][0], SAMPLE_PERSON);
    assert!(!format!("{calls:?}").contains(SAMPLE_PERSON));
}

#[tokio::test]
async fn trailing_and_doubled_slashes_of_a_path_are_ignored() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    let plain = format!("/directories/{SAMPLE_CUSTOMERS}/contacts");
    let expected = client.get(&plain).await.result();
    for path in [format!("{plain}/"), format!("//directories//{SAMPLE_CUSTOMERS}/contacts/?pageSize=100")] {
        assert_eq!(client.get(&path).await.result(), expected, "{path}");
    }
    assert_eq!(client.get("/users/").await.result(), client.get("/users").await.result());
    assert_eq!(simulator.calls().last().unwrap().endpoint, Endpoint::Users);
}

#[tokio::test]
async fn brand_can_change_while_the_simulator_runs() {
    let simulator = sample_simulator().await;
    simulator.with_brand(|brand| brand.clients[0].scopes.retain(|scope| scope != "read:users"));
    let rejected = request_token(&simulator, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, &SCOPES.join(" ")).await;
    assert_eq!(rejected.json()["error"], "invalid_scope");
    simulator.with_brand(|brand| {
        *brand = std::mem::take(brand).person(&Person::new("New", "One").email("n@example.org"), &[SAMPLE_PARTNERS])
    });
    assert_eq!(simulator.holdings("N@example.org").contacts, 1);
}

#[tokio::test]
async fn dropped_simulator_refuses_connections() {
    let simulator = sample_simulator().await;
    let address = simulator.origin().strip_prefix("http://").unwrap().to_owned();
    drop(simulator);
    for _ in 0..10_000 {
        if tokio::net::TcpStream::connect(&address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the dropped simulator still listens");
}
