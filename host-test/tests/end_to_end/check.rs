//! The connection test: everything that is missing is named, nothing that is there, and nothing is changed.

use std::time::Duration;

use host_test::host::contract::{Connection, DeletionMode, Error, ErrorKind, Outcome, Problem, Remedy, Right};
use host_test::host::{EgressPolicy, InstanceOptions};
use host_test::simulator::{
    Brand, Call, Dialects, Endpoint, Fault, FaultRule, Options, SAMPLE_ADMINISTRATOR, SAMPLE_CLIENT_SECRET,
    SAMPLE_PERSON, SAMPLE_STAFF_CLIENT_ID, SAMPLE_STAFF_CLIENT_SECRET, SCOPES, WaitHint,
};

use crate::remedies::{Row, assert_is_of};
use crate::world::{World, about, assert_no_leak, done, expect, pending, plugin};

const BOTH: [Right; 2] = [Right::Access, Right::Deletion];
const DATA: &str = "manage:customer_data_requests";
const ERASURE: &str = "manage:erasure_requests";
const DIRECTORIES: &str = "read:directories";
const CONTACTS: &str = "read:directory_contacts";
const USERS: &str = "read:users";

/// How a brand may say that a scope was not granted.
const MISSING_SCOPE_DIALECTS: [&str; 8] = [
    "missing-scope-at-token",
    "missing-scope-at-token,oauth-error-envelope,oauth-status-401",
    "missing-scope-401",
    "missing-scope-401,token-scope-absent,error-envelope-old",
    "missing-scope-403",
    "missing-scope-403,token-scope-absent,error-envelope-instance",
    "missing-scope-403,token-scope-reduced",
    "missing-scope-401,token-scope-reduced",
];

/// The rights that a scope is needed for.
fn needed_for(scope: &str) -> Vec<Right> {
    match scope {
        DATA => vec![Right::Access],
        ERASURE | USERS => vec![Right::Deletion],
        _ => BOTH.to_vec(),
    }
}

async fn world(dialects: &str) -> World {
    World::speaking(dialects).await
}

/// A connection whose client has all scopes and is not an administrator's.
async fn staff(dialects: &str) -> World {
    let settings = [("client-id", SAMPLE_STAFF_CLIENT_ID), ("client-secret", SAMPLE_STAFF_CLIENT_SECRET)];
    let dialects = Dialects::parse(dialects).unwrap();
    World::of(Brand::sample(), Options { dialects, ..Options::default() }, &settings).await
}

impl World {
    fn withhold(&self, scopes: &[&str]) {
        self.simulator.with_brand(|brand| {
            for client in &mut brand.clients {
                client.scopes =
                    SCOPES.iter().filter(|scope| !scopes.contains(scope)).map(|scope| (*scope).to_owned()).collect();
            }
        });
    }

    async fn refused(&mut self, rights: &[Right]) -> Error {
        let error = self.check(rights).await.expect_err("something is missing");
        assert_no_leak(&format!("{error:?}"), &[SAMPLE_ADMINISTRATOR]);
        error
    }

    async fn passes(&mut self, rights: &[Right]) -> Connection {
        self.check(rights).await.unwrap_or_else(|error| panic!("{error:#?}"))
    }

    fn waves(&self) -> Vec<Endpoint> {
        self.simulator.calls().iter().map(|call| call.endpoint).collect()
    }
}

fn named<'p>(problems: &'p [Problem], code: &str) -> Vec<&'p str> {
    problems.iter().filter(|problem| problem.code == code).map(|problem| problem.subject.as_str()).collect()
}

/// The error names these scopes, all of them and no other problem, and whom they block; its sentence names them, too.
#[track_caller]
fn assert_missing(error: &Error, scopes: &[&str], context: &str) {
    assert_eq!((error.kind, &error.remedy), (ErrorKind::Forbidden, &Remedy::Operator), "{context}: {error:#?}");
    let mut subjects: Vec<&str> = error.problems.iter().map(|problem| problem.subject.as_str()).collect();
    subjects.sort_unstable();
    let mut expected = scopes.to_vec();
    expected.sort_unstable();
    assert_eq!(subjects, expected, "{context}");
    for problem in &error.problems {
        assert_eq!(problem.code, "permission", "{context}");
        assert_eq!(problem.blocks, needed_for(&problem.subject), "{context}: {}", problem.subject);
        assert!(error.message.contains(&problem.subject), "{context}: {}", error.message);
    }
}

#[tokio::test]
async fn a_connection_with_every_permission_passes_and_says_whose_it_is() {
    let mut world = World::new().await;
    let connection = world.passes(&BOTH).await;
    assert_eq!((connection.tenant.as_str(), connection.region.as_str()), ("examplebrand", "fra1"));
    assert_eq!((connection.account.as_str(), connection.role.as_str()), (SAMPLE_ADMINISTRATOR, "UT_BRANDADMIN"));
    assert_eq!(connection.granted, SCOPES);
    assert_eq!(connection.egress, [world.simulator.origin()]);
    assert!(connection.warnings.is_empty(), "{:?}", connection.warnings);
}

#[tokio::test]
async fn every_missing_scope_is_named_alone_and_with_each_other_in_every_dialect() {
    for dialects in MISSING_SCOPE_DIALECTS {
        let mut world = world(dialects).await;
        // Ten calls an attempt, and no time passes: that is no matter of limits.
        world.simulator.set_rate_limits(false);
        let alone = SCOPES.iter().map(|scope| vec![*scope]);
        let in_pairs =
            SCOPES.iter().enumerate().flat_map(|(n, one)| SCOPES[n + 1..].iter().map(|other| vec![*one, *other]));
        for missing in alone.chain(in_pairs).chain([SCOPES.to_vec()]) {
            world.withhold(&missing);
            world.change_instance().await;
            let error = world.refused(&BOTH).await;
            assert_missing(&error, &missing, &format!("{dialects} without {missing:?}"));
        }
        world.withhold(&[]);
        world.change_instance().await;
        assert_eq!(world.passes(&BOTH).await.granted, SCOPES, "{dialects}");
    }
}

#[tokio::test]
async fn a_missing_scope_is_found_even_where_the_token_endpoint_does_not_say_why_it_refuses() {
    for dialects in ["oauth-error-empty", "oauth-error-empty,oauth-status-401"] {
        let mut world = world(dialects).await;
        world.withhold(&[ERASURE, USERS]);
        assert_missing(&world.refused(&BOTH).await, &[ERASURE, USERS], dialects);
    }
}

#[tokio::test]
async fn a_right_needs_its_own_scopes_and_no_others() {
    for dialects in MISSING_SCOPE_DIALECTS {
        let mut world = world(dialects).await;
        world.withhold(&[USERS, ERASURE]);
        let connection = world.passes(&[Right::Access]).await;
        assert_eq!(connection.granted, [DATA, DIRECTORIES, CONTACTS], "{dialects}");
        world.withhold(&[DATA, CONTACTS]);
        world.change_instance().await;
        let error = world.refused(&[Right::Access]).await;
        let subjects: Vec<&str> = error.problems.iter().map(|problem| problem.subject.as_str()).collect();
        assert_eq!(subjects.len(), 2, "{dialects}");
        assert!(subjects.contains(&DATA) && subjects.contains(&CONTACTS), "{dialects}: {subjects:?}");
        assert!(error.problems.iter().all(|problem| problem.blocks == [Right::Access]), "{dialects}");
    }
}

#[tokio::test]
async fn without_the_account_guard_nobody_needs_to_read_users() {
    let mut world = World::with(&[("account-guard", "off")]).await;
    world.withhold(&[USERS]);
    let connection = world.passes(&BOTH).await;
    assert_eq!(connection.granted, [DATA, ERASURE, DIRECTORIES, CONTACTS]);
    assert_eq!(world.calls_of(Endpoint::Users), 0);
}

#[tokio::test]
async fn an_account_that_is_not_an_administrators_is_told_apart_from_a_missing_scope() {
    for dialects in ["not-administrator-403", "not-administrator-401", "not-administrator-401,token-scope-reduced"] {
        let mut world = staff(dialects).await;
        let error = world.refused(&BOTH).await;
        assert_eq!((error.kind, &error.remedy), (ErrorKind::Forbidden, &Remedy::Operator), "{dialects}: {error:#?}");
        assert_eq!(error.problems.len(), 1, "{dialects}: {error:#?}");
        assert_eq!(
            (error.problems[0].code.as_str(), &error.problems[0].blocks),
            ("role", &BOTH.to_vec()),
            "{dialects}"
        );
        assert!(error.message.contains("brand administrator"), "{}", error.message);
    }
    let mut world = staff("export-needs-no-role").await;
    let error = world.refused(&BOTH).await;
    assert_eq!(error.problems[0].blocks, [Right::Deletion], "an export does not need the role there");
    world.passes(&[Right::Access]).await;
}

#[tokio::test]
async fn a_missing_role_and_a_missing_scope_are_told_at_once() {
    for dialects in ["missing-scope-at-token", "missing-scope-403,token-scope-reduced"] {
        let mut world = staff(dialects).await;
        world.withhold(&[DATA, DIRECTORIES]);
        let error = world.refused(&BOTH).await;
        assert_eq!(error.kind, ErrorKind::Forbidden);
        let mut scopes = named(&error.problems, "permission");
        scopes.sort_unstable();
        assert_eq!(scopes, [DATA, DIRECTORIES], "{dialects}: {error:#?}");
        assert_eq!(named(&error.problems, "role").len(), 1, "{dialects}: {error:#?}");
        assert_eq!(error.problems.len(), 3, "{dialects}: {error:#?}");
    }
}

#[tokio::test]
async fn an_administrator_of_a_type_of_the_brands_own_passes_with_a_warning() {
    let mut world = world("administrator-type-custom").await;
    let connection = world.passes(&BOTH).await;
    assert_eq!(connection.granted, SCOPES);
    assert_eq!(named(&connection.warnings, "role").len(), 1);
    assert_eq!(connection.warnings.len(), 1, "{:?}", connection.warnings);
    // A scope that is missing is not mistaken for the role.
    for dialects in ["administrator-type-custom,missing-scope-403", "administrator-type-custom,missing-scope-401"] {
        let mut world = World::speaking(dialects).await;
        world.withhold(&[ERASURE]);
        assert_missing(&world.refused(&BOTH).await, &[ERASURE], dialects);
    }
}

#[tokio::test]
async fn a_wrong_secret_is_told_apart_from_a_wrong_data_centre() {
    for dialects in ["oauth-error-rfc6749", "oauth-error-envelope", "oauth-status-400", "oauth-error-empty"] {
        let dialects = Dialects::parse(dialects).unwrap();
        let options = Options { dialects, ..Options::default() };
        let mut world = World::of(Brand::sample(), options, &[("client-secret", "not-the-secret")]).await;
        let error = world.refused(&BOTH).await;
        assert_eq!((error.kind, &error.remedy), (ErrorKind::Unauthorized, &Remedy::Operator));
        assert_eq!(named(&error.problems, "setting"), ["client-secret"]);
        assert!(error.message.contains("client-secret"), "{}", error.message);
        assert_no_leak(&format!("{error:?}"), &["not-the-secret"]);
    }
    // At its token endpoint another data centre does not say what is wrong: both are named in the sentence.
    let mut world = world("wrong-datacenter-at-token").await;
    world.simulator.set_wrong_datacenter(true);
    let error = world.refused(&BOTH).await;
    assert_eq!((error.kind, &error.remedy), (ErrorKind::Unauthorized, &Remedy::Operator));
    assert!(error.message.contains("datacenter-id") && error.message.contains("client-secret"), "{}", error.message);
    // At its other endpoints it does.
    let mut world = World::speaking("wrong-datacenter-at-api").await;
    world.simulator.set_wrong_datacenter(true);
    let error = world.refused(&BOTH).await;
    assert_eq!((error.kind, &error.remedy), (ErrorKind::Unauthorized, &Remedy::Operator));
    assert_eq!(named(&error.problems, "setting"), ["datacenter-id"]);
    assert!(error.message.contains("data centre") && !error.message.contains("client-secret"), "{}", error.message);
    assert_eq!((error.http_status, error.vendor_code.as_deref()), (Some(401), Some("DCD_7")));
}

#[tokio::test]
async fn a_brand_without_xm_directory_passes_with_a_warning() {
    for dialects in ["xm-directory-empty-list", "xm-directory-404"] {
        let mut world = world(dialects).await;
        let connection = world.passes(&BOTH).await;
        assert_eq!(named(&connection.warnings, "not-licensed").len(), 1, "{dialects}: {:?}", connection.warnings);
        assert!(named(&connection.warnings, "unproven").contains(&CONTACTS), "{dialects}: nothing proves it");
        assert!(!connection.granted.iter().any(|scope| scope == CONTACTS), "{dialects}");
    }
    // A 403 cannot be told apart from a scope that is missing.
    let mut world = world("xm-directory-403").await;
    assert_missing(&world.refused(&BOTH).await, &[DIRECTORIES], "xm-directory-403");
}

#[tokio::test]
async fn a_directory_that_cannot_be_searched_is_no_missing_scope() {
    for dialects in ["lite-directory-400", "lite-directory-403", "lite-directory-404"] {
        let mut brand = Brand::sample();
        brand.directories.clear();
        let mut world = World::of_brand(brand.lite_directory("POOL_lite", "Lite"), dialects).await;
        let connection = world.passes(&BOTH).await;
        assert_eq!(connection.granted, SCOPES, "{dialects}");
        assert_eq!(named(&connection.warnings, "not-searchable").len(), 1, "{dialects}: {:?}", connection.warnings);
        // Where another directory can be searched, that proves it as well.
        world.simulator.with_brand(|brand| brand.directories.extend(Brand::sample().directories));
        let one = FaultRule::every(Endpoint::Contact, Fault::Status(403, WaitHint::None));
        world.simulator.set_faults(vec![one]);
        assert_eq!(world.passes(&BOTH).await.granted, SCOPES, "{dialects}");
        world.simulator.set_faults(Vec::new());
        world.withhold(&[CONTACTS]);
        world.simulator.revoke_tokens();
        for missing in ["missing-scope-401", "missing-scope-403"] {
            let spoken = [dialects, missing].join(",");
            world.simulator.set_dialects(Dialects::parse(&spoken).unwrap());
            world.change_instance().await;
            assert_missing(&world.refused(&BOTH).await, &[CONTACTS], &spoken);
        }
    }
}

#[tokio::test]
async fn whoami_may_need_a_scope_that_the_right_does_not() {
    for dialects in ["whoami-needs-read-users,missing-scope-403", "whoami-needs-read-users,missing-scope-401"] {
        let mut world = world(dialects).await;
        let connection = world.passes(&[Right::Access]).await;
        assert_eq!(connection.granted, [DATA, DIRECTORIES, CONTACTS], "{dialects}");
        assert_eq!(named(&connection.warnings, "unproven"), ["whoami"], "{dialects}");
        world.passes(&BOTH).await;
    }
}

#[tokio::test]
async fn a_data_centre_that_is_not_the_brands_own_is_a_warning() {
    for dialects in ["notice-proxied", "whoami-datacenter-alias"] {
        let mut world = world(dialects).await;
        let connection = world.passes(&BOTH).await;
        assert_eq!(named(&connection.warnings, "datacenter"), ["datacenter-id"], "{dialects}");
        assert_eq!(connection.warnings.len(), 1, "{dialects}: {:?}", connection.warnings);
    }
}

#[tokio::test]
async fn a_probe_that_fails_for_the_moment_proves_nothing_and_is_a_warning() {
    for (endpoint, scope) in [
        (Endpoint::Directories, DIRECTORIES),
        (Endpoint::ErasureList, ERASURE),
        (Endpoint::ExportProgress, DATA),
        (Endpoint::Users, USERS),
    ] {
        let mut world = World::new().await;
        world.simulator.set_faults(vec![FaultRule::every(endpoint, Fault::Status(500, WaitHint::None))]);
        let connection = world.passes(&BOTH).await;
        assert!(named(&connection.warnings, "unproven").contains(&scope), "{:?}", connection.warnings);
        assert!(!connection.granted.iter().any(|granted| granted == scope), "{scope}");
    }
    let mut world = World::new().await;
    let down = |endpoint| FaultRule::every(endpoint, Fault::Status(503, WaitHint::None));
    world.simulator.set_faults(vec![down(Endpoint::ContactSearch), down(Endpoint::Contact)]);
    let connection = world.passes(&BOTH).await;
    assert_eq!(named(&connection.warnings, "unproven"), [CONTACTS]);
}

#[tokio::test]
async fn qualtrics_being_down_is_no_matter_of_permissions() {
    use Endpoint::{Directories, ErasureList, ExportProgress, Users, WhoAmI};
    let mut world = World::new().await;
    let down = |endpoint| FaultRule::every(endpoint, Fault::Status(503, WaitHint::None));
    let all = [WhoAmI, Directories, ErasureList, ExportProgress, Users].map(down);
    world.simulator.set_faults(all.to_vec());
    let error = world.refused(&BOTH).await;
    assert_eq!((error.kind, error.http_status), (ErrorKind::Unavailable, Some(503)));
    assert!(matches!(error.remedy, Remedy::Retry(1..)), "{:?}", error.remedy);
    // Whose account it is has to be known before anything may be deleted.
    world.simulator.set_faults(vec![down(WhoAmI)]);
    let error = world.refused(&BOTH).await;
    assert_eq!((error.kind, error.http_status), (ErrorKind::Unavailable, Some(503)));
    let connection = world.passes(&[Right::Access]).await;
    assert_eq!(named(&connection.warnings, "unproven"), ["whoami"]);
}

#[tokio::test]
async fn an_origin_that_the_host_forbids_is_named() {
    let mut world = World::new().await;
    let options =
        InstanceOptions { egress: EgressPolicy::deny_all(), clock: world.clock(), ..InstanceOptions::default() };
    world.instance = plugin().instantiate(options).await.unwrap();
    world.instance.configure(&world.settings).await.unwrap().unwrap();
    let error = world.refused(&BOTH).await;
    assert_is_of(Row::Egress, &error);
    assert_eq!(named(&error.problems, "egress"), [world.simulator.origin()]);
    assert!(error.message.contains(&world.simulator.origin()), "{}", error.message);
    assert!(world.simulator.calls().is_empty());
}

#[tokio::test]
async fn a_connection_is_tested_for_one_right_at_least() {
    let mut world = World::new().await;
    assert_eq!(world.refused(&[]).await.kind, ErrorKind::InvalidRequest);
    assert!(world.simulator.calls().is_empty());
}

#[tokio::test]
async fn the_test_changes_nothing_at_qualtrics() {
    for dialects in MISSING_SCOPE_DIALECTS {
        let mut world = world(dialects).await;
        let erasures = world.simulator.erasures().len();
        world.passes(&BOTH).await;
        world.withhold(&[CONTACTS]);
        world.change_instance().await;
        world.refused(&BOTH).await;
        let harmless =
            |call: &Call| call.method == "GET" || matches!(call.endpoint, Endpoint::Token | Endpoint::ContactSearch);
        assert!(world.simulator.calls().iter().all(harmless), "{:?}", world.waves());
        assert_eq!((world.simulator.erasures().len(), world.simulator.exports().len()), (erasures, 0));
    }
}

#[tokio::test]
async fn each_call_of_the_contract_costs_exactly_so_many_calls_and_waves() {
    use Endpoint::{
        Contact, ContactSearch, Directories, ErasureCreate, ErasureGet, ErasureList, ExportCreate, ExportFile,
        ExportProgress, Token, Users, WhoAmI,
    };
    // Each row a wave of calls at once; within a wave the order is Qualtrics' to see.
    let table: [(&[Right], &[&[Endpoint]]); 3] = [
        (&BOTH, &[&[Token], &[Directories, ErasureList, ExportProgress, Users, WhoAmI], &[ContactSearch]]),
        (&[Right::Access], &[&[Token], &[Directories, ExportProgress, WhoAmI], &[ContactSearch]]),
        (&[Right::Deletion], &[&[Token], &[Directories, ErasureList, Users, WhoAmI], &[ContactSearch]]),
    ];
    for (rights, waves) in table {
        let mut world = World::new().await;
        world.passes(rights).await;
        assert_waves(&world.waves(), waves);
        assert!(world.simulator.peak_calls() <= 4);
        world.simulator.clear_calls();
        world.passes(rights).await;
        assert_waves(&world.waves(), &waves[1..]);
    }
    let mut world = World::new().await;
    world.instance.describe().await.unwrap();
    world.instance.configure(&world.settings).await.unwrap().unwrap();
    assert!(world.simulator.calls().is_empty(), "neither describe nor configure calls anyone");
    let request = about(SAMPLE_PERSON);
    let begun = pending(world.access(&request).await);
    assert_waves(&world.waves(), &[&[Token], &[ExportCreate]]);
    world.simulator.clear_calls();
    let begun = pending(world.poll(&request, &begun.ticket).await);
    assert_waves(&world.waves(), &[&[ExportProgress]]);
    world.simulator.clear_calls();
    world.advance(Duration::from_secs(200));
    let progress = world.poll(&request, &begun.ticket).await;
    expect(&done(progress), Outcome::Found);
    assert_waves(
        &world.waves(),
        &[&[ExportProgress], &[Directories], &[ContactSearch; 2], &[ExportFile], &[Contact; 2]],
    );
    assert!(world.simulator.peak_calls() <= 4);

    let mut world = World::new().await;
    let begun = pending(world.delete(&request, DeletionMode::EraseAndVerify).await);
    assert_waves(&world.waves(), &[&[Token], &[Users, WhoAmI], &[ErasureCreate]]);
    world.simulator.clear_calls();
    let begun = pending(world.poll(&request, &begun.ticket).await);
    assert_waves(&world.waves(), &[&[ErasureGet], &[ErasureList]]);
    world.simulator.clear_calls();
    world.advance(Duration::from_secs(400));
    let begun = pending(world.poll(&request, &begun.ticket).await);
    assert_waves(&world.waves(), &[&[ErasureGet], &[ErasureList], &[ErasureCreate]]);
    world.simulator.clear_calls();
    world.advance(Duration::from_secs(400));
    expect(&done(world.poll(&request, &begun.ticket).await), Outcome::Verified);
    assert_waves(&world.waves(), &[&[ErasureGet], &[Directories, ErasureGet], &[ContactSearch; 2]]);
}

/// The calls are those of the waves, in the order of the waves.
#[track_caller]
fn assert_waves(calls: &[Endpoint], waves: &[&[Endpoint]]) {
    let mut rest = calls;
    for wave in waves {
        let (one, others) = rest.split_at_checked(wave.len()).unwrap_or((rest, &[]));
        let name = |endpoint: &Endpoint| format!("{endpoint:?}");
        let (mut seen, mut expected): (Vec<_>, Vec<_>) =
            (one.iter().map(name).collect(), wave.iter().map(name).collect());
        seen.sort_unstable();
        expected.sort_unstable();
        assert_eq!(seen, expected, "in {calls:?}");
        rest = others;
    }
    assert!(rest.is_empty(), "more calls than in the table: {rest:?}");
}

#[tokio::test]
async fn one_token_serves_for_its_life() {
    for dialects in ["token-members-all", "token-expiry-string", "token-members-minimal"] {
        let mut world = world(dialects).await;
        world.passes(&BOTH).await;
        world.accessed(&about(SAMPLE_PERSON)).await;
        world.passes(&[Right::Access]).await;
        assert_eq!(world.calls_of(Endpoint::Token), 1, "{dialects}");
        // A minute before its end it is not trusted any more.
        world.advance(Duration::from_secs(3_600));
        world.passes(&BOTH).await;
        assert_eq!(world.calls_of(Endpoint::Token), 2, "{dialects}");
        assert!(world.simulator.calls().iter().all(|call| call.status != Some(401)), "{dialects}");
    }
}

#[tokio::test]
async fn a_token_that_qualtrics_forgot_is_renewed_once() {
    for dialects in ["expired-token-dcd-7", "expired-token-auth-6"] {
        let mut world = world(dialects).await;
        world.passes(&BOTH).await;
        world.simulator.revoke_tokens();
        world.passes(&BOTH).await;
        assert_eq!(world.calls_of(Endpoint::Token), 2, "{dialects}");
    }
    // And a token that lives shorter than it says.
    let options = Options { token_lifetime: Duration::from_secs(600), ..Options::default() };
    let dialects = Dialects::parse("token-members-minimal,expired-token-auth-6").unwrap();
    let mut world = World::of(Brand::sample(), Options { dialects, ..options }, &[]).await;
    world.passes(&BOTH).await;
    world.advance(Duration::from_secs(601));
    world.passes(&BOTH).await;
    assert_eq!(world.calls_of(Endpoint::Token), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_even_when_new_is_the_end() {
    let mut world = World::new().await;
    world.simulator.set_faults(vec![FaultRule::every(Endpoint::ExportCreate, Fault::Status(401, WaitHint::None))]);
    let error = world.access(&about(SAMPLE_PERSON)).await.expect_err("refused");
    assert_eq!((error.kind, &error.remedy), (ErrorKind::Unauthorized, &Remedy::Operator));
    assert_eq!(world.calls_of(Endpoint::Token), 2);
    assert_eq!(world.calls_of(Endpoint::ExportCreate), 2);
    assert!(!error.message.contains(SAMPLE_CLIENT_SECRET));
}

#[tokio::test]
async fn a_request_without_its_permission_says_which() {
    for (dialects, kind) in [
        ("missing-scope-at-token", ErrorKind::Forbidden),
        ("missing-scope-403", ErrorKind::Forbidden),
        ("missing-scope-401", ErrorKind::Unauthorized),
    ] {
        let mut world = world(dialects).await;
        world.withhold(&[DATA]);
        let error = world.access(&about(SAMPLE_PERSON)).await.expect_err("forbidden");
        assert_eq!((error.kind, &error.remedy), (kind, &Remedy::Operator), "{dialects}");
        if kind == ErrorKind::Forbidden {
            assert_eq!(named(&error.problems, "permission"), [DATA], "{dialects}");
        }
        assert!(world.simulator.exports().is_empty());
    }
}
