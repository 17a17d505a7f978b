//! The scenarios of `host-test/vectors/`, which every host runs alike, through this one.

mod canonical;
mod control;
mod coverage;
mod pattern;
mod scenario;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use host_test::COMPONENT;
use host_test::host::{Host, Options};
use host_test::simulator::Control;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How many scenarios run at once. They wait more than they work.
const AT_ONCE: usize = 8;

/// All scenarios, by name.
fn vectors() -> Vec<(String, Value)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let entries = fs::read_dir(directory).expect("the vectors");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let read = |file: PathBuf| {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).expect("a file");
        (name, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
    };
    files.into_iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_takes_its_course_on_this_host() {
    let control = Control::start(0).await.expect("a free port");
    let plugin = Host::new(Options::default()).expect("a host").load(COMPONENT).expect("the connector");
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for (name, vector) in vectors() {
        let (plugin, room, control) = (plugin.clone(), room.clone(), control.origin().to_owned());
        running.spawn(async move {
            let _place = room.acquire_owned().await.expect("room");
            let ended = scenario::run(&control, &plugin, &vector).await;
            (name, ended)
        });
    }
    let (mut passed, mut failed) = (0, 0);
    while let Some(ended) = running.join_next().await {
        match ended.expect("a scenario panics only where it cannot be read") {
            (name, Ok(())) => {
                passed += 1;
                println!("{name}: passed");
            }
            (name, Err(reason)) => {
                failed += 1;
                println!("{name}: FAILED\n{reason}");
            }
        }
    }
    // Past the harness, which keeps to itself what a test that passes prints.
    let _ = writeln!(io::stdout(), "{passed} scenarios passed on the Rust host");
    assert_eq!(failed, 0, "scenarios failed; they are told above");
    assert!(passed > 0);
}
