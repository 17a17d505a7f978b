#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target has one body")]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (text, inside) = input;
    bodies::ticket(text);
    for version in ["t1.", "r1.", "t2."] {
        bodies::ticket(&bodies::sealed(version, inside));
    }
});
