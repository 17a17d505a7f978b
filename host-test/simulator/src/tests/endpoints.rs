use std::time::Duration;

use serde_json::{Value, json};

use super::caller::{Caller, gunzip, receive, sample, send, sign_in, speaking};
use super::*;

const FIVE_MINUTES: Duration = Duration::from_secs(300);

fn erase(emails: &[&str]) -> Value {
    json!({ "emails": emails, "searchOnly": false })
}

fn search(filter_type: &str, value: &str) -> Value {
    json!({ "filter": { "filterType": filter_type, "comparison": "eq", "value": value } })
}

#[tokio::test]
async fn an_administrator_signs_in_and_asks_who_it_is() {
    let sim = sample().await;
    let token = sign_in(&sim, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, &SCOPES.join(" ")).await;
    assert_eq!((token.status, token.json()["expires_in"].as_u64()), (200, Some(3600)));
    let who = Caller::of(&sim, &token).get("/whoami").await;
    assert_eq!(who.header("date"), Some("mon, 05 jan 2026 09:00:00 gmt"), "the date is of the simulator's clock");
    let who = who.result();
    assert_eq!(who["email"], SAMPLE_ADMINISTRATOR);
    assert_eq!(who["accountType"], "UT_BRANDADMIN");
    assert_eq!(who["datacenter"], "fra1");
}

#[tokio::test]
async fn a_bad_client_and_a_scope_that_was_not_granted_are_told_apart() {
    let sim = sample().await;
    let bad = sign_in(&sim, SAMPLE_CLIENT_ID, "guess", "").await;
    assert_eq!((bad.status, bad.json()["error"].as_str()), (401, Some("invalid_client")));
    let greedy = sign_in(&sim, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "read:users manage:users").await;
    assert_eq!((greedy.status, greedy.json()["error"].as_str()), (400, Some("invalid_scope")));
    assert!(sim.calls().iter().all(|call| !call.took_effect));
}

#[tokio::test]
async fn a_token_has_the_scopes_that_were_asked_for_and_no_others() {
    let sim = sample().await;
    let token = sign_in(&sim, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "read:directories").await;
    let caller = Caller::of(&sim, &token);
    assert_eq!(caller.get("/directories").await.status, 200);
    let refused = caller.get("/users").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "AuthZ_2.0"));
}

#[tokio::test]
async fn credentials_that_are_absent_unknown_or_expired_are_refused() {
    let sim = sample().await;
    let absent = receive(send(&sim, "GET", "/API/v3/whoami", &[], "").await).await;
    assert_eq!((absent.status, absent.code().as_str()), (400, "ATP_2"));
    let unknown = receive(send(&sim, "GET", "/API/v3/whoami", &[("authorization", "bearer x")], "").await).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (401, "DCD_7"));
    let caller = Caller::administrator(&sim).await;
    sim.advance(Duration::from_secs(3599));
    assert_eq!(caller.get("/whoami").await.status, 200);
    sim.advance(Duration::from_secs(1));
    assert_eq!(caller.get("/whoami").await.status, 401);
    let caller = Caller::administrator(&sim).await;
    sim.revoke_tokens();
    assert_eq!(caller.get("/whoami").await.status, 401);
}

#[tokio::test]
async fn who_is_no_administrator_may_search_contacts_and_nothing_more() {
    let sim = sample().await;
    let token = sign_in(&sim, SAMPLE_STAFF_CLIENT_ID, SAMPLE_STAFF_CLIENT_SECRET, "").await;
    let staff = Caller::of(&sim, &token);
    for path in ["/users", "/op-erase-personal-data", "/customer-data-requests/CDR_none"] {
        assert_eq!(staff.get(path).await.status, 403, "{path}");
    }
    assert_eq!(staff.post("/op-erase-personal-data", erase(&[SAMPLE_PERSON])).await.code(), "AuthZ_2.0");
    let path = format!("/directories/{SAMPLE_CUSTOMERS}/contacts/search");
    assert_eq!(staff.post(&path, search("email", SAMPLE_PERSON)).await.status, 200);
}

#[tokio::test]
async fn the_wrong_data_centre_knows_nobody() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    sim.set_wrong_datacenter(true);
    assert_eq!(sign_in(&sim, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await.status, 401);
    assert_eq!(caller.get("/whoami").await.code(), "DCD_7");
    sim.set_dialects(Dialects::parse("wrong-datacenter-at-api").unwrap());
    assert_eq!(Caller::administrator(&sim).await.get("/whoami").await.code(), "DCD_7");
}

#[tokio::test]
async fn users_come_in_pages_of_a_hundred() {
    let sim = Simulator::start(Brand::sample().staff(250), Options::default()).await.unwrap();
    let caller = Caller::administrator(&sim).await;
    let (mut path, mut emails) = ("/users".to_owned(), Vec::new());
    loop {
        let page = caller.get(&path).await.result();
        let elements = page["elements"].as_array().unwrap();
        assert!(elements.len() <= 100);
        emails.extend(elements.iter().map(|user| user["email"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextPage"].as_str() else { break };
        path = next.strip_prefix(&format!("{}/API/v3", sim.origin())).unwrap().to_owned();
    }
    assert_eq!(emails.len(), 254);
    assert_eq!(emails.last().unwrap(), "staff-00250@example.org");
    let user = caller.get("/users/UR_2bLinusStaff0002").await.result();
    assert_eq!((user["username"].as_str(), user["userType"].as_str()), (Some(SAMPLE_STAFF), Some("UT_FULLUSER")));
    assert_eq!(caller.get("/users/UR_none").await.status, 404);
}

#[tokio::test]
async fn a_search_compares_without_regard_to_case_and_outer_blanks() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    let path = format!("/directories/{SAMPLE_CUSTOMERS}/contacts/search?includeEmbedded=true");
    for (filter_type, value, found) in [
        ("email", " Ada.Lovelace@EXAMPLE.com ", 1),
        ("firstName", "ada", 1),
        ("lastName", "BABBAGE", 2),
        ("phone", SAMPLE_SHARED_PHONE, 2),
        ("extRef", "cust-0002", 2),
        ("email", SAMPLE_STRANGER, 0),
    ] {
        let result = caller.post(&path, search(filter_type, value)).await.result();
        assert_eq!(result["elements"].as_array().unwrap().len(), found, "{filter_type} {value}");
        assert!(result.get("skipToken").is_none());
    }
    let found = caller.post(&path, search("email", SAMPLE_PERSON)).await.result()["elements"][0].clone();
    assert_eq!(
        (found["phoneNumber"].as_str(), found["externalDataReference"].as_str()),
        (Some(SAMPLE_PHONE), Some(SAMPLE_REFERENCE))
    );
    assert_eq!(found["embeddedData"]["Loyalty tier"], "Gold");
    let both = [search("lastName", "Babbage"), search("email", SAMPLE_TWO_ADDRESSES[1])];
    let both = both.map(|search| search["filter"].clone());
    let result = caller.post(&path, json!({ "filter": { "conjunction": "and", "filters": both } })).await.result();
    assert_eq!(result["elements"].as_array().unwrap().len(), 1);
    for unusable in [json!({}), search("shoeSize", "42"), json!({ "filter": { "conjunction": "or", "filters": [] } })] {
        assert_eq!(caller.post(&path, unusable).await.status, 400);
    }
}

#[tokio::test]
async fn a_search_pages_by_its_skip_token_and_no_deeper_than_ten_thousand() {
    let brand = Brand::sample().directory("POOL_crowd", "Crowd").crowd("POOL_crowd", 10_001, "+12025550199");
    let sim = Simulator::start(brand, Options::default()).await.unwrap();
    let caller = Caller::administrator(&sim).await;
    let (mut found, mut query) = (0, String::new());
    let refused = loop {
        let path = format!("/directories/POOL_crowd/contacts/search?pageSize=100{query}");
        let page = caller.post(&path, search("phone", "+12025550199")).await;
        if page.status != 200 {
            break page;
        }
        let page = page.result();
        found += page["elements"].as_array().unwrap().len();
        let token: String = form_urlencoded::byte_serialize(page["skipToken"].as_str().unwrap().as_bytes()).collect();
        query = format!("&skipToken={token}");
    };
    assert_eq!((found, refused.status), (10_000, 400));
}

#[tokio::test]
async fn a_last_page_that_is_full_has_a_token_that_leads_to_nothing() {
    let brand = Brand::sample().directory("POOL_crowd", "Crowd").crowd("POOL_crowd", 4, "+12025550199");
    let sim = Simulator::start(brand, Options::default()).await.unwrap();
    let caller = Caller::administrator(&sim).await;
    let path = "/directories/POOL_crowd/contacts/search?pageSize=4";
    let page = caller.post(path, search("phone", "+12025550199")).await.result();
    let token: String = form_urlencoded::byte_serialize(page["skipToken"].as_str().unwrap().as_bytes()).collect();
    let next = caller.post(&format!("{path}&skipToken={token}"), search("phone", "+12025550199")).await.result();
    assert_eq!((next["elements"].as_array().unwrap().len(), next.get("skipToken")), (0, None));
}

#[tokio::test]
async fn a_single_contact_spells_its_members_differently() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    let directories = caller.get("/directories").await.result();
    assert_eq!(directories["elements"][1]["directoryId"], SAMPLE_PARTNERS);
    let path = format!("/directories/{SAMPLE_CUSTOMERS}/contacts");
    let found = caller.post(&format!("{path}/search"), search("email", SAMPLE_PERSON)).await.result();
    let id = found["elements"][0]["id"].as_str().unwrap();
    assert_eq!(id.len(), 19);
    let contact = caller.get(&format!("{path}/{id}")).await.result();
    assert_eq!(contact["contactId"], id);
    assert_eq!((contact["phone"].as_str(), contact["extRef"].as_str()), (Some(SAMPLE_PHONE), Some(SAMPLE_REFERENCE)));
    assert!(contact["creationDate"].is_u64() && found["elements"][0]["creationDate"].is_string());
    let history = caller.get(&format!("{path}/{id}/history?type=response")).await.result();
    assert_eq!(history["elements"].as_array().unwrap().len(), 3);
    assert_eq!(caller.get(&format!("{path}/{id}/history")).await.status, 400);
    assert_eq!(caller.get(&format!("{path}/CID_none")).await.status, 404);
    assert!(caller.get(&path).await.result()["elements"].as_array().unwrap().len() > 10);
}

#[tokio::test]
async fn a_lite_directory_cannot_be_searched() {
    let sim = Simulator::start(Brand::sample().lite_directory("POOL_lite", "Lite"), Options::default()).await.unwrap();
    let caller = Caller::administrator(&sim).await;
    let path = "/directories/POOL_lite/contacts/search";
    for (dialect, status) in [("lite-directory-400", 400), ("lite-directory-403", 403), ("lite-directory-404", 404)] {
        sim.set_dialects(Dialects::parse(dialect).unwrap());
        assert_eq!(caller.post(path, search("email", SAMPLE_PERSON)).await.status, status);
    }
}

#[tokio::test]
async fn an_erasure_removes_a_person_everywhere_when_it_completes_and_not_before() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    let taken = caller.post("/op-erase-personal-data", erase(&[SAMPLE_STAFF_CONTACT, SAMPLE_STRANGER])).await.result();
    let id = taken["requestId"].as_str().unwrap();
    assert_eq!(taken["created"], "2026-01-05T09:00:00Z");
    let path = format!("/op-erase-personal-data/{id}");
    assert_eq!(caller.get(&path).await.status, 404);
    let listed = caller.get("/op-erase-personal-data").await.result()["elements"][0].clone();
    assert_eq!((listed["requestid"].as_str(), listed["status"].as_str()), (Some(id), Some("Pending")));
    sim.advance(FIVE_MINUTES - Duration::from_secs(1));
    assert_eq!(sim.holdings(SAMPLE_STAFF_CONTACT), Holdings { contacts: 2, responses: 1, users: 1 });
    sim.advance(Duration::from_secs(1));
    assert!(sim.holdings(SAMPLE_STAFF_CONTACT).is_empty());
    assert!(!sim.holdings(SAMPLE_PERSON).is_empty());
    let done = caller.get(&path).await.result();
    assert_eq!((done["status"].as_str(), done["updated"].as_str()), (Some("Completed"), Some("2026-01-05T09:05:00Z")));
    assert_eq!(done["emailsNotFound"], json!([SAMPLE_STRANGER]));
    assert_eq!(sim.erasures().last().unwrap().found, Holdings { contacts: 2, responses: 1, users: 1 });
}

#[tokio::test]
async fn a_search_erases_nothing() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    let body = json!({ "emails": [SAMPLE_PERSON], "searchOnly": true });
    caller.post("/op-erase-personal-data", body).await.result();
    sim.advance(FIVE_MINUTES);
    let job = sim.erasures().pop().unwrap();
    assert_eq!((job.status, job.found.responses, job.found.contacts), (JobStatus::Completed, 3, 2));
    assert_eq!(sim.holdings(SAMPLE_PERSON).contacts, 2);
}

#[tokio::test]
async fn jobs_can_fail_or_never_end() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    for end in [JobEnd::Fails, JobEnd::NeverEnds] {
        sim.set_next_jobs(end);
        caller.post("/op-erase-personal-data", erase(&[SAMPLE_PERSON])).await.result();
        caller.post("/customer-data-requests", json!({ "emails": [SAMPLE_PERSON] })).await.result();
    }
    sim.advance(Duration::from_secs(3000));
    let [.., failed, endless] = &sim.erasures()[..] else { panic!() };
    assert_eq!((failed.status, endless.status), (JobStatus::Failed, JobStatus::Pending));
    let exports: Vec<_> = sim.exports().iter().map(|export| export.status).collect();
    assert_eq!(exports, [JobStatus::Failed, JobStatus::Pending]);
    assert_eq!(sim.holdings(SAMPLE_PERSON).contacts, 2);
    let listed = caller.get("/op-erase-personal-data").await.result()["elements"][1].clone();
    assert_eq!(listed["status"], "Failed");
    assert!(listed["failureReason"].as_str().unwrap().contains(MESSAGE_CANARY));
    sim.forget_jobs();
    assert_eq!(caller.get("/op-erase-personal-data").await.result()["elements"], json!([]));
}

#[tokio::test]
async fn whoever_erases_the_account_that_acts_locks_itself_out() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    caller.post("/op-erase-personal-data", erase(&[SAMPLE_ADMINISTRATOR])).await.result();
    sim.advance(FIVE_MINUTES);
    assert_eq!(caller.get("/whoami").await.status, 401);
    assert_eq!(sign_in(&sim, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await.status, 401);
}

#[tokio::test]
async fn twenty_thousand_old_erasures_are_listed_newest_first() {
    let brand = Brand::sample().past_erasures(20_000);
    let sim = Simulator::start(brand, Options { rate_limits: false, ..Options::default() }).await.unwrap();
    let caller = Caller::administrator(&sim).await;
    let (mut path, mut created) = ("/op-erase-personal-data?pageSize=100".to_owned(), Vec::new());
    loop {
        let page = caller.get(&path).await.result();
        let elements = page["elements"].as_array().unwrap();
        created.extend(elements.iter().map(|job| job["created"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextPage"].as_str() else { break };
        path = next.strip_prefix(&format!("{}/API/v3", sim.origin())).unwrap().to_owned();
    }
    assert_eq!(created.len(), 20_000);
    assert!(created.is_sorted_by(|newer, older| newer > older));
}

#[tokio::test]
async fn the_twenty_first_look_at_an_erasure_within_a_minute_is_one_too_many() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    for _ in 0..20 {
        assert_eq!(caller.get("/op-erase-personal-data").await.status, 200);
    }
    let refused = caller.get("/op-erase-personal-data").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("3")));
    assert_eq!(caller.get("/op-erase-personal-data/OP-x").await.status, 404, "each operation has its own limit");
    sim.advance(Duration::from_secs(3));
    assert_eq!(caller.get("/op-erase-personal-data").await.status, 200);
    assert_eq!(caller.get("/op-erase-personal-data").await.status, 429);
    assert_eq!(sim.ratelimited_count(), 2);
    sim.set_rate_limits(false);
    assert_eq!(caller.get("/op-erase-personal-data").await.status, 200);
}

/// Takes a customer data request to its end, and fetches all its files.
async fn exported(sim: &Simulator, emails: &[&str]) -> Vec<Vec<u8>> {
    let caller = Caller::administrator(sim).await;
    caller.post("/customer-data-requests", json!({ "emails": emails })).await.result();
    sim.advance(Duration::from_secs(180));
    let export = sim.exports().pop().unwrap();
    let mut files = Vec::new();
    for file in &export.files {
        let reply =
            caller.get(&format!("/customer-data-requests/{}/files/{}", export.id, file.replace(' ', "%20"))).await;
        assert_eq!((reply.status, reply.complete), (200, true));
        files.push(reply.body);
    }
    files
}

#[tokio::test]
async fn a_customer_data_request_ends_with_a_file_of_the_responses_under_these_addresses() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    let body = json!({ "emails": [SAMPLE_PERSON, SAMPLE_TWO_ADDRESSES[0]] });
    let id = caller.post("/customer-data-requests", body).await.result()["customerDataRequestId"].clone();
    let path = format!("/customer-data-requests/{}", id.as_str().unwrap());
    sim.advance(Duration::from_secs(90));
    let half = json!({ "status": "inProgress", "percentComplete": 50, "fileId": null });
    assert_eq!(caller.get(&path).await.result(), half);
    sim.advance(Duration::from_secs(90));
    let done = caller.get(&path).await.result();
    assert_eq!((done["status"].as_str(), done["percentComplete"].as_u64()), (Some("complete"), Some(100)));
    let file = caller.get(&format!("{path}/files/{}", done["fileId"].as_str().unwrap())).await;
    assert_eq!(file.header("content-type"), Some("application/json"));
    assert_eq!(file.json().as_array().unwrap().len(), 4);
    assert_eq!(file.body, sim.expected_export(&[SAMPLE_PERSON, SAMPLE_TWO_ADDRESSES[0]])[0].content.to_vec());
    assert_eq!(caller.get(&format!("{path}/files/none")).await.status, 404);
    assert_eq!(caller.get("/customer-data-requests/CDR_none").await.status, 404);
    assert_eq!(caller.post("/customer-data-requests", json!({ "email": SAMPLE_PERSON })).await.status, 400);
}

#[tokio::test]
async fn every_format_holds_the_same_responses() {
    let csv = exported(&speaking("file-format-csv").await, &[SAMPLE_PERSON]).await.remove(0);
    assert_eq!(String::from_utf8(csv).unwrap().matches(SAMPLE_PERSON).count(), 6, "three responses of two answers");
    let lines = exported(&speaking("file-format-ndjson").await, &[SAMPLE_PERSON]).await.remove(0);
    let lines = String::from_utf8(lines).unwrap();
    assert_eq!(lines.lines().count(), 3);
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).unwrap().is_object()));
    let plain = exported(&speaking("file-format-octet-stream").await, &[SAMPLE_PERSON]).await.remove(0);
    assert_eq!(serde_json::from_slice::<Value>(&plain).unwrap().as_array().unwrap().len(), 3);
    assert_eq!(gunzip(&exported(&speaking("file-format-gzip").await, &[SAMPLE_PERSON]).await[0]), plain);
    let zip = exported(&speaking("file-format-zip").await, &[SAMPLE_PERSON]).await.remove(0);
    assert_eq!(unzip(&zip), plain);
    let several = exported(&speaking("file-count-several,file-ids-files-name").await, &[SAMPLE_PERSON]).await;
    assert_eq!(several.len(), 3);
    assert!(several.iter().all(|file| serde_json::from_slice::<Value>(file).unwrap().as_array().unwrap().len() == 1));
}

/// What an archive of one stored file holds, read the way an unpacker does: from its end.
fn unzip(zip: &[u8]) -> Vec<u8> {
    let number = |at: usize| u32::from_le_bytes(zip[at..at + 4].try_into().unwrap()) as usize;
    let end = zip.len() - 22;
    assert_eq!(&zip[end..end + 4], b"PK\x05\x06");
    let central = number(end + 16);
    assert_eq!((&zip[central..central + 4], central + number(end + 12)), (&b"PK\x01\x02"[..], end));
    let local = number(central + 42);
    assert_eq!(&zip[local..local + 4], b"PK\x03\x04");
    let name = usize::from(zip[local + 26]);
    assert_eq!(&zip[local + 30..local + 30 + name], b"responses.json");
    let data = &zip[local + 30 + name..local + 30 + name + number(local + 18)];
    let mut crc = flate2::Crc::new();
    crc.update(data);
    assert_eq!((crc.sum() as usize, number(local + 14)), (number(central + 16), number(central + 16)));
    data.to_vec()
}

#[tokio::test]
async fn a_person_without_data_has_no_file_or_an_empty_one() {
    let sim = sample().await;
    assert!(exported(&sim, &[SAMPLE_STRANGER]).await.is_empty());
    assert!(exported(&sim, &[SAMPLE_TYPED_ADDRESS]).await.is_empty(), "what was typed in is not found");
    sim.set_dialects(Dialects::parse("no-data-empty-file").unwrap());
    assert_eq!(exported(&sim, &[SAMPLE_STRANGER]).await, [b"[]"]);
}

#[tokio::test]
async fn a_large_file_streams_and_each_of_its_bytes_can_be_told_again() {
    const SIZE: u64 = 3_000_000;
    let person = Person::new("Much", "Data").email("much@example.org").export_bytes(SIZE);
    for format in ["json", "ndjson", "csv", "zip", "gzip"] {
        let dialects = Dialects::parse(&format!("file-format-{format}")).unwrap();
        let brand = Brand::sample().person(&person, &[]);
        let sim = Simulator::start(brand, Options { dialects, ..Options::default() }).await.unwrap();
        let file = exported(&sim, &["much@example.org"]).await.remove(0);
        let expected = sim.expected_export(&["Much@example.org"]).remove(0).content;
        assert!(expected.len() >= SIZE && expected.len() < SIZE + 1000, "{format}");
        assert_eq!(file.len() as u64, expected.len());
        for at in (0..expected.len()).step_by(99_991) {
            let some = expected.read(at, 300);
            assert_eq!(&file[at as usize..at as usize + some.len()], &some, "{format} at {at}");
        }
        match format {
            "json" => assert!(serde_json::from_slice::<Value>(&file).unwrap().as_array().unwrap().len() > 20_000),
            "gzip" => assert!(serde_json::from_slice::<Value>(&gunzip(&file)).unwrap().is_array()),
            "zip" => assert!(serde_json::from_slice::<Value>(&unzip(&file)).unwrap().is_array()),
            _ => assert!(
                String::from_utf8(file).unwrap().lines().all(|line| line.contains("R_") || line == "responseId")
            ),
        }
    }
}

#[tokio::test]
async fn a_huge_file_is_told_at_any_offset_without_being_made() {
    let person = Person::new("Much", "Data").email("much@example.org").export_bytes(1 << 40);
    let sim = Simulator::start(Brand::sample().person(&person, &[]), Options::default()).await.unwrap();
    let file = sim.expected_export(&["much@example.org"]).remove(0).content;
    assert!(file.len() >= 1 << 40);
    assert!(file.read(0, 30).starts_with(b"[{\"responseId\":\"R_000000000000"));
    assert_eq!(file.read(1 + 128 * 1_000_000_000, 30), "{\"responseId\":\"R_001000000000.");
    assert!(file.read(file.len() - 3, 100).ends_with(b"\"}]"));
}

#[tokio::test]
async fn ranges_are_honoured_only_in_their_dialect() {
    let sim = sample().await;
    let whole = exported(&sim, &[SAMPLE_PERSON]).await.remove(0);
    let caller = Caller::administrator(&sim).await;
    let export = sim.exports().pop().unwrap();
    let path = format!("/customer-data-requests/{}/files/{}", export.id, export.files[0]);
    let ignored = caller.get_with(&path, &[("range", "bytes=10-19")]).await;
    assert_eq!((ignored.status, &ignored.body), (200, &whole));
    sim.set_dialects(Dialects::parse("file-ranges").unwrap());
    let len = whole.len();
    for (range, part) in [("bytes=10-19", 10..20), ("bytes=100-", 100..len), ("bytes=-5", len - 5..len)] {
        let reply = caller.get_with(&path, &[("range", range)]).await;
        assert_eq!((reply.status, &reply.body[..]), (206, &whole[part.clone()]));
        let said = format!("bytes {}-{}/{len}", part.start, part.end - 1);
        assert_eq!(reply.header("content-range"), Some(&*said));
    }
    assert_eq!(caller.get_with(&path, &[("range", &*format!("bytes={len}-"))]).await.status, 416);
    sim.set_dialects(Dialects::parse("file-transfer-chunked").unwrap());
    let chunked = caller.get(&path).await;
    assert_eq!((chunked.header("content-length"), chunked.complete, &chunked.body), (None, true, &whole));
}

#[tokio::test]
async fn calls_are_recorded_without_showing_what_was_sent() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    sim.clear_calls();
    caller.post("/op-erase-personal-data", erase(&[SAMPLE_PERSON])).await.result();
    assert_eq!(caller.get("/nothing?x=1").await.status, 404);
    let calls = sim.calls();
    let seen: Vec<_> = calls.iter().map(|call| (call.number, call.endpoint, call.status, call.took_effect)).collect();
    assert_eq!(seen, [(2, Endpoint::ErasureCreate, Some(200), true), (3, Endpoint::Unknown, Some(404), false)]);
    assert_eq!((calls[1].path.as_str(), calls[1].query.as_str()), ("/API/v3/nothing", "x=1"));
    assert_eq!(calls[0].body.0["emails"][0], SAMPLE_PERSON);
    assert!(!format!("{calls:?}").contains(SAMPLE_PERSON));
}

#[tokio::test]
async fn the_brand_can_change_while_it_is_served() {
    let sim = sample().await;
    sim.with_brand(|brand| brand.clients[0].scopes.retain(|scope| scope != "read:users"));
    let refused = sign_in(&sim, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, &SCOPES.join(" ")).await;
    assert_eq!(refused.json()["error"], "invalid_scope");
    sim.with_brand(|brand| {
        *brand = std::mem::take(brand).person(&Person::new("New", "One").email("n@example.org"), &[SAMPLE_PARTNERS])
    });
    assert_eq!(sim.holdings("N@example.org").contacts, 1);
}

#[tokio::test]
async fn a_simulator_that_is_dropped_no_longer_listens() {
    let sim = sample().await;
    let address = sim.origin().strip_prefix("http://").unwrap().to_owned();
    drop(sim);
    for _ in 0..10_000 {
        if tokio::net::TcpStream::connect(&address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it still listens");
}
