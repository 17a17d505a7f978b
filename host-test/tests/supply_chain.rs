//! The crates that the components are built from, and the metadata of the components. `examples/reproducible.rs` shows that builds are
//! reproducible.

#[path = "../component/build/metadata.rs"]
#[allow(dead_code, reason = "the build uses the rest")]
mod metadata;

use std::fs;
use std::path::{Path, PathBuf};

use qualtrics_component::{CONNECTOR, GATEWAY, GUARDED};
use wasm_metadata::Payload;

/// Every crate with code in the component. Each runs with the rights of the connector, so review every addition. `idna` and ICU4X, its
/// tables of Unicode, tell which spellings of an address are the same, and which characters nobody sees.
const CRATES: [&str; 50] = [
    "adler2",
    "base64",
    "block-buffer",
    "cfg-if",
    "crc32fast",
    "crypto-common",
    "deranged",
    "digest",
    "flate2",
    "generic-array",
    "httpdate",
    "icu_collections",
    "icu_locale_core",
    "icu_normalizer",
    "icu_normalizer_data",
    "icu_properties",
    "icu_properties_data",
    "icu_provider",
    "idna",
    "idna_adapter",
    "itoa",
    "litemap",
    "memchr",
    "miniz_oxide",
    "num-conv",
    "percent-encoding",
    "potential_utf",
    "powerfmt",
    "qualtrics-connector",
    "serde",
    "serde_core",
    "serde_json",
    "sha2",
    "simd-adler32",
    "smallvec",
    "stable_deref_trait",
    "time",
    "time-core",
    "tinystr",
    "typenum",
    "utf8_iter",
    "utf_types",
    "wit-bindgen",
    "writeable",
    "yoke",
    "zerofrom",
    "zeroize",
    "zerotrie",
    "zerovec",
    "zmij",
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

/// Every further crate with code in the egress guard.
const CRATES_OF_GUARD: [&str; 1] = ["egress-guard"];

/// Every further crate with code in the gateway.
const CRATES_OF_GATEWAY: [&str; 4] = ["form_urlencoded", "gateway", "privacy-contract", "subtle"];

/// The files that hosts load, with the packages that they are composed of. Each package depends on the next one.
const FILES: [(&[u8], &[&str]); 3] = [
    (CONNECTOR, &["qualtrics-connector"]),
    (GUARDED, &["qualtrics-connector", "egress-guard"]),
    (GATEWAY, &["gateway", "qualtrics-connector", "egress-guard"]),
];

#[test]
fn every_component_is_built_from_the_listed_crates_only_and_contains_their_list() {
    let lock = fs::read_to_string(workspace().join("Cargo.lock")).expect("the lock");
    for (file, packages) in FILES {
        let bill = auditable_info::audit_info_from_slice(file, 1 << 20).expect("a bill of materials");
        let mut crates = CRATES.to_vec();
        crates.extend(CRATES_OF_GUARD.iter().filter(|_| packages.contains(&"egress-guard")));
        crates.extend(CRATES_OF_GATEWAY.iter().filter(|_| packages.contains(&"gateway")));
        crates.sort_unstable();
        // The default kind is runtime. Crates of other kinds run during the build.
        let runtime = bill.packages.iter().filter(|package| package.kind == Default::default());
        assert_eq!(runtime.map(|package| package.name.as_str()).collect::<Vec<_>>(), crates);
        let root: Vec<_> = bill.packages.iter().filter(|package| package.root).collect();
        assert_eq!(root.len(), 1);
        assert_eq!(
            (root[0].name.as_str(), root[0].version.to_string().as_str()),
            (packages[0], env!("CARGO_PKG_VERSION"))
        );
        for pair in packages.windows(2) {
            let index = |name: &str| bill.packages.iter().position(|package| package.name == name).expect("a package");
            assert!(bill.packages[index(pair[0])].dependencies.contains(&index(pair[1])), "{pair:?}");
        }

        for package in &bill.packages {
            let locked = format!("name = \"{}\"\nversion = \"{}\"\n", package.name, package.version);
            assert!(lock.contains(&locked), "{locked}");
        }
    }
}

/// The metadata of a file and of the components in it that have a version, outermost first.
fn versioned_metadata(payload: &Payload) -> Vec<&wasm_metadata::Metadata> {
    let Payload::Component { metadata, children } = payload else { return Vec::new() };
    let own = Some(metadata).filter(|metadata| metadata.version.is_some());
    own.into_iter().chain(children.iter().flat_map(versioned_metadata)).collect()
}

#[test]
fn every_component_has_complete_metadata() {
    let named: [(&[u8], &[&str]); 3] = [
        (CONNECTOR, &["qualtrics-connector"]),
        (GUARDED, &["guarded-qualtrics-connector", "egress-guard", "qualtrics-connector"]),
        (
            GATEWAY,
            &["qualtrics-gateway", "guarded-qualtrics-connector", "egress-guard", "qualtrics-connector", "gateway"],
        ),
    ];
    let manifests = ["Cargo.toml", "edge/egress-guard/Cargo.toml", "edge/gateway/Cargo.toml"]
        .map(|manifest| fs::read_to_string(workspace().join(manifest)).expect("a manifest"));
    for (file, names) in named {
        let payload = Payload::from_binary(file).expect("a component");
        let versioned = versioned_metadata(&payload);
        let found: Vec<_> = versioned.iter().filter_map(|metadata| metadata.name.as_deref()).collect();
        assert_eq!(found, names);
        for metadata in versioned {
            let name = metadata.name.as_deref().expect("a name");
            let text = |part: &dyn ToString| part.to_string();
            assert_eq!(
                metadata.version.as_ref().map(|it| text(it)).as_deref(),
                Some(env!("CARGO_PKG_VERSION")),
                "{name}"
            );
            assert_eq!(
                metadata.licenses.as_ref().map(|it| text(it)).as_deref(),
                Some(env!("CARGO_PKG_LICENSE")),
                "{name}"
            );
            assert_eq!(
                metadata.authors.as_ref().map(|it| text(it)).as_deref(),
                Some(env!("CARGO_PKG_AUTHORS")),
                "{name}"
            );
            let description = metadata.description.as_ref().map(|it| text(it)).expect("a description");
            let is_of_a_package = manifests
                .iter()
                .any(|manifest| manifest.contains(&format!("name = \"{name}\"\ndescription = \"{description}\"\n")));
            let is_of_a_composition = name == "qualtrics-gateway" || name == "guarded-qualtrics-connector";
            assert!(is_of_a_package != is_of_a_composition && description.len() > 40, "{name}: {description}");
            // Source and revision are present only if the build environment sets them.
            assert_eq!(
                metadata.revision.as_ref().map(|it| text(it)).as_deref(),
                option_env!("SOURCE_REVISION"),
                "{name}"
            );
            assert_eq!(metadata.source.as_ref().map(|it| text(it)).as_deref(), option_env!("SOURCE_URL"), "{name}");
        }
    }
}

#[test]
fn a_release_names_its_source_and_revision() {
    let release = metadata::Metadata {
        name: "a-component".to_owned(),
        description: "Does one thing".to_owned(),
        version: "1.2.3".to_owned(),
        authors: "Somebody".to_owned(),
        licence: "MIT OR Apache-2.0".to_owned(),
        source: Some("https://example.org/source".to_owned()),
        revision: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
    };
    let file = release.attach(b"\0asm\x0d\0\x01\0").expect("a component");
    assert_eq!(file, release.attach(b"\0asm\x0d\0\x01\0").expect("the same"));
    let payload = Payload::from_binary(&file).expect("a component");
    let metadata = payload.metadata();
    assert_eq!(metadata.source.as_ref().map(ToString::to_string), release.source);
    assert_eq!(metadata.revision.as_ref().map(ToString::to_string), release.revision);

    let unlicensed = metadata::Metadata { licence: "as you like it".to_owned(), ..release.clone() };
    assert!(unlicensed.attach(&file).is_err());
    let without_url = metadata::Metadata { source: Some("somewhere".to_owned()), ..release };
    assert!(without_url.attach(&file).is_err());
}

#[test]
fn no_component_contains_a_path_of_the_build_machine() {
    let home = std::env::home_dir();
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".cargo")));
    let paths = [Some(workspace()), home, cargo_home, std::env::var_os("OUT_DIR").map(PathBuf::from)];
    let paths = paths.into_iter().flatten().filter_map(|path| Some(path.to_str()?.to_owned()));
    for path in paths.filter(|path| path.len() > 1).chain(["registry/src".to_owned()]) {
        for (file, packages) in FILES {
            let found = file.windows(path.len()).any(|bytes| bytes == path.as_bytes());
            assert!(!found, "{path} in {packages:?}");
        }
    }
}

/// The files that may contain unsafe code: generated bindings, the host's function that sets a compiler flag, and those that load code
/// that it compiled itself.
const UNSAFE: [&str; 6] = [
    "edge/egress-guard/src/component/bindings.rs",
    "edge/gateway/src/component/bindings.rs",
    "host-test/host/src/code_cache.rs",
    "host-test/host/src/compiler.rs",
    "host-test/host/src/precompiled.rs",
    "src/wit.rs",
];

#[test]
fn unsafe_code_is_denied_except_in_the_listed_files() {
    let workspace = workspace();
    for manifest in ["Cargo.toml", "host-test/fuzz/Cargo.toml"] {
        let text = fs::read_to_string(workspace.join(manifest)).expect("a manifest");
        assert!(text.contains("unsafe_code = \"deny\""), "{manifest}");
    }
    let own = "[lints.rust]\nunsafe_code = \"deny\"";
    let packages = [
        ".",
        "edge/contract",
        "edge/egress-guard",
        "edge/gateway",
        "host-test",
        "host-test/benches",
        "host-test/clock",
        "host-test/component",
        "host-test/host",
        "host-test/simulator",
        "host-test/vectors",
    ];
    for package in packages {
        let manifest = format!("{package}/Cargo.toml");
        let text = fs::read_to_string(workspace.join(&manifest)).expect("a manifest");
        assert!(text.contains(own) || text.contains("[lints]\nworkspace = true"), "{manifest}");
    }
    let mut allowing = Vec::new();
    for directory in ["src", "edge", "host-test"] {
        visit_sources(&workspace.join(directory), &mut |path, text| {
            let mut attributes = text.lines().map(str::trim).filter(|line| line.starts_with('#'));
            if attributes.any(|line| line.contains("unsafe_code")) {
                allowing.push(path.strip_prefix(&workspace).expect("within it").to_str().expect("text").to_owned());
            }
        });
    }
    allowing.sort();
    assert_eq!(allowing, UNSAFE);
}

/// Visits every Rust source file below a directory, except for generated ones.
fn visit_sources(directory: &Path, visit: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            let generated = ["target", "node_modules", ".venv", "corpus", "artifacts"];
            if !generated.iter().any(|name| path.ends_with(name)) {
                visit_sources(&path, visit);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            visit(&path, &fs::read_to_string(&path).expect("text"));
        }
    }
}
