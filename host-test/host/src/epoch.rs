//! The engine's epoch: at each tick, a running guest yields, so that other tasks run and its call can time out.
//!
//! The epoch only ticks while a guest runs. A host that is idle, or whose guests wait for the vendor, does not wake up.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::EngineWeak;

/// How long a guest runs before it yields.
const TICK: Duration = Duration::from_millis(10);

/// The thread that ticks, until this is dropped.
pub(crate) struct Epoch {
    signals: Arc<Signals>,
    thread: Thread,
}

/// What callers and the thread tell each other.
#[derive(Default)]
struct Signals {
    /// A guest ran since the last tick: another tick is due.
    guest_ran: AtomicBool,
    /// The thread is parked, or about to be.
    asleep: AtomicBool,
    stopped: AtomicBool,
}

impl Epoch {
    /// Ticks the epoch of this engine.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(crate) fn of(engine: EngineWeak) -> io::Result<Self> {
        Self::start(move || {
            if let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
            }
        })
    }

    fn start(tick: impl Fn() + Send + 'static) -> io::Result<Self> {
        let signals = Arc::new(Signals::default());
        let thread = {
            let signals = signals.clone();
            thread::Builder::new().name("epoch".to_owned()).spawn(move || signals.tick(tick))?.thread().clone()
        };
        Ok(Self { signals, thread })
    }

    /// Runs a guest's call, with ticks while it runs.
    pub(crate) async fn drive<T>(&self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        poll_fn(|context| {
            self.guest_runs();
            call.as_mut().poll(context)
        })
        .await
    }

    fn guest_runs(&self) {
        self.signals.guest_ran.store(true, Ordering::SeqCst);
        if self.signals.asleep.load(Ordering::SeqCst) {
            self.signals.asleep.store(false, Ordering::SeqCst);
            self.thread.unpark();
        }
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        self.signals.stopped.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Signals {
    /// A guest that still runs at a tick yields. When it is polled again, it requests the next tick.
    fn tick(&self, tick: impl Fn()) {
        while !self.stopped.load(Ordering::SeqCst) {
            if self.guest_ran.swap(false, Ordering::SeqCst) {
                thread::sleep(TICK);
                tick();
                continue;
            }
            // A caller sets `guest_ran` before it reads `asleep`; this sets `asleep` before it reads `guest_ran`. At least one of
            // them sees the other.
            self.asleep.store(true, Ordering::SeqCst);
            if !self.guest_ran.load(Ordering::SeqCst) {
                thread::park();
            }
            self.asleep.store(false, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Instant;

    use super::*;

    /// An epoch, and how often it ticked.
    fn counted() -> (Epoch, Arc<AtomicUsize>) {
        let ticks = Arc::new(AtomicUsize::new(0));
        let counter = ticks.clone();
        (Epoch::start(move || _ = counter.fetch_add(1, Ordering::SeqCst)).unwrap(), ticks)
    }

    /// Waits until this holds, a minute at most.
    fn until(done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(60), "timed out");
            thread::yield_now();
        }
    }

    fn is_asleep(epoch: &Epoch) -> bool {
        epoch.signals.asleep.load(Ordering::SeqCst)
    }

    #[test]
    fn nothing_ticks_while_no_guest_runs() {
        let (epoch, ticks) = counted();
        for run in 0..3 {
            until(|| is_asleep(&epoch));
            assert_eq!(ticks.load(Ordering::SeqCst), run, "one tick for each run of a guest");
            epoch.guest_runs();
            until(|| ticks.load(Ordering::SeqCst) > run);
        }
    }

    #[tokio::test]
    async fn a_guest_that_keeps_running_keeps_getting_ticks() {
        let (epoch, ticks) = counted();
        let call = poll_fn(|context| {
            if ticks.load(Ordering::SeqCst) >= 3 {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        });
        epoch.drive(call).await;
    }

    #[test]
    fn the_thread_ends_when_its_epoch_is_dropped() {
        for awake in [false, true] {
            let (epoch, ticks) = counted();
            until(|| is_asleep(&epoch));
            if awake {
                epoch.guest_runs();
            }
            drop(epoch);
            until(|| Arc::strong_count(&ticks) == 1);
        }
    }
}
