//! The schema of the output: the envelopes of the command line, around the records of the contract as the gateway describes them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

/// The file, below the workspace.
pub const FILE: &str = "docs/output.schema.json";

/// The text of the file.
pub fn text(workspace: &Path) -> String {
    let schema = serde_json::to_string_pretty(&schema(workspace)).expect("JSON");
    schema + "\n"
}

/// The schema.
pub fn schema(workspace: &Path) -> Value {
    let description =
        std::fs::read_to_string(workspace.join("edge/gateway/openapi.json")).expect("the description of the gateway");
    let description: Value =
        serde_json::from_str(&description.replace("#/components/schemas/", "#/$defs/")).expect("JSON");
    let mut records = description["components"]["schemas"].as_object().expect("schemas").clone();
    let envelopes = envelopes();
    let mut defs = BTreeMap::new();
    let mut pending = references(&Value::Array(envelopes.clone()));
    while let Some(name) = pending.pop() {
        if let Some(record) = records.remove(&name) {
            pending.extend(references(&record));
            defs.insert(name, record);
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Output of the command line with --output json",
        "oneOf": envelopes,
        "$defs": defs,
    })
}

/// The names of the records that a schema refers to.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/$defs/"));
            own.map(str::to_owned).into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// An object with exactly these members.
fn object(description: &str, members: Value) -> Value {
    let required: Vec<&String> = members.as_object().expect("members").keys().collect();
    json!({
        "description": description, "type": "object", "required": required, "properties": members, "additionalProperties": false,
    })
}

fn record(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// The forms of the output.
fn envelopes() -> Vec<Value> {
    let text = || json!({ "type": "string" });
    let count = || json!({ "type": "integer", "minimum": 0 });
    let optional = |what: &str| json!({ "description": what, "type": ["string", "null"] });
    let list = |items: Value| json!({ "type": "array", "items": items });
    let counts = || json!({ "type": "object", "additionalProperties": count() });
    let id = || json!({ "description": "The ID of the request.", "type": "string" });
    let saved_to = || optional("The directory with the files of the request.");
    let advice = || optional("What to do, as the end of a sentence.");
    let command = || optional("The command that continues the request, for a shell.");
    let ended = object("", json!({ "outcome": record("Outcome"), "jobs": list(text()), "finished-at": count() }));
    let nullable = |name: &str| json!({ "anyOf": [record(name), { "type": "null" }] });
    let request = object(
        "The stored state of a request.",
        json!({
            "request-id": id(), "right": nullable("Right"), "mode": nullable("DeletionMode"),
            "state": { "description": "An outcome, the kind of an error, `pending`, or `in-use` by another command.", "type": "string" },
            "ticket": optional("The latest ticket of a request that has not ended."),
            "stage": nullable("Stage"), "next-call-at": optional("When the next call is due, in ISO 8601."),
            "finished-at": optional("When the request ended, in ISO 8601."),
            "directory": saved_to(), "jobs": list(text()), "message": optional("What an operator has to do."),
        }),
    );
    let batch = object("", json!({ "requests": count(), "states": counts(), "left-out": count() }));
    let planned = object(
        "",
        json!({
            "line": count(), "id": text(), "operation": text(), "identifiers": counts(), "waits-for": list(text()),
            "remark": optional("What the connector cannot do of it."),
        }),
    );
    let wrong = object("", json!({ "line": count(), "problems": list(text()) }));
    let plan = object(
        "",
        json!({
            "operations": counts(), "identifiers": counts(), "requests": list(planned),
            "same-identifiers": list(list(text())), "wrong-lines": list(wrong),
        }),
    );
    let failure = object("", json!({ "kind": text(), "message": text() }));
    vec![
        object("describe", json!({ "manifest": record("Manifest") })),
        object("check", json!({ "connection": record("Connection") })),
        object(
            "A request in progress.",
            json!({ "request-id": id(), "pending": record("Pending"), "command": command() }),
        ),
        object(
            "A request that has ended.",
            json!({
                "request-id": id(), "done": record("Report"), "saved-to": saved_to(),
                "polled-ticket": optional("The ticket that led to the report: it leads to the same report again."),
            }),
        ),
        object(
            "A request that ended in an earlier run.",
            json!({ "request-id": id(), "ended": ended, "saved-to": saved_to() }),
        ),
        object("list, status", json!({ "requests": list(request) })),
        object("batch", json!({ "batch": batch })),
        object("batch --check", json!({ "plan": plan })),
        object(
            "An error of the connector.",
            json!({ "error": record("Error"), "advice": advice(), "command": command() }),
        ),
        object(
            "An error of the command line or the host.",
            json!({ "failure": failure, "advice": advice(), "command": command() }),
        ),
    ]
}
