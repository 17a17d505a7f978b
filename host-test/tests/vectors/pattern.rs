//! What a scenario expects, compared with what came: `host-test/vectors/README.md` says how.

use serde_json::{Map, Value};

/// Where and why a value does not match a pattern; none if it does.
pub fn mismatch(pattern: &Value, value: &Value) -> Option<String> {
    difference(pattern, value, "")
}

fn difference(pattern: &Value, value: &Value, at: &str) -> Option<String> {
    let fits = match (pattern, value) {
        (Value::Object(special), _) if is_special(special) => {
            special.iter().all(|(name, argument)| holds(name, argument, value))
        }
        (Value::Object(wanted), Value::Object(members)) => {
            return wanted.iter().find_map(|(key, pattern)| match members.get(key) {
                Some(value) => difference(pattern, value, &format!("{at}/{key}")),
                None => Some(format!("at {at}: there is no {key}")),
            });
        }
        (Value::Array(wanted), Value::Array(elements)) if wanted.len() == elements.len() => {
            let pairs = wanted.iter().zip(elements).enumerate();
            return pairs
                .into_iter()
                .find_map(|(index, (pattern, value))| difference(pattern, value, &format!("{at}/{index}")));
        }
        _ => equal(pattern, value),
    };
    (!fits).then(|| format!("at {at}: expected {pattern}, came {value}"))
}

fn is_special(pattern: &Map<String, Value>) -> bool {
    !pattern.is_empty() && pattern.keys().all(|key| key.starts_with('$'))
}

fn holds(name: &str, argument: &Value, value: &Value) -> bool {
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
        ("$contains" | "$length" | "$between", ..) => false,
        _ => panic!("there is no matcher {name}"),
    }
}

fn equal(pattern: &Value, value: &Value) -> bool {
    match (pattern, value) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        _ => pattern == value,
    }
}

#[test]
fn patterns_match_what_they_say_and_nothing_else() {
    let table = include_str!("../../vectors/format/patterns.json");
    let table: Vec<(Value, Value, bool)> = serde_json::from_str(table).expect("a table");
    for (pattern, value, matches) in table {
        let told = mismatch(&pattern, &value);
        assert_eq!(told.is_none(), matches, "{pattern} and {value}: {told:?}");
    }
}
