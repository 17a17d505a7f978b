//! The requests of a batch, and which call is made next.
//!
//! A request is due when the connector says so. Calls of one kind that are due are made together, as far as the connector shares the
//! vendor's jobs and look-ups between them:
//!
//! - Deletions of one mode start together, as many as `capability.group-size` allows.
//! - Deletions in progress are polled together, those of one `pending.group` always in the same call. Such polls follow each other at
//!   the pace of the vendor's limits, so that none of them uses the calls of the next. An idle connection polls at once.
//! - A call of deletions that was lost is repeated with fewer requests, down to one.
//! - Access requests start and are polled one by one, because a call collects the documents of one request.
//!
//! Deletions have one call in progress at a time: two would take the same calls of the vendor's limits from each other.

mod hold;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use privacy_host::contract::{DeletionMode, Error, ErrorKind, Identifier, Pending, Progress, Remedy, Right, Stage};
use privacy_host::follow::{clusters, is_narrowing, suspects, whole_groups};
use privacy_host::{Entry, Operation};

pub use self::hold::{Copies, Hold, state};

/// The most tasks of one `poll`, unless a group has more: those of a few jobs. Connectors look up a few jobs one by one, which costs the
/// same however long the vendor's list is.
const MAX_TASKS: usize = 300;
/// The most requests that start in one call: a kill during it makes the attempts of all of them unknown.
const MAX_STARTS: usize = 500;
/// How many deletions the first call starts.
const FIRST_STARTS: usize = 8;
/// How many times as many the next call starts, if the limits allowed all.
const GROWTH: usize = 4;
/// A task that stays pending with such a short delay did not fit into the call, in milliseconds.
const NO_ROOM_MS: u64 = 1_000;
/// A call that collects documents may have used a part of the share before it was cut short, and needs the same calls again. The whole
/// share is available after this long, in milliseconds.
const FULL_SHARE_MS: u64 = 60_000;

/// All requests of a batch.
pub struct Schedule {
    items: Vec<Item>,
    copies: Copies,
    /// For each request, the first one of the same operation that it is connected to by a shared identifier.
    clusters: Vec<usize>,
    /// No call of a kind before these times, in milliseconds since the Unix epoch: its limit is exhausted.
    closed_until_ms: BTreeMap<Kind, u64>,
    /// An access request was cut short by the limits. Until a call of one completes, they are polled one after the other.
    one_collection: bool,
    /// How many deletions of each mode are started together.
    width: BTreeMap<DeletionMode, usize>,
    group_size: usize,
    /// The time between two polls of deletions, in milliseconds.
    pace_ms: u64,
    last_poll_ms: Option<u64>,
}

/// A request, and what only this run knows of it.
pub struct Item {
    /// The request and its state.
    pub entry: Entry,
    /// A worker is making a call for it.
    busy: bool,
    /// Its last call had no room for it.
    had_no_room: bool,
    /// It belongs to a rejected job whose cause the connector narrows down.
    narrowing: bool,
    /// Calls in a row that returned no result.
    pub lost_calls: u32,
}

/// The calls that have a limit in common.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Start(Right),
    Poll(Right),
}

/// What a call did to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEffect {
    /// It returned a result.
    Completed,
    /// It returned a result, and had no room for the request.
    NoRoom,
    /// It was not made: a rate limit is exhausted, for this many milliseconds.
    Limited(u64),
    /// It collected documents until a rate limit was exhausted, for this many milliseconds.
    CutShort(u64),
    /// The request belongs to a rejected job whose cause the connector narrows down.
    Narrowing,
    /// It returned no result.
    Lost,
}

/// What a worker does next. The requests belong to the worker until it [returns](Schedule::put_back) them.
#[derive(Debug)]
pub enum Action {
    /// Start these requests in one call.
    Start(Operation, Vec<(usize, Entry)>),
    /// Poll these requests in one call.
    Poll(Right, Vec<(usize, Entry)>),
    /// Wait until this time, in milliseconds since the Unix epoch, or until a request is returned.
    Wait(Option<u64>),
    /// All requests have ended, or wait for an operator or for a copy of the data.
    Finish,
}

/// What is due, and when the next request is.
#[derive(Default)]
struct Due {
    /// Deletions in progress.
    polls: Vec<usize>,
    /// The first other request in progress.
    collection: Option<usize>,
    /// Deletions to be started.
    deletions: Vec<usize>,
    /// The first other request to be started.
    start: Option<usize>,
    wake_ms: Option<u64>,
}

impl Due {
    fn wake_at(&mut self, at_ms: u64) {
        self.wake_ms = Some(self.wake_ms.map_or(at_ms, |wake_ms| wake_ms.min(at_ms)));
    }
}

impl Schedule {
    /// A schedule of these requests. `subjects` holds their identifiers, which ended requests no longer have. `group_size` is that of
    /// the connector's capability, `pace` that of its rate budget.
    #[must_use]
    pub fn new(entries: Vec<Entry>, subjects: &[Vec<Identifier>], group_size: u32, pace: Duration) -> Self {
        let copies = Copies::new(&entries, subjects);
        let clusters = clusters(&entries);
        let item = |entry| Item { entry, busy: false, had_no_room: false, narrowing: false, lost_calls: 0 };
        Self {
            items: entries.into_iter().map(item).collect(),
            copies,
            clusters,
            closed_until_ms: BTreeMap::new(),
            one_collection: false,
            width: BTreeMap::new(),
            group_size: usize::try_from(group_size).unwrap_or(usize::MAX).clamp(1, MAX_STARTS),
            pace_ms: u64::try_from(pace.as_millis()).unwrap_or(u64::MAX),
            last_poll_ms: None,
        }
    }

    /// The requests, in the order of the batch.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Why this request is not started, if it is a deletion that waits for a copy of the data.
    #[must_use]
    pub fn hold(&self, index: usize) -> Option<Hold<'_>> {
        self.copies.hold(index, |index| &self.items[index].entry)
    }

    /// The next call of a worker.
    pub fn next(&mut self, now_ms: u64) -> Action {
        let mut due = self.due(now_ms);
        // Requests in progress come first: vendors do not keep jobs and files for long.
        let polls = self.polls(&mut due, now_ms);
        if !polls.is_empty() {
            self.last_poll_ms = Some(now_ms);
            return Action::Poll(Right::Deletion, self.take(polls));
        }
        if let Some(index) = due.collection {
            let right = self.items[index].entry.operation().right();
            return Action::Poll(right, self.take(vec![index]));
        }
        if let Some(index) = due.start {
            return Action::Start(self.items[index].entry.operation(), self.take(vec![index]));
        }
        if let Some(&first) = due.deletions.first() {
            let operation = self.items[first].entry.operation();
            let group = self.group(&due.deletions, operation);
            return Action::Start(operation, self.take(group));
        }
        let is_busy = self.items.iter().any(|item| item.busy);
        if due.wake_ms.is_none() && !is_busy { Action::Finish } else { Action::Wait(due.wake_ms) }
    }

    fn due(&self, now_ms: u64) -> Due {
        let is_busy = |right| self.items.iter().any(|item| item.busy && item.entry.operation().right() == right);
        let deletions_are_busy = is_busy(Right::Deletion);
        let collections_are_busy = self.one_collection && is_busy(Right::Access);
        let clusters_with_jobs = self.clusters_with_jobs();
        let mut due = Due::default();
        for (index, item) in self.items.iter().enumerate() {
            if item.busy || item.entry.end().is_some() || self.hold(index).is_some() {
                continue;
            }
            let kind = Kind::of(&item.entry);
            let is_blocked = match kind {
                Kind::Start(Right::Deletion) | Kind::Poll(Right::Deletion) => deletions_are_busy,
                Kind::Poll(Right::Access) => collections_are_busy,
                _ => false,
            };
            // The call in progress, or the end of the other request, wakes the workers.
            if is_blocked || is_first_erasure(&item.entry) && clusters_with_jobs.contains(&self.clusters[index]) {
                continue;
            }
            let at_ms = item.entry.due_at_ms().max(self.closed_until_ms.get(&kind).copied().unwrap_or_default());
            if at_ms > now_ms {
                due.wake_at(at_ms);
                continue;
            }
            match kind {
                Kind::Poll(Right::Deletion) => due.polls.push(index),
                Kind::Poll(_) => due.collection = due.collection.or(Some(index)),
                Kind::Start(Right::Deletion) => due.deletions.push(index),
                Kind::Start(_) => due.start = due.start.or(Some(index)),
            }
        }
        due
    }

    /// The clusters with a deletion in progress. Others of them start once it has ended: no address is deleted by two jobs at a time.
    fn clusters_with_jobs(&self) -> BTreeSet<usize> {
        let in_progress = |item: &Item| item.entry.ticket().is_some() && item.entry.end().is_none();
        self.items
            .iter()
            .zip(&self.clusters)
            .filter(|(item, _)| in_progress(item))
            .map(|(_, cluster)| *cluster)
            .collect()
    }

    /// The deletions of the next poll: none before the pace allows it.
    fn polls(&self, due: &mut Due, now_ms: u64) -> Vec<usize> {
        let polls = std::mem::take(&mut due.polls);
        let suspects = suspects(&polls, MAX_TASKS, |index| self.items[index].lost_calls);
        if !suspects.is_empty() {
            return suspects;
        }
        let is_urgent = polls.len() >= MAX_TASKS || polls.iter().any(|index| self.items[*index].had_no_room);
        let next_ms = self.last_poll_ms.map_or(0, |last_ms| last_ms.saturating_add(self.pace_ms));
        if !polls.is_empty() && !is_urgent && next_ms > now_ms {
            due.wake_at(next_ms);
            return Vec::new();
        }
        whole_groups(polls, MAX_TASKS, |index| self.items[index].entry.group().map(str::to_owned))
    }

    /// The deletions of a mode that start in one call.
    fn group(&self, deletions: &[usize], operation: Operation) -> Vec<usize> {
        let of_mode = || deletions.iter().copied().filter(|index| self.items[*index].entry.operation() == operation);
        let narrowing: Vec<usize> = of_mode().filter(|index| self.items[*index].narrowing).collect();
        if !narrowing.is_empty() {
            return narrowing;
        }
        let of_mode: Vec<usize> = of_mode().collect();
        let suspects = suspects(&of_mode, self.group_size, |index| self.items[index].lost_calls);
        if !suspects.is_empty() {
            return suspects;
        }
        let is_alone = |index: &usize| self.items[*index].entry.is_alone();
        if let Some(index) = of_mode.iter().copied().find(is_alone) {
            return vec![index];
        }
        let Operation::Deletion(mode) = operation else { return deletions.iter().take(1).copied().collect() };
        let width = self.width.get(&mode).copied().unwrap_or(FIRST_STARTS.min(self.group_size));
        whole_groups(of_mode, width, |index| Some(self.clusters[index]))
    }

    fn take(&mut self, indices: Vec<usize>) -> Vec<(usize, Entry)> {
        let take = |index: usize| {
            self.items[index].busy = true;
            (index, self.items[index].entry.clone())
        };
        indices.into_iter().map(take).collect()
    }

    /// Takes requests back from a worker, after a call that had these effects.
    pub fn put_back(&mut self, requests: Vec<(usize, Entry, CallEffect)>, now_ms: u64) {
        self.adapt_width(&requests);
        self.close(&requests, now_ms);
        for (index, entry, effect) in requests {
            let item = &mut self.items[index];
            item.had_no_room = effect == CallEffect::NoRoom;
            item.narrowing = effect == CallEffect::Narrowing;
            item.lost_calls = if effect == CallEffect::Lost { item.lost_calls + 1 } else { 0 };
            item.entry = entry;
            item.busy = false;
        }
    }

    /// Calls of the same kind would be limited, too, if every request of this one was. Otherwise it only delays those that were.
    fn close(&mut self, requests: &[(usize, Entry, CallEffect)], now_ms: u64) {
        let Some(kind) = requests.first().map(|(index, ..)| Kind::of(&self.items[*index].entry)) else { return };
        let is_collection = kind == Kind::Poll(Right::Access);
        let delay_ms = |effect: &CallEffect| match effect {
            CallEffect::Limited(delay_ms) | CallEffect::CutShort(delay_ms) if is_collection => {
                Some(FULL_SHARE_MS.max(*delay_ms))
            }
            CallEffect::Limited(delay_ms) => Some(*delay_ms),
            _ => None,
        };
        let delays: Option<Vec<u64>> = requests.iter().map(|(.., effect)| delay_ms(effect)).collect();
        if let Some(delay_ms) = delays.as_ref().and_then(|delays| delays.iter().min()) {
            let closed_until_ms = self.closed_until_ms.entry(kind).or_default();
            *closed_until_ms = (*closed_until_ms).max(now_ms.saturating_add(*delay_ms));
        }
        if is_collection {
            self.one_collection = delays.is_some();
        }
    }

    /// A kill during a call makes the attempts of all its requests unknown. So the first calls are small, and where the limits allow less
    /// than a whole call, the next one is smaller.
    fn adapt_width(&mut self, requests: &[(usize, Entry, CallEffect)]) {
        let Some(first) = requests.first().map(|(index, ..)| &self.items[*index].entry) else { return };
        let (Operation::Deletion(mode), None) = (first.operation(), first.ticket()) else { return };
        let limited = requests.iter().filter(|(.., effect)| matches!(effect, CallEffect::Limited(_))).count();
        let width = self.width.entry(mode).or_insert(FIRST_STARTS.min(self.group_size));
        if limited == 0 {
            *width = width.saturating_mul(GROWTH).min(self.group_size);
        } else if limited < requests.len() {
            *width = requests.len() - limited;
        }
    }
}

/// Whether an entry starts an erasure. One with attempts may have started it, and looks for its job first.
fn is_first_erasure(entry: &Entry) -> bool {
    let erases = matches!(entry.operation(), Operation::Deletion(DeletionMode::Erase | DeletionMode::EraseAndVerify));
    erases && entry.ticket().is_none() && entry.attempts().is_none()
}

impl Kind {
    fn of(entry: &Entry) -> Self {
        let right = entry.operation().right();
        if entry.ticket().is_none() { Self::Start(right) } else { Self::Poll(right) }
    }
}

impl CallEffect {
    /// The effect of a call with this result.
    #[must_use]
    pub fn of(result: &Result<Progress, Error>) -> Self {
        match result {
            Err(error) if is_narrowing(error) => Self::Narrowing,
            Err(Error { kind: ErrorKind::RateLimited, remedy: Remedy::Retry(delay_ms), .. }) => {
                Self::Limited(*delay_ms)
            }
            Ok(Progress::Pending(Pending { poll_after_ms, .. })) if *poll_after_ms <= NO_ROOM_MS => Self::NoRoom,
            // The vendor's job is complete. The connector could not read everything within the share, and gives up after a few
            // such calls.
            Ok(Progress::Pending(Pending { stage: Stage::Collecting, poll_after_ms, .. })) => {
                Self::CutShort(*poll_after_ms)
            }
            _ => Self::Completed,
        }
    }
}

#[cfg(test)]
mod tests;
