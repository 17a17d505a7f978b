//! `check` reports exactly the missing permissions, and changes nothing.

use std::time::Duration;

use privacy_host::contract::{Connection, Error, ErrorKind, Problem, Remedy, Right};
use privacy_host::{EgressPolicy, InstanceOptions};
use qualtrics_simulator::{
    Brand, Call, Dialects, Endpoint, Fault, FaultRule, Options, SAMPLE_ADMINISTRATOR, SAMPLE_CLIENT_SECRET,
    SAMPLE_PERSON, SAMPLE_STAFF_CLIENT_ID, SAMPLE_STAFF_CLIENT_SECRET, SCOPES, WaitHint,
};

use crate::fixture::{Fixture, assert_no_leak, plugin, request_for};
use crate::remedies::{Row, assert_row};

const BOTH: [Right; 2] = [Right::Access, Right::Deletion];
const DATA: &str = "manage:customer_data_requests";
const ERASURE: &str = "manage:erasure_requests";
const DIRECTORIES: &str = "read:directories";
const CONTACTS: &str = "read:directory_contacts";
const USERS: &str = "read:users";

/// How Qualtrics may report that a scope was not granted.
const MISSING_SCOPE_DIALECTS: [&str; 10] = [
    "missing-scope-at-token",
    "missing-scope-at-token,oauth-error-envelope,oauth-status-401",
    "missing-scope-at-token,oauth-status-200",
    "missing-scope-at-token,oauth-error-envelope,oauth-status-200",
    "missing-scope-401",
    "missing-scope-401,token-scope-absent,error-envelope-old",
    "missing-scope-403",
    "missing-scope-403,token-scope-absent,error-envelope-instance",
    "missing-scope-403,token-scope-reduced",
    "missing-scope-401,token-scope-reduced",
];

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

impl Fixture {
    /// Grants the clients all scopes except these.
    fn grant_all_except(&self, scopes: &[&str]) {
        self.simulator.with_brand(|brand| {
            for client in &mut brand.clients {
                client.scopes =
                    SCOPES.iter().filter(|scope| !scopes.contains(scope)).map(|scope| (*scope).to_owned()).collect();
            }
        });
    }

    async fn check_error(&mut self, rights: &[Right]) -> Error {
        let error = self.check(rights).await.expect_err("an error");
        assert_no_leak(&format!("{error:?}"), &[SAMPLE_ADMINISTRATOR]);
        error
    }

    async fn connection(&mut self, rights: &[Right]) -> Connection {
        self.check(rights).await.unwrap_or_else(|error| panic!("{error:#?}"))
    }
}

/// The targets of the problems with a code.
fn targets<'p>(problems: &'p [Problem], code: &str) -> Vec<&'p str> {
    problems.iter().filter(|problem| problem.code == code).map(|problem| problem.target.as_str()).collect()
}

/// Asserts that the error has exactly one problem per missing scope, with the affected rights, and that the message names each scope.
#[track_caller]
fn assert_missing(error: &Error, scopes: &[&str], context: &str) {
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
async fn check_succeeds_with_every_permission_and_names_the_account() {
    let mut fixture = Fixture::new().await;
    let connection = fixture.connection(&BOTH).await;
    assert_eq!((connection.tenant.as_str(), connection.region.as_str()), ("examplebrand", "fra1"));
    assert_eq!((connection.account.as_str(), connection.role.as_str()), (SAMPLE_ADMINISTRATOR, "UT_BRANDADMIN"));
    assert_eq!(connection.granted, SCOPES);
    assert_eq!(connection.egress, [fixture.simulator.origin()]);
    assert!(connection.warnings.is_empty(), "{:?}", connection.warnings);
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
async fn a_wrong_secret_is_distinguished_from_a_wrong_data_centre() {
    for dialects in [
        "oauth-error-rfc6749",
        "oauth-error-envelope",
        "oauth-status-400",
        "oauth-status-200",
        "oauth-error-envelope,oauth-status-200",
        "oauth-error-empty",
    ] {
        let dialects = Dialects::parse(dialects).unwrap();
        let options = Options { dialects, ..Options::default() };
        let mut fixture = Fixture::with_options(Brand::sample(), options, &[("client-secret", "not-the-secret")]).await;
        let error = fixture.check_error(&BOTH).await;
        assert_eq!((error.kind, &error.remedy), (ErrorKind::Unauthorized, &Remedy::Operator));
        assert_eq!(targets(&error.problems, "setting"), ["client-secret"]);
        assert!(error.message.contains("client-secret"), "{}", error.message);
        assert_no_leak(&format!("{error:?}"), &["not-the-secret"]);
    }
    // The token endpoint of another data centre gives no reason: the message names both settings.
    let mut fixture = Fixture::with_dialects("wrong-datacenter-at-token").await;
    fixture.simulator.set_wrong_datacenter(true);
    let error = fixture.check_error(&BOTH).await;
    assert_eq!((error.kind, &error.remedy), (ErrorKind::Unauthorized, &Remedy::Operator));
    assert!(error.message.contains("datacenter-id") && error.message.contains("client-secret"), "{}", error.message);
    // Other endpoints give the reason.
    let mut fixture = Fixture::with_dialects("wrong-datacenter-at-api").await;
    fixture.simulator.set_wrong_datacenter(true);
    let error = fixture.check_error(&BOTH).await;
    assert_eq!((error.kind, &error.remedy), (ErrorKind::Unauthorized, &Remedy::Operator));
    assert_eq!(targets(&error.problems, "setting"), ["datacenter-id"]);
    assert!(error.message.contains("data centre") && !error.message.contains("client-secret"), "{}", error.message);
    assert_eq!((error.http_status, error.vendor_code.as_deref()), (Some(401), Some("DCD_7")));
}

#[tokio::test]
async fn a_brand_without_xm_directory_passes_with_a_warning() {
    for dialects in ["xm-directory-empty-list", "xm-directory-404"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let connection = fixture.connection(&BOTH).await;
        assert_eq!(targets(&connection.warnings, "not-licensed").len(), 1, "{dialects}: {:?}", connection.warnings);
        assert!(targets(&connection.warnings, "unproven").contains(&CONTACTS), "{dialects}: nothing proves the scope");
        assert!(!connection.granted.iter().any(|scope| scope == CONTACTS), "{dialects}");
    }
    // A 403 cannot be distinguished from a missing scope.
    let mut fixture = Fixture::with_dialects("xm-directory-403").await;
    assert_missing(&fixture.check_error(&BOTH).await, &[DIRECTORIES], "xm-directory-403");
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
        assert_eq!(connection.granted, [DATA, DIRECTORIES, CONTACTS], "{dialects}");
        assert_eq!(targets(&connection.warnings, "unproven"), ["whoami"], "{dialects}");
        fixture.connection(&BOTH).await;
    }
}

#[tokio::test]
async fn a_proxied_data_centre_is_a_warning() {
    for dialects in ["notice-proxied", "whoami-datacenter-alias"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let connection = fixture.connection(&BOTH).await;
        assert_eq!(targets(&connection.warnings, "datacenter"), ["datacenter-id"], "{dialects}");
        assert_eq!(connection.warnings.len(), 1, "{dialects}: {:?}", connection.warnings);
    }
}

#[tokio::test]
async fn a_probe_that_fails_temporarily_is_a_warning() {
    for (endpoint, scope) in [
        (Endpoint::Directories, DIRECTORIES),
        (Endpoint::ErasureList, ERASURE),
        (Endpoint::ExportProgress, DATA),
        (Endpoint::Users, USERS),
    ] {
        let mut fixture = Fixture::new().await;
        fixture.simulator.set_faults(vec![FaultRule::every(endpoint, Fault::Status(500, WaitHint::None))]);
        let connection = fixture.connection(&BOTH).await;
        assert!(targets(&connection.warnings, "unproven").contains(&scope), "{:?}", connection.warnings);
        assert!(!connection.granted.iter().any(|granted| granted == scope), "{scope}");
    }
    let mut fixture = Fixture::new().await;
    let down = |endpoint| FaultRule::every(endpoint, Fault::Status(503, WaitHint::None));
    fixture.simulator.set_faults(vec![down(Endpoint::ContactSearch), down(Endpoint::Contact)]);
    let connection = fixture.connection(&BOTH).await;
    assert_eq!(targets(&connection.warnings, "unproven"), [CONTACTS]);
}

#[tokio::test]
async fn an_outage_of_qualtrics_is_not_a_missing_permission() {
    use Endpoint::{Directories, ErasureList, ExportProgress, Users, WhoAmI};
    let mut fixture = Fixture::new().await;
    let down = |endpoint| FaultRule::every(endpoint, Fault::Status(503, WaitHint::None));
    let all = [WhoAmI, Directories, ErasureList, ExportProgress, Users].map(down);
    fixture.simulator.set_faults(all.to_vec());
    let error = fixture.check_error(&BOTH).await;
    assert_eq!((error.kind, error.http_status), (ErrorKind::Unavailable, Some(503)));
    assert!(matches!(error.remedy, Remedy::Retry(1..)), "{:?}", error.remedy);
    // A deletion requires the account.
    fixture.simulator.set_faults(vec![down(WhoAmI)]);
    let error = fixture.check_error(&BOTH).await;
    assert_eq!((error.kind, error.http_status), (ErrorKind::Unavailable, Some(503)));
    let connection = fixture.connection(&[Right::Access]).await;
    assert_eq!(targets(&connection.warnings, "unproven"), ["whoami"]);
}

#[tokio::test]
async fn an_origin_that_the_host_denies_is_named() {
    let mut fixture = Fixture::new().await;
    let options =
        InstanceOptions { egress: EgressPolicy::deny_all(), clock: fixture.clock(), ..InstanceOptions::default() };
    fixture.instance = plugin().instantiate(options).await.unwrap();
    fixture.instance.configure(&fixture.settings).await.unwrap().unwrap();
    let error = fixture.check_error(&BOTH).await;
    assert_row(Row::Egress, &error);
    assert_eq!(targets(&error.problems, "egress"), [fixture.simulator.origin()]);
    assert!(error.message.contains(&fixture.simulator.origin()), "{}", error.message);
    assert!(fixture.simulator.calls().is_empty());
}

#[tokio::test]
async fn check_requires_a_right_that_the_connector_supports() {
    let mut fixture = Fixture::new().await;
    assert_eq!(fixture.check_error(&[]).await.kind, ErrorKind::InvalidRequest);
    for rights in [&[Right::OptOut][..], &[Right::Access, Right::OptOut]] {
        assert_eq!(fixture.check_error(rights).await.kind, ErrorKind::Unsupported);
    }
    assert!(fixture.simulator.calls().is_empty());
}

#[tokio::test]
async fn check_changes_nothing() {
    for dialects in MISSING_SCOPE_DIALECTS {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let erasures = fixture.simulator.erasures().len();
        fixture.connection(&BOTH).await;
        fixture.grant_all_except(&[CONTACTS]);
        fixture.renew_instance().await;
        fixture.check_error(&BOTH).await;
        let is_read_only =
            |call: &Call| call.method == "GET" || matches!(call.endpoint, Endpoint::Token | Endpoint::ContactSearch);
        assert!(fixture.simulator.calls().iter().all(is_read_only), "{:?}", fixture.endpoints());
        assert_eq!((fixture.simulator.erasures().len(), fixture.simulator.exports().len()), (erasures, 0));
    }
}

#[tokio::test]
async fn a_token_is_used_until_it_expires() {
    for dialects in ["token-members-all", "token-expiry-string", "token-members-minimal"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        fixture.connection(&BOTH).await;
        fixture.access_report(&request_for(SAMPLE_PERSON)).await;
        fixture.connection(&[Right::Access]).await;
        assert_eq!(fixture.calls_of(Endpoint::Token), 1, "{dialects}");
        // A token is not used in its last minute.
        fixture.advance(Duration::from_secs(3_600));
        fixture.connection(&BOTH).await;
        assert_eq!(fixture.calls_of(Endpoint::Token), 2, "{dialects}");
        assert!(fixture.simulator.calls().iter().all(|call| call.status != Some(401)), "{dialects}");
    }
}

#[tokio::test]
async fn a_revoked_token_is_renewed_once() {
    for dialects in ["expired-token-dcd-7", "expired-token-auth-6"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        fixture.connection(&BOTH).await;
        fixture.simulator.revoke_tokens();
        fixture.connection(&BOTH).await;
        assert_eq!(fixture.calls_of(Endpoint::Token), 2, "{dialects}");
    }
    // A token that expires earlier than announced is renewed as well.
    let options = Options { token_lifetime: Duration::from_secs(600), ..Options::default() };
    let dialects = Dialects::parse("token-members-minimal,expired-token-auth-6").unwrap();
    let mut fixture = Fixture::with_options(Brand::sample(), Options { dialects, ..options }, &[]).await;
    fixture.connection(&BOTH).await;
    fixture.advance(Duration::from_secs(601));
    fixture.connection(&BOTH).await;
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
