#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target has one body")]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, bodies::Headers, &[u8], String)| {
    let (status, headers, body, id) = input;
    bodies::envelope(status, &headers, body, 1_767_603_600);
    bodies::token(status, &headers, body, 1_767_603_600_000);
    if let Ok(result) = serde_json::from_slice(body) {
        bodies::readers(result, &id);
    }
});
