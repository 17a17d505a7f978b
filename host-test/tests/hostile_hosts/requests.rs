//! Malformed and extreme requests, and calls before `configure`.

use privacy_host::InstanceOptions;
use privacy_host::contract::{Attempts, DeletionMode, ErrorKind, Identifier, Outcome, Progress, Remedy, Right, Task};
use qualtrics_simulator::SAMPLE_PERSON;

use crate::fixture::{Fixture, assert_outcome, done, email, pending, plugin, request, request_for};
use crate::in_progress::InProgress;
use crate::{MARK, absurd_texts, assert_nothing_repeated, huge, rejected, setting, task};

const MODES: [DeletionMode; 3] = [DeletionMode::Preview, DeletionMode::Erase, DeletionMode::EraseAndVerify];

#[tokio::test]
async fn every_call_before_configure_is_an_error_and_describe_is_not() {
    let mut instance = plugin().instantiate(InstanceOptions::default()).await.expect("an instance");
    let requests = [request("one", vec![email(SAMPLE_PERSON)]), request("two", vec![email(MARK)])];
    let tasks = [task(&requests[0], MARK), task(&requests[1], "")];
    for _ in 0..2 {
        let lists = [
            instance.access(&requests).await.expect("a result"),
            instance.delete(&requests, DeletionMode::Erase).await.expect("a result"),
            instance.opt_out(&requests).await.expect("a result"),
            instance.poll(&tasks).await.expect("a result"),
        ];
        for results in lists {
            assert_eq!(results.len(), 2, "the error is returned for every element");
            for result in results {
                rejected(result, &[ErrorKind::NotConfigured]);
            }
        }
        rejected(instance.check(&[Right::Access]).await.expect("a result"), &[ErrorKind::NotConfigured]);
        rejected(instance.read(MARK, u64::MAX, 0).await.expect("a result"), &[ErrorKind::NotConfigured]);
        assert_eq!(instance.describe().await.expect("a result").name, "qualtrics");
        let result = instance.configure(&[setting(MARK, MARK)]).await.expect("a result");
        rejected(result, &[ErrorKind::InvalidSettings]);
    }
}

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
async fn attempts_that_are_not_timestamps_in_seconds_are_invalid_and_nothing_is_sent() {
    let mut fixture = Fixture::new().await;
    let now = fixture.now();
    for (first_at, last_at) in
        [(now * 1_000, now * 1_000), (u64::MAX, u64::MAX), (0, u64::MAX), (now, now - 1), (1, 0), (now, now + 172_800)]
    {
        let attempts = Some(Attempts { first_at, last_at });
        let request = privacy_host::contract::Request { attempts, ..request_for(SAMPLE_PERSON) };
        rejected(fixture.access(&request).await, &[ErrorKind::InvalidRequest]);
        for mode in MODES {
            let error = rejected(fixture.delete(&request, mode).await, &[ErrorKind::InvalidRequest]);
            assert_eq!(error.problems[0].target, "attempts");
        }
        rejected(fixture.poll(&request, "t1.A.A").await, &[ErrorKind::InvalidRequest]);
    }
    assert!(fixture.simulator.calls().is_empty());
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
async fn an_unknown_kind_of_identifier_is_reported_and_not_sent() {
    let mut fixture = Fixture::new().await;
    let subject = vec![Identifier::Other((MARK.to_owned(), MARK.to_owned())), email(SAMPLE_PERSON)];
    let request = request("id", subject);
    let started = fixture.delete(&request, DeletionMode::Preview).await;
    let report = fixture.follow(&request, started).await.expect("a report");
    assert_nothing_repeated(&report);
    assert_outcome(&report, Outcome::Partial);
    assert!(report.findings.iter().any(|finding| finding.code.as_deref() == Some("unsupported-kind")));
}

#[tokio::test]
async fn opt_out_is_unsupported_and_nothing_is_sent() {
    let mut fixture = Fixture::new().await;
    let requests = [request("one", vec![email(SAMPLE_PERSON)]), request("two", vec![email(MARK)])];
    for result in fixture.instance.opt_out(&requests).await.expect("a result") {
        let error = rejected(result, &[ErrorKind::Unsupported]);
        assert_eq!(error.remedy, Remedy::GiveUp);
    }
    for rights in [&[Right::OptOut][..], &[Right::Access, Right::OptOut]] {
        rejected(fixture.check(rights).await, &[ErrorKind::Unsupported]);
    }
    assert!(fixture.simulator.calls().is_empty());
    let manifest = fixture.instance.describe().await.expect("a manifest");
    assert!(!manifest.capabilities.iter().any(|capability| capability.right == Right::OptOut));
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
