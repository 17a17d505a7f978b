//! `poll`: how many requests stand, with as few calls to Qualtrics as serve them all.
//!
//! Exports are asked for one by one; Qualtrics keeps no list of them. Once one is found complete, the rest of the call is for
//! what it holds, and the others are asked for in the next: to ask for them all would use up what may be called in a minute
//! before a single file is read. Erasures are asked for by their ids while they are
//! few, and looked for in one pass over Qualtrics' list when they are many, or when asking by id is an error, as it is
//! until they are completed. Only what is in neither is unknown. Where the list cannot be read to its end, a few of those
//! that it does not show are asked for by their ids, and others in the next call.

use super::call::Call;
use super::contract::{Error, ErrorKind, Progress, Remedy, Right, Task};
use super::deletion::{self, Seen};
use super::errors::LIMITED_MS;
use super::follow::Following;
use super::subject::{Subject, check_value};
use super::ticket::{Aim, Ticket, check_of};
use super::{access, follow};
use crate::http::{Clock, Transport};
use crate::order;
use crate::prelude::*;
use crate::qualtrics::customer_data::{self, Export};
use crate::qualtrics::envelope::Trouble;
use crate::qualtrics::erasure::{self, Erasure, Hints, Pass};
use crate::qualtrics::job::JobState;

/// As long as there are no more erasures than this, each is asked for by its id.
const FEW: usize = 3;

/// So many exports are asked for at once, as the transport has requests under way; but first one alone, since it may well be
/// complete.
const TOGETHER: usize = 4;

/// `poll`.
pub fn poll<T: Transport, C: Clock>(call: &mut Call<'_, T, C>, tasks: &[Task]) -> Vec<Result<Progress, Error>> {
    // What cannot be read is answered at once, and takes no more room than its answer: a host may ask of very many.
    let mut read = Vec::new();
    let mut answers: Vec<Option<Result<Progress, Error>>> = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(match self::read(task) {
            Ok((subject, ticket)) => {
                read.push((&task.request, subject, ticket));
                None
            }
            Err(error) => Some(Err(error)),
        });
    }
    let tickets = || read.iter().map(|(_, _, ticket)| ticket);
    let exports = ask_exports(call, tickets().filter(|ticket| ticket.aim == Aim::Access));
    let erasures = ask_erasures(call, tickets().filter(|ticket| ticket.aim != Aim::Access));
    let mut gathered = false;
    let places = answers.iter_mut().filter(|answer| answer.is_none());
    for ((request, subject, ticket), place) in read.iter().zip(places) {
        let following = Following { request, subject, ticket: ticket.clone() };
        let may_gather = !gathered;
        let before = call.client.calls();
        *place = Some(answer(call, following, &exports, &erasures, may_gather));
        // Whoever made calls of its own has used this call's room for that.
        gathered = gathered || call.client.calls() > before;
    }
    // Each has its answer by now. This way of saying so takes them where they lie.
    answers.into_iter().map_while(|answer| answer).collect()
}

fn read(task: &Task) -> Result<(Subject, Ticket), Error> {
    let subject = Subject::read(&task.request)?;
    let ticket = Ticket::read(&task.ticket)?;
    if check_value(&task.request, ticket.aim.letter()) != ticket.check {
        let message = "The ticket belongs to another request: use it with the request that it was given for.";
        return Err(Error::new(ErrorKind::InvalidTicket, Remedy::GiveUp, message));
    }
    Ok((subject, ticket))
}

fn answer<T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    following: Following<'_>,
    exports: &Exports<'_>,
    erasures: &Erasures<'_>,
    may_gather: bool,
) -> Result<Progress, Error> {
    if following.ticket.aim == Aim::Access {
        let answers = following.ticket.jobs.iter().map(|id| exports.of(id)).collect();
        return access::proceed(call, following, answers, may_gather);
    }
    match job_of(&following.ticket).map(str::to_owned) {
        Some(id) => {
            let seen = erasures.of(&id, &following.ticket);
            deletion::proceed(call, following, seen, may_gather)
        }
        // Between two verifying searches: the next one has to be begun.
        None if may_gather => deletion::verify_again(call, following),
        None => {
            let stage = super::contract::Stage::Verifying;
            Ok(Progress::Pending(following.unchanged(call, stage, follow::AT_ONCE_MS)))
        }
    }
}

/// The job whose state decides how a deletion goes on.
fn job_of(ticket: &Ticket) -> Option<&str> {
    match &ticket.verify {
        Some(verify) => verify.search.as_deref(),
        None => ticket.jobs.first().map(String::as_str),
    }
}

/// What Qualtrics says of the exports that are followed.
struct Exports<'t> {
    /// In the order of their ids.
    asked: Vec<(&'t str, Result<Export, Trouble>)>,
    /// What is said of those that were not asked for.
    others: Trouble,
}

impl Exports<'_> {
    fn place(&self, id: &str) -> Result<usize, usize> {
        self.asked.binary_search_by(|(asked, _)| (*asked).cmp(id))
    }

    fn of(&self, id: &str) -> Result<Export, Trouble> {
        match self.place(id).ok().and_then(|place| self.asked.get(place)) {
            Some((_, export)) => export.clone(),
            None => Err(self.others.clone()),
        }
    }

    /// Whether this request's exports are all there, and can be read.
    fn is_ready(&self, ticket: &Ticket) -> bool {
        let at_work = |export: &Export| matches!(export.state, JobState::Running { .. });
        ticket.jobs.iter().all(|id| self.of(id).is_ok_and(|export| !at_work(&export)))
    }
}

/// Asks for exports, until those of a request are complete, or until there would be no room or time left for a file.
fn ask_exports<'t, T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    mut tickets: impl Iterator<Item = &'t Ticket>,
) -> Exports<'t> {
    let need = call.need(Right::Access);
    let mut exports = Exports { asked: Vec::new(), others: Trouble::OwnShare(follow::AT_ONCE_MS) };
    let mut most = 1;
    while !call.client.is_late() {
        let (mut together, mut ids) = (Vec::new(), Vec::new());
        while ids.len() < most
            && let Some(ticket) = tickets.next()
        {
            ids.extend(ticket.jobs.iter().map(String::as_str).filter(|id| exports.place(id).is_err()));
            together.push(ticket);
        }
        order::sort(&mut ids);
        let calls: Vec<_> = ids.iter().map(|id| customer_data::progress(id)).collect();
        if let Some(one) = calls.first() {
            // Where the sign-in fails, it fails for all.
            if let Err(trouble) = call.client.sign_in(need) {
                exports.others = trouble;
                return exports;
            }
            let count = u64::try_from(calls.len()).unwrap_or(u64::MAX);
            let wait = call.client.wait_for(one, count.saturating_add(1));
            if wait > 0 {
                exports.others = Trouble::OwnShare(wait.max(follow::AT_ONCE_MS));
                return exports;
            }
        }
        let mut limited = false;
        for (id, answer) in ids.into_iter().zip(call.client.wave(need, &calls)) {
            if let Err(Trouble::Refused(refusal)) = &answer
                && refusal.status == 429
            {
                limited = true;
                let wait = refusal.retry_after_ms.unwrap_or(LIMITED_MS);
                exports.others = Trouble::OwnShare(wait.max(follow::AT_ONCE_MS));
            }
            if let Err(place) = exports.place(id) {
                exports.asked.insert(place, (id, answer.map(|answer| customer_data::read_progress(&answer))));
            }
        }
        if limited || together.is_empty() || together.iter().any(|ticket| exports.is_ready(ticket)) {
            return exports;
        }
        most = TOGETHER;
    }
    exports
}

/// What Qualtrics says of the erasures that are followed.
struct Erasures<'t> {
    /// In the order of their ids.
    sought: Vec<Sought<'t>>,
    /// What is said of those that were not seen.
    others: Others,
}

/// An erasure that is followed.
struct Sought<'t> {
    /// In lower case.
    id: String,
    ticket: &'t Ticket,
    /// The job, with the place in the list where it can be looked for again.
    seen: Option<(Erasure, Option<String>)>,
    /// Whether Qualtrics gave no job for its id.
    refused: bool,
}

enum Others {
    Nowhere,
    /// Nowhere, but only jobs with a hint were looked for everywhere.
    Skipped,
    /// The list was not read to its end; where to go on, and whether that holds for jobs with a hint only.
    NotYet(Option<String>, bool),
    Trouble(Trouble),
}

impl<'t> Erasures<'t> {
    fn of(&self, id: &str, ticket: &Ticket) -> Seen {
        let sought = self.place(id).and_then(|place| self.sought.get(place));
        match (sought.and_then(|sought| sought.seen.as_ref()), &self.others) {
            (Some((job, place)), _) => Seen::Job(Box::new(job.clone()), place.clone()),
            (None, Others::Skipped | Others::NotYet(_, true)) if ticket.hint.is_none() => Seen::NotYet(None),
            (None, Others::NotYet(hint, _)) => Seen::NotYet(hint.clone()),
            (None, Others::Trouble(trouble)) => Seen::Trouble(trouble.clone()),
            (None, _) if sought.is_some_and(|sought| sought.refused) => Seen::Nowhere,
            (None, _) => Seen::NotYet(None),
        }
    }

    fn place(&self, id: &str) -> Option<usize> {
        let id = id.to_ascii_lowercase();
        self.sought.binary_search_by(|sought| sought.id.cmp(&id)).ok()
    }

    fn get_mut(&mut self, id: &str) -> Option<&mut Sought<'t>> {
        let place = self.place(id)?;
        self.sought.get_mut(place)
    }

    /// Those that were not seen so far.
    fn open(&self) -> impl DoubleEndedIterator<Item = &'t Ticket> {
        self.sought.iter().filter(|sought| sought.seen.is_none()).map(|sought| sought.ticket)
    }

    /// Asks for a few that were not seen by their ids. Where they are more, the lot falls on some, anew each second: all get
    /// their turn, however evenly they are asked for, and nobody has to remember whose it was.
    ///
    /// # Errors
    /// What concerns every call. That one job is refused may only mean that it is not completed yet.
    fn ask<T: Transport, C: Clock>(&mut self, call: &mut Call<'_, T, C>) -> Result<(), Trouble> {
        let open: Vec<&str> = self.open().filter_map(job_of).collect();
        let lot = usize::try_from(check_of(&call.client.now_s().to_string())).unwrap_or(0);
        let drawn = |n| open.get(lot.wrapping_add(n).checked_rem(open.len())?).copied();
        let ids: Vec<&str> = (0..open.len().min(FEW)).filter_map(drawn).collect();
        let calls: Vec<_> = ids.iter().map(|id| erasure::get(id)).collect();
        let mut failed = None;
        for (id, answer) in ids.into_iter().zip(call.client.wave(call.need(Right::Deletion), &calls)) {
            let Some(sought) = self.get_mut(id) else { continue };
            match answer.and_then(|answer| erasure::read(&answer, id)) {
                Ok(job) => sought.seen = Some((job, None)),
                Err(trouble) if trouble.is_of_one() => sought.refused = true,
                // There was no room or time to ask for it.
                Err(Trouble::OwnShare(_) | Trouble::OutOfTime) => {}
                // It is no reason to forget what was said of the others.
                Err(trouble) => failed = failed.or(Some(trouble)),
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

fn ask_erasures<'t, T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    tickets: impl Iterator<Item = &'t Ticket>,
) -> Erasures<'t> {
    let mut erasures = Erasures { sought: Vec::new(), others: Others::Nowhere };
    for ticket in tickets {
        if let Some(id) = job_of(ticket) {
            erasures.sought.push(Sought { id: id.to_ascii_lowercase(), ticket, seen: None, refused: false });
        }
    }
    // Of several tickets for one job the last counts.
    order::sort_by(&mut erasures.sought, |one, other| one.id < other.id);
    if let Err(trouble) = look_up(call, &mut erasures) {
        erasures.others = Others::Trouble(trouble);
    }
    erasures
}

fn look_up<T: Transport, C: Clock>(call: &mut Call<'_, T, C>, erasures: &mut Erasures<'_>) -> Result<(), Trouble> {
    let few = erasures.sought.len() <= FEW;
    if few {
        erasures.ask(call)?;
    }
    let Some(oldest) = erasures.open().min_by_key(|ticket| begun_at(ticket)) else { return Ok(()) };
    let youngest = erasures.open().filter(|ticket| ticket.hint.is_some()).max_by_key(|ticket| begun_at(ticket));
    let need = call.need(Right::Deletion);
    // The first answer tells the time at Qualtrics; it has to be known before times are compared.
    call.client.sign_in(need)?;
    let since = call.client.at_qualtrics(begun_at(oldest));
    let hints = Hints {
        oldest: oldest.hint.as_deref(),
        youngest: youngest.and_then(|ticket| ticket.hint.as_deref()),
        all: erasures.open().all(|ticket| ticket.hint.is_some()),
    };
    let mut missing = erasures.open().count();
    let pass = erasure::pass(&mut call.client, need, since, hints, &mut |listed, place| {
        if let Some(sought) = erasures.get_mut(listed.id)
            && sought.seen.is_none()
        {
            missing = missing.saturating_sub(1);
            sought.seen = Some((listed.whole(), place.map(str::to_owned)));
        }
        missing > 0
    });
    // What the list has dropped, or does not come to, may still be known by its id. The others' turn comes with a later call.
    let by_id = pass.as_ref().map_or_else(Trouble::is_of_one, |pass| pass.whole || pass.stuck);
    if !few && by_id {
        erasures.ask(call)?;
    }
    erasures.others = match pass? {
        Pass { whole: true, skipped: false, .. } => Others::Nowhere,
        Pass { whole: true, .. } => Others::Skipped,
        Pass { skipped, hint, .. } => Others::NotYet(hint, skipped),
    };
    Ok(())
}

/// When the job was begun that decides how a deletion goes on, or a little earlier, in seconds of the host's clock.
fn begun_at(ticket: &Ticket) -> u64 {
    ticket.verify.as_ref().map_or(ticket.submitted_at, |verify| verify.erased_at)
}
