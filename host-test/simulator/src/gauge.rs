//! How many of something there are.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts what is held, and remembers the most that ever was.
#[derive(Clone, Debug, Default)]
pub(super) struct Gauge(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    peak: AtomicUsize,
}

/// One that counts until its last clone is dropped.
#[derive(Clone, Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "it counts by being there")] Arc<One>);

#[derive(Debug)]
struct One(Gauge);

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gauge {
    pub(super) fn hold(&self) -> Held {
        let now = self.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.peak.fetch_max(now, Ordering::SeqCst);
        Held(Arc::new(One(self.clone())))
    }

    pub(super) fn count(&self) -> usize {
        self.0.now.load(Ordering::SeqCst)
    }

    pub(super) fn peak(&self) -> usize {
        self.0.peak.load(Ordering::SeqCst)
    }
}
