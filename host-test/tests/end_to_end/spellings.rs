//! One identifier in several spellings: as Qualtrics stores it, and as a request gives it.

use privacy_host::contract::{Amount, DeletionMode, ErrorKind, Identifier, Outcome, Remedy, SourceState};
use qualtrics_simulator::{
    Brand, Dialects, Endpoint, Options, Person, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SAMPLE_CUSTOMERS, SCOPES,
};

use crate::access::{contacts, directory, external_id, finding_about, phone};
use crate::fixture::{Fixture, assert_no_leak, assert_outcome, done, email, pending, request, request_for};

const COMPOSED: &str = "zo\u{EB}@victim.example";
const DECOMPOSED: &str = "zoe\u{308}@victim.example";

/// A brand with two more people in the directory of customers: one with this address, and one with another.
async fn with_address(address: &str, dialects: &str) -> Fixture {
    let brand = Brand::sample()
        .person(&Person::new("Ada", "Victim").email(address).responses(1), &[SAMPLE_CUSTOMERS])
        .person(&Person::new("Bob", "Other").email("bob@victim.example").responses(1), &[SAMPLE_CUSTOMERS]);
    Fixture::with_brand(brand, dialects).await
}

/// Asserts that a request with `given` finds and deletes what is stored under `stored`, and nothing else.
async fn assert_found_and_deleted(stored: &str, given: &str, dialects: &str) {
    let case = format!("stored {stored}, given {given}, {dialects}");
    let mut fixture = with_address(stored, dialects).await;
    let access = fixture.access_report(&request_for(given)).await;
    assert_outcome(&access, Outcome::Found);
    assert_eq!(contacts(&access).len(), 1, "{case}");
    // Where Qualtrics exports one address at a time, each spelling has an export.
    assert!(access.documents.len() >= 2, "{case}: the contact and the export");
    assert!(access.discovered.is_empty(), "{case}");
    for (mode, outcome) in [
        (DeletionMode::Preview, Outcome::Previewed),
        (DeletionMode::Erase, Outcome::Deleted),
        (DeletionMode::EraseAndVerify, Outcome::Verified),
    ] {
        let mut fixture = with_address(stored, dialects).await;
        let report = fixture.delete_report(&request_for(given), mode).await;
        assert_eq!(report.outcome, outcome, "{case}: {:#?}", report.findings);
        assert_eq!(report.receipt.jobs[0].identifiers, Some(1), "{case}: spellings of one address count once");
        let is_left = !fixture.simulator.holdings(stored).is_empty();
        assert_eq!(is_left, mode == DeletionMode::Preview, "{case}, {mode:?}");
        assert!(!fixture.simulator.holdings("bob@victim.example").is_empty(), "{case}");
    }
}

#[tokio::test]
async fn an_address_is_sent_as_given_where_qualtrics_respects_case() {
    let exact = "address-case-exact,export-case-exact,contact-search-exact";
    for dialects in ["", exact] {
        assert_found_and_deleted("Ada@Victim.example", "Ada@Victim.example", dialects).await;
        assert_found_and_deleted("ada@victim.example", " Ada@Victim.example", dialects).await;
    }
    assert_found_and_deleted("Ada@Victim.example", "ADA@victim.example", "").await;
}

#[tokio::test]
async fn an_international_domain_is_found_in_either_spelling() {
    let [unicode, ascii] = ["ada@m\u{FC}nchen.example", "ada@xn--mnchen-3ya.example"];
    for (stored, given) in [(unicode, ascii), (ascii, unicode), (ascii, "Ada@MU\u{308}NCHEN.example")] {
        for dialects in ["", "export-body-email", "emails-not-found-number"] {
            assert_found_and_deleted(stored, given, dialects).await;
        }
    }
}

#[tokio::test]
async fn accents_are_found_composed_and_decomposed() {
    for (stored, given) in [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)] {
        assert_found_and_deleted(stored, given, "").await;
    }
}

#[tokio::test]
async fn an_address_without_data_is_reported_as_not_found_in_every_spelling() {
    for given in ["Nobody@Victim.example", "nobody@m\u{FC}nchen.example", DECOMPOSED] {
        for mode in [DeletionMode::Erase, DeletionMode::EraseAndVerify] {
            let mut fixture = with_address("ada@victim.example", "address-case-exact").await;
            assert_outcome(&fixture.delete_report(&request_for(given), mode).await, Outcome::NotFound);
        }
    }
}

#[tokio::test]
async fn the_guards_recognise_an_account_in_every_spelling() {
    let [own, staff] = ["Gr\u{E4}ce@xn--mnchen-3ya.example", "li.nus@example.com"];
    for (given, refused) in [
        ("GRA\u{308}CE@M\u{FC}NCHEN.example", Some("own-account")),
        ("gr\u{E4}ce@m\u{FC}nchen.example", Some("own-account")),
        ("LI.Nus@Example.com", Some("staff-account")),
        // Dots and tags make another address.
        ("linus@example.com", None),
        ("li.nus+x@example.com", None),
    ] {
        for dialects in ["", "user-name-brand,user-email-null", "user-name-brand,address-case-exact"] {
            let brand = Brand::new("examplebrand", "fra1")
                .user("UR_1aOwn0000000001", own, "Grace", "Admin", true)
                .user("UR_2bStaff00000002", staff, "Linus", "Staff", false)
                .client(SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, &SCOPES, "UR_1aOwn0000000001");
            let options = Options { dialects: Dialects::parse(dialects).expect("dialects"), ..Options::default() };
            let mut fixture = Fixture::with_options(brand, options, &[]).await;
            let result = fixture.delete(&request_for(given), DeletionMode::Erase).await;
            let Some(code) = refused else {
                pending(result);
                continue;
            };
            let report = done(result);
            assert_outcome(&report, Outcome::Refused);
            assert_eq!(report.findings[0].code.as_deref(), Some(code), "{given}, {dialects}");
            assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 0);
            let note = report.findings[0].note.clone().unwrap_or_default();
            let lost = ["contact lists", "surveys without an owner", "automations"];
            assert!(code == "own-account" || lost.iter().all(|lost| note.contains(lost)), "{note}");
        }
    }
}

async fn with_phone(stored: &str, dialects: &str) -> Fixture {
    let brand = Brand::sample()
        .person(&Person::new("Ada", "Caller").email("ada@victim.example").phone(stored), &[SAMPLE_CUSTOMERS]);
    Fixture::with_brand(brand, dialects).await
}

#[tokio::test]
async fn a_number_is_found_as_it_is_commonly_written() {
    for (stored, given, code) in [
        ("111-111-1111", "+11111111111", Some("no-country-code")),
        ("(111) 111-1111", "+11111111111", Some("no-country-code")),
        ("1-111-111-1111", "+11111111111", Some("no-country-code")),
        ("1111111111", "+11111111111", Some("no-country-code")),
        ("+1 111 111 1111", "+11111111111", None),
        ("+1 (111) 111-1111", "+11111111111", None),
        ("030123456", "+4930123456", Some("no-country-code")),
        ("30123456", "+4930123456", Some("no-country-code")),
        ("004930123456", "+4930123456", None),
        ("+49 30123456", "+4930123456", None),
    ] {
        let mut fixture = with_phone(stored, "").await;
        let report = fixture.access_report(&request("r", vec![phone(given), external_id("CUST-0001")])).await;
        let found = finding_about(&report, &directory(SAMPLE_CUSTOMERS), &[0]);
        assert_eq!((found.state, &found.amount), (SourceState::Searched, &Amount::Count(1)), "{stored}");
        assert_eq!(found.code.as_deref(), code, "{stored}");
        assert!(contacts(&report).iter().any(|contact| contact["phone"] == stored), "{stored}");
        // A contact that may be another person's offers nothing.
        assert_eq!(report.discovered.contains(&email("ada@victim.example")), code.is_none(), "{stored}");
        // A deletion by telephone number only names the addresses, for a person to confirm.
        let refused = done(fixture.delete(&request("d", vec![phone(given)]), DeletionMode::Erase).await);
        assert_outcome(&refused, Outcome::Refused);
        assert_eq!(fixture.calls_of(Endpoint::ErasureCreate), 0);
    }
}

#[tokio::test]
async fn a_number_of_another_country_or_with_an_extension_is_not_the_persons() {
    for stored in ["+44 111 111 1111", "0044 111 111 1111", "+1 111 111 1111 x7", "+1 211 111 1111", "11 111 1111"] {
        for dialects in ["", "contact-search-similar"] {
            let mut fixture = with_phone(stored, dialects).await;
            let report = fixture.access_report(&request("r", vec![phone("+11111111111")])).await;
            assert!(report.documents.is_empty() && report.discovered.is_empty(), "{stored}, {dialects}");
            assert!(
                report.findings.iter().all(|finding| !matches!(finding.amount, Amount::Present | Amount::Count(1..)))
            );
        }
    }
}

#[tokio::test]
async fn every_discovered_number_is_accepted_as_it_stands() {
    for (stored, offered) in [
        ("+1 (555) 010-0123", Some("+15550100123")),
        ("0049 30 123456", Some("+4930123456")),
        ("111-111-1111", None),
        ("030 123456", None),
        ("+1 555 010 0123 ext. 7", None),
        ("ask at the desk", None),
    ] {
        let mut fixture = with_phone(stored, "").await;
        let report = fixture.access_report(&request_for("ada@victim.example")).await;
        let expected: Vec<Identifier> = offered.into_iter().map(phone).collect();
        assert_eq!(report.discovered, expected, "{stored}");
        if !expected.is_empty() {
            let progress = fixture.access(&request("next", expected)).await;
            fixture.follow(&request("next", report.discovered.clone()), progress).await.expect("a report");
        }
    }
}

#[tokio::test]
async fn similar_addresses_are_other_peoples() {
    for (stored, given) in [
        ("a.da@victim.example", "ada@victim.example"),
        ("ada+news@victim.example", "ada@victim.example"),
        ("ada@victim.example", "a.d.a@victim.example"),
        ("ada@victim.example", "ada+news@victim.example"),
    ] {
        for dialects in ["", "contact-search-similar"] {
            let mut fixture = with_address(stored, dialects).await;
            let report = fixture.access_report(&request_for(given)).await;
            assert!(report.documents.is_empty() && report.discovered.is_empty(), "{given}, {dialects}");
            assert!(
                report.findings.iter().all(|finding| !matches!(finding.amount, Amount::Present | Amount::Count(1..)))
            );
            let outcome = if dialects.is_empty() { Outcome::NotFound } else { Outcome::Partial };
            assert_outcome(&report, outcome);
            let report = fixture.delete_report(&request("d", vec![email(given)]), DeletionMode::EraseAndVerify).await;
            assert_outcome(&report, outcome);
            assert!(!fixture.simulator.holdings(stored).is_empty(), "{given} deleted {stored}");
        }
    }
}

/// A job of an earlier attempt was started with fewer spellings: what it leaves is not reported as deleted.
#[tokio::test]
async fn a_reconciled_job_without_a_spelling_is_partial() {
    let mut fixture = with_address("Ada@Victim.example", "address-case-exact").await;
    let earlier = fixture.now();
    pending(fixture.delete(&request_for("ada@victim.example"), DeletionMode::Erase).await);
    let retried = crate::fixture::attempted_at(&request_for("Ada@Victim.example"), earlier);
    let report = fixture.delete_report(&retried, DeletionMode::Erase).await;
    assert_outcome(&report, Outcome::Partial);
    let codes: Vec<_> = report.findings.iter().filter_map(|finding| finding.code.as_deref()).collect();
    assert_eq!(codes, ["not-itemised"]);
    assert!(!fixture.simulator.holdings("Ada@Victim.example").is_empty());
}

/// A host polls with another spelling than it started with: the spelling that has data is not among those of the poll.
#[tokio::test]
async fn a_deletion_that_is_polled_in_another_spelling_is_not_reported_as_not_found() {
    let mut fixture = with_address("Ada@Victim.example", "address-case-exact").await;
    let started = fixture.delete(&request_for("Ada@Victim.example"), DeletionMode::Erase).await;
    let report = fixture.follow(&request_for("ada@victim.example"), started).await.expect("a report");
    assert_outcome(&report, Outcome::Deleted);
    assert!(fixture.simulator.holdings("Ada@Victim.example").is_empty());
}

#[tokio::test]
async fn identifiers_from_spreadsheets_and_web_pages_are_refused_by_name_and_nothing_is_sent() {
    let mut fixture = Fixture::new().await;
    for (identifier, reason) in [
        (email("ada@victim.example\u{200B}"), "the invisible character U+200B"),
        (email("\u{FEFF}ada@victim.example"), "the invisible character U+FEFF"),
        (email("ada\u{AD}@victim.example"), "the invisible character U+00AD"),
        (email("\u{202E}ada@victim.example"), "the invisible character U+202E"),
        (email("ada\u{E0041}@victim.example"), "the invisible character U+E0041"),
        (email("ada\u{2800}@victim.example"), "the invisible character U+2800"),
        (email("ada\u{A0}@victim.example"), "the unusual space U+00A0"),
        (email("ad\u{FFFD}@victim.example"), "U+FFFD"),
        (email("ad\u{E000}@victim.example"), "U+E000"),
        (email("mailto:ada@victim.example"), "mailto:"),
        (email("'ada@victim.example'"), "a quotation mark"),
        (email("\u{201C}ada@victim.example\u{201D}"), "U+201C"),
        (email("Ada <ada@victim.example>"), "a blank"),
        (email("<ada@victim.example>"), "an angle bracket"),
        (email("ada@victim.example, "), "the character ,"),
        (email("ada@victim.example; bob@victim.example"), "several"),
        (email("ada\u{FF20}victim.example"), "U+FF20"),
        (email("ada@victim\u{FF0E}example"), "U+FF0E"),
        (phone("tel:+15550100"), "E.164"),
        (phone("\u{FF0B}15550100"), "U+FF0B"),
        (phone("+1555\u{200B}0100"), "the invisible character U+200B"),
        (external_id("CUST\u{2060}0001"), "the invisible character U+2060"),
        (external_id("CUST\u{3164}0001"), "the invisible character U+3164"),
        (external_id("CUST\u{2007}0001"), "the unusual space U+2007"),
        (external_id("CUST\u{378}0001"), "U+0378"),
    ] {
        let given = request("r", vec![identifier]);
        let refusals = [fixture.access(&given).await, fixture.delete(&given, DeletionMode::Erase).await];
        for error in refusals.map(|refused| refused.expect_err(reason)) {
            assert_eq!((error.kind, &error.remedy), (ErrorKind::InvalidRequest, &Remedy::GiveUp), "{reason}");
            assert_eq!(error.problems[0].target, "subject[0]");
            assert!(error.message.contains(reason), "{reason}: {}", error.message);
            assert_no_leak(&format!("{error:?}"), &["ada@", "victim", "555", "cust"]);
        }
    }
    assert!(fixture.simulator.calls().is_empty());
}
