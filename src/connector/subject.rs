//! The person whom a request is about: names that were checked, and what each can be used for.

use sha2::{Digest, Sha256};

use super::contract::{Error, Identifier, Problem, Request};
use crate::letters::lower_case;
use crate::order;
use crate::prelude::*;
use crate::qualtrics::directories::Key;
use crate::secret::Secret;

/// Names a request may hold.
const MOST_NAMES: usize = 64;
/// Characters a name may hold: as many as an e-mail address (RFC 5321: 64 and 255, and the sign between them).
const MOST_CHARACTERS: usize = 320;

/// A request whose parts are well-formed.
pub struct Subject {
    /// The names that directories can be searched for, each once, in the order of the request.
    pub names: Vec<Name>,
    /// The names that nothing can use, as indices into the request's subject.
    pub unusable: Vec<u32>,
    /// The names that are not addresses, as indices: erasures and exports cannot use them.
    pub no_addresses: Vec<u32>,
}

/// A name, and where the request gives it.
pub struct Name {
    /// What to search for. Addresses are in lower case.
    pub key: Key,
    /// Indices into the request's subject: more than one if it is given more than once.
    pub indices: Vec<u32>,
}

impl Subject {
    /// Checks a request's key and names, all at once.
    ///
    /// # Errors
    /// `invalid-request`, with a problem for each part that is malformed. No value is repeated in it.
    pub fn read(request: &Request) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let mut problem = |subject: &str, message: String| {
            problems.push(Problem { code: "request", subject: subject.to_owned(), blocks: Vec::new(), message });
        };
        if !is_key(&request.key) {
            problem("key", "key must be 1 to 128 of A-Z a-z 0-9 . _ : -.".to_owned());
        }
        if request.subject.is_empty() || request.subject.len() > MOST_NAMES {
            problem("subject", "subject must hold 1 to 64 names.".to_owned());
        }
        let mut subject = Self { names: Vec::new(), unusable: Vec::new(), no_addresses: Vec::new() };
        for (index, identifier) in (0_u32..).zip(request.subject.iter().take(MOST_NAMES)) {
            let place = ["subject[", &index.to_string(), "]"].concat();
            let key = match identifier {
                Identifier::Email(value) => is_address(value.reveal().trim())
                    .then(|| Key::Email(Secret::new(lower_case(value.reveal().trim()))))
                    .ok_or(" is not an e-mail address."),
                Identifier::Phone(value) => is_phone(value.reveal().trim())
                    .then(|| Key::Phone(Secret::new(value.reveal().trim())))
                    .ok_or(" is not a telephone number in E.164 form."),
                Identifier::ExternalReference(value) => is_name(value.reveal().trim())
                    .then(|| Key::Reference(Secret::new(value.reveal().trim())))
                    .ok_or(" is blank, too long, or holds control characters."),
                Identifier::Other(kind, value) if is_name(kind.reveal().trim()) && is_name(value.reveal().trim()) => {
                    subject.unusable.push(index);
                    subject.no_addresses.push(index);
                    continue;
                }
                Identifier::Other(..) => Err(" is blank, too long, or holds control characters."),
            };
            match key {
                Ok(key) => subject.add(key, index),
                Err(message) => problem(&place, [&place, message].concat()),
            }
        }
        if problems.is_empty() { Ok(subject) } else { Err(Error::invalid_request(problems)) }
    }

    /// The addresses, in lower case, sorted, each once.
    #[must_use]
    pub fn addresses(&self) -> Vec<Secret> {
        let mut addresses: Vec<Secret> = self.names.iter().filter_map(Name::address).cloned().collect();
        order::sort(&mut addresses);
        addresses
    }

    /// Where the request gives an address, as indices.
    #[must_use]
    pub fn indices_of(&self, address: &Secret) -> Vec<u32> {
        self.indices(&|name| name.address() == Some(address))
    }

    /// Where the request gives addresses, as indices, sorted.
    #[must_use]
    pub fn address_indices(&self) -> Vec<u32> {
        self.indices(&|name| name.address().is_some())
    }

    /// Where the request gives these names, as indices, sorted.
    #[must_use]
    pub fn indices(&self, are_wanted: &dyn Fn(&Name) -> bool) -> Vec<u32> {
        let mut indices = Vec::new();
        for name in self.names.iter().filter(|name| are_wanted(name)) {
            indices.extend_from_slice(&name.indices);
        }
        order::sort(&mut indices);
        indices
    }

    fn add(&mut self, key: Key, index: u32) {
        if !matches!(key, Key::Email(_)) {
            self.no_addresses.push(index);
        }
        match self.names.iter_mut().find(|name| name.key == key) {
            Some(name) => name.indices.push(index),
            None => self.names.push(Name { key, indices: vec![index] }),
        }
    }
}

impl Name {
    /// The address, if the name is one.
    #[must_use]
    pub const fn address(&self) -> Option<&Secret> {
        match &self.key {
            Key::Email(address) => Some(address),
            Key::Phone(_) | Key::Reference(_) => None,
        }
    }
}

/// A short check value of a request's key, names and aim, by which a ticket knows its request.
///
/// It has 20 bits on purpose: enough to tell a mistaken ticket, too few to confirm a guess at a name.
#[must_use]
pub fn check_value(request: &Request, aim: &str) -> u32 {
    let mut digest = Sha256::new();
    let mut part = |text: &str| {
        digest.update(text.as_bytes());
        digest.update([0]);
    };
    part(aim);
    part(&request.key);
    for identifier in &request.subject {
        let (kind, value) = match identifier {
            Identifier::Email(value) => ("email", lower_case(value.reveal().trim())),
            Identifier::Phone(value) => ("phone", value.reveal().trim().to_owned()),
            Identifier::ExternalReference(value) => ("external-reference", value.reveal().trim().to_owned()),
            Identifier::Other(kind, value) => (kind.reveal().trim(), value.reveal().trim().to_owned()),
        };
        part(kind);
        part(&value);
    }
    digest.finalize().iter().take(3).fold(0, |sum, byte| (sum << 8) | u32::from(*byte)) >> 4
}

fn is_key(key: &str) -> bool {
    (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().nth(MOST_CHARACTERS).is_none() && !text.chars().any(char::is_control)
}

/// One sign with something before and after it, and nothing that belongs around an address: a list, a display name.
fn is_address(text: &str) -> bool {
    let foreign =
        |letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | '<' | '>' | '"' | '(' | ')' | '\\');
    is_name(text)
        && !text.chars().any(foreign)
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.as_bytes().contains(&b'@')
        })
}

fn is_phone(text: &str) -> bool {
    text.strip_prefix('+')
        .is_some_and(|digits| (2..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(subject: Vec<Identifier>) -> Request {
        Request { key: "r-1".to_owned(), subject, first_attempt_at: None, confirmed: Vec::new(), extra: Vec::new() }
    }

    fn email(text: &str) -> Identifier {
        Identifier::Email(Secret::new(text))
    }

    #[test]
    fn blanks_and_case_of_an_address_do_not_count() {
        let request = request(vec![email(" Ada@Example.org "), email("ada@example.org"), email("bob@example.org")]);
        let Ok(subject) = Subject::read(&request) else { panic!("a good request") };
        let addresses = subject.addresses();
        assert_eq!(addresses.iter().map(Secret::reveal).collect::<Vec<_>>(), ["ada@example.org", "bob@example.org"]);
        assert_eq!(subject.indices_of(&Secret::new("ada@example.org")), [0, 1]);
    }

    #[test]
    fn everything_malformed_is_told_at_once_and_not_repeated() {
        let mut request = request(vec![
            email("secret-name"),
            email("a@b@c"),
            email("Ada <ada@example.org>"),
            email("a@x.org,b@x.org"),
            Identifier::Phone(Secret::new("555 0100")),
            Identifier::ExternalReference(Secret::new(" ")),
            Identifier::Other(Secret::new("loyalty"), Secret::new("a\nb")),
            email(&["a".repeat(320), "@x.org".to_owned()].concat()),
            email("ok@x.org"),
        ]);
        request.key = "no blanks".to_owned();
        let error = Subject::read(&request).err().expect("a bad request");
        assert_eq!(error.problems.len(), 9);
        assert!(!format!("{error:?}").contains("secret-name"));
    }

    #[test]
    fn a_request_names_one_to_sixty_four() {
        assert!(Subject::read(&request(Vec::new())).is_err());
        assert!(Subject::read(&request(vec![email("a@x.org"); 64])).is_ok());
        assert!(Subject::read(&request(vec![email("a@x.org"); 65])).is_err());
    }

    #[test]
    fn the_check_value_knows_the_request_and_is_short() {
        let one = request(vec![email("a@x.org")]);
        let other = request(vec![email("b@x.org")]);
        let same = request(vec![email(" A@x.org")]);
        assert_eq!(check_value(&one, "e"), check_value(&same, "e"));
        assert_ne!(check_value(&one, "e"), check_value(&other, "e"));
        assert_ne!(check_value(&one, "e"), check_value(&one, "p"));
        assert!(check_value(&one, "e") < 1 << 20);
    }
}
