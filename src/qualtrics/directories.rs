//! XM Directory: the directories of a brand and the contacts in them (fact sheet 8).

use core::mem;

use super::client::{Call, Client};
use super::cursor::{Cursor, encode};
use super::envelope::{self, Answer, Trouble, member};
use super::oauth::Scopes;
use super::timestamp;
use crate::http::{Clock, Transport};
use crate::json::{Json, Object};
use crate::letters::lower_case;
use crate::order;
use crate::prelude::*;
use crate::secret::Secret;

/// Contacts a page of a search: the default; the maximum is unconfirmed (fact sheet 8.2).
pub const PAGE: usize = 100;

/// What a search asks for. Comparisons are without regard to case, and values are trimmed (fact sheet 8.2, official).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Key {
    /// The contact's e-mail address.
    Email(Secret),
    /// Its telephone number.
    Phone(Secret),
    /// The customer's own id for the person.
    Reference(Secret),
}

impl Key {
    const fn filter_type(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Phone(_) => "phone",
            Self::Reference(_) => "extRef",
        }
    }

    const fn value(&self) -> &Secret {
        match self {
            Self::Email(value) | Self::Phone(value) | Self::Reference(value) => value,
        }
    }

    /// What two keys have in common that ask for the same.
    #[must_use]
    pub fn comparable(&self) -> (&'static str, String) {
        let value = self.value().reveal();
        let value = if matches!(self, Self::Reference(_)) { value.to_owned() } else { lower_case(value) };
        (self.filter_type(), value)
    }

    /// Whether a contact bears this name. External references are compared exactly, for two people's may differ in case
    /// alone. A filter that was not applied would disclose, and have people delete, the data
    /// of others; so what comes back is compared, and a contact that does not show the name is a stranger's.
    #[must_use]
    pub fn fits(&self, contact: &Contact) -> bool {
        let wanted = self.value().reveal();
        let Some(found) = self.found_in(contact) else { return false };
        match self {
            Self::Phone(_) => digits(found) == digits(wanted),
            Self::Email(_) => lower_case(found.trim()) == lower_case(wanted.trim()),
            Self::Reference(_) => found.trim() == wanted.trim(),
        }
    }

    /// Whether a contact's external reference differs from this one in case alone. Qualtrics' search ignores case (fact
    /// sheet 13), so it returns such contacts, which are other people's.
    #[must_use]
    pub fn differs_in_case_from(&self, contact: &Contact) -> bool {
        let is_same = |found: &str| lower_case(found.trim()) == lower_case(self.value().reveal().trim());
        matches!(self, Self::Reference(_)) && !self.fits(contact) && self.found_in(contact).is_some_and(is_same)
    }

    fn found_in<'c>(&self, contact: &'c Contact) -> Option<&'c str> {
        match contact.fields.get(self.filter_type()) {
            Some(Json::Text(text) | Json::Number(text)) => Some(text),
            _ => None,
        }
    }
}

fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

/// The call for the first page of the list of directories.
#[must_use]
pub fn list() -> Call {
    Call::get("/directories?pageSize=100")
}

/// The ids of the directories on one page of the list.
///
/// # Errors
/// [`Trouble::Unreadable`] if it is no list, or an element has no id: its contacts could not be searched.
pub fn read_page(answer: &Answer) -> Result<Vec<String>, Trouble> {
    let id = |element| member(element, &["directoryId", "id", "poolId"]).and_then(envelope::id);
    let ids = envelope::elements(&answer.result)?.iter().map(|element| id(element).map(str::to_owned));
    ids.collect::<Option<_>>().ok_or(Trouble::Unreadable)
}

/// The ids of all directories, sorted, beginning with the answer to [`list`].
///
/// # Errors
/// What went wrong.
pub fn read_all<T: Transport, C: Clock>(
    client: &mut Client<'_, T, C>,
    need: Scopes,
    first: Answer,
) -> Result<Vec<String>, Trouble> {
    let mut ids = Vec::new();
    let mut seen = Vec::new();
    let mut answer = first;
    loop {
        ids.extend(read_page(&answer)?);
        let Some(cursor) = Cursor::next_page(&answer.result)? else { break };
        if seen.contains(&cursor) {
            return Err(Trouble::Unreadable);
        }
        let path = ["/directories?pageSize=100&", cursor.query()].concat();
        answer = client.call(need, Call::get(path))?;
        seen.push(cursor);
    }
    order::sort(&mut ids);
    Ok(ids)
}

/// The call for a page of a contact search.
#[must_use]
pub fn search(directory: &str, key: &Key, cursor: Option<&Cursor>) -> Call {
    let filter = Object::default()
        .with("filterType", key.filter_type().into())
        .with("comparison", "eq".into())
        .with("value", key.value().reveal().into());
    let mut path = ["/directories/", &encode(directory), "/contacts/search?pageSize=100&includeEmbedded=true"].concat();
    if let Some(cursor) = cursor {
        path.push('&');
        path.push_str(cursor.query());
    }
    Call::search(path, Object::default().with("filter", filter.into()))
}

/// A search that cannot match, for trying a permission.
#[must_use]
pub fn probe(directory: &str) -> Call {
    search(directory, &Key::Email(Secret::new("permission-probe@nobody.invalid")), None)
}

/// The contacts in the answer to [`search`], and where it goes on.
///
/// # Errors
/// [`Trouble::Unreadable`] if it is no list of contacts, or a contact has no id.
pub fn read_search(answer: Answer) -> Result<(Vec<Contact>, Option<Cursor>), Trouble> {
    let cursor = Cursor::skip_token(&answer.result)?;
    let found = envelope::into_elements(answer.result)?.into_iter();
    let contacts: Option<Vec<Contact>> = found.map(Contact::read).collect();
    let contacts = contacts.ok_or(Trouble::Unreadable)?;
    // A full last page yields a token whose next page is empty (fact sheet 8.2).
    let cursor = cursor.filter(|_| !contacts.is_empty());
    Ok((contacts, cursor))
}

/// The call for one contact.
#[must_use]
pub fn contact(directory: &str, contact: &str) -> Call {
    Call::get(["/directories/", &encode(directory), "/contacts/", &encode(contact), "?includeSegments=true"].concat())
}

/// A contact, in one spelling whichever endpoint told of it. It cannot be printed.
#[derive(Clone)]
pub struct Contact {
    /// Its id.
    pub id: String,
    fields: Object,
}

/// How a search spells what reading a contact spells otherwise (fact sheet 8.3).
const SPELLINGS: [(&str, &str); 5] = [
    ("id", "contactId"),
    ("phoneNumber", "phone"),
    ("externalDataReference", "extRef"),
    ("directoryUnsubscribed", "unsubscribed"),
    ("directoryUnsubscribeDate", "unsubscribeDate"),
];

/// Members that are there in every document, `null` where Qualtrics tells nothing.
const ALWAYS: [&str; 14] = [
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

/// Members that are instants, told as milliseconds by one endpoint and as text by the other.
const INSTANTS: [&str; 3] = ["creationDate", "lastModified", "unsubscribeDate"];

impl Contact {
    /// Reads a contact in either spelling; none if it has no id.
    #[must_use]
    pub fn read(value: Json) -> Option<Self> {
        let Json::Object(sent) = value else { return None };
        let mut fields = Object::default();
        let mut otherwise = Vec::new();
        for (name, value) in sent {
            match SPELLINGS.iter().find(|(other, _)| *other == name) {
                Some((_, ours)) => otherwise.push((name, *ours, value)),
                None => fields.add(name, value),
            }
        }
        for (other, ours, value) in otherwise {
            match fields.get(ours) {
                None | Some(Json::Null) => fields.set(ours, value),
                Some(same) if *same == value || value.is_null() => {}
                // Two different values: nothing that Qualtrics sent is dropped.
                Some(_) => fields.set(&other, value),
            }
        }
        for name in INSTANTS {
            if let Some(instant) = fields.get(name).and_then(timestamp::read_ms).and_then(timestamp::write) {
                fields.set(name, Json::Text(instant));
            }
        }
        let id = envelope::id(fields.get("contactId")?)?.to_owned();
        Some(Self { id, fields })
    }

    /// Adds what another answer tells of the same contact; where both tell, the other one counts.
    pub fn complete(&mut self, other: Self) {
        // The last of a name counts: what the other one does not know comes before what is known here.
        let mut fields = Object::default();
        let mut known = Vec::new();
        for (name, value) in other.fields {
            if value.is_null() {
                fields.add(name, value);
            } else {
                known.push((name, value));
            }
        }
        let here = mem::take(&mut self.fields);
        here.into_iter().chain(known).for_each(|(name, value)| fields.add(name, value));
        self.fields = fields;
    }

    /// A member's text, in this connector's spelling; none if it is absent or blank.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Json::as_str).filter(|text| !text.trim().is_empty())
    }

    /// When it was last changed, in whole seconds: the endpoints tell it with and without fractions.
    #[must_use]
    pub fn changed_s(&self) -> Option<u64> {
        self.fields.get("lastModified").and_then(timestamp::read_ms).map(|ms| ms / 1_000)
    }

    /// The contact as a JSON document: an object with `directoryId`, the members of `ALWAYS`, and everything else that
    /// Qualtrics sent under its own name.
    #[must_use]
    pub fn document(mut self, directory: &str) -> Vec<u8> {
        for name in ALWAYS {
            if self.fields.get(name).is_none() {
                self.fields.add(name.to_owned(), Json::Null);
            }
        }
        self.fields.set("directoryId", directory.into());
        let mut bytes = self.fields.to_bytes();
        bytes.push(b'\n');
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn contact(value: Value) -> Contact {
        Contact::read(value.into()).expect("a contact")
    }

    #[test]
    fn both_spellings_become_one_and_nothing_is_dropped() {
        let found = json!({
            "id": "CID_1", "phoneNumber": "+1", "externalDataReference": "E", "unsubscribed": false,
            "creationDate": "2023-11-14T22:13:20Z", "new": {"a": [1]}
        });
        let read = json!({
            "contactId": "CID_1", "phone": "+1", "extRef": "E", "directoryUnsubscribed": false,
            "creationDate": 1_700_000_000_000_u64, "stats": {"x": 1}, "language": null
        });
        let mut merged = contact(found);
        merged.complete(contact(read));
        let document: Value = serde_json::from_slice(&merged.document("POOL_1")).expect("JSON");
        assert_eq!(document["contactId"], "CID_1");
        assert_eq!(document["phone"], "+1");
        assert_eq!(document["extRef"], "E");
        assert_eq!(document["unsubscribed"], false);
        assert_eq!(document["creationDate"], "2023-11-14T22:13:20Z");
        assert_eq!(document["new"]["a"][0], 1);
        assert_eq!(document["stats"]["x"], 1);
        assert_eq!(document["directoryId"], "POOL_1");
        assert!(document["lastName"].is_null());
        for gone in ["id", "phoneNumber", "externalDataReference", "directoryUnsubscribed"] {
            assert!(document.get(gone).is_none(), "{gone}");
        }
    }

    #[test]
    fn what_one_answer_does_not_know_does_not_hide_what_the_other_told() {
        let mut merged = contact(json!({"id": "C", "firstName": "Ada", "lastName": null, "phone": "1", "stats": 1}));
        merged.complete(contact(
            json!({"id": "C", "firstName": null, "lastName": "Lovelace", "phone": "2", "new": null}),
        ));
        let document: Value = serde_json::from_slice(&merged.document("P")).expect("JSON");
        let told = ["firstName", "lastName", "phone", "stats", "new"].map(|name| document[name].clone());
        assert_eq!(told, [json!("Ada"), json!("Lovelace"), json!("2"), json!(1), json!(null)]);
    }

    #[test]
    fn two_spellings_with_two_values_are_both_kept() {
        let document: Value =
            serde_json::from_slice(&contact(json!({"contactId": "C", "phone": "1", "phoneNumber": "2"})).document("P"))
                .expect("JSON");
        assert_eq!((&document["phone"], &document["phoneNumber"]), (&json!("1"), &json!("2")));
    }

    #[test]
    fn a_contact_that_was_not_asked_for_does_not_fit() {
        let ada =
            contact(json!({"id": "C", "email": " Ada@Example.org", "phoneNumber": "+1 (555) 01", "extRef": null}));
        assert!(Key::Email(Secret::new("ada@example.org")).fits(&ada));
        assert!(!Key::Email(Secret::new("bob@example.org")).fits(&ada));
        assert!(Key::Phone(Secret::new("+155501")).fits(&ada));
        assert!(!Key::Phone(Secret::new("+155502")).fits(&ada));
        assert!(!Key::Reference(Secret::new("E-1")).fits(&ada), "a stranger may have no reference");
    }

    #[test]
    fn external_references_are_compared_exactly() {
        let bob = contact(json!({"id": "C", "extRef": "0035e00000aBcDe"}));
        let reference = |text: &str| Key::Reference(Secret::new(text));
        assert!(reference(" 0035e00000aBcDe").fits(&bob));
        assert!(!reference("0035e00000AbCdE").fits(&bob));
        assert!(reference("0035e00000AbCdE").differs_in_case_from(&bob));
        assert!(!reference("0035e00000aBcDe").differs_in_case_from(&bob));
        assert!(!reference("0035e00000").differs_in_case_from(&bob));
    }
}
