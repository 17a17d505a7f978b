//! `poll`: how many requests stand, with as few calls to Qualtrics as serve them all.
//!
//! Exports are asked for one by one; Qualtrics keeps no list of them. Erasures are asked for by their ids while they are
//! few, and looked for in one pass over Qualtrics' list when they are many, or when asking by id is an error, as it is
//! until they are completed.

use std::collections::BTreeMap;

use super::call::Call;
use super::contract::{Error, ErrorKind, Progress, Remedy, Right, Task};
use super::deletion::{self, Seen};
use super::follow::Following;
use super::subject::{Subject, check_value};
use super::ticket::{Aim, Ticket};
use super::{access, follow};
use crate::http::{Clock, Transport};
use crate::qualtrics::customer_data::{self, Export};
use crate::qualtrics::envelope::Trouble;
use crate::qualtrics::erasure::{self, Erasure};

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
            let seen = erasures.of(&id);
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
    ids.sort();
    ids.dedup();
    let calls: Vec<_> = ids.iter().map(|id| customer_data::progress(id)).collect();
    let answers = if calls.is_empty() { Vec::new() } else { call.client.wave(call.need(Right::Access), &calls) };
    let read = answers.into_iter().map(|answer| answer.map(|answer| customer_data::read_progress(&answer)));
    ids.into_iter().cloned().zip(read).collect()
}

/// What Qualtrics says of the erasures that are followed.
struct Erasures {
    /// By id, in lower case.
    seen: BTreeMap<String, Erasure>,
    /// What is said of those that were not seen.
    others: Others,
}

enum Others {
    Nowhere,
    NotYet(Option<String>),
    Trouble(Trouble),
}

impl Erasures {
    fn of(&self, id: &str) -> Seen {
        match (self.seen.get(&id.to_ascii_lowercase()), &self.others) {
            (Some(job), _) => Seen::Job(Box::new(job.clone())),
            (None, Others::Nowhere) => Seen::Nowhere,
            (None, Others::NotYet(hint)) => Seen::NotYet(hint.clone()),
            (None, Others::Trouble(trouble)) => Seen::Trouble(trouble.clone()),
        }
    }
}

fn ask_erasures<'t, T: Transport, C: Clock>(
    call: &mut Call<'_, T, C>,
    tickets: impl Iterator<Item = &'t Ticket>,
) -> Erasures {
    let mut sought: BTreeMap<String, &Ticket> = BTreeMap::new();
    for ticket in tickets {
        if let Some(id) = job_of(ticket) {
            sought.insert(id.to_ascii_lowercase(), ticket);
        }
    }
    let mut erasures = Erasures { seen: BTreeMap::new(), others: Others::Nowhere };
    if sought.is_empty() {
        return erasures;
    }
    let need = call.need(Right::Deletion);
    if sought.len() <= FEW {
        let ids: Vec<String> = sought.values().filter_map(|ticket| job_of(ticket)).map(str::to_owned).collect();
        let calls: Vec<_> = ids.iter().map(|id| erasure::get(id)).collect();
        for (id, answer) in ids.iter().zip(call.client.wave(need, &calls)) {
            match answer.and_then(|answer| erasure::read(&answer, id)) {
                Ok(job) => {
                    erasures.seen.insert(id.to_ascii_lowercase(), job);
                }
                // That may only mean that the job is not completed yet: the list tells. The rest concerns every call.
                Err(Trouble::Refused(refusal)) if !matches!(refusal.status, 401 | 429) => {}
                Err(Trouble::Unreadable) => {}
                Err(trouble) => {
                    erasures.others = Others::Trouble(trouble);
                    return erasures;
                }
            }
        }
    }
    let open: Vec<&&Ticket> =
        sought.iter().filter(|(id, _)| !erasures.seen.contains_key(*id)).map(|(_, ticket)| ticket).collect();
    if open.is_empty() {
        return erasures;
    }
    // A verifying search is younger than its erasure; the oldest job of all decides how far back to look.
    let since = open.iter().map(|ticket| ticket.submitted_at).min().unwrap_or_default();
    let hint = open.iter().filter_map(|ticket| ticket.hint.as_deref()).min_by_key(|hint| (hint.len(), *hint));
    let mut missing = open.len();
    let since = call.client.at_qualtrics(since);
    let pass = erasure::pass(&mut call.client, need, since, hint, |job| {
        let id = job.id.to_ascii_lowercase();
        if sought.contains_key(&id) && !erasures.seen.contains_key(&id) {
            missing = missing.saturating_sub(1);
            erasures.seen.insert(id, job);
        }
        missing > 0
    });
    erasures.others = match pass {
        Ok(pass) if pass.whole => Others::Nowhere,
        Ok(pass) => Others::NotYet(pass.hint),
        Err(trouble) => Others::Trouble(trouble),
    };
    erasures
}
