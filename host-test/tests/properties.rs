//! What holds whatever Qualtrics answers and whatever a host gives: the connector's parts, natively, on made-up input.
//!
//! `PROPTEST_CASES` sets how many cases of each property are tried; a failure prints the smallest input that shows it.

mod model;

use model::host::{expected_base_url, expected_datacenter};
use model::json::{any_json, member_names, text};
use proptest::prelude::*;
use qualtrics_connector::connector::contract::{ErrorKind, Setting};
use qualtrics_connector::connector::settings::Settings;
use qualtrics_connector::connector::ticket::{Aim, Reference, Ticket, Verification};
use qualtrics_connector::http::date::parse_http_date;
use qualtrics_connector::http::pacing::Bucket;
use qualtrics_connector::http::retry::{LONGEST_MS, retry_after_ms};
use qualtrics_connector::http::{Head, Response};
use qualtrics_connector::qualtrics::cursor::Cursor;
use qualtrics_connector::qualtrics::directories::Contact;
use qualtrics_connector::qualtrics::envelope::{self, Trouble};
use qualtrics_connector::qualtrics::oauth::{Scope, Scopes};
use qualtrics_connector::qualtrics::{
    Answer, account::Account, customer_data, directories, erasure, host, oauth, timestamp, word,
};
use qualtrics_connector::secret::Secret;
use serde_json::{Value, json};

fn answer(result: Value) -> Answer {
    Answer { result, proxied: false }
}

fn is_id(id: &str) -> bool {
    !id.trim().is_empty() && id.len() <= 128 && !id.chars().any(char::is_control)
}

/// Whether this may stand in a query behind a `&`, without ending it, the URL or the line.
fn is_safe_query(query: &str) -> bool {
    !query.is_empty() && query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%=&".contains(&byte))
}

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
        let response = Response { head: Head { status, headers }, body };
        match envelope::read(&response, now) {
            Ok(_) => prop_assert!((200..300).contains(&status)),
            Err(Trouble::Refused(refusal)) => {
                prop_assert!(refusal.status >= 400);
                prop_assert!(refusal.retry_after_ms.is_none_or(|wait| wait <= LONGEST_MS));
                prop_assert!(refusal.code.is_none_or(|code| code.len() <= 40 && code.is_ascii()));
                prop_assert!(refusal.request_id.is_none_or(|id| id.len() <= 64 && id.is_ascii()));
            }
            Err(Trouble::Redirected(told)) => prop_assert!(told == status && (300..400).contains(&status)),
            Err(trouble) => prop_assert_eq!(trouble, Trouble::Unreadable),
        }
    }

    #[test]
    fn a_token_never_breaks_a_header_and_never_outlives_an_hour((status, headers) in heads(), body in bodies(), now in 0..u64::MAX / 2) {
        if let Ok(token) = oauth::read(&Response { head: Head { status, headers }, body }, Scopes::of(&[Scope::Users]), now, now / 1_000) {
            prop_assert!(token.header.reveal().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert!(token.stale_at_ms >= now && token.stale_at_ms <= now + 3_600_000);
        }
    }

    #[test]
    fn an_erasure_is_the_one_that_was_asked_for_and_its_addresses_are_sorted(result in any_json(), id in text()) {
        let answer = answer(result);
        if let Ok(erasure) = erasure::read(&answer, &id) {
            prop_assert!(erasure::same_id(&erasure.id, &id) && is_id(&erasure.id));
            let emails: Vec<&str> = erasure.emails.iter().flatten().map(Secret::reveal).collect();
            prop_assert!(emails.is_sorted() && emails.windows(2).all(|pair| pair[0] != pair[1]));
            prop_assert!(erasure.emails.is_none_or(|emails| !emails.is_empty()));
            prop_assert!(erasure.status.is_none_or(|status| status.len() <= 40 && status.is_ascii()));
            prop_assert!(erasure.counts.iter().all(|(name, _)| word::kebab(name).as_ref() == Some(name)));
        }
        if let Ok(id) = erasure::read_id(&answer) {
            prop_assert!(is_id(&id));
        }
    }

    #[test]
    fn an_export_names_each_file_once_and_gets_no_further_than_all_of_it(result in any_json()) {
        let answer = answer(result);
        let export = customer_data::read_progress(&answer);
        prop_assert!(export.percent.is_none_or(|percent| percent <= 100));
        prop_assert!(export.files.iter().all(|file| is_id(file)));
        let mut files = export.files.clone();
        files.sort();
        files.dedup();
        prop_assert_eq!(files.len(), export.files.len());
        for file in &export.files {
            let path = customer_data::file_path("job", file);
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte)));
            prop_assert_eq!(path.matches('/').count(), 4, "{}", path);
        }
        if let Ok(id) = customer_data::read_id(&answer) {
            prop_assert!(is_id(&id));
        }
    }

    #[test]
    fn every_other_reader_takes_or_leaves_whatever_comes(result in any_json()) {
        let answer = answer(result);
        let account = Account::read(&answer);
        prop_assert!(account.names.iter().all(|name| name.reveal() == name.reveal().trim().to_lowercase()));
        if let Ok(ids) = directories::read_page(&answer) {
            prop_assert!(ids.iter().all(|id| is_id(id)));
        }
        if let Ok((contacts, cursor)) = directories::read_search(answer) {
            prop_assert!(contacts.iter().all(|contact| is_id(&contact.id)));
            prop_assert!(cursor.is_none_or(|cursor| !contacts.is_empty() && is_safe_query(cursor.query())));
        }
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
        let Some(contact) = Contact::read(told) else { return Ok(()) };
        let bytes = contact.document("POOL_1");
        let document: Value = serde_json::from_slice(&bytes).expect("JSON");
        prop_assert_eq!(&document["directoryId"], "POOL_1");
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
            let instant = timestamp::read_ms(&value);
            let there = document.as_object().expect("an object").values().any(|found| {
                *found == value || (instant.is_some() && timestamp::read_ms(found) == instant)
            });
            prop_assert!(there, "{} {}", name, value);
        }
    }

    #[test]
    fn a_cursor_is_a_safe_query_and_never_a_host(result in any_json(), hint in text(), url in "(https?:)?//[a-z@.]{0,12}/[ -~]{0,40}") {
        for result in [result, json!({"nextPage": url}), json!({"links": {"next": {"href": hint}}}), json!({"skipToken": hint})] {
            for cursor in [Cursor::next_page(&result), Cursor::skip_token(&result)].into_iter().flatten().flatten() {
                prop_assert!(is_safe_query(cursor.query()), "{}", cursor.query());
            }
        }
        if let Some(cursor) = Cursor::from_hint(&hint) {
            prop_assert!(is_safe_query(cursor.query()));
            prop_assert_eq!(cursor.query(), hint);
        }
    }

    #[test]
    fn a_data_centre_is_below_qualtrics_or_nothing(written in model::host::written()) {
        let origin = host::datacenter(&written).map(|origin| origin.to_text());
        prop_assert_eq!(&origin, &expected_datacenter(&written), "{:?}", written);
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
    }

    #[test]
    fn settings_are_taken_or_refused_without_a_word_of_their_values(
        settings in prop::collection::vec((model::settings::key(), model::settings::value()), 0..10),
    ) {
        let given: Vec<Setting> =
            settings.iter().map(|(key, value)| Setting { key: key.clone(), value: Secret::new(value.clone()) }).collect();
        match Settings::read(&given) {
            Ok(settings) => {
                prop_assert!((1..=100).contains(&settings.rate_share) && settings.verify_window_s <= 604_800);
                prop_assert!((1_000..=30_000).contains(&settings.answer_ms));
                prop_assert!(!settings.credentials.client_id.reveal().contains(':'));
                let said = format!("{settings:?}");
                prop_assert!(!said.contains(model::settings::MARK), "{}", said);
            }
            Err(error) => {
                prop_assert_eq!(error.kind, ErrorKind::InvalidSettings);
                prop_assert!(!error.problems.is_empty());
                let said = format!("{error:?}");
                prop_assert!(!said.contains(model::settings::MARK), "{}", said);
            }
        }
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
        let ticket = Ticket { aim: Aim::EraseAndVerify, check, jobs, submitted_at, misses, tries, hint, verify };
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
    fn a_wait_is_understood_or_none_and_never_longer_than_an_hour((status, headers) in heads(), now in any::<u64>()) {
        let head = Head { status, headers };
        let told = head.header("retry-after").map(|text| text.trim().to_owned());
        let wait = retry_after_ms(&head, now);
        prop_assert!(wait.is_none_or(|wait| wait <= LONGEST_MS));
        if let Some(told) = told {
            let digits = !told.is_empty() && told.bytes().all(|byte| byte.is_ascii_digit());
            let model = told.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1_000).min(LONGEST_MS);
            prop_assert!(!digits || wait == Some(model));
            prop_assert!(digits || wait.is_some() == parse_http_date(&told).is_some());
        } else {
            prop_assert_eq!(wait, None);
        }
    }

    #[test]
    fn an_instant_survives_being_written_and_read(ms in 0..253_402_300_800_000_u64) {
        let written = timestamp::write(ms).expect("within the calendar");
        prop_assert_eq!(timestamp::read_ms(&json!(written)), Some(ms));
        prop_assert_eq!(timestamp::read_ms(&json!(ms)), Some(ms));
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
        prop_assert_eq!(timestamp::read_ms(&json!(written)), Some(ms), "{}", written);
    }

    #[test]
    fn a_date_of_http_is_the_one_that_another_library_writes(seconds in 0..253_402_300_800_u64) {
        let written = httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds));
        prop_assert_eq!(parse_http_date(&written), Some(seconds));
    }

    #[test]
    fn no_text_is_a_reason_to_panic(text in text()) {
        let value = json!(text);
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
