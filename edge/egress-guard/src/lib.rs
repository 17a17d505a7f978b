//! An egress policy as a component, for hosts that have none of their own.
//!
//! It imports and exports `wasi:http/outgoing-handler`. Composed before a plugin, it takes the place of the host's: a
//! request to an origin that is permitted is handed on as it is, and the answer to all others is `HTTP-request-denied`,
//! before a byte has left. The plugin cannot go around it, since what it imports is the guard; and it sees nothing of the
//! guard's memory or environment.
//!
//! What is permitted stands in the environment variable `EGRESS_ORIGINS`, entries of [`origin`] with commas between them.
//! Without that variable it is what the guard was built with (`EGRESS_GUARD_ORIGINS`, at build; nothing by default). **An
//! empty list and one with a wrong entry deny all.**
//!
//! A guard sees names, and not where they lead. A host that looks them up itself can refuse private addresses, too; where it
//! does not, the network should.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod origin;

use origin::{Host, Origin};

/// The origins that are permitted; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy(Vec<Origin>);

impl Policy {
    /// Permits what this list says, with commas between its entries. One wrong entry, and nothing is permitted: what
    /// was meant is not known.
    #[must_use]
    pub fn of_list(list: &str) -> Self {
        if list.trim().is_empty() {
            return Self::default();
        }
        Self(list.split(',').map(|entry| Origin::parse(entry.trim()).ok()).collect::<Option<_>>().unwrap_or_default())
    }

    /// Whether a request may be sent. `None` is what it does not say, and hosts would put something in its place.
    ///
    /// The path decides nothing as long as it is one. Some hosts make the URL by writing authority and path one after the other:
    /// then a path of `@example.com/` makes a user name of the host that was permitted.
    #[must_use]
    pub fn permits(&self, tls: Option<bool>, authority: Option<&str>, path_with_query: Option<&str>) -> bool {
        let (Some(tls), Some(authority), Some(path)) = (tls, authority, path_with_query) else { return false };
        let Some(target) = Origin::of_request(tls, authority).filter(|_| path.starts_with('/')) else { return false };
        let private =
            matches!(target.host, Host::Address(address) if !address.is_loopback() && !origin::is_public(address));
        !private && self.0.iter().any(|origin| origin.covers(&target))
    }
}

#[cfg(test)]
mod tests;
