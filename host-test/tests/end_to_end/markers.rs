//! Markers of personal data and secrets, in every encoding in which they could leak.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use qualtrics_simulator::{
    Brand, Call, MESSAGE_CANARY, SAMPLE_ADMINISTRATOR, SAMPLE_CLIENT_SECRET, SAMPLE_PERSON, SAMPLE_PHONE,
    SAMPLE_REFERENCE, SAMPLE_STAFF_CONTACT, SAMPLE_TWO_ADDRESSES, TOKEN_CANARY,
};

/// A name that JSON, URLs and ASCII each encode differently.
pub const NAME_TO_ESCAPE: &str = "Gr\u{e4}fin \"Ada\" K\\King";

/// The brand, with [`NAME_TO_ESCAPE`] as the first name of the sample person.
pub fn with_markers(mut brand: Brand) -> Brand {
    for contact in brand.directories.iter_mut().flat_map(|directory| &mut directory.contacts) {
        if contact.email.as_deref() == Some(SAMPLE_PERSON) {
            contact.first_name = Some(NAME_TO_ESCAPE.to_owned());
        }
    }
    brand
}

/// Identifiers, contents of contacts and responses, the secret, every token, and a part of every vendor message.
const MARKERS: [&str; 16] = [
    SAMPLE_CLIENT_SECRET,
    TOKEN_CANARY,
    MESSAGE_CANARY,
    SAMPLE_PERSON,
    SAMPLE_PHONE,
    SAMPLE_REFERENCE,
    SAMPLE_ADMINISTRATOR,
    SAMPLE_STAFF_CONTACT,
    SAMPLE_TWO_ADDRESSES[0],
    SAMPLE_TWO_ADDRESSES[1],
    NAME_TO_ESCAPE,
    "Lovelace",
    "Loyalty tier",
    "The staff were kind",
    "could not be looked up",
    "Bearer ",
];

/// Shorter parts of Base64 occur in encoded IDs by chance.
const MIN_BASE64_LENGTH: usize = 9;

/// Every form of every marker, in lower case, and a finder for all of them.
static FORMS: LazyLock<(Vec<String>, AhoCorasick)> = LazyLock::new(|| {
    let parts = [MESSAGE_CANARY, SAMPLE_PERSON, SAMPLE_STAFF_CONTACT].map(|one| one.split('@').next().unwrap_or(one));
    let mut forms = Vec::new();
    for marker in MARKERS.into_iter().chain(parts).chain([&SAMPLE_PHONE[1..]]) {
        forms.extend(forms_of(marker));
    }
    forms.sort();
    forms.dedup();
    let finder = AhoCorasick::new(&forms).expect("few enough markers");
    (forms, finder)
});

fn forms_of(marker: &str) -> Vec<String> {
    let json = serde_json::to_string(marker).expect("JSON");
    let json = &json[1..json.len() - 1];
    let mut forms = vec![
        marker.to_lowercase(),
        utf8_percent_encode(marker, NON_ALPHANUMERIC).to_string().to_lowercase(),
        // In form encoding a space is a plus sign.
        utf8_percent_encode(marker, NON_ALPHANUMERIC).to_string().to_lowercase().replace("%20", "+"),
        json.to_lowercase(),
        to_ascii(json).to_lowercase(),
        // As `Debug` writes it.
        format!("{marker:?}").trim_matches('"').to_lowercase(),
    ];
    for cased in [marker.to_owned(), marker.to_lowercase(), marker.to_uppercase()] {
        for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
            // A marker can begin at any of three offsets within a group of Base64.
            for before in 0..3_usize {
                let encoded = engine.encode([&vec![b'x'; before], cased.as_bytes()].concat());
                let inner = &encoded[if before == 0 { 0 } else { 4 }..encoded.trim_end_matches('=').len() - 2];
                if inner.len() >= MIN_BASE64_LENGTH {
                    forms.push(inner.to_lowercase());
                    forms.push(utf8_percent_encode(inner, NON_ALPHANUMERIC).to_string().to_lowercase());
                }
            }
        }
    }
    forms
}

/// JSON with every character beyond ASCII escaped.
fn to_ascii(json: &str) -> String {
    let escape = |unit: &u16| match u8::try_from(*unit) {
        Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
        _ => format!("\\u{unit:04x}"),
    };
    json.encode_utf16().collect::<Vec<_>>().iter().map(escape).collect()
}

/// Asserts that neither the log nor the URLs of calls contain a marker in any encoding. Tickets and references are decoded.
#[track_caller]
pub fn assert_no_leaks(case: &str, log: &[String], calls: &[Call]) {
    let urls = calls.iter().map(|call| format!("{}?{}", call.path, call.query));
    for text in log.iter().cloned().chain(urls) {
        if let Some(form) = leak(&text) {
            panic!("{case}: {form} is part of {text}");
        }
    }
}

/// The form of a marker that a text or an encoded part of it contains.
fn leak(text: &str) -> Option<&'static str> {
    let (forms, finder) = &*FORMS;
    let parts = text.split(|character: char| !(character.is_ascii_alphanumeric() || "-_".contains(character)));
    let decoded = parts.filter(|part| part.len() > 20).filter_map(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let decoded = decoded.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let mut texts = std::iter::once(text.to_owned()).chain(decoded);
    texts.find_map(|text| Some(forms[finder.find(&text.to_lowercase())?.pattern().as_usize()].as_str()))
}

#[test]
fn every_encoding_of_a_marker_is_detected() {
    let is_detected = |text: String| leak(&text).is_some();
    let token = format!("{TOKEN_CANARY}.0d2c7b7e-0f3e-4b55-9d57-5b9c2c1c6a11");
    for marker in [SAMPLE_PERSON, SAMPLE_PHONE, SAMPLE_CLIENT_SECRET, MESSAGE_CANARY, NAME_TO_ESCAPE, &token] {
        assert!(is_detected(format!("x {marker} y")));
        assert!(is_detected(marker.to_uppercase()));
        assert!(is_detected(utf8_percent_encode(marker, NON_ALPHANUMERIC).to_string()));
        assert!(is_detected(serde_json::json!({ "a": marker }).to_string()));
        assert!(is_detected(to_ascii(&serde_json::json!(marker).to_string())));
        for before in 0..3 {
            for cased in [marker.to_owned(), marker.to_uppercase()] {
                let text = format!("{}{cased} and more", "x".repeat(before));
                assert!(is_detected(STANDARD.encode(&text)), "{text}");
                assert!(is_detected(format!("t1.{}.checksum", URL_SAFE_NO_PAD.encode(&text))), "{text}");
            }
        }
    }
    assert!(!is_detected("a harmless sentence, OP-0d2c7b7e-0f3e-4b55-9d57-5b9c2c1c6a11".to_owned()));
}
