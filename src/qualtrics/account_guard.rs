//! The setting `account-guard`.

/// Which accounts the guard protects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AccountGuard {
    /// Those of all users of the brand, and the connection's own.
    AllUsers,
    /// The connection's own.
    OwnAccount,
    /// None.
    Off,
}

impl AccountGuard {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "all-users" => Some(Self::AllUsers),
            "own-account" => Some(Self::OwnAccount),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}
