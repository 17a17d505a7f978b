//! The scenarios of this directory, and their runner for hosts in Rust. `README.md` describes the format. Hosts in other languages have
//! their own runners.

#![allow(missing_docs, reason = "the members of scenarios are described in README.md")]

pub mod host;
pub mod pattern;
pub mod scenario;
pub mod simulated_brand;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use host::Host;

/// How many scenarios run concurrently. They are idle most of the time.
const MAX_CONCURRENT: usize = 8;

/// All scenarios, by name.
///
/// # Panics
/// If a file cannot be read or is not JSON.
#[must_use]
pub fn vectors() -> Vec<(String, Value)> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the vectors");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let parse = |file: PathBuf| {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).expect("a file");
        (name, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
    };
    files.into_iter().map(parse).collect()
}

/// Runs all scenarios on a host and prints the result of each. `control` is the origin of the simulator's control API. Returns how many
/// passed.
///
/// # Errors
/// The number of failed scenarios.
pub fn run_all<H: Host>(control: &str, host: &H) -> Result<usize, usize> {
    let queue = Mutex::new(vectors());
    let next = || queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
    let worker = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (mut passed, mut failed) = (0, 0);
        while let Some((name, vector)) = next() {
            match runtime.block_on(scenario::run(control, host, &vector)) {
                Ok(()) => {
                    passed += 1;
                    println!("{name}: passed");
                }
                Err(reason) => {
                    failed += 1;
                    println!("{name}: FAILED\n{reason}");
                }
            }
        }
        (passed, failed)
    };
    let totals = thread::scope(|scope| {
        let threads: Vec<_> = (0..MAX_CONCURRENT).map(|_| scope.spawn(worker)).collect();
        let ended = threads.into_iter().map(|thread| thread.join().expect("scenarios do not panic"));
        ended.fold((0, 0), |total, ended| (total.0 + ended.0, total.1 + ended.1))
    });
    if totals.1 == 0 { Ok(totals.0) } else { Err(totals.1) }
}
