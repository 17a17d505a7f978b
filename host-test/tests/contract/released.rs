//! Released versions of the contract. `wit/released/VERSION` contains the contract of a release and its WASI dependencies, and never
//! changes. Within a 0.N series, interfaces and worlds do not change, so that every host is compatible with every connector. Additions are
//! new interfaces in new worlds. There is no release yet, so the directory does not exist.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::items::{Items, Package};
use crate::workspace;

/// Each release, and the SHA-256 of the paths and contents of its files, in the order of the paths. A release adds a line; existing lines
/// never change.
const DIGESTS: [(&str, &str); 0] = [];

/// The current contract.
fn current() -> Package {
    Package::read(&workspace().join("wit"))
}

fn released() -> PathBuf {
    workspace().join("wit/released")
}

/// All files below a directory, in the order of their paths.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn digest(directory: &Path) -> String {
    let mut digest = Sha256::new();
    for file in files(directory) {
        let name = file.strip_prefix(directory).expect("a file within").to_str().expect("text").replace('\\', "/");
        digest.update(name);
        digest.update(fs::read(file).expect("a file"));
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The part of a version that identifies a compatible series: `0.2` of `0.2.1`, `1` of `1.4.0`.
fn compatibility_track(version: &str) -> &str {
    let major = version.split('.').next().expect("a version");
    match major {
        "0" => version.rsplit_once('.').expect("a version").0,
        major => major,
    }
}

/// A line for each item that changed, disappeared or was added.
fn changes(released: &BTreeMap<String, Items>, current: &BTreeMap<String, Items>) -> Vec<String> {
    let nothing = Items::new();
    let mut changes = Vec::new();
    for (owner, items) in released {
        let current = current.get(owner).unwrap_or(&nothing);
        for (item, definition) in items {
            match current.get(item) {
                Some(current) if current == definition => {}
                Some(current) => changes.push(format!("{owner}: {item} was {definition}, and is {current}")),
                None => changes.push(format!("{owner}: {item} is missing")),
            }
        }
        for item in current.keys().filter(|item| !items.contains_key(*item)) {
            changes.push(format!("{owner}: {item} is new"));
        }
    }
    changes
}

#[test]
fn released_contracts_never_change() {
    let mut versions: Vec<String> = match fs::read_dir(released()) {
        Ok(entries) => {
            entries.map(|entry| entry.expect("a release").file_name().into_string().expect("a version")).collect()
        }
        Err(_) => Vec::new(),
    };
    versions.sort();
    assert_eq!(versions, DIGESTS.map(|(version, _)| version));
    for (version, expected) in DIGESTS {
        let directory = released().join(version);
        assert_eq!(Package::read(&directory).version(), version);
        assert_eq!(digest(&directory), expected, "{version}");
    }
}

#[test]
fn released_interfaces_and_worlds_do_not_change_within_a_series() {
    let current = current();
    for (version, _) in DIGESTS {
        if compatibility_track(version) == compatibility_track(&current.version()) {
            let changes = changes(&Package::read(&released().join(version)).items(), &current.items());
            assert!(changes.is_empty(), "{version} has changed:\n{}", changes.join("\n"));
        }
    }
}

#[test]
fn the_changelog_has_a_section_for_every_release_and_for_this_version() {
    let changelog = fs::read_to_string(workspace().join("CHANGELOG.md")).expect("a changelog");
    for version in DIGESTS.iter().map(|(version, _)| *version).chain([env!("CARGO_PKG_VERSION")]) {
        assert!(changelog.lines().any(|line| line.starts_with(&format!("## {version}"))), "{version}");
    }
}

#[test]
fn versions_of_one_series_are_compatible() {
    assert_eq!(compatibility_track("0.2.0"), compatibility_track("0.2.7"));
    assert_ne!(compatibility_track("0.2.0"), compatibility_track("0.3.0"));
    assert_eq!(compatibility_track("1.2.0"), compatibility_track("1.3.0"));
}

fn contract() -> String {
    fs::read_to_string(workspace().join("wit/connector.wit")).expect("the contract")
}

/// The contract with one change.
fn changed(from: &str, to: &str) -> Package {
    let contract = contract();
    assert_eq!(contract.matches(from).count(), 1, "{from}");
    Package::of(&contract.replace(from, to), &workspace().join("wit/deps"))
}

#[test]
fn every_change_of_the_interface_or_the_world_is_detected() {
    let original = current().items();
    for (from, to, expected) in [
        ("    percent: option<u8>,", "    percent: option<u16>,", "interface connector: type pending was record"),
        (
            "    operation: string,\n",
            "    operation: string,\n    kind: string,\n",
            "interface connector: type vendor-job was record",
        ),
        (
            "    name: string,\n    /// Rights that fail without it.\n    required-for: list<right>,\n",
            "    /// Rights that fail without it.\n    required-for: list<right>,\n    name: string,\n",
            "interface connector: type permission was record",
        ),
        ("    give-up,\n", "    give-up,\n    wait,\n", "interface connector: type remedy was variant"),
        (
            "enum right { access, deletion, opt-out }",
            "enum right { deletion, access, opt-out }",
            "interface connector: type right was enum",
        ),
        ("    retry(u64),", "    retry(u32),", "interface connector: type remedy was variant"),
        (
            "check: func(rights: list<right>)",
            "check: func(only: list<right>)",
            "interface connector: function check was func",
        ),
        ("limit: u32) -> result<chunk, error>", "limit: u32) -> chunk", "interface connector: function read was func"),
        ("  describe: func()", "  again: func();\n  describe: func()", "interface connector: function again is new"),
        (
            "  poll: func(tasks: list<task>) -> list<result<progress, error>>;\n",
            "",
            "interface connector: function poll is missing",
        ),
        (
            "  import wasi:clocks/wall-clock@0.2.0;\n",
            "",
            "world plugin: import wasi:clocks/wall-clock@0.2.0 is missing",
        ),
        ("  export connector;\n", "", "world plugin: export connector is missing"),
        ("world plugin {\n", "world plugin {\n  export more: func();\n", "world plugin: export more is new"),
    ] {
        let changes = changes(&original, &changed(from, to).items());
        assert!(changes.iter().any(|line| line.starts_with(expected)), "{from:?}: {changes:?}");
    }
}

#[test]
fn a_change_of_an_imported_interface_is_detected() {
    let scratch = std::env::temp_dir().join(format!("changed-wasi-{}", std::process::id()));
    for package in ["io", "clocks", "http"] {
        fs::create_dir_all(scratch.join(package)).expect("a directory");
        for file in files(&workspace().join("wit/deps").join(package)) {
            let text = fs::read_to_string(&file).expect("WIT");
            let text = text.replace("now: func() -> datetime;", "now: func() -> datetime;\n  zone: func() -> string;");
            fs::write(scratch.join(package).join(file.file_name().expect("a name")), text).expect("a copy");
        }
    }
    let changed = Package::of(&contract(), &scratch);
    fs::remove_dir_all(&scratch).expect("the copy can be removed");
    let changes = changes(&current().items(), &changed.items());
    assert_eq!(changes, ["interface wasi:clocks/wall-clock@0.2.0: function zone is new"]);
}

#[test]
fn documentation_order_and_new_interfaces_in_new_worlds_may_change() {
    let original = current().items();
    let addition = "
        interface schedule { use connector.{request}; at: func(request: request) -> u64; }
        world scheduled-plugin { include plugin; export schedule; }
        world plugin {";
    for package in [
        changed("  /// Starts access requests.", "  /// Starts to search for data."),
        changed("package privacy:connector@0.2.0;", "package privacy:connector@0.2.1;"),
        changed("\nworld plugin {", addition),
        reordered("  enum right { access, deletion, opt-out }\n"),
    ] {
        assert_eq!(changes(&original, &package.items()), Vec::<String>::new());
    }
}

/// The contract with this item moved to the end of its interface.
fn reordered(item: &str) -> Package {
    let contract = contract();
    let end = "  read: func(reference: string, offset: u64, limit: u32) -> result<chunk, error>;\n";
    assert_eq!((contract.matches(item).count(), contract.matches(end).count()), (1, 1));
    let reordered = contract.replace(item, "").replace(end, &[end, item].concat());
    Package::of(&reordered, &workspace().join("wit/deps"))
}
