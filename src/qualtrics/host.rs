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
    let host = if host.as_bytes().contains(&b'.') { host.to_owned() } else { [host, DOMAIN].concat() };
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
            let (host, port) = authority.split_at_checked(authority.find(']')?.checked_add(1)?)?;
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
        Some(address) => ipv6(address).is_some(),
        None => is_host_name(host),
    };
    let secure = tls || is_loopback(host, literal);
    (named && secure).then(|| Origin::new(tls, authority.to_owned()))
}

fn is_loopback(host: &str, literal: Option<&str>) -> bool {
    match literal {
        Some(address) => ipv6(address) == Some([0, 0, 0, 0, 0, 0, 0, 1]),
        None => host == "localhost" || matches!(ipv4(host), Some([127, ..])),
    }
}

/// The parts of an address of the fourth version: numbers without needless zeros. Like that of the sixth it is read here,
/// since the standard library's reader takes four kilobytes.
fn ipv4(text: &str) -> Option<[u8; 4]> {
    let mut parts = text.split('.').map(|part| {
        let plain = part.bytes().all(|byte| byte.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
        part.parse().ok().filter(|_| plain)
    });
    let address = [parts.next()??, parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(address)
}

/// The groups of an address of the sixth version, those that `::` stands for among them.
fn ipv6(text: &str) -> Option<[u16; 8]> {
    let mut address = [0; 8];
    let Some(gap) = text.as_bytes().windows(2).position(|signs| signs == b"::") else {
        return (groups(text, &mut address)? == 8).then_some(address);
    };
    let (head, tail) = (text.get(..gap)?, text.get(gap.checked_add(2)?..)?);
    let mut after = [0; 8];
    let (head, tail) =
        (groups(head, &mut address).filter(|_| !head.as_bytes().contains(&b'.'))?, groups(tail, &mut after)?);
    let place = 8_usize.checked_sub(tail).filter(|place| head < *place)?;
    let groups = after.get(..tail)?;
    address.get_mut(place..)?.copy_from_slice(groups);
    Some(address)
}

/// Reads groups of hexadecimal digits, the last two of which may be written as an address of the fourth version. How many
/// there are.
fn groups(text: &str, groups: &mut [u16; 8]) -> Option<usize> {
    let mut parts = text.split(':').filter(|_| !text.is_empty()).peekable();
    let mut count = 0_usize;
    while let Some(part) = parts.next() {
        let short = match ipv4(part).filter(|_| parts.peek().is_none()) {
            Some([one, two, three, four]) => {
                *groups.get_mut(count)? = u16::from_be_bytes([one, two]);
                count = count.checked_add(1)?;
                u16::from_be_bytes([three, four])
            }
            None => {
                let plain = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit());
                u16::from_str_radix(part, 16).ok().filter(|_| plain)?
            }
        };
        *groups.get_mut(count)? = short;
        count = count.checked_add(1)?;
    }
    Some(count)
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

    fn is_read_as_by_the_standard_library(text: &str) {
        assert_eq!(ipv6(text), text.parse().ok().map(|address: std::net::Ipv6Addr| address.segments()), "{text}");
        assert_eq!(ipv4(text), text.parse().ok().map(|address: std::net::Ipv4Addr| address.octets()), "{text}");
    }

    #[test]
    fn addresses_are_read_as_the_standard_library_reads_them() {
        for part in ["0", "9", "00", "01", "255", "256", "1000", "", "+1", "-1", " 1", "1 ", "a", "0x1", "1.2", "1."] {
            for text in [[part, "2", "3", "4"], ["1", part, "3", "4"], ["1", "2", "3", part]] {
                let text = text.join(".");
                is_read_as_by_the_standard_library(&text);
                is_read_as_by_the_standard_library(&format!("::{text}"));
                is_read_as_by_the_standard_library(&format!("1:2:3:4:5:6:{text}"));
            }
        }
        for group in ["0", "1", "aB", "ffff", "0001", "10000", "00001", "", "g", "+1", "-1", " 1", "1.2.3.4", "1%eth0"]
        {
            for before in 0..=9 {
                for after in 0..=9 {
                    let groups = |count| vec!["2"; count].join(":");
                    let (before, after) = (groups(before), groups(after));
                    for text in [
                        format!("{before}::{after}"),
                        format!("{before}:{group}::{after}"),
                        format!("{group}::{after}"),
                        format!("{before}::{group}"),
                        format!("{before}::{after}:{group}"),
                        format!("{before}::{group}:{after}"),
                        format!("{before}:{group}:{after}"),
                        format!("{before}:{group}"),
                        format!("{group}:{before}"),
                        format!("{before}::{group}::{after}"),
                    ] {
                        is_read_as_by_the_standard_library(&text);
                    }
                }
            }
        }
    }
}
