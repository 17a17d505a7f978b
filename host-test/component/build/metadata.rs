//! The metadata of a file, in the custom sections that registries and `wasm-tools metadata show` read: name, description, version,
//! authors, licence and origin.
//!
//! The origin comes from the environment of a release build:
//!
//! | variable | section | |
//! |---|---|---|
//! | `SOURCE_URL` | `source` | where the source is published; by default the manifest's `repository`, if there is one |
//! | `SOURCE_REVISION` | `revision` | the commit that the file was built from |
//!
//! It is not read from the checkout: an unpacked archive has no history, uncommitted changes would not show, and the bytes would
//! change with every commit. To reproduce a release, read both values from its file.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use wasm_metadata::{AddMetadata, AddMetadataField, Authors, Description, Licenses, Revision, Source, Version};

/// The environment variables that a build depends on.
pub const VARIABLES: [&str; 2] = [SOURCE_URL, SOURCE_REVISION];

const SOURCE_URL: &str = "SOURCE_URL";
const SOURCE_REVISION: &str = "SOURCE_REVISION";

/// The metadata of one file.
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
    /// The metadata of every package of the workspace, by name.
    ///
    /// # Errors
    /// A manifest lacks a key.
    pub fn of_packages(workspace: &Path) -> Result<BTreeMap<String, Self>, Box<dyn Error>> {
        let output = Command::new(std::env::var_os("CARGO").ok_or("Cargo did not set CARGO.")?)
            .current_dir(workspace)
            .args(["metadata", "--locked", "--no-deps", "--format-version", "1"])
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let packages = metadata["packages"].as_array().ok_or("`cargo metadata` lists no packages.")?;
        packages.iter().map(|package| Self::of_package(package).map(|found| (found.name.clone(), found))).collect()
    }

    fn of_package(package: &Value) -> Result<Self, Box<dyn Error>> {
        let name = package["name"].as_str().ok_or("A package has no name.")?;
        let text = |key: &str| {
            let text = package[key].as_str().map(str::to_owned);
            text.ok_or_else(|| format!("The manifest of {name} has no `{key}`."))
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

    /// The file with this metadata.
    ///
    /// # Errors
    /// It is not a component, or the metadata is invalid.
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
