//! The mailing lists of a directory.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::contact::MailingList;
use super::super::endpoint::sub_resource_id;
use super::super::envelope::{EndpointResult, millis};
use super::super::oauth::Role;
use super::super::pages::Cursor;
use super::super::state::State;
use crate::server::{Request, Response};

const READ: &[&str] = &["read:mailing_lists", "manage:mailing_lists"];
const WRITE: &[&str] = &["manage:mailing_lists", "write:mailing_lists"];

impl State {
    /// `GET /directories/{id}/mailinglists`
    pub(in crate::qualtrics) fn mailing_lists(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Any)?;
        let directory = self.directory_index(request)?;
        let owner = request.parameter("ownerId");
        let lists = self.brand.directories[directory].mailing_lists.iter();
        let lists = lists.filter(|list| owner.as_ref().is_none_or(|owner| list.owner == *owner));
        let lists: Vec<_> = lists.cloned().collect();
        self.list(request, lists.len(), Cursor::SkipToken, |state, n| state.mailing_list_view(directory, &lists[n]))
    }

    /// `POST /directories/{id}/mailinglists`
    pub(in crate::qualtrics) fn mailing_list_create(&mut self, request: &Request) -> EndpointResult {
        let user = self.authorize(request, WRITE, Role::Any)?;
        let directory = self.directory_index(request)?;
        let (Some(name), owner) = self.mailing_list_body(request)? else {
            return Err(self.error(400, "QVAL_1"));
        };
        let now = self.now().as_secs();
        let list = self.brand.add_mailing_list(directory, &name, &owner.unwrap_or(user.id), now);
        Ok(self.success(json!({ "id": list.id })))
    }

    /// `GET /directories/{id}/mailinglists/{id}`
    pub(in crate::qualtrics) fn mailing_list(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Any)?;
        let (directory, n) = self.mailing_list_index(request)?;
        let result = self.mailing_list_view(directory, &self.brand.directories[directory].mailing_lists[n]);
        Ok(self.success(result))
    }

    /// `PUT /directories/{id}/mailinglists/{id}`
    pub(in crate::qualtrics) fn mailing_list_update(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, WRITE, Role::Any)?;
        let (directory, n) = self.mailing_list_index(request)?;
        let (name, owner) = self.mailing_list_body(request)?;
        let now = self.now().as_secs();
        let list = &mut self.brand.directories[directory].mailing_lists[n];
        list.name = name.unwrap_or(std::mem::take(&mut list.name));
        list.owner = owner.unwrap_or(std::mem::take(&mut list.owner));
        list.modified = now;
        Ok(self.success_without_result())
    }

    /// `DELETE /directories/{id}/mailinglists/{id}`. The contacts stay in the directory.
    pub(in crate::qualtrics) fn mailing_list_delete(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, WRITE, Role::Any)?;
        let (directory, n) = self.mailing_list_index(request)?;
        let directory = &mut self.brand.directories[directory];
        let list = directory.mailing_lists.remove(n);
        for contact in &mut directory.contacts {
            contact.memberships.retain(|membership| membership.list != list.id);
        }
        Ok(self.success_without_result())
    }

    /// The positions of the directory and of the mailing list in the path of a request.
    pub(super) fn mailing_list_index(&mut self, request: &Request) -> Result<(usize, usize), Response> {
        let directory = self.directory_index(request)?;
        let mut lists = self.brand.directories[directory].mailing_lists.iter();
        match lists.position(|list| list.id == sub_resource_id(request)) {
            Some(list) => Ok((directory, list)),
            None => Err(self.not_found("GED_3")),
        }
    }

    /// The name and the owner in a body. The owner must be a user.
    fn mailing_list_body(&mut self, request: &Request) -> Result<(Option<String>, Option<String>), Response> {
        let body = self.json_body(request)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let (name, owner) = (text("name"), text("ownerId"));
        let is_known = owner.as_ref().is_none_or(|owner| self.brand.users.iter().any(|user| user.id == *owner));
        if is_known { Ok((name, owner)) } else { Err(self.error(400, "QVAL_1")) }
    }

    fn mailing_list_view(&self, directory: usize, list: &MailingList) -> Value {
        let contacts = &self.brand.directories[directory].contacts;
        json!({
            "mailingListId": list.id,
            "name": list.name,
            "ownerId": list.owner,
            "lastModifiedDate": millis(Duration::from_secs(list.modified)),
            "creationDate": millis(Duration::from_secs(list.created)),
            "contactCount": contacts.iter().filter(|contact| contact.membership(&list.id).is_some()).count(),
        })
    }
}
