//! Origins: the entries of a policy, and the targets of requests.
//!
//! | entry | permits |
//! |---|---|
//! | `https://fra1.qualtrics.com` | this host, port 443 |
//! | `https://*.qualtrics.com` | every host below `qualtrics.com`, at any depth, port 443; not `qualtrics.com` itself |
//! | `https://gateway.example.com:8443` | this host, this port |
//! | `https://192.0.2.7` | this address, port 443 |
//! | `http://127.0.0.1:8080`, `http://[::1]:8080` | this port of a loopback address, without TLS |
//!
//! All other forms are invalid: an entry has no path, no user name, no wildcard in the middle or for a whole top-level domain. `http` is
//! invalid for other machines, because the requests of a connector contain credentials. Internationalised names are written as in the
//! DNS: `xn--…`.
//!
//! Scheme, host and port must be equal, without regard to case. The default port is that of the scheme. A wildcard matches names, never
//! addresses. `example.com.` is not `example.com`: names are not normalised, because another parser might normalise them differently.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A scheme, a host or all hosts below a domain, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Whether the scheme is `https`; otherwise it is `http`.
    pub tls: bool,
    /// The host or hosts.
    pub host: Host,
    /// The port. If none was written, it is the default of the scheme.
    pub port: u16,
}

/// The host or hosts of an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// The host of this name, in lower case.
    Name(String),
    /// Every name with this suffix, which begins with a dot.
    Below(String),
    /// This address.
    Address(IpAddr),
}

impl Origin {
    /// Parses an entry of the [module's](self) table.
    ///
    /// # Errors
    /// The entry is invalid. The text says how to correct it.
    pub fn parse(entry: &str) -> Result<Self, &'static str> {
        let (tls, authority) = match entry.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            _ => return Err("add the scheme: `https://host`"),
        };
        if authority.contains(['/', '?', '#', '@']) {
            return Err("write only scheme, host and port, without a path or a user name");
        }
        let (host, port) = split_port(authority).ok_or("the port must be a number from 1 to 65535")?;
        let host = match host.strip_prefix("*.") {
            Some(parent) => match parse_host(parent) {
                Some(Host::Name(name)) if name.contains('.') => Host::Below([".", &name].concat()),
                _ => return Err("`*.` must be followed by a domain of at least two parts: `https://*.example.com`"),
            },
            None => parse_host(host)
                .ok_or("the host must be an ASCII name (`xn--…` for others) or an IP address in its usual form")?,
        };
        if !tls && !matches!(host, Host::Address(address) if address.is_loopback()) {
            return Err(
                "plain http is permitted for loopback addresses only: write `https`, or `http://127.0.0.1:port`",
            );
        }
        Ok(Self::new(tls, host, port))
    }

    /// The target of a request. `None` if the authority is malformed or ambiguous.
    #[must_use]
    pub fn of_request(tls: bool, authority: &str) -> Option<Self> {
        let (host, port) = split_port(authority)?;
        Some(Self::new(tls, parse_host(host)?, port))
    }

    /// Whether this entry permits requests to `target`.
    #[must_use]
    pub fn covers(&self, target: &Self) -> bool {
        let host_matches = match (&self.host, &target.host) {
            (Host::Below(parent), Host::Name(name)) => name.ends_with(parent.as_str()),
            (own, other) => own == other,
        };
        host_matches && self.tls == target.tls && self.port == target.port
    }

    fn new(tls: bool, host: Host, port: Option<u16>) -> Self {
        Self { tls, host, port: port.unwrap_or(if tls { 443 } else { 80 }) }
    }
}

/// Splits an authority into host and port.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    match authority.rsplit_once(':') {
        // The colons of an IPv6 address are inside brackets.
        Some((host, port)) if !port.contains(']') => {
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            Some((host, Some(port.parse().ok().filter(|port| digits && *port != 0)?)))
        }
        _ => Some((authority, None)),
    }
}

/// Parses a name or an address. Forms that parsers interpret differently, such as `127.1`, are rejected.
fn parse_host(host: &str) -> Option<Host> {
    if let Some(inner) = host.strip_prefix('[') {
        return Some(Host::Address(inner.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.into()));
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Some(Host::Address(address.into()));
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // A name that ends in a number (`127.1`, `0x7f.1`) is an IPv4 address to some resolvers.
    let last = host.rsplit('.').next()?;
    let numeric = last.starts_with(|first: char| first.is_ascii_digit());
    (host.len() <= 253 && host.split('.').all(label) && !numeric).then(|| Host::Name(host.to_ascii_lowercase()))
}

/// Whether an address is public according to the IANA registries of special-purpose addresses. An IPv6 address that embeds an IPv4
/// address is public if the IPv4 address is.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)                 // this network; private; loopback
            | (100, 64..=127, _)           // shared with the provider (CGNAT)
            | (169, 254, _)                // link-local: the metadata services of clouds
            | (172, 16..=31, _)            // private
            | (192, 0, 0)                  // protocol assignments
            | (192, 0, 2)                  // documentation
            | (192, 88, 99)                // 6to4 relays
            | (192, 168, _)                // private
            | (198, 18..=19, _)            // benchmarks
            | (198, 51, 100)               // documentation
            | (203, 0, 113)                // documentation
            | (224..=255, ..) // multicast; reserved; broadcast
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [.., high, low] = segments;
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    let last_32_bits = Ipv4Addr::new(a, b, c, d);
    match segments {
        // Mapped, translated and compatible addresses; the latter include the unspecified and the loopback address.
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => is_public_v4(last_32_bits),
        [0, 0, 0, 0, 0, 0, ..] => false,
        // NAT64: the well-known prefix embeds an IPv4 address; the target of a local-use prefix is unknown.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => is_public_v4(last_32_bits),
        [0x64, 0xff9b, 1, ..] => false,
        // 6to4 and Teredo, whose relays are obsolete; protocol assignments; documentation.
        [0x2002, ..] | [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // 2000::/3 is global unicast. The rest is unique local, link-local, site-local, multicast or reserved.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}
