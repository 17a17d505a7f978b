//! The permissions of the OAuth client.

use std::collections::BTreeSet;

use super::account_guard::AccountGuard;
use crate::contract::Right;

/// A permission of the OAuth client, which an administrator grants when the client is created.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Customer data requests: the export of an access request.
    CustomerData,
    /// Erasure jobs, and searches for what one would erase.
    Erasure,
    /// The list of directories. Whether the list requires it is unconfirmed.
    Directories,
    /// Searching directories and reading contacts.
    Contacts,
    /// The list of users, for the account guard, and the record of a user.
    Users,
    /// The transactions of contacts.
    Transactions,
    /// Updating contacts, for opt-outs.
    ContactUpdates,
}

/// A set of scopes.
pub type Scopes = BTreeSet<Scope>;

impl Scope {
    /// All scopes, in the order of the set-up page.
    pub const ALL: [Self; 7] = [
        Self::CustomerData,
        Self::Erasure,
        Self::Directories,
        Self::Contacts,
        Self::Users,
        Self::Transactions,
        Self::ContactUpdates,
    ];

    /// Qualtrics' name of the scope.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CustomerData => "manage:customer_data_requests",
            Self::Erasure => "manage:erasure_requests",
            Self::Directories => "read:directories",
            Self::Contacts => "read:directory_contacts",
            Self::Users => "read:users",
            Self::Transactions => "read:contact_transactions",
            Self::ContactUpdates => "manage:directory_contacts",
        }
    }

    /// The rights that require it.
    #[must_use]
    pub const fn rights(self) -> &'static [Right] {
        match self {
            Self::CustomerData => &[Right::Access],
            Self::Erasure | Self::Users => &[Right::Deletion],
            Self::Directories | Self::Contacts => &[Right::Access, Right::Deletion, Right::OptOut],
            Self::Transactions => &[],
            Self::ContactUpdates => &[Right::OptOut],
        }
    }

    /// The rights that return more with it. It is asked for with a token of its own, so that a client without it can do the rest.
    #[must_use]
    pub const fn optional_for(self) -> &'static [Right] {
        match self {
            Self::Users | Self::Transactions => &[Right::Access],
            Self::CustomerData | Self::Erasure | Self::Directories | Self::Contacts | Self::ContactUpdates => &[],
        }
    }

    /// The rights that it affects.
    #[must_use]
    pub const fn affects(self) -> &'static [Right] {
        if self.rights().is_empty() { self.optional_for() } else { self.rights() }
    }
}

/// The scopes with which a right returns more.
#[must_use]
pub fn optional_scopes(right: Right) -> Scopes {
    Scope::ALL.into_iter().filter(|scope| scope.optional_for().contains(&right)).collect()
}

/// The scopes that a right requires with this account guard.
#[must_use]
pub fn required_scopes(right: Right, account_guard: AccountGuard) -> Scopes {
    match right {
        Right::Access => Scopes::from([Scope::CustomerData, Scope::Directories, Scope::Contacts]),
        Right::Deletion => {
            let guard = (account_guard != AccountGuard::Off).then_some(Scope::Users);
            [Scope::Erasure, Scope::Directories, Scope::Contacts].into_iter().chain(guard).collect()
        }
        Right::OptOut => Scopes::from([Scope::Directories, Scope::Contacts, Scope::ContactUpdates]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_requires_the_scopes_that_name_it() {
        for right in [Right::Access, Right::Deletion, Right::OptOut] {
            let naming: Scopes = Scope::ALL.into_iter().filter(|scope| scope.rights().contains(&right)).collect();
            assert_eq!(required_scopes(right, AccountGuard::AllUsers), naming);
        }
    }

    #[test]
    fn no_right_requires_a_scope_that_is_optional_for_it() {
        for right in [Right::Access, Right::Deletion, Right::OptOut] {
            assert!(optional_scopes(right).is_disjoint(&required_scopes(right, AccountGuard::AllUsers)));
        }
        assert!(optional_scopes(Right::Access).contains(&Scope::Transactions));
    }

    #[test]
    fn updating_contacts_is_required_for_opt_outs_only() {
        for right in [Right::Access, Right::Deletion] {
            assert!(!required_scopes(right, AccountGuard::AllUsers).contains(&Scope::ContactUpdates));
        }
    }

    #[test]
    fn the_list_of_users_is_required_for_the_account_guard_only() {
        assert!(required_scopes(Right::Deletion, AccountGuard::AllUsers).contains(&Scope::Users));
        assert!(!required_scopes(Right::Deletion, AccountGuard::Off).contains(&Scope::Users));
        assert!(!required_scopes(Right::Access, AccountGuard::AllUsers).contains(&Scope::Users));
    }
}
