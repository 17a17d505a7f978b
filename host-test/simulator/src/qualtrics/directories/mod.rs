//! Directories and contacts: the fact sheet, section 8.

mod body;
mod contacts;
mod imports;
mod list_contacts;
mod mailing_lists;
mod search;
mod transactions;
mod views;

use serde_json::json;

pub(super) use imports::ContactImport;

use super::contact::Directory;
use super::dialects::{DirectoriesScope, XmDirectory};
use super::endpoint::{resource_id, sub_resource_id};
use super::envelope::EndpointResult;
use super::oauth::Role;
use super::pages::Cursor;
use super::state::State;
use crate::server::{Request, Response};

impl State {
    /// `GET /directories`
    pub(super) fn directories(&mut self, request: &Request) -> EndpointResult {
        let scopes: &[&str] = match self.dialects.directories_scope {
            DirectoriesScope::ReadDirectories => &["read:directories"],
            DirectoriesScope::None => &[],
        };
        self.authorize(request, scopes, Role::Any)?;
        let total = match self.dialects.xm_directory {
            XmDirectory::Licensed => self.brand.directories.len(),
            XmDirectory::EmptyList => 0,
            XmDirectory::Status404 => return Err(self.error(404, "GED_3")),
            XmDirectory::Status403 => return Err(self.error(403, "AuthZ_2.0")),
        };
        let includes_count = request.has_flag("includeCount");
        self.list(request, total, Cursor::SkipToken, |state, n| {
            let directory = &state.brand.directories[n];
            let mut element = json!({
                "directoryId": directory.id,
                "name": directory.name,
                "isDefault": n == 0,
                "deduplicationCriteria": {
                    "email": true, "firstName": false, "lastName": false, "externalDataReference": false, "phone": false,
                },
            });
            if includes_count {
                element["contactCount"] = directory.contacts.len().into();
            }
            element
        })
    }

    /// The position of the directory in the path of a request.
    fn directory_index(&mut self, request: &Request) -> Result<usize, Response> {
        let licensed = self.dialects.xm_directory == XmDirectory::Licensed;
        let known = |directory: &Directory| licensed && directory.id == resource_id(request);
        match self.brand.directories.iter().position(known) {
            Some(index) => Ok(index),
            None => Err(self.not_found("GED_3")),
        }
    }

    /// The positions of the directory and of the contact in the path of a request: `/directories/{id}/contacts/{id}`.
    fn contact_index(&mut self, request: &Request) -> Result<(usize, usize), Response> {
        let directory = self.directory_index(request)?;
        let mut contacts = self.brand.directories[directory].contacts.iter();
        match contacts.position(|contact| contact.id == sub_resource_id(request)) {
            Some(contact) => Ok((directory, contact)),
            None => Err(self.not_found("GED_3")),
        }
    }
}
