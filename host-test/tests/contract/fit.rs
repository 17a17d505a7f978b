//! Each component fits its world, as `wasm-tools component targets` checks: it has only imports of the world, all exports of the world, and
//! the same types.

use qualtrics_component::{CONNECTOR, GATEWAY, GUARDED};
use wasm_metadata::Payload;
use wit_parser::Resolve;

use crate::workspace;

/// Checks that a component fits the world of this name in the last of these directories.
fn fits(component: &[u8], directories: &[&str], world: &str) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let mut packages = Vec::new();
    for directory in directories {
        packages.push(resolve.push_dir(workspace().join(directory)).expect("a package of WIT").0);
    }
    let world = resolve.select_world(&packages[packages.len() - 1..], Some(world)).expect("the world");
    wit_component::targets(&resolve, world, component).map_err(|error| format!("{error:#}"))
}

/// The component of this name within a composed file.
fn part<'f>(file: &'f [u8], name: &str) -> &'f [u8] {
    fn find<'p>(payload: &'p Payload, name: &str) -> Option<&'p Payload> {
        let Payload::Component { metadata, children } = payload else { return None };
        if metadata.name.as_deref() == Some(name) && metadata.version.is_some() {
            return Some(payload);
        }
        children.iter().find_map(|child| find(child, name))
    }
    let payload = Payload::from_binary(file).expect("a component");
    let range = &find(&payload, name).expect("a component of this name").metadata().range;
    let offset = |offset: u64| usize::try_from(offset).expect("an offset");
    &file[offset(range.start)..offset(range.end)]
}

#[test]
fn the_connector_fits_the_world_plugin() {
    fits(CONNECTOR, &["wit"], "plugin").unwrap();
}

#[test]
fn every_part_of_a_composed_file_fits_its_world() {
    for file in [GUARDED, GATEWAY] {
        fits(part(file, "qualtrics-connector"), &["wit"], "plugin").unwrap();
        fits(part(file, "egress-guard"), &["wit", "edge/egress-guard/wit"], "guard").unwrap();
    }
    fits(part(GATEWAY, "gateway"), &["wit", "edge/gateway/wit"], "gateway").unwrap();
}

/// Checks that a component fits a world with this export and with the import that the egress guard adds.
fn fits_with_environment(component: &[u8], export: &str) -> Result<(), String> {
    let mut resolve = Resolve::default();
    resolve.push_dir(workspace().join("wit")).expect("the contract");
    resolve.push_dir(workspace().join("edge/gateway/wit")).expect("the gateway's world");
    let world = format!(
        "package test:composed;
        world composed {{
            import wasi:cli/environment@0.2.0;
            import wasi:http/outgoing-handler@0.2.0;
            import wasi:clocks/monotonic-clock@0.2.0;
            import wasi:clocks/wall-clock@0.2.0;
            export {export};
        }}"
    );
    let package = resolve.push_str("composed.wit", &world).expect("a world");
    let world = resolve.select_world(&[package], None).expect("the world");
    wit_component::targets(&resolve, world, component).map_err(|error| format!("{error:#}"))
}

#[test]
fn a_composed_file_exports_what_its_outer_part_exports_and_imports_the_environment() {
    fits_with_environment(GUARDED, "privacy:connector/connector@0.2.0").unwrap();
    fits_with_environment(GATEWAY, "wasi:http/incoming-handler@0.2.0").unwrap();
}

#[test]
fn a_component_that_does_not_fit_is_rejected_with_the_reason() {
    let environment = fits(GUARDED, &["wit"], "plugin").unwrap_err();
    assert!(environment.contains("wasi:cli/environment@0.2.0"), "{environment}");
    let export = fits_with_environment(CONNECTOR, "wasi:http/incoming-handler@0.2.0").unwrap_err();
    assert!(export.contains("wasi:http/incoming-handler@0.2.0"), "{export}");
}
