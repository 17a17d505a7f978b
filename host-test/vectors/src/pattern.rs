//! Patterns, as defined in `host-test/vectors/README.md`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

/// The path and reason of the first mismatch of a value and a pattern. `None` if the value matches.
pub fn mismatch(pattern: &Value, value: &Value) -> Option<String> {
    mismatch_at(pattern, value, "")
}

fn mismatch_at(pattern: &Value, value: &Value, path: &str) -> Option<String> {
    let matches = match (pattern, value) {
        (Value::Object(operators), _) if has_operators(operators) => {
            operators.iter().all(|(name, argument)| operator_matches(name, argument, value))
        }
        (Value::Object(expected), Value::Object(members)) => {
            return expected.iter().find_map(|(key, pattern)| match members.get(key) {
                Some(value) => mismatch_at(pattern, value, &format!("{path}/{key}")),
                None => Some(format!("at {path}: there is no member {key}")),
            });
        }
        (Value::Array(expected), Value::Array(elements)) if expected.len() == elements.len() => {
            let pairs = expected.iter().zip(elements).enumerate();
            return pairs
                .into_iter()
                .find_map(|(index, (pattern, value))| mismatch_at(pattern, value, &format!("{path}/{index}")));
        }
        _ => is_equal(pattern, value),
    };
    (!matches).then(|| format!("at {path}: expected {pattern}, got {value}"))
}

fn has_operators(pattern: &Map<String, Value>) -> bool {
    !pattern.is_empty() && pattern.keys().all(|key| key.starts_with('$'))
}

fn operator_matches(name: &str, argument: &Value, value: &Value) -> bool {
    let matches = |pattern: &Value, value: &Value| mismatch(pattern, value).is_none();
    match (name, argument, value) {
        ("$not", pattern, _) => !matches(pattern, value),
        ("$all", Value::Array(patterns), _) => patterns.iter().all(|pattern| matches(pattern, value)),
        ("$contains", Value::String(part), Value::String(text)) => text.contains(part.as_str()),
        ("$contains", pattern, Value::Array(elements)) => elements.iter().any(|element| matches(pattern, element)),
        ("$length", length, Value::String(text)) => *length == text.len(),
        ("$length", length, Value::Array(elements)) => *length == elements.len(),
        ("$between", Value::Array(ends), Value::Number(number)) => {
            let number = number.as_f64();
            number >= ends[0].as_f64() && number <= ends[1].as_f64()
        }
        ("$base64", pattern, Value::String(encoded)) => {
            decode(encoded).is_some_and(|text| matches(pattern, &text.into()))
        }
        ("$contains" | "$length" | "$between" | "$base64", ..) => false,
        _ => panic!("there is no operator {name}"),
    }
}

/// The text that standard Base64 with padding encodes.
fn decode(encoded: &str) -> Option<String> {
    String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()
}

fn is_equal(pattern: &Value, value: &Value) -> bool {
    match (pattern, value) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ => pattern == value,
    }
}

#[test]
fn patterns_match_as_in_the_shared_table() {
    let table = include_str!("../format/patterns.json");
    let table: Vec<(Value, Value, bool)> = serde_json::from_str(table).expect("a table");
    for (pattern, value, matches) in table {
        let difference = mismatch(&pattern, &value);
        assert_eq!(difference.is_none(), matches, "{pattern} and {value}: {difference:?}");
    }
}
