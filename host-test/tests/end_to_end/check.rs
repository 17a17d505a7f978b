//! `check` reports the state of the connection, and changes nothing.

use privacy_host::contract::{Connection, Error, ErrorKind, Problem, Remedy, Right};
use privacy_host::{EgressPolicy, InstanceOptions};
use qualtrics_simulator::{
    Brand, Call, Dialects, Endpoint, Fault, FaultRule, ForeignBody, OPTIONAL_SCOPE, Options, SAMPLE_ADMINISTRATOR,
    SCOPES, WaitHint,
};

use crate::fixture::{Fixture, assert_no_leak, plugin};
use crate::permissions::assert_missing;
use crate::remedies::{Row, assert_row};

pub const BOTH: [Right; 2] = [Right::Access, Right::Deletion];
pub const DATA: &str = "manage:customer_data_requests";
pub const ERASURE: &str = "manage:erasure_requests";
pub const DIRECTORIES: &str = "read:directories";
pub const CONTACTS: &str = "read:directory_contacts";
pub const USERS: &str = "read:users";

/// How Qualtrics may report that a scope was not granted.
pub const MISSING_SCOPE_DIALECTS: [&str; 10] = [
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

impl Fixture {
    /// Grants the clients all scopes except these.
    pub fn grant_all_except(&self, scopes: &[&str]) {
        self.simulator.with_brand(|brand| {
            for client in &mut brand.clients {
                client.scopes =
                    SCOPES.iter().filter(|scope| !scopes.contains(scope)).map(|scope| (*scope).to_owned()).collect();
            }
        });
    }

    /// Grants the clients the scopes with which an access request returns more.
    pub fn grant_optional(&self) {
        self.simulator.with_brand(|brand| {
            for client in &mut brand.clients {
                client.scopes.push(OPTIONAL_SCOPE.to_owned());
            }
        });
    }

    pub async fn check_error(&mut self, rights: &[Right]) -> Error {
        let error = self.check(rights).await.expect_err("an error");
        assert_no_leak(&format!("{error:?}"), &[SAMPLE_ADMINISTRATOR]);
        error
    }

    pub async fn connection(&mut self, rights: &[Right]) -> Connection {
        self.check(rights).await.unwrap_or_else(|error| panic!("{error:#?}"))
    }
}

/// The targets of the problems with a code.
pub fn targets<'p>(problems: &'p [Problem], code: &str) -> Vec<&'p str> {
    problems.iter().filter(|problem| problem.code == code).map(|problem| problem.target.as_str()).collect()
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
async fn a_proxied_data_centre_is_a_warning() {
    for dialects in ["notice-proxied", "whoami-datacenter-alias"] {
        let mut fixture = Fixture::with_dialects(dialects).await;
        let connection = fixture.connection(&BOTH).await;
        assert_eq!(targets(&connection.warnings, "datacenter"), ["datacenter-id"], "{dialects}");
        assert_eq!(connection.warnings.len(), 1, "{dialects}: {:?}", connection.warnings);
    }
}

/// A notice about a certificate does not speak of a data centre.
#[tokio::test]
async fn a_general_notice_is_a_neutral_warning_without_its_text() {
    let mut fixture = Fixture::with_dialects("notice-general").await;
    let connection = fixture.connection(&BOTH).await;
    assert_eq!(targets(&connection.warnings, "notice"), [fixture.simulator.origin()]);
    assert_eq!(connection.warnings.len(), 1, "{:?}", connection.warnings);
    assert_no_leak(&format!("{:?}", connection.warnings), &["30 days"]);
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
async fn an_optional_permission_is_listed_if_it_is_verified_and_never_makes_the_test_fail() {
    for dialects in MISSING_SCOPE_DIALECTS {
        let mut fixture = Fixture::with_dialects(dialects).await;
        assert_eq!(fixture.connection(&BOTH).await.granted, SCOPES, "{dialects}");
        fixture.grant_optional();
        fixture.renew_instance().await;
        let connection = fixture.connection(&BOTH).await;
        assert_eq!(connection.granted, [&SCOPES[..], &[OPTIONAL_SCOPE]].concat(), "{dialects}");
        assert!(connection.warnings.is_empty(), "{dialects}: {:?}", connection.warnings);
        // The list of users is optional for access alone.
        let granted = fixture.connection(&[Right::Access]).await.granted;
        assert_eq!(granted, [DATA, DIRECTORIES, CONTACTS, USERS, OPTIONAL_SCOPE], "{dialects}");
    }
    for fault in [
        Fault::Status(429, WaitHint::None),
        Fault::Status(500, WaitHint::None),
        Fault::Foreign(403, ForeignBody::Html),
        Fault::ResetBeforeEffect,
    ] {
        let mut fixture = Fixture::new().await;
        fixture.grant_optional();
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ContactTransactions, fault.clone())]);
        assert_eq!(fixture.connection(&BOTH).await.granted, SCOPES, "{fault:?}");
    }
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
