//! Generates `docs/output.schema.json`, the schema of the output of the command line.
//!
//!     cargo run --package host-test --example output_schema

#[path = "../tests/command/output_schema.rs"]
mod output_schema;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::write(workspace.join(output_schema::FILE), output_schema::text(&workspace))
}
