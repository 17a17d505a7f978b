//! The list of all erasure jobs of a brand: `GET /op-erase-personal-data` (fact sheet 6.2).
//!
//! Its order, its length and its retention are unconfirmed. [`scan`] reads the order from the first page and reads as few pages as
//! the order allows.

use serde_json::Value;

use super::client::{Call, Client};
use super::cursor::Cursor;
use super::envelope;
use super::erasures::{ListedJob, PATH, created_s};
use super::error::ApiError;
use crate::qualtrics::scopes::Scopes;

/// The most pages that one call reads: a whole brand has 20 calls a minute.
const MAX_PAGES: u32 = 12;

/// How far the order of the list may deviate from the timestamps in it, in seconds.
const ORDER_SLACK_S: u64 = 600;

/// The call for a page of the list.
#[must_use]
pub fn page(cursor: Option<&Cursor>) -> Call {
    Call::get(match cursor {
        None => format!("{PATH}?pageSize=100"),
        Some(cursor) => format!("{PATH}?pageSize=100&{}", cursor.query()),
    })
}

/// Where earlier scans saw the jobs that this one looks for.
#[derive(Clone, Copy, Default)]
pub struct KnownPositions<'p> {
    /// Of the oldest job.
    pub oldest: Option<&'p str>,
    /// Of the youngest job that has one.
    pub youngest: Option<&'p str>,
    /// Whether every job has one.
    pub complete: bool,
}

/// How far a scan got.
pub struct Scan {
    /// Whether it ended at `since_s`, at the end of the list, or because `visit` stopped it. Unless it `skipped` pages, a wanted job
    /// that it did not visit is not listed.
    pub complete: bool,
    /// Whether it ended at a page that repeats, is malformed, or is an error response. Unless it `may_recover`, the next scan ends
    /// there too.
    pub stuck: bool,
    /// Whether the page that was not read may be readable in the next scan.
    pub may_recover: bool,
    /// Whether it skipped pages. Jobs with a known position are not on them.
    pub skipped: bool,
    /// In a list with the newest job first: every job that was created after this second was visited.
    pub read_back_to_s: Option<u64>,
    /// Where the next scan continues, unless this one is complete.
    pub position: Option<String>,
}

impl Scan {
    /// Whether every job was visited that was created after an instant, in seconds of Qualtrics' clock. The instant must not precede
    /// the one that was scanned back to.
    #[must_use]
    pub fn covers(&self, since_s: u64) -> bool {
        let since_s = since_s.saturating_sub(ORDER_SLACK_S);
        self.complete || self.read_back_to_s.is_some_and(|read_s| read_s < since_s)
    }
}

/// Whether a scan continues.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// More jobs are wanted.
    Continue,
    /// The wanted jobs were found.
    Stop,
}

/// Scans the list and passes every job to `visit`, with its position where that does not change as jobs are added.
///
/// `since_s` is the instant, in seconds of Qualtrics' clock, before which no job matters. A list with the newest job first is read
/// from the start until `since_s`. If the youngest known position is farther, the scan jumps to it: after the first page if every
/// job has a known position, else after half of the pages. A list with the oldest job first is entered near `since_s` if its pages
/// are counted, else at the known position.
///
/// # Errors
/// The error of the first page, and the response of a proxy in place of any page. Another error of a later page only makes the scan
/// incomplete.
pub fn scan(
    client: &mut Client<'_>,
    scopes: &Scopes,
    since_s: u64,
    known: KnownPositions<'_>,
    visit: &mut dyn FnMut(ListedJob<'_>, Option<&str>) -> Next,
) -> Result<Scan, ApiError> {
    let since_s = since_s.saturating_sub(ORDER_SLACK_S);
    let mut pages = Pages { client, scopes, left: MAX_PAGES };
    let mut page = pages.read(None)?;
    let newest_first = page.is_newest_first();
    let mut leap = known.youngest.and_then(Cursor::from_hint).filter(|_| newest_first == Some(true));
    let leap_at = if known.complete { MAX_PAGES } else { MAX_PAGES / 2 };
    let mut position: Option<Cursor> = None;
    let mut seen: Vec<Cursor> = Vec::new();
    let mut scan =
        Scan { complete: true, stuck: false, may_recover: false, skipped: false, read_back_to_s: None, position: None };
    loop {
        let stable = position.as_ref().filter(|_| newest_first != Some(true)).map(Cursor::query);
        if page.jobs().any(|job| visit(job, stable) == Next::Stop) {
            return Ok(scan);
        }
        if newest_first == Some(true) && !scan.skipped {
            scan.read_back_to_s = page.oldest_s.or(scan.read_back_to_s);
        }
        let reaches_back = newest_first == Some(true) && page.oldest_s.is_some_and(|oldest| oldest < since_s);
        let Some(mut next) = page.next.clone().filter(|_| !reaches_back) else { return Ok(scan) };
        if position.is_none() && newest_first == Some(false) {
            next = pages.entry(&page, since_s, known.oldest.and_then(Cursor::from_hint)).unwrap_or(next);
        } else if pages.left < leap_at
            && let Some(cursor) = leap.take()
            && !seen.contains(&cursor)
            && cursor.position() >= next.position()
        {
            scan.skipped = cursor != next;
            next = cursor;
        }
        if seen.contains(&next) {
            return Ok(Scan { complete: false, stuck: true, ..scan });
        }
        match pages.read(Some(&next)) {
            Ok(read) => page = read,
            // An operator has to correct the cause first.
            Err(error) if error.is_from_proxy() => return Err(error),
            Err(error) => {
                let position = Some(next.query().to_owned());
                let may_recover = error.is_transient() && error != ApiError::Malformed;
                let stuck = error.is_specific_to_one_call();
                return Ok(Scan { complete: false, stuck, may_recover, position, ..scan });
            }
        }
        seen.push(next.clone());
        position = Some(next);
    }
}

/// A page of the list.
struct Page {
    /// The jobs, with the instants at which they were created.
    jobs: Vec<(Value, Option<u64>)>,
    next: Option<Cursor>,
    oldest_s: Option<u64>,
    newest_s: Option<u64>,
    first_s: Option<u64>,
    last_s: Option<u64>,
}

impl Page {
    fn jobs(&self) -> impl Iterator<Item = ListedJob<'_>> {
        self.jobs.iter().map(|(value, created_s)| ListedJob::new(value, *created_s))
    }

    fn is_newest_first(&self) -> Option<bool> {
        let (first, last) = (self.first_s?, self.last_s?);
        (first != last).then_some(first > last)
    }
}

/// The pages that a scan may still read.
struct Pages<'c, 'a> {
    client: &'c mut Client<'a>,
    scopes: &'c Scopes,
    left: u32,
}

impl Pages<'_, '_> {
    fn read(&mut self, cursor: Option<&Cursor>) -> Result<Page, ApiError> {
        self.left = self.left.checked_sub(1).ok_or(ApiError::DeadlineExceeded)?;
        let response = self.client.call(self.scopes, page(cursor))?;
        let next = Cursor::next_page(&response.result)?;
        let jobs = envelope::elements(&response.result)?;
        let jobs: Vec<(Value, Option<u64>)> = jobs.iter().map(|job| (job.clone(), created_s(job))).collect();
        let created: Vec<u64> = jobs.iter().filter_map(|(_, created_s)| *created_s).collect();
        Ok(Page {
            next,
            oldest_s: created.iter().min().copied(),
            newest_s: created.iter().max().copied(),
            first_s: created.first().copied(),
            last_s: created.last().copied(),
            jobs,
        })
    }

    /// Where to enter a list that has the oldest job first: a page before which everything is older than `since_s`. `None` if the
    /// second page is the best place.
    ///
    /// The place is interpolated from known timestamps. Every second guess bisects, in case jobs are not created evenly.
    fn entry(&mut self, first: &Page, since_s: u64, known: Option<Cursor>) -> Option<Cursor> {
        let Some(step) = first.next.as_ref()?.position().filter(|step| *step > 0) else { return known };
        let (oldest_s, newest_s) = (first.oldest_s?, first.newest_s?);
        if newest_s >= since_s {
            return None;
        }
        let mut search = EntrySearch { step, since_s, oldest_s, newest_s, old: (0, oldest_s), young: None };
        let mut guess = known.as_ref().and_then(Cursor::position);
        for round in 0_u32.. {
            if search.is_settled() || self.left <= MAX_PAGES / 4 {
                break;
            }
            let known = guess.is_some();
            let place = search.page_boundary(guess.take().unwrap_or_else(|| search.guess(round)));
            match self.read(Some(&Cursor::offset(place))) {
                Ok(page) if search.is_entry(&page, known) => return Some(Cursor::offset(place)),
                Ok(page) => guess = search.narrow(place, &page, known),
                // Qualtrics itself reports that the place lies beyond the end of the list.
                Err(error) if matches!(error.own_status(), Some(400 | 404 | 416)) => {
                    search.young = Some((place, None));
                }
                Err(_) => break,
            }
        }
        Some(Cursor::offset(search.old.0.max(step)))
    }
}

/// The search for a page at which to enter a list that has the oldest job first.
struct EntrySearch {
    /// The length of a page.
    step: u64,
    since_s: u64,
    /// The timestamps of the first page.
    oldest_s: u64,
    newest_s: u64,
    /// The last position known to be too old, and its timestamp.
    old: (u64, u64),
    /// The first position known to be young enough, and its timestamp. Beyond the end of the list there is none.
    young: Option<(u64, Option<u64>)>,
}

impl EntrySearch {
    fn end(&self) -> Option<u64> {
        self.young.map(|(position, _)| position)
    }

    fn is_settled(&self) -> bool {
        self.end().is_some_and(|end| end.saturating_sub(self.old.0) <= self.step)
    }

    fn guess(&self, round: u32) -> u64 {
        let dated = self.young.and_then(|(position, time)| Some((position, time?))).filter(|_| round.is_multiple_of(2));
        match (dated, self.end()) {
            (Some(young), _) => interpolate(self.old, young, self.since_s),
            (None, Some(end)) => self.old.0.midpoint(end),
            // The list is denser towards its end than interpolation assumes.
            (None, None) if round % 2 == 1 => self.old.0.saturating_mul(8).max(self.step),
            (None, None) if self.old.0 == 0 => interpolate(self.old, (self.step, self.newest_s), self.since_s),
            (None, None) => interpolate((0, self.oldest_s), self.old, self.since_s),
        }
    }

    /// The beginning of a page, strictly between what is known to be old and what is known to be young.
    fn page_boundary(&self, guess: u64) -> u64 {
        let last = self.end().map_or(u64::MAX, |end| end.saturating_sub(self.step));
        let boundary = guess.saturating_sub(guess.checked_rem(self.step).unwrap_or(0));
        boundary.clamp(self.old.0.saturating_add(self.step).min(last), last)
    }

    /// Whether everything before a page is older. A known position is never too early: jobs only move towards the start of the list.
    fn is_entry(&self, page: &Page, known: bool) -> bool {
        page.oldest_s.is_some_and(|oldest| oldest < self.since_s)
            && (known || page.newest_s.is_some_and(|newest| newest >= self.since_s))
    }

    /// Takes a page into account that is no entry, and returns the next guess if it follows from this one.
    fn narrow(&mut self, place: u64, page: &Page, known: bool) -> Option<u64> {
        match page.newest_s {
            Some(newest) if newest < self.since_s => {
                self.old = (place, page.oldest_s.unwrap_or(newest));
                None
            }
            _ => {
                self.young = Some((place, page.oldest_s));
                // The job is at or shortly before its known position.
                known.then(|| place.saturating_sub(self.step.saturating_mul(2)))
            }
        }
    }
}

/// The position at which an instant is expected, on the line through two positions and their timestamps.
fn interpolate(one: (u64, u64), other: (u64, u64), instant_s: u64) -> u64 {
    let steps = other.0.saturating_sub(one.0);
    let seconds = other.1.saturating_sub(one.1).max(1);
    let passed = instant_s.saturating_sub(one.1).saturating_mul(steps).checked_div(seconds);
    one.0.saturating_add(passed.unwrap_or(steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_interpolated_from_timestamps() {
        assert_eq!(interpolate((0, 100), (10, 200), 150), 5);
        assert_eq!(interpolate((0, 100), (10, 200), 300), 20);
        assert_eq!(interpolate((5, 100), (5, 100), 300), 5);
    }
}
