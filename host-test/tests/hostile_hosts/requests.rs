//! Malformed and extreme requests, and calls before `configure`.

use privacy_host::contract::{Attempts, DeletionMode, ErrorKind, Identifier, Outcome, Progress, Remedy, Right, Task};
use qualtrics_simulator::SAMPLE_PERSON;

use crate::fixture::{Fixture, assert_outcome, done, email, pending, request, request_for};
use crate::in_progress::InProgress;
use crate::{MARK, absurd_texts, assert_nothing_repeated, huge, rejected, task};

const MODES: [DeletionMode; 3] = [DeletionMode::Preview, DeletionMode::Erase, DeletionMode::EraseAndVerify];

#[tokio::test]
async fn absurd_requests_are_invalid_and_nothing_is_sent() {
    let mut fixture = Fixture::new().await;
    let mut absurd = Vec::new();
    for text in absurd_texts() {
        absurd.push(request(&text, vec![email(SAMPLE_PERSON)]));
        for identifier in [
            Identifier::Email(text.clone()),
            Identifier::Phone(text.clone()),
            Identifier::ExternalId(text.clone()),
            Identifier::Other((text.clone(), MARK.to_owned())),
            Identifier::Other((MARK.to_owned(), text.clone())),
        ] {
            absurd.push(request("id", vec![email(SAMPLE_PERSON), identifier]));
        }
    }
    absurd.push(request("id", Vec::new()));
    absurd.push(request("id", vec![email(SAMPLE_PERSON); 65]));
    absurd.push(request("id", vec![email(MARK); 100_000]));
    absurd.push(request("id", vec![email(&huge()); 3]));
    for request in &absurd {
        rejected(fixture.access(request).await, &[ErrorKind::InvalidRequest]);
        for mode in MODES {
            let error = rejected(fixture.delete(request, mode).await, &[ErrorKind::InvalidRequest]);
            assert_eq!(error.remedy, Remedy::GiveUp);
            assert!(!error.problems.is_empty());
        }
    }
    for request in absurd.iter().take(20) {
        let results = fixture.instance.poll(&[task(request, huge())]).await.expect("a result");
        results.into_iter().for_each(|result| drop(rejected(result, &[ErrorKind::InvalidRequest])));
    }
    assert!(fixture.simulator.calls().is_empty());
    assert_outcome(&fixture.access_report(&request_for(SAMPLE_PERSON)).await, Outcome::Found);
}

#[tokio::test]
async fn overrides_and_attempts_of_any_content_do_not_fail_a_preview_or_an_access_request() {
    let mut fixture = Fixture::new().await;
    let now = fixture.now();
    let mut request = request_for(SAMPLE_PERSON);
    request.overrides = (0..10_000).map(|index| format!("{MARK}{index}")).collect();
    request.overrides.extend([huge(), String::new(), "\0".to_owned()]);
    for attempts in [None, Some((0, 0)), Some((0, now)), Some((now, now)), Some((now, now + 80_000))] {
        request.attempts = attempts.map(|(first_at, last_at)| Attempts { first_at, last_at });
        let result = fixture.access(&request).await;
        assert_nothing_repeated(&result);
        pending(result);
        let result = fixture.delete(&request, DeletionMode::Preview).await;
        assert_nothing_repeated(&result);
        pending(result);
    }
}

#[tokio::test]
async fn calls_in_any_order_and_on_any_instance_lead_to_the_same_end() {
    let mut in_progress = InProgress::new().await;
    let (request, ticket) = in_progress.deletion.clone();
    let reference = in_progress.reference.clone();
    let fixture = &mut in_progress.fixture;
    for round in 0..4_u64 {
        fixture.read(&reference, round, 1).await.expect("a chunk");
        rejected(fixture.check(&[]).await, &[ErrorKind::InvalidRequest]);
        fixture.check(&[Right::Deletion, Right::Access, Right::Deletion]).await.expect("a connection");
        pending(fixture.poll(&request, &ticket).await);
        fixture.renew_instance().await;
    }
    let started = Ok(Progress::Pending(pending(fixture.poll(&request, &ticket).await)));
    fixture.follow(&request, started).await.expect("a report");
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1);
    // The ticket of a completed request starts nothing.
    for _ in 0..3 {
        done(fixture.poll(&request, &ticket).await);
    }
    let again: [Task; 0] = [];
    assert!(fixture.instance.poll(&again).await.expect("a result").is_empty());
    assert_eq!(fixture.erasures_of(SAMPLE_PERSON), 1);
}
