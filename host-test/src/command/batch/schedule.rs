//! The requests of a batch, and which call is made next.

use std::collections::HashMap;

use privacy_host::contract::{Error, ErrorKind, Identifier, Pending, Progress, Remedy, Right, Stage};
use privacy_host::{Entry, Operation};

use super::hold::{Copies, Hold};

/// The tasks of one `poll`. A group that is larger is not split.
const MAX_TASKS: usize = 50;
/// How much later than necessary a request may be polled so that others join the call, in milliseconds: many tasks take hardly
/// more vendor calls than one.
const JOIN_WINDOW_MS: u64 = 15_000;
/// A task that stays pending with such a short delay did not fit into the call, in milliseconds.
const NO_ROOM_MS: u64 = 1_000;
/// After this long without a call, the whole share of the vendor's rate limits is available again, in milliseconds.
const FULL_SHARE_MS: u64 = 60_000;

/// All requests of a batch.
pub(super) struct Schedule {
    items: Vec<Item>,
    copies: Copies,
    gates: Gates,
}

/// A request, and what only this run knows of it.
pub(super) struct Item {
    pub(super) entry: Entry,
    /// A worker is making a call for it.
    busy: bool,
    /// It is polled in a call of its own.
    alone: bool,
    /// Its last call exhausted the share of the rate limits before it was complete. Its next call is the only one of the batch:
    /// two such calls at once would exhaust the share for each other every time.
    exclusive: bool,
    /// Calls in a row that returned no result.
    pub(super) lost_calls: u32,
}

/// No call of a kind before these times, in milliseconds since the Unix epoch, because the share of the rate limits for it is
/// exhausted. Indexed by right, and by whether the call is a `poll`.
#[derive(Default)]
struct Gates([[u64; 2]; 3]);

/// What a call did to the schedule.
pub(super) enum CallEffect {
    /// It returned a result.
    Completed,
    /// The share of the rate limits is exhausted, for this many milliseconds.
    Limited(u64),
    /// It returned no result.
    Lost,
}

/// What a worker does next. The requests belong to the worker until it [returns](Schedule::put_back) them.
#[derive(Debug)]
pub(super) enum Action {
    Start(usize, Box<Entry>),
    Poll(Vec<(usize, Entry)>),
    /// Wait until this time, in milliseconds since the Unix epoch, or until a request is returned.
    Wait(Option<u64>),
    /// All requests have ended, or wait for an operator or for a copy of the data.
    Finish,
}

impl Schedule {
    /// A schedule of these requests. `subjects` holds their identifiers, which ended requests no longer have.
    pub(super) fn new(entries: Vec<Entry>, subjects: &[Vec<Identifier>]) -> Self {
        let copies = Copies::new(&entries, subjects);
        let item = |entry| Item { entry, busy: false, alone: false, exclusive: false, lost_calls: 0 };
        Self { items: entries.into_iter().map(item).collect(), copies, gates: Gates::default() }
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Why this request is not started, if it is a deletion that waits for a copy of the data.
    pub(super) fn hold(&self, index: usize) -> Option<Hold<'_>> {
        self.copies.hold(index, |index| &self.items[index].entry)
    }

    /// The next call of a worker.
    pub(super) fn next(&mut self, now_ms: u64) -> Action {
        let groups = self.groups();
        let mut wake: Option<u64> = None;
        let mut together = Vec::new();
        let (mut first_due, mut open, mut busy, mut closed) = (u64::MAX, 0_usize, false, false);
        let (mut start, mut single, mut exclusive) = (None, None, None);
        for (index, item) in self.items.iter().enumerate() {
            if item.busy {
                busy = true;
                closed |= item.exclusive;
                continue;
            }
            if item.entry.end().is_some() || self.hold(index).is_some() {
                continue;
            }
            let at = self.due_at(item, &groups);
            let is_due = at <= now_ms;
            let due = is_due.then_some(index);
            if item.exclusive {
                exclusive = exclusive.or(due);
            } else if item.entry.ticket().is_none() {
                start = start.or(due);
            } else if item.is_polled_alone() {
                single = single.or(due);
            } else {
                open += 1;
                first_due = first_due.min(at);
                if is_due {
                    together.push(index);
                    // Perhaps others join first: see below.
                    continue;
                }
            }
            wake = Some(wake.map_or(at, |wake| wake.min(at)));
        }
        if closed || (busy && exclusive.is_some()) {
            return Action::Wait(None);
        }
        // Requests in progress come first: vendors do not keep jobs and files for long.
        match (exclusive.or(single), start) {
            (Some(index), _) if self.items[index].entry.ticket().is_some() => return self.poll(vec![index]),
            (Some(index), _) | (None, Some(index)) => return self.start(index),
            (None, None) => {}
        }
        let joined_at = first_due.saturating_add(JOIN_WINDOW_MS);
        if !together.is_empty() && (together.len() == open || together.len() >= MAX_TASKS || joined_at <= now_ms) {
            let tasks = self.whole_groups(together);
            return self.poll(tasks);
        }
        if !together.is_empty() {
            wake = Some(wake.map_or(joined_at, |wake| wake.min(joined_at)));
        }
        if wake.is_none() && !busy { Action::Finish } else { Action::Wait(wake) }
    }

    /// When each group of requests that share a vendor job is due: when the last of them is.
    fn groups(&self) -> HashMap<String, u64> {
        let mut groups: HashMap<String, u64> = HashMap::new();
        for item in self.items.iter().filter(|item| !item.busy && item.entry.end().is_none()) {
            if let Some(group) = item.shared_group() {
                let due = groups.entry(group.to_owned()).or_default();
                *due = (*due).max(item.entry.due_at_ms());
            }
        }
        groups
    }

    fn due_at(&self, item: &Item, groups: &HashMap<String, u64>) -> u64 {
        let group = item.shared_group().and_then(|group| groups.get(group)).copied();
        item.entry.due_at_ms().max(self.gates.of(&item.entry)).max(group.unwrap_or_default())
    }

    /// As many of these as fit into one call, without splitting a group.
    fn whole_groups(&self, indices: Vec<usize>) -> Vec<usize> {
        let mut groups: Vec<(Option<&str>, Vec<usize>)> = Vec::new();
        for index in indices {
            let group = self.items[index].shared_group();
            match groups.iter_mut().find(|(other, _)| other.is_some() && *other == group) {
                Some((_, members)) => members.push(index),
                None => groups.push((group, vec![index])),
            }
        }
        let mut tasks = Vec::new();
        for (_, members) in groups {
            if tasks.is_empty() || tasks.len() + members.len() <= MAX_TASKS {
                tasks.extend(members);
            }
        }
        tasks
    }

    fn start(&mut self, index: usize) -> Action {
        self.items[index].busy = true;
        Action::Start(index, Box::new(self.items[index].entry.clone()))
    }

    fn poll(&mut self, indices: Vec<usize>) -> Action {
        let take = |index: usize| {
            self.items[index].busy = true;
            (index, self.items[index].entry.clone())
        };
        Action::Poll(indices.into_iter().map(take).collect())
    }

    /// Takes a request back from a worker after a call with this effect.
    pub(super) fn put_back(&mut self, index: usize, entry: Entry, now_ms: u64, effect: &CallEffect) {
        let item = &mut self.items[index];
        // A call that only starts a job is one vendor call: there is room for it as soon as there is any.
        let reads = item.entry.ticket().is_some() || item.entry.attempts().is_some();
        if let CallEffect::Limited(delay_ms) = effect {
            let delay_ms = if reads { FULL_SHARE_MS.max(*delay_ms) } else { *delay_ms };
            self.gates.close(&item.entry, now_ms.saturating_add(delay_ms));
        }
        let was_alone = item.entry.ticket().is_none() || item.is_polled_alone();
        item.exclusive = reads && was_alone && matches!(effect, CallEffect::Limited(_));
        let is_soon = matches!(effect, CallEffect::Completed) && entry.due_at_ms() <= now_ms.saturating_add(NO_ROOM_MS);
        item.alone = is_soon && item.entry.ticket().is_some() && entry.ticket().is_some();
        item.lost_calls = if matches!(effect, CallEffect::Lost) { item.lost_calls + 1 } else { 0 };
        item.entry = entry;
        item.busy = false;
    }
}

impl Item {
    /// One look-up in the vendor's list serves many deletions. An access request ends with documents, which a call collects for
    /// one request.
    fn is_polled_alone(&self) -> bool {
        self.alone || self.entry.operation() == Operation::Access
    }

    /// The group that it is polled with.
    fn shared_group(&self) -> Option<&str> {
        if self.is_polled_alone() { None } else { self.entry.group() }
    }
}

impl Gates {
    /// No call for this request before this time.
    fn of(&self, entry: &Entry) -> u64 {
        let (right, poll) = Self::place(entry);
        self.0[right][poll]
    }

    fn close(&mut self, entry: &Entry, until_ms: u64) {
        let (right, poll) = Self::place(entry);
        let gate = &mut self.0[right][poll];
        *gate = (*gate).max(until_ms);
    }

    fn place(entry: &Entry) -> (usize, usize) {
        let right = match entry.operation().right() {
            Right::Access => 0,
            Right::Deletion => 1,
            Right::OptOut => 2,
        };
        (right, usize::from(entry.ticket().is_some()))
    }
}

impl CallEffect {
    pub(super) fn of(result: &Result<Progress, Error>) -> Self {
        match result {
            Err(Error { kind: ErrorKind::RateLimited, remedy: Remedy::Retry(delay_ms), .. }) => {
                Self::Limited(*delay_ms)
            }
            // The vendor's job is complete. The connector could not read everything within the share, and gives up after a few
            // such calls.
            Ok(Progress::Pending(Pending { stage: Stage::Collecting, poll_after_ms, .. })) => {
                Self::Limited(*poll_after_ms)
            }
            _ => Self::Completed,
        }
    }
}

#[cfg(test)]
mod tests;
