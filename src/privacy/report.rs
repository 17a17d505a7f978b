//! Constructors for the contract's findings, problems and errors.

use crate::contract::{Amount, Error, ErrorKind, Finding, Problem, Remedy, Right, SourceState};

/// The shortest delay of `retry`, in milliseconds: a shorter one makes hosts loop.
pub const MIN_RETRY_MS: u64 = 1_000;

impl Finding {
    /// A source that was searched for these identifiers, which are indices into the request's subject.
    #[must_use]
    pub fn searched(source: &str, amount: Amount, identifiers: Vec<u32>) -> Self {
        Self { source: source.to_owned(), state: SourceState::Searched, amount, identifiers, code: None, note: None }
    }

    /// A source that was not searched, or not to its end, for these identifiers. The amount is unknown.
    #[must_use]
    pub fn incomplete(source: &str, state: SourceState, identifiers: Vec<u32>, code: &str, note: &str) -> Self {
        Self { state, ..Self::searched(source, Amount::Unknown, identifiers) }.with_code(code, note)
    }

    /// With a code for programs and a sentence for a person.
    #[must_use]
    pub fn with_code(self, code: &str, note: &str) -> Self {
        Self { code: Some(code.to_owned()), note: Some(note.to_owned()), ..self }
    }

    /// Whether the source was searched to its end and its amount is known.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self.state, SourceState::Searched) && !matches!(self.amount, Amount::Unknown)
    }
}

impl Problem {
    /// A problem with `target`, which names a place and never a value, that affects these rights.
    #[must_use]
    pub fn new(code: &str, target: &str, affects: &[Right], message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), target: target.to_owned(), affects: affects.to_vec(), message: message.into() }
    }
}

impl Error {
    /// An error of this kind, without problems and without anything of a vendor's response.
    #[must_use]
    pub fn new(kind: ErrorKind, remedy: Remedy, message: impl Into<String>) -> Self {
        Self {
            kind,
            remedy: match remedy {
                Remedy::Retry(ms) => Remedy::Retry(ms.max(MIN_RETRY_MS)),
                other => other,
            },
            message: message.into(),
            problems: Vec::new(),
            http_status: None,
            vendor_code: None,
            vendor_request_id: None,
        }
    }

    /// With a problem whose message is the error's own.
    #[must_use]
    pub fn with_problem(mut self, code: &str, target: &str, affects: &[Right]) -> Self {
        self.problems.push(Problem::new(code, target, affects, self.message.clone()));
        self
    }
}

/// A request that cannot be served as written, for these reasons.
#[must_use]
pub fn invalid_request(problems: Vec<Problem>) -> Error {
    let message = join_messages("The request cannot be served as written", &problems);
    Error { problems, ..Error::new(ErrorKind::InvalidRequest, Remedy::GiveUp, message) }
}

/// A sentence that names all problems.
#[must_use]
pub fn join_messages(introduction: &str, problems: &[Problem]) -> String {
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    format!("{introduction}: {}", messages.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_is_never_less_than_a_second() {
        let error = Error::new(ErrorKind::Unavailable, Remedy::Retry(0), "Try again.");
        assert_eq!(error.remedy, Remedy::Retry(1_000));
    }
}
