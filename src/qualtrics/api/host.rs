//! The hosts that credentials may be sent to.
//!
//! | input | origin |
//! |---|---|
//! | `fra1` | `https://fra1.qualtrics.com` |
//! | `FRA1.qualtrics.com`, `brand.fra1.qualtrics.com` | that host |
//! | `https://fra1.qualtrics.com/jfe/form/SV_1` | its host |
//! | anything else | none, with the reason |
//!
//! An operator enters the data centre, and a typing error must not send the client secret elsewhere. A name is therefore not searched
//! for errors: it is accepted only if it consists of plain labels and ends with `.qualtrics.com`. Which data centres exist is not
//! checked, because they change (fact sheet 1).

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::http::Origin;

/// The domain of every host of Qualtrics' API (fact sheet 1, confirmed).
pub const DOMAIN: &str = ".qualtrics.com";

/// The origin of a data centre, given as its ID, its host or a URL there.
///
/// # Errors
/// The reason for which it is none of Qualtrics' hosts, as a predicate without subject.
pub fn datacenter(text: &str) -> Result<Origin, String> {
    let text = text.trim_ascii().to_ascii_lowercase();
    let host = match text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) {
        Some(url) => url.split(['/', '?', '#']).next().unwrap_or_default(),
        None => text.strip_suffix('/').filter(|host| host.ends_with(DOMAIN)).unwrap_or(&text),
    };
    let host = if host.contains('.') { host.to_owned() } else { format!("{host}{DOMAIN}") };
    let is_below = host.strip_suffix(DOMAIN).is_some_and(|subdomain| !subdomain.is_empty());
    if is_below && is_host_name(&host) {
        return Ok(Origin::new(true, host));
    }
    let mistake = match &text {
        _ if text.contains(|c: char| c.is_whitespace()) => "it contains a blank. ",
        _ if host.contains('@') => "it contains @. ",
        _ if host.contains(':') => "it contains a port, or a protocol other than https. ",
        _ if host.contains('/') => "it contains a path. ",
        _ if host.contains('_') => "it contains an underscore. ",
        _ if !is_below => "its host does not end with .qualtrics.com. ",
        _ => "",
    };
    Err(format!("must be the ID, host name or URL of a Qualtrics data centre: {mistake}Enter the ID, such as fra1"))
}

/// The ID of the data centre in an origin of Qualtrics: `fra1` of `brand.fra1.qualtrics.com`. Other authorities are returned as they
/// are.
#[must_use]
pub fn region(origin: &Origin) -> String {
    let authority = origin.authority();
    let id = authority.strip_suffix(DOMAIN).and_then(|subdomain| subdomain.rsplit('.').next());
    id.unwrap_or(authority).to_owned()
}

/// An origin for tests and private gateways: `https://` and any host, or `http://` and a loopback address. Only a port and one slash
/// may follow the host.
#[must_use]
pub fn base_url(text: &str) -> Option<Origin> {
    let text = text.trim_ascii().to_ascii_lowercase();
    let (tls, rest) = match text.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("http://")?),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = split_port(authority)?;
    let host = Host::parse(host)?;
    let is_secure = tls || host.is_loopback();
    (is_secure && port.is_none_or(is_port)).then(|| Origin::new(tls, authority.to_owned()))
}

/// The host of an authority, and its port.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if !authority.starts_with('[') {
        return Some(authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))));
    }
    let (host, rest) = authority.split_at_checked(authority.find(']')?.checked_add(1)?)?;
    if rest.is_empty() { Some((host, None)) } else { Some((host, Some(rest.strip_prefix(':')?))) }
}

/// A host of an authority (RFC 3986, section 3.2.2).
enum Host<'a> {
    Ipv6(Ipv6Addr),
    Ipv4(Ipv4Addr),
    Name(&'a str),
}

impl<'a> Host<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        if let Some(literal) = text.strip_prefix('[') {
            return literal.strip_suffix(']')?.parse().ok().map(Self::Ipv6);
        }
        text.parse().ok().map(Self::Ipv4).or_else(|| is_host_name(text).then_some(Self::Name(text)))
    }

    fn is_loopback(&self) -> bool {
        match self {
            Self::Ipv6(address) => address.is_loopback(),
            Self::Ipv4(address) => address.is_loopback(),
            Self::Name(name) => *name == "localhost",
        }
    }
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether a name consists of plain labels: lower-case ASCII letters, digits and inner hyphens.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Option<String> {
        datacenter(text).ok().map(|origin| origin.to_text())
    }

    #[test]
    fn an_id_a_host_or_a_url_becomes_the_origin_of_the_data_centre() {
        for text in ["fra1", " FRA1\n", "fra1.qualtrics.com", "https://fra1.qualtrics.com", "fra1.qualtrics.com/"] {
            assert_eq!(host(text).as_deref(), Some("https://fra1.qualtrics.com"), "{text}");
        }
        assert_eq!(
            host("https://brand.fra1.qualtrics.com/admin?x=1#top").as_deref(),
            Some("https://brand.fra1.qualtrics.com")
        );
    }

    #[test]
    fn everything_else_is_rejected() {
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
        assert_eq!(host(&format!("{}qualtrics.com", "a.".repeat(130))), None);
    }

    #[test]
    fn a_refused_data_centre_is_explained_without_repeating_it() {
        for (text, mistake) in [
            ("fra 1", "a blank"),
            ("user@fra1.qualtrics.com", "@"),
            ("https://fra1.qualtrics.com:8443/", "a port"),
            ("ftp://fra1.qualtrics.com", "other than https"),
            ("fra1.qualtrics.com/homepage/ui", "a path"),
            ("https://surveys.example.org/", "does not end with .qualtrics.com"),
            ("qualtrics.com", "does not end with .qualtrics.com"),
            ("fra_1", "an underscore"),
        ] {
            let reason = datacenter(text).expect_err(text);
            assert!(reason.contains(mistake), "{text}: {reason}");
            assert!(!reason.contains("surveys") && !reason.contains("user@"), "{reason}");
        }
    }

    #[test]
    fn plain_http_is_accepted_for_loopback_only() {
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
    fn a_base_url_is_an_origin_without_path_query_and_user() {
        assert_eq!(
            base_url("https://Gateway.example:8443/").map(|origin| origin.to_text()).as_deref(),
            Some("https://gateway.example:8443")
        );
        assert!(base_url("https://[2001:db8::1]:8443").is_some());
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
    fn the_region_is_the_last_label_before_the_domain() {
        assert_eq!(datacenter("brand.fra1.qualtrics.com").map(|origin| region(&origin)).as_deref(), Ok("fra1"));
    }
}
