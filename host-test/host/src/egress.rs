//! Where a connector may send requests.
//!
//! A policy is a list of origins, parsed once. **An empty list denies all.**
//!
//! # Entries
//!
//! | entry | permits | allowed for |
//! |---|---|---|
//! | `https://fra1.qualtrics.com` | this host, port 443 | component and operator |
//! | `https://*.qualtrics.com` | every host below `qualtrics.com`, at any depth, port 443; not `qualtrics.com` itself | component and operator |
//! | `https://gateway.example.com:8443` | this host, this port | component and operator |
//! | `https://192.0.2.7` | this address, port 443 | operator |
//! | `http://127.0.0.1:8080`, `http://[::1]:8080` | this port of the machine itself, without TLS | operator |
//!
//! An entry has no path, no user name, no wildcard in the middle or for a whole top-level domain, and no `http` to another
//! machine, because a connector's requests carry credentials. Internationalised names are written in their ASCII form, `xn--…`.
//!
//! # Matching
//!
//! Scheme, host and port must be equal, ignoring case; the default port is that of the scheme. A wildcard matches names, never
//! addresses. `example.com.` does not match `example.com`: nothing is normalised that another parser might read differently.
//!
//! # Addresses
//!
//! DNS decides where a permitted name leads, for example to a cloud's metadata service. Therefore every address that a name
//! resolves to is checked, and the connection is made to the checked address. Only public addresses are permitted, unless
//! the operator permits private ones. IP literals are not resolved: the operator may write a loopback address; any other private
//! address needs that permission, too.
//!
//! Through a [`Proxy`](crate::Proxy), the proxy resolves the name, so that the host cannot check the addresses: let the proxy deny private
//! ones. Origins and IP literals are checked as without a proxy.
//!
//! ```
//! use privacy_host::EgressPolicy;
//!
//! let policy = EgressPolicy::of_manifest(["https://*.qualtrics.com"])?.allow("http://127.0.0.1:8080")?;
//! assert!(policy.permits(&"https://fra1.qualtrics.com/API/v3/whoami".parse()?));
//! assert!(policy.permits(&"http://127.0.0.1:8080/oauth2/token".parse()?));
//! assert!(!policy.permits(&"https://qualtrics.com/".parse()?));
//! assert!(!EgressPolicy::deny_all().permits(&"https://fra1.qualtrics.com/".parse()?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::net::IpAddr;

use egress_guard::origin::{Host, Origin, is_public};
use http::Uri;

/// The origins that a connector may send requests to: see the [module](self).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    origins: Vec<Origin>,
    private_addresses: bool,
}

/// The addresses that a name may resolve to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Addresses {
    /// Public addresses.
    Public,
    /// Every address.
    Any,
}

impl EgressPolicy {
    /// Permits nothing.
    #[must_use]
    pub fn deny_all() -> Self {
        Self::default()
    }

    /// Permits the egress of a component's manifest. A component may not ask for addresses or for `http`.
    ///
    /// # Errors
    /// An entry is not allowed for a component.
    pub fn of_manifest<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, EntryError> {
        let mut policy = Self::deny_all();
        for entry in entries {
            let origin = EntryError::parse(entry)?;
            if matches!(origin.host, Host::Address(_)) {
                return Err(EntryError {
                    entry: entry.to_owned(),
                    advice: "a component may only ask for names; an operator may allow addresses with `EgressPolicy::allow`",
                });
            }
            policy.origins.push(origin);
        }
        Ok(policy)
    }

    /// Permits one more origin, on behalf of the operator.
    ///
    /// # Errors
    /// The entry is not in the [module's](self) table.
    pub fn allow(mut self, entry: &str) -> Result<Self, EntryError> {
        self.origins.push(EntryError::parse(entry)?);
        Ok(self)
    }

    /// Permits names that resolve to private addresses, and private IP literals, on behalf of the operator.
    #[must_use]
    pub fn allow_private_addresses(mut self) -> Self {
        self.private_addresses = true;
        self
    }

    /// Whether a request may go to this URI. Path and query are ignored.
    #[must_use]
    pub fn permits(&self, uri: &Uri) -> bool {
        let Some(target) = target(uri) else { return false };
        let address_permitted = match target.host {
            Host::Address(address) => self.private_addresses || address.is_loopback() || is_public(address),
            Host::Name(_) | Host::Below(_) => true,
        };
        address_permitted && self.origins.iter().any(|origin| origin.covers(&target))
    }

    /// The addresses that permitted names may resolve to.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        if self.private_addresses { Addresses::Any } else { Addresses::Public }
    }
}

impl Addresses {
    /// Whether this address is one of them.
    #[must_use]
    pub fn permit(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::Any => true,
        }
    }
}

/// The origin of a request; `None` if it is ambiguous.
fn target(uri: &Uri) -> Option<Origin> {
    let tls = match uri.scheme_str()? {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    Origin::of_request(tls, uri.authority()?.as_str())
}

/// An invalid entry, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryError {
    entry: String,
    advice: &'static str,
}

impl EntryError {
    fn parse(entry: &str) -> Result<Origin, Self> {
        Origin::parse(entry).map_err(|advice| Self { entry: entry.to_owned(), advice })
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` cannot be allowed as an origin: {}", self.entry, self.advice)
    }
}

impl std::error::Error for EntryError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(entries: &[&str], uri: &str) -> bool {
        let policy = entries.iter().fold(EgressPolicy::deny_all(), |policy, entry| policy.allow(entry).unwrap());
        policy.permits(&uri.parse().unwrap())
    }

    fn advice(entry: &str) -> &'static str {
        EgressPolicy::deny_all().allow(entry).unwrap_err().advice
    }

    #[test]
    fn an_empty_list_denies_all() {
        assert!(!permits(&[], "https://fra1.qualtrics.com/"));
        assert!(!permits(&[], "http://127.0.0.1/"));
    }

    #[test]
    fn an_exact_origin_permits_only_itself() {
        let entries = ["https://fra1.qualtrics.com"];
        assert!(permits(&entries, "https://fra1.qualtrics.com/API/v3/whoami?x=1"));
        assert!(permits(&entries, "https://FRA1.Qualtrics.COM:443"));
        for other in [
            "http://fra1.qualtrics.com/",
            "https://fra1.qualtrics.com:8443/",
            "https://fra1.qualtrics.com./",
            "https://iad1.qualtrics.com/",
            "https://a.fra1.qualtrics.com/",
            "https://fra1.qualtrics.com.example.com/",
            "https://user@fra1.qualtrics.com/",
            "https://fra1.qualtrics.com@example.com/",
            "ftp://fra1.qualtrics.com/",
            "/API/v3/whoami",
        ] {
            assert!(!permits(&entries, other), "{other}");
        }
    }

    #[test]
    fn a_wildcard_permits_subdomains_and_not_the_domain_itself() {
        let entries = ["https://*.qualtrics.com"];
        assert!(permits(&entries, "https://fra1.qualtrics.com/"));
        assert!(permits(&entries, "https://acme.fra1.qualtrics.com/"));
        for other in [
            "https://qualtrics.com/",
            "https://.qualtrics.com/",
            "https://evilqualtrics.com/",
            "https://fra1.qualtrics.com:444/",
            "http://fra1.qualtrics.com/",
            "https://127.0.0.1/",
        ] {
            assert!(!permits(&entries, other), "{other}");
        }
    }

    #[test]
    fn an_ip_literal_permits_only_that_address_and_port() {
        assert!(permits(&["http://127.0.0.1:8080"], "http://127.0.0.1:8080/x"));
        assert!(permits(&["http://[::1]:8080"], "http://[0:0:0:0:0:0:0:1]:8080/x"));
        assert!(permits(&["https://8.8.8.8"], "https://8.8.8.8/"));
        for other in
            ["http://127.0.0.1:8081/", "http://127.0.0.2:8080/", "http://127.1:8080/", "http://localhost:8080/"]
        {
            assert!(!permits(&["http://127.0.0.1:8080"], other), "{other}");
        }
    }

    #[test]
    fn a_private_ip_literal_needs_an_entry_and_the_permission_for_private_addresses() {
        let written = EgressPolicy::deny_all().allow("https://10.1.2.3").unwrap();
        let uri = "https://10.1.2.3/".parse().unwrap();
        assert!(!written.permits(&uri));
        assert!(written.allow_private_addresses().permits(&uri));
        assert!(!EgressPolicy::deny_all().allow_private_addresses().permits(&uri));
    }

    #[test]
    fn a_manifest_may_only_ask_for_names_over_https() {
        assert!(EgressPolicy::of_manifest(["https://*.qualtrics.com", "https://files.example.com:8443"]).is_ok());
        for entry in
            ["http://127.0.0.1:8080", "https://127.0.0.1", "https://8.8.8.8", "https://[::1]", "http://example.com"]
        {
            assert!(EgressPolicy::of_manifest([entry]).is_err(), "{entry}");
        }
    }

    #[test]
    fn an_invalid_entry_says_how_to_fix_it() {
        assert!(advice("fra1.qualtrics.com").contains("`https://host`"));
        assert!(advice("*").contains("`https://host`"));
        assert!(advice("https://fra1.qualtrics.com/").contains("without a path"));
        assert!(advice("https://me:secret@fra1.qualtrics.com").contains("user name"));
        assert!(advice("https://fra1.qualtrics.com:0").contains("1 to 65535"));
        assert!(advice("https://fra1.qualtrics.com:+80").contains("1 to 65535"));
        assert!(advice("https://*.com").contains("`https://*.example.com`"));
        assert!(advice("https://*.127.0.0.1").contains("`https://*.example.com`"));
        assert!(advice("https://fra1.*.com").contains("ASCII"));
        assert!(advice("https://*").contains("ASCII"));
        assert!(advice("https://").contains("ASCII"));
        assert!(advice("https://127.1").contains("address in its usual form"));
        assert!(advice("https://0x7f000001").contains("address in its usual form"));
        assert!(advice("https://münchen.example").contains("xn--"));
        assert!(advice("http://fra1.qualtrics.com").contains("http://127.0.0.1:port"));
    }

    #[test]
    fn public_addresses_are_permitted() {
        for address in
            ["8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255"]
        {
            assert!(Addresses::Public.permit(address.parse().unwrap()), "{address}");
        }
        for address in ["2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2001:4860:4860::8888"]
        {
            assert!(Addresses::Public.permit(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn private_addresses_are_denied_in_every_notation() {
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::a9fe:a9fe",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::808:808",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert!(!Addresses::Public.permit(address), "{address}");
            assert!(Addresses::Any.permit(address), "{address}");
        }
    }
}
