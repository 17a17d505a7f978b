//! The bill of materials of a file: name, version and source of every crate in it.
//!
//! The format is that of `cargo auditable`: zlib-compressed JSON in the custom section `.dep-v0`. Vulnerability scanners read it
//! from the deployed file.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::Command;

use super::sections;

/// A crate that `cargo tree` lists, and its dependencies.
#[derive(Default)]
struct Part {
    /// Whether it runs in the component, and not only in the compiler.
    runtime: bool,
    local: bool,
    dependencies: Vec<Key>,
}

/// Name and version.
type Key = (String, String);

/// The file with the bill of materials of these packages. The first is the root; in a composed file, each depends on the next.
///
/// # Errors
/// `cargo tree` fails.
pub fn attach(component: &[u8], workspace: &Path, packages: &[&str], target: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut parts = BTreeMap::new();
    let mut dependency = None;
    for package in packages.iter().rev() {
        let key = add(&mut parts, workspace, package, target)?;
        if let (Some(needed), Some(part)) = (dependency, parts.get_mut(&key)) {
            part.dependencies.push(needed);
        }
        dependency = Some(key);
    }
    let bill = json(&parts, dependency.as_ref());
    let (head, rest) = component.split_at_checked(8).ok_or("The component has no header.")?;
    let mut section = Vec::new();
    sections::put(&mut section, b".dep-v0")?;
    section.extend(miniz_oxide::deflate::compress_to_vec_zlib(bill.as_bytes(), 9));
    // First, because some readers stop at the end of the first module.
    let mut with_bill = head.to_vec();
    sections::section(&mut with_bill, 0, &section)?;
    with_bill.extend(rest);
    Ok(with_bill)
}

/// Adds every crate that the package depends on for this target, and returns the package's own key.
fn add(parts: &mut BTreeMap<Key, Part>, workspace: &Path, package: &str, target: &str) -> Result<Key, Box<dyn Error>> {
    let tree = Command::new(std::env::var_os("CARGO").ok_or("Cargo did not set CARGO.")?)
        .current_dir(workspace)
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "depth", "--no-dedupe", "--format", " {p}"])
        .args(["--package", package, "--target", target])
        .output()?;
    if !tree.status.success() {
        return Err(String::from_utf8_lossy(&tree.stderr).into());
    }
    let mut root = None;
    // The dependency chain of the previous line, and whether all of it runs in the component.
    let mut chain: Vec<(Key, bool)> = Vec::new();
    for line in String::from_utf8(tree.stdout)?.lines() {
        let mut words = line.split(' ');
        let mut word = || words.next().ok_or_else(|| format!("`cargo tree` printed an unexpected line: {line}"));
        let (depth, name, version) = (word()?.parse::<usize>()?, word()?, word()?);
        let key = (name.to_owned(), version.trim_start_matches('v').to_owned());
        chain.truncate(depth);
        let runtime = chain.last().is_none_or(|(_, runtime)| *runtime) && !line.ends_with("(proc-macro)");
        if let Some(needing) = chain.last().and_then(|(key, _)| parts.get_mut(key))
            && !needing.dependencies.contains(&key)
        {
            needing.dependencies.push(key.clone());
        }
        let part = parts.entry(key.clone()).or_default();
        part.runtime |= runtime;
        part.local |= line.contains(" (/") || line.contains(":\\");
        root.get_or_insert_with(|| key.clone());
        chain.push((key, runtime));
    }
    root.ok_or_else(|| format!("`cargo tree` printed nothing for {package}.").into())
}

fn json(parts: &BTreeMap<Key, Part>, root: Option<&Key>) -> String {
    let places: BTreeMap<&Key, usize> = parts.keys().zip(0..).collect();
    let packages = parts.iter().map(|(key @ (name, version), part)| {
        let mut dependencies: Vec<usize> =
            part.dependencies.iter().filter_map(|key| places.get(key).copied()).collect();
        dependencies.sort_unstable();
        // The format's names for sources; nothing is fetched.
        let source = if part.local { "local" } else { "crates.io" };
        let kind = if part.runtime { "" } else { r#","kind":"build""# };
        let dependencies =
            if dependencies.is_empty() { String::new() } else { format!(r#","dependencies":{dependencies:?}"#) };
        let root = if Some(key) == root { r#","root":true"# } else { "" };
        // Names and versions of crates need no escaping in JSON.
        format!(r#"{{"name":"{name}","version":"{version}","source":"{source}"{kind}{dependencies}{root}}}"#)
    });
    format!(r#"{{"packages":[{}]}}"#, packages.collect::<Vec<_>>().join(",").replace(", ", ","))
}
