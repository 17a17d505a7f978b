//! What an access request collects beside the export and the contacts: history, transactions, and the records of users.

use std::time::Duration;

use privacy_host::contract::{Amount, Content, Document, ErrorKind, Outcome, Remedy, Report, SourceState};
use qualtrics_simulator::{
    Brand, Endpoint, Fault, FaultRule, Options, Person, SAMPLE_ADMINISTRATOR, SAMPLE_CUSTOMERS, SAMPLE_PARTNERS,
    SAMPLE_PERSON, SAMPLE_RESPONDENT, SAMPLE_STAFF_CONTACT, SurveyResponse, WaitHint,
};
use serde_json::{Value, json};

use crate::access::{codes, contacts, phone};
use crate::check::{MISSING_SCOPE_DIALECTS, USERS};
use crate::fixture::{Fixture, assert_outcome, finding, request, request_for};
use crate::sources::report_with_running_clock;

/// A person who is a contact of one directory with two responses and three transactions, and a user of Qualtrics.
const EVERYWHERE: &str = "everywhere@example.org";
const CROWD_PHONE: &str = "+12025559999";

fn history(directory: &str) -> String {
    format!("contact-history:{directory}")
}

fn transactions(directory: &str) -> String {
    format!("contact-transactions:{directory}")
}

async fn fixture(dialects: &str) -> Fixture {
    let person = Person::new("Every", "Where").email(EVERYWHERE).responses(2).transactions(3);
    let brand = Brand::sample().person(&person, &[SAMPLE_CUSTOMERS]);
    let brand = brand.user("UR_5eEveryWhere005", EVERYWHERE, "Every", "Where", false);
    let fixture = Fixture::with_brand(brand, dialects).await;
    fixture.grant_optional();
    fixture
}

/// The documents of a source, as JSON.
async fn documents(fixture: &mut Fixture, report: &Report, source: &str) -> Vec<Value> {
    let mut values = Vec::new();
    let of_source: Vec<Document> =
        report.documents.iter().filter(|document| document.source == source).cloned().collect();
    for document in of_source {
        let bytes = match &document.content {
            Content::Inline(bytes) => bytes.clone(),
            Content::Remote(reference) => fixture.read_all(reference, 100).await,
        };
        values.push(serde_json::from_slice(&bytes).expect("JSON"));
    }
    values
}

#[tokio::test]
async fn history_transactions_and_the_user_record_are_part_of_an_access_request() {
    let mut fixture = fixture("").await;
    let report = fixture.access_report(&request_for(EVERYWHERE)).await;
    assert_outcome(&report, Outcome::Found);
    for (source, count) in
        [(history(SAMPLE_CUSTOMERS), 4), (transactions(SAMPLE_CUSTOMERS), 3), ("user-accounts".to_owned(), 1)]
    {
        let found = finding(&report, &source);
        assert_eq!((found.state, found.amount), (SourceState::Searched, Amount::Count(count)), "{source}");
        assert_eq!(found.identifiers, [0], "{source}");
    }
    let contact = contacts(&report).remove(0);
    let histories = documents(&mut fixture, &report, &history(SAMPLE_CUSTOMERS)).await;
    let lists: Vec<&Value> = histories.iter().map(|history| &history["list"]).collect();
    assert_eq!(lists, ["email-history", "response-history"]);
    for history in &histories {
        assert_eq!((&history["contactId"], &history["directoryId"]), (&contact["contactId"], &contact["directoryId"]));
        assert_eq!(history["entries"].as_array().map(Vec::len), Some(2));
        assert_eq!(history["entries"][0]["surveyId"], "SV_000000000000001");
    }
    let transactions = documents(&mut fixture, &report, &transactions(SAMPLE_CUSTOMERS)).await.remove(0);
    assert_eq!(transactions["entries"][2]["data"]["Product"], "Analytical Engine");
    let user = documents(&mut fixture, &report, "user-accounts").await.remove(0);
    assert_eq!((&user["id"], &user["email"]), (&json!("UR_5eEveryWhere005"), &json!(EVERYWHERE)));
    // A person who is no user, and has neither a contact nor a history.
    let report = fixture.access_report(&request_for(SAMPLE_RESPONDENT)).await;
    assert_eq!(finding(&report, "user-accounts").amount, Amount::Count(0));
    assert!(!report.findings.iter().any(|finding| finding.source.starts_with("contact-")));
}

#[tokio::test]
async fn an_optional_scope_that_is_not_granted_breaks_nothing() {
    for dialects in MISSING_SCOPE_DIALECTS {
        let mut fixture = fixture(dialects).await;
        fixture.grant_all_except(&[USERS]);
        for id in ["first", "second"] {
            let report = fixture.access_report(&request(id, request_for(EVERYWHERE).subject)).await;
            assert_outcome(&report, Outcome::Found);
            let is_optional = |source: &str| source == "user-accounts" || source.starts_with("contact-transactions");
            assert!(!report.findings.iter().any(|finding| is_optional(&finding.source)), "{dialects}");
            assert_eq!(finding(&report, &history(SAMPLE_CUSTOMERS)).amount, Amount::Count(4), "{dialects}");
            for code in ["user-accounts", "contact-transactions"] {
                assert!(report.gaps.iter().any(|gap| gap.code == code), "{dialects}: {code}");
            }
        }
    }
}

#[tokio::test]
async fn a_type_of_history_that_qualtrics_does_not_know_is_no_error() {
    let mut fixture = fixture("history-type-email-only").await;
    let report = fixture.access_report(&request_for(EVERYWHERE)).await;
    assert_outcome(&report, Outcome::Found);
    assert_eq!(finding(&report, &history(SAMPLE_CUSTOMERS)).amount, Amount::Count(2));
}

#[tokio::test]
async fn a_list_of_several_pages_is_a_remote_document_that_any_instance_reads_to_its_end() {
    for next_page in ["next-page-url", "next-page-token", "next-page-other-host", "next-page-links"] {
        let mut fixture = fixture(&format!("history-pages-of-two,{next_page}")).await;
        fixture.simulator.with_brand(|brand| {
            let template = brand.responses.last().cloned().expect("a response");
            let named = |n| SurveyResponse { id: format!("R_more{n:011}"), ..template.clone() };
            brand.responses.extend((0..5).map(named));
        });
        let report = fixture.access_report(&request_for(EVERYWHERE)).await;
        assert_outcome(&report, Outcome::Found);
        for (source, entries) in [(history(SAMPLE_CUSTOMERS), 7), (transactions(SAMPLE_CUSTOMERS), 3)] {
            assert_eq!(finding(&report, &source).amount, Amount::Present, "{source}");
            let document = report.documents.iter().find(|document| document.source == source).expect("a document");
            let Content::Remote(reference) = document.content.clone() else { panic!("several pages") };
            let mut bytes = Vec::new();
            loop {
                fixture.renew_instance().await;
                let chunk = fixture.read(&reference, bytes.len() as u64, 150).await.expect("a chunk");
                bytes.extend(chunk.bytes);
                if chunk.last {
                    break;
                }
            }
            let read: Value = serde_json::from_slice(&bytes).expect("JSON");
            assert_eq!(read["entries"].as_array().map(Vec::len), Some(entries), "{next_page}");
            assert_eq!(fixture.read_all(&reference, 10_000).await, bytes);
        }
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_is_never_shown_as_complete() {
    let mut fixture = fixture("history-pages-of-two").await;
    let report = fixture.access_report(&request_for(EVERYWHERE)).await;
    let document = report.documents.iter().find(|document| document.source == transactions(SAMPLE_CUSTOMERS));
    let Content::Remote(reference) = document.expect("a document").content.clone() else { panic!("several pages") };
    for fault in [
        Fault::Status(500, WaitHint::None),
        Fault::Status(404, WaitHint::None),
        Fault::Member("/result/elements".to_owned(), json!(null)),
        Fault::Member("/result/elements".to_owned(), json!([{"contactId": "CID_of_another"}])),
        Fault::Member("/result/nextPage".to_owned(), json!(true)),
        Fault::RepeatedCursor,
        Fault::CutJson,
    ] {
        fixture.renew_instance().await;
        fixture.simulator.set_faults(vec![FaultRule::every(Endpoint::ContactTransactions, fault.clone())]);
        let mut offset = 0;
        while let Ok(chunk) = fixture.read(&reference, offset, 10_000).await {
            assert!(!chunk.last && !chunk.bytes.is_empty(), "{fault:?}");
            offset += chunk.bytes.len() as u64;
        }
        // The second page fails, twice.
        let second = [2, 3].map(|n| FaultRule::nth(Endpoint::ContactTransactions, n, fault.clone()));
        fixture.simulator.set_faults(second.to_vec());
        fixture.renew_instance().await;
        let chunk = fixture.read(&reference, 0, 10_000).await.expect("the first page");
        assert!(!chunk.last && !chunk.bytes.is_empty(), "{fault:?}");
    }
    fixture.simulator.set_faults(Vec::new());
    assert!(serde_json::from_slice::<Value>(&fixture.read_all(&reference, 10_000).await).is_ok());
    // An entry that was added before the others moves them all.
    fixture.simulator.with_brand(|brand| {
        let contacts = brand.directories.iter_mut().flat_map(|directory| &mut directory.contacts);
        contacts.filter(|contact| !contact.transactions.is_empty()).for_each(|contact| contact.transactions.reverse());
    });
    fixture.renew_instance().await;
    let error = fixture.read(&reference, 200, 10).await.expect_err("another list");
    assert_eq!((error.kind, error.remedy), (ErrorKind::JobNotFound, Remedy::Restart));
}

#[tokio::test]
async fn a_list_or_record_that_cannot_be_read_makes_the_report_partial() {
    use SourceState::{NotPermitted, Unavailable};
    let status = |status| Fault::Status(status, WaitHint::None);
    let other = Fault::Member("/result/id".to_owned(), json!("UR_4dSecondAdmin004"));
    for (endpoint, fault, source, state, code, amount) in [
        (
            Endpoint::ContactHistory,
            status(403),
            history(SAMPLE_CUSTOMERS),
            NotPermitted,
            "not-permitted",
            Amount::Unknown,
        ),
        (Endpoint::ContactHistory, status(400), history(SAMPLE_CUSTOMERS), Unavailable, "unavailable", Amount::Unknown),
        (Endpoint::ContactHistory, status(500), history(SAMPLE_CUSTOMERS), Unavailable, "unavailable", Amount::Unknown),
        (
            Endpoint::ContactTransactions,
            status(500),
            transactions(SAMPLE_CUSTOMERS),
            Unavailable,
            "unavailable",
            Amount::Unknown,
        ),
        (Endpoint::Users, status(500), "user-accounts".to_owned(), Unavailable, "unavailable", Amount::Unknown),
        (Endpoint::User, status(403), "user-accounts".to_owned(), NotPermitted, "not-permitted", Amount::Present),
        (Endpoint::User, other, "user-accounts".to_owned(), Unavailable, "unavailable", Amount::Present),
    ] {
        let mut fixture = fixture("").await;
        fixture.simulator.set_faults(vec![FaultRule::every(endpoint, fault.clone())]);
        let (report, _) = report_with_running_clock(&mut fixture, &request_for(EVERYWHERE)).await;
        assert_outcome(&report, Outcome::Partial);
        let failed = finding(&report, &source);
        assert_eq!((failed.state, failed.code.as_deref(), failed.amount), (state, Some(code), amount), "{fault:?}");
        assert!(!report.documents.iter().any(|document| document.source == source), "{fault:?}");
        assert_eq!(contacts(&report).len(), 1, "the other sources are returned");
    }
}

#[tokio::test]
async fn more_contacts_than_a_call_can_read_the_lists_of_are_reported() {
    let brand = Brand::sample().crowd(SAMPLE_CUSTOMERS, 300, CROWD_PHONE);
    let mut fixture = Fixture::with_brand(brand, "").await;
    fixture.grant_optional();
    let report = fixture.access_report(&request("r", vec![phone(CROWD_PHONE)])).await;
    assert_outcome(&report, Outcome::Partial);
    for source in [history(SAMPLE_CUSTOMERS), transactions(SAMPLE_CUSTOMERS)] {
        let found = finding(&report, &source);
        assert_eq!((found.state, found.code.as_deref()), (SourceState::Unavailable, Some("too-many")), "{source}");
        assert_eq!(found.amount, Amount::Unknown);
    }
    assert_eq!(contacts(&report).len(), 300);
    let calls = fixture.calls_of(Endpoint::ContactHistory) + fixture.calls_of(Endpoint::ContactTransactions);
    assert!((450..=500).contains(&calls), "{calls} calls");
}

#[tokio::test]
async fn a_list_of_users_that_is_too_long_for_a_call_is_reported_and_never_taken_for_complete() {
    let brand = Brand::sample().staff(5_000);
    let mut fixture = Fixture::with_options(brand, Options::default(), &[("rate-share", "1")]).await;
    let (report, polls) = report_with_running_clock(&mut fixture, &request_for(SAMPLE_STAFF_CONTACT)).await;
    assert!(polls <= 12, "{polls} polls");
    match finding(&report, "user-accounts") {
        found if found.code.is_none() => assert_eq!(found.amount, Amount::Count(1)),
        found => assert_eq!((found.code.as_deref(), found.amount), (Some("too-many"), Amount::Unknown)),
    }
}

/// What responses hold about another person: the user who sent a message, owns a list, or created an account.
#[tokio::test]
async fn identifiers_of_other_people_in_lists_and_records_do_not_leave() {
    const STRANGER: &str = "stranger@other.example";
    const STRANGER_ID: &str = "UR_0stranger";
    let mut fixture = fixture("history-senders-named,extra-members-some").await;
    let stranger = || json!({"email": STRANGER, "userId": STRANGER_ID});
    let entries = |mut entry: Value| {
        for name in ["sender", "fromEmail", "replyTo", "ownerId", "createdBy", "contact", "surveyor"] {
            entry[name] = stranger();
        }
        json!([entry])
    };
    let history = json!({"surveyId": "SV_1", "type": STRANGER, "distributionId": stranger(), "bounceInfo": stranger()});
    let member = |value: Value| Fault::Member("/result/elements".to_owned(), value);
    fixture.simulator.set_faults(vec![
        FaultRule::every(Endpoint::ContactHistory, member(entries(history))),
        FaultRule::every(Endpoint::ContactTransactions, member(entries(json!({"transactionId": stranger()})))),
        FaultRule::every(Endpoint::User, Fault::Member("/result/createdBy".to_owned(), stranger())),
    ]);
    let report = fixture.access_report(&request_for(EVERYWHERE)).await;
    assert_outcome(&report, Outcome::Found);
    for source in [self::history(SAMPLE_CUSTOMERS), transactions(SAMPLE_CUSTOMERS), "user-accounts".to_owned()] {
        let texts: Vec<String> = documents(&mut fixture, &report, &source).await.iter().map(Value::to_string).collect();
        assert!(!texts.is_empty(), "{source}");
        for marker in [STRANGER, STRANGER_ID, SAMPLE_ADMINISTRATOR, "UR_1aGraceAdmin0001"] {
            assert!(!texts.concat().contains(marker), "{source} names {marker}");
        }
    }
    fixture.simulator.set_faults(Vec::new());
    let report = fixture.access_report(&request("named", request_for(SAMPLE_PERSON).subject)).await;
    for directory in [SAMPLE_CUSTOMERS, SAMPLE_PARTNERS] {
        let texts = documents(&mut fixture, &report, &self::history(directory)).await;
        assert_eq!(texts.len(), 2);
        assert!(!texts.iter().any(|text| text.to_string().contains(SAMPLE_ADMINISTRATOR)), "the sender");
    }
}

#[tokio::test]
async fn a_scope_that_is_granted_later_is_used_without_another_connection() {
    let mut fixture = fixture("").await;
    fixture.grant_all_except(&[USERS]);
    let report = fixture.access_report(&request_for(EVERYWHERE)).await;
    assert!(!report.findings.iter().any(|finding| finding.source == "user-accounts"));
    fixture.grant_all_except(&[]);
    fixture.grant_optional();
    fixture.advance(Duration::from_secs(3_600));
    let report = fixture.access_report(&request("later", request_for(EVERYWHERE).subject)).await;
    assert_eq!(finding(&report, "user-accounts").amount, Amount::Count(1));
    assert_eq!(finding(&report, &transactions(SAMPLE_CUSTOMERS)).amount, Amount::Count(3));
    assert!(codes(&report).is_empty());
}
