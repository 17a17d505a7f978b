#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target has one body")]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bodies::Answers, &[u8])| bodies::calls(input.0, input.1));
