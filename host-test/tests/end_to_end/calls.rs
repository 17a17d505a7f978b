//! How many calls to Qualtrics each function of the contract makes, and in how many rounds.

use std::time::Duration;

use privacy_host::contract::{DeletionMode, Outcome, Right};
use qualtrics_simulator::{Endpoint, SAMPLE_PERSON};

use crate::fixture::{Fixture, assert_outcome, done, pending, request_for};

#[tokio::test]
async fn each_function_makes_exactly_these_calls_in_these_rounds() {
    use Endpoint::{
        Contact, ContactSearch, Directories, ErasureCreate, ErasureGet, ErasureList, ExportCreate, ExportFile,
        ExportProgress, Token, Users, WhoAmI,
    };
    // Each inner list is a round of concurrent calls.
    let table: [(&[Right], &[&[Endpoint]]); 3] = [
        (
            &[Right::Access, Right::Deletion],
            &[&[Token], &[Directories, ErasureList, ExportProgress, Users, WhoAmI], &[ContactSearch]],
        ),
        (&[Right::Access], &[&[Token], &[Directories, ExportProgress, WhoAmI], &[ContactSearch]]),
        (&[Right::Deletion], &[&[Token], &[Directories, ErasureList, Users, WhoAmI], &[ContactSearch]]),
    ];
    for (rights, rounds) in table {
        let mut fixture = Fixture::new().await;
        fixture.check(rights).await.expect("a connection");
        assert_rounds(&fixture.endpoints(), rounds);
        assert!(fixture.simulator.peak_calls() <= 4);
        fixture.simulator.clear_calls();
        fixture.check(rights).await.expect("a connection");
        assert_rounds(&fixture.endpoints(), &rounds[1..]);
    }
    let mut fixture = Fixture::new().await;
    fixture.instance.describe().await.unwrap();
    fixture.instance.configure(&fixture.settings).await.unwrap().unwrap();
    assert!(fixture.simulator.calls().is_empty(), "describe and configure make no call");
    let request = request_for(SAMPLE_PERSON);
    let started = pending(fixture.access(&request).await);
    assert_rounds(&fixture.endpoints(), &[&[Token], &[ExportCreate]]);
    fixture.simulator.clear_calls();
    let started = pending(fixture.poll(&request, &started.ticket).await);
    assert_rounds(&fixture.endpoints(), &[&[ExportProgress]]);
    fixture.simulator.clear_calls();
    fixture.advance(Duration::from_secs(200));
    let progress = fixture.poll(&request, &started.ticket).await;
    assert_outcome(&done(progress), Outcome::Found);
    assert_rounds(
        &fixture.endpoints(),
        &[&[ExportProgress], &[Directories], &[ContactSearch; 2], &[ExportFile], &[Contact; 2]],
    );
    assert!(fixture.simulator.peak_calls() <= 4);

    let mut fixture = Fixture::new().await;
    let started = pending(fixture.delete(&request, DeletionMode::EraseAndVerify).await);
    assert_rounds(&fixture.endpoints(), &[&[Token], &[Users, WhoAmI], &[ErasureCreate]]);
    fixture.simulator.clear_calls();
    let started = pending(fixture.poll(&request, &started.ticket).await);
    assert_rounds(&fixture.endpoints(), &[&[ErasureGet], &[ErasureList]]);
    fixture.simulator.clear_calls();
    fixture.advance(Duration::from_secs(400));
    let started = pending(fixture.poll(&request, &started.ticket).await);
    assert_rounds(&fixture.endpoints(), &[&[ErasureGet], &[ErasureList], &[ErasureCreate]]);
    fixture.simulator.clear_calls();
    fixture.advance(Duration::from_secs(400));
    assert_outcome(&done(fixture.poll(&request, &started.ticket).await), Outcome::Verified);
    assert_rounds(&fixture.endpoints(), &[&[ErasureGet], &[Directories, ErasureGet], &[ContactSearch; 2]]);
}

/// Asserts that the calls are those of the rounds, in the order of the rounds.
#[track_caller]
fn assert_rounds(calls: &[Endpoint], rounds: &[&[Endpoint]]) {
    let mut rest = calls;
    for round in rounds {
        let (actual, others) = rest.split_at_checked(round.len()).unwrap_or((rest, &[]));
        let name = |endpoint: &Endpoint| format!("{endpoint:?}");
        let (mut actual, mut expected): (Vec<_>, Vec<_>) =
            (actual.iter().map(name).collect(), round.iter().map(name).collect());
        actual.sort_unstable();
        expected.sort_unstable();
        assert_eq!(actual, expected, "in {calls:?}");
        rest = others;
    }
    assert!(rest.is_empty(), "further calls: {rest:?}");
}
