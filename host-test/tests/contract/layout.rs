//! How answers lie in memory is written down in the connector's own source: type by type as the contract has them.

use std::fs;

use super::items::Package;
use super::workspace;

#[test]
fn answers_are_laid_out_with_the_names_types_and_order_of_the_contract() {
    let source = fs::read_to_string(workspace().join("src/component/lowering.rs")).expect("the source");
    let (_, types) = source.split_once("// The contract's types").expect("the contract's types");
    let contract = &Package::read(&workspace().join("wit")).items()["interface connector"];
    let mut compared = 0;
    for item in types.split(");\n") {
        let Some((kind, item)) = item.split_once("!(") else { continue };
        let kind = kind.rsplit(['\n', ' ']).next().expect("a kind");
        let (name, members) = item.trim_end_matches('}').split_once(" {").expect("members");
        let members: Vec<String> = parts(members).map(|member| in_wit(kind, member)).collect();
        let kind = if kind == "variant" && !members.iter().any(|member| member.contains('(')) { "enum" } else { kind };
        let said = format!("{kind} {{ {} }}", members.join(", "));
        let name = kebab(name);
        assert_eq!(Some(&said), contract.get(&format!("type {name}")), "{name}");
        compared += 1;
    }
    // All but what the host alone hands over: a request and a task.
    let all = contract.keys().filter(|item| item.starts_with("type ")).count();
    assert_eq!(compared, all - 2);
}

/// The parts between commas, but those within brackets.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let split = text.split(move |sign| {
        match sign {
            '(' | '<' => depth += 1,
            ')' | '>' => depth -= 1,
            _ => {}
        }
        sign == ',' && depth == 0
    });
    split.map(str::trim).filter(|part| !part.is_empty())
}

/// A field of a record, or a case of a variant.
fn in_wit(kind: &str, member: &str) -> String {
    if kind == "record" {
        let (name, of) = member.split_once(':').expect("a field");
        return format!("{}: {}", kebab(name), type_in_wit(of));
    }
    let Some((case, payload)) = member.split_once('(') else { return kebab(member) };
    let payload = payload.strip_suffix(')').expect("a payload");
    let types: Vec<String> =
        parts(payload).map(|part| type_in_wit(part.split_once(':').expect("a payload").1)).collect();
    match types.as_slice() {
        [one] => format!("{}({one})", kebab(case)),
        several => format!("{}(tuple<{}>)", kebab(case), several.join(", ")),
    }
}

fn type_in_wit(of: &str) -> String {
    let of = of.trim();
    let inside = |outer: &str| of.strip_prefix(outer)?.strip_suffix('>').map(type_in_wit);
    if let Some(of) = inside("Vec<").or_else(|| inside("List<")) {
        return format!("list<{of}>");
    }
    if let Some(of) = inside("Option<") {
        return format!("option<{of}>");
    }
    if let Some(of) = inside("Box<") {
        return of;
    }
    if let Some(of) = of.strip_prefix('(').and_then(|of| of.strip_suffix(')')) {
        return format!("tuple<{}>", parts(of).map(type_in_wit).collect::<Vec<_>>().join(", "));
    }
    match of {
        "String" | "Text" | "Secret" => "string".to_owned(),
        named => kebab(named),
    }
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.trim().chars() {
        if letter == '_' || (letter.is_uppercase() && !kebab.is_empty()) {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase().filter(|letter| *letter != '_'));
    }
    kebab
}
