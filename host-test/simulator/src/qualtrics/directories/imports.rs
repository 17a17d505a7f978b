//! Imports of contacts into a mailing list. An import is complete as soon as it is submitted.
//!
//! Transactions are created only in a transaction batch that exists. Batches are not simulated, so an import creates none.

use serde_json::{Map, Value, json};

use super::super::envelope::EndpointResult;
use super::super::oauth::Role;
use super::super::state::State;
use super::body::ContactBody;
use super::list_contacts::{READ, WRITE};
use crate::server::{Request, Response};

/// The most contacts of an import.
const MAX_CONTACTS: usize = 10_000;

/// An import. It does not repeat the data of its contacts, so that an erasure leaves nothing here.
#[derive(Clone, Debug)]
pub(in crate::qualtrics) struct ContactImport {
    id: String,
    directory: String,
    added: usize,
    updated: usize,
    failed: usize,
    /// For each contact that was imported: its position in the request, its ID, and its lookup ID in the list.
    imported: Vec<(usize, String, String)>,
}

impl State {
    /// `POST /directories/{id}/mailinglists/{id}/transactioncontacts`
    pub(in crate::qualtrics) fn contact_import_create(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, WRITE, Role::Any)?;
        let (directory, list) = self.mailing_list_index(request)?;
        let body = self.json_body(request)?;
        let contacts = body.get("contacts").and_then(Value::as_array);
        let Some(contacts) = contacts.filter(|contacts| (1..=MAX_CONTACTS).contains(&contacts.len())) else {
            return Err(self.error(400, "QVAL_1"));
        };
        let known = &self.brand.directories[directory];
        let (list, directory_id) = (known.mailing_lists[list].id.clone(), known.id.clone());
        let before = known.contacts.len();
        let (mut imported, mut unprocessed) = (Vec::new(), Vec::new());
        for (n, contact) in contacts.iter().enumerate() {
            match contact.as_object().cloned().and_then(ContactBody::parse) {
                Some(body) => {
                    let (contact, lookup) = self.create_member(directory, &list, &body);
                    imported.push((n, contact, lookup));
                }
                None => unprocessed.push(n),
            }
        }
        let added = self.brand.directories[directory].contacts.len() - before;
        let import = ContactImport {
            id: format!("IMP_{}", self.uuid()),
            directory: directory_id,
            added,
            updated: imported.len() - added,
            failed: unprocessed.len(),
            imported,
        };
        let url = format!("{}{}/{}", self.origin, request.path.trim_end_matches('/'), import.id);
        let result = json!({
            "id": import.id,
            "contacts": { "unprocessed": unprocessed },
            "tracking": { "url": url },
            "status": "inProgress",
        });
        self.contact_imports.push(import);
        Ok(self.success_with_status(202, result))
    }

    /// `GET /directories/{id}/mailinglists/{id}/transactioncontacts/{id}`
    pub(in crate::qualtrics) fn contact_import(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Any)?;
        self.mailing_list_index(request)?;
        let import = self.requested_import(request)?;
        let result = json!({
            "percentComplete": 100.0,
            "contacts": { "count": { "added": import.added, "updated": import.updated, "failed": import.failed } },
            "transactions": { "count": { "created": 0, "failed": 0 } },
            "status": "complete",
        });
        Ok(self.success(result))
    }

    /// `GET /directories/{id}/imports/api-imports/jobs/{id}/report`. Its envelope has `results`.
    pub(in crate::qualtrics) fn contact_import_report(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Any)?;
        let directory = self.directory_index(request)?;
        let import = self.requested_import(request)?;
        let contacts = &self.brand.directories[directory].contacts;
        let entries = import.imported.iter().map(|(n, id, lookup)| {
            let contact = contacts.iter().find(|contact| contact.id == *id);
            json!({
                "sourceIndexId": n.to_string(),
                "email": contact.and_then(|contact| contact.email.as_deref()),
                "phone": contact.and_then(|contact| contact.phone.as_deref()),
                "contactId": id,
                "importStatus": "Success",
                "importStatusCode": null,
                "transactionId": null,
                "transactionStatus": null,
                "transactionStatusCode": null,
                "contactListContactId": lookup,
                "contactListContactStatus": "Success",
                "contactListContactStatusCode": null,
            })
        });
        let results = json!({ "importReportEntries": entries.collect::<Vec<_>>() });
        Ok(self.success_with_members(Map::from_iter([("results".to_owned(), results)])))
    }

    fn requested_import(&mut self, request: &Request) -> Result<ContactImport, Response> {
        let (directory, id) = (request.segment(3), request.segment(7));
        let mut imports = self.contact_imports.iter();
        match imports.find(|import| import.directory == directory && import.id == id).cloned() {
            Some(import) => Ok(import),
            None => Err(self.not_found("GED_3")),
        }
    }
}
