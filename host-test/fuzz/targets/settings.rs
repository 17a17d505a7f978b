#![no_main]

#[path = "../invariants/mod.rs"]
#[allow(dead_code, reason = "each target uses a part of it")]
mod invariants;

use libfuzzer_sys::fuzz_target;

const KEYS: [&str; 10] = [
    "datacenter-id",
    "client-id",
    "client-secret",
    "deletion-behavior",
    "account-guard",
    "verify-window",
    "rate-share",
    "response-timeout",
    "base-url",
    "colour",
];

fuzz_target!(|input: Vec<(u8, bool, String)>| {
    let pairs: Vec<(String, String)> = input
        .into_iter()
        .map(|(key, marked, value)| {
            let value = if marked { [invariants::MARK, &value].concat() } else { value };
            (KEYS[usize::from(key) % KEYS.len()].to_owned(), value)
        })
        .collect();
    invariants::inputs::settings(&pairs);
    let good = [("datacenter-id", "fra1"), ("client-id", "client"), ("client-secret", invariants::MARK)];
    let good = good.map(|(key, value)| (key.to_owned(), value.to_owned()));
    invariants::inputs::settings(&[&good[..], &pairs].concat());
});
