//! Erasure: the fact sheet, section 6.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::{Answered, iso};
use super::ask::Ask;
use super::brand::{Brand, Holdings, erasure_case};
use super::dialects::{
    AddressLimit, AddressesDone, EarlyErasure, EmailList, EmailListCase, EmailsNotFound, ErasureAtWork,
    ErasureCounters, ErasureCursor, ErasureDone, ErasureFailed, ErasureId, ErasureLag, ErasureOrder, ErasurePending,
    ErasureRetention, ErasureTimes, SearchOnly, SearchOnlyDefault,
};
use super::oauth::Role;
use super::pages::Cursor;
use super::state::{JobEnd, JobStatus, State};

/// An erasure job, or a search that erases nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Its id, `OP-…`.
    pub id: String,
    /// The id of the user who asked for it.
    pub user: String,
    /// The addresses, as they were sent.
    pub emails: Vec<String>,
    /// Whether it only searches.
    pub search_only: bool,
    /// Where it stands.
    pub status: JobStatus,
    /// When it was taken, since 1970.
    pub created: Duration,
    /// When it last changed, since 1970.
    pub updated: Duration,
    /// What it found, and, unless it only searches, erased.
    pub found: Holdings,
    /// The addresses that it did not find.
    pub not_found: Vec<String>,
    pub(super) due: Option<Duration>,
    end: JobEnd,
}

/// The complete erasures that a brand has made before, oldest first.
pub(super) fn past_erasures(brand: &Brand, now: Duration) -> Vec<Erasure> {
    let user = brand.users.first().map(|user| user.id.clone()).unwrap_or_default();
    (0..brand.past_erasures)
        .map(|n| {
            let created = now.saturating_sub(Duration::from_secs(600) * (brand.past_erasures - n));
            Erasure {
                id: format!("OP-00000000-0000-4000-8000-{n:012}"),
                user: user.clone(),
                emails: vec![format!("former-{n:05}@example.org")],
                search_only: n % 2 == 0,
                status: JobStatus::Completed,
                created,
                updated: created + Duration::from_secs(300),
                found: Holdings { contacts: 1, ..Holdings::default() },
                not_found: Vec::new(),
                due: None,
                end: JobEnd::Completes,
            }
        })
        .collect()
}

const SCOPE: Option<&str> = Some("manage:erasure_requests");

impl State {
    /// `POST /op-erase-personal-data`
    pub(super) fn erasure_create(&mut self, ask: &Ask) -> Answered {
        let user = self.authorize(ask, SCOPE, Role::Administrator)?;
        if !ask.is("application/json") {
            return Err(self.refusal(415, "QVAL_2"));
        }
        let body = ask.json().unwrap_or_default();
        let emails: Vec<_> = body["emails"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let all_strings = body["emails"].as_array().is_some_and(|all| all.len() == emails.len());
        let search_only = match &body["searchOnly"] {
            Value::Null => Some(self.dialects.search_only_default == SearchOnlyDefault::Search),
            value => value.as_bool(),
        };
        let too_many = self.dialects.address_limit == AddressLimit::FiveHundred && emails.len() > 500;
        let usable = all_strings && !too_many && !emails.is_empty() && emails.iter().all(|email| email.contains('@'));
        let (true, Some(search_only)) = (usable, search_only) else {
            return Err(self.refusal(400, "QVAL_1"));
        };
        let erasure = Erasure {
            id: format!("OP-{}", self.uuid()),
            user: user.id,
            emails: emails.into_iter().map(str::to_owned).collect(),
            search_only,
            status: JobStatus::Pending,
            created: self.now(),
            updated: self.now(),
            found: Holdings::default(),
            not_found: Vec::new(),
            due: self.due(self.erasure_duration),
            end: self.next_jobs,
        };
        let result = json!({ "requestId": erasure.id, "user": erasure.user, "created": iso(erasure.created) });
        self.erasures.push(erasure);
        Ok(self.success(result))
    }

    /// `GET /op-erase-personal-data`
    pub(super) fn erasure_list(&mut self, ask: &Ask) -> Answered {
        self.authorize(ask, SCOPE, Role::Administrator)?;
        let now = self.now();
        let hidden = match self.dialects.erasure_lag {
            ErasureLag::None => Duration::ZERO,
            ErasureLag::Seconds20 => Duration::from_secs(20),
        };
        let kept = match self.dialects.erasure_retention {
            ErasureRetention::Ever => Duration::MAX,
            ErasureRetention::Days30 => Duration::from_secs(30 * 24 * 60 * 60),
        };
        let listed = |job: &&Erasure| {
            let forgotten = job.status != JobStatus::Pending && now.saturating_sub(job.updated) >= kept;
            job.created + hidden <= now && !forgotten
        };
        let mut jobs: Vec<_> = (0..self.erasures.len()).filter(|&n| listed(&&self.erasures[n])).collect();
        if self.dialects.erasure_order == ErasureOrder::NewestFirst {
            jobs.reverse();
        }
        let cursor = match self.dialects.erasure_cursor {
            ErasureCursor::Offset => Cursor::Offset,
            ErasureCursor::SkipToken => Cursor::SkipToken,
        };
        self.list(ask, jobs.len(), cursor, |state, n| state.erasure_element(&state.erasures[jobs[n]], true))
    }

    /// `GET /op-erase-personal-data/{id}`
    pub(super) fn erasure_get(&mut self, ask: &Ask) -> Answered {
        self.authorize(ask, SCOPE, Role::Administrator)?;
        let Some(job) = self.erasures.iter().rfind(|job| job.id == ask.segment(1)) else {
            return Err(self.not_found("GED_3"));
        };
        if job.status == JobStatus::Pending {
            let (status, code) = match self.dialects.early_erasure {
                EarlyErasure::Status404 => (404, "GED_3"),
                EarlyErasure::Status400 => (400, "GP_0"),
                EarlyErasure::Status409 => (409, "GED_4"),
                EarlyErasure::Status500 => (500, "ISE_1"),
                EarlyErasure::Status200 => (200, ""),
            };
            if status != 200 {
                return Err(self.refusal(status, code));
            }
        }
        let result = self.erasure_element(job, false);
        Ok(self.success(result))
    }

    /// Lets a job end: only now something is erased.
    pub(super) fn end_erasure(&mut self, n: usize, when: Duration) {
        let same = erasure_case(&self.dialects);
        let job = &mut self.erasures[n];
        job.updated = when;
        if job.end == JobEnd::Fails {
            job.status = JobStatus::Failed;
            return;
        }
        job.status = JobStatus::Completed;
        let worked_on = match self.dialects.addresses_done {
            AddressesDone::All => job.emails.len(),
            AddressesDone::First => 1,
        };
        for email in &job.emails[..worked_on] {
            let found = self.brand.held(email, same);
            if !job.search_only {
                self.brand.erase(email, same);
            }
            if found.is_empty() {
                job.not_found.push(email.clone());
            }
            job.found.contacts += found.contacts;
            job.found.responses += found.responses;
            job.found.users += found.users;
        }
    }

    fn email_list(&self, job: &Erasure) -> Vec<String> {
        let emails = job.emails.iter().map(|email| match self.dialects.email_list_case {
            EmailListCase::AsSent => email.clone(),
            EmailListCase::Lower => email.to_lowercase(),
        });
        match self.dialects.email_list {
            EmailList::Whole => emails.collect(),
            EmailList::First => emails.take(1).collect(),
            EmailList::Masked => emails.map(|email| masked(&email)).collect(),
            EmailList::Hashed => emails.map(|email| format!("{:x}", Sha256::digest(email))).collect(),
        }
    }

    fn erasure_element(&self, job: &Erasure, in_list: bool) -> Value {
        let id = match self.dialects.erasure_id {
            ErasureId::Lower => "requestid",
            ErasureId::Camel => "requestId",
            ErasureId::Id => "id",
        };
        let at_work = in_list && job.status == JobStatus::Pending;
        let mut element = json!({ "status": self.erasure_status(job.status), "created": self.date(job.created) });
        element[id] = job.id.as_str().into();
        if at_work && self.dialects.erasure_at_work == ErasureAtWork::Sparse {
            return element;
        }
        element["user"] = job.user.as_str().into();
        element["updated"] = self.date(job.updated);
        element["numEmailsRequested"] = job.emails.len().into();
        element["emailsNotFound"] = self.emails_not_found(job);
        element["searchOnly"] = match self.dialects.search_only {
            SearchOnly::Bool => job.search_only.into(),
            SearchOnly::String => job.search_only.to_string().into(),
        };
        element["failureReason"] = match job.status {
            JobStatus::Failed => format!("{} could not be looked up.", super::MESSAGE_CANARY).into(),
            JobStatus::Pending | JobStatus::Completed => Value::Null,
        };
        if !(at_work && self.dialects.erasure_at_work == ErasureAtWork::NoAddresses) {
            element["emailList"] = self.email_list(job).into();
        }
        if job.status == JobStatus::Completed && self.dialects.erasure_times == ErasureTimes::Hidden {
            element["created"] = Value::Null;
            element["updated"] = Value::Null;
        }
        if job.status == JobStatus::Completed {
            let counters = json!({
                "responses": job.found.responses,
                "contacts": job.found.contacts,
                "users": job.found.users,
                "distributions": 0,
                "tickets": 0,
            });
            match (self.dialects.erasure_counters, counters) {
                (ErasureCounters::Members, Value::Object(counters)) => {
                    counters.into_iter().for_each(|(name, count)| element[name] = count);
                }
                (ErasureCounters::Nested, counters) => element["summary"] = counters,
                (ErasureCounters::Absent | ErasureCounters::Members, _) => {}
            }
        }
        element
    }

    fn emails_not_found(&self, job: &Erasure) -> Value {
        match self.dialects.emails_not_found {
            _ if job.status != JobStatus::Completed => Value::Null,
            EmailsNotFound::Array => job.not_found.clone().into(),
            EmailsNotFound::Number => job.not_found.len().into(),
            EmailsNotFound::String => job.not_found.join(",").into(),
            EmailsNotFound::Null => Value::Null,
        }
    }

    fn erasure_status(&self, status: JobStatus) -> Value {
        let word = match status {
            JobStatus::Pending => match self.dialects.erasure_pending {
                ErasurePending::Pending => "Pending",
                ErasurePending::Queued => "Queued",
                ErasurePending::InProgress => "In Progress",
                ErasurePending::InProgressCamel => "inProgress",
                ErasurePending::Running => "Running",
                ErasurePending::Null => return Value::Null,
            },
            JobStatus::Completed => match self.dialects.erasure_done {
                ErasureDone::Completed => "Completed",
                ErasureDone::CompletedLower => "completed",
                ErasureDone::CompleteUpper => "COMPLETE",
                ErasureDone::Done => "Done",
                ErasureDone::Success => "Success",
                ErasureDone::Succeeded => "Succeeded",
                ErasureDone::Finished => "Finished",
            },
            JobStatus::Failed => match self.dialects.erasure_failed {
                ErasureFailed::Failed => "Failed",
                ErasureFailed::Failure => "FAILURE",
                ErasureFailed::Error => "error",
                ErasureFailed::Cancelled => "Cancelled",
                ErasureFailed::Rejected => "Rejected",
                ErasureFailed::Reason => "Ended",
            },
        };
        word.into()
    }
}

/// An address of which only the first letter and the domain are legible: `a***@example.org`.
fn masked(email: &str) -> String {
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}***@{domain}")
}
