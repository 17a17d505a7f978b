use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::caller::{Caller, Reply, receive, send, sign_in, until};
use super::*;

#[test]
fn every_axis_has_one_default_which_comes_first_and_a_choice() {
    let mut axes: BTreeMap<&str, Vec<Dialect>> = BTreeMap::new();
    for dialect in Dialect::all() {
        axes.entry(dialect.axis).or_default().push(dialect);
    }
    assert!(axes.len() > 50);
    for (axis, dialects) in &axes {
        let defaults: Vec<_> = dialects.iter().map(|dialect| dialect.default).collect();
        assert!(defaults.len() >= 2 && defaults[0] && !defaults[1..].contains(&true), "{axis}");
    }
    let usual: Vec<_> =
        Dialect::all().into_iter().filter(|dialect| dialect.default).map(|dialect| dialect.name).collect();
    assert_eq!(Dialects::default().names(), usual);
}

#[test]
fn names_are_unique_and_sentences_are_sentences() {
    let names: BTreeSet<_> = Dialect::all().into_iter().map(|dialect| dialect.name).collect();
    assert_eq!(names.len(), Dialect::all().len());
    for dialect in Dialect::all() {
        assert!(dialect.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{}", dialect.name);
        assert!(dialect.sentence.ends_with('.') && !dialect.sentence.contains('\n'), "{}", dialect.name);
    }
}

#[test]
fn dialects_can_be_written_and_read_again() {
    for dialect in Dialect::all() {
        let read = Dialects::parse(dialect.name).unwrap();
        assert!(read.names().contains(&dialect.name));
        assert_eq!(read.to_string(), if dialect.default { "" } else { dialect.name });
    }
    for seed in 0..50 {
        let drawn = Dialects::random(seed);
        assert_eq!(Dialects::parse(&drawn.to_string()), Ok(drawn.clone()));
        assert_eq!(Dialects::random(seed), drawn);
    }
    assert_ne!(Dialects::random(1), Dialects::random(2));
    assert_eq!(Dialects::parse(" notice-proxied, ,dates-fraction ").unwrap().dates, Dates::Fraction);
}

#[test]
fn names_that_are_unknown_or_contradict_each_other_are_refused() {
    assert_eq!(Dialects::parse("nonsense"), Err(DialectError::Unknown("nonsense".to_owned())));
    let contradiction = DialectError::Contradiction("dates-seconds".to_owned());
    assert_eq!(Dialects::parse("dates-fraction,dates-seconds"), Err(contradiction));
}

/// All that one brand answers to one caller who asks for everything, in good and bad ways.
struct Tour {
    sim: Simulator,
    seen: Vec<String>,
}

impl Tour {
    fn note(&mut self, reply: &Reply) {
        let head: Vec<_> = reply.head.lines().filter(|line| !line.starts_with("content-length")).collect();
        let text = format!("{}\n\n{}", head.join("\n"), String::from_utf8_lossy(&reply.body));
        self.seen.push(text.replace(&self.sim.origin(), "http://simulator"));
    }

    async fn get(&mut self, bearer: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        let headers = [&[("authorization", bearer)], headers].concat();
        let reply = receive(send(&self.sim, "GET", &format!("/API/v3{path}"), &headers, "").await).await;
        self.note(&reply);
        reply
    }

    async fn post(&mut self, bearer: &str, path: &str, body: Value) -> Reply {
        let headers = [("authorization", bearer), ("content-type", "application/json")];
        let path = format!("/API/v3{path}");
        let reply = receive(send(&self.sim, "POST", &path, &headers, &body.to_string()).await).await;
        self.note(&reply);
        reply
    }

    /// Signs in, and returns what stands in `Authorization` afterwards.
    async fn sign_in(&mut self, id: &str, secret: &str, scopes: &str) -> String {
        let reply = sign_in(&self.sim, id, secret, scopes).await;
        self.note(&reply);
        let token = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
        format!("Bearer {}", token["access_token"].as_str().unwrap_or("none"))
    }

    async fn signing_in(&mut self) {
        self.sign_in(SAMPLE_CLIENT_ID, "guess", "").await;
        let greedy =
            self.sign_in(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "read:users manage:erasure_requests no:such").await;
        self.get(&greedy, "/directories", &[]).await;
        let narrow = self.sign_in(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "manage:erasure_requests").await;
        self.get(&narrow, "/whoami", &[]).await;
        self.get(&narrow, "/directories", &[]).await;
        let staff = self.sign_in(SAMPLE_STAFF_CLIENT_ID, SAMPLE_STAFF_CLIENT_SECRET, "").await;
        self.get(&staff, "/op-erase-personal-data", &[]).await;
        self.get(&staff, "/customer-data-requests/CDR_none", &[]).await;
        self.sim.advance(Duration::from_secs(3600));
        self.get(&narrow, "/op-erase-personal-data", &[]).await;
        for _ in 0..8 {
            self.sign_in(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await;
        }
        for _ in 0..3 {
            self.sign_in(SAMPLE_STAFF_CLIENT_ID, SAMPLE_STAFF_CLIENT_SECRET, "").await;
        }
        self.sim.set_wrong_datacenter(true);
        self.sim.advance(Duration::from_secs(60));
        let lost = self.sign_in(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await;
        self.get(&lost, "/whoami", &[]).await;
        self.sim.set_wrong_datacenter(false);
    }

    async fn looking_around(&mut self, bearer: &str) {
        self.get(bearer, "/whoami", &[]).await;
        self.get(bearer, "/users", &[]).await;
        self.get(bearer, "/users/UR_1aGraceAdmin0001", &[]).await;
        self.get(bearer, "/users?pageSize=101", &[]).await;
        self.get(bearer, "/directories", &[]).await;
        let search = json!({ "filter": { "filterType": "email", "comparison": "eq", "value": SAMPLE_PERSON } });
        for directory in [SAMPLE_CUSTOMERS, "POOL_lite"] {
            self.post(bearer, &format!("/directories/{directory}/contacts/search"), search.clone()).await;
        }
        let path = format!("/directories/{SAMPLE_CUSTOMERS}/contacts");
        self.get(bearer, &format!("{path}/CID_000000000000001"), &[]).await;
        self.get(bearer, &format!("{path}/CID_none"), &[]).await;
    }

    async fn erasing(&mut self, bearer: &str) {
        let path = "/op-erase-personal-data";
        let emails: Vec<_> = (0..501).map(|n| format!("{n}@example.org")).collect();
        for body in [
            json!({ "emails": ["ADA.Lovelace@example.com", SAMPLE_RESPONDENT, SAMPLE_STRANGER], "searchOnly": true }),
            json!({ "emails": [SAMPLE_TWO_ADDRESSES[0]] }),
            json!({ "emails": emails, "searchOnly": true }),
        ] {
            self.post(bearer, path, body).await;
        }
        let ids: Vec<_> = self.sim.erasures().iter().rev().take(3).map(|job| job.id.clone()).collect();
        self.sim.set_next_jobs(JobEnd::Fails);
        self.post(bearer, path, json!({ "emails": [SAMPLE_PERSON], "searchOnly": false })).await;
        self.sim.set_next_jobs(JobEnd::Completes);
        for _ in 0..2 {
            self.get(bearer, path, &[]).await;
            for id in &ids {
                self.get(bearer, &format!("{path}/{id}"), &[]).await;
            }
            self.sim.advance(Duration::from_secs(300));
        }
        for _ in 0..21 {
            self.get(bearer, &format!("{path}?pageSize=1"), &[]).await;
        }
    }

    async fn exporting(&mut self, bearer: &str) {
        for body in [
            json!({ "emails": [SAMPLE_PERSON] }),
            json!({ "email": SAMPLE_PERSON }),
            json!({ "emails": [SAMPLE_STRANGER] }),
            json!({ "email": SAMPLE_STRANGER }),
        ] {
            self.post(bearer, "/customer-data-requests", body).await;
        }
        for _ in 0..3 {
            for export in self.sim.exports() {
                let path = format!("/customer-data-requests/{}", export.id);
                self.get(bearer, &path, &[]).await;
                for file in export.files {
                    let path = format!("{path}/files/{}", file.replace(' ', "%20"));
                    self.get(bearer, &path, &[("range", "bytes=1-20"), ("accept", "application/json")]).await;
                }
            }
            self.sim.advance(Duration::from_secs(100));
        }
        self.sim.advance(Duration::from_secs(3600));
        let bearer = &self.sign_in(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await;
        for export in self.sim.exports() {
            for file in export.files {
                let path = format!("/customer-data-requests/{}/files/{}", export.id, file.replace(' ', "%20"));
                self.get(bearer, &path, &[]).await;
            }
        }
    }

    /// Four calls that are never answered, and one more.
    async fn crowding(&mut self, bearer: &str) {
        let silence = FaultRule::first(Endpoint::User, 4, Fault::SilenceAfterEffect);
        self.sim.set_faults(vec![silence]);
        let before = self.sim.calls().len();
        let mut silent = Vec::new();
        for _ in 0..4 {
            let headers = [("authorization", bearer)];
            silent.push(send(&self.sim, "GET", "/API/v3/users/UR_none", &headers, "").await);
        }
        until(|| self.sim.calls().len() == before + 4).await;
        self.get(bearer, "/users/UR_none", &[]).await;
    }
}

/// All that a brand that speaks these dialects says.
async fn said(names: &str) -> Vec<String> {
    let options = Options { dialects: Dialects::parse(names).unwrap(), ..Options::default() };
    let brand = Brand::sample().lite_directory("POOL_lite", "Lite").past_erasures(4);
    let sim = Simulator::start(brand, options).await.unwrap();
    let mut tour = Tour { sim, seen: Vec::new() };
    tour.signing_in().await;
    let bearer = tour.sign_in(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await;
    tour.looking_around(&bearer).await;
    tour.erasing(&bearer).await;
    tour.crowding(&bearer).await;
    tour.sim.advance(Duration::from_secs(60 * 24 * 60 * 60));
    let bearer = tour.sign_in(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await;
    tour.get(&bearer, "/op-erase-personal-data", &[]).await;
    tour.exporting(&bearer).await;
    tour.seen
}

#[tokio::test]
async fn every_dialect_can_be_told_from_the_default_by_what_it_says() {
    let usual = said("").await;
    assert_eq!(usual, said("").await, "the same calls are answered the same");
    for dialect in Dialect::all().into_iter().filter(|dialect| !dialect.default) {
        let told = if dialect.name == "token-scope-reduced" {
            // Only a token that lacks a scope has less of them.
            said("missing-scope-403").await != said("missing-scope-403,token-scope-reduced").await
        } else {
            usual != said(dialect.name).await
        };
        assert!(told, "{}", dialect.name);
    }
}

#[tokio::test]
async fn a_person_can_be_erased_in_whatever_mixture_of_dialects() {
    for seed in 0..40 {
        let dialects = Dialects {
            addresses_done: AddressesDone::All,
            concurrency: Concurrency::Unlimited,
            ..Dialects::random(seed)
        };
        let sim = Simulator::start(Brand::sample(), Options { dialects, ..Options::default() }).await.unwrap();
        let caller = Caller::administrator(&sim).await;
        let body = json!({ "emails": SAMPLE_TWO_ADDRESSES, "searchOnly": false });
        assert_eq!(caller.post("/op-erase-personal-data", body).await.status, 200, "seed {seed}");
        sim.advance(Duration::from_secs(300));
        assert!(SAMPLE_TWO_ADDRESSES.iter().all(|address| sim.holdings(address).is_empty()), "seed {seed}");
    }
}
