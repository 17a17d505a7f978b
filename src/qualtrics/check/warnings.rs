//! What an operator should know although the test succeeds.

use crate::contract::{Problem, Right};
use crate::qualtrics::api::account::Account;
use crate::qualtrics::api::envelope::Notice;
use crate::qualtrics::context::Context;
use crate::qualtrics::error_mapping::ADMINISTRATOR;
use crate::qualtrics::scopes::Scope;

pub(super) fn account_warnings(account: Option<&Account>) -> Vec<Problem> {
    let Some(account) = account else {
        let message = "Qualtrics does not return the account that this connection acts as.";
        return vec![Problem::new("unproven", "whoami", &[], message)];
    };
    let mut warnings = Vec::new();
    if !account.is_brand_administrator() {
        let message = "The account's type is not that of brand administrators, although everything that was tried is permitted. If a \
                       call is refused later, create the OAuth client as a brand administrator.";
        warnings.push(Problem::new("role", ADMINISTRATOR, &[], message));
    }
    warnings
}

pub(super) fn datacenter_warning(context: &Context<'_>, account: Option<&Account>, notice: Notice) -> Option<Problem> {
    let is_other = |named: &str| !named.is_empty() && !named.eq_ignore_ascii_case(&context.settings.region);
    let message = if notice == Notice::Proxied {
        "Another data centre forwards the requests: set datacenter-id to the brand's own."
    } else if account.is_some_and(|account| is_other(&account.datacenter)) {
        "Qualtrics names another data centre than datacenter-id. That is normal if a data centre has two names."
    } else {
        return None;
    };
    Some(Problem::new("datacenter", "datacenter-id", &[], message))
}

/// The text of a notice is Qualtrics' and is not repeated.
pub(super) fn general_notice(context: &Context<'_>) -> Problem {
    let message = "Qualtrics sends a notice with its responses, for example because a client certificate expires soon. It does not affect \
                   this test: read it in the member meta.notice of a response, or look for announcements in Qualtrics.";
    Problem::new("notice", &context.settings.origin.to_text(), &[], message)
}

pub(super) fn no_directory() -> Problem {
    let message = "The brand has no XM Directory that this account can see, so that contacts are not searched and requests are partial.";
    Problem::new("not-licensed", "XM Directory", &[], message)
}

pub(super) fn not_searchable() -> Problem {
    let message =
        "A directory of the brand cannot be searched, as is the case for XM Directory Lite: requests are partial.";
    Problem::new("not-searchable", "XM Directory", &[], message)
}

pub(super) fn unproven(scope: Scope) -> Problem {
    let message = format!("No call proves or disproves that the scope {} is granted.", scope.name());
    Problem::new("unproven", scope.name(), &[], message)
}

/// Whether Qualtrics processes every address of a job is unconfirmed (fact sheet 6.1), and mode `erase` does not search afterwards.
pub(super) fn unproven_groups() -> Problem {
    let message = "group-size is set, so that deletions in mode erase share jobs, and it is unproven that Qualtrics processes every \
                   address of a job: use mode erase-and-verify, or clear group-size.";
    Problem::new("unproven", "group-size", &[Right::Deletion], message)
}
