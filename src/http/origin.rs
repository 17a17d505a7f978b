//! Where requests go.

use std::fmt;

/// A scheme and an authority, and nothing else: no path, no user information, no query.
///
/// Only this crate creates one, after the vendor's module has validated the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// `https`; otherwise `http`, and the host is loopback.
    tls: bool,
    authority: String,
}

impl Origin {
    pub(crate) const fn new(tls: bool, authority: String) -> Self {
        Self { tls, authority }
    }

    /// Whether requests are encrypted.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host, and the port unless it is the scheme's default: `api.example.com`, `127.0.0.1:8080`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// As egress policies write it: `https://api.example.com`.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(formatter, "{scheme}://{}", self.authority)
    }
}
