#![no_main]

#[path = "../invariants/mod.rs"]
#[allow(dead_code, reason = "each target uses a part of it")]
mod invariants;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (first, second) = input;
    if let Ok(first) = serde_json::from_slice(first) {
        invariants::responses::contact(first, serde_json::from_slice(second).unwrap_or_default());
    }
});
