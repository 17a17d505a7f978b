//! All cases of each enumeration, and their names in the contract.

use std::fmt::{Display, Formatter, Result};

use serde::Serialize;

use crate::{DeletionMode, ErrorKind, Outcome, Right, SettingKind, SourceState, Stage};

/// Calls a macro for each enumeration, with its cases in the order of the contract.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_enumeration {
    ($macro:ident) => {
        $macro!(Right { Access, Deletion, OptOut });
        $macro!(DeletionMode { Preview, Erase, EraseAndVerify });
        $macro!(Stage { Searching, Exporting, Collecting, Deleting, OptingOut, Verifying });
        $macro!(Outcome {
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
            Failed
        });
        $macro!(SourceState { Searched, Unavailable, NotPermitted, NotUsable, Guarded });
        $macro!(ErrorKind {
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
            UnexpectedResponse
        });
        $macro!(SettingKind { Text, Secret, Choice, Flag, Number, Origin });
    };
}

macro_rules! enumeration {
    ($name:ident { $($case:ident),* }) => {
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

        // A case that is missing or out of order does not compile.
        const _: () = {
            let mut number = 0;
            while number < $name::ALL.len() {
                assert!(match $name::ALL[number] { $($name::$case => $name::$case as usize),* } == number);
                number += 1;
            }
        };

        /// The name of the case, as in JSON.
        impl Display for $name {
            fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
                self.serialize(formatter)
            }
        }
    };
}

for_each_enumeration!(enumeration);
