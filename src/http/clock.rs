//! The clock that the core is given.

/// Two clocks and short waits. The core reads time from nowhere else.
pub trait Clock {
    /// Milliseconds since 1970-01-01T00:00:00Z, by the host's clock.
    fn wall_ms(&self) -> u64;

    /// Milliseconds since a fixed instant. Never decreases.
    fn monotonic_ms(&self) -> u64;

    /// Waits. The core never waits for more than a few seconds.
    fn sleep(&self, ms: u64);
}
