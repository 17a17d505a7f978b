//! A simulated Qualtrics that records its erasure jobs while responses are lost, and a host that follows the contract.
//!
//! Acceptance of a job and delivery of the response fail independently. The list of jobs is delayed, the clock of Qualtrics differs from
//! that of the host, and the list contains jobs of other users. The request must be erased at most once in every case.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use qualtrics_connector::contract::{Attempts, DeletionMode, Error, ErrorKind, Identifier, Progress, Remedy, Request};
use qualtrics_connector::http::{self, Cause, TransportError};
use qualtrics_connector::privacy::connector::Connector;
use serde_json::{Value, json};

use super::plausible::address;
use crate::invariants::vendor::{Exchange, START_MS, Vendor};

/// The fault of a request that starts an erasure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    None,
    /// The request was not sent.
    Unsent,
    /// Qualtrics rejects the job with this status.
    Rejected(u16),
    /// The response is lost. The flag is whether Qualtrics accepted the job.
    Lost(bool),
    /// An error status, whether it is in Qualtrics' envelope, and whether Qualtrics accepted the job.
    Status(u16, bool, bool),
    /// A success without an ID, although Qualtrics accepted the job.
    WithoutId,
    /// The host crashes, and the result of the whole call is lost.
    HostCrashed,
}

/// A job of another request in the list.
#[derive(Clone, Debug)]
struct ForeignJob {
    /// The creation time, in seconds after the start; negative before it.
    created_s: i64,
    /// The addresses that it covers: one bit each for `a`, `b` and `z`.
    covers: u8,
    shows_addresses: bool,
    is_running: bool,
    is_own_user: bool,
}

/// The faults and conditions of a deletion request.
#[derive(Clone, Debug)]
pub struct Losses {
    faults: Vec<Fault>,
    /// For each request for the list, whether it succeeds. Later requests succeed.
    lists: Vec<bool>,
    /// The additional delays of the host before it repeats a call, in milliseconds.
    delays_ms: Vec<u64>,
    foreign: Vec<ForeignJob>,
    /// The delay until the list shows a job, in seconds.
    lag_s: u64,
    /// How far Qualtrics' clock is ahead of the host's, in seconds.
    ahead_s: i64,
    page: usize,
    newest_first: bool,
    exchange_ms: u64,
    has_two_addresses: bool,
}

/// Losses of all kinds. With `quiet`, the list contains no jobs that could be mistaken for that of the request.
pub fn losses(quiet: bool) -> impl Strategy<Value = Losses> {
    let status = || prop::sample::select(vec![400_u16, 404, 408, 409, 425, 500, 502, 503, 504, 520]);
    let fault = prop_oneof![
        1 => Just(Fault::None),
        1 => Just(Fault::Unsent),
        1 => prop::sample::select(vec![400_u16, 403, 404, 413, 422, 429]).prop_map(Fault::Rejected),
        2 => any::<bool>().prop_map(Fault::Lost),
        4 => (status(), any::<bool>(), any::<bool>()).prop_map(|(status, envelope, accepts)| {
            // In the envelope, these statuses prove that the job was not accepted.
            let accepts = accepts && !(envelope && matches!(status, 400 | 404));
            Fault::Status(status, envelope, accepts)
        }),
        1 => Just(Fault::WithoutId),
        1 => Just(Fault::HostCrashed),
    ];
    let foreign = (-5_000..2_000_i64, 0..8_u8, any::<(bool, bool, bool)>()).prop_map(
        |(created_s, covers, (shows_addresses, is_running, is_own_user))| ForeignJob {
            created_s,
            covers,
            shows_addresses,
            is_running,
            is_own_user,
        },
    );
    let foreign =
        if quiet { prop::collection::vec(foreign, 0).boxed() } else { prop::collection::vec(foreign, 0..4).boxed() };
    (
        (prop::collection::vec(fault, 0..5), prop::collection::vec(prop::bool::weighted(0.8), 0..8)),
        prop::collection::vec(prop_oneof![3 => 0..5_000_u64, 1 => 0..8_000_000_u64], 0..6),
        foreign,
        (0..45_u64, -90_000..90_000_i64),
        (1..5_usize, any::<bool>(), prop_oneof![Just(7_u64), Just(4_000)], any::<bool>()),
    )
        .prop_map(
            |((faults, lists), delays_ms, foreign, (lag_s, ahead_s), (page, newest_first, exchange_ms, two))| {
                let has_two_addresses = two;
                Losses {
                    faults,
                    lists,
                    delays_ms,
                    foreign,
                    lag_s,
                    ahead_s,
                    page,
                    newest_first,
                    exchange_ms,
                    has_two_addresses,
                }
            },
        )
}

/// A job at Qualtrics. Its times are those of Qualtrics' clock.
#[derive(Clone)]
struct Job {
    id: String,
    emails: Vec<String>,
    created_s: u64,
    visible_from_s: u64,
    shows_addresses: bool,
    is_running: bool,
    user: &'static str,
    is_this_requests: bool,
}

struct Ledger {
    losses: Losses,
    jobs: Vec<Job>,
    starts: usize,
    lists: usize,
}

/// How a deletion request ended.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct End {
    /// The erasure jobs of the request at Qualtrics.
    pub erasures: usize,
    /// Whether the last call returned a ticket.
    pub is_pending: bool,
    /// How many calls had an unknown outcome, according to their result or because the result was lost.
    pub unknown: usize,
}

/// Deletes a request despite losses, following the contract, with at most this many calls.
pub fn delete(losses: &Losses, calls: usize) -> Result<End, TestCaseError> {
    let ledger = Rc::new(RefCell::new(Ledger::new(losses.clone())));
    let script = ledger.clone();
    let vendor = Vendor::new(move |request, now_ms| script.borrow_mut().exchange(request, now_ms));
    let subject: Vec<Identifier> = losses.emails().into_iter().map(Identifier::Email).collect();
    let mut request = Request { id: "request-1".to_owned(), subject, attempts: None, overrides: Vec::new() };
    let mut connector = vendor.connector();
    let mut end = End::default();
    for call in 0..calls {
        let started_s = vendor.now_s();
        let starts = ledger.borrow().starts;
        let result = connector.delete(vec![request.clone()], DeletionMode::Erase).pop();
        end.erasures = ledger.borrow().count();
        prop_assert!(end.erasures <= 1, "{} erasures of one request", end.erasures);
        let remedy = match result {
            _ if ledger.borrow().has_crashed_since(starts) => {
                connector = vendor.connector();
                end.unknown += 1;
                request.attempts = Some(attempted(request.attempts, started_s));
                Remedy::Retry(1_000)
            }
            Some(Ok(Progress::Pending(_))) => {
                let is_accepted = end.erasures == 1 || ledger.borrow().has_containing_job();
                prop_assert!(is_accepted, "a deletion is pending, but Qualtrics has no job for it");
                return Ok(End { is_pending: true, ..end });
            }
            Some(Err(Error { kind: ErrorKind::OutcomeUnknown, remedy, .. })) => {
                end.unknown += 1;
                request.attempts = Some(attempted(request.attempts, started_s));
                remedy
            }
            Some(Err(error)) => {
                let is_consistent = end.erasures == 0 || request.attempts.is_some();
                prop_assert!(is_consistent, "{:?}, but a job was started", error);
                // An operator fixes the problem, and the host repeats the call.
                if matches!(error.remedy, Remedy::Retry(_)) { error.remedy } else { Remedy::Retry(60_000) }
            }
            other => return Err(TestCaseError::fail(format!("{other:?} of a start"))),
        };
        let Remedy::Retry(retry_ms) = remedy else { return Ok(end) };
        vendor.advance_ms(retry_ms + losses.delays_ms.get(call).copied().unwrap_or_default());
    }
    Ok(end)
}

fn attempted(earlier: Option<Attempts>, started_s: u64) -> Attempts {
    Attempts { first_at: earlier.map_or(started_s, |earlier| earlier.first_at), last_at: started_s }
}

impl Losses {
    fn emails(&self) -> Vec<String> {
        let names = if self.has_two_addresses { vec!["a", "b"] } else { vec!["a"] };
        names.into_iter().map(address).collect()
    }
}

impl Ledger {
    fn new(losses: Losses) -> Self {
        let start_s = (START_MS / 1_000).saturating_add_signed(losses.ahead_s);
        let older = Job {
            id: "OP-OLD".to_owned(),
            emails: vec![address("y")],
            created_s: start_s - 100_000,
            visible_from_s: 0,
            shows_addresses: true,
            is_running: false,
            user: "UR_1",
            is_this_requests: false,
        };
        let foreign = losses.foreign.iter().enumerate().map(|(index, foreign)| Job {
            id: format!("OP-F{index}"),
            emails: (0..3)
                .filter(|bit| foreign.covers >> bit & 1 == 1)
                .map(|bit| address(["a", "b", "z"][bit]))
                .collect(),
            created_s: start_s.saturating_add_signed(foreign.created_s),
            visible_from_s: start_s.saturating_add_signed(foreign.created_s),
            shows_addresses: foreign.shows_addresses,
            is_running: foreign.is_running,
            user: if foreign.is_own_user { "UR_1" } else { "UR_2" },
            is_this_requests: false,
        });
        let jobs = [older].into_iter().chain(foreign).collect();
        Self { losses, jobs, starts: 0, lists: 0 }
    }

    /// The erasures of this request.
    fn count(&self) -> usize {
        self.jobs.iter().filter(|job| job.is_this_requests).count()
    }

    /// Whether the host crashed since Qualtrics had received this many starts.
    fn has_crashed_since(&self, starts: usize) -> bool {
        self.losses.faults.iter().take(self.starts).skip(starts).any(|fault| *fault == Fault::HostCrashed)
    }

    /// Whether a job of another request covers every address of the request. The connector may then continue that job.
    fn has_containing_job(&self) -> bool {
        let emails = self.losses.emails();
        self.jobs.iter().any(|job| emails.iter().all(|email| job.emails.contains(email)))
    }

    fn exchange(&mut self, request: &http::Request, now_ms: u64) -> Exchange {
        let now_s = (now_ms / 1_000).saturating_add_signed(self.losses.ahead_s);
        let end_s = ((now_ms + self.losses.exchange_ms) / 1_000).saturating_add_signed(self.losses.ahead_s);
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let exchange = match (path.trim_start_matches("/API/v3"), request.method) {
            ("/oauth2/token", _) => Exchange::token(),
            ("/op-erase-personal-data", http::Method::Post) => self.start(request, now_s),
            ("/op-erase-personal-data", _) => self.list(query, now_s),
            ("/whoami", _) => {
                Exchange::success(&json!({"userId": "UR_1", "userName": "x@example.org", "brandId": "brand"}))
            }
            ("/users", _) => Exchange::success(&json!({"elements": []})),
            (path, _) => panic!("{path} is not requested"),
        };
        let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(end_s));
        Exchange { duration_ms: self.losses.exchange_ms, ..exchange.with_header("date", &date) }
    }

    fn start(&mut self, request: &http::Request, now_s: u64) -> Exchange {
        let fault = self.losses.faults.get(self.starts).copied().unwrap_or(Fault::None);
        self.starts += 1;
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        let emails: Vec<String> = serde_json::from_value(body["emails"].clone()).expect("a list of addresses");
        assert_eq!(body["searchOnly"], json!(false), "an unexpected search");
        let id = format!("OP-{}", self.starts);
        let accepts = match fault {
            Fault::None | Fault::WithoutId | Fault::HostCrashed => true,
            Fault::Unsent | Fault::Rejected(_) => false,
            Fault::Lost(accepts) | Fault::Status(_, _, accepts) => accepts,
        };
        if accepts {
            self.jobs.push(Job {
                id: id.clone(),
                emails,
                created_s: now_s,
                visible_from_s: now_s + self.losses.lag_s,
                shows_addresses: true,
                is_running: true,
                user: "UR_1",
                is_this_requests: true,
            });
        }
        match fault {
            Fault::None | Fault::HostCrashed => Exchange::success(&json!({ "requestId": id })),
            Fault::WithoutId => Exchange::success(&json!({})),
            Fault::Unsent => Exchange::lost(TransportError::before_sending(Cause::Unreachable)),
            Fault::Lost(_) => Exchange::lost(TransportError::after_sending(Cause::Interrupted)),
            Fault::Rejected(status) | Fault::Status(status, true, _) => {
                Exchange::json(status, &json!({"meta": {"error": {"errorCode": "E_1"}}}))
            }
            Fault::Status(status, false, _) => Exchange::response(status, b"<html>".to_vec()),
        }
    }

    fn list(&mut self, query: &str, now_s: u64) -> Exchange {
        let is_available = self.losses.lists.get(self.lists).copied().unwrap_or(true);
        self.lists += 1;
        if !is_available {
            return Exchange::response(503, Vec::new());
        }
        let mut jobs: Vec<&Job> = self.jobs.iter().filter(|job| job.visible_from_s <= now_s).collect();
        jobs.sort_by_key(|job| job.created_s);
        if self.losses.newest_first {
            jobs.reverse();
        }
        let offset = query.split('&').find_map(|pair| pair.strip_prefix("offset="));
        let offset: usize = offset.and_then(|offset| offset.parse().ok()).unwrap_or(0);
        let next = offset + self.losses.page;
        let next_page =
            (next < jobs.len()).then(|| format!("https://x.example/API/v3/op-erase-personal-data?offset={next}"));
        let page: Vec<Value> = jobs.into_iter().skip(offset).take(self.losses.page).map(Job::to_json).collect();
        Exchange::success(&json!({"elements": page, "nextPage": next_page}))
    }
}

impl Job {
    fn to_json(&self) -> Value {
        json!({
            "requestId": self.id,
            "status": if self.is_running { "inProgress" } else { "Completed" },
            "emailList": self.shows_addresses.then_some(&self.emails),
            "numEmailsRequested": self.emails.len(),
            "searchOnly": false,
            "user": self.user,
            "created": self.created_s * 1_000,
            "updated": self.created_s * 1_000,
        })
    }
}
