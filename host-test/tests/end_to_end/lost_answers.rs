//! Whatever becomes of the answer to an erasure: in the end there is one, and it is the right one.

use std::time::Duration;

use host_test::clock::Clock;
use host_test::host::contract::{DeletionMode, Error, ErrorKind, Outcome, Remedy, Request};
use host_test::simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, JobEnd, Options, SAMPLE_PERSON, SAMPLE_STAFF_CONTACT,
    SAMPLE_TWO_ADDRESSES, WaitHint,
};

use crate::host::{Host, LONG};
use crate::remedies::{Row, assert_is_of};
use crate::world::{World, about, done, email, expect, pending, request};

const ERASE: DeletionMode = DeletionMode::Erase;

/// What can befall the call that begins an erasure, before it takes effect or after.
fn losses() -> Vec<Fault> {
    let statuses = [408, 500, 502, 504];
    let mut losses = vec![
        Fault::ResetBeforeRead,
        Fault::ResetBeforeEffect,
        Fault::ResetAfterEffect,
        Fault::SilenceBeforeEffect,
        Fault::SilenceAfterEffect,
        Fault::HalfAnswer,
        Fault::StalledAnswer,
        Fault::ChunksCutOff,
        Fault::LengthTooLong,
        Fault::LengthTooShort,
        Fault::Html,
        Fault::EmptyBody,
        Fault::JsonArray,
        Fault::JsonString,
        Fault::JsonNumber,
        Fault::DeepJson,
        Fault::InvalidUtf8,
        Fault::DuplicateKeys,
        Fault::NumbersAsStrings,
        Fault::UnaskedGzip,
    ];
    losses.extend(statuses.map(|status| Fault::Status(status, WaitHint::None)));
    losses.extend(statuses.map(|status| Fault::StatusAfterEffect(status, WaitHint::None)));
    losses.extend([400, 401, 404, 429, 500, 503].map(Fault::MetaStatus));
    losses
}

fn keeps_silent(fault: &Fault) -> bool {
    matches!(fault, Fault::SilenceBeforeEffect | Fault::SilenceAfterEffect | Fault::StalledAnswer)
}

/// Everything about everybody else, to be compared.
fn others(world: &World, address: &str) -> Vec<String> {
    world.simulator.with_brand(|brand| {
        let contacts = brand.directories.iter().flat_map(|directory| &directory.contacts);
        let contacts = contacts.filter(|contact| contact.email.as_deref() != Some(address)).map(|one| one.id.clone());
        let responses = brand.responses.iter().filter(|response| response.email.as_deref() != Some(address));
        let users = brand.users.iter().filter(|user| user.email != address).map(|user| user.id.clone());
        contacts.chain(responses.map(|one| one.id.clone())).chain(users).collect()
    })
}

async fn world_that_speaks(dialects: &str) -> World {
    let dialects = Dialects::parse(dialects).expect("dialects");
    World::of(Brand::sample(), Options { dialects, ..Options::default() }, &[]).await
}

async fn one_erasure_in_the_end(dialects: &str, fault: &Fault, fresh: bool, mode: DeletionMode) {
    let case = format!("{fault:?} in {dialects:?}, fresh: {fresh}");
    let mut world = world_that_speaks(dialects).await;
    let before = others(&world, SAMPLE_PERSON);
    world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone())]);
    let mut host = Host::new(&mut world).fresh(fresh);
    host.silence = keeps_silent(fault).then_some(LONG);
    let report = host.deleted(&about(SAMPLE_PERSON), mode).await;
    let kinds: Vec<ErrorKind> = host.errors.iter().map(|error| error.kind).collect();
    assert!(kinds.iter().all(|kind| *kind == ErrorKind::OutcomeUnknown), "{case}: {kinds:?}");
    let outcome = if mode == ERASE { Outcome::Erased } else { Outcome::Verified };
    assert_eq!(report.outcome, outcome, "{case}: {:?}", report.findings);
    assert_eq!(world.erasures_of(SAMPLE_PERSON), 1, "{case}");
    assert!(world.simulator.holdings(SAMPLE_PERSON).is_empty(), "{case}");
    assert_eq!(others(&world, SAMPLE_PERSON), before, "{case}");
    let erasure = world.simulator.erasures().into_iter().find(|job| job.emails == [SAMPLE_PERSON]).expect("it");
    assert_eq!(report.receipt.jobs[0].id, erasure.id, "{case}");
}

#[tokio::test]
async fn a_lost_erasure_answer_is_adopted_not_repeated() {
    for fault in losses() {
        for fresh in [false, true] {
            one_erasure_in_the_end("", &fault, fresh, ERASE).await;
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_found_in_every_form_of_the_list() {
    let dialects = [
        "erasure-list-oldest-first",
        "erasure-cursor-skip-token,erasure-list-oldest-first,next-page-token,last-page-absent",
        "erasure-at-work-no-addresses",
        "erasure-at-work-sparse,early-erasure-500",
        "erasure-lag-20-s,erasure-list-oldest-first",
        "email-list-lower-case,search-only-string,erasure-id-id,dates-epoch-ms,early-erasure-400",
        "erasure-id-request-id,dates-fraction,early-erasure-409,erasure-pending-null,next-page-links",
    ];
    for dialects in dialects {
        for fault in [
            Fault::ResetBeforeEffect,
            Fault::ResetAfterEffect,
            Fault::SilenceAfterEffect,
            Fault::EmptyBody,
            Fault::StatusAfterEffect(504, WaitHint::None),
        ] {
            one_erasure_in_the_end(dialects, &fault, true, ERASE).await;
        }
        one_erasure_in_the_end(dialects, &Fault::ResetAfterEffect, false, DeletionMode::EraseAndVerify).await;
    }
}

#[tokio::test]
async fn what_proves_that_nothing_was_begun_is_not_called_unknown() {
    let cases = [
        (Fault::Status(503, WaitHint::None), ErrorKind::Unavailable),
        (Fault::Status(503, WaitHint::Seconds(60)), ErrorKind::Unavailable),
        (Fault::Status(429, WaitHint::None), ErrorKind::RateLimited),
        (Fault::Status(429, WaitHint::Seconds(60)), ErrorKind::RateLimited),
        (Fault::Status(429, WaitHint::Date(60)), ErrorKind::RateLimited),
        (Fault::Status(429, WaitHint::Absurd), ErrorKind::RateLimited),
        (Fault::Status(403, WaitHint::None), ErrorKind::Forbidden),
        (Fault::Status(400, WaitHint::None), ErrorKind::Protocol),
        (Fault::Redirect(307, "http://127.0.0.1:9/".to_owned()), ErrorKind::Protocol),
    ];
    for (fault, kind) in cases {
        let mut world = World::new().await;
        world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone())]);
        let mut host = Host::new(&mut world);
        let report = host.deleted(&about(SAMPLE_PERSON), ERASE).await;
        let kinds: Vec<ErrorKind> = host.errors.iter().map(|error| error.kind).collect();
        assert_eq!(kinds, [kind], "{fault:?}");
        if let Fault::Status(429 | 503, WaitHint::Seconds(60) | WaitHint::Date(60)) = fault {
            let Remedy::Retry(ms) = host.errors[0].remedy else { panic!("{fault:?}") };
            assert!((59_000..=61_000).contains(&ms), "{fault:?}: {ms}");
        }
        expect(&report, Outcome::Erased);
        assert_eq!(world.erasures_of(SAMPLE_PERSON), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_short_wait_that_a_429_asks_for_is_spent_inside_the_call() {
    let mut world = World::new().await;
    let fault = Fault::Status(429, WaitHint::Seconds(3));
    world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault)]);
    let before = world.now();
    pending(world.delete(&about(SAMPLE_PERSON), ERASE).await);
    assert_eq!(world.now() - before, 3);
    assert_eq!(world.erasures_of(SAMPLE_PERSON), 1);
}

/// Begins an erasure whose caller dies when Qualtrics has the request.
async fn a_call_that_never_returns(world: &mut World, request: &Request, fault: Fault) {
    world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault)]);
    let World { simulator, instance, .. } = &mut *world;
    let arrived = async {
        while !simulator.calls().iter().any(|call| call.endpoint == Endpoint::ErasureCreate && !call.body.0.is_null()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        answer = instance.delete(request, ERASE) => panic!("silence, not {answer:?}"),
        () = arrived => {}
    }
    world.simulator.set_faults(Vec::new());
    world.change_instance().await;
}

#[tokio::test]
async fn an_erasure_whose_caller_died_is_adopted_or_begun_once() {
    for fault in [Fault::SilenceBeforeEffect, Fault::SilenceAfterEffect] {
        let mut world = World::new().await;
        let mut request = about(SAMPLE_PERSON);
        let attempt = world.now();
        a_call_that_never_returns(&mut world, &request, fault.clone()).await;
        request.first_attempt_at = Some(attempt);
        world.advance(Duration::from_secs(5));
        let report = Host::new(&mut world).deleted(&request, ERASE).await;
        expect(&report, Outcome::Erased);
        assert_eq!(world.erasures_of(SAMPLE_PERSON), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_again_before_the_list_had_time_to_show_it() {
    let mut world = world_that_speaks("erasure-lag-20-s").await;
    let mut request = about(SAMPLE_PERSON);
    request.first_attempt_at = Some(world.now());
    a_call_that_never_returns(&mut world, &about(SAMPLE_PERSON), Fault::SilenceAfterEffect).await;
    world.advance(Duration::from_secs(10));
    let error = world.delete(&request, ERASE).await.expect_err("not yet known");
    assert_eq!(error.kind, ErrorKind::OutcomeUnknown);
    let Remedy::Retry(ms) = error.remedy else { panic!("{error:?}") };
    world.advance(Duration::from_millis(ms));
    pending(world.delete(&request, ERASE).await);
    assert_eq!(world.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn an_older_erasure_of_the_same_person_is_not_adopted() {
    for dialects in ["", "erasure-list-oldest-first"] {
        let mut world = world_that_speaks(dialects).await;
        let first = world.deleted(&about(SAMPLE_PERSON), ERASE).await;
        expect(&first, Outcome::Erased);
        world.advance(Duration::from_secs(600));
        world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetBeforeEffect)]);
        let again = request("request-2", vec![email(SAMPLE_PERSON)]);
        let second = Host::new(&mut world).fresh(true).deleted(&again, ERASE).await;
        expect(&second, Outcome::NothingFound);
        assert_eq!(world.erasures_of(SAMPLE_PERSON), 2);
        assert_ne!(second.receipt.jobs[0].id, first.receipt.jobs[0].id);
    }
}

#[tokio::test]
async fn a_search_is_not_adopted_as_an_erasure_nor_an_erasure_as_a_search() {
    for (one, other) in [(DeletionMode::Preview, ERASE), (ERASE, DeletionMode::Preview)] {
        let mut world = World::new().await;
        let mut request = about(SAMPLE_PERSON);
        let attempt = world.now();
        pending(world.delete(&request, one).await);
        world.advance(Duration::from_secs(90));
        request.first_attempt_at = Some(attempt);
        pending(world.delete(&request, other).await);
        assert_eq!(world.simulator.erasures().iter().filter(|job| job.emails == [SAMPLE_PERSON]).count(), 2);
        assert_eq!(world.erasures_of(SAMPLE_PERSON), 1, "{other:?} after {one:?}");
    }
}

#[tokio::test]
async fn a_job_for_more_or_fewer_addresses_is_not_adopted() {
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    for (earlier, asked) in [(vec![one], vec![one, two]), (vec![one, two], vec![one])] {
        let mut world = World::new().await;
        let of = |key: &str, names: &[&str]| request(key, names.iter().map(|name| email(name)).collect());
        let attempt = world.now();
        pending(world.delete(&of("earlier", &earlier), ERASE).await);
        world.advance(Duration::from_secs(90));
        let mut asked_for = of("asked", &asked);
        asked_for.first_attempt_at = Some(attempt);
        let report = Host::new(&mut world).deleted(&asked_for, ERASE).await;
        let job = world.simulator.erasures().into_iter().find(|job| job.id == report.receipt.jobs[0].id).expect("it");
        assert_eq!(job.emails.len(), asked.len());
    }
}

#[tokio::test]
async fn the_same_addresses_in_another_order_and_spelling_are_the_same_job() {
    let [one, two] = SAMPLE_TWO_ADDRESSES;
    let mut world = World::new().await;
    let attempt = world.now();
    pending(world.delete(&request("r", vec![email(one), email(two)]), ERASE).await);
    world.change_instance().await;
    let mut again = request("r", vec![email(&two.to_uppercase()), email(&format!(" {one} ")), email(two)]);
    again.first_attempt_at = Some(attempt);
    pending(world.delete(&again, ERASE).await);
    assert_eq!(world.erasures_of(one), 1);
}

#[tokio::test]
async fn after_a_failed_erasure_a_new_attempt_makes_a_new_job() {
    let mut world = World::new().await;
    world.simulator.set_next_jobs(JobEnd::Fails);
    let request = about(SAMPLE_PERSON);
    expect(&world.deleted(&request, ERASE).await, Outcome::Failed);
    world.simulator.set_next_jobs(JobEnd::Completes);
    world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetBeforeEffect)]);
    let report = Host::new(&mut world).deleted(&request, ERASE).await;
    expect(&report, Outcome::Erased);
    assert_eq!(world.erasures_of(SAMPLE_PERSON), 2);
}

#[tokio::test]
async fn a_guard_is_not_passed_by_an_earlier_attempt_that_never_was() {
    let mut world = World::new().await;
    let mut request = about(SAMPLE_STAFF_CONTACT);
    request.first_attempt_at = Some(world.now());
    world.advance(Duration::from_secs(120));
    expect(&done(world.delete(&request, ERASE).await), Outcome::Refused);
    assert_eq!(world.erasures_of(SAMPLE_STAFF_CONTACT), 0);
    assert!(!world.simulator.holdings(SAMPLE_STAFF_CONTACT).is_empty());
}

#[tokio::test]
async fn when_the_list_will_not_tell_a_person_decides() {
    for dialects in ["erasure-at-work-no-addresses", "erasure-at-work-sparse"] {
        let mut world = world_that_speaks(dialects).await;
        world.simulator.set_next_jobs(JobEnd::NeverEnds);
        world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, Fault::ResetAfterEffect)]);
        let mut request = about(SAMPLE_PERSON);
        let attempt = world.now();
        let mut error = world.delete(&request, ERASE).await.expect_err("a lost answer");
        request.first_attempt_at = Some(attempt);
        while let Error { kind: ErrorKind::OutcomeUnknown, remedy: Remedy::Retry(ms), .. } = error {
            world.advance(Duration::from_millis(ms));
            error = world.delete(&request, ERASE).await.expect_err("no telling");
        }
        assert!((600..700).contains(&(world.now() - attempt)), "{dialects}");
        assert_is_of(Row::Undecided, &error);
        assert!(error.message.contains("without first-attempt-at"), "{}", error.message);
        assert_eq!(world.erasures_of(SAMPLE_PERSON), 1, "{dialects}");
        request.first_attempt_at = None;
        pending(world.delete(&request, ERASE).await);
        assert_eq!(world.erasures_of(SAMPLE_PERSON), 2, "a person forced it");
    }
}

#[tokio::test]
async fn a_finished_job_that_tells_no_time_is_no_proof_that_nothing_was_begun() {
    let mut world = world_that_speaks("erasure-times-hidden").await;
    let mut request = about(SAMPLE_PERSON);
    let attempt = world.now();
    // The host loses the ticket, and asks again when the job is over.
    pending(world.delete(&request, ERASE).await);
    world.advance(Duration::from_secs(300));
    request.first_attempt_at = Some(attempt);
    assert_is_of(Row::OutcomeUnknown, &world.delete(&request, ERASE).await.expect_err("no telling"));
    world.advance(Duration::from_secs(600));
    assert_is_of(Row::Undecided, &world.delete(&request, ERASE).await.expect_err("no telling"));
    assert_eq!(world.erasures_of(SAMPLE_PERSON), 1);
}

#[tokio::test]
async fn a_finished_job_is_adopted_however_its_times_are_written() {
    for dialects in ["dates-fraction", "dates-epoch-ms", "dates-epoch-ms-text"] {
        let mut world = world_that_speaks(dialects).await;
        let mut request = about(SAMPLE_PERSON);
        request.first_attempt_at = Some(world.now());
        world.advance(Duration::from_secs(60));
        pending(world.delete(&request, ERASE).await);
        world.advance(Duration::from_secs(300));
        pending(world.delete(&request, ERASE).await);
        assert_eq!(world.erasures_of(SAMPLE_PERSON), 1, "{dialects}");
    }
}

#[tokio::test]
async fn one_job_is_found_among_twenty_thousand() {
    for dialects in
        ["", "erasure-list-oldest-first", "erasure-list-oldest-first,erasure-lag-20-s", "erasure-cursor-skip-token"]
    {
        for fault in [Fault::ResetAfterEffect, Fault::ResetBeforeEffect] {
            let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
            let mut world = World::of(Brand::sample().past_erasures(20_000), options, &[]).await;
            world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone())]);
            let report = Host::new(&mut world).fresh(true).deleted(&about(SAMPLE_PERSON), ERASE).await;
            expect(&report, Outcome::Erased);
            assert_eq!(world.erasures_of(SAMPLE_PERSON), 1, "{fault:?} in {dialects:?}");
            assert_eq!(world.simulator.ratelimited_count(), 0, "{fault:?} in {dialects:?}");
        }
    }
}

#[tokio::test]
async fn a_host_whose_clock_is_wrong_finds_its_job_too() {
    for hours in [-26_i64, -1, 1, 26] {
        for fault in [Fault::ResetAfterEffect, Fault::ResetBeforeEffect] {
            let mut world = World::of(Brand::sample().past_erasures(500), Options::default(), &[]).await;
            let clock = Clock::made(world.now().saturating_add_signed(hours * 3_600));
            world.change_clock(clock.clone()).await;
            world.simulator.set_faults(vec![FaultRule::nth(Endpoint::ErasureCreate, 1, fault.clone())]);
            let mut request = about(SAMPLE_PERSON);
            let attempt = clock.since_epoch().as_secs();
            let mut begun = world.delete(&request, ERASE).await;
            while let Err(error) = &begun {
                assert_eq!(error.kind, ErrorKind::OutcomeUnknown);
                let Remedy::Retry(ms) = error.remedy else { panic!("{error:?}") };
                world.advance(Duration::from_millis(ms));
                clock.advance(Duration::from_millis(ms));
                request.first_attempt_at = Some(attempt);
                world.change_clock(clock.clone()).await;
                begun = world.delete(&request, ERASE).await;
            }
            pending(begun);
            assert_eq!(world.erasures_of(SAMPLE_PERSON), 1, "{fault:?}, {hours} hours");
        }
    }
}
