use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::host::contract::{
    DeletionMode, Error, ErrorKind, Identifier, Outcome, Progress, Remedy, Report, Request, Right, SourceState, Task,
};

/// Before a spent ticket is replaced by a new beginning, in milliseconds: no request may keep the vendor busy all the time.
const ANEW_MS: u64 = 1_000;

/// What is asked for in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aim {
    /// All that is held.
    Access,
    /// Its deletion.
    Deletion(DeletionMode),
}

impl Aim {
    /// The right that it serves.
    #[must_use]
    pub fn right(self) -> Right {
        match self {
            Self::Access => Right::Access,
            Self::Deletion(_) => Right::Deletion,
        }
    }
}

/// A request, and how far it has come. All that is decided between two calls is decided here.
///
/// Store it after each change, and before the next call: [`Entry::begins`], [`Entry::answered`], [`Entry::ends`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    request: Request,
    aim: Aim,
    /// Tells a request of the same key and other names, without holding names: see [`Entry::is_for`].
    names: u32,
    ticket: Option<String>,
    due_at_ms: u64,
    /// Where the documents go.
    pub directory: Option<PathBuf>,
    end: Option<End>,
    /// Whether the attempt under way is the first: if it began nothing, there was none. Not known after a crash.
    #[serde(skip)]
    fresh: bool,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// In seconds since 1970.
    pub at: u64,
    /// The outcome, or the error that a person has to look into.
    pub result: Result<Outcome, Error>,
    /// The ids of the vendor's jobs.
    pub jobs: Vec<String>,
    /// Which sources did not answer in full, and which guards stood in the way: source and code.
    #[serde(default)]
    pub findings: Vec<(String, String)>,
}

/// The call to be made next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// `access`, or `delete`.
    Begin(Request),
    /// `poll`.
    Poll(Task),
    /// None: it has ended.
    Nothing,
}

/// What an answer comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// There is a call to be made later.
    Waits,
    /// There is a report: when its documents are saved, [`Entry::ends`].
    Reported(Box<Report>),
    /// It has ended with an error.
    Failed,
}

impl Entry {
    /// A request that nobody has begun.
    #[must_use]
    pub fn new(request: Request, aim: Aim) -> Self {
        let names = check_value(&request);
        Self { request, aim, names, ticket: None, due_at_ms: 0, directory: None, end: None, fresh: false }
    }

    /// What it is kept under: a preview and the deletion that follows it may share a key, two deletions may not.
    #[must_use]
    pub fn id(&self) -> String {
        let aim = match self.aim {
            Aim::Access => "access",
            Aim::Deletion(DeletionMode::Preview) => "preview",
            Aim::Deletion(DeletionMode::Erase | DeletionMode::EraseAndVerify) => "deletion",
        };
        format!("{aim} {}", self.request.key)
    }

    /// The host's id of the request.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.request.key
    }

    /// What is asked for.
    #[must_use]
    pub fn aim(&self) -> Aim {
        self.aim
    }

    /// The ticket of the last answer.
    #[must_use]
    pub fn ticket(&self) -> Option<&str> {
        self.ticket.as_deref()
    }

    /// When the first attempt began whose outcome is unknown, or that was begun: in seconds since 1970.
    #[must_use]
    pub fn first_attempt_at(&self) -> Option<u64> {
        self.request.first_attempt_at
    }

    /// No call before this, in milliseconds since 1970.
    #[must_use]
    pub fn due_at_ms(&self) -> u64 {
        self.due_at_ms
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Whether `other` asks for the same, for the same names. Lifted guards may differ.
    #[must_use]
    pub fn is_for(&self, other: &Self) -> bool {
        self.id() == other.id() && self.aim == other.aim && self.names == other.names
    }

    /// Goes on where `kept` stands, which [is for the same](Self::is_for) request. What ended with an error that a
    /// person could mend is tried again, and so is what was refused if other guards are lifted now.
    #[must_use]
    pub fn resumed(self, kept: Self) -> Self {
        let Self { request: Request { subject, confirmed, extra, key, first_attempt_at }, .. } = self;
        let lifted = confirmed != kept.request.confirmed;
        let again = kept.end.as_ref().is_some_and(|end| match &end.result {
            Ok(outcome) => *outcome == Outcome::Refused && lifted,
            Err(error) => error.remedy != Remedy::GiveUp,
        });
        let first_attempt_at = kept.request.first_attempt_at.or(first_attempt_at);
        let request = Request { key, subject, first_attempt_at, confirmed, extra };
        if again {
            let refused = kept.end.as_ref().is_some_and(|end| end.result.is_ok());
            // What was refused was never begun.
            let (ticket, request) =
                if refused { (None, Request { first_attempt_at: None, ..request }) } else { (kept.ticket, request) };
            return Self { request, ticket, due_at_ms: 0, end: None, ..kept };
        }
        if kept.end.is_some() { kept } else { Self { request, ..kept } }
    }

    /// Forgets that there was an attempt: only for a person who has looked at the vendor's own system.
    pub fn forget_attempt(&mut self) {
        self.request.first_attempt_at = None;
    }

    /// The call to be made next, not before [`Entry::due_at_ms`].
    #[must_use]
    pub fn next(&self) -> Next {
        match (&self.end, &self.ticket) {
            (Some(_), _) => Next::Nothing,
            (None, None) => Next::Begin(self.request.clone()),
            (None, Some(ticket)) => Next::Poll(Task { request: self.request.clone(), ticket: ticket.clone() }),
        }
    }

    /// Notes that a call is about to be made that may begin something at the vendor. Returns that call's request: the attempt
    /// that is noted in the entry is none of its own.
    pub fn begins(&mut self, now_s: u64) -> Request {
        let request = self.request.clone();
        self.fresh = request.first_attempt_at.is_none();
        self.request.first_attempt_at.get_or_insert(now_s);
        request
    }

    /// Notes the answer of the call that was due.
    pub fn answered(&mut self, answer: Result<Progress, Error>, now_ms: u64) -> Turn {
        let fresh = std::mem::take(&mut self.fresh);
        match answer {
            Ok(Progress::Pending(pending)) => {
                self.ticket = Some(pending.ticket);
                self.due_at_ms = now_ms.saturating_add(pending.poll_after_ms);
                Turn::Waits
            }
            Ok(Progress::Done(report)) => Turn::Reported(Box::new(report)),
            Err(error) => {
                // By the contract, any other error means that this call began nothing. Earlier ones may have.
                if fresh && error.kind != ErrorKind::OutcomeUnknown {
                    self.request.first_attempt_at = None;
                }
                self.failed(error, now_ms)
            }
        }
    }

    /// Notes an error, of the call that was due or of reading the documents of its report.
    pub fn failed(&mut self, error: Error, now_ms: u64) -> Turn {
        match error.remedy {
            Remedy::Retry(wait) => self.due_at_ms = now_ms.saturating_add(wait),
            Remedy::Restart => {
                self.ticket = None;
                self.due_at_ms = now_ms.saturating_add(ANEW_MS);
                if self.aim == Aim::Access {
                    // Nothing to be adopted: what reads may be made anew.
                    self.request.first_attempt_at = None;
                }
            }
            Remedy::Operator | Remedy::GiveUp => {
                self.close(End { at: now_ms / 1_000, result: Err(error), jobs: Vec::new(), findings: Vec::new() });
                return Turn::Failed;
            }
        }
        Turn::Waits
    }

    /// Notes that the call that was due gave no answer: it may have begun something all the same.
    pub fn unanswered(&mut self, now_ms: u64, wait_ms: u64) {
        self.fresh = false;
        self.due_at_ms = now_ms.saturating_add(wait_ms);
    }

    /// Notes the end. The names are needed no more, and removed.
    pub fn ends(&mut self, report: &Report) {
        let jobs = report.receipt.jobs.iter().map(|job| job.id.clone()).collect();
        let findings = report.findings.iter().filter(|finding| finding.state != SourceState::Searched);
        let findings = findings.filter_map(|finding| Some((finding.source.clone(), finding.code.clone()?)));
        let findings = findings.collect::<BTreeSet<_>>().into_iter().collect();
        self.close(End { at: report.receipt.finished_at, result: Ok(report.outcome), jobs, findings });
    }

    fn close(&mut self, end: End) {
        if !matches!(&end.result, Err(error) if error.remedy == Remedy::Operator) {
            self.request.subject.clear();
        }
        self.end = Some(end);
    }
}

/// 20 bits on purpose: enough to tell a mistake, too few to confirm a guess at a name.
fn check_value(request: &Request) -> u32 {
    let mut digest = Sha256::new();
    for identifier in &request.subject {
        let (kind, value) = match identifier {
            Identifier::Email(value) => ("email", value.to_lowercase()),
            Identifier::Phone(value) => ("phone", value.clone()),
            Identifier::ExternalReference(value) => ("external-reference", value.clone()),
            Identifier::Other((kind, value)) => (kind.as_str(), value.clone()),
        };
        for part in [kind, value.trim()] {
            digest.update(part.trim().as_bytes());
            digest.update([0]);
        }
    }
    digest.finalize().iter().take(3).fold(0, |sum, byte| (sum << 8) | u32::from(*byte)) >> 4
}
