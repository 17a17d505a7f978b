//! Users.

use serde_json::json;

use super::client::{ApiClient, sample_simulator};
use super::contacts::writer;
use super::*;

#[tokio::test]
async fn users_are_listed_in_pages_of_a_hundred() {
    let simulator = Simulator::start(Brand::sample().staff(250), Options::default()).await.unwrap();
    let client = ApiClient::administrator(&simulator).await;
    let (mut path, mut emails) = ("/users".to_owned(), Vec::new());
    loop {
        let page = client.get(&path).await.result();
        let elements = page["elements"].as_array().unwrap();
        assert!(elements.len() <= 100);
        emails.extend(elements.iter().map(|user| user["email"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextPage"].as_str() else { break };
        path = next.strip_prefix(&format!("{}/API/v3", simulator.origin())).unwrap().to_owned();
    }
    assert_eq!(emails.len(), 254);
    assert_eq!(emails.last().unwrap(), "staff-00250@example.org");
    let user = client.get("/users/UR_2bLinusStaff0002").await.result();
    assert_eq!((user["username"].as_str(), user["userType"].as_str()), (Some(SAMPLE_STAFF), Some("UT_FULLUSER")));
    assert_eq!(client.get("/users/UR_none").await.status, 404);
}

#[tokio::test]
async fn user_can_be_renamed_with_the_scope_for_it() {
    let simulator = sample_simulator().await;
    let (path, name) = ("/users/UR_2bLinusStaff0002", json!({ "firstName": "Linnea" }));
    assert_eq!(ApiClient::administrator(&simulator).await.put(path, name.clone()).await.status, 403);
    let client = writer(&simulator).await;
    assert_eq!(client.put(path, name.clone()).await.status, 200);
    let user = client.get(path).await.result();
    assert_eq!((user["firstName"].as_str(), user["lastName"].as_str()), (Some("Linnea"), Some("Staff")));
    assert_eq!(client.put(path, json!({ "firstName": null })).await.status, 400);
    assert_eq!(client.put("/users/UR_none", name).await.status, 404);
}
