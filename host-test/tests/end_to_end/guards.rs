//! The account guards of a deletion.

use privacy_host::contract::{Amount, DeletionMode, ErrorKind, Outcome, Remedy, SourceState};
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, Options, SAMPLE_ADMINISTRATOR, SAMPLE_CUSTOMERS, SAMPLE_PERSON,
    SAMPLE_STAFF, SAMPLE_STAFF_CONTACT, SAMPLE_STRANGER, WaitHint,
};

use crate::deletion::finding;
use crate::fixture::{Fixture, assert_outcome, done, email, pending, request, request_for};

const MODES: [DeletionMode; 3] = [DeletionMode::Preview, DeletionMode::Erase, DeletionMode::EraseAndVerify];

#[tokio::test]
async fn the_own_account_is_never_deleted_and_staff_only_after_an_override() {
    let mut fixture = Fixture::new().await;
    let mut request = request_for(SAMPLE_ADMINISTRATOR);
    request.overrides = vec!["own-account".to_owned(), "staff-account".to_owned()];
    let report = done(fixture.delete(&request, DeletionMode::Erase).await);
    assert_outcome(&report, Outcome::Refused);
    let mut request = request_for(SAMPLE_STAFF_CONTACT);
    let report = done(fixture.delete(&request, DeletionMode::Erase).await);
    assert_outcome(&report, Outcome::Refused);
    assert_eq!(report.findings[0].code.as_deref(), Some("staff-account"));
    request.overrides = vec!["staff-account".to_owned()];
    let report = fixture.delete_report(&request, DeletionMode::Erase).await;
    assert_outcome(&report, Outcome::Deleted);
}

#[tokio::test]
async fn a_preview_reports_guards_and_continues() {
    let mut fixture = Fixture::new().await;
    let request = request("r", vec![email(SAMPLE_PERSON), email(SAMPLE_STAFF_CONTACT)]);
    let report = fixture.delete_report(&request, DeletionMode::Preview).await;
    assert_outcome(&report, Outcome::Previewed);
    let guarded = finding(&report, "staff-account");
    assert_eq!((guarded.state, guarded.identifiers.as_slice()), (SourceState::Guarded, &[1][..]));
    assert!(finding(&report, &format!("directory:{SAMPLE_CUSTOMERS}")).amount != Amount::Count(0));
    let report = fixture.delete_report(&request_for(SAMPLE_ADMINISTRATOR), DeletionMode::Preview).await;
    assert_eq!(finding(&report, "own-account").state, SourceState::Guarded);
}

#[tokio::test]
async fn a_guard_refuses_the_whole_request_and_names_the_identifier() {
    for dialects in ["", "user-name-brand,user-email-null", "next-page-token", "whoami-needs-read-users"] {
        for (guard, own, staff) in [("all-users", true, true), ("own-account", true, false), ("off", false, false)] {
            for (address, is_guarded) in [(SAMPLE_ADMINISTRATOR, own), (SAMPLE_STAFF, staff), (SAMPLE_STRANGER, false)]
            {
                for mode in [DeletionMode::Erase, DeletionMode::EraseAndVerify] {
                    let dialects = Dialects::parse(dialects).expect("dialects");
                    let options = Options { dialects, ..Options::default() };
                    let mut fixture =
                        Fixture::with_options(Brand::sample(), options, &[("account-guard", guard)]).await;
                    let request = request("r", vec![email(SAMPLE_PERSON), email(&address.to_uppercase())]);
                    let result = fixture.delete(&request, mode).await;
                    if is_guarded {
                        let report = done(result);
                        assert_outcome(&report, Outcome::Refused);
                        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
                        assert_eq!(report.findings[0].identifiers, [1]);
                        assert!(report.receipt.jobs.is_empty() && !report.gaps.is_empty());
                        assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 0, "{guard}, {address}");
                    } else {
                        pending(result);
                        assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 1, "{guard}, {address}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn overriding_one_guard_does_not_override_another() {
    let mut fixture = Fixture::new().await;
    for code in ["own-account", "STAFF", "staff-account-2", ""] {
        let mut request = request_for(SAMPLE_STAFF_CONTACT);
        request.overrides = vec![code.to_owned()];
        assert_outcome(&done(fixture.delete(&request, DeletionMode::Erase).await), Outcome::Refused);
    }
    assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 0);
}

#[tokio::test]
async fn a_guard_that_cannot_be_evaluated_is_an_error_and_nothing_is_sent() {
    for (status, kind) in
        [(403, ErrorKind::Forbidden), (500, ErrorKind::Unavailable), (404, ErrorKind::UnexpectedResponse)]
    {
        for endpoint in [Endpoint::Users, Endpoint::WhoAmI] {
            for mode in MODES {
                let mut fixture = Fixture::new().await;
                let fault = Fault::Status(status, WaitHint::None);
                fixture.simulator.set_faults(vec![FaultRule::every(endpoint, fault)]);
                let error = fixture
                    .delete(&request_for(SAMPLE_PERSON), mode)
                    .await
                    .expect_err("a guard that cannot be evaluated");
                assert_eq!(error.kind, kind, "{status} of {endpoint:?}");
                assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 0);
            }
        }
    }
}

#[tokio::test]
async fn an_incomplete_list_of_users_does_not_pass_the_guard() {
    let mut fixture = Fixture::with_options(Brand::sample().staff(250), Options::default(), &[]).await;
    for fault in [Fault::RepeatedCursor, Fault::EmptyBody, Fault::JsonArray, Fault::Status(500, WaitHint::None)] {
        fixture.simulator.set_faults(vec![
            FaultRule::nth(Endpoint::Users, 2, fault.clone()),
            FaultRule::nth(Endpoint::Users, 3, fault.clone()),
        ]);
        fixture.renew_instance().await;
        let error = fixture
            .delete(&request_for(SAMPLE_PERSON), DeletionMode::Erase)
            .await
            .expect_err("a guard that cannot be evaluated");
        assert!(matches!(error.remedy, Remedy::Retry(_)), "{fault:?}: {error:?}");
        assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 0, "{fault:?}");
    }
}
