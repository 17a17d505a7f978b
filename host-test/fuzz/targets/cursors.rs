#![no_main]

#[path = "../invariants/mod.rs"]
#[allow(dead_code, reason = "each target uses a part of it")]
mod invariants;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &str)| {
    let (result, text) = input;
    invariants::responses::cursor(&serde_json::from_slice(result).unwrap_or_default(), text);
});
