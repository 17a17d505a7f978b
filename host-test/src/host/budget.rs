//! The vendor's rate limits, kept by the host for all instances of a connection.
//!
//! A vendor counts the calls of a whole tenant; an instance sees its own. So either each keeps to a small share, or the
//! host keeps one budget for all of them: a request beyond it is answered by the host itself, with 429 and `Retry-After`,
//! and the connector takes that for the vendor's answer (see `rate-limit` in `wit/connector.wit`).
//!
//! A limit is a leaky bucket: as many calls as it allows in a minute may be made at once, and it empties evenly, within a
//! minute. A request counts against every limit that it matches, and is sent if there is room in all of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use wasmtime_wasi_http::WasiBody;

use super::contract::RateLimit;
use crate::clock::Clock;

const MINUTE: Duration = Duration::from_secs(60);

/// What one connection may use of a vendor's limits. Clones are the same budget: give one to each instance of the
/// connection, and set the connector's own share to all of it.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    clock: Clock,
    buckets: Mutex<Vec<Bucket>>,
}

impl Budget {
    /// A share, 1 to 100 percent, of the limits in a manifest, by the time of this clock. Of each limit at least one call
    /// a minute remains.
    #[must_use]
    pub fn new(limits: &[RateLimit], share_percent: u8, clock: Clock) -> Self {
        let buckets = limits.iter().map(|limit| Bucket::new(limit, share_percent)).collect();
        Self(Arc::new(Kept { clock, buckets: Mutex::new(buckets) }))
    }

    /// Takes a request out of the budget.
    ///
    /// # Errors
    /// The time until there is room for it. Nothing is taken then.
    pub fn take(&self, method: &Method, path: &str) -> Result<(), Duration> {
        // Nothing panics while the lock is held; a bucket is whole at any time.
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
    /// What a call fills of the bucket, as the time in which that much runs out; the whole bucket takes a minute.
    call: Duration,
    used: Duration,
    /// When `used` was last brought up to date.
    at: Duration,
}

impl Bucket {
    fn new(limit: &RateLimit, share_percent: u8) -> Self {
        let calls = u64::from(limit.calls_per_minute) * u64::from(share_percent.clamp(1, 100)) / 100;
        // Of less than a billion calls a minute: fits, and is no rounding that matters.
        let call = MINUTE / u32::try_from(calls.max(1)).unwrap_or(u32::MAX);
        let (methods, path) = (limit.methods.clone(), limit.path.clone());
        Self { methods, path, call, used: Duration::ZERO, at: Duration::ZERO }
    }

    fn counts(&self, method: &Method, path: &str) -> bool {
        let is_counted = |counted: &String| counted == method.as_str();
        (self.methods.is_empty() || self.methods.iter().any(is_counted)) && matches_path(&self.path, path)
    }

    /// How long it is until there is room for one more call.
    fn wait(&mut self, now: Duration) -> Duration {
        self.used = self.used.saturating_sub(now.saturating_sub(self.at));
        self.at = now;
        (self.used + self.call).saturating_sub(MINUTE)
    }
}

/// Whether a path matches a pattern, in which `*` stands for one segment and a final `**` for one or more. A query does not count.
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

/// The answer in place of the vendor's: call again in so many whole seconds.
pub(super) fn too_many(wait: Duration) -> Response<WasiBody> {
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
    fn a_share_may_be_used_at_once_and_refills_evenly() {
        let clock = Clock::made(1_000_000);
        let budget = Budget::new(&[limit(&["POST"], "/erase", 20)], 75, clock.clone());
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
    fn a_request_counts_against_every_limit_that_it_matches_or_against_none() {
        let limits = [limit(&["GET", "POST"], "/**", 4), limit(&["POST"], "/erase", 1)];
        let budget = Budget::new(&limits, 100, Clock::made(0));
        assert_eq!(budget.take(&Method::POST, "/erase"), Ok(()));
        for _ in 0..9 {
            assert_eq!(budget.take(&Method::POST, "/erase"), Err(MINUTE));
        }
        // A rejected request has used nothing.
        for _ in 0..3 {
            assert_eq!(budget.take(&Method::GET, "/erase"), Ok(()));
        }
        assert_eq!(budget.take(&Method::GET, "/"), Err(15 * SECOND));
        assert_eq!(budget.take(&Method::DELETE, "/"), Ok(()));
    }

    #[test]
    fn a_limit_without_methods_counts_every_method() {
        let budget = Budget::new(&[limit(&[], "/a", 1)], 100, Clock::made(0));
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
    fn the_wait_is_told_in_seconds_rounded_up() {
        for (wait, told) in [(Duration::from_millis(1), "1"), (SECOND, "1"), (Duration::from_millis(1_001), "2")] {
            let answer = too_many(wait);
            assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()), (429, told.as_bytes()));
        }
    }
}
