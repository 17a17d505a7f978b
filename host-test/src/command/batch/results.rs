//! The results of a batch.

use std::collections::BTreeMap;

use host_test::schedule::{Hold, Item, Schedule, state};
use privacy_host::contract::{Error, ErrorKind};
use privacy_host::follow::End;
use privacy_host::{Entry, Operation};

use super::super::exit::Exit;
use super::super::output::{Batch, Output};
use super::super::print::word;

const COLUMNS: [&str; 10] =
    ["id", "right", "mode", "outcome", "error", "remedy", "documents", "jobs", "finished-at", "findings"];

/// The state of a deletion that waits for a copy of the data.
const HELD: &str = "held";

/// The CSV file of results: a line for each request, in the order of the input, without identifiers.
pub(super) fn csv(schedule: &Schedule, now_s: u64) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(COLUMNS);
    for (index, item) in schedule.items().iter().enumerate() {
        let _ = writer.write_record(line(&item.entry, schedule.hold(index), now_s));
    }
    writer.into_inner().unwrap_or_default()
}

fn line(entry: &Entry, hold: Option<Hold<'_>>, now_s: u64) -> [String; COLUMNS.len()] {
    let mode = match entry.operation() {
        Operation::Deletion(mode) => mode.to_string(),
        Operation::Access | Operation::OptOut => String::new(),
    };
    let (outcome, error, remedy) = match (entry.end().map(|end| &end.result), hold) {
        (Some(Ok(outcome)), _) => (outcome.to_string(), String::new(), String::new()),
        (Some(Err(error)), _) => (String::new(), error.kind.to_string(), remedy(error)),
        (None, Some(hold)) => (String::new(), HELD.to_owned(), hold.remedy()),
        (None, None) => (String::new(), "pending".to_owned(), "run the same command again".to_owned()),
    };
    let directory = entry.directory.as_ref().filter(|_| !outcome.is_empty());
    let directory = directory.map(|directory| directory.display().to_string()).unwrap_or_default();
    let jobs = entry.end().map(|end| end.jobs.join(";")).unwrap_or_default();
    let finished_at = entry.end().map(|end| end.at.min(now_s).to_string()).unwrap_or_default();
    let findings = entry.end().map(|end| end.findings.iter().map(|(source, code)| format!("{source} {code}")));
    let findings = findings.map(|findings| findings.collect::<Vec<_>>().join(";")).unwrap_or_default();
    let (id, right) = (entry.request_id().to_owned(), entry.operation().right().to_string());
    [id, right, mode, outcome, error, remedy, directory, jobs, finished_at, findings]
}

fn remedy(error: &Error) -> String {
    format!("{}: {}", word(&error.remedy), error.message)
}

/// Prints how many requests are in each state, and returns the exit code of the batch.
pub(super) fn summary(schedule: &Schedule, left_out: usize, json: bool) -> Exit {
    let ends: Vec<(String, Exit)> = (0..schedule.items().len()).map(|index| end(schedule, index)).collect();
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for (state, _) in &ends {
        *states.entry(state.clone()).or_default() += 1;
    }
    if json {
        Output::Batch { batch: Batch { requests: ends.len(), states, left_out } }.print();
    } else {
        println!("{} requests", ends.len());
        for (state, count) in states {
            println!("  {state}: {count}");
        }
    }
    let worst = [Exit::Pending, Exit::Error, Exit::OutcomeUnknown, Exit::Failed, Exit::Refused, Exit::Incomplete];
    worst.into_iter().find(|worst| ends.iter().any(|(_, exit)| exit == worst)).unwrap_or(Exit::Done)
}

/// The deletions that an operator has to decide about, each with the reason, as lines of text.
pub(super) fn undecided(schedule: &Schedule) -> Vec<String> {
    let line = |(index, item): (usize, &Item)| match schedule.hold(index)? {
        hold @ Hold::Incomplete(_) => Some(format!("{} was not started: {}", item.entry.request_id(), hold.remedy())),
        Hold::Open(_) => None,
    };
    schedule.items().iter().enumerate().filter_map(line).collect()
}

/// The state of a request, and what it means for the exit code.
fn end(schedule: &Schedule, index: usize) -> (String, Exit) {
    let entry = &schedule.items()[index].entry;
    match (entry.end(), schedule.hold(index)) {
        // Another run alone changes nothing.
        (None, Some(Hold::Incomplete(_))) => (HELD.to_owned(), Exit::Refused),
        (None, Some(Hold::Open(_))) => (HELD.to_owned(), Exit::Pending),
        (None, None) => (state(entry), Exit::Pending),
        (Some(End { result: Ok(outcome), .. }), _) => (state(entry), (*outcome).into()),
        (Some(End { result: Err(error), .. }), _) if error.kind == ErrorKind::OutcomeUnknown => {
            (state(entry), Exit::OutcomeUnknown)
        }
        (Some(End { result: Err(_), .. }), _) => (state(entry), Exit::Error),
    }
}
