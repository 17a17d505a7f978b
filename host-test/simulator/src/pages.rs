//! Lists in pages.

use std::ops::Range;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::answer::{Answer, Answered};
use super::ask::Ask;
use super::dialects::{LastPage, NextPage, PageSize};
use super::state::State;

/// How a place in a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cursor {
    Offset,
    SkipToken,
}

impl Cursor {
    /// The parameter of the query that takes it.
    fn parameter(self) -> &'static str {
        match self {
            Self::Offset => "offset",
            Self::SkipToken => "skipToken",
        }
    }

    pub(super) fn write(self, at: usize) -> String {
        match self {
            Self::Offset => at.to_string(),
            Self::SkipToken => STANDARD.encode(format!("position:{at:06}?")),
        }
    }
}

/// Reads a cursor of either kind.
fn read(cursor: &str) -> Option<usize> {
    if let Ok(at) = cursor.parse() {
        return Some(at);
    }
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("position:")?.strip_suffix('?')?.parse().ok()
}

/// The place and size of the page that is asked for.
pub(super) struct Page {
    pub(super) start: usize,
    pub(super) size: usize,
}

impl Page {
    /// The places of the page in a list of this length.
    pub(super) fn of(&self, total: usize) -> Range<usize> {
        self.start.min(total)..(self.start + self.size).min(total)
    }
}

impl State {
    /// The page that a call asks for: 100 elements unless it says less.
    pub(super) fn page(&mut self, ask: &Ask) -> Result<Page, Answer> {
        let size = match ask.parameter("pageSize").map(|size| size.parse::<usize>()) {
            None => 100,
            Some(Ok(size @ 1..=100)) => size,
            Some(Ok(101..)) if self.dialects.page_size == PageSize::Clamped => 100,
            Some(_) => return Err(self.refusal(400, "GPR_1")),
        };
        let start = match ask.parameter("skipToken").or_else(|| ask.parameter("offset")) {
            None => Some(0),
            Some(cursor) => read(&cursor),
        };
        match start {
            Some(start) => Ok(Page { start, size }),
            None => Err(self.refusal(400, "GPR_1")),
        }
    }

    /// A page of a list of this length, with a pointer to the next.
    pub(super) fn list(
        &mut self,
        ask: &Ask,
        total: usize,
        cursor: Cursor,
        element: impl Fn(&Self, usize) -> Value,
    ) -> Answered {
        let page = self.page(ask)?;
        let places = page.of(total);
        let next = match (ask.repeat_cursor, &ask.next_page_at) {
            (true, _) => Some(page.start),
            (false, Some(_)) => Some(places.end),
            (false, None) => Some(places.end).filter(|&end| end < total),
        };
        let elements: Vec<_> = places.map(|n| element(self, n)).collect();
        let mut result = json!({ "elements": elements });
        match next {
            Some(at) => self.point(&mut result, ask, cursor, at),
            None if self.dialects.last_page == LastPage::Null => match self.dialects.next_page {
                NextPage::Links => result["links"] = json!({ "next": null }),
                NextPage::Url | NextPage::OtherHost | NextPage::Token => result["nextPage"] = Value::Null,
            },
            None => {}
        }
        Ok(self.success(result))
    }

    /// Adds the pointer to the page that begins there.
    pub(super) fn point(&self, result: &mut Value, ask: &Ask, cursor: Cursor, at: usize) {
        let query = |further: &[(&str, &str)]| {
            let kept = form_urlencoded::parse(ask.query.as_bytes());
            let kept = kept.filter(|(name, _)| !["offset", "skipToken", "proxyDepth", "proxyInfo"].contains(&&**name));
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(kept).append_pair(cursor.parameter(), &cursor.write(at)).extend_pairs(further);
            query.finish()
        };
        let url_at = |origin: &str| format!("{origin}{}?{}", ask.path, query(&[]));
        let url = || url_at(&self.origin);
        if let Some(elsewhere) = &ask.next_page_at {
            result["nextPage"] = url_at(elsewhere).into();
            return;
        }
        match self.dialects.next_page {
            NextPage::Url => result["nextPage"] = url().into(),
            NextPage::OtherHost => {
                let query = query(&[("proxyDepth", "1"), ("proxyInfo", "other")]);
                result["nextPage"] = format!("https://other.qualtrics.com{}?{query}", ask.path).into();
            }
            NextPage::Token => result["nextPage"] = cursor.write(at).into(),
            NextPage::Links => result["links"] = json!({ "next": { "href": url() } }),
        }
    }
}
