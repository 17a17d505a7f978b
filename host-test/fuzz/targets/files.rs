#![no_main]

#[path = "../invariants/mod.rs"]
#[allow(dead_code, reason = "each target uses a part of it")]
mod invariants;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (String, bool, &[u8], u8, u16)| {
    let (content_type, declares_length, bytes, piece, limit) = input;
    invariants::files::file(&content_type, declares_length, bytes, piece, limit);
});
