#![no_main]

#[path = "../invariants/mod.rs"]
#[allow(dead_code, reason = "each target uses a part of it")]
mod invariants;

use invariants::responses;
use libfuzzer_sys::fuzz_target;

/// The time at which every input is parsed, in seconds.
const NOW_S: u64 = 1_767_603_600;

fuzz_target!(|input: (u16, invariants::Headers, &[u8], String)| {
    let (status, headers, body, id) = input;
    responses::envelope(status, &headers, body, NOW_S);
    responses::token(status, &headers, body, NOW_S * 1_000);
    responses::body(body);
    if let Ok(result) = serde_json::from_slice(body) {
        responses::resources(result, &id);
    }
});
