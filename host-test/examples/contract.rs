//! Generates `docs/contract.md`, the contract as a page, from `wit/connector.wit`.
//!
//!     cargo run --package host-test --example contract

#[path = "../tests/contract/items.rs"]
#[allow(dead_code, reason = "the rest is for tests")]
mod items;
#[path = "../tests/contract/reference.rs"]
mod reference;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::write(workspace.join(reference::FILE), reference::reference(&workspace))?;
    println!("{} is what wit/connector.wit says.", reference::FILE);
    Ok(())
}
