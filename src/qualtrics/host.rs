//! Which hosts credentials may be sent to.
//!
//! | written | becomes |
//! |---|---|
//! | `fra1` | `https://fra1.qualtrics.com` |
//! | `FRA1.qualtrics.com`, `brand.fra1.qualtrics.com` | that host |
//! | `https://fra1.qualtrics.com/jfe/form/SV_1` | its host |
//! | anything else | nothing |
//!
//! A data centre id is the operator's own text, yet a slip in it must never send the client secret elsewhere. So a name
//! is not searched for what is wrong with it: it is taken only if it consists of plain labels and ends below
//! `qualtrics.com`. Which data centres exist is not checked; they come and go (fact sheet 1).

use crate::http::Origin;
use crate::prelude::*;

/// The domain below which every host of Qualtrics' API lies (fact sheet 1, confirmed).
pub const DOMAIN: &str = ".qualtrics.com";

/// The origin of a data centre, given as its id, its host or a URL there. None if it is not one of Qualtrics' hosts.
#[must_use]
pub fn datacenter(text: &str) -> Option<Origin> {
    let text = text.trim_ascii().to_ascii_lowercase();
    let host = match text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) {
        Some(url) => url.split(['/', '?', '#']).next().unwrap_or_default(),
        None => text.strip_suffix('/').filter(|host| host.ends_with(DOMAIN)).unwrap_or(&text),
    };
    let host = if host.contains('.') { host.to_owned() } else { [host, DOMAIN].concat() };
    let below = host.strip_suffix(DOMAIN)?;
    (is_host_name(&host) && !below.is_empty()).then(|| Origin::new(true, host))
}

/// The id of the data centre in an origin of Qualtrics': `fra1` of `brand.fra1.qualtrics.com`. Other authorities are
/// returned as they are.
#[must_use]
pub fn region(origin: &Origin) -> String {
    let authority = origin.authority();
    let below = authority.strip_suffix(DOMAIN).and_then(|below| below.rsplit('.').next());
    below.unwrap_or(authority).to_owned()
}

/// An origin for tests and private gateways: `https://` and any host, or `http://` and a loopback address. Nothing but
/// a port, and one slash, may follow the host.
#[must_use]
pub fn base_url(text: &str) -> Option<Origin> {
    let text = text.trim_ascii().to_ascii_lowercase();
    let (tls, rest) = match text.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("http://")?),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match authority.strip_prefix('[') {
        Some(_) => {
            let (host, port) = authority.split_at(authority.find(']')?.checked_add(1)?);
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if port.is_some_and(|port| !is_port(port)) {
        return None;
    }
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let named = match literal {
        Some(address) => address.parse::<core::net::Ipv6Addr>().is_ok(),
        None => is_host_name(host),
    };
    let secure = tls || is_loopback(host, literal);
    (named && secure).then(|| Origin::new(tls, authority.to_owned()))
}

fn is_loopback(host: &str, literal: Option<&str>) -> bool {
    match literal {
        Some(address) => address.parse::<core::net::Ipv6Addr>().is_ok_and(|address| address.is_loopback()),
        None => host == "localhost" || host.parse::<core::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
    }
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u64>().is_ok_and(|port| (1..=65_535).contains(&port))
}

/// Whether a name consists of plain labels: lower-case ASCII letters, digits and inner hyphens.
fn is_host_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Option<String> {
        datacenter(text).map(|origin| origin.to_text())
    }

    #[test]
    fn an_id_a_host_or_a_url_leads_to_the_data_centre() {
        for text in ["fra1", " FRA1\n", "fra1.qualtrics.com", "https://fra1.qualtrics.com", "fra1.qualtrics.com/"] {
            assert_eq!(host(text).as_deref(), Some("https://fra1.qualtrics.com"), "{text}");
        }
        assert_eq!(
            host("https://brand.fra1.qualtrics.com/admin?x=1#top").as_deref(),
            Some("https://brand.fra1.qualtrics.com")
        );
    }

    #[test]
    fn nothing_else_can_become_a_host() {
        for text in [
            "",
            " ",
            ".",
            "..",
            "evil.com",
            "evil.com/",
            "evil.com/.qualtrics.com",
            "evil.com#.qualtrics.com",
            "evil.com?.qualtrics.com",
            "evil.com\\.qualtrics.com",
            "qualtrics.com",
            ".qualtrics.com",
            "fra1..qualtrics.com",
            "fra1.qualtrics.com.",
            "fra1.qualtrics.com.evil.com",
            "fra1qualtrics.com",
            "xqualtrics.com",
            "user@evil.com",
            "user@fra1.qualtrics.com",
            "https://user:pw@fra1.qualtrics.com",
            "https://evil.com/fra1.qualtrics.com",
            "https://evil.com@fra1.qualtrics.com.evil.com",
            "fra1.qualtrics.com:8443",
            "fra1:443",
            "https://fra1.qualtrics.com:443/",
            "fra1%2equaltrics.com",
            "fra1%2Eevil.com",
            "fra1/../../evil.com",
            "fra1.qualtrics.com/../evil",
            "fr\u{430}1",
            "fra1\u{3002}qualtrics.com",
            "fra1.qualtrics\u{ff0e}com",
            "fra1\u{0}.qualtrics.com",
            "fra1\r\nHost: evil.com",
            "fra1\t.qualtrics.com",
            "-fra1",
            "fra1-",
            "fra_1",
            "ftp://fra1.qualtrics.com",
            "//fra1.qualtrics.com",
            "https:fra1.qualtrics.com",
            "https://https://fra1.qualtrics.com",
            "127.0.0.1",
            "[::1]",
        ] {
            assert_eq!(host(text), None, "{text:?}");
        }
        assert_eq!(host(&"a".repeat(64)), None);
        assert_eq!(host(&["a.".repeat(130), "qualtrics.com".to_owned()].concat()), None);
    }

    #[test]
    fn plain_http_reaches_the_loopback_only() {
        for text in ["http://127.0.0.1:8080", "http://127.3.2.1", "http://[::1]:8080", "http://localhost:80/"] {
            assert!(base_url(text).is_some(), "{text}");
        }
        for text in
            ["http://example.com", "http://127.0.0.1.example.com", "http://[::2]", "http://0x7f.1", "http://10.0.0.1"]
        {
            assert!(base_url(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_base_url_is_an_origin_and_no_more() {
        assert_eq!(
            base_url("https://Gateway.example:8443/").map(|origin| origin.to_text()).as_deref(),
            Some("https://gateway.example:8443")
        );
        for text in [
            "https://a.example/path",
            "https://a.example//",
            "https://a.example?x",
            "https://a.example#x",
            "https://u@a.example",
            "https://a.example:0",
            "https://a.example:65536",
            "https://a.example:",
            "https://a.example:8:8",
            "https://[::1",
            "https://[::1]8",
            "https://[x]",
            "https://",
            "a.example",
            "ftp://a.example",
            "https://a b",
        ] {
            assert!(base_url(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_region_is_the_last_label_below_the_domain() {
        assert_eq!(datacenter("brand.fra1.qualtrics.com").map(|origin| region(&origin)).as_deref(), Some("fra1"));
    }
}
