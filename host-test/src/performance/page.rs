//! The page that explains the measurements.

use std::fmt::{Display, Write};
use std::path::Path;
use std::{fs, io};

use super::bars::{bars, micros, ratio};
use super::chart::{Axis, Chart, Group, Line, number};
use super::results::{Crowd, Flow, Growth, Results, Served, Way, Work};

/// Draws the page and its pictures into a directory, and keeps the results beside them.
///
/// # Errors
/// If they cannot be written.
pub fn draw(results: &Results, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (name, chart) in charts(results) {
        chart.draw(directory, name)?;
    }
    results.write(&directory.join("results.json"))?;
    fs::write(directory.join("README.md"), page(results))
}

const THROUGHPUT: &str = "requests-a-second";
const PROCESSOR: &str = "processor-time";
const STREAM: &str = "stream-memory";
const CROWD: &str = "at-once";
const CROWD_MEMORY: &str = "at-once-memory";
const GROWTH_CALLS: &str = "growth-calls";
const GROWTH_TIME: &str = "growth-time";

fn charts(results: &Results) -> Vec<(&'static str, Chart)> {
    let linear = |name| Axis { name, logarithmic: false };
    let logarithmic = |name| Axis { name, logarithmic: true };
    vec![
        (
            THROUGHPUT,
            Chart::Bars {
                title: "Whole requests a second, one after the other".to_owned(),
                logarithmic: false,
                groups: groups(results, |served| served.per_second),
            },
        ),
        (
            PROCESSOR,
            Chart::Bars {
                title: "Processor time of the client for a whole request, in ms (logarithmic)".to_owned(),
                logarithmic: true,
                groups: groups(results, |served| served.cpu_ms),
            },
        ),
        (
            STREAM,
            Chart::Lines {
                title: "Memory while a long document is read".to_owned(),
                x: linear("seconds"),
                y: linear("MiB"),
                lines: stream(results),
            },
        ),
        (
            CROWD,
            Chart::Lines {
                title: "Access requests a second, many at once".to_owned(),
                x: logarithmic("requests at once"),
                y: logarithmic("requests a second"),
                lines: crowds(results, |crowd| crowd.per_second),
            },
        ),
        (
            CROWD_MEMORY,
            Chart::Lines {
                title: "Resident memory for each request under way".to_owned(),
                x: logarithmic("requests at once"),
                y: linear("KiB"),
                lines: crowds(results, |crowd| crowd.kib_each),
            },
        ),
        (
            GROWTH_CALLS,
            Chart::Lines {
                title: "Calls to Qualtrics, as the work grows".to_owned(),
                x: logarithmic("how much"),
                y: logarithmic("calls"),
                lines: growth(results, "", |growth| growth.calls as f64),
            },
        ),
        (
            GROWTH_TIME,
            Chart::Lines {
                title: "Time, as the work grows".to_owned(),
                x: logarithmic("how much"),
                y: logarithmic("ms"),
                lines: {
                    let mut lines = growth(results, "", |growth| growth.ms);
                    let native = growth(results, "native core, ", |growth| growth.native_ms);
                    lines.extend(native.into_iter().map(|line| Line { dashed: true, ..line }));
                    lines
                },
            },
        ),
    ]
}

/// Kinds of work, as the table calls them, and the pictures.
const WORK: [(Work, &str, &str); 3] = [
    (Work::Contacts, "access: contacts of the person", "contacts of a person"),
    (Work::Directories, "access: directories of the brand", "directories of a brand"),
    (Work::PendingJobs, "one poll: pending erasures", "erasures in one poll"),
];

/// A line for each latency and contestant, over how many there are at once.
fn crowds(results: &Results, of: fn(&Crowd) -> f64) -> Vec<Line> {
    let mut latencies: Vec<u64> = results.crowds.iter().map(|crowd| crowd.latency_ms).collect();
    latencies.sort_unstable();
    latencies.dedup();
    let mut lines = Vec::new();
    for by in ["component", "native"] {
        for (colour, latency) in latencies.iter().enumerate() {
            let these = results.crowds.iter().filter(|crowd| crowd.by == by && crowd.latency_ms == *latency);
            lines.push(Line {
                name: format!("{}, after {latency} ms", name(by)),
                colour,
                dashed: by == "native",
                points: these.map(|crowd| (crowd.at_once as f64, of(crowd))).collect(),
            });
        }
    }
    lines
}

/// A line for each kind of work, over how much of it there is.
fn growth(results: &Results, whose: &str, of: fn(&Growth) -> f64) -> Vec<Line> {
    let line = |(colour, (work, _, name)): (usize, (Work, &str, &str))| Line {
        name: format!("{whose}{name}"),
        colour,
        dashed: false,
        points: results
            .growth
            .iter()
            .filter(|growth| growth.work == work)
            .map(|growth| (growth.amount as f64, of(growth)))
            .collect(),
    };
    WORK.into_iter().enumerate().map(line).collect()
}

fn groups(results: &Results, of: fn(&Served) -> f64) -> Vec<Group> {
    let group = |(flow, way): (Flow, Way)| Group {
        name: format!("{}: {}", flow.name(), instance(way)),
        bars: results
            .served
            .iter()
            .filter(|served| (served.flow, served.way) == (flow, way))
            .map(|served| (name(&served.by).to_owned(), of(served)))
            .collect(),
    };
    Flow::ALL.into_iter().flat_map(|flow| Way::ALL.map(|way| (flow, way))).map(group).collect()
}

/// What a way is called on the page.
fn instance(way: Way) -> &'static str {
    match way {
        Way::Fresh => "an instance for each request",
        Way::Kept => "an instance kept for the connection",
    }
}

fn stream(results: &Results) -> Vec<Line> {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let line = |colour, name, points| Line { name, colour, dashed: false, points };
    let mut lines = Vec::new();
    for streamed in results.streamed.iter().filter(|streamed| !streamed.moments.is_empty()) {
        let resident = streamed.moments.iter().map(|moment| (moment.at_s, mib(moment.resident_bytes)));
        lines.push(line(lines.len(), format!("{}: resident", name(&streamed.by)), resident.collect()));
        let linear = streamed.moments.iter().filter_map(|moment| Some((moment.at_s, mib(moment.linear_bytes?))));
        let linear: Vec<_> = linear.collect();
        if !linear.is_empty() {
            lines.push(line(lines.len(), format!("{}: linear memory", name(&streamed.by)), linear));
        }
    }
    lines
}

/// What a contestant is called on the page.
fn name(by: &str) -> &str {
    match by {
        "component" => "component",
        "native" => "native core",
        "download" => "plain download",
        "python-client" => "Python client",
        "python-host" => "Python host",
        "node-host" => "Node host",
        other => other,
    }
}

fn page(results: &Results) -> String {
    let Results { machine, date, commit, load_before, quick, component_bytes, .. } = results;
    let mut page = format!(
        "# Performance\n\nWhat the sandbox and the connector cost, beside what a user would otherwise pick: figures of one \
         run, side by side on\none machine. Take the ratios; times are this machine's.\n\n\
         | | |\n|---|---|\n\
         | measured | {date} |\n\
         | commit | `{commit}` |\n\
         | machine | {} × {}, {} MiB of memory, {} |\n\
         | component | {} bytes |\n\n",
        machine.cores,
        machine.processor,
        number(machine.memory_mib as f64),
        machine.system,
        number(*component_bytes as f64),
    );
    if *quick {
        page.push_str("**This run was cut short (`--quick`): its figures say little.**\n\n");
    }
    if *load_before > 1.0 {
        let _ = writeln!(
            page,
            "**The machine was busy with other things (a load of {load_before:.1} before it began): its figures are worse than \
             they\nshould be, and ratios are rough.**\n"
        );
    }
    page.push_str(AGAIN);
    page.push_str("## What is to be reached\n\n");
    let judged = bars(results).into_iter().map(|bar| {
        let met = bar.met.map_or("not measured", |met| if met { "yes" } else { "**no**" });
        [bar.what.to_owned(), bar.wanted.to_owned(), bar.reached.unwrap_or_default(), met.to_owned()]
    });
    table(&mut page, ["", "bar", "reached", "met"], judged);
    page.push_str(
        "\nOf whole requests, the worst counts of all kinds, and of both ways to keep a connection. How many calls each flow \
         costs, and in how\nmany waves, is no measurement: tests hold them to exact tables (`host-test/tests/end_to_end/check.rs` \
         and `polling.rs`).\n[What was changed, and what each change brought](changes.md) is written down as well.\n\n",
    );
    start(&mut page, results);
    requests(&mut page, results);
    streaming(&mut page, results);
    many(&mut page, results);
    page
}

const AGAIN: &str = "\
To measure again, on a machine that does nothing else, which takes about five minutes:

```sh
cargo bench --locked --package host-test && cargo run --locked --package host-test -- report
```

`cargo bench --locked --package host-test -- --quick` takes a look in one. The results of a run are in
[`results.json`](results.json). The Python contestants need `python3` with its `venv`, the Node host `node` and `npm`; each is
left out where it cannot be set up.

";

fn start(page: &mut String, results: &Results) {
    page.push_str(
        "## Loading and starting\n\nA host compiles the component once, keeps the machine code, and loads that from then on. \
         An instance is made for a\nconnection or for a single call; *pooled* means that its room was set aside \
         beforehand.\n\n",
    );
    let step = |step: &str| match step {
        "host" => "a host: trusted roots, engine and pool, linker".to_owned(),
        "host-trusted-roots" => "of it, reading the trusted roots".to_owned(),
        "host-engine" => "of it, the engine with its pool".to_owned(),
        "host-linker" => "of it, the linker".to_owned(),
        "compile" => "compiling the component, on all processors".to_owned(),
        "load-from-file" => "loading machine code, mapped from a file".to_owned(),
        "load-from-memory" => "loading machine code that is in memory".to_owned(),
        "instance-on-demand" => "a new instance, on demand".to_owned(),
        "configured-instance-on-demand" => "a new instance, on demand, configured".to_owned(),
        "instance-pooled" => "a new instance, pooled".to_owned(),
        "configured-instance-pooled" => "a new instance, pooled, configured".to_owned(),
        call => format!("`{call}`"),
    };
    let rows = results
        .steps
        .iter()
        .map(|timing| [step(&timing.step), micros(timing.p50_us), micros(timing.p99_us), number(timing.times as f64)]);
    table(page, ["", "p50", "p99", "times"], rows);
    page.push_str(
        "\nWhat each of so many live, configured instances adds to the resident memory of the host, in a process of its own. \
         The first\nfigure is physical memory: a page that instances share counts once (`Pss`). The second is what `VmRSS` \
         shows, where the unchanged\npages of the component's data count for every instance, though there is one copy of \
         them.\n\n",
    );
    let kib = |bytes: u64| format!("{:.1} KiB", bytes as f64 / 1024.0);
    let rows = results.footprints.iter().map(|footprint| {
        [number(footprint.instances as f64), kib(footprint.bytes_each), kib(footprint.mapped_bytes_each)]
    });
    table(page, ["instances", "memory each", "as `VmRSS` counts"], rows);
}

fn requests(page: &mut String, results: &Results) {
    page.push_str(
        "\n## Whole requests\n\nTo the last byte of the last document, one request after the other, against a simulated Qualtrics \
         in another process that answers\nat once and whose jobs end at once. Everybody makes the same calls, which is checked \
         before anything is measured; only the\nplain client leaves out the two that look for a verifying search that somebody has \
         begun already. One of them reads a page of\nQualtrics' list of erasures, which has 100 jobs on it here. Processor time is \
         that of the client's process alone.\n\n\
         - *native core*: the same connector, compiled for this machine, over the same pool of connections;\n\
         - *component*: in the host of this repository;\n\
         - *Python client*: what one would write with `requests`, one call after the other, without any of the connector's \
         checks\n  (`host-test/benches/clients/python_client.py`);\n\
         - *Python host*, *Node host*: the component in the hosts of this repository that platforms copy (`host-test/python`, \
         `host-test/node`),\n  with the file that is made for them: the connector behind its egress guard.\n\n\
         There are two ways. With *an instance for each request* all begin anew: they sign in, and the component is instantiated \
         and\nconfigured; the host in Node starts a thread, too. Sockets of the first three stay open. With *an instance kept for \
         the connection*\none that is configured serves one request after the other, and has its token already, and what it read \
         of the brand's users less\nthan ten minutes ago. A connector that is kept keeps to Qualtrics' limits, 20 erasures a minute, \
         and here it does not wait: its\nclock is moved on by 20 seconds before each request, so that once in a while it signs in \
         again, as it would. The hosts in Python\nand Node go by the machine's clock; theirs is replaced, outside of the \
         measurement, before it would have to wait.\n\n",
    );
    picture(page, THROUGHPUT, "Whole requests a second");
    picture(page, PROCESSOR, "Processor time for a whole request");
    for way in Way::ALL {
        let _ = writeln!(page, "With {}:\n", instance(way));
        let rows = results.served.iter().filter(|served| served.way == way).map(|served| {
            let native = results.served(served.flow, way, "native");
            let beside =
                |of: fn(&Served) -> f64| native.map_or_else(String::new, |native| ratio(of(served) / of(native)));
            [
                served.flow.name().to_owned(),
                name(&served.by).to_owned(),
                format!("{:.1}", served.per_second),
                beside(|served| served.per_second),
                format!("{:.2} ms", served.p50_ms),
                format!("{:.2} ms", served.p99_ms),
                format!("{:.2} ms", served.cpu_ms),
                beside(|served| served.cpu_ms),
                served.calls.to_string(),
            ]
        });
        let head = ["request", "by", "a second", "÷ native", "p50", "p99", "processor", "÷ native", "calls"];
        table(page, head, rows);
        page.push('\n');
    }
}

fn streaming(page: &mut String, results: &Results) {
    page.push_str(
        "## Long documents\n\nThe export of an access request, read to its end in pieces of 64 KiB: 1 GiB, and 64 MiB in the \
         hosts in which bytes cross the\nborder slowly. *Plain download* is one GET through the same pool of connections, \
         whose bytes are dropped as they come. Of three\nrounds, the fastest of each counts. The simulated \
         Qualtrics makes the bytes as it sends them, and is slower than any reader here but\nthose: what the readers cost \
         shows in their processor time.\n\n",
    );
    let download = results.streamed("download").map(|download| download.mb_per_second);
    let rows = results.streamed.iter().map(|streamed| {
        let most =
            |bytes: Option<u64>| bytes.map_or_else(String::new, |bytes| format!("{:.2} MiB", bytes as f64 / 1048576.0));
        [
            name(&streamed.by).to_owned(),
            format!("{} MiB", number(streamed.mib)),
            format!("{:.1}", streamed.mb_per_second),
            download.map_or_else(String::new, |download| ratio(streamed.mb_per_second / download)),
            format!("{:.3} s", streamed.cpu_s_per_gib),
            most(streamed.moments.iter().filter_map(|moment| moment.linear_bytes).max()),
            most(streamed.moments.iter().map(|moment| moment.resident_bytes).max()),
        ]
    });
    let head = ["by", "length", "MB/s", "÷ download", "processor for a GiB", "linear memory", "resident at most"];
    table(page, head, rows);
    page.push('\n');
    picture(page, STREAM, "Memory while a document is read");
}

fn many(page: &mut String, results: &Results) {
    page.push_str(
        "## Many requests at once\n\nAccess requests, each signing in; the simulated Qualtrics shares the machine. The limits of the \
         real one are not kept here: it would\nanswer far fewer.\n\n\
         - *component*: each request on an instance of its own, all on two threads;\n\
         - *native core*: its calls block, so each request under way has a thread of its own; two more look after the sockets of \
         all. The\n  threads are there before anything is measured, as a server's are, and what they take up counts.\n\n",
    );
    picture(page, CROWD, "Requests a second, many at once");
    picture(page, CROWD_MEMORY, "Memory for each request");
    let of_component = results.crowds.iter().filter(|crowd| crowd.by == "component");
    let rows = of_component.map(|component| {
        let native = results.crowd(component.at_once, component.latency_ms, "native");
        let beside = |of: fn(&Crowd) -> f64, digits: usize| {
            native.map_or_else(String::new, |native| format!("{:.digits$}", of(native)))
        };
        let divided =
            |of: fn(&Crowd) -> f64| native.map_or_else(String::new, |native| ratio(of(component) / of(native)));
        [
            number(component.at_once as f64),
            format!("{} ms", component.latency_ms),
            format!("{:.1}", component.per_second),
            beside(|crowd| crowd.per_second, 1),
            divided(|crowd| crowd.per_second),
            format!("{:.2} ms", component.cpu_ms),
            beside(|crowd| crowd.cpu_ms, 2),
            divided(|crowd| crowd.cpu_ms),
            format!("{:.0} KiB", component.kib_each),
            beside(|crowd| crowd.kib_each, 0),
            divided(|crowd| crowd.kib_each),
        ]
    });
    let head = [
        "at once",
        "Qualtrics answers after",
        "a second",
        "native",
        "÷ native",
        "processor each",
        "native",
        "÷ native",
        "resident each",
        "native",
        "÷ native",
    ];
    table(page, head, rows);
    page.push_str(
        "\n## How cost grows\n\nAn access request reads each contact, up to 1,000, and searches each directory. One `poll` of many \
         erasures reads pages of\nQualtrics' list, 100 jobs each, and at most 12 of them, since the list may be asked 20 \
         times a minute; the rest of the jobs\nstays pending, and the next `poll` goes on where this one ended. Both make the same \
         calls, in turns; the median of five counts.\n\n",
    );
    picture(page, GROWTH_CALLS, "Calls, as the work grows");
    picture(page, GROWTH_TIME, "Time, as the work grows");
    let rows = results.growth.iter().map(|growth| {
        let of = WORK.iter().find(|(work, ..)| *work == growth.work).map_or("", |(_, name, _)| name);
        [
            of.to_owned(),
            number(growth.amount as f64),
            number(growth.calls as f64),
            format!("{:.2} ms", growth.ms),
            format!("{:.2} ms", growth.native_ms),
            ratio(growth.ms / growth.native_ms),
        ]
    });
    table(page, ["", "how much", "calls", "time", "native", "÷ native"], rows);
}

fn picture(page: &mut String, name: &str, says: &str) {
    let _ = writeln!(page, "![{says}]({name}.svg)\n");
}

fn table<const COLUMNS: usize>(
    page: &mut String,
    head: [&str; COLUMNS],
    rows: impl Iterator<Item = [String; COLUMNS]>,
) {
    fn line(page: &mut String, cells: impl Iterator<Item = impl Display>) {
        page.push('|');
        for cell in cells {
            let _ = write!(page, " {cell} |");
        }
        page.push('\n');
    }
    line(page, head.iter());
    line(page, head.iter().map(|_| "---"));
    rows.for_each(|row| line(page, row.iter()));
}
