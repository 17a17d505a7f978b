//! Contacts that clients create, change and delete.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{ApiClient, receive, request_token, sample_simulator, send};
use super::customer_data::download_export;
use super::directories::search;
use super::erasures::erase;
use super::*;

/// A client that may also write.
pub(super) async fn writer(simulator: &Simulator) -> ApiClient<'_> {
    ApiClient::new(simulator, &request_token(simulator, SAMPLE_WRITER_CLIENT_ID, SAMPLE_WRITER_CLIENT_SECRET, "").await)
}

/// The path of the contacts of the customers' directory.
pub(super) const CONTACTS: &str = "/directories/POOL_2aCustomers0001/contacts";

/// Creates a contact. Returns its ID.
pub(super) async fn create(client: &ApiClient<'_>, contact: Value) -> String {
    client.post(CONTACTS, contact).await.result()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn created_contact_is_found_listed_and_erased() {
    let simulator = sample_simulator().await;
    let client = writer(&simulator).await;
    let new =
        json!({ "firstName": "New", "email": "New@Example.org", "extRef": "N-1", "embeddedData": { "Visits": 3 } });
    let id = create(&client, new).await;
    assert_eq!(id.len(), 19);
    let found =
        client.post(&format!("{CONTACTS}/search?includeEmbedded=true"), search("email", "new@example.org")).await;
    let found = found.result()["elements"].clone();
    assert_eq!((found[0]["id"].as_str(), found[0]["embeddedData"]["Visits"].as_str()), (Some(&*id), Some("3")));
    let listed = client.get(CONTACTS).await.result()["elements"].as_array().unwrap().clone();
    assert!(listed.iter().any(|contact| contact["contactId"] == *id && contact["extRef"] == "N-1"));
    assert_eq!(simulator.holdings("new@example.org").contacts, 1);
    client.post("/op-erase-personal-data", erase(&["new@example.org"])).await.result();
    simulator.advance(Duration::from_secs(300));
    assert_eq!(client.get(&format!("{CONTACTS}/{id}")).await.status, 404);
    assert!(simulator.holdings("new@example.org").is_empty());
}

#[tokio::test]
async fn contact_with_the_address_of_another_one_updates_it_unless_duplicates_are_kept() {
    let simulator = sample_simulator().await;
    let client = writer(&simulator).await;
    let id = create(&client, json!({ "email": "new@example.org", "phone": "1" })).await;
    assert_eq!(create(&client, json!({ "email": "NEW@example.org", "lastName": "Two" })).await, id);
    let contact = client.get(&format!("{CONTACTS}/{id}")).await.result();
    assert_eq!((contact["phone"].as_str(), contact["lastName"].as_str()), (Some("1"), Some("Two")));
    simulator.set_dialects(Dialects::parse("duplicate-contacts-kept").unwrap());
    assert_ne!(create(&client, json!({ "email": "new@example.org" })).await, id);
    assert_eq!(simulator.holdings("new@example.org").contacts, 2);
}

#[tokio::test]
async fn update_merges_or_replaces_by_dialect() {
    for (dialect, phone, data) in
        [("put-merges", json!("1"), json!({ "A": "1", "B": "2" })), ("put-replaces", Value::Null, json!({ "B": "2" }))]
    {
        let simulator = sample_simulator().await;
        simulator.set_dialects(Dialects::parse(dialect).unwrap());
        let client = writer(&simulator).await;
        let id =
            create(&client, json!({ "email": "new@example.org", "phone": "1", "embeddedData": { "A": "1" } })).await;
        simulator.advance(Duration::from_secs(60));
        let update = json!({ "firstName": "New", "embeddedData": { "B": "2" } });
        let updated = client.put(&format!("{CONTACTS}/{id}"), update).await;
        assert_eq!((updated.status, updated.json().get("result")), (200, None));
        let contact = client.get(&format!("{CONTACTS}/{id}")).await.result();
        assert_eq!(
            (&contact["firstName"], &contact["phone"], &contact["embeddedData"]),
            (&json!("New"), &phone, &data)
        );
        let age = contact["lastModified"].as_u64().unwrap() - contact["creationDate"].as_u64().unwrap();
        assert_eq!(age, 60_000, "{dialect}");
    }
}

#[tokio::test]
async fn opted_out_contact_is_marked_everywhere_and_listed_since_its_opt_out() {
    let simulator = sample_simulator().await;
    let client = writer(&simulator).await;
    let id = create(&client, json!({ "email": "new@example.org" })).await;
    let opted_out = |since: &str| format!("{CONTACTS}/optedOutContacts{since}");
    assert_eq!(client.get(&opted_out("")).await.result()["elements"], json!([]));
    client.put(&format!("{CONTACTS}/{id}"), json!({ "unsubscribed": true })).await;
    let contact = client.get(&format!("{CONTACTS}/{id}")).await.result();
    assert_eq!(contact["directoryUnsubscribed"], true);
    assert_eq!(contact["directoryUnsubscribeDate"], 1_767_603_600_000_u64);
    let found = client.post(&format!("{CONTACTS}/search"), search("email", "new@example.org")).await.result();
    assert_eq!(found["elements"][0]["unsubscribed"], true);
    for (since, count) in [("", 1), ("?since=2026-01-05T09:00:00Z", 1), ("?since=2026-01-05T09:00:01Z", 0)] {
        let listed = client.get(&opted_out(since)).await.result()["elements"].clone();
        assert_eq!(listed.as_array().unwrap().len(), count, "{since}");
    }
    assert_eq!(client.get(&opted_out("?since=yesterday")).await.status, 400);
    client.put(&format!("{CONTACTS}/{id}"), json!({ "unsubscribed": false })).await;
    assert_eq!(client.get(&opted_out("")).await.result()["elements"], json!([]));
}

#[tokio::test]
async fn update_is_shown_later_or_ignores_the_opt_out_by_dialect() {
    for (dialect, at_once, later) in [("contact-lag-20-s", false, true), ("opt-out-ignored", false, false)] {
        let simulator = sample_simulator().await;
        simulator.set_dialects(Dialects::parse(dialect).unwrap());
        let client = writer(&simulator).await;
        let path = format!("{CONTACTS}/{}", create(&client, json!({ "email": "new@example.org" })).await);
        let updated = client.put(&path, json!({ "email": "new@example.org", "unsubscribed": true })).await;
        assert_eq!(updated.status, 200);
        assert_eq!(client.get(&path).await.result()["directoryUnsubscribed"], at_once, "{dialect}");
        simulator.advance(Duration::from_secs(20));
        assert_eq!(client.get(&path).await.result()["directoryUnsubscribed"], later, "{dialect}");
        assert_eq!(simulator.holdings("new@example.org").opted_out, usize::from(later), "{dialect}");
    }
}

#[tokio::test]
async fn deleted_contact_is_gone_but_its_responses_stay() {
    let simulator = sample_simulator().await;
    let client = writer(&simulator).await;
    let path = format!("{CONTACTS}/CID_000000000000001");
    let deleted = client.delete(&path).await;
    assert_eq!((deleted.status, deleted.json().get("result")), (200, None));
    assert_eq!(client.delete(&path).await.status, 404);
    let left = simulator.holdings(SAMPLE_PERSON);
    assert_eq!((left.contacts, left.responses), (1, 3), "the other directory and the responses are not concerned");
    let export = download_export(&simulator, &[SAMPLE_PERSON]).await.remove(0);
    assert_eq!(serde_json::from_slice::<Value>(&export).unwrap().as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn invalid_bodies_and_missing_scopes_change_nothing() {
    let simulator = sample_simulator().await;
    let reader = ApiClient::administrator(&simulator).await;
    let client = writer(&simulator).await;
    let path = format!("{CONTACTS}/CID_000000000000001");
    let before = reader.get(&path).await.result();
    for (status, client, body) in [
        (403, &reader, json!({ "unsubscribed": true })),
        (400, &client, json!({ "firstName": 1, "phone": "1" })),
        (400, &client, json!({ "unsubscribed": "yes" })),
        (400, &client, json!({ "embeddedData": { "a": {} } })),
        (400, &client, json!([])),
    ] {
        assert_eq!(client.put(&path, body.clone()).await.status, status, "{body}");
    }
    assert_eq!(reader.get(&path).await.result(), before);
    let token = [("x-api-token", SAMPLE_API_TOKEN)];
    let untyped = receive(send(&simulator, "PUT", &format!("/API/v3{path}"), &token, "{}").await).await;
    assert_eq!(untyped.status, 415);
}

#[tokio::test]
async fn email_history_shows_bounces() {
    let simulator = sample_simulator().await;
    let client = writer(&simulator).await;
    let found = client.post(&format!("{CONTACTS}/search"), search("email", SAMPLE_BOUNCING)).await.result();
    let id = found["elements"][0]["id"].as_str().unwrap();
    let history = client.get(&format!("{CONTACTS}/{id}/history?type=email")).await.result();
    assert_eq!(
        (history["elements"][0]["result"].as_str(), history["elements"][0]["read"].as_bool()),
        (Some("Bounce"), Some(false))
    );
    let bounced =
        client.get("/directories/POOL_2aCustomers0001/mailinglists/CG_000000000000001/bouncedContacts").await.result();
    let bounced: Vec<_> =
        bounced["elements"].as_array().unwrap().iter().map(|contact| contact["contactId"].as_str().unwrap()).collect();
    assert_eq!(bounced, [id]);
}

#[tokio::test]
async fn histories_have_the_types_pages_and_senders_of_the_dialect() {
    for (dialects, status, entries, has_sender) in [
        ("", 200, 3, false),
        ("history-type-email-only", 400, 3, false),
        ("history-pages-of-two", 200, 2, false),
        ("history-senders-named", 200, 3, true),
    ] {
        let simulator = sample_simulator().await;
        simulator.set_dialects(Dialects::parse(dialects).unwrap());
        let client = writer(&simulator).await;
        let found = client.post(&format!("{CONTACTS}/search"), search("email", SAMPLE_PERSON)).await.result();
        let history = format!("{CONTACTS}/{}/history", found["elements"][0]["id"].as_str().unwrap());
        assert_eq!(client.get(&format!("{history}?type=response")).await.status, status, "{dialects}");
        let page = client.get(&format!("{history}?type=email&pageSize=100")).await.result();
        assert_eq!(page["elements"].as_array().map(Vec::len), Some(entries), "{dialects}");
        assert_eq!(page["nextPage"].is_null(), entries == 3, "{dialects}");
        assert_eq!(page["elements"][0]["sender"]["fromEmail"] == SAMPLE_ADMINISTRATOR, has_sender, "{dialects}");
    }
}

#[tokio::test]
async fn larger_pages_are_granted_with_the_new_pagination_scheme_only() {
    let brand = Brand::sample().directory("POOL_crowd", "Crowd").crowd("POOL_crowd", 150, "+12025550199");
    let simulator = Simulator::start(brand, Options::default()).await.unwrap();
    let client = ApiClient::administrator(&simulator).await;
    let path = "/directories/POOL_crowd/contacts?pageSize=1000";
    assert_eq!(client.get(path).await.status, 400);
    let page = client.get(&format!("{path}&useNewPaginationScheme=true")).await.result();
    assert_eq!((page["elements"].as_array().unwrap().len(), &page["nextPage"]), (150, &Value::Null));
}
