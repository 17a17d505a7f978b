//! Findings that several flows report.

use crate::contract::{Amount, Finding, SourceState};
use crate::privacy::subject::Subject;

/// The code of a finding about a spelling of an identifier that Qualtrics rejects, while it accepts others.
pub const SPELLING_NOT_SEARCHED: &str = "spelling-not-searched";

/// Why a source was not searched to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SourceFailure {
    /// The state that is reported.
    pub state: SourceState,
    /// The code of the finding.
    pub code: &'static str,
    /// What happened, and what to do, for an operator.
    pub note: &'static str,
}

impl SourceFailure {
    /// `amount` is what was found nevertheless.
    #[must_use]
    pub fn finding(self, source: &str, identifiers: Vec<u32>, amount: Amount) -> Finding {
        Finding { amount, ..Finding::incomplete(source, self.state, identifiers, self.code, self.note) }
    }
}

/// A finding for the identifiers of a kind that no source supports.
#[must_use]
pub fn unsupported_identifiers(subject: &Subject) -> Vec<Finding> {
    if subject.unsupported.is_empty() {
        return Vec::new();
    }
    let note = "Qualtrics does not store identifiers of this kind.";
    let identifiers = subject.unsupported.clone();
    vec![Finding::incomplete("all", SourceState::NotUsable, identifiers, "unsupported-kind", note)]
}
