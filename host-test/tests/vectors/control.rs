//! The control API of simulated brands.

use hyper::Method;
use qualtrics_simulator::Control;
use serde_json::{Value, json};

use privacy_scenarios::simulated_brand::SimulatedBrand;

async fn rejection(control: &Control, simulator: Value) -> String {
    match SimulatedBrand::create(control.origin(), &simulator).await {
        Ok(_) => panic!("{simulator} is accepted"),
        Err(reason) => reason,
    }
}

#[tokio::test]
async fn invalid_scenarios_and_changes_are_rejected_with_a_reason() {
    let control = Control::start(0).await.expect("a free port");
    for (simulator, reason) in [
        (json!({ "brands": {} }), "unknown field `brands`"),
        (json!({ "brand": { "people": [{ "email": "ada@example.org" }] } }), "unknown field `email`"),
        (json!({ "brand": { "people": [{ "directories": ["POOL_other"] }] } }), "no directory POOL_other"),
        (json!({ "brand": { "acts-as": "somebody@example.org" } }), "acts as nobody"),
        (json!({ "dialects": ["klingon"] }), "no dialect \"klingon\""),
        (json!({ "dialects": ["early-erasure-404", "early-erasure-409"] }), "contradicts"),
        (json!(7), "invalid type"),
    ] {
        let message = rejection(&control, simulator).await;
        assert!(message.contains("400") && message.contains(reason), "{message}");
    }
    let (brand, _) = SimulatedBrand::create(control.origin(), &json!({})).await.expect("a brand");
    for (change, reason) in [
        (json!({ "advance": -1 }), "the clock moves on"),
        (json!({ "advance": 1e10 }), "a hundred years"),
        (json!({ "faults": [{ "endpoint": "token", "fault": "earthquake" }] }), "unknown variant `earthquake`"),
        (json!({ "faults": [{ "endpoint": "tokens", "fault": "html" }] }), "unknown variant `tokens`"),
        (json!({ "people": [{ "directories": ["POOL_other"] }] }), "no directory POOL_other"),
        (json!("forget-everything"), "unknown variant"),
    ] {
        let message = brand.change(&change).await.expect_err("a rejection");
        assert!(message.contains("400") && message.contains(reason), "{change}: {message}");
    }
    assert!(brand.send(Method::PUT, None).await.expect_err("a rejection").contains("405"));
}

#[tokio::test]
async fn brands_are_independent_of_each_other() {
    let control = Control::start(0).await.expect("a free port");
    let with = |address: &str| json!({ "brand": { "people": [{ "emails": [address] }] } });
    let create = async |simulator| SimulatedBrand::create(control.origin(), &simulator).await.expect("a brand");
    let (one, placeholders_of_one) = create(with("ada@example.org")).await;
    let (other, placeholders_of_other) = create(with("bob@example.org")).await;
    assert_ne!(placeholders_of_one["origin"], placeholders_of_other["origin"]);
    one.change(&json!({ "people": [{ "emails": ["Eve@example.org"] }] })).await.expect("a change");
    let addresses = async |brand: &SimulatedBrand| {
        let seen = brand.seen().await.expect("the recorded calls");
        seen["holdings"].as_object().expect("holdings").keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(addresses(&one).await, ["ada@example.org", "eve@example.org", "grace.admin@example.com"]);
    assert_eq!(addresses(&other).await, ["bob@example.org", "grace.admin@example.com"]);
    one.delete().await.expect("a deletion");
    assert!(one.seen().await.expect_err("it is deleted").contains("404"));
    let origin = placeholders_of_one["origin"].strip_prefix("http://").expect("an origin");
    let mut is_refused = false;
    for _ in 0..100 {
        is_refused = tokio::net::TcpStream::connect(origin).await.is_err();
        if is_refused {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(is_refused, "the port of a deleted brand is closed");
    assert_eq!(addresses(&other).await.len(), 2);
}
