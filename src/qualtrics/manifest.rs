//! What the connector is, what it needs, and what it does not reach.

use super::limits::LIMITS;
use super::scopes::Scope;
use super::settings::{self, MAX_GROUP_SIZE};
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
            capability(Right::Access, &["email", "phone", "external-id"], 1),
            capability(Right::Deletion, &["email"], MAX_GROUP_SIZE),
            capability(Right::OptOut, &["email", "phone", "external-id"], 1),
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

fn capability(right: Right, identifiers: &[&str], group_size: u64) -> Capability {
    Capability {
        right,
        asynchronous: true,
        whole_record: true,
        identifiers: identifiers.iter().map(|kind| (*kind).to_owned()).collect(),
        group_size: u32::try_from(group_size).unwrap_or(u32::MAX),
        overdue_after_ms: overdue_after_ms(right),
    }
}

fn permission(scope: Scope) -> Permission {
    Permission {
        name: scope.name().to_owned(),
        required_for: scope.rights().to_vec(),
        optional_for: scope.optional_for().to_vec(),
    }
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

const ALL: &[Right] = &[Right::Access, Right::Deletion, Right::OptOut];
const BOTH: &[Right] = &[Right::Access, Right::Deletion];
const OPT_OUT: &[Right] = &[Right::OptOut];
const ACCESS: &[Right] = &[Right::Access];
const DELETION: &[Right] = &[Right::Deletion];

/// Data that requests do not reach: official where Qualtrics documents it (fact sheet 6.4 and 13), else what follows from the API. Each
/// advice says in plain words what a controller does about it.
const GAPS: &[KnownGap] = &[
    KnownGap {
        code: "typed-addresses",
        rights: BOTH,
        description: "Responses belong to a person only through a contact. An address that was typed into an answer, or that reached \
                      embedded data from a link or a web service, is not recognised.",
        advice: "Search the responses and the embedded data of surveys that ask for contact details, or that are linked from other \
                 systems, by hand.",
    },
    KnownGap {
        code: "phone-spellings",
        rights: ALL,
        description: "Qualtrics holds telephone numbers as free text and compares them as text. Common ways to write a number are \
                      searched for. A number that is written in another way, or with an extension, is not found.",
        advice: "Give the person's e-mail addresses and external IDs as well, or search XM Directory for the last digits by hand.",
    },
    KnownGap {
        code: "offline-responses",
        rights: BOTH,
        description: "Responses in the offline app are not reached until the device uploads them.",
        advice: "Have the devices upload, then start the request again with another ID.",
    },
    KnownGap {
        code: "exported-files",
        rights: BOTH,
        description: "Files that were exported, to SFTP servers or by users, and data that was passed to other systems are not reached.",
        advice: "Search those files and systems, and notify their owners.",
    },
    KnownGap {
        code: "uploaded-files",
        rights: BOTH,
        description: "Whether Qualtrics' export contains the files that respondents uploaded, and whether its erasure deletes them, is \
                      unconfirmed.",
        advice: "Open the responses of surveys with file questions: add the files to the answer to an access request, and check that \
                 they are gone after a deletion.",
    },
    KnownGap {
        code: "imported-data",
        rights: BOTH,
        description: "Imported data projects and datasets are not keyed by address and are not searched.",
        advice: "Search imported data projects and datasets by hand, and delete the person's rows there.",
    },
    KnownGap {
        code: "employee-participants",
        rights: BOTH,
        description: "Participants of Employee Experience projects and of the Employee Directory are reached only where Qualtrics' job \
                      covers them.",
        advice: "Search the participants of employee projects and the Employee Directory by hand.",
    },
    KnownGap {
        code: "xm-discover",
        rights: BOTH,
        description: "XM Discover holds copies of surveys and tickets, with a deletion of its own.",
        advice: "If the brand uses XM Discover, start the request there as well.",
    },
    KnownGap {
        code: "social-connect",
        rights: BOTH,
        description: "Social Connect holds mentions and messages, with a deletion of its own.",
        advice: "If the brand uses Social Connect, start the request there as well.",
    },
    KnownGap {
        code: "hidden-directories",
        rights: ALL,
        description: "A directory that role-based access closes to this account is not searched.",
        advice: "Give the account's role access to every directory, then start the request again with another ID.",
    },
    KnownGap {
        code: "user-accounts",
        rights: ACCESS,
        description: "The record of a person who is a user of Qualtrics is part of the documents only if the OAuth client has the scope \
                      read:users, its account is a brand administrator, and the request names the user's e-mail address. The user's \
                      permissions, and the surveys that the user owns, are never part of them.",
        advice: "Look the person up under Admin, Users, and add what the documents lack.",
    },
    KnownGap {
        code: "contact-transactions",
        rights: ACCESS,
        description: "Transactions of contacts are part of the documents only if the OAuth client has the scope \
                      read:contact_transactions.",
        advice: "Grant the scope if the brand records transactions, then start the request again with another ID.",
    },
    KnownGap {
        code: "contact-history",
        rights: ACCESS,
        description: "The history of a contact has its e-mail invitations and the surveys it responded to. SMS distributions, tickets and \
                      the contact's journey are not part of the documents, nor is the text of messages.",
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
        rights: BOTH,
        description: "Tickets are not part of the documents. Qualtrics erases the tickets that were created from the person's responses, \
                      and no others that mention the person.",
        advice: "Search the tickets for the person by hand.",
    },
    KnownGap {
        code: "edit-history",
        rights: BOTH,
        description: "Earlier values of edited responses and contacts are covered only as far as Qualtrics' jobs cover them.",
        advice: "Ask Qualtrics' support for earlier values, or for their deletion, if the person's data was edited.",
    },
    KnownGap {
        code: "mailing-list-marks",
        rights: OPT_OUT,
        description: "The person is opted out of each directory as a whole. The opt-out marks of single mailing lists stay as they are.",
        advice: "If somebody may reverse the opt-out of a directory, opt the person out of its mailing lists by hand as well.",
    },
    KnownGap {
        code: "other-channels",
        rights: OPT_OUT,
        description: "Contacts outside XM Directory are not opted out: those of XM Directory Lite, of contact lists of single users, of \
                      Social Connect, and addresses that a workflow or another system writes to.",
        advice: "Opt the person out there by hand.",
    },
    KnownGap {
        code: "new-contacts",
        rights: OPT_OUT,
        description: "An import, a workflow or a user may create another contact of the person, which is not opted out, or reverse the \
                      opt-out.",
        advice: "Mark the person in the sources of all imports, and repeat the request, with another ID, after each import.",
    },
    KnownGap {
        code: "concurrent-changes",
        rights: OPT_OUT,
        description: "Qualtrics has no conditional update. A contact is read immediately before it is opted out. A change that somebody \
                      else makes between the two is overwritten.",
        advice: "Do not import contacts while opt-outs run.",
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
                      means that no search finds anything, not that backups are gone.",
        advice: "Tell the person how long backups are kept, as the contract with Qualtrics states, and record it.",
    },
    KnownGap {
        code: "re-import",
        rights: DELETION,
        description: "Scheduled imports and contact lists may create a deleted contact again. The opt-out mark of the contact is deleted \
                      with it, so that messages may be sent again.",
        advice: "Remove the person from the sources of all imports before the deletion, and keep a list of addresses that must not be \
                 imported.",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::qualtrics::rights::RIGHTS;

    #[test]
    fn every_gap_has_a_code_of_its_own_and_a_right() {
        let codes: BTreeSet<&str> = GAPS.iter().map(|gap| gap.code).collect();
        assert_eq!(codes.len(), GAPS.len());
        assert!(GAPS.iter().all(|gap| !gap.rights.is_empty() && gap.advice.ends_with('.')));
        assert!(!gaps(Right::Access).iter().any(|gap| gap.code == "stats-iq"));
        assert!(gaps(Right::Deletion).iter().any(|gap| gap.code == "backups"));
    }

    #[test]
    fn every_right_is_a_capability() {
        let rights: Vec<Right> = manifest().capabilities.iter().map(|capability| capability.right).collect();
        assert_eq!(rights, RIGHTS);
    }
}
