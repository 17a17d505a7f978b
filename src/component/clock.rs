//! The host's clocks.

use super::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::http::Clock;

/// Nanoseconds, in which `wasi:clocks` counts, per millisecond, in which the connector does.
pub(super) const NANOSECONDS: u64 = 1_000_000;

/// `wasi:clocks`.
#[derive(Clone, Copy)]
pub(super) struct WasiClock;

impl Clock for WasiClock {
    fn wall_ms(&self) -> u64 {
        let now = wall_clock::now();
        now.seconds.saturating_mul(1000).saturating_add(u64::from(now.nanoseconds) / NANOSECONDS)
    }

    fn monotonic_ms(&self) -> u64 {
        monotonic_clock::now() / NANOSECONDS
    }

    fn sleep(&self, ms: u64) {
        monotonic_clock::subscribe_duration(ms.saturating_mul(NANOSECONDS)).block();
    }
}
