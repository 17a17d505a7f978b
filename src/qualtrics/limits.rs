//! Qualtrics' rate limits, which hold for a whole brand (fact sheet 3.3).

use crate::http::Method;

/// A limit of Qualtrics'.
#[derive(Debug)]
pub struct Limit {
    /// A name for people.
    pub name: &'static str,
    /// The methods that it counts.
    pub methods: &'static [Method],
    /// The beginning of the paths that it counts.
    pub path_prefix: &'static str,
    /// How paths that it counts go on, where the prefix is not enough.
    pub path_suffix: &'static str,
    /// Calls a minute, over all callers of the brand.
    pub calls_per_minute: u32,
}

/// Every limit that the connector can run into. The erasure figures are official, the others come from a digest of the
/// official page. A call counts against every limit that it matches.
pub const LIMITS: [Limit; 6] = [
    Limit {
        name: "brand",
        methods: &[Method::Get, Method::Post],
        path_prefix: "/API/v3/",
        path_suffix: "",
        calls_per_minute: 3_000,
    },
    Limit {
        name: "erasure-create",
        methods: &[Method::Post],
        path_prefix: "/API/v3/op-erase-personal-data",
        path_suffix: "",
        calls_per_minute: 20,
    },
    Limit {
        name: "erasure-read",
        methods: &[Method::Get],
        path_prefix: "/API/v3/op-erase-personal-data",
        path_suffix: "",
        calls_per_minute: 20,
    },
    Limit {
        name: "customer-data-create",
        methods: &[Method::Post],
        path_prefix: "/API/v3/customer-data-requests",
        path_suffix: "",
        calls_per_minute: 100,
    },
    Limit {
        name: "customer-data-read",
        methods: &[Method::Get],
        path_prefix: "/API/v3/customer-data-requests",
        path_suffix: "",
        calls_per_minute: 100,
    },
    Limit {
        name: "contact-search",
        methods: &[Method::Post],
        path_prefix: "/API/v3/directories/",
        path_suffix: "/contacts/search",
        calls_per_minute: 500,
    },
];

impl Limit {
    /// Whether a call counts against this limit. `path` may carry a query.
    #[must_use]
    pub fn counts(&self, method: Method, path: &str) -> bool {
        let bare = path.split('?').next().unwrap_or_default();
        self.methods.contains(&method) && bare.starts_with(self.path_prefix) && bare.ends_with(self.path_suffix)
    }
}
