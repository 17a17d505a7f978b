#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target has one body")]
mod bodies;

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
            let value = if marked { [bodies::MARK, &value].concat() } else { value };
            (KEYS[usize::from(key) % KEYS.len()].to_owned(), value)
        })
        .collect();
    bodies::settings(&pairs);
    let good = [("datacenter-id", "fra1"), ("client-id", "client"), ("client-secret", bodies::MARK)];
    let good = good.map(|(key, value)| (key.to_owned(), value.to_owned()));
    bodies::settings(&[&good[..], &pairs].concat());
});
