#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target has one body")]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (told, other) = input;
    if let Ok(told) = serde_json::from_slice(told) {
        bodies::contact(told, serde_json::from_slice(other).unwrap_or_default());
    }
});
