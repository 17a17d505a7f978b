//! A clock that a host, its guests and a simulator share. Tests move it instead of waiting.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of time. Clones share the same time.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// The system clock, and the instant from which monotonic time is measured.
    System(Instant),
    /// Nanoseconds since 1970, which only [`Clock::advance`] changes.
    Simulated(Arc<AtomicU64>),
    /// Runs `factor` times as fast as the system clock from `since` on, a duration since 1970.
    Accelerated { since: Duration, factor: u32, start: Instant },
}

impl Clock {
    /// The system clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Kind::System(Instant::now()))
    }

    /// A clock that shows this number of seconds since 1970-01-01T00:00:00Z until [`Clock::advance`] moves it.
    #[must_use]
    pub fn simulated(unix_seconds: u64) -> Self {
        Self(Kind::Simulated(Arc::new(AtomicU64::new(unix_seconds * 1_000_000_000))))
    }

    /// A clock that runs `factor` times as fast as the system clock. The two show the same time at `since_unix_seconds`, in
    /// seconds since 1970-01-01T00:00:00Z. Two processes that pass the same two numbers have the same time.
    ///
    /// A factor of 0 counts as 1.
    #[must_use]
    pub fn accelerated(since_unix_seconds: u64, factor: u32) -> Self {
        let since = Duration::from_secs(since_unix_seconds);
        Self(Kind::Accelerated { since, factor: factor.max(1), start: Instant::now() })
    }

    /// The time since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn since_epoch(&self) -> Duration {
        match &self.0 {
            Kind::System(_) => system_time(),
            Kind::Accelerated { since, factor, .. } => {
                since.saturating_add(system_time().saturating_sub(*since).saturating_mul(*factor))
            }
            Kind::Simulated(nanos) => Duration::from_nanos(nanos.load(Ordering::SeqCst)),
        }
    }

    /// The time since a fixed instant. It never decreases.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Kind::System(start) => start.elapsed(),
            Kind::Accelerated { factor, start, .. } => start.elapsed().saturating_mul(*factor),
            Kind::Simulated(nanos) => Duration::from_nanos(nanos.load(Ordering::SeqCst)),
        }
    }

    /// Whether the clock is simulated: its time changes only through [`Clock::advance`].
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        matches!(self.0, Kind::Simulated(_))
    }

    /// The real time that passes while this clock moves by `time`. For a simulated clock, that is `time` itself.
    #[must_use]
    pub fn in_real_time(&self, time: Duration) -> Duration {
        match &self.0 {
            Kind::System(_) | Kind::Simulated(_) => time,
            Kind::Accelerated { factor, .. } => time / *factor,
        }
    }

    /// Moves a simulated clock forward. Has no effect on a system clock or an accelerated clock.
    pub fn advance(&self, by: Duration) {
        if let Kind::Simulated(nanos) = &self.0 {
            let step = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
            nanos.fetch_add(step, Ordering::SeqCst);
        }
    }
}

fn system_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
