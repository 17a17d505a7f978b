//! Telephone numbers: requests give them in E.164 format, vendors hold them as free text.

use super::characters::is_full_width;
use super::identifier::plain_text;
use crate::secret::Secret;

/// The shortest national number that is compared with a number without a country code, in digits.
const MIN_NATIONAL: usize = 7;

/// A telephone number with its country code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhoneNumber {
    /// As E.164: `+` and digits.
    text: Secret,
}

/// Whether a text is a telephone number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PhoneMatch {
    /// It is the number, with its country code.
    Same,
    /// Nothing in it marks a country code: it is the number only if it belongs to the same country. `13105550100` may be a number of
    /// North America with its country code, or one of China without.
    WithoutCountry,
    /// It is another number, or none.
    Other,
}

impl PhoneNumber {
    /// Parses a number in E.164 format. Surrounding whitespace is ignored.
    ///
    /// # Errors
    /// A predicate without subject (`is empty`). It does not contain the number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = plain_text(text)?;
        if let Some(character) = text.chars().find(|character| is_full_width(*character)) {
            return Err(format!(
                "is not a telephone number in E.164 format: it contains the full-width character U+{:04X}",
                u32::from(character)
            ));
        }
        let digits = text.strip_prefix('+').unwrap_or_default();
        let is_number = (2..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        match is_number && !digits.starts_with('0') {
            true => Ok(Self { text: Secret::new(text) }),
            false => {
                Err("is not a telephone number in E.164 format: write + and 2 to 15 digits, which begin with the \
                          country code, and nothing else"
                    .into())
            }
        }
    }

    /// The number in a text that states its country code with `+` or `00`; `None` for any other text, such as one with an extension.
    #[must_use]
    pub fn in_text(text: &str) -> Option<Self> {
        let written = Written::parse(text).filter(|written| written.is_international)?;
        Self::parse(&format!("+{}", written.digits)).ok()
    }

    /// As E.164.
    #[must_use]
    pub const fn text(&self) -> &Secret {
        &self.text
    }

    /// The common ways to write the number, the one in E.164 format first. A vendor that compares text is searched for each.
    #[must_use]
    pub fn spellings(&self) -> Vec<Secret> {
        let digits = self.digits();
        let (country, national) = self.parts();
        let mut spellings = vec![format!("+{digits}"), digits.to_owned()];
        match north_american(country, national) {
            Some((area, exchange, line)) => spellings.extend([
                national.to_owned(),
                format!("{area}-{exchange}-{line}"),
                format!("({area}) {exchange}-{line}"),
                format!("+1 {area}-{exchange}-{line}"),
                format!("+1 ({area}) {exchange}-{line}"),
                format!("1-{area}-{exchange}-{line}"),
                format!("+1-{area}-{exchange}-{line}"),
                format!("{area}.{exchange}.{line}"),
                format!("{area} {exchange} {line}"),
                format!("+1 {area} {exchange} {line}"),
            ]),
            None => spellings.extend([format!("00{digits}"), format!("+{country} {national}")]),
        }
        if country != "1" && national.len() >= MIN_NATIONAL {
            // Spreadsheets drop a leading zero.
            spellings.extend([format!("0{national}"), national.to_owned()]);
        }
        spellings.into_iter().map(Secret::new).collect()
    }

    /// Whether a text is this number, by its digits.
    #[must_use]
    pub fn compare(&self, text: &str) -> PhoneMatch {
        let Some(written) = Written::parse(text) else { return PhoneMatch::Other };
        let (_, national) = self.parts();
        let (wanted, digits) = (self.digits(), written.digits.as_str());
        // 011 is dialled in North America.
        if (written.is_international && digits == wanted) || digits.strip_prefix("011") == Some(wanted) {
            return PhoneMatch::Same;
        }
        let is_national = digits == national || digits.strip_prefix('0') == Some(national);
        let is_unmarked = !written.is_international && digits.len() >= MIN_NATIONAL;
        if is_unmarked && (is_national || digits == wanted) { PhoneMatch::WithoutCountry } else { PhoneMatch::Other }
    }

    fn digits(&self) -> &str {
        self.text.reveal().strip_prefix('+').unwrap_or_default()
    }

    /// The country code and the national number.
    fn parts(&self) -> (&str, &str) {
        let digits = self.digits();
        digits.split_at_checked(country_code_length(digits)).unwrap_or((digits, ""))
    }
}

/// The digits of a telephone number that is written as free text.
struct Written {
    digits: String,
    /// Whether it begins with `+` or `00`, which are not part of the digits.
    is_international: bool,
}

impl Written {
    /// `None` if the text has none, or digits after a letter or another mark of an extension.
    fn parse(text: &str) -> Option<Self> {
        let has_plus = text.find('+').is_some_and(|plus| text.find(|c: char| c.is_ascii_digit()) > Some(plus));
        // `+49 (0)30 …` means +49 30.
        let text = if has_plus { text.replacen("(0)", "", 1) } else { text.to_owned() };
        let (mut digits, mut is_over) = (String::new(), false);
        for character in text.chars() {
            match character {
                '0'..='9' if is_over => return None,
                '0'..='9' => digits.push(character),
                '#' | ';' | ',' | '*' => is_over = true,
                _ if character.is_alphanumeric() => is_over |= !digits.is_empty(),
                _ => {}
            }
        }
        let without_prefix = digits.strip_prefix("00").filter(|_| !has_plus).map(str::to_owned);
        let is_international = has_plus || without_prefix.is_some();
        let digits = without_prefix.unwrap_or(digits);
        (!digits.is_empty()).then_some(Self { digits, is_international })
    }
}

/// The area code, the exchange code and the line number of a number of the North American Numbering Plan.
fn north_american<'n>(country: &str, national: &'n str) -> Option<(&'n str, &'n str, &'n str)> {
    let (area, rest) = national.split_at_checked(3).filter(|_| country == "1" && national.len() == 10)?;
    let (exchange, line) = rest.split_at_checked(3)?;
    Some((area, exchange, line))
}

/// How many digits the country code of an international number has (ITU-T E.164, annex). The codes are prefix-free, so that this needs no
/// guess.
fn country_code_length(digits: &str) -> usize {
    let leading = digits.get(..2).and_then(|two| two.parse::<u8>().ok()).unwrap_or_default();
    match leading {
        10..=19 | 70..=79 => 1,
        20 | 27 | 30..=34 | 36 | 39 | 40 | 41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap_or_else(|reason| panic!("{text} {reason}"))
    }

    #[test]
    fn requests_give_numbers_in_e164_format() {
        for text in [" +15550100 ", "+4930123456"] {
            assert!(PhoneNumber::parse(text).is_ok(), "{text}");
        }
        for text in [
            "555 0100",
            "+1",
            "+1555010a",
            "+1234567890123456",
            "15550100",
            "004930123456",
            "+004930123456",
            "+49 30 123456",
            "+49 (0)30 123456",
            "tel:+15550100",
            "+15550100 ext. 7",
            "+15550100; +15550101",
            "\u{FF0B}\u{FF11}\u{FF15}\u{FF15}",
            "+1555\u{661}100",
        ] {
            let refused = PhoneNumber::parse(text).expect_err(text);
            assert!(refused.starts_with("is not a telephone number in E.164 format: "), "{refused}");
            assert!(!refused.contains("555"), "{refused}");
        }
    }

    #[test]
    fn numbers_with_a_country_code_are_the_same_however_they_are_written() {
        let phone = number("+4930123456");
        for text in [
            "+4930123456",
            " +49 30 12 34 56",
            "+49 (0)30 123456",
            "+49(30)/123-456",
            "0049 30 123456",
            "011 49 30 123456",
            "Tel. +49 30 123456",
            "+49\u{A0}30\u{2011}123456 (mobile)",
        ] {
            assert_eq!(phone.compare(text), PhoneMatch::Same, "{text}");
        }
    }

    #[test]
    fn a_number_without_country_code_is_the_same_in_one_country_only() {
        for (phone, text) in [
            ("+11111111111", "111-111-1111"),
            ("+11111111111", "(111) 111 1111"),
            ("+11111111111", "1-111-111-1111"),
            ("+4930123456", "030 123456"),
            ("+4930123456", "030/12 34 56"),
            ("+4930123456", "30123456"),
            ("+390612345678", "06 12345678"),
            ("+447700900123", "07700 900123"),
            // Ten digits: also a number of North America.
            ("+4930123456", "4930123456"),
            // The national number has six digits.
            ("+376312345", "376312345"),
        ] {
            assert_eq!(number(phone).compare(text), PhoneMatch::WithoutCountry, "{phone} {text}");
        }
    }

    #[test]
    fn other_numbers_are_not_matched() {
        for (phone, text) in [
            ("+11111111111", "+44 111 111 1111"),
            ("+11111111111", "0044 111 111 1111"),
            ("+11111111111", "2-111-111-1111"),
            ("+11111111111", "111-1111"),
            ("+11111111111", "+111111111"),
            ("+4930123456", "+43 30 123456"),
            ("+4930123456", "123456"),
            ("+4930123456", "+49 30 123456 ext. 7"),
            ("+4930123456", "+49 30 123456x7"),
            ("+4930123456", "+49 30 123456;ext=7"),
            ("+4930123456", "+49 30 123456 / +49 30 123457"),
            ("+4930123456", ""),
            ("+4930123456", "unknown"),
            ("+12", "2"),
        ] {
            assert_eq!(number(phone).compare(text), PhoneMatch::Other, "{phone} {text}");
        }
    }

    #[test]
    fn a_number_is_searched_for_in_the_ways_it_is_commonly_written() {
        for (phone, written) in [
            ("+11111111111", ["+11111111111", "1111111111", "111-111-1111", "(111) 111-1111", "+1 111 111 1111"]),
            ("+4930123456", ["+4930123456", "4930123456", "004930123456", "030123456", "30123456"]),
        ] {
            let spellings = number(phone).spellings();
            for text in written {
                assert!(spellings.contains(&Secret::new(text)), "{phone} {text}");
            }
            assert_eq!(spellings[0].reveal(), phone);
            for spelling in &spellings {
                assert_ne!(number(phone).compare(spelling.reveal()), PhoneMatch::Other, "{}", spelling.reveal());
            }
        }
    }

    #[test]
    fn only_a_number_that_states_its_country_is_read_from_text() {
        for (text, found) in [
            ("+1 (555) 010-0123", Some("+15550100123")),
            ("0049 30 123456", Some("+4930123456")),
            ("+49 (0)30 123456", Some("+4930123456")),
            ("111-111-1111", None),
            ("030 123456", None),
            ("+1 555 010 0123 x45", None),
            ("+", None),
            ("unknown", None),
        ] {
            let found = found.map(number);
            assert_eq!(PhoneNumber::in_text(text), found, "{text}");
        }
    }
}
