//! Rate limits: a bucket per limit, and the requests that a limit applies to.

/// A bucket that refills evenly.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// The calls per minute, which are also the largest burst.
    per_minute: u64,
    /// The part of the bucket that is used, in milliseconds times `per_minute`: [`CALL`] for each call.
    used: u64,
    /// When `used` was last updated, on the monotonic clock.
    at_ms: u64,
}

/// What one call takes from a [`Bucket`].
const CALL: u64 = 60_000;

impl Bucket {
    /// A full bucket for a share, in percent, of a limit. At least one call per minute remains.
    #[must_use]
    pub fn new(calls_per_minute: u32, share_percent: u8) -> Self {
        let share = u64::from(calls_per_minute).saturating_mul(u64::from(share_percent)) / 100;
        Self { per_minute: share.max(1), used: 0, at_ms: 0 }
    }

    /// Takes one call.
    ///
    /// # Errors
    /// The milliseconds, at least one, until a call is available. Nothing is taken then.
    pub fn take(&mut self, now_ms: u64) -> Result<(), u64> {
        match self.wait_for(1, now_ms) {
            0 => {
                self.used = self.used_at(now_ms).saturating_add(CALL);
                self.at_ms = now_ms;
                Ok(())
            }
            wait_ms => Err(wait_ms),
        }
    }

    /// The milliseconds until so many calls are available together, or as many as a full bucket holds. Nothing is taken.
    #[must_use]
    pub fn wait_for(&self, calls: u64, now_ms: u64) -> u64 {
        let needed = calls.min(self.per_minute).saturating_mul(CALL);
        let excess = self.used_at(now_ms).saturating_add(needed).saturating_sub(self.per_minute.saturating_mul(CALL));
        excess.div_ceil(self.per_minute)
    }

    fn used_at(&self, now_ms: u64) -> u64 {
        let passed_ms = now_ms.saturating_sub(self.at_ms).min(CALL);
        self.used.saturating_sub(passed_ms.saturating_mul(self.per_minute))
    }
}

/// Whether a path, which may carry a query, matches a pattern of the contract's `rate-limit`: `*` stands for one segment, and a
/// final `**` for the rest, which is at least one segment.
#[must_use]
pub fn path_matches(pattern: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let mut segments = path.split('/');
    let mut expected = pattern.split('/').peekable();
    while let Some(part) = expected.next() {
        let Some(segment) = segments.next() else { return false };
        match part {
            "**" if expected.peek().is_none() => return true,
            "*" if !segment.is_empty() => {}
            _ if part == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exhausted_and_refills_evenly() {
        let mut bucket = Bucket::new(20, 75);
        for call in 0..15 {
            assert_eq!(bucket.take(0), Ok(()), "call {call}");
        }
        assert_eq!(bucket.take(0), Err(4_000));
        assert_eq!(bucket.take(3_999), Err(1));
        assert_eq!(bucket.take(4_000), Ok(()));
        assert_eq!(bucket.take(4_000), Err(4_000));
    }

    #[test]
    fn the_wait_for_many_calls_ends_when_all_are_available() {
        let mut bucket = Bucket::new(20, 75);
        assert_eq!(bucket.wait_for(1_000, 0), 0, "a full bucket holds the calls of one minute");
        for _ in 0..15 {
            assert_eq!(bucket.take(0), Ok(()));
        }
        assert_eq!((bucket.wait_for(1, 0), bucket.wait_for(10, 0), bucket.wait_for(15, 0)), (4_000, 40_000, 60_000));
        assert_eq!((bucket.wait_for(10, 30_000), bucket.wait_for(10, 40_000)), (10_000, 0));
    }

    #[test]
    fn a_long_pause_saves_up_no_more_than_a_minute() {
        let mut bucket = Bucket::new(20, 50);
        assert_eq!(bucket.take(0), Ok(()));
        let allowed = (0..100).filter(|_| bucket.take(10_000_000).is_ok()).count();
        assert_eq!(allowed, 10);
    }

    #[test]
    fn the_smallest_share_is_one_call_per_minute() {
        let mut bucket = Bucket::new(20, 1);
        assert_eq!(bucket.take(0), Ok(()));
        assert_eq!(bucket.take(0), Err(60_000));
    }

    #[test]
    fn a_star_stands_for_one_segment_and_two_for_the_rest() {
        for (pattern, path, expected) in [
            ("/v3/jobs", "/v3/jobs", true),
            ("/v3/jobs", "/v3/jobs?offset=1", true),
            ("/v3/jobs", "/v3/jobs/1", false),
            ("/v3/jobs", "/v3", false),
            ("/v3/jobs", "/v3/jobsX", false),
            ("/v3/jobs/*", "/v3/jobs/1", true),
            ("/v3/jobs/*", "/v3/jobs", false),
            ("/v3/jobs/*", "/v3/jobs/", false),
            ("/v3/jobs/*", "/v3/jobs/1/files", false),
            ("/v3/*/search", "/v3/a/search?a=/b/c", true),
            ("/v3/*/search", "/v3/a/b/search", false),
            ("/v3/**", "/v3/a", true),
            ("/v3/**", "/v3/a/b/c", true),
            ("/v3/**", "/v3", false),
            ("/v3/**", "/v4/a", false),
            ("/v3/**/search", "/v3/a/search", false),
        ] {
            assert_eq!(path_matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
