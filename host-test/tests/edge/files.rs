//! The imports and contents of the composed files.

use privacy_host::{Host, HostError, Options};
use qualtrics_component::{CONNECTOR, GATEWAY, GATEWAY_WASI_0_3, GUARDED};
use wit_component::DecodedWasm;
use wit_parser::WorldItem;

/// Generous limits: a file with debug information, or without optimisation, exceeds them.
const MAX_BYTES_GUARDED: usize = 9 << 18;
const MAX_BYTES_GATEWAY: usize = 11 << 18;

const IMPORTS: [&str; 8] = [
    "wasi:cli/environment@0.2.0",
    "wasi:clocks/monotonic-clock@0.2.0",
    "wasi:clocks/wall-clock@0.2.0",
    "wasi:http/outgoing-handler@0.2.0",
    "wasi:http/types@0.2.0",
    "wasi:io/error@0.2.0",
    "wasi:io/poll@0.2.0",
    "wasi:io/streams@0.2.0",
];

/// The file that exports `wasi:http/handler@0.3.0` contains the same components, which import version 0.2.0.
const IMPORTS_WASI_0_3: [&str; 3] =
    ["wasi:clocks/monotonic-clock@0.3.0", "wasi:clocks/types@0.3.0", "wasi:http/types@0.3.0"];

fn host(max_components: u32) -> Host {
    Host::new(Options { max_instances: 2, max_components, ..Options::default() }).unwrap()
}

#[test]
fn the_composed_files_import_what_the_connector_does_and_the_environment() {
    assert_eq!(host(2).load(GUARDED).unwrap().imports(), IMPORTS);
    assert_eq!(host(3).load_gateway(GATEWAY).unwrap().imports(), IMPORTS);
}

#[test]
fn the_gateway_for_wasi_0_3_also_imports_what_its_export_needs() {
    let Ok(DecodedWasm::Component(resolve, world)) = wit_component::decode(GATEWAY_WASI_0_3) else {
        panic!("a component");
    };
    let world = &resolve.worlds[world];
    let name = |(key, item): (_, &WorldItem)| match item {
        WorldItem::Interface { .. } => resolve.name_world_key(key),
        _ => panic!("an interface"),
    };
    let mut imports: Vec<_> = world.imports.iter().map(name).collect();
    imports.sort_unstable();
    let mut expected = [&IMPORTS[..], &IMPORTS_WASI_0_3].concat();
    expected.sort_unstable();
    assert_eq!(imports, expected);
    assert_eq!(world.exports.iter().map(name).collect::<Vec<_>>(), ["wasi:http/handler@0.3.0"]);
}

#[test]
fn the_composed_files_hold_optimised_code_without_debug_information() {
    assert!(GUARDED.len() <= MAX_BYTES_GUARDED, "{} bytes", GUARDED.len());
    for gateway in [GATEWAY, GATEWAY_WASI_0_3] {
        assert!(gateway.len() <= MAX_BYTES_GATEWAY, "{} bytes", gateway.len());
    }
}

/// Composition does not change the connector. The guard only restricts the origins that it can reach.
#[test]
fn the_composed_files_contain_the_connector_byte_for_byte() {
    // Skips the bill of materials after the header, because a composed file has one for all its parts.
    let (head, rest) = CONNECTOR.split_at(8);
    let (mut length, mut at) = (0, 1);
    loop {
        length |= usize::from(rest[at] & 0x7F) << (7 * (at - 1));
        at += 1;
        if rest[at - 1] & 0x80 == 0 {
            break;
        }
    }
    let connector = [head, &rest[at + length..]].concat();
    for file in [GUARDED, GATEWAY, GATEWAY_WASI_0_3] {
        assert!(file.windows(connector.len()).any(|bytes| bytes == connector));
    }
}

#[test]
fn a_host_limits_the_components_of_a_file() {
    assert!(matches!(host(1).load(GUARDED), Err(HostError::Unfit(_))));
    assert!(matches!(host(2).load_gateway(GATEWAY), Err(HostError::Unfit(_))));
}

#[test]
fn a_gateway_does_not_load_as_a_connector_nor_a_connector_as_a_gateway() {
    assert!(matches!(host(3).load(GATEWAY), Err(HostError::Unfit(_))));
    assert!(matches!(host(3).load_gateway(GUARDED), Err(HostError::Unfit(_))));
}
