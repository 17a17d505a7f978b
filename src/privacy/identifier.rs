//! Identifiers that requests may carry, validated once and redacted from then on.

use crate::contract;
use crate::secret::Secret;

/// The most characters of an identifier: those of the longest e-mail address (RFC 5321: 64, 255, and `@`).
const MAX_CHARS: usize = 320;

/// An identifier that sources can be searched for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Identifier {
    /// An e-mail address, trimmed, in lower case.
    Email(Secret),
    /// A telephone number in E.164 format, trimmed.
    Phone(Secret),
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
        let text = plain_text(text)?.to_lowercase();
        // `to_lowercase` can lengthen the text, so the limit is checked again.
        plain_text(&text)?;
        if is_email(&text) { Ok(Self::Email(Secret::new(text))) } else { Err("is not an e-mail address".into()) }
    }

    /// A telephone number.
    ///
    /// # Errors
    /// As for [`Self::email`].
    pub fn phone(text: &str) -> Result<Self, String> {
        let text = plain_text(text)?;
        if is_e164(text) {
            Ok(Self::Phone(Secret::new(text)))
        } else {
            Err("is not a telephone number in E.164 format: write + and 2 to 15 digits".into())
        }
    }

    /// The customer's own ID of the person.
    ///
    /// # Errors
    /// As for [`Self::email`].
    pub fn external_id(text: &str) -> Result<Self, String> {
        plain_text(text).map(|text| Self::ExternalId(Secret::new(text)))
    }

    /// Its value.
    #[must_use]
    pub const fn value(&self) -> &Secret {
        match self {
            Self::Email(value) | Self::Phone(value) | Self::ExternalId(value) => value,
        }
    }

    /// The address, if it is one.
    #[must_use]
    pub const fn as_email(&self) -> Option<&Secret> {
        match self {
            Self::Email(address) => Some(address),
            Self::Phone(_) | Self::ExternalId(_) => None,
        }
    }

    /// As the contract has it.
    #[must_use]
    pub fn to_contract(&self) -> contract::Identifier {
        let value = self.value().reveal().to_owned();
        match self {
            Self::Email(_) => contract::Identifier::Email(value),
            Self::Phone(_) => contract::Identifier::Phone(value),
            Self::ExternalId(_) => contract::Identifier::ExternalId(value),
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
    match text.chars().find(|character| is_invisible(*character)) {
        None => Ok(text),
        Some(character) => {
            let code = u32::from(character);
            Err(format!("contains the invisible character U+{code:04X}: remove it"))
        }
    }
}

/// Whether a character is invisible, reorders text, or replaces a lost character. Text copied from spreadsheets and web pages can
/// contain such characters; no identifier does.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{3164}'
                | '\u{E000}'..='\u{F8FF}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}' | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFD}'
                | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{E0FFF}'
                | '\u{F0000}'..='\u{10FFFD}'
        )
}

/// Whether a text is an address as RFC 5321 and RFC 6531 have it: a dot-atom, `@`, and a host name.
fn is_email(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(is_atom_character);
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || is_international(c))
    };
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        local.split('.').all(is_word) && domain.split('.').all(is_label) && domain.len() <= 255
    })
}

/// `atext` of RFC 5322, with the characters beyond ASCII that RFC 6531 adds.
fn is_atom_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character) || is_international(character)
}

/// A character beyond ASCII that may be part of an address. Full-width forms of ASCII characters are typing errors.
fn is_international(character: char) -> bool {
    !character.is_ascii() && !character.is_whitespace() && !matches!(character, '\u{3002}' | '\u{FF01}'..='\u{FF61}')
}

fn is_e164(text: &str) -> bool {
    text.strip_prefix('+')
        .is_some_and(|digits| (2..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_trimmed_and_compared_in_lower_case() {
        let address = Identifier::email(" Ada@Example.org\t").expect("an address");
        assert_eq!(address.value().reveal(), "ada@example.org");
    }

    #[test]
    fn malformed_addresses_are_rejected() {
        for text in [
            "ada",
            "@example.org",
            "ada@",
            "a@b@example.org",
            "mailto:ada@example.org",
            "'ada@example.org'",
            "\"ada\"@example.org",
            "<ada@example.org>",
            "Ada <ada@example.org>",
            "ada@example.org,bob@example.org",
            "ada@example.org.",
            "ada@.example.org",
            "ada..l@example.org",
            ".ada@example.org",
            "ada @example.org",
            "ada@exa mple.org",
            "ada\u{FF20}example.org",
            "ada@example\u{3002}org",
            "ada@-example.org",
        ] {
            assert!(Identifier::email(text).is_err(), "{text}");
        }
        for text in ["o'neil+x@example.org", "ada@localhost", "ada@münchen.example", "用户@例え.jp", "a_b@ex_ample.org"]
        {
            assert!(Identifier::email(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn invisible_characters_are_named_in_every_kind_of_identifier() {
        for (character, code) in
            [('\u{200B}', "U+200B"), ('\u{FEFF}', "U+FEFF"), ('\u{AD}', "U+00AD"), ('\u{202E}', "U+202E")]
        {
            let text = format!("a{character}da@example.org");
            for refused in [Identifier::email(&text), Identifier::external_id(&text), Identifier::phone(&text)] {
                assert!(refused.is_err_and(|reason| reason.contains(code) && !reason.contains("da@")), "{code}");
            }
        }
    }

    #[test]
    fn telephone_numbers_are_in_e164_format() {
        assert!(Identifier::phone(" +15550100 ").is_ok());
        for text in ["555 0100", "+1", "+1555010a", "+1234567890123456", "15550100"] {
            assert!(Identifier::phone(text).is_err(), "{text}");
        }
    }

    #[test]
    fn external_ids_keep_their_case() {
        assert_ne!(Identifier::external_id("0035e00000AbCdE"), Identifier::external_id("0035e00000aBcDe"));
    }
}
