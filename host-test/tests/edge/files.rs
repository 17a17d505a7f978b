//! What the composed files can reach, and what is in them.

use host_test::host::{Host, HostError, Options};
use host_test::{COMPONENT, GATEWAY, GUARDED};

/// Every byte is loaded and reviewed by each customer: these only ever go down, unless a reason stands here.
const MOST_BYTES_GUARDED: usize = 271_000;
const MOST_BYTES_GATEWAY: usize = 460_500;

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

fn host(max_components: u32) -> Host {
    Host::new(Options { max_instances: 2, max_components, ..Options::default() }).unwrap()
}

#[test]
fn the_composed_files_import_what_the_connector_does_and_the_environment() {
    assert_eq!(host(2).load(GUARDED).unwrap().imports(), IMPORTS);
    assert_eq!(host(3).load_gateway(GATEWAY).unwrap().imports(), IMPORTS);
}

#[test]
fn the_composed_files_are_small() {
    assert!(GUARDED.len() <= MOST_BYTES_GUARDED, "{} bytes", GUARDED.len());
    assert!(GATEWAY.len() <= MOST_BYTES_GATEWAY, "{} bytes", GATEWAY.len());
}

/// So what it can reach is what it can reach alone, less what the guard holds back; the environment is none of it.
#[test]
fn the_connector_within_is_the_connector_byte_for_byte() {
    // Behind the head stands its bill of materials, which a composed file has once for all parts.
    let (head, rest) = COMPONENT.split_at(8);
    let (mut length, mut at) = (0, 1);
    loop {
        length |= usize::from(rest[at] & 0x7F) << (7 * (at - 1));
        at += 1;
        if rest[at - 1] & 0x80 == 0 {
            break;
        }
    }
    let connector = [head, &rest[at + length..]].concat();
    for file in [GUARDED, GATEWAY] {
        assert!(file.windows(connector.len()).any(|bytes| bytes == connector));
    }
}

#[test]
fn a_host_runs_no_more_components_at_once_than_it_was_told() {
    assert!(matches!(host(1).load(GUARDED), Err(HostError::Unfit(_))));
    assert!(matches!(host(2).load_gateway(GATEWAY), Err(HostError::Unfit(_))));
}

#[test]
fn a_gateway_is_no_connector_and_a_connector_no_gateway() {
    assert!(matches!(host(3).load(GATEWAY), Err(HostError::Unfit(_))));
    assert!(matches!(host(3).load_gateway(GUARDED), Err(HostError::Unfit(_))));
}
