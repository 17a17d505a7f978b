//! What the components are made of: nothing but what is listed here, with a list of it all inside. That it is the same bytes
//! wherever it is built takes a build to show: see `examples/reproducible.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use host_test::{COMPONENT, GATEWAY, GUARDED};

/// Every crate of which there is code in the component. One more is a decision: it runs with the rights of the connector.
const CRATES: [&str; 15] = [
    "base64ct",
    "block-buffer",
    "cfg-if",
    "crypto-common",
    "digest",
    "generic-array",
    "itoa",
    "memchr",
    "qualtrics-connector",
    "serde_core",
    "serde_json",
    "sha2",
    "typenum",
    "wit-bindgen",
    "zmij",
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

/// Every further crate of which there is code in the egress guard.
const CRATES_OF_GUARD: [&str; 1] = ["egress-guard"];

/// Every further crate of which there is code in the gateway.
const CRATES_OF_GATEWAY: [&str; 5] = ["form_urlencoded", "gateway", "percent-encoding", "serde", "subtle"];

/// A file that hosts load, and the packages that it is composed of, each after the one that needs it.
const FILES: [(&[u8], &[&str]); 3] = [
    (COMPONENT, &["qualtrics-connector"]),
    (GUARDED, &["qualtrics-connector", "egress-guard"]),
    (GATEWAY, &["gateway", "qualtrics-connector", "egress-guard"]),
];

#[test]
fn every_component_says_what_it_is_made_of_and_that_is_all_it_may_be_made_of() {
    let lock = fs::read_to_string(workspace().join("Cargo.lock")).expect("the lock");
    for (file, packages) in FILES {
        let bill = auditable_info::audit_info_from_slice(file, 1 << 20).expect("a bill of materials");
        let mut crates = CRATES.to_vec();
        crates.extend(CRATES_OF_GUARD.iter().filter(|_| packages.contains(&"egress-guard")));
        crates.extend(CRATES_OF_GATEWAY.iter().filter(|_| packages.contains(&"gateway")));
        crates.sort_unstable();
        // The default kind is what runs; the others run in the compiler.
        let runtime = bill.packages.iter().filter(|package| package.kind == Default::default());
        assert_eq!(runtime.map(|package| package.name.as_str()).collect::<Vec<_>>(), crates);
        let root: Vec<_> = bill.packages.iter().filter(|package| package.root).collect();
        assert_eq!(root.len(), 1);
        assert_eq!(
            (root[0].name.as_str(), root[0].version.to_string().as_str()),
            (packages[0], env!("CARGO_PKG_VERSION"))
        );
        for needing in packages.windows(2) {
            let place = |name: &str| bill.packages.iter().position(|package| package.name == name).expect("a package");
            assert!(bill.packages[place(needing[0])].dependencies.contains(&place(needing[1])), "{needing:?}");
        }
        // Of these versions, as they are locked.
        for package in &bill.packages {
            let locked = format!("name = \"{}\"\nversion = \"{}\"\n", package.name, package.version);
            assert!(lock.contains(&locked), "{locked}");
        }
    }
}

#[test]
fn no_component_holds_a_place_of_the_machine_that_built_it() {
    let home = std::env::home_dir();
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".cargo")));
    let places = [Some(workspace()), home, cargo_home, std::env::var_os("OUT_DIR").map(PathBuf::from)];
    let places = places.into_iter().flatten().filter_map(|place| Some(place.to_str()?.to_owned()));
    for place in places.filter(|place| place.len() > 1).chain(["registry/src".to_owned()]) {
        for (file, packages) in FILES {
            let found = file.windows(place.len()).any(|bytes| bytes == place.as_bytes());
            assert!(!found, "{place} in {packages:?}");
        }
    }
}

/// Where unsafe code may be: what is generated from the contract, and the host's one function that loads code which it
/// compiled itself.
const UNSAFE: [&str; 5] = [
    "edge/egress-guard/src/component/bindings.rs",
    "edge/gateway/src/component/bindings.rs",
    "host-test/src/host/bindings.rs",
    "host-test/src/host/precompiled.rs",
    "src/component/bindings.rs",
];

#[test]
fn unsafe_code_is_denied_but_in_generated_bindings_and_where_the_host_loads_its_own_code() {
    let workspace = workspace();
    for manifest in ["Cargo.toml", "host-test/fuzz/Cargo.toml"] {
        let text = fs::read_to_string(workspace.join(manifest)).expect("a manifest");
        assert!(text.contains("unsafe_code = \"deny\""), "{manifest}");
    }
    let own = "[lints.rust]\nunsafe_code = \"deny\"";
    for manifest in ["Cargo.toml", "edge/egress-guard/Cargo.toml", "edge/gateway/Cargo.toml", "host-test/Cargo.toml"] {
        let text = fs::read_to_string(workspace.join(manifest)).expect("a manifest");
        assert!(text.contains(own) || text.contains("[lints]\nworkspace = true"), "{manifest}");
    }
    let mut allowing = Vec::new();
    for place in ["src", "edge", "host-test"] {
        each_source(&workspace.join(place), &mut |path, text| {
            let mut attributes = text.lines().map(str::trim).filter(|line| line.starts_with('#'));
            if attributes.any(|line| line.contains("unsafe_code")) {
                allowing.push(path.strip_prefix(&workspace).expect("within it").to_str().expect("text").to_owned());
            }
        });
    }
    allowing.sort();
    assert_eq!(allowing, UNSAFE);
}

#[test]
fn every_test_that_the_security_notes_name_is_there() {
    let notes = fs::read_to_string(workspace().join("SECURITY.md")).expect("the notes");
    let mut source = String::new();
    for place in ["src", "edge", "host-test/src", "host-test/tests"] {
        each_source(&workspace().join(place), &mut |_, text| source.push_str(text));
    }
    let named: Vec<&str> = notes
        .split('`')
        .filter(|word| word.contains('_') && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .collect();
    assert!(named.len() > 30, "{named:?}");
    for name in named {
        assert!(source.contains(&format!("fn {name}(")), "{name}");
    }
}

/// All the Rust below a directory that is ours.
fn each_source(place: &Path, look: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(place).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            let made = ["target", "node_modules", ".venv", "corpus", "artifacts"];
            if !made.iter().any(|name| path.ends_with(name)) {
                each_source(&path, look);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            look(&path, &fs::read_to_string(&path).expect("text"));
        }
    }
}
