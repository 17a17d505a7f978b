//! An egress policy as a component, for hosts without an egress policy.
//!
//! It imports and exports `wasi:http/outgoing-handler`. It is composed between a plugin and the host: it passes requests to permitted
//! origins on unchanged, and rejects all others with `HTTP-request-denied` before a byte is sent. The plugin cannot bypass the guard,
//! because the guard is its only import of `outgoing-handler`. The plugin has no access to the memory or the environment of the guard.
//!
//! The environment variable `EGRESS_ORIGINS` has the permitted origins: entries of [`origin`], separated by commas. Without the variable,
//! the list from the build applies (`EGRESS_GUARD_ORIGINS` at build time, empty by default). **An empty list, and a list with an invalid
//! entry, deny all requests.**
//!
//! The guard checks host names, not the addresses that they resolve to. The host or the network should deny private addresses.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod origin;

use origin::{Host, Origin};

/// The origins that are permitted; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy(Vec<Origin>);

impl Policy {
    /// Parses a list of entries, separated by commas. If one entry is invalid, nothing is permitted, because the intent is unknown.
    #[must_use]
    pub fn of_list(list: &str) -> Self {
        if list.trim().is_empty() {
            return Self::default();
        }
        Self(list.split(',').map(|entry| Origin::parse(entry.trim()).ok()).collect::<Option<_>>().unwrap_or_default())
    }

    /// Whether a request may be sent. A request without scheme, authority or path is denied, because hosts substitute different defaults.
    ///
    /// The path must begin with a slash and is otherwise ignored. Some hosts concatenate authority and path to a URL: a path of
    /// `@example.com/` would turn the permitted host into a user name.
    #[must_use]
    pub fn permits(&self, tls: Option<bool>, authority: Option<&str>, path_with_query: Option<&str>) -> bool {
        let (Some(tls), Some(authority), Some(path)) = (tls, authority, path_with_query) else { return false };
        let Some(target) = Origin::of_request(tls, authority).filter(|_| path.starts_with('/')) else { return false };
        let is_private =
            matches!(target.host, Host::Address(address) if !address.is_loopback() && !origin::is_public(address));
        !is_private && self.0.iter().any(|origin| origin.covers(&target))
    }
}

#[cfg(test)]
mod tests;
