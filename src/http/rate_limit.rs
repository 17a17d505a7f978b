//! Rate limits: the calls of the last minute, and the requests that a limit applies to.

use std::collections::VecDeque;

/// How long a call counts after its response, in milliseconds.
pub const WINDOW_MS: u64 = 60_000;

/// The calls of the last minute under one limit. The server never receives more calls in a minute than the share allows.
///
/// The server counts a call at an unknown time between its sending and its response. So a call counts from its sending until a minute
/// after its response. After a pause the whole share is available at once: one call of the contract may need many requests, such as
/// one for each directory.
#[derive(Clone, Debug)]
pub struct CallLog {
    /// The most calls in a minute.
    share: usize,
    /// How many calls have no response yet.
    in_progress: usize,
    /// When the responses of the other calls arrived, on the monotonic clock, in order.
    answered_ms: VecDeque<u64>,
}

impl CallLog {
    /// No calls so far, under a share, in percent, of a limit. At least one call per minute remains.
    #[must_use]
    pub fn new(calls_per_minute: u32, share_percent: u8) -> Self {
        let share = u64::from(calls_per_minute).saturating_mul(u64::from(share_percent)) / 100;
        let share = usize::try_from(share.max(1)).unwrap_or(usize::MAX);
        Self { share, in_progress: 0, answered_ms: VecDeque::new() }
    }

    /// The most calls in a minute.
    #[must_use]
    pub fn share(&self) -> u64 {
        u64::try_from(self.share).unwrap_or(u64::MAX)
    }

    /// Records a call that is about to be sent.
    ///
    /// # Errors
    /// The milliseconds, at least one, until a call is available. Nothing is recorded then.
    pub fn take(&mut self, now_ms: u64) -> Result<(), u64> {
        match self.wait_for(1, now_ms) {
            0 => {
                self.answered_ms.drain(..self.expired(now_ms));
                self.in_progress = self.in_progress.saturating_add(1);
                Ok(())
            }
            wait_ms => Err(wait_ms),
        }
    }

    /// Records that all calls in progress have ended, with or without a response.
    pub fn settle(&mut self, now_ms: u64) {
        // In order, whatever the clock does.
        let at_ms = now_ms.max(self.answered_ms.back().copied().unwrap_or(0));
        self.answered_ms.extend(std::iter::repeat_n(at_ms, std::mem::take(&mut self.in_progress)));
    }

    /// The milliseconds until so many calls are available together, or as many as the share ever allows; exact unless calls are in
    /// progress, for which it is a lower bound. Nothing is recorded.
    #[must_use]
    pub fn wait_for(&self, calls: u64, now_ms: u64) -> u64 {
        let expired = self.expired(now_ms);
        let counted = self.answered_ms.len().saturating_sub(expired).saturating_add(self.in_progress);
        let needed = usize::try_from(calls).unwrap_or(usize::MAX).min(self.share);
        // So many of the oldest calls have to expire first.
        let Some(before) = counted.saturating_add(needed).saturating_sub(self.share).checked_sub(1) else { return 0 };
        let answered_ms = self.answered_ms.get(expired.saturating_add(before)).copied().unwrap_or(now_ms);
        answered_ms.saturating_add(WINDOW_MS).saturating_sub(now_ms)
    }

    /// How many of the calls no longer count.
    fn expired(&self, now_ms: u64) -> usize {
        self.answered_ms.partition_point(|answered_ms| answered_ms.saturating_add(WINDOW_MS) <= now_ms)
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

    /// A call whose response arrives at once.
    fn call(log: &mut CallLog, now_ms: u64) -> Result<(), u64> {
        log.take(now_ms)?;
        log.settle(now_ms);
        Ok(())
    }

    #[test]
    fn a_share_can_be_used_at_once_and_returns_as_its_calls_expire() {
        let mut log = CallLog::new(20, 75);
        for n in 0..15 {
            assert_eq!(call(&mut log, n * 1_000), Ok(()), "call {n}");
        }
        assert_eq!(log.take(20_000), Err(40_000));
        assert_eq!(log.take(59_999), Err(1));
        assert_eq!(call(&mut log, 60_000), Ok(()));
        assert_eq!(log.take(60_000), Err(1_000));
    }

    #[test]
    fn a_call_counts_until_a_minute_after_its_response() {
        let mut log = CallLog::new(20, 5);
        assert_eq!(log.take(0), Ok(()));
        assert_eq!(log.take(25_000), Err(60_000));
        log.settle(30_000);
        assert_eq!(log.take(60_000), Err(30_000));
        assert_eq!(log.take(90_000), Ok(()));
    }

    #[test]
    fn the_wait_for_many_calls_ends_when_all_are_available() {
        let mut log = CallLog::new(20, 75);
        assert_eq!(log.wait_for(1_000, 0), 0, "the share allows the calls of one minute");
        for n in 0..15 {
            assert_eq!(call(&mut log, n * 1_000), Ok(()));
        }
        let waits = |now_ms| [1, 10, 15, 1_000].map(|calls| log.wait_for(calls, now_ms));
        assert_eq!(waits(14_000), [46_000, 55_000, 60_000, 60_000]);
        assert_eq!(waits(69_000), [0, 0, 5_000, 5_000]);
        assert_eq!(waits(74_000), [0; 4]);
    }

    #[test]
    fn a_long_pause_saves_up_no_more_than_a_minute() {
        let mut log = CallLog::new(20, 50);
        assert_eq!(call(&mut log, 0), Ok(()));
        let allowed = (0..100).filter(|_| call(&mut log, 10_000_000).is_ok()).count();
        assert_eq!(allowed, 10);
    }

    #[test]
    fn the_smallest_share_is_one_call_per_minute() {
        let mut log = CallLog::new(20, 1);
        assert_eq!(call(&mut log, 0), Ok(()));
        assert_eq!(log.take(0), Err(WINDOW_MS));
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
