//! The contract's values as JSON, spelled as in the WIT, and the reverse for what scenarios ask with.

use host_test::host::contract::{DeletionMode, Identifier, Right, Setting};
use serde::Serialize;
use serde_json::{Value, json};

/// The members whose text is a case of an enumeration or a variant, and not somebody's text.
const WORDS: [&str; 10] =
    ["amount", "blocks", "kind", "mode", "needed-for", "outcome", "remedy", "right", "stage", "state"];

/// A value of the contract as JSON.
pub fn canonical(value: &impl Serialize) -> Value {
    respelled(serde_json::to_value(value).expect("contract values are data"), "")
}

/// From the spelling of Rust to that of the WIT. `member` is the name under which the value stands.
fn respelled(value: Value, member: &str) -> Value {
    match value {
        Value::Object(members) => {
            let respell = |(name, value): (String, Value)| {
                let name = kebab(&name);
                let value = respelled(value, &name);
                (name, value)
            };
            members.into_iter().map(respell).collect()
        }
        Value::Array(bytes) if matches!(member, "bytes" | "inline") => {
            let bytes: Vec<u8> = serde_json::from_value(Value::Array(bytes)).expect("bytes");
            String::from_utf8_lossy(&bytes).into()
        }
        Value::Array(elements) => elements.into_iter().map(|element| respelled(element, member)).collect(),
        Value::String(word) if WORDS.contains(&member) => kebab(&word).into(),
        other => other,
    }
}

/// `poll_after_ms` and `NothingFound` in the WIT's way; a result's `Err` is called by its name.
fn kebab(name: &str) -> String {
    if name == "Err" {
        return "error".to_owned();
    }
    let mut spelled = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !spelled.is_empty() {
            spelled.push('-');
        }
        spelled.push(if letter == '_' { '-' } else { letter.to_ascii_lowercase() });
    }
    spelled
}

pub fn settings(members: &Value) -> Vec<Setting> {
    let members = members.as_object().expect("settings are an object");
    let setting = |(key, value): (&String, &Value)| Setting { key: key.clone(), value: text(value) };
    members.iter().map(setting).collect()
}

pub fn identifier(variant: &Value) -> Identifier {
    let (case, value) = variant.as_object().and_then(|members| members.iter().next()).expect("a name");
    match case.as_str() {
        "email" => Identifier::Email(text(value)),
        "phone" => Identifier::Phone(text(value)),
        "external-reference" => Identifier::ExternalReference(text(value)),
        "other" => Identifier::Other((text(&value[0]), text(&value[1]))),
        other => panic!("there is no identifier {other}"),
    }
}

pub fn right(word: &str) -> Right {
    match word {
        "access" => Right::Access,
        "deletion" => Right::Deletion,
        other => panic!("there is no right {other}"),
    }
}

pub fn mode(word: &str) -> DeletionMode {
    match word {
        "preview" => DeletionMode::Preview,
        "erase" => DeletionMode::Erase,
        "erase-and-verify" => DeletionMode::EraseAndVerify,
        other => panic!("there is no mode {other}"),
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

#[test]
fn values_are_spelled_as_in_the_contract() {
    use host_test::host::contract::{Amount, Chunk, Error, ErrorKind, Finding, Remedy, SourceState};
    let error = Error {
        kind: ErrorKind::RateLimited,
        remedy: Remedy::Retry(5),
        message: "NotAWord".to_owned(),
        problems: Vec::new(),
        http_status: Some(429),
        vendor_code: None,
        vendor_request_id: None,
        extra: Vec::new(),
    };
    let finding = Finding {
        source: "SomeSource".to_owned(),
        state: SourceState::NotAvailable,
        amount: Amount::SomeData,
        names: vec![0],
        code: None,
        note: None,
    };
    let spelled = json!({ "kind": "rate-limited", "remedy": { "retry": 5 }, "message": "NotAWord", "problems": [],
        "http-status": 429, "vendor-code": null, "vendor-request-id": null, "extra": [] });
    assert_eq!(canonical(&Err::<Finding, Error>(error)), json!({ "error": spelled }));
    let spelled = json!({ "source": "SomeSource", "state": "not-available", "amount": "some-data", "names": [0],
        "code": null, "note": null });
    assert_eq!(canonical(&Ok::<Finding, Error>(finding)), json!({ "ok": spelled }));
    let chunk = Chunk { bytes: b"ab".to_vec(), last: true };
    assert_eq!(canonical(&Ok::<Chunk, Error>(chunk)), json!({ "ok": { "bytes": "ab", "last": true } }));
    assert_eq!(canonical(&Ok::<(), Error>(())), json!({ "ok": null }));
    assert_eq!(canonical(&Amount::Exactly(2)), json!({ "exactly": 2 }));
}
