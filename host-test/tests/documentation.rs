//! What the documents for people name is there.

use std::fs;
use std::path::{Path, PathBuf};

use host_test::{COMPONENT, GATEWAY, GUARDED};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

fn read(file: &str) -> String {
    fs::read_to_string(workspace().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What stands between backquotes, outside of blocks of code.
fn code(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// Where links of Markdown lead.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

#[test]
fn every_place_that_a_document_names_is_there() {
    for document in ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/publishing.md"] {
        let text = read(document);
        let directory = workspace().join(document).parent().expect("a directory").to_owned();
        for link in links(&text).into_iter().filter(|link| !link.contains("://") && !link.starts_with('#')) {
            assert!(directory.join(link).exists(), "{document} links to {link}");
        }
        let tops = ["src/", "edge/", "wit/", "docs/", "host-test/", ".ci/"];
        for place in code(&text).into_iter().filter(|word| tops.iter().any(|top| word.starts_with(top))) {
            assert!(workspace().join(place).exists(), "{document} names {place}");
        }
    }
}

#[test]
fn every_test_that_a_document_names_by_its_module_is_there() {
    let mut named = 0;
    for document in ["README.md", "CONTRIBUTING.md"] {
        let text = read(document);
        for word in code(&text) {
            let Some((module, test)) = word.split_once("::") else { continue };
            let of_a_test =
                |word: &str| word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if of_a_test(module) && of_a_test(test) {
                let source = read(&format!("host-test/tests/end_to_end/{module}.rs"));
                assert!(source.contains(&format!("fn {test}(")), "{document} names {word}");
                named += 1;
            }
        }
    }
    assert!(named > 30, "{named}");
}

#[test]
fn the_map_of_contributing_names_every_module_of_the_connector_and_of_the_tools() {
    let text = read("CONTRIBUTING.md");
    for (parent, but) in [
        ("src", &["digits.rs", "json.rs", "letters.rs", "lib.rs", "order.rs", "prelude.rs", "secret.rs"][..]),
        ("edge", &[]),
        ("host-test/src", &["lib.rs", "main.rs", "clock.rs"]),
    ] {
        for entry in fs::read_dir(workspace().join(parent)).expect("a directory") {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            let place = format!("({parent}/{name}");
            assert!(but.contains(&name.as_str()) || text.contains(&place), "{place}");
        }
    }
}

/// A number with commas between its thousands.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let (head, rest) = digits.split_at(digits.len() % 3);
    let groups = rest.as_bytes().chunks(3).map(|group| std::str::from_utf8(group).expect("digits"));
    [head].into_iter().filter(|head| !head.is_empty()).chain(groups).collect::<Vec<_>>().join(",")
}

#[test]
fn the_readme_tells_the_size_of_each_file() {
    // A release has its source and its commit in it, and is as much larger.
    if option_env!("SOURCE_REVISION").is_some() || option_env!("SOURCE_URL").is_some() {
        return;
    }
    let readme = read("README.md");
    let row = |row: &str, file: &[u8]| {
        let told = readme.lines().find(|line| line.starts_with(row)).unwrap_or_else(|| panic!("no row {row}"));
        let size = thousands(file.len());
        (!told.split(['|', ' ']).any(|word| word == size)).then(|| format!("{row} {size}"))
    };
    let demonstration = format!("a component of {} bytes", COMPONENT.len());
    let wrong: Vec<String> = [
        row("| `component` |", COMPONENT),
        row("| `component --guarded` |", GUARDED),
        row("| `component --gateway` |", GATEWAY),
        row("| component |", COMPONENT),
        (!readme.contains(&demonstration)).then_some(demonstration),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(wrong.is_empty(), "README.md says something else than\n{}", wrong.join("\n"));
}

#[test]
fn the_readme_tells_how_many_scenarios_there_are() {
    let entries = fs::read_dir(workspace().join("host-test/vectors")).expect("the scenarios");
    let scenarios = entries.filter(|entry| {
        entry.as_ref().expect("an entry").path().extension().is_some_and(|extension| extension == "json")
    });
    let told = format!("| the {} scenarios of", scenarios.count());
    assert!(read("README.md").contains(&told), "{told}");
}
