//! What was released once. `wit/released/` holds the contract of each release, with the WASI that it was written
//! against, and nothing in there is ever touched again. Within a 0.N no interface and no world changes, so that every
//! host fits every connector of it; what comes is a new interface in a new world.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::items::{Items, Package};
use crate::workspace;

/// Each release, and the SHA-256 of all its files, one behind the other in the order of their paths, each behind its path. A new
/// release gets a new line; no line ever changes.
const SEALS: [(&str, &str); 1] = [("0.1.0", "d13623af074d79074209ce2fefdde06742b381d731e6d6b0b7f0aca6fe8b8141")];

/// The current contract.
fn current() -> Package {
    Package::read(&workspace().join("wit"))
}

fn released(version: &str) -> PathBuf {
    workspace().join("wit/released").join(version)
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

fn seal(directory: &Path) -> String {
    let mut seal = Sha256::new();
    for file in files(directory) {
        let name = file.strip_prefix(directory).expect("a file within").to_str().expect("text").replace('\\', "/");
        seal.update(name);
        seal.update(fs::read(file).expect("a file"));
    }
    seal.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The part of a version within which everything fits everything.
fn track(version: &str) -> &str {
    let major = version.split('.').next().expect("a version");
    match major {
        "0" => version.rsplit_once('.').expect("a version").0,
        major => major,
    }
}

/// What became of what was promised: nothing, or a line for each item.
fn broken(promised: &BTreeMap<String, Items>, now: &BTreeMap<String, Items>) -> Vec<String> {
    let nothing = Items::new();
    let mut broken = Vec::new();
    for (place, items) in promised {
        let now = now.get(place).unwrap_or(&nothing);
        for (item, what) in items {
            match now.get(item) {
                Some(now) if now == what => {}
                Some(now) => broken.push(format!("{place}: {item} was {what}, and is {now}")),
                None => broken.push(format!("{place}: {item} is gone")),
            }
        }
        for item in now.keys().filter(|item| !items.contains_key(*item)) {
            broken.push(format!("{place}: {item} is new"));
        }
    }
    broken
}

#[test]
fn what_was_released_is_never_touched_again() {
    let mut versions: Vec<_> = fs::read_dir(workspace().join("wit/released"))
        .expect("the releases")
        .map(|entry| entry.expect("a release").file_name().into_string().expect("a version"))
        .collect();
    versions.sort();
    assert_eq!(versions, SEALS.map(|(version, _)| version));
    for (version, expected) in SEALS {
        assert_eq!(Package::read(&released(version)).version(), version);
        assert_eq!(seal(&released(version)), expected, "{version}");
    }
}

#[test]
fn no_interface_and_no_world_of_a_release_changes_within_its_0_n() {
    let current = current();
    let of_this_track = SEALS.iter().filter(|(version, _)| track(version) == track(&current.version()));
    for (version, _) in of_this_track {
        let broken = broken(&Package::read(&released(version)).items(), &current.items());
        assert!(broken.is_empty(), "{version} is broken:\n{}", broken.join("\n"));
    }
}

#[test]
fn the_changelog_tells_of_every_release_and_of_this_version() {
    let changelog = fs::read_to_string(workspace().join("CHANGELOG.md")).expect("a changelog");
    for version in SEALS.iter().map(|(version, _)| *version).chain([env!("CARGO_PKG_VERSION")]) {
        assert!(changelog.lines().any(|line| line.starts_with(&format!("## {version}"))), "{version}");
    }
}

/// A contract and its WASI, to be changed in one place.
fn changed(from: &str, to: &str) -> Package {
    let contract = fs::read_to_string(released("0.1.0").join("connector.wit")).expect("the contract");
    assert_eq!(contract.matches(from).count(), 1, "{from}");
    Package::of(&contract.replace(from, to), &released("0.1.0").join("deps"))
}

#[test]
fn every_change_of_what_was_promised_is_noticed() {
    let promised = Package::read(&released("0.1.0")).items();
    for (from, to, noticed) in [
        ("    whole-record: bool,\n", "", "interface connector: type capability was record"),
        (
            "    methods: list<string>,\n    path-prefix: string,",
            "    path-prefix: string,\n    methods: list<string>,",
            "interface connector: type rate-limit was record",
        ),
        ("    percent: option<u8>,", "    percent: option<u16>,", "interface connector: type pending was record"),
        (
            "    last: bool,\n",
            "    last: bool,\n    etag: option<string>,\n",
            "interface connector: type chunk was record",
        ),
        ("    give-up,\n", "    give-up,\n    wait,\n", "interface connector: type remedy was variant"),
        (
            "enum right { access, deletion }",
            "enum right { deletion, access }",
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
            "interface connector: function poll is gone",
        ),
        ("  import wasi:clocks/wall-clock@0.2.0;\n", "", "world plugin: import wasi:clocks/wall-clock@0.2.0 is gone"),
        ("  export connector;\n", "", "world plugin: export connector is gone"),
        ("world plugin {\n", "world plugin {\n  export more: func();\n", "world plugin: export more is new"),
    ] {
        let broken = broken(&promised, &changed(from, to).items());
        assert!(broken.iter().any(|line| line.starts_with(noticed)), "{from:?}: {broken:?}");
    }
}

#[test]
fn a_change_of_what_is_imported_is_noticed() {
    let contract = fs::read_to_string(released("0.1.0").join("connector.wit")).expect("the contract");
    let scratch = std::env::temp_dir().join(format!("another-wasi-{}", std::process::id()));
    for package in ["io", "clocks", "http"] {
        fs::create_dir_all(scratch.join(package)).expect("a directory");
        for file in files(&released("0.1.0").join("deps").join(package)) {
            let text = fs::read_to_string(&file).expect("WIT");
            let text = text.replace("now: func() -> datetime;", "now: func() -> datetime;\n  zone: func() -> string;");
            fs::write(scratch.join(package).join(file.file_name().expect("a name")), text).expect("a copy");
        }
    }
    let changed = Package::of(&contract, &scratch);
    fs::remove_dir_all(&scratch).expect("the copy is gone");
    let promised = Package::read(&released("0.1.0")).items();
    assert_eq!(broken(&promised, &changed.items()), ["interface wasi:clocks/wall-clock@0.2.0: function zone is new"]);
}

#[test]
fn better_words_another_order_and_new_interfaces_in_new_worlds_break_nothing() {
    let promised = Package::read(&released("0.1.0")).items();
    let addition = "
        interface schedule { use connector.{request}; at: func(request: request) -> u64; }
        world scheduled-plugin { include plugin; export schedule; }
        world plugin {";
    for package in [
        changed("  /// Begins an access request.", "  /// Begins to find what there is."),
        changed("package privacy:connector@0.1.0;", "package privacy:connector@0.1.1;"),
        changed("\nworld plugin {", addition),
        reordered("  enum right { access, deletion }\n"),
    ] {
        assert_eq!(broken(&promised, &package.items()), Vec::<String>::new());
    }
}

/// The contract, with this item at the end of its interface.
fn reordered(item: &str) -> Package {
    let contract = fs::read_to_string(released("0.1.0").join("connector.wit")).expect("the contract");
    let end = "  read: func(reference: string, offset: u64, limit: u32) -> result<chunk, error>;\n";
    assert_eq!((contract.matches(item).count(), contract.matches(end).count()), (1, 1));
    Package::of(&contract.replace(item, "").replace(end, &[end, item].concat()), &released("0.1.0").join("deps"))
}
