//! Tickets: good for their own request and for nothing else, safe to log, and no way to an erasure.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use host_test::host::contract::{DeletionMode, ErrorKind, Identifier, Outcome, Progress, Remedy, Request, Task};
use host_test::simulator::{
    Endpoint, Fault, FaultRule, SAMPLE_PERSON, SAMPLE_PHONE, SAMPLE_REFERENCE, SAMPLE_STRANGER, WaitHint,
};
use sha2::{Digest, Sha256};

use crate::world::{World, about, email, expect, pending, request};

/// Every ticket that a request gets on its way, its reading included.
async fn tickets_of(world: &mut World, request: &Request, mode: Option<DeletionMode>) -> Vec<String> {
    let mut progress = match mode {
        Some(mode) => world.delete(request, mode).await,
        None => world.access(request).await,
    };
    let mut tickets = Vec::new();
    while let Progress::Pending(pending) = progress.expect("progress") {
        world.advance(Duration::from_millis(pending.poll_after_ms));
        progress = world.poll(request, &pending.ticket).await;
        tickets.push(pending.ticket);
    }
    tickets
}

fn everything_of_a_person() -> Request {
    let names = vec![
        email(SAMPLE_PERSON),
        Identifier::Phone(SAMPLE_PHONE.to_owned()),
        Identifier::ExternalReference(SAMPLE_REFERENCE.to_owned()),
    ];
    request("request-of-a-person", names)
}

/// With the checksum that a later version would give it, too: the first 48 bits of SHA-256.
fn signed(body: &str) -> String {
    format!("{body}{}", URL_SAFE_NO_PAD.encode(&Sha256::digest(body.as_bytes())[..6]))
}

fn payload(ticket: &str) -> serde_json::Value {
    let middle = ticket.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).expect("base64")).expect("JSON")
}

fn ticket_of(payload: &serde_json::Value) -> String {
    signed(&format!("t1.{}.", URL_SAFE_NO_PAD.encode(payload.to_string())))
}

#[tokio::test]
async fn a_ticket_is_short_printable_and_names_nobody() {
    let modes = [None, Some(DeletionMode::Preview), Some(DeletionMode::Erase), Some(DeletionMode::EraseAndVerify)];
    for mode in modes {
        let mut world = World::new().await;
        let tickets = tickets_of(&mut world, &everything_of_a_person(), mode).await;
        assert!(!tickets.is_empty());
        for ticket in tickets {
            assert!(ticket.len() <= 4_096 && ticket.bytes().all(|byte| byte.is_ascii_graphic()), "{ticket}");
            let decoded = payload(&ticket).to_string();
            for text in [&ticket, &decoded] {
                let text = text.to_lowercase();
                for name in [SAMPLE_PERSON, "ada", "lovelace", SAMPLE_PHONE, &SAMPLE_PHONE[1..], SAMPLE_REFERENCE] {
                    // Of what is only looked like by chance in base64, the shortest is left out.
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
async fn damage_anywhere_is_told_and_asks_nothing_of_qualtrics() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let good = pending(world.delete(&request, DeletionMode::Erase).await).ticket;
    let other = pending(world.delete(&about(SAMPLE_STRANGER), DeletionMode::Erase).await).ticket;
    let mut bad = vec![String::new(), ".".to_owned(), "t1..".to_owned(), format!("{good}{good}"), "\u{e9}".repeat(50)];
    for position in 0..good.len() {
        let (before, after) = good.split_at(position);
        bad.push(before.to_owned());
        let changed = if after.starts_with('A') { 'B' } else { 'A' };
        bad.push(format!("{before}{changed}{}", &after[1..]));
        bad.push(format!("{before}A{after}"));
        bad.push(format!("{before}{}", &after[1..]));
        if let Some(rest) = other.get(position..).filter(|rest| *rest != after && before != &other[..position]) {
            bad.push(format!("{before}{rest}"));
        }
    }
    bad.push("t1.".to_owned() + &"A".repeat(5_000));
    bad.push(signed("t1.AAAA."));
    bad.push(signed(&format!("t1.{}.", URL_SAFE_NO_PAD.encode("{}"))));
    bad.push(signed(&good.replacen("t1.", "r1.", 1)[..good.len() - 8]));
    world.simulator.clear_calls();
    let tasks: Vec<Task> = bad.iter().map(|bad| Task { request: request.clone(), ticket: bad.clone() }).collect();
    for tasks in tasks.chunks(200) {
        let answers = world.instance.poll(tasks).await.expect("an answer");
        for (answer, task) in answers.into_iter().zip(tasks) {
            let error = answer.expect_err(&task.ticket);
            assert_eq!((error.kind, error.remedy), (ErrorKind::InvalidTicket, Remedy::GiveUp), "{}", task.ticket);
        }
    }
    assert!(world.simulator.calls().is_empty());
    pending(world.poll(&request, &format!(" {good}\n")).await);
}

#[tokio::test]
async fn a_ticket_is_bound_to_its_request() {
    let mut world = World::new().await;
    let mine = request("mine", vec![email(SAMPLE_PERSON)]);
    let ticket = pending(world.delete(&mine, DeletionMode::Erase).await).ticket;
    let changed = [
        Request { key: "other".to_owned(), ..mine.clone() },
        Request { subject: vec![email(SAMPLE_STRANGER)], ..mine.clone() },
        Request { subject: vec![email(SAMPLE_PERSON), email(SAMPLE_STRANGER)], ..mine.clone() },
        Request { subject: vec![Identifier::ExternalReference(SAMPLE_PERSON.to_owned())], ..mine.clone() },
    ];
    for other in changed {
        let error = world.poll(&other, &ticket).await.expect_err("another request's");
        assert_eq!((error.kind, error.remedy), (ErrorKind::InvalidTicket, Remedy::GiveUp));
    }
    // Neither what the host noted of earlier attempts, nor what was confirmed, nor spelling makes it another request.
    let same = Request {
        subject: vec![email(&format!(" {} ", SAMPLE_PERSON.to_uppercase()))],
        first_attempt_at: Some(1),
        confirmed: vec!["staff-account".to_owned()],
        ..mine
    };
    pending(world.poll(&same, &ticket).await);
}

#[tokio::test]
async fn a_later_version_is_told_apart_from_damage() {
    let mut world = World::new().await;
    let error = world.poll(&about(SAMPLE_PERSON), &signed("t2.whatever-it_holds.")).await.expect_err("not yet");
    assert_eq!((error.kind, error.remedy), (ErrorKind::Unsupported, Remedy::Operator));
}

#[tokio::test]
async fn members_that_a_later_version_adds_are_passed_over() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let ticket = pending(world.delete(&request, DeletionMode::Erase).await).ticket;
    let mut later = payload(&ticket);
    later["new-member"] = serde_json::json!({ "a": [1, 2] });
    pending(world.poll(&request, &ticket_of(&later)).await);
}

#[tokio::test]
async fn no_forged_ticket_leads_to_an_erasure() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let preview = pending(world.delete(&request, DeletionMode::Preview).await).ticket;
    world.advance(Duration::from_secs(400));
    let good = payload(&preview);
    let mut forged = Vec::new();
    for aim in ["a", "p", "e", "v"] {
        // The check value has twenty bits: it can be guessed. That of the true aim is known.
        for check in [good["c"].clone(), 0.into()] {
            for jobs in [good["j"].clone(), serde_json::json!([]), serde_json::json!(["OP-nowhere"])] {
                for verify in [serde_json::Value::Null, serde_json::json!({ "e": 0, "a": 0 })] {
                    let mut ticket = good.clone();
                    (ticket["a"], ticket["c"], ticket["j"], ticket["v"]) =
                        (aim.into(), check.clone(), jobs.clone(), verify);
                    ticket["h"] = "offset=0&searchOnly=false".into();
                    forged.push(ticket_of(&ticket));
                }
            }
        }
    }
    for (key, mode) in [("e", DeletionMode::Erase), ("v", DeletionMode::EraseAndVerify)] {
        // A true check value of an erasing aim, from a request that was never sent: Qualtrics took nothing.
        world.simulator.set_faults(vec![]);
        let mut other = World::new().await;
        let ticket = pending(other.delete(&request, mode).await).ticket;
        assert_eq!(payload(&ticket)["a"], key);
        let mut ticket = payload(&ticket);
        for (jobs, verify) in [
            (serde_json::json!([]), serde_json::json!({ "e": 0, "a": 0 })),
            (serde_json::json!([]), serde_json::Value::Null),
            (good["j"].clone(), serde_json::Value::Null),
            (good["j"].clone(), serde_json::json!({ "e": 1, "a": 1, "i": "OP-nowhere" })),
        ] {
            (ticket["j"], ticket["v"]) = (jobs, verify);
            forged.push(ticket_of(&ticket));
        }
    }
    for ticket in forged {
        let mut progress = world.poll(&request, &ticket).await;
        for _ in 0..6 {
            let Ok(Progress::Pending(pending)) = progress else { break };
            world.advance(Duration::from_millis(pending.poll_after_ms));
            progress = world.poll(&request, &pending.ticket).await;
        }
        if let Err(error) = progress {
            assert_ne!(error.kind, ErrorKind::OutcomeUnknown);
        }
    }
    assert_eq!(world.erasures_of(SAMPLE_PERSON), 0);
    assert!(!world.simulator.holdings(SAMPLE_PERSON).is_empty());
    assert!(world.simulator.erasures().iter().all(|job| job.search_only || job.emails != [SAMPLE_PERSON]));
}

#[tokio::test]
async fn a_ticket_outlives_new_credentials_and_a_new_host() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let ticket = pending(world.delete(&request, DeletionMode::Erase).await).ticket;
    world.simulator.revoke_tokens();
    let rotated = "another secret";
    world.simulator.with_brand(|brand| brand.clients[0].secret = rotated.to_owned());
    let error = world.poll(&request, &ticket).await.expect_err("the old secret");
    assert_eq!((error.kind, error.remedy), (ErrorKind::Unauthorized, Remedy::Operator));
    for setting in &mut world.settings {
        if setting.key == "client-secret" {
            setting.value = rotated.to_owned();
        }
    }
    world.advance(Duration::from_secs(30 * 24 * 3_600));
    world.change_instance().await;
    let progress = world.poll(&request, &ticket).await;
    expect(&world.follow(&request, progress).await.expect("a report"), Outcome::Erased);
}

#[tokio::test]
async fn a_ticket_stays_good_after_an_error() {
    let mut world = World::new().await;
    let request = about(SAMPLE_PERSON);
    let ticket = pending(world.delete(&request, DeletionMode::Erase).await).ticket;
    world.advance(Duration::from_secs(400));
    for fault in [Fault::Status(500, WaitHint::None), Fault::Status(403, WaitHint::None), Fault::ResetBeforeRead] {
        let endpoints = [Endpoint::ErasureGet, Endpoint::ErasureList];
        world.simulator.set_faults(endpoints.map(|endpoint| FaultRule::every(endpoint, fault.clone())).to_vec());
        let error = world.poll(&request, &ticket).await.expect_err("trouble");
        assert_ne!(error.remedy, Remedy::Restart, "{fault:?}");
        world.advance(Duration::from_secs(60));
    }
    world.simulator.set_faults(Vec::new());
    let progress = world.poll(&request, &ticket).await;
    expect(&world.follow(&request, progress).await.expect("a report"), Outcome::Erased);
}
