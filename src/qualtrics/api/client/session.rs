//! What a connection caches between calls of the contract.

use std::collections::BTreeMap;

use crate::http::rate_limit::CallLog;
use crate::http::{Method, Origin, ResponseHead};
use crate::qualtrics::api::oauth::{Credentials, Token};
use crate::qualtrics::limits::{LIMITS, Limit};
use crate::qualtrics::scopes::{Scope, Scopes};

/// For how long an optional scope that Qualtrics refused is not asked for again, in milliseconds.
const REFUSED_TTL_MS: u64 = 600_000;

/// What a connection caches between calls of the contract. All of it can be lost without harm.
pub struct Session {
    origin: Origin,
    credentials: Credentials,
    response_timeout_ms: u64,
    tokens: Vec<Token>,
    /// Optional scopes that Qualtrics refused, and when, on the monotonic clock.
    refused: BTreeMap<Scope, u64>,
    /// The calls of the last minute under each limit.
    made: Vec<(&'static Limit, CallLog)>,
    /// How far Qualtrics' clock is ahead of the host's, in seconds, according to the last response.
    clock_offset_s: i64,
}

impl Session {
    /// A session that has made no call. `rate_share` is the part of Qualtrics' rate limits that it uses, in percent;
    /// `response_timeout_ms` bounds the time to a response, and between two chunks of it.
    #[must_use]
    pub fn new(origin: Origin, credentials: Credentials, rate_share: u8, response_timeout_ms: u64) -> Self {
        let made = LIMITS.iter().map(|limit| (limit, CallLog::new(limit.calls_per_minute, rate_share))).collect();
        Self {
            origin,
            credentials,
            response_timeout_ms,
            tokens: Vec::new(),
            refused: BTreeMap::new(),
            made,
            clock_offset_s: 0,
        }
    }

    /// Where requests go.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub(super) const fn response_timeout_ms(&self) -> u64 {
        self.response_timeout_ms
    }

    pub(super) const fn clock_offset_s(&self) -> i64 {
        self.clock_offset_s
    }

    /// A cached token for these scopes. Stale tokens are discarded.
    pub(super) fn token(&mut self, scopes: &Scopes, now_ms: u64) -> Option<Token> {
        self.tokens.retain(|token| token.stale_at_ms > now_ms);
        self.tokens.iter().find(|token| token.scopes.is_superset(scopes)).cloned()
    }

    pub(super) fn cache_token(&mut self, token: Token) {
        self.tokens.push(token);
    }

    pub(super) fn discard_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Whether Qualtrics refused an optional scope in the last minutes.
    pub(super) fn is_refused(&self, scope: Scope, now_ms: u64) -> bool {
        self.refused.get(&scope).is_some_and(|at_ms| now_ms.saturating_sub(*at_ms) <= REFUSED_TTL_MS)
    }

    pub(super) fn note_refused(&mut self, scope: Scope, now_ms: u64) {
        self.refused.insert(scope, now_ms);
    }

    /// How many calls a minute every limit allows.
    pub(super) fn share(&self, method: Method, path: &str) -> u64 {
        let applicable = self.made.iter().filter(|(limit, _)| limit.applies_to(method, path));
        applicable.map(|(_, log)| log.share()).min().unwrap_or(u64::MAX)
    }

    /// The milliseconds until every limit has room for so many calls.
    pub(super) fn wait_for(&self, method: Method, path: &str, count: u64, now_ms: u64) -> u64 {
        let applicable = self.made.iter().filter(|(limit, _)| limit.applies_to(method, path));
        applicable.map(|(_, log)| log.wait_for(count, now_ms)).max().unwrap_or(0)
    }

    /// Counts a call against every limit that applies to it.
    ///
    /// # Errors
    /// The milliseconds until there is room for the call. It is not counted then.
    pub(super) fn take(&mut self, method: Method, path: &str, now_ms: u64) -> Result<(), u64> {
        let wait_ms = self.wait_for(method, path, 1, now_ms);
        if wait_ms > 0 {
            return Err(wait_ms);
        }
        for (_, log) in self.made.iter_mut().filter(|(limit, _)| limit.applies_to(method, path)) {
            log.take(now_ms)?;
        }
        Ok(())
    }

    /// Records that no call is in progress any more.
    pub(super) fn settle(&mut self, now_ms: u64) {
        self.made.iter_mut().for_each(|(_, log)| log.settle(now_ms));
    }

    /// Reads Qualtrics' clock from a response that arrived at `now_s`.
    pub(super) fn note_date(&mut self, head: &ResponseHead, now_s: u64) {
        if let Some(date_s) = head.date_s() {
            self.clock_offset_s = date_s.checked_signed_diff(now_s).unwrap_or(0);
        }
    }
}
