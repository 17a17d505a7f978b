//! The set-up form of a connection: values parsed from settings, with all problems reported together.

use std::ops::RangeInclusive;

use super::characters;
use super::report::join_messages;
use crate::contract::{Error, ErrorKind, Problem, Remedy, Right, Setting, SettingField, SettingKind};

/// A field of the form, as static data.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The setting's key. A published key stays accepted.
    pub key: &'static str,
    /// A short name for the form.
    pub label: &'static str,
    /// What it means and where to find it.
    pub help: &'static str,
    /// The type of its value.
    pub kind: FieldKind,
}

/// The type of a field's value.
#[derive(Clone, Copy, Debug)]
pub enum FieldKind {
    /// Required text.
    Text,
    /// A required secret.
    Secret,
    /// A scheme, host and port. Optional, without a default.
    Origin,
    /// One of several values, each with its label. The first is the default.
    Choice(&'static [(&'static str, &'static str)]),
    /// A whole number. Optional, without a default.
    OptionalNumber,
    /// A whole number.
    Number {
        /// The value if the setting is absent.
        default: &'static str,
    },
}

impl Field {
    /// As the contract describes it.
    #[must_use]
    pub fn to_contract(&self) -> SettingField {
        let (kind, default, choices): (_, Option<&str>, &[(&str, &str)]) = match self.kind {
            FieldKind::Text => (SettingKind::Text, None, &[]),
            FieldKind::Secret => (SettingKind::Secret, None, &[]),
            FieldKind::Origin => (SettingKind::Origin, None, &[]),
            FieldKind::Choice(choices) => (SettingKind::Choice, choices.first().map(|(value, _)| *value), choices),
            FieldKind::OptionalNumber => (SettingKind::Number, None, &[]),
            FieldKind::Number { default } => (SettingKind::Number, Some(default), &[]),
        };
        SettingField {
            key: self.key.to_owned(),
            label: self.label.to_owned(),
            help: self.help.to_owned(),
            kind,
            required: matches!(self.kind, FieldKind::Text | FieldKind::Secret),
            default: default.map(str::to_owned),
            choices: choices.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect(),
        }
    }
}

/// Settings that are being parsed, and every problem found so far. No value is repeated in a problem.
pub struct Form<'s> {
    given: &'s [Setting],
    /// The rights that every settings problem affects.
    rights: &'static [Right],
    problems: Vec<Problem>,
}

impl<'s> Form<'s> {
    /// Begins to parse. Unknown keys, keys that are given twice and values with invisible characters are problems.
    #[must_use]
    pub fn new(given: &'s [Setting], fields: &[Field], rights: &'static [Right]) -> Self {
        let mut form = Self { given, rights, problems: Vec::new() };
        for (index, setting) in given.iter().enumerate() {
            let key = setting.key.as_str();
            if !fields.iter().any(|field| field.key == key) {
                // The key may be a secret that was entered in the wrong place: only what looks like a key is repeated.
                let is_key = key.len() <= 40 && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
                form.problem(
                    if is_key { key } else { "" },
                    "There is a setting that this connector does not have: remove it.",
                );
                continue;
            }
            if given.iter().take(index).any(|earlier| earlier.key == key) {
                form.problem(key, &format!("{key} is given twice: keep one value."));
            }
            if let Some(reason) = characters::refusal_of(setting.value.trim()) {
                form.problem(key, &format!("{key} {reason}."));
            }
        }
        form
    }

    /// The value of an optional setting. Forms send an empty value for one that is not set.
    #[must_use]
    pub fn optional(&self, key: &str) -> Option<&'s str> {
        let setting = self.given.iter().find(|setting| setting.key == key)?;
        Some(setting.value.trim()).filter(|value| !value.is_empty())
    }

    /// The value of a required setting, parsed. `parse` returns the reason for which it is refused, as a predicate without subject.
    pub fn required<V>(&mut self, key: &str, parse: impl FnOnce(&'s str) -> Result<V, String>) -> Option<V> {
        let reason = match self.optional(key).map(parse) {
            Some(Ok(value)) => return Some(value),
            Some(Err(reason)) => reason,
            None => "is missing".to_owned(),
        };
        // A value with an invisible character has a problem already.
        if !self.problems.iter().any(|problem| problem.target == key) {
            self.problem(key, &format!("{key} {reason}."));
        }
        None
    }

    /// The value of an optional setting, parsed; `Some(None)` if it is not set.
    pub fn parse<V>(&mut self, key: &str, rule: &str, parse: impl FnOnce(&'s str) -> Option<V>) -> Option<Option<V>> {
        match self.optional(key) {
            Some(text) => self.parsed(parse(text), key, rule).map(Some),
            None => Some(None),
        }
    }

    /// A whole number within a range, or the default.
    pub fn number(&mut self, key: &str, rule: &str, default: u64, range: RangeInclusive<u64>) -> Option<u64> {
        self.optional_number(key, rule, range).map(|number| number.unwrap_or(default))
    }

    /// A whole number within a range; `Some(None)` if it is not set.
    pub fn optional_number(&mut self, key: &str, rule: &str, range: RangeInclusive<u64>) -> Option<Option<u64>> {
        self.parse(key, rule, |text| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|number| is_plain && range.contains(number))
        })
    }

    /// Ends the parsing. `value` is what was parsed, unless a part of it is missing.
    ///
    /// # Errors
    /// `invalid-settings`, if there is any problem or no value.
    pub fn finish<V>(self, value: Option<V>) -> Result<V, Error> {
        if let Some(value) = value.filter(|_| self.problems.is_empty()) {
            return Ok(value);
        }
        let message = join_messages("The settings of the connection are invalid", &self.problems);
        Err(Error { problems: self.problems, ..Error::new(ErrorKind::InvalidSettings, Remedy::Operator, message) })
    }

    fn parsed<V>(&mut self, value: Option<V>, key: &str, rule: &str) -> Option<V> {
        if value.is_none() {
            self.problem(key, &format!("{key} must be {rule}."));
        }
        value
    }

    fn problem(&mut self, key: &str, message: &str) {
        self.problems.push(Problem::new("setting", key, self.rights, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [Field; 2] = [
        Field { key: "name", label: "Name", help: "", kind: FieldKind::Text },
        Field { key: "count", label: "Count", help: "", kind: FieldKind::Number { default: "3" } },
    ];

    fn given(pairs: &[(&str, &str)]) -> Vec<Setting> {
        pairs.iter().map(|(key, value)| Setting { key: (*key).to_owned(), value: (*value).to_owned() }).collect()
    }

    fn problems(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let given = given(pairs);
        let mut form = Form::new(&given, &FIELDS, &[Right::Access]);
        let name = form.required("name", |text| if text == "bad" { Err("must be a name".into()) } else { Ok(text) });
        let count = form.number("count", "a number from 1 to 5", 3, 1..=5);
        let problems = form.finish(name.zip(count)).err().map(|error| error.problems).unwrap_or_default();
        problems.into_iter().map(|problem| (problem.target, problem.message)).collect()
    }

    #[test]
    fn every_problem_is_reported_at_once_and_no_value_is_repeated() {
        let found = problems(&[("name", "bad"), ("count", "s3cret"), ("no-such", "s3cret"), ("S3cret!", "x\u{200B}y")]);
        let targets: Vec<&str> = found.iter().map(|(target, _)| target.as_str()).collect();
        assert_eq!(targets, ["no-such", "", "name", "count"]);
        assert!(found.iter().all(|(_, message)| !message.to_lowercase().contains("s3cret")));
    }

    #[test]
    fn duplicate_missing_and_invisible_are_problems() {
        assert_eq!(problems(&[("name", "a"), ("name", "a")]).len(), 1);
        assert_eq!(problems(&[("name", " ")]).len(), 1);
        let found = problems(&[("name", "a\u{200B}b")]);
        assert!(found.iter().any(|(_, message)| message.contains("U+200B")), "{found:?}");
    }

    #[test]
    fn numbers_are_plain_digits_within_their_range() {
        for good in ["1", " 5 ", ""] {
            assert!(problems(&[("name", "a"), ("count", good)]).is_empty(), "{good}");
        }
        for bad in ["0", "6", "+1", "1.0", "99999999999999999999"] {
            assert_eq!(problems(&[("name", "a"), ("count", bad)]).len(), 1, "{bad}");
        }
    }
}
