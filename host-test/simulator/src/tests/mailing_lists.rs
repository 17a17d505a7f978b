//! Mailing lists, their contacts, and transactions.

use serde_json::{Value, json};

use super::client::{ApiClient, sample_simulator};
use super::contacts::{CONTACTS, create, writer};
use super::*;

const LISTS: &str = "/directories/POOL_2aCustomers0001/mailinglists";
const TRANSACTIONS: &str = "/directories/POOL_2aCustomers0001/transactions";

/// Creates a mailing list. Returns its path.
async fn create_list(client: &ApiClient<'_>, name: &str) -> String {
    let id = client.post(LISTS, json!({ "name": name })).await.result()["id"].as_str().unwrap().to_owned();
    assert_eq!((id.len(), id.starts_with("CG_")), (18, true));
    format!("{LISTS}/{id}")
}

async fn elements(client: &ApiClient<'_>, path: &str) -> Vec<Value> {
    client.get(path).await.result()["elements"].as_array().unwrap().clone()
}

#[tokio::test]
async fn mailing_lists_are_created_renamed_counted_and_deleted() {
    let simulator = sample_simulator().await;
    let client = writer(&simulator).await;
    let path = create_list(&client, "Spring").await;
    let list = client.get(&path).await.result();
    assert_eq!((list["name"].as_str(), list["contactCount"].as_u64()), (Some("Spring"), Some(0)));
    assert_eq!(list["ownerId"], "UR_1aGraceAdmin0001");
    assert_eq!(client.put(&path, json!({ "name": "Summer", "ownerId": "UR_2bLinusStaff0002" })).await.status, 200);
    assert_eq!(client.put(&path, json!({ "ownerId": "UR_none" })).await.status, 400);
    let owned = elements(&client, &format!("{LISTS}?ownerId=UR_2bLinusStaff0002")).await;
    assert_eq!((owned.len(), owned[0]["name"].as_str()), (1, Some("Summer")));
    assert_eq!(client.post(LISTS, json!({})).await.status, 400);
    let id = create(&client, json!({ "email": "new@example.org" })).await;
    client.post(&format!("{path}/contacts"), json!({ "email": "new@example.org" })).await.result();
    assert_eq!(client.get(&path).await.result()["contactCount"], 1);
    assert_eq!(client.delete(&path).await.status, 200);
    assert_eq!(client.get(&path).await.status, 404);
    let contact = client.get(&format!("{CONTACTS}/{id}")).await.result();
    assert_eq!(contact["mailingListMembership"], json!({}), "the contact outlives the list");
    simulator.with_brand(|brand| {
        let contact = brand.directories[0].contacts.iter().find(|contact| contact.id == id);
        assert!(contact.unwrap().memberships.is_empty());
    });
}

#[tokio::test]
async fn contact_of_a_list_is_a_contact_of_the_directory() {
    let simulator = sample_simulator().await;
    let client = writer(&simulator).await;
    let path = create_list(&client, "Spring").await;
    let created = client.post(&format!("{path}/contacts"), json!({ "email": SAMPLE_PERSON, "lastName": "King" })).await;
    let created = created.result();
    assert_eq!(created["id"], "CID_000000000000001", "the person is in the directory already");
    let lookup = created["contactLookupId"].as_str().unwrap();
    let listed = elements(&client, &format!("{path}/contacts")).await;
    assert_eq!((listed.len(), listed[0]["contactLookupId"].as_str()), (1, Some(lookup)));
    for id in ["CID_000000000000001", lookup] {
        let contact = client.get(&format!("{path}/contacts/{id}")).await.result();
        assert_eq!(
            (contact["lastName"].as_str(), contact["mailingListUnsubscribed"].as_bool()),
            (Some("King"), Some(false))
        );
    }
    let contact = client.get(&format!("{CONTACTS}/CID_000000000000001")).await.result();
    assert_eq!(contact["mailingListMembership"].as_object().unwrap().len(), 2);
    assert_eq!(client.delete(&format!("{path}/contacts/{lookup}")).await.status, 200);
    assert_eq!(client.get(&format!("{path}/contacts/{lookup}")).await.status, 404);
    assert_eq!(client.get(&format!("{CONTACTS}/CID_000000000000001")).await.status, 200);
}

#[tokio::test]
async fn opt_out_of_a_list_is_not_one_of_the_directory() {
    let simulator = sample_simulator().await;
    let client = writer(&simulator).await;
    let path = format!("{LISTS}/CG_000000000000001");
    let member = format!("{path}/contacts/CID_000000000000001");
    assert_eq!(client.put(&member, json!({ "unsubscribed": true })).await.status, 200);
    assert_eq!(elements(&client, &format!("{path}/optedOutContacts")).await[0]["contactId"], "CID_000000000000001");
    assert_eq!(elements(&client, &format!("{CONTACTS}/optedOutContacts")).await.len(), 0);
    let contact = client.get(&format!("{CONTACTS}/CID_000000000000001")).await.result();
    assert_eq!(contact["directoryUnsubscribed"], false);
    assert_eq!(contact["mailingListMembership"]["CG_000000000000001"]["unsubscribed"], true);
}

#[tokio::test]
async fn page_of_the_contacts_of_a_list_has_fifty_at_most() {
    let brand = Brand::sample().directory("POOL_crowd", "Crowd").crowd("POOL_crowd", 60, "+12025550199");
    let simulator = Simulator::start(brand, Options::default()).await.unwrap();
    let client = writer(&simulator).await;
    let lists = elements(&client, "/directories/POOL_crowd/mailinglists").await;
    let list = lists[0]["mailingListId"].as_str().unwrap();
    let path = format!("/directories/POOL_crowd/mailinglists/{list}/contacts?pageSize=100");
    let page = client.get(&path).await.result();
    assert_eq!(page["elements"].as_array().unwrap().len(), 50);
    let next = page["nextPage"].as_str().unwrap().split_once("/API/v3").unwrap().1.to_owned();
    assert_eq!(elements(&client, &next).await.len(), 10);
}

#[tokio::test]
async fn transactions_are_created_changed_and_end_with_their_contact() {
    let simulator = sample_simulator().await;
    let client = writer(&simulator).await;
    let new = |contact: &str| {
        json!({ "contactId": contact, "mailingListId": "CG_000000000000001", "transactionDate": "2026-01-04 10:00:00",
                "data": { "Total": 12.5 } })
    };
    let body = json!({ "good": new("CID_000000000000001"), "bad": new("CID_none") });
    let created = client.post(TRANSACTIONS, body).await.result();
    assert!(created["unprocessedTransactions"]["bad"]["error"].is_string());
    let id = created["createdTransactions"]["good"]["id"].as_str().unwrap();
    let path = format!("{TRANSACTIONS}/{id}");
    assert_eq!(client.post(&path, json!({ "data": { "Store": "3" } })).await.status, 200);
    let transaction = client.get(&path).await.result();
    assert_eq!(transaction["transactionDate"], "2026-01-04T10:00:00Z");
    assert_eq!(transaction["data"], json!({ "Total": "12.5", "Store": "3" }));
    let update = json!({ "data": { "Total": "1" }, "transactionDate": "2026-01-05T10:00:00Z" });
    assert_eq!(client.put(&path, update).await.status, 200);
    assert_eq!(client.put(&path, json!({ "data": [], "transactionDate": 1 })).await.status, 400);
    let of_contact = elements(&client, &format!("{CONTACTS}/CID_000000000000001/transactions")).await;
    assert_eq!((of_contact.len(), &of_contact[0]["data"]), (1, &json!({ "Total": "1" })));
    assert_eq!(client.delete(&format!("{CONTACTS}/CID_000000000000001")).await.status, 200);
    assert_eq!(client.get(&path).await.status, 404);
}

#[tokio::test]
async fn import_creates_and_updates_contacts_and_its_report_forgets_erased_ones() {
    let simulator = sample_simulator().await;
    let client = writer(&simulator).await;
    let list = format!("{LISTS}/CG_000000000000001");
    let imports = format!("{list}/transactioncontacts");
    let contacts = json!([{ "email": "new@example.org" }, { "email": SAMPLE_PERSON, "phone": "1" }, { "email": 1 }]);
    let submitted = client.post(&format!("{imports}/"), json!({ "contacts": contacts })).await;
    assert_eq!((submitted.status, submitted.json()["meta"]["httpStatus"].as_str()), (202, Some("202 - Accepted")));
    let submitted = submitted.json()["result"].clone();
    assert_eq!(submitted["contacts"]["unprocessed"], json!([2]));
    let path = format!("{imports}/{}", submitted["id"].as_str().unwrap());
    assert_eq!(submitted["tracking"]["url"], format!("{}/API/v3{path}", simulator.origin()));
    let progress = client.get(&path).await.result();
    assert_eq!(progress["contacts"]["count"], json!({ "added": 1, "updated": 1, "failed": 1 }));
    assert_eq!(progress["status"], "complete");
    let report = format!(
        "/directories/{SAMPLE_CUSTOMERS}/imports/api-imports/jobs/{}/report",
        submitted["id"].as_str().unwrap()
    );
    let entries = client.get(&report).await.json()["results"]["importReportEntries"].clone();
    assert_eq!((entries[0]["email"].as_str(), entries[1]["phone"].as_str()), (Some("new@example.org"), Some("1")));
    let member = format!("{list}/contacts/{}", entries[0]["contactListContactId"].as_str().unwrap());
    assert_eq!(client.get(&member).await.result()["contactId"], entries[0]["contactId"]);
    simulator.with_brand(|brand| brand.directories[0].contacts.clear());
    assert_eq!(client.get(&report).await.json()["results"]["importReportEntries"][0]["email"], Value::Null);
    assert_eq!(client.get(&format!("{imports}/IMP_none")).await.status, 404);
    assert_eq!(client.post(&imports, json!({ "contacts": [] })).await.status, 400);
}
