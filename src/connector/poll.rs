//! `poll`: how many requests stand, with as few calls to Qualtrics as serve them all.
//!
//! Exports are asked for one by one; Qualtrics keeps no list of them. Erasures are asked for by their ids while they are
//! few, and looked for in one pass over Qualtrics' list when they are many, or when asking by id is an error, as it is
//! until they are completed. Only what is in neither is unknown.

use std::collections::{BTreeMap, BTreeSet};

use super::call::Call;
use super::contract::{Error, ErrorKind, Progress, Remedy, Right, Task};
use super::deletion::{self, Seen};
use super::follow::Following;
use super::subject::{Subject, check_value};
use super::ticket::{Aim, Ticket};
use super::{access, follow};
use crate::http::{Clock, Transport};
use crate::order;
use crate::qualtrics::customer_data::{self, Export};
use crate::qualtrics::envelope::Trouble;
use crate::qualtrics::erasure::{self, Erasure, Hints, Pass};

/// As long as there are no more erasures than this, each is asked for by its id.
const FEW: usize = 3;

/// `poll`.
pub fn poll<T: Transport, C: Clock>(call: &mut Call<'_, T, C>, tasks: &[Task]) -> Vec<Result<Progress, Error>> {
    let read: Vec<Result<(Subject, Ticket), Error>> = tasks.iter().map(read).collect();
    let tickets = || read.iter().filter_map(|task| task.as_ref().ok()).map(|(_, ticket)| ticket);
    let exports = ask_exports(call, tickets().filter(|ticket| ticket.aim == Aim::Access));
    let erasures = ask_erasures(call, tickets().filter(|ticket| ticket.aim != Aim::Access));
    let mut gathered = false;
    tasks
        .iter()
        .zip(read)
        .map(|(task, read)| {
            let (subject, ticket) = read?;
            let following = Following { request: &task.request, subject: &subject, ticket };
            let may_gather = !gathered;
            let before = call.client.calls();
            let progress = answer(call, following, &exports, &erasures, may_gather);
            // Whoever made calls of its own has used this call's room for that.
            gathered = gathered || call.client.calls() > before;
            progress
        })
        .collect()
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
    exports: &BTreeMap<String, Result<Export, Trouble>>,
    erasures: &Erasures,
    may_gather: bool,
) -> Result<Progress, Error> {
    if following.ticket.aim == Aim::Access {
        let asked = |id: &String| exports.get(id).cloned().unwrap_or(Err(Trouble::OutOfTime));
        let answers = following.ticket.jobs.iter().map(asked).collect();
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

fn ask_exports<'t, T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    tickets: impl Iterator<Item = &'t Ticket>,
) -> BTreeMap<String, Result<Export, Trouble>> {
    let mut ids: Vec<&String> = tickets.flat_map(|ticket| &ticket.jobs).collect();
    order::sort(&mut ids);
    let calls: Vec<_> = ids.iter().map(|id| customer_data::progress(id)).collect();
    let answers = if calls.is_empty() { Vec::new() } else { call.client.wave(call.need(Right::Access), &calls) };
    let read = answers.into_iter().map(|answer| answer.map(|answer| customer_data::read_progress(&answer)));
    let mut exports = BTreeMap::new();
    for (id, export) in ids.into_iter().zip(read) {
        exports.insert(id.clone(), export);
    }
    exports
}

/// What Qualtrics says of the erasures that are followed.
struct Erasures {
    /// By id, in lower case, with the place in the list where it can be looked for again.
    seen: BTreeMap<String, (Erasure, Option<String>)>,
    /// The ids, in lower case, that Qualtrics gave no job for.
    refused: BTreeSet<String>,
    /// What is said of those that were not seen.
    others: Others,
}

enum Others {
    Nowhere,
    /// Nowhere, but only jobs with a hint were looked for everywhere.
    Skipped,
    /// The list was not read to its end; where to go on, and whether that holds for jobs with a hint only.
    NotYet(Option<String>, bool),
    Trouble(Trouble),
}

impl Erasures {
    fn of(&self, id: &str, ticket: &Ticket) -> Seen {
        let id = id.to_ascii_lowercase();
        match (self.seen.get(&id), &self.others) {
            (Some((job, place)), _) => Seen::Job(Box::new(job.clone()), place.clone()),
            (None, Others::Skipped | Others::NotYet(_, true)) if ticket.hint.is_none() => Seen::NotYet(None),
            (None, Others::NotYet(hint, _)) => Seen::NotYet(hint.clone()),
            (None, Others::Trouble(trouble)) => Seen::Trouble(trouble.clone()),
            (None, Others::Nowhere | Others::Skipped) if self.refused.contains(&id) => Seen::Nowhere,
            (None, Others::Nowhere | Others::Skipped) => Seen::NotYet(None),
        }
    }

    /// Asks for these by their ids.
    ///
    /// # Errors
    /// What concerns every call. That one job is refused may only mean that it is not completed yet.
    fn ask<T: Transport, C: Clock>(&mut self, call: &mut Call<'_, T, C>, ids: &[&str]) -> Result<(), Trouble> {
        let calls: Vec<_> = ids.iter().map(|id| erasure::get(id)).collect();
        for (id, answer) in ids.iter().zip(call.client.wave(call.need(Right::Deletion), &calls)) {
            match answer.and_then(|answer| erasure::read(&answer, id)) {
                Ok(job) => {
                    self.seen.insert(id.to_ascii_lowercase(), (job, None));
                }
                Err(Trouble::Refused(refusal)) if !matches!(refusal.status, 401 | 429) => {
                    self.refused.insert(id.to_ascii_lowercase());
                }
                Err(Trouble::Unreadable) => {
                    self.refused.insert(id.to_ascii_lowercase());
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(())
    }
}

fn ask_erasures<'t, T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    tickets: impl Iterator<Item = &'t Ticket>,
) -> Erasures {
    let mut erasures = Erasures { seen: BTreeMap::new(), refused: BTreeSet::new(), others: Others::Nowhere };
    if let Err(trouble) = look_up(call, tickets, &mut erasures) {
        erasures.others = Others::Trouble(trouble);
    }
    erasures
}

fn look_up<'t, T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    tickets: impl Iterator<Item = &'t Ticket>,
    erasures: &mut Erasures,
) -> Result<(), Trouble> {
    let sought: BTreeMap<String, &Ticket> =
        tickets.filter_map(|ticket| Some((job_of(ticket)?.to_ascii_lowercase(), ticket))).collect();
    if sought.len() <= FEW {
        let ids: Vec<&str> = sought.values().filter_map(|ticket| job_of(ticket)).collect();
        erasures.ask(call, &ids)?;
    }
    let mut open: Vec<&Ticket> =
        sought.iter().filter(|(id, _)| !erasures.seen.contains_key(*id)).map(|(_, ticket)| *ticket).collect();
    open.sort_by_key(|ticket| begun_at(ticket));
    let Some(oldest) = open.first() else { return Ok(()) };
    let need = call.need(Right::Deletion);
    // The first answer tells the time at Qualtrics; it has to be known before times are compared.
    call.client.sign_in(need)?;
    let since = call.client.at_qualtrics(begun_at(oldest));
    let hints = Hints {
        oldest: oldest.hint.as_deref(),
        youngest: open.iter().rev().find_map(|ticket| ticket.hint.as_deref()),
        all: open.iter().all(|ticket| ticket.hint.is_some()),
    };
    let mut missing = open.len();
    let pass = erasure::pass(&mut call.client, need, since, hints, |job, place| {
        let id = job.id.to_ascii_lowercase();
        if sought.contains_key(&id) && !erasures.seen.contains_key(&id) {
            missing = missing.saturating_sub(1);
            erasures.seen.insert(id, (job, place.map(str::to_owned)));
        }
        missing > 0
    })?;
    erasures.others = match pass {
        Pass { whole: true, skipped: false, .. } => Others::Nowhere,
        Pass { whole: true, .. } => Others::Skipped,
        Pass { skipped, hint, .. } => Others::NotYet(hint, skipped),
    };
    // What the list has dropped may still be known by its id. The others' turn comes with the next call.
    if sought.len() > FEW && pass.whole {
        let lost = open.iter().filter_map(|ticket| job_of(ticket));
        let lost = lost.filter(|id| !erasures.seen.contains_key(&id.to_ascii_lowercase()));
        let lost: Vec<&str> = lost.take(FEW).collect();
        erasures.ask(call, &lost)?;
    }
    Ok(())
}

/// When the job was begun that decides how a deletion goes on, or a little earlier, in seconds of the host's clock.
fn begun_at(ticket: &Ticket) -> u64 {
    ticket.verify.as_ref().map_or(ticket.submitted_at, |verify| verify.erased_at)
}
