//! The contract: the components fit it, its released versions never change, and its reference page is up to date.

mod descriptions;
mod fit;
mod items;
mod reference;
mod released;

use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

#[test]
fn the_reference_page_is_up_to_date() {
    let written = std::fs::read_to_string(workspace().join(reference::FILE)).expect("the reference page");
    let generated = reference::reference(&workspace());
    assert!(
        written == generated,
        "{} differs from wit/connector.wit: regenerate it with `cargo run --locked --package host-test --example contract`.",
        reference::FILE,
    );
}

#[test]
fn the_reference_page_contains_every_item_and_every_sentence() {
    let page = reference::reference(&workspace()).replace('\n', " ");
    let contract = std::fs::read_to_string(workspace().join("wit/connector.wit")).expect("the contract");
    let mut lines = 0;
    for line in contract.lines().filter_map(|line| line.trim().strip_prefix("///")) {
        assert!(page.contains(line.trim()), "{line}");
        lines += 1;
    }
    assert!(lines > 140, "{lines}");
    let package = items::Package::read(&workspace().join("wit"));
    let (connector, plugin) = (&package.items()["interface connector"], &package.items()["world plugin"]);
    for item in connector.keys().chain(plugin.keys()) {
        let name = item.split(' ').next_back().expect("a name");
        assert!(page.contains(&format!("`{name}`")), "{item}");
    }
}

#[test]
fn every_function_and_every_type_of_the_contract_is_documented() {
    let package = items::Package::read(&workspace().join("wit"));
    let undocumented = package.undocumented();
    assert!(undocumented.is_empty(), "{undocumented:?}");
}
