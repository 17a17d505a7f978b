//! Erasure jobs.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{ApiClient, request_token, sample_simulator};
use super::*;

const FIVE_MINUTES: Duration = Duration::from_secs(300);

pub(super) fn erase(emails: &[&str]) -> Value {
    json!({ "emails": emails, "searchOnly": false })
}

#[tokio::test]
async fn erasure_removes_all_data_of_a_person_when_it_completes() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    let submitted =
        client.post("/op-erase-personal-data", erase(&[SAMPLE_STAFF_CONTACT, SAMPLE_STRANGER])).await.result();
    let id = submitted["requestId"].as_str().unwrap();
    assert_eq!(submitted["created"], "2026-01-05T09:00:00Z");
    let path = format!("/op-erase-personal-data/{id}");
    assert_eq!(client.get(&path).await.status, 404);
    let listed = client.get("/op-erase-personal-data").await.result()["elements"][0].clone();
    assert_eq!((listed["requestid"].as_str(), listed["status"].as_str()), (Some(id), Some("Pending")));
    simulator.advance(FIVE_MINUTES - Duration::from_secs(1));
    assert_eq!(
        simulator.holdings(SAMPLE_STAFF_CONTACT),
        Holdings { contacts: 2, opted_out: 0, responses: 1, users: 1 }
    );
    simulator.advance(Duration::from_secs(1));
    assert!(simulator.holdings(SAMPLE_STAFF_CONTACT).is_empty());
    assert!(!simulator.holdings(SAMPLE_PERSON).is_empty());
    let done = client.get(&path).await.result();
    assert_eq!((done["status"].as_str(), done["updated"].as_str()), (Some("Completed"), Some("2026-01-05T09:05:00Z")));
    assert_eq!(done["emailsNotFound"], json!([SAMPLE_STRANGER]));
    assert_eq!(
        simulator.erasures().last().unwrap().found,
        Holdings { contacts: 2, opted_out: 0, responses: 1, users: 1 }
    );
}

#[tokio::test]
async fn search_only_job_erases_nothing() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    let body = json!({ "emails": [SAMPLE_PERSON], "searchOnly": true });
    client.post("/op-erase-personal-data", body).await.result();
    simulator.advance(FIVE_MINUTES);
    let job = simulator.erasures().pop().unwrap();
    assert_eq!((job.status, job.found.responses, job.found.contacts), (JobStatus::Completed, 3, 2));
    assert_eq!(simulator.holdings(SAMPLE_PERSON).contacts, 2);
}

#[tokio::test]
async fn jobs_can_fail_or_never_end() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    for end in [JobEnd::Fails, JobEnd::NeverEnds] {
        simulator.set_next_jobs(end);
        client.post("/op-erase-personal-data", erase(&[SAMPLE_PERSON])).await.result();
        client.post("/customer-data-requests", json!({ "emails": [SAMPLE_PERSON] })).await.result();
    }
    simulator.advance(Duration::from_secs(3000));
    let [.., failed, endless] = &simulator.erasures()[..] else { panic!("two jobs were submitted") };
    assert_eq!((failed.status, endless.status), (JobStatus::Failed, JobStatus::Pending));
    let exports: Vec<_> = simulator.exports().iter().map(|export| export.status).collect();
    assert_eq!(exports, [JobStatus::Failed, JobStatus::Pending]);
    assert_eq!(simulator.holdings(SAMPLE_PERSON).contacts, 2);
    let listed = client.get("/op-erase-personal-data").await.result()["elements"][1].clone();
    assert_eq!(listed["status"], "Failed");
    assert!(listed["failureReason"].as_str().unwrap().contains(MESSAGE_CANARY));
    simulator.forget_jobs();
    assert_eq!(client.get("/op-erase-personal-data").await.result()["elements"], json!([]));
}

#[tokio::test]
async fn erasing_the_user_of_the_client_revokes_its_access() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    client.post("/op-erase-personal-data", erase(&[SAMPLE_ADMINISTRATOR])).await.result();
    simulator.advance(FIVE_MINUTES);
    assert_eq!(client.get("/whoami").await.status, 401);
    assert_eq!(request_token(&simulator, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await.status, 401);
}

#[tokio::test]
async fn twenty_thousand_past_erasures_are_listed_newest_first() {
    let brand = Brand::sample().past_erasures(20_000);
    let simulator = Simulator::start(brand, Options { rate_limits: false, ..Options::default() }).await.unwrap();
    let client = ApiClient::administrator(&simulator).await;
    let (mut path, mut created) = ("/op-erase-personal-data?pageSize=100".to_owned(), Vec::new());
    loop {
        let page = client.get(&path).await.result();
        let elements = page["elements"].as_array().unwrap();
        created.extend(elements.iter().map(|job| job["created"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextPage"].as_str() else { break };
        path = next.strip_prefix(&format!("{}/API/v3", simulator.origin())).unwrap().to_owned();
    }
    assert_eq!(created.len(), 20_000);
    assert!(created.is_sorted_by(|newer, older| newer > older));
}
