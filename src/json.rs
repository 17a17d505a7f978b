//! JSON, as the connector reads and writes it.
//!
//! serde_json finds the values and escapes the text. The tree is this module's own: its objects are short lists and its
//! numbers stay as they were written, which takes a fraction of the code of a tree that can hold and print everything.

use core::fmt;
use core::mem;

use serde_core::de::{Error, MapAccess, SeqAccess, Visitor};
use serde_core::{Deserialize, Deserializer};

use crate::digits;
use crate::order;
use crate::prelude::*;

/// A value.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Json {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Object),
}

/// The members of an object, in the order in which they came. Of several of one name, the last counts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Object(Vec<(String, Json)>);

/// What serde_json calls the one member of the object in which it hands over a number that fits into no integer, as it was
/// written.
const NUMBER: &str = "$serde_json::private::Number";

impl Json {
    /// Reads a whole text. None if it is not JSON, or nests deeper than serde_json goes.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_str(str::from_utf8(text).ok()?).ok()
    }

    /// A list of texts.
    #[must_use]
    pub fn texts<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        Self::List(texts.map(Self::from).collect())
    }

    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Null => to.extend_from_slice(b"null"),
            Self::Bool(false) => to.extend_from_slice(b"false"),
            Self::Bool(true) => to.extend_from_slice(b"true"),
            Self::Number(number) => to.extend_from_slice(number.as_bytes()),
            Self::Text(text) => write_text(text, to),
            Self::List(values) => {
                to.push(b'[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        to.push(b',');
                    }
                    value.write(to);
                }
                to.push(b']');
            }
            Self::Object(object) => object.write(to),
        }
    }

    /// The member of this name, if this is an object that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// The text, if this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if this is a whole one that is not negative.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(number) => digits::number(number.as_bytes()),
            _ => None,
        }
    }

    /// The same, or the number that a text is: what Qualtrics counts is a text in places.
    #[must_use]
    pub fn as_count(&self) -> Option<u64> {
        match self {
            Self::Number(text) | Self::Text(text) => digits::number(text.trim_ascii().as_bytes()),
            _ => None,
        }
    }

    /// The values, if this is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    /// The members, if this is an object.
    #[must_use]
    pub const fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Whether this is `null`.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

fn write_text(text: &str, to: &mut Vec<u8>) {
    if text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        // Of a text there is nothing that could not be written.
        to.append(&mut serde_json::to_vec(text).unwrap_or_default());
    } else {
        to.push(b'"');
        to.extend_from_slice(text.as_bytes());
        to.push(b'"');
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Number(number.to_string())
    }
}

/// For whoever has a tree of serde_json's; the component has none.
impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        // What serde_json wrote it reads.
        Self::read(value.to_string().as_bytes()).unwrap_or_default()
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, T::into)
    }
}

impl Object {
    /// This object, and one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: Json) -> Self {
        self.set(name, value);
        self
    }

    /// The member of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.iter().rev().find(|member| is_named(member, name)).map(|(_, value)| value)
    }

    /// The member of this name, for good: `null` is left in its place.
    #[must_use]
    pub fn take(&mut self, name: &str) -> Option<Json> {
        self.get_mut(name).map(mem::take)
    }

    /// Sets the member of this name.
    pub fn set(&mut self, name: &str, value: Json) {
        match self.get_mut(name) {
            Some(member) => *member = value,
            None => self.add(name.to_owned(), value),
        }
    }

    /// Adds a member. It counts instead of any of this name that is there already.
    pub fn add(&mut self, name: String, value: Json) {
        self.0.push((name, value));
    }

    /// The object as text: each name once, in the order of the names, without blanks between its parts.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
    }

    fn write(&self, to: &mut Vec<u8>) {
        let mut members: Vec<&(String, Json)> = self.0.iter().collect();
        order::sort_by(&mut members, |one, other| one.0 < other.0);
        to.push(b'{');
        for (index, (name, value)) in members.into_iter().enumerate() {
            if index > 0 {
                to.push(b',');
            }
            write_text(name, to);
            to.push(b':');
            value.write(to);
        }
        to.push(b'}');
    }

    /// Whether there is no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Json> {
        self.0.iter_mut().rev().find(|member| is_named(member, name)).map(|(_, value)| value)
    }
}

fn is_named(member: &(String, Json), name: &str) -> bool {
    member.0.len() == name.len() && member.0 == name
}

impl IntoIterator for Object {
    type Item = (String, Json);
    type IntoIter = <Vec<(String, Json)> as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::from(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::from(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        let magnitude = number.unsigned_abs().to_string();
        Ok(Json::Number(if number < 0 { ["-", &magnitude].concat() } else { magnitude }))
    }

    /// Never: what has no place in an integer comes as it was written.
    fn visit_f64<E: Error>(self, _: f64) -> Result<Json, E> {
        Err(E::custom(""))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let mut members = Object::default();
        while let Some((Json::Text(name), value)) = object.next_entry::<Json, Json>()? {
            match value {
                // An object that only looks like that is one.
                Json::Text(number) if members.is_empty() && name == NUMBER && is_number(&number) => {
                    return Ok(Json::Number(number));
                }
                value => members.add(name, value),
            }
        }
        Ok(Json::Object(members))
    }
}

/// Whether a text is a number of JSON.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (text, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    digits(whole) && digits(fraction) && digits(exponent) && (whole == "0" || !whole.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text is, written again.
    fn again(text: &str) -> Option<String> {
        let json = Json::read(text.as_bytes())?;
        let mut bytes = Vec::new();
        json.write(&mut bytes);
        String::from_utf8(bytes).ok()
    }

    #[test]
    fn what_serde_json_reads_is_read_and_written_as_it_does() {
        let deep = |depth| ["[".repeat(depth), "]".repeat(depth)].concat();
        for text in [
            "null",
            " true ",
            "false",
            "-0",
            "1.50",
            "1E5",
            "2e-07",
            "123456789012345678901234567890.000000000000000000001",
            r#""\u00e9\"\\\/\b\f\n\r\t\u0001\ud83d\ude00""#,
            r#"{"b":1,"a":[{},[],{"z":null,"y":"x"}],"b":2}"#,
            r#"{"":{"":""}}"#,
            &deep(100),
            &deep(200),
            "",
            "01",
            "1.",
            "+1",
            "[1,]",
            r#"{"a"}"#,
            r#"{1:2}"#,
            r#""\ud800""#,
            "\"\n\"",
            "nul",
            "1 2",
            "{",
            r#"{"$serde_json::private::Number":"7"}"#,
        ] {
            let theirs = serde_json::from_str::<serde_json::Value>(text).ok().map(|value| value.to_string());
            assert_eq!(again(text), theirs, "{text}");
        }
    }

    #[test]
    fn an_object_that_claims_to_be_a_number_and_is_none_stays_an_object() {
        for number in ["", "x", "01", "1.", "1e", "--1", "1 ", "1,2"] {
            let text = [r#"{"$serde_json::private::Number":""#, number, r#""}"#].concat();
            assert_eq!(again(&text).as_deref(), Some(text.as_str()));
        }
    }

    #[test]
    fn whole_numbers_that_are_not_negative_can_be_counted_with() {
        let number = |text: &str| Json::read(text.as_bytes()).and_then(|json| json.as_u64());
        assert_eq!(number("18446744073709551609"), Some(18_446_744_073_709_551_609));
        for text in ["18446744073709551616", "-1", "1.0", "1e2", "\"1\"", "null"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn of_two_members_of_one_name_the_last_counts() {
        let Some(Json::Object(mut object)) = Json::read(br#"{"a":1,"b":2,"a":3}"#) else { panic!("an object") };
        assert_eq!(object.get("a").and_then(Json::as_u64), Some(3));
        object.set("a", Json::from(4));
        object.add("b".to_owned(), Json::Null);
        assert_eq!(object.to_bytes(), br#"{"a":4,"b":null}"#);
    }

    #[test]
    fn members_are_found_set_and_taken() {
        let Some(Json::Object(mut object)) = Json::read(br#"{"b":1,"a":2}"#) else { panic!("an object") };
        object.set("c", Json::Null);
        object.set("a", Json::from("x"));
        assert_eq!(object.take("b"), Some(Json::Number("1".to_owned())));
        assert_eq!(object.take("d"), None);
        assert_eq!(object.to_bytes(), br#"{"a":"x","b":null,"c":null}"#);
    }
}
