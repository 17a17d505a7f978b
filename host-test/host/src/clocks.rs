//! `wasi:clocks`: the guest's clocks and timers, driven by one [`Clock`].
//!
//! `wasmtime-wasi` can replace the clocks, but runs timers in real time. Here both follow the same clock: a time-out of 30 seconds
//! happens when a test moves the simulated clock by 30 seconds.
//!
//! A guest that only waits moves a simulated clock itself: a timer that starts while the guest has no exchange in progress
//! advances the clock to its own end, so that a `Retry-After` costs a test no time. With an exchange in progress it does not,
//! because the response may come first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use simulated_clock::Clock;

/// How often a timer looks at a simulated clock, which does not notify.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// The number of a guest's exchanges in progress, each from the request to the last byte of the response.
#[derive(Clone, Default)]
pub(crate) struct Exchanges(Arc<AtomicUsize>);

/// One exchange, in progress until this is dropped.
pub(crate) struct Exchange(Exchanges);

impl Exchanges {
    pub(crate) fn begin(&self) -> Exchange {
        self.0.fetch_add(1, Ordering::SeqCst);
        Exchange(self.clone())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What the two interfaces of `wasi:clocks` work on.
pub(crate) struct Clocks<'a> {
    pub(crate) clock: &'a Clock,
    pub(crate) exchanges: &'a Exchanges,
    pub(crate) table: &'a mut ResourceTable,
}

/// Gets [`Clocks`] from a store's data.
pub(crate) struct HasClocks;

impl HasData for HasClocks {
    type Data<'a> = Clocks<'a>;
}

impl wall_clock::Host for Clocks<'_> {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(datetime(self.clock.since_epoch()))
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(datetime(Duration::from_nanos(1)))
    }
}

fn datetime(time: Duration) -> wall_clock::Datetime {
    wall_clock::Datetime { seconds: time.as_secs(), nanoseconds: time.subsec_nanos() }
}

impl monotonic_clock::Host for Clocks<'_> {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        Ok(u64::try_from(self.clock.monotonic().as_nanos()).unwrap_or(u64::MAX))
    }

    fn resolution(&mut self) -> wasmtime::Result<monotonic_clock::Duration> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: monotonic_clock::Instant) -> wasmtime::Result<Resource<DynPollable>> {
        self.timer(Duration::from_nanos(when))
    }

    fn subscribe_duration(&mut self, when: monotonic_clock::Duration) -> wasmtime::Result<Resource<DynPollable>> {
        self.timer(self.clock.monotonic().saturating_add(Duration::from_nanos(when)))
    }
}

impl Clocks<'_> {
    fn timer(&mut self, end: Duration) -> wasmtime::Result<Resource<DynPollable>> {
        let timer = Timer { clock: self.clock.clone(), exchanges: self.exchanges.clone(), end, yielded: false };
        let timer = self.table.push(timer)?;
        subscribe(self.table, timer)
    }
}

struct Timer {
    clock: Clock,
    exchanges: Exchanges,
    /// In the clock's monotonic time.
    end: Duration,
    yielded: bool,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Timer {
    async fn ready(&mut self) {
        if !self.yielded {
            // A guest that polls a timer of zero length in a loop would starve the sockets.
            self.yielded = true;
            tokio::task::yield_now().await;
        }
        let idle = self.exchanges.is_empty();
        while let Some(left) = self.end.checked_sub(self.clock.monotonic()).filter(|left| !left.is_zero()) {
            if !self.clock.is_simulated() {
                tokio::time::sleep(self.clock.in_real_time(left)).await;
                continue;
            }
            // Anything else that the guest waits for, and that is ready, comes first.
            tokio::time::sleep(POLL_INTERVAL).await;
            if idle && self.exchanges.is_empty() {
                self.clock.advance(self.end.saturating_sub(self.clock.monotonic()));
            }
        }
    }
}
