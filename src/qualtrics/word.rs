//! Words of Qualtrics' that may be shown: codes, ids and states, never text that could hold a person's data.

use crate::prelude::*;

/// An error code as Qualtrics writes them (`AuthZ_2.0`, `DCD_7`, `invalid_client`), or none: at most 40 letters, digits
/// and `_ . -`, beginning with a letter. Error *messages* are never passed on (fact sheet 2).
#[must_use]
pub fn code(text: &str) -> Option<String> {
    let mut letters = text.bytes();
    let plain = letters.next().is_some_and(|first| first.is_ascii_alphabetic()) && letters.all(is_id_byte);
    (plain && text.len() <= 40).then(|| text.to_owned())
}

/// A request id (`meta.requestId`, a UUID as far as it was seen), or none: at most 64 letters, digits and `_ . -`.
#[must_use]
pub fn request_id(text: &str) -> Option<String> {
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(is_id_byte)).then(|| text.to_owned())
}

/// The state of a job in Qualtrics' own word, or none: at most 40 letters, digits, blanks and `_ -`.
#[must_use]
pub fn status(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _-".contains(&byte);
    let text = text.trim_ascii();
    (!text.is_empty() && text.len() <= 40 && text.bytes().all(plain)).then(|| text.to_owned())
}

/// The reason of a failed job as a code. Qualtrics sends free text or a code, it is not known which (fact sheet 6.2);
/// free text may hold an address. So only what is written like a constant is passed on; other text is told as the
/// nearest word of this connector's own, at worst `unspecified`.
#[must_use]
pub fn failure(text: &str) -> String {
    let constant = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    if let Some(code) = code(text.trim_ascii()).filter(|code| code.bytes().all(constant)) {
        return code;
    }
    let text = text.to_ascii_lowercase();
    let told = [
        ("time", "timed-out"),
        ("permission", "not-permitted"),
        ("authoriz", "not-permitted"),
        ("denied", "not-permitted"),
        ("limit", "limit-exceeded"),
        ("too many", "limit-exceeded"),
        ("not found", "not-found"),
        ("cancel", "cancelled"),
        ("expire", "expired"),
        ("invalid", "invalid-input"),
        ("internal", "internal-error"),
        ("error", "internal-error"),
    ];
    told.iter().find(|(part, _)| mentions(&text, part)).map_or("unspecified", |(_, word)| word).to_owned()
}

/// A name of a counter as a source: `recordedResponses` becomes `recorded-responses`; none if it is no plain word.
#[must_use]
pub fn kebab(text: &str) -> Option<String> {
    if text.is_empty() || text.len() > 40 || !text.bytes().all(is_id_byte) {
        return None;
    }
    let mut word = String::new();
    for letter in text.chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() && !word.ends_with('-') {
            word.push('-');
        }
        word.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' });
    }
    Some(word)
}

/// Whether a text holds another. The standard library's search, made for long texts, costs the component three kilobytes.
#[must_use]
pub fn mentions(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window == part.as_bytes())
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_pass_and_sentences_do_not() {
        for text in ["AuthZ_2.0", "DCD_7", "invalid_client", "QVAL_1"] {
            assert_eq!(code(text).as_deref(), Some(text));
        }
        for text in ["", "7", "no such user ada@example.org", "ada@example.org", &"A".repeat(41)] {
            assert_eq!(code(text), None, "{text}");
        }
    }

    #[test]
    fn a_reason_in_free_text_becomes_a_word_of_our_own() {
        assert_eq!(failure("INTERNAL_ERROR"), "INTERNAL_ERROR");
        assert_eq!(failure("Contact ada@example.org was not found"), "not-found");
        assert_eq!(failure("Ada Lovelace"), "unspecified");
        assert_eq!(failure("ada_lovelace"), "unspecified");
    }

    #[test]
    fn counters_are_named_as_sources_are() {
        assert_eq!(kebab("recordedResponses").as_deref(), Some("recorded-responses"));
        assert_eq!(kebab("user_accounts").as_deref(), Some("user-accounts"));
        assert_eq!(kebab("a@b"), None);
    }
}
