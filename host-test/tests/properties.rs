//! Properties of the connector that hold for all responses of Qualtrics and all input of hosts. They run natively, on generated input.
//!
//! `PROPTEST_CASES` sets the number of cases per property. A failure prints the smallest input that reproduces it.

#[path = "../fuzz/invariants/mod.rs"]
mod invariants;
mod model;

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use http::Method;
use invariants::vendor::{Exchange, Sent, Start, Vendor};
use invariants::{MARK, calls, files, inputs, responses};
use model::input::{bodies, delays, forged_tickets, heads, identifiers, ticket_contents};
use model::json::{any_json, member_names, text};
use privacy_host::RateBudget;
use privacy_host::contract::RateLimit;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use qualtrics_connector::contract::{DeletionMode, ErrorKind, Identifier, Progress, Request, Task};
use qualtrics_connector::http::ResponseHead;
use qualtrics_connector::http::rate_limit::{CallLog, path_matches};
use qualtrics_connector::privacy::connector::Connector;
use qualtrics_connector::privacy::subject::request_check;
use qualtrics_connector::qualtrics::api::contact::Contact;
use qualtrics_connector::qualtrics::api::{envelope, host, sanitize, timestamp};
use qualtrics_connector::qualtrics::ticket::{Operation, Reference, SharedJob, Ticket, Verification};
use serde_json::{Value, json};
use simulated_clock::Clock;

/// The first millisecond after the year 9999.
const END_OF_CALENDAR_MS: u64 = 253_402_300_800_000;

/// Earlier instants are no timestamps of Qualtrics.
const START_OF_TIMESTAMPS_MS: u64 = 100_000_000_000;

proptest! {
    // A failure prints its input. Regression files are not written.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_response_with_any_sign_of_an_error_is_an_error((status, headers) in heads(), body in bodies(), now in any::<u64>()) {
        responses::envelope(status, &headers, &body, now);
    }

    #[test]
    fn the_tolerant_parser_accepts_all_valid_json_unchanged(body in bodies()) {
        responses::body(&body);
    }

    #[test]
    fn a_token_never_breaks_a_header_and_is_used_for_at_most_an_hour((status, headers) in heads(), body in bodies(), now in 0..u64::MAX / 2) {
        responses::token(status, &headers, &body, now);
    }

    #[test]
    fn resource_parsers_ignore_members_they_cannot_use(result in any_json(), id in text()) {
        responses::resources(result, &id);
    }

    #[test]
    fn any_second_response_can_complete_a_contact(first in any_json(), second in any_json(), id in "[A-Za-z0-9_]{1,20}") {
        let mut named = first.clone();
        if let Some(fields) = named.as_object_mut() {
            fields.insert("contactId".to_owned(), json!(id));
        }
        responses::contact(first, second.clone());
        responses::contact(named, second);
    }

    #[test]
    fn a_contact_document_contains_every_member_of_the_response(
        fields in prop::collection::btree_map(member_names(), any_json(), 0..12),
        id in "[A-Za-z0-9_]{1,20}",
    ) {
        let mut fields = fields;
        // The document names the directory that was searched.
        fields.remove("directoryId");
        if !fields.contains_key("id") && !fields.contains_key("contactId") {
            fields.insert("contactId".to_owned(), json!(id));
        }
        let sent: Value = fields.clone().into_iter().collect();
        let Some(contact) = Contact::parse(sent) else { return Ok(()) };
        let document: Value = serde_json::from_slice(&contact.document("POOL_1")).expect("JSON");
        prop_assert_eq!(&document["directoryId"], "POOL_1");
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
            let instant = timestamp::parse_ms(&value);
            let is_present = document.as_object().expect("an object").values().any(|found| {
                *found == value || (instant.is_some() && timestamp::parse_ms(found) == instant)
            });
            prop_assert!(is_present, "{} {}", name, value);
        }
    }

    #[test]
    fn a_cursor_is_a_safe_query_and_never_a_host(result in any_json(), hint in text(), url in "(https?:)?//[a-z@.]{0,12}/[ -~]{0,40}") {
        responses::cursor(&result, &hint);
        responses::cursor(&result, &url);
    }

    #[test]
    fn a_data_centre_is_below_qualtrics_com_or_rejected(written in model::origin::datacenters()) {
        let origin = host::datacenter(&written).ok().map(|origin| origin.to_text());
        inputs::origin(&written);
        if let Some(origin) = origin {
            let uri: http::Uri = origin.parse().expect("a URI");
            prop_assert!(uri.host().is_some_and(|host| host.ends_with(".qualtrics.com")));
            prop_assert!(uri.port().is_none() && uri.scheme_str() == Some("https"));
        }
    }

    #[test]
    fn a_base_url_is_https_or_loopback(written in model::origin::base_urls()) {
        inputs::origin(&written);
    }

    #[test]
    fn settings_are_accepted_or_rejected_without_repeating_a_value(
        settings in prop::collection::vec((model::settings::key(), model::settings::value()), 0..10),
    ) {
        inputs::settings(&settings);
    }

    #[test]
    fn an_accepted_identifier_is_accepted_again_unchanged(text in identifiers()) {
        inputs::identifier(&text);
        inputs::identifier(&format!("{text}{MARK}"));
    }

    #[test]
    fn a_ticket_round_trips_and_every_change_is_detected(
        jobs in prop::collection::vec("[ -~]{3,60}", 0..8),
        numbers in any::<(u32, u64, u8, u8, u64)>(),
        position in prop::option::of("[a-z=&0-9%]{1,60}"),
        search in prop::option::of(prop::option::of("[ -~]{3,40}")),
        (index, change) in (any::<prop::sample::Index>(), 1..=255_u8),
    ) {
        let (request_check, submitted_at, misses, attempts, after) = numbers;
        let verification = search.map(|search| {
            let shared = (after % 2 == 1).then_some(SharedJob { spellings: after, addresses: request_check });
            let sent = shared.as_ref().map(|shared| shared.spellings);
            let (job_vanished, alone) = (misses % 2 == 1, attempts % 2 == 1);
            Verification { deleted_at: after, search_after: after, search, job_vanished, sent, shared, alone }
        });
        let new = Ticket::new(Operation::EraseAndVerify, request_check, jobs, submitted_at);
        let ticket = Ticket { misses, attempts, collecting: attempts % 2 == 1, position, verification, ..new };
        let formatted = ticket.format().expect("short enough");
        prop_assert!(formatted.bytes().all(|byte| byte.is_ascii_graphic()));
        prop_assert_eq!(Ticket::parse(&formatted).ok(), Some(ticket));
        prop_assert!(Reference::parse(&formatted).is_err());
        let index = index.index(formatted.len());
        prop_assert!(Ticket::parse(&formatted[..index]).is_err());
        let mut changed = formatted.clone().into_bytes();
        changed[index] ^= change;
        if let Ok(changed) = String::from_utf8(changed) {
            prop_assert!(changed.trim() == formatted || Ticket::parse(&changed).is_err(), "{}", changed);
        }
    }

    #[test]
    fn arbitrary_text_is_rejected_as_a_ticket(text in text()) {
        prop_assert!(Ticket::parse(&text).is_err() && Reference::parse(&text).is_err());
    }

    #[test]
    fn a_sealed_ticket_with_any_content_round_trips_or_is_rejected(
        version in prop::sample::select(vec!["t1.", "r1.", "t2.", "t1", ""]),
        content in prop_oneof![any_json().prop_map(|json| json.to_string().into_bytes()), ticket_contents(), bodies()],
    ) {
        inputs::ticket(&inputs::sealed(version, &content));
    }

    #[test]
    fn a_delay_is_from_one_second_to_one_hour_or_absent(text in delays(), date in delays(), now in any::<u64>()) {
        responses::delay(&text, &date, now);
    }

    #[test]
    fn a_file_is_typed_by_its_first_bytes_and_read_unchanged(
        content_type in prop_oneof![
            prop::sample::select(vec!["text/csv", "text/html", "application/json", "application/x-ndjson", "text/plain", ""])
                .prop_map(str::to_owned),
            "[ -~]{0,20}"
        ],
        declares_length in any::<bool>(),
        start in prop::sample::select(vec![&b""[..], b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"\xEF\xBB\xBF", b"{", b"[ ]", b"<html>"]),
        rest in bodies(),
        (piece, limit) in any::<(u8, u16)>(),
    ) {
        files::file(&content_type, declares_length, &[start, &rest].concat(), piece, limit);
    }

    #[test]
    fn each_call_returns_one_typed_result_per_element_for_any_response(
        responses in prop::collection::vec((any::<u16>(), any::<Option<u8>>(), bodies()), 1..12),
        steps in prop::collection::vec(any::<u8>(), 1..12),
    ) {
        calls::calls(responses, &steps);
    }

    #[test]
    fn a_formatted_timestamp_agrees_with_httpdate(ms in START_OF_TIMESTAMPS_MS..END_OF_CALENDAR_MS) {
        let formatted = timestamp::format(ms).expect("within the calendar");
        prop_assert_eq!(timestamp::parse_ms(&formatted.as_str().into()), Some(ms));
        prop_assert_eq!(timestamp::parse_ms(&ms.into()), Some(ms));
        // "Sun, 06 Nov 1994 08:49:37 GMT"
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(ms));
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month = months.iter().position(|month| *month == &date[8..11]).expect("a month") + 1;
        let expected = format!("{}-{month:02}-{}T{}", &date[12..16], &date[5..7], &date[17..25]);
        let fraction = if ms % 1_000 == 0 { String::new() } else { format!(".{:03}", ms % 1_000) };
        prop_assert_eq!(formatted, format!("{expected}{fraction}Z"));
    }

    #[test]
    fn a_timestamp_is_the_same_instant_in_every_time_zone(ms in 86_400_000..END_OF_CALENDAR_MS - 86_400_000, minutes in -840..=840_i32) {
        let format = &time::format_description::well_known::Rfc3339;
        let offset = time::UtcOffset::from_whole_seconds(minutes * 60).expect("an offset");
        let instant = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).expect("an instant");
        let formatted = instant.to_offset(offset).format(format).expect("RFC 3339");
        prop_assert_eq!(timestamp::parse_ms(&formatted.as_str().into()), Some(ms), "{}", formatted);
        let without_colon = formatted.replacen(':', "", if formatted.ends_with('Z') { 0 } else { 3 });
        prop_assert!(timestamp::parse_ms(&without_colon.as_str().into()).is_none_or(|parsed| parsed == ms));
    }

    #[test]
    fn a_parsed_date_header_agrees_with_the_time_crate(seconds in 0..END_OF_CALENDAR_MS / 1_000) {
        let format = time::macros::format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        );
        let instant = time::OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).expect("small")).expect("an instant");
        let date = instant.format(format).expect("a date");
        let head = ResponseHead { status: 200, headers: vec![("date".to_owned(), date)] };
        prop_assert_eq!(head.date_s(), Some(seconds));
    }

    #[test]
    fn parsers_never_panic_and_never_pass_an_address_on(text in text()) {
        let value = Value::from(text.as_str());
        let _ = (timestamp::parse_ms(&value), sanitize::kebab(&text), envelope::id(&value));
        prop_assert!(sanitize::code(&text).is_none_or(|code| code == text && !text.contains('@')));
        prop_assert!(sanitize::status(&text).is_none_or(|status| !status.contains('@')));
        prop_assert!(sanitize::request_id(&text).is_none_or(|id| !id.contains('@')));
        prop_assert!(!sanitize::failure(&text).contains('@'));
    }

    #[test]
    fn no_minute_of_the_vendor_has_more_calls_than_the_share(
        (limit, share) in (1..3_000_u32, 1..=100_u8),
        // A pause, calls at once, how long their responses take, and when the vendor counts them meanwhile.
        steps in prop::collection::vec(
            (prop_oneof![Just(0_u64), 0..200_u64, 0..90_000_u64], 1..80_usize, 0..30_000_u64, 0..=100_u64), 1..60,
        ),
    ) {
        let capacity = (usize::try_from(limit).expect("small") * usize::from(share) / 100).max(1);
        let rate_limit = RateLimit {
            name: "test".to_owned(), methods: Vec::new(), path: "/**".to_owned(), calls_per_minute: limit,
        };
        let clock = Clock::simulated(0);
        let budget = RateBudget::new(&[rate_limit], share, clock.clone());
        let (mut log, mut now, mut counted) = (CallLog::new(limit, share), 0, Vec::new());
        let advance = |now: &mut u64, ms| {
            *now += ms;
            clock.advance(Duration::from_millis(ms));
        };
        for (pause, calls, response, at) in steps {
            advance(&mut now, pause);
            for calls in [1, 7, 10_000] {
                let wait = log.wait_for(calls, now);
                let together = |at| (0..calls.min(capacity as u64)).all({
                    let mut log = log.clone();
                    move |_| log.take(at).is_ok()
                });
                prop_assert!(together(now + wait) && (wait == 0 || !together(now + wait - 1)), "{} calls", calls);
            }
            let mut permits = Vec::new();
            for _ in 0..calls {
                let (taken, permit) = (log.take(now), budget.take(&Method::GET, "/a"));
                // Connector and host keep the same rule.
                let wait = permit.as_ref().err().map(Duration::as_millis);
                prop_assert_eq!(wait, taken.err().map(u128::from));
                if let Ok(permit) = permit {
                    counted.push(now + response * at / 100);
                    permits.push(permit);
                }
            }
            advance(&mut now, response);
            log.settle(now);
            drop(permits);
        }
        counted.sort_unstable();
        for (index, first) in counted.iter().enumerate() {
            let within = counted[index..].iter().take_while(|at| *at - first < 60_000).count();
            prop_assert!(within <= capacity, "{} of {}", within, capacity);
        }
    }

    #[test]
    fn calls_that_wait_as_told_use_the_whole_share((limit, share) in (1..600_u32, 1..=100_u8), minutes in 1..5_u64) {
        let mut log = CallLog::new(limit, share);
        let capacity = (u64::from(limit) * u64::from(share) / 100).max(1);
        let (mut now, mut made) = (0, 0);
        while now < minutes * 60_000 {
            match log.take(now) {
                Ok(()) => {
                    log.settle(now);
                    made += 1;
                }
                Err(wait) => now += wait,
            }
        }
        prop_assert_eq!(made, capacity * minutes);
    }

    #[test]
    fn a_path_pattern_matches_segment_by_segment(
        pattern in prop::collection::vec(prop::sample::select(vec!["a", "b", "*", "**", ""]), 0..5),
        path in prop::collection::vec(prop::sample::select(vec!["a", "b", "c", ""]), 0..5),
        query in "(\\?[a-z/*]{0,8})?",
    ) {
        fn matches(pattern: &[&str], path: &[&str]) -> bool {
            match (pattern, path) {
                ([], []) => true,
                (["**"], [_, ..]) => true,
                (["*", pattern @ ..], [segment, path @ ..]) => !segment.is_empty() && matches(pattern, path),
                ([part, pattern @ ..], [segment, path @ ..]) => part == segment && matches(pattern, path),
                _ => false,
            }
        }
        let (pattern_text, path_text) = (format!("/{}", pattern.join("/")), format!("/{}", path.join("/")));
        let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern_text.split('/').collect(), path_text.split('/').collect());
        prop_assert_eq!(path_matches(&pattern_text, &format!("{path_text}{query}")), matches(&pattern, &path));
    }

    #[test]
    fn discovered_identifiers_are_accepted_unchanged_by_a_request(
        contacts in prop::collection::vec((identifiers(), identifiers(), identifiers()), 1..4),
    ) {
        let elements: Vec<Value> = contacts.iter().enumerate().map(|(index, (email, phone, id))| {
            json!({"id": format!("CID_{index}"), "email": email, "phoneNumber": phone, "externalDataReference": id})
        }).collect();
        let vendor = Vendor::new(move |request, _| match request.path.as_str() {
            "/oauth2/token" => Exchange::token(),
            path if path.starts_with("/API/v3/directories?") => {
                Exchange::success(&json!({"elements": [{"directoryId": "POOL_1"}]}))
            }
            _ => {
                let body: Value = serde_json::from_slice(&request.body).expect("JSON");
                let mut elements = elements.clone();
                let member = if body["filter"]["filterType"] == "phone" { "phoneNumber" } else { "externalDataReference" };
                elements.iter_mut().for_each(|contact| contact[member] = body["filter"]["value"].clone());
                Exchange::success(&json!({ "elements": elements }))
            }
        });
        let subject = vec![Identifier::Phone("+15550100".to_owned()), Identifier::ExternalId("E-1".to_owned())];
        let request = Request { id: "request-1".to_owned(), subject, attempts: None, overrides: Vec::new() };
        let mode = DeletionMode::Erase;
        let Some(Ok(Progress::Done(report))) = vendor.connector().delete(vec![request.clone()], mode).pop() else {
            return Err(TestCaseError::fail("a request without an address is refused"));
        };
        let now_s = vendor.now_s();
        model::promises::report(model::promises::Operation::Delete(mode), &request, &report, (now_s - 60, now_s))?;
        prop_assert_eq!(vendor.erasures_since(0), 0);
    }

    #[test]
    fn no_ticket_leads_to_a_deletion(ticket in forged_tickets(), scenario in model::scenario::scenarios()) {
        let (vendor, _) = scenario.vendor();
        let request = files::request("forged-1");
        let request_check = request_check(&request, ticket.operation.name());
        let Ok(formatted) = (Ticket { request_check, ..ticket.clone() }).format() else { return Ok(()) };
        let mut connector = vendor.connector();
        let result = connector.poll(vec![Task { request, ticket: formatted }]).pop();
        for start in vendor.sent_since(0).iter().filter_map(Sent::start) {
            let is_search = matches!(start, Start::Search(_)) && ticket.operation != Operation::Access;
            prop_assert!(is_search, "{:?} of a poll", start);
        }
        if let Some(Err(error)) = result {
            model::promises::error(&error)?;
            prop_assert!(error.kind != ErrorKind::OutcomeUnknown);
        }
    }

    #[test]
    fn every_call_keeps_the_contract_for_any_response(scenario in model::scenario::scenarios()) {
        model::runner::run(&scenario)?;
    }

    #[test]
    fn lost_responses_never_cause_a_second_erasure(losses in model::ledger::losses(false)) {
        model::ledger::delete(&losses, 12)?;
    }

    #[test]
    fn a_request_is_erased_exactly_once_when_the_losses_end(losses in model::ledger::losses(true)) {
        let end = model::ledger::delete(&losses, 24)?;
        prop_assert!(end.erasures == 1 && end.is_pending, "{:?}", end);
    }

    #[test]
    fn a_vanished_erasure_is_never_restarted(vanished in model::vanished::vanished_jobs()) {
        model::vanished::poll_to_end(&vanished)?;
    }
}

#[test]
fn generated_losses_cover_every_kind_of_end() {
    let mut runner = TestRunner::deterministic();
    let mut ends = [0; 4];
    for _ in 0..2_000 {
        let losses = model::ledger::losses(false).new_tree(&mut runner).expect("losses").current();
        let end = model::ledger::delete(&losses, 12).expect("at most one erasure");
        let is_reconciled = end.unknown > 0 && end.is_pending;
        ends[0] += usize::from(end.unknown == 0);
        ends[1] += usize::from(is_reconciled && end.erasures == 1);
        ends[2] += usize::from(is_reconciled && end.erasures == 0);
        ends[3] += usize::from(!end.is_pending);
    }
    println!("never unknown, reconciled, continued with a job that covers more, undecided: {ends:?}");
    assert!(ends.iter().all(|times| *times >= 5), "{ends:?}");
}

#[test]
fn generated_scenarios_poll_at_every_stage() {
    let mut runner = TestRunner::deterministic();
    let mut polled = BTreeMap::new();
    for _ in 0..2_000 {
        let scenario = model::scenario::scenarios().new_tree(&mut runner).expect("a scenario").current();
        for stage in model::runner::run(&scenario).expect("every call keeps the contract") {
            *polled.entry(format!("{stage:?}")).or_insert(0) += 1;
        }
    }
    println!("polled, each twice: {polled:?}");
    for stage in ["Searching", "Exporting", "Collecting", "Deleting", "Verifying"] {
        let times: i32 = polled.iter().filter(|(name, _)| name.ends_with(stage)).map(|(_, times)| *times).sum();
        assert!(times >= 20, "{stage}: {polled:?}");
    }
}
