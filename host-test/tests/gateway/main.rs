//! The composed gateway component serves HTTP over sockets and calls the simulator.

mod service;

use base64::{Engine, engine::general_purpose::STANDARD};
use qualtrics_simulator::{Brand, Endpoint, Fault, FaultRule, Person, SAMPLE_PERSON, WaitHint};
use serde_json::json;
use service::{Service, request_for};

const LONG_EXPORT: &str = "many.answers@example.org";

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
async fn a_check_reports_the_region_and_the_granted_scopes() {
    let service = Service::new().await;
    let connection = service.post("/checks", json!({ "rights": ["access", "deletion"] })).await;
    assert_eq!((connection.status, &connection.value()["region"]), (200, &json!("fra1")));
    assert_eq!(connection.value()["granted"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_deletion_is_polled_until_it_is_verified() {
    let service = Service::new().await;
    assert!(!service.simulator.holdings(SAMPLE_PERSON).is_empty());
    let request = request_for(SAMPLE_PERSON);
    assert_eq!(service.delete(&request, "preview").await["outcome"], "previewed");

    let started = service.post("/deletions", json!({ "requests": [request], "mode": "erase-and-verify" })).await;
    assert_eq!(started.progress()["pending"]["stage"], "deleting");
    let report = service.follow(&request, started).await;
    assert_eq!(report["outcome"], "verified");
    assert_eq!(report["receipt"]["request-id"], "dsr-1");
    assert!(service.simulator.holdings(SAMPLE_PERSON).is_empty());
    assert_eq!(service.calls_of(Endpoint::Token), 1, "a reused instance authenticates once");
}

#[tokio::test]
async fn an_access_request_returns_documents() {
    let service = Service::new().await;
    let request = request_for(SAMPLE_PERSON);
    let report = service.access(&request).await;
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
            let response = service.get(&format!("/documents/{reference}")).await;
            assert_eq!((response.status, response.header("content-type")), (200, Some("application/octet-stream")));
            assert!(response.is_complete);
            let expected = service.simulator.expected_export(&[SAMPLE_PERSON]).remove(0).content;
            assert!(response.body == expected.to_vec());
            response.body
        };
        assert!(size.is_none_or(|size| size == bytes.len() as u64), "{document}");
    }
    assert!(inline > 0 && remote > 0, "{inline} and {remote}");
}

#[tokio::test]
async fn requests_without_the_token_are_rejected() {
    let service = Service::new().await;
    let json = ("content-type", "application/json");
    let deletion = json!({ "requests": [request_for(SAMPLE_PERSON)], "mode": "erase" }).to_string();
    for headers in [&[json][..], &[json, ("authorization", "Bearer another")]] {
        let response = service.call_as("POST", "/deletions", headers, deletion.as_bytes()).await;
        assert_eq!(response.problem(), (401, "unauthenticated".to_owned()));
        assert!(response.header("www-authenticate").unwrap().starts_with("Bearer"));
        assert_eq!(service.call_as("GET", "/openapi.json", headers, b"").await.status, 401);
    }
    assert_eq!(service.simulator.calls().len(), 0);
}

#[tokio::test]
async fn errors_of_a_call_are_error_responses() {
    let service = Service::new().await;
    assert_eq!(service.get("/documents/r1.damaged").await.problem(), (404, "invalid-ticket".to_owned()));
    let check = async |fault| {
        service.simulator.set_faults(vec![FaultRule::every(Endpoint::Token, fault)]);
        service.post("/checks", json!({ "rights": ["access"] })).await
    };
    let response = check(Fault::Status(429, WaitHint::Seconds(50))).await;
    assert_eq!(response.problem(), (429, "rate-limited".to_owned()));
    assert_eq!(
        (response.header("retry-after"), &response.value()["remedy"]),
        (Some("50"), &json!({ "retry": 50_000 }))
    );
    let response = check(Fault::Status(503, WaitHint::Seconds(40))).await;
    assert_eq!(response.problem(), (503, "unavailable".to_owned()));
    assert!(response.header("retry-after").is_some());
    service.simulator.set_faults(Vec::new());
    let response = service.post("/checks", json!({ "rights": ["opt-out"] })).await;
    assert_eq!(response.problem(), (502, "forbidden".to_owned()), "the client may not update contacts");
}

#[tokio::test]
async fn errors_of_requests_are_results() {
    let service = Service::new().await;
    let requests = json!({ "requests": [request_for(SAMPLE_PERSON)] });
    assert_eq!(service.post("/opt-outs", requests).await.error()["kind"], "forbidden");
    let tasks = json!({ "tasks": [{ "request": request_for(SAMPLE_PERSON), "ticket": "t1.damaged" }] });
    assert_eq!(service.post("/polls", tasks).await.error()["kind"], "invalid-ticket");
}

#[tokio::test]
async fn a_body_is_received_up_to_1_mib() {
    let service = Service::new().await;
    let json = ("content-type", "application/json");
    let mut body = br#"{"rights": []}"#.to_vec();
    body.resize(1 << 20, b' ');
    let response = service.call("POST", "/checks", &[json], &body).await;
    assert_eq!(response.problem(), (422, "invalid-request".to_owned()));
    body.push(b' ');
    let response = service.call("POST", "/checks", &[json], &body).await;
    assert_eq!(response.problem(), (413, "body-too-large".to_owned()));
}

/// A service whose brand has an export of this length for [`LONG_EXPORT`], and the reference of that export.
async fn exported(dialects: &str, bytes: u64) -> (Service, String) {
    let person = Person::new("Many", "Answers").email(LONG_EXPORT).export_bytes(bytes);
    let service = Service::of(Brand::sample().person(&person, &[]), dialects, &[]).await;
    let request = request_for(LONG_EXPORT);
    let report = service.access(&request).await;
    let reference = report["documents"][0]["content"]["remote"].as_str().expect("a remote document").to_owned();
    (service, reference)
}

fn expected(service: &Service) -> Vec<u8> {
    service.simulator.expected_export(&[LONG_EXPORT]).remove(0).content.to_vec()
}

#[tokio::test]
async fn a_document_of_64_mib_streams_through_8_mib_of_memory() {
    let (service, reference) = exported("", 64 << 20).await;
    let response = service.get(&format!("/documents/{reference}")).await;
    assert_eq!((response.status, response.header("transfer-encoding")), (200, Some("chunked")));
    let expected = expected(&service);
    assert!(expected.len() >= 64 << 20);
    assert!(response.is_complete && response.body == expected, "{} bytes", response.body.len());
    assert_eq!(service.calls_of(Endpoint::ExportFile), 1, "including the request that determined the type");
}

#[tokio::test]
async fn a_document_is_read_from_any_offset_and_in_ranges() {
    for dialects in ["file-transfer-chunked", "file-transfer-length,file-ranges"] {
        let (service, reference) = exported(dialects, 200_000).await;
        let expected = expected(&service);
        let size = expected.len();
        let target = format!("/documents/{reference}");
        for offset in [0, 1, 65_536, size - 1, size] {
            let response = service.get(&format!("{target}?offset={offset}")).await;
            assert!(
                response.is_complete && response.body == expected[offset..],
                "from {offset}: {}",
                response.body.len()
            );
        }
        let response = service.get(&format!("{target}?size={size}")).await;
        assert_eq!(response.header("content-length"), Some(size.to_string().as_str()));
        assert!(response.is_complete && response.body == expected);
        let range = |range: &'static str| {
            let target = format!("{target}?size={size}");
            let service = &service;
            async move { service.call("GET", &target, &[("range", range)], b"").await }
        };
        let response = range("bytes=100000-").await;
        assert_eq!(response.header("content-range"), Some(format!("bytes 100000-{}/{size}", size - 1).as_str()));
        assert!(response.status == 206 && response.is_complete && response.body == expected[100_000..]);
        let response = range("bytes=5-9").await;
        assert!(response.status == 206 && response.is_complete && response.body == expected[5..10]);
        assert_eq!(range("bytes=900000-").await.problem(), (416, "range-not-satisfiable".to_owned()));
        assert_eq!(service.get(&format!("{target}?offset=-1")).await.problem().0, 400);
        assert_eq!(service.get(&format!("{target}?offset={}", size + 1)).await.problem().0, 422);
    }
}

#[tokio::test]
async fn an_interrupted_download_is_detectable_and_can_be_resumed() {
    for dialects in ["file-transfer-chunked", "file-transfer-length", "file-transfer-length,file-ranges"] {
        let (service, reference) = exported(dialects, 300_000).await;
        let expected = expected(&service);
        let target = format!("/documents/{reference}");
        // Consumes the connection that the access request left open.
        assert!(service.get(&target).await.is_complete);
        for size in [String::new(), format!("?size={}", expected.len())] {
            service.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportFile, Fault::HalfAnswer)]);
            let response = service.get(&format!("{target}{size}")).await;
            assert_eq!(response.status, 200);
            let received = response.body.len();
            assert!(
                !response.is_complete && received > 0 && received < expected.len(),
                "{dialects}{size}: {received} bytes"
            );
            assert!(response.body == expected[..received]);
            service.simulator.set_faults(Vec::new());
            let rest = service.get(&format!("{target}?offset={received}")).await;
            assert!(rest.is_complete && rest.body == expected[received..], "{dialects}{size}: from {received}");
        }
    }
}
