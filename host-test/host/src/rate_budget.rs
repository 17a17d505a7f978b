//! The vendor's rate limits, shared by all instances of a connection.
//!
//! A vendor counts the calls of a whole tenant; an instance only sees its own. The host therefore keeps one budget for all
//! instances: it responds to a request beyond the budget itself, with 429 and `Retry-After`, which the connector handles
//! like the vendor's own (see `rate-limit` in `wit/connector.wit`).
//!
//! Each limit is a leaky bucket that holds a minute's calls and empties evenly. A request counts against every limit that it
//! matches, and is sent only if all of them have room.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use wasmtime_wasi_http::WasiBody;

use simulated_clock::Clock;

use crate::contract::RateLimit;

const MINUTE: Duration = Duration::from_secs(60);

/// The share of a vendor's rate limits that one connection may use. Clones share the same budget: give one to each instance of the
/// connection, and set the connector's own share to 100 percent.
#[derive(Clone, Debug)]
pub struct RateBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    buckets: Mutex<Vec<Bucket>>,
}

impl RateBudget {
    /// A share, 1 to 100 percent, of the limits in a manifest. Each limit allows at least one call a minute.
    #[must_use]
    pub fn new(limits: &[RateLimit], share_percent: u8, clock: Clock) -> Self {
        let buckets = limits.iter().map(|limit| Bucket::new(limit, share_percent)).collect();
        Self(Arc::new(Shared { clock, buckets: Mutex::new(buckets) }))
    }

    /// Counts a request against the budget.
    ///
    /// # Errors
    /// There is no room: the time until there is. The request is not counted.
    pub fn take(&self, method: &Method, path: &str) -> Result<(), Duration> {
        // Nothing panics while the lock is held.
        let mut buckets = self.0.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.0.clock.monotonic();
        let mut counting: Vec<_> = buckets.iter_mut().filter(|bucket| bucket.counts(method, path)).collect();
        let wait = counting.iter_mut().map(|bucket| bucket.wait(now)).max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        for bucket in counting {
            bucket.used += bucket.call;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Bucket {
    methods: Vec<String>,
    path: String,
    /// The time in which one call leaks out. A full bucket leaks out in a minute.
    call: Duration,
    used: Duration,
    /// When `used` was last updated.
    at: Duration,
}

impl Bucket {
    fn new(limit: &RateLimit, share_percent: u8) -> Self {
        let calls = u64::from(limit.calls_per_minute) * u64::from(share_percent.clamp(1, 100)) / 100;
        // Exact enough below a billion calls a minute.
        let call = MINUTE / u32::try_from(calls.max(1)).unwrap_or(u32::MAX);
        let (methods, path) = (limit.methods.clone(), limit.path.clone());
        Self { methods, path, call, used: Duration::ZERO, at: Duration::ZERO }
    }

    fn counts(&self, method: &Method, path: &str) -> bool {
        let is_counted = |counted: &String| counted == method.as_str();
        (self.methods.is_empty() || self.methods.iter().any(is_counted)) && matches_path(&self.path, path)
    }

    /// The time until there is room for one more call.
    fn wait(&mut self, now: Duration) -> Duration {
        self.used = self.used.saturating_sub(now.saturating_sub(self.at));
        self.at = now;
        (self.used + self.call).saturating_sub(MINUTE)
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

    #[test]
    fn a_share_can_be_used_at_once_and_refills_evenly() {
        let clock = Clock::simulated(1_000_000);
        let budget = RateBudget::new(&[limit(&["POST"], "/erase", 20)], 75, clock.clone());
        for call in 0..15 {
            assert_eq!(budget.take(&Method::POST, "/erase"), Ok(()), "call {call}");
        }
        assert_eq!(budget.clone().take(&Method::POST, "/erase"), Err(4 * SECOND));
        clock.advance(3 * SECOND);
        assert_eq!(budget.take(&Method::POST, "/erase?query"), Err(SECOND));
        clock.advance(SECOND);
        assert_eq!(budget.take(&Method::POST, "/erase"), Ok(()));
        assert_eq!(budget.take(&Method::POST, "/erase"), Err(4 * SECOND));
        clock.advance(60 * MINUTE);
        assert_eq!((0..100).take_while(|_| budget.take(&Method::POST, "/erase").is_ok()).count(), 15);
    }

    #[test]
    fn a_request_counts_against_all_limits_that_it_matches_or_none() {
        let limits = [limit(&["GET", "POST"], "/**", 4), limit(&["POST"], "/erase", 1)];
        let budget = RateBudget::new(&limits, 100, Clock::simulated(0));
        assert_eq!(budget.take(&Method::POST, "/erase"), Ok(()));
        for _ in 0..9 {
            assert_eq!(budget.take(&Method::POST, "/erase"), Err(MINUTE));
        }
        // A rejected request is not counted.
        for _ in 0..3 {
            assert_eq!(budget.take(&Method::GET, "/erase"), Ok(()));
        }
        assert_eq!(budget.take(&Method::GET, "/"), Err(15 * SECOND));
        assert_eq!(budget.take(&Method::DELETE, "/"), Ok(()));
    }

    #[test]
    fn a_limit_without_methods_counts_every_method() {
        let budget = RateBudget::new(&[limit(&[], "/a", 1)], 100, Clock::simulated(0));
        assert_eq!(budget.take(&Method::GET, "/a"), Ok(()));
        assert_eq!(budget.take(&Method::DELETE, "/a"), Err(MINUTE));
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
