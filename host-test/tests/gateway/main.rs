//! The composed file as callers see it: over sockets, against a simulated brand.

mod service;

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use host_test::simulator::{
    Brand, Endpoint, Fault, FaultRule, Person, SAMPLE_ADMINISTRATOR, SAMPLE_PERSON, SAMPLE_STRANGER, WaitHint,
};
use serde_json::{Value, json};
use service::{Answer, Service, about};

const BIG_READER: &str = "many.answers@example.org";

#[tokio::test]
async fn the_gateway_describes_itself_and_the_connector() {
    let service = Service::new().await;
    let openapi = service.get("/openapi.json").await.value();
    assert_eq!(openapi["openapi"], "3.1.0");
    let manifest = service.get("/manifest").await;
    assert_eq!((manifest.status, manifest.header("cache-control")), (200, Some("no-store")));
    assert_eq!(manifest.value()["name"], "qualtrics");
    assert_eq!(service.simulator.calls().len(), 0);
}

#[tokio::test]
async fn a_connection_is_tested() {
    let service = Service::new().await;
    let connection = service.post("/checks", json!({ "rights": ["access", "deletion"] })).await;
    assert_eq!((connection.status, &connection.value()["region"]), (200, &json!("fra1")));
    assert_eq!(connection.value()["granted"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_deletion_is_followed_until_it_is_verified() {
    let service = Service::new().await;
    assert!(!service.simulator.holdings(SAMPLE_PERSON).is_empty());
    let request = about(SAMPLE_PERSON);
    let preview = service.post("/deletions", json!({ "request": request, "mode": "preview" })).await;
    assert_eq!(service.follow(&request, preview).await["outcome"], "previewed");

    let begun = service.post("/deletions", json!({ "request": request, "mode": "erase-and-verify" })).await;
    assert_eq!((begun.status, &begun.value()["pending"]["stage"]), (202, &json!("erasing")));
    let report = service.follow(&request, begun).await;
    assert_eq!(report["outcome"], "verified");
    assert_eq!(report["receipt"]["request-key"], "dsr-1");
    assert!(service.simulator.holdings(SAMPLE_PERSON).is_empty());
    assert_eq!(service.calls_of(Endpoint::Token), 1, "an instance that is used again signs in once");
}

#[tokio::test]
async fn what_is_held_on_a_person_comes_in_documents() {
    let service = Service::new().await;
    let request = about(SAMPLE_PERSON);
    let begun = service.post("/accesses", json!({ "request": request })).await;
    let report = service.follow(&request, begun).await;
    assert_eq!(report["outcome"], "found");
    let (mut inline, mut remote) = (0, 0);
    for document in report["documents"].as_array().unwrap() {
        let size = document["size"].as_u64();
        let bytes = if let Some(text) = document["content"]["inline"].as_str() {
            inline += 1;
            STANDARD.decode(text).unwrap()
        } else {
            remote += 1;
            let reference = document["content"]["remote"].as_str().unwrap();
            let answer = service.get(&format!("/documents/{reference}")).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/octet-stream")));
            assert!(answer.whole);
            let expected = service.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content;
            assert!(answer.body == expected.to_vec());
            answer.body
        };
        assert!(size.is_none_or(|size| size == bytes.len() as u64), "{document}");
    }
    assert!(inline > 0 && remote > 0, "{inline} and {remote}");
}

#[tokio::test]
async fn nobody_without_the_token_is_served() {
    let service = Service::new().await;
    let json = ("content-type", "application/json");
    let deletion = json!({ "request": about(SAMPLE_PERSON), "mode": "erase" }).to_string();
    for headers in [&[json][..], &[json, ("authorization", "Bearer another")]] {
        let answer = service.call_as("POST", "/deletions", headers, deletion.as_bytes()).await;
        assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()));
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
        assert_eq!(service.call_as("GET", "/openapi.json", headers, b"").await.status, 401);
    }
    assert_eq!(service.simulator.calls().len(), 0);
}

#[tokio::test]
async fn a_gateway_that_is_not_set_up_serves_nobody() {
    for digest in ["", "no digest"] {
        let service = Service::of(Brand::sample(), "", &[("GATEWAY_TOKEN_SHA256", digest)]).await;
        for target in ["/openapi.json", "/manifest", "/nowhere"] {
            assert_eq!(service.get(target).await.problem(), (503, "gateway-not-configured".to_owned()));
        }
        assert_eq!(service.simulator.calls().len(), 0);
    }
}

#[tokio::test]
async fn a_setting_that_is_wrong_is_named_by_its_variable_and_its_value_is_not() {
    let variables =
        [("CONNECTOR_CLIENT_ID", ""), ("CONNECTOR_VERIFY_WINDOW", "hunter2"), ("CONNECTOR_COLOUR", "hunter3")];
    let service = Service::of(Brand::sample(), "", &variables).await;
    let answer = service.post("/checks", json!({ "rights": [] })).await;
    assert_eq!(answer.problem(), (503, "invalid-settings".to_owned()));
    let value = answer.value();
    let mut subjects: Vec<_> = value["problems"].as_array().unwrap().iter().map(|one| &one["subject"]).collect();
    subjects.sort_by_key(|subject| subject.to_string());
    assert_eq!(subjects, ["CONNECTOR_CLIENT_ID", "CONNECTOR_COLOUR", "CONNECTOR_VERIFY_WINDOW"]);
    assert!(!value.to_string().contains("hunter"), "{value}");
    assert_eq!(service.get("/manifest").await.status, 200);
}

#[tokio::test]
async fn every_kind_of_error_has_its_status() {
    let service = Service::of(Brand::sample(), "erasure-lag-20-s", &[]).await;
    let erase = |request: Value| service.post("/deletions", json!({ "request": request, "mode": "erase" }));
    let faulty = |endpoint, fault| service.simulator.set_faults(vec![FaultRule::every(endpoint, fault)]);
    let known = about(SAMPLE_PERSON);

    let answer = erase(json!({ "key": "no key!", "subject": [] })).await;
    assert_eq!(answer.problem(), (422, "invalid-request".to_owned()));
    assert_eq!(answer.value()["problems"][0]["code"], "request");

    faulty(Endpoint::Users, Fault::Status(429, WaitHint::Seconds(50)));
    let answer = erase(known.clone()).await;
    assert_eq!(answer.problem(), (429, "rate-limited".to_owned()));
    assert_eq!((answer.header("retry-after"), &answer.value()["remedy"]), (Some("50"), &json!({ "retry": 50_000 })));

    faulty(Endpoint::Users, Fault::Status(503, WaitHint::Seconds(40)));
    let answer = erase(known.clone()).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.value()["http-status"], 503);

    faulty(Endpoint::Users, Fault::Status(403, WaitHint::None));
    let answer = erase(known.clone()).await;
    assert_eq!(answer.problem(), (502, "forbidden".to_owned()));
    assert_eq!((answer.header("retry-after"), &answer.value()["remedy"]), (None, &json!("operator")));

    faulty(Endpoint::Users, Fault::Html);
    assert_eq!(erase(known.clone()).await.problem(), (502, "protocol".to_owned()));

    service.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetAfterEffect)]);
    let answer = erase(known.clone()).await;
    assert_eq!(answer.problem(), (504, "outcome-unknown".to_owned()));
    assert!(answer.header("retry-after").is_some());

    service.simulator.set_faults(Vec::new());
    assert_eq!(service.get("/documents/r1.damaged").await.problem(), (404, "invalid-ticket".to_owned()));
    let tasks = json!({ "tasks": [{ "request": known, "ticket": "t1.damaged" }] });
    let answer = service.post("/polls", tasks).await;
    assert_eq!((answer.status, &answer.value()[0]["error"]["kind"]), (200, &json!("invalid-ticket")));

    let begun = service.post("/deletions", json!({ "request": about(SAMPLE_STRANGER), "mode": "erase" })).await;
    assert_eq!(begun.status, 202);
    let refused = erase(about(SAMPLE_ADMINISTRATOR)).await;
    assert_eq!((refused.status, &refused.value()["done"]["outcome"]), (200, &json!("refused")), "no error at all");
}

#[tokio::test]
async fn credentials_that_the_vendor_refuses_are_no_matter_of_the_callers() {
    let service = Service::of(Brand::sample(), "", &[("CONNECTOR_CLIENT_SECRET", "wrong")]).await;
    let answer = service.post("/checks", json!({ "rights": ["access"] })).await;
    assert_eq!(answer.problem(), (502, "unauthorized".to_owned()));
}

#[tokio::test]
async fn an_erasure_whose_answer_was_lost_is_adopted_and_not_repeated() {
    let service = Service::of(Brand::sample(), "erasure-lag-20-s", &[]).await;
    service.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetAfterEffect)]);
    let mut request = about(SAMPLE_PERSON);
    let first_attempt_at = service.simulator.clock().since_epoch().as_secs();
    let lost = service.post("/deletions", json!({ "request": request, "mode": "erase" })).await;
    assert_eq!(lost.problem(), (504, "outcome-unknown".to_owned()));
    let seconds = lost.header("retry-after").unwrap().parse().unwrap();
    service.simulator.advance(Duration::from_secs(seconds));
    request["first-attempt-at"] = first_attempt_at.into();
    let begun = service.post("/deletions", json!({ "request": request, "mode": "erase" })).await;
    assert_eq!(service.follow(&request, begun).await["outcome"], "erased");
    assert_eq!(service.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_before_anything_is_done() {
    let service = Service::new().await;
    let json = ("content-type", "application/json");
    let typo = json!({ "request": about(SAMPLE_PERSON), "mode": "preview", "moed": "erase" }).to_string();
    let answer = service.call("POST", "/deletions", &[json], typo.as_bytes()).await;
    assert_eq!(answer.problem(), (400, "malformed-request".to_owned()));
    let large = vec![b' '; (1 << 20) + 1];
    let answer = service.call("POST", "/deletions", &[json], &large).await;
    assert_eq!(answer.problem(), (413, "body-too-large".to_owned()));
    let no_right = br#"{"rights": []}"#.as_slice();
    let full = [no_right, &large[no_right.len() + 1..]].concat();
    let answer = service.call("POST", "/checks", &[json], &full).await;
    assert_eq!(answer.problem(), (422, "invalid-request".to_owned()), "1 MiB is read");
    let answer = service.call("POST", "/deletions", &[("content-type", "text/plain")], b"{}").await;
    assert_eq!(answer.problem(), (415, "unsupported-media-type".to_owned()));
    let answer = service.call("DELETE", "/deletions", &[], b"").await;
    assert_eq!((answer.problem().0, answer.header("allow")), (405, Some("POST")));
    assert_eq!(service.get("/").await.problem(), (404, "not-found".to_owned()));
    assert_eq!(service.simulator.calls().len(), 0);
}

/// A brand whose export for [`BIG_READER`] is this long, and the reference of that.
async fn exported(dialects: &str, bytes: u64) -> (Service, String) {
    let person = Person::new("Many", "Answers").email(BIG_READER).export_bytes(bytes);
    let service = Service::of(Brand::sample().person(&person, &[]), dialects, &[]).await;
    let request = about(BIG_READER);
    let begun = service.post("/accesses", json!({ "request": request })).await;
    let report = service.follow(&request, begun).await;
    let reference = report["documents"][0]["content"]["remote"].as_str().expect("a remote document").to_owned();
    (service, reference)
}

fn expected(service: &Service) -> Vec<u8> {
    service.simulator.expected_export(&[BIG_READER]).remove(0).content.to_vec()
}

#[tokio::test]
async fn a_document_of_64_mib_passes_through_8_mib_of_memory() {
    let (service, reference) = exported("", 64 << 20).await;
    let answer = service.get(&format!("/documents/{reference}")).await;
    assert_eq!((answer.status, answer.header("transfer-encoding")), (200, Some("chunked")));
    let expected = expected(&service);
    assert!(expected.len() >= 64 << 20);
    assert!(answer.whole && answer.body == expected, "{} bytes", answer.body.len());
    assert_eq!(service.calls_of(Endpoint::ExportFile), 1, "with the look at what it is");
}

#[tokio::test]
async fn a_document_is_read_from_any_offset_and_in_ranges() {
    for dialects in ["file-transfer-chunked", "file-transfer-length,file-ranges"] {
        let (service, reference) = exported(dialects, 200_000).await;
        let expected = expected(&service);
        let size = expected.len();
        let target = format!("/documents/{reference}");
        for offset in [0, 1, 65_536, size - 1, size] {
            let answer = service.get(&format!("{target}?offset={offset}")).await;
            assert!(answer.whole && answer.body == expected[offset..], "from {offset}: {}", answer.body.len());
        }
        let answer = service.get(&format!("{target}?size={size}")).await;
        assert_eq!(answer.header("content-length"), Some(size.to_string().as_str()));
        assert!(answer.whole && answer.body == expected);
        let range = |range: &'static str| {
            let target = format!("{target}?size={size}");
            let service = &service;
            async move { service.call("GET", &target, &[("range", range)], b"").await }
        };
        let answer = range("bytes=100000-").await;
        assert_eq!(answer.header("content-range"), Some(format!("bytes 100000-{}/{size}", size - 1).as_str()));
        assert!(answer.status == 206 && answer.whole && answer.body == expected[100_000..]);
        let answer = range("bytes=5-9").await;
        assert!(answer.status == 206 && answer.whole && answer.body == expected[5..10]);
        assert_eq!(range("bytes=900000-").await.problem(), (416, "range-not-satisfiable".to_owned()));
        assert_eq!(service.get(&format!("{target}?offset=-1")).await.problem().0, 400);
        assert_eq!(service.get(&format!("{target}?offset={}", size + 1)).await.problem().0, 422);
    }
}

#[tokio::test]
async fn a_document_that_breaks_off_never_looks_whole_and_is_gone_on_with() {
    for dialects in ["file-transfer-chunked", "file-transfer-length", "file-transfer-length,file-ranges"] {
        let (service, reference) = exported(dialects, 300_000).await;
        let expected = expected(&service);
        let target = format!("/documents/{reference}");
        // The connection that is kept of the look at the file is spent.
        assert!(service.get(&target).await.whole);
        for size in [String::new(), format!("?size={}", expected.len())] {
            service.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::HalfAnswer)]);
            let answer = service.get(&format!("{target}{size}")).await;
            assert_eq!(answer.status, 200);
            let came = answer.body.len();
            assert!(!answer.whole && came > 0 && came < expected.len(), "{dialects}{size}: {came} bytes");
            assert!(answer.body == expected[..came]);
            service.simulator.set_faults(Vec::new());
            let rest = service.get(&format!("{target}?offset={came}")).await;
            assert!(rest.whole && rest.body == expected[came..], "{dialects}{size}: from {came}");
        }
    }
}

#[tokio::test]
async fn a_document_that_cannot_be_opened_is_a_problem() {
    let (service, reference) = exported("", 100_000).await;
    let target = format!("/documents/{reference}");
    assert!(service.get(&target).await.whole);
    let status = async |status, wait| -> Answer {
        let fault = Fault::Status(status, wait);
        service.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, fault)]);
        service.get(&target).await
    };
    let answer = status(429, WaitHint::Seconds(50)).await;
    assert_eq!((answer.problem().0, answer.header("retry-after")), (429, Some("50")));
    assert_eq!(status(503, WaitHint::None).await.problem(), (503, "unavailable".to_owned()));
    let answer = status(404, WaitHint::None).await;
    assert_eq!(answer.problem(), (410, "unknown-job".to_owned()));
    assert_eq!(answer.value()["remedy"], "restart");
}
