//! Which requests there are, and which call is to be made next.

use std::collections::HashMap;

use host_test::host::contract::{Identifier, Right};
use host_test::journal::{Aim, Entry, Next};

/// Requests that are asked for in one `poll`.
const MOST_TASKS: usize = 50;
/// A request may be polled so much later than it could be, for others to join: many cost little more than one. In
/// milliseconds.
const GATHER_MS: u64 = 15_000;
/// A request that the connector wants to see again so soon was left out for lack of room: it is polled by itself. In
/// milliseconds.
const NO_ROOM_MS: u64 = 1_000;

/// All requests of a batch.
pub(super) struct Board {
    works: Vec<Work>,
}

/// A request, and what only this run knows of it.
pub(super) struct Work {
    pub(super) entry: Entry,
    /// Somebody is making a call for it.
    busy: bool,
    /// It is polled by itself.
    alone: bool,
    /// The access requests on the same person: a deletion before their end would cost them their answer.
    behind: Vec<usize>,
    /// Calls in a row that the host got no answer from.
    pub(super) unanswered: u32,
}

/// Before these instants a worker begins nothing, since its share of the vendor's limits is used up. In milliseconds since
/// 1970.
#[derive(Default)]
pub(super) struct Gates {
    pub(super) access_ms: u64,
    pub(super) deletion_ms: u64,
}

impl Gates {
    pub(super) fn of(&mut self, right: Right) -> &mut u64 {
        match right {
            Right::Access => &mut self.access_ms,
            Right::Deletion => &mut self.deletion_ms,
        }
    }
}

/// What a worker is to do. The requests are its own until it [gives them back](Board::give_back).
#[derive(Debug)]
pub(super) enum Job {
    Begin(usize, Box<Entry>),
    Poll(Vec<(usize, Entry)>),
    /// Nothing before this, in milliseconds since 1970, unless something is given back.
    Wait(Option<u64>),
    /// Nothing any more.
    Nothing,
}

impl Board {
    pub(super) fn new(entries: Vec<Entry>, names: &[Vec<Identifier>]) -> Self {
        let mut accesses: HashMap<(u8, String), Vec<usize>> = HashMap::new();
        for (index, _) in entries.iter().enumerate().filter(|(_, entry)| entry.aim() == Aim::Access) {
            for name in &names[index] {
                accesses.entry(same(name)).or_default().push(index);
            }
        }
        let work = |(index, entry): (usize, Entry)| {
            let mut behind = Vec::new();
            if entry.aim() != Aim::Access {
                behind.extend(names[index].iter().filter_map(|name| accesses.get(&same(name))).flatten().copied());
            }
            Work { entry, busy: false, alone: false, behind, unanswered: 0 }
        };
        Self { works: entries.into_iter().enumerate().map(work).collect() }
    }

    pub(super) fn works(&self) -> &[Work] {
        &self.works
    }

    /// Whether an access request on the same person has no answer yet.
    pub(super) fn is_held(&self, work: &Work) -> bool {
        work.entry.ticket().is_none() && work.behind.iter().any(|&access| self.is_open(access))
    }

    /// Not ended, or ended in a way that a person can mend.
    fn is_open(&self, index: usize) -> bool {
        use host_test::host::contract::Remedy;
        match self.works[index].entry.end().map(|end| &end.result) {
            None => true,
            Some(Ok(_)) => false,
            Some(Err(error)) => error.remedy != Remedy::GiveUp,
        }
    }

    pub(super) fn next(&mut self, gates: &Gates, now_ms: u64) -> Job {
        let mut wake: Option<u64> = None;
        let mut due = Vec::new();
        let (mut first_due, mut open, mut busy) = (u64::MAX, 0_usize, false);
        let mut begin = None;
        for (index, work) in self.works.iter().enumerate() {
            busy |= work.busy;
            if work.busy || work.entry.end().is_some() {
                continue;
            }
            let mut at = work.entry.due_at_ms();
            match work.entry.next() {
                Next::Nothing => continue,
                Next::Begin(_) if self.is_held(work) => continue,
                Next::Begin(_) => {
                    at = at.max(match work.entry.aim() {
                        Aim::Access => gates.access_ms,
                        Aim::Deletion(_) => gates.deletion_ms,
                    });
                    if at <= now_ms {
                        begin = begin.or(Some(index));
                    }
                }
                Next::Poll(_) if work.alone && at <= now_ms => return self.poll(vec![index]),
                Next::Poll(_) => {
                    open += 1;
                    first_due = first_due.min(at);
                    if at <= now_ms {
                        due.push(index);
                        // Not yet worth a call, perhaps: see below.
                        continue;
                    }
                }
            }
            wake = Some(wake.map_or(at, |wake| wake.min(at)));
        }
        if let Some(index) = begin {
            self.works[index].busy = true;
            return Job::Begin(index, Box::new(self.works[index].entry.clone()));
        }
        let gathered = first_due.saturating_add(GATHER_MS);
        if !due.is_empty() && (due.len() == open || due.len() >= MOST_TASKS || gathered <= now_ms) {
            due.truncate(MOST_TASKS);
            return self.poll(due);
        }
        if !due.is_empty() {
            wake = Some(wake.map_or(gathered, |wake| wake.min(gathered)));
        }
        if wake.is_none() && !busy { Job::Nothing } else { Job::Wait(wake) }
    }

    fn poll(&mut self, indices: Vec<usize>) -> Job {
        let take = |index: usize| {
            self.works[index].busy = true;
            (index, self.works[index].entry.clone())
        };
        Job::Poll(indices.into_iter().map(take).collect())
    }

    /// Takes a request back from a worker. `answered` is whether its call gave an answer.
    pub(super) fn give_back(&mut self, index: usize, entry: Entry, now_ms: u64, answered: bool) {
        let work = &mut self.works[index];
        let soon = entry.due_at_ms() <= now_ms.saturating_add(NO_ROOM_MS);
        work.alone = soon && work.entry.ticket().is_some() && entry.ticket().is_some();
        work.unanswered = if answered { 0 } else { work.unanswered + 1 };
        work.entry = entry;
        work.busy = false;
    }
}

/// Two names are the same if this is.
fn same(name: &Identifier) -> (u8, String) {
    match name {
        Identifier::Email(value) => (0, value.trim().to_lowercase()),
        Identifier::Phone(value) => (1, value.trim().to_owned()),
        Identifier::ExternalReference(value) => (2, value.trim().to_owned()),
        Identifier::Other((kind, value)) => (3, format!("{kind} {value}")),
    }
}
