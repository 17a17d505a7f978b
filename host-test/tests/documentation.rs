//! Documents refer only to files, headings, tests, options, messages and codes that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A file of the workspace.
fn text(path: &str) -> String {
    read(&workspace().join(path))
}

/// The files below a directory with this extension, except for generated ones.
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

/// The inline code of a document, outside of code blocks.
fn code(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// The lines of code blocks. A line that ends with a backslash continues.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```").skip(1).step_by(2);
    blocks.flat_map(|block| block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The targets of Markdown links.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

/// The anchors of the headings of a document.
fn anchors(text: &str) -> BTreeSet<String> {
    let prose: String = text.split("```").step_by(2).collect();
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|character| character.is_alphanumeric() || "-_".contains(*character)).collect()
    };
    headings.map(anchor).collect()
}

/// The texts between `start` and the next quotation mark.
fn quoted<'t>(text: &'t str, start: &str) -> Vec<&'t str> {
    text.split(start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The cells of the rows of a table, without its head. A row of a table is a line that begins with `|`.
fn rows<'t>(text: &'t str, head: &str) -> Vec<Vec<&'t str>> {
    let (_, table) = text.split_once(head).unwrap_or_else(|| panic!("no table has the head {head}"));
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn every_file_and_heading_that_a_document_names_exists() {
    for document in files(&workspace(), "md") {
        let text = read(&document);
        let directory = document.parent().expect("a directory");
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if target.is_empty() { document.clone() } else { directory.join(target) };
            assert!(target.exists(), "{} links to {link}", document.display());
            let is_document = target.extension().is_some_and(|extension| extension == "md");
            if is_document && !anchor.is_empty() {
                assert!(anchors(&read(&target)).contains(anchor), "{} links to {link}", document.display());
            }
        }
        let roots = ["src/", "edge/", "wit/", "docs/", "host-test/", ".ci/"];
        for path in code(&text).into_iter().filter(|word| roots.iter().any(|root| word.starts_with(root))) {
            assert!(workspace().join(path).exists(), "{} names {path}", document.display());
        }
    }
}

#[test]
fn every_test_that_a_document_names_exists() {
    let sources: Vec<(PathBuf, String)> =
        files(&workspace(), "rs").into_iter().map(|path| (path.clone(), read(&path))).collect();
    let is_name =
        |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let is_sentence = |word: &str| is_name(word) && word.matches('_').count() >= 3;
    let mut named = 0;
    for document in files(&workspace(), "md") {
        let text = read(&document);
        for word in code(&text) {
            let (module, test) = match word.split_once("::") {
                Some((module, test)) if is_name(module) && is_sentence(test) => (Some(module), test),
                None if is_sentence(word) => (None, word),
                _ => continue,
            };
            let definition = format!("fn {test}(");
            let is_defined = sources.iter().any(|(path, source)| {
                let is_module = module.is_none_or(|module| path.file_stem().is_some_and(|stem| stem == module));
                is_module && source.contains(&definition)
            });
            assert!(is_defined, "{} names {word}", document.display());
            named += 1;
        }
    }
    assert!(named > 50, "{named}");
}

#[test]
fn the_module_map_of_contributing_is_complete() {
    let text = text("CONTRIBUTING.md");
    for parent in ["src", "edge", "host-test/src"] {
        for entry in fs::read_dir(workspace().join(parent)).expect("a directory") {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            // cargo-component generates `bindings.rs`, and no module uses it.
            let is_unlisted = ["lib.rs", "main.rs", "bindings.rs"].contains(&name.as_str());
            assert!(is_unlisted || text.contains(&format!("({parent}/{name}")), "{parent}/{name}");
        }
    }
}

#[test]
fn the_index_lists_every_document() {
    let docs = workspace().join("docs");
    let index = read(&docs.join("README.md"));
    let listed: Vec<PathBuf> = links(&index).into_iter().map(|link| docs.join(link)).collect();
    for document in files(&docs, "md").into_iter().filter(|document| *document != docs.join("README.md")) {
        assert!(listed.contains(&document), "{}", document.display());
    }
}

/// The options of a command, as its help lists them.
fn options(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_privacy")).args([command, "--help"]).output().expect("the program");
    assert!(output.status.success(), "privacy {command} --help");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_option_in_a_command_of_a_document_exists() {
    let mut help: BTreeMap<String, String> = BTreeMap::new();
    let mut checked = 0;
    for document in files(&workspace(), "md") {
        for line in commands(&read(&document)) {
            // With `cargo run`, the arguments follow `--`.
            let words = line.split_whitespace().skip_while(|word| !["privacy", "host-test"].contains(word)).skip(1);
            let mut words = words.peekable();
            words.next_if_eq(&"--");
            let is_command = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            let Some(command) = words.next().filter(|word| is_command(word) && !word.starts_with('-')) else {
                continue;
            };
            let known = help.entry(command.to_owned()).or_insert_with(|| options(command));
            let is_end = |word: &&str| !["|", "&", "&&", ";"].contains(word) && !word.starts_with('>');
            for option in words.take_while(is_end).filter(|word| word.starts_with("--") && word.len() > 2) {
                let name = option.split('=').next().unwrap_or_default();
                let is_listed = known.split_whitespace().any(|word| word.trim_end_matches(',') == name);
                assert!(is_listed, "{}: {command} {name}", document.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "{checked}");
}

/// The example in the documentation of `privacy-host` is compiled, and run against the simulator.
#[test]
fn the_rust_program_of_the_readme_is_the_tested_example_of_the_library() {
    let library = text("host-test/host/src/lib.rs");
    let example = library.split("//! ```").nth(1).expect("an example");
    let visible: Vec<_> = example
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let visible: Vec<_> = visible.into_iter().filter(|line| !line.starts_with("# ") && *line != "#").collect();
    let readme = text("README.md");
    let program = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a program");
    assert!(visible.join("\n").contains(program.trim_end()), "{}", visible.join("\n"));
}

#[test]
fn every_message_of_the_troubleshooting_page_exists() {
    let mut sources = String::new();
    for directory in ["src", "edge", "host-test/src", "host-test/host/src", "host-test/component"] {
        let path = workspace().join(directory);
        let paths = if path.is_dir() { files(&path, "rs") } else { vec![path] };
        for path in paths {
            // Join string literals that continue on the next line.
            let mut lines = read(&path).replace("\\\n", "\u{0}");
            while let Some(position) = lines.find("\u{0} ") {
                lines.remove(position + 1);
            }
            sources.push_str(&lines.replace('\u{0}', ""));
        }
    }
    let page = text("docs/troubleshooting.md");
    let mut checked = 0;
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let message = line.split(" | ").next().unwrap_or_default();
        for message in message.split('`').skip(1).step_by(2).filter(|message| message.contains(' ')) {
            assert!(sources.contains(message), "{message}");
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}

#[test]
fn every_code_scope_and_setting_is_described() {
    let is_missing = |page: &str, word: &str| !code(page).contains(&word);
    let page = text("docs/compliance.md");
    for code in quoted(&text("src/qualtrics/manifest.rs"), "        code: \"") {
        assert!(!is_missing(&page, code), "the gap {code}");
    }
    let page = text("docs/outcomes.md");
    for file in ["access/exports", "contact_search/mod", "contact_search/directory"] {
        for code in quoted(&text(&format!("src/qualtrics/{file}.rs")), "    code: \"") {
            assert!(!is_missing(&page, code), "the finding {code}");
        }
    }
    let page = text("docs/qualtrics-setup.md");
    for scope in quoted(&text("src/qualtrics/scopes.rs"), "=> \"") {
        assert!(!is_missing(&page, scope), "the scope {scope}");
    }
    for key in quoted(&text("src/qualtrics/settings.rs"), "        key: \"") {
        assert!(!is_missing(&page, key), "the setting {key}");
    }
}

/// `InvalidSettings` as `invalid-settings`.
fn kebab_case(name: &str) -> String {
    let mut word = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(character.to_ascii_lowercase());
    }
    word
}

#[test]
fn every_kind_and_remedy_of_an_api_error_is_in_the_table_of_errors() {
    let page = text("docs/outcomes.md");
    let listed: BTreeSet<(String, String)> = rows(&page, "| what happened | kind | remedy | problem |")
        .iter()
        .map(|row| (row[1].trim_matches('`').to_owned(), row[2].trim_matches('`').to_owned()))
        .collect();
    let snapshot = text("src/qualtrics/error_mapping/table.txt");
    let mut checked = 0;
    for line in snapshot.lines().filter_map(|line| line.strip_prefix("ErrorKind::")) {
        let (kind, rest) = line.split_once(", Remedy::").expect("a remedy");
        let remedy = rest.split(['(', ',']).next().unwrap_or_default();
        let pair = (kebab_case(kind), kebab_case(remedy));
        assert!(listed.contains(&pair), "{pair:?}");
        checked += 1;
    }
    assert!(checked > 10, "{checked}");
}
