//! Identifiers that requests may carry, validated once and redacted from then on.

use super::characters;
use super::email::EmailAddress;
use super::phone::PhoneNumber;
use crate::contract;
use crate::secret::Secret;

/// The most characters of an identifier: those of the longest e-mail address (RFC 5321: 64, 255, and `@`).
const MAX_CHARS: usize = 320;

/// An identifier that sources can be searched for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Identifier {
    /// An e-mail address.
    Email(EmailAddress),
    /// A telephone number.
    Phone(PhoneNumber),
    /// The customer's own ID of the person, trimmed. Case matters.
    ExternalId(Secret),
}

impl Identifier {
    /// An e-mail address.
    ///
    /// # Errors
    /// A predicate without subject (`is empty`); the caller prepends the place, such as `subject[2]`. It does not contain the
    /// value.
    pub fn email(text: &str) -> Result<Self, String> {
        EmailAddress::parse(text).map(Self::Email)
    }

    /// A telephone number.
    ///
    /// # Errors
    /// As for [`Self::email`].
    pub fn phone(text: &str) -> Result<Self, String> {
        PhoneNumber::parse(text).map(Self::Phone)
    }

    /// The customer's own ID of the person.
    ///
    /// # Errors
    /// As for [`Self::email`].
    pub fn external_id(text: &str) -> Result<Self, String> {
        plain_text(text).map(|text| Self::ExternalId(Secret::new(text)))
    }

    /// The spellings that a vendor is searched for, each once.
    #[must_use]
    pub fn spellings(&self) -> Vec<Secret> {
        match self {
            Self::Email(address) => address.spellings().to_vec(),
            Self::Phone(number) => number.spellings(),
            Self::ExternalId(id) => vec![id.clone()],
        }
    }

    /// Adds the spellings of an equal identifier.
    pub fn add_spellings(&mut self, other: Self) {
        if let (Self::Email(address), Self::Email(other)) = (self, other) {
            address.add_spellings(other);
        }
    }

    /// The address, if it is one.
    #[must_use]
    pub const fn as_email(&self) -> Option<&EmailAddress> {
        match self {
            Self::Email(address) => Some(address),
            Self::Phone(_) | Self::ExternalId(_) => None,
        }
    }

    /// As the contract has it.
    #[must_use]
    pub fn to_contract(&self) -> contract::Identifier {
        let text = |value: &Secret| value.reveal().to_owned();
        match self {
            Self::Email(address) => contract::Identifier::Email(text(address.given())),
            Self::Phone(number) => contract::Identifier::Phone(text(number.text())),
            Self::ExternalId(id) => contract::Identifier::ExternalId(text(id)),
        }
    }
}

/// The text without surrounding whitespace, if it can be an identifier of any kind.
///
/// # Errors
/// As for [`Identifier::email`].
pub fn plain_text(text: &str) -> Result<&str, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("is empty".into());
    }
    if text.chars().count() > MAX_CHARS {
        return Err(format!("is longer than {MAX_CHARS} characters"));
    }
    match characters::refusal_of(text) {
        None => Ok(text),
        Some(reason) => Err(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_characters_are_named_in_every_kind_of_identifier() {
        for (character, code) in [('\u{200B}', "U+200B"), ('\u{A0}', "U+00A0"), ('\u{E000}', "U+E000")] {
            let text = format!("a{character}da@example.org");
            for refused in [Identifier::email(&text), Identifier::external_id(&text), Identifier::phone(&text)] {
                assert!(refused.is_err_and(|reason| reason.contains(code) && !reason.contains("da@")), "{code}");
            }
        }
    }

    #[test]
    fn spellings_of_one_address_are_one_identifier_and_are_all_searched_for() {
        let mut address = Identifier::email("Ada@example.org").expect("an address");
        let other = Identifier::email(" ADA@example.org").expect("an address");
        assert_eq!(address, other);
        address.add_spellings(other);
        let spellings = address.spellings();
        let spellings: Vec<&str> = spellings.iter().map(Secret::reveal).collect();
        assert_eq!(spellings, ["ada@example.org", "Ada@example.org", "ADA@example.org"]);
    }

    #[test]
    fn external_ids_keep_their_case_and_their_inner_spaces() {
        assert_ne!(Identifier::external_id("0035e00000AbCdE"), Identifier::external_id("0035e00000aBcDe"));
        assert!(Identifier::external_id("Customer 7").is_ok());
    }
}
