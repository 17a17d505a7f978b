//! The layers of the connector: modules import from lower layers only, and vendor-neutral modules do not mention the vendor.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `src/` from the top to the bottom layer.
const LAYERS: [&str; 7] = ["guest", "wasi", "qualtrics", "privacy", "http", "secret", "wit"];

/// Modules that must not mention the vendor.
const VENDOR_NEUTRAL: [&str; 5] = ["wasi", "privacy", "http", "secret", "wit"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../src")
}

/// Every file of `src/`, with its layer.
fn files() -> Vec<(String, PathBuf)> {
    // cargo-component generates this file, and no module uses it.
    let generated = source().join("bindings.rs");
    let mut files = Vec::new();
    let mut pending = vec![source()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && path != generated {
                let relative = path.strip_prefix(source()).expect("a file of src").to_path_buf();
                let first = relative.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
                files.push((first.trim_end_matches(".rs").to_owned(), path));
            }
        }
    }
    files
}

/// The modules that a file imports with `crate::` paths.
fn imports(text: &str) -> Vec<&str> {
    text.split("crate::")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
        .collect()
}

#[test]
fn modules_import_from_lower_layers_only() {
    for (layer, path) in files().into_iter().filter(|(layer, _)| layer != "lib") {
        let own = LAYERS.iter().position(|known| *known == layer).unwrap_or_else(|| panic!("{layer} is not a layer"));
        let text = fs::read_to_string(&path).expect("a file");
        for imported in imports(&text) {
            // `contract` re-exports the part of `wit` that the other layers use.
            let imported = if imported == "contract" { "wit" } else { imported };
            let Some(other) = LAYERS.iter().position(|known| *known == imported) else { continue };
            assert!(other >= own, "{} imports {imported}", path.display());
            // `wasi` implements traits of `http`, and only `guest` may use it.
            assert!(imported != "wasi" || layer == "wasi" || layer == "guest", "{} imports wasi", path.display());
        }
    }
}

/// The modules of `src/qualtrics/`, from the top to the bottom. Those in one group do not import each other.
const QUALTRICS_LAYERS: [&[&str]; 12] = [
    &["connector"],
    &["poll"],
    &["access", "deletion", "opt_out"],
    &["check", "contact_search", "documents", "guard", "in_flight"],
    &["context"],
    &["manifest"],
    &["cache", "error_mapping", "settings"],
    &["findings", "ticket"],
    &["api"],
    &["limits", "scopes"],
    &["rights"],
    &["account_guard"],
];

#[test]
fn modules_of_the_vendor_import_only_those_below_them() {
    let layer_of = |module: &str| QUALTRICS_LAYERS.iter().position(|layer| layer.contains(&module));
    for (_, path) in files().into_iter().filter(|(layer, _)| layer == "qualtrics") {
        let relative = path.strip_prefix(source().join("qualtrics")).expect("a file of the vendor");
        let own = relative.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
        let own = own.trim_end_matches(".rs");
        if own == "mod" || path.ends_with("tests.rs") {
            continue;
        }
        let own_layer = layer_of(own).unwrap_or_else(|| panic!("{own} has no layer"));
        let text = fs::read_to_string(&path).expect("a file");
        let of_crate = text.split("crate::qualtrics::").skip(1);
        let is_child =
            relative.components().count() == 1 || (relative.components().count() == 2 && path.ends_with("mod.rs"));
        let of_parent = text.split("use super::").skip(1).filter(|_| is_child);
        for rest in of_crate.chain(of_parent) {
            let imported = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
            let Some(layer) = layer_of(imported) else { continue };
            assert!(imported == own || layer > own_layer, "{} imports {imported}", path.display());
        }
    }
}

#[test]
fn vendor_neutral_modules_do_not_mention_the_vendor() {
    for (layer, path) in files() {
        if VENDOR_NEUTRAL.contains(&layer.as_str()) {
            let text = fs::read_to_string(&path).expect("a file").to_lowercase();
            assert!(!text.contains("qualtrics"), "{}", path.display());
        }
    }
}

#[test]
fn source_files_have_at_most_400_lines_without_tests() {
    for (_, path) in files() {
        let text = fs::read_to_string(&path).expect("a file");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        assert!(code.lines().count() <= 400, "{} has {} lines without tests", path.display(), code.lines().count());
    }
}
