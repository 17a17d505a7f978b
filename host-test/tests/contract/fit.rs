//! Each component fits its world: it imports nothing that the world does not name, and exports everything that the world does,
//! of these very types. What `wasm-tools component targets` says, by its library.

use host_test::{COMPONENT, GATEWAY, GUARDED};
use wasm_metadata::Payload;
use wit_parser::Resolve;

use crate::workspace;

/// Whether the component fits the world of this name, in the last of these directories.
fn fits(component: &[u8], directories: &[&str], world: &str) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let mut packages = Vec::new();
    for directory in directories {
        packages.push(resolve.push_dir(workspace().join(directory)).expect("a package of WIT").0);
    }
    let world = resolve.select_world(&packages[packages.len() - 1..], Some(world)).expect("the world");
    wit_component::targets(&resolve, world, component).map_err(|error| format!("{error:#}"))
}

/// The component of this name, which a composed file says that it holds.
fn part<'f>(file: &'f [u8], name: &str) -> &'f [u8] {
    fn find<'p>(payload: &'p Payload, name: &str) -> Option<&'p Payload> {
        let Payload::Component { metadata, children } = payload else { return None };
        if metadata.name.as_deref() == Some(name) && metadata.version.is_some() {
            return Some(payload);
        }
        children.iter().find_map(|child| find(child, name))
    }
    let payload = Payload::from_binary(file).expect("a component");
    &file[find(&payload, name).expect("a component of this name").metadata().range.clone()]
}

#[test]
fn the_connector_is_a_plugin() {
    fits(COMPONENT, &["wit"], "plugin").unwrap();
    fits(COMPONENT, &["wit/released/0.1.0"], "plugin").unwrap();
}

#[test]
fn the_parts_of_a_composed_file_fit_the_worlds_that_they_were_written_for() {
    for file in [GUARDED, GATEWAY] {
        fits(part(file, "qualtrics-connector"), &["wit"], "plugin").unwrap();
        fits(part(file, "egress-guard"), &["wit", "edge/egress-guard/wit"], "guard").unwrap();
    }
    fits(part(GATEWAY, "gateway"), &["wit", "edge/gateway/wit"], "gateway").unwrap();
}

/// A world with one more import, which is what a guard adds.
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
fn a_composed_file_is_what_its_last_part_is_and_asks_for_the_environment_besides() {
    fits_with_environment(GUARDED, "privacy:connector/connector@0.1.0").unwrap();
    fits_with_environment(GATEWAY, "wasi:http/incoming-handler@0.2.0").unwrap();
}

#[test]
fn what_does_not_fit_is_told() {
    let environment = fits(GUARDED, &["wit"], "plugin").unwrap_err();
    assert!(environment.contains("wasi:cli/environment@0.2.0"), "{environment}");
    let export = fits_with_environment(COMPONENT, "wasi:http/incoming-handler@0.2.0").unwrap_err();
    assert!(export.contains("wasi:http/incoming-handler@0.2.0"), "{export}");
}
