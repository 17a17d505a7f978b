//! The transactions of contacts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::contact::{Contact, Transaction};
use super::super::endpoint::sub_resource_id;
use super::super::envelope::{EndpointResult, MESSAGE_CANARY, parse_instant};
use super::super::oauth::Role;
use super::super::pages::Cursor;
use super::super::state::State;
use super::body::text_of;
use crate::server::{Request, Response};

const READ: &[&str] = &["read:contact_transactions", "manage:contact_transactions"];
const WRITE: &[&str] = &["manage:contact_transactions", "write:contact_transactions"];

/// Where a transaction is: the positions of a directory, a contact, and a transaction of the contact.
type Place = (usize, usize, usize);

impl State {
    /// `GET /directories/{id}/contacts/{id}/transactions`
    pub(in crate::qualtrics) fn contact_transactions(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Any)?;
        let (directory, n) = self.contact_index(request)?;
        let total = self.brand.directories[directory].contacts[n].transactions.len();
        let sizes = self.history_pages();
        self.list_in_pages(request, sizes, total, Cursor::SkipToken, |state, transaction| {
            let contact = &state.brand.directories[directory].contacts[n];
            state.transaction_view(contact, &contact.transactions[transaction])
        })
    }

    /// `POST /directories/{id}/transactions`: an object of transactions by names of the caller's choice.
    pub(in crate::qualtrics) fn transactions_create(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, WRITE, Role::Any)?;
        let directory = self.directory_index(request)?;
        let body = self.json_body(request)?;
        if body.is_empty() {
            return Err(self.error(400, "QVAL_1"));
        }
        let (mut created, mut unprocessed) = (Map::new(), Map::new());
        for (name, new) in body {
            match self.create_transaction(directory, &new) {
                Some(id) => created.insert(name, json!({ "id": id })),
                None => {
                    let message = format!("The transaction of {MESSAGE_CANARY} cannot be created.");
                    unprocessed.insert(name, json!({ "error": "QVAL_1", "errorMessage": message }))
                }
            };
        }
        let result = json!({ "createdTransactions": created, "unprocessedTransactions": unprocessed });
        Ok(self.success(result))
    }

    /// `GET /directories/{id}/transactions/{id}`
    pub(in crate::qualtrics) fn transaction(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Any)?;
        let (directory, contact, n) = self.transaction_place(request)?;
        let contact = &self.brand.directories[directory].contacts[contact];
        let result = self.transaction_view(contact, &contact.transactions[n]);
        Ok(self.success(result))
    }

    /// `POST /directories/{id}/transactions/{id}`: adds data.
    pub(in crate::qualtrics) fn transaction_append(&mut self, request: &Request) -> EndpointResult {
        self.change_transaction(request, |transaction, _, data| {
            transaction.data.extend(data);
            Some(())
        })
    }

    /// `PUT /directories/{id}/transactions/{id}`: replaces the data, and sets the date.
    pub(in crate::qualtrics) fn transaction_update(&mut self, request: &Request) -> EndpointResult {
        self.change_transaction(request, |transaction, body, data| {
            if let Some(date) = body.get("transactionDate") {
                transaction.date = parse_instant(date.as_str()?)?;
            }
            transaction.data = data;
            Some(())
        })
    }

    /// `DELETE /directories/{id}/transactions/{id}`
    pub(in crate::qualtrics) fn transaction_delete(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, WRITE, Role::Any)?;
        let (directory, contact, n) = self.transaction_place(request)?;
        self.brand.directories[directory].contacts[contact].transactions.remove(n);
        Ok(self.success_without_result())
    }

    /// Adds a transaction to its contact. Returns its ID, or `None` if it is invalid.
    fn create_transaction(&mut self, directory: usize, new: &Value) -> Option<String> {
        let date = parse_instant(new["transactionDate"].as_str()?)?;
        let data = data_of(&new["data"])?;
        let known = &self.brand.directories[directory];
        let list = known.mailing_lists.iter().find(|list| new["mailingListId"] == *list.id)?.id.clone();
        let contact = known.contacts.iter().position(|contact| new["contactId"] == *contact.id)?;
        let id = format!("CTR_{:015}", self.brand.next_number());
        let transaction = Transaction { id: id.clone(), list, date, data };
        self.brand.directories[directory].contacts[contact].transactions.push(transaction);
        Some(id)
    }

    /// Changes a transaction by the body of a request and its data. `None` is an invalid body.
    fn change_transaction(
        &mut self,
        request: &Request,
        change: impl FnOnce(&mut Transaction, &Map<String, Value>, BTreeMap<String, String>) -> Option<()>,
    ) -> EndpointResult {
        self.authorize(request, WRITE, Role::Any)?;
        let (directory, contact, n) = self.transaction_place(request)?;
        let body = self.json_body(request)?;
        let transaction = &mut self.brand.directories[directory].contacts[contact].transactions[n];
        let data = data_of(body.get("data").unwrap_or(&Value::Null));
        match data.and_then(|data| change(transaction, &body, data)) {
            Some(()) => Ok(self.success_without_result()),
            None => Err(self.error(400, "QVAL_1")),
        }
    }

    fn transaction_place(&mut self, request: &Request) -> Result<Place, Response> {
        let directory = self.directory_index(request)?;
        let mut contacts = self.brand.directories[directory].contacts.iter().enumerate();
        let place = contacts.find_map(|(contact, holder)| {
            let n = holder.transactions.iter().position(|known| known.id == sub_resource_id(request))?;
            Some((directory, contact, n))
        });
        place.ok_or_else(|| self.not_found("GED_3"))
    }

    fn transaction_view(&self, contact: &Contact, transaction: &Transaction) -> Value {
        json!({
            "transactionId": transaction.id,
            "contactId": contact.id,
            "mailingListId": transaction.list,
            "transactionDate": self.date(Duration::from_secs(transaction.date)),
            "data": transaction.data,
        })
    }
}

/// The data of a transaction. `None` if it is neither missing nor an object of text, numbers and booleans.
fn data_of(data: &Value) -> Option<BTreeMap<String, String>> {
    match data {
        Value::Null => Some(BTreeMap::new()),
        Value::Object(data) => data.iter().map(|(name, value)| Some((name.clone(), text_of(value)?))).collect(),
        _ => None,
    }
}
