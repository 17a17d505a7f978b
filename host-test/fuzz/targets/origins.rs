#![no_main]

#[path = "../invariants/mod.rs"]
#[allow(dead_code, reason = "each target checks a few of them")]
mod invariants;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| invariants::inputs::origin(text));
