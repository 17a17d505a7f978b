//! The connector's own validation of identifiers, before any request is started.
//!
//! The contract has no function that only validates. But a call validates a request before anything else: `access` on an instance that
//! reaches nothing returns `invalid-request` for an invalid one, and an error of the network for any other. So the rules of a batch are
//! those that its calls apply later, and are written once.

use privacy_host::contract::{Error, ErrorKind, Identifier, Request};
use privacy_host::{HostError, Instance};
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use super::input::Line;

/// Adds to each line what the connector finds wrong with its identifiers. The instance must not reach anything.
///
/// # Errors
/// The connector returned no result.
pub(super) async fn validate(offline: &mut Instance, lines: &mut [Line]) -> Result<(), HostError> {
    for line in lines.iter_mut().filter(|line| !line.request.subject.is_empty()) {
        // The ID of the line may be wrong, too.
        let request = Request::new(format!("line-{}", line.number), line.request.subject.clone());
        // One request for each call: a call that runs out of time leaves requests out. The host would log that it denies each call.
        let results = offline.access(std::slice::from_ref(&request)).with_subscriber(NoSubscriber::new()).await?;
        for result in results {
            if let Err(error) = result
                && error.kind == ErrorKind::InvalidRequest
            {
                line.problems.extend(problems(&error, &line.request.subject));
            }
        }
    }
    Ok(())
}

/// The problems with identifiers, which the contract names by their index, with the names of their columns.
fn problems(error: &Error, subject: &[Identifier]) -> Vec<String> {
    let in_words = |message: &str| {
        let message = message.trim_end_matches('.');
        let named = message.strip_prefix("subject[").and_then(|rest| rest.split_once(']'));
        named.and_then(|(index, rest)| Some(format!("{}{rest}", place(subject, index.parse().ok()?)?)))
    };
    let problems = error.problems.iter().map(|problem| problem.message.as_str());
    let named: Vec<String> = problems.filter_map(in_words).collect();
    // The number of identifiers is the one other thing that can be wrong.
    if named.is_empty() { vec![error.message.clone()] } else { named }
}

/// The column of an identifier and, if the column has several values, its number there.
fn place(subject: &[Identifier], index: usize) -> Option<String> {
    let column = column(subject.get(index)?);
    let numbers = (0..subject.len()).filter(|other| self::column(&subject[*other]) == column);
    let numbers: Vec<usize> = numbers.collect();
    let number = numbers.iter().position(|other| *other == index)? + 1;
    Some(if numbers.len() == 1 { column.to_owned() } else { format!("{column} {number}") })
}

/// The column of the file that holds such identifiers.
pub(super) fn column(identifier: &Identifier) -> &str {
    match identifier {
        Identifier::Email(_) => "email",
        Identifier::Phone(_) => "phone",
        Identifier::ExternalId(_) => "external-id",
        Identifier::Other((kind, _)) => kind,
    }
}

#[cfg(test)]
mod tests {
    use privacy_host::contract::{Problem, Remedy};

    use super::*;

    fn invalid(messages: &[&str]) -> Error {
        let problem = |message: &&str| Problem {
            code: "request".to_owned(),
            target: String::new(),
            affects: Vec::new(),
            message: (*message).to_owned(),
        };
        Error {
            kind: ErrorKind::InvalidRequest,
            remedy: Remedy::GiveUp,
            message: "The request is invalid.".to_owned(),
            problems: messages.iter().map(problem).collect(),
            http_status: None,
            vendor_code: None,
            vendor_request_id: None,
        }
    }

    #[test]
    fn identifiers_are_named_by_column_and_number() {
        let subject = [Identifier::email("a"), Identifier::email("b"), Identifier::phone("c")];
        let error = invalid(&["subject[1] is not an e-mail address.", "subject[2] contains U+200B: remove it."]);
        let expected = ["email 2 is not an e-mail address", "phone contains U+200B: remove it"];
        assert_eq!(problems(&error, &subject), expected);
    }

    #[test]
    fn an_invalid_request_has_a_problem_even_if_it_names_no_identifier() {
        assert_eq!(problems(&invalid(&["subject[9] is empty."]), &[]), ["The request is invalid."]);
    }
}
