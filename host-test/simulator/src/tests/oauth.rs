//! Tokens and authorization.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::client::{ApiClient, receive, request_token, sample_simulator, send};
use super::directories::search;
use super::erasures::erase;
use super::*;

#[tokio::test]
async fn administrator_can_request_a_token_and_call_whoami() {
    let simulator = sample_simulator().await;
    let token = request_token(&simulator, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, &SCOPES.join(" ")).await;
    assert_eq!((token.status, token.json()["expires_in"].as_u64()), (200, Some(3600)));
    let who = ApiClient::new(&simulator, &token).get("/whoami").await;
    assert_eq!(who.header("date"), Some("mon, 05 jan 2026 09:00:00 gmt"), "the date is that of the simulator's clock");
    let who = who.result();
    assert_eq!(who["email"], SAMPLE_ADMINISTRATOR);
    assert_eq!(who["accountType"], "UT_BRANDADMIN");
    assert_eq!(who["datacenter"], "fra1");
}

#[tokio::test]
async fn invalid_client_and_scope_that_was_not_granted_have_different_errors() {
    let simulator = sample_simulator().await;
    let invalid = request_token(&simulator, SAMPLE_CLIENT_ID, "guess", "").await;
    assert_eq!((invalid.status, invalid.json()["error"].as_str()), (401, Some("invalid_client")));
    let excessive = request_token(&simulator, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "read:users manage:users").await;
    assert_eq!((excessive.status, excessive.json()["error"].as_str()), (400, Some("invalid_scope")));
    assert!(simulator.calls().iter().all(|call| !call.took_effect));
}

#[tokio::test]
async fn token_has_only_the_requested_scopes() {
    let simulator = sample_simulator().await;
    let token = request_token(&simulator, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "read:directories").await;
    let client = ApiClient::new(&simulator, &token);
    assert_eq!(client.get("/directories").await.status, 200);
    let rejected = client.get("/users").await;
    assert_eq!((rejected.status, rejected.code().as_str()), (403, "AuthZ_2.0"));
}

#[tokio::test]
async fn missing_unknown_expired_and_revoked_tokens_are_rejected() {
    let simulator = sample_simulator().await;
    let missing = receive(send(&simulator, "GET", "/API/v3/whoami", &[], "").await).await;
    assert_eq!((missing.status, missing.code().as_str()), (400, "ATP_2"));
    let unknown = receive(send(&simulator, "GET", "/API/v3/whoami", &[("authorization", "bearer x")], "").await).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (401, "DCD_7"));
    let client = ApiClient::administrator(&simulator).await;
    simulator.advance(Duration::from_secs(3599));
    assert_eq!(client.get("/whoami").await.status, 200);
    simulator.advance(Duration::from_secs(1));
    assert_eq!(client.get("/whoami").await.status, 401);
    let client = ApiClient::administrator(&simulator).await;
    simulator.revoke_tokens();
    assert_eq!(client.get("/whoami").await.status, 401);
}

#[tokio::test]
async fn user_without_administrator_role_can_only_search_contacts() {
    let simulator = sample_simulator().await;
    let token = request_token(&simulator, SAMPLE_STAFF_CLIENT_ID, SAMPLE_STAFF_CLIENT_SECRET, "").await;
    let staff = ApiClient::new(&simulator, &token);
    for path in ["/users", "/op-erase-personal-data", "/customer-data-requests/CDR_none"] {
        assert_eq!(staff.get(path).await.status, 403, "{path}");
    }
    assert_eq!(staff.post("/op-erase-personal-data", erase(&[SAMPLE_PERSON])).await.code(), "AuthZ_2.0");
    let path = format!("/directories/{SAMPLE_CUSTOMERS}/contacts/search");
    assert_eq!(staff.post(&path, search("email", SAMPLE_PERSON)).await.status, 200);
}

#[tokio::test]
async fn wrong_data_centre_rejects_clients_and_tokens() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    simulator.set_wrong_datacenter(true);
    assert_eq!(request_token(&simulator, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await.status, 401);
    assert_eq!(client.get("/whoami").await.code(), "DCD_7");
    simulator.set_dialects(Dialects::parse("wrong-datacenter-at-api").unwrap());
    assert_eq!(ApiClient::administrator(&simulator).await.get("/whoami").await.code(), "DCD_7");
}

#[tokio::test]
async fn token_is_also_issued_below_the_path_of_the_api() {
    let simulator = sample_simulator().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{SAMPLE_STAFF_CLIENT_ID}:{SAMPLE_STAFF_CLIENT_SECRET}")));
    let headers = [("authorization", &*basic), ("content-type", "application/x-www-form-urlencoded")];
    let token = send(&simulator, "POST", "/API/v3/oauth2/token", &headers, "grant_type=client_credentials").await;
    assert_eq!(receive(token).await.json()["token_type"], "Bearer");
}

#[tokio::test]
async fn api_token_has_every_scope_of_its_user() {
    let simulator = sample_simulator().await;
    let call = async |path: &str, token: &str| {
        receive(send(&simulator, "GET", &format!("/API/v3{path}"), &[("x-api-token", token)], "").await).await
    };
    assert_eq!(call("/whoami", SAMPLE_API_TOKEN).await.result()["email"], SAMPLE_ADMINISTRATOR);
    assert_eq!(call("/op-erase-personal-data", SAMPLE_API_TOKEN).await.status, 200);
    let unknown = call("/whoami", "guess").await;
    assert_eq!((unknown.status, unknown.code().as_str()), (401, "DCD_7"));
    simulator.with_brand(|brand| brand.users[0].administrator = false);
    assert_eq!(call("/op-erase-personal-data", SAMPLE_API_TOKEN).await.code(), "AuthZ_2.0");
}

#[tokio::test]
async fn wrong_data_centre_forwards_calls_with_an_api_token() {
    let simulator = sample_simulator().await;
    simulator.set_wrong_datacenter(true);
    let path = "/API/v3/users?pageSize=1";
    let forwarded = receive(send(&simulator, "GET", path, &[("x-api-token", SAMPLE_API_TOKEN)], "").await).await;
    assert!(forwarded.json()["meta"]["notice"].as_str().unwrap().contains("proxied"));
    assert!(forwarded.result()["nextPage"].as_str().unwrap().contains("proxyDepth=1"));
    let own = receive(send(&simulator, "GET", "/API/v3/whoami", &[], "").await).await;
    assert!(own.json()["meta"].get("notice").is_none(), "the notice is that of one call");
}
