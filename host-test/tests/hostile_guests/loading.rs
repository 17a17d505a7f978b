//! Files that are not loaded.

use privacy_host::HostError;

use crate::host;

#[test]
fn a_component_that_exceeds_its_share_of_the_pool_is_not_loaded() {
    let host = host();
    for (items, expected) in [("(memory 1) (memory 1)", "memor"), (&"(table 1 funcref)".repeat(5), "table")] {
        let module = format!("(component (core module $m {items}) (core instance (instantiate $m)))");
        let Err(HostError::Unfit(reason)) = host.load(&wat::parse_str(&module).expect("WAT")) else {
            panic!("{items}")
        };
        assert!(reason.contains(expected), "{reason}");
    }
    let five = "(core instance (instantiate $m))".repeat(5);
    let module = format!("(component (core module $m) {five})");
    let Err(HostError::Unfit(reason)) = host.load(&wat::parse_str(&module).expect("WAT")) else {
        panic!("it was loaded")
    };
    assert!(reason.contains("instance"), "{reason}");
}

#[test]
fn a_component_with_an_initial_memory_beyond_the_limit_is_not_loaded() {
    let module = "(component (core module $m (memory 2000)) (core instance (instantiate $m)))";
    assert!(matches!(host().load(&wat::parse_str(module).expect("WAT")), Err(HostError::Unfit(_))));
}

#[test]
fn bytes_that_are_not_a_component_are_not_loaded() {
    let host = host();
    for bytes in [
        &b""[..],
        b"\0asm",
        b"\0asm\x0d\0\x01\0",
        &[0xFF; 4096],
        &qualtrics_component::CONNECTOR[..qualtrics_component::CONNECTOR.len() / 2],
    ] {
        assert!(matches!(host.load(bytes), Err(HostError::Unfit(_))));
    }
}
