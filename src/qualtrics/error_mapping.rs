//! API errors as errors of the contract, in one table: [`to_contract_error`].

use super::api::error::{ApiError, ErrorForm, ErrorResponse};
use super::rights::RIGHTS;
use super::scopes::{Scope, Scopes};
use crate::contract::{Error, ErrorKind, Problem, Remedy, Right};
use crate::http::retry::{is_of_proxies, is_transient_status};
use crate::http::{Cause, TransportError};
use crate::privacy::report::join_messages;

/// The delay after a transient error that names none, in milliseconds.
const DEFAULT_RETRY_MS: u64 = 30_000;
/// The delay after a 429 without `Retry-After`, in milliseconds: the erasure limit frees a call every 3 seconds, for the whole brand.
pub const DEFAULT_RATE_LIMIT_MS: u64 = 15_000;

/// The contract's error for an API error of a call that started nothing. `scope` is the permission that the call required, `origin` where
/// it was sent.
#[must_use]
pub fn to_contract_error(error: &ApiError, scope: Option<Scope>, origin: &str) -> Error {
    match error {
        ApiError::Transport(error) => transport(*error, origin),
        ApiError::Response(response) => rejected(response, scope, origin).with_response(response),
        ApiError::TokenRejected(response) => credentials(response, origin).with_response(response),
        ApiError::MissingScopes(scopes) => missing_scopes(scopes),
        ApiError::Redirect(status) => redirect(*status, origin),
        ApiError::Malformed => Error::new(
            ErrorKind::UnexpectedResponse,
            Remedy::Retry(DEFAULT_RETRY_MS),
            "Qualtrics' response was not understood: try again later, and if it happens again, check which proxy or firewall is between \
             this host and Qualtrics.",
        ),
        ApiError::ShareExhausted(wait_ms) => Error::new(
            ErrorKind::RateLimited,
            Remedy::Retry(*wait_ms),
            "This connection has no calls left in its share of Qualtrics' rate limit: try again later.",
        ),
        ApiError::DeadlineExceeded => Error::new(
            ErrorKind::Unavailable,
            Remedy::Retry(DEFAULT_RETRY_MS),
            "Qualtrics responds too slowly for one call: try again later.",
        ),
    }
}

impl Error {
    /// The error, with the status, code and request ID of the response.
    pub(super) fn with_response(self, response: &ErrorResponse) -> Self {
        Self {
            http_status: Some(response.status),
            vendor_code: response.code.clone(),
            vendor_request_id: response.request_id.clone(),
            ..self
        }
    }
}

/// There is no response.
fn transport(error: TransportError, origin: &str) -> Error {
    let later = |message: &str| Error::new(ErrorKind::Unavailable, Remedy::Retry(DEFAULT_RETRY_MS), message);
    match error.cause {
        Cause::Denied => {
            let message = format!("The host's egress policy denies {origin}: allow it.");
            Error::new(ErrorKind::Unavailable, Remedy::Operator, message).with_problem("egress", origin, &RIGHTS)
        }
        Cause::DnsFailure => later(
            "The name of Qualtrics' host does not resolve: try again later, and if it happens again, check datacenter-id and this \
                 host's network.",
        ),
        Cause::Unreachable => {
            later("Qualtrics cannot be reached: try again later, and if it happens again, check this host's network.")
        }
        Cause::Tls => later(
            "The TLS handshake with Qualtrics' host failed: try again later, and if it happens again, check its certificate, \
             which proxy or firewall is between, and whether the brand requires a client certificate.",
        ),
        Cause::ClientCertificate => Error::new(
            ErrorKind::Unavailable,
            Remedy::Operator,
            "Qualtrics' host requires a client certificate (mutual TLS), or rejects the one that this host presents: configure this \
             host with a client certificate that is valid and registered with the brand.",
        ),
        Cause::ProxyRefusal => {
            let message = "The proxy between this host and Qualtrics refuses to connect to Qualtrics: check the user name and the \
                           password for the proxy, and its allow-list.";
            Error::new(ErrorKind::Unavailable, Remedy::Operator, message).with_problem("proxy", origin, &RIGHTS)
        }
        Cause::ProxyFailure => later(
            "The proxy between this host and Qualtrics cannot be reached, or cannot reach Qualtrics: try again later, and if it happens \
             again, check the address of the proxy, and that it can reach Qualtrics.",
        )
        .with_problem("proxy", origin, &RIGHTS),
        Cause::TimedOut => later("Qualtrics did not respond in time: try again later."),
        Cause::Interrupted => later("The connection to Qualtrics was interrupted: try again later."),
        Cause::BodyTooLarge => Error::new(
            ErrorKind::UnexpectedResponse,
            Remedy::Retry(DEFAULT_RETRY_MS),
            "Qualtrics' response is larger than any expected one: try again later.",
        ),
        Cause::InvalidRequest => Error::new(
            ErrorKind::UnexpectedResponse,
            Remedy::GiveUp,
            "The host does not accept the HTTP request of this connector: the two are incompatible.",
        ),
    }
}

/// The response is an error.
fn rejected(response: &ErrorResponse, scope: Option<Scope>, origin: &str) -> Error {
    match response.status {
        401 if is_wrong_datacenter(response) => wrong_datacenter(),
        _ if response.is_from_proxy() => proxy(origin),
        401 => {
            let message = "Qualtrics rejects the account even with a new token: create the OAuth client as a brand administrator, in \
                           this data centre.";
            let affects = scope.map_or(&RIGHTS as &[Right], Scope::affects);
            Error::new(ErrorKind::Unauthorized, Remedy::Operator, message).with_problem("role", ADMINISTRATOR, affects)
        }
        429 => Error::new(
            ErrorKind::RateLimited,
            Remedy::Retry(response.retry_after_ms.unwrap_or(DEFAULT_RATE_LIMIT_MS)),
            "Qualtrics throttles this brand: try again later.",
        ),
        status if is_transient_status(status) => Error::new(
            ErrorKind::Unavailable,
            Remedy::Retry(response.retry_after_ms.unwrap_or(DEFAULT_RETRY_MS)),
            "Qualtrics fails temporarily: try again later, and if it happens again, ask Qualtrics' support with the request ID.",
        ),
        403 => forbidden(vec![scope.map_or_else(|| not_administrator(&RIGHTS), scope_or_role)]),
        _ => rejected_call(),
    }
}

fn rejected_call() -> Error {
    let message = "Qualtrics rejects this call: report it to the maintainers of the connector, with Qualtrics' code and request ID.";
    Error::new(ErrorKind::UnexpectedResponse, Remedy::Operator, message)
}

/// The token request was rejected: by Qualtrics, nearly always because of the client ID and secret, or by something between.
fn credentials(response: &ErrorResponse, origin: &str) -> Error {
    let message = "Qualtrics rejects the client ID and secret: check client-id and client-secret, and that datacenter-id is the data \
                   centre of the brand in which the OAuth client was created.";
    let error = Error::new(ErrorKind::Unauthorized, Remedy::Operator, message).with_problem(
        "setting",
        "client-secret",
        &RIGHTS,
    );
    match (response.form, response.status) {
        (_, status) if is_of_proxies(status) => proxy(origin),
        _ if is_wrong_datacenter(response) => wrong_datacenter(),
        (ErrorForm::Blank, 400 | 401) => {
            let message =
                "The rejection has no body, so that a proxy or firewall may have sent it: check these as well.";
            let mut error = error;
            error.problems.push(Problem::new("proxy", origin, &RIGHTS, message));
            error
        }
        (ErrorForm::Foreign | ErrorForm::Blank, _) => proxy(origin),
        (_, 404) => wrong_datacenter(),
        // The token endpoint rejects the request for a reason other than the credentials.
        (_, 402 | 405..) => rejected_call(),
        _ => error,
    }
}

/// The error of a response that is not Qualtrics'.
fn proxy(origin: &str) -> Error {
    let message = "A proxy or firewall between this host and Qualtrics responded instead of Qualtrics: check the proxy's credentials \
                   and allow-list, allow requests to Qualtrics, and check base-url if it is set.";
    Error::new(ErrorKind::Unavailable, Remedy::Operator, message).with_problem("proxy", origin, &RIGHTS)
}

fn redirect(status: u16, origin: &str) -> Error {
    let message = "Qualtrics' host responded with a redirect, which is never followed: check datacenter-id and base-url, and which \
                   proxy or firewall is between this host and Qualtrics.";
    let error = Error::new(ErrorKind::Unavailable, Remedy::Operator, message);
    Error { http_status: Some(status), ..error }.with_problem("proxy", origin, &RIGHTS)
}

/// `DCD_7`: an OAuth token at a data centre that did not issue it (fact sheet 1, 3.2).
fn is_wrong_datacenter(response: &ErrorResponse) -> bool {
    response.code.as_deref() == Some("DCD_7")
}

fn wrong_datacenter() -> Error {
    let message =
        "This is not the data centre of the brand: set datacenter-id to the one under Account Settings, Qualtrics IDs.";
    Error::new(ErrorKind::Unauthorized, Remedy::Operator, message).with_problem("setting", "datacenter-id", &RIGHTS)
}

/// The target of problems with the role of the account.
pub const ADMINISTRATOR: &str = "brand administrator";

/// The problem of a scope that is not granted.
#[must_use]
pub fn missing_scope(scope: Scope) -> Problem {
    let message = format!("Grant the OAuth client the scope {}.", scope.name());
    Problem::new("permission", scope.name(), scope.affects(), message)
}

/// The problem of a call that is forbidden: the scope is missing, or the role. The connection test can tell which.
fn scope_or_role(scope: Scope) -> Problem {
    let problem = missing_scope(scope);
    match scope {
        Scope::Directories | Scope::Contacts | Scope::Transactions | Scope::ContactUpdates => problem,
        Scope::CustomerData | Scope::Erasure | Scope::Users => {
            let message = format!("{} If it is granted, create the client as a brand administrator.", problem.message);
            Problem { message, ..problem }
        }
    }
}

/// The problem of an account that is not a brand administrator's.
#[must_use]
pub fn not_administrator(affects: &[Right]) -> Problem {
    Problem::new("role", ADMINISTRATOR, affects, "Create the OAuth client as a brand administrator.")
}

/// The error of a connection that lacks permissions or a role, each of which is named.
#[must_use]
pub fn forbidden(problems: Vec<Problem>) -> Error {
    let message = join_messages("The connection lacks permissions", &problems);
    Error { problems, ..Error::new(ErrorKind::Forbidden, Remedy::Operator, message) }
}

/// The error of scopes that are not granted.
#[must_use]
pub fn missing_scopes(scopes: &Scopes) -> Error {
    forbidden(scopes.iter().map(|scope| missing_scope(*scope)).collect())
}

/// The error of an access request that needs more calls together than the share ever allows.
#[must_use]
pub fn share_too_small() -> Error {
    let message = "Qualtrics exports one address at a time, and rate-share never allows enough calls at once for the addresses of this \
                   request: raise rate-share.";
    Error::new(ErrorKind::RateLimited, Remedy::Operator, message).with_problem(
        "setting",
        "rate-share",
        &[Right::Access],
    )
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write;

    use super::*;
    use crate::http::{Response, ResponseHead};
    use crate::qualtrics::api::{envelope, oauth};

    const ORIGIN: &str = "https://fra1.qualtrics.com";

    const STATUSES: [u16; 23] = [
        200, 307, 400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 413, 415, 422, 425, 429, 500, 502, 503, 504, 511,
        520,
    ];

    /// Bodies of responses, by name. `STATUS` stands for the status.
    const BODIES: [(&str, &str); 9] = [
        ("envelope", r#"{"meta":{"httpStatus":"STATUS - X","error":{"errorCode":"E_1"}}}"#),
        ("envelope with DCD_7", r#"{"meta":{"httpStatus":"STATUS - X","error":{"errorCode":"DCD_7"}}}"#),
        ("old envelope", r#"{"meta":{"status":"Error","internalErrorCode":"GS_5"},"result":null}"#),
        ("OAuth error", r#"{"error":"invalid_client"}"#),
        ("OAuth error about a scope", r#"{"error":"invalid_scope"}"#),
        ("other JSON", r#"{"message":"Forbidden"}"#),
        ("web page", "<html><body>Sign in</body></html>"),
        ("text", "upstream connect error"),
        ("empty body", ""),
    ];

    const CAUSES: [Cause; 11] = [
        Cause::Denied,
        Cause::DnsFailure,
        Cause::Unreachable,
        Cause::Tls,
        Cause::ClientCertificate,
        Cause::ProxyRefusal,
        Cause::ProxyFailure,
        Cause::TimedOut,
        Cause::Interrupted,
        Cause::BodyTooLarge,
        Cause::InvalidRequest,
    ];

    /// A scope that requires a brand administrator, one that does not, and none.
    const SCOPES: [Option<Scope>; 3] = [Some(Scope::Erasure), Some(Scope::Contacts), None];

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = body.replace("STATUS", &status.to_string()).into_bytes();
        Response { head: ResponseHead { status, headers }, body }
    }

    /// Every API error: what was attempted, what came back, and the error. Responses are parsed as those of Qualtrics are.
    fn errors() -> Vec<(String, String, ApiError)> {
        let scopes = Scopes::from([Scope::Erasure, Scope::Users]);
        let mut errors = Vec::new();
        for status in STATUSES {
            for (name, body) in BODIES {
                let response = response(status, &[], body);
                let of_call = envelope::parse(&response, 0).err().map(|error| ("API call", error));
                let of_token = oauth::parse(&response, &scopes, 0, 0).err().map(|error| ("token request", error));
                for (attempted, error) in of_call.into_iter().chain(of_token) {
                    errors.push((format!("{attempted}, {status}"), name.to_owned(), error));
                }
            }
        }
        for status in [429, 503] {
            let response = response(status, &[("retry-after", "7")], "");
            let error = envelope::parse(&response, 0).expect_err("an error status");
            errors.push((format!("API call, {status}"), "Retry-After: 7".to_owned(), error));
        }
        for cause in CAUSES {
            let error = ApiError::Transport(TransportError::before_sending(cause));
            errors.push(("no response".to_owned(), format!("{cause:?}"), error));
        }
        for error in [
            ApiError::Malformed,
            ApiError::ShareExhausted(4_000),
            ApiError::DeadlineExceeded,
            ApiError::MissingScopes(Scopes::from([Scope::Contacts])),
        ] {
            errors.push(("no usable response".to_owned(), format!("{error:?}"), error));
        }
        errors
    }

    /// What the caller learns from an error.
    fn outcome(error: &Error) -> String {
        let Error { kind, remedy, problems, message, .. } = error;
        let problems: Vec<String> = problems
            .iter()
            .map(|problem| format!("{} {} {:?}", problem.code, problem.target, problem.affects))
            .collect();
        format!("{kind:?}, {remedy:?}, [{}]\n{message}", problems.join(", "))
    }

    /// Every outcome, and the errors that lead to it. Errors that do not depend on the scope are listed without one.
    fn table() -> String {
        let mut rows: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (attempted, came_back, error) in errors() {
            let outcomes = SCOPES.map(|scope| outcome(&to_contract_error(&error, scope, ORIGIN)));
            let depends_on_scope = outcomes.iter().any(|outcome| *outcome != outcomes[0]);
            for (scope, outcome) in SCOPES.into_iter().zip(outcomes) {
                let scope = scope.map_or("without a scope", Scope::name);
                let attempted = if depends_on_scope { format!("{attempted}, {scope}") } else { attempted.clone() };
                rows.entry(outcome).or_default().entry(attempted).or_default().insert(came_back.clone());
            }
        }
        let mut table = String::new();
        for (outcome, errors) in rows {
            let separator = if table.is_empty() { "" } else { "\n" };
            let _ = writeln!(table, "{separator}{outcome}");
            for (attempted, came_back) in errors {
                let came_back: Vec<String> = came_back.into_iter().collect();
                let _ = writeln!(table, "    {attempted}: {}", came_back.join(", "));
            }
        }
        table
    }

    #[test]
    fn every_api_error_has_the_kind_remedy_and_message_of_the_table() {
        let table = table();
        assert!(table == include_str!("error_mapping/table.txt"), "error_mapping/table.txt is to be:\n{table}");
    }

    #[test]
    fn a_response_is_passed_on_as_codes() {
        let body = r#"{"meta":{"error":{"errorCode":"GED_3","errorMessage":"ada@example.org"},"requestId":"r-1"}}"#;
        let rejected = envelope::parse(&response(404, &[], body), 0).expect_err("an error status");
        let error = to_contract_error(&rejected, None, ORIGIN);
        assert_eq!((error.http_status, error.vendor_code.as_deref()), (Some(404), Some("GED_3")));
        assert_eq!(error.vendor_request_id.as_deref(), Some("r-1"));
        assert!(!format!("{error:?}").contains("ada@"));
    }
}
