//! The results of a batch.

use std::collections::BTreeMap;

use privacy_host::Operation;
use privacy_host::contract::{Error, ErrorKind};
use privacy_host::follow::End;

use super::super::exit::Exit;
use super::super::output::{Batch, Output};
use super::super::print::word;
use super::progress::state;
use super::schedule::{Item, Schedule};

const COLUMNS: [&str; 10] =
    ["id", "right", "mode", "outcome", "error", "remedy", "documents", "jobs", "finished-at", "findings"];

/// The CSV file of results: a line for each request, in the order of the input, without identifiers.
pub(super) fn csv(schedule: &Schedule, now_s: u64) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(COLUMNS);
    for item in schedule.items() {
        let _ = writer.write_record(line(schedule, item, now_s));
    }
    writer.into_inner().unwrap_or_default()
}

fn line(schedule: &Schedule, item: &Item, now_s: u64) -> [String; COLUMNS.len()] {
    let entry = &item.entry;
    let mode = match entry.operation() {
        Operation::Deletion(mode) => mode.to_string(),
        Operation::Access | Operation::OptOut => String::new(),
    };
    let (outcome, error, remedy) = match entry.end().map(|end| &end.result) {
        Some(Ok(outcome)) => (outcome.to_string(), String::new(), String::new()),
        Some(Err(error)) => (String::new(), error.kind.to_string(), remedy(error)),
        None if schedule.is_held(item) => {
            (String::new(), "held".to_owned(), "an access request for the same person has not ended".to_owned())
        }
        None => (String::new(), "pending".to_owned(), "run the same command again".to_owned()),
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
    let items = schedule.items();
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for item in items {
        *states.entry(state(&item.entry)).or_default() += 1;
    }
    if json {
        Output::Batch { batch: Batch { requests: items.len(), states, left_out } }.print();
    } else {
        println!("{} requests", items.len());
        for (state, count) in states {
            println!("  {state}: {count}");
        }
    }
    let worst = [Exit::Pending, Exit::Error, Exit::OutcomeUnknown, Exit::Failed, Exit::Refused, Exit::Incomplete];
    worst.into_iter().find(|exit| items.iter().any(|item| self::exit(item) == *exit)).unwrap_or(Exit::Done)
}

fn exit(item: &Item) -> Exit {
    match item.entry.end() {
        None => Exit::Pending,
        Some(End { result: Ok(outcome), .. }) => (*outcome).into(),
        Some(End { result: Err(error), .. }) if error.kind == ErrorKind::OutcomeUnknown => Exit::OutcomeUnknown,
        Some(End { result: Err(_), .. }) => Exit::Error,
    }
}
