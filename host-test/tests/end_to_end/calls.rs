//! How many calls to Qualtrics each function of the contract makes, and in how many rounds.

use std::time::Duration;

use privacy_host::contract::{DeletionMode, Outcome, Right};
use qualtrics_simulator::{Endpoint, SAMPLE_PERSON, SAMPLE_STAFF_CONTACT};

use crate::fixture::{Fixture, assert_outcome, done, pending, request_for};
use crate::opt_outs::WRITER;

#[tokio::test]
async fn each_function_makes_exactly_these_calls_in_these_rounds() {
    use Endpoint::{
        Contact, ContactHistory, ContactSearch, ContactTransactions, Directories, ErasureCreate, ErasureGet,
        ErasureList, ExportCreate, ExportFile, ExportProgress, Token, User, Users, WhoAmI,
    };
    // Each inner list is a round of concurrent calls.
    let table: [(&[Right], &[&[Endpoint]]); 3] = [
        (
            &[Right::Access, Right::Deletion],
            &[
                &[Token],
                &[Directories, ErasureList, ExportProgress, Users, WhoAmI],
                &[ContactSearch, ContactTransactions],
            ],
        ),
        (
            &[Right::Access],
            &[&[Token], &[Directories, ExportProgress, WhoAmI], &[ContactSearch, ContactTransactions, Users]],
        ),
        (&[Right::Deletion], &[&[Token], &[Directories, ErasureList, Users, WhoAmI], &[ContactSearch]]),
    ];
    // Each optional scope has a token of its own, which is requested beside the first calls.
    for ((rights, rounds), optional) in table.into_iter().zip([1, 2, 0]) {
        let mut fixture = Fixture::new().await;
        fixture.grant_optional();
        fixture.check(rights).await.expect("a connection");
        let first = [rounds[1], &vec![Token; optional]].concat();
        assert_rounds(&fixture.endpoints(), &[rounds[0], &first, rounds[2]]);
        assert!(fixture.simulator.peak_calls() <= 4);
        fixture.simulator.clear_calls();
        fixture.check(rights).await.expect("a connection");
        assert_rounds(&fixture.endpoints(), &rounds[1..]);
    }
    let mut fixture = Fixture::new().await;
    fixture.instance.describe().await.unwrap();
    fixture.instance.configure(&fixture.settings).await.unwrap().unwrap();
    assert!(fixture.simulator.calls().is_empty(), "describe and configure make no call");
    fixture.grant_optional();
    // A person who is a user as well.
    let request = request_for(SAMPLE_STAFF_CONTACT);
    let started = pending(fixture.access(&request).await);
    assert_rounds(&fixture.endpoints(), &[&[Token], &[ExportCreate]]);
    fixture.simulator.clear_calls();
    let started = pending(fixture.poll(&request, &started.ticket).await);
    assert_rounds(&fixture.endpoints(), &[&[ExportProgress, Token, Token]]);
    fixture.simulator.clear_calls();
    fixture.advance(Duration::from_secs(200));
    let progress = fixture.poll(&request, &started.ticket).await;
    assert_outcome(&done(progress), Outcome::Found);
    assert_rounds(
        &fixture.endpoints(),
        &[
            &[ExportProgress],
            &[Directories, Users],
            &[ContactSearch; 2],
            &[ExportFile],
            &[&[Contact; 2][..], &[ContactHistory; 4], &[ContactTransactions; 2], &[User]].concat(),
        ],
    );
    assert!(fixture.simulator.peak_calls() <= 4);

    let request = request_for(SAMPLE_PERSON);
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

#[tokio::test]
async fn an_opt_out_reads_updates_and_reads_back_in_three_rounds() {
    use Endpoint::{Contact, ContactSearch, ContactUpdate, Directories, Token, WhoAmI};
    let mut fixture = Fixture::with_settings(&WRITER).await;
    assert_outcome(&done(fixture.opt_out(&request_for(SAMPLE_PERSON)).await), Outcome::OptedOut);
    let rounds: [&[Endpoint]; 6] =
        [&[Token], &[Directories], &[ContactSearch; 2], &[Contact; 2], &[ContactUpdate; 2], &[Contact; 2]];
    assert_rounds(&fixture.endpoints(), &rounds);
    assert!(fixture.simulator.peak_calls() <= 4);
    let mut fixture = Fixture::with_settings(&WRITER).await;
    fixture.check(&[Right::OptOut]).await.expect("a connection");
    assert_rounds(&fixture.endpoints(), &[&[Token], &[Directories, WhoAmI], &[ContactSearch], &[ContactUpdate]]);
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
