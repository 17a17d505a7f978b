//! Directories and contacts.

use serde_json::{Value, json};

use super::client::{ApiClient, sample_simulator};
use super::*;

pub(super) fn search(filter_type: &str, value: &str) -> Value {
    json!({ "filter": { "filterType": filter_type, "comparison": "eq", "value": value } })
}

#[tokio::test]
async fn search_ignores_case_and_surrounding_spaces() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    let path = format!("/directories/{SAMPLE_CUSTOMERS}/contacts/search?includeEmbedded=true");
    for (filter_type, value, found) in [
        ("email", " Ada.Lovelace@EXAMPLE.com ", 1),
        ("firstName", "ada", 1),
        ("lastName", "BABBAGE", 2),
        ("phone", SAMPLE_SHARED_PHONE, 2),
        ("extRef", "cust-0002", 2),
        ("email", SAMPLE_STRANGER, 0),
    ] {
        let result = client.post(&path, search(filter_type, value)).await.result();
        assert_eq!(result["elements"].as_array().unwrap().len(), found, "{filter_type} {value}");
        assert!(result.get("skipToken").is_none());
    }
    let found = client.post(&path, search("email", SAMPLE_PERSON)).await.result()["elements"][0].clone();
    assert_eq!(
        (found["phoneNumber"].as_str(), found["externalDataReference"].as_str()),
        (Some(SAMPLE_PHONE), Some(SAMPLE_REFERENCE))
    );
    assert_eq!(found["embeddedData"]["Loyalty tier"], "Gold");
    let both = [search("lastName", "Babbage"), search("email", SAMPLE_TWO_ADDRESSES[1])];
    let both = both.map(|search| search["filter"].clone());
    let result = client.post(&path, json!({ "filter": { "conjunction": "and", "filters": both } })).await.result();
    assert_eq!(result["elements"].as_array().unwrap().len(), 1);
    for invalid in [json!({}), search("shoeSize", "42"), json!({ "filter": { "conjunction": "or", "filters": [] } })] {
        assert_eq!(client.post(&path, invalid).await.status, 400);
    }
}

#[tokio::test]
async fn search_returns_at_most_ten_thousand_contacts() {
    let brand = Brand::sample().directory("POOL_crowd", "Crowd").crowd("POOL_crowd", 10_001, "+12025550199");
    let simulator = Simulator::start(brand, Options::default()).await.unwrap();
    let client = ApiClient::administrator(&simulator).await;
    let (mut found, mut query) = (0, String::new());
    let rejected = loop {
        let path = format!("/directories/POOL_crowd/contacts/search?pageSize=100{query}");
        let page = client.post(&path, search("phone", "+12025550199")).await;
        if page.status != 200 {
            break page;
        }
        let page = page.result();
        found += page["elements"].as_array().unwrap().len();
        let token: String = form_urlencoded::byte_serialize(page["skipToken"].as_str().unwrap().as_bytes()).collect();
        query = format!("&skipToken={token}");
    };
    assert_eq!((found, rejected.status), (10_000, 400));
}

#[tokio::test]
async fn full_last_page_of_a_search_links_to_an_empty_page() {
    let brand = Brand::sample().directory("POOL_crowd", "Crowd").crowd("POOL_crowd", 4, "+12025550199");
    let simulator = Simulator::start(brand, Options::default()).await.unwrap();
    let client = ApiClient::administrator(&simulator).await;
    let path = "/directories/POOL_crowd/contacts/search?pageSize=4";
    let page = client.post(path, search("phone", "+12025550199")).await.result();
    let token: String = form_urlencoded::byte_serialize(page["skipToken"].as_str().unwrap().as_bytes()).collect();
    let next = client.post(&format!("{path}&skipToken={token}"), search("phone", "+12025550199")).await.result();
    assert_eq!((next["elements"].as_array().unwrap().len(), next.get("skipToken")), (0, None));
}

#[tokio::test]
async fn single_contact_has_other_member_names_than_a_search_result() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    let directories = client.get("/directories").await.result();
    assert_eq!(directories["elements"][1]["directoryId"], SAMPLE_PARTNERS);
    let path = format!("/directories/{SAMPLE_CUSTOMERS}/contacts");
    let found = client.post(&format!("{path}/search"), search("email", SAMPLE_PERSON)).await.result();
    let id = found["elements"][0]["id"].as_str().unwrap();
    assert_eq!(id.len(), 19);
    let contact = client.get(&format!("{path}/{id}")).await.result();
    assert_eq!(contact["contactId"], id);
    assert_eq!((contact["phone"].as_str(), contact["extRef"].as_str()), (Some(SAMPLE_PHONE), Some(SAMPLE_REFERENCE)));
    assert!(contact["creationDate"].is_u64() && found["elements"][0]["creationDate"].is_string());
    let history = client.get(&format!("{path}/{id}/history?type=response")).await.result();
    assert_eq!(history["elements"].as_array().unwrap().len(), 3);
    assert_eq!(client.get(&format!("{path}/{id}/history")).await.status, 400);
    assert_eq!(client.get(&format!("{path}/CID_none")).await.status, 404);
    assert!(client.get(&path).await.result()["elements"].as_array().unwrap().len() > 10);
}

#[tokio::test]
async fn search_in_a_lite_directory_is_rejected() {
    let simulator =
        Simulator::start(Brand::sample().lite_directory("POOL_lite", "Lite"), Options::default()).await.unwrap();
    let client = ApiClient::administrator(&simulator).await;
    let path = "/directories/POOL_lite/contacts/search";
    for (dialect, status) in [("lite-directory-400", 400), ("lite-directory-403", 403), ("lite-directory-404", 404)] {
        simulator.set_dialects(Dialects::parse(dialect).unwrap());
        assert_eq!(client.post(path, search("email", SAMPLE_PERSON)).await.status, status);
    }
}
