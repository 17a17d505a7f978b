//! Routes each request to its endpoint, and records it.

use std::time::Duration;

use serde_json::Value;
use simulated_clock::Clock;

use super::dialects::{Concurrency, RetryAfter};
use super::endpoint::Endpoint;
use super::jobs::JobStatus;
use super::replacement_bodies::replacement_body;
use super::state::State;
use crate::faults::Fault;
use crate::server::{Content, Outcome, Request, Response, Service, http_date};

impl Service for State {
    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn update(&mut self) {
        self.end_due_jobs();
    }

    fn begin(&mut self, request: &Request) -> (u64, Option<Fault>) {
        let at = self.now();
        let fault = self.faults.next(&Endpoint::of(request));
        (self.calls.begin(request, fault.as_ref(), at), fault)
    }

    fn respond(&mut self, request: &Request, in_progress: usize) -> Response {
        self.is_proxied = false;
        if request.is_oversized {
            return self.error(413, "QVAL_7");
        }
        let endpoint = Endpoint::of(request);
        match self.admit(endpoint, in_progress) {
            Ok(()) => self.route(endpoint, request),
            Err(rejection) => rejection,
        }
    }

    fn error_response(&mut self, status: u16) -> Response {
        let code = match status {
            401 => "DCD_7",
            403 => "AuthZ_2.0",
            404 => "GED_3",
            500 => "SURVEYS_1.2",
            _ => "QFLT_1",
        };
        self.error(status, code)
    }

    fn replacement_body(&self, fault: &Fault, response: &Response) -> Option<Content> {
        replacement_body(fault, response)
    }

    fn end(&mut self, call: u64, request: &Request, outcome: Outcome) {
        self.calls.end(call, request, outcome);
    }
}

impl State {
    fn route(&mut self, endpoint: Endpoint, request: &Request) -> Response {
        let response = match endpoint {
            Endpoint::Token => self.token(request),
            Endpoint::WhoAmI => self.whoami(request),
            Endpoint::Users => self.users(request),
            Endpoint::User => self.user(request),
            Endpoint::UserUpdate => self.user_update(request),
            Endpoint::Directories => self.directories(request),
            Endpoint::ContactSearch => self.contact_search(request),
            Endpoint::Contacts => self.contacts(request),
            Endpoint::Contact => self.contact(request),
            Endpoint::ContactHistory => self.contact_history(request),
            Endpoint::ContactTransactions => self.contact_transactions(request),
            Endpoint::ContactCreate => self.contact_create(request),
            Endpoint::ContactUpdate => self.contact_update(request),
            Endpoint::ContactDelete => self.contact_delete(request),
            Endpoint::OptedOutContacts => self.opted_out_contacts(request),
            Endpoint::MailingLists => self.mailing_lists(request),
            Endpoint::MailingListCreate => self.mailing_list_create(request),
            Endpoint::MailingList => self.mailing_list(request),
            Endpoint::MailingListUpdate => self.mailing_list_update(request),
            Endpoint::MailingListDelete => self.mailing_list_delete(request),
            Endpoint::ListContacts => self.list_contacts(request),
            Endpoint::ListContactCreate => self.list_contact_create(request),
            Endpoint::ListContact => self.list_contact(request),
            Endpoint::ListContactUpdate => self.list_contact_update(request),
            Endpoint::ListContactDelete => self.list_contact_delete(request),
            Endpoint::ListOptedOutContacts => self.list_opted_out_contacts(request),
            Endpoint::ListBouncedContacts => self.list_bounced_contacts(request),
            Endpoint::ContactImportCreate => self.contact_import_create(request),
            Endpoint::ContactImport => self.contact_import(request),
            Endpoint::ContactImportReport => self.contact_import_report(request),
            Endpoint::TransactionsCreate => self.transactions_create(request),
            Endpoint::Transaction => self.transaction(request),
            Endpoint::TransactionAppend => self.transaction_append(request),
            Endpoint::TransactionUpdate => self.transaction_update(request),
            Endpoint::TransactionDelete => self.transaction_delete(request),
            Endpoint::ErasureCreate => self.erasure_create(request),
            Endpoint::ErasureList => self.erasure_list(request),
            Endpoint::ErasureGet => self.erasure_get(request),
            Endpoint::ExportCreate => self.export_create(request),
            Endpoint::ExportProgress => self.export_progress(request),
            Endpoint::ExportFile => self.export_file(request),
            Endpoint::Unknown => Err(self.error(404, "GED_3")),
        };
        response.unwrap_or_else(|error| error)
    }

    /// Counts a call against the limits. The error is the 429 for a call that exceeds one.
    fn admit(&mut self, endpoint: Endpoint, in_progress: usize) -> Result<(), Response> {
        if self.dialects.concurrency == Concurrency::Four && in_progress > 4 {
            return Err(self.too_many_requests(Duration::from_secs(1)));
        }
        if !self.enforce_rate_limits {
            return Ok(());
        }
        let now = self.now();
        let taken = self.rate_limits.take(endpoint, self.dialects.token_limit, now);
        taken.map_err(|wait| self.too_many_requests(wait))
    }

    /// The 429 for a call that will be allowed after this time.
    fn too_many_requests(&mut self, wait: Duration) -> Response {
        self.rate_limited += 1;
        let wait = Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        let response = self.error(429, "QMSG_1.0");
        match self.dialects.retry_after {
            RetryAfter::Seconds => response.with_header("retry-after", wait.as_secs().to_string()),
            RetryAfter::Date => response.with_header("retry-after", http_date(self.now() + wait)),
            RetryAfter::Fraction => response.with_header("retry-after", format!("{:.1}", wait.as_secs_f64() - 0.5)),
            RetryAfter::Absent => response,
            RetryAfter::Body => {
                let mut body: Value = serde_json::from_slice(&response.body.to_vec()).unwrap_or_default();
                body["meta"]["error"]["retryAfter"] = wait.as_secs().into();
                self.json(429, &body)
            }
        }
    }

    /// Ends all jobs that are due, in the order in which they are due.
    fn end_due_jobs(&mut self) {
        let now = self.now();
        if self.next_due.is_none_or(|due| due > now) {
            return;
        }
        let erasures = self.erasures.iter().enumerate().filter(|(_, job)| job.status == JobStatus::Pending);
        let exports = self.exports.iter().enumerate().filter(|(_, job)| job.status == JobStatus::Pending);
        let mut pending: Vec<(Duration, bool, usize)> = Vec::new();
        pending.extend(exports.filter_map(|(n, job)| Some((job.due?, false, n))));
        pending.extend(erasures.filter_map(|(n, job)| Some((job.due?, true, n))));
        pending.sort_unstable();
        self.next_due = pending.iter().map(|&(due, ..)| due).find(|&due| due > now);
        for (due, is_erasure, n) in pending.into_iter().take_while(|&(due, ..)| due <= now) {
            if is_erasure {
                self.end_erasure(n, due);
            } else {
                self.end_export(n, due);
            }
        }
    }
}
