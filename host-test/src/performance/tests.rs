use std::io::Read;
use std::path::Path;
use std::{env, fs, process};

use super::*;

fn served(flow: Flow, way: Way, by: &str, per_second: f64, cpu_ms: f64) -> Served {
    Served { flow, way, by: by.to_owned(), times: 100, per_second, p50_ms: 1.0, p99_ms: 2.0, cpu_ms, calls: 9 }
}

fn streamed(by: &str, mb_per_second: f64, linear_bytes: Option<u64>) -> Streamed {
    let moment = |at_s| Moment { at_s, linear_bytes, resident_bytes: 30 << 20 };
    let moments = vec![moment(0.0), moment(1.0)];
    Streamed { by: by.to_owned(), mib: 1024.0, mb_per_second, cpu_s_per_gib: 0.5, moments }
}

fn timing(step: &str, p50_us: f64) -> Timing {
    Timing { step: step.to_owned(), p50_us, p99_us: p50_us * 2.0, times: 1_000 }
}

/// Results that reach everything, though not by much.
fn good() -> Results {
    let both = Way::ALL.into_iter().flat_map(|way| Flow::ALL.map(|flow| (flow, way)));
    let all = both.flat_map(|(flow, way)| {
        // Who keeps a connection has less to do.
        let less = if way == Way::Kept { 0.5 } else { 1.0 };
        let served = |by, per_second, cpu_ms| served(flow, way, by, per_second / less, cpu_ms * less);
        [served("native", 100.0, 1.0), served("component", 81.0, 1.4), served("python-client", 10.0, 16.0)]
    });
    let growth = |work, amount, calls| Growth { work, amount, calls, ms: 3.0, native_ms: 2.0 };
    let crowd = |by: &str, at_once, latency_ms, per_second| {
        let by = by.to_owned();
        Crowd { by, at_once, latency_ms, per_second, cpu_ms: 1.0, kib_each: 300.0 }
    };
    Results {
        machine: Machine { processor: "Abacus 9".into(), cores: 2, memory_mib: 4_096, system: "Linux 1.2".into() },
        date: "2026-01-05 09:00 UTC".into(),
        commit: "0123456789ab".into(),
        load_before: 0.25,
        quick: false,
        component_bytes: 190_000,
        steps: vec![timing("load-from-file", 900.0), timing("configured-instance-pooled", 29.0)],
        footprints: vec![Footprint { instances: 10_000, bytes_each: 60 << 10, mapped_bytes_each: 90 << 10 }],
        served: all.collect(),
        streamed: vec![streamed("download", 1_000.0, None), streamed("component", 710.0, Some(2 << 20))],
        crowds: vec![
            crowd("native", 1, 0, 60.0),
            crowd("component", 1, 0, 45.0),
            crowd("native", 10, 0, 80.0),
            crowd("component", 10, 0, 70.0),
            crowd("component", 1, 50, 5.0),
        ],
        growth: vec![
            growth(Work::Contacts, 1, 9),
            growth(Work::Contacts, 100, 108),
            growth(Work::Directories, 1, 9),
            growth(Work::PendingJobs, 10, 2),
            growth(Work::PendingJobs, 10_000, 21),
        ],
    }
}

fn judged(results: &Results) -> Vec<Option<bool>> {
    bars(results).into_iter().map(|bar| bar.met).collect()
}

type Spoil = fn(&mut Results);

#[test]
fn each_bar_is_met_by_what_reaches_it_and_missed_by_what_does_not() {
    let met = judged(&good());
    assert_eq!(met, vec![Some(true); met.len()], "{:#?}", bars(&good()));
    let spoilt: [(usize, Spoil); 12] = [
        (0, |results| results.steps[0].p50_us = 1_001.0),
        (1, |results| results.steps[1].p50_us = 30.1),
        (2, |results| results.footprints[0].bytes_each = (64 << 10) + 1),
        (3, |results| found(results, Flow::EraseAndVerify, Way::Fresh, "component").per_second = 79.9),
        (3, |results| found(results, Flow::Access, Way::Kept, "component").per_second = 159.8),
        (4, |results| found(results, Flow::Erase, Way::Fresh, "component").cpu_ms = 1.51),
        (4, |results| found(results, Flow::Preview, Way::Kept, "component").cpu_ms = 0.76),
        (5, |results| found(results, Flow::Preview, Way::Fresh, "python-client").cpu_ms = 13.9),
        (5, |results| found(results, Flow::Erase, Way::Kept, "python-client").cpu_ms = 6.9),
        (6, |results| results.streamed[1].moments[1].linear_bytes = Some((2 << 20) + 1)),
        (7, |results| results.streamed[1].mb_per_second = 699.0),
        (8, |results| results.growth[4].calls = 22),
    ];
    assert!((0..met.len()).all(|place| spoilt.iter().any(|(spoils, _)| *spoils == place)));
    for (place, spoil) in spoilt {
        let mut results = good();
        spoil(&mut results);
        let missed = judged(&results);
        for (other, met) in missed.into_iter().enumerate() {
            assert_eq!(met, Some(other != place), "{:?}", bars(&results)[other]);
        }
    }
}

fn found<'r>(results: &'r mut Results, flow: Flow, way: Way, by: &str) -> &'r mut Served {
    let mut all = results.served.iter_mut();
    all.find(|served| (served.flow, served.way, served.by.as_str()) == (flow, way, by)).expect("a row")
}

#[test]
fn what_was_not_measured_is_neither_met_nor_missed() {
    assert!(judged(&Results::default()).into_iter().all(|met| met.is_none()));
    let mut small = good();
    small.footprints[0].instances = 1_000;
    small.growth.truncate(4);
    assert_eq!(judged(&small).into_iter().filter(Option::is_none).count(), 2, "fewer are not ten thousand");
}

#[test]
fn the_page_says_where_when_and_of_what_and_shows_every_picture() {
    let directory = env::temp_dir().join(format!("qualtrics-page-{}", process::id()));
    draw(&good(), &directory).expect("a page");
    let page = fs::read_to_string(directory.join("README.md")).expect("a page");
    for said in ["Abacus 9", "2026-01-05 09:00 UTC", "0123456789ab", "190,000 bytes", "| yes |", "Python client"] {
        assert!(page.contains(said), "{said} stands in {page}");
    }
    let rows = [
        "| access | component | 81.0 | 0.81 | 1.00 ms | 2.00 ms | 1.40 ms | 1.40 | 9 |",
        "| access | component | 162.0 | 0.81 | 1.00 ms | 2.00 ms | 0.70 ms | 1.40 | 9 |",
        "| 10 | 0 ms | 70.0 | 80.0 | 0.88 | 1.00 ms | 1.00 | 1.00 | 300 KiB | 300 | 1.00 |",
        "| 1 | 50 ms | 5.0 |  |  | 1.00 ms |  |  | 300 KiB |  |  |",
        "| access: contacts of the person | 100 | 108 | 3.00 ms | 2.00 ms | 1.50 |",
    ];
    for row in rows {
        assert!(page.contains(row), "{row} stands in {page}");
    }
    assert!(!page.contains("cut short") && !page.contains("**no**") && !page.contains("was busy"));
    assert_eq!(Results::read(&directory.join("results.json")).expect("results"), good());
    let mut pictures = 0;
    for name in page.lines().filter_map(|line| line.strip_prefix("![")?.split_once("](")?.1.strip_suffix(".svg)")) {
        pictures += 1;
        let svg = fs::read_to_string(directory.join(format!("{name}.svg"))).expect("a picture");
        assert!(svg.contains("<svg") && svg.contains("</text>"), "{name}");
        assert!(is_drawn(&directory.join(format!("{name}.png"))), "{name}");
    }
    assert_eq!(pictures, 7);
    fs::remove_dir_all(&directory).expect("it goes");

    let cut_short = Results { quick: true, load_before: 1.5, ..Results::default() };
    draw(&cut_short, &directory).expect("a page of nothing");
    let page = fs::read_to_string(directory.join("README.md")).expect("a page");
    assert!(page.contains("cut short") && page.contains("was busy"), "{page}");
    fs::remove_dir_all(&directory).expect("it goes");
}

/// Whether a PNG is one, and shows more than its ground.
fn is_drawn(path: &Path) -> bool {
    let file = fs::read(path).expect("a picture");
    let mut rest = file.strip_prefix(b"\x89PNG\r\n\x1a\n").expect("a PNG");
    let (mut size, mut points) = ((0, 0), Vec::new());
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().expect("four bytes")) as usize;
    while !rest.is_empty() {
        let (length, kind) = (number(rest), &rest[4..8]);
        let (data, checksum) = (&rest[8..8 + length], number(&rest[8 + length..]));
        let mut crc = flate2::Crc::new();
        crc.update(&rest[4..8 + length]);
        assert_eq!(crc.sum() as usize, checksum);
        match kind {
            b"IHDR" => size = (number(data), number(&data[4..])),
            b"IDAT" => drop(flate2::read::ZlibDecoder::new(data).read_to_end(&mut points).expect("a whole picture")),
            kind => assert_eq!(kind, b"IEND"),
        }
        rest = &rest[12 + length..];
    }
    assert_eq!(points.len(), size.1 * (1 + 3 * size.0));
    points.chunks_exact(1 + 3 * size.0).flat_map(|row| &row[1..]).filter(|point| **point < 128).count() > 1_000
}

#[test]
fn a_quantile_is_a_value_that_was_measured() {
    let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
    assert_eq!((quantile(&hundred, 0.5), quantile(&hundred, 0.99), quantile(&hundred, 1.0)), (50.0, 99.0, 100.0));
    assert_eq!((quantile(&[7.0], 0.5), quantile(&[7.0], 0.99), quantile(&[], 0.5)), (7.0, 7.0, 0.0));
}

#[test]
fn a_ratio_has_as_many_digits_as_say_something() {
    let written = [0.0042, 0.05, 0.816, 2.68, 1250.2].map(bars::ratio);
    assert_eq!(written, ["0.004", "0.05", "0.82", "2.68", "1250"]);
}
