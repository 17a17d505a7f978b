//! Faults.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::client::{
    ApiClient, Response, gunzip, receive, request_token, sample_simulator, simulator_with_dialects, wait_until,
};
use super::*;

/// A dialect in which equal calls have equal responses.
const WITHOUT_REQUEST_ID: &str = "request-id-missing";

/// The response of `whoami` under a fault, and whether the call took effect.
async fn whoami_under(fault: Fault) -> (Response, bool) {
    let simulator = simulator_with_dialects(WITHOUT_REQUEST_ID).await;
    let client = ApiClient::administrator(&simulator).await;
    simulator.set_faults(vec![FaultRule::nth(Endpoint::WhoAmI, 1, fault)]);
    let response = client.get("/whoami").await;
    let call = simulator.calls().pop().unwrap();
    assert!(call.faulty);
    assert_eq!(call.status.unwrap_or_default(), response.status);
    assert_eq!(client.get("/whoami").await.result()["email"], SAMPLE_ADMINISTRATOR, "the next call has no fault");
    (response, call.took_effect)
}

/// The body of `whoami` without a fault.
async fn whoami_body() -> Vec<u8> {
    let simulator = simulator_with_dialects(WITHOUT_REQUEST_ID).await;
    ApiClient::administrator(&simulator).await.get("/whoami").await.body
}

#[tokio::test]
async fn connection_is_reset_before_or_after_the_effect() {
    for (fault, effect) in
        [(Fault::ResetBeforeRead, false), (Fault::ResetBeforeEffect, false), (Fault::ResetAfterEffect, true)]
    {
        let (response, took_effect) = whoami_under(fault.clone()).await;
        assert!(response.reset && response.body.is_empty(), "{fault:?}");
        assert_eq!(took_effect, effect, "{fault:?}");
    }
}

#[tokio::test]
async fn erasure_is_submitted_although_its_response_is_lost() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    simulator.set_faults(vec![
        FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetBeforeEffect),
        FaultRule::nth(Endpoint::ErasureCreate, 2, Fault::StatusAfterEffect(504, WaitHint::None)),
    ]);
    let before = simulator.erasures().len();
    let body = json!({ "emails": [SAMPLE_PERSON], "searchOnly": false });
    assert!(client.post("/op-erase-personal-data", body.clone()).await.reset);
    assert_eq!(simulator.erasures().len(), before);
    assert_eq!(client.post("/op-erase-personal-data", body).await.status, 504);
    assert_eq!(simulator.erasures().len(), before + 1);
}

/// Asserts that nothing is received on a connection, and that it stays open until the client closes it.
async fn assert_silent(simulator: &Simulator, stream: TcpStream, took_effect: bool) {
    wait_until(|| {
        simulator.calls().last().is_some_and(|call| call.body.0.is_object() && call.took_effect == took_effect)
    })
    .await;
    let error = stream.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(simulator.open_connections(), 1);
    drop(stream);
    wait_until(|| simulator.open_connections() == 0).await;
}

#[tokio::test]
async fn silent_connection_stays_open_until_the_client_closes_it() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    wait_until(|| simulator.open_connections() == 0).await;
    for (fault, took_effect) in [(Fault::SilenceBeforeEffect, false), (Fault::SilenceAfterEffect, true)] {
        simulator.set_faults(vec![FaultRule::every(Endpoint::ExportCreate, fault)]);
        let stream = client.start_post("/customer-data-requests", &json!({ "emails": [SAMPLE_PERSON] })).await;
        assert_silent(&simulator, stream, took_effect).await;
    }
    assert_eq!(simulator.exports().len(), 1);
}

#[tokio::test]
async fn body_is_shorter_or_longer_than_its_framing_declares() {
    let whole = whoami_body().await;
    let half = &whole[..whole.len() / 2];
    for (fault, length, body) in [
        (Fault::HalfAnswer, Some(whole.len()), half),
        (Fault::LengthTooLong, Some(whole.len() + 10), &whole),
        (Fault::LengthTooShort, Some(whole.len() / 2), &whole),
        (Fault::ChunksCutOff, None, half),
    ] {
        let (response, took_effect) = whoami_under(fault.clone()).await;
        let declared = response.header("content-length").map(|length| length.parse().unwrap());
        assert_eq!(
            (response.status, took_effect, response.complete, declared),
            (200, true, false, length),
            "{fault:?}"
        );
        assert_eq!(response.body, body, "{fault:?}");
    }
}

#[tokio::test]
async fn stalled_response_stays_incomplete() {
    let simulator = simulator_with_dialects(WITHOUT_REQUEST_ID).await;
    let client = ApiClient::administrator(&simulator).await;
    wait_until(|| simulator.open_connections() == 0).await;
    simulator.set_faults(vec![FaultRule::every(Endpoint::WhoAmI, Fault::StalledAnswer)]);
    let stream = client.start_get("/whoami", &[]).await;
    let (mut bytes, half) = (Vec::new(), whoami_body().await.len() / 2);
    let body =
        |bytes: &[u8]| bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |end| bytes.len() - end - 4);
    while body(&bytes) < half {
        stream.readable().await.unwrap();
        let _ = stream.try_read_buf(&mut bytes);
    }
    assert_eq!(body(&bytes), half);
    assert_eq!((simulator.open_connections(), simulator.peak_calls()), (1, 1));
    drop(stream);
    wait_until(|| simulator.open_connections() == 0).await;
}

#[tokio::test]
async fn dripping_response_is_complete_in_the_end() {
    let (response, _) = whoami_under(Fault::Drip(Duration::from_micros(10))).await;
    assert!(response.complete);
    assert_eq!(response.result()["email"], SAMPLE_ADMINISTRATOR);
}

#[tokio::test]
async fn error_is_sent_before_or_after_the_effect() {
    for status in [400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504] {
        let (before, early) = whoami_under(Fault::Status(status, WaitHint::None)).await;
        let (after, late) = whoami_under(Fault::StatusAfterEffect(status, WaitHint::None)).await;
        assert_eq!((before.status, early, after.status, late), (status, false, status, true));
        assert!(before.json()["meta"]["error"]["errorMessage"].as_str().unwrap().contains(MESSAGE_CANARY));
        assert_eq!((before.header("retry-after"), after.header("retry-after")), (None, None));
    }
    for (hint, expected) in [
        (WaitHint::Seconds(7), "7"),
        (WaitHint::Date(60), "mon, 05 jan 2026 09:01:00 gmt"),
        (WaitHint::Absurd, "-99999999999999999999 fortnights"),
    ] {
        let (response, _) = whoami_under(Fault::Status(429, hint)).await;
        assert_eq!(response.header("retry-after"), Some(expected));
        let (response, _) = whoami_under(Fault::StatusAfterEffect(503, hint)).await;
        assert_eq!(response.header("retry-after"), Some(expected));
    }
}

#[tokio::test]
async fn error_of_a_proxy_has_no_envelope_and_is_sent_before_or_after_the_effect() {
    for status in [400, 403, 407, 429, 502, 503, 599] {
        for body in ForeignBody::ALL {
            let (before, early) = whoami_under(Fault::Foreign(status, body)).await;
            let (after, late) = whoami_under(Fault::ForeignAfterEffect(status, body)).await;
            assert_eq!((before.status, early, after.status, late), (status, false, status, true));
            for response in [before, after] {
                let meta = serde_json::from_slice(&response.body).is_ok_and(|body: Value| !body["meta"].is_null());
                assert!(!meta && response.header("date").is_some(), "{status} {body:?}");
                assert_eq!(response.header("content-type").is_none(), body == ForeignBody::Empty);
            }
        }
    }
    let (response, _) = whoami_under(Fault::ForeignAfterEffect(503, ForeignBody::Text)).await;
    assert_eq!(response.header("content-type"), Some("text/plain"));
    assert_eq!(response.body, b"upstream connect error or disconnect/reset before headers");
}

#[tokio::test]
async fn faults_are_kebab_case_in_json() {
    for (text, fault) in [
        (r#"{"status": [503, "none"]}"#, Fault::Status(503, WaitHint::None)),
        (r#"{"status-after-effect": [503, {"seconds": 2}]}"#, Fault::StatusAfterEffect(503, WaitHint::Seconds(2))),
        (r#"{"foreign": [407, "html"]}"#, Fault::Foreign(407, ForeignBody::Html)),
        (r#"{"foreign-after-effect": [503, "text"]}"#, Fault::ForeignAfterEffect(503, ForeignBody::Text)),
    ] {
        assert_eq!(serde_json::from_str::<Fault>(text).unwrap(), fault);
    }
}

#[tokio::test]
async fn redirect_is_sent_before_or_after_the_effect() {
    let target = || "http://127.0.0.1:9/trap".to_owned();
    for status in [301, 302, 307] {
        for (fault, effect) in
            [(Fault::Redirect(status, target()), false), (Fault::RedirectAfterEffect(status, target()), true)]
        {
            let (response, took_effect) = whoami_under(fault).await;
            assert_eq!((response.status, took_effect), (status, effect));
            assert_eq!(response.header("location"), Some("http://127.0.0.1:9/trap"));
        }
    }
}

#[tokio::test]
async fn body_is_replaced_by_an_unexpected_one() {
    let under = async |fault: Fault| {
        let (response, took_effect) = whoami_under(fault).await;
        assert!(took_effect && response.complete && response.status == 200);
        response
    };
    assert!(under(Fault::Html).await.header("content-type") == Some("text/html"));
    assert!(under(Fault::EmptyBody).await.body.is_empty());
    assert!(under(Fault::JsonArray).await.json().is_array());
    assert!(under(Fault::JsonString).await.json().is_string());
    assert!(under(Fault::JsonNumber).await.json().is_number());
    let deep = under(Fault::DeepJson).await.body;
    assert_eq!(deep.iter().filter(|&&byte| byte == b'[').count(), 10_000);
    assert!(serde_json::from_slice::<Value>(&deep).is_err(), "the parser has a recursion limit");
    assert!(std::str::from_utf8(&under(Fault::InvalidUtf8).await.body).is_err());
    let duplicated = under(Fault::DuplicateKeys).await;
    assert_eq!(String::from_utf8(duplicated.body).unwrap().matches("\"result\":").count(), 2);
    assert_eq!(under(Fault::MetaStatus(503)).await.json()["meta"]["httpStatus"], "503 - Service Unavailable");
    let compressed = under(Fault::UnaskedGzip).await;
    assert_eq!(compressed.header("content-encoding"), Some("gzip"));
    let decompressed: Value = serde_json::from_slice(&gunzip(&compressed.body)).unwrap();
    assert_eq!(decompressed["result"]["email"], SAMPLE_ADMINISTRATOR);
}

#[tokio::test]
async fn huge_body_is_sent_completely() {
    let (response, _) = whoami_under(Fault::HugeBody).await;
    assert!(response.complete && response.body.len() > 100_000_000);
}

#[tokio::test]
async fn numbers_are_sent_as_strings() {
    let simulator = sample_simulator().await;
    simulator.set_faults(vec![FaultRule::every(Endpoint::Token, Fault::NumbersAsStrings)]);
    let token = request_token(&simulator, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await;
    assert_eq!(token.json()["expires_in"], "3600");
}

#[tokio::test]
async fn repeated_cursor_links_to_the_same_page() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    simulator.set_faults(vec![
        FaultRule::every(Endpoint::Users, Fault::RepeatedCursor),
        FaultRule::every(Endpoint::ContactSearch, Fault::RepeatedCursor),
    ]);
    let first = client.get("/users").await.result();
    let next =
        first["nextPage"].as_str().unwrap().strip_prefix(&format!("{}/API/v3", simulator.origin())).unwrap().to_owned();
    let second = client.get(&next).await.result();
    assert_eq!((&first["elements"], &first["nextPage"]), (&second["elements"], &second["nextPage"]));
    let search = json!({ "filter": { "filterType": "email", "comparison": "eq", "value": SAMPLE_PERSON } });
    let path = format!("/directories/{SAMPLE_CUSTOMERS}/contacts/search");
    assert!(client.post(&path, search).await.result()["skipToken"].is_string());
}

#[tokio::test]
async fn next_page_has_another_origin_and_exists_here() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    let search = json!({ "filter": { "filterType": "email", "comparison": "eq", "value": SAMPLE_PERSON } });
    let found = format!("/directories/{SAMPLE_CUSTOMERS}/contacts/search");
    for path in ["/users", &found] {
        simulator.set_faults(vec![FaultRule::nth_of_any(1, Fault::NextPageElsewhere("http://127.0.0.1:9".to_owned()))]);
        let list = async |path: &str| match path.contains("search") {
            true => client.post(path, search.clone()).await.result(),
            false => client.get(path).await.result(),
        };
        let first = list(path).await;
        let next = first["nextPage"].as_str().unwrap().strip_prefix("http://127.0.0.1:9/API/v3").unwrap().to_owned();
        assert!(!first["elements"].as_array().unwrap().is_empty());
        let second = list(&next).await;
        assert!(second["elements"].as_array().unwrap().is_empty(), "{second}");
        assert!(second["nextPage"].is_null() && second["skipToken"].is_null(), "{second}");
    }
}

#[tokio::test]
async fn rules_count_the_calls_that_they_match() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    simulator.set_faults(vec![
        FaultRule::nth_of_any(4, Fault::Status(502, WaitHint::None)),
        FaultRule::first(Endpoint::WhoAmI, 2, Fault::Status(503, WaitHint::None)),
        FaultRule::every(Endpoint::Directories, Fault::Status(500, WaitHint::None)),
    ]);
    let mut statuses = Vec::new();
    for path in ["/whoami", "/directories", "/whoami", "/whoami", "/whoami", "/directories"] {
        statuses.push(client.get(path).await.status);
    }
    assert_eq!(statuses, [503, 500, 503, 502, 200, 500]);
    simulator.set_faults(vec![]);
    assert_eq!(client.get("/directories").await.status, 200);
}

#[tokio::test]
async fn fault_is_applied_to_a_streamed_file() {
    let person = Person::new("Much", "Data").email("much@example.org").export_bytes(1_000_000);
    let simulator = Simulator::start(Brand::sample().person(&person, &[]), Options::default()).await.unwrap();
    let client = ApiClient::administrator(&simulator).await;
    client.post("/customer-data-requests", json!({ "emails": ["much@example.org"] })).await.result();
    simulator.advance(Duration::from_secs(180));
    let export = simulator.exports().pop().unwrap();
    simulator.set_faults(vec![FaultRule::nth(Endpoint::ExportFile, 1, Fault::HalfAnswer)]);
    let stream =
        client.start_get(&format!("/customer-data-requests/{}/files/{}", export.id, export.files[0]), &[]).await;
    let half = receive(stream).await;
    let expected = simulator.expected_export(&["much@example.org"]).remove(0).content;
    assert_eq!((half.complete, half.body.len() as u64), (false, expected.len() / 2));
    assert_eq!(half.body, expected.read(0, half.body.len()));
}

#[tokio::test]
async fn connections_are_refused_until_they_are_accepted_again() {
    let simulator = sample_simulator().await;
    let client = ApiClient::administrator(&simulator).await;
    simulator.set_faults(vec![FaultRule::nth(Endpoint::WhoAmI, 1, Fault::ShutBehind)]);
    assert_eq!(client.get("/whoami").await.status, 200, "the call itself has a response");
    let address = simulator.origin().trim_start_matches("http://").to_owned();
    for _ in 0..3 {
        let error = TcpStream::connect(&address).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
        simulator.refuse_connections().await;
    }
    wait_until(|| simulator.open_connections() == 0).await;
    simulator.accept_connections().await;
    assert_eq!(client.get("/whoami").await.status, 200);
    simulator.refuse_connections().await;
    assert!(TcpStream::connect(&address).await.is_err());
    simulator.accept_connections().await;
    simulator.accept_connections().await;
    assert_eq!(client.get("/whoami").await.status, 200);
}

#[tokio::test]
async fn connections_can_be_refused_before_the_first_one() {
    // The task that accepts connections has not run yet.
    let simulator = Simulator::start(Brand::sample(), Options::default()).await.unwrap();
    let refused = tokio::time::timeout(Duration::from_secs(10), simulator.refuse_connections()).await;
    assert!(refused.is_ok(), "the change was not noticed");
    assert!(TcpStream::connect(simulator.origin().trim_start_matches("http://")).await.is_err());
}
