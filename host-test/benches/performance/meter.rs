//! Time, processor time and memory.

use std::fs;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;
use host_test::performance::quantile;
use serde::{Deserialize, Serialize};

/// What something took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Sample {
    /// From its beginning to its end.
    pub wall: Duration,
    /// Of the processors, by all threads of the process that did it.
    pub cpu: Duration,
}

impl Sample {
    /// Of what is done here.
    pub fn of<T>(work: impl FnOnce() -> T) -> (Self, T) {
        let (cpu_before, start) = (cpu(), Instant::now());
        let done = work();
        let wall = start.elapsed();
        (Self { wall, cpu: cpu() - cpu_before }, done)
    }
}

/// Processor time of this process so far.
pub fn cpu() -> Duration {
    ProcessTime::now().as_duration()
}

/// Lets Criterion measure something that measures itself. Empty where Criterion passes it over.
pub fn samples(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut once: impl FnMut() -> Sample) -> Vec<Sample> {
    let mut samples = Vec::new();
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let of_these = (0..times).map(|_| {
                let sample = once();
                samples.push(sample);
                sample.wall
            });
            of_these.sum()
        });
    });
    samples
}

/// The value below or at which this share of samples lies, in seconds.
pub fn wall_quantile(samples: &[Sample], share: f64) -> f64 {
    let mut seconds: Vec<f64> = samples.iter().map(|sample| sample.wall.as_secs_f64()).collect();
    seconds.sort_by(f64::total_cmp);
    quantile(&seconds, share)
}

/// Bytes of this process that are in memory.
pub fn resident() -> u64 {
    in_file("/proc/self/status", "VmRSS:")
}

/// The same, but a page that several mappings share counts once. It takes the system a while to tell.
pub fn resident_once() -> u64 {
    in_file("/proc/self/smaps_rollup", "Pss:")
}

/// The most that were in memory at any time.
pub fn most_resident() -> u64 {
    in_file("/proc/self/status", "VmHWM:")
}

fn in_file(file: &str, name: &str) -> u64 {
    let status = fs::read_to_string(file).expect("/proc, where processes tell of their memory");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of the memory's");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
    kib * 1024
}
