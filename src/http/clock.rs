//! The clock that the connector is given.

/// A wall clock, a monotonic clock and a sleep. The connector has no other source of time.
pub trait Clock {
    /// Milliseconds since 1970-01-01T00:00:00Z, by the host's clock.
    fn wall_ms(&self) -> u64;

    /// Milliseconds since a fixed instant. Never decreases.
    fn monotonic_ms(&self) -> u64;

    /// Sleeps. The connector never sleeps for more than a few seconds.
    fn sleep(&self, ms: u64);
}
