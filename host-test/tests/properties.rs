//! What holds whatever Qualtrics answers and whatever a host gives: the connector's parts, natively, on made-up input.
//!
//! `PROPTEST_CASES` sets how many cases of each property are tried; a failure prints the smallest input that shows it.

#[path = "../fuzz/bodies.rs"]
mod bodies;
mod model;

use std::collections::BTreeMap;

use model::host::{expected_base_url, expected_datacenter};
use model::json::{any_json, member_names, text};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use qualtrics_connector::connector::ticket::{Aim, Reference, Ticket, Verification};
use qualtrics_connector::http::date::parse_http_date;
use qualtrics_connector::http::pacing::Bucket;
use qualtrics_connector::json::Json;
use qualtrics_connector::qualtrics::directories::Contact;
use qualtrics_connector::qualtrics::{envelope, host, timestamp, word};
use serde_json::{Value, json};

/// Headers as servers send them, and worse.
fn heads() -> impl Strategy<Value = (u16, Vec<(String, String)>)> {
    let name = prop_oneof![
        Just("retry-after"),
        Just("date"),
        Just("content-type"),
        Just("content-length"),
        Just("content-range"),
        Just("etag")
    ];
    let value = prop_oneof![
        "[0-9]{0,25}",
        "(Mon|Sun), [0-9]{2} (Jan|Feb|Nov|Foo) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
        text()
    ];
    let headers = prop::collection::vec((name.prop_map(str::to_owned), value), 0..4);
    (prop_oneof![Just(200_u16), Just(429), any::<u16>()], headers)
}

/// What may stand in `Retry-After`, or in `Date`.
fn waits() -> impl Strategy<Value = String> {
    prop_oneof!["[0-9]{0,25}", "(Mon|Sun), [0-9]{2} (Jan|Feb|Nov|Foo) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT", text()]
}

/// What stands in tickets and references, and what nearly does.
fn tickets_inside() -> impl Strategy<Value = Vec<u8>> {
    let number = || prop_oneof![any::<u64>().prop_map(Value::from), any::<u8>().prop_map(Value::from), any_json()];
    let members =
        prop::collection::btree_map("[acdefhjmstv]", prop_oneof![number(), text().prop_map(Value::from)], 0..8);
    (members, prop::sample::select(vec!["a", "p", "e", "v"]), any::<u32>()).prop_map(|(members, aim, check)| {
        let mut inside = json!({"a": aim, "c": check, "j": ["OP-1"], "s": 1, "m": 0, "t": 0});
        for (name, value) in members {
            inside[name] = value;
        }
        inside.to_string().into_bytes()
    })
}

/// Bodies: JSON of the members that Qualtrics uses, that JSON cut, and anything else.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let whole = any_json().prop_map(|json| json.to_string().into_bytes());
    let cut = (any_json(), any::<prop::sample::Index>()).prop_map(|(json, at)| {
        let mut bytes = json.to_string().into_bytes();
        bytes.truncate(at.index(bytes.len()));
        bytes
    });
    prop_oneof![3 => whole, 1 => cut, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    // A failure prints its input, and leaves no file behind.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_is_good_only_if_nothing_in_it_says_otherwise((status, headers) in heads(), body in bodies(), now in any::<u64>()) {
        bodies::envelope(status, &headers, &body, now);
    }

    #[test]
    fn a_token_never_breaks_a_header_and_never_outlives_an_hour((status, headers) in heads(), body in bodies(), now in 0..u64::MAX / 2) {
        bodies::token(status, &headers, &body, now);
    }

    #[test]
    fn every_reader_takes_what_it_can_use_and_leaves_the_rest(result in any_json(), id in text()) {
        bodies::readers(result, &id);
    }

    #[test]
    fn a_contact_is_completed_by_whatever_is_told_of_it(told in any_json(), other in any_json(), id in "[A-Za-z0-9_]{1,20}") {
        let mut named = told.clone();
        if let Some(fields) = named.as_object_mut() {
            fields.insert("contactId".to_owned(), json!(id));
        }
        bodies::contact(told, other.clone());
        bodies::contact(named, other);
    }

    #[test]
    fn a_contacts_document_holds_everything_that_was_told(
        fields in prop::collection::btree_map(member_names(), any_json(), 0..12),
        id in "[A-Za-z0-9_]{1,20}",
    ) {
        let mut fields = fields;
        // It is told under the directory that was searched.
        fields.remove("directoryId");
        if !fields.contains_key("id") && !fields.contains_key("contactId") {
            fields.insert("contactId".to_owned(), json!(id));
        }
        let told: Value = fields.clone().into_iter().collect();
        let Some(contact) = Contact::read(told.into()) else { return Ok(()) };
        let bytes = contact.document("POOL_1");
        let document: Value = serde_json::from_slice(&bytes).expect("JSON");
        prop_assert_eq!(&document["directoryId"], "POOL_1");
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
            let instant = timestamp::read_ms(&value.clone().into());
            let there = document.as_object().expect("an object").values().any(|found| {
                *found == value || (instant.is_some() && timestamp::read_ms(&found.clone().into()) == instant)
            });
            prop_assert!(there, "{} {}", name, value);
        }
    }

    #[test]
    fn a_cursor_is_a_safe_query_and_never_a_host(result in any_json(), hint in text(), url in "(https?:)?//[a-z@.]{0,12}/[ -~]{0,40}") {
        bodies::cursor(&result, &hint);
        bodies::cursor(&result, &url);
    }

    #[test]
    fn a_data_centre_is_below_qualtrics_or_nothing(written in model::host::written()) {
        let origin = host::datacenter(&written).map(|origin| origin.to_text());
        prop_assert_eq!(&origin, &expected_datacenter(&written), "{:?}", written);
        bodies::origin(&written);
        if let Some(origin) = origin {
            let uri: http::Uri = origin.parse().expect("a URI");
            prop_assert!(uri.host().is_some_and(|host| host.ends_with(".qualtrics.com")));
            prop_assert!(uri.port().is_none() && uri.scheme_str() == Some("https"));
        }
    }

    #[test]
    fn a_base_url_is_https_or_the_machine_itself(written in model::host::written_origin()) {
        let origin = host::base_url(&written);
        prop_assert_eq!(origin.as_ref().map(|origin| origin.to_text()), expected_base_url(&written), "{:?}", written);
        bodies::origin(&written);
    }

    #[test]
    fn settings_are_taken_or_refused_without_a_word_of_their_values(
        settings in prop::collection::vec((model::settings::key(), model::settings::value()), 0..10),
    ) {
        bodies::settings(&settings);
    }

    #[test]
    fn a_ticket_comes_back_as_it_was_and_every_change_is_found(
        jobs in prop::collection::vec("[ -~]{1,60}", 0..8),
        numbers in any::<(u32, u64, u8, u8, u64)>(),
        hint in prop::option::of("[a-z=&0-9%]{1,60}"),
        search in prop::option::of(prop::option::of("[ -~]{1,40}")),
        (place, change) in (any::<prop::sample::Index>(), 1..=255_u8),
    ) {
        let (check, submitted_at, misses, tries, after) = numbers;
        let verify = search.map(|search| Verification { erased_at: after, after, search });
        let gathering = tries % 2 == 1;
        let ticket = Ticket { aim: Aim::EraseAndVerify, check, jobs, submitted_at, misses, tries, gathering, hint, verify };
        let written = ticket.write().expect("short enough");
        prop_assert!(written.bytes().all(|byte| byte.is_ascii_graphic()));
        prop_assert_eq!(Ticket::read(&written).ok(), Some(ticket));
        prop_assert!(Reference::read(&written).is_err());
        let place = place.index(written.len());
        prop_assert!(Ticket::read(&written[..place]).is_err());
        let mut changed = written.clone().into_bytes();
        changed[place] ^= change;
        if let Ok(changed) = String::from_utf8(changed) {
            prop_assert!(changed.trim() == written || Ticket::read(&changed).is_err(), "{}", changed);
        }
    }

    #[test]
    fn what_was_never_a_ticket_is_none(text in text()) {
        prop_assert!(Ticket::read(&text).is_err() && Reference::read(&text).is_err());
    }

    #[test]
    fn a_ticket_with_anything_inside_is_read_as_it_would_be_written(
        version in prop::sample::select(vec!["t1.", "r1.", "t2.", "t1", ""]),
        inside in prop_oneof![any_json().prop_map(|json| json.to_string().into_bytes()), tickets_inside(), bodies()],
    ) {
        bodies::ticket(&bodies::sealed(version, &inside));
    }

    #[test]
    fn a_wait_is_understood_or_none_and_never_longer_than_an_hour(
        told in waits(), date in waits(), now in any::<u64>(),
    ) {
        bodies::wait(&told, &date, now);
    }

    #[test]
    fn a_file_is_what_its_first_bytes_say_and_comes_out_as_it_went_in(
        content_type in prop_oneof![
            prop::sample::select(vec!["text/csv", "text/html", "application/json", "application/x-ndjson", "text/plain", ""])
                .prop_map(str::to_owned),
            "[ -~]{0,20}"
        ],
        length_told in any::<bool>(),
        start in prop::sample::select(vec![&b""[..], b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"\xEF\xBB\xBF", b"{", b"[ ]"]),
        rest in bodies(),
        (piece, limit) in any::<(u8, u16)>(),
    ) {
        bodies::file(&content_type, length_told, &[start, &rest].concat(), piece, limit);
    }

    #[test]
    fn whatever_is_answered_each_call_ends_in_a_typed_state(
        answers in prop::collection::vec((any::<u16>(), any::<Option<u8>>(), bodies()), 1..12),
        steps in prop::collection::vec(any::<u8>(), 1..12),
    ) {
        bodies::calls(answers, &steps);
    }

    #[test]
    fn an_instant_survives_being_written_and_read(ms in 0..253_402_300_800_000_u64) {
        let written = timestamp::write(ms).expect("within the calendar");
        prop_assert_eq!(timestamp::read_ms(&written.as_str().into()), Some(ms));
        prop_assert_eq!(timestamp::read_ms(&ms.into()), Some(ms));
        // By the clock of another library.
        let format = &time::format_description::well_known::Rfc3339;
        let theirs = time::OffsetDateTime::parse(&written, format).expect("RFC 3339");
        prop_assert_eq!(theirs.unix_timestamp_nanos(), i128::from(ms) * 1_000_000);
    }

    #[test]
    fn an_instant_in_any_zone_is_the_instant_that_another_library_reads(
        ms in 86_400_000..253_402_214_400_000_u64, minutes in -840..=840_i32,
    ) {
        let format = &time::format_description::well_known::Rfc3339;
        let offset = time::UtcOffset::from_whole_seconds(minutes * 60).expect("an offset");
        let instant = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).expect("an instant");
        let written = instant.to_offset(offset).format(format).expect("RFC 3339");
        prop_assert_eq!(timestamp::read_ms(&written.as_str().into()), Some(ms), "{}", written);
    }

    #[test]
    fn a_date_of_http_is_the_one_that_another_library_writes(seconds in 0..253_402_300_800_u64) {
        let written = httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds));
        prop_assert_eq!(parse_http_date(&written), Some(seconds));
    }

    #[test]
    fn no_text_is_a_reason_to_panic(text in text()) {
        let value = Json::from(text.as_str());
        let _ = (timestamp::read_ms(&value), parse_http_date(&text), word::kebab(&text), envelope::id(&value));
        prop_assert!(word::code(&text).is_none_or(|code| code == text && !text.contains('@')));
        prop_assert!(word::status(&text).is_none_or(|status| !status.contains('@')));
        prop_assert!(!word::failure(&text).contains('@'));
    }

    #[test]
    fn a_bucket_keeps_to_its_limit_in_every_minute(
        (limit, share) in (1..3_000_u32, 1..=100_u8), steps in prop::collection::vec(0..2_000_u64, 1..400),
    ) {
        let mut bucket = Bucket::new(limit, share);
        let most = (usize::try_from(limit).expect("small") * usize::from(share) / 100).max(1);
        let (mut now, mut taken) = (0, Vec::new());
        for step in steps {
            now += step;
            match bucket.take(now) {
                Ok(()) => taken.push(now),
                Err(wait) => {
                    prop_assert!((1..=60_000).contains(&wait));
                    prop_assert!(bucket.clone().take(now + wait).is_ok());
                    prop_assert!(wait == 1 || bucket.clone().take(now + wait - 1).is_err());
                }
            }
        }
        // As many at once, and as many again while they come back.
        for (index, first) in taken.iter().enumerate() {
            let within = taken[index..].iter().take_while(|at| *at - first < 60_000).count();
            prop_assert!(within <= 2 * most, "{} of {}", within, most);
        }
    }

    #[test]
    fn whatever_qualtrics_answers_the_connector_keeps_its_word(story in model::story::stories()) {
        model::story::tell(&story)?;
    }
}

#[test]
fn the_stories_poll_at_every_stage() {
    let mut runner = TestRunner::deterministic();
    let mut polled = BTreeMap::new();
    for _ in 0..2_000 {
        let story = model::story::stories().new_tree(&mut runner).expect("a story").current();
        for stage in model::story::tell(&story).expect("it keeps its word") {
            *polled.entry(format!("{stage:?}")).or_insert(0) += 1;
        }
    }
    println!("polled, each time twice: {polled:?}");
    for stage in ["Searching", "Exporting", "Gathering", "Erasing", "Verifying"] {
        assert!(polled.get(stage).is_some_and(|times| *times >= 20), "{stage}: {polled:?}");
    }
}
