//! E-mail addresses: which texts are one, which spellings are the same address, and which spellings a vendor is searched for.
//!
//! | part | the same address | sent to the vendor |
//! |---|---|---|
//! | case | ignored | lower case, and as given |
//! | accents | composed and decomposed (NFC, NFD) | both |
//! | international domain | `münchen.example` and `xn--mnchen-3ya.example` | both |
//! | dots, `+tag` | not the same | |
//!
//! Quoted local parts (`"ada l"@example.org`) and IP addresses in place of a domain (`ada@[192.0.2.1]`) are addresses of RFC 5321, but
//! refused: in exports of spreadsheets they are mistakes.

use icu_normalizer::{ComposingNormalizerBorrowed as Nfc, DecomposingNormalizerBorrowed as Nfd};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::characters::{is_full_width, is_punctuation, is_word_character};
use super::identifier::plain_text;
use crate::secret::Secret;

/// The longest local part and the longest domain, in bytes (RFC 5321, section 4.5.3.1; the domain as DNS allows it in text).
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 253;

/// The most spellings of one address, as [`EmailAddress::parse`] makes them.
pub const MAX_SPELLINGS: usize = 7;

/// The version of the rule by which [`EmailAddress::parse`] makes spellings. It changes whenever an address gets other spellings than
/// before, because a job of an earlier version was started for those.
pub const SPELLING_RULE: u8 = 1;

/// An e-mail address. Two are equal, and sorted alike, if they are the same address in any spelling.
#[derive(Clone, Debug)]
pub struct EmailAddress {
    /// In lower case, composed, with the domain in ASCII.
    key: Secret,
    /// As it was given, without surrounding whitespace.
    given: Secret,
    /// Each once, the one in lower case first.
    spellings: Vec<Secret>,
}

impl EmailAddress {
    /// Parses an address. Surrounding whitespace is ignored.
    ///
    /// # Errors
    /// A predicate without subject (`is empty`). It does not contain the address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let given = plain_text(text)?;
        let lower = compose(&given.to_lowercase());
        let (local, domain) = split(&lower)?;
        check_local(local)?;
        let domain = Domain::parse(domain)?;
        let key = format!("{local}@{}", domain.ascii);
        let mut spellings = vec![format!("{local}@{}", domain.unicode), key.clone(), decompose(&lower)];
        let composed = compose(given);
        if let Some((local, _)) = composed.rsplit_once('@').filter(|_| domain.ascii != domain.unicode) {
            spellings.extend([&domain.unicode, &domain.ascii].map(|domain| format!("{local}@{domain}")));
        }
        spellings.extend([composed, given.to_owned()]);
        let mut address = Self { key: Secret::new(key), given: Secret::new(given), spellings: Vec::new() };
        spellings.into_iter().for_each(|spelling| address.add_spelling(Secret::new(spelling)));
        Ok(address)
    }

    /// What is equal for all spellings of the address.
    #[must_use]
    pub const fn key(&self) -> &Secret {
        &self.key
    }

    /// The address as it was given, without surrounding whitespace.
    #[must_use]
    pub const fn given(&self) -> &Secret {
        &self.given
    }

    /// The spellings that a vendor is searched for, each once.
    #[must_use]
    pub fn spellings(&self) -> &[Secret] {
        &self.spellings
    }

    /// Adds the spellings of the same address from another place of the request.
    pub fn add_spellings(&mut self, other: Self) {
        other.spellings.into_iter().for_each(|spelling| self.add_spelling(spelling));
    }

    fn add_spelling(&mut self, spelling: Secret) {
        if !self.spellings.contains(&spelling) {
            self.spellings.push(spelling);
        }
    }
}

/// Every spelling of these addresses.
#[must_use]
pub fn all_spellings(emails: &[EmailAddress]) -> Vec<Secret> {
    emails.iter().flat_map(EmailAddress::spellings).cloned().collect()
}

/// The key of a name that may be an address: that of the address, or the name in lower case and composed.
#[must_use]
pub fn comparison_key(name: &str) -> Secret {
    let as_written = || Secret::new(compose(&name.trim().to_lowercase()));
    EmailAddress::parse(name).map_or_else(|_| as_written(), |address| address.key)
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for EmailAddress {}

impl PartialOrd for EmailAddress {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EmailAddress {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

/// A domain in both spellings. They are the same for a domain in ASCII.
struct Domain {
    ascii: String,
    unicode: String,
}

impl Domain {
    fn parse(domain: &str) -> Result<Self, String> {
        check_domain(domain)?;
        let uts46 = Uts46::new();
        let ascii = uts46.to_ascii(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::CheckFirstLast, DnsLength::Verify);
        let ascii = ascii.map_err(|_| "has a domain that cannot exist: check its spelling")?.into_owned();
        let (unicode, result) = uts46.to_unicode(ascii.as_bytes(), AsciiDenyList::EMPTY, Hyphens::CheckFirstLast);
        let unicode = if result.is_ok() { unicode.into_owned() } else { ascii.clone() };
        Ok(Self { ascii, unicode })
    }
}

fn compose(text: &str) -> String {
    Nfc::new_nfc().normalize(text).into_owned()
}

fn decompose(text: &str) -> String {
    Nfd::new_nfd().normalize(text).into_owned()
}

/// The local part and the domain.
fn split(text: &str) -> Result<(&str, &str), String> {
    if text.starts_with("mailto:") {
        return Err("begins with mailto: and is not an e-mail address: give the address alone".into());
    }
    match text.matches('@').count() {
        0 => Err(foreign_character(text).unwrap_or_else(|| "is not an e-mail address: it has no @".into())),
        1 => text.split_once('@').ok_or_else(|| "is not an e-mail address".into()),
        _ if text.contains([',', ';', ' ', '/', '|', '<']) => {
            Err("is not an e-mail address, but several: give each as an identifier of its own".into())
        }
        _ => Err("is not an e-mail address: it has more than one @".into()),
    }
}

/// A dot-atom of RFC 5322, with the characters beyond ASCII that RFC 6531 adds.
fn check_local(local: &str) -> Result<(), String> {
    if let Some(reason) = foreign_character(local) {
        return Err(reason);
    }
    // RFC 5322 allows it, but it is how a spreadsheet marks a text.
    if local.starts_with(['\'', '`']) {
        return Err("is not an e-mail address: it begins with a quotation mark".into());
    }
    if local.is_empty() {
        return Err("is not an e-mail address: nothing precedes @".into());
    }
    if local.split('.').any(str::is_empty) {
        return Err("is not an e-mail address: a dot begins or ends the part before @, or follows another".into());
    }
    if local.len() > MAX_LOCAL {
        return Err("is not an e-mail address: the part before @ is longer than 64 bytes".into());
    }
    Ok(())
}

/// Labels of letters, digits, hyphens, and underscores, which some mail domains have although RFC 5321 excludes them.
fn check_domain(domain: &str) -> Result<(), String> {
    let problem = |what: &str| Err(format!("is not an e-mail address: {what}"));
    if domain.starts_with('[') {
        return problem("it has an IP address in place of a domain");
    }
    // The last four are punctuation that names of some languages contain (RFC 5892, appendix A).
    let is_allowed = |c: char| {
        c.is_ascii_alphanumeric()
            || "-_.".contains(c)
            || (!c.is_ascii() && is_word_character(c))
            || matches!(c, '\u{B7}' | '\u{30FB}' | '\u{5F3}' | '\u{5F4}')
    };
    if let Some(character) = domain.chars().find(|c| !is_allowed(*c) || is_full_width(*c)) {
        return Err(foreign_character(domain).unwrap_or_else(|| not_in_address(character)));
    }
    if domain.len() > MAX_DOMAIN {
        return problem("its domain is longer than 253 bytes");
    }
    for label in domain.split('.') {
        if label.is_empty() {
            return problem("its domain is empty, or a dot begins or ends it or follows another");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return problem("a part of its domain begins or ends with a hyphen");
        }
        if label.len() > 63 && label.is_ascii() {
            return problem("a part of its domain is longer than 63 bytes");
        }
    }
    let last = domain.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return problem("its domain ends with a number");
    }
    Ok(())
}

/// The reason to refuse the first character that no local part contains.
fn foreign_character(text: &str) -> Option<String> {
    let is_allowed = |c: char| match c {
        '@' | '.' => true,
        _ if c.is_ascii() => c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c),
        _ => !is_punctuation(c) && !is_full_width(c),
    };
    text.chars().find(|c| !is_allowed(*c)).map(not_in_address)
}

fn not_in_address(character: char) -> String {
    let code = u32::from(character);
    let what = match character {
        ' ' => "a blank".to_owned(),
        '"' | '\'' | '`' => "a quotation mark".to_owned(),
        '<' | '>' => "an angle bracket".to_owned(),
        _ if character.is_ascii() => format!("the character {character}"),
        _ if is_full_width(character) => format!("the full-width character U+{code:04X}"),
        _ => format!("the typographic character U+{code:04X}"),
    };
    format!("is not an e-mail address: it contains {what}. Give the address alone")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap_or_else(|reason| panic!("{text:?} {reason}"))
    }

    fn spellings(text: &str) -> Vec<String> {
        parse(text).spellings().iter().map(|spelling| spelling.reveal().to_owned()).collect()
    }

    #[test]
    fn texts_that_are_no_address_are_refused_with_the_reason() {
        let long = |count| "a".repeat(count);
        for (text, reason) in [
            ("ada", "no @"),
            ("@example.org", "nothing precedes @"),
            ("ada@", "domain is empty"),
            ("a@b@example.org", "more than one @"),
            ("a@x.org; b@y.org", "several"),
            ("a@x.org,b@y.org", "several"),
            ("a@x.org / b@y.org", "several"),
            ("Ada <a@x.org>, Bob <b@y.org>", "several"),
            ("mailto:ada@example.org", "mailto:"),
            ("MAILTO:ada@example.org", "mailto:"),
            ("'ada@example.org'", "quotation mark"),
            ("'ada@example.org", "quotation mark"),
            ("\"ada@example.org\"", "quotation mark"),
            ("\"ada l\"@example.org", "quotation mark"),
            ("\u{201C}ada@example.org\u{201D}", "U+201C"),
            ("\u{2018}ada@example.org\u{2019}", "U+2018"),
            ("ada@example.org\u{2019}", "U+2019"),
            ("\u{AB}ada@example.org\u{BB}", "U+00AB"),
            ("<ada@example.org>", "angle bracket"),
            ("Ada <ada@example.org>", "a blank"),
            ("ada@example.org (home)", "a blank"),
            ("ada@example.org,", "the character ,"),
            ("ada@example.org;", "the character ;"),
            ("ada@example.org.", "a dot"),
            ("ada@.example.org", "a dot"),
            ("ada@example..org", "a dot"),
            ("ada..l@example.org", "a dot"),
            (".ada@example.org", "a dot"),
            ("ada.@example.org", "a dot"),
            ("ada @example.org", "a blank"),
            ("ada@exa mple.org", "a blank"),
            ("ada\u{FF20}example.org", "U+FF20"),
            ("ada@example\u{FF0E}org", "U+FF0E"),
            ("ada@example\u{3002}org", "U+3002"),
            ("\u{FF41}da@example.org", "U+FF41"),
            ("ada@\u{FF45}xample.org", "U+FF45"),
            ("ada@-example.org", "hyphen"),
            ("ada@example-.org", "hyphen"),
            ("ada@example.org-", "hyphen"),
            ("ada@[192.0.2.1]", "IP address"),
            ("ada@192.0.2.1", "ends with a number"),
            ("ada@exa%mple.org", "the character %"),
            ("ada@exa\u{2764}mple.org", "U+2764"),
            ("ada@xn--\u{FC}.example", "cannot exist"),
            (&format!("{}@example.org", long(65)), "64 bytes"),
            (&format!("ada@{}.org", long(64)), "63 bytes"),
            (&format!("ada@{}org", "label.".repeat(42)), "253 bytes"),
        ] {
            let refused = EmailAddress::parse(text).expect_err(text);
            assert!(refused.contains(reason), "{text}: {refused}");
            assert!(!refused.contains("ada") && !refused.contains("example"), "{refused}");
        }
    }

    #[test]
    fn every_address_that_can_exist_is_accepted() {
        for text in [
            "o'neil+x@example.org",
            "ada@localhost",
            "ada@münchen.example",
            "用户@例え.jp",
            "ada@col·legi.cat",
            "ada@ジョン・スミス.jp",
            "a_b@ex_ample.org",
            "!#$%&*+-/=?^_`{|}~@example.org",
            "ada@r3---sn.example",
            "ada@xn--mnchen-3ya.example",
            &format!("{}@{}.example.org", "a".repeat(64), "b".repeat(63)),
        ] {
            assert!(EmailAddress::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn an_address_in_ascii_is_sent_in_lower_case_and_as_given() {
        assert_eq!(spellings("ada@victim.example"), ["ada@victim.example"]);
        assert_eq!(spellings(" Ada@Victim.example\t"), ["ada@victim.example", "Ada@Victim.example"]);
    }

    #[test]
    fn an_international_domain_is_sent_in_both_spellings_whichever_is_given() {
        for given in ["ada@münchen.example", "ada@xn--mnchen-3ya.example", "ada@mu\u{308}nchen.example"] {
            let sent = spellings(given);
            for wanted in ["ada@münchen.example", "ada@xn--mnchen-3ya.example"] {
                assert!(sent.iter().any(|spelling| spelling == wanted), "{given}: {sent:?}");
            }
        }
        assert_eq!(parse("ada@MÜNCHEN.example"), parse("ADA@XN--MNCHEN-3YA.example"));
    }

    #[test]
    fn accents_are_sent_composed_and_decomposed_whichever_is_given() {
        let (composed, decomposed) = ("zo\u{E9}@example.org", "zoe\u{301}@example.org");
        assert_eq!(spellings(composed), [composed, decomposed]);
        assert_eq!(spellings(decomposed), [composed, decomposed]);
        assert_eq!(parse(composed), parse(decomposed));
    }

    #[test]
    fn an_address_has_no_more_spellings_than_a_job_allows() {
        assert_eq!(spellings("Ze\u{301}\u{EB}@MU\u{308}nchen.example").len(), MAX_SPELLINGS);
        let mut address = parse("Ada@example.org");
        address.add_spellings(parse("ADA@example.org"));
        assert_eq!(address.spellings().len(), 3);
    }

    #[test]
    fn dots_and_tags_make_another_address() {
        for other in ["a.da@example.org", "ada+x@example.org", "ada@example.com", "straße@example.org"] {
            assert_ne!(parse("ada@example.org"), parse(other), "{other}");
        }
        assert_ne!(parse("straße@example.org"), parse("strasse@example.org"));
    }
}
