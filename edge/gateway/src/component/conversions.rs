//! The contract's types: what the bindings call them, and what the core does.
//!
//! Each type is written down once, with all its fields or cases: one that is missing on either side does not compile.

use super::bindings::privacy::connector::connector as wit;
use crate::contract;

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

// From the core to the connector.

record!(contract::Request => wit { key, subject, first_attempt_at, confirmed, extra });
record!(contract::Setting => wit { key, value });
record!(contract::Task => wit { request, ticket });
variant!(contract::DeletionMode => wit { Preview, Erase, EraseAndVerify });
variant!(contract::Right => wit { Access, Deletion });

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

// From the connector to the core.

record!(wit::Capability => contract { right, asynchronous, whole_record, identifiers, overdue_after_ms });
record!(wit::Chunk => contract { bytes, last });
record!(wit::Connection => contract { tenant, region, account, role, granted, egress, warnings, extra });
record!(wit::Document => contract { name, media_type, source, size, content });
record!(wit::Error => contract {
    kind, remedy, message, problems, http_status, vendor_code, vendor_request_id, extra
});
record!(wit::Finding => contract { source, state, amount, names, code, note });
record!(wit::Gap => contract { code, description, advice });
record!(wit::Manifest => contract {
    name, title, version, capabilities, settings, permissions, limits, egress, gaps, extra
});
record!(wit::Pending => contract {
    ticket, stage, poll_after_ms, submitted_at, vendor_status, percent, attention, extra
});
record!(wit::Permission => contract { name, needed_for });
record!(wit::Problem => contract { code, subject, blocks, message });
record!(wit::RateLimit => contract { name, methods, path_prefix, calls_per_minute });
record!(wit::Receipt => contract { connector, request_key, mode, jobs, submitted_at, finished_at });
record!(wit::Report => contract {
    right, outcome, findings, documents, also_known_as, gaps, receipt, ticket, extra
});
record!(wit::Setting => contract { key, value });
record!(wit::SettingField => contract { key, label, help, kind, required, default, choices });
record!(wit::VendorJob => contract { operation, id, status, created, updated, failure });
variant!(wit::Amount => contract { Nothing, Exactly(count), SomeData, Unknown });
variant!(wit::Content => contract { Inline(bytes), Remote(reference) });
variant!(wit::DeletionMode => contract { Preview, Erase, EraseAndVerify });
variant!(wit::ErrorKind => contract {
    NotConfigured, InvalidSettings, InvalidRequest, InvalidTicket, Unsupported, Unauthorized, Forbidden, RateLimited,
    Unavailable, OutcomeUnknown, UnknownJob, Protocol
});
variant!(wit::Outcome => contract {
    Found, NothingFound, Partial, Previewed, Submitted, Erased, Verified, Residue, Refused, Failed
});
variant!(wit::Remedy => contract { Retry(ms), Restart, Operator, GiveUp });
variant!(wit::Right => contract { Access, Deletion });
variant!(wit::SettingKind => contract { Text, Secret, Choice, Flag, Number, Origin });
variant!(wit::SourceState => contract { Searched, NotAvailable, NotPermitted, NotUsable, Guarded });
variant!(wit::Stage => contract { Resolving, Searching, Exporting, Gathering, Erasing, Verifying });

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

impl Convert<contract::Progress> for wit::Progress {
    fn convert(self) -> contract::Progress {
        match self {
            Self::Pending(pending) => contract::Progress::Pending(pending.convert()),
            Self::Done(report) => contract::Progress::Done(Box::new(report.convert())),
        }
    }
}
