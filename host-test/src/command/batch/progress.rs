//! The progress of a batch, for people.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use host_test::schedule::{Schedule, state};
use indicatif::{ProgressBar, ProgressStyle};
use privacy_host::{Entry, Operation};

/// A message is not repeated within this time.
const REPEAT_AFTER: Duration = Duration::from_secs(600);

/// A progress bar on a terminal; elsewhere a line for each request that ends.
pub(super) struct ProgressDisplay {
    bar: ProgressBar,
    quiet: bool,
    ended: AtomicUsize,
    shown: Mutex<HashMap<String, Instant>>,
}

impl ProgressDisplay {
    pub(super) fn new(schedule: &Schedule, quiet: bool) -> Self {
        let all = schedule.items().len();
        let ended = schedule.items().iter().filter(|item| item.entry.end().is_some()).count();
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(all as u64) };
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} ended; {msg} [{elapsed}]");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_position(ended as u64);
        bar.enable_steady_tick(Duration::from_millis(250));
        if !quiet && bar.is_hidden() {
            eprintln!("{ended} of {all} requests ended in earlier runs");
        }
        Self { bar, quiet, ended: AtomicUsize::new(ended), shown: Mutex::default() }
    }

    /// Shows the state of a request that has changed.
    pub(super) fn update(&self, schedule: &Schedule, index: usize) {
        let items = schedule.items();
        if !self.bar.is_hidden() {
            let pending = items.iter().filter(|item| is_pending(&item.entry)).count();
            self.bar.set_message(format!("{pending} pending"));
        }
        let entry = &items[index].entry;
        if entry.end().is_none() {
            return;
        }
        let ended = self.ended.fetch_add(1, Ordering::SeqCst) + 1;
        self.bar.set_position(ended as u64);
        if self.bar.is_hidden() && !self.quiet {
            let operation = operation(entry.operation());
            eprintln!("{} {operation}: {} ({ended} of {})", entry.request_id(), state(entry), items.len());
        }
    }

    /// Shows a message.
    pub(super) fn message(&self, message: &str) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("{message}"));
        }
    }

    /// Shows a message that many calls may cause, once in a while.
    pub(super) fn throttled_message(&self, message: &str) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|_, at| at.elapsed() < REPEAT_AFTER);
        if !shown.contains_key(message) {
            shown.insert(message.to_owned(), Instant::now());
            self.message(message);
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn is_pending(entry: &Entry) -> bool {
    entry.end().is_none() && entry.ticket().is_some()
}

/// The right and, for a deletion, its mode.
pub(super) fn operation(operation: Operation) -> String {
    let right = operation.right();
    match operation {
        Operation::Deletion(mode) => format!("{right} ({mode})"),
        Operation::Access | Operation::OptOut => right.to_string(),
    }
}
