//! Qualtrics' words that may be shown: codes, IDs and states. Text that can hold personal data is never passed on.

/// The longest code and the longest state that are passed on, in bytes.
const MAX_WORD_BYTES: usize = 40;

/// The longest request ID that is passed on, in bytes.
const MAX_REQUEST_ID_BYTES: usize = 64;

/// An error code as Qualtrics writes them (`AuthZ_2.0`, `DCD_7`, `invalid_client`): at most 40 letters, digits and `_ . -`, starting
/// with a letter. `None` for anything else. Error messages are never passed on (fact sheet 2).
#[must_use]
pub fn code(text: &str) -> Option<String> {
    let starts_with_letter = text.starts_with(|first: char| first.is_ascii_alphabetic());
    (starts_with_letter && text.len() <= MAX_WORD_BYTES && text.bytes().all(is_id_byte)).then(|| text.to_owned())
}

/// A request ID (`meta.requestId`, a UUID wherever it was seen): at most 64 letters, digits and `_ . -`. `None` for anything else.
#[must_use]
pub fn request_id(text: &str) -> Option<String> {
    let is_plain = !text.is_empty() && text.bytes().all(is_id_byte);
    (is_plain && text.len() <= MAX_REQUEST_ID_BYTES).then(|| text.to_owned())
}

/// A job's state in Qualtrics' own word: at most 40 letters, digits, spaces and `_ -`. `None` for anything else.
#[must_use]
pub fn status(text: &str) -> Option<String> {
    let text = text.trim_ascii();
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _-".contains(&byte));
    (is_plain && text.len() <= MAX_WORD_BYTES).then(|| text.to_owned())
}

/// The words of free text that say why a job failed, and the code that stands for each.
const FAILURES: [(&str, &str); 12] = [
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

/// The reason of a failed job, as a code. It is unconfirmed whether Qualtrics sends free text, which may hold an address, or a code
/// (fact sheet 6.2). A constant is passed on; free text becomes the closest code of this connector, at worst `unspecified`.
#[must_use]
pub fn failure(text: &str) -> String {
    let is_constant_byte = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    if let Some(constant) = code(text.trim_ascii()).filter(|code| code.bytes().all(is_constant_byte)) {
        return constant;
    }
    let text = text.to_ascii_lowercase();
    FAILURES.iter().find(|(part, _)| text.contains(part)).map_or("unspecified", |(_, code)| code).to_owned()
}

/// The name of a counter in kebab-case: `recordedResponses` becomes `recorded-responses`. `None` if it is not one plain word.
#[must_use]
pub fn kebab(text: &str) -> Option<String> {
    if text.is_empty() || text.len() > MAX_WORD_BYTES || !text.bytes().all(is_id_byte) {
        return None;
    }
    let mut word = String::new();
    for character in text.chars() {
        if character.is_ascii_uppercase() && !word.is_empty() && !word.ends_with('-') {
            word.push('-');
        }
        word.push(if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' });
    }
    Some(word)
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_passed_on_and_sentences_are_not() {
        for text in ["AuthZ_2.0", "DCD_7", "invalid_client", "QVAL_1"] {
            assert_eq!(code(text).as_deref(), Some(text));
        }
        for text in ["", "7", "no such user ada@example.org", "ada@example.org", &"A".repeat(41)] {
            assert_eq!(code(text), None, "{text}");
        }
    }

    #[test]
    fn a_reason_in_free_text_becomes_a_code_of_this_connector() {
        assert_eq!(failure("INTERNAL_ERROR"), "INTERNAL_ERROR");
        assert_eq!(failure("Contact ada@example.org was not found"), "not-found");
        assert_eq!(failure("Ada Lovelace"), "unspecified");
        assert_eq!(failure("ada_lovelace"), "unspecified");
    }

    #[test]
    fn counters_are_named_in_kebab_case() {
        assert_eq!(kebab("recordedResponses").as_deref(), Some("recorded-responses"));
        assert_eq!(kebab("user_accounts").as_deref(), Some("user-accounts"));
        assert_eq!(kebab("a@b"), None);
    }
}
