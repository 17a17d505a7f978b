//! The clocks of a guest, and its timers, by one [`Clock`].
//!
//! `wasmtime-wasi` would take the clocks from the host, yet run the timers by the machine's own time. Here both agree, so that a
//! made clock is all the time there is: a time-out of 30 seconds happens when a test moves the clock by 30 seconds.
//!
//! Nobody has to move it for a guest that does nothing but wait. A timer that begins while the guest has no exchange under
//! way moves a made clock itself, to its own end: a `Retry-After` costs a test no time. With an exchange under way it
//! does not, since the answer may come first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use crate::clock::Clock;

/// How often a made clock is looked at while something waits for it: it does not say when it is moved.
const LOOK: Duration = Duration::from_millis(1);

/// How many exchanges of a guest are under way: from the request to the last byte of the answer.
#[derive(Clone, Default)]
pub(super) struct UnderWay(Arc<AtomicUsize>);

/// One exchange, under way until this is dropped.
pub(super) struct Exchange(UnderWay);

impl UnderWay {
    pub(super) fn begin(&self) -> Exchange {
        self.0.fetch_add(1, Ordering::SeqCst);
        Exchange(self.clone())
    }

    pub(super) fn none(&self) -> bool {
        self.count() == 0
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What the two interfaces of `wasi:clocks` work on.
pub(super) struct Time<'a> {
    pub(super) clock: &'a Clock,
    pub(super) under_way: &'a UnderWay,
    pub(super) table: &'a mut ResourceTable,
}

/// Makes [`Time`] out of a store's data.
pub(super) struct HasTime;

impl HasData for HasTime {
    type Data<'a> = Time<'a>;
}

impl wall_clock::Host for Time<'_> {
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

impl monotonic_clock::Host for Time<'_> {
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

impl Time<'_> {
    fn timer(&mut self, end: Duration) -> wasmtime::Result<Resource<DynPollable>> {
        let timer = Timer { clock: self.clock.clone(), under_way: self.under_way.clone(), end, yielded: false };
        let timer = self.table.push(timer)?;
        subscribe(self.table, timer)
    }
}

struct Timer {
    clock: Clock,
    under_way: UnderWay,
    /// In the clock's monotonic time.
    end: Duration,
    yielded: bool,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Timer {
    async fn ready(&mut self) {
        if !self.yielded {
            // A guest that polls in a loop, with a timer of no length, would keep the sockets from being looked at.
            self.yielded = true;
            tokio::task::yield_now().await;
        }
        let idle = self.under_way.none();
        while let Some(left) = self.end.checked_sub(self.clock.monotonic()).filter(|left| !left.is_zero()) {
            if !self.clock.is_made() {
                tokio::time::sleep(self.clock.in_real_time(left)).await;
                continue;
            }
            // Whatever else the guest waits for, and is there already, comes first.
            tokio::time::sleep(LOOK).await;
            if idle && self.under_way.none() {
                self.clock.advance(self.end.saturating_sub(self.clock.monotonic()));
            }
        }
    }
}
