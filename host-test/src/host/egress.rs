//! Where a connector may send requests.
//!
//! A policy is a list of origins, parsed once. **An empty list denies all.**
//!
//! # Entries
//!
//! | entry | permits | who may write it |
//! |---|---|---|
//! | `https://fra1.qualtrics.com` | this host, port 443 | component and operator |
//! | `https://*.qualtrics.com` | every host below `qualtrics.com`, at any depth, port 443; not `qualtrics.com` itself | component and operator |
//! | `https://gateway.example.com:8443` | this host, this port | component and operator |
//! | `https://192.0.2.7` | this address, port 443 | operator |
//! | `http://127.0.0.1:8080`, `http://[::1]:8080` | this port of the machine itself, without TLS | operator |
//!
//! Nothing else is an entry: no path, no user name, no wildcard in the middle or over a whole top-level domain, no
//! `http` to another machine (a connector's requests carry credentials). An internationalised name is written as it
//! stands in the DNS, `xn--…`.
//!
//! # Matching
//!
//! Scheme, host and port must be equal, without regard to case; a port left out is that of the scheme. A wildcard stands
//! for names, never for an address. `example.com.` is not `example.com`: nothing is normalised that the other side
//! might read differently.
//!
//! # Addresses
//!
//! A permitted name says nothing of where it leads: whoever runs its DNS could point it at the cloud's metadata
//! service, or at a printer. So every address that a name resolves to is checked too, and the connection is made to the very
//! address that was checked. Only addresses of the public internet are permitted, unless the operator permits private
//! ones. An IP literal is not resolved: the operator wrote it, and may write a loopback address; another private one needs
//! that permission, too.
//!
//! ```
//! use host_test::host::EgressPolicy;
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

/// Where a connector may send requests: see the [module](self).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    origins: Vec<Origin>,
    private_addresses: bool,
}

/// Which addresses a name may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Addresses {
    /// Those of the public internet.
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

    /// Permits what a component's manifest asks for. A component is not trusted to name addresses or to go without TLS.
    ///
    /// # Errors
    /// An entry is none of those that a component may write.
    pub fn of_manifest<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, EntryError> {
        let mut policy = Self::deny_all();
        for entry in entries {
            let origin = EntryError::parse(entry)?;
            if matches!(origin.host, Host::Address(_)) {
                return Err(EntryError {
                    entry: entry.to_owned(),
                    advice: "a component may ask for names only; an operator may allow addresses",
                });
            }
            policy.origins.push(origin);
        }
        Ok(policy)
    }

    /// Permits one more origin, by the word of the operator.
    ///
    /// # Errors
    /// The entry is none of those in the [module's](self) table.
    pub fn allow(mut self, entry: &str) -> Result<Self, EntryError> {
        self.origins.push(EntryError::parse(entry)?);
        Ok(self)
    }

    /// Permits names that lead to private addresses, and IP literals that are private, by the word of the operator.
    #[must_use]
    pub fn allow_private_addresses(mut self) -> Self {
        self.private_addresses = true;
        self
    }

    /// Whether a request may go to this URI. Its path plays no part.
    #[must_use]
    pub fn permits(&self, uri: &Uri) -> bool {
        let Some(target) = target(uri) else { return false };
        let address_permitted = match target.host {
            Host::Address(address) => self.private_addresses || address.is_loopback() || is_public(address),
            Host::Name(_) | Host::Below(_) => true,
        };
        address_permitted && self.origins.iter().any(|origin| origin.covers(&target))
    }

    /// Which addresses the permitted names may lead to.
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

/// Where a request goes, or nothing where that could be read in two ways.
fn target(uri: &Uri) -> Option<Origin> {
    let tls = match uri.scheme_str()? {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    Origin::of_request(tls, uri.authority()?.as_str())
}

/// An entry that is none, and how to mend it.
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

    fn mend(entry: &str) -> &'static str {
        EgressPolicy::deny_all().allow(entry).unwrap_err().advice
    }

    #[test]
    fn an_empty_list_denies_all() {
        assert!(!permits(&[], "https://fra1.qualtrics.com/"));
        assert!(!permits(&[], "http://127.0.0.1/"));
    }

    #[test]
    fn an_exact_origin_permits_itself_alone() {
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
    fn a_wildcard_permits_every_name_below_and_never_the_domain_itself() {
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
    fn an_address_is_permitted_only_as_it_was_written() {
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
    fn a_private_address_that_is_not_loopback_needs_the_operators_word_twice() {
        let written = EgressPolicy::deny_all().allow("https://10.1.2.3").unwrap();
        let uri = "https://10.1.2.3/".parse().unwrap();
        assert!(!written.permits(&uri));
        assert!(written.allow_private_addresses().permits(&uri));
        assert!(!EgressPolicy::deny_all().allow_private_addresses().permits(&uri));
    }

    #[test]
    fn a_component_may_ask_for_names_over_tls_only() {
        assert!(EgressPolicy::of_manifest(["https://*.qualtrics.com", "https://files.example.com:8443"]).is_ok());
        for entry in
            ["http://127.0.0.1:8080", "https://127.0.0.1", "https://8.8.8.8", "https://[::1]", "http://example.com"]
        {
            assert!(EgressPolicy::of_manifest([entry]).is_err(), "{entry}");
        }
    }

    #[test]
    fn a_wrong_entry_says_how_to_mend_it() {
        assert!(mend("fra1.qualtrics.com").contains("`https://host`"));
        assert!(mend("*").contains("`https://host`"));
        assert!(mend("https://fra1.qualtrics.com/").contains("no path"));
        assert!(mend("https://me:secret@fra1.qualtrics.com").contains("no user name"));
        assert!(mend("https://fra1.qualtrics.com:0").contains("1 to 65535"));
        assert!(mend("https://fra1.qualtrics.com:+80").contains("1 to 65535"));
        assert!(mend("https://*.com").contains("`https://*.example.com`"));
        assert!(mend("https://*.127.0.0.1").contains("`https://*.example.com`"));
        assert!(mend("https://fra1.*.com").contains("ASCII"));
        assert!(mend("https://*").contains("ASCII"));
        assert!(mend("https://").contains("ASCII"));
        assert!(mend("https://127.1").contains("address in its usual form"));
        assert!(mend("https://0x7f000001").contains("address in its usual form"));
        assert!(mend("https://münchen.example").contains("xn--"));
        assert!(mend("http://fra1.qualtrics.com").contains("http://127.0.0.1:port"));
    }

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
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
    fn private_addresses_are_denied_in_every_disguise() {
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
