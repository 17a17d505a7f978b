//! The descriptions of types and their members are the same in the contract, in its Rust types, and in the OpenAPI description of the
//! gateway. A member that the contract does not describe needs none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wit_parser::{Docs, TypeDef, TypeDefKind};

use super::{items::Package, workspace};

/// Types that the gateway neither receives nor sends as JSON: its settings are variables, and it streams documents.
const NOT_IN_OPENAPI: [&str; 2] = ["chunk", "setting"];

/// A type of the contract.
struct Described {
    name: String,
    text: String,
    kind: Kind,
    members: Vec<Member>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Record,
    Variant,
    Enum,
}

/// A field, or a case of a variant or an enum.
struct Member {
    name: String,
    text: String,
}

impl Described {
    /// The types of the contract.
    fn all() -> Vec<Self> {
        let package = Package::read(&workspace().join("wit"));
        let interfaces = package.resolve.packages[package.id].interfaces.values();
        let types = interfaces.flat_map(|interface| &package.resolve.interfaces[*interface].types);
        types.map(|(name, id)| Self::of(name, &package.resolve.types[*id])).collect()
    }

    fn of(name: &str, definition: &TypeDef) -> Self {
        let member = |name: &String, docs: &Docs| Member { name: name.clone(), text: line(docs) };
        let (kind, members) = match &definition.kind {
            TypeDefKind::Record(of) => {
                (Kind::Record, of.fields.iter().map(|field| member(&field.name, &field.docs)).collect())
            }
            TypeDefKind::Variant(of) => {
                (Kind::Variant, of.cases.iter().map(|case| member(&case.name, &case.docs)).collect())
            }
            TypeDefKind::Enum(of) => (Kind::Enum, of.cases.iter().map(|case| member(&case.name, &case.docs)).collect()),
            other => panic!("{name} is a {}", other.as_str()),
        };
        Self { name: name.to_owned(), text: line(&definition.docs), kind, members }
    }

    /// Its name in Rust and in OpenAPI.
    fn title(&self) -> String {
        let capitalized = |part: &str| part[..1].to_uppercase() + &part[1..];
        self.name.split('-').map(capitalized).collect()
    }

    /// The described ones of these cases, in one line.
    fn cases(&self, is_listed: impl Fn(&str) -> bool) -> Option<String> {
        let described = self.members.iter().filter(|case| is_listed(&case.name) && !case.text.is_empty());
        let described: Vec<_> = described.map(|case| format!("`{}`: {}", case.name, case.text)).collect();
        (!described.is_empty()).then(|| described.join(" "))
    }
}

fn line(docs: &Docs) -> String {
    docs.contents.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// For each schema, and for each member or alternative of it, the description of the contract.
fn expected_in_openapi(of: &Described, schema: &Value) -> Vec<(String, Option<String>)> {
    let pointer = format!("/components/schemas/{}", of.title());
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let own = match of.kind {
        Kind::Enum => [Some(of.text.clone()), of.cases(|_| true)].into_iter().flatten().collect::<Vec<_>>().join(" "),
        Kind::Record | Kind::Variant => of.text.clone(),
    };
    let mut expected = vec![(pointer.clone(), some(&own))];
    match of.kind {
        Kind::Enum => {}
        Kind::Record => expected
            .extend(of.members.iter().map(|field| (format!("{pointer}/properties/{}", field.name), some(&field.text)))),
        Kind::Variant => {
            for (index, alternative) in schema["oneOf"].as_array().expect("alternatives").iter().enumerate() {
                let text = match alternative["enum"].as_array() {
                    Some(names) => of.cases(|case| names.iter().any(|name| name == case)),
                    None => {
                        let case = of.members.iter().find(|case| alternative["properties"].get(&case.name).is_some());
                        some(&case.expect("a case of the contract").text)
                    }
                };
                expected.push((format!("{pointer}/oneOf/{index}"), text));
            }
        }
    }
    expected
}

#[test]
fn the_openapi_description_has_the_descriptions_of_the_contract() {
    let file = workspace().join("edge/gateway/openapi.json");
    let openapi: Value = serde_json::from_slice(&std::fs::read(file).expect("a file")).expect("JSON");
    let mut differing = BTreeMap::new();
    for of in Described::all() {
        let schema = &openapi["components"]["schemas"][of.title()];
        assert_eq!(schema.is_null(), NOT_IN_OPENAPI.contains(&of.name.as_str()), "{}", of.name);
        if schema.is_null() {
            continue;
        }
        for (pointer, text) in expected_in_openapi(&of, schema) {
            let described = openapi.pointer(&pointer).unwrap_or_else(|| panic!("{pointer}"));
            if described.get("description").and_then(Value::as_str) != text.as_deref() {
                differing.insert(pointer, text);
            }
        }
    }
    assert!(differing.is_empty(), "these descriptions should be: {differing:#?}");
}

/// The description of each type in the Rust sources, named `Type`, and of each of its members, named `Type member`.
fn described_in_rust() -> BTreeMap<String, String> {
    let mut described = BTreeMap::new();
    for file in workspace().join("edge/contract/src").read_dir().expect("sources") {
        let source = std::fs::read_to_string(file.expect("a file").path()).expect("text");
        let (mut owner, mut text) = (String::new(), Vec::new());
        for line in source.lines().map(str::trim).filter(|line| !line.starts_with("#[")) {
            if let Some(comment) = line.strip_prefix("///") {
                text.push(comment.trim());
                continue;
            }
            let text = std::mem::take(&mut text).join(" ");
            let name_of = |line: &str| {
                line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().map(str::to_owned)
            };
            if let Some(rest) = line.strip_prefix("pub struct ").or(line.strip_prefix("pub enum ")) {
                owner = name_of(rest).expect("a name");
                described.insert(owner.clone(), text);
            } else if let Some(name) = name_of(line.strip_prefix("pub ").unwrap_or(line)).filter(|_| !text.is_empty()) {
                described.insert(format!("{owner} {}", kebab_case(&name)), text);
            }
        }
    }
    described
}

fn kebab_case(name: &str) -> String {
    let words = name.chars().flat_map(|letter| match letter {
        '_' => vec!['-'],
        letter if letter.is_uppercase() => vec!['-', letter.to_ascii_lowercase()],
        letter => vec![letter],
    });
    words.collect::<String>().trim_start_matches('-').to_owned()
}

#[test]
fn the_rust_types_have_the_descriptions_of_the_contract() {
    let described = described_in_rust();
    let mut differing = BTreeSet::new();
    for of in Described::all() {
        let title = of.title();
        let members = of.members.iter().map(|member| (format!("{title} {}", member.name), &member.text));
        for (name, text) in members.chain([(title.clone(), &of.text)]) {
            let rust = described.get(&name).unwrap_or_else(|| panic!("{name} is not described"));
            if rust != text && !text.is_empty() {
                differing.insert((name, text.clone()));
            }
        }
    }
    assert!(differing.is_empty(), "these descriptions should be: {differing:#?}");
}
