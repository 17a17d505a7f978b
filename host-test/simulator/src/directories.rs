//! Directories and contacts: the fact sheet, section 8.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Answered, iso, millis};
use super::ask::Ask;
use super::brand::{Contact, Directory, SurveyResponse, any_case};
use super::dialects::{ContactDates, ContactNulls, DirectoriesScope, LiteDirectory, XmDirectory};
use super::oauth::Role;
use super::pages::Cursor;
use super::state::State;

const SCOPE: Option<&str> = Some("read:directory_contacts");

/// A search shows no contact beyond this many.
const DEPTH: usize = 10_000;

impl State {
    /// `GET /directories`
    pub(super) fn directories(&mut self, ask: &Ask) -> Answered {
        let scope = match self.dialects.directories_scope {
            DirectoriesScope::ReadDirectories => Some("read:directories"),
            DirectoriesScope::None => None,
        };
        self.authorize(ask, scope, Role::Any)?;
        let total = match self.dialects.xm_directory {
            XmDirectory::Licensed => self.brand.directories.len(),
            XmDirectory::EmptyList => 0,
            XmDirectory::Status404 => return Err(self.refusal(404, "GED_3")),
            XmDirectory::Status403 => return Err(self.refusal(403, "AuthZ_2.0")),
        };
        let counted = ask.parameter("includeCount").is_some_and(|value| value == "true");
        self.list(ask, total, Cursor::SkipToken, |state, n| {
            let directory = &state.brand.directories[n];
            let mut element = json!({
                "directoryId": directory.id,
                "name": directory.name,
                "isDefault": n == 0,
                "deduplicationCriteria": {
                    "email": true, "firstName": false, "lastName": false, "externalDataReference": false, "phone": false,
                },
            });
            if counted {
                element["contactCount"] = directory.contacts.len().into();
            }
            element
        })
    }

    /// `POST /directories/{id}/contacts/search`
    pub(super) fn contact_search(&mut self, ask: &Ask) -> Answered {
        self.authorize(ask, SCOPE, Role::Any)?;
        let place = self.directory_place(ask)?;
        if self.brand.directories[place].lite {
            let (status, code) = match self.dialects.lite_directory {
                LiteDirectory::Status400 => (400, "QVAL_5"),
                LiteDirectory::Status403 => (403, "AuthZ_2.0"),
                LiteDirectory::Status404 => (404, "GED_3"),
            };
            return Err(self.refusal(status, code));
        }
        if !ask.is("application/json") {
            return Err(self.refusal(415, "QVAL_2"));
        }
        let Some(filters) = ask.json().and_then(|body| read_filters(&body["filter"])) else {
            return Err(self.refusal(400, "QVAL_1"));
        };
        let page = self.page(ask)?;
        if page.start + page.size > DEPTH {
            return Err(self.refusal(400, "QVAL_6"));
        }
        let contacts = self.brand.directories[place].contacts.iter();
        let matching: Vec<_> = contacts
            .filter(|contact| ask.ignore_filter || filters.iter().all(|filter| filter.matches(contact)))
            .collect();
        let flag = |name: &str| ask.parameter(name).is_some_and(|value| value == "true");
        let (embedded, segments) = (flag("includeEmbedded"), flag("includeSegments"));
        let places = page.of(matching.len());
        let full = places.len() == page.size;
        let elements: Vec<_> =
            matching[places].iter().map(|contact| self.found_contact(contact, embedded, segments)).collect();
        let elements_shown = elements.len();
        let mut result = json!({ "elements": elements });
        if ask.repeat_cursor {
            result["skipToken"] = Cursor::SkipToken.write(page.start).into();
        } else if ask.next_page_at.is_some() {
            self.point(&mut result, ask, Cursor::SkipToken, page.start + elements_shown);
        } else if full {
            result["skipToken"] = Cursor::SkipToken.write(page.start + page.size).into();
        }
        Ok(self.success(result))
    }

    /// `GET /directories/{id}/contacts`
    pub(super) fn contacts(&mut self, ask: &Ask) -> Answered {
        self.authorize(ask, SCOPE, Role::Any)?;
        let place = self.directory_place(ask)?;
        self.list(ask, self.brand.directories[place].contacts.len(), Cursor::SkipToken, |state, n| {
            let contact = &state.brand.directories[place].contacts[n];
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
    pub(super) fn contact(&mut self, ask: &Ask) -> Answered {
        self.authorize(ask, SCOPE, Role::Any)?;
        let contact = self.asked_contact(ask)?;
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
    pub(super) fn contact_history(&mut self, ask: &Ask) -> Answered {
        self.authorize(ask, SCOPE, Role::Any)?;
        let email = self.asked_contact(ask)?.email;
        let responses = self.brand.responses.iter();
        let answered: Vec<SurveyResponse> = responses
            .filter(|response| email.as_ref().is_some_and(|email| response.has_email(email, any_case)))
            .cloned()
            .collect();
        let date = |seconds: u64| iso(Duration::from_secs(seconds)).replace('T', " ").replace('Z', "");
        match ask.parameter("type").as_deref() {
            Some("response") => self.list(ask, answered.len(), Cursor::Offset, |_, n| {
                let response = &answered[n];
                json!({
                    "responseId": response.id,
                    "surveyId": response.survey,
                    "distributionId": null,
                    "dateStarted": date(response.recorded - 120),
                    "dateCompleted": date(response.recorded),
                    "surveyFinished": true,
                })
            }),
            Some("email") => self.list(ask, answered.len(), Cursor::Offset, |_, n| {
                let response = &answered[n];
                json!({
                    "distributionId": response.id.replace("R_", "EMD_"),
                    "date": date(response.recorded - 3600),
                    "type": "Invite",
                    "result": "Success",
                    "surveyId": response.survey,
                    "read": true,
                })
            }),
            _ => Err(self.refusal(400, "GPR_1")),
        }
    }

    fn directory_place(&mut self, ask: &Ask) -> Result<usize, Answer> {
        let licensed = self.dialects.xm_directory == XmDirectory::Licensed;
        let known = |directory: &Directory| licensed && directory.id == ask.segment(1);
        match self.brand.directories.iter().position(known) {
            Some(place) => Ok(place),
            None => Err(self.not_found("GED_3")),
        }
    }

    fn asked_contact(&mut self, ask: &Ask) -> Result<Contact, Answer> {
        let place = self.directory_place(ask)?;
        let mut contacts = self.brand.directories[place].contacts.iter();
        match contacts.find(|contact| contact.id == ask.segment(3)).cloned() {
            Some(contact) => Ok(contact),
            None => Err(self.not_found("GED_3")),
        }
    }

    /// A contact as a search shows it; the names of some members are others than those of a single contact.
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
    equal: bool,
    value: String,
}

impl Filter {
    fn read(filter: &Value) -> Option<Self> {
        let field: fn(&Contact) -> Option<&str> = match filter["filterType"].as_str()? {
            "email" => |contact| contact.email.as_deref(),
            "firstName" => |contact| contact.first_name.as_deref(),
            "lastName" => |contact| contact.last_name.as_deref(),
            "phone" => |contact| contact.phone.as_deref(),
            "extRef" => |contact| contact.reference.as_deref(),
            _ => return None,
        };
        let equal = match filter["comparison"].as_str()? {
            "eq" => true,
            "neq" => false,
            _ => return None,
        };
        Some(Self { field, equal, value: filter["value"].as_str()?.trim().to_owned() })
    }

    fn matches(&self, contact: &Contact) -> bool {
        (self.field)(contact).is_some_and(|value| any_case(value, &self.value)) == self.equal
    }
}

/// One condition, or a conjunction of two to five.
fn read_filters(filter: &Value) -> Option<Vec<Filter>> {
    match filter.get("conjunction") {
        None => Some(vec![Filter::read(filter)?]),
        Some(conjunction) if conjunction == "and" => {
            let filters = filter["filters"].as_array().filter(|filters| (2..=5).contains(&filters.len()))?;
            filters.iter().map(Filter::read).collect()
        }
        Some(_) => None,
    }
}
