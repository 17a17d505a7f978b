//! `poll`: advances requests with as few calls to Qualtrics as possible.
//!
//! Look-ups are made once for all tasks ([`exports`], [`erasures`]). After that, the rest of the call collects the results of one
//! request; the others stay pending.

pub mod erasures;
pub mod exports;

use self::erasures::ErasureLookUps;
use self::exports::ExportLookUps;
use super::context::Context;
use super::deletion::{self, verification};
use super::in_flight::{Budget, IMMEDIATE_MS, InFlight};
use super::ticket::{Operation, Ticket};
use super::{access, deletion::stage};
use crate::contract::{Error, ErrorKind, Progress, Remedy, Request, Task};
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
    let erasures = erasures::look_up(context, tickets().filter(|ticket| ticket.operation != Operation::Access));
    // 3. Advance each, until one has made calls of its own.
    let mut budget = Budget::Available;
    let open = results.iter_mut().filter(|result| result.is_none());
    for (ParsedTask { request, subject, ticket }, result) in parsed.iter().zip(open) {
        let in_flight = InFlight { request, subject, ticket: ticket.clone() };
        let calls_before = context.client.calls();
        *result = Some(advance(context, in_flight, &exports, &erasures, budget));
        if context.client.calls() > calls_before {
            budget = Budget::Spent;
        }
    }
    results.into_iter().flatten().collect()
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

fn advance(
    context: &mut Context<'_>,
    in_flight: InFlight<'_>,
    exports: &ExportLookUps<'_>,
    erasures: &ErasureLookUps<'_>,
    budget: Budget,
) -> Result<Progress, Error> {
    if in_flight.ticket.operation == Operation::Access {
        let look_ups = in_flight.ticket.jobs.iter().map(|id| exports.of(id)).collect();
        return access::proceed(context, in_flight, look_ups, budget);
    }
    match in_flight.ticket.decisive_job().map(str::to_owned) {
        Some(id) => {
            let look_up = erasures.of(&id, &in_flight.ticket);
            deletion::proceed(context, in_flight, look_up, budget)
        }
        // Between two verifying searches: the next one is to be started.
        None if budget == Budget::Available => verification::start_search(context, in_flight),
        None => {
            let stage = stage(&in_flight.ticket);
            in_flight.pending_for(context, stage, IMMEDIATE_MS)
        }
    }
}
