//! Which requests there are, and which call is to be made next.

use std::collections::HashMap;

use host_test::host::contract::{Error, ErrorKind, Identifier, Pending, Progress, Remedy, Right, Stage};
use host_test::journal::{Aim, Entry, Next};

/// Requests that are asked for in one `poll`.
const MOST_TASKS: usize = 50;
/// A request may be polled so much later than it could be, for others to join: many cost little more than one. In
/// milliseconds.
const GATHER_MS: u64 = 15_000;
/// A request that the connector wants to see again so soon was left out for lack of room: it is polled by itself. In
/// milliseconds.
const NO_ROOM_MS: u64 = 1_000;

/// After so long without a call, the whole share of the vendor's limits is there again, in milliseconds.
const FULL_SHARE_MS: u64 = 60_000;

/// All requests of a batch.
pub(super) struct Board {
    works: Vec<Work>,
    gates: Gates,
}

/// A request, and what only this run knows of it.
pub(super) struct Work {
    pub(super) entry: Entry,
    /// Somebody is making a call for it.
    busy: bool,
    /// It is polled by itself.
    alone: bool,
    /// Its call took many calls to the vendor, and the share was used up before the last of them. Next time it is the only
    /// one: two that together need more than the share would cross each other for ever.
    crowded_out: bool,
    /// The access requests on the same person: a deletion before their end would cost them their answer.
    behind: Vec<usize>,
    /// Calls in a row that the host got no answer from.
    pub(super) unanswered: u32,
}

/// Before these instants there is no call of this kind, since the share of the vendor's limits for it is used up. In
/// milliseconds since 1970.
#[derive(Default)]
struct Gates([[u64; 2]; 2]);

impl Gates {
    /// That of the next call for this request.
    fn of(&mut self, entry: &Entry) -> &mut u64 {
        let right = match entry.aim().right() {
            Right::Access => 0,
            Right::Deletion => 1,
        };
        &mut self.0[right][usize::from(entry.ticket().is_some())]
    }
}

/// What came of a call.
pub(super) enum Call {
    Answered,
    /// Fewer calls are asked for: none for so many milliseconds.
    Limited(u64),
    /// The host got no answer.
    Unanswered,
}

impl Call {
    pub(super) fn of(answer: &Result<Progress, Error>) -> Self {
        match answer {
            Err(Error { kind: ErrorKind::RateLimited, remedy: Remedy::Retry(wait), .. }) => Self::Limited(*wait),
            // The vendor has done its part. What was left to be read may not have fitted into the share, and the connector
            // tries it a few times only.
            Ok(Progress::Pending(Pending { stage: Stage::Gathering, poll_after_ms, .. })) => {
                Self::Limited(*poll_after_ms)
            }
            _ => Self::Answered,
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
            Work { entry, busy: false, alone: false, crowded_out: false, behind, unanswered: 0 }
        };
        Self { works: entries.into_iter().enumerate().map(work).collect(), gates: Gates::default() }
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
        match self.works[index].entry.end().map(|end| &end.result) {
            None => true,
            Some(Ok(_)) => false,
            Some(Err(error)) => error.remedy != Remedy::GiveUp,
        }
    }

    pub(super) fn next(&mut self, now_ms: u64) -> Job {
        let mut wake: Option<u64> = None;
        let mut together = Vec::new();
        let (mut first_due, mut open, mut busy, mut closed) = (u64::MAX, 0_usize, false, false);
        let (mut begin, mut single, mut crowded_out) = (None, None, None);
        for (index, work) in self.works.iter().enumerate() {
            if work.busy {
                busy = true;
                closed |= work.crowded_out;
                continue;
            }
            let at = work.entry.due_at_ms().max(*self.gates.of(&work.entry));
            let is_due = at <= now_ms;
            match work.entry.next() {
                Next::Nothing => continue,
                Next::Begin(_) if self.is_held(work) => continue,
                _ if work.crowded_out => crowded_out = crowded_out.or(is_due.then_some(index)),
                Next::Begin(_) => begin = begin.or(is_due.then_some(index)),
                Next::Poll(_) if work.is_polled_by_itself() => single = single.or(is_due.then_some(index)),
                Next::Poll(_) => {
                    open += 1;
                    first_due = first_due.min(at);
                    if is_due {
                        together.push(index);
                        // Not yet worth a call, perhaps: see below.
                        continue;
                    }
                }
            }
            wake = Some(wake.map_or(at, |wake| wake.min(at)));
        }
        if closed || (busy && crowded_out.is_some()) {
            return Job::Wait(None);
        }
        // What has come far comes first: the vendor keeps nothing for ever.
        match (crowded_out.or(single), begin) {
            (Some(index), _) if self.works[index].entry.ticket().is_some() => return self.poll(vec![index]),
            (Some(index), _) | (None, Some(index)) => return self.begin(index),
            (None, None) => {}
        }
        let gathered = first_due.saturating_add(GATHER_MS);
        if !together.is_empty() && (together.len() == open || together.len() >= MOST_TASKS || gathered <= now_ms) {
            together.truncate(MOST_TASKS);
            return self.poll(together);
        }
        if !together.is_empty() {
            wake = Some(wake.map_or(gathered, |wake| wake.min(gathered)));
        }
        if wake.is_none() && !busy { Job::Nothing } else { Job::Wait(wake) }
    }

    fn begin(&mut self, index: usize) -> Job {
        self.works[index].busy = true;
        Job::Begin(index, Box::new(self.works[index].entry.clone()))
    }

    fn poll(&mut self, indices: Vec<usize>) -> Job {
        let take = |index: usize| {
            self.works[index].busy = true;
            (index, self.works[index].entry.clone())
        };
        Job::Poll(indices.into_iter().map(take).collect())
    }

    /// Takes a request back from a worker, after a call of which this came.
    pub(super) fn give_back(&mut self, index: usize, entry: Entry, now_ms: u64, call: &Call) {
        let work = &mut self.works[index];
        // What only begins something is one call, for which there is room as soon as there is any.
        let looks = work.entry.ticket().is_some() || work.entry.first_attempt_at().is_some();
        if let Call::Limited(wait) = call {
            let wait = if looks { FULL_SHARE_MS.max(*wait) } else { *wait };
            let gate = self.gates.of(&work.entry);
            *gate = (*gate).max(now_ms.saturating_add(wait));
        }
        let by_itself = work.entry.ticket().is_none() || work.is_polled_by_itself();
        work.crowded_out = looks && by_itself && matches!(call, Call::Limited(_));
        let soon = matches!(call, Call::Answered) && entry.due_at_ms() <= now_ms.saturating_add(NO_ROOM_MS);
        work.alone = soon && work.entry.ticket().is_some() && entry.ticket().is_some();
        work.unanswered = if matches!(call, Call::Unanswered) { work.unanswered + 1 } else { 0 };
        work.entry = entry;
        work.busy = false;
    }
}

impl Work {
    /// One look at a vendor's list may serve many deletions. An access ends in documents, which are gathered for one request
    /// in a call, and all others would be asked for in vain.
    fn is_polled_by_itself(&self) -> bool {
        self.alone || self.entry.aim() == Aim::Access
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

#[cfg(test)]
mod tests {
    use host_test::host::contract::{DeletionMode, Request};

    use super::*;

    const ERASE: Aim = Aim::Deletion(DeletionMode::Erase);

    fn pending(stage: Stage, poll_after_ms: u64) -> Result<Progress, Error> {
        Ok(Progress::Pending(Pending {
            ticket: "ticket".to_owned(),
            stage,
            poll_after_ms,
            submitted_at: None,
            vendor_status: None,
            percent: None,
            attention: None,
            extra: Vec::new(),
        }))
    }

    fn limited(wait: u64) -> Result<Progress, Error> {
        Err(Error {
            kind: ErrorKind::RateLimited,
            remedy: Remedy::Retry(wait),
            message: String::new(),
            problems: Vec::new(),
            http_status: None,
            vendor_code: None,
            vendor_request_id: None,
            extra: Vec::new(),
        })
    }

    /// Requests on as many people, of which the vendor has begun some.
    fn board(requests: &[(Aim, bool)]) -> Board {
        let name = |index| vec![Identifier::Email(format!("person-{index}@example.org"))];
        let entry = |(index, (aim, begun)): (usize, &(Aim, bool))| {
            let request = Request {
                key: index.to_string(),
                subject: name(index),
                first_attempt_at: None,
                confirmed: Vec::new(),
                extra: Vec::new(),
            };
            let mut entry = Entry::new(request, *aim);
            if *begun {
                entry.begins(0);
                entry.answered(pending(Stage::Exporting, 0), 0);
            }
            entry
        };
        let names: Vec<_> = (0..requests.len()).map(name).collect();
        Board::new(requests.iter().enumerate().map(entry).collect(), &names)
    }

    /// Gives a request back with this answer.
    fn answer(board: &mut Board, index: usize, answer: Result<Progress, Error>, now_ms: u64) {
        let call = Call::of(&answer);
        let mut entry = board.works()[index].entry.clone();
        entry.answered(answer, now_ms);
        board.give_back(index, entry, now_ms, &call);
    }

    fn polled(job: Job) -> Vec<usize> {
        let Job::Poll(entries) = job else { panic!("{job:?}") };
        entries.into_iter().map(|(index, _)| index).collect()
    }

    #[test]
    fn accesses_are_polled_one_by_one_and_deletions_together() {
        let mut board = board(&[(ERASE, true), (Aim::Access, true), (ERASE, true), (Aim::Access, true)]);
        assert_eq!(polled(board.next(0)), [1]);
        assert_eq!(polled(board.next(0)), [3]);
        assert_eq!(polled(board.next(0)), [0, 2]);
        assert!(matches!(board.next(0), Job::Wait(None)));
    }

    #[test]
    fn a_limit_keeps_back_the_same_calls_and_no_others() {
        let mut board = board(&[(ERASE, false), (ERASE, false), (Aim::Access, false), (ERASE, true)]);
        assert!(matches!(board.next(0), Job::Begin(0, _)));
        answer(&mut board, 0, limited(4_000), 0);
        assert!(matches!(board.next(0), Job::Begin(2, _)));
        assert_eq!(polled(board.next(0)), [3]);
        assert!(matches!(board.next(3_999), Job::Wait(Some(4_000))));
        assert!(matches!(board.next(4_000), Job::Begin(0, _)));
    }

    #[test]
    fn what_did_not_fit_into_the_share_gets_all_of_it_and_nobody_crosses_it() {
        for set_back in [limited(1_000), pending(Stage::Gathering, 30_000)] {
            let mut board = board(&[(Aim::Access, true), (Aim::Access, true), (ERASE, false)]);
            assert_eq!(polled(board.next(0)), [0]);
            assert_eq!(polled(board.next(0)), [1]);
            answer(&mut board, 1, set_back, 0);
            // Deletions go on meanwhile.
            assert!(matches!(board.next(0), Job::Begin(2, _)));
            answer(&mut board, 0, pending(Stage::Exporting, 0), 1_000);
            assert!(matches!(board.next(59_999), Job::Wait(Some(60_000))));
            assert!(matches!(board.next(60_000), Job::Wait(None)), "there is still another call");
            answer(&mut board, 2, pending(Stage::Erasing, 0), 60_000);
            assert_eq!(polled(board.next(60_000)), [1]);
            assert!(matches!(board.next(60_000), Job::Wait(None)), "it is the only one");
            answer(&mut board, 1, pending(Stage::Exporting, 100_000), 61_000);
            assert_eq!(polled(board.next(61_000)), [0]);
        }
    }

    #[test]
    fn many_that_are_polled_together_and_are_too_many_are_polled_together_again() {
        let mut board = board(&[(ERASE, true), (ERASE, true)]);
        assert_eq!(polled(board.next(0)), [0, 1]);
        answer(&mut board, 0, limited(1_000), 0);
        answer(&mut board, 1, limited(1_000), 0);
        assert!(matches!(board.next(59_999), Job::Wait(Some(60_000))));
        assert_eq!(polled(board.next(60_000)), [0, 1]);
    }
}
