//! The reference page of the contract: `docs/contract.md`, generated from `wit/connector.wit`.

use std::fmt::Write as _;
use std::path::Path;

use wit_parser::{Docs, InterfaceId, Type, TypeDef, TypeDefKind, TypeId, WorldId, WorldKey};

use super::items::Package;

/// The file of the page.
pub const FILE: &str = "docs/contract.md";

/// Generates the page.
pub fn reference(workspace: &Path) -> String {
    let package = Package::read(&workspace.join("wit"));
    let name = &package.resolve.packages[package.id].name;
    let mut page = Page { package: &package, text: String::new() };
    page.paragraph(&format!("# The contract `{name}`"));
    page.paragraph(
        "The interface between hosts and connectors. This page is generated from [`wit/connector.wit`](../wit/connector.wit) by\n\
         `cargo run --locked --package host-test --example contract`; a test checks that it is up to date.",
    );
    let of = &package.resolve.packages[package.id];
    for interface in of.interfaces.values() {
        page.interface(*interface);
    }
    for world in of.worlds.values() {
        page.world(*world);
    }
    page.text.trim_end().to_owned() + "\n"
}

struct Page<'p> {
    package: &'p Package,
    text: String,
}

impl Page<'_> {
    fn paragraph(&mut self, text: &str) {
        if !text.is_empty() {
            self.text.push_str(text);
            self.text.push_str("\n\n");
        }
    }

    fn interface(&mut self, id: InterfaceId) {
        let interface = &self.package.resolve.interfaces[id];
        self.paragraph(&format!("## Interface `{}`", self.package.interface_name(id)));
        self.paragraph(&documentation(&interface.docs));
        self.paragraph("### Functions");
        for (name, function) in &interface.functions {
            self.paragraph(&format!("#### `{name}`"));
            self.paragraph(&code(&self.package.signature_with(function, &linked)));
            self.paragraph(&documentation(&function.docs));
        }
        self.paragraph("### Types");
        for (name, id) in &interface.types {
            self.definition(name, *id);
        }
    }

    fn definition(&mut self, name: &str, id: TypeId) {
        let TypeDef { kind, docs, .. } = &self.package.resolve.types[id];
        self.paragraph(&format!("#### `{name}`"));
        self.paragraph(&documentation(docs));
        match kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter().map(|field| (&field.name, Some(&field.ty), &field.docs));
                self.table("field", "type", fields);
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter().map(|case| (&case.name, case.ty.as_ref(), &case.docs));
                self.table("case", "payload", cases);
            }
            TypeDefKind::Enum(of) => {
                let cases = of.cases.iter().map(|case| (&case.name, None, &case.docs));
                self.table("case", "payload", cases);
            }
            TypeDefKind::Flags(of) => {
                let flags = of.flags.iter().map(|flag| (&flag.name, None, &flag.docs));
                self.table("flag", "", flags);
            }
            other => self.paragraph(&format!("A {}.", other.as_str())),
        }
    }

    /// The members of a type, without empty columns.
    fn table<'m>(
        &mut self,
        member: &str,
        of: &str,
        members: impl Iterator<Item = (&'m String, Option<&'m Type>, &'m Docs)>,
    ) {
        let rows: Vec<[String; 3]> = members
            .map(|(name, of, docs)| {
                let of = of.map(|of| code(&self.package.type_with(of, &linked)));
                [
                    format!("`{name}`"),
                    of.unwrap_or_default(),
                    documentation(docs).replace('\n', " ").replace('|', "\\|"),
                ]
            })
            .collect();
        let columns = [member, of, ""].into_iter().enumerate();
        let columns: Vec<_> =
            columns.filter(|(at, _)| *at == 0 || rows.iter().any(|row| !row[*at].is_empty())).collect();
        let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | ")).replace("|  |", "| |");
        self.text.push_str(&line(columns.iter().map(|(_, title)| *title).collect()));
        self.text.push_str(&format!("|{}\n", "---|".repeat(columns.len())));
        for row in &rows {
            self.text.push_str(&line(columns.iter().map(|(at, _)| row[*at].as_str()).collect()));
        }
        self.text.push('\n');
    }

    fn world(&mut self, id: WorldId) {
        let world = &self.package.resolve.worlds[id];
        self.paragraph(&format!("## World `{}`", world.name));
        self.paragraph(&documentation(&world.docs));
        let name = |key: &WorldKey| match key {
            WorldKey::Interface(interface) => self.package.interface_name(*interface),
            WorldKey::Name(name) => name.clone(),
        };
        let mut list = String::from("| | |\n|---|---|\n");
        for (direction, items) in [("imports", &world.imports), ("exports", &world.exports)] {
            for key in items.keys() {
                writeln!(list, "| {direction} | `{}` |", name(key)).expect("writing to a string never fails");
            }
        }
        self.paragraph(list.trim_end());
    }
}

/// Documentation, with its line breaks.
fn documentation(docs: &Docs) -> String {
    docs.contents.as_deref().unwrap_or_default().trim().to_owned()
}

/// The name of a type as a link, for [`code`].
fn linked(name: &str) -> String {
    format!("`[`{name}`](#{name})`")
}

/// Text as code, except for the links of [`linked`].
fn code(text: &str) -> String {
    format!("`{text}`").replace("``", "")
}
