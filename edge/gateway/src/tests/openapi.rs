//! The description says what is done.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fake::{connection, error, manifest, pending, report};
use crate::gateway::OPENAPI;
use crate::problem::Details;
use crate::route::Route;
use privacy_contract::{ErrorKind, Progress, Remedy};

fn description() -> Value {
    serde_json::from_str(OPENAPI).expect("JSON")
}

#[test]
fn every_path_is_described_with_its_method() {
    let description = description();
    let paths = description["paths"].as_object().expect("paths");
    for (path, operations) in paths {
        let route = Route::at(&path.replace("{reference}", "r1")).expect("a route");
        let methods: Vec<_> = operations.as_object().expect("operations").keys().collect();
        assert_eq!(methods, [&route.method().to_ascii_lowercase()], "{path}");
    }
    assert_eq!(paths.len(), 8, "as many as there are routes");
}

#[test]
fn the_description_is_of_this_version() {
    assert_eq!(description()["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_member_of_an_answer_is_described_and_every_described_member_is_there() {
    let schema = |name: &str| format!("#/components/schemas/{name}");
    let value = |value: Result<Value, serde_json::Error>| value.expect("JSON");
    agree(&schema("Manifest"), &value(serde_json::to_value(manifest())));
    agree(&schema("Connection"), &value(serde_json::to_value(connection())));
    agree(&schema("Progress"), &value(serde_json::to_value(Progress::Pending(pending(1)))));
    agree(&schema("Progress"), &value(serde_json::to_value(Progress::Done(report()))));
    for remedy in [Remedy::Retry(1), Remedy::Restart, Remedy::Operator, Remedy::GiveUp] {
        let error = error(ErrorKind::UnexpectedResponse, remedy);
        agree(&schema("Error"), &value(serde_json::to_value(error.clone())));
        let details = Details::from(error);
        agree(&schema("ProblemDetails"), &value(serde_json::to_value(details)));
    }
}

/// Compares a value, of which nothing is left out, with a schema by its name.
fn agree(name: &str, value: &Value) {
    let description = description();
    let schema = description.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name}"));
    agrees(&description, schema, value, name).unwrap_or_else(|reason| panic!("{reason}"));
}

fn agrees(all: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let named = all.pointer(name.trim_start_matches('#')).ok_or_else(|| format!("{at}: {name}"))?;
        return agrees(all, named, value, name);
    }
    if let Some(schemas) = schema["allOf"].as_array() {
        return schemas.iter().try_for_each(|schema| agrees(all, schema, value, at));
    }
    if let Some(schemas) = schema["oneOf"].as_array() {
        let fitting = schemas.iter().filter(|schema| agrees(all, schema, value, at).is_ok()).count();
        return if fitting == 1 { Ok(()) } else { Err(format!("{at}: {value} fits {fitting} of {schema}")) };
    }
    if let Some(words) = schema["enum"].as_array() {
        return if words.contains(value) { Ok(()) } else { Err(format!("{at}: {value}")) };
    }
    let kind = match value {
        Value::Object(members) => {
            let sent: BTreeSet<_> = members.keys().collect();
            let described: BTreeSet<_> = schema["properties"].as_object().ok_or(at)?.keys().collect();
            if sent != described {
                return Err(format!("{at}: {sent:?} is sent, {described:?} is described"));
            }
            for (member, value) in members {
                agrees(all, &schema["properties"][member], value, &format!("{at}/{member}"))?;
            }
            "object"
        }
        Value::Array(values) => {
            for (number, value) in values.iter().enumerate() {
                let schema = if schema["items"].is_null() { &schema["prefixItems"][number] } else { &schema["items"] };
                agrees(all, schema, value, &format!("{at}/{number}"))?;
            }
            "array"
        }
        Value::String(_) => "string",
        Value::Number(_) => "integer",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
    };
    let kinds = &schema["type"];
    if kinds == kind || kinds.as_array().is_some_and(|kinds| kinds.contains(&kind.into())) {
        Ok(())
    } else {
        Err(format!("{at}: {value} is no {kinds}"))
    }
}
