use std::io::Read;
use std::path::Path;
use std::{env, fs, process};

use super::*;

fn served(flow: Flow, by: &str, per_second: f64, cpu_ms: f64) -> Served {
    Served { flow, by: by.to_owned(), times: 100, per_second, p50_ms: 1.0, p99_ms: 2.0, cpu_ms, calls: 9 }
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
    let flows = Flow::ALL.into_iter().flat_map(|flow| {
        [
            served(flow, "native", 100.0, 1.0),
            served(flow, "component", 81.0, 1.4),
            served(flow, "python-client", 10.0, 16.0),
        ]
    });
    let growth = |work, amount, calls| Growth { work, amount, calls, ms: 3.0 };
    let crowd = |at_once, latency_ms| Crowd { at_once, latency_ms, per_second: 50.0, cpu_ms: 1.0, kib_each: 300.0 };
    Results {
        machine: Machine { processor: "Abacus 9".into(), cores: 2, memory_mib: 4_096, system: "Linux 1.2".into() },
        date: "2026-01-05 09:00 UTC".into(),
        commit: "0123456789ab".into(),
        load_before: 0.25,
        quick: false,
        component_bytes: 190_000,
        steps: vec![timing("load-from-file", 900.0), timing("configured-instance-pooled", 29.0)],
        footprints: vec![Footprint { instances: 10_000, bytes_each: 60 << 10, mapped_bytes_each: 90 << 10 }],
        served: flows.collect(),
        streamed: vec![streamed("download", 1_000.0, None), streamed("component", 710.0, Some(2 << 20))],
        crowds: vec![crowd(1, 0), crowd(10, 0), crowd(1, 50), crowd(10, 50)],
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

#[test]
fn each_bar_is_met_by_what_reaches_it_and_missed_by_what_does_not() {
    let met = judged(&good());
    assert_eq!(met, vec![Some(true); met.len()], "{:#?}", bars(&good()));
    let spoilt: [fn(&mut Results); 9] = [
        |results| results.steps[0].p50_us = 1_001.0,
        |results| results.steps[1].p50_us = 30.1,
        |results| results.footprints[0].bytes_each = (64 << 10) + 1,
        |results| results.served[10].per_second = 79.9,
        |results| results.served[7].cpu_ms = 1.51,
        |results| results.served[5].cpu_ms = 13.9,
        |results| results.streamed[1].moments[1].linear_bytes = Some((2 << 20) + 1),
        |results| results.streamed[1].mb_per_second = 699.0,
        |results| results.growth[4].calls = 22,
    ];
    assert_eq!(spoilt.len(), met.len());
    for (place, spoil) in spoilt.into_iter().enumerate() {
        let mut results = good();
        spoil(&mut results);
        let missed = judged(&results);
        for (other, met) in missed.into_iter().enumerate() {
            assert_eq!(met, Some(other != place), "{:?}", bars(&results)[other]);
        }
    }
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
