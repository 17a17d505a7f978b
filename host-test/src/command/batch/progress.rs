//! How far a batch is, for a person who watches it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use host_test::journal::{Aim, Entry};
use indicatif::{ProgressBar, ProgressStyle};

use super::super::words;
use super::board::Board;

/// How long the same is not said again.
const SAID: Duration = Duration::from_secs(600);

/// A bar on a terminal; elsewhere a line for each request that ends.
pub(super) struct Progress {
    bar: ProgressBar,
    quiet: bool,
    ended: AtomicUsize,
    said: Mutex<HashMap<String, Instant>>,
}

impl Progress {
    pub(super) fn new(board: &Board, quiet: bool) -> Self {
        let all = board.works().len();
        let ended = board.works().iter().filter(|work| work.entry.end().is_some()).count();
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(all as u64) };
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} ended; {msg} [{elapsed}]");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_position(ended as u64);
        bar.enable_steady_tick(Duration::from_millis(250));
        if !quiet && bar.is_hidden() {
            eprintln!("{ended} of {all} requests have ended before");
        }
        Self { bar, quiet, ended: AtomicUsize::new(ended), said: Mutex::default() }
    }

    /// Shows what has become of a request.
    pub(super) fn show(&self, board: &Board, index: usize) {
        let works = board.works();
        if !self.bar.is_hidden() {
            let under_way = works.iter().filter(|work| is_under_way(&work.entry)).count();
            self.bar.set_message(format!("{under_way} under way"));
        }
        let entry = &works[index].entry;
        if entry.end().is_none() {
            return;
        }
        let ended = self.ended.fetch_add(1, Ordering::SeqCst) + 1;
        self.bar.set_position(ended as u64);
        if self.bar.is_hidden() && !self.quiet {
            eprintln!("{} {}: {} ({ended} of {})", entry.key(), asked(entry), standing(entry), works.len());
        }
    }

    /// Says something in between.
    pub(super) fn say(&self, message: &str) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("{message}"));
        }
    }

    /// Says what keeps the batch from going on, and that it still does after a while: not with each call.
    pub(super) fn say_at_times(&self, message: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.retain(|_, at| at.elapsed() < SAID);
        if !said.contains_key(message) {
            said.insert(message.to_owned(), Instant::now());
            self.say(message);
        }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn is_under_way(entry: &Entry) -> bool {
    entry.end().is_none() && entry.ticket().is_some()
}

/// What was asked for, in the contract's words.
pub(super) fn asked(entry: &Entry) -> String {
    match entry.aim() {
        Aim::Access => words::right(entry.aim().right()).to_owned(),
        Aim::Deletion(mode) => format!("{} ({})", words::right(entry.aim().right()), words::mode(mode)),
    }
}

/// The outcome, the kind of error, or `pending`.
pub(super) fn standing(entry: &Entry) -> &'static str {
    match entry.end().map(|end| &end.result) {
        None => "pending",
        Some(Ok(outcome)) => words::outcome(*outcome),
        Some(Err(error)) => words::error_kind(error.kind),
    }
}
