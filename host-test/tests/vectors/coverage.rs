//! That the scenarios meet every case of the contract.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use wit_parser::{Resolve, TypeDefKind};

use crate::scenario::{Step, Vector};
use crate::vectors;

/// Where a case shows itself in what a scenario expects: under a member of one of these names.
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

/// Where a case shows itself in what a scenario asks.
const ASKED: [(&str, &[&str]); 3] =
    [("right", &["rights"]), ("deletion-mode", &["mode"]), ("identifier", &["subject"])];

/// Cases that no request to this connector can meet, and why.
const OUT_OF_REACH: [(&str, &str, &str); 1] =
    [("stage", "resolving", "Qualtrics is asked by the names themselves: there is no id to be looked up before")];

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

/// All words that stand under members of these names: texts, and the names of members of objects.
fn words(value: &Value, members: &[&str], inside: bool, found: &mut BTreeSet<String>) {
    match value {
        Value::String(word) if inside => {
            found.insert(word.clone());
        }
        // What is expected not to come is not expected.
        Value::Object(object) => {
            for (name, value) in object.iter().filter(|(name, _)| *name != "$not") {
                if inside {
                    found.insert(name.clone());
                }
                words(value, members, members.contains(&name.as_str()) || (inside && name.starts_with('$')), found);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| words(element, members, inside, found)),
        _ => {}
    }
}

fn assert_covered(types: &[(&str, &[&str])], parts: &[Value]) {
    let mut contract = Resolve::default();
    contract.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")).expect("the contract");
    for (name, members) in types {
        let mut found = BTreeSet::new();
        parts.iter().for_each(|part| words(part, members, false, &mut found));
        let unreachable = |case: &String| OUT_OF_REACH.iter().any(|(of, known, _)| of == name && known == case);
        let cases = cases(&contract, name);
        let missing: Vec<_> = cases.iter().filter(|case| !found.contains(*case) && !unreachable(case)).collect();
        assert!(missing.is_empty(), "no scenario meets these cases of {name}: {missing:?}");
        let met: Vec<_> = cases.iter().filter(|case| found.contains(*case) && unreachable(case)).collect();
        assert!(met.is_empty(), "these cases of {name} are in reach after all: {met:?}");
    }
}

/// The steps of all scenarios.
fn steps() -> Vec<Value> {
    vectors().iter().flat_map(|(name, vector)| Vector::deserialize(vector).expect(name).steps).collect()
}

#[test]
fn every_case_that_can_come_is_expected_somewhere() {
    let mut told = steps();
    told.retain(|step| step.get("call").is_some());
    for step in &mut told {
        step.as_object_mut().expect("a step").retain(|member, _| member == "expect" || member == "stages");
    }
    assert_covered(&EXPECTED, &told);
}

#[test]
fn every_case_that_can_be_asked_with_is() {
    let mut asked = steps();
    for step in &mut asked {
        step.as_object_mut().expect("a step").remove("expect");
    }
    asked.extend(vectors().into_iter().filter_map(|(_, vector)| Some(json!({ "request": vector.get("request")? }))));
    assert_covered(&ASKED, &asked);
}

#[test]
fn every_scenario_can_be_read_and_expects_something() {
    for (name, vector) in vectors() {
        let vector = Vector::deserialize(&vector).expect(&name);
        let steps: Vec<Step> = vector.steps.iter().map(|step| Step::deserialize(step).expect(&name)).collect();
        assert!(steps.iter().any(|step| step.expect.is_some()), "{name}");
        let sentence = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        assert!(sentence && name.contains('-'), "{name} is no sentence with hyphens");
    }
}
