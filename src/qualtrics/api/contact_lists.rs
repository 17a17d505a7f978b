//! The lists of a contact: its history and its transactions (fact sheet 8.4).
//!
//! Which members an entry has is documented only in part, and some name other people: who sent a message, who owns a list. Only members
//! that are known to be about the contact are passed on. UNCONFIRMED: the values of `type`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::{Call, Client};
use super::cursor::{Cursor, encode};
use super::envelope::{self, ApiResponse};
use super::error::ApiError;
use crate::privacy::ticket::check_of;
use crate::qualtrics::scopes::{Scope, Scopes};

/// A list of a contact. Its name in references has one letter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum ContactList {
    /// The messages that were sent to the contact.
    #[serde(rename = "e")]
    EmailHistory,
    /// The surveys that the contact responded to.
    #[serde(rename = "r")]
    ResponseHistory,
    /// The contact's transactions.
    #[serde(rename = "t")]
    Transactions,
}

/// The members of history entries that are passed on. Neither `sender` nor anything else that may name another person is among them, and
/// no text of a mail server.
const OF_HISTORY: [&str; 18] = [
    "bounceInfo",
    "date",
    "dateCompleted",
    "dateStarted",
    "distributionId",
    "lookupId",
    "mailingListId",
    "read",
    "responseCompletedAt",
    "responseId",
    "result",
    "sentAt",
    "surveyCompletedDate",
    "surveyFinished",
    "surveyId",
    "surveyStartedDate",
    "type",
    "unsubscribed",
];

/// The members of `bounceInfo` that are passed on. `reason` is a mail server's text.
const OF_BOUNCE: [&str; 3] = ["blacklisted", "statusCode", "type"];

/// The members of transactions that are passed on. `data` is what the brand recorded about the contact, as embedded data is.
const OF_TRANSACTION: [&str; 5] = ["contactId", "data", "mailingListId", "transactionDate", "transactionId"];

impl ContactList {
    /// All lists, in the order of their documents.
    pub const ALL: [Self; 3] = [Self::EmailHistory, Self::ResponseHistory, Self::Transactions];

    /// Its name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EmailHistory => "email-history",
            Self::ResponseHistory => "response-history",
            Self::Transactions => "transactions",
        }
    }

    /// The scope that it needs beside those of an access request.
    #[must_use]
    pub const fn optional_scope(self) -> Option<Scope> {
        match self {
            Self::EmailHistory | Self::ResponseHistory => None,
            Self::Transactions => Some(Scope::Transactions),
        }
    }

    /// The call for a page.
    #[must_use]
    pub fn call(self, directory: &str, contact: &str, cursor: Option<&Cursor>) -> Call {
        let (path, kind) = match self {
            Self::EmailHistory => ("history", "type=email"),
            Self::ResponseHistory => ("history", "type=response"),
            Self::Transactions => ("transactions", ""),
        };
        let next = cursor.map_or("", Cursor::query);
        // The link to the next page usually repeats the type.
        let kind = if next.split('&').any(|pair| pair.starts_with("type=")) { "" } else { kind };
        let query: Vec<&str> = ["pageSize=100", kind, next].into_iter().filter(|part| !part.is_empty()).collect();
        let (directory, contact) = (encode(directory), encode(contact));
        let call = Call::get(format!("/directories/{directory}/contacts/{contact}/{path}?{}", query.join("&")));
        match self.optional_scope() {
            Some(scope) => call.with_optional(scope),
            None => call,
        }
    }

    fn entry(self, entry: Value, contact: &str) -> Result<Value, ApiError> {
        let Value::Object(entry) = entry else { return Err(ApiError::Malformed) };
        // A filter that Qualtrics does not apply would disclose what belongs to other people.
        let of_contact = entry.get("contactId").filter(|id| !id.is_null());
        if of_contact.is_some_and(|id| envelope::id(id).as_deref() != Some(contact)) {
            return Err(ApiError::Malformed);
        }
        Ok(match self {
            Self::EmailHistory | Self::ResponseHistory => only(entry, &OF_HISTORY, |name, value| match value {
                Value::Object(bounce) if name == "bounceInfo" => {
                    Some(only(bounce, &OF_BOUNCE, |_, value| is_word(&value).then_some(value)))
                }
                value => is_word(&value).then_some(value),
            }),
            Self::Transactions => only(entry, &OF_TRANSACTION, |name, value| match value {
                Value::Object(_) | Value::Array(_) => (name == "data").then_some(value),
                value => Some(value),
            }),
        })
    }
}

/// The members with these names, as far as their values are passed on.
fn only(members: Map<String, Value>, names: &[&str], value: impl Fn(&str, Value) -> Option<Value>) -> Value {
    let known = members.into_iter().filter(|(name, _)| names.contains(&name.as_str()));
    let kept: Map<String, Value> =
        known.filter_map(|(name, given)| value(&name, given).map(|kept| (name, kept))).collect();
    let mut kept = Value::Object(kept);
    kept.sort_all_objects();
    kept
}

/// Whether a value is an ID, a time, a word, a number or nothing, and no address.
fn is_word(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= 100 && !text.contains('@'),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// A position in a list of a contact, which is read page by page as one JSON document.
///
/// The document is an object with `contactId`, `directoryId`, `entries` and `list`. It only ends once the last page was read.
pub struct ListReader {
    list: ContactList,
    directory: String,
    contact: String,
    /// The next page; `None` is the first one.
    next: Option<Cursor>,
    seen: Vec<Cursor>,
    /// A check value of the last page, if it had entries.
    last_page: Option<u32>,
    entries: u64,
    is_first: bool,
    is_complete: bool,
}

impl ListReader {
    /// The position before the first page.
    #[must_use]
    pub fn new(list: ContactList, directory: &str, contact: &str) -> Self {
        Self {
            list,
            directory: directory.to_owned(),
            contact: contact.to_owned(),
            next: None,
            seen: Vec::new(),
            last_page: None,
            entries: 0,
            is_first: true,
            is_complete: false,
        }
    }

    /// The scope that the list needs beside those of an access request.
    #[must_use]
    pub const fn optional_scope(&self) -> Option<Scope> {
        self.list.optional_scope()
    }

    /// Whether the last page was read.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// How many entries were read.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// The call for the next page.
    #[must_use]
    pub fn call(&self) -> Call {
        self.list.call(&self.directory, &self.contact, self.next.as_ref())
    }

    /// Reads the next page, and returns the part of the document that it makes.
    ///
    /// # Errors
    /// Any [`ApiError`]. The position is unchanged then.
    pub fn read_page(&mut self, client: &mut Client<'_>, scopes: &Scopes) -> Result<Vec<u8>, ApiError> {
        let page = client.call(scopes, self.call())?;
        self.add_page(page)
    }

    /// Takes the response to [`Self::call`], and returns the part of the document that it makes.
    ///
    /// # Errors
    /// [`ApiError::Malformed`] if it is no page of the list, if the pages repeat, or if an entry is another contact's.
    pub fn add_page(&mut self, page: ApiResponse) -> Result<Vec<u8>, ApiError> {
        let next = Cursor::next_page(&page.result)?;
        let entries = envelope::into_elements(page.result)?;
        // A page that links to itself once would be read twice: its cursor is new, and its entries are not.
        let check = (!entries.is_empty()).then(|| check_of(&Value::from(entries.as_slice()).to_string()));
        let repeats = check.is_some() && check == self.last_page;
        if repeats || next.as_ref().is_some_and(|next| self.seen.contains(next)) {
            return Err(ApiError::Malformed);
        }
        let entries = entries.into_iter().map(|entry| self.list.entry(entry, &self.contact));
        let entries: Vec<Value> = entries.collect::<Result<_, _>>()?;
        let mut text = String::new();
        if self.is_first {
            let (contact, directory) = (Value::from(self.contact.as_str()), Value::from(self.directory.as_str()));
            text.push_str(&format!("{{\"contactId\":{contact},\"directoryId\":{directory},\"entries\":["));
        }
        for entry in entries {
            if self.entries > 0 {
                text.push(',');
            }
            text.push_str(&entry.to_string());
            self.entries = self.entries.saturating_add(1);
        }
        self.is_first = false;
        self.is_complete = next.is_none();
        self.last_page = check;
        if self.is_complete {
            text.push_str(&format!("],\"list\":\"{}\"}}\n", self.list.name()));
        }
        self.seen.extend(next.clone());
        self.next = next;
        Ok(text.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::qualtrics::api::envelope::Notice;

    fn page(result: Value) -> ApiResponse {
        ApiResponse { result, notice: Notice::None }
    }

    /// The document that these pages make.
    fn document(list: ContactList, pages: Vec<Value>) -> Result<Value, ApiError> {
        let mut reader = ListReader::new(list, "POOL \"1\"", "CID_1");
        let mut bytes = Vec::new();
        for result in pages {
            assert!(!reader.is_complete());
            bytes.extend(reader.add_page(page(result))?);
        }
        assert!(reader.is_complete());
        Ok(serde_json::from_slice(&bytes).expect("JSON"))
    }

    #[test]
    fn pages_become_one_document_that_ends_with_the_last_page() {
        let pages = vec![
            json!({"elements": [], "nextPage": "/x?type=email&offset=0"}),
            json!({"elements": [{"surveyId": "SV_1"}, {"surveyId": "SV_2"}], "nextPage": "2"}),
            json!({"elements": [{"surveyId": "SV_3", "read": null}], "nextPage": null}),
        ];
        let document = document(ContactList::EmailHistory, pages).expect("a document");
        let entries = json!([{"surveyId": "SV_1"}, {"surveyId": "SV_2"}, {"read": null, "surveyId": "SV_3"}]);
        let expected =
            json!({"contactId": "CID_1", "directoryId": "POOL \"1\"", "entries": entries, "list": "email-history"});
        assert_eq!(document, expected);
    }

    #[test]
    fn the_next_page_is_requested_once_with_its_type() {
        let path = |cursor: &str| {
            let next = Cursor::next_page(&json!({ "nextPage": cursor })).expect("a cursor");
            ContactList::ResponseHistory.call("P", "C", next.as_ref()).path().to_owned()
        };
        let common = "/API/v3/directories/P/contacts/C/history?pageSize=100";
        assert_eq!(path("https://x.example/y?type=response&offset=2"), format!("{common}&type=response&offset=2"));
        assert_eq!(path("2"), format!("{common}&type=response&offset=2"));
    }

    #[test]
    fn members_that_may_name_other_people_are_left_out_of_a_history() {
        let entry = json!({
            "date": "2026-01-31 12:00:00", "type": "Invite", "result": "Bounce", "surveyId": "SV_1", "read": false,
            "bounceInfo": {"type": "Hard", "statusCode": 550, "reason": "<bob@x.org> is over quota", "by": "bob@x.org"},
            "sender": "bob@x.org", "fromEmail": "bob@x.org", "ownerId": "UR_bob", "distributionId": {"owner": "UR_bob"},
            "responseId": "bob@x.org",
        });
        let document = document(ContactList::EmailHistory, vec![json!({ "elements": [entry] })]).expect("a document");
        let expected = json!({
            "bounceInfo": {"statusCode": 550, "type": "Hard"}, "date": "2026-01-31 12:00:00", "read": false,
            "result": "Bounce", "surveyId": "SV_1", "type": "Invite",
        });
        assert_eq!(document["entries"][0], expected);
    }

    #[test]
    fn a_transaction_keeps_its_data_and_nobody_elses_transaction_is_passed_on() {
        let entry = json!({"transactionId": "T", "contactId": "CID_1", "data": {"Amount": "7"}, "createdBy": "UR_bob"});
        let document = document(ContactList::Transactions, vec![json!({ "elements": [entry] })]).expect("a document");
        assert_eq!(
            document["entries"][0],
            json!({"transactionId": "T", "contactId": "CID_1", "data": {"Amount": "7"}})
        );
        let others = json!([{"transactionId": "T", "contactId": "CID_2"}]);
        let result = self::document(ContactList::Transactions, vec![json!({ "elements": others })]);
        assert_eq!(result, Err(ApiError::Malformed));
    }

    #[test]
    fn a_page_that_is_not_understood_is_not_the_end() {
        for result in [
            json!(null),
            json!({}),
            json!({"elements": {}}),
            json!({"elements": [null]}),
            json!({"elements": ["SV_1"]}),
            json!({"elements": [], "nextPage": true}),
        ] {
            let mut reader = ListReader::new(ContactList::EmailHistory, "P", "C");
            assert_eq!(reader.add_page(page(result.clone())), Err(ApiError::Malformed), "{result}");
            assert!(!reader.is_complete());
        }
        let mut reader = ListReader::new(ContactList::EmailHistory, "P", "C");
        let repeated = || page(json!({"elements": [], "nextPage": "2"}));
        assert!(reader.add_page(repeated()).is_ok());
        assert_eq!(reader.add_page(repeated()), Err(ApiError::Malformed));
        // Linked to by itself, and then by the next page.
        let mut reader = ListReader::new(ContactList::EmailHistory, "P", "C");
        let first = |next: &str| page(json!({"elements": [{"surveyId": "SV_1"}], "nextPage": next}));
        assert!(reader.add_page(first("0")).is_ok());
        assert_eq!(reader.add_page(first("1")), Err(ApiError::Malformed));
    }
}
