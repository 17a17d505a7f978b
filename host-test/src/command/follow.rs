//! A request, from its first call to its report.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use host_test::host::contract::{DeletionMode, Error, ErrorKind, Pending, Progress, Remedy, Report, Request, Task};
use host_test::host::{HostError, Instance};
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

/// Makes the call and, if it is to be waited for, those that follow, until there is a report.
///
/// While it waits it does what the contract asks of a host: it keeps to the times that the connector names, repeats what
/// may be repeated, and hands over when the first attempt began once the outcome of one is unknown.
pub(super) async fn follow(
    instance: &mut Instance,
    mut request: Request,
    mut step: Step,
    wait: bool,
    quiet: bool,
) -> Result<Standing, Trouble> {
    let screen = Screen::new(quiet);
    loop {
        let began = now();
        let answer = tokio::select! {
            answer = call(instance, &request, &step) => answer,
            _ = tokio::signal::ctrl_c() => return Err(interrupted(&request, &step, began)),
        };
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
            () = tokio::time::sleep(Duration::from_millis(pause)) => {}
            _ = tokio::signal::ctrl_c() => return Err(interrupted(&request, &step, began)),
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

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
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
    if error.outcome_unknown() { ended(request, step, began, Exit::TryLater, &error.to_string()) } else { error.into() }
}

fn interrupted(request: &Request, step: &Step, began: u64) -> Trouble {
    ended(request, step, began, Exit::Pending, "interrupted; what the vendor has begun goes on")
}

/// A call that ended without an answer. A poll begins nothing, so that it can simply be made again; with the other calls, the
/// vendor may have begun.
fn ended(request: &Request, step: &Step, began: u64, exit_of_poll: Exit, message: &str) -> Trouble {
    let first_attempt_at = Some(request.first_attempt_at.unwrap_or(began));
    let (exit, request) = match step {
        Step::Poll(_) => (exit_of_poll, request.clone()),
        Step::Access | Step::Delete(_) => (Exit::OutcomeUnknown, Request { first_attempt_at, ..request.clone() }),
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
