//! The engine's epoch: at each tick a guest that runs gives way to others, and may be found to be out of time.
//!
//! Nothing ticks while no guest runs. A host that is idle, or whose guests wait for the vendor, does not wake up for it.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::EngineWeak;

/// How long a guest runs before it gives way.
const TICK: Duration = Duration::from_millis(10);

/// The thread that ticks, until this is dropped.
pub(super) struct Epoch {
    told: Arc<Told>,
    thread: Thread,
}

/// What the thread is told.
#[derive(Default)]
struct Told {
    /// Whether a guest was run since this was last looked at: then there is another tick.
    ran: AtomicBool,
    /// Whether the thread has to be woken.
    asleep: AtomicBool,
    over: AtomicBool,
}

impl Epoch {
    /// Moves the epoch of this engine on.
    ///
    /// # Errors
    /// If there can be no further thread.
    pub(super) fn of(engine: EngineWeak) -> io::Result<Self> {
        Self::start(move || {
            if let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
            }
        })
    }

    fn start(tick: impl Fn() + Send + 'static) -> io::Result<Self> {
        let told = Arc::new(Told::default());
        let thread = {
            let told = told.clone();
            thread::Builder::new().name("epoch".to_owned()).spawn(move || told.tick(tick))?.thread().clone()
        };
        Ok(Self { told, thread })
    }

    /// Runs a guest's call, with ticks for as long as it runs.
    pub(super) async fn drive<T>(&self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        poll_fn(|context| {
            self.guest_runs();
            call.as_mut().poll(context)
        })
        .await
    }

    fn guest_runs(&self) {
        self.told.ran.store(true, Ordering::SeqCst);
        if self.told.asleep.load(Ordering::SeqCst) {
            self.told.asleep.store(false, Ordering::SeqCst);
            self.thread.unpark();
        }
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        self.told.over.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Told {
    /// A guest that is still running when it ticks gives way, and is run again: by that it asks for the next tick.
    fn tick(&self, tick: impl Fn()) {
        while !self.over.load(Ordering::SeqCst) {
            if self.ran.swap(false, Ordering::SeqCst) {
                thread::sleep(TICK);
                tick();
                continue;
            }
            // Whoever runs a guest says so before looking whether this is asleep, and this the other way round: one of the
            // two sees the other.
            self.asleep.store(true, Ordering::SeqCst);
            if !self.ran.load(Ordering::SeqCst) {
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

    /// Waits for as long as it takes; after a minute it will never be.
    fn until(done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(60), "it never comes");
            thread::yield_now();
        }
    }

    fn is_asleep(epoch: &Epoch) -> bool {
        epoch.told.asleep.load(Ordering::SeqCst)
    }

    #[test]
    fn nothing_ticks_while_no_guest_runs() {
        let (epoch, ticks) = counted();
        for run in 0..3 {
            until(|| is_asleep(&epoch));
            assert_eq!(ticks.load(Ordering::SeqCst), run, "one tick for each time that a guest ran");
            epoch.guest_runs();
            until(|| ticks.load(Ordering::SeqCst) > run);
        }
    }

    #[tokio::test]
    async fn a_guest_that_is_run_again_and_again_is_ticked_at_again_and_again() {
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
    fn the_thread_ends_with_its_epoch_asleep_or_not() {
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
