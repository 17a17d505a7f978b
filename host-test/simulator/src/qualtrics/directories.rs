//! Directories and contacts: the fact sheet, section 8.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::brand::{Contact, Directory, SurveyResponse, ignoring_case};
use super::dialects::{ContactDates, ContactNulls, DirectoriesScope, LiteDirectory, XmDirectory};
use super::endpoint::{resource_id, sub_resource_id};
use super::envelope::{EndpointResult, iso, millis};
use super::oauth::Role;
use super::pages::Cursor;
use super::state::State;
use crate::faults::Fault;
use crate::server::{Request, Response};

const SCOPE: Option<&str> = Some("read:directory_contacts");

/// The number of contacts that a search can return.
const MAX_SEARCH_DEPTH: usize = 10_000;

impl State {
    /// `GET /directories`
    pub(super) fn directories(&mut self, request: &Request) -> EndpointResult {
        let scope = match self.dialects.directories_scope {
            DirectoriesScope::ReadDirectories => Some("read:directories"),
            DirectoriesScope::None => None,
        };
        self.authorize(request, scope, Role::Any)?;
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

    /// `POST /directories/{id}/contacts/search`
    pub(super) fn contact_search(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, SCOPE, Role::Any)?;
        let index = self.directory_index(request)?;
        if self.brand.directories[index].lite {
            let (status, code) = match self.dialects.lite_directory {
                LiteDirectory::Status400 => (400, "QVAL_5"),
                LiteDirectory::Status403 => (403, "AuthZ_2.0"),
                LiteDirectory::Status404 => (404, "GED_3"),
            };
            return Err(self.error(status, code));
        }
        if !request.has_media_type("application/json") {
            return Err(self.error(415, "QVAL_2"));
        }
        let Some(filters) = request.json().and_then(|body| parse_filters(&body["filter"])) else {
            return Err(self.error(400, "QVAL_1"));
        };
        let page = self.page(request)?;
        if page.start + page.size > MAX_SEARCH_DEPTH {
            return Err(self.error(400, "QVAL_6"));
        }
        let ignores_filter = request.fault == Some(Fault::IgnoredFilter);
        let contacts = self.brand.directories[index].contacts.iter();
        let matching: Vec<_> =
            contacts.filter(|contact| ignores_filter || filters.iter().all(|filter| filter.matches(contact))).collect();
        let (embedded, segments) = (request.has_flag("includeEmbedded"), request.has_flag("includeSegments"));
        let positions = page.of(matching.len());
        let is_full = positions.len() == page.size;
        let elements: Vec<_> =
            matching[positions].iter().map(|contact| self.found_contact(contact, embedded, segments)).collect();
        let next = page.start + elements.len();
        let mut result = json!({ "elements": elements });
        match request.fault {
            Some(Fault::RepeatedCursor) => result["skipToken"] = Cursor::SkipToken.format(page.start).into(),
            Some(Fault::NextPageElsewhere(_)) => self.link_next_page(&mut result, request, Cursor::SkipToken, next),
            _ if is_full => result["skipToken"] = Cursor::SkipToken.format(next).into(),
            _ => {}
        }
        Ok(self.success(result))
    }

    /// `GET /directories/{id}/contacts`
    pub(super) fn contacts(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, SCOPE, Role::Any)?;
        let index = self.directory_index(request)?;
        self.list(request, self.brand.directories[index].contacts.len(), Cursor::SkipToken, |state, n| {
            let contact = &state.brand.directories[index].contacts[n];
            state.without_nulls(json!({
                "contactId": contact.id,
                "firstName": contact.first_name,
                "lastName": contact.last_name,
                "email": contact.email,
                "phone": contact.phone,
                "extRef": contact.reference,
                "language": null,
                "unsubscribed": false,
            }))
        })
    }

    /// `GET /directories/{id}/contacts/{id}`
    pub(super) fn contact(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, SCOPE, Role::Any)?;
        let contact = self.requested_contact(request)?;
        let date = |seconds: u64| match self.dialects.contact_dates {
            ContactDates::EpochMillis => millis(Duration::from_secs(seconds)),
            ContactDates::Iso => iso(Duration::from_secs(seconds)).into(),
        };
        let result = self.without_nulls(json!({
            "contactId": contact.id,
            "creationDate": date(contact.created),
            "lastModified": date(contact.created + 60),
            "firstName": contact.first_name,
            "lastName": contact.last_name,
            "email": contact.email,
            "emailDomain": contact.email.as_ref().and_then(|email| email.split_once('@')).map(|(_, domain)| domain),
            "phone": contact.phone,
            "extRef": contact.reference,
            "embeddedData": contact.embedded_data,
            "language": "en",
            "skipped": null,
            "segmentMembership": {},
            "directoryUnsubscribed": false,
            "directoryUnsubscribeDate": null,
            "stats": stats(),
            "mailingListMembership": {
                "CG_000000000000001": {
                    "contactLookupId": contact.id.replace("CID_", "CGC_"),
                    "name": "Newsletter",
                    "unsubscribed": false,
                    "unsubscribeDate": null,
                    "ownerId": "UR_1aGraceAdmin0001",
                },
            },
        }));
        Ok(self.success(result))
    }

    /// `GET /directories/{id}/contacts/{id}/history`
    pub(super) fn contact_history(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, SCOPE, Role::Any)?;
        let email = self.requested_contact(request)?.email;
        let responses: Vec<SurveyResponse> = self
            .brand
            .responses
            .iter()
            .filter(|response| email.as_ref().is_some_and(|email| response.has_email(email, ignoring_case)))
            .cloned()
            .collect();
        let date = |seconds: u64| iso(Duration::from_secs(seconds)).replace('T', " ").replace('Z', "");
        match request.parameter("type").as_deref() {
            Some("response") => self.list(request, responses.len(), Cursor::Offset, |_, n| {
                let response = &responses[n];
                json!({
                    "responseId": response.id,
                    "surveyId": response.survey,
                    "distributionId": null,
                    "dateStarted": date(response.recorded - 120),
                    "dateCompleted": date(response.recorded),
                    "surveyFinished": true,
                })
            }),
            Some("email") => self.list(request, responses.len(), Cursor::Offset, |_, n| {
                let response = &responses[n];
                json!({
                    "distributionId": response.id.replace("R_", "EMD_"),
                    "date": date(response.recorded - 3600),
                    "type": "Invite",
                    "result": "Success",
                    "surveyId": response.survey,
                    "read": true,
                })
            }),
            _ => Err(self.error(400, "GPR_1")),
        }
    }

    fn directory_index(&mut self, request: &Request) -> Result<usize, Response> {
        let licensed = self.dialects.xm_directory == XmDirectory::Licensed;
        let known = |directory: &Directory| licensed && directory.id == resource_id(request);
        match self.brand.directories.iter().position(known) {
            Some(index) => Ok(index),
            None => Err(self.not_found("GED_3")),
        }
    }

    fn requested_contact(&mut self, request: &Request) -> Result<Contact, Response> {
        let index = self.directory_index(request)?;
        let mut contacts = self.brand.directories[index].contacts.iter();
        match contacts.find(|contact| contact.id == sub_resource_id(request)).cloned() {
            Some(contact) => Ok(contact),
            None => Err(self.not_found("GED_3")),
        }
    }

    /// A contact in the results of a search. Some members have other names than those of a single contact.
    fn found_contact(&self, contact: &Contact, embedded: bool, segments: bool) -> Value {
        let mut element = json!({
            "id": contact.id,
            "creationDate": self.date(Duration::from_secs(contact.created)),
            "lastModified": self.date(Duration::from_secs(contact.created + 60)),
            "firstName": contact.first_name,
            "lastName": contact.last_name,
            "email": contact.email,
            "phoneNumber": contact.phone,
            "externalDataReference": contact.reference,
            "language": "en",
            "unsubscribed": false,
            "unsubscribeDate": null,
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

    fn without_nulls(&self, mut element: Value) -> Value {
        if let (ContactNulls::Absent, Value::Object(members)) = (self.dialects.contact_nulls, &mut element) {
            members.retain(|_, value| !value.is_null());
        }
        element
    }
}

fn stats() -> Map<String, Value> {
    let stats = [("EmailCount", "1"), ("InviteCount", "1"), ("ResponseCount", "1"), ("ResponseRate", "100")];
    stats.map(|(name, value)| (name.to_owned(), Value::from(value))).into_iter().collect()
}

/// One condition of a search.
struct Filter {
    field: fn(&Contact) -> Option<&str>,
    is_equal: bool,
    value: String,
}

impl Filter {
    fn parse(filter: &Value) -> Option<Self> {
        let field: fn(&Contact) -> Option<&str> = match filter["filterType"].as_str()? {
            "email" => |contact| contact.email.as_deref(),
            "firstName" => |contact| contact.first_name.as_deref(),
            "lastName" => |contact| contact.last_name.as_deref(),
            "phone" => |contact| contact.phone.as_deref(),
            "extRef" => |contact| contact.reference.as_deref(),
            _ => return None,
        };
        let is_equal = match filter["comparison"].as_str()? {
            "eq" => true,
            "neq" => false,
            _ => return None,
        };
        Some(Self { field, is_equal, value: filter["value"].as_str()?.trim().to_owned() })
    }

    fn matches(&self, contact: &Contact) -> bool {
        (self.field)(contact).is_some_and(|value| ignoring_case(value, &self.value)) == self.is_equal
    }
}

/// A single condition, or a conjunction of two to five.
fn parse_filters(filter: &Value) -> Option<Vec<Filter>> {
    match filter.get("conjunction") {
        None => Some(vec![Filter::parse(filter)?]),
        Some(conjunction) if conjunction == "and" => {
            let filters = filter["filters"].as_array().filter(|filters| (2..=5).contains(&filters.len()))?;
            filters.iter().map(Filter::parse).collect()
        }
        Some(_) => None,
    }
}
