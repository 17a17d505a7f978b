//! The contract's enumerations in the contract's own words.

use host_test::host::contract::{DeletionMode, ErrorKind, Identifier, Outcome, Right, SettingKind, SourceState, Stage};

macro_rules! words {
    ($($function:ident($type:ident) { $($case:ident => $word:literal),* $(,)? })*) => {$(
        pub(super) const fn $function(value: $type) -> &'static str {
            match value { $($type::$case => $word),* }
        }
    )*};
}

words! {
    right(Right) { Access => "access", Deletion => "deletion" }
    mode(DeletionMode) { Preview => "preview", Erase => "erase", EraseAndVerify => "erase-and-verify" }
    stage(Stage) {
        Resolving => "resolving", Searching => "searching", Exporting => "exporting",
        Gathering => "gathering", Erasing => "erasing", Verifying => "verifying",
    }
    outcome(Outcome) {
        Found => "found", NothingFound => "nothing-found", Partial => "partial", Previewed => "previewed",
        Submitted => "submitted", Erased => "erased", Verified => "verified", Residue => "residue",
        Refused => "refused", Failed => "failed",
    }
    source_state(SourceState) {
        Searched => "searched", NotAvailable => "not-available", NotPermitted => "not-permitted",
        NotUsable => "not-usable", Guarded => "guarded",
    }
    error_kind(ErrorKind) {
        NotConfigured => "not-configured", InvalidSettings => "invalid-settings",
        InvalidRequest => "invalid-request", InvalidTicket => "invalid-ticket", Unsupported => "unsupported",
        Unauthorized => "unauthorized", Forbidden => "forbidden", RateLimited => "rate-limited",
        Unavailable => "unavailable", OutcomeUnknown => "outcome-unknown", UnknownJob => "unknown-job",
        Protocol => "protocol",
    }
    setting_kind(SettingKind) {
        Text => "text", Secret => "secret", Choice => "choice", Flag => "flag", Number => "number", Origin => "origin",
    }
}

/// The kind of a name, and the name. Only for where the name itself was asked for.
pub(super) fn identifier(identifier: &Identifier) -> (&str, &str) {
    match identifier {
        Identifier::Email(value) => ("email", value),
        Identifier::Phone(value) => ("phone", value),
        Identifier::ExternalReference(value) => ("external-reference", value),
        Identifier::Other((kind, value)) => (kind, value),
    }
}
