//! Counts of things that exist at the same time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts the [`Counted`] guards that exist, and remembers the highest count.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    current: AtomicUsize,
    peak: AtomicUsize,
}

/// A guard that is counted until its last clone is dropped.
#[derive(Clone, Debug)]
pub(super) struct Counted(#[expect(dead_code, reason = "its lifetime is what is counted")] Arc<Decrement>);

#[derive(Debug)]
struct Decrement(Counter);

impl Drop for Decrement {
    fn drop(&mut self) {
        self.0.0.current.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Counter {
    /// Adds one until the guard is dropped.
    pub(super) fn add(&self) -> Counted {
        let current = self.0.current.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.peak.fetch_max(current, Ordering::SeqCst);
        Counted(Arc::new(Decrement(self.clone())))
    }

    pub(super) fn count(&self) -> usize {
        self.0.current.load(Ordering::SeqCst)
    }

    pub(super) fn peak(&self) -> usize {
        self.0.peak.load(Ordering::SeqCst)
    }
}
