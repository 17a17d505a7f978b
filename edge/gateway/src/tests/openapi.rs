//! The OpenAPI description agrees with the gateway.

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
    assert_eq!(paths.len(), 8, "one for each route");
}

#[test]
fn the_description_has_the_version_of_the_package() {
    assert_eq!(description()["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn values_and_schemas_have_the_same_members() {
    let schema = |name: &str| format!("#/components/schemas/{name}");
    let value = |value: Result<Value, serde_json::Error>| value.expect("JSON");
    assert_agrees(&schema("Manifest"), &value(serde_json::to_value(manifest())));
    assert_agrees(&schema("Connection"), &value(serde_json::to_value(connection())));
    assert_agrees(&schema("Progress"), &value(serde_json::to_value(Progress::Pending(pending(1)))));
    assert_agrees(&schema("Progress"), &value(serde_json::to_value(Progress::Done(report()))));
    for remedy in [Remedy::Retry(1), Remedy::Restart, Remedy::Operator, Remedy::GiveUp] {
        let error = error(ErrorKind::UnexpectedResponse, remedy);
        assert_agrees(&schema("Error"), &value(serde_json::to_value(error.clone())));
        let details = Details::from(error);
        assert_agrees(&schema("ProblemDetails"), &value(serde_json::to_value(details)));
    }
}

/// Compares a value with all its members to the schema of this name.
fn assert_agrees(name: &str, value: &Value) {
    let description = description();
    let schema = description.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name}"));
    agrees(&description, schema, value, name).unwrap_or_else(|reason| panic!("{reason}"));
}

fn agrees(all: &Value, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let named = all.pointer(name.trim_start_matches('#')).ok_or_else(|| format!("{path}: {name}"))?;
        return agrees(all, named, value, name);
    }
    if let Some(schemas) = schema["allOf"].as_array() {
        return schemas.iter().try_for_each(|schema| agrees(all, schema, value, path));
    }
    if let Some(schemas) = schema["oneOf"].as_array() {
        let fitting = schemas.iter().filter(|schema| agrees(all, schema, value, path).is_ok()).count();
        return if fitting == 1 { Ok(()) } else { Err(format!("{path}: {value} fits {fitting} of {schema}")) };
    }
    if let Some(cases) = schema["enum"].as_array() {
        return if cases.contains(value) { Ok(()) } else { Err(format!("{path}: {value}")) };
    }
    let kind = match value {
        Value::Object(members) => {
            let sent: BTreeSet<_> = members.keys().collect();
            let described: BTreeSet<_> = schema["properties"].as_object().ok_or(path)?.keys().collect();
            if sent != described {
                return Err(format!("{path}: {sent:?} is sent, {described:?} is described"));
            }
            for (member, value) in members {
                agrees(all, &schema["properties"][member], value, &format!("{path}/{member}"))?;
            }
            "object"
        }
        Value::Array(values) => {
            for (number, value) in values.iter().enumerate() {
                let schema = if schema["items"].is_null() { &schema["prefixItems"][number] } else { &schema["items"] };
                agrees(all, schema, value, &format!("{path}/{number}"))?;
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
        Err(format!("{path}: {value} is not {kinds}"))
    }
}
