//! What the connector is, needs, and does not reach.

use super::contract::{Capability, Gap, Manifest, Permission, RateLimit, Right};
use super::errors::rights_of;
use super::settings;
use crate::http::Method;
use crate::prelude::*;
use crate::qualtrics::{limits::LIMITS, oauth::Scope};

/// Name and version, as receipts say them.
pub const CONNECTOR: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

const HOUR_MS: u64 = 3_600_000;

/// How long a request may take before a person should look. How long Qualtrics takes is unconfirmed: minutes to days.
#[must_use]
pub const fn overdue_after_ms(right: Right) -> u64 {
    match right {
        Right::Access => 24 * HOUR_MS,
        Right::Deletion => 72 * HOUR_MS,
    }
}

const CAPABILITIES: [Capability; 2] =
    [capability(Right::Access, &["email", "phone", "external-reference"]), capability(Right::Deletion, &["email"])];

/// `describe`.
#[must_use]
pub fn manifest() -> Manifest {
    Manifest {
        name: "qualtrics",
        title: "Qualtrics",
        version: env!("CARGO_PKG_VERSION"),
        capabilities: &CAPABILITIES,
        settings: &settings::FIELDS,
        permissions: Scope::ALL
            .into_iter()
            .map(|scope| Permission { name: scope.name(), needed_for: rights_of(scope) })
            .collect(),
        limits: LIMITS
            .iter()
            .map(|limit| RateLimit {
                name: limit.name,
                methods: limit.methods.iter().map(|method| method_name(*method)).collect(),
                path_prefix: limit.path_prefix,
                calls_per_minute: limit.calls_per_minute,
            })
            .collect(),
        egress: &["https://*.qualtrics.com"],
        gaps: [GAPS, GAPS_OF_ACCESS, GAPS_OF_DELETION].concat(),
        extra: Vec::new(),
    }
}

const fn capability(right: Right, identifiers: &'static [&'static str]) -> Capability {
    Capability { right, asynchronous: true, whole_record: true, identifiers, overdue_after_ms: overdue_after_ms(right) }
}

const fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
    }
}

/// What a request of this kind does not reach.
#[must_use]
pub fn gaps(right: Right) -> Vec<Gap> {
    let others = match right {
        Right::Access => GAPS_OF_ACCESS,
        Right::Deletion => GAPS_OF_DELETION,
    };
    [GAPS, others].concat()
}

/// What neither kind of request reaches. These and the first of access are official (fact sheet 6.4); the others follow from
/// what the API offers.
const GAPS: &[Gap] = &[
    Gap {
        code: "typed-addresses",
        description: "An address that a person only typed into an answer of an anonymous survey is not recognised as theirs.",
        advice: "Search the responses of surveys that ask for contact details, by hand.",
    },
    Gap {
        code: "offline-responses",
        description: "Responses that are still in progress in the offline app are not reached until they are uploaded.",
        advice: "Have devices upload, then make the request again.",
    },
    Gap {
        code: "exported-files",
        description: "Files that were sent to SFTP servers or other systems are not reached.",
        advice: "Search those systems.",
    },
];

const GAPS_OF_ACCESS: &[Gap] = &[
    Gap {
        code: "user-accounts",
        description: "The account record of a person who is a user of Qualtrics is not part of the answer.",
        advice: "Look the person up under Admin, Users, and add the record.",
    },
    Gap {
        code: "contact-history",
        description: "The history of a contact's invitations, and its transactions, are not part of the answer.",
        advice: "Open the contact in XM Directory, and add what is shown there.",
    },
    Gap {
        code: "contact-lists",
        description: "Contacts of lists outside XM Directory are searched by Qualtrics' own export only, as far as it does that.",
        advice: "If the brand has no XM Directory, search its contact lists by hand.",
    },
];

const GAPS_OF_DELETION: &[Gap] = &[
    Gap {
        code: "stats-iq",
        description: "Analyses in Stats iQ keep the data until they are refreshed.",
        advice: "Refresh the data of the analyses that use the surveys.",
    },
    Gap {
        code: "whole-surveys",
        description: "Surveys that are about the person as a whole are not deleted, nor is what others wrote about the person.",
        advice: "Delete such surveys by hand.",
    },
    Gap {
        code: "personal-links",
        description: "Distributions with individual links stay.",
        advice: "Delete them by hand where their names tell who the person is.",
    },
];
