//! The host's clocks.

use crate::http::Clock;
use crate::wit::wasi::clocks::{monotonic_clock, wall_clock};

/// Nanoseconds, the unit of `wasi:clocks`, per millisecond, the unit of the connector.
pub(super) const NANOS_PER_MS: u64 = 1_000_000;

/// `wasi:clocks`.
#[derive(Clone, Copy)]
pub(crate) struct WasiClock;

impl Clock for WasiClock {
    fn wall_ms(&self) -> u64 {
        let now = wall_clock::now();
        now.seconds.saturating_mul(1_000).saturating_add(u64::from(now.nanoseconds) / NANOS_PER_MS)
    }

    fn monotonic_ms(&self) -> u64 {
        monotonic_clock::now() / NANOS_PER_MS
    }

    fn sleep(&self, ms: u64) {
        monotonic_clock::subscribe_duration(ms.saturating_mul(NANOS_PER_MS)).block();
    }
}
