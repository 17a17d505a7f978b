//! The body that creates or updates a contact.

use serde_json::{Map, Value};

use super::super::contact::Contact;
use super::super::dialects::ContactPut;
use super::super::state::State;
use crate::server::{Request, Response};

/// A member that is text or null, and where a contact has it.
type Text = (&'static str, fn(&mut Contact) -> &mut Option<String>);

const TEXTS: [Text; 6] = [
    ("firstName", |contact| &mut contact.first_name),
    ("lastName", |contact| &mut contact.last_name),
    ("email", |contact| &mut contact.email),
    ("phone", |contact| &mut contact.phone),
    ("extRef", |contact| &mut contact.reference),
    ("language", |contact| &mut contact.language),
];

/// What a body sets of a contact. Members that are not known are ignored.
pub(super) struct ContactBody(Map<String, Value>);

impl State {
    /// The body of a request that creates or updates a contact.
    pub(super) fn contact_body(&mut self, request: &Request) -> Result<ContactBody, Response> {
        let members = self.json_body(request)?;
        match ContactBody::parse(members) {
            Some(body) => Ok(body),
            None => Err(self.error(400, "QVAL_1")),
        }
    }
}

impl ContactBody {
    /// The members of a body. `None` if one has the wrong type.
    pub(super) fn parse(members: Map<String, Value>) -> Option<Self> {
        let is_text = |(name, _): &Text| matches!(members.get(*name), None | Some(Value::Null | Value::String(_)));
        let has_valid_data = match members.get("embeddedData") {
            None | Some(Value::Null) => true,
            Some(Value::Object(data)) => data.values().all(|value| text_of(value).is_some() || value.is_null()),
            Some(_) => false,
        };
        let has_valid_mark = matches!(members.get("unsubscribed"), None | Some(Value::Null | Value::Bool(_)));
        (TEXTS.iter().all(is_text) && has_valid_data && has_valid_mark).then_some(Self(members))
    }

    pub(super) fn email(&self) -> Option<&str> {
        self.0.get("email").and_then(Value::as_str)
    }

    /// Changes the members of a contact, without its opt-outs.
    pub(super) fn apply(&self, contact: &mut Contact, put: ContactPut) {
        for (name, field) in TEXTS {
            match (self.0.get(name), put) {
                (Some(value), _) => *field(contact) = value.as_str().map(str::to_owned),
                (None, ContactPut::Replaces) => *field(contact) = None,
                (None, ContactPut::Merges) => {}
            }
        }
        if put == ContactPut::Replaces {
            contact.embedded_data.clear();
        }
        for (name, value) in self.0.get("embeddedData").and_then(Value::as_object).into_iter().flatten() {
            match text_of(value) {
                Some(text) => contact.embedded_data.insert(name.clone(), text),
                None => contact.embedded_data.remove(name),
            };
        }
    }

    /// Changes an opt-out: the time of an earlier one is kept.
    pub(super) fn apply_opt_out(&self, opted_out: &mut Option<u64>, put: ContactPut, now: u64) {
        match (self.0.get("unsubscribed").and_then(Value::as_bool), put) {
            (Some(true), _) => *opted_out = opted_out.or(Some(now)),
            (Some(false), _) | (None, ContactPut::Replaces) => *opted_out = None,
            (None, ContactPut::Merges) => {}
        }
    }
}

/// Embedded data and transactions take text, numbers and booleans, and keep them as text.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
