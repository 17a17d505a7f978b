//! The origins that may be reached. The model uses a URL parser, whereas the connector compares labels.

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

/// Whether a host name consists of labels of letters, digits and inner hyphens.
fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 253
        && name.split('.').all(|label| {
            let bytes = label.as_bytes();
            (1..=63).contains(&bytes.len())
                && bytes.iter().copied().all(inner)
                && bytes.first() != Some(&b'-')
                && bytes.last() != Some(&b'-')
        })
}

/// The origin that this data centre must be parsed as, or `None` if it must be rejected.
pub fn expected_datacenter(written: &str) -> Option<String> {
    let text = written.trim_ascii().to_ascii_lowercase();
    let mut host = text.clone();
    for scheme in ["https://", "http://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            host = rest[..end].to_owned();
        }
    }
    // A bare host may end with one slash. A URL may have a path.
    if host == text && host.ends_with(".qualtrics.com/") {
        host.pop();
    }
    if !host.contains('.') {
        host.push_str(".qualtrics.com");
    }
    (is_name(&host) && host.ends_with(".qualtrics.com") && host != ".qualtrics.com").then(|| format!("https://{host}"))
}

/// The origin that this base URL must be parsed as, or `None` if it must be rejected.
pub fn expected_base_url(written: &str) -> Option<String> {
    let text = written.trim_ascii().to_ascii_lowercase();
    let authority = text.split_once("://")?.1;
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    if authority.contains(['/', '?', '#', '@', '\\']) {
        return None;
    }
    // The authority must be well-formed in a URL.
    let uri: http::Uri = text.parse().ok()?;
    let (scheme, host) = (uri.scheme_str()?, uri.host()?);
    if uri.authority()?.as_str() != authority {
        return None;
    }
    let port = authority.strip_prefix(host)?;
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse().is_ok_and(|port: u32| (1..=65_535).contains(&port))
    };
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return None;
    }
    let address: Option<std::net::IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let is_well_formed =
        if host.starts_with('[') { address.is_some_and(|address| address.is_ipv6()) } else { is_name(host) };
    let is_loopback = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    let is_permitted = match scheme {
        "https" => true,
        "http" => is_loopback,
        _ => false,
    };
    (is_well_formed && is_permitted).then(|| format!("{scheme}://{authority}"))
}
