//! The layers of the connector: imports point downwards only, and vendor-neutral modules do not know the vendor.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `src/` from the top to the bottom.
const LAYERS: [&str; 7] = ["guest", "wasi", "qualtrics", "privacy", "http", "secret", "wit"];

/// Imports from a lower to a higher layer, which do not exist. `wasi` implements traits of `http` and is used by `guest` alone.
const VENDOR_NEUTRAL: [&str; 5] = ["wasi", "privacy", "http", "secret", "wit"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../src")
}

/// Every file of `src/`, with the layer that it belongs to.
fn files() -> Vec<(String, PathBuf)> {
    // cargo-component writes this file, and nothing uses it.
    let generated = source().join("bindings.rs");
    let mut files = Vec::new();
    let mut open = vec![source()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && path != generated {
                let relative = path.strip_prefix(source()).expect("a file of src").to_path_buf();
                let first = relative.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
                files.push((first.trim_end_matches(".rs").to_owned(), path));
            }
        }
    }
    files
}

/// The modules of the crate that a file imports from, by absolute path.
fn imports(text: &str) -> Vec<&str> {
    text.split("crate::")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
        .collect()
}

#[test]
fn imports_point_downwards_only() {
    for (layer, path) in files().into_iter().filter(|(layer, _)| layer != "lib") {
        let own = LAYERS.iter().position(|known| *known == layer).unwrap_or_else(|| panic!("{layer} is no layer"));
        let text = fs::read_to_string(&path).expect("a file");
        for imported in imports(&text) {
            // `contract` is the part of `wit` that the other layers use.
            let imported = if imported == "contract" { "wit" } else { imported };
            let Some(other) = LAYERS.iter().position(|known| *known == imported) else { continue };
            assert!(other >= own, "{} imports {imported}", path.display());
            assert!(imported != "wasi" || layer == "wasi" || layer == "guest", "{} imports wasi", path.display());
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
fn unsafe_code_is_allowed_in_wit_alone() {
    for (layer, path) in files() {
        let text = fs::read_to_string(&path).expect("a file");
        assert!(layer == "wit" || !text.contains("allow(unsafe_code"), "{}", path.display());
    }
}

#[test]
fn files_and_functions_stay_short_enough_to_read_at_once() {
    for (_, path) in files() {
        let text = fs::read_to_string(&path).expect("a file");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        assert!(code.lines().count() <= 420, "{} has {} lines without tests", path.display(), code.lines().count());
    }
}
