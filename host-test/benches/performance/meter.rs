//! Measurement of time, processor time and memory.

use std::fs;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;

use crate::results::quantile;

/// The cost of one run.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Elapsed time.
    pub wall: Duration,
    /// Processor time of all threads of the process.
    pub cpu: Duration,
}

impl Sample {
    /// Runs `work` and measures it.
    pub fn of<T>(work: impl FnOnce() -> T) -> (Self, T) {
        let (cpu_before, start) = (cpu_time(), Instant::now());
        let result = work();
        let wall = start.elapsed();
        (Self { wall, cpu: cpu_time() - cpu_before }, result)
    }
}

/// Processor time of this process so far.
pub fn cpu_time() -> Duration {
    ProcessTime::now().as_duration()
}

/// Runs a benchmark that measures itself under Criterion, and returns all its samples. There are none if the command line
/// excludes the benchmark.
pub fn samples(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut run: impl FnMut() -> Sample) -> Vec<Sample> {
    let mut samples = Vec::new();
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            let times = (0..iterations).map(|_| {
                let sample = run();
                samples.push(sample);
                sample.wall
            });
            times.sum()
        });
    });
    samples
}

/// A quantile of the elapsed times, in seconds.
pub fn wall_quantile(samples: &[Sample], share: f64) -> f64 {
    quantile_of(samples.iter().map(|sample| sample.wall.as_secs_f64()), share)
}

/// A quantile of the processor times, in seconds.
pub fn cpu_quantile(samples: &[Sample], share: f64) -> f64 {
    quantile_of(samples.iter().map(|sample| sample.cpu.as_secs_f64()), share)
}

fn quantile_of(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, share)
}

/// Resident memory of this process, in bytes. A page that several mappings share counts for each (`VmRSS`).
pub fn resident_bytes() -> u64 {
    memory_field("/proc/self/status", "VmRSS:")
}

/// Resident memory of this process, in bytes. A page that several mappings share counts once (`Pss`). Slow: the kernel walks the
/// page tables.
pub fn proportional_bytes() -> u64 {
    memory_field("/proc/self/smaps_rollup", "Pss:")
}

/// The largest resident memory of this process so far, in bytes (`VmHWM`).
pub fn peak_resident_bytes() -> u64 {
    memory_field("/proc/self/status", "VmHWM:")
}

fn memory_field(file: &str, name: &str) -> u64 {
    let fields = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let value = fields.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{file}: no {name}"));
    let kib: u64 = value.trim().trim_end_matches(" kB").parse().unwrap_or_else(|_| panic!("{file}: {name}{value}"));
    kib * 1024
}
