//! Where requests may go.

use crate::prelude::*;

/// Scheme and authority, and nothing else: no path, no user information, no query.
///
/// It can only be made by [`crate::qualtrics::host`], which decides what may become one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// Whether the scheme is `https`; otherwise it is `http`, and the host is loopback.
    tls: bool,
    /// Host, and port where it is not the scheme's own.
    authority: String,
}

impl Origin {
    pub(crate) fn new(tls: bool, authority: String) -> Self {
        Self { tls, authority }
    }

    /// Whether requests are encrypted.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    /// Host, and port where it is not the scheme's own: `fra1.qualtrics.com`, `127.0.0.1:8080`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// As a host's egress policy writes it: `https://fra1.qualtrics.com`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let scheme = if self.tls { "https://" } else { "http://" };
        [scheme, &self.authority].concat()
    }
}
