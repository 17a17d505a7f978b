//! From what went wrong at Qualtrics to what the contract's caller can do about it.

use super::contract::{Error, ErrorKind, Problem, Remedy, Right};
use crate::http::{Cause, Failure};
use crate::prelude::*;
use crate::qualtrics::envelope::{Refusal, Trouble};
use crate::qualtrics::oauth::{Scope, Scopes};

/// When to ask again after a passing failure, in milliseconds, where nothing says otherwise.
const LATER_MS: u64 = 30_000;
/// When to ask again after a 429 without `Retry-After`: the erasure limit frees a place every 3 seconds, for everyone.
pub(super) const LIMITED_MS: u64 = 15_000;

impl Error {
    /// An error of this kind, with nothing but a sentence.
    #[must_use]
    pub fn new(kind: ErrorKind, remedy: Remedy, message: impl Into<String>) -> Self {
        Self {
            kind,
            remedy,
            message: message.into(),
            problems: Vec::new(),
            http_status: None,
            vendor_code: None,
            vendor_request_id: None,
            extra: Vec::new(),
        }
    }

    /// A request that cannot be served as it is written.
    #[must_use]
    pub fn invalid_request(problems: Vec<Problem>) -> Self {
        let message = joined("The request cannot be served as it is written", &problems);
        Self { problems, ..Self::new(ErrorKind::InvalidRequest, Remedy::GiveUp, message) }
    }

    /// The error of an attempt whose fate nobody knows.
    #[must_use]
    pub fn outcome_unknown(after_ms: u64) -> Self {
        let message = "Qualtrics may or may not have begun: call again with first-attempt-at, and the earlier attempt is \
                       looked for before anything is sent.";
        Self::new(ErrorKind::OutcomeUnknown, Remedy::Retry(after_ms), message)
    }

    fn with(mut self, refusal: &Refusal) -> Self {
        self.http_status = Some(refusal.status);
        self.vendor_code.clone_from(&refusal.code);
        self.vendor_request_id.clone_from(&refusal.request_id);
        self
    }

    fn with_problem(mut self, code: &'static str, subject: impl Into<String>, blocks: &[Right]) -> Self {
        let message = self.message.clone();
        self.problems.push(Problem { code, subject: subject.into(), blocks: blocks.to_vec(), message });
        self
    }
}

/// A sentence that names all problems.
#[must_use]
pub fn joined(beginning: &str, problems: &[Problem]) -> String {
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    [beginning, ": ", &messages.join(" ")].concat()
}

/// The rights that need a scope.
#[must_use]
pub const fn rights_of(scope: Scope) -> &'static [Right] {
    match scope {
        Scope::CustomerData => &[Right::Access],
        Scope::Erasure | Scope::Users => &[Right::Deletion],
        Scope::Directories | Scope::Contacts => &[Right::Access, Right::Deletion],
    }
}

/// The problem of a scope that is not granted.
#[must_use]
pub fn missing(scope: Scope) -> Problem {
    Problem {
        code: "permission",
        subject: scope.name().to_owned(),
        blocks: rights_of(scope).to_vec(),
        message: ["Grant the OAuth client the scope ", scope.name(), "."].concat(),
    }
}

/// The problem of a call that is forbidden: the scope is missing, or what else it takes. The connection test can tell.
fn missing_or_role(scope: Scope) -> Problem {
    let problem = missing(scope);
    match scope {
        Scope::Directories | Scope::Contacts => problem,
        Scope::CustomerData | Scope::Erasure | Scope::Users => {
            let or = " If it has it, make the client with the account of a brand administrator.";
            Problem { message: [&problem.message, or].concat(), ..problem }
        }
    }
}

/// The error of a connection that lacks permissions or a role, all of which are named.
#[must_use]
pub fn forbidden(problems: Vec<Problem>) -> Error {
    let message = joined("The connection lacks what this needs", &problems);
    Error { problems, ..Error::new(ErrorKind::Forbidden, Remedy::Operator, message) }
}

/// The contract's error for trouble with a call that began nothing. `scope` is what the call needed, `origin` where it
/// went.
#[must_use]
pub fn from_trouble(trouble: &Trouble, scope: Option<Scope>, origin: &str) -> Error {
    match trouble {
        Trouble::NoAnswer(failure) => no_answer(*failure, origin),
        Trouble::OwnShare(wait) => Error::new(
            ErrorKind::RateLimited,
            Remedy::Retry(*wait),
            "This connection's share of Qualtrics' rate limit is used up: call again a little later.",
        ),
        Trouble::OutOfTime => Error::new(
            ErrorKind::Unavailable,
            Remedy::Retry(LATER_MS),
            "Qualtrics answers too slowly for one call: call again later.",
        ),
        Trouble::MissingScopes(scopes) => missing_scopes(*scopes),
        Trouble::SignIn(refusal) => sign_in(refusal),
        Trouble::Refused(refusal) => refused(refusal, scope).with(refusal),
        Trouble::Redirected(status) => Error {
            http_status: Some(*status),
            ..Error::new(
                ErrorKind::Protocol,
                Remedy::Operator,
                "Qualtrics' host answered with a redirect, which is never followed: check datacenter-id and base-url, and \
                 what stands between this host and Qualtrics.",
            )
        },
        Trouble::Unreadable => Error::new(
            ErrorKind::Protocol,
            Remedy::Retry(LATER_MS),
            "Qualtrics' answer makes no sense: call again later, and if that does not help, check what stands between this \
             host and Qualtrics.",
        ),
    }
}

/// The error of an access request that needs more calls at once than the share ever allows.
#[must_use]
pub fn too_small_a_share() -> Error {
    let message = "Qualtrics takes one address an export, and rate-share never leaves enough calls at once for those of this \
                   request: raise it.";
    Error::new(ErrorKind::RateLimited, Remedy::Operator, message).with_problem(
        "setting",
        "rate-share",
        &[Right::Access],
    )
}

/// The error of scopes that are not granted.
#[must_use]
pub fn missing_scopes(scopes: Scopes) -> Error {
    forbidden(scopes.iter().map(missing).collect())
}

fn no_answer(failure: Failure, origin: &str) -> Error {
    let unavailable = |remedy, message: &str| Error::new(ErrorKind::Unavailable, remedy, message);
    match failure.cause {
        Cause::Denied => {
            let message = ["The host's egress policy forbids ", origin, ": allow it."].concat();
            unavailable(Remedy::Operator, &message).with_problem("egress", origin, &[Right::Access, Right::Deletion])
        }
        Cause::NameNotFound => unavailable(
            Remedy::Retry(LATER_MS),
            "The name of Qualtrics' host does not resolve: check datacenter-id, and the network of this host.",
        ),
        Cause::Unreachable => unavailable(
            Remedy::Retry(LATER_MS),
            "Qualtrics cannot be reached: call again later, and if that does not help, check the network of this host.",
        ),
        Cause::Tls => unavailable(
            Remedy::Retry(LATER_MS),
            "No trusted connection to Qualtrics' host can be made: check what stands between, and its certificate.",
        ),
        Cause::TimedOut => unavailable(Remedy::Retry(LATER_MS), "Qualtrics did not answer in time: call again later."),
        Cause::Broken => unavailable(Remedy::Retry(LATER_MS), "The connection to Qualtrics broke: call again later."),
        Cause::TooLarge => Error::new(
            ErrorKind::Protocol,
            Remedy::Retry(LATER_MS),
            "Qualtrics' answer is larger than any that makes sense: call again later.",
        ),
        Cause::Refused => Error::new(
            ErrorKind::Protocol,
            Remedy::GiveUp,
            "The host does not accept the request that this connector makes: the two do not fit together.",
        ),
    }
}

/// Client id and secret were not accepted.
fn sign_in(refusal: &Refusal) -> Error {
    let both = [Right::Access, Right::Deletion];
    let error = if is_wrong_datacenter(refusal) || refusal.status == 404 {
        wrong_datacenter()
    } else {
        Error::new(
            ErrorKind::Unauthorized,
            Remedy::Operator,
            "Qualtrics does not accept client id and secret: check client-secret and client-id, and that datacenter-id \
             is the data centre of the brand in which the OAuth client was made.",
        )
        .with_problem("setting", "client-secret", &both)
    };
    error.with(refusal)
}

/// `DCD_7`: an OAuth token at a data centre that did not issue it (fact sheet 1, 3.2).
fn is_wrong_datacenter(refusal: &Refusal) -> bool {
    refusal.code.as_deref() == Some("DCD_7")
}

fn wrong_datacenter() -> Error {
    Error::new(
        ErrorKind::Unauthorized,
        Remedy::Operator,
        "This is not the data centre of the brand: set datacenter-id to the one under Account Settings, Qualtrics IDs.",
    )
    .with_problem("setting", "datacenter-id", &[Right::Access, Right::Deletion])
}

fn refused(refusal: &Refusal, scope: Option<Scope>) -> Error {
    match refusal.status {
        401 if is_wrong_datacenter(refusal) => wrong_datacenter(),
        401 => {
            let message = "Qualtrics does not accept the account even with a new token: the OAuth client must be a brand \
                           administrator's, and made in this data centre.";
            let error = Error::new(ErrorKind::Unauthorized, Remedy::Operator, message);
            let blocks = scope.map_or(&[Right::Access, Right::Deletion] as &[Right], rights_of);
            error.with_problem("role", "brand administrator", blocks)
        }
        403 => match scope {
            Some(scope) => forbidden(vec![missing_or_role(scope)]),
            None => forbidden(vec![not_administrator(&[Right::Access, Right::Deletion])]),
        },
        429 => Error::new(
            ErrorKind::RateLimited,
            Remedy::Retry(refusal.retry_after_ms.unwrap_or(LIMITED_MS)),
            "Qualtrics asks for fewer calls: call again later.",
        ),
        408 | 409 | 425 | 500.. => Error::new(
            ErrorKind::Unavailable,
            Remedy::Retry(refusal.retry_after_ms.unwrap_or(LATER_MS)),
            "Qualtrics fails for the moment: call again later, and if that does not help, ask Qualtrics with the id of \
             its request.",
        ),
        _ => Error::new(
            ErrorKind::Protocol,
            Remedy::Operator,
            "Qualtrics does not take this call: ask the connector's makers, with Qualtrics' code and request id.",
        ),
    }
}

/// The problem of an account that is not a brand administrator's.
#[must_use]
pub fn not_administrator(blocks: &[Right]) -> Problem {
    Problem {
        code: "role",
        subject: "brand administrator".to_owned(),
        blocks: blocks.to_vec(),
        message: "Make the OAuth client with the account of a brand administrator.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, code: Option<&str>) -> Trouble {
        Trouble::Refused(Refusal { status, code: code.map(str::to_owned), request_id: None, retry_after_ms: None, is_in_envelope: true })
    }

    #[test]
    fn every_trouble_has_a_kind_and_a_way_out() {
        let origin = "https://fra1.qualtrics.com";
        let kind = |trouble: &Trouble| {
            let error = from_trouble(trouble, Some(Scope::Erasure), origin);
            (error.kind, error.remedy)
        };
        assert_eq!(kind(&refusal(401, None)), (ErrorKind::Unauthorized, Remedy::Operator));
        assert_eq!(kind(&refusal(403, None)), (ErrorKind::Forbidden, Remedy::Operator));
        assert_eq!(kind(&refusal(429, None)), (ErrorKind::RateLimited, Remedy::Retry(15_000)));
        assert_eq!(kind(&refusal(503, None)), (ErrorKind::Unavailable, Remedy::Retry(30_000)));
        assert_eq!(kind(&refusal(404, None)), (ErrorKind::Protocol, Remedy::Operator));
        assert_eq!(kind(&Trouble::Unreadable), (ErrorKind::Protocol, Remedy::Retry(30_000)));
        assert_eq!(
            kind(&Trouble::NoAnswer(Failure::not_sent(Cause::Denied))),
            (ErrorKind::Unavailable, Remedy::Operator)
        );
    }

    #[test]
    fn a_wrong_data_centre_is_told_apart_from_a_wrong_secret() {
        let subject = |trouble: &Trouble| from_trouble(trouble, None, "").problems.first().map(|p| p.subject.clone());
        assert_eq!(subject(&refusal(401, Some("DCD_7"))).as_deref(), Some("datacenter-id"));
        let Trouble::Refused(wrong) = refusal(401, Some("invalid_client")) else { unreachable!() };
        assert_eq!(subject(&Trouble::SignIn(wrong)).as_deref(), Some("client-secret"));
    }
}
