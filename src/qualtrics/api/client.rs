//! Calls to Qualtrics' API: authenticated, within the rate limits, concurrent, and retried where that is safe.
//!
//! The connection's share is the part of Qualtrics' rate limits that this instance may use: the setting `rate-share`.
//!
//! | module | what it holds |
//! |---|---|
//! | [`session`] | what a connection caches between calls of the contract |
//! | `tokens` | requesting tokens, and finding out which scopes are missing |
//! | `download` | responses that are read chunk by chunk |

pub mod session;

mod download;
#[cfg(test)]
mod tests;
mod tokens;

use std::collections::BTreeSet;

use serde_json::Value;

use super::envelope::{self, ApiResponse};
use super::error::ApiError;
use super::oauth::Token;
use crate::http::retry::{Retry, WaitBudget, decide};
use crate::http::{Clock, ExchangeLimits, Method, Request, Response, Transport, TransportError};
use crate::qualtrics::scopes::{Scope, Scopes};
use crate::secret::Secret;

pub use self::session::Session;

/// The path of the API.
const API: &str = "/API/v3";

/// The longest JSON response that is read, in bytes.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// One call to the API.
pub struct Call {
    method: Method,
    /// The whole path, percent-encoded, with its query.
    path: String,
    body: Option<Value>,
    repeatable: Repeatable,
    /// A scope that the call needs, and the right does not require.
    optional: Option<Scope>,
}

/// When a call may be sent again after an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Repeatable {
    /// Always: it changes nothing.
    Always,
    /// Only if it is proved that the first attempt did not start a job.
    IfProvablyNotStarted,
}

impl Call {
    /// Reads. The path is below `/API/v3`, percent-encoded, and may have a query.
    #[must_use]
    pub fn get(path: impl AsRef<str>) -> Self {
        Self::new(Method::Get, path.as_ref(), None, Repeatable::Always)
    }

    /// Posts a search, which changes nothing.
    #[must_use]
    pub fn search(path: impl AsRef<str>, body: Value) -> Self {
        Self::new(Method::Post, path.as_ref(), Some(body), Repeatable::Always)
    }

    /// Starts a job. It is sent again only if [`ApiError::is_provably_not_started`].
    #[must_use]
    pub fn start(path: impl AsRef<str>, body: Value) -> Self {
        Self::new(Method::Post, path.as_ref(), Some(body), Repeatable::IfProvablyNotStarted)
    }

    /// Updates a resource. Although that is idempotent, it is sent again only if [`ApiError::is_provably_not_started`]: a body that was
    /// read earlier could undo someone else's change. The caller reads the resource again first.
    #[must_use]
    pub fn update(path: impl AsRef<str>, body: Value) -> Self {
        Self::new(Method::Put, path.as_ref(), Some(body), Repeatable::IfProvablyNotStarted)
    }

    fn new(method: Method, path: &str, body: Option<Value>, repeatable: Repeatable) -> Self {
        Self { method, path: format!("{API}{path}"), body, repeatable, optional: None }
    }

    /// The call needs a scope that the right does not require: it is made with a token for this scope alone.
    #[must_use]
    pub fn with_optional(self, scope: Scope) -> Self {
        Self { optional: Some(scope), ..self }
    }

    /// The path, with its query.
    #[cfg(test)]
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    const fn may_be_repeated_after(&self, error: &ApiError) -> bool {
        match self.repeatable {
            Repeatable::Always => true,
            Repeatable::IfProvablyNotStarted => error.is_provably_not_started(),
        }
    }

    fn to_request(&self, session: &Session, token: &Token) -> Request {
        let mut headers = vec![
            ("authorization", token.header.clone()),
            ("accept", Secret::new("application/json")),
            // The connector does not decompress bodies.
            ("accept-encoding", Secret::new("identity")),
        ];
        if self.body.is_some() {
            headers.push(("content-type", Secret::new("application/json")));
        }
        Request {
            method: self.method,
            origin: session.origin().clone(),
            path: self.path.clone(),
            headers,
            body: self.body.as_ref().map_or_else(Vec::new, |body| body.to_string().into_bytes()),
        }
    }
}

/// The results of an attempt, in order, or the error of the token request, which has its own retries.
type Attempted<T> = Result<Vec<Result<T, ApiError>>, ApiError>;

/// The API client of one call of the contract. Its deadline is twice the response time-out. It waits for five seconds at most, and
/// renews the token once.
pub struct Client<'a> {
    transport: &'a mut dyn Transport,
    clock: &'a dyn Clock,
    session: &'a mut Session,
    deadline_ms: u64,
    wait_budget: WaitBudget,
    has_renewed_token: bool,
    /// Optional scopes for which tokens are requested beside the next calls.
    prepared: Scopes,
    calls: u64,
}

impl<'a> Client<'a> {
    /// A client whose time starts now.
    pub fn new(transport: &'a mut dyn Transport, clock: &'a dyn Clock, session: &'a mut Session) -> Self {
        let deadline_ms = clock.monotonic_ms().saturating_add(session.response_timeout_ms().saturating_mul(2));
        let wait_budget = WaitBudget::new();
        Self {
            transport,
            clock,
            session,
            deadline_ms,
            wait_budget,
            has_renewed_token: false,
            prepared: Scopes::new(),
            calls: 0,
        }
    }

    /// The host's time, in seconds since 1970.
    #[must_use]
    pub fn now_s(&self) -> u64 {
        self.clock.wall_ms() / 1_000
    }

    /// An instant of the host's clock, in seconds, on Qualtrics' clock.
    #[must_use]
    pub const fn at_qualtrics(&self, host_s: u64) -> u64 {
        host_s.saturating_add_signed(self.session.clock_offset_s())
    }

    /// An instant of Qualtrics' clock, in seconds, on the host's clock.
    #[must_use]
    pub const fn at_host(&self, qualtrics_s: u64) -> u64 {
        qualtrics_s.saturating_add_signed(self.session.clock_offset_s().saturating_neg())
    }

    /// The monotonic clock, in milliseconds.
    #[must_use]
    pub fn monotonic_ms(&self) -> u64 {
        self.clock.monotonic_ms()
    }

    /// The time that is left, in milliseconds.
    #[must_use]
    pub fn time_left_ms(&self) -> u64 {
        self.deadline_ms.saturating_sub(self.clock.monotonic_ms())
    }

    /// Whether less than a third of the time is left.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.time_left_ms() < self.session.response_timeout_ms().saturating_mul(2) / 3
    }

    /// Whether less than half of the time is left.
    #[must_use]
    pub fn is_half_over(&self) -> bool {
        self.time_left_ms() < self.session.response_timeout_ms()
    }

    /// How many calls to the API were sent so far.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// The milliseconds until the connection's share of the rate limits has room for so many calls like this together, or for as many
    /// as it ever has.
    #[must_use]
    pub fn wait_for(&self, call: &Call, count: u64) -> u64 {
        self.session.wait_for(call.method, &call.path, count, self.clock.monotonic_ms())
    }

    /// How many calls like this the connection's share of the rate limits ever allows together.
    #[must_use]
    pub fn share(&self, call: &Call) -> u64 {
        self.session.share(call.method, &call.path)
    }

    /// The limits of one exchange.
    #[must_use]
    pub const fn limits(&self) -> ExchangeLimits {
        let timeout_ms = self.session.response_timeout_ms();
        ExchangeLimits {
            response_ms: timeout_ms,
            idle_ms: timeout_ms,
            deadline_ms: self.deadline_ms,
            body_bytes: MAX_BODY_BYTES,
        }
    }

    /// Makes one call, as [`Self::send_all`].
    ///
    /// # Errors
    /// Any [`ApiError`].
    pub fn call(&mut self, scopes: &Scopes, call: Call) -> Result<ApiResponse, ApiError> {
        self.send_all(scopes, &[call]).pop().unwrap_or(Err(ApiError::Malformed))
    }

    /// Makes calls concurrently, with a token for these scopes. The results are in the order of the calls.
    ///
    /// [`decide`] determines whether a call is repeated. A call that starts a job is repeated only if it provably did not start one.
    pub fn send_all(&mut self, scopes: &Scopes, calls: &[Call]) -> Vec<Result<ApiResponse, ApiError>> {
        let may_repeat =
            |index: usize, error: &ApiError| calls.get(index).is_some_and(|call| call.may_be_repeated_after(error));
        self.with_retries(calls.len(), &may_repeat, &mut |client, indices| {
            let attempted: Vec<&Call> = indices.iter().filter_map(|index| calls.get(*index)).collect();
            client.attempt(scopes, &attempted)
        })
    }

    /// Sends each call once.
    ///
    /// # Errors
    /// If there is no token for the right: then nothing was sent.
    fn attempt(&mut self, scopes: &Scopes, calls: &[&Call]) -> Attempted<ApiResponse> {
        let is_required = calls.iter().any(|call| call.optional.is_none());
        let required = if is_required { Some(self.token(scopes)?) } else { None };
        let mut reservations = Vec::with_capacity(calls.len());
        let mut requests = Vec::with_capacity(calls.len());
        for call in calls {
            let token = match call.optional {
                Some(scope) => self.optional_token(scope),
                None => required.clone().ok_or(ApiError::Malformed),
            };
            reservations.push(token.and_then(|token| {
                self.reserve(call)?;
                requests.push(call.to_request(self.session, &token));
                Ok(())
            }));
        }
        let mut responses =
            if requests.is_empty() { Vec::new() } else { self.exchange_with_tokens(requests) }.into_iter();
        let now_s = self.now_s();
        let of_call = |reservation: Result<(), ApiError>| {
            reservation?;
            match responses.next() {
                Some(Ok(response)) => envelope::parse(&response, now_s),
                Some(Err(error)) => Err(ApiError::Transport(error)),
                None => Err(ApiError::Malformed),
            }
        };
        Ok(reservations.into_iter().map(of_call).collect())
    }

    /// Sends requests, and reads Qualtrics' clock from the responses.
    fn exchange(&mut self, requests: Vec<Request>) -> Vec<Result<Response, TransportError>> {
        let limits = self.limits();
        let responses = self.transport.exchange(requests, limits);
        self.session.settle(self.clock.monotonic_ms());
        let now_s = self.now_s();
        for response in responses.iter().flatten() {
            self.session.note_date(&response.head, now_s);
        }
        responses
    }

    /// Attempts everything with an index below `count`, and repeats what `may_repeat` and the retry policy allow: once after a delay,
    /// and with a new token, which is requested once per call of the contract.
    ///
    /// `attempt` returns one result per index, or an error that applies to all of them. An index that was never attempted has the
    /// result [`ApiError::DeadlineExceeded`].
    fn with_retries<T>(
        &mut self,
        count: usize,
        may_repeat: &dyn Fn(usize, &ApiError) -> bool,
        attempt: &mut dyn FnMut(&mut Self, &[usize]) -> Attempted<T>,
    ) -> Vec<Result<T, ApiError>> {
        let mut results: Vec<Result<T, ApiError>> = (0..count).map(|_| Err(ApiError::DeadlineExceeded)).collect();
        let mut indices: Vec<usize> = (0..count).collect();
        let mut repeated = BTreeSet::new();
        while !indices.is_empty() && self.time_left_ms() > 0 {
            let attempted = match attempt(self, &indices) {
                Ok(attempted) => attempted,
                Err(error) => {
                    indices.iter().for_each(|index| put(&mut results, *index, Err(error.clone())));
                    break;
                }
            };
            let may_renew_token = !self.has_renewed_token;
            let (mut again, mut delay_ms) = (Vec::new(), 0);
            // A missing result proves nothing about its call.
            let attempted = attempted.into_iter().chain(std::iter::repeat_with(|| Err(ApiError::Malformed)));
            for (index, result) in indices.into_iter().zip(attempted) {
                let failure = result.as_ref().err().filter(|error| may_repeat(index, error));
                match failure.and_then(ApiError::as_failure).map_or(Retry::Never, decide) {
                    Retry::WithNewToken if may_renew_token => {
                        self.has_renewed_token = true;
                        self.session.discard_tokens();
                        again.push(index);
                    }
                    Retry::After(ms) if self.has_time_for_retry(ms) && repeated.insert(index) => {
                        delay_ms = delay_ms.max(ms);
                        again.push(index);
                    }
                    _ => {}
                }
                put(&mut results, index, result);
            }
            self.wait(delay_ms);
            indices = again;
        }
        results
    }

    /// Whether a repetition after this delay is within the budget, and its response can arrive in time.
    fn has_time_for_retry(&self, delay_ms: u64) -> bool {
        let needed_ms = delay_ms.saturating_add(self.session.response_timeout_ms());
        self.wait_budget.allows(delay_ms) && needed_ms <= self.time_left_ms()
    }

    fn wait(&mut self, ms: u64) {
        if ms > 0 {
            self.wait_budget.spend(ms);
            self.clock.sleep(ms);
        }
    }

    /// Counts a call against every limit that applies to it, after a short wait if necessary.
    fn reserve(&mut self, call: &Call) -> Result<(), ApiError> {
        if self.time_left_ms() == 0 {
            return Err(ApiError::DeadlineExceeded);
        }
        let wait_ms = self.wait_for(call, 1);
        if !self.wait_budget.allows(wait_ms) || wait_ms > self.time_left_ms() {
            return Err(ApiError::ShareExhausted(wait_ms));
        }
        self.wait(wait_ms);
        let now_ms = self.clock.monotonic_ms();
        self.session.take(call.method, &call.path, now_ms).map_err(ApiError::ShareExhausted)?;
        self.calls = self.calls.saturating_add(1);
        Ok(())
    }
}

fn put<R>(results: &mut [R], index: usize, result: R) {
    if let Some(slot) = results.get_mut(index) {
        *slot = result;
    }
}
