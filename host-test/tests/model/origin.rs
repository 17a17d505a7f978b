//! Input for origins.

use proptest::prelude::*;

/// Input for a data centre: mistakes of an operator, and values from an attacker.
pub fn datacenters() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "https://",
        "http://",
        "HTTPS://",
        "fra1",
        "FRA1",
        "brand",
        "-",
        "a",
        ".",
        "..",
        "qualtrics",
        ".qualtrics.com",
        "qualtrics.com",
        ".QUALTRICS.COM",
        "evil.com",
        "@",
        ":",
        ":443",
        "/",
        "//",
        "\\",
        "?",
        "#",
        "%2e",
        " ",
        "\t",
        "\n",
        "\0",
        "_",
        "xn--",
        "\u{430}",
        "\u{3002}",
        "[::1]",
        "127.0.0.1",
        "1",
    ]);
    prop_oneof![4 => prop::collection::vec(part, 0..7).prop_map(|parts| parts.concat()), 1 => super::json::text()]
}

/// Input for a base URL.
pub fn base_urls() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "https://",
        "http://",
        "ftp://",
        "gateway",
        ".",
        "example",
        "localhost",
        "127.0.0.1",
        "127.9.9.9",
        "10.0.0.1",
        "[::1]",
        "[::2]",
        "[",
        "]",
        "::1",
        ":",
        ":80",
        ":8080",
        ":0",
        ":65536",
        ":+1",
        "/",
        "//",
        "?",
        "#",
        "@",
        "\\",
        " ",
        "\r\n",
        "0x7f.1",
        "2130706433",
        "-",
        "\u{430}",
    ]);
    prop_oneof![4 => prop::collection::vec(part, 0..7).prop_map(|parts| parts.concat()), 1 => datacenters()]
}
