//! The time, which tests make instead of waiting for it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock that host, guest and simulator can share. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// The machine's own time, and the instant from which monotonic time counts.
    System(Instant),
    /// Nanoseconds since 1970, moved by [`Clock::advance`] alone.
    Made(Arc<AtomicU64>),
    /// So many times as fast as the machine's own time, from this instant since 1970 on.
    Hastened { since: Duration, factor: u32, start: Instant },
}

impl Clock {
    /// The machine's own time.
    #[must_use]
    pub fn system() -> Self {
        Self(Kind::System(Instant::now()))
    }

    /// A clock that stands still at this second since 1970-01-01T00:00:00Z until it is moved.
    #[must_use]
    pub fn made(unix_seconds: u64) -> Self {
        Self(Kind::Made(Arc::new(AtomicU64::new(unix_seconds * 1_000_000_000))))
    }

    /// A clock that runs so many times as fast as the machine's own, and showed the same second since
    /// 1970-01-01T00:00:00Z as that one: with the same two numbers, two processes have the same time.
    #[must_use]
    pub fn hastened(since_unix_seconds: u64, factor: u32) -> Self {
        let since = Duration::from_secs(since_unix_seconds);
        Self(Kind::Hastened { since, factor: factor.max(1), start: Instant::now() })
    }

    /// Time since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn since_epoch(&self) -> Duration {
        match &self.0 {
            Kind::System(_) => machine(),
            Kind::Hastened { since, factor, .. } => {
                since.saturating_add(machine().saturating_sub(*since).saturating_mul(*factor))
            }
            Kind::Made(nanos) => Duration::from_nanos(nanos.load(Ordering::SeqCst)),
        }
    }

    /// Time since an instant that does not change; never goes back.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Kind::System(start) => start.elapsed(),
            Kind::Hastened { factor, start, .. } => start.elapsed().saturating_mul(*factor),
            Kind::Made(nanos) => Duration::from_nanos(nanos.load(Ordering::SeqCst)),
        }
    }

    /// Whether time has to be made, because it does not pass by itself.
    #[must_use]
    pub fn is_made(&self) -> bool {
        matches!(self.0, Kind::Made(_))
    }

    /// How much of the machine's own time passes while this clock moves on by so much.
    #[must_use]
    pub fn in_real_time(&self, time: Duration) -> Duration {
        match &self.0 {
            Kind::System(_) | Kind::Made(_) => time,
            Kind::Hastened { factor, .. } => time / *factor,
        }
    }

    /// Moves a made clock forward. The machine's own time, hastened or not, cannot be moved: there it does nothing.
    pub fn advance(&self, by: Duration) {
        if let Kind::Made(nanos) = &self.0 {
            let step = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
            nanos.fetch_add(step, Ordering::SeqCst);
        }
    }
}

fn machine() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
