//! Keeping to a share of the vendor's limits.

/// A limit that refills evenly: a leaky bucket, as the vendor's own (fact sheet 3.3).
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Calls that may be made at once, and in a minute.
    per_minute: u64,
    /// Milliseconds of refilling that are used up, scaled by `per_minute`: 60,000 a call.
    used: u64,
    /// When `used` was last brought up to date, on the monotonic clock.
    at_ms: u64,
}

/// What one call costs of a [`Bucket`].
const CALL: u64 = 60_000;

impl Bucket {
    /// A full bucket of a share, 1 to 100 percent, of a limit in calls a minute. At least one call a minute remains.
    #[must_use]
    pub fn new(calls_per_minute: u32, share_percent: u8) -> Self {
        let share = u64::from(calls_per_minute).saturating_mul(u64::from(share_percent)) / 100;
        Self { per_minute: share.max(1), used: 0, at_ms: 0 }
    }

    /// Takes one call, or says in how many milliseconds there will be one.
    ///
    /// # Errors
    /// The wait, at least a millisecond. Nothing is taken then.
    pub fn take(&mut self, now_ms: u64) -> Result<(), u64> {
        let passed = now_ms.saturating_sub(self.at_ms).min(CALL);
        self.used = self.used.saturating_sub(passed.saturating_mul(self.per_minute));
        self.at_ms = now_ms;
        let room = self.per_minute.saturating_mul(CALL);
        let after = self.used.saturating_add(CALL);
        if after > room {
            return Err(after.saturating_sub(room).div_ceil(self.per_minute));
        }
        self.used = after;
        Ok(())
    }

    /// In how many milliseconds so many calls, or as many as there ever are at once, could be taken. Nothing is taken.
    #[must_use]
    pub fn wait_for(&self, calls: u64, now_ms: u64) -> u64 {
        let passed = now_ms.saturating_sub(self.at_ms).min(CALL);
        let used = self.used.saturating_sub(passed.saturating_mul(self.per_minute));
        let after = used.saturating_add(calls.min(self.per_minute).saturating_mul(CALL));
        after.saturating_sub(self.per_minute.saturating_mul(CALL)).div_ceil(self.per_minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_used_up_and_refills_evenly() {
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
    fn the_wait_for_many_calls_is_until_there_are_that_many() {
        let mut bucket = Bucket::new(20, 75);
        assert_eq!(bucket.wait_for(1_000, 0), 0, "there are never more than a minute's");
        for _ in 0..15 {
            assert_eq!(bucket.take(0), Ok(()));
        }
        assert_eq!((bucket.wait_for(1, 0), bucket.wait_for(10, 0), bucket.wait_for(15, 0)), (4_000, 40_000, 60_000));
        assert_eq!((bucket.wait_for(10, 30_000), bucket.wait_for(10, 40_000)), (10_000, 0));
    }

    #[test]
    fn a_long_pause_does_not_save_up_more_than_a_minute() {
        let mut bucket = Bucket::new(20, 50);
        assert_eq!(bucket.take(0), Ok(()));
        let allowed = (0..100).filter(|_| bucket.take(10_000_000).is_ok()).count();
        assert_eq!(allowed, 10);
    }

    #[test]
    fn the_smallest_share_is_one_call_a_minute() {
        let mut bucket = Bucket::new(20, 1);
        assert_eq!(bucket.take(0), Ok(()));
        assert_eq!(bucket.take(0), Err(60_000));
    }
}
