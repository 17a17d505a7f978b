//! One contact: whether it is the person's, the update that opts it out, and the comparison with what it was before.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::privacy::identifier::Identifier;
use crate::privacy::subject::Subject;
use crate::qualtrics::api::contact::{Contact, Match};

/// The fields of a contact that an update can set (fact sheet 13), in the spelling of an update.
const UPDATABLE: [&str; 7] = ["email", "embeddedData", "extRef", "firstName", "language", "lastName", "phone"];

/// What an opt-out changes, what Qualtrics computes by itself, and names that only a contact with contradicting values has.
const NOT_COMPARED: [&str; 8] = [
    "creationDate",
    "directoryUnsubscribeDate",
    "directoryUnsubscribed",
    "lastModified",
    "segmentMembership",
    "stats",
    "unsubscribeDate",
    "unsubscribed",
];

/// The opt-out marks of a mailing list. Whether Qualtrics sets them with the directory's is unconfirmed.
const LIST_MARKS: [&str; 3] = ["unsubscribed", "unsubscribeDate", "unsubscribedDate"];

/// Names under which a contact has a second value that contradicts the first.
const CONTRADICTIONS: [&str; 2] = ["externalDataReference", "phoneNumber"];

/// Why a contact is left as it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Untouched {
    /// It has the telephone number, and an address that the request does not name.
    SharedTelephone,
    /// It was found by a telephone number without a country code alone.
    NoCountryCode,
    /// It has none of the identifiers any more.
    ChangedMeanwhile,
    /// Text of it was lost on the way, so that an update would overwrite it with something else.
    Unreadable,
}

/// Why a contact must be left as it is, if so.
///
/// A telephone may be shared. A contact with the number alone is the person's only if it has no address, or one that the request names;
/// then it was found by that address.
#[must_use]
pub fn reason_to_leave(contact: &Contact, subject: &Subject) -> Option<Untouched> {
    let has = |kind: Match, is_wanted: fn(&Identifier) -> bool| {
        let mut wanted = subject.identifiers.iter().filter(|known| is_wanted(&known.identifier));
        wanted.any(|known| contact.matches(&known.identifier) == kind)
    };
    let is_phone = |identifier: &Identifier| matches!(identifier, Identifier::Phone(_));
    if has(Match::Same, |identifier| !matches!(identifier, Identifier::Phone(_))) {
        return None;
    }
    match (has(Match::Same, is_phone), has(Match::WithoutCountry, is_phone)) {
        (true, _) => contact.text("email").is_some().then_some(Untouched::SharedTelephone),
        (false, true) => Some(Untouched::NoCountryCode),
        (false, false) => Some(Untouched::ChangedMeanwhile),
    }
}

/// The body of the update that opts a contact out: every updatable field as it was read, so that nothing is lost whether Qualtrics
/// merges or replaces. `None` if the contact was not read exactly.
#[must_use]
pub fn opt_out_body(contact: &Contact) -> Option<Value> {
    if CONTRADICTIONS.iter().any(|name| contact.member(name).is_some()) {
        return None;
    }
    let field = |name: &str| contact.member(name).filter(|value| !value.is_null()).cloned();
    let fields = UPDATABLE.iter().filter_map(|name| Some(((*name).to_owned(), field(name)?)));
    let mark = ("unsubscribed".to_owned(), Value::Bool(true));
    let body = Value::Object(fields.chain([mark]).collect());
    // The envelope replaces text that is not Unicode by this character.
    (!body.to_string().contains(char::REPLACEMENT_CHARACTER)).then_some(body)
}

/// The fields that an opt-out must not change, as text that is equal if they are. An absent field equals one that is `null`.
#[must_use]
pub fn other_fields(contact: &Contact) -> String {
    let compared = contact.members().filter(|(name, _)| !NOT_COMPARED.contains(name));
    let fields: Map<String, Value> = compared.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let mut fields = Value::Object(fields);
    if let Some(Value::Object(lists)) = fields.get_mut("mailingListMembership") {
        for list in lists.values_mut().filter_map(Value::as_object_mut) {
            list.retain(|name, _| !LIST_MARKS.contains(&name.as_str()));
        }
    }
    drop_empty(&mut fields);
    fields.sort_all_objects();
    fields.to_string()
}

/// Drops `null` and empty objects at every level of objects.
fn drop_empty(value: &mut Value) {
    if let Value::Object(members) = value {
        members.values_mut().for_each(drop_empty);
        members.retain(|_, value| !value.is_null() && value.as_object().is_none_or(|members| !members.is_empty()));
    }
}

/// A short check value of [`other_fields`], salted with the request and the contact.
///
/// It has 20 bits on purpose: enough to detect a change, too few to confirm a guess at what the contact holds.
#[must_use]
pub fn fields_check(fields: &str, request_id: &str, contact_id: &str) -> u32 {
    let mut digest = Sha256::new();
    for part in [request_id, contact_id, fields] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    digest.finalize().iter().take(3).fold(0, |sum, byte| (sum << 8) | u32::from(*byte)) >> 4
}
