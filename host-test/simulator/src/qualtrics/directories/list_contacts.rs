//! The contacts of a mailing list.

use serde_json::{Value, json};

use super::super::contact::{Contact, Membership};
use super::super::dialects::ContactPut;
use super::super::envelope::EndpointResult;
use super::super::oauth::Role;
use super::super::pages::{Cursor, PageSizes};
use super::super::state::State;
use super::body::ContactBody;
use crate::server::{Request, Response};

pub(super) const READ: &[&str] = &["read:mailing_list_contacts", "manage:mailing_list_contacts"];
pub(super) const WRITE: &[&str] = &["manage:mailing_list_contacts", "write:mailing_list_contacts"];

/// The documented maximum is 50. A published client asks for 100.
const PAGES: PageSizes = PageSizes { default: 50, accepted: 100, largest: 50 };

/// The positions of a directory, of a contact in it, and of a membership of the contact.
#[derive(Clone, Copy)]
struct Member {
    directory: usize,
    contact: usize,
    membership: usize,
}

impl State {
    /// `GET /directories/{id}/mailinglists/{id}/contacts`
    pub(in crate::qualtrics) fn list_contacts(&mut self, request: &Request) -> EndpointResult {
        self.members(request, PAGES, |_, _| true)
    }

    /// `GET /directories/{id}/mailinglists/{id}/optedOutContacts`
    pub(in crate::qualtrics) fn list_opted_out_contacts(&mut self, request: &Request) -> EndpointResult {
        let since = self.since(request)?;
        self.members(request, PageSizes::USUAL, |_, membership| membership.opted_out.is_some_and(|at| at >= since))
    }

    /// `GET /directories/{id}/mailinglists/{id}/bouncedContacts`
    pub(in crate::qualtrics) fn list_bounced_contacts(&mut self, request: &Request) -> EndpointResult {
        self.members(request, PageSizes::USUAL, |contact, _| contact.bounces)
    }

    /// `POST /directories/{id}/mailinglists/{id}/contacts`. `unsubscribed` concerns the list.
    pub(in crate::qualtrics) fn list_contact_create(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, WRITE, Role::Any)?;
        let (directory, list) = self.mailing_list_index(request)?;
        let body = self.contact_body(request)?;
        let list = self.brand.directories[directory].mailing_lists[list].id.clone();
        let (id, lookup_id) = self.create_member(directory, &list, &body);
        Ok(self.success(json!({ "id": id, "contactLookupId": lookup_id })))
    }

    /// Creates the contact of a body, and makes it a member of a list. Returns its ID, and its lookup ID in the list.
    pub(super) fn create_member(&mut self, directory: usize, list: &str, body: &ContactBody) -> (String, String) {
        let now = self.now().as_secs();
        let n = self.create_contact(directory, body);
        let number = self.brand.next_number();
        let contact = &mut self.brand.directories[directory].contacts[n];
        let position = contact.memberships.iter().position(|membership| membership.list == list);
        let position = position.unwrap_or_else(|| {
            let lookup_id = format!("CGC_{number:015}");
            contact.memberships.push(Membership { list: list.to_owned(), lookup_id, opted_out: None });
            contact.memberships.len() - 1
        });
        let membership = &mut contact.memberships[position];
        body.apply_opt_out(&mut membership.opted_out, ContactPut::Merges, now);
        (contact.id.clone(), membership.lookup_id.clone())
    }

    /// `GET /directories/{id}/mailinglists/{id}/contacts/{id}`
    pub(in crate::qualtrics) fn list_contact(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Any)?;
        let member = self.member(request)?;
        let contact = &self.brand.directories[member.directory].contacts[member.contact];
        let result = self.list_contact_view(contact, &contact.memberships[member.membership]);
        Ok(self.success(result))
    }

    /// `PUT /directories/{id}/mailinglists/{id}/contacts/{id}`. `unsubscribed` concerns the list.
    pub(in crate::qualtrics) fn list_contact_update(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, WRITE, Role::Any)?;
        let member = self.member(request)?;
        let body = self.contact_body(request)?;
        let (put, now) = (self.dialects.contact_put, self.now().as_secs());
        let contact = &mut self.brand.directories[member.directory].contacts[member.contact];
        body.apply(contact, put);
        body.apply_opt_out(&mut contact.memberships[member.membership].opted_out, put, now);
        contact.modified = now;
        Ok(self.success_without_result())
    }

    /// `DELETE /directories/{id}/mailinglists/{id}/contacts/{id}`. The contact stays in the directory.
    pub(in crate::qualtrics) fn list_contact_delete(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, WRITE, Role::Any)?;
        let member = self.member(request)?;
        let contact = &mut self.brand.directories[member.directory].contacts[member.contact];
        contact.memberships.remove(member.membership);
        Ok(self.success_without_result())
    }

    /// A page of the members of the list in the path that satisfy a condition.
    fn members(
        &mut self,
        request: &Request,
        sizes: PageSizes,
        condition: impl Fn(&Contact, &Membership) -> bool,
    ) -> EndpointResult {
        self.authorize(request, READ, Role::Any)?;
        let (directory, list) = self.mailing_list_index(request)?;
        let embedded = request.has_flag("includeEmbedded");
        let directory = &self.brand.directories[directory];
        let list = &directory.mailing_lists[list].id;
        let members = directory.contacts.iter().filter_map(|contact| Some((contact, contact.membership(list)?)));
        let elements: Vec<Value> = members
            .filter(|(contact, membership)| condition(contact, membership))
            .map(|(contact, membership)| {
                let mut element = self.list_contact_element(contact, membership);
                if embedded {
                    element["embeddedData"] = json!(contact.embedded_data);
                }
                element
            })
            .collect();
        self.list_in_pages(request, sizes, elements.len(), Cursor::SkipToken, |_, n| elements[n].clone())
    }

    /// The member in the path of a request, by the ID of the contact or by its lookup ID in the list.
    fn member(&mut self, request: &Request) -> Result<Member, Response> {
        let (directory, list) = self.mailing_list_index(request)?;
        let id = request.segment(7);
        let list = &self.brand.directories[directory].mailing_lists[list].id;
        let member = self.brand.directories[directory].contacts.iter().enumerate().find_map(|(n, contact)| {
            let membership = contact
                .memberships
                .iter()
                .position(|membership| membership.list == *list && (contact.id == id || membership.lookup_id == id))?;
            Some(Member { directory, contact: n, membership })
        });
        match member {
            Some(member) => Ok(member),
            None => Err(self.not_found("GED_3")),
        }
    }
}
