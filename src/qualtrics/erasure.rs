//! Erasures: `/op-erase-personal-data` (fact sheet 6).
//!
//! One request names several addresses; Qualtrics works on it in the background and erases everything that it reaches,
//! the accounts of users with these addresses included. With `searchOnly` it erases nothing.
//!
//! Until a request is completed, asking for it by its id is an error; the list of all requests of the brand tells its
//! state. The list's order, length and retention are unknown.

use super::client::{Call, Client};
use super::cursor::{Cursor, encode};
use super::envelope::{self, Answer, Trouble, member};
use super::job::{JobState, failure_text};
use super::oauth::Scopes;
use super::{timestamp, word};
use crate::http::{Clock, Transport};
use crate::json::{Json, Object};
use crate::letters::lower_case;
use crate::order;
use crate::prelude::*;
use crate::secret::Secret;

const PATH: &str = "/op-erase-personal-data";

/// At most so many pages of the list are read in one call: within the 20 calls a minute that a whole brand has.
const MOST_PAGES: u32 = 12;

/// How far apart the order of the list and the times in it may be, in seconds.
const SLACK_S: u64 = 600;

/// An erasure, or a search for what one would reach, as Qualtrics tells it.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub state: JobState,
    /// Qualtrics' own word for it.
    pub status: Option<String>,
    /// The addresses, trimmed and in lower case, sorted; none where the answer does not hold them.
    pub emails: Option<Vec<Secret>>,
    /// How many addresses were asked for.
    pub requested: Option<u64>,
    /// Which addresses nothing was found under.
    pub not_found: NotFound,
    /// Whether nothing is erased.
    pub search_only: Option<bool>,
    /// Why it failed, as a code.
    pub failure: Option<String>,
    /// When it was made, in seconds of Qualtrics' clock.
    pub created_s: Option<u64>,
    /// When it last changed.
    pub updated_s: Option<u64>,
    /// Counts by kind of data, where the answer holds any: the user interface shows them, the API is not known to.
    pub counts: Vec<(String, u64)>,
}

/// What `emailsNotFound` says: it is a list in one client, a number in another (fact sheet 6.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotFound {
    /// Nothing is said. That is not the same as everything being found.
    Unsaid,
    /// These addresses, in lower case.
    Addresses(Vec<Secret>),
    /// So many addresses, without saying which.
    Count(u64),
}

/// What a job says about one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Match {
    /// Something was found.
    Found,
    /// Nothing was found.
    Nothing,
    /// There is no telling.
    Unsaid,
}

impl Erasure {
    /// What the job says about an address, in lower case.
    #[must_use]
    pub fn says_of(&self, email: &Secret, asked: u64) -> Match {
        match &self.not_found {
            NotFound::Unsaid => Match::Unsaid,
            NotFound::Addresses(none) if none.contains(email) => Match::Nothing,
            NotFound::Addresses(_) | NotFound::Count(0) => Match::Found,
            NotFound::Count(count) if *count >= asked => Match::Nothing,
            NotFound::Count(_) => Match::Unsaid,
        }
    }

    /// Whether the job is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        !matches!(self.state, JobState::Running { .. })
    }

    /// Whether it is over, and does not tell since when.
    #[must_use]
    pub const fn is_timeless(&self) -> bool {
        self.is_over() && self.updated_s.is_none() && self.created_s.is_none()
    }

    /// Whether it was over before an instant, in seconds of Qualtrics' clock. Without a time that is not known, and then
    /// it counts as over before: it proves nothing about later.
    #[must_use]
    pub fn was_over_before(&self, instant_s: u64) -> bool {
        self.is_over() && self.updated_s.or(self.created_s).is_none_or(|over| over < instant_s)
    }

    fn read(value: &Json, id: &str) -> Self {
        let status = member(value, &["status", "state"]).and_then(Json::as_str);
        let reason = value.get("failureReason").and_then(failure_text);
        let state = JobState::read(status, reason.is_some());
        Self {
            id: id.to_owned(),
            state,
            status: status.and_then(word::status),
            emails: member(value, &["emailList", "emails"]).and_then(addresses),
            requested: value.get("numEmailsRequested").and_then(Json::as_count),
            not_found: not_found(value.get("emailsNotFound")),
            search_only: search_only(value),
            failure: reason.map(|reason| word::failure(&reason)).filter(|_| state != JobState::Completed),
            created_s: created_s(value),
            updated_s: seconds(value, &["updated", "updatedAt", "lastModified"]),
            counts: counts(value),
        }
    }
}

/// A request on a page of the list. It is read as far as is asked for: most are somebody else's.
#[derive(Clone, Copy)]
pub struct Listed<'p> {
    told: &'p Json,
    /// Its id.
    pub id: &'p str,
    /// When it was made, in seconds of Qualtrics' clock.
    pub created_s: Option<u64>,
}

impl<'p> Listed<'p> {
    fn new((told, created_s): &'p (Json, Option<u64>)) -> Option<Self> {
        Some(Self { told, id: id_in(told)?, created_s: *created_s })
    }

    /// Whether nothing is erased.
    #[must_use]
    pub fn search_only(self) -> Option<bool> {
        search_only(self.told)
    }

    /// All that Qualtrics tells of it.
    #[must_use]
    pub fn whole(self) -> Erasure {
        Erasure::read(self.told, self.id)
    }
}

fn id_in(value: &Json) -> Option<&str> {
    SPELLINGS_OF_ID.iter().find_map(|name| envelope::id(value.get(name)?))
}

/// How a request's id is called, in the order in which they count.
const SPELLINGS_OF_ID: [&str; 3] = ["requestid", "requestId", "id"];

fn search_only(value: &Json) -> Option<bool> {
    value.get("searchOnly").and_then(flag)
}

fn created_s(value: &Json) -> Option<u64> {
    seconds(value, &["created", "createdAt", "creationDate"])
}

fn seconds(value: &Json, spellings: &[&str]) -> Option<u64> {
    member(value, spellings).and_then(timestamp::read_ms).map(|ms| ms / 1_000)
}

/// The call that begins an erasure or a search. `emails` are trimmed, in lower case, sorted and each there once;
/// `searchOnly` is always said, since its default is unconfirmed.
#[must_use]
pub fn begin(emails: &[Secret], search_only: bool) -> Call {
    let emails = Json::texts(emails.iter().map(Secret::reveal));
    Call::begin(PATH, Object::default().with("emails", emails).with("searchOnly", Json::Bool(search_only)))
}

/// The id in the answer to [`begin`].
///
/// # Errors
/// [`Trouble::Unreadable`] if there is none: then it is not known whether a job was begun.
pub fn read_id(answer: &Answer) -> Result<String, Trouble> {
    let spellings = ["requestId", "requestid", "id"];
    let id = spellings.iter().find_map(|name| envelope::id(answer.result.get(name)?));
    id.map(str::to_owned).ok_or(Trouble::Unreadable)
}

/// The call that asks for one request.
#[must_use]
pub fn get(id: &str) -> Call {
    Call::get([PATH, "/", &encode(id)].concat())
}

/// Reads the answer to [`get`].
///
/// # Errors
/// [`Trouble::Unreadable`] if it is no request, or another one.
pub fn read(answer: &Answer, id: &str) -> Result<Erasure, Trouble> {
    let members = answer.result.as_object().ok_or(Trouble::Unreadable)?;
    let named = SPELLINGS_OF_ID.iter().any(|name| members.get(name).is_some());
    let told = if named { id_in(&answer.result) } else { envelope::as_id(id) };
    let told = told.filter(|told| same_id(told, id)).ok_or(Trouble::Unreadable)?;
    Ok(Erasure::read(&answer.result, told))
}

/// Whether two spellings name the same request: the list writes ids in lower case in places (fact sheet 6.2).
#[must_use]
pub fn same_id(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// The call for a page of the list.
#[must_use]
pub fn list(cursor: Option<&Cursor>) -> Call {
    Call::get(match cursor {
        None => [PATH, "?pageSize=100"].concat(),
        Some(cursor) => [PATH, "?pageSize=100&", cursor.query()].concat(),
    })
}

/// Where passes before this one left off looking for the jobs that are sought.
#[derive(Clone, Copy, Default)]
pub struct Hints<'h> {
    /// For the oldest of them.
    pub oldest: Option<&'h str>,
    /// For the youngest of those that have a hint.
    pub youngest: Option<&'h str>,
    /// Whether all of them have one.
    pub all: bool,
}

/// How far a pass over the list got.
pub struct Pass {
    /// Whether it came to the end: what was not met is not there.
    pub whole: bool,
    /// Whether it met a page that cannot be read, or that it had read before: the next pass gets no further.
    pub stuck: bool,
    /// Whether it left pages out, on which there can be nothing but jobs without a hint.
    pub skipped: bool,
    /// Where the next pass should go on, if this one is not whole.
    pub hint: Option<String>,
}

/// Goes through the list and shows every request to `visit`, with the place to look for it again where that does not
/// change as new requests come. `visit` answers whether more is wanted.
///
/// `since_s` is the instant, in seconds of Qualtrics' clock, before which nothing can matter. The order is read off the
/// first page. A list with the newest first is read until `since_s`; where hints lead beyond what one pass can read, half
/// of it is for the pages before them. One with the oldest first, in pages that are counted, is entered near `since_s`;
/// where they cannot be counted, at the hint.
///
/// # Errors
/// What went wrong, if it did before the first page was read. Later it only makes the pass less than whole.
pub fn pass<T: Transport, C: Clock>(
    client: &mut Client<'_, T, C>,
    need: Scopes,
    since_s: u64,
    hints: Hints<'_>,
    visit: &mut dyn FnMut(Listed<'_>, Option<&str>) -> bool,
) -> Result<Pass, Trouble> {
    let since_s = since_s.saturating_sub(SLACK_S);
    let mut pages = Pages { client, need, left: MOST_PAGES };
    let mut page = pages.read(None)?;
    let newest_first = page.newest_first();
    let mut leap = hints.youngest.and_then(Cursor::from_hint).filter(|_| newest_first == Some(true));
    let leap_at = if hints.all { MOST_PAGES } else { MOST_PAGES / 2 };
    let mut place: Option<Cursor> = None;
    let mut seen: Vec<Cursor> = Vec::new();
    let mut skipped = false;
    loop {
        let lasting = place.as_ref().filter(|_| newest_first != Some(true)).map(Cursor::query);
        for listed in page.elements.iter().filter_map(Listed::new) {
            if !visit(listed, lasting) {
                return Ok(Pass { whole: true, stuck: false, skipped, hint: None });
            }
        }
        let reaches_back = newest_first == Some(true) && page.oldest_s.is_some_and(|oldest| oldest < since_s);
        let Some(mut next) = page.next.clone().filter(|_| !reaches_back) else {
            return Ok(Pass { whole: true, stuck: false, skipped, hint: None });
        };
        if place.is_none() && newest_first == Some(false) {
            next = pages.entry(&page, since_s, hints.oldest.and_then(Cursor::from_hint)).unwrap_or(next);
        } else if pages.left < leap_at
            && let Some(cursor) = leap.take()
            && !seen.contains(&cursor)
            && cursor.position() >= next.position()
        {
            skipped = cursor != next;
            next = cursor;
        }
        if seen.contains(&next) {
            // A cursor that repeats: the list cannot be read to its end.
            return Ok(Pass { whole: false, stuck: true, skipped, hint: None });
        }
        match pages.read(Some(&next)) {
            Ok(read) => page = read,
            Err(trouble) => {
                let hint = Some(next.query().to_owned());
                return Ok(Pass { whole: false, stuck: trouble.is_of_one(), skipped, hint });
            }
        }
        seen.push(next.clone());
        place = Some(next);
    }
}

/// A page of the list.
struct Page {
    /// With the instants at which they were made.
    elements: Vec<(Json, Option<u64>)>,
    next: Option<Cursor>,
    oldest_s: Option<u64>,
    newest_s: Option<u64>,
    first_s: Option<u64>,
    last_s: Option<u64>,
}

impl Page {
    fn newest_first(&self) -> Option<bool> {
        let (first, last) = (self.first_s?, self.last_s?);
        (first != last).then_some(first > last)
    }
}

/// Pages, while there are some left to read.
struct Pages<'c, 'a, T: Transport, C: Clock> {
    client: &'c mut Client<'a, T, C>,
    need: Scopes,
    left: u32,
}

impl<T: Transport, C: Clock> Pages<'_, '_, T, C> {
    fn read(&mut self, cursor: Option<&Cursor>) -> Result<Page, Trouble> {
        self.left = self.left.checked_sub(1).ok_or(Trouble::OutOfTime)?;
        let answer = self.client.call(self.need, list(cursor))?;
        let next = Cursor::next_page(&answer.result)?;
        let elements = envelope::into_elements(answer.result)?;
        let created_s = elements.iter().map(created_s).collect::<Vec<_>>();
        let elements: Vec<_> = elements.into_iter().zip(created_s).collect();
        let created: Vec<u64> = elements.iter().filter_map(Listed::new).filter_map(|listed| listed.created_s).collect();
        Ok(Page {
            next,
            oldest_s: created.iter().min().copied(),
            newest_s: created.iter().max().copied(),
            first_s: created.first().copied(),
            last_s: created.last().copied(),
            elements,
        })
    }

    /// Where to enter a list that has the oldest first: a page before which everything is older than `since_s`. None if
    /// there is no better place than the second page.
    ///
    /// Requests come about evenly, so the place is guessed from the times that are known; every other guess halves what is
    /// left, for where they do not.
    fn entry(&mut self, first: &Page, since_s: u64, hint: Option<Cursor>) -> Option<Cursor> {
        let step = first.next.as_ref()?.position().filter(|step| *step > 0);
        let Some(step) = step else { return hint };
        let mut old = (0, first.oldest_s?);
        let mut young: Option<(u64, Option<u64>)> = None;
        if first.newest_s? >= since_s {
            return None;
        }
        let mut guess = hint.as_ref().and_then(Cursor::position);
        for round in 0_u32.. {
            let end = young.map(|(position, _)| position);
            if end.is_some_and(|end| end.saturating_sub(old.0) <= step) || self.left <= MOST_PAGES / 4 {
                break;
            }
            let known = young.and_then(|(position, time)| Some((position, time?))).filter(|_| round % 2 == 0);
            let hinted = guess.is_some();
            let place = guess.take().unwrap_or_else(|| match (known, end) {
                (Some(known), _) => between(old, known, since_s),
                (None, Some(end)) => old.0.midpoint(end),
                // Denser towards its end than the guess supposes.
                (None, None) if round % 2 == 1 => old.0.saturating_mul(8).max(step),
                (None, None) if old.0 == 0 => between(old, (step, first.newest_s.unwrap_or(since_s)), since_s),
                (None, None) => between((0, first.oldest_s.unwrap_or(0)), old, since_s),
            });
            // Whole pages, strictly between what is known to be old and what is known to be young.
            let last = end.map_or(u64::MAX, |end| end.saturating_sub(step));
            let place = place
                .saturating_sub(place.checked_rem(step).unwrap_or(0))
                .clamp(old.0.saturating_add(step).min(last), last);
            match self.read(Some(&Cursor::offset(place))) {
                // Whatever stands before a page that begins before that instant is older still; and what was left at a
                // place is at it or behind it.
                Ok(Page { newest_s, oldest_s: Some(oldest), .. })
                    if oldest < since_s && (hinted || newest_s.is_some_and(|newest| newest >= since_s)) =>
                {
                    return Some(Cursor::offset(place));
                }
                Ok(Page { newest_s: Some(newest), oldest_s, .. }) if newest < since_s => {
                    old = (place, oldest_s.unwrap_or(newest));
                }
                Ok(page) => {
                    // What is sought is not far before where it was left.
                    guess = hinted.then(|| place.saturating_sub(step.saturating_mul(2)));
                    young = Some((place, page.oldest_s));
                }
                // Behind the end.
                Err(Trouble::Refused(refusal)) if matches!(refusal.status, 400 | 404 | 416) => {
                    young = Some((place, None))
                }
                Err(_) => break,
            }
        }
        Some(Cursor::offset(old.0.max(step)))
    }
}

/// The position at which an instant is to be expected, on the line through two positions and their times.
fn between(one: (u64, u64), other: (u64, u64), instant: u64) -> u64 {
    let steps = other.0.saturating_sub(one.0);
    let seconds = other.1.saturating_sub(one.1).max(1);
    let past = instant.saturating_sub(one.1).saturating_mul(steps).checked_div(seconds);
    one.0.saturating_add(past.unwrap_or(steps))
}

/// More addresses than any request of this connector's names: a longer list is another's, and its rest does not matter.
const MOST_ADDRESSES: usize = 1_000;

fn addresses(value: &Json) -> Option<Vec<Secret>> {
    let mut addresses: Vec<Secret> = match value {
        Json::List(listed) => listed.iter().filter_map(Json::as_str).take(MOST_ADDRESSES).map(plain).collect(),
        Json::Text(text) => text.split([',', ';']).take(MOST_ADDRESSES).map(plain).collect(),
        _ => return None,
    };
    addresses.retain(|address| !address.reveal().is_empty());
    order::sort(&mut addresses);
    (!addresses.is_empty()).then_some(addresses)
}

fn plain(text: &str) -> Secret {
    Secret::new(lower_case(text.trim()))
}

fn not_found(value: Option<&Json>) -> NotFound {
    match value {
        Some(Json::List(listed)) if listed.is_empty() => NotFound::Count(0),
        Some(Json::Text(text)) if text.trim().is_empty() => NotFound::Unsaid,
        Some(value) => match (value.as_count(), addresses(value)) {
            (Some(count), _) => NotFound::Count(count),
            (None, Some(addresses)) => NotFound::Addresses(addresses),
            (None, None) => NotFound::Unsaid,
        },
        None => NotFound::Unsaid,
    }
}

fn flag(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(flag) => Some(*flag),
        Json::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Json::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Every number that could be a count, on the first two levels of a request.
fn counts(value: &Json) -> Vec<(String, u64)> {
    let mut counts = Vec::new();
    let mut add = |name: &str, value: &Json| {
        // Instants are numbers in places; nothing of a person is there a hundred thousand million times.
        let count = value.as_u64().filter(|count| *count < 100_000_000_000);
        let told_elsewhere = [
            "id",
            "requestid",
            "requestId",
            "numEmailsRequested",
            "emailsNotFound",
            "percentComplete",
            "percent",
            "progress",
        ];
        if let (Some(count), false) = (count, told_elsewhere.contains(&name))
            && let Some(name) = word::kebab(name)
        {
            counts.push((name, count));
        }
    };
    let Some(fields) = value.as_object() else { return counts };
    for (name, field) in fields.members() {
        add(name, field);
        for (name, inner) in field.as_object().into_iter().flat_map(Object::members) {
            add(name, inner);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(value: Value) -> Erasure {
        let value = value.into();
        Erasure::read(&value, id_in(&value).expect("an id"))
    }

    #[test]
    fn a_request_is_read_under_every_spelling() {
        for name in ["requestid", "requestId", "id"] {
            let erasure = of(json!({
                name: "OP-1", "status": "completed", "emailList": ["B@x.org ", "a@x.org"], "searchOnly": "true",
                "created": "2026-01-01T00:00:00Z"
            }));
            assert_eq!(erasure.id, "OP-1");
            assert_eq!(erasure.search_only, Some(true));
            let emails = erasure.emails.expect("addresses");
            assert_eq!(emails.iter().map(Secret::reveal).collect::<Vec<_>>(), ["a@x.org", "b@x.org"]);
        }
    }

    #[test]
    fn what_was_not_found_is_understood_in_every_form_and_silence_is_not_zero() {
        let says = |value: Value| {
            let erasure = of(json!({"id": "1", "emailsNotFound": value}));
            [Secret::new("a@x.org"), Secret::new("b@x.org")].map(|email| erasure.says_of(&email, 2))
        };
        assert_eq!(says(json!(["A@x.org"])), [Match::Nothing, Match::Found]);
        assert_eq!(says(json!([])), [Match::Found, Match::Found]);
        assert_eq!(says(json!("a@x.org, b@x.org")), [Match::Nothing, Match::Nothing]);
        assert_eq!(says(json!(2)), [Match::Nothing, Match::Nothing]);
        assert_eq!(says(json!("0")), [Match::Found, Match::Found]);
        assert_eq!(says(json!(1)), [Match::Unsaid, Match::Unsaid]);
        assert_eq!(says(json!(null)), [Match::Unsaid, Match::Unsaid]);
    }

    #[test]
    fn numbers_that_could_be_counts_are_told() {
        let erasure = of(
            json!({"id": 1, "numEmailsRequested": 2, "recordedResponses": 3, "result": {"contacts": 1}, "created": 1_700_000_000_000_u64}),
        );
        assert_eq!(erasure.counts, [("recorded-responses".to_owned(), 3), ("contacts".to_owned(), 1)]);
    }

    #[test]
    fn a_job_without_a_time_proves_nothing_about_later() {
        assert!(of(json!({"id": "1", "status": "Completed"})).was_over_before(1));
        assert!(!of(json!({"id": "1", "status": "Running"})).was_over_before(u64::MAX));
        assert!(!of(json!({"id": "1", "status": "Completed", "updated": "2026-01-01T00:00:00Z"})).was_over_before(5));
    }

    #[test]
    fn an_answer_about_another_request_is_not_taken() {
        let read = |result: Value| read(&Answer { result: result.into(), proxied: false }, "OP-1");
        assert!(read(json!({"requestId": "op-1", "status": "Completed"})).is_ok());
        assert!(read(json!({"requestId": "OP-2", "status": "Completed"})).is_err());
        assert!(read(json!({"requestId": null, "status": "Completed"})).is_err());
        assert!(read(json!({"status": "Completed"})).is_ok_and(|erasure| erasure.id == "OP-1"));
        assert!(read(json!("Completed")).is_err());
    }
}
