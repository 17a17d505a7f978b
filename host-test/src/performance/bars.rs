//! What is to be reached, and whether it was.

use super::results::{Flow, Results, Served, Way, Work};

/// Something that is to be reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// What is measured.
    pub what: &'static str,
    /// What is to be reached.
    pub wanted: &'static str,
    /// What was reached; none where it was not measured.
    pub reached: Option<String>,
    /// Whether that is enough.
    pub met: Option<bool>,
}

/// All of them. Where there is a figure for each flow and each way of keeping a connection, the worst one counts.
#[must_use]
pub fn bars(results: &Results) -> Vec<Bar> {
    let step = |name| results.step(name).map(|timing| timing.p50_us);
    let footprint = results.footprints.iter().find(|footprint| footprint.instances >= 10_000);
    let stream = results.streamed("component");
    let linear = stream.and_then(|stream| stream.moments.iter().filter_map(|moment| moment.linear_bytes).max());
    let speed = stream.zip(results.streamed("download")).map(|(one, other)| one.mb_per_second / other.mb_per_second);
    let polled = results.growth.iter().find(|growth| growth.work == Work::PendingJobs && growth.amount >= 10_000);
    vec![
        at_most("Loading machine code that was made before, p50", "≤ 1 ms", step("load-from-file"), 1_000.0, micros),
        at_most(
            "A new, configured instance (pooled), p50",
            "≤ 30 µs",
            step("configured-instance-pooled"),
            30.0,
            micros,
        ),
        at_most(
            "Resident memory of a live, configured instance, at 10,000",
            "≤ 64 KiB",
            footprint.map(|footprint| footprint.bytes_each as f64 / 1024.0),
            64.0,
            |kib| format!("{kib:.1} KiB"),
        ),
        at_least(
            "Whole requests, component ÷ native: throughput",
            "≥ 0.8",
            worst(results, "native", f64::min, |component, native| component.per_second / native.per_second),
            0.8,
        ),
        at_most(
            "Whole requests, component ÷ native: processor time",
            "≤ 1.5",
            worst(results, "native", f64::max, |component, native| component.cpu_ms / native.cpu_ms),
            1.5,
            ratio,
        ),
        at_least(
            "Whole requests, component ÷ Python client: requests per second of processor time",
            "≥ 10",
            worst(results, "python-client", f64::min, |component, client| client.cpu_ms / component.cpu_ms),
            10.0,
        ),
        at_most(
            "A stream of 1 GiB: linear memory",
            "≤ 2 MiB",
            linear.map(|bytes| bytes as f64 / f64::from(1 << 20)),
            2.0,
            |mib| format!("{mib:.2} MiB"),
        ),
        at_least("A stream of 1 GiB, component ÷ native download: MB/s", "≥ 0.7", speed, 0.7),
        at_most(
            "One `poll` of 10,000 pending erasures: calls, beside the one for a token",
            "≤ 20",
            polled.map(|growth| growth.calls.saturating_sub(1) as f64),
            20.0,
            |calls| format!("{calls:.0}"),
        ),
    ]
}

fn at_most(
    what: &'static str,
    wanted: &'static str,
    reached: Option<f64>,
    most: f64,
    written: impl Fn(f64) -> String,
) -> Bar {
    Bar { what, wanted, reached: reached.map(written), met: reached.map(|reached| reached <= most) }
}

fn at_least(what: &'static str, wanted: &'static str, reached: Option<f64>, least: f64) -> Bar {
    Bar { what, wanted, reached: reached.map(ratio), met: reached.map(|reached| reached >= least) }
}

/// The worst ratio of all that both did, in either way; none if there is no such flow.
fn worst(
    results: &Results,
    other: &str,
    worse: fn(f64, f64) -> f64,
    ratio: impl Fn(&Served, &Served) -> f64,
) -> Option<f64> {
    let both = |(flow, way)| results.served(flow, way, "component").zip(results.served(flow, way, other));
    let all = Flow::ALL.into_iter().flat_map(|flow| Way::ALL.map(|way| (flow, way)));
    all.filter_map(both).map(|(component, other)| ratio(component, other)).reduce(worse)
}

/// A ratio, with as many digits as say something.
pub(super) fn ratio(ratio: f64) -> String {
    match ratio {
        ..0.05 => format!("{ratio:.3}"),
        100.0.. => format!("{ratio:.0}"),
        _ => format!("{ratio:.2}"),
    }
}

/// A time, in the unit in which it is easy to read.
pub(super) fn micros(us: f64) -> String {
    if us < 1_000.0 {
        format!("{us:.1} µs")
    } else if us < 1_000_000.0 {
        format!("{:.2} ms", us / 1e3)
    } else {
        format!("{:.2} s", us / 1e6)
    }
}
