//! What the control of simulated brands takes, and what it refuses.

use host_test::simulator::Control;
use hyper::Method;
use serde_json::{Value, json};

use crate::scenario::Brand;

async fn refused(control: &Control, simulator: Value) -> String {
    match Brand::order(control.origin(), &simulator).await {
        Ok(_) => panic!("{simulator} is taken"),
        Err(reason) => reason,
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_a_reason() {
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
        let told = refused(&control, simulator).await;
        assert!(told.contains("400") && told.contains(reason), "{told}");
    }
    let (brand, _) = Brand::order(control.origin(), &json!({})).await.expect("a brand");
    for (change, reason) in [
        (json!({ "advance": -1 }), "the clock moves on"),
        (json!({ "advance": 1e10 }), "a hundred years"),
        (json!({ "faults": [{ "endpoint": "token", "fault": "earthquake" }] }), "unknown variant `earthquake`"),
        (json!({ "faults": [{ "endpoint": "tokens", "fault": "html" }] }), "unknown variant `tokens`"),
        (json!({ "people": [{ "directories": ["POOL_other"] }] }), "no directory POOL_other"),
        (json!("forget-everything"), "unknown variant"),
    ] {
        let told = brand.change(&change).await.expect_err("a refusal");
        assert!(told.contains("400") && told.contains(reason), "{change}: {told}");
    }
    assert!(brand.ask(Method::PUT, None).await.expect_err("a refusal").contains("405"));
}

#[tokio::test]
async fn brands_are_apart_from_each_other_and_end_alone() {
    let control = Control::start(0).await.expect("a free port");
    let held = |address: &str| json!({ "brand": { "people": [{ "emails": [address] }] } });
    let (one, names_of_one) = Brand::order(control.origin(), &held("ada@example.org")).await.expect("a brand");
    let (other, names_of_other) = Brand::order(control.origin(), &held("bob@example.org")).await.expect("a brand");
    assert_ne!(names_of_one["origin"], names_of_other["origin"]);
    one.change(&json!({ "people": [{ "emails": ["Eve@example.org"] }] })).await.expect("a change");
    let known = async |brand: &Brand| {
        let seen = brand.seen().await.expect("what was seen");
        seen["holdings"].as_object().expect("holdings").keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(known(&one).await, ["ada@example.org", "eve@example.org", "grace.admin@example.com"]);
    assert_eq!(known(&other).await, ["bob@example.org", "grace.admin@example.com"]);
    one.end().await.expect("its end");
    assert!(one.seen().await.expect_err("it is gone").contains("404"));
    let origin = names_of_one["origin"].strip_prefix("http://").expect("an origin");
    let mut refused = false;
    for _ in 0..100 {
        refused = tokio::net::TcpStream::connect(origin).await.is_err();
        if refused {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(refused, "its port is closed");
    assert_eq!(known(&other).await.len(), 2);
}
