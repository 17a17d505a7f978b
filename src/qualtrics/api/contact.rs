//! Contacts of XM Directory (fact sheet 8.2, 8.3).

use serde_json::{Map, Value};

use super::{envelope, timestamp};
use crate::privacy::email::comparison_key;
use crate::privacy::identifier::Identifier;
use crate::privacy::phone::PhoneMatch;

/// A contact, in one spelling for all endpoints. It has no `Debug`, because it is personal data.
#[derive(Clone)]
pub struct Contact {
    /// Its ID.
    pub id: String,
    fields: Map<String, Value>,
}

/// Whether a contact has an identifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Match {
    /// It has the identifier.
    Same,
    /// Its external ID differs from the identifier in case alone. Qualtrics' search ignores case (fact sheet 13), but two people's
    /// external IDs may differ in case alone.
    DiffersInCase,
    /// Its telephone number has no country code, and is the identifier if it belongs to the same country.
    WithoutCountry,
    /// It has another, or none.
    Other,
}

/// Names that the search spells differently from the single contact (fact sheet 8.3), which is this connector's spelling.
const SPELLINGS: [(&str, &str); 5] = [
    ("id", "contactId"),
    ("phoneNumber", "phone"),
    ("externalDataReference", "extRef"),
    ("directoryUnsubscribed", "unsubscribed"),
    ("directoryUnsubscribeDate", "unsubscribeDate"),
];

/// Members of every document: `null` if Qualtrics sends none.
const MANDATORY: [&str; 14] = [
    "contactId",
    "creationDate",
    "email",
    "embeddedData",
    "extRef",
    "firstName",
    "language",
    "lastModified",
    "lastName",
    "mailingListMembership",
    "phone",
    "segmentMembership",
    "unsubscribed",
    "unsubscribeDate",
];

/// Timestamps, which one endpoint sends as milliseconds and the other as text.
const TIMESTAMPS: [&str; 3] = ["creationDate", "lastModified", "unsubscribeDate"];

impl Contact {
    /// Parses a contact in either spelling. `None` if it has no ID.
    #[must_use]
    pub fn parse(value: Value) -> Option<Self> {
        let Value::Object(sent) = value else { return None };
        let (mut fields, mut respelled) = (Map::new(), Vec::new());
        for (name, value) in sent {
            match SPELLINGS.iter().find(|(other, _)| *other == name) {
                Some((_, ours)) => respelled.push((name, *ours, value)),
                None => {
                    fields.insert(name, value);
                }
            }
        }
        for (name, ours, value) in respelled {
            match fields.get(ours) {
                None | Some(Value::Null) => {
                    fields.insert(ours.to_owned(), value);
                }
                Some(same) if *same == value || value.is_null() => {}
                // Two different values: nothing that Qualtrics sent is dropped.
                Some(_) => {
                    fields.insert(name, value);
                }
            }
        }
        for name in TIMESTAMPS {
            if let Some(text) = fields.get(name).and_then(timestamp::parse_ms).and_then(timestamp::format) {
                fields.insert(name.to_owned(), Value::String(text));
            }
        }
        let id = envelope::id(fields.get("contactId")?)?;
        Some(Self { id, fields })
    }

    /// Adds the members of another response about the same contact. If both have a value, the other one's counts.
    pub fn complete(&mut self, other: Self) {
        for (name, value) in other.fields {
            if !value.is_null() || !self.fields.contains_key(&name) {
                self.fields.insert(name, value);
            }
        }
    }

    /// A member's text, by this connector's spelling. `None` if it is absent or blank.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    }

    /// A member, by this connector's spelling.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Every member that Qualtrics sent, by this connector's spelling.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether it is opted out of its directory. A contact with both names for it and two values is as the unambiguous name says.
    #[must_use]
    pub fn is_opted_out(&self) -> bool {
        let mark = self.fields.get("directoryUnsubscribed").or_else(|| self.fields.get("unsubscribed"));
        matches!(mark, Some(Value::Bool(true))) || mark.and_then(Value::as_str) == Some("true")
    }

    /// When it was last modified, in seconds: the endpoints send it with and without fractions.
    #[must_use]
    pub fn changed_s(&self) -> Option<u64> {
        self.fields.get("lastModified").and_then(timestamp::parse_s)
    }

    /// Whether it has an identifier.
    ///
    /// A filter that Qualtrics does not apply would disclose or delete other people's data. So every result of a search is compared,
    /// and a contact that does not show the identifier is another person's.
    #[must_use]
    pub fn matches(&self, identifier: &Identifier) -> Match {
        let name = match identifier {
            Identifier::Email(_) => "email",
            Identifier::Phone(_) => "phone",
            Identifier::ExternalId(_) => "extRef",
        };
        let found = match self.fields.get(name) {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return Match::Other,
        };
        match identifier {
            Identifier::Email(address) if comparison_key(&found) == *address.key() => Match::Same,
            Identifier::Email(_) => Match::Other,
            Identifier::Phone(number) => match number.compare(&found) {
                PhoneMatch::Same => Match::Same,
                PhoneMatch::WithoutCountry => Match::WithoutCountry,
                PhoneMatch::Other => Match::Other,
            },
            Identifier::ExternalId(id) if found == id.reveal() => Match::Same,
            Identifier::ExternalId(id) if found.to_lowercase() == id.reveal().to_lowercase() => Match::DiffersInCase,
            Identifier::ExternalId(_) => Match::Other,
        }
    }

    /// The contact as a JSON document: an object with `directoryId`, the members of every document, and everything else that
    /// Qualtrics sent, in alphabetical order.
    #[must_use]
    pub fn document(self, directory: &str) -> Vec<u8> {
        let mut fields = self.fields;
        for name in MANDATORY {
            fields.entry(name).or_insert(Value::Null);
        }
        fields.insert("directoryId".to_owned(), Value::from(directory));
        let mut document = Value::Object(fields);
        // Does nothing, unless another crate of the build makes serde_json keep the order of members.
        document.sort_all_objects();
        format!("{document}\n").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::secret::Secret;

    fn contact(value: Value) -> Contact {
        Contact::parse(value).expect("a contact")
    }

    fn document(contact: Contact) -> Value {
        serde_json::from_slice(&contact.document("POOL_1")).expect("JSON")
    }

    #[test]
    fn both_spellings_become_one_and_nothing_is_dropped() {
        let found = json!({
            "id": "CID_1", "phoneNumber": "+1", "externalDataReference": "E", "unsubscribed": false,
            "creationDate": "2023-11-14T22:13:20Z", "new": {"a": [1]}
        });
        let single = json!({
            "contactId": "CID_1", "phone": "+1", "extRef": "E", "directoryUnsubscribed": false,
            "creationDate": 1_700_000_000_000_u64, "stats": {"x": 1}, "language": null
        });
        let mut merged = contact(found);
        merged.complete(contact(single));
        let document = document(merged);
        assert_eq!(document["contactId"], "CID_1");
        assert_eq!(document["phone"], "+1");
        assert_eq!(document["extRef"], "E");
        assert_eq!(document["unsubscribed"], false);
        assert_eq!(document["creationDate"], "2023-11-14T22:13:20Z");
        assert_eq!(document["new"]["a"][0], 1);
        assert_eq!(document["stats"]["x"], 1);
        assert_eq!(document["directoryId"], "POOL_1");
        assert!(document.as_object().is_some_and(|members| members.contains_key("lastName")));
        for gone in ["id", "phoneNumber", "externalDataReference", "directoryUnsubscribed"] {
            assert!(document.get(gone).is_none(), "{gone}");
        }
    }

    #[test]
    fn null_in_one_response_does_not_hide_a_value_in_the_other() {
        let mut merged = contact(json!({"id": "C", "firstName": "Ada", "lastName": null, "phone": "1", "stats": 1}));
        merged.complete(contact(
            json!({"id": "C", "firstName": null, "lastName": "Lovelace", "phone": "2", "new": null}),
        ));
        let document = document(merged);
        let values = ["firstName", "lastName", "phone", "stats", "new"].map(|name| document[name].clone());
        assert_eq!(values, [json!("Ada"), json!("Lovelace"), json!("2"), json!(1), json!(null)]);
    }

    #[test]
    fn two_spellings_with_different_values_are_both_kept() {
        let document = document(contact(json!({"contactId": "C", "phone": "1", "phoneNumber": "2"})));
        assert_eq!((&document["phone"], &document["phoneNumber"]), (&json!("1"), &json!("2")));
    }

    #[test]
    fn numbers_are_written_as_qualtrics_sent_them() {
        let sent = serde_json::from_str(r#"{"id": 7, "score": 1.50, "big": 12345678901234567890123}"#).expect("JSON");
        let text = String::from_utf8(contact(sent).document("P")).expect("text");
        assert!(text.contains(r#""score":1.50"#) && text.contains(r#""big":12345678901234567890123"#), "{text}");
        assert!(text.ends_with("}\n"));
    }

    #[test]
    fn a_contact_without_an_id_is_none() {
        for value in [json!({}), json!({"id": null}), json!({"id": ""}), json!([]), json!("C")] {
            assert!(Contact::parse(value.clone()).is_none(), "{value}");
        }
    }

    #[test]
    fn a_contact_matches_only_identifiers_that_it_shows() {
        let ada =
            contact(json!({"id": "C", "email": " Ada@Example.org", "phoneNumber": "+1 (555) 01", "extRef": null}));
        let email = |text: &str| Identifier::email(text).expect("an address");
        let phone = |text: &str| Identifier::phone(text).expect("a number");
        assert_eq!(ada.matches(&email("ada@example.org")), Match::Same);
        for other in ["bob@example.org", "a.da@example.org", "ada+x@example.org", "ada@example.org.uk"] {
            assert_eq!(ada.matches(&email(other)), Match::Other, "{other}");
        }
        let münchen = contact(json!({"id": "C", "email": "Ada@xn--mnchen-3ya.example", "phone": "111-111-1111"}));
        assert_eq!(münchen.matches(&email("ada@münchen.example")), Match::Same);
        assert_eq!(münchen.matches(&phone("+11111111111")), Match::WithoutCountry);
        assert_eq!(ada.matches(&phone("+155501")), Match::Same);
        assert_eq!(ada.matches(&phone("+155502")), Match::Other);
        assert_eq!(ada.matches(&Identifier::ExternalId(Secret::new("E-1"))), Match::Other);
    }

    #[test]
    fn external_ids_are_compared_exactly() {
        let bob = contact(json!({"id": "C", "extRef": "0035e00000aBcDe"}));
        let matches = |text: &str| bob.matches(&Identifier::ExternalId(Secret::new(text)));
        assert_eq!(matches("0035e00000aBcDe"), Match::Same);
        assert_eq!(matches("0035e00000AbCdE"), Match::DiffersInCase);
        assert_eq!(matches("0035e00000"), Match::Other);
        let numbered = contact(json!({"id": "C", "extRef": 42}));
        assert_eq!(numbered.matches(&Identifier::ExternalId(Secret::new("42"))), Match::Same);
    }
}
