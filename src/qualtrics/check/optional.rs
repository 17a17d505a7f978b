//! The permissions with which a right returns more. The test never fails for lack of them: they are listed as granted if a call proves it.

use super::NO_SUCH_CONTACT;
use crate::contract::Right;
use crate::qualtrics::api::client::Call;
use crate::qualtrics::api::contact_lists::ContactList;
use crate::qualtrics::api::envelope::ApiResponse;
use crate::qualtrics::api::error::ApiError;
use crate::qualtrics::api::users::Users;
use crate::qualtrics::context::Context;
use crate::qualtrics::scopes::{Scope, Scopes, optional_scopes};

/// The scopes that are optional for these rights, and that none of them requires.
pub(super) fn scopes(context: &Context<'_>, rights: &[Right]) -> Scopes {
    let required: Scopes = rights.iter().flat_map(|right| context.scopes(*right)).collect();
    let optional: Scopes = rights.iter().flat_map(|right| optional_scopes(*right)).collect();
    optional.difference(&required).copied().collect()
}

/// A harmless call that exercises an optional scope.
pub(super) enum OptionalProbe {
    /// Lists the users.
    Users,
    /// Looks up the transactions of a contact that cannot exist, in this directory.
    Transactions(String),
}

/// The probes of these scopes. The transactions of contacts can only be tried in a directory.
pub(super) fn probes(scopes: &Scopes, directory: Option<&str>) -> Vec<OptionalProbe> {
    let probe = |scope: &Scope| match scope {
        Scope::Users => Some(OptionalProbe::Users),
        Scope::Transactions => directory.map(|directory| OptionalProbe::Transactions(directory.to_owned())),
        Scope::CustomerData | Scope::Erasure | Scope::Directories | Scope::Contacts | Scope::ContactUpdates => None,
    };
    scopes.iter().filter_map(probe).collect()
}

impl OptionalProbe {
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Users => Users::call().with_optional(Scope::Users),
            Self::Transactions(directory) => ContactList::Transactions.call(directory, NO_SUCH_CONTACT, None),
        }
    }

    /// The scope, if the response proves that it is granted.
    pub(super) fn verified(&self, response: &Result<ApiResponse, ApiError>) -> Option<Scope> {
        let is_permitted = match (self, response) {
            (_, Ok(_)) => true,
            (Self::Transactions(_), Err(error)) => error.is_not_found(),
            (Self::Users, Err(_)) => false,
        };
        is_permitted.then_some(match self {
            Self::Users => Scope::Users,
            Self::Transactions(_) => Scope::Transactions,
        })
    }
}
