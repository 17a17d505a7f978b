#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target has one body")]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &str)| {
    let (result, text) = input;
    bodies::cursor(&serde_json::from_slice(result).unwrap_or_default(), text);
});
