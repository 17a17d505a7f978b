//! Credentials and tokens.

use std::time::Duration;

use privacy_host::contract::{ErrorKind, Remedy, Right};
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, Options, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, WaitHint,
};

use crate::check::BOTH;
use crate::fixture::{Fixture, request_for};

#[tokio::test]
async fn a_token_is_used_until_it_expires() {
    for dialects in ["token-members-all", "token-expiry-string", "token-members-minimal"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        fixture.connection(&BOTH).await;
        fixture.access_report(&request_for(SAMPLE_PERSON)).await;
        fixture.connection(&[Right::Access]).await;
        // One for the rights, and one for the optional scope.
        assert_eq!(fixture.calls_of(Endpoint::Token), 2, "{dialects}");
        // A token is not used in its last minute.
        fixture.advance(Duration::from_secs(3_600));
        fixture.connection(&BOTH).await;
        assert_eq!(fixture.calls_of(Endpoint::Token), 4, "{dialects}");
        assert!(fixture.simulator.calls().iter().all(|call| call.status != Some(401)), "{dialects}");
    }
}

#[tokio::test]
async fn a_revoked_token_is_renewed_once() {
    for dialects in ["expired-token-dcd-7", "expired-token-auth-6"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        fixture.connection(&[Right::Deletion]).await;
        fixture.simulator.revoke_tokens();
        fixture.connection(&[Right::Deletion]).await;
        assert_eq!(fixture.calls_of(Endpoint::Token), 2, "{dialects}");
    }
    // A token that expires earlier than announced is renewed as well.
    let options = Options { token_lifetime: Duration::from_secs(600), ..Options::default() };
    let dialects = Dialects::parse("token-members-minimal,expired-token-auth-6").unwrap();
    let mut fixture = Fixture::with_options(Brand::sample(), Options { dialects, ..options }, &[]).await;
    fixture.connection(&[Right::Deletion]).await;
    fixture.advance(Duration::from_secs(601));
    fixture.connection(&[Right::Deletion]).await;
    assert_eq!(fixture.calls_of(Endpoint::Token), 2);
}

#[tokio::test]
async fn a_rejected_new_token_is_an_error() {
    let mut fixture = Fixture::new().await;
    fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportCreate, Fault::Status(401, WaitHint::None))]);
    let error = fixture.access(&request_for(SAMPLE_PERSON)).await.expect_err("a rejected token");
    assert_eq!((error.kind, &error.remedy), (ErrorKind::Unauthorized, &Remedy::Operator));
    assert_eq!(fixture.calls_of(Endpoint::Token), 2);
    assert_eq!(fixture.calls_of(Endpoint::ExportCreate), 2);
    assert!(!error.message.contains(SAMPLE_CLIENT_SECRET));
}
