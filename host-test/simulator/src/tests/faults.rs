use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::caller::{Caller, Reply, gunzip, receive, sample, sign_in, speaking, until};
use super::*;

/// A brand whose answers to the same call are the same.
const SAME: &str = "request-id-missing";

/// What comes back from the first `whoami` under a fault, and whether the call took effect.
async fn whoami_under(fault: Fault) -> (Reply, bool) {
    let sim = speaking(SAME).await;
    let caller = Caller::administrator(&sim).await;
    sim.set_faults(vec![FaultRule::nth(Endpoint::WhoAmI, 1, fault)]);
    let reply = caller.get("/whoami").await;
    let call = sim.calls().pop().unwrap();
    assert!(call.faulty);
    assert_eq!(call.status.unwrap_or_default(), reply.status);
    assert_eq!(caller.get("/whoami").await.result()["email"], SAMPLE_ADMINISTRATOR, "the next call is whole again");
    (reply, call.took_effect)
}

async fn truth() -> Vec<u8> {
    let sim = speaking(SAME).await;
    Caller::administrator(&sim).await.get("/whoami").await.body
}

#[tokio::test]
async fn a_reset_strikes_before_or_after_the_effect() {
    for (fault, effect) in
        [(Fault::ResetBeforeRead, false), (Fault::ResetBeforeEffect, false), (Fault::ResetAfterEffect, true)]
    {
        let (reply, took_effect) = whoami_under(fault.clone()).await;
        assert!(reply.reset && reply.body.is_empty(), "{fault:?}");
        assert_eq!(took_effect, effect, "{fault:?}");
    }
}

#[tokio::test]
async fn an_erasure_whose_answer_is_lost_was_begun_all_the_same() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    sim.set_faults(vec![
        FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetBeforeEffect),
        FaultRule::nth(Endpoint::ErasureCreate, 2, Fault::StatusAfterEffect(504, WaitHint::None)),
    ]);
    let before = sim.erasures().len();
    let body = json!({ "emails": [SAMPLE_PERSON], "searchOnly": false });
    assert!(caller.post("/op-erase-personal-data", body.clone()).await.reset);
    assert_eq!(sim.erasures().len(), before);
    assert_eq!(caller.post("/op-erase-personal-data", body).await.status, 504);
    assert_eq!(sim.erasures().len(), before + 1);
}

/// Asserts that nothing comes over a connection, and that it lasts until the caller closes it.
async fn is_silent(sim: &Simulator, stream: TcpStream, took_effect: bool) {
    until(|| sim.calls().last().is_some_and(|call| call.body.0.is_object() && call.took_effect == took_effect)).await;
    let error = stream.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(sim.open_connections(), 1);
    drop(stream);
    until(|| sim.open_connections() == 0).await;
}

#[tokio::test]
async fn silence_lasts_until_the_caller_goes() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    until(|| sim.open_connections() == 0).await;
    for (fault, took_effect) in [(Fault::SilenceBeforeEffect, false), (Fault::SilenceAfterEffect, true)] {
        sim.set_faults(vec![FaultRule::every(Endpoint::ExportCreate, fault)]);
        let stream = caller.start_post("/customer-data-requests", &json!({ "emails": [SAMPLE_PERSON] })).await;
        is_silent(&sim, stream, took_effect).await;
    }
    assert_eq!(sim.exports().len(), 1);
}

#[tokio::test]
async fn bodies_break_off_or_overrun_their_length() {
    let truth = truth().await;
    let half = &truth[..truth.len() / 2];
    for (fault, length, body) in [
        (Fault::HalfAnswer, Some(truth.len()), half),
        (Fault::LengthTooLong, Some(truth.len() + 10), &truth),
        (Fault::LengthTooShort, Some(truth.len() / 2), &truth),
        (Fault::ChunksCutOff, None, half),
    ] {
        let (reply, took_effect) = whoami_under(fault.clone()).await;
        let said = reply.header("content-length").map(|length| length.parse().unwrap());
        assert_eq!((reply.status, took_effect, reply.complete, said), (200, true, false, length), "{fault:?}");
        assert_eq!(reply.body, body, "{fault:?}");
    }
}

#[tokio::test]
async fn a_stalled_answer_stays_half() {
    let sim = speaking(SAME).await;
    let caller = Caller::administrator(&sim).await;
    until(|| sim.open_connections() == 0).await;
    sim.set_faults(vec![FaultRule::every(Endpoint::WhoAmI, Fault::StalledAnswer)]);
    let stream = caller.start_get("/whoami", &[]).await;
    let (mut bytes, half) = (Vec::new(), truth().await.len() / 2);
    let body =
        |bytes: &[u8]| bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |end| bytes.len() - end - 4);
    while body(&bytes) < half {
        stream.readable().await.unwrap();
        let _ = stream.try_read_buf(&mut bytes);
    }
    assert_eq!(body(&bytes), half);
    assert_eq!((sim.open_connections(), sim.peak_calls()), (1, 1));
    drop(stream);
    until(|| sim.open_connections() == 0).await;
}

#[tokio::test]
async fn a_dripping_answer_is_whole_in_the_end() {
    let (reply, _) = whoami_under(Fault::Drip(Duration::from_micros(10))).await;
    assert!(reply.complete);
    assert_eq!(reply.result()["email"], SAMPLE_ADMINISTRATOR);
}

#[tokio::test]
async fn an_error_can_come_before_or_after_the_effect() {
    for status in [400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504] {
        let (before, early) = whoami_under(Fault::Status(status, WaitHint::None)).await;
        let (after, late) = whoami_under(Fault::StatusAfterEffect(status, WaitHint::None)).await;
        assert_eq!((before.status, early, after.status, late), (status, false, status, true));
        assert!(before.json()["meta"]["error"]["errorMessage"].as_str().unwrap().contains(MESSAGE_CANARY));
        assert_eq!((before.header("retry-after"), after.header("retry-after")), (None, None));
    }
    for (hint, said) in [
        (WaitHint::Seconds(7), "7"),
        (WaitHint::Date(60), "mon, 05 jan 2026 09:01:00 gmt"),
        (WaitHint::Absurd, "-99999999999999999999 fortnights"),
    ] {
        let (reply, _) = whoami_under(Fault::Status(429, hint)).await;
        assert_eq!(reply.header("retry-after"), Some(said));
        let (reply, _) = whoami_under(Fault::StatusAfterEffect(503, hint)).await;
        assert_eq!(reply.header("retry-after"), Some(said));
    }
}

#[tokio::test]
async fn an_error_of_a_proxy_has_no_envelope_and_comes_before_or_after_the_effect() {
    for status in [400, 403, 407, 429, 502, 503, 599] {
        for body in ForeignBody::ALL {
            let (before, early) = whoami_under(Fault::Foreign(status, body)).await;
            let (after, late) = whoami_under(Fault::ForeignAfterEffect(status, body)).await;
            assert_eq!((before.status, early, after.status, late), (status, false, status, true));
            for reply in [before, after] {
                let meta = serde_json::from_slice(&reply.body).is_ok_and(|body: Value| !body["meta"].is_null());
                assert!(!meta && reply.header("date").is_some(), "{status} {body:?}");
                assert_eq!(reply.header("content-type").is_none(), body == ForeignBody::Empty);
            }
        }
    }
    let (reply, _) = whoami_under(Fault::ForeignAfterEffect(503, ForeignBody::Text)).await;
    assert_eq!(reply.header("content-type"), Some("text/plain"));
    assert_eq!(reply.body, b"upstream connect error or disconnect/reset before headers");
}

#[tokio::test]
async fn faults_are_written_in_kebab_case() {
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
async fn a_redirect_names_another_place_before_or_after_the_effect() {
    let place = || "http://127.0.0.1:9/trap".to_owned();
    for status in [301, 302, 307] {
        for (fault, effect) in
            [(Fault::Redirect(status, place()), false), (Fault::RedirectAfterEffect(status, place()), true)]
        {
            let (reply, took_effect) = whoami_under(fault).await;
            assert_eq!((reply.status, took_effect), (status, effect));
            assert_eq!(reply.header("location"), Some("http://127.0.0.1:9/trap"));
        }
    }
}

#[tokio::test]
async fn bodies_can_be_anything_but_what_is_expected() {
    let under = async |fault: Fault| {
        let (reply, took_effect) = whoami_under(fault).await;
        assert!(took_effect && reply.complete && reply.status == 200);
        reply
    };
    assert!(under(Fault::Html).await.header("content-type") == Some("text/html"));
    assert!(under(Fault::EmptyBody).await.body.is_empty());
    assert!(under(Fault::JsonArray).await.json().is_array());
    assert!(under(Fault::JsonString).await.json().is_string());
    assert!(under(Fault::JsonNumber).await.json().is_number());
    let deep = under(Fault::DeepJson).await.body;
    assert_eq!(deep.iter().filter(|&&byte| byte == b'[').count(), 10_000);
    assert!(serde_json::from_slice::<Value>(&deep).is_err(), "a recursion limit is needed, and there");
    assert!(std::str::from_utf8(&under(Fault::InvalidUtf8).await.body).is_err());
    let twice = under(Fault::DuplicateKeys).await;
    assert_eq!(String::from_utf8(twice.body).unwrap().matches("\"result\":").count(), 2);
    assert_eq!(under(Fault::MetaStatus(503)).await.json()["meta"]["httpStatus"], "503 - Service Unavailable");
    let packed = under(Fault::UnaskedGzip).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let unpacked: Value = serde_json::from_slice(&gunzip(&packed.body)).unwrap();
    assert_eq!(unpacked["result"]["email"], SAMPLE_ADMINISTRATOR);
}

#[tokio::test]
async fn a_huge_body_comes_whole_to_whoever_reads_it() {
    let (reply, _) = whoami_under(Fault::HugeBody).await;
    assert!(reply.complete && reply.body.len() > 100_000_000);
}

#[tokio::test]
async fn numbers_can_come_as_strings() {
    let sim = sample().await;
    sim.set_faults(vec![FaultRule::every(Endpoint::Token, Fault::NumbersAsStrings)]);
    let token = sign_in(&sim, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, "").await;
    assert_eq!(token.json()["expires_in"], "3600");
}

#[tokio::test]
async fn a_repeated_cursor_leads_to_the_same_page_for_ever() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    sim.set_faults(vec![
        FaultRule::every(Endpoint::Users, Fault::RepeatedCursor),
        FaultRule::every(Endpoint::ContactSearch, Fault::RepeatedCursor),
    ]);
    let first = caller.get("/users").await.result();
    let next =
        first["nextPage"].as_str().unwrap().strip_prefix(&format!("{}/API/v3", sim.origin())).unwrap().to_owned();
    let second = caller.get(&next).await.result();
    assert_eq!((&first["elements"], &first["nextPage"]), (&second["elements"], &second["nextPage"]));
    let search = json!({ "filter": { "filterType": "email", "comparison": "eq", "value": SAMPLE_PERSON } });
    let path = format!("/directories/{SAMPLE_CUSTOMERS}/contacts/search");
    assert!(caller.post(&path, search).await.result()["skipToken"].is_string());
}

#[tokio::test]
async fn a_list_can_say_that_it_goes_on_elsewhere_and_goes_on_here() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    let search = json!({ "filter": { "filterType": "email", "comparison": "eq", "value": SAMPLE_PERSON } });
    let found = format!("/directories/{SAMPLE_CUSTOMERS}/contacts/search");
    for path in ["/users", &found] {
        sim.set_faults(vec![FaultRule::nth_of_any(1, Fault::NextPageElsewhere("http://127.0.0.1:9".to_owned()))]);
        let ask = async |path: &str| match path.contains("search") {
            true => caller.post(path, search.clone()).await.result(),
            false => caller.get(path).await.result(),
        };
        let first = ask(path).await;
        let next = first["nextPage"].as_str().unwrap().strip_prefix("http://127.0.0.1:9/API/v3").unwrap().to_owned();
        assert!(!first["elements"].as_array().unwrap().is_empty());
        let second = ask(&next).await;
        assert!(second["elements"].as_array().unwrap().is_empty(), "{second}");
        assert!(second["nextPage"].is_null() && second["skipToken"].is_null(), "{second}");
    }
}

#[tokio::test]
async fn rules_count_the_calls_that_they_match() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    sim.set_faults(vec![
        FaultRule::nth_of_any(4, Fault::Status(502, WaitHint::None)),
        FaultRule::first(Endpoint::WhoAmI, 2, Fault::Status(503, WaitHint::None)),
        FaultRule::every(Endpoint::Directories, Fault::Status(500, WaitHint::None)),
    ]);
    let mut statuses = Vec::new();
    for path in ["/whoami", "/directories", "/whoami", "/whoami", "/whoami", "/directories"] {
        statuses.push(caller.get(path).await.status);
    }
    assert_eq!(statuses, [503, 500, 503, 502, 200, 500]);
    sim.set_faults(vec![]);
    assert_eq!(caller.get("/directories").await.status, 200);
}

#[tokio::test]
async fn faults_also_befall_streams() {
    let person = Person::new("Much", "Data").email("much@example.org").export_bytes(1_000_000);
    let sim = Simulator::start(Brand::sample().person(&person, &[]), Options::default()).await.unwrap();
    let caller = Caller::administrator(&sim).await;
    caller.post("/customer-data-requests", json!({ "emails": ["much@example.org"] })).await.result();
    sim.advance(Duration::from_secs(180));
    let export = sim.exports().pop().unwrap();
    sim.set_faults(vec![FaultRule::nth(Endpoint::ExportFile, 1, Fault::HalfAnswer)]);
    let stream =
        caller.start_get(&format!("/customer-data-requests/{}/files/{}", export.id, export.files[0]), &[]).await;
    let half = receive(stream).await;
    let expected = sim.expected_export(&["much@example.org"]).remove(0).content;
    assert_eq!((half.complete, half.body.len() as u64), (false, expected.len() / 2));
    assert_eq!(half.body, expected.read(0, half.body.len()));
}

#[tokio::test]
async fn behind_a_shut_door_connections_are_refused_until_it_opens() {
    let sim = sample().await;
    let caller = Caller::administrator(&sim).await;
    sim.set_faults(vec![FaultRule::nth(Endpoint::WhoAmI, 1, Fault::ShutBehind)]);
    assert_eq!(caller.get("/whoami").await.status, 200, "the call itself is answered");
    let address = sim.origin().trim_start_matches("http://").to_owned();
    for _ in 0..3 {
        let error = TcpStream::connect(&address).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
        sim.shut().await;
    }
    until(|| sim.open_connections() == 0).await;
    sim.open_up().await;
    assert_eq!(caller.get("/whoami").await.status, 200);
    sim.shut().await;
    assert!(TcpStream::connect(&address).await.is_err());
    sim.open_up().await;
    sim.open_up().await;
    assert_eq!(caller.get("/whoami").await.status, 200);
}
