//! What the component is made of, inside the component: name, version and origin of every crate that went into it.
//!
//! In the form of `cargo auditable`, zlib-compressed JSON in a custom section `.dep-v0`, which scanners for known
//! vulnerabilities read out of the file that is deployed.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::Command;

use super::sections;

/// A crate as `cargo tree` names it, and what it needs.
#[derive(Default)]
struct Part {
    /// It runs in the component, and not only in the compiler.
    runtime: bool,
    local: bool,
    needs: Vec<Key>,
}

/// Name and version.
type Key = (String, String);

/// The file, with the bill of materials of these packages. The first is what the file is; in a composed file each needs the
/// one that follows.
pub fn attach(component: &[u8], workspace: &Path, packages: &[&str], target: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut parts = BTreeMap::new();
    let mut following = None;
    for package in packages.iter().rev() {
        let key = add(&mut parts, workspace, package, target)?;
        if let (Some(needed), Some(part)) = (following, parts.get_mut(&key)) {
            part.needs.push(needed);
        }
        following = Some(key);
    }
    let bill = json(&parts, following.as_ref());
    let (head, rest) = component.split_at_checked(8).ok_or("The component has no head.")?;
    let mut section = Vec::new();
    sections::put(&mut section, b".dep-v0")?;
    section.extend(miniz_oxide::deflate::compress_to_vec_zlib(bill.as_bytes(), 9));
    // In front, where readers find it who stop at the end of the first module within.
    let mut with_bill = head.to_vec();
    sections::section(&mut with_bill, 0, &section)?;
    with_bill.extend(rest);
    Ok(with_bill)
}

/// Adds every crate that is compiled for the package, with the features that it is compiled with, and names the package's
/// own.
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
    // The way from the package to the line before, and whether all of it runs in the component.
    let mut way: Vec<(Key, bool)> = Vec::new();
    for line in String::from_utf8(tree.stdout)?.lines() {
        let mut words = line.split(' ');
        let mut word = || words.next().ok_or_else(|| format!("`cargo tree` says: {line}"));
        let (depth, name, version) = (word()?.parse::<usize>()?, word()?, word()?);
        let key = (name.to_owned(), version.trim_start_matches('v').to_owned());
        way.truncate(depth);
        let runtime = way.last().is_none_or(|(_, runtime)| *runtime) && !line.ends_with("(proc-macro)");
        if let Some(needing) = way.last().and_then(|(key, _)| parts.get_mut(key))
            && !needing.needs.contains(&key)
        {
            needing.needs.push(key.clone());
        }
        let part = parts.entry(key.clone()).or_default();
        part.runtime |= runtime;
        part.local |= line.contains(" (/") || line.contains(":\\");
        root.get_or_insert_with(|| key.clone());
        way.push((key, runtime));
    }
    root.ok_or_else(|| format!("`cargo tree` says nothing of {package}.").into())
}

fn json(parts: &BTreeMap<Key, Part>, root: Option<&Key>) -> String {
    let places: BTreeMap<&Key, usize> = parts.keys().zip(0..).collect();
    let packages = parts.iter().map(|(key @ (name, version), part)| {
        let mut needs: Vec<usize> = part.needs.iter().filter_map(|key| places.get(key).copied()).collect();
        needs.sort_unstable();
        // The format's own words for where a crate comes from; nothing is fetched by them.
        let source = if part.local { "local" } else { "crates.io" };
        let kind = if part.runtime { "" } else { r#","kind":"build""# };
        let needs = if needs.is_empty() { String::new() } else { format!(r#","dependencies":{needs:?}"#) };
        let root = if Some(key) == root { r#","root":true"# } else { "" };
        // Names and versions of crates hold nothing that JSON would want escaped.
        format!(r#"{{"name":"{name}","version":"{version}","source":"{source}"{kind}{needs}{root}}}"#)
    });
    format!(r#"{{"packages":[{}]}}"#, packages.collect::<Vec<_>>().join(",").replace(", ", ","))
}
