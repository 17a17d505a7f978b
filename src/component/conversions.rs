//! The contract's types: what the bindings call them, and what the core does.
//!
//! Each type is written down once, with all its fields or cases: one that is missing on either side does not compile.

use super::bindings::exports::privacy::connector::connector as wit;
use crate::connector::contract;
use crate::prelude::*;
use crate::secret::Secret;

/// A value of the one side as the value of the other. (`From` cannot be had for lists.)
pub(super) trait Convert<T> {
    fn convert(self) -> T;
}

macro_rules! same {
    ($($type:ty),*) => {
        $(impl Convert<$type> for $type {
            fn convert(self) -> $type {
                self
            }
        })*
    };
}

macro_rules! record {
    ($from:ident::$name:ident => $to:ident { $($field:ident),* }) => {
        impl Convert<$to::$name> for $from::$name {
            fn convert(self) -> $to::$name {
                let Self { $($field),* } = self;
                $to::$name { $($field: $field.convert()),* }
            }
        }
    };
}

macro_rules! variant {
    ($from:ident::$name:ident => $to:ident { $($case:ident $(($($payload:ident),*))?),* }) => {
        impl Convert<$to::$name> for $from::$name {
            fn convert(self) -> $to::$name {
                match self {
                    $(Self::$case $(($($payload),*))? => $to::$name::$case $(($($payload.convert()),*))?),*
                }
            }
        }
    };
}

same!((), bool, u8, u16, u32, u64, String, (String, String));

impl Convert<Secret> for String {
    fn convert(self) -> Secret {
        Secret::new(self)
    }
}

impl Convert<String> for Secret {
    fn convert(self) -> String {
        self.reveal().to_owned()
    }
}

impl<T, U: Convert<T>> Convert<Vec<T>> for Vec<U> {
    fn convert(self) -> Vec<T> {
        self.into_iter().map(Convert::convert).collect()
    }
}

impl<T, U: Convert<T>> Convert<Option<T>> for Option<U> {
    fn convert(self) -> Option<T> {
        self.map(Convert::convert)
    }
}

impl<T, U: Convert<T>, E, F: Convert<E>> Convert<Result<T, E>> for Result<U, F> {
    fn convert(self) -> Result<T, E> {
        self.map(Convert::convert).map_err(Convert::convert)
    }
}

// From the host to the core.

record!(wit::Request => contract { key, subject, first_attempt_at, confirmed, extra });
record!(wit::Setting => contract { key, value });
record!(wit::Task => contract { request, ticket });
variant!(wit::DeletionMode => contract { Preview, Erase, EraseAndVerify });
variant!(wit::Right => contract { Access, Deletion });

impl Convert<contract::Identifier> for wit::Identifier {
    fn convert(self) -> contract::Identifier {
        match self {
            Self::Email(value) => contract::Identifier::Email(value.convert()),
            Self::Phone(value) => contract::Identifier::Phone(value.convert()),
            Self::ExternalReference(value) => contract::Identifier::ExternalReference(value.convert()),
            Self::Other((kind, value)) => contract::Identifier::Other(kind.convert(), value.convert()),
        }
    }
}

// From the core to the host.

record!(contract::Capability => wit { right, asynchronous, whole_record, identifiers, overdue_after_ms });
record!(contract::Chunk => wit { bytes, last });
record!(contract::Connection => wit { tenant, region, account, role, granted, egress, warnings, extra });
record!(contract::Document => wit { name, media_type, source, size, content });
record!(contract::Error => wit {
    kind, remedy, message, problems, http_status, vendor_code, vendor_request_id, extra
});
record!(contract::Finding => wit { source, state, amount, names, code, note });
record!(contract::Gap => wit { code, description, advice });
record!(contract::Manifest => wit {
    name, title, version, capabilities, settings, permissions, limits, egress, gaps, extra
});
record!(contract::Pending => wit {
    ticket, stage, poll_after_ms, submitted_at, vendor_status, percent, attention, extra
});
record!(contract::Permission => wit { name, needed_for });
record!(contract::Problem => wit { code, subject, blocks, message });
record!(contract::RateLimit => wit { name, methods, path_prefix, calls_per_minute });
record!(contract::Receipt => wit { connector, request_key, mode, jobs, submitted_at, finished_at });
record!(contract::Report => wit {
    right, outcome, findings, documents, also_known_as, gaps, receipt, ticket, extra
});
record!(contract::Setting => wit { key, value });
record!(contract::SettingField => wit { key, label, help, kind, required, default, choices });
record!(contract::VendorJob => wit { operation, id, status, created, updated, failure });
variant!(contract::Amount => wit { Nothing, Exactly(count), SomeData, Unknown });
variant!(contract::Content => wit { Inline(bytes), Remote(reference) });
variant!(contract::DeletionMode => wit { Preview, Erase, EraseAndVerify });
variant!(contract::ErrorKind => wit {
    NotConfigured, InvalidSettings, InvalidRequest, InvalidTicket, Unsupported, Unauthorized, Forbidden, RateLimited,
    Unavailable, OutcomeUnknown, UnknownJob, Protocol
});
variant!(contract::Outcome => wit {
    Found, NothingFound, Partial, Previewed, Submitted, Erased, Verified, Residue, Refused, Failed
});
variant!(contract::Remedy => wit { Retry(ms), Restart, Operator, GiveUp });
variant!(contract::Right => wit { Access, Deletion });
variant!(contract::SettingKind => wit { Text, Secret, Choice, Flag, Number, Origin });
variant!(contract::SourceState => wit { Searched, NotAvailable, NotPermitted, NotUsable, Guarded });
variant!(contract::Stage => wit { Resolving, Searching, Exporting, Gathering, Erasing, Verifying });

impl Convert<wit::Identifier> for contract::Identifier {
    fn convert(self) -> wit::Identifier {
        match self {
            Self::Email(value) => wit::Identifier::Email(value.convert()),
            Self::Phone(value) => wit::Identifier::Phone(value.convert()),
            Self::ExternalReference(value) => wit::Identifier::ExternalReference(value.convert()),
            Self::Other(kind, value) => wit::Identifier::Other((kind.convert(), value.convert())),
        }
    }
}

impl Convert<wit::Progress> for contract::Progress {
    fn convert(self) -> wit::Progress {
        match self {
            Self::Pending(pending) => wit::Progress::Pending(pending.convert()),
            Self::Done(report) => wit::Progress::Done((*report).convert()),
        }
    }
}
