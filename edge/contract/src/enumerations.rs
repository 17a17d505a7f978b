//! All cases of each enumeration, and their names in the contract.

use std::fmt::{Display, Formatter, Result};

use serde::Serialize;

use crate::{DeletionMode, ErrorKind, Outcome, Right, SettingKind, SourceState, Stage};

macro_rules! enumeration {
    ($name:ident { $($case:ident),* $(,)? }) => {
        impl $name {
            /// All cases, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$case),*];

            /// `wit-bindgen` calls this function when the type replaces a generated one. The component model has validated the number.
            #[cfg(feature = "wit-bindgen")]
            #[doc(hidden)]
            #[must_use]
            pub const fn _lift(case: u8) -> Self {
                Self::ALL[case as usize]
            }
        }

        /// The name of the case, as in JSON.
        impl Display for $name {
            fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
                self.serialize(formatter)
            }
        }
    };
}

enumeration!(Right { Access, Deletion, OptOut });
enumeration!(DeletionMode { Preview, Erase, EraseAndVerify });
enumeration!(Stage { Searching, Exporting, Collecting, Deleting, OptingOut, Verifying });
enumeration!(Outcome {
    Found,
    NotFound,
    Partial,
    Previewed,
    Submitted,
    Deleted,
    Verified,
    DataRemaining,
    OptedOut,
    Refused,
    Failed,
});
enumeration!(SourceState { Searched, Unavailable, NotPermitted, NotUsable, Guarded });
enumeration!(ErrorKind {
    NotConfigured,
    InvalidSettings,
    InvalidRequest,
    InvalidTicket,
    Unsupported,
    Unauthorized,
    Forbidden,
    RateLimited,
    Unavailable,
    OutcomeUnknown,
    JobNotFound,
    UnexpectedResponse,
});
enumeration!(SettingKind { Text, Secret, Choice, Flag, Number, Origin });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_listed_in_order() {
        macro_rules! check {
            ($($name:ident until $last:ident),*) => {
                $(
                    for (number, case) in $name::ALL.iter().enumerate() {
                        assert_eq!(*case as usize, number, "{case}");
                    }
                    assert_eq!($name::ALL.last(), Some(&$name::$last));
                )*
            };
        }
        check!(
            Right until OptOut,
            DeletionMode until EraseAndVerify,
            Stage until Verifying,
            Outcome until Failed,
            SourceState until Guarded,
            ErrorKind until UnexpectedResponse,
            SettingKind until Origin
        );
    }
}
