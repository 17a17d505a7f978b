//! How close batches come to what the rate limits allow, in simulated time: the component and the schedule of `batch` against a simulated
//! brand with 2,000 earlier jobs, whose look-ups by ID fail until a job has ended.
//!
//! `cargo bench -p privacy-benches --bench throughput` prints the tables. Simulated time does not depend on the machine, so that
//! `cargo test -p privacy-benches --bench throughput -- --all` prints the same. Without `--all`, only small batches run. A result that
//! misses its bar is marked, and fails the command.
//!
//! The **bound** of a batch is the time that its calls take at the share of each limit, for the limit that takes longest, and for each
//! phase (a job, after which the request ends or the next job starts) one job and one interval between two polls.

mod measure;
mod report;

use privacy_host::contract::DeletionMode;
use qualtrics_simulator::{Dialects, Endpoint};

use crate::measure::{Batch, People, Run};
use crate::report::Table;

/// The share of the limits, in percent.
const SHARE: u64 = 75;
const ERASURE_LIMIT: u64 = 20;
const SEARCH_LIMIT: u64 = 500;

/// How long batches may take, as a multiple of the bound.
const MOST: f64 = 1.2;

const ORDERS: [&str; 2] = ["erasure-list-newest-first", "erasure-list-oldest-first"];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is_full = arguments.iter().any(|argument| argument == "--all" || argument == "--bench");
    let filter = arguments.iter().skip(1).find(|argument| !argument.starts_with('-')).cloned();
    let selected = |name: &str| filter.as_deref().is_none_or(|filter| name == filter);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut table = Table::default();
    runtime.block_on(async {
        for order in ORDERS {
            let dialects = || Dialects::parse(order).expect("a dialect");
            if selected("batches") {
                batches(&mut table, is_full, order, &dialects).await;
            }
            if selected("rates") && is_full {
                rates(&mut table, order, &dialects).await;
            }
            if selected("polls") && is_full {
                polls(&mut table, order, &dialects).await;
            }
        }
    });
    table.print();
    assert!(table.is_good(), "a bar is missed");
}

/// Batches of each mode and size.
async fn batches(table: &mut Table, is_full: bool, order: &str, dialects: &dyn Fn() -> Dialects) {
    let sizes: &[usize] = if is_full { &[12, 200, 2_000] } else { &[12] };
    for &size in sizes {
        for mix in ["preview", "erase", "erase-and-verify", "mixed"] {
            for group_size in [Some(100), Some(1)] {
                let batch = Batch { people: People::Stored(size), mix, group_size, dialects: dialects() };
                let Some(mut run) = Run::new(batch).await else {
                    table.skip(mix, size, group_size, order);
                    continue;
                };
                let took_s = run.finish().await.as_secs_f64();
                let bound_s = bound_s(&modes(mix, size), group_size.unwrap_or(1));
                table.batch(mix, size, group_size, order, took_s, bound_s, MOST, &run.calls());
            }
        }
    }
}

/// How many requests a batch has of each mode.
fn modes(mix: &str, size: usize) -> Vec<(DeletionMode, usize)> {
    let count = |mode| (mode, (0..size).filter(|index| measure::mode(mix, *index) == mode).count());
    [DeletionMode::Preview, DeletionMode::Erase, DeletionMode::EraseAndVerify].map(count).to_vec()
}

/// The shortest time of a batch, in seconds.
fn bound_s(modes: &[(DeletionMode, usize)], group_size: usize) -> f64 {
    let (mut jobs, mut searches, mut phases) = (0, 0, 0);
    for &(mode, requests) in modes.iter().filter(|(_, requests)| *requests > 0) {
        // A shared search leaves open what there is of each person that has data: each of them is searched for alone.
        let alone = if mode == DeletionMode::Preview && group_size > 1 { requests } else { 0 };
        let phases_of_mode = if mode == DeletionMode::EraseAndVerify || alone > 0 { 2 } else { 1 };
        let shared_jobs = if mode == DeletionMode::EraseAndVerify { 2 } else { 1 };
        jobs += shared_jobs * requests.div_ceil(group_size) + alone;
        searches += if mode == DeletionMode::Erase { 0 } else { requests };
        phases = phases.max(phases_of_mode);
    }
    let minutes = |calls: usize, limit: u64| calls as f64 / (limit * SHARE / 100) as f64;
    let by_limits = minutes(jobs, ERASURE_LIMIT).max(minutes(searches, SEARCH_LIMIT));
    60.0 * by_limits + phases as f64 * (measure::JOB_S as f64 + measure::poll_interval_s(measure::JOB_S))
}

/// Long runs: how much of the share is used.
async fn rates(table: &mut Table, order: &str, dialects: &dyn Fn() -> Dialects) {
    let batch = Batch { people: People::Unknown(20_000), mix: "erase", group_size: Some(500), dialects: dialects() };
    if let Some(mut run) = Run::new(batch).await {
        run.finish().await;
        let people_a_minute = run.rate(Endpoint::ErasureCreate) * 500.0;
        table.rate("erase, 20,000 people, groups of 500: people a minute", order, people_a_minute, 7_000.0);
    }
    let batch =
        Batch { people: People::Stored(2_000), mix: "erase-and-verify", group_size: None, dialects: dialects() };
    if let Some(mut run) = Run::new(batch).await {
        run.finish().await;
        let searches = run.rate(Endpoint::ContactSearch);
        let share = (SEARCH_LIMIT * SHARE / 100) as f64;
        table.rate("erase-and-verify, 2,000 people: contact searches a minute", order, searches, 0.9 * share);
    }
}

/// Pending requests that are polled once.
async fn polls(table: &mut Table, order: &str, dialects: &dyn Fn() -> Dialects) {
    let batch = Batch { people: People::Unknown(10_000), mix: "erase", group_size: Some(100), dialects: dialects() };
    if let Some(mut run) = Run::new(batch).await {
        run.start_all_then_end_jobs().await;
        run.finish().await;
        table.most("poll of 10,000 requests in groups of 100: calls", order, run.calls().len() as f64, 110.0);
    }
}
