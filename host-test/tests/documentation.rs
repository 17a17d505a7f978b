//! What the documents name exists.

use std::fs;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The files below a directory with one of these extensions, without those that tools generate.
fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_generated = ["target", "node_modules", "corpus", "artifacts"].contains(&name.as_str());
        if path.is_dir() && !is_generated && !name.starts_with('.') {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}

/// Inline code, outside of code blocks.
fn code(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// The targets of Markdown links.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

#[test]
fn every_file_that_a_document_names_exists() {
    for document in files(&workspace(), "md") {
        let text = read(&document);
        let directory = document.parent().expect("a directory");
        for link in links(&text).into_iter().filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let target = link.split('#').next().unwrap_or_default();
            assert!(directory.join(target).exists(), "{} links to {link}", document.display());
        }
        let tops = ["src/", "edge/", "wit/", "docs/", "host-test/", ".ci/"];
        for path in code(&text).into_iter().filter(|word| tops.iter().any(|top| word.starts_with(top))) {
            assert!(workspace().join(path).exists(), "{} names {path}", document.display());
        }
    }
}

#[test]
fn every_test_that_a_document_names_exists() {
    let sources = files(&workspace(), "rs");
    let mut named = 0;
    for document in files(&workspace(), "md") {
        let text = read(&document);
        for word in code(&text) {
            let Some((module, test)) = word.split_once("::") else { continue };
            let is_name =
                |word: &str| word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if is_name(module) && is_name(test) {
                let definition = format!("fn {test}(");
                let mut modules = sources.iter().filter(|source| source.file_stem().is_some_and(|stem| stem == module));
                let is_defined = modules.any(|source| read(source).contains(&definition));
                assert!(is_defined, "{} names {word}", document.display());
                named += 1;
            }
        }
    }
    assert!(named > 5, "{named}");
}

#[test]
fn the_module_map_of_contributing_is_complete() {
    let text = read(&workspace().join("CONTRIBUTING.md"));
    for parent in ["src", "edge", "host-test/src"] {
        for entry in fs::read_dir(workspace().join(parent)).expect("a directory") {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            let is_root = ["lib.rs", "main.rs"].contains(&name.as_str());
            assert!(is_root || text.contains(&format!("({parent}/{name}")), "{parent}/{name}");
        }
    }
}
