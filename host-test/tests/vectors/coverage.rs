//! The scenarios cover every case of the contract.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use wit_parser::{Resolve, TypeDefKind};

use privacy_scenarios::scenario::{Step, Vector};
use privacy_scenarios::vectors;

/// Types whose cases scenarios expect, and the members with the cases.
const EXPECTED: [(&str, &[&str]); 8] = [
    ("outcome", &["outcome"]),
    ("error-kind", &["kind"]),
    ("remedy", &["remedy"]),
    ("stage", &["stage", "stages"]),
    ("source-state", &["state"]),
    ("amount", &["amount"]),
    ("content", &["content"]),
    ("progress", &["ok"]),
];

/// Types whose cases scenarios pass as arguments, and the members with the cases.
const PASSED: [(&str, &[&str]); 3] =
    [("right", &["rights"]), ("deletion-mode", &["mode"]), ("identifier", &["subject"])];

/// The cases of a type of the contract.
fn cases(contract: &Resolve, name: &str) -> BTreeSet<String> {
    let (_, definition) =
        contract.types.iter().find(|(_, known)| known.name.as_deref() == Some(name)).expect("a type of the contract");
    match &definition.kind {
        TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| case.name.clone()).collect(),
        TypeDefKind::Variant(cases) => cases.cases.iter().map(|case| case.name.clone()).collect(),
        other => panic!("{name} has no cases, it is {}", other.as_str()),
    }
}

/// Collects the strings and the member names below members with these names.
fn collect_names(value: &Value, members: &[&str], is_inside: bool, found: &mut BTreeSet<String>) {
    match value {
        Value::String(name) if is_inside => {
            found.insert(name.clone());
        }
        // A pattern in `$not` does not cover a case.
        Value::Object(object) => {
            for (name, value) in object.iter().filter(|(name, _)| *name != "$not") {
                if is_inside {
                    found.insert(name.clone());
                }
                let stays_inside = is_inside && name.starts_with('$');
                collect_names(value, members, members.contains(&name.as_str()) || stays_inside, found);
            }
        }
        Value::Array(elements) => {
            elements.iter().for_each(|element| collect_names(element, members, is_inside, found));
        }
        _ => {}
    }
}

fn assert_covered(types: &[(&str, &[&str])], parts: &[Value]) {
    let mut contract = Resolve::default();
    contract.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")).expect("the contract");
    for (name, members) in types {
        let mut found = BTreeSet::new();
        parts.iter().for_each(|part| collect_names(part, members, false, &mut found));
        let cases = cases(&contract, name);
        let missing: Vec<_> = cases.iter().filter(|case| !found.contains(*case)).collect();
        assert!(missing.is_empty(), "no scenario covers these cases of {name}: {missing:?}");
    }
}

/// The steps of all scenarios.
fn steps() -> Vec<Value> {
    vectors().iter().flat_map(|(name, vector)| Vector::deserialize(vector).expect(name).steps).collect()
}

#[test]
fn every_case_is_expected_by_a_scenario() {
    let mut calls = steps();
    calls.retain(|step| step.get("call").is_some());
    for step in &mut calls {
        step.as_object_mut().expect("a step").retain(|member, _| member == "expect" || member == "stages");
    }
    assert_covered(&EXPECTED, &calls);
}

#[test]
fn every_case_of_an_argument_is_passed_by_a_scenario() {
    let mut calls = steps();
    for step in &mut calls {
        step.as_object_mut().expect("a step").remove("expect");
    }
    calls.extend(vectors().into_iter().filter_map(|(_, vector)| Some(json!({ "request": vector.get("request")? }))));
    assert_covered(&PASSED, &calls);
}

#[test]
fn every_scenario_is_well_formed_and_expects_something() {
    for (name, vector) in vectors() {
        let vector = Vector::deserialize(&vector).expect(&name);
        let steps: Vec<Step> = vector.steps.iter().map(|step| Step::deserialize(step).expect(&name)).collect();
        assert!(steps.iter().any(|step| step.expect.is_some()), "{name}");
        let is_sentence = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        assert!(is_sentence && name.contains('-'), "{name} is not a sentence in kebab case");
    }
}
