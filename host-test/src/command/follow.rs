//! A request, from its first call to its report.

use std::time::Duration;

use host_test::clock::Clock;
use host_test::host::contract::{DeletionMode, Error, ErrorKind, Pending, Progress, Remedy, Report, Request, Task};
use host_test::host::{HostError, Instance};
use host_test::journal::{Entry, Journal, JournalError};
use indicatif::ProgressBar;

use super::exit::Exit;
use super::print;
use super::trouble::Trouble;

/// The call that is made next.
#[derive(Clone)]
pub(super) enum Step {
    Access,
    Delete(DeletionMode),
    Poll(String),
}

/// Where a request stands when the command ends.
pub(super) enum Standing {
    Pending(Pending),
    /// The report, and the ticket that led to it.
    Done(Box<Report>, Option<String>),
}

/// What a journal, if there is one, keeps of the request that is followed.
#[derive(Default)]
pub(super) struct Record(Option<(Journal, Entry)>);

impl Record {
    /// Goes on where the journal says that this request stands.
    pub(super) fn resume(journal: Journal, entry: Entry) -> Result<Self, Trouble> {
        let entry = match journal.get(&entry.id())? {
            Some(kept) if entry.is_for(&kept) => entry.resumed(kept),
            Some(_) => return Err(Trouble::usage("the journal holds another request under this key".to_owned())),
            None => entry,
        };
        journal.put([&entry])?;
        Ok(Self(Some((journal, entry))))
    }

    pub(super) fn entry(&self) -> Option<&Entry> {
        self.0.as_ref().map(|(_, entry)| entry)
    }

    /// Changes the entry, and waits until it is kept.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut Entry) -> T) -> Result<Option<T>, JournalError> {
        let Some((journal, entry)) = &mut self.0 else { return Ok(None) };
        let changed = change(entry);
        journal.put([&*entry])?;
        Ok(Some(changed))
    }
}

/// Makes the call and, if it is to be waited for, those that follow, until there is a report.
///
/// While it waits it does what the contract asks of a host: it keeps to the times that the connector names, repeats what
/// may be repeated, and hands over when the first attempt began once the outcome of one is unknown.
pub(super) async fn follow(
    instance: &mut Instance,
    clock: &Clock,
    record: &mut Record,
    mut request: Request,
    mut step: Step,
    wait: bool,
    quiet: bool,
) -> Result<Standing, Trouble> {
    let screen = Screen::new(quiet);
    // One listener for all of it: an interrupt between two of them would be heard by none.
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    let now_ms = || u64::try_from(clock.since_epoch().as_millis()).unwrap_or(u64::MAX);
    if let Some(entry) = record.entry() {
        request.first_attempt_at = request.first_attempt_at.or(entry.first_attempt_at());
        step = entry.ticket().map_or(step, |ticket| Step::Poll(ticket.to_owned()));
        let pause = clock.in_real_time(Duration::from_millis(entry.due_at_ms().saturating_sub(now_ms())));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = &mut interrupt => return Err(interrupted(&request, &step, None)),
        }
    }
    loop {
        let began = now_ms() / 1_000;
        if !matches!(step, Step::Poll(_)) {
            record.change(|entry| entry.begins(began))?;
        }
        let answer = tokio::select! {
            answer = call(instance, &request, &step) => answer,
            _ = &mut interrupt => return Err(interrupted(&request, &step, Some(began))),
        };
        if let Ok(answer) = &answer {
            record.change(|entry| entry.answered(answer.clone(), now_ms()))?;
        }
        let pause = match answer {
            Ok(Ok(Progress::Done(report))) => {
                let polled = match step {
                    Step::Poll(ticket) => Some(ticket),
                    Step::Access | Step::Delete(_) => None,
                };
                return Ok(Standing::Done(Box::new(report), polled));
            }
            Ok(Ok(Progress::Pending(pending))) => {
                if !wait {
                    return Ok(Standing::Pending(pending));
                }
                screen.show(&print::progress(&pending));
                step = Step::Poll(pending.ticket);
                pending.poll_after_ms
            }
            Ok(Err(error)) => {
                if error.kind == ErrorKind::OutcomeUnknown {
                    request.first_attempt_at.get_or_insert(began);
                }
                let Remedy::Retry(pause) = error.remedy else { return Err(at(&request, &step, error.into())) };
                if !wait {
                    return Err(at(&request, &step, error.into()));
                }
                screen.show(&format!("{} Next attempt in {} s.", error.message, pause.div_ceil(1_000)));
                pause
            }
            Err(error) => return Err(unanswered(&request, &step, began, error)),
        };
        tokio::select! {
            () = tokio::time::sleep(clock.in_real_time(Duration::from_millis(pause))) => {}
            _ = &mut interrupt => return Err(interrupted(&request, &step, None)),
        }
    }
}

type Answer = Result<Result<Progress, Error>, HostError>;

async fn call(instance: &mut Instance, request: &Request, step: &Step) -> Answer {
    match step {
        Step::Access => instance.access(request).await,
        Step::Delete(mode) => instance.delete(request, *mode).await,
        Step::Poll(ticket) => {
            let task = Task { request: request.clone(), ticket: ticket.clone() };
            let answers = instance.poll(&[task]).await?;
            // One answer a task is what the contract says; a connector that does not keep to it has trapped, in effect.
            answers.into_iter().next().ok_or(HostError::Trap(None))
        }
    }
}

/// How to go on from a step: without the names, which the person knows, and a log must not.
pub(super) fn go_on(request: &Request, step: &Step) -> String {
    match (step, request.first_attempt_at) {
        (Step::Poll(ticket), _) => poll_with(request, ticket),
        (_, Some(first)) => {
            format!("run the same again with `--key {} --first-attempt-at {first}`", request.key)
        }
        (_, None) => format!("run the same again with `--key {}`", request.key),
    }
}

pub(super) fn poll_with(request: &Request, ticket: &str) -> String {
    format!("run `host-test poll --key {} --ticket {ticket}` and the connection and names of this command", request.key)
}

/// The trouble, with how to go on from this step.
fn at(request: &Request, step: &Step, trouble: Trouble) -> Trouble {
    let go_on = go_on(request, step);
    match (step, trouble.exit(), trouble.advice()) {
        (_, Exit::OutcomeUnknown, _) => trouble.with_advice(go_on),
        (Step::Poll(_), _, Some(first)) if trouble.leaves_the_ticket_good() => {
            trouble.with_advice(format!("{first}; then {go_on}"))
        }
        _ => trouble,
    }
}

fn unanswered(request: &Request, step: &Step, began: u64, error: HostError) -> Trouble {
    if error.outcome_unknown() {
        ended(request, step, Some(began), Exit::TryLater, &error.to_string())
    } else {
        error.into()
    }
}

/// `began` is when the call began that was interrupted; none between two calls.
fn interrupted(request: &Request, step: &Step, began: Option<u64>) -> Trouble {
    ended(request, step, began, Exit::Pending, "interrupted; what the vendor has begun goes on")
}

/// A call that ended without an answer. A poll begins nothing, so that it can simply be made again; with the other calls, the
/// vendor may have begun.
fn ended(request: &Request, step: &Step, began: Option<u64>, exit_of_poll: Exit, message: &str) -> Trouble {
    let first_attempt_at = request.first_attempt_at.or(began);
    let (exit, request) = match (step, first_attempt_at) {
        (Step::Poll(_), _) => (exit_of_poll, request.clone()),
        (_, Some(_)) => (Exit::OutcomeUnknown, Request { first_attempt_at, ..request.clone() }),
        (_, None) => (Exit::TryLater, request.clone()),
    };
    Trouble::own(exit, message).with_advice(go_on(&request, step))
}

/// A moving line on a terminal, and plain lines elsewhere.
struct Screen {
    line: ProgressBar,
    quiet: bool,
}

impl Screen {
    fn new(quiet: bool) -> Self {
        let line = if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        line.enable_steady_tick(Duration::from_millis(120));
        Self { line, quiet }
    }

    fn show(&self, message: &str) {
        if !self.line.is_hidden() {
            self.line.set_message(message.to_owned());
        } else if !self.quiet {
            eprintln!("{message}");
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}
