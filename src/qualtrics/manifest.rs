//! What the connector is, what it needs, and what it does not reach.

use super::limits::LIMITS;
use super::scopes::Scope;
use super::settings;
use crate::contract::{Capability, Gap, Manifest, Permission, RateLimit, Right};

/// Name and version, as receipts have them.
pub const CONNECTOR: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

const HOUR_MS: u64 = 3_600_000;

/// How long a request may take before an operator should look. How long Qualtrics takes is unconfirmed: minutes to days.
#[must_use]
pub const fn overdue_after_ms(right: Right) -> u64 {
    match right {
        Right::Access | Right::OptOut => 24 * HOUR_MS,
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
            capability(Right::Access, &["email", "phone", "external-id"]),
            capability(Right::Deletion, &["email"]),
        ],
        settings: settings::fields(),
        permissions: Scope::ALL.into_iter().map(permission).collect(),
        limits: LIMITS
            .iter()
            .map(|limit| RateLimit {
                name: limit.name.to_owned(),
                methods: limit.methods.iter().map(|method| method.name().to_owned()).collect(),
                path: limit.path.to_owned(),
                calls_per_minute: limit.calls_per_minute,
            })
            .collect(),
        egress: vec!["https://*.qualtrics.com".to_owned()],
        gaps: GAPS.iter().map(KnownGap::to_contract).collect(),
    }
}

/// What requests for a right do not reach.
#[must_use]
pub fn gaps(right: Right) -> Vec<Gap> {
    GAPS.iter().filter(|gap| gap.rights.contains(&right)).map(KnownGap::to_contract).collect()
}

fn capability(right: Right, identifiers: &[&str]) -> Capability {
    Capability {
        right,
        asynchronous: true,
        whole_record: true,
        identifiers: identifiers.iter().map(|kind| (*kind).to_owned()).collect(),
        group_size: 1,
        overdue_after_ms: overdue_after_ms(right),
    }
}

fn permission(scope: Scope) -> Permission {
    Permission { name: scope.name().to_owned(), required_for: scope.rights().to_vec(), optional_for: Vec::new() }
}

/// A gap, as static data.
struct KnownGap {
    code: &'static str,
    rights: &'static [Right],
    description: &'static str,
    advice: &'static str,
}

impl KnownGap {
    fn to_contract(&self) -> Gap {
        Gap {
            code: self.code.to_owned(),
            rights: self.rights.to_vec(),
            description: self.description.to_owned(),
            advice: self.advice.to_owned(),
        }
    }
}

const BOTH: &[Right] = &[Right::Access, Right::Deletion];
const ACCESS: &[Right] = &[Right::Access];
const DELETION: &[Right] = &[Right::Deletion];

/// Data that requests do not reach: official where Qualtrics documents it (fact sheet 6.4 and 13), else what follows from the API.
const GAPS: &[KnownGap] = &[
    KnownGap {
        code: "typed-addresses",
        rights: BOTH,
        description: "An address that was typed into a text answer, or that reached embedded data without a contact, is not recognised.",
        advice: "Search the responses of surveys that ask for contact details by hand.",
    },
    KnownGap {
        code: "offline-responses",
        rights: BOTH,
        description: "Responses in progress in the offline app are not reached until they are uploaded.",
        advice: "Have the devices upload, then start the request again.",
    },
    KnownGap {
        code: "exported-files",
        rights: BOTH,
        description: "Files that were exported to SFTP servers or other systems are not reached.",
        advice: "Search those systems.",
    },
    KnownGap {
        code: "uploaded-files",
        rights: ACCESS,
        description: "Whether Qualtrics' export contains files that respondents uploaded is unconfirmed.",
        advice: "Check the responses in the export for file questions, and add the files by hand.",
    },
    KnownGap {
        code: "imported-data",
        rights: BOTH,
        description: "Imported data projects and datasets are not keyed by address and are not searched.",
        advice: "Search imported data projects and datasets by hand.",
    },
    KnownGap {
        code: "employee-participants",
        rights: BOTH,
        description: "Participants of Employee Experience projects and of the Employee Directory are reached only where Qualtrics' job \
                      covers them.",
        advice: "Search the participants of employee projects by hand.",
    },
    KnownGap {
        code: "xm-discover",
        rights: BOTH,
        description: "XM Discover holds copies of surveys and tickets, with a deletion of its own.",
        advice: "Start the request in XM Discover as well.",
    },
    KnownGap {
        code: "social-connect",
        rights: BOTH,
        description: "Social Connect holds mentions and messages, with a deletion of its own.",
        advice: "Start the request in Social Connect as well.",
    },
    KnownGap {
        code: "hidden-directories",
        rights: BOTH,
        description: "A directory that role-based access closes to this account is not searched.",
        advice: "Give the account's role access to every directory.",
    },
    KnownGap {
        code: "user-accounts",
        rights: ACCESS,
        description: "The account record of a person who is a user of Qualtrics is not part of the documents.",
        advice: "Look the person up under Admin, Users, and add the record.",
    },
    KnownGap {
        code: "contact-history",
        rights: ACCESS,
        description: "The history of a contact's invitations and its transactions are not part of the documents.",
        advice: "Open the contact in XM Directory, and add what is shown there.",
    },
    KnownGap {
        code: "contact-lists",
        rights: ACCESS,
        description: "Contacts of lists outside XM Directory are covered only as far as Qualtrics' export covers them.",
        advice: "If the brand has no XM Directory, search its contact lists by hand.",
    },
    KnownGap {
        code: "tickets",
        rights: ACCESS,
        description: "Tickets that were created from responses are not part of the documents.",
        advice: "Search the tickets of the person by hand.",
    },
    KnownGap {
        code: "edit-history",
        rights: BOTH,
        description: "Earlier values of edited responses and contacts are covered only as far as Qualtrics' jobs cover them.",
        advice: "If edited values matter, ask Qualtrics' support.",
    },
    KnownGap {
        code: "stats-iq",
        rights: DELETION,
        description: "Analyses in Stats iQ keep the data until they are refreshed.",
        advice: "Refresh the data of the analyses that use the surveys.",
    },
    KnownGap {
        code: "whole-surveys",
        rights: DELETION,
        description: "Surveys about the person are not deleted, nor is what others wrote about the person.",
        advice: "Delete such surveys by hand.",
    },
    KnownGap {
        code: "personal-links",
        rights: DELETION,
        description: "Distributions with individual links stay.",
        advice: "Delete them by hand if their names identify the person.",
    },
    KnownGap {
        code: "backups",
        rights: DELETION,
        description: "Qualtrics may be able to recover deleted data for about 90 days, and from backups for longer. A verified deletion \
                      means that no search finds anything.",
        advice: "Take the retention from the contract with Qualtrics into the record of processing.",
    },
    KnownGap {
        code: "re-import",
        rights: DELETION,
        description: "Scheduled imports and contact lists may create a deleted contact again, without its opt-out mark.",
        advice: "Remove the person from the sources of imports, too.",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_gap_has_a_code_of_its_own_and_a_right() {
        let codes: BTreeSet<&str> = GAPS.iter().map(|gap| gap.code).collect();
        assert_eq!(codes.len(), GAPS.len());
        assert!(GAPS.iter().all(|gap| !gap.rights.is_empty()));
        assert!(!gaps(Right::Access).iter().any(|gap| gap.code == "stats-iq"));
        assert!(gaps(Right::Deletion).iter().any(|gap| gap.code == "backups"));
    }

    #[test]
    fn opt_out_is_not_a_capability() {
        assert!(manifest().capabilities.iter().all(|capability| capability.right != Right::OptOut));
    }
}
