//! Tickets are bound to their request, safe to log, and never start an erasure.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use privacy_host::contract::{Attempts, DeletionMode, ErrorKind, Identifier, Outcome, Progress, Remedy, Request};
use qualtrics_simulator::{
    Endpoint, Fault, FaultRule, SAMPLE_PERSON, SAMPLE_PHONE, SAMPLE_REFERENCE, SAMPLE_STRANGER, WaitHint,
};
use sha2::{Digest, Sha256};

use crate::fixture::{Fixture, assert_outcome, email, pending, request, request_for};

/// Every ticket of a request.
async fn tickets_of(fixture: &mut Fixture, request: &Request, mode: Option<DeletionMode>) -> Vec<String> {
    let mut progress = match mode {
        Some(mode) => fixture.delete(request, mode).await,
        None => fixture.access(request).await,
    };
    let mut tickets = Vec::new();
    while let Progress::Pending(pending) = progress.expect("progress") {
        fixture.advance(Duration::from_millis(pending.poll_after_ms));
        progress = fixture.poll(request, &pending.ticket).await;
        tickets.push(pending.ticket);
    }
    tickets
}

fn request_with_every_identifier() -> Request {
    let subject = vec![
        email(SAMPLE_PERSON),
        Identifier::Phone(SAMPLE_PHONE.to_owned()),
        Identifier::ExternalId(SAMPLE_REFERENCE.to_owned()),
    ];
    request("request-of-a-person", subject)
}

/// The body with its checksum: the first 48 bits of SHA-256.
fn with_checksum(body: &str) -> String {
    format!("{body}{}", URL_SAFE_NO_PAD.encode(&Sha256::digest(body.as_bytes())[..6]))
}

fn payload(ticket: &str) -> serde_json::Value {
    let middle = ticket.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).expect("base64")).expect("JSON")
}

fn ticket_of(payload: &serde_json::Value) -> String {
    with_checksum(&format!("t1.{}.", URL_SAFE_NO_PAD.encode(payload.to_string())))
}

#[tokio::test]
async fn a_ticket_is_short_printable_and_free_of_personal_data() {
    let modes = [None, Some(DeletionMode::Preview), Some(DeletionMode::Erase), Some(DeletionMode::EraseAndVerify)];
    for mode in modes {
        let mut fixture = Fixture::new().await;
        let tickets = tickets_of(&mut fixture, &request_with_every_identifier(), mode).await;
        assert!(!tickets.is_empty());
        for ticket in tickets {
            assert!(ticket.len() <= 4_096 && ticket.bytes().all(|byte| byte.is_ascii_graphic()), "{ticket}");
            let decoded = payload(&ticket).to_string();
            for text in [&ticket, &decoded] {
                let text = text.to_lowercase();
                for name in [SAMPLE_PERSON, "ada", "lovelace", SAMPLE_PHONE, &SAMPLE_PHONE[1..], SAMPLE_REFERENCE] {
                    // Three letters occur in Base64 by chance.
                    if name.len() > 3 || text == decoded {
                        assert!(!text.contains(&name.to_lowercase()), "{name} in {text}");
                    }
                    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
                        let encoded = engine.encode(name).to_lowercase();
                        assert!(name.len() <= 3 || !text.contains(&encoded), "{name} in {text}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn text_with_a_valid_checksum_that_is_no_ticket_is_rejected_without_a_call() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let valid = pending(fixture.delete(&request, DeletionMode::Erase).await).ticket;
    let mut damaged = vec![String::new(), ".".to_owned(), "t1..".to_owned(), "\u{e9}".repeat(50)];
    damaged.push("t1.".to_owned() + &"A".repeat(5_000));
    damaged.push(with_checksum("t1.AAAA."));
    damaged.push(with_checksum(&format!("t1.{}.", URL_SAFE_NO_PAD.encode("{}"))));
    damaged.push(with_checksum(&valid.replacen("t1.", "r1.", 1)[..valid.len() - 8]));
    fixture.simulator.clear_calls();
    for ticket in damaged {
        let error = fixture.poll(&request, &ticket).await.expect_err(&ticket);
        assert_eq!((error.kind, error.remedy), (ErrorKind::InvalidTicket, Remedy::GiveUp), "{ticket}");
    }
    assert!(fixture.simulator.calls().is_empty());
    pending(fixture.poll(&request, &format!(" {valid}\n")).await);
}

#[tokio::test]
async fn a_ticket_is_bound_to_its_request() {
    let mut fixture = Fixture::new().await;
    let mine = request("mine", vec![email(SAMPLE_PERSON)]);
    let ticket = pending(fixture.delete(&mine, DeletionMode::Erase).await).ticket;
    let changed = [
        Request { id: "other".to_owned(), ..mine.clone() },
        Request { subject: vec![email(SAMPLE_STRANGER)], ..mine.clone() },
        Request { subject: vec![email(SAMPLE_PERSON), email(SAMPLE_STRANGER)], ..mine.clone() },
        Request { subject: vec![Identifier::ExternalId(SAMPLE_PERSON.to_owned())], ..mine.clone() },
    ];
    for other in changed {
        let error = fixture.poll(&other, &ticket).await.expect_err("a ticket of another request");
        assert_eq!((error.kind, error.remedy), (ErrorKind::InvalidTicket, Remedy::GiveUp));
    }
    // Attempts, overrides and the spelling of an address do not make it another request.
    let same = Request {
        subject: vec![email(&format!(" {} ", SAMPLE_PERSON.to_uppercase()))],
        attempts: Some(Attempts::at(1)),
        overrides: vec!["staff-account".to_owned()],
        ..mine
    };
    pending(fixture.poll(&same, &ticket).await);
}

#[tokio::test]
async fn a_ticket_of_a_later_version_is_unsupported() {
    let mut fixture = Fixture::new().await;
    let error = fixture
        .poll(&request_for(SAMPLE_PERSON), &with_checksum("t2.whatever-it_holds."))
        .await
        .expect_err("a later version");
    assert_eq!((error.kind, error.remedy), (ErrorKind::Unsupported, Remedy::Operator));
}

#[tokio::test]
async fn unknown_members_of_a_ticket_are_ignored() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let ticket = pending(fixture.delete(&request, DeletionMode::Erase).await).ticket;
    let mut later = payload(&ticket);
    later["new-member"] = serde_json::json!({ "a": [1, 2] });
    pending(fixture.poll(&request, &ticket_of(&later)).await);
}

#[tokio::test]
async fn a_forged_ticket_never_starts_an_erasure() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let preview = pending(fixture.delete(&request, DeletionMode::Preview).await).ticket;
    fixture.advance(Duration::from_secs(400));
    let valid = payload(&preview);
    let mut forged = Vec::new();
    for operation in ["a", "p", "e", "v"] {
        // The check value has 20 bits and can be guessed. That of the preview is known.
        for check in [valid["c"].clone(), 0.into()] {
            for jobs in [valid["j"].clone(), serde_json::json!([]), serde_json::json!(["OP-nowhere"])] {
                for verification in [
                    serde_json::Value::Null,
                    serde_json::json!({ "e": 0, "a": 0 }),
                    serde_json::json!({ "e": 0, "a": 0, "x": true }),
                ] {
                    let mut ticket = valid.clone();
                    (ticket["o"], ticket["c"], ticket["j"], ticket["v"]) =
                        (operation.into(), check.clone(), jobs.clone(), verification);
                    ticket["p"] = "offset=0&searchOnly=false".into();
                    forged.push(ticket_of(&ticket));
                }
            }
        }
    }
    for (operation, mode) in [("e", DeletionMode::Erase), ("v", DeletionMode::EraseAndVerify)] {
        // A valid check value of an erasure, from a request to another brand.
        let mut other = Fixture::new().await;
        let ticket = pending(other.delete(&request, mode).await).ticket;
        assert_eq!(payload(&ticket)["o"], operation);
        let mut ticket = payload(&ticket);
        for (jobs, verification) in [
            (serde_json::json!([]), serde_json::json!({ "e": 0, "a": 0 })),
            (serde_json::json!([]), serde_json::Value::Null),
            (valid["j"].clone(), serde_json::Value::Null),
            (valid["j"].clone(), serde_json::json!({ "e": 1, "a": 1, "i": "OP-nowhere" })),
            (serde_json::json!(["OP-nowhere"]), serde_json::json!({ "e": 1, "a": 1, "x": true })),
        ] {
            (ticket["j"], ticket["v"]) = (jobs, verification);
            forged.push(ticket_of(&ticket));
        }
    }
    for ticket in forged {
        let mut progress = fixture.poll(&request, &ticket).await;
        for _ in 0..6 {
            let Ok(Progress::Pending(pending)) = progress else { break };
            fixture.advance(Duration::from_millis(pending.poll_after_ms));
            progress = fixture.poll(&request, &pending.ticket).await;
        }
        if let Err(error) = progress {
            assert_ne!(error.kind, ErrorKind::OutcomeUnknown);
        }
    }
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 0);
    assert!(!fixture.simulator.holdings(SAMPLE_PERSON).is_empty());
    assert!(fixture.simulator.erasures().iter().all(|job| job.search_only || job.emails != [SAMPLE_PERSON]));
}

#[tokio::test]
async fn a_ticket_remains_valid_after_a_change_of_credentials_and_host() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let ticket = pending(fixture.delete(&request, DeletionMode::Erase).await).ticket;
    fixture.simulator.revoke_tokens();
    let new_secret = "another secret";
    fixture.simulator.with_brand(|brand| brand.clients[0].secret = new_secret.to_owned());
    let error = fixture.poll(&request, &ticket).await.expect_err("the old secret");
    assert_eq!((error.kind, error.remedy), (ErrorKind::Unauthorized, Remedy::Operator));
    for setting in &mut fixture.settings {
        if setting.key == "client-secret" {
            setting.value = new_secret.to_owned();
        }
    }
    fixture.advance(Duration::from_secs(30 * 24 * 3_600));
    fixture.renew_instance().await;
    let progress = fixture.poll(&request, &ticket).await;
    assert_outcome(&fixture.follow(&request, progress).await.expect("a report"), Outcome::Deleted);
}

#[tokio::test]
async fn a_ticket_remains_valid_after_an_error() {
    let mut fixture = Fixture::new().await;
    let request = request_for(SAMPLE_PERSON);
    let ticket = pending(fixture.delete(&request, DeletionMode::Erase).await).ticket;
    fixture.advance(Duration::from_secs(400));
    for fault in [Fault::Status(500, WaitHint::None), Fault::Status(403, WaitHint::None), Fault::ResetBeforeRead] {
        let endpoints = [Endpoint::ErasureGet, Endpoint::ErasureList];
        fixture.simulator.set_faults(endpoints.map(|endpoint| FaultRule::every(endpoint, fault.clone())).to_vec());
        let error = fixture.poll(&request, &ticket).await.expect_err("an error");
        assert_ne!(error.remedy, Remedy::Restart, "{fault:?}");
        fixture.advance(Duration::from_secs(60));
    }
    fixture.simulator.set_faults(Vec::new());
    let progress = fixture.poll(&request, &ticket).await;
    assert_outcome(&fixture.follow(&request, progress).await.expect("a report"), Outcome::Deleted);
}
