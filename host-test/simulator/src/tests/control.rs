//! The control API and its data.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// The status and the body of a response of the control API.
async fn call(control: &Control, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(control.origin().strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: control\r\nconnection: close\r\n");
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

#[test]
fn person_of_a_scenario_has_the_members_of_a_person_and_directories() {
    let parse = |value: Value| serde_json::from_str::<ScenarioPerson>(&value.to_string());
    let ada = json!({
        "first-name": "Ada", "emails": ["ada@example.org"], "embedded-data": { "tier": "Gold" }, "responses": 2,
        "export-bytes": 5_000_000_000_u64, "directories": ["POOL_a"],
    });
    let ScenarioPerson { person, directories } = parse(ada).unwrap();
    assert_eq!((person.first_name.as_str(), person.responses), ("Ada", 2));
    assert_eq!((person.emails, person.embedded_data["tier"].as_str()), (vec!["ada@example.org".to_owned()], "Gold"));
    assert_eq!((person.export_bytes, directories), (Some(5_000_000_000), Some(vec!["POOL_a".to_owned()])));
    assert_eq!(parse(json!({ "directories": null })).unwrap().directories, None);
    assert!(parse(json!({ "email": "ada@example.org" })).unwrap_err().to_string().contains("unknown field `email`"));
    assert!(parse(json!({ "directories": [1] })).is_err());
    assert!(parse(json!(7)).unwrap_err().to_string().contains("invalid type"));
}

#[tokio::test]
async fn scenario_is_created_changed_observed_and_ended() {
    let control = Control::start(0).await.unwrap();
    let scenario = json!({ "brand": { "people": [{ "emails": ["ada@example.org"], "responses": 1 }] } });
    let (status, created) = call(&control, "POST", "/scenarios", &scenario.to_string()).await;
    let created: Value = serde_json::from_str(&created).unwrap();
    assert_eq!((status, created["scenario"].as_str()), (201, Some("/scenarios/1")));
    assert_eq!(created["client-id"], SAMPLE_CLIENT_ID);
    let rule = json!({ "faults": [{ "endpoint": "whoami", "occurrence": { "nth": 1 }, "fault": "shut-behind" }] });
    for change in [
        json!({ "advance": 1.5 }),
        json!({ "faults": [{ "fault": { "status": [503, { "seconds": 2 }] } }] }),
        rule,
        json!({ "next-jobs": "never-ends" }),
        json!({ "people": [{ "emails": ["Eve@example.org"] }] }),
        json!({ "scopes": ["read:users"] }),
        json!("forget-jobs"),
        json!("revoke-tokens"),
        json!("shut"),
        json!("open-up"),
    ] {
        let response = call(&control, "POST", "/scenarios/1", &change.to_string()).await;
        assert_eq!(response, (204, String::new()), "{change}");
    }
    let (status, observations) = call(&control, "GET", "/scenarios/1", "").await;
    let observations: Value = serde_json::from_str(&observations).unwrap();
    assert_eq!((status, &observations["calls"]["whoami"], &observations["erasures"]), (200, &json!(0), &json!([])));
    let held = json!({ "contacts": 1, "opted-out": 0, "responses": 1, "users": 0 });
    assert_eq!(observations["holdings"]["ada@example.org"], held);
    assert_eq!(observations["holdings"]["eve@example.org"]["contacts"], 1);
    assert_eq!(call(&control, "PUT", "/scenarios/1", "").await.0, 405);
    assert_eq!(call(&control, "DELETE", "/scenarios/1", "").await.0, 204);
    assert_eq!(call(&control, "GET", "/scenarios/1", "").await.0, 404);
}

#[tokio::test]
async fn invalid_scenarios_and_changes_are_rejected() {
    let control = Control::start(0).await.unwrap();
    for scenario in
        [json!({ "brands": {} }), json!({ "dialects": ["klingon"] }), json!({ "brand": { "acts-as": "x" } })]
    {
        assert_eq!(call(&control, "POST", "/scenarios", &scenario.to_string()).await.0, 400, "{scenario}");
    }
    assert_eq!(call(&control, "POST", "/scenarios", "{}").await.0, 201);
    for change in [json!({ "advance": -1 }), json!({ "advance": 1e10 }), json!("forget-everything")] {
        assert_eq!(call(&control, "POST", "/scenarios/1", &change.to_string()).await.0, 400, "{change}");
    }
}
