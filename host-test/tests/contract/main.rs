//! The contract: that the components fulfil it, that nothing of a released version ever changes, and its reference for
//! readers.

mod fit;
mod items;
mod layout;
mod reference;
mod released;

use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

#[test]
fn the_reference_says_what_the_contract_does() {
    let written = std::fs::read_to_string(workspace().join(reference::FILE)).expect("the reference");
    let said = reference::reference(&workspace());
    assert!(
        written == said,
        "{} is not what wit/connector.wit says: `cargo run --locked --package host-test --example contract` writes it anew.",
        reference::FILE,
    );
}

#[test]
fn the_reference_has_every_item_and_every_sentence() {
    let said = reference::reference(&workspace()).replace('\n', " ");
    let contract = std::fs::read_to_string(workspace().join("wit/connector.wit")).expect("the contract");
    let mut sentences = 0;
    for line in contract.lines().filter_map(|line| line.trim().strip_prefix("///")) {
        assert!(said.contains(line.trim()), "{line}");
        sentences += 1;
    }
    assert!(sentences > 140, "{sentences}");
    let package = items::Package::read(&workspace().join("wit"));
    let (connector, plugin) = (&package.items()["interface connector"], &package.items()["world plugin"]);
    for item in connector.keys().chain(plugin.keys()) {
        let name = item.split(' ').next_back().expect("a name");
        assert!(said.contains(&format!("`{name}`")), "{item}");
    }
}
