//! Pagination of lists.

use std::ops::Range;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::dialects::{LastPage, NextPage, PageSize};
use super::envelope::EndpointResult;
use super::state::State;
use crate::faults::Fault;
use crate::server::{Request, Response};

/// The kind of a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cursor {
    Offset,
    SkipToken,
}

impl Cursor {
    /// The query parameter that takes the cursor.
    fn parameter(self) -> &'static str {
        match self {
            Self::Offset => "offset",
            Self::SkipToken => "skipToken",
        }
    }

    /// Formats a position as a cursor.
    pub(super) fn format(self, position: usize) -> String {
        match self {
            Self::Offset => position.to_string(),
            Self::SkipToken => STANDARD.encode(format!("position:{position:06}?")),
        }
    }
}

/// Parses a cursor of either kind.
fn parse(cursor: &str) -> Option<usize> {
    if let Ok(position) = cursor.parse() {
        return Some(position);
    }
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("position:")?.strip_suffix('?')?.parse().ok()
}

/// The position and size of a requested page.
pub(super) struct Page {
    pub(super) start: usize,
    pub(super) size: usize,
}

impl Page {
    /// The positions of the page in a list of this length.
    pub(super) fn of(&self, total: usize) -> Range<usize> {
        self.start.min(total)..(self.start + self.size).min(total)
    }
}

/// The sizes of the pages of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageSizes {
    /// The size without `pageSize`.
    pub(super) default: usize,
    /// The largest `pageSize` that is accepted.
    pub(super) accepted: usize,
    /// The size of the largest page. A larger `pageSize` that is accepted counts as this size.
    pub(super) largest: usize,
}

impl PageSizes {
    /// The sizes of most lists.
    pub(super) const USUAL: Self = Self { default: 100, accepted: 100, largest: 100 };
}

impl State {
    /// The page that is requested.
    pub(super) fn page(&mut self, request: &Request, sizes: PageSizes) -> Result<Page, Response> {
        let size = match request.parameter("pageSize").map(|size| size.parse::<usize>()) {
            None => sizes.default,
            Some(Ok(size)) if (1..=sizes.accepted).contains(&size) => size.min(sizes.largest),
            Some(Ok(1..)) if self.dialects.page_size == PageSize::Clamped => sizes.largest,
            Some(_) => return Err(self.error(400, "GPR_1")),
        };
        let start = match request.parameter("skipToken").or_else(|| request.parameter("offset")) {
            None => Some(0),
            Some(cursor) => parse(&cursor),
        };
        match start {
            Some(start) => Ok(Page { start, size }),
            None => Err(self.error(400, "GPR_1")),
        }
    }

    /// A page of a list of this length, with a link to the next page.
    pub(super) fn list(
        &mut self,
        request: &Request,
        total: usize,
        cursor: Cursor,
        element: impl Fn(&Self, usize) -> Value,
    ) -> EndpointResult {
        self.list_in_pages(request, PageSizes::USUAL, total, cursor, element)
    }

    /// A page of a list of this length whose pages have these sizes, with a link to the next page.
    pub(super) fn list_in_pages(
        &mut self,
        request: &Request,
        sizes: PageSizes,
        total: usize,
        cursor: Cursor,
        element: impl Fn(&Self, usize) -> Value,
    ) -> EndpointResult {
        let page = self.page(request, sizes)?;
        let positions = page.of(total);
        let next = match request.fault {
            Some(Fault::RepeatedCursor) => Some(page.start),
            Some(Fault::NextPageElsewhere(_)) => Some(positions.end),
            _ => Some(positions.end).filter(|&end| end < total),
        };
        let elements: Vec<_> = positions.map(|n| element(self, n)).collect();
        let mut result = json!({ "elements": elements });
        match next {
            Some(position) => self.link_next_page(&mut result, request, cursor, position),
            None if self.dialects.last_page == LastPage::Null => match self.dialects.next_page {
                NextPage::Links => result["links"] = json!({ "next": null }),
                NextPage::Url | NextPage::OtherHost | NextPage::Token => result["nextPage"] = Value::Null,
            },
            None => {}
        }
        Ok(self.success(result))
    }

    /// Adds the link to the page at this position.
    pub(super) fn link_next_page(&self, result: &mut Value, request: &Request, cursor: Cursor, position: usize) {
        const REPLACED: [&str; 4] = ["offset", "skipToken", "proxyDepth", "proxyInfo"];
        let path = &request.path;
        let query = |further: &[(&str, &str)]| {
            let unchanged = form_urlencoded::parse(request.query.as_bytes());
            let unchanged = unchanged.filter(|(name, _)| !REPLACED.contains(&&**name));
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(unchanged).append_pair(cursor.parameter(), &cursor.format(position));
            query.extend_pairs(further).finish()
        };
        let url = |origin: &str| format!("{origin}{path}?{}", query(&[]));
        if let Some(Fault::NextPageElsewhere(origin)) = &request.fault {
            result["nextPage"] = url(origin).into();
            return;
        }
        let next_page = if self.is_proxied { NextPage::OtherHost } else { self.dialects.next_page };
        match next_page {
            NextPage::Url => result["nextPage"] = url(&self.origin).into(),
            NextPage::OtherHost => {
                let query = query(&[("proxyDepth", "1"), ("proxyInfo", "other")]);
                result["nextPage"] = format!("https://other.qualtrics.com{path}?{query}").into();
            }
            NextPage::Token => result["nextPage"] = cursor.format(position).into(),
            NextPage::Links => result["links"] = json!({ "next": { "href": url(&self.origin) } }),
        }
    }
}
