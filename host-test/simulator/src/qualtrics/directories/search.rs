//! The search for contacts of a directory.

use serde_json::{Value, json};

use super::super::brand::ignoring_case;
use super::super::contact::Contact;
use super::super::dialects::{ContactSearch, LiteDirectory, SearchCursor};
use super::super::envelope::EndpointResult;
use super::super::oauth::Role;
use super::super::pages::{Cursor, PageSizes};
use super::super::state::State;
use crate::faults::Fault;
use crate::server::{Request, Response};

/// The number of contacts that a search can return.
const MAX_SEARCH_DEPTH: usize = 10_000;

impl State {
    /// `POST /directories/{id}/contacts/search`
    pub(in crate::qualtrics) fn contact_search(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, super::contacts::READ, Role::Any)?;
        let index = self.directory_index(request)?;
        self.require_full_directory(index)?;
        if !request.has_media_type("application/json") {
            return Err(self.error(415, "QVAL_2"));
        }
        let Some(filters) = request.json().and_then(|body| parse_filters(&body["filter"])) else {
            return Err(self.error(400, "QVAL_1"));
        };
        let page = self.page(request, PageSizes::USUAL)?;
        if page.start + page.size > MAX_SEARCH_DEPTH {
            return Err(self.error(400, "QVAL_6"));
        }
        let ignores_filter = request.fault == Some(Fault::IgnoredFilter);
        let contacts = self.brand.directories[index].contacts.iter();
        let comparison = self.dialects.contact_search;
        let is_match = |contact: &Contact| filters.iter().all(|filter| filter.matches(contact, comparison));
        let matching: Vec<_> = contacts.filter(|contact| ignores_filter || is_match(contact)).collect();
        let (embedded, segments) = (request.has_flag("includeEmbedded"), request.has_flag("includeSegments"));
        let is_first = request.parameter("skipToken").is_none();
        let positions = match self.dialects.search_cursor {
            SearchCursor::EmptyPage if is_first => 0..0,
            _ => page.of(matching.len()),
        };
        let is_full = positions.len() == page.size;
        let elements: Vec<_> =
            matching[positions].iter().map(|contact| self.found_contact(contact, embedded, segments)).collect();
        let next = page.start + elements.len();
        let mut result = json!({ "elements": elements });
        match request.fault {
            Some(Fault::RepeatedCursor) => result["skipToken"] = Cursor::SkipToken.format(page.start).into(),
            Some(Fault::NextPageElsewhere(_)) => self.link_next_page(&mut result, request, Cursor::SkipToken, next),
            _ if self.dialects.search_cursor == SearchCursor::Number && next > page.start => {
                result["skipToken"] = next.into();
            }
            _ if is_full || (self.dialects.search_cursor == SearchCursor::EmptyPage && is_first) => {
                result["skipToken"] = Cursor::SkipToken.format(next).into();
            }
            _ => {}
        }
        Ok(self.success(result))
    }

    /// The error of an endpoint that XMD Lite does not have, if this directory is one.
    pub(super) fn require_full_directory(&mut self, directory: usize) -> Result<(), Response> {
        if !self.brand.directories[directory].lite {
            return Ok(());
        }
        let (status, code) = match self.dialects.lite_directory {
            LiteDirectory::Status400 => (400, "QVAL_5"),
            LiteDirectory::Status403 => (403, "AuthZ_2.0"),
            LiteDirectory::Status404 => (404, "GED_3"),
        };
        Err(self.error(status, code))
    }
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
            "language" => |contact| contact.language.as_deref(),
            _ => return None,
        };
        let is_equal = match filter["comparison"].as_str()? {
            "eq" => true,
            "neq" => false,
            _ => return None,
        };
        Some(Self { field, is_equal, value: filter["value"].as_str()?.trim().to_owned() })
    }

    fn matches(&self, contact: &Contact, comparison: ContactSearch) -> bool {
        let same = match comparison {
            ContactSearch::IgnoresCase => ignoring_case,
            ContactSearch::Exact => |one: &str, other: &str| one == other,
            ContactSearch::Similar => are_similar,
        };
        (self.field)(contact).is_some_and(|value| same(value, &self.value)) == self.is_equal
    }
}

/// Whether texts are equal without case, addresses also without dots and tags, and telephone numbers in their last seven digits.
fn are_similar(one: &str, other: &str) -> bool {
    let mailbox = |text: &str| {
        let (local, domain) = text.split_once('@')?;
        let local = local.split('+').next().unwrap_or_default().replace('.', "");
        Some(format!("{local}@{domain}").to_lowercase())
    };
    let last_digits = |text: &str| {
        let digits: Vec<char> = text.chars().rev().filter(char::is_ascii_digit).take(7).collect();
        (digits.len() == 7 && !text.contains(char::is_alphabetic)).then_some(digits)
    };
    let are_equal = |one: Option<_>, other: Option<_>| one.is_some() && one == other;
    ignoring_case(one, other)
        || are_equal(mailbox(one), mailbox(other))
        || (last_digits(one).is_some() && last_digits(one) == last_digits(other))
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
