//! What a file says of itself, in the custom sections that registries and `wasm-tools metadata show` read: name, description,
//! version, authors, licence, and where it came from.
//!
//! Where it came from is for whoever releases it to say, by two variables of the environment:
//!
//! | variable | section | |
//! |---|---|---|
//! | `SOURCE_URL` | `source` | where the source can be had; without it the manifest's `repository`, if there is one |
//! | `SOURCE_REVISION` | `revision` | the commit that it was built from |
//!
//! A build that nobody releases says neither. They are not looked up in a checkout: an unpacked archive has no history, a
//! file that was changed would not show in it, and every commit would make other bytes of the same components. Whoever
//! builds a release again reads both out of it, and gets its bytes.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use wasm_metadata::{AddMetadata, AddMetadataField, Authors, Description, Licenses, Revision, Source, Version};

/// The variables that a build depends on.
pub const VARIABLES: [&str; 2] = [SOURCE_URL, SOURCE_REVISION];

const SOURCE_URL: &str = "SOURCE_URL";
const SOURCE_REVISION: &str = "SOURCE_REVISION";

/// What one file says of itself.
#[derive(Clone)]
pub struct Metadata {
    pub name: String,
    pub description: String,
    pub version: String,
    pub authors: String,
    /// An SPDX expression.
    pub licence: String,
    pub source: Option<String>,
    pub revision: Option<String>,
}

impl Metadata {
    /// What the manifests of the workspace and the environment say, by the names of the packages.
    pub fn of_packages(workspace: &Path) -> Result<BTreeMap<String, Self>, Box<dyn Error>> {
        let answer = Command::new(std::env::var_os("CARGO").ok_or("Cargo did not set CARGO.")?)
            .current_dir(workspace)
            .args(["metadata", "--locked", "--no-deps", "--format-version", "1"])
            .output()?;
        if !answer.status.success() {
            return Err(String::from_utf8_lossy(&answer.stderr).into());
        }
        let answer: Value = serde_json::from_slice(&answer.stdout)?;
        let packages = answer["packages"].as_array().ok_or("`cargo metadata` names no packages.")?;
        packages.iter().map(|package| Self::of_package(package).map(|found| (found.name.clone(), found))).collect()
    }

    fn of_package(package: &Value) -> Result<Self, Box<dyn Error>> {
        let name = package["name"].as_str().ok_or("A package has no name.")?;
        let text = |key: &str| {
            let text = package[key].as_str().map(str::to_owned);
            text.ok_or_else(|| format!("The manifest of {name} says nothing under `{key}`."))
        };
        let authors: Vec<_> = package["authors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        Ok(Self {
            name: name.to_owned(),
            description: text("description")?,
            version: text("version")?,
            authors: authors.join(", "),
            licence: text("license")?,
            source: variable(SOURCE_URL).or_else(|| text("repository").ok()),
            revision: variable(SOURCE_REVISION),
        })
    }

    /// The file, with this in it.
    pub fn attach(&self, component: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
        let mut sections = AddMetadata::default();
        sections.name = AddMetadataField::Set(self.name.clone());
        sections.description = AddMetadataField::Set(Description::new(self.description.clone()));
        sections.version = AddMetadataField::Set(Version::new(self.version.clone()));
        sections.authors = AddMetadataField::Set(Authors::new(self.authors.clone()));
        sections.licenses = AddMetadataField::Set(Licenses::new(&self.licence)?);
        if let Some(source) = &self.source {
            sections.source = AddMetadataField::Set(Source::new(source)?);
        }
        if let Some(revision) = &self.revision {
            sections.revision = AddMetadataField::Set(Revision::new(revision.clone()));
        }
        Ok(sections.to_wasm(component)?)
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
