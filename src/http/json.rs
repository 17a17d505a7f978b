//! Tolerant parsing of JSON bodies.

use serde_json::Value;

/// The byte order mark of UTF-8, which some servers send before a body.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Parses a JSON body. `None` if it is not JSON, not UTF-8, nested deeper than serde_json accepts, or if an object has two members with
/// the same name: parsers differ in which one counts (RFC 8259, section 4), so that neither proves anything.
///
/// A byte order mark is ignored, and half of a surrogate pair (`"\ud83d"`), which servers produce when they truncate text, becomes
/// U+FFFD. Numbers keep the digits that were sent.
#[must_use]
pub fn parse(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let parsed = serde_json::from_slice(body).ok();
    let value = parsed.or_else(|| serde_json::from_slice(&replace_lone_surrogates(body)?).ok())?;
    (members_in(&value) == colons_in(body)).then_some(value)
}

/// How many members the objects in a value have.
fn members_in(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.values().map(members_in).fold(members.len(), usize::saturating_add),
        Value::Array(elements) => elements.iter().map(members_in).fold(0, usize::saturating_add),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// How many members a JSON text has: the colons outside strings.
fn colons_in(text: &[u8]) -> usize {
    let (mut colons, mut is_string, mut is_escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b':' if !is_string => colons = colons.saturating_add(1),
            _ => {}
        }
    }
    colons
}

/// A whole, non-negative number, or a text that holds one. Some APIs send counts as text.
#[must_use]
pub fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The member with the first of several names that exists and is not `null`.
#[must_use]
pub fn first_of<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().find_map(|name| value.get(name).filter(|member| !member.is_null()))
}

/// The body with U+FFFD in place of every escaped surrogate that is not part of a pair. `None` if there is none.
fn replace_lone_surrogates(body: &[u8]) -> Option<Vec<u8>> {
    let mut repaired = Vec::with_capacity(body.len());
    let mut rest = body;
    let mut has_lone = false;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let (before, from_escape) = rest.split_at(at);
        repaired.extend_from_slice(before);
        let (length, is_lone) = match (unit(from_escape), from_escape.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, false),
            (Some(0xD800..=0xDFFF), _) => (6, true),
            (Some(_), _) => (6, false),
            // Includes `\\`: what follows it is not an escape.
            (None, _) => (2, false),
        };
        let (escape, after) = from_escape.split_at(length.min(from_escape.len()));
        repaired.extend_from_slice(if is_lone { br"\ufffd" } else { escape });
        has_lone |= is_lone;
        rest = after;
    }
    repaired.extend_from_slice(rest);
    has_lone.then_some(repaired)
}

/// The UTF-16 code unit of an escape (`\ud83d`) at the beginning of a text.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(br"\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn half_a_surrogate_pair_becomes_the_replacement_character() {
        for (text, expected) in [
            (r#""Zo\ud83d""#, "Zo\u{FFFD}"),
            (r#""Zo\uDE00x""#, "Zo\u{FFFD}x"),
            (r#""\ud83d\ud83d\ude00""#, "\u{FFFD}\u{1F600}"),
            (r#""\ud83dA""#, "\u{FFFD}A"),
            (r#""\ud83d\n""#, "\u{FFFD}\n"),
            (r#""\ud83d\ude00\\ud83d""#, "\u{1F600}\\ud83d"),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(json!(expected)), "{text}");
        }
        assert_eq!(parse(br#"{"\udc00":[1,"\ud800"]}"#), Some(json!({"\u{FFFD}": [1, "\u{FFFD}"]})));
    }

    #[test]
    fn a_byte_order_mark_is_ignored() {
        assert_eq!(parse(b"\xEF\xBB\xBF{}"), Some(json!({})));
    }

    #[test]
    fn everything_else_that_is_not_json_is_rejected() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for text in
            ["", "<html>", "{", "[1,]", "01", "nul", "1 2", r#""\ud83"#, r#""\ud83""#, r#"\ud83d"#, deep.as_str()]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"\"\xFF\""), None, "invalid UTF-8");
        assert_eq!(parse(b"\"\xFF\\ud83d\""), None, "invalid UTF-8 beside half a surrogate pair");
    }

    #[test]
    fn numbers_keep_their_digits() {
        let value = parse(br#"{"a":1.50,"b":123456789012345678901234567890}"#).expect("JSON");
        assert_eq!(value.to_string(), r#"{"a":1.50,"b":123456789012345678901234567890}"#);
    }

    #[test]
    fn two_members_with_the_same_name_are_not_understood() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":null,"a":2}"#,
            r#"{"a":[1],"b":[{"c":{"d":1,"d":[]}}]}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"\ud800":1,"\udc00":1}"#,
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        for text in [r#"{"a":{"a":"a:\":\\"},":":":"}"#, r#"[{"a":1},{"a":1}]"#, r#""a:b""#] {
            assert!(parse(text.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn counts_are_whole_numbers_in_either_form() {
        assert_eq!(count(&json!(7)), Some(7));
        assert_eq!(count(&json!(" 7 ")), Some(7));
        for value in [json!(-1), json!(1.5), json!("many"), json!(null), json!([7])] {
            assert_eq!(count(&value), None, "{value}");
        }
    }
}
