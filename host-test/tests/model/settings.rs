//! Settings, valid and invalid.

use proptest::prelude::*;

use crate::invariants::MARK;

/// Keys of the connector, and unknown keys.
pub fn key() -> impl Strategy<Value = String> {
    let keys = vec![
        "datacenter-id",
        "client-id",
        "client-secret",
        "deletion-behavior",
        "account-guard",
        "verify-window",
        "group-size",
        "rate-share",
        "response-timeout",
        "base-url",
        "another",
        "",
        "Client-Secret",
    ];
    prop_oneof![9 => prop::sample::select(keys).prop_map(str::to_owned), 1 => Just(format!("{MARK} as a key"))]
}

/// Values that are valid for a key, and values with [`MARK`].
pub fn value() -> impl Strategy<Value = String> {
    let values = vec![
        "fra1",
        "id",
        "secret",
        "off",
        "all-users",
        "wait-for-completion",
        "0",
        "60",
        "100",
        "",
        " ",
        "https://a.b",
    ];
    prop_oneof![
        4 => prop::sample::select(values).prop_map(str::to_owned),
        1 => "[ -~]{0,20}".prop_map(|text| format!("{MARK}{text}")),
        1 => "\\PC{0,8}[\u{0}-\u{1f}]\\PC{0,8}".prop_map(|text| format!("{MARK}{text}")),
    ]
}
