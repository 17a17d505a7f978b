//! What the component is made of: nothing but what is listed here, the same bytes wherever it is built, and a list of it
//! all inside.

#[path = "../build.rs"]
#[allow(dead_code, reason = "the rest is for cargo")]
mod build;

use std::fs;
use std::path::{Path, PathBuf};

use host_test::COMPONENT;

/// Every crate of which there is code in the component. One more is a decision: it runs with the rights of the connector.
const CRATES: [&str; 16] = [
    "base64",
    "block-buffer",
    "cfg-if",
    "crypto-common",
    "digest",
    "generic-array",
    "itoa",
    "memchr",
    "qualtrics-connector",
    "serde",
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

#[test]
fn the_component_says_what_it_is_made_of_and_that_is_all_it_may_be_made_of() {
    let bill = auditable_info::audit_info_from_slice(COMPONENT, 1 << 20).expect("a bill of materials");
    // The default kind is what runs; the others run in the compiler.
    let runtime = bill.packages.iter().filter(|package| package.kind == Default::default());
    assert_eq!(runtime.map(|package| package.name.as_str()).collect::<Vec<_>>(), CRATES);
    let root: Vec<_> = bill.packages.iter().filter(|package| package.root).collect();
    assert_eq!(root.len(), 1);
    assert_eq!(
        (root[0].name.as_str(), root[0].version.to_string()),
        ("qualtrics-connector", env!("CARGO_PKG_VERSION").to_owned())
    );
    // Of these versions, as they are locked.
    let lock = fs::read_to_string(workspace().join("Cargo.lock")).expect("the lock");
    for package in &bill.packages {
        let locked = format!("name = \"{}\"\nversion = \"{}\"\n", package.name, package.version);
        assert!(lock.contains(&locked), "{locked}");
    }
}

#[test]
fn the_component_holds_no_place_of_the_machine_that_built_it() {
    let home = std::env::home_dir();
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".cargo")));
    let places = [Some(workspace()), home, cargo_home, std::env::var_os("OUT_DIR").map(PathBuf::from)];
    let places = places.into_iter().flatten().filter_map(|place| Some(place.to_str()?.to_owned()));
    for place in places.filter(|place| place.len() > 1).chain(["registry/src".to_owned()]) {
        let found = COMPONENT.windows(place.len()).any(|bytes| bytes == place.as_bytes());
        assert!(!found, "{place}");
    }
}

#[test]
fn the_same_source_elsewhere_is_the_same_component_byte_for_byte() {
    let elsewhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("elsewhere").join("in-a-place-with-a-longer-name");
    let _ = fs::remove_dir_all(&elsewhere);
    for place in
        ["Cargo.toml", "Cargo.lock", "clippy.toml", "rust-toolchain.toml", "src", "wit", "host-test/Cargo.toml"]
    {
        copy(&workspace().join(place), &elsewhere.join(place));
    }
    // The other member of the workspace has to be there, and is not built.
    fs::create_dir_all(elsewhere.join("host-test/src")).expect("a directory");
    for file in ["build.rs", "src/lib.rs", "src/main.rs"] {
        fs::write(elsewhere.join("host-test").join(file), "").expect("a file");
    }
    let component = build::component(&elsewhere, &elsewhere.join("target")).expect("a component");
    assert!(component == COMPONENT, "{} bytes, not {}", component.len(), COMPONENT.len());
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("a directory");
        for entry in fs::read_dir(from).expect("a directory") {
            let entry = entry.expect("an entry");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
        fs::copy(from, to).expect("a copy");
    }
}
