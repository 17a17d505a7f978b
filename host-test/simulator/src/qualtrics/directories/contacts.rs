//! The contacts of a directory.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::brand::{SurveyResponse, ignoring_case};
use super::super::contact::Contact;
use super::super::dialects::{
    ContactLag, ContactPut, DuplicateContacts, HistoryPages, HistorySenders, HistoryTypes, OptOutMark,
};
use super::super::envelope::{EndpointResult, iso, parse_instant};
use super::super::oauth::Role;
use super::super::pages::{Cursor, PageSizes};
use super::super::state::State;
use super::body::ContactBody;
use crate::server::{Request, Response};

pub(super) const READ: &[&str] = &["read:directory_contacts"];
const WRITE: &[&str] = &["manage:directory_contacts", "write:directory_contacts"];

/// How long a single contact does not show an update: see [`ContactLag`].
const CONTACT_LAG: Duration = Duration::from_secs(20);

/// With `useNewPaginationScheme=true`.
const LARGE_PAGES: PageSizes = PageSizes { default: 100, accepted: 1000, largest: 1000 };

impl State {
    /// `GET /directories/{id}/contacts`
    pub(in crate::qualtrics) fn contacts(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Any)?;
        let index = self.directory_index(request)?;
        let sizes = if request.has_flag("useNewPaginationScheme") { LARGE_PAGES } else { PageSizes::USUAL };
        let total = self.brand.directories[index].contacts.len();
        self.list_in_pages(request, sizes, total, Cursor::SkipToken, |state, n| {
            state.contact_element(&state.brand.directories[index].contacts[n])
        })
    }

    /// `GET /directories/{id}/contacts/optedOutContacts`
    pub(in crate::qualtrics) fn opted_out_contacts(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Any)?;
        let index = self.directory_index(request)?;
        self.require_full_directory(index)?;
        let since = self.since(request)?;
        let contacts = &self.brand.directories[index].contacts;
        let has_opted_out = |contact: &Contact| contact.opted_out.is_some_and(|at| at >= since);
        let positions: Vec<_> = (0..contacts.len()).filter(|&n| has_opted_out(&contacts[n])).collect();
        self.list(request, positions.len(), Cursor::SkipToken, |state, n| {
            state.contact_element(&state.brand.directories[index].contacts[positions[n]])
        })
    }

    /// `POST /directories/{id}/contacts`
    pub(in crate::qualtrics) fn contact_create(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, WRITE, Role::Any)?;
        let directory = self.directory_index(request)?;
        let body = self.contact_body(request)?;
        let now = self.now().as_secs();
        let n = self.create_contact(directory, &body);
        let contact = &mut self.brand.directories[directory].contacts[n];
        body.apply_opt_out(&mut contact.opted_out, ContactPut::Merges, now);
        let id = contact.id.clone();
        Ok(self.success(json!({ "id": id })))
    }

    /// `GET /directories/{id}/contacts/{id}`
    pub(in crate::qualtrics) fn contact(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Any)?;
        let (directory, n) = self.contact_index(request)?;
        let contact = &self.brand.directories[directory].contacts[n];
        let shown = self.shown_before_updates.get(&contact.id).filter(|(until, _)| self.now() < *until);
        let result = self.contact_view(directory, shown.map_or(contact, |(_, before)| before));
        Ok(self.success(result))
    }

    /// `PUT /directories/{id}/contacts/{id}`
    pub(in crate::qualtrics) fn contact_update(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, WRITE, Role::Any)?;
        let (directory, n) = self.contact_index(request)?;
        let body = self.contact_body(request)?;
        let (put, now) = (self.dialects.contact_put, self.now().as_secs());
        if self.dialects.contact_lag == ContactLag::Seconds {
            let before = self.brand.directories[directory].contacts[n].clone();
            self.shown_before_updates.insert(before.id.clone(), (self.now() + CONTACT_LAG, before));
        }
        let sets_mark = self.dialects.opt_out_mark == OptOutMark::Set;
        let contact = &mut self.brand.directories[directory].contacts[n];
        body.apply(contact, put);
        if sets_mark {
            body.apply_opt_out(&mut contact.opted_out, put, now);
        }
        contact.modified = now;
        Ok(self.success_without_result())
    }

    /// `DELETE /directories/{id}/contacts/{id}`
    pub(in crate::qualtrics) fn contact_delete(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, WRITE, Role::Any)?;
        let (directory, n) = self.contact_index(request)?;
        self.brand.directories[directory].contacts.remove(n);
        Ok(self.success_without_result())
    }

    /// `GET /directories/{id}/contacts/{id}/history`
    pub(in crate::qualtrics) fn contact_history(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, READ, Role::Any)?;
        let (directory, n) = self.contact_index(request)?;
        let contact = &self.brand.directories[directory].contacts[n];
        let is_own = |response: &&SurveyResponse| {
            contact.email.as_ref().is_some_and(|email| response.has_email(email, ignoring_case))
        };
        let responses: Vec<SurveyResponse> = self.brand.responses.iter().filter(is_own).cloned().collect();
        let bounces = contact.bounces;
        let date = |seconds: u64| iso(Duration::from_secs(seconds)).replace('T', " ").replace('Z', "");
        let sender = self.brand.users.first().map(|user| (user.id.clone(), user.email.clone()));
        let sender = sender.filter(|_| self.dialects.history_senders == HistorySenders::Named);
        let with_sender = |mut element: Value| {
            if let Some((id, email)) = &sender {
                element["ownerId"] = id.as_str().into();
                element["sender"] = json!({ "fromEmail": email });
            }
            element
        };
        let sizes = self.history_pages();
        let knows_responses = self.dialects.history_types == HistoryTypes::Both;
        match request.parameter("type").as_deref() {
            Some("response") if knows_responses => {
                self.list_in_pages(request, sizes, responses.len(), Cursor::Offset, |_, n| {
                    let response = &responses[n];
                    with_sender(json!({
                        "responseId": response.id,
                        "surveyId": response.survey,
                        "distributionId": null,
                        "dateStarted": date(response.recorded - 120),
                        "dateCompleted": date(response.recorded),
                        "surveyFinished": true,
                    }))
                })
            }
            Some("email") => self.list_in_pages(request, sizes, responses.len(), Cursor::Offset, |_, n| {
                let response = &responses[n];
                let mut element = json!({
                    "distributionId": response.id.replace("R_", "EMD_"),
                    "date": date(response.recorded - 3600),
                    "type": "Invite",
                    "result": if bounces { "Bounce" } else { "Success" },
                    "surveyId": response.survey,
                    "read": !bounces,
                });
                if bounces {
                    element["bounceInfo"] = json!({ "type": "Hard" });
                }
                with_sender(element)
            }),
            _ => Err(self.error(400, "GPR_1")),
        }
    }

    /// The pages of a history and of transactions.
    pub(super) fn history_pages(&self) -> PageSizes {
        match self.dialects.history_pages {
            HistoryPages::AsRequested => PageSizes::USUAL,
            HistoryPages::Two => PageSizes { default: 2, largest: 2, ..PageSizes::USUAL },
        }
    }

    /// The position of the new contact of this body, or of one that it updates: see [`DuplicateContacts`].
    pub(super) fn create_contact(&mut self, directory: usize, body: &ContactBody) -> usize {
        let now = self.now().as_secs();
        let contacts = &self.brand.directories[directory].contacts;
        let is_duplicate =
            |contact: &Contact| body.email().is_some_and(|email| contact.has_email(email, ignoring_case));
        let duplicate = match self.dialects.duplicate_contacts {
            DuplicateContacts::Merged => contacts.iter().position(is_duplicate),
            DuplicateContacts::Kept => None,
        };
        let n = duplicate.unwrap_or(contacts.len());
        if duplicate.is_none() {
            let id = format!("CID_{:015}", self.brand.next_number());
            let contact = Contact { id, created: now, ..Contact::default() };
            self.brand.directories[directory].contacts.push(contact);
        }
        let contact = &mut self.brand.directories[directory].contacts[n];
        body.apply(contact, ContactPut::Merges);
        contact.modified = now;
        n
    }

    /// The time from which on opt-outs are listed: seconds since 1970.
    pub(super) fn since(&mut self, request: &Request) -> Result<u64, Response> {
        match request.parameter("since").map(|since| parse_instant(&since)) {
            None => Ok(0),
            Some(Some(since)) => Ok(since),
            Some(None) => Err(self.error(400, "GPR_1")),
        }
    }
}
