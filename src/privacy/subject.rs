//! The data subject of a request: its identifiers, each once, and where the request gives them.

use sha2::{Digest, Sha256};

use super::email::EmailAddress;
use super::identifier::{Identifier, plain_text};
use super::report::invalid_request;
use crate::contract::{Error, Identifier as Given, Problem, Request};

/// The most identifiers of a request.
const MAX_IDENTIFIERS: usize = 64;

/// The furthest into the future that the time of an attempt may lie, in seconds. A time in milliseconds lies far beyond.
const MAX_CLOCK_ERROR_S: u64 = 24 * 3_600;

/// A data subject, as a well-formed request describes it.
pub struct Subject {
    /// The identifiers that sources can be searched for, each once, in the order of the request.
    pub identifiers: Vec<SubjectIdentifier>,
    /// The identifiers of a kind that no source supports, as indices into the request's subject.
    pub unsupported: Vec<u32>,
    /// The identifiers that are not e-mail addresses, as indices.
    pub not_emails: Vec<u32>,
}

/// An identifier, and where the request gives it.
pub struct SubjectIdentifier {
    /// What to search for.
    pub identifier: Identifier,
    /// Indices into the request's subject: more than one if the request repeats it.
    pub indices: Vec<u32>,
}

impl Subject {
    /// Validates a request's ID, identifiers and attempts. `now_s` is the host's time in seconds.
    ///
    /// # Errors
    /// `invalid-request`, with a problem for each malformed part. No value is repeated in it.
    pub fn parse(request: &Request, now_s: u64) -> Result<Self, Error> {
        let mut problems = Vec::new();
        if !is_request_id(&request.id) {
            problems.push(problem("id", "id must be 1 to 128 characters of A-Z a-z 0-9 . _ : -"));
        }
        if request.subject.is_empty() || request.subject.len() > MAX_IDENTIFIERS {
            problems.push(problem("subject", "subject must hold 1 to 64 identifiers"));
        }
        if let Some(attempts) = &request.attempts {
            if attempts.last_at < attempts.first_at {
                problems.push(problem("attempts", "attempts.last-at must not be before attempts.first-at"));
            }
            if attempts.last_at > now_s.saturating_add(MAX_CLOCK_ERROR_S) {
                problems
                    .push(problem("attempts", "attempts lie in the future: give them in seconds since the Unix epoch"));
            }
        }
        let mut subject = Self { identifiers: Vec::new(), unsupported: Vec::new(), not_emails: Vec::new() };
        for (index, given) in (0_u32..).zip(request.subject.iter().take(MAX_IDENTIFIERS)) {
            if let Err(reason) = subject.add(given, index) {
                let place = format!("subject[{index}]");
                problems.push(problem(&place, &format!("{place} {reason}")));
            }
        }
        if problems.is_empty() { Ok(subject) } else { Err(invalid_request(problems)) }
    }

    fn add(&mut self, given: &Given, index: u32) -> Result<(), String> {
        let identifier = match given {
            Given::Email(text) => Identifier::email(text)?,
            Given::Phone(text) => Identifier::phone(text)?,
            Given::ExternalId(text) => Identifier::external_id(text)?,
            Given::Other((kind, value)) => {
                plain_text(kind)?;
                plain_text(value)?;
                self.unsupported.push(index);
                self.not_emails.push(index);
                return Ok(());
            }
        };
        if identifier.as_email().is_none() {
            self.not_emails.push(index);
        }
        match self.identifiers.iter_mut().find(|known| known.identifier == identifier) {
            Some(known) => {
                known.indices.push(index);
                known.identifier.add_spellings(identifier);
            }
            None => self.identifiers.push(SubjectIdentifier { identifier, indices: vec![index] }),
        }
        Ok(())
    }

    /// The e-mail addresses, sorted, each once.
    #[must_use]
    pub fn emails(&self) -> Vec<EmailAddress> {
        let mut emails: Vec<EmailAddress> =
            self.identifiers.iter().filter_map(|known| known.identifier.as_email()).cloned().collect();
        emails.sort_unstable();
        emails
    }

    /// Where the request gives an e-mail address, as indices.
    #[must_use]
    pub fn indices_of(&self, email: &EmailAddress) -> Vec<u32> {
        self.indices(&|known| known.identifier.as_email() == Some(email))
    }

    /// Where the request gives e-mail addresses, as indices, sorted.
    #[must_use]
    pub fn email_indices(&self) -> Vec<u32> {
        self.indices(&|known| known.identifier.as_email().is_some())
    }

    /// Where the request gives identifiers that sources can be searched for, as indices, sorted.
    #[must_use]
    pub fn all_indices(&self) -> Vec<u32> {
        self.indices(&|_| true)
    }

    /// Where the request gives the identifiers that are wanted, as indices, sorted.
    #[must_use]
    pub fn indices(&self, is_wanted: &dyn Fn(&SubjectIdentifier) -> bool) -> Vec<u32> {
        let wanted = self.identifiers.iter().filter(|known| is_wanted(known));
        let mut indices: Vec<u32> = wanted.flat_map(|known| known.indices.iter().copied()).collect();
        indices.sort_unstable();
        indices
    }
}

/// A short check value of a request and an operation, by which a ticket recognises its request.
///
/// It has 20 bits on purpose: enough to detect a ticket of another request, too few to confirm a guess at an identifier.
#[must_use]
pub fn request_check(request: &Request, operation: &str) -> u32 {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update(text.as_bytes());
        digest.update([0]);
    };
    add(operation);
    add(&request.id);
    for identifier in &request.subject {
        let (kind, value) = match identifier {
            Given::Email(value) => ("email", value.trim().to_lowercase()),
            Given::Phone(value) => ("phone", value.trim().to_owned()),
            Given::ExternalId(value) => ("external-id", value.trim().to_owned()),
            Given::Other((kind, value)) => (kind.trim(), value.trim().to_owned()),
        };
        add(kind);
        add(&value);
    }
    digest.finalize().iter().take(3).fold(0, |sum, byte| (sum << 8) | u32::from(*byte)) >> 4
}

fn is_request_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
}

fn problem(target: &str, message: &str) -> Problem {
    Problem::new("request", target, &[], format!("{message}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Attempts;

    const NOW: u64 = 1_700_000_000;

    fn request(subject: Vec<Given>) -> Request {
        Request { id: "r-1".to_owned(), subject, attempts: None, overrides: Vec::new() }
    }

    fn email(text: &str) -> Given {
        Given::Email(text.to_owned())
    }

    #[test]
    fn spellings_of_one_address_are_one_identifier() {
        let request = request(vec![email(" Ada@Example.org "), email("ada@example.org"), email("bob@example.org")]);
        let subject = Subject::parse(&request, NOW).unwrap_or_else(|error| panic!("{}", error.message));
        let emails = subject.emails();
        let keys: Vec<&str> = emails.iter().map(|email| email.key().reveal()).collect();
        assert_eq!(keys, ["ada@example.org", "bob@example.org"]);
        assert_eq!(emails[0].spellings().len(), 2, "in lower case, and as given");
        assert_eq!(subject.indices_of(&emails[0]), [0, 1]);
    }

    #[test]
    fn every_malformed_part_is_named_at_once_and_never_repeated() {
        let mut request = request(vec![
            email("secret-name"),
            email("a@b@c"),
            email("Ada <ada@example.org>"),
            email("a@x.org,b@x.org"),
            Given::Phone("555 0100".to_owned()),
            Given::ExternalId(" ".to_owned()),
            Given::Other(("loyalty".to_owned(), "a\nb".to_owned())),
            email(&format!("{}@x.org", "a".repeat(320))),
            email("ok@x.org"),
        ]);
        request.id = "no blanks".to_owned();
        let error = Subject::parse(&request, NOW).err().expect("a malformed request");
        let targets: Vec<&str> = error.problems.iter().map(|problem| problem.target.as_str()).collect();
        let malformed = (0..8).map(|index| format!("subject[{index}]"));
        assert_eq!(targets, ["id".to_owned()].into_iter().chain(malformed).collect::<Vec<_>>());
        assert!(!format!("{error:?}").contains("secret-name"));
    }

    #[test]
    fn a_request_has_1_to_64_identifiers() {
        assert!(Subject::parse(&request(Vec::new()), NOW).is_err());
        assert!(Subject::parse(&request(vec![email("a@x.org"); 64]), NOW).is_ok());
        assert!(Subject::parse(&request(vec![email("a@x.org"); 65]), NOW).is_err());
    }

    #[test]
    fn attempts_are_in_seconds_and_in_order() {
        let with = |first_at, last_at| Request {
            attempts: Some(Attempts { first_at, last_at }),
            ..request(vec![email("a@x.org")])
        };
        assert!(Subject::parse(&with(NOW - 60, NOW), NOW).is_ok());
        assert!(Subject::parse(&with(NOW, NOW + 24 * 3_600), NOW).is_ok(), "clocks may differ by a day");
        assert!(Subject::parse(&with(NOW, NOW - 1), NOW).is_err());
        assert!(Subject::parse(&with(NOW, NOW + 24 * 3_600 + 1), NOW).is_err());
        assert!(Subject::parse(&with(NOW * 1_000, NOW * 1_000), NOW).is_err(), "milliseconds");
        assert!(Subject::parse(&with(0, u64::MAX), NOW).is_err());
    }

    #[test]
    fn the_check_value_tells_requests_and_operations_apart_and_is_short() {
        let one = request(vec![email("a@x.org")]);
        let other = request(vec![email("b@x.org")]);
        let same = request(vec![email(" A@x.org")]);
        assert_eq!(request_check(&one, "e"), request_check(&same, "e"));
        assert_ne!(request_check(&one, "e"), request_check(&other, "e"));
        assert_ne!(request_check(&one, "e"), request_check(&one, "p"));
        assert!(request_check(&one, "e") < 1 << 20);
    }
}
