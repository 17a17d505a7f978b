//! Benchmarks of the connector, compared with the same code compiled natively and with other clients.
//!
//! `cargo bench -p privacy-benches` runs all parts in about five minutes, `-- --quick` in about one minute, and `-- start` only
//! the part `start`. The results are written to `target/performance/results.json`, and as tables to
//! `target/performance/report.md`.
//!
//! The simulator of Qualtrics runs in a subprocess, so that it does not add to the processor time of the client. Measurements of
//! memory run in a fresh subprocess.
//!
//! Without `--bench`, as under `cargo test --benches`, each benchmark runs once and nothing is written.

mod brand;
mod client;
mod component;
mod concurrency;
mod connection;
mod external;
mod growth;
mod machine;
mod meter;
mod native;
mod report;
mod requests;
mod results;
mod scale;
mod start;
mod streaming;
mod subprocess;

use std::fs;
use std::path::PathBuf;

use qualtrics_component::CONNECTOR;

use crate::brand::Simulation;
use crate::results::{Part, Results};
use crate::scale::Scale;
use crate::subprocess::Measurement;

fn main() {
    if subprocess::run_if_requested(run) {
        return;
    }
    machine::raise_open_file_limit();
    let scale = Scale::from_arguments();
    let mut criterion = scale.criterion();
    let mut results = initial_results(scale);
    let simulation = Simulation::start();
    for part in Part::ALL.into_iter().filter(|part| scale::includes(*part)) {
        println!("\n== {}", part.name());
        match part {
            Part::Start => start::measure(&mut criterion, scale, &mut results),
            Part::Requests => requests::measure(&mut criterion, scale, &simulation, &mut results),
            Part::Streaming => streaming::measure(scale, &simulation, &mut results),
            Part::Many => {
                concurrency::measure(scale, &simulation, &mut results);
                growth::measure(scale, &simulation, &mut results);
            }
        }
        if scale != Scale::Once {
            results.write(&results_path()).expect("failed to write the results");
            fs::write(report_path(), report::report(&results)).expect("failed to write the report");
        }
    }
    if scale != Scale::Once {
        println!("\nThe report is in {}, the results are in {}.", report_path().display(), results_path().display());
    }
}

/// Runs a measurement in this process. Returns its result in JSON.
fn run(measurement: Measurement) -> serde_json::Result<String> {
    match measurement {
        Measurement::Footprint { instances } => serde_json::to_string(&start::footprint(instances)),
        Measurement::StreamComponent(connection) => serde_json::to_string(&streaming::component(&connection)),
        Measurement::StreamNative(connection) => serde_json::to_string(&streaming::native(&connection)),
        Measurement::Download(connection) => serde_json::to_string(&streaming::download(&connection)),
        Measurement::ConcurrentComponent(load) => serde_json::to_string(&concurrency::component(&load)),
        Measurement::ConcurrentNative(load) => serde_json::to_string(&concurrency::native(&load)),
    }
}

/// The results to which this run adds. These are the stored results if this run selects a part, and the stored results are of the
/// same machine, commit, component and scale. Otherwise they are empty.
fn initial_results(scale: Scale) -> Results {
    let new = Results {
        machine: machine::machine(),
        date: machine::date(),
        commit: machine::commit(),
        load_before: machine::load(),
        quick: scale != Scale::Full,
        component_bytes: CONNECTOR.len() as u64,
        ..Results::default()
    };
    match Results::read(&results_path()) {
        Ok(stored)
            if scale::selected_part().is_some()
                && (&stored.machine, &stored.commit, stored.quick, stored.component_bytes)
                    == (&new.machine, &new.commit, new.quick, new.component_bytes) =>
        {
            Results { date: new.date, load_before: new.load_before, ..stored }
        }
        _ => new,
    }
}

fn results_path() -> PathBuf {
    results::output_directory().join("results.json")
}

fn report_path() -> PathBuf {
    results::output_directory().join("report.md")
}
