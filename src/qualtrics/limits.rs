//! Qualtrics' rate limits, which apply to a whole brand (fact sheet 3.3).

use crate::http::Method;
use crate::http::rate_limit::path_matches;

/// A rate limit.
#[derive(Debug)]
pub struct Limit {
    /// Its name, for people.
    pub name: &'static str,
    /// The methods that it applies to; empty for every method.
    pub methods: &'static [Method],
    /// The paths that it applies to, as a pattern of the contract.
    pub path: &'static str,
    /// Calls per minute, by all clients of the brand together.
    pub calls_per_minute: u32,
}

/// Every limit that applies to a call of the connector. A call counts against every limit that it matches. The figures for erasures
/// are official, the others are from a digest of the official page. Directories, single contacts, their history and transactions, and
/// users have limits of 3,000, as much as the whole brand has.
pub const LIMITS: [Limit; 9] = [
    Limit { name: "brand", methods: &[], path: "/API/v3/**", calls_per_minute: 3_000 },
    Limit {
        name: "erasure-create",
        methods: &[Method::Post],
        path: "/API/v3/op-erase-personal-data",
        calls_per_minute: 20,
    },
    Limit {
        name: "erasure-list",
        methods: &[Method::Get],
        path: "/API/v3/op-erase-personal-data",
        calls_per_minute: 20,
    },
    Limit {
        name: "erasure-get",
        methods: &[Method::Get],
        path: "/API/v3/op-erase-personal-data/*",
        calls_per_minute: 20,
    },
    Limit {
        name: "customer-data-create",
        methods: &[Method::Post],
        path: "/API/v3/customer-data-requests",
        calls_per_minute: 100,
    },
    Limit {
        name: "customer-data-get",
        methods: &[Method::Get],
        path: "/API/v3/customer-data-requests/*",
        calls_per_minute: 100,
    },
    Limit {
        name: "customer-data-file",
        methods: &[Method::Get],
        path: "/API/v3/customer-data-requests/*/files/*",
        calls_per_minute: 100,
    },
    Limit {
        name: "contact-search",
        methods: &[Method::Post],
        path: "/API/v3/directories/*/contacts/search",
        calls_per_minute: 500,
    },
    Limit {
        name: "contact-update",
        methods: &[Method::Put],
        path: "/API/v3/directories/*/contacts/*",
        calls_per_minute: 500,
    },
];

impl Limit {
    /// Whether a call counts against this limit. The path may carry a query.
    #[must_use]
    pub fn applies_to(&self, method: Method, path: &str) -> bool {
        (self.methods.is_empty() || self.methods.contains(&method)) && path_matches(self.path, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_counts_against_its_limit_and_the_brand_limit() {
        for (method, path, expected) in [
            (Method::Post, "/op-erase-personal-data", Some("erasure-create")),
            (Method::Get, "/op-erase-personal-data?pageSize=100", Some("erasure-list")),
            (Method::Get, "/op-erase-personal-data/OP-1", Some("erasure-get")),
            (Method::Post, "/customer-data-requests", Some("customer-data-create")),
            (Method::Get, "/customer-data-requests/R-1", Some("customer-data-get")),
            (Method::Get, "/customer-data-requests/R-1/files/F-1", Some("customer-data-file")),
            (Method::Post, "/directories/POOL_1/contacts/search?pageSize=100", Some("contact-search")),
            (Method::Get, "/directories/POOL_1/contacts/CID_1", None),
            (Method::Get, "/directories/POOL_1/contacts/CID_1/history?type=email", None),
            (Method::Get, "/directories/POOL_1/contacts/CID_1/transactions", None),
            (Method::Put, "/directories/POOL_1/contacts/CID_1", Some("contact-update")),
            (Method::Get, "/users?offset=100", None),
            (Method::Get, "/users/UR_1", None),
        ] {
            let path = format!("/API/v3{path}");
            let limits = LIMITS.iter().filter(|limit| limit.applies_to(method, &path)).map(|limit| limit.name);
            let expected: Vec<&str> = ["brand"].into_iter().chain(expected).collect();
            assert_eq!(limits.collect::<Vec<_>>(), expected, "{path}");
        }
        assert!(!LIMITS.iter().any(|limit| limit.applies_to(Method::Post, "/oauth2/token")));
    }
}
