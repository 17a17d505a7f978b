//! `poll`: advances requests with as few calls to Qualtrics as possible.
//!
//! Look-ups are made once for all tasks ([`exports`], [`erasures`]). After that, deletions make the calls for which the call has time
//! and share, and the results of one access request are collected; the others stay pending.

pub mod erasures;
pub mod exports;

use super::context::Context;
use super::in_flight::{Budget, InFlight};
use super::ticket::{Operation, Ticket};
use super::{access, deletion, opt_out};
use crate::contract::{Error, ErrorKind, Progress, Remedy, Request, Right, Task};
use crate::privacy::batch::{duplicate_id, duplicates};
use crate::privacy::subject::{Subject, request_check};

/// A task that is well-formed.
struct ParsedTask<'t> {
    request: &'t Request,
    subject: Subject,
    ticket: Ticket,
}

/// `poll`.
#[must_use]
pub fn poll(context: &mut Context<'_>, tasks: &[Task]) -> Vec<Result<Progress, Error>> {
    // 1. Validate. Only well-formed tasks are kept: a host may poll very many in one call.
    let now_s = context.client.now_s();
    let duplicates = duplicates(tasks.iter().map(|task| &task.request));
    let mut parsed: Vec<ParsedTask<'_>> = Vec::new();
    let mut results: Vec<Option<Result<Progress, Error>>> = Vec::with_capacity(tasks.len());
    for (task, is_duplicate) in tasks.iter().zip(duplicates) {
        match if is_duplicate { Err(duplicate_id()) } else { parse(task, now_s) } {
            Ok(task) => {
                parsed.push(task);
                results.push(None);
            }
            Err(error) => results.push(Some(Err(error))),
        }
    }
    // 2. Look up, once for all.
    let tickets = || parsed.iter().map(|task| &task.ticket);
    let exports = exports::look_up(context, tickets().filter(|ticket| ticket.operation == Operation::Access));
    let erasures = erasures::look_up(context, tickets().filter(|ticket| ticket.operation.right() == Right::Deletion));
    // 3. Advance each. The results of one access or opt-out request are collected.
    let mut advanced: Vec<Option<Result<Progress, Error>>> = parsed.iter().map(|_| None).collect();
    let deletions = parsed.iter().filter(|task| task.right() == Right::Deletion).map(|task| {
        let look_up = task.ticket.decisive_job().map(|id| erasures.of(id, &task.ticket));
        (task.in_flight(), look_up)
    });
    let mut deletions = deletion::advance(context, deletions.collect()).into_iter();
    let mut budget = Budget::Available;
    for (task, result) in parsed.iter().zip(&mut advanced) {
        let calls_before = context.client.calls();
        *result = match task.right() {
            Right::Deletion => deletions.next(),
            Right::Access => {
                let look_ups = task.ticket.jobs.iter().map(|id| exports.of(id)).collect();
                Some(access::proceed(context, task.in_flight(), look_ups, budget))
            }
            Right::OptOut => Some(opt_out::proceed(context, task.in_flight(), budget)),
        };
        if context.client.calls() > calls_before {
            budget = Budget::Spent;
        }
    }
    let mut advanced = advanced.into_iter().flatten();
    results.into_iter().filter_map(|result| result.or_else(|| advanced.next())).collect()
}

impl<'t> ParsedTask<'t> {
    const fn right(&self) -> Right {
        self.ticket.operation.right()
    }

    fn in_flight<'p: 't>(&'p self) -> InFlight<'t> {
        InFlight { request: self.request, subject: &self.subject, ticket: self.ticket.clone() }
    }
}

fn parse(task: &Task, now_s: u64) -> Result<ParsedTask<'_>, Error> {
    let subject = Subject::parse(&task.request, now_s)?;
    let ticket = Ticket::parse(&task.ticket)?;
    if request_check(&task.request, ticket.operation.name()) != ticket.request_check {
        let message = "The ticket belongs to another request: pass it with the request that it was returned for.";
        return Err(Error::new(ErrorKind::InvalidTicket, Remedy::GiveUp, message));
    }
    Ok(ParsedTask { request: &task.request, subject, ticket })
}
