//! What the sandbox and the connector cost, beside what a user would otherwise pick.
//!
//! `cargo bench -p host-test` measures everything in about five minutes, `-- --quick` in one, and `-- start` only what
//! has `start` in its name. The results go to `target/performance/results.json`; `host-test report` draws them.
//!
//! The simulated Qualtrics runs in a process of its own, so that processor time is the client's alone. What is measured in
//! memory runs in a process of its own as well, where nothing else has been.
//!
//! Without `--bench`, as under `cargo test --benches`, everything is done once and nothing is written: that shows that it works.

mod alone;
mod brand;
mod component;
mod foreign;
mod growth;
mod machine;
mod many;
mod meter;
mod native;
mod requests;
mod scale;
mod start;
mod streaming;

use std::path::{Path, PathBuf};

use host_test::COMPONENT;
use host_test::performance::{Part, Results};

use brand::Simulation;
use scale::Scale;

fn main() {
    if alone::was_sent() {
        return;
    }
    machine::allow_many_files();
    let scale = Scale::of_arguments();
    let mut criterion = scale.criterion();
    let mut results = before(scale);
    let simulation = Simulation::start();
    for part in Part::ALL.into_iter().filter(|part| scale.includes(*part)) {
        println!("\n== {}", part.name());
        match part {
            Part::Start => start::measure(&mut criterion, scale, &mut results),
            Part::Requests => requests::measure(&mut criterion, scale, &simulation, &mut results),
            Part::Streaming => streaming::measure(scale, &simulation, &mut results),
            Part::Many => {
                many::measure(scale, &simulation, &mut results);
                growth::measure(scale, &simulation, &mut results);
            }
        }
        if scale != Scale::Once {
            results.write(&file()).expect("the results are written");
        }
    }
    if scale != Scale::Once {
        println!("\nThe results are in {}; `cargo run -p host-test -- report` draws them.", file().display());
    }
}

/// What this run adds to: the results of another run of parts, if it was on the same machine and commit and of the same
/// scale; else nothing.
fn before(scale: Scale) -> Results {
    let now = Results {
        machine: machine::machine(),
        date: machine::date(),
        commit: machine::commit(),
        load_before: machine::load(),
        quick: scale != Scale::Full,
        component_bytes: COMPONENT.len() as u64,
        ..Results::default()
    };
    match Results::read(&file()) {
        Ok(old)
            if !scale.includes_all()
                && (&old.machine, &old.commit, old.quick, old.component_bytes)
                    == (&now.machine, &now.commit, now.quick, now.component_bytes) =>
        {
            Results { date: now.date, load_before: now.load_before, ..old }
        }
        _ => now,
    }
}

/// Where generated things go.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/performance")
}

fn file() -> PathBuf {
    directory().join("results.json")
}
