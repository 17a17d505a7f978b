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

/// `describe`.
#[must_use]
pub fn manifest() -> Manifest {
    Manifest {
        name: "qualtrics".to_owned(),
        title: "Qualtrics".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        capabilities: vec![
            capability(Right::Access, &["email", "phone", "external-reference"]),
            capability(Right::Deletion, &["email"]),
        ],
        settings: settings::fields(),
        permissions: Scope::ALL
            .into_iter()
            .map(|scope| Permission { name: scope.name().to_owned(), needed_for: rights_of(scope) })
            .collect(),
        limits: LIMITS
            .iter()
            .map(|limit| RateLimit {
                name: limit.name.to_owned(),
                methods: limit.methods.iter().map(|method| method_name(*method).to_owned()).collect(),
                path_prefix: limit.path_prefix.to_owned(),
                calls_per_minute: limit.calls_per_minute,
            })
            .collect(),
        egress: vec!["https://*.qualtrics.com".to_owned()],
        gaps: both_gaps(),
        extra: Vec::new(),
    }
}

fn capability(right: Right, identifiers: &[&str]) -> Capability {
    Capability {
        right,
        asynchronous: true,
        whole_record: true,
        identifiers: identifiers.iter().map(|kind| (*kind).to_owned()).collect(),
        overdue_after_ms: overdue_after_ms(right),
    }
}

const fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
    }
}

fn both_gaps() -> Vec<Gap> {
    let mut gaps = gaps(Right::Access);
    for gap in self::gaps(Right::Deletion) {
        if !gaps.iter().any(|known| known.code == gap.code) {
            gaps.push(gap);
        }
    }
    gaps
}

/// What a request of this kind does not reach. The first four are official (fact sheet 6.4); the others follow from what
/// the API offers.
#[must_use]
pub fn gaps(right: Right) -> Vec<Gap> {
    let gap = |code: &str, description: &str, advice: &str| Gap {
        code: code.to_owned(),
        description: description.to_owned(),
        advice: advice.to_owned(),
    };
    let mut gaps = vec![
        gap(
            "typed-addresses",
            "An address that a person only typed into an answer of an anonymous survey is not recognised as theirs.",
            "Search the responses of surveys that ask for contact details, by hand.",
        ),
        gap(
            "offline-responses",
            "Responses that are still in progress in the offline app are not reached until they are uploaded.",
            "Have devices upload, then make the request again.",
        ),
        gap(
            "exported-files",
            "Files that were sent to SFTP servers or other systems are not reached.",
            "Search those systems.",
        ),
    ];
    match right {
        Right::Access => gaps.extend([
            gap(
                "user-accounts",
                "The account record of a person who is a user of Qualtrics is not part of the answer.",
                "Look the person up under Admin, Users, and add the record.",
            ),
            gap(
                "contact-history",
                "The history of a contact's invitations, and its transactions, are not part of the answer.",
                "Open the contact in XM Directory, and add what is shown there.",
            ),
            gap(
                "contact-lists",
                "Contacts of lists outside XM Directory are searched by Qualtrics' own export only, as far as it does that.",
                "If the brand has no XM Directory, search its contact lists by hand.",
            ),
        ]),
        Right::Deletion => gaps.extend([
            gap(
                "stats-iq",
                "Analyses in Stats iQ keep the data until they are refreshed.",
                "Refresh the data of the analyses that use the surveys.",
            ),
            gap(
                "whole-surveys",
                "Surveys that are about the person as a whole are not deleted, nor is what others wrote about the person.",
                "Delete such surveys by hand.",
            ),
            gap(
                "personal-links",
                "Distributions with individual links stay.",
                "Delete them by hand where their names tell who the person is.",
            ),
        ]),
    }
    gaps
}
