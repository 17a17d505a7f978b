//! The record of calls, for tests to inspect.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::endpoint::Endpoint;
use crate::faults::Fault;
use crate::server::{Outcome, Request};

/// One request to the simulator.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Counts from 1. Clearing the record does not restart it.
    pub number: u64,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query as it was sent, without the question mark. Empty if there is none.
    pub query: String,
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The status of the response. `None` if a fault sent none, or none is sent yet.
    pub status: Option<u16>,
    /// When the request arrived: the time of the simulator's clock since 1970.
    pub at: Duration,
    /// Whether the endpoint did what was requested, whether or not the response reached the client.
    pub took_effect: bool,
    /// Whether a fault was applied.
    pub faulty: bool,
    /// The body of the request: JSON, or a form as an object of strings. Null for anything else.
    pub body: Body,
}

/// The body of a request. `Debug` does not show it.
#[derive(Clone, Default, PartialEq)]
pub struct Body(pub Value);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_null() { "none" } else { "hidden" })
    }
}

/// How many calls are kept. Beyond that, the older half is dropped.
const MAX_CALLS: usize = 200_000;

/// The calls since the record was cleared, or the newest of them.
#[derive(Default)]
pub(super) struct CallRecord {
    last_number: u64,
    calls: Vec<Call>,
}

impl CallRecord {
    /// Adds a call whose head was received. Returns its number.
    pub(super) fn begin(&mut self, request: &Request, fault: Option<&Fault>, at: Duration) -> u64 {
        self.last_number += 1;
        if self.calls.len() == MAX_CALLS {
            self.calls.drain(..MAX_CALLS / 2);
        }
        self.calls.push(Call {
            number: self.last_number,
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.query.clone(),
            endpoint: Endpoint::of(request),
            status: None,
            at,
            took_effect: false,
            faulty: fault.is_some(),
            body: Body::default(),
        });
        self.last_number
    }

    /// Adds the body and the outcome of a call. Has no effect if the record was cleared since.
    pub(super) fn end(&mut self, number: u64, request: &Request, outcome: Outcome) {
        if let Ok(at) = self.calls.binary_search_by_key(&number, |call| call.number) {
            let call = &mut self.calls[at];
            call.body = recorded_body(request);
            call.took_effect = outcome.took_effect;
            call.status = outcome.status;
        }
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.clone()
    }

    pub(super) fn clear(&mut self) {
        self.calls.clear();
    }
}

fn recorded_body(request: &Request) -> Body {
    let is_form = request.has_media_type("application/x-www-form-urlencoded");
    Body(if is_form { Value::Object(request.form()) } else { request.json().unwrap_or_default() })
}
