//! Conversions between the guest's types of the contract, which `wit-bindgen` generates, and those of hosts. In a component, the canonical
//! ABI does this. A field or case that is missing on one side is a compile error.

use privacy_contract as host;
use qualtrics_connector::contract as guest;

/// Converts a value of one side to the other. `From` cannot be implemented for lists because of the orphan rule.
pub trait Convert<T> {
    fn convert(self) -> T;
}

/// From the guest to the host.
pub fn to_host<T, U: Convert<T>>(value: U) -> T {
    value.convert()
}

/// From the host to the guest.
pub fn to_guest<T, U: Convert<T>>(value: U) -> T {
    value.convert()
}

macro_rules! identical {
    ($($type:ty),*) => {
        $(impl Convert<$type> for $type {
            fn convert(self) -> $type {
                self
            }
        })*
    };
}

macro_rules! record {
    ($name:ident { $($field:ident),* }) => {
        impl Convert<host::$name> for guest::$name {
            fn convert(self) -> host::$name {
                let Self { $($field),* } = self;
                host::$name { $($field: $field.convert()),* }
            }
        }

        impl Convert<guest::$name> for host::$name {
            fn convert(self) -> guest::$name {
                let value = self;
                guest::$name { $($field: value.$field.clone().convert()),* }
            }
        }
    };
}

macro_rules! variant {
    ($name:ident { $($case:ident $(($value:ident))?),* }) => {
        impl Convert<host::$name> for guest::$name {
            fn convert(self) -> host::$name {
                match self {
                    $(Self::$case $(($value))? => host::$name::$case $(($value.convert()))?),*
                }
            }
        }

        impl Convert<guest::$name> for host::$name {
            fn convert(self) -> guest::$name {
                match self {
                    $(Self::$case $(($value))? => guest::$name::$case $(($value.convert()))?),*
                }
            }
        }
    };
}

identical!((), bool, u8, u16, u32, u64, String, (String, String));

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

privacy_contract::for_each_enumeration!(variant);
variant!(Identifier { Email(value), Phone(value), ExternalId(value), Other(value) });
record!(Request { id, subject, attempts, overrides });
record!(Attempts { first_at, last_at });
record!(Task { request, ticket });
variant!(Progress { Pending(value), Done(value) });
record!(Pending { ticket, stage, poll_after_ms, group, submitted_at, vendor_status, percent, attention });
record!(Finding { source, state, amount, identifiers, code, note });
variant!(Amount { Unknown, Present, Count(value) });
record!(Document { name, media_type, source, size, content });
variant!(Content { Inline(value), Remote(value) });
record!(Chunk { bytes, last });
record!(Gap { code, rights, description, advice });
record!(VendorJob { operation, id, status, created, updated, identifiers, failure });
record!(Receipt { connector, request_id, mode, jobs, submitted_at, finished_at });
record!(Report { right, outcome, findings, documents, discovered, gaps, receipt, ticket });
variant!(Remedy { Retry(value), Restart, Operator, GiveUp });
record!(Problem { code, target, affects, message });
record!(Error { kind, remedy, message, problems, http_status, vendor_code, vendor_request_id });
record!(Setting { key, value });
record!(SettingField { key, label, help, kind, required, default, choices });
record!(Permission { name, required_for, optional_for });
record!(Capability { right, asynchronous, whole_record, identifiers, group_size, overdue_after_ms });
record!(RateLimit { name, methods, path, calls_per_minute });
record!(Manifest { name, title, version, capabilities, settings, permissions, limits, egress, gaps });
record!(Connection { tenant, region, account, role, granted, egress, warnings });
