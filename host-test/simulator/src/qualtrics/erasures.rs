//! Erasure jobs: the fact sheet, section 6.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::brand::{Holdings, SameAddress, ignoring_case};
use super::dialects::{
    AddressCase, AddressLimit, AddressesDone, Dialects, EarlyErasure, EmailList, EmailListCase, EmailsNotFound,
    ErasureAtWork, ErasureCounters, ErasureCursor, ErasureDone, ErasureFailed, ErasureId, ErasureLag, ErasureOrder,
    ErasurePending, ErasureRetention, ErasureTimes, SearchOnly, SearchOnlyDefault,
};
use super::endpoint::resource_id;
use super::envelope::{EndpointResult, MESSAGE_CANARY, iso};
use super::jobs::{Erasure, JobEnd, JobStatus};
use super::oauth::Role;
use super::pages::Cursor;
use super::state::State;
use crate::server::Request;

const SCOPES: &[&str] = &["manage:erasure_requests"];

/// Where a job is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    List,
    Single,
}

impl State {
    /// `POST /op-erase-personal-data`
    pub(super) fn erasure_create(&mut self, request: &Request) -> EndpointResult {
        let user = self.authorize(request, SCOPES, Role::Administrator)?;
        if !request.has_media_type("application/json") {
            return Err(self.error(415, "QVAL_2"));
        }
        let body = request.json().unwrap_or_default();
        let emails: Vec<_> = body["emails"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let all_strings = body["emails"].as_array().is_some_and(|all| all.len() == emails.len());
        let search_only = match &body["searchOnly"] {
            Value::Null => Some(self.dialects.search_only_default == SearchOnlyDefault::Search),
            value => value.as_bool(),
        };
        let too_many = self.dialects.address_limit == AddressLimit::FiveHundred && emails.len() > 500;
        let is_valid = all_strings && !too_many && !emails.is_empty() && emails.iter().all(|email| email.contains('@'));
        let (true, Some(search_only)) = (is_valid, search_only) else {
            return Err(self.error(400, "QVAL_1"));
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
            due: self.schedule(self.erasure_duration),
            end: self.next_jobs,
        };
        let result = json!({ "requestId": erasure.id, "user": erasure.user, "created": iso(erasure.created) });
        self.erasures.push(erasure);
        Ok(self.success(result))
    }

    /// `GET /op-erase-personal-data`
    pub(super) fn erasure_list(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, SCOPES, Role::Administrator)?;
        let now = self.now();
        let lag = match self.dialects.erasure_lag {
            ErasureLag::None => Duration::ZERO,
            ErasureLag::Seconds20 => Duration::from_secs(20),
        };
        let retention = match self.dialects.erasure_retention {
            ErasureRetention::Ever => Duration::MAX,
            ErasureRetention::Days30 => Duration::from_secs(30 * 24 * 60 * 60),
        };
        let is_listed = |job: &Erasure| {
            let is_dropped = job.status != JobStatus::Pending && now.saturating_sub(job.updated) >= retention;
            job.created + lag <= now && !is_dropped
        };
        let mut jobs: Vec<_> = (0..self.erasures.len()).filter(|&n| is_listed(&self.erasures[n])).collect();
        if self.dialects.erasure_order == ErasureOrder::NewestFirst {
            jobs.reverse();
        }
        let cursor = match self.dialects.erasure_cursor {
            ErasureCursor::Offset => Cursor::Offset,
            ErasureCursor::SkipToken => Cursor::SkipToken,
        };
        self.list(request, jobs.len(), cursor, |state, n| state.erasure_element(&state.erasures[jobs[n]], View::List))
    }

    /// `GET /op-erase-personal-data/{id}`
    pub(super) fn erasure_get(&mut self, request: &Request) -> EndpointResult {
        self.authorize(request, SCOPES, Role::Administrator)?;
        let Some(job) = self.erasures.iter().rfind(|job| job.id == resource_id(request)) else {
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
                return Err(self.error(status, code));
            }
        }
        let result = self.erasure_element(job, View::Single);
        Ok(self.success(result))
    }

    /// Ends a job that is due. Data is erased only now.
    pub(super) fn end_erasure(&mut self, n: usize, when: Duration) {
        let same = comparison(&self.dialects);
        let job = &mut self.erasures[n];
        job.updated = when;
        if job.end == JobEnd::Fails {
            job.status = JobStatus::Failed;
            return;
        }
        job.status = JobStatus::Completed;
        let processed = match self.dialects.addresses_done {
            AddressesDone::All => job.emails.len(),
            AddressesDone::First => 1,
        };
        for email in &job.emails[..processed] {
            let found = self.brand.holdings_by(email, same);
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

    fn email_list(&self, job: &Erasure) -> Value {
        let emails = job.emails.iter().map(|email| match self.dialects.email_list_case {
            EmailListCase::AsSent => email.clone(),
            EmailListCase::Lower => email.to_lowercase(),
        });
        match self.dialects.email_list {
            EmailList::Whole => emails.collect(),
            EmailList::First => emails.take(1).collect(),
            EmailList::Masked => emails.map(|email| masked(&email)).collect(),
            EmailList::Letters => emails.map(|email| masked(&email).replace('*', "x")).collect(),
            EmailList::Objects => emails.map(|email| json!({ "email": email })).collect(),
            EmailList::Hashed => emails.map(|email| format!("{:x}", Sha256::digest(email))).collect(),
        }
    }

    fn erasure_element(&self, job: &Erasure, view: View) -> Value {
        let id = match self.dialects.erasure_id {
            ErasureId::Lower => "requestid",
            ErasureId::Camel => "requestId",
            ErasureId::Id => "id",
            ErasureId::Other => "key",
        };
        let is_listed_in_progress = view == View::List && job.status == JobStatus::Pending;
        let mut element = json!({ "status": self.erasure_status(job.status), "created": self.date(job.created) });
        element[id] = job.id.as_str().into();
        if is_listed_in_progress && self.dialects.erasure_at_work == ErasureAtWork::Sparse {
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
            JobStatus::Failed => format!("{} could not be looked up.", MESSAGE_CANARY).into(),
            JobStatus::Pending | JobStatus::Completed => Value::Null,
        };
        if !(is_listed_in_progress && self.dialects.erasure_at_work == ErasureAtWork::NoAddresses) {
            element["emailList"] = self.email_list(job);
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
            EmailsNotFound::Masked => job.not_found.iter().map(|email| masked(email)).collect(),
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
                ErasurePending::Number => return 1.into(),
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

/// How an erasure compares addresses.
fn comparison(dialects: &Dialects) -> SameAddress {
    match dialects.address_case {
        AddressCase::Ignored => ignoring_case,
        AddressCase::Exact => |one, other| one == other,
    }
}

/// Masks all but the first character and the domain of an address: `a***@example.org`.
fn masked(email: &str) -> String {
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}***@{domain}")
}
