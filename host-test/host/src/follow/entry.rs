//! A request and its state. Everything that is decided between two calls is decided here, without I/O.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::contract::{
    Attempts, DeletionMode, Error, ErrorKind, Finding, Identifier, Outcome, Progress, Remedy, Report, Request, Right,
    SourceState, Stage, Task,
};

/// The delay of [`Entry::postpone`], and before a request whose ticket is spent starts again, in milliseconds: a connector that returns
/// `restart` every time must not cause a busy loop.
const MIN_DELAY_MS: u64 = 1_000;

/// Codes of findings about searched sources that an operator has to see nevertheless.
const CODES_TO_REVIEW: [&str; 4] = ["similar-identifier", "no-country-code", "not-itemised", "shared-job"];

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// A copy of all data.
    Access,
    /// Deletion of all data.
    Deletion(DeletionMode),
    /// No more messages from the vendor.
    OptOut,
}

impl Operation {
    /// The right that it serves.
    #[must_use]
    pub fn right(self) -> Right {
        match self {
            Self::Access => Right::Access,
            Self::Deletion(_) => Right::Deletion,
            Self::OptOut => Right::OptOut,
        }
    }
}

/// A request and its state.
///
/// Store it after each change and before the next call: [`Entry::start_attempt`], [`Entry::record_result`],
/// [`Entry::record_lost_call`], [`Entry::complete`].
///
/// **Attempts.** `request.attempts` covers the earlier attempts that the next call has to know: those whose outcome is unknown
/// and, while a ticket is followed, those that may have started its job. An attempt is stored before its call. Its call is
/// given only the attempts before it. A result other than `outcome-unknown` removes it; a lost call keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    request: Request,
    operation: Operation,
    /// Tells whether another request with the same ID has the same identifiers, without holding them.
    subject_check: u32,
    ticket: Option<String>,
    group: Option<String>,
    /// What the vendor was doing when the request was last polled.
    #[serde(default)]
    stage: Option<Stage>,
    due_at_ms: u64,
    /// When the attempt in progress started. In an entry that was read from a journal, its result was lost.
    attempt_at: Option<u64>,
    /// It starts in a call of its own, because a job that it shared with other requests failed or left data.
    #[serde(default)]
    alone: bool,
    /// The IDs of that job, and of the searches that followed.
    #[serde(default)]
    shared_jobs: Vec<String>,
    /// The directory for the documents.
    pub directory: Option<PathBuf>,
    end: Option<End>,
}

/// How a request ended. It holds no personal data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct End {
    /// In seconds since the Unix epoch.
    pub at: u64,
    /// The outcome, or the error that no retry removes.
    pub result: Result<Outcome, Error>,
    /// The IDs of the vendor's jobs.
    pub jobs: Vec<String>,
    /// Source and code of each finding that an operator has to see: incomplete sources, guards, identifiers that were left out.
    pub findings: Vec<(String, String)>,
}

/// The next call.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// `access`, `delete` or `opt-out`, with the request of [`Entry::start_attempt`].
    Start,
    /// `poll`, with this task.
    Poll(Task),
    /// No call: the request has ended.
    Nothing,
}

/// What a result leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Transition {
    /// Another call is due at [`Entry::due_at_ms`].
    Waiting,
    /// The final report. Save its documents, then call [`Entry::complete`].
    Reported(Box<Report>),
    /// The request ended with an error.
    Failed,
}

impl Entry {
    /// A request that has not been started. Its `attempts` are those that the caller knows of.
    #[must_use]
    pub fn new(request: Request, operation: Operation) -> Self {
        let subject_check = subject_check(&request);
        Self {
            request,
            operation,
            subject_check,
            ticket: None,
            group: None,
            stage: None,
            due_at_ms: 0,
            attempt_at: None,
            alone: false,
            shared_jobs: Vec::new(),
            directory: None,
            end: None,
        }
    }

    /// The same request, continued from a ticket.
    #[must_use]
    pub fn with_ticket(self, ticket: String) -> Self {
        Self { ticket: Some(ticket), ..self }
    }

    /// The key of the entry in a journal. A preview and the deletion that follows it may share a request ID; two deletions
    /// may not.
    #[must_use]
    pub fn key(&self) -> String {
        let operation = match self.operation {
            Operation::Access => "access",
            Operation::Deletion(DeletionMode::Preview) => "preview",
            Operation::Deletion(DeletionMode::Erase | DeletionMode::EraseAndVerify) => "deletion",
            Operation::OptOut => "opt-out",
        };
        format!("{operation} {}", self.request.id)
    }

    /// The host's ID of the request.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request.id
    }

    /// The identifiers of the data subject; empty once the request has ended for good.
    #[must_use]
    pub fn subject(&self) -> &[Identifier] {
        &self.request.subject
    }

    /// The codes of the guards that an operator has overridden.
    #[must_use]
    pub fn overrides(&self) -> &[String] {
        &self.request.overrides
    }

    /// What the request asks for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The latest ticket.
    #[must_use]
    pub fn ticket(&self) -> Option<&str> {
        self.ticket.as_deref()
    }

    /// The vendor job that the ticket shares with other requests: poll them together.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// Whether the request has to start in a call of its own.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// What the vendor was doing when the request was last polled. None of a request that has not been started.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        self.stage
    }

    /// The attempts that the next start of a deletion is given.
    #[must_use]
    pub fn attempts(&self) -> Option<&Attempts> {
        self.request.attempts.as_ref()
    }

    /// No call before this time, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn due_at_ms(&self) -> u64 {
        self.due_at_ms
    }

    /// How the request ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Whether `other` asks for the same operation on the same identifiers. Overrides may differ.
    #[must_use]
    pub fn is_same_request(&self, other: &Self) -> bool {
        self.key() == other.key() && self.operation == other.operation && self.subject_check == other.subject_check
    }

    /// Continues from the state of `stored`, which [is the same request](Self::is_same_request). A request that ended with an
    /// error that an operator can fix is open again; so is a refused one if its overrides have changed.
    #[must_use]
    pub fn resume(self, mut stored: Self) -> Self {
        // The process that made this attempt has no result of it.
        stored.count_attempt();
        let overrides_changed = self.request.overrides != stored.request.overrides;
        let reopened = match stored.end.as_ref().map(|end| &end.result) {
            None => false,
            Some(Ok(outcome)) if *outcome == Outcome::Refused && overrides_changed => true,
            Some(Err(error)) if error.remedy != Remedy::GiveUp => true,
            Some(_) => return stored,
        };
        let attempts = stored.request.attempts.or(self.request.attempts);
        let request = Request { attempts, ..self.request };
        if !reopened {
            return Self { request, ..stored };
        }
        // A ticket of a refused request leads to the same refusal.
        let is_refused = stored.end.is_some_and(|end| end.result.is_ok());
        let (ticket, group) = if is_refused { (None, None) } else { (stored.ticket, stored.group) };
        Self { request, ticket, group, due_at_ms: 0, end: None, ..stored }
    }

    /// Forgets all attempts. Only an operator who has looked in the vendor's own system can decide this.
    pub fn forget_attempts(&mut self) {
        self.attempt_at = None;
        self.request.attempts = None;
    }

    /// The next call, not to be made before [`Entry::due_at_ms`].
    #[must_use]
    pub fn next(&self) -> Next {
        match (&self.end, &self.ticket) {
            (Some(_), _) => Next::Nothing,
            (None, None) => Next::Start,
            (None, Some(ticket)) => {
                let request = Request { attempts: None, ..self.request.clone() };
                Next::Poll(Task::new(request, ticket))
            }
        }
    }

    /// Records that `access`, `delete` or `opt-out` is about to be called, and returns the request of that call: its attempts
    /// are those before this one. Only attempts of a deletion count; the other calls are safe to repeat.
    pub fn start_attempt(&mut self, now_s: u64) -> Request {
        self.count_attempt();
        if matches!(self.operation, Operation::Deletion(_)) {
            self.attempt_at = Some(now_s);
        }
        self.request.clone()
    }

    /// Records the result of the call that was due.
    pub fn record_result(&mut self, result: Result<Progress, Error>, now_ms: u64) -> Transition {
        match result {
            Ok(Progress::Pending(pending)) => {
                // This attempt or an earlier one started the job. `restart` has to find it.
                self.count_attempt();
                self.ticket = Some(pending.ticket);
                self.group = pending.group;
                self.stage = Some(pending.stage);
                self.due_at_ms = now_ms.saturating_add(pending.poll_after_ms);
                Transition::Waiting
            }
            // The attempt stays until the end is stored: after a crash in between, the next start has to find its job.
            Ok(Progress::Done(report)) => Transition::Reported(Box::new(report)),
            Err(error) if error.kind == ErrorKind::OutcomeUnknown => {
                self.count_attempt();
                self.record_error(error, now_ms)
            }
            Err(error) => {
                self.attempt_at = None;
                self.record_error(error, now_ms)
            }
        }
    }

    /// Records an error of the call that was due, or of reading the documents of its report.
    pub fn record_error(&mut self, error: Error, now_ms: u64) -> Transition {
        match error.remedy {
            Remedy::Retry(delay_ms) => self.due_at_ms = now_ms.saturating_add(delay_ms),
            Remedy::Restart => {
                self.ticket = None;
                self.group = None;
                self.stage = None;
                self.due_at_ms = now_ms.saturating_add(MIN_DELAY_MS);
            }
            Remedy::Operator | Remedy::GiveUp => {
                self.close(End { at: now_ms / 1_000, result: Err(error), jobs: Vec::new(), findings: Vec::new() });
                return Transition::Failed;
            }
        }
        Transition::Waiting
    }

    /// Records that the call that was due returned no result: a trap, a time-out, an interrupt. Its attempt counts, and may have
    /// reached the vendor at any time until now.
    pub fn record_lost_call(&mut self, now_ms: u64, delay_ms: u64) {
        if self.attempt_at.is_some() {
            self.count_attempt();
            if let Some(attempts) = &mut self.request.attempts {
                attempts.last_at = attempts.last_at.max(now_ms / 1_000);
            }
        }
        self.due_at_ms = now_ms.saturating_add(delay_ms);
    }

    /// Postpones the next call by at least a second from now.
    pub fn postpone(&mut self, now_ms: u64) {
        self.due_at_ms = self.due_at_ms.max(now_ms.saturating_add(MIN_DELAY_MS));
    }

    /// Whether the request is in progress, or ended with an error that an operator can fix.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match &self.end {
            None => true,
            Some(end) => matches!(&end.result, Err(error) if error.remedy == Remedy::Operator),
        }
    }

    /// Records the final result, and removes the attempt in progress and the identifiers.
    ///
    /// A deletion whose job failed or left data, perhaps because of the other requests of that job, does not end: it starts again, once,
    /// in a call of its own. Its [`Entry::end`] names the jobs of both starts.
    pub fn complete(&mut self, report: &Report) {
        self.attempt_at = None;
        let mut jobs = std::mem::take(&mut self.shared_jobs);
        jobs.extend(report.receipt.jobs.iter().map(|job| job.id.clone()));
        if !self.alone && may_be_due_to_others(report) {
            let request = Request { attempts: None, ..self.request.clone() };
            let restarted = Self { request, ticket: None, group: None, due_at_ms: 0, alone: true, ..self.clone() };
            *self = Self { shared_jobs: jobs, ..restarted };
            return;
        }
        let findings = report.findings.iter().filter(|finding| is_to_review(finding));
        let findings = findings.filter_map(|finding| Some((finding.source.clone(), finding.code.clone()?)));
        let findings = findings.collect::<BTreeSet<_>>().into_iter().collect();
        self.close(End { at: report.receipt.finished_at, result: Ok(report.outcome), jobs, findings });
    }

    /// The attempt in progress belongs to the attempts that the next start is given. A clock that was set back must not make
    /// the latest attempt earlier than the earliest one.
    fn count_attempt(&mut self) {
        let Some(at) = self.attempt_at.take() else { return };
        let attempts = self.request.attempts.get_or_insert(Attempts::at(at));
        attempts.first_at = attempts.first_at.min(at);
        attempts.last_at = attempts.last_at.max(at);
    }

    fn close(&mut self, end: End) {
        if !matches!(&end.result, Err(error) if error.remedy == Remedy::Operator) {
            self.request.subject.clear();
        }
        self.end = Some(end);
    }
}

fn is_to_review(finding: &Finding) -> bool {
    let code = finding.code.as_deref().unwrap_or_default();
    finding.state != SourceState::Searched || CODES_TO_REVIEW.contains(&code)
}

/// Whether other requests of a job may be why a deletion was not successful. Its job has ended, so that no attempt is open.
fn may_be_due_to_others(report: &Report) -> bool {
    let is_unsuccessful = matches!(report.outcome, Outcome::Failed | Outcome::DataRemaining);
    is_unsuccessful && report.findings.iter().any(|finding| finding.code.as_deref() == Some("shared-job"))
}

/// 20 bits on purpose: enough to notice a mistake, too few to confirm a guessed identifier.
fn subject_check(request: &Request) -> u32 {
    let mut digest = Sha256::new();
    for identifier in &request.subject {
        let (kind, value) = match identifier {
            Identifier::Email(value) => ("email", value.to_lowercase()),
            Identifier::Phone(value) => ("phone", value.clone()),
            Identifier::ExternalId(value) => ("external-id", value.clone()),
            Identifier::Other((kind, value)) => (kind.as_str(), value.clone()),
        };
        for part in [kind, &value] {
            digest.update(part.trim().as_bytes());
            digest.update([0]);
        }
    }
    digest.finalize().iter().take(3).fold(0, |sum, byte| (sum << 8) | u32::from(*byte)) >> 4
}

/// Equal for two identifiers that the contract compares as equal.
#[must_use]
pub fn comparable(identifier: &Identifier) -> (&str, String) {
    match identifier {
        Identifier::Email(value) => ("email", value.trim().to_lowercase()),
        Identifier::Phone(value) => ("phone", value.trim().to_owned()),
        Identifier::ExternalId(value) => ("external-id", value.trim().to_owned()),
        Identifier::Other((kind, value)) => (kind.as_str(), value.trim().to_owned()),
    }
}
