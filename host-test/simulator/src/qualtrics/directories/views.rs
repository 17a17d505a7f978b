//! How responses show a contact. The names of members differ between endpoints.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::contact::{Contact, Membership};
use super::super::dialects::{ContactDates, ContactNulls};
use super::super::envelope::{iso, millis};
use super::super::state::State;

impl State {
    /// A contact of a directory.
    pub(super) fn contact_view(&self, directory: usize, contact: &Contact) -> Value {
        let lists = &self.brand.directories[directory].mailing_lists;
        let memberships = contact.memberships.iter().filter_map(|membership| {
            let list = lists.iter().find(|list| list.id == membership.list)?;
            let value = json!({
                "contactLookupId": membership.lookup_id,
                "name": list.name,
                "unsubscribed": membership.opted_out.is_some(),
                "unsubscribeDate": membership.opted_out.map(|at| self.contact_date(at)),
                "ownerId": list.owner,
            });
            Some((list.id.clone(), value))
        });
        let memberships: Map<String, Value> = memberships.collect();
        self.without_nulls(json!({
            "contactId": contact.id,
            "creationDate": self.contact_date(contact.created),
            "lastModified": self.contact_date(contact.modified),
            "firstName": contact.first_name,
            "lastName": contact.last_name,
            "email": contact.email,
            "emailDomain": email_domain(contact),
            "phone": contact.phone,
            "extRef": contact.reference,
            "embeddedData": contact.embedded_data,
            "language": contact.language,
            "skipped": null,
            "segmentMembership": {},
            "directoryUnsubscribed": contact.opted_out.is_some(),
            "directoryUnsubscribeDate": contact.opted_out.map(|at| self.contact_date(at)),
            "stats": stats(),
            "mailingListMembership": memberships,
        }))
    }

    /// A contact of a mailing list.
    pub(super) fn list_contact_view(&self, contact: &Contact, membership: &Membership) -> Value {
        self.without_nulls(json!({
            "contactId": contact.id,
            "contactLookupId": membership.lookup_id,
            "creationDate": self.contact_date(contact.created),
            "lastModified": self.contact_date(contact.modified),
            "firstName": contact.first_name,
            "lastName": contact.last_name,
            "email": contact.email,
            "emailDomain": email_domain(contact),
            "phone": contact.phone,
            "extRef": contact.reference,
            "embeddedData": contact.embedded_data,
            "privateEmbeddedData": {},
            "language": contact.language,
            "directoryUnsubscribed": contact.opted_out.is_some(),
            "directoryUnsubscribeDate": contact.opted_out.map(|at| iso(Duration::from_secs(at))),
            "mailingListUnsubscribed": membership.opted_out.is_some(),
            "mailingListUnsubscribeDate": membership.opted_out.map(|at| self.contact_date(at)),
            "stats": stats(),
        }))
    }

    /// A contact in the list of a directory.
    pub(super) fn contact_element(&self, contact: &Contact) -> Value {
        self.without_nulls(json!({
            "contactId": contact.id,
            "firstName": contact.first_name,
            "lastName": contact.last_name,
            "email": contact.email,
            "phone": contact.phone,
            "extRef": contact.reference,
            "language": contact.language,
            "unsubscribed": contact.opted_out.is_some(),
        }))
    }

    /// A contact in a list of a mailing list.
    pub(super) fn list_contact_element(&self, contact: &Contact, membership: &Membership) -> Value {
        let mut element = self.contact_element(contact);
        element["contactLookupId"] = membership.lookup_id.as_str().into();
        element["mailingListUnsubscribed"] = membership.opted_out.is_some().into();
        element
    }

    /// A contact in the results of a search.
    pub(super) fn found_contact(&self, contact: &Contact, embedded: bool, segments: bool) -> Value {
        let mut element = json!({
            "id": contact.id,
            "creationDate": self.date(Duration::from_secs(contact.created)),
            "lastModified": self.date(Duration::from_secs(contact.modified)),
            "firstName": contact.first_name,
            "lastName": contact.last_name,
            "email": contact.email,
            "phoneNumber": contact.phone,
            "externalDataReference": contact.reference,
            "language": contact.language,
            "unsubscribed": contact.opted_out.is_some(),
            "unsubscribeDate": contact.opted_out.map(|at| self.date(Duration::from_secs(at))),
            "stats": stats(),
        });
        if embedded {
            element["embeddedData"] = json!(contact.embedded_data);
        }
        if segments {
            element["segmentMembership"] = json!({});
        }
        self.without_nulls(element)
    }

    fn contact_date(&self, seconds: u64) -> Value {
        match self.dialects.contact_dates {
            ContactDates::EpochMillis => millis(Duration::from_secs(seconds)),
            ContactDates::Iso => iso(Duration::from_secs(seconds)).into(),
        }
    }

    fn without_nulls(&self, mut element: Value) -> Value {
        if let (ContactNulls::Absent, Value::Object(members)) = (self.dialects.contact_nulls, &mut element) {
            members.retain(|_, value| !value.is_null());
        }
        element
    }
}

fn email_domain(contact: &Contact) -> Option<&str> {
    contact.email.as_ref().and_then(|email| email.split_once('@')).map(|(_, domain)| domain)
}

fn stats() -> Map<String, Value> {
    let stats = [("EmailCount", "1"), ("InviteCount", "1"), ("ResponseCount", "1"), ("ResponseRate", "100")];
    stats.map(|(name, value)| (name.to_owned(), Value::from(value))).into_iter().collect()
}
