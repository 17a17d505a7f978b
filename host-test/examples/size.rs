//! Prints what the bytes of the connector are: the table of `docs/performance/size.md`.
//!
//! Builds the same code once more with the names of its functions, and adds up their lengths. What the compiler moved into
//! its caller counts as the caller's: much of what a call does lies in the export of that call.
//!
//!     cargo run --package host-test --example size

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};

use host_test::COMPONENT;
use wasmparser::{KnownCustom, Name, Parser, Payload};

/// A core module: how long each function is, and each part that holds no functions.
#[derive(Default)]
struct Module {
    functions: Vec<usize>,
    imported: u32,
    names: BTreeMap<u32, String>,
    data: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let scratch = std::env::temp_dir().join(format!("connector-with-names-{}", std::process::id()));
    fs::create_dir(&scratch)?;
    let named = with_names(&scratch);
    fs::remove_dir_all(&scratch)?;
    let named = named?;
    let named = module(&named[core_module(&named)?])?;
    let inner = &COMPONENT[core_module(COMPONENT)?];
    let shipped = module(inner)?;
    // In another order, so that some of the numbers by which they call each other are a byte longer or shorter.
    if named.functions.len() != shipped.functions.len() {
        let [with, without] = [named, shipped].map(|module| module.functions.len());
        return Err(format!("With names there are {with} functions, and {without} without.").into());
    }

    let mut rows: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (index, bytes) in (named.imported..).zip(&named.functions) {
        let name = named.names.get(&index).ok_or("A function has no name.")?;
        let row = rows.entry(part(&rustc_demangle::demangle(name).to_string())).or_default();
        *row = (row.0 + bytes, row.1 + 1);
    }
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(_, (bytes, _))| std::cmp::Reverse(*bytes));

    println!("| bytes | functions | |\n|---:|---:|---|");
    for (part, (bytes, functions)) in rows {
        println!("| {bytes} | {functions} | {part} |");
    }
    let bodies: usize = named.functions.iter().sum();
    println!("| {} | | texts, tables and other data |", shipped.data);
    println!("| {} | | the module around them: types, imports, exports |", inner.len() - bodies - shipped.data);
    println!(
        "| {} | | the component around the module: the contract's types, bill of materials |",
        COMPONENT.len() - inner.len()
    );
    println!("| **{}** | **{}** | **all** |", COMPONENT.len(), shipped.functions.len());
    Ok(())
}

/// The connector, whose functions keep their names, built in a scratch directory.
fn with_names(scratch: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let built = Command::new(env!("COMPONENT_BUILDER"))
        .env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"))
        .env("OUT_DIR", scratch)
        .env("RUSTC", "rustc")
        .env("KEEP_NAMES", "1")
        .stdout(Stdio::null())
        .status()?;
    if built.success() {
        Ok(fs::read(scratch.join("qualtrics.wasm"))?)
    } else {
        Err("The connector is not built with names: see above.".into())
    }
}

/// The part of the program that a function belongs to: a module of the connector's, or a crate.
fn part(name: &str) -> String {
    if name.starts_with("privacy:connector") || name.starts_with("cabi_post") {
        return "exports: what a call holds is read, served and written".to_owned();
    }
    // `<A as B>::f` belongs to `A`; generic code to the crate that it was written in.
    let path = name.trim_start_matches(['<', '&', '[', '*']).trim_start_matches("mut ").trim_start_matches("const ");
    let words: Vec<&str> = path.split("::").collect();
    match words.as_slice() {
        ["qualtrics_connector", place @ ("component" | "connector" | "qualtrics" | "http"), module, ..] => {
            format!("`{place}::{module}`")
        }
        ["qualtrics_connector", module, ..] => format!("`{module}`"),
        [library, _, ..] if library.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') => {
            format!("library `{library}`")
        }
        _ => "other generic code".to_owned(),
    }
}

/// Where the connector's own module lies in its component: it is the first.
fn core_module(component: &[u8]) -> Result<Range<usize>, Box<dyn Error>> {
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::ModuleSection { unchecked_range, .. } = payload? {
            return Ok(unchecked_range);
        }
    }
    Err("The component holds no module.".into())
}

fn module(bytes: &[u8]) -> Result<Module, Box<dyn Error>> {
    let mut module = Module::default();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ImportSection(imports) => module.imported = u32::try_from(imports.into_imports().count())?,
            Payload::CodeSectionEntry(body) => module.functions.push(body.range().len()),
            Payload::DataSection(data) => module.data = data.range().len(),
            Payload::CustomSection(custom) => {
                let KnownCustom::Name(names) = custom.as_known() else { continue };
                for name in names {
                    let Name::Function(names) = name? else { continue };
                    for naming in names {
                        let naming = naming?;
                        module.names.insert(naming.index, naming.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(module)
}
