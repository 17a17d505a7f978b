#![no_main]

#[path = "../invariants/mod.rs"]
#[allow(dead_code, reason = "each target uses a part of it")]
mod invariants;

use invariants::inputs;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (text, content) = input;
    inputs::ticket(text);
    inputs::identifier(text);
    for version in ["t1.", "r1.", "t2."] {
        inputs::ticket(&inputs::sealed(version, content));
    }
});
