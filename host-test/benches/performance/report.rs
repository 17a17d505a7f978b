//! The results as tables in Markdown.

use std::fmt::{Display, Write};

use crate::results::{Flow, Results, Reuse, Served, Work};

/// A figure with a target.
struct Target {
    figure: &'static str,
    target: &'static str,
    measured: Option<f64>,
    unit: &'static str,
    is_met: fn(f64) -> bool,
}

/// All results, as tables.
pub fn report(results: &Results) -> String {
    let mut report = String::new();
    let Results { machine, date, commit, load_before, quick, component_bytes, .. } = results;
    let _ = writeln!(
        report,
        "{date}, commit {commit}, {} × {}, {}, load {load_before:.1} before the run, component of {component_bytes} bytes{}\n",
        machine.cores,
        machine.processor,
        machine.system,
        if *quick { ", shortened run" } else { "" },
    );
    let targets = targets(results).into_iter().map(|target| {
        let measured = target.measured.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}{}", target.unit));
        let is_met = target.measured.map_or("-", |value| if (target.is_met)(value) { "yes" } else { "**no**" });
        [target.figure.to_owned(), target.target.to_owned(), measured, is_met.to_owned()]
    });
    table(&mut report, ["", "target", "measured", "met"], targets);
    table(
        &mut report,
        ["step", "p50 µs", "p99 µs"],
        results
            .steps
            .iter()
            .map(|step| [step.step.clone(), format!("{:.1}", step.p50_us), format!("{:.1}", step.p99_us)]),
    );
    table(
        &mut report,
        ["instances", "KiB each (Pss)", "KiB each (VmRSS)"],
        results.footprints.iter().map(|footprint| {
            let kib = |bytes: u64| format!("{:.1}", bytes as f64 / 1024.0);
            [footprint.instances.to_string(), kib(footprint.bytes_each), kib(footprint.mapped_bytes_each)]
        }),
    );
    requests(&mut report, results);
    streamed(&mut report, results);
    concurrent(&mut report, results);
    growth(&mut report, results);
    report
}

/// For whole requests, the worst value over all flows, and both ways to use a connection, counts.
fn targets(results: &Results) -> Vec<Target> {
    let micros = |step| results.step(step).map(|timing| timing.p50_us);
    let footprint = results.footprints.iter().find(|footprint| footprint.instances >= 10_000);
    let stream = results.streamed("component");
    let polled = results.growth.iter().find(|growth| growth.work == Work::PendingJobs && growth.amount >= 10_000);
    vec![
        Target {
            figure: "loading precompiled code, p50",
            target: "≤ 1 ms",
            measured: micros("load-from-file"),
            unit: " µs",
            is_met: |value| value <= 1_000.0,
        },
        Target {
            figure: "new configured instance (pooled), p50",
            target: "≤ 30 µs",
            measured: micros("configured-instance-pooled"),
            unit: " µs",
            is_met: |value| value <= 30.0,
        },
        Target {
            figure: "resident memory of a configured instance, at 10,000",
            target: "≤ 64 KiB",
            measured: footprint.map(|footprint| footprint.bytes_each as f64 / 1024.0),
            unit: " KiB",
            is_met: |value| value <= 64.0,
        },
        Target {
            figure: "whole requests, component ÷ native core: processor time",
            target: "≤ 1.8",
            measured: worst_cpu_ratio(results),
            unit: "",
            is_met: |value| value <= 1.8,
        },
        Target {
            figure: "1 GiB streamed: linear memory",
            target: "≤ 2 MiB",
            measured: stream.and_then(|stream| stream.linear_bytes).map(|bytes| bytes as f64 / f64::from(1 << 20)),
            unit: " MiB",
            is_met: |value| value <= 2.0,
        },
        Target {
            figure: "1 GiB streamed, component ÷ native download: MB/s",
            target: "≥ 0.7",
            measured: stream
                .zip(results.streamed("download"))
                .map(|(one, other)| one.mb_per_second / other.mb_per_second),
            unit: "",
            is_met: |value| value >= 0.7,
        },
        Target {
            figure: "one `poll` of 10,000 erasure jobs: calls",
            target: "≤ 110",
            measured: polled.map(|growth| growth.calls as f64),
            unit: "",
            is_met: |value| value <= 110.0,
        },
    ]
}

fn worst_cpu_ratio(results: &Results) -> Option<f64> {
    let all = Flow::ALL.into_iter().flat_map(|flow| Reuse::ALL.map(|reuse| (flow, reuse)));
    let ratio = |(flow, reuse)| {
        let native = results.served(flow, reuse, "native")?;
        Some(results.served(flow, reuse, "component")?.cpu_ms / native.cpu_ms)
    };
    all.filter_map(ratio).reduce(f64::max)
}

fn requests(report: &mut String, results: &Results) {
    let rows = results.served.iter().map(|served| {
        let native = results.served(served.flow, served.reuse, "native");
        let beside_native = |of: fn(&Served) -> f64| ratio(native.map(|native| of(served) / of(native)));
        [
            format!("{}, {}", served.flow.name(), served.reuse.name()),
            served.client.clone(),
            format!("{:.1}", served.per_second),
            beside_native(|served| served.per_second),
            format!("{:.2}", served.p50_ms),
            format!("{:.2}", served.p99_ms),
            format!("{:.2}", served.cpu_ms),
            beside_native(|served| served.cpu_ms),
            served.calls.to_string(),
        ]
    });
    let head =
        ["request, connection", "client", "per second", "÷ native", "p50 ms", "p99 ms", "cpu ms", "÷ native", "calls"];
    table(report, head, rows);
}

fn streamed(report: &mut String, results: &Results) {
    let download = results.streamed("download");
    let mib = |bytes: Option<u64>| {
        bytes.map_or_else(String::new, |bytes| format!("{:.2}", bytes as f64 / f64::from(1 << 20)))
    };
    let rows = results.streamed.iter().map(|streamed| {
        [
            streamed.client.clone(),
            format!("{:.0}", streamed.mib),
            format!("{:.1}", streamed.mb_per_second),
            ratio(download.map(|download| streamed.mb_per_second / download.mb_per_second)),
            format!("{:.3}", streamed.cpu_s_per_gib),
            mib(streamed.linear_bytes),
            mib(streamed.resident_bytes),
        ]
    });
    table(report, ["client", "MiB", "MB/s", "÷ download", "cpu s per GiB", "linear MiB", "resident MiB"], rows);
}

fn concurrent(report: &mut String, results: &Results) {
    let rows = results.concurrent.iter().map(|concurrent| {
        [
            concurrent.at_once.to_string(),
            concurrent.latency_ms.to_string(),
            concurrent.client.clone(),
            format!("{:.1}", concurrent.per_second),
            format!("{:.2}", concurrent.cpu_ms),
            format!("{:.0}", concurrent.kib_each),
        ]
    });
    table(report, ["concurrent", "latency ms", "client", "per second", "cpu ms", "resident KiB each"], rows);
}

fn growth(report: &mut String, results: &Results) {
    let rows = results.growth.iter().map(|growth| {
        let work = match growth.work {
            Work::Contacts => "access: contacts of the data subject",
            Work::Directories => "access: directories",
            Work::PendingJobs => "poll: erasure jobs",
        };
        [
            work.to_owned(),
            growth.amount.to_string(),
            growth.calls.to_string(),
            format!("{:.2}", growth.ms),
            format!("{:.2}", growth.cpu_ms),
            format!("{:.2}", growth.native_ms),
            ratio(Some(growth.ms / growth.native_ms)),
        ]
    });
    table(report, ["work", "amount", "calls", "ms", "cpu ms", "native ms", "÷ native"], rows);
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"))
}

/// A table, unless it has no rows.
fn table<const N: usize>(report: &mut String, head: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    row(report, head);
    row(report, ["---"; N]);
    rows.for_each(|cells| row(report, cells));
    report.push('\n');
}

fn row<const N: usize>(report: &mut String, cells: [impl Display; N]) {
    report.push('|');
    for cell in cells {
        let _ = write!(report, " {cell} |");
    }
    report.push('\n');
}
