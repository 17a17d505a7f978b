//! Lists of addresses in erasure jobs. Their form is unconfirmed (fact sheet 6.2): entries may be masked, hashed or objects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::privacy::email::EmailAddress;
use crate::secret::Secret;

/// A list of addresses in a job: `emailList` or `emailsNotFound`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Addresses {
    /// The addresses that can be read, by their keys ([`EmailAddress::key`]), with the entries that are spellings of them.
    pub readable: BTreeMap<Secret, Vec<Secret>>,
    /// The entries as they are written.
    pub texts: BTreeSet<Secret>,
    /// How many entries the list has. An address has one for each spelling that was sent.
    pub entries: u64,
    /// Whether the list has no other entries, and none that may be masked or hashed: such entries do not tell whom they are about.
    pub all_readable: bool,
}

/// More addresses than any job of this connector covers. The rest of a longer list is not read.
const MAX_ADDRESSES: usize = 1_000;

impl Addresses {
    /// The addresses of a list, or of a text that holds several. `None` if there is no entry.
    #[must_use]
    pub fn parse(value: &Value) -> Option<Self> {
        let entries: Vec<Option<&str>> = match value {
            Value::Array(list) => list.iter().take(MAX_ADDRESSES).map(Value::as_str).collect(),
            Value::String(text) => text.split([',', ';']).take(MAX_ADDRESSES).map(Some).collect(),
            _ => return None,
        };
        let may_be_longer = entries.len() >= MAX_ADDRESSES;
        let is_blank = |entry: &Option<&str>| entry.is_some_and(|text| text.trim().is_empty());
        let entries: Vec<Option<&str>> = entries.into_iter().filter(|entry| !is_blank(entry)).collect();
        if entries.is_empty() {
            return None;
        }
        let all_plain = !may_be_longer && entries.iter().all(|entry| entry.is_some_and(|text| !may_be_masked(text)));
        let mut readable: BTreeMap<Secret, Vec<Secret>> = BTreeMap::new();
        let mut all_readable = all_plain;
        for entry in &entries {
            match entry.and_then(|text| Some((key(text)?, Secret::new(text.trim())))) {
                Some((key, text)) => readable.entry(key).or_default().push(text),
                None => all_readable = false,
            }
        }
        Some(Self {
            readable,
            entries: u64::try_from(entries.len()).unwrap_or(u64::MAX),
            texts: entries.into_iter().flatten().map(|text| Secret::new(text.trim())).collect(),
            all_readable,
        })
    }

    /// Whether no entry occurs twice.
    #[must_use]
    pub fn is_distinct(&self) -> bool {
        u64::try_from(self.texts.len()) == Ok(self.entries)
    }

    /// The list without an entry.
    #[must_use]
    pub const fn none() -> Self {
        Self { readable: BTreeMap::new(), texts: BTreeSet::new(), entries: 0, all_readable: true }
    }

    /// Whether an entry is a spelling of an address.
    #[must_use]
    pub fn contains(&self, email: &EmailAddress) -> bool {
        self.readable.contains_key(email.key())
    }

    /// The entries that are spellings of an address.
    pub fn spellings_of(&self, email: &EmailAddress) -> impl Iterator<Item = &Secret> {
        self.readable.get(email.key()).into_iter().flatten()
    }
}

/// The key of an address. `None` for other text, and for an address with the usual mask (`a***@x.org`).
fn key(text: &str) -> Option<Secret> {
    let address = EmailAddress::parse(text).ok().filter(|_| !text.contains('*'))?;
    Some(address.key().clone())
}

/// Words that stand for an address that is not shown.
const PLACEHOLDERS: [&str; 7] = ["redacted", "masked", "hidden", "anonym", "removed", "deleted", "erased"];

/// Runs of characters that look like a mask.
const MASKS: [&str; 4] = ["xxx", "___", "---", "+++"];

/// How many hexadecimal digits look like a hash: those of MD5 and of longer ones.
const HASH_LENGTH: usize = 32;

/// Whether an entry may be masked or hashed although it has the form of an address: `axxx@x.org`, `a##@x.org`, `redacted@x.org`, the
/// hash of a name. An address that only looks so is still recognised by comparison.
fn may_be_masked(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let local = text.split('@').next().unwrap_or_default();
    let is_run = |label: &str| MASKS.iter().any(|mask| label.starts_with(mask) && label.ends_with(mask));
    let domain = text.split_once('@').map_or("", |(_, domain)| domain);
    let has_run = MASKS.iter().any(|mask| local.contains(mask)) || domain.split('.').any(is_run);
    let has_mask = local
        .chars()
        .any(|character| matches!(character, '*' | '#' | '?' | '\u{B7}' | '\u{D7}' | '\u{2000}'..='\u{2BFF}'));
    let is_hash = local.len() >= HASH_LENGTH && local.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    has_run || has_mask || is_hash || PLACEHOLDERS.iter().any(|word| local.contains(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: Value) -> Option<Addresses> {
        Addresses::parse(&value)
    }

    #[test]
    fn masked_and_hashed_addresses_are_not_readable() {
        for entry in [json!("a***@x.org"), json!("5d41402abc4b2a76b9719d911017c592"), json!(7), json!(null)] {
            let addresses = parse(json!(["b@x.org", entry])).expect("addresses");
            assert!(!addresses.all_readable, "{entry}");
            assert_eq!(addresses.readable.len(), 1);
        }
    }

    #[test]
    fn entries_that_may_be_masked_have_the_form_of_an_address_and_are_recognised_by_comparison_only() {
        for entry in [
            "axxx@x.org",
            "a###@x.org",
            "A____@x.org",
            "a\u{2022}\u{2022}@x.org",
            "ada@xxxxx.org",
            "a---@x.org",
            "a\u{D7}\u{D7}\u{D7}@x.org",
            "user-deleted@x.org",
            "redacted@x.org",
            "5d41402abc4b2a76b9719d911017c592@x.org",
        ] {
            let addresses = parse(json!([entry])).expect("addresses");
            assert!(!addresses.all_readable, "{entry}");
        }
        let addresses = parse(json!(["xxx@x.org"])).expect("addresses");
        assert!(addresses.readable.contains_key(&Secret::new("xxx@x.org")));
        for entry in ["ada.lovelace@example.org", "max@xx.example", "a__b-c.d@xn--mnchen-3ya.example", "deadbeef@x.org"]
        {
            let addresses = parse(json!([entry])).expect("addresses");
            assert!(addresses.all_readable, "{entry}");
        }
    }

    #[test]
    fn a_list_of_addresses_that_is_not_understood_is_not_empty() {
        for value in [json!({"ada@x.org": true}), json!(7), json!(true)] {
            assert_eq!(parse(value.clone()), None, "{value}");
        }
        let objects = parse(json!([{"email": "ada@x.org"}])).expect("addresses");
        assert!(objects.readable.is_empty() && !objects.all_readable);
        let long: Vec<String> = (0..=MAX_ADDRESSES).map(|n| format!("p{n}@x.org")).collect();
        assert!(!parse(json!(long)).expect("addresses").all_readable);
    }
}
