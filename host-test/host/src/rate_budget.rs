//! The vendor's rate limits, shared by all instances of a connection.
//!
//! A vendor counts the calls of a whole tenant; an instance only sees its own. The host therefore keeps one budget for all
//! instances: it responds to a request beyond the budget itself, with 429 and `Retry-After`, which the connector handles
//! like the vendor's own (see `rate-limit` in `wit/connector.wit`).
//!
//! A request counts against every limit that it matches, and is sent only if all of them have room. The vendor counts it at an unknown
//! time between its sending and its response. So it counts here from its sending until a minute after its response, and the vendor never
//! receives more requests in a minute than the share allows. After a pause the whole share is available at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use wasmtime_wasi_http::WasiBody;

use simulated_clock::Clock;

use crate::contract::RateLimit;

/// How long a request counts after its response.
const WINDOW: Duration = Duration::from_secs(60);

/// The share of a vendor's rate limits that one connection may use. Clones share the same budget: give one to each instance of the
/// connection, and set the connector's own share to 100 percent.
#[derive(Clone, Debug)]
pub struct RateBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    limits: Mutex<Vec<Limit>>,
}

impl RateBudget {
    /// A share, 1 to 100 percent, of the limits in a manifest. Each limit allows at least one call a minute.
    #[must_use]
    pub fn new(limits: &[RateLimit], share_percent: u8, clock: Clock) -> Self {
        let limits = limits.iter().map(|limit| Limit::new(limit, share_percent)).collect();
        Self(Arc::new(Shared { clock, limits: Mutex::new(limits) }))
    }

    /// Counts a request against the budget.
    ///
    /// # Errors
    /// There is no room: the time until there is. The request is not counted.
    pub fn take(&self, method: &Method, path: &str) -> Result<Permit, Duration> {
        let mut limits = self.limits();
        let now = self.0.clock.monotonic();
        let counting = |limit: &Limit| limit.counts(method, path);
        let wait = limits.iter().filter(|limit| counting(limit)).map(|limit| limit.wait(now)).max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        let mut counted = Vec::new();
        for (index, limit) in limits.iter_mut().enumerate().filter(|(_, limit)| counting(limit)) {
            limit.in_progress += 1;
            counted.push(index);
        }
        drop(limits);
        Ok(Permit { budget: self.clone(), counted })
    }

    /// The time between two calls under the smallest limit, if they are made evenly.
    #[must_use]
    pub fn pace(&self) -> Duration {
        let smallest = self.limits().iter().map(|limit| limit.share).min();
        smallest.map_or(Duration::ZERO, |share| WINDOW / u32::try_from(share).unwrap_or(u32::MAX))
    }

    fn limits(&self) -> MutexGuard<'_, Vec<Limit>> {
        // Nothing panics while the lock is held.
        self.0.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that was counted. Drop it when the request has ended, with or without a response.
#[derive(Debug)]
pub struct Permit {
    budget: RateBudget,
    /// The indices of the limits.
    counted: Vec<usize>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut limits = self.budget.limits();
        let now = self.budget.0.clock.monotonic();
        for &index in &self.counted {
            limits[index].settle(now);
        }
    }
}

/// A limit, and the requests of the last minute under it.
#[derive(Debug)]
struct Limit {
    methods: Vec<String>,
    path: String,
    /// The most requests in a minute.
    share: usize,
    /// How many requests have no response yet.
    in_progress: usize,
    /// When the responses of the other requests arrived, in order.
    answered: VecDeque<Duration>,
}

impl Limit {
    fn new(limit: &RateLimit, share_percent: u8) -> Self {
        let share = u64::from(limit.calls_per_minute) * u64::from(share_percent.clamp(1, 100)) / 100;
        Self {
            methods: limit.methods.clone(),
            path: limit.path.clone(),
            share: usize::try_from(share.max(1)).unwrap_or(usize::MAX),
            in_progress: 0,
            answered: VecDeque::new(),
        }
    }

    fn counts(&self, method: &Method, path: &str) -> bool {
        let is_counted = |counted: &String| counted == method.as_str();
        (self.methods.is_empty() || self.methods.iter().any(is_counted)) && matches_path(&self.path, path)
    }

    /// The time until there is room for one more request; a lower bound if all that count are in progress.
    fn wait(&self, now: Duration) -> Duration {
        let expired = self.answered.partition_point(|answered| *answered + WINDOW <= now);
        if self.answered.len() - expired + self.in_progress < self.share {
            return Duration::ZERO;
        }
        self.answered.get(expired).map_or(WINDOW, |oldest| *oldest + WINDOW - now)
    }

    fn settle(&mut self, now: Duration) {
        self.in_progress -= 1;
        let expired = self.answered.partition_point(|answered| *answered + WINDOW <= now);
        self.answered.drain(..expired);
        self.answered.push_back(now);
    }
}

/// Whether a path matches a pattern: `*` matches one segment, a final `**` one or more. The query is ignored.
fn matches_path(pattern: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let mut segments = path.split('/');
    let mut wanted = pattern.split('/').peekable();
    while let Some(segment) = wanted.next() {
        match (segment, segments.next()) {
            ("**", Some(_)) if wanted.peek().is_none() => return true,
            ("*", Some(found)) if !found.is_empty() => {}
            (segment, Some(found)) if segment == found => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// The response in place of the vendor's: 429, with `Retry-After` in whole seconds.
pub(crate) fn too_many(wait: Duration) -> Response<WasiBody> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limit(methods: &[&str], path: &str, calls_per_minute: u32) -> RateLimit {
        RateLimit {
            name: "test".to_owned(),
            methods: methods.iter().map(|&method| method.to_owned()).collect(),
            path: path.to_owned(),
            calls_per_minute,
        }
    }

    /// A request whose response arrives at once.
    fn send(budget: &RateBudget, method: &Method, path: &str) -> Result<(), Duration> {
        budget.take(method, path).map(drop)
    }

    #[test]
    fn a_share_can_be_used_at_once_and_returns_as_its_requests_expire() {
        let clock = Clock::simulated(1_000_000);
        let budget = RateBudget::new(&[limit(&["POST"], "/erase", 20)], 75, clock.clone());
        for request in 0..15 {
            assert_eq!(send(&budget, &Method::POST, "/erase"), Ok(()), "request {request}");
            clock.advance(SECOND);
        }
        assert_eq!(send(&budget.clone(), &Method::POST, "/erase"), Err(45 * SECOND));
        clock.advance(44 * SECOND);
        assert_eq!(send(&budget, &Method::POST, "/erase?query"), Err(SECOND));
        clock.advance(SECOND);
        assert_eq!(send(&budget, &Method::POST, "/erase"), Ok(()));
        assert_eq!(send(&budget, &Method::POST, "/erase"), Err(SECOND));
        clock.advance(3_600 * SECOND);
        assert_eq!((0..100).take_while(|_| send(&budget, &Method::POST, "/erase").is_ok()).count(), 15);
    }

    #[test]
    fn a_request_counts_until_a_minute_after_its_response() {
        let clock = Clock::simulated(0);
        let budget = RateBudget::new(&[limit(&[], "/a", 1)], 100, clock.clone());
        let permit = budget.take(&Method::GET, "/a").expect("room");
        clock.advance(30 * SECOND);
        assert_eq!(send(&budget, &Method::GET, "/a"), Err(WINDOW));
        drop(permit);
        clock.advance(30 * SECOND);
        assert_eq!(send(&budget, &Method::GET, "/a"), Err(30 * SECOND));
        clock.advance(30 * SECOND);
        assert_eq!(send(&budget, &Method::GET, "/a"), Ok(()));
    }

    #[test]
    fn a_request_counts_against_all_limits_that_it_matches_or_none() {
        let limits = [limit(&["GET", "POST"], "/**", 4), limit(&["POST"], "/erase", 1)];
        let budget = RateBudget::new(&limits, 100, Clock::simulated(0));
        assert_eq!(send(&budget, &Method::POST, "/erase"), Ok(()));
        for _ in 0..9 {
            assert_eq!(send(&budget, &Method::POST, "/erase"), Err(WINDOW));
        }
        // A rejected request is not counted.
        for _ in 0..3 {
            assert_eq!(send(&budget, &Method::GET, "/erase"), Ok(()));
        }
        assert_eq!(send(&budget, &Method::GET, "/"), Err(WINDOW));
        assert_eq!(send(&budget, &Method::DELETE, "/"), Ok(()));
        assert_eq!(budget.pace(), WINDOW);
    }

    #[test]
    fn a_limit_without_methods_counts_every_method() {
        let budget = RateBudget::new(&[limit(&[], "/a", 1)], 100, Clock::simulated(0));
        assert_eq!(send(&budget, &Method::GET, "/a"), Ok(()));
        assert_eq!(send(&budget, &Method::DELETE, "/a"), Err(WINDOW));
    }

    #[test]
    fn a_star_matches_one_segment_and_a_final_double_star_the_rest() {
        let search = "/API/v3/directories/*/contacts/search";
        assert!(matches_path(search, "/API/v3/directories/POOL_1/contacts/search?pageSize=100"));
        for path in [
            "/API/v3/directories/contacts/search",
            "/API/v3/directories//contacts/search",
            "/API/v3/directories/P/contacts/search/x",
        ] {
            assert!(!matches_path(search, path), "{path}");
        }
        assert!(matches_path("/API/v3/**", "/API/v3/users") && matches_path("/API/v3/**", "/API/v3/a/b/c"));
        assert!(!matches_path("/API/v3/**", "/API/v3") && !matches_path("/API/v3/**", "/oauth2/token"));
        assert!(!matches_path("/API/v3/users", "/API/v3/users/UR_1"));
    }

    #[test]
    fn retry_after_is_in_seconds_rounded_up() {
        for (wait, seconds) in [(Duration::from_millis(1), "1"), (SECOND, "1"), (Duration::from_millis(1_001), "2")] {
            let response = too_many(wait);
            assert_eq!(
                (response.status().as_u16(), response.headers()["retry-after"].as_bytes()),
                (429, seconds.as_bytes())
            );
        }
    }
}
