//! Dialects.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{ApiClient, Response, receive, request_token, send, wait_until};
use super::*;

#[test]
fn every_axis_has_alternatives_to_its_default_which_is_first() {
    let mut axes: BTreeMap<&str, Vec<Dialect>> = BTreeMap::new();
    for dialect in Dialect::all() {
        axes.entry(dialect.axis).or_default().push(dialect);
    }
    assert!(axes.len() > 50);
    for (axis, dialects) in &axes {
        let defaults: Vec<_> = dialects.iter().map(|dialect| dialect.default).collect();
        assert!(defaults.len() >= 2 && defaults[0] && !defaults[1..].contains(&true), "{axis}");
    }
    let expected: Vec<_> =
        Dialect::all().into_iter().filter(|dialect| dialect.default).map(|dialect| dialect.name).collect();
    assert_eq!(Dialects::default().names(), expected);
}

#[test]
fn names_are_unique_and_descriptions_are_sentences() {
    let names: BTreeSet<_> = Dialect::all().into_iter().map(|dialect| dialect.name).collect();
    assert_eq!(names.len(), Dialect::all().len());
    for dialect in Dialect::all() {
        assert!(dialect.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{}", dialect.name);
        assert!(dialect.sentence.ends_with('.') && !dialect.sentence.contains('\n'), "{}", dialect.name);
    }
}

#[test]
fn formatted_dialects_parse_to_the_same_value() {
    for dialect in Dialect::all() {
        let parsed = Dialects::parse(dialect.name).unwrap();
        assert!(parsed.names().contains(&dialect.name));
        assert_eq!(parsed.to_string(), if dialect.default { "" } else { dialect.name });
    }
    for seed in 0..50 {
        let random = Dialects::random(seed);
        assert_eq!(Dialects::parse(&random.to_string()), Ok(random.clone()));
        assert_eq!(Dialects::random(seed), random);
    }
    assert_ne!(Dialects::random(1), Dialects::random(2));
    assert_eq!(Dialects::parse(" notice-proxied, ,dates-fraction ").unwrap().dates, Dates::Fraction);
}

#[test]
fn unknown_and_contradictory_names_are_rejected() {
    assert_eq!(Dialects::parse("nonsense"), Err(DialectError::Unknown("nonsense".to_owned())));
    let contradiction = DialectError::Contradiction("dates-seconds".to_owned());
    assert_eq!(Dialects::parse("dates-fraction,dates-seconds"), Err(contradiction));
}

/// A fixed sequence of calls to every endpoint, valid and invalid, and the responses to them.
struct Tour {
    simulator: Simulator,
    responses: Vec<String>,
}

impl Tour {
    fn record(&mut self, response: &Response) {
        let head: Vec<_> = response.head.lines().filter(|line| !line.starts_with("content-length")).collect();
        let text = format!("{}\n\n{}", head.join("\n"), String::from_utf8_lossy(&response.body));
        self.responses.push(text.replace(&self.simulator.origin(), "http://simulator"));
    }

    async fn get(&mut self, bearer: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let headers = [&[("authorization", bearer)], headers].concat();
        let response = receive(send(&self.simulator, "GET", &format!("/API/v3{path}"), &headers, "").await).await;
        self.record(&response);
        response
    }

    async fn post(&mut self, bearer: &str, path: &str, body: Value) -> Response {
        self.send_json("POST", bearer, path, &body).await
    }

    async fn put(&mut self, bearer: &str, path: &str, body: Value) -> Response {
        self.send_json("PUT", bearer, path, &body).await
    }

    async fn send_json(&mut self, method: &str, bearer: &str, path: &str, body: &Value) -> Response {
        let headers = [("authorization", bearer), ("content-type", "application/json")];
        let path = format!("/API/v3{path}");
        let response = receive(send(&self.simulator, method, &path, &headers, &body.to_string()).await).await;
        self.record(&response);
        response
    }

    /// Requests a token. Returns the value of `Authorization` for it.
    async fn authorize(&mut self, id: &str, secret: &str, scopes: &str) -> String {
        let response = request_token(&self.simulator, id, secret, scopes).await;
        self.record(&response);
        let token = serde_json::from_slice::<Value>(&response.body).unwrap_or_default();
        format!("Bearer {}", token["access_token"].as_str().unwrap_or("none"))
    }

    /// Tokens, scopes and roles.
    async fn authorizations(&mut self) {
        self.authorize(SAMPLE_CLIENT_ID, "guess", "").await;
        let excessive =
            self.authorize(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "read:users manage:erasure_requests no:such").await;
        self.get(&excessive, "/directories", &[]).await;
        let narrow = self.authorize(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "manage:erasure_requests").await;
        self.get(&narrow, "/whoami", &[]).await;
        self.get(&narrow, "/directories", &[]).await;
        let staff = self.authorize(SAMPLE_STAFF_CLIENT_ID, SAMPLE_STAFF_CLIENT_SECRET, "").await;
        self.get(&staff, "/op-erase-personal-data", &[]).await;
        self.get(&staff, "/customer-data-requests/CDR_none", &[]).await;
        self.simulator.advance(Duration::from_secs(3600));
        self.get(&narrow, "/op-erase-personal-data", &[]).await;
        for _ in 0..8 {
            self.authorize(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await;
        }
        for _ in 0..3 {
            self.authorize(SAMPLE_STAFF_CLIENT_ID, SAMPLE_STAFF_CLIENT_SECRET, "").await;
        }
        self.simulator.set_wrong_datacenter(true);
        self.simulator.advance(Duration::from_secs(60));
        let misplaced = self.authorize(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await;
        self.get(&misplaced, "/whoami", &[]).await;
        self.simulator.set_wrong_datacenter(false);
    }

    /// Users, directories and contacts.
    async fn reads(&mut self, bearer: &str) {
        self.get(bearer, "/whoami", &[]).await;
        self.get(bearer, "/users", &[]).await;
        self.get(bearer, "/users/UR_1aGraceAdmin0001", &[]).await;
        self.get(bearer, "/users?pageSize=101", &[]).await;
        self.get(bearer, "/directories", &[]).await;
        for address in [SAMPLE_PERSON, &SAMPLE_PERSON.to_uppercase(), &SAMPLE_PERSON.replace('@', "+tag@")] {
            let search = json!({ "filter": { "filterType": "email", "comparison": "eq", "value": address } });
            for directory in [SAMPLE_CUSTOMERS, "POOL_lite"] {
                self.post(bearer, &format!("/directories/{directory}/contacts/search"), search.clone()).await;
            }
        }
        let path = format!("/directories/{SAMPLE_CUSTOMERS}/contacts");
        self.get(bearer, &format!("{path}/CID_000000000000001"), &[]).await;
        self.get(bearer, &format!("{path}/CID_none"), &[]).await;
        for kind in ["email", "response"] {
            self.get(bearer, &format!("{path}/CID_000000000000001/history?type={kind}"), &[]).await;
        }
    }

    /// A contact that is updated, and another one with its address.
    async fn contact_writes(&mut self) {
        let bearer = self.authorize(SAMPLE_WRITER_CLIENT_ID, SAMPLE_WRITER_CLIENT_SECRET, "").await;
        let path = format!("/directories/{SAMPLE_CUSTOMERS}/contacts");
        let new = json!({ "email": "new@example.org", "phone": "+12025550177" });
        let created = self.post(&bearer, &path, new.clone()).await;
        let created = serde_json::from_slice::<Value>(&created.body).unwrap_or_default();
        let id = created["result"]["id"].as_str().unwrap_or("none");
        self.post(&bearer, &path, new).await;
        for change in [json!({ "firstName": "New" }), json!({ "unsubscribed": true })] {
            self.put(&bearer, &format!("{path}/{id}"), change).await;
        }
        self.get(&bearer, &format!("{path}/{id}"), &[]).await;
    }

    async fn erasures(&mut self, bearer: &str) {
        let path = "/op-erase-personal-data";
        let emails: Vec<_> = (0..501).map(|n| format!("{n}@example.org")).collect();
        for body in [
            json!({ "emails": ["ADA.Lovelace@example.com", SAMPLE_RESPONDENT, SAMPLE_STRANGER], "searchOnly": true }),
            json!({ "emails": [SAMPLE_TWO_ADDRESSES[0]] }),
            json!({ "emails": emails, "searchOnly": true }),
        ] {
            self.post(bearer, path, body).await;
        }
        let ids: Vec<_> = self.simulator.erasures().iter().rev().take(3).map(|job| job.id.clone()).collect();
        self.simulator.set_next_jobs(JobEnd::Fails);
        self.post(bearer, path, json!({ "emails": [SAMPLE_PERSON], "searchOnly": false })).await;
        self.simulator.set_next_jobs(JobEnd::Completes);
        for _ in 0..2 {
            self.get(bearer, path, &[]).await;
            for id in &ids {
                self.get(bearer, &format!("{path}/{id}"), &[]).await;
            }
            self.simulator.advance(Duration::from_secs(300));
        }
        for _ in 0..21 {
            self.get(bearer, &format!("{path}?pageSize=1"), &[]).await;
        }
    }

    async fn customer_data_requests(&mut self, bearer: &str) {
        for body in [
            json!({ "emails": [SAMPLE_PERSON] }),
            json!({ "emails": [SAMPLE_PERSON.to_uppercase()] }),
            json!({ "email": SAMPLE_PERSON }),
            json!({ "emails": [SAMPLE_STRANGER] }),
            json!({ "email": SAMPLE_STRANGER }),
        ] {
            self.post(bearer, "/customer-data-requests", body).await;
        }
        for _ in 0..3 {
            for export in self.simulator.exports() {
                let path = format!("/customer-data-requests/{}", export.id);
                self.get(bearer, &path, &[]).await;
                for file in export.files {
                    let path = format!("{path}/files/{}", file.replace(' ', "%20"));
                    self.get(bearer, &path, &[("range", "bytes=1-20"), ("accept", "application/json")]).await;
                }
            }
            self.simulator.advance(Duration::from_secs(100));
        }
        self.simulator.advance(Duration::from_secs(3600));
        let bearer = &self.authorize(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await;
        for export in self.simulator.exports() {
            for file in export.files {
                let path = format!("/customer-data-requests/{}/files/{}", export.id, file.replace(' ', "%20"));
                self.get(bearer, &path, &[]).await;
            }
        }
    }

    /// Four calls without responses, and a fifth.
    async fn concurrent_calls(&mut self, bearer: &str) {
        let silence = FaultRule::first(Endpoint::User, 4, Fault::SilenceAfterEffect);
        self.simulator.set_faults(vec![silence]);
        let before = self.simulator.calls().len();
        let mut silent = Vec::new();
        for _ in 0..4 {
            let headers = [("authorization", bearer)];
            silent.push(send(&self.simulator, "GET", "/API/v3/users/UR_none", &headers, "").await);
        }
        wait_until(|| self.simulator.calls().len() == before + 4).await;
        self.get(bearer, "/users/UR_none", &[]).await;
    }
}

/// The responses of a brand with these dialects to the calls of a tour.
async fn responses(names: &str) -> Vec<String> {
    let options = Options { dialects: Dialects::parse(names).unwrap(), ..Options::default() };
    let brand = Brand::sample().lite_directory("POOL_lite", "Lite").past_erasures(4);
    let simulator = Simulator::start(brand, options).await.unwrap();
    let mut tour = Tour { simulator, responses: Vec::new() };
    tour.authorizations().await;
    let bearer = tour.authorize(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await;
    tour.reads(&bearer).await;
    tour.contact_writes().await;
    tour.erasures(&bearer).await;
    tour.concurrent_calls(&bearer).await;
    tour.simulator.advance(Duration::from_secs(60 * 24 * 60 * 60));
    let bearer = tour.authorize(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await;
    tour.get(&bearer, "/op-erase-personal-data", &[]).await;
    tour.customer_data_requests(&bearer).await;
    tour.responses
}

#[tokio::test]
async fn every_dialect_has_other_responses_than_the_default() {
    let default = responses("").await;
    assert_eq!(default, responses("").await, "the same calls have the same responses");
    for dialect in Dialect::all().into_iter().filter(|dialect| !dialect.default) {
        let differs = if dialect.name == "token-scope-reduced" {
            // The response differs only if a requested scope is missing.
            responses("missing-scope-403").await != responses("missing-scope-403,token-scope-reduced").await
        } else {
            default != responses(dialect.name).await
        };
        assert!(differs, "{}", dialect.name);
    }
}

#[tokio::test]
async fn person_can_be_erased_in_random_dialects() {
    for seed in 0..40 {
        let dialects = Dialects {
            addresses_done: AddressesDone::All,
            concurrency: Concurrency::Unlimited,
            ..Dialects::random(seed)
        };
        let simulator = Simulator::start(Brand::sample(), Options { dialects, ..Options::default() }).await.unwrap();
        let client = ApiClient::administrator(&simulator).await;
        let body = json!({ "emails": SAMPLE_TWO_ADDRESSES, "searchOnly": false });
        assert_eq!(client.post("/op-erase-personal-data", body).await.status, 200, "seed {seed}");
        simulator.advance(Duration::from_secs(300));
        assert!(SAMPLE_TWO_ADDRESSES.iter().all(|address| simulator.holdings(address).is_empty()), "seed {seed}");
    }
}
