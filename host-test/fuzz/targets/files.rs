#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target has one body")]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (String, bool, &[u8], u8, u16)| {
    let (content_type, length_told, bytes, piece, limit) = input;
    bodies::file(&content_type, length_told, bytes, piece, limit);
});
