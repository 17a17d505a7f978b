//! Calls of a host in any order, and the response to each request to Qualtrics.

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;
use qualtrics_connector::contract::{Attempts, DeletionMode, Identifier, Request, Right};
use qualtrics_connector::http::{self, Cause, TransportError};
use serde_json::{Value, json};

use super::json::any_json;
use super::plausible::{self, address};
use crate::invariants::vendor::{Exchange, Vendor};
use crate::invariants::{MARK, PRIVATE_DOMAIN};

/// A request, as a scenario describes it.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The number of its ID. Two requests of one call may have the same.
    pub id: u8,
    subject: usize,
    attempts: Option<AttemptTimes>,
    overrides: bool,
}

/// The times of earlier attempts.
#[derive(Clone, Debug)]
enum AttemptTimes {
    /// The earliest and the latest, in minutes before now.
    Before(u64, u64),
    /// The earliest and the latest timestamp, possibly invalid.
    At(u64, u64),
}

/// A step of a host.
#[derive(Clone, Debug)]
pub enum Step {
    Access(Vec<Spec>),
    Delete(Vec<Spec>, DeletionMode),
    OptOut(Vec<Spec>),
    /// Polls up to this many of the latest tickets. With the flag, possibly several tickets of one request.
    Poll(usize, bool),
    Read(prop::sample::Index, u64, u32),
    Check(Vec<Right>),
    Configure(usize),
    Wait(u64),
    /// Continues on another instance.
    NewInstance,
}

/// The behaviour of Qualtrics for one request.
#[derive(Clone, Debug)]
pub enum Behavior {
    /// A response as Qualtrics sends it. The number selects one.
    Plausible(u8),
    /// The same, after a delay in milliseconds.
    Slow(u8, u64),
    /// An error, optionally with a delay in seconds.
    Error(u16, Option<u32>),
    /// A success status with an error inside.
    HiddenError(u16),
    /// A status with arbitrary JSON.
    Any(u16, Value),
    /// A body that is not JSON.
    NotJson(u16, Vec<u8>),
    /// No response: the cause, and whether the request was not sent.
    Lost(Cause, bool),
}

/// The steps of a host, and the behaviour of Qualtrics for each of its requests. The behaviours repeat after the last one.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub steps: Vec<Step>,
    pub behaviors: Vec<Behavior>,
}

fn specs() -> impl Strategy<Value = Vec<Spec>> {
    let attempts = prop_oneof![
        6 => Just(None),
        3 => (0..40_u64, 0..40_u64).prop_map(|(a, b)| Some(AttemptTimes::Before(a.max(b), a.min(b)))),
        1 => any::<(u64, u64)>().prop_map(|(first, last)| Some(AttemptTimes::At(first, last))),
    ];
    let spec = (0..8_u8, 0..7_usize, attempts, any::<bool>()).prop_map(|(id, subject, attempts, overrides)| Spec {
        id,
        subject,
        attempts,
        overrides,
    });
    prop::collection::vec(spec, 0..4)
}

fn steps() -> impl Strategy<Value = Step> {
    let mode = prop::sample::select(vec![DeletionMode::Preview, DeletionMode::Erase, DeletionMode::EraseAndVerify]);
    let rights = prop::sample::select(vec![Right::Access, Right::Deletion, Right::OptOut]);
    let usual_rights = Just(vec![Right::Access, Right::Deletion]);
    prop_oneof![
        4 => specs().prop_map(Step::Access),
        8 => (specs(), mode).prop_map(|(specs, mode)| Step::Delete(specs, mode)),
        1 => specs().prop_map(Step::OptOut),
        12 => (0..9_usize, prop::bool::weighted(0.1)).prop_map(|(count, repeats)| Step::Poll(count, repeats)),
        4 => (any::<prop::sample::Index>(), 0..100_u64, any::<u32>())
            .prop_map(|(which, offset, limit)| Step::Read(which, offset, limit)),
        2 => prop_oneof![usual_rights, prop::collection::vec(rights, 0..4)].prop_map(Step::Check),
        2 => (0..3_usize).prop_map(Step::Configure),
        6 => prop_oneof![0..120_000_u64, 0..40_000_000_u64].prop_map(Step::Wait),
        2 => Just(Step::NewInstance),
    ]
}

fn behaviors() -> impl Strategy<Value = Behavior> {
    let status = || {
        let usual = vec![400_u16, 401, 403, 404, 409, 413, 415, 416, 422, 429, 500, 502, 503, 504];
        prop_oneof![3 => prop::sample::select(usual), 1 => 100..600_u16]
    };
    let causes = vec![
        Cause::Denied,
        Cause::DnsFailure,
        Cause::Unreachable,
        Cause::Tls,
        Cause::ClientCertificate,
        Cause::ProxyRefusal,
        Cause::ProxyFailure,
        Cause::TimedOut,
        Cause::Interrupted,
        Cause::BodyTooLarge,
        Cause::InvalidRequest,
    ];
    prop_oneof![
        48 => any::<u8>().prop_map(Behavior::Plausible),
        2 => (any::<u8>(), 0..40_000_u64).prop_map(|(choice, ms)| Behavior::Slow(choice, ms)),
        6 => (status(), prop::option::of(0..10_u32)).prop_map(|(status, delay_s)| Behavior::Error(status, delay_s)),
        2 => status().prop_map(Behavior::HiddenError),
        4 => (status(), any_json()).prop_map(|(status, json)| Behavior::Any(status, json)),
        2 => any_json().prop_map(|json| Behavior::Any(200, json)),
        1 => prop::collection::vec(any::<u8>(), 0..100).prop_map(|bytes| Behavior::NotJson(200, bytes)),
        1 => (status(), prop::collection::vec(any::<u8>(), 0..100)).prop_map(|(status, bytes)| Behavior::NotJson(status, bytes)),
        4 => (prop::sample::select(causes), any::<bool>()).prop_map(|(cause, unsent)| Behavior::Lost(cause, unsent)),
    ]
}

/// Scenarios.
pub fn scenarios() -> impl Strategy<Value = Scenario> {
    (prop::collection::vec(steps(), 1..16), prop::collection::vec(behaviors(), 1..40))
        .prop_map(|(steps, behaviors)| Scenario { steps, behaviors })
}

impl Spec {
    /// The request at an instant, in seconds.
    pub fn request(&self, now_s: u64) -> Request {
        let email = |name: &str| Identifier::Email(address(name));
        let subject = match self.subject {
            0 => vec![email("a")],
            1 => vec![email("b"), Identifier::Email(format!(" A@{}\t", PRIVATE_DOMAIN.to_uppercase()))],
            2 => vec![Identifier::Phone("+15550100".to_owned())],
            3 => vec![email("a"), Identifier::ExternalId(MARK.to_owned())],
            4 => vec![email("a"), email("a"), email("c")],
            5 => vec![Identifier::ExternalId("E-1".to_owned()), email("c"), Identifier::Phone("+15550100".to_owned())],
            _ => vec![Identifier::Other(("loyalty".to_owned(), MARK.to_owned()))],
        };
        let attempts = self.attempts.as_ref().map(|times| match *times {
            AttemptTimes::Before(first, last) => Attempts { first_at: now_s - first * 60, last_at: now_s - last * 60 },
            AttemptTimes::At(first_at, last_at) => Attempts { first_at, last_at },
        });
        let overrides = if self.overrides { vec!["staff-account".to_owned()] } else { Vec::new() };
        Request { id: format!("request-{}", self.id), subject, attempts, overrides }
    }
}

/// The position in the script of a vendor. A test resets it to repeat a call with the same responses.
pub type Position = Rc<Cell<usize>>;

impl Scenario {
    /// A vendor for this scenario, and its position.
    pub fn vendor(&self) -> (Vendor, Position) {
        let position = Position::default();
        let (behaviors, next) = (self.behaviors.clone(), position.clone());
        let vendor = Vendor::new(move |request, now_ms| {
            let index = next.get();
            next.set(index + 1);
            let behavior = behaviors[index % behaviors.len()].clone();
            // Some connections are lost before the end of a body.
            Exchange { is_cut: index % 11 == 10, ..behavior.exchange(request, now_ms / 1_000) }
        });
        (vendor, position)
    }
}

impl Behavior {
    fn exchange(self, request: &http::Request, now_s: u64) -> Exchange {
        let message = format!("no such person as {MARK}@{PRIVATE_DOMAIN}");
        let error = |status: u16| {
            json!({"meta": {"httpStatus": format!("{status} - {message}"), "requestId": "r-1",
                "error": {"errorCode": "E_1", "errorMessage": message}}})
        };
        match self {
            Self::Plausible(choice) => Exchange::response(200, plausible::response(request, choice, now_s)),
            Self::Slow(choice, duration_ms) => {
                Exchange { duration_ms, ..Exchange::response(200, plausible::response(request, choice, now_s)) }
            }
            Self::Error(status, None) => Exchange::json(status, &error(status)),
            Self::Error(status, Some(delay_s)) => {
                Exchange::json(status, &error(status)).with_header("retry-after", &delay_s.to_string())
            }
            Self::HiddenError(status) => Exchange::json(200, &error(status)),
            Self::Any(status, json) => Exchange::json(status, &json),
            Self::NotJson(status, bytes) => Exchange::response(status, bytes),
            Self::Lost(cause, true) => Exchange::lost(TransportError::before_sending(cause)),
            Self::Lost(cause, false) => Exchange::lost(TransportError::after_sending(cause)),
        }
    }
}
