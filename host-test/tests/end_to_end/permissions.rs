//! `check` names exactly the missing permissions: scopes and roles.

use privacy_host::contract::{Error, ErrorKind, Remedy, Right};
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Fault, FaultRule, Options, SAMPLE_PERSON, SAMPLE_STAFF_CLIENT_ID,
    SAMPLE_STAFF_CLIENT_SECRET, SCOPES, WaitHint,
};

use crate::check::{BOTH, CONTACTS, DATA, DIRECTORIES, ERASURE, MISSING_SCOPE_DIALECTS, USERS, targets};
use crate::fixture::{Fixture, request_for};

/// The rights that require a scope.
fn required_for(scope: &str) -> Vec<Right> {
    match scope {
        DATA => vec![Right::Access],
        ERASURE | USERS => vec![Right::Deletion],
        _ => BOTH.to_vec(),
    }
}

/// A connection whose client has all scopes, but whose user is not a brand administrator.
async fn staff_fixture(dialects: &str) -> Fixture {
    let settings = [("client-id", SAMPLE_STAFF_CLIENT_ID), ("client-secret", SAMPLE_STAFF_CLIENT_SECRET)];
    let dialects = Dialects::parse(dialects).unwrap();
    Fixture::with_options(Brand::sample(), Options { dialects, ..Options::default() }, &settings).await
}

/// Asserts that the error has exactly one problem per missing scope, with the affected rights, and that the message names each scope.
#[track_caller]
pub fn assert_missing(error: &Error, scopes: &[&str], context: &str) {
    assert_eq!((error.kind, &error.remedy), (ErrorKind::Forbidden, &Remedy::Operator), "{context}: {error:#?}");
    let mut targets: Vec<&str> = error.problems.iter().map(|problem| problem.target.as_str()).collect();
    targets.sort_unstable();
    let mut expected = scopes.to_vec();
    expected.sort_unstable();
    assert_eq!(targets, expected, "{context}");
    for problem in &error.problems {
        assert_eq!(problem.code, "permission", "{context}");
        assert_eq!(problem.affects, required_for(&problem.target), "{context}: {}", problem.target);
        assert!(error.message.contains(&problem.target), "{context}: {}", error.message);
    }
}

#[tokio::test]
async fn every_missing_scope_is_named_in_every_combination_and_dialect() {
    for dialects in MISSING_SCOPE_DIALECTS {
        let mut fixture = Fixture::with_dialects(dialects).await;
        // Every attempt makes ten calls, and the clock stands still.
        fixture.simulator.set_rate_limits(false);
        let alone = SCOPES.iter().map(|scope| vec![*scope]);
        let in_pairs =
            SCOPES.iter().enumerate().flat_map(|(n, one)| SCOPES[n + 1..].iter().map(|other| vec![*one, *other]));
        for missing in alone.chain(in_pairs).chain([SCOPES.to_vec()]) {
            fixture.grant_all_except(&missing);
            fixture.renew_instance().await;
            let error = fixture.check_error(&BOTH).await;
            assert_missing(&error, &missing, &format!("{dialects} without {missing:?}"));
        }
        fixture.grant_all_except(&[]);
        fixture.renew_instance().await;
        assert_eq!(fixture.connection(&BOTH).await.granted, SCOPES, "{dialects}");
    }
}

#[tokio::test]
async fn a_missing_scope_is_found_even_if_the_token_endpoint_gives_no_reason() {
    for dialects in ["oauth-error-empty", "oauth-error-empty,oauth-status-401"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        fixture.grant_all_except(&[ERASURE, USERS]);
        assert_missing(&fixture.check_error(&BOTH).await, &[ERASURE, USERS], dialects);
    }
}

#[tokio::test]
async fn a_right_requires_its_own_scopes_only() {
    for dialects in MISSING_SCOPE_DIALECTS {
        let mut fixture = Fixture::with_dialects(dialects).await;
        fixture.grant_all_except(&[USERS, ERASURE]);
        let connection = fixture.connection(&[Right::Access]).await;
        assert_eq!(connection.granted, [DATA, DIRECTORIES, CONTACTS], "{dialects}");
        fixture.grant_all_except(&[DATA, CONTACTS]);
        fixture.renew_instance().await;
        let error = fixture.check_error(&[Right::Access]).await;
        let targets: Vec<&str> = error.problems.iter().map(|problem| problem.target.as_str()).collect();
        assert_eq!(targets.len(), 2, "{dialects}");
        assert!(targets.contains(&DATA) && targets.contains(&CONTACTS), "{dialects}: {targets:?}");
        assert!(error.problems.iter().all(|problem| problem.affects == [Right::Access]), "{dialects}");
    }
}

#[tokio::test]
async fn without_the_account_guard_reading_users_is_not_required() {
    let mut fixture = Fixture::with_settings(&[("account-guard", "off")]).await;
    fixture.grant_all_except(&[USERS]);
    let connection = fixture.connection(&BOTH).await;
    assert_eq!(connection.granted, [DATA, ERASURE, DIRECTORIES, CONTACTS]);
    assert_eq!(fixture.calls_of(Endpoint::Users), 0);
}

#[tokio::test]
async fn a_missing_role_is_distinguished_from_a_missing_scope() {
    for dialects in ["not-administrator-403", "not-administrator-401", "not-administrator-401,token-scope-reduced"] {
        let mut fixture = staff_fixture(dialects).await;
        let error = fixture.check_error(&BOTH).await;
        assert_eq!((error.kind, &error.remedy), (ErrorKind::Forbidden, &Remedy::Operator), "{dialects}: {error:#?}");
        assert_eq!(error.problems.len(), 1, "{dialects}: {error:#?}");
        assert_eq!(
            (error.problems[0].code.as_str(), &error.problems[0].affects),
            ("role", &BOTH.to_vec()),
            "{dialects}"
        );
        assert!(error.message.contains("brand administrator"), "{}", error.message);
    }
    let mut fixture = staff_fixture("export-needs-no-role").await;
    let error = fixture.check_error(&BOTH).await;
    assert_eq!(error.problems[0].affects, [Right::Deletion], "exports do not require the role");
    fixture.connection(&[Right::Access]).await;
}

#[tokio::test]
async fn a_missing_role_and_a_missing_scope_are_reported_at_once() {
    for dialects in ["missing-scope-at-token", "missing-scope-403,token-scope-reduced"] {
        let mut fixture = staff_fixture(dialects).await;
        fixture.grant_all_except(&[DATA, DIRECTORIES]);
        let error = fixture.check_error(&BOTH).await;
        assert_eq!(error.kind, ErrorKind::Forbidden);
        let mut scopes = targets(&error.problems, "permission");
        scopes.sort_unstable();
        assert_eq!(scopes, [DATA, DIRECTORIES], "{dialects}: {error:#?}");
        assert_eq!(targets(&error.problems, "role").len(), 1, "{dialects}: {error:#?}");
        assert_eq!(error.problems.len(), 3, "{dialects}: {error:#?}");
    }
}

#[tokio::test]
async fn an_administrator_with_a_custom_account_type_passes_with_a_warning() {
    let mut fixture = Fixture::with_dialects("administrator-type-custom").await;
    let connection = fixture.connection(&BOTH).await;
    assert_eq!(connection.granted, SCOPES);
    assert_eq!(targets(&connection.warnings, "role").len(), 1);
    assert_eq!(connection.warnings.len(), 1, "{:?}", connection.warnings);
    // A missing scope is not mistaken for the role.
    for dialects in ["administrator-type-custom,missing-scope-403", "administrator-type-custom,missing-scope-401"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        fixture.grant_all_except(&[ERASURE]);
        assert_missing(&fixture.check_error(&BOTH).await, &[ERASURE], dialects);
    }
}

#[tokio::test]
async fn an_unsearchable_directory_is_not_a_missing_scope() {
    for dialects in ["lite-directory-400", "lite-directory-403", "lite-directory-404"] {
        let mut brand = Brand::sample();
        brand.directories.clear();
        let mut fixture = Fixture::with_brand(brand.lite_directory("POOL_lite", "Lite"), dialects).await;
        let connection = fixture.connection(&BOTH).await;
        assert_eq!(connection.granted, SCOPES, "{dialects}");
        assert_eq!(targets(&connection.warnings, "not-searchable").len(), 1, "{dialects}: {:?}", connection.warnings);
        // Searching another directory proves the scope as well.
        fixture.simulator.with_brand(|brand| brand.directories.extend(Brand::sample().directories));
        let forbidden = FaultRule::every(Endpoint::Contact, Fault::Status(403, WaitHint::None));
        fixture.simulator.set_faults(vec![forbidden]);
        assert_eq!(fixture.connection(&BOTH).await.granted, SCOPES, "{dialects}");
        fixture.simulator.set_faults(Vec::new());
        fixture.grant_all_except(&[CONTACTS]);
        fixture.simulator.revoke_tokens();
        for missing in ["missing-scope-401", "missing-scope-403"] {
            let combined = [dialects, missing].join(",");
            fixture.simulator.set_dialects(Dialects::parse(&combined).unwrap());
            fixture.renew_instance().await;
            assert_missing(&fixture.check_error(&BOTH).await, &[CONTACTS], &combined);
        }
    }
}

#[tokio::test]
async fn whoami_may_require_a_scope_that_the_right_does_not() {
    for dialects in ["whoami-needs-read-users,missing-scope-403", "whoami-needs-read-users,missing-scope-401"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let connection = fixture.connection(&[Right::Access]).await;
        assert_eq!(connection.granted, [DATA, DIRECTORIES, CONTACTS, USERS], "{dialects}");
        assert_eq!(targets(&connection.warnings, "unproven"), ["whoami"], "{dialects}");
        fixture.connection(&BOTH).await;
    }
}

#[tokio::test]
async fn a_request_with_a_missing_permission_names_the_permission() {
    for (dialects, kind) in [
        ("missing-scope-at-token", ErrorKind::Forbidden),
        ("missing-scope-403", ErrorKind::Forbidden),
        ("missing-scope-401", ErrorKind::Unauthorized),
    ] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        fixture.grant_all_except(&[DATA]);
        let error = fixture.access(&request_for(SAMPLE_PERSON)).await.expect_err("a missing permission");
        assert_eq!((error.kind, &error.remedy), (kind, &Remedy::Operator), "{dialects}");
        if kind == ErrorKind::Forbidden {
            assert_eq!(targets(&error.problems, "permission"), [DATA], "{dialects}");
        }
        assert!(fixture.simulator.exports().is_empty());
    }
}
